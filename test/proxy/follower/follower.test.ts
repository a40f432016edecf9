import { afterEach, describe, expect, test } from 'vitest';
import { DynamoDbError } from '../../../protocol/errors.ts';
import { joinKey } from '../../../protocol/key.ts';
import { SoleClaims } from '../../../proxy/follower/claims.ts';
import { UnansweredError } from '../../../proxy/upstream.ts';
import { FollowerHarness, type HarnessOptions, itemsTable } from './follower-harness.ts';
import { ClaimedTable, SimulatedClaims } from './simulated-claims.ts';

let harness: FollowerHarness;

/** A follower that has read the first pages. */
async function followed(options: HarnessOptions = {}): Promise<FollowerHarness> {
  harness = new FollowerHarness(options);
  await harness.followed();
  return harness;
}

afterEach(() => harness.close());

const throttled = new DynamoDbError('ProvisionedThroughputExceededException', 'too fast');

describe('the beginning', () => {
  test('a table is voided once its shards are to be read from their ends', async () => {
    harness = new FollowerHarness();
    harness.put('a');
    await harness.followed();
    const operations = harness.store.calls.map(({ operation }) => operation);
    expect(operations.slice(0, 4)).toEqual([
      'DescribeTable',
      'DescribeStream',
      'GetShardIterator',
      'GetShardIterator',
    ]);
    expect(harness.told.voids).toBe(1);
    expect(harness.told.changes).toEqual([]);
    expect(harness.stats()).toMatchObject({ state: 'following', shards: 2, gaps: 0 });
  });

  test('what fails at first is tried again', async () => {
    harness = new FollowerHarness();
    for (const operation of ['DescribeTable', 'DescribeStream', 'GetShardIterator', 'GetRecords']) {
      harness.store.failures.push({ operation, error: throttled });
      harness.store.failures.push({ operation, error: new UnansweredError('InternalServerError', '', 500) });
    }
    await harness.followed();
    expect(harness.stats().state).toBe('following');
    expect(harness.told.voids).toBe(1);
  });

  test('a table without a stream is told of once, and followed when it has one', async () => {
    harness = new FollowerHarness();
    harness.store.remove();
    harness.follow();
    await harness.time.pass(60_000);
    expect(harness.stats().state).toBe('noStream');
    expect(harness.messages('warn')).toEqual([expect.stringContaining('NEW_AND_OLD_IMAGES')]);
    expect(harness.told.holds).toEqual([]);
    harness.store.enable();
    await harness.time.pass(12_000);
    expect(harness.stats().state).toBe('following');
    expect(harness.told.voids).toBe(1);
  });

  test('many tables are looked at less often, so that the store need not refuse', async () => {
    harness = new FollowerHarness();
    for (let i = 0; i < 100; i++) harness.follower.follow({ ...itemsTable, id: `table ${i}` });
    await harness.time.pass(2_000);
    const before = harness.store.count('DescribeStream');
    await harness.time.pass(40_000);
    expect(harness.store.count('DescribeStream') - before).toBeLessThanOrEqual(40 * 5);
    for (const table of harness.follower.stats().tables) expect(table.state).toBe('following');
  });

  test('beyond the greatest number of tables, one is refused and told of', async () => {
    harness = new FollowerHarness();
    for (let i = 0; i <= 1_000; i++) harness.follower.follow({ ...itemsTable, id: `table ${i}` });
    harness.follower.follow({ ...itemsTable, id: 'table 1000' });
    expect(harness.follower.stats()).toMatchObject({ refused: 1 });
    expect(harness.messages('warn')).toHaveLength(1);
  });
});

