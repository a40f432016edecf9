import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  generationNames,
  itemNames,
  pageName,
  proxiesName,
  recordNames,
  trackedPrefix,
  writtenTablesName,
} from '../../../proxy/cache/redis/names.ts';
import type { Step } from '../../../proxy/cache/redis/node.ts';
import * as steps from '../../../proxy/cache/redis/steps.ts';
import { type OwnRedis, redisObstacle, startOwnRedis } from '../../services/redis.ts';
import type { Content } from './keyspace.ts';
import { SimulatedRedis } from './simulated-redis.ts';

/** Nothing that lasts as long ends during a run; what is shorter ends in the next wait. */
const longMs = 600_000;
const shortMs = 3;
const waitMs = 12;

const items = ['\0\x01a', '\0\x01ab'].map((key) => itemNames('table', key));
const record = recordNames('table');

type Action =
  | {
      readonly kind: 'step';
      readonly step: Step;
      readonly keys: string[];
      readonly args: (string | number)[];
    }
  | { readonly kind: 'wait' | 'flush' | 'fill up' | 'empty' };

const obstacle = redisObstacle();

describe.skipIf(obstacle !== undefined)('the steps', () => {
  let own: OwnRedis;
  let redis: Redis;
  let subscriber: Redis;
  const heard: string[] = [];

  beforeAll(async () => {
    own = await startOwnRedis();
    redis = new Redis(own.url);
    subscriber = new Redis(own.url, { protocol: 2 });
    const id = await subscriber.client('ID');
    await subscriber.subscribe('__redis__:invalidate');
    // An emptied Redis says so by an empty text.
    subscriber.on('message', (_channel, names: string | string[]) => heard.push(...[names].flat()));
    await redis.client('TRACKING', 'ON', 'REDIRECT', id, 'BCAST', 'PREFIX', trackedPrefix);
  });

  afterAll(async () => {
    redis.disconnect();
    subscriber.disconnect();
    await own.stop();
  });

  test('answer, announce and leave in Redis what their twins do', async () => {
    await fc.assert(
      fc.asyncProperty(actions(), async (actions) => {
        expect(await playInRedis(actions)).toEqual(await playInTwin(actions));
      }),
      { numRuns: 200 },
    );
  }, 60_000);

  async function playInRedis(actions: readonly Action[]): Promise<Outcome> {
    await redis.config('SET', 'maxmemory', '0');
    await redis.flushall();
    await settled();
    heard.length = 0;
    const answers: unknown[] = [];
    for (const one of actions) answers.push(await actInRedis(one));
    await redis.config('SET', 'maxmemory', '0');
    const names = (await redis.keys('*')).sort();
    const contents = await Promise.all(names.map(async (name) => [name, await contentOf(name)] as const));
    await settled();
    return {
      answers,
      contents: new Map(contents.filter(([, content]) => content !== null)),
      announcements: heard.filter((name) => name !== syncName),
    };
  }

  async function actInRedis(action: Action): Promise<unknown> {
    switch (action.kind) {
      case 'step': {
        const { step, keys, args } = action;
        const answer = redis.callBuffer('EVAL', step.lua, ...[keys.length, ...keys, ...args].map(String));
        return answer.then(plain, (error: Error) => error.message.slice(0, 'OOM'.length));
      }
      case 'wait':
        return new Promise((resolve) => setTimeout(resolve, waitMs, undefined));
      case 'flush':
        await redis.flushall();
        return undefined;
      default:
        await redis.config('SET', 'maxmemory', action.kind === 'fill up' ? '1' : '0');
        return undefined;
    }
  }

  async function contentOf(name: string): Promise<unknown> {
    const type = await redis.type(name);
    if (type === 'zset') return (await redis.zrange(name, '0', '-1')).sort();
    if (type === 'set') return (await redis.smembers(name)).sort();
    if (type === 'hash') return redis.hgetall(name).then(recordWithoutTimes);
    return (await redis.getBuffer(name))?.toString('latin1') ?? null;
  }

  /** Everything before it was heard. */
  async function settled(): Promise<void> {
    const isHeard = new Promise<void>((resolve) => {
      const listen = (_channel: string, names: string | string[]) => {
        if (![names].flat().includes(syncName)) return;
        subscriber.off('message', listen);
        resolve();
      };
      subscriber.on('message', listen);
    });
    await redis.set(syncName, '', 'PX', 1_000_000);
    await redis.del(syncName);
    await isHeard;
  }
});

