import type { Accelerator } from '../../../proxy/accelerator.ts';
import { Masters } from '../../../proxy/cache/redis/masters.ts';
import { Owed } from '../../../proxy/cache/redis/owed.ts';
import { RaisedFence, RedisCache } from '../../../proxy/cache/redis/shared-redis.ts';
import type { SharedChanges, SharedFence, SharedItem, SharedListener } from '../../../proxy/cache/shared.ts';
import type { Mutant as AnyMutant } from '../exploration.ts';
import type { Keyspace } from './keyspace.ts';
import { type Rules, reader, realRules, type Scenario } from './model-scenario.ts';
import { type Answer, twinSteps } from './twin.ts';

/** The protocol without one of its rules, and a scenario in which that is noticed. */
export interface Mutant extends AnyMutant<Scenario, Rules> {
  /** What has to happen, where it is so much at once that it is not found by trying. */
  readonly schedule?: string;
}

const { item, other, query, index } = reader;

const items: Scenario = { proxies: 2, readers: [item(0), item(0), item(1)], writers: [1], doesAtOnce: true };
const indexes: Scenario = { proxies: 2, readers: [index(0), index(0)], writers: [1, 0] };
const queries: Scenario = { proxies: 2, readers: [query(0), query(0)], writers: [1], doesAtOnce: true };

class WithoutVoids extends RedisCache {
  override voidTable(): Promise<boolean> {
    return Promise.resolve(true);
  }
}

