import type { Accelerator } from '../../../proxy/accelerator.ts';
import { Owed } from '../../../proxy/cache/redis/owed.ts';
import { RedisCache } from '../../../proxy/cache/redis/shared-redis.ts';
import type { SharedChanges, SharedFence, SharedListener } from '../../../proxy/cache/shared.ts';
import type { Keyspace } from './keyspace.ts';
import { type ReaderPlan, type Rules, realRules, type Scenario } from './model-world.ts';
import { type Answer, twinSteps } from './twin.ts';

/** The protocol without one of its rules, and a scenario in which that is noticed. */
export interface Mutant {
  readonly without: string;
  readonly scenario: Scenario;
  readonly rules: Rules;
  /** What has to happen, where it is so much at once that it is not found by trying. */
  readonly schedule?: string;
}

const item = (proxy: number): ReaderPlan => ({ proxy, kind: 'item' });
const query = (proxy: number): ReaderPlan => ({ proxy, kind: 'query' });
const index = (proxy: number): ReaderPlan => ({ proxy, kind: 'index' });

const items: Scenario = { proxies: 2, readers: [item(0), item(0), item(1)], writers: [1], doesAtOnce: true };
const queries: Scenario = { proxies: 2, readers: [query(0), query(0)], writers: [1], doesAtOnce: true };

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
    rules: withStep('lower', (real, redis, keys, args) => {
      const [, , bytes, lifeMs] = args;
      const answer = real(redis, keys, args);
      if (bytes !== undefined) redis.set(keys[0] ?? '', bytes, Number(lifeMs));
      return answer;
    }),
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

function withStep(
  name: string,
  step: (real: TwinStep, redis: Keyspace, keys: readonly string[], args: readonly string[]) => Answer,
): Rules {
  const real = twinSteps[name];
  if (real === undefined) throw new Error(`no such step: ${name}`);
  const steps = {
    ...twinSteps,
    [name]: (...[redis, keys, args]: Parameters<TwinStep>) => step(real, redis, keys, args),
  };
  return { ...realRules, steps };
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
function replace<Of, Name extends keyof Of>(of: Of, name: Name, by: Of[Name]): () => void {
  const real = of[name];
  of[name] = by;
  return () => {
    of[name] = real;
  };
}