const syncName = `${trackedPrefix}sync`;

interface Outcome {
  readonly answers: unknown[];
  readonly contents: Map<string, unknown>;
  readonly announcements: string[];
}

async function playInTwin(actions: readonly Action[]): Promise<Outcome> {
  let nowMs = 1_700_000_000_000;
  const redis = new SimulatedRedis(() => nowMs);
  const [server] = redis.servers;
  if (server === undefined) throw new Error('there is no master');
  const announcements: string[] = [];
  const link = redis.link();
  const nodes = link.open({
    up: () => {},
    down: () => {},
    touched: (_node, names) => announcements.push(...(names ?? [''])),
  });
  link.comeUp();
  const answers: unknown[] = [];
  for (const action of actions) {
    if (action.kind === 'step') {
      const { step, keys, args } = action;
      const answer = nodes.nodeOf(keys[0] ?? '')?.run(step, keys, args);
      answers.push(await answer?.then(plain, (error: Error) => error.message.slice(0, 'OOM'.length)));
      continue;
    }
    if (action.kind === 'wait') nowMs += waitMs;
    else if (action.kind === 'flush') server.flush();
    else server.keyspace.isFull = action.kind === 'fill up';
    answers.push(undefined);
  }
  return { answers, contents: withoutTimes(server.keyspace.contents()), announcements };
}

function withoutTimes(contents: Map<string, Content>): Map<string, unknown> {
  const isRecord = (content: Content): content is Record<string, string> =>
    typeof content === 'object' && !Array.isArray(content);
  return new Map(
    [...contents].map(([name, content]) => [name, isRecord(content) ? recordWithoutTimes(content) : content]),
  );
}

function recordWithoutTimes({ r, v, p, f }: Record<string, string>): unknown {
  return { r, v, p, f };
}

/** What is left of a long time differs by the time that a run takes, as ages do, and the order of sets by its own. */
function plain(answer: unknown): unknown {
  if (Buffer.isBuffer(answer)) return answer.toString('latin1');
  if (typeof answer === 'number') return answer > longMs / 2 && answer <= longMs ? 'long' : answer;
  if (Array.isArray(answer) && answer.length === recordAnswers) return answer.slice(0, -1).map(plain);
  return Array.isArray(answer) ? answer.map(plain).sort() : answer;
}

/** How many there are of a record, the last of which is its age. */
const recordAnswers = 5;

/** What ends soon is followed by a wait, so that it has ended in both. */
function actions(): fc.Arbitrary<Action[]> {
  const alone = fc.constantFrom<Action[]>({ kind: 'wait' }, { kind: 'flush' }, { kind: 'fill up' });
  const about = (step: (lifeMs: number) => fc.Arbitrary<Action>) => {
    const one = fc.oneof(
      { weight: 40, arbitrary: steady(step) },
      { weight: 3, arbitrary: alone.map((action) => [action]) },
      { weight: 2, arbitrary: fc.constant<Action[]>([{ kind: 'empty' }]) },
    );
    return fc.array(one, { maxLength: 30 }).map((parts) => parts.flat());
  };
  return fc.oneof(
    { weight: 4, arbitrary: about(itemStep) },
    { weight: 2, arbitrary: about(recordStep) },
    { weight: 1, arbitrary: about(pageStep) },
    { weight: 1, arbitrary: about(registryStep) },
  );
}

function steady(step: (lifeMs: number) => fc.Arbitrary<Action>): fc.Arbitrary<Action[]> {
  const long = step(longMs).map((action) => [action]);
  const short = step(shortMs).map((action): Action[] => [action, { kind: 'wait' }]);
  return fc.oneof({ weight: 6, arbitrary: long }, { weight: 1, arbitrary: short });
}