describe('changes', () => {
  test('are told within the time of a poll, with both images', async () => {
    const { told, time } = await followed();
    harness.put('a');
    harness.put('a');
    harness.delete('a');
    await time.pass(200);
    const key = joinKey('a', '');
    const [one, two] = [1, 2].map((v) => ({ id: { S: 'a' }, v: { N: String(v) } }));
    expect(told.changes).toEqual([
      { table: itemsTable, key, oldItem: undefined, newItem: one },
      { table: itemsTable, key, oldItem: one, newItem: two },
      { table: itemsTable, key, oldItem: two, newItem: undefined },
    ]);
    expect(harness.stats()).toMatchObject({ records: 3, gaps: 0 });
  });

  test.each([
    ['KEYS_ONLY', 'unknown', 'unknown'],
    ['OLD_IMAGE', undefined, 'unknown'],
    ['NEW_IMAGE', 'unknown', { id: { S: 'a' }, v: { N: '1' } }],
  ] as const)('of a stream of %s have the images that it tells', async (view, oldItem, newItem) => {
    const { told, time } = await followed({ view });
    harness.put('a');
    await time.pass(200);
    expect(told.changes).toMatchObject([{ oldItem, newItem }]);
  });

  test('that cannot be delivered are told again, and hold back what comes after them', async () => {
    const { told, time, store } = await followed();
    harness.put('a');
    told.refusals = 3;
    const before = store.count('GetRecords');
    await time.pass(5_000);
    expect(told.changes).toHaveLength(1);
    expect(store.count('GetRecords')).toBeGreaterThan(before);
    expect(harness.stats().gaps).toBe(0);
  });

  test('of keys that cannot be read void the table', async () => {
    const { told, time, store } = await followed();
    store.writeStrange();
    await time.pass(200);
    expect(told.voids).toBe(2);
  });

  test('are behind by the clock of the store', async () => {
    const { time, store } = await followed();
    store.hanging.add('GetRecords');
    await time.pass(1_000);
    harness.put('a');
    await time.pass(4_000);
    expect(harness.stats().behindMs).toBeGreaterThanOrEqual(4_000);
    store.answerAll();
    await time.pass(500);
    expect(harness.stats().lagMs).toBeGreaterThanOrEqual(4_000);
    expect(harness.stats().behindMs).toBeLessThan(1_500);
  });

  test('let what is cached be behind until following is lost, when nothing is cached', async () => {
    const { time, store, follower } = await followed();
    expect(follower.behindMs).toBeLessThan(1_500);
    store.hanging.add('GetRecords');
    await time.pass(8_000);
    expect(follower.behindMs).toBeGreaterThan(7_000);
    await time.pass(60_000);
    expect(follower.behindMs).toBe(0);
  });

  test('that another process tells may be behind for as long as it may before following is lost', async () => {
    const elsewhere = new SoleClaims();
    elsewhere.claim = async () => 'other';
    const { follower } = await followed({ claims: () => elsewhere });
    expect(harness.stats().state).toBe('standby');
    expect(follower.behindMs).toBe(11_000);
  });
});

describe('shards', () => {
  test('that take the place of others are read from their beginnings, and after them', async () => {
    const { told, time, store } = await followed();
    store.pageSize = 1;
    harness.put('a');
    harness.put('a');
    for (const id of store.open()) store.roll(id, 2, true);
    harness.put('a');
    for (const id of store.open()) store.roll(id, 1, true);
    harness.put('a');
    await time.pass(5_000);
    expect(told.changes.map(({ newItem }) => newItem)).toMatchObject(
      ['1', '2', '3', '4'].map((N) => ({ v: { N } })),
    );
    expect(harness.stats()).toMatchObject({ shards: 4, gaps: 0 });
  });

  test('that are listed late are found, and count as behind until then', async () => {
    const { told, time, store } = await followed();
    for (const id of store.open()) store.roll(id, 1, false);
    harness.put('a');
    await time.pass(4_000);
    expect(told.changes).toEqual([]);
    expect(harness.stats().behindMs).toBeGreaterThan(3_000);
    store.listAll();
    await time.pass(4_000);
    expect(told.missed()).toEqual([]);
    expect(harness.stats()).toMatchObject({ state: 'following', gaps: 0 });
  });

  test('that are listed too late are a stall, which ends with them', async () => {
    const { told, time, store } = await followed();
    for (const id of store.open()) store.roll(id, 1, false);
    await time.pass(13_000);
    expect(harness.stats().state).toBe('stalled');
    expect(told.holds).toHaveLength(1);
    store.listAll();
    await time.pass(12_000);
    expect(harness.stats()).toMatchObject({ state: 'following', gaps: 0 });
  });

  test('with much to tell are read at once, but no more often than AWS allows', async () => {
    const { told, time, store } = await followed();
    await time.pass(1_000);
    for (let i = 0; i < 30; i++) harness.put('a');
    const before = store.count('GetRecords');
    await time.pass(1_000);
    expect(told.changes.length).toBeGreaterThanOrEqual(9);
    await time.pass(2_000);
    expect(told.missed()).toEqual([]);
    expect(store.count('GetRecords') - before).toBeLessThanOrEqual(2 * 5 * 3 + 2);
  });

  test('answer with empty pages in between', async () => {
    const { told, time, store } = await followed();
    store.emptyPages = 2;
    for (let i = 0; i < 10; i++) harness.put('a');
    await time.pass(5_000);
    expect(told.missed()).toEqual([]);
  });
});

