import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Backend, Request } from '../../../protocol/backend.ts';
import { DynamoDbError } from '../../../protocol/errors.ts';
import { Reply } from '../../../protocol/reply.ts';
import type { Claims } from '../../../proxy/follower/claims.ts';
import { UnansweredError } from '../../../proxy/upstream.ts';
import { FollowerHarness, type HarnessOptions, type Told } from './follower-harness.ts';
import { ClaimedTable, SimulatedClaims } from './simulated-claims.ts';
import type { SimulatedStreams } from './simulated-streams.ts';

/*
 * Random schedules of writes, reshardings, faults, crashes and time: whatever happens, each write is told, or its table is
 * voided after it. The hold that a stall brings would hide much of what can go wrong, so here nothing counts as one.
 */

type Action = (harness: FollowerHarness) => unknown;

const errors: readonly Error[] = [
  new DynamoDbError('LimitExceededException', 'too many'),
  new DynamoDbError('ProvisionedThroughputExceededException', 'too fast'),
  new DynamoDbError('ExpiredIteratorException', 'expired'),
  new DynamoDbError('TrimmedDataAccessException', 'trimmed'),
  new DynamoDbError('ResourceNotFoundException', 'not found'),
  new UnansweredError('InternalServerError', '', 500),
];
const operations = ['DescribeTable', 'DescribeStream', 'GetShardIterator', 'GetRecords'];
const hourMs = 3_600_000;

const id = fc.constantFrom('a', 'b', 'c', 'd', 'e');

const action: fc.Arbitrary<[name: string, Action]> = fc.oneof(
  { weight: 8, arbitrary: id.map((key): [string, Action] => [`put ${key}`, (harness) => harness.put(key)]) },
  { weight: 3, arbitrary: id.map((key): [string, Action] => [`delete ${key}`, (h) => h.delete(key)]) },
  {
    weight: 5,
    arbitrary: fc
      .constantFrom(0, 50, 300, 2_000, 6_000, 30_000)
      .map((ms): [string, Action] => [`pass ${ms}`, ({ time }) => time.pass(ms)]),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.nat(3), fc.constantFrom<1 | 2>(1, 2), fc.boolean())
      .map(([shard, parts, isListed]): [string, Action] => [
        `roll ${shard} into ${parts}${isListed ? '' : ', unlisted'}`,
        ({ store }) => rollNth(store, shard, parts, isListed),
      ]),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(...operations), fc.constantFrom(...errors))
      .map(([operation, error]): [string, Action] => [
        `fail ${operation} with ${error.message}`,
        ({ store }) => store.failures.push({ operation, error }),
      ]),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom<[string, Action]>(
      ['list all', ({ store }) => store.listAll()],
      ['expire', ({ store }) => store.expireIterators()],
      ['refuse', ({ told }) => told.refuse(2)],
      ['hang', ({ store }) => store.hanging.add('GetRecords')],
      ['hang iterators', ({ store }) => store.hanging.add('GetShardIterator')],
      ['answer', ({ store }) => store.answerAll()],
      ['empty', ({ store }) => Object.assign(store, { emptyPages: 3 })],
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom<[string, Action]>(
      ['crash', (harness) => harness.crash()],
      ['sleep 20 minutes', ({ time }) => time.jump(hourMs / 3)],
      ['sleep 25 hours', ({ time, store }) => sleepAndTrim(time, store)],
      ['another stream', ({ store }) => store.enable()],
      ['off', ({ store }) => store.disable()],
    ),
  },
);

const schedule = fc.array(action, { minLength: 5, maxLength: 40 });

function rollNth(store: SimulatedStreams, nth: number, parts: 1 | 2, isListed: boolean): void {
  const open = store.open();
  const shard = open[nth % open.length];
  if (shard !== undefined) store.roll(shard, parts, isListed);
}

/** What is listed late is late by less than that. */
function sleepAndTrim(time: FollowerHarness['time'], store: SimulatedStreams): void {
  store.listAll();
  time.jump(25 * hourMs);
  store.trim();
}

/** @returns what was missed once everything has become quiet. */
async function play(options: HarnessOptions, actions: readonly [string, Action][]): Promise<string[]> {
  const harness = new FollowerHarness({ stallMs: 1e12, ...options });
  try {
    await harness.followed();
    for (const [, act] of actions) await act(harness);
    const { store, told, time } = harness;
    store.failures.length = 0;
    told.refusals = 0;
    if (store.open().length === 0) store.enable();
    store.answerAll();
    store.listAll();
    await time.pass(45_000);
    return harness.stats().state === 'following' ? told.missed() : ['the end'];
  } finally {
    await harness.close();
  }
}

/** Processes that have their claims in common, so that each goes on where the one before ended. */
function fleet(
  change: (claims: Claims, harness: FollowerHarness) => Claims = (claims) => claims,
): HarnessOptions {
  const table = new ClaimedTable();
  return {
    claims: (harness, process) => change(new SimulatedClaims(table, process, harness.time), harness),
  };
}

function check(options: () => HarnessOptions, runs: number, seed?: number) {
  const property = fc.asyncProperty(schedule, async (actions) => {
    const missed = await play(options(), actions);
    if (missed.length > 0) throw new Error(`missed ${missed}`);
  });
  return fc.check(property, {
    numRuns: runs,
    endOnFailure: true,
    ...(seed === undefined ? {} : { seed }),
  });
}