function itemStep(lifeMs: number): fc.Arbitrary<Action> {
  const id = fc.constantFrom('a', 'b', 'c', steps.noFence);
  const stamp = fc.constantFrom('run1 v1\n', 'run1 v2\n', 'run2 v1\n');
  const choice = fc.tuple(fc.constantFrom(...items), id, stamp, fc.nat(5), fc.boolean());
  return choice.map(([names, id, stamp, kind, isSettling]): Action => {
    const { value, token, fences, settling, marker } = names;
    const mark = isSettling ? [settling] : [];
    const all = [value, token, fences, marker, ...mark];
    switch (kind) {
      case 0:
        return run(steps.readItemStep, [value, token, fences, ...mark], [stamp, id, lifeMs]);
      case 1:
        return run(steps.fillItemStep, [value, token], [id, `${stamp}\u00fc`, lifeMs]);
      case 2:
        return run(steps.raiseStep, all, [id, lifeMs]);
      case 3:
        return run(steps.lowerStep, all, [id, lifeMs, `${stamp}written`, lifeMs]);
      case 4:
        return run(steps.tellItemStep, all, [stamp, lifeMs]);
      default:
        return run(steps.lowerStep, all, [id, lifeMs]);
    }
  });
}

function recordStep(lifeMs: number): fc.Arbitrary<Action> {
  const process = fc.constantFrom('run1', 'run2');
  const fingerprint = fc.constantFrom('', 'one', 'two');
  const version = fc.constantFrom('v1', 'v2', 'v3');
  const scope = fc.constantFrom('all', 'pages');
  const numbers = fc.tuple(fc.nat(2), fc.constantFrom(0, longMs), fc.constantFrom(0, longMs));
  return fc
    .tuple(process, fingerprint, version, scope, numbers)
    .map(([process, fingerprint, version, scope, [kind, holdMs, ageMs]]): Action => {
      const keys = [record.record, record.marker];
      if (kind === 0) return run(steps.readRecordStep, keys, [process, fingerprint, version, lifeMs, ageMs]);
      if (kind === 1) return run(steps.voidStep, keys, [process, scope, version, holdMs, lifeMs]);
      return run(steps.checkRecordStep, [record.record], [process]);
    });
}

function pageStep(lifeMs: number): fc.Arbitrary<Action> {
  const { id, settling, marker } = generationNames('table', '\xff');
  const page = pageName('table', 'a page');
  return fc
    .tuple(fc.nat(3), fc.constantFrom('run1', 'run2'), fc.constantFrom('x', 'y'), fc.boolean())
    .map(([kind, run1, id1, isSettling]) => {
      const mark = isSettling ? [settling] : [];
      if (kind === 0) return run(steps.readPageStep, [page], []);
      if (kind === 1) return run(steps.fillPageStep, [page], [`${run1}${id1}`, lifeMs]);
      if (kind === 2) return run(steps.generationStep, [id, ...mark], [run1, `${run1}${id1}`, lifeMs]);
      return run(steps.dropGenerationStep, [id, marker, ...mark], [lifeMs]);
    });
}

/** Everybody is dead, or nobody. */
function registryStep(): fc.Arbitrary<Action> {
  const id = fc.constantFrom('p1', 'p2', 'p3');
  return fc.tuple(fc.nat(3), id, fc.constantFrom(longMs, -longMs)).map(([kind, id, deadMs]) => {
    const keys = [proxiesName, writtenTablesName(id)];
    if (kind === 0) return run(steps.beatStep, keys, [id, deadMs]);
    if (kind === 1) return run(steps.registerStep, keys, [id, `table of ${id}`, 'table']);
    if (kind === 2) return run(steps.writtenTablesStep, [writtenTablesName(id)], []);
    return run(steps.unregisterStep, keys, [id, deadMs]);
  });
}

function run(step: Step, keys: string[], args: (string | number)[]): Action {
  return { kind: 'step', step, keys, args };
}