describe('failures', () => {
  test('throttling is waited out', async () => {
    const { told, time, store } = await followed();
    for (let i = 0; i < 5; i++) store.failures.push({ operation: 'GetRecords', error: throttled });
    harness.put('a');
    await time.pass(8_000);
    expect(told.missed()).toEqual([]);
    expect(harness.stats()).toMatchObject({ state: 'following', gaps: 0, stalls: 0 });
  });

  test('an expired iterator is renewed from the position', async () => {
    const { told, time, store } = await followed();
    for (const id of ['a', 'b', 'c', 'd']) harness.put(id);
    await time.pass(500);
    store.expireIterators();
    harness.put('a');
    await time.pass(1_000);
    expect(told.missed()).toEqual([]);
    expect(told.voids).toBe(1);
    expect(harness.stats().gaps).toBe(0);
  });

  test('an expired iterator of a shard that told nothing yet is a gap', async () => {
    const { told, time, store } = await followed();
    harness.put('a');
    store.expireIterators();
    await time.pass(5_000);
    expect(told.missed()).toEqual([]);
    expect(harness.stats()).toMatchObject({ state: 'following', gaps: 1 });
    expect(harness.messages('warn')).toHaveLength(1);
  });

  test('trimmed records are a gap', async () => {
    const { told, time, store } = await followed();
    for (const id of ['a', 'b', 'c', 'd']) harness.put(id);
    await time.pass(500);
    store.hanging.add('GetRecords');
    await time.pass(500);
    harness.put('a');
    await time.pass(500);
    store.trim(0);
    store.answerAll();
    await time.pass(3_000);
    expect(told.missed()).toEqual([]);
    expect(harness.stats()).toMatchObject({ state: 'following', gaps: 1 });
  });

  test('a shard that nothing was read of in time is a gap, as its first records may be missing', async () => {
    const { told, time, store } = await followed({ stallMs: 1e12 });
    for (const id of ['a', 'b', 'c', 'd']) harness.put(id);
    await time.pass(500);
    for (const id of store.open()) store.roll(id, 1, true);
    harness.put('a');
    store.hanging.add('GetRecords');
    await time.pass(11_000);
    time.jump(25 * 3_600_000);
    store.trim();
    store.answerAll();
    await time.pass(5_000);
    expect(told.missed()).toEqual([]);
    expect(harness.stats()).toMatchObject({ state: 'following', gaps: 1 });
  });

  test('a stream that is turned off voids the table; another one is followed', async () => {
    const { told, time, store } = await followed();
    harness.put('a');
    store.disable();
    harness.put('a');
    await time.pass(60_000);
    expect(harness.stats().state).toBe('noStream');
    expect(harness.messages('warn')).toHaveLength(1);
    expect(told.holds).toEqual([]);
    expect(told.missed()).toEqual([]);
    store.enable();
    harness.put('a');
    await time.pass(12_000);
    expect(harness.stats().state).toBe('following');
    expect(told.missed()).toEqual([]);
  });
});