export const mutants: readonly Mutant[] = [
  {
    without: 'only a token that stands fills',
    scenario: items,
    rules: withStep('fillItem', (_real, redis, [value = ''], [, bytes = '', lifeMs]) => {
      redis.set(value, bytes, Number(lifeMs));
      return 1;
    }),
  },
  {
    without: 'a fence that met another one puts nothing',
    scenario: { ...items, writers: [0, 1, 1] },
    rules: withStep('lower', lowerUnfenced),
  },
  {
    without: 'lowering a fence drops once more',
    scenario: { ...items, readers: [item(0)], evictions: 2 },
    rules: withStep('lower', (real, redis, keys, args) => {
      const [value = '', token = ''] = keys;
      const before = [redis.get(value), redis.get(token)];
      const answer = real(redis, keys, args);
      for (const [i, name] of [value, token].entries()) {
        const text = before[i];
        if (text !== undefined) redis.set(name, text, 3_600_000);
      }
      return answer;
    }),
  },
  {
    without: 'what another process of Redis kept is not served',
    scenario: { ...items, restarts: 'old' },
    rules: { ...realRules, keepsRunId: true },
  },
  {
    without: 'a void gives a table another version',
    scenario: { ...queries, timeouts: 1 },
    rules: withStep('readRecord', (real, redis, keys, args) => {
      const answer = real(redis, keys, args);
      return Array.isArray(answer) ? ['version', 'version', ...answer.slice(2)] : answer;
    }),
  },
  {
    without: 'a generation is never used again',
    scenario: queries,
    rules: withStep('generation', (real, redis, keys, [stamp = '', , lifeMs = '']) =>
      real(redis, keys, [stamp, `${stamp}always`, lifeMs]),
    ),
  },
  {
    without: 'a writer drops generations',
    scenario: queries,
    rules: withStep('dropGeneration', () => 1),
  },
  {
    without: 'L1 drops items that it is told of',
    scenario: items,
    rules: withListener((listener) => ({ ...listener, item: () => {} })),
  },
  {
    without: 'L1 drops items that it is told of, also while they are read',
    scenario: { proxies: 2, readers: [item(1), item(0)], writers: [1] },
    rules: withListener((listener, accelerator) => ({
      ...listener,
      item: (...subject) => {
        if (accelerator()?.stats().flights === 0) listener.item(...subject);
      },
    })),
  },
  {
    without: 'L1 ends generations that it is told of',
    scenario: queries,
    rules: withListener((listener) => ({ ...listener, generation: () => {} })),
  },
  {
    without: 'L1 drops tables that it is told of',
    scenario: { ...queries, timeouts: 1 },
    rules: withListener((listener) => ({ ...listener, table: () => {} })),
  },
  {
    without: 'L1 is emptied when messages may have been lost',
    scenario: { ...items, breaks: 1 },
    rules: withListener((listener) => ({ ...listener, everything: () => {} })),
  },
  {
    without: 'L1 is not served from while Redis is away',
    scenario: { ...items, breaks: 1 },
    rules: withCache(
      class extends RedisCache {
        override get localUntilMs(): number {
          return Infinity;
        }
      },
      withListener((listener) => ({ ...listener, everything: () => {} })),
    ),
  },
  {
    without: 'what was not answered is not lowered',
    scenario: { ...items, readers: [item(0)], timeouts: 1 },
    rules: withCache(
      class extends RedisCache {
        override abandon(fence: SharedFence): Promise<void> {
          return this.lower(fence, { generations: [], generationsBeside: [], written: undefined });
        }
      },
    ),
    schedule:
      'read 0, write 0, do 1, time out 0, hear 1, do 1, do 0, execute 0, apply late 0, reply 0, do 0, ' +
      'hear 0, hear 1',
  },
  {
    without: 'a write beside another one drops all that either may concern',
    scenario: { ...queries, readers: [index(0), index(0)], writers: [1, 0] },
    rules: withCache(
      class extends RedisCache {
        override lower(fence: SharedFence, changes: SharedChanges): Promise<void> {
          return super.lower(fence, { ...changes, generationsBeside: [] });
        }
      },
    ),
  },
  {
    without: 'the fence of a write stands until the pages are dropped that it has changed',
    scenario: indexes,
    rules: withCache(
      class extends RedisCache {
        override async lower(fence: SharedFence, changes: SharedChanges): Promise<void> {
          const lowered = super.lower(fence, { ...changes, generations: [] });
          await Promise.all([lowered, super.lower(new RaisedFence([], []), changes)]);
        }
      },
    ),
    schedule:
      'read 0, do 0, do 0, do 0, answer 0, answer 0, answer 0, execute 0, reply 0, do 0, answer 0, ' +
      'write 0, do 1, answer 1, execute 0, reply 0, do 1, write 1, do 0, answer 0, execute 0, reply 0, ' +
      'do 0, do 0, do 0, do 0, do 0, do 0, answer 0, answer 0, answer 0, answer 0, answer 0, answer 0, ' +
      'read 1, do 0, do 0, do 0, answer 0, answer 0, answer 0',
  },
  {
    without: 'that is waited for where another master has the pages',
    scenario: { ...indexes, masters: 3 },
    rules: { ...realRules, patch: () => replaceGetter(Masters.prototype, 'areInOrder', true) },
    schedule:
      'read 0, do 0, do 0, answer 0, answer 0, do 2, answer 2, execute 0, reply 0, do 2, answer 2, ' +
      'write 0, do 5, answer 5, execute 0, reply 0, do 5, do 5, do 5, answer 5, answer 5, answer 5, ' +
      'write 1, do 2, answer 2, execute 0, reply 0, do 1, do 1, do 1, answer 1, answer 1, answer 1, ' +
      'do 2, do 2, do 2, answer 2, answer 2, answer 2, read 1, do 0, do 0, answer 0, answer 0, do 2, answer 2',
  },
  {
    without: 'a write is fenced before it is sent, and puts only under its fence',
    scenario: { ...items, writers: [0, 1] },
    rules: withStep(
      'lower',
      lowerUnfenced,
      withStep('raise', () => 1),
    ),
  },
  {
    without: 'every item of a batch is fenced and dropped',
    scenario: { ...items, readers: [other(0), other(0)], writers: [], batchWriters: [1] },
    rules: withCache(
      class extends RedisCache {
        override raise(written: readonly SharedItem[]): Promise<RaisedFence> {
          return super.raise(written.slice(0, 1));
        }
      },
    ),
  },
  {
    without: "a write looks at its table's record once it is done",
    scenario: { ...indexes, readers: [index(0), index(0), index(0)], writers: [1], index: 'added' },
    rules: withStep('checkRecord', () => null),
  },
  {
    without: 'a table that is replaced is void for all',
    scenario: { ...items, readers: [item(0), item(0)], writers: [], replacement: 1 },
    rules: withCache(WithoutVoids),
  },
  {
    without: 'who takes over a stream voids what may not have been told',
    scenario: { ...items, writers: [], writesAround: 1, followerLosses: 1 },
    rules: withCache(WithoutVoids),
  },
  {
    without: 'a drop tells that its item settles',
    scenario: { ...items, lags: true, evictions: 1 },
    rules: withStep('lower', withoutSettling(4)),
    schedule:
      'write 0, do 1, evict 1, execute 0, reply 0, do 1, do 1, read 0, do 0, execute 0, reply 0, do 0, ' +
      'catch up, hear 0, read 2, do 1',
  },
  {
    without: 'what was told of tells that it settles',
    scenario: { ...items, writers: [], writesAround: 1, lags: true },
    rules: withStep('tellItem', withoutSettling(4)),
  },
  {
    without: 'a drop tells that its generation settles',
    scenario: { ...queries, lags: true },
    rules: withStep('dropGeneration', withoutSettling(2)),
  },
  {
    without: 'what is kept under a record that was made anew is young',
    scenario: { ...queries, doesAtOnce: false, flushes: 1, breaks: 1, crashes: 1 },
    rules: withStep('readRecord', (real, redis, keys, args) => {
      const answer = real(redis, keys, args);
      return Array.isArray(answer) ? [...answer.slice(0, -1), 86_400_000] : answer;
    }),
    schedule:
      'break 0, connect 0, write 0, do 1, answer 1, flush 0, read 0, do 0, do 0, do 0, answer 0, do 0, ' +
      'answer 0, answer 0, do 0, do 0, answer 0, answer 0, answer 0, execute 1, reply 1, do 0, answer 0, ' +
      'crash, apply late 0',
  },
  {
    without: 'the tables of a proxy that is gone are void',
    scenario: { ...queries, crashes: 1 },
    rules: withStep('beat', (real, redis, keys, args) => {
      const answer = real(redis, keys, args);
      return Array.isArray(answer) ? [...answer.slice(0, 1), []] : answer;
    }),
  },
  {
    without: 'items that are owed are not used',
    scenario: {
      proxies: 1,
      readers: [item(0), item(0)],
      writers: [0],
      lostSteps: 8,
      losesForGood: true,
      doesAtOnce: true,
    },
    rules: { ...realRules, patch: () => replace(Owed.prototype, 'hasItem', () => false) },
    schedule:
      'read 0, do 0, do 0, execute 0, reply 0, do 0, write 0, lose 0, execute 0, reply 0, lose 0, lose 0, lose 0, lose 0, lose 0, lose 0, do 0, read 1, do 0',
  },
  {
    without: 'pages that are owed are not used',
    scenario: { ...queries, proxies: 1, writers: [0], lostSteps: 4 },
    rules: { ...realRules, patch: () => replace(Owed.prototype, 'hasPage', () => false) },
  },
];