describe('whatever happens, no write is missed', () => {
  const kinds: readonly [string, () => HarnessOptions][] = [
    ['by a fleet that goes on from positions', () => fleet()],
    ['by processes that are alone', () => ({})],
  ];

  test.each(kinds)('%s', async (_name, options) => {
    const result = await check(options, 150);
    expect(result.failed, fc.defaultReportMessage(result) ?? '').toBe(false);
  });
});

describe('a rule that is broken is noticed:', () => {
  const broken: readonly [string, () => HarnessOptions][] = [
    ['the void is forgotten', () => ({ toldThrough: withoutVoids })],
    ['iterators are got after the void', () => ({ between: withLateIterators })],
    ['what cannot be delivered is let go', () => ({ toldThrough: withoutSecondTry })],
    ['new shards are read from their ends', () => ({ between: rewriting(fromTheEnd) })],
    ['iterators are renewed at the end', () => ({ between: rewriting(renewedAtTheEnd) })],
    ['iterators are renewed one too far', () => ({ between: rewriting(renewedTooFar) })],
    ['only the first page of a listing is read', () => ({ between: onlyFirstPage })],
    ['what was trimmed is passed over', () => ({ between: overTrimmed })],
    ['positions are ahead of the delivery', () => fleet(ahead)],
  ];

  test.each(broken)('%s', async (_name, options) => {
    // One run in a few dozen notices each; the seed makes sure of it.
    const result = await check(options, 400, 1);
    expect(result.failed).toBe(true);
  });
});

function withoutVoids(told: Told) {
  return { changed: (change: Parameters<Told['changed']>[0]) => told.changed(change), voidTable: () => true };
}

function withoutSecondTry(told: Told) {
  return {
    changed: (change: Parameters<Told['changed']>[0]) => {
      told.changed(change);
      return true;
    },
    voidTable: (tableId: string, holdMs: number) => told.voidTable(tableId, holdMs),
  };
}

type Rewrite = (input: Request['input']) => Request['input'];

function rewriting(rewrite: Rewrite): (store: SimulatedStreams) => Backend {
  return (store) => ({
    call: (request) =>
      store.call(
        request.operation === 'GetShardIterator' ? { ...request, input: rewrite(request.input) } : request,
      ),
    close: async () => {},
  });
}

function fromTheEnd(input: Request['input']): Request['input'] {
  return input.ShardIteratorType === 'TRIM_HORIZON' ? { ...input, ShardIteratorType: 'LATEST' } : input;
}

function renewedAtTheEnd(input: Request['input']): Request['input'] {
  const { SequenceNumber: number, ...others } = input;
  return number === undefined ? input : { ...others, ShardIteratorType: 'LATEST' };
}

function renewedTooFar(input: Request['input']): Request['input'] {
  const { SequenceNumber: number } = input;
  return typeof number === 'string' ? { ...input, SequenceNumber: String(BigInt(number) + 1n) } : input;
}

/** The shard's end is where it is when the first page is asked for. */
function withLateIterators(store: SimulatedStreams): Backend {
  const late = new Map<string, Request>();
  return {
    call: async (request) => {
      if (request.operation === 'GetShardIterator' && request.input.ShardIteratorType === 'LATEST') {
        const name = `late-${late.size}`;
        late.set(name, request);
        return new Reply({ ShardIterator: name });
      }
      const asked = late.get(String(request.input.ShardIterator));
      if (request.operation !== 'GetRecords' || asked === undefined) return store.call(request);
      const { output } = await store.call(asked);
      return store.call({ ...request, input: output });
    },
    close: async () => {},
  };
}

function onlyFirstPage(store: SimulatedStreams): Backend {
  return {
    call: async (request) => {
      const { output } = await store.call(request);
      if (request.operation !== 'DescribeStream') return new Reply(output);
      const { LastEvaluatedShardId: _last, ...description } = output.StreamDescription as Record<
        string,
        unknown
      >;
      return new Reply({ StreamDescription: description });
    },
    close: async () => {},
  };
}

/** Where records were trimmed, reading goes on with those that are left. */
function overTrimmed(store: SimulatedStreams): Backend {
  let last: Request['input'] = {};
  return {
    call: async (request) => {
      if (request.operation === 'GetShardIterator') last = request.input;
      try {
        return await store.call(request);
      } catch (error) {
        const isTrimmed = error instanceof DynamoDbError && error.code === 'TrimmedDataAccessException';
        if (!isTrimmed || error.message !== 'trimmed') throw error;
        const { SequenceNumber: _number, ...others } = last;
        const input = { ...others, ShardIteratorType: 'TRIM_HORIZON' };
        const { output } = await store.call({ ...request, operation: 'GetShardIterator', input });
        if (request.operation === 'GetShardIterator') return new Reply(output);
        return store.call({ ...request, input: output });
      }
    },
    close: async () => {},
  };
}

function ahead(claims: Claims, { store }: FollowerHarness): Claims {
  return changedPositions(claims, (positions) => ({
    ...positions,
    shards: new Map(
      [...positions.shards].map(([shard, at]) => [shard, /^\d/.test(at) ? store.newest() : at]),
    ),
  }));
}

type Positions = NonNullable<Awaited<ReturnType<Claims['positions']>>>;

function changedPositions(claims: Claims, change: (positions: Positions) => Positions): Claims {
  return {
    claimMs: claims.claimMs,
    claim: (tableId, isSound) => claims.claim(tableId, isSound),
    release: (tableId) => claims.release(tableId),
    store: (tableId, positions) => claims.store(tableId, positions),
    advance: (tableId, shardId, position) => claims.advance(tableId, shardId, position),
    positions: async (tableId) => {
      const positions = await claims.positions(tableId);
      return positions && change(positions);
    },
  };
}