describe('a stall', () => {
  test('holds the table until it is followed again, and is told of once', async () => {
    const { told, time, store } = await followed();
    store.hanging.add('GetRecords');
    await time.pass(9_000);
    expect(told.holds).toEqual([]);
    await time.pass(60_000);
    expect(harness.stats()).toMatchObject({ state: 'stalled', stalls: 1 });
    expect(harness.messages('error')).toHaveLength(1);
    // Each hold of 10 s is renewed before its end.
    expect(told.holds.length).toBeGreaterThanOrEqual(9);
    store.answerAll();
    await time.pass(5_000);
    harness.put('a');
    await time.pass(1_000);
    expect(harness.stats().state).toBe('following');
    expect(told.missed()).toEqual([]);
    const holds = told.holds.length;
    await time.pass(30_000);
    expect(told.holds).toHaveLength(holds);
  });

  test('also where the stream cannot be found out', async () => {
    harness = new FollowerHarness();
    harness.store.hanging.add('DescribeTable');
    harness.follow();
    await harness.time.pass(12_000);
    expect(harness.stats().state).toBe('stalled');
    expect(harness.told.holds).toHaveLength(1);
  });

  test('tells the error that it comes from', async () => {
    harness = new FollowerHarness();
    const error = new DynamoDbError(
      'AccessDeniedException',
      'not authorized to perform: dynamodb:GetRecords',
    );
    for (let i = 0; i < 1_000; i++) harness.store.failures.push({ operation: 'GetRecords', error });
    await harness.followed();
    await harness.time.pass(30_000);
    const [line] = harness.lines.filter(({ level }) => level === 'error');
    expect(line?.details).toMatchObject({ table: 'items', err: error });
    expect(harness.stats()).toMatchObject({ state: 'stalled', stalls: 1 });
  });
});

describe('a void that cannot be told', () => {
  test('leaves no positions to whoever goes on where this process ends', async () => {
    const table = new ClaimedTable();
    harness = new FollowerHarness({
      claims: (owner, process) => new SimulatedClaims(table, process, owner.time),
    });
    const { told, time } = harness;
    told.wrote('put before anybody followed');
    told.refusesVoids = true;
    await harness.followed();
    expect(table.positions).toBeUndefined();
    harness.put('a');

    harness.crash();
    told.refusesVoids = false;
    await time.pass(10_000);
    expect(table.positions).toBeDefined();
    expect(told.missed()).toEqual([]);
  });
});

describe('the end', () => {
  test('of a table ends its reading after a while, also of calls under way', async () => {
    const { time, store, follower } = await followed();
    follower.unfollow(itemsTable.id);
    await time.pass(59_000);
    store.hanging.add('GetRecords');
    await time.pass(2_000);
    const calls = store.calls.length;
    store.answerAll();
    await time.pass(20_000);
    expect(store.calls).toHaveLength(calls);
    expect(follower.stats().tables).toEqual([]);
  });

  test('is put off where the table is asked for again', async () => {
    const { time, told, follower } = await followed();
    follower.unfollow(itemsTable.id);
    await time.pass(30_000);
    harness.follow();
    await time.pass(60_000);
    harness.put('a');
    await time.pass(500);
    expect(told.missed()).toEqual([]);
    expect(told.voids).toBe(1);
    follower.unfollow(itemsTable.id);
    await time.pass(61_000);
    expect(follower.stats().tables).toEqual([]);
    await harness.followed();
    expect(harness.stats().state).toBe('following');
    expect(told.voids).toBe(2);
  });

  test('takes nothing from what was counted', async () => {
    const { time, store, follower } = await followed();
    harness.put('a');
    await time.pass(500);
    store.hanging.add('GetRecords');
    await time.pass(15_000);
    store.hanging.clear();
    store.answerAll();
    await time.pass(5_000);
    const counted = follower.stats();
    expect(counted).toMatchObject({ records: 1, stalls: 1 });
    follower.unfollow(itemsTable.id);
    await time.pass(62_000);
    expect(follower.stats()).toMatchObject({ tables: [], records: 1, gaps: counted.gaps, stalls: 1 });
    await harness.followed();
    harness.put('a');
    await time.pass(500);
    expect(follower.stats()).toMatchObject({ records: 2, stalls: 1 });
  });

  test('closes while calls hang', async () => {
    const { time, store, follower } = await followed();
    store.hanging.add('GetRecords');
    await time.pass(500);
    const closed = follower.close();
    await time.pass(0);
    await closed;
    follower.follow(itemsTable);
    expect(follower.stats().tables).toEqual([]);
  });
});