type TwinStep = (typeof twinSteps)[string];

type WeakStep = (real: TwinStep, redis: Keyspace, keys: readonly string[], args: readonly string[]) => Answer;

function withStep(name: string, step: WeakStep, rules: Rules = realRules): Rules {
  const real = twinSteps[name];
  if (real === undefined) throw new Error(`no such step: ${name}`);
  const steps = {
    ...rules.steps,
    [name]: (...[redis, keys, args]: Parameters<TwinStep>) => step(real, redis, keys, args),
  };
  return { ...rules, steps };
}

/** @param others how many keys the step has besides. */
function withoutSettling(others: number): WeakStep {
  return (real, redis, keys, args) => real(redis, keys.slice(0, others), args);
}

function lowerUnfenced(
  real: TwinStep,
  redis: Keyspace,
  keys: readonly string[],
  args: readonly string[],
): Answer {
  const [, , bytes, lifeMs] = args;
  real(redis, keys, args);
  if (bytes !== undefined) redis.set(keys[0] ?? '', bytes, Number(lifeMs));
  return 1;
}

function withListener(
  listener: (listener: SharedListener, accelerator: () => Accelerator | undefined) => SharedListener,
): Rules {
  return { ...realRules, listener };
}

function withCache(cache: typeof RedisCache, rules: Rules = realRules): Rules {
  return { ...rules, cache };
}

/** @returns what undoes it. */
function replaceGetter(of: object, name: string, value: unknown): () => void {
  const real = Object.getOwnPropertyDescriptor(of, name);
  if (real === undefined) throw new Error(`no such getter: ${name}`);
  Object.defineProperty(of, name, { ...real, get: () => value });
  return () => Object.defineProperty(of, name, real);
}

/** @returns what undoes it. */
function replace<Of, Name extends keyof Of>(of: Of, name: Name, by: Of[Name]): () => void {
  const real = of[name];
  of[name] = by;
  return () => {
    of[name] = real;
  };
}
