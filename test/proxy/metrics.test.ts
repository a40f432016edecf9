import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DynamoDbError, validationError } from '../../protocol/errors.ts';
import { Accelerator, type AcceleratorOptions } from '../../proxy/accelerator.ts';
import type { SharedStats } from '../../proxy/cache/redis/shared-redis.ts';
import { TableCounters } from '../../proxy/cache/table-counters.ts';
import type { FollowerStats } from '../../proxy/follower.ts';
import { CallRecorder, labelledTablesMax } from '../../proxy/metrics/call-recorder.ts';
import { bucketBoundsMs, LatencyHistogram } from '../../proxy/metrics/latency-histogram.ts';
import { Metrics } from '../../proxy/metrics.ts';
import { arn, Fixture, idSchema, itemOf, region } from './accelerator-fixture.ts';
import { type Exposition, readExposition } from './exposition.ts';
import { AcceleratorFleet } from './redis/accelerator-fleet.ts';
import { ManualClock, SimulatedStore } from './simulated-store.ts';

const open = () => new Metrics({ version: '1.2.3', clock: new ManualClock() });

const read = async (metrics: Metrics): Promise<Exposition> => readExposition(await metrics.text());

const shared: SharedStats = {
  hits: 1,
  misses: 2,
  bypasses: { unknownTable: 3, held: 4, owed: 5, fenced: 6, unanswered: 7 },
  fillsRefused: 8,
  drops: 9,
  voids: 10,
  errors: 11,
  owed: 12,
  owedOverflows: 13,
  unanswered: 14,
  proxiesBuried: 15,
};

const followed = { tableId: '1', shards: 1, records: 3, gaps: 1, stalls: 2, lagMs: 5 };
const follower: FollowerStats = {
  tables: [
    { ...followed, tableName: 'a', state: 'following', behindMs: 1_500 },
    { ...followed, tableName: 'b', state: 'elsewhere', behindMs: undefined },
  ] as FollowerStats['tables'],
  refused: 2,
  records: 9,
  gaps: 3,
  stalls: 4,
};

/** Everything that can be watched. */
const disk = {
  parts: { log: 1_000, state: 2_000, history: 300, backups: 40 },
  history: [
    { region: 'us-east-1', tableName: 'items', bytes: 100 },
    { region: 'eu-central-1', tableName: 'items', bytes: 200 },
  ],
};

function openAll(fixture = new Fixture()) {
  const metrics = open();
  metrics.observeStore(fixture.store);
  metrics.watchCache(fixture.accelerator);
  metrics.watchShared({ stats: () => shared, isUp: () => true });
  metrics.watchFollower(() => follower);
  metrics.watchDisk(() => disk);
  return metrics;
}

describe('a histogram of latencies', () => {
  test('counts each call in the first bucket that it fits', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 100_000, noNaN: true })), (calls) => {
        const histogram = new LatencyHistogram();
        for (const ms of calls) histogram.record(ms);
        for (const [bucket, count] of histogram.counts.entries()) {
          const [above, upTo] = [bucketBoundsMs[bucket - 1] ?? -1, bucketBoundsMs[bucket] ?? Infinity];
          expect(count).toBe(calls.filter((ms) => ms > above && ms <= upTo).length);
        }
        expect(histogram.count).toBe(calls.length);
      }),
    );
  });

  test('tells quantiles by the bounds of its buckets', () => {
    const histogram = new LatencyHistogram();
    expect(histogram.quantileMs(0.99)).toBe(0);
    for (let i = 0; i < 99; i++) histogram.record(0.002);
    histogram.record(99_000);
    expect(histogram.quantileMs(0.5)).toBe(0.0025);
    expect(histogram.quantileMs(0.99)).toBe(0.0025);
    expect(histogram.quantileMs(1)).toBe(Infinity);
  });
});

describe('labels are bounded', () => {
  const tablesOf = (recorder: CallRecorder) => new Set([...recorder.latencies()].map(({ table }) => table));

  test('beyond so many tables all others are one', () => {
    const recorder = new CallRecorder();
    for (let i = 0; i < 3 * labelledTablesMax; i++) recorder.succeeded('GetItem', `table${i}`, 'hit', 1);
    const tables = tablesOf(recorder);
    expect(tables.size).toBe(labelledTablesMax + 1);
    const [rest] = [...recorder.latencies()].filter(({ table }) => table === 'other');
    expect(rest?.histogram.count).toBe(2 * labelledTablesMax);
  });

  test('a name that no call succeeded with has no series of its own', () => {
    const recorder = new CallRecorder();
    for (let i = 0; i < 1_000; i++)
      recorder.failed('GetItem', `made-up-${i}`, 'miss', 1, validationError('no'));
    expect(tablesOf(recorder)).toEqual(new Set(['other']));
    recorder.succeeded('GetItem', 'real', 'hit', 1);
    recorder.failed('GetItem', 'real', 'miss', 1, validationError('no'));
    expect(tablesOf(recorder)).toEqual(new Set(['other', 'real']));
  });

  test('a call without a table has its place, whether it succeeds or not', async () => {
    const metrics = open();
    const fixture = new Fixture({ answers: 'held' });
    const store = metrics.observeStore(fixture.store);
    for (const end of ['fail', 'answer'] as const) {
      const call = Promise.resolve(store.call({ operation: 'ListTables', input: {}, region })).catch(
        () => {},
      );
      const [held] = fixture.store.held;
      held?.execute();
      held?.[end](new Error('gone'));
      await call;
    }
    const text = await read(metrics);
    const operation = 'ListTables';
    expect(text.value('slipstream_store_request_duration_seconds_count', { operation })).toBe(2);
    expect(text.value('slipstream_store_errors_total', { operation, code: 'InternalServerError' })).toBe(1);
  });

  test('an ARN counts as its table, however many there are', () => {
    const recorder = new CallRecorder();
    for (let i = 0; i < 5_000; i++) {
      recorder.succeeded('GetItem', `arn:aws:dynamodb:r${i}:000000000000:table/items`, 'hit', 1);
    }
    recorder.succeeded('GetItem', 'items', 'hit', 1);
    const series = [...recorder.latencies()];
    expect(series.map(({ table, histogram }) => [table, histogram.count])).toEqual([['items', 5_001]]);
  });

  test('operations that do not exist are one, and so are codes beyond a number', () => {
    const recorder = new CallRecorder();
    for (let i = 0; i < 2_000; i++) {
      recorder.failed(`Operation${i}`, '', 'none', 1, new DynamoDbError(`Code${i}`, 'made up', 400));
    }
    expect(new Set([...recorder.latencies()].map(({ operation }) => operation))).toEqual(new Set(['other']));
    const errors = [...recorder.errors()];
    expect(errors.length).toBeLessThanOrEqual(501);
    expect(errors.find(({ code }) => code === 'other')?.count).toBe(1_500);
  });

  test('reads of the cache too', async () => {
    const fixture = new Fixture();
    const metrics = openAll(fixture);
    for (let i = 0; i < labelledTablesMax + 10; i++) {
      fixture.store.createTable(`t${i}`, idSchema);
      await fixture.call('GetItem', { TableName: `t${i}`, Key: { id: { S: 'a' } } });
    }
    const samples = (await read(metrics)).samples('slipstream_cache_reads_total');
    expect(new Set(samples.map(({ labels }) => labels.table)).size).toBe(labelledTablesMax + 1);
    const rest = samples.find(
      ({ labels: { table, kind, result } }) => [table, kind, result].join() === 'other,item,miss',
    );
    expect(rest?.value).toBe(10);
  });
});

describe('calls', () => {
  function observed() {
    const metrics = open();
    const store = new SimulatedStore({});
    store.createTable('items', idSchema);
    const accelerator = new Accelerator(metrics.observeStore(store), {
      cacheBytesMax: 1_000_000,
      itemTtlMs: 0,
      tables: {},
      describeMs: 60_000,
      settleMs: 0,
      fenceMs: 10_000,
      clock: new ManualClock(),
    });
    metrics.watchCache(accelerator);
    return { metrics, store, settings: accelerator.settings, backend: metrics.observe(accelerator) };
  }

  test('are a hit where the store was not asked, else a miss, and none where the cache has no part', async () => {
    const { metrics, backend } = observed();
    const get = (more: object = {}) =>
      backend.call({
        operation: 'GetItem',
        input: { TableName: 'items', Key: { id: { S: 'a' } }, ...more },
        region,
      });
    await backend.call({
      operation: 'PutItem',
      input: { TableName: 'items', Item: itemOf('z', '1') },
      region,
    });
    await get();
    await get();
    await get();
    await get({ ConsistentRead: true });
    const text = await read(metrics);
    const count = (operation: string, cache: string) =>
      text.value('slipstream_request_duration_seconds_count', { operation, table: 'items', cache });
    expect([count('GetItem', 'hit'), count('GetItem', 'miss'), count('GetItem', 'none')]).toEqual([2, 1, 1]);
    expect(count('PutItem', 'none')).toBe(1);
    expect(text.value('slipstream_store_request_duration_seconds_count', { operation: 'GetItem' })).toBe(2);
  });

  test('are none of the cache where the settings leave table or pages out', async () => {
    const { metrics, settings, backend } = observed();
    const scan = () => backend.call({ operation: 'Scan', input: { TableName: arn }, region });
    const get = () =>
      backend.call({ operation: 'GetItem', input: { TableName: arn, Key: { id: { S: 'a' } } }, region });
    for (const change of [{}, { tables: { items: { cache: false } } }, { tables: {}, queryTtlMs: 1_000 }]) {
      settings.change(change);
      await get();
      await scan();
    }
    settings.change({ tables: { items: null } });
    await scan();
    const text = await read(metrics);
    const count = (operation: string, cache: string) =>
      text.value('slipstream_request_duration_seconds_count', { operation, table: 'items', cache });
    expect([count('GetItem', 'miss'), count('GetItem', 'none')]).toEqual([1, 2]);
    expect([count('Scan', 'miss'), count('Scan', 'none')]).toEqual([1, 3]);
  });

  test('that fail are counted by their code, whether they throw or reject', async () => {
    const { metrics, backend } = observed();
    const ask = async (TableName: string) =>
      backend.call({ operation: 'GetItem', input: { TableName }, region });
    await expect(ask('gone')).rejects.toThrow();
    await expect(ask('gone')).rejects.toThrow();
    const failed = (await read(metrics)).samples('slipstream_request_errors_total');
    expect(failed).toEqual([expect.objectContaining({ value: 2 })]);
    expect(failed[0]?.labels.operation).toBe('GetItem');
  });

  test('of a store keep what the store is', () => {
    const announcing = new SimulatedStore({ announces: true });
    expect(open().observeStore(announcing).changes).toBe(announcing.changes);
    expect(open().observeStore(new SimulatedStore({})).changes).toBeUndefined();
  });
});

test('tables beyond those that are counted one by one are counted together', () => {
  const counters = new TableCounters();
  for (let i = 0; i < 10_010; i++) counters.of(`t${i}`).hits++;
  expect([...counters.entries()]).toHaveLength(10_000);
  expect(counters.others.hits).toBe(10);
  expect(counters.sum().hits).toBe(10_010);
});

test('what a fleet counts is exported', async () => {
  const metrics = await read(openAll());
  expect(metrics.value('slipstream_redis_reads_total', { result: 'bypass_unknown_table' })).toBe(3);
  expect(metrics.value('slipstream_redis_owed', {})).toBe(12);
  expect(metrics.value('slipstream_follower_behind_seconds', { table: 'a' })).toBe(1.5);
  expect(metrics.value('slipstream_follower_tables', { state: 'refused' })).toBe(2);
  expect(metrics.value('slipstream_follower_records_total', {})).toBe(9);
  expect(metrics.value('slipstream_follower_gaps_total', {})).toBe(3);
  expect(metrics.value('slipstream_follower_stalls_total', {})).toBe(4);
});

test('what the engine has on its disk is exported', async () => {
  const metrics = await read(openAll());
  expect(metrics.value('slipstream_disk_bytes', { part: 'log' })).toBe(1_000);
  expect(metrics.value('slipstream_disk_bytes', { part: 'backups' })).toBe(40);
  const region = 'eu-central-1';
  expect(metrics.value('slipstream_history_bytes', { region, table: 'items' })).toBe(200);
  expect(openAll().stats()).toMatchObject({ disk });
});

test.each([
  [true, 1],
  [false, 0],
])('whether Redis can be used is told: %s', async (isUp, value) => {
  const metrics = open();
  metrics.watchShared({ stats: () => shared, isUp: () => isUp });
  expect((await read(metrics)).value('slipstream_redis_up', {})).toBe(value);
  expect(metrics.stats()).toMatchObject({ redis: { isUp, hits: 1 } });
});

test('how far the follower is behind is told by plain names, the worst of those that share one', async () => {
  const metrics = open();
  const named = (tableName: string, behindMs: number) => ({
    ...followed,
    tableName,
    state: 'following' as const,
    behindMs,
  });
  const many = Array.from({ length: 40 }, (_, i) => named(`t${i}`, i * 1_000));
  const tables = [named(arn, 3_000), named('items', 2_000), ...many];
  metrics.watchFollower(() => ({ ...follower, tables }));
  const exposition = await read(metrics);
  const behind = (table: string) => exposition.value('slipstream_follower_behind_seconds', { table });
  expect(behind('items')).toBe(3);
  expect(behind('t23')).toBe(23);
  expect(behind('t24')).toBeUndefined();
  expect(behind('other')).toBe(39);
});

test('the bound of staleness is the lag of the store, the settling after it, and what is not heard of yet', async () => {
  const bound = async (options: Partial<AcceleratorOptions>) => {
    const metrics = openAll(new Fixture({}, { settleMs: 1_000, ...options }));
    return (await read(metrics)).value('slipstream_cache_staleness_bound_seconds', {});
  };
  expect(await bound({})).toBe(1);
  const following = { follow: () => {}, unfollow: () => {}, behindMs: 250, close: async () => {} };
  expect(await bound({ openFollower: () => following })).toBe(1.25);
  const [, proxy] = await AcceleratorFleet.start({ settleMs: 1_000 });
  expect(proxy.accelerator.stalenessBoundMs).toBe(4_000);
});

test('docs/admin.md shows exactly the metrics that there are', async () => {
  const { types } = await read(openAll());
  const ours = [...types].filter(([name]) => name.startsWith('slipstream_'));
  const text = readFileSync(new URL('../../docs/admin.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `(slipstream_\w+)` +\| (\w+) /gm)].map(([, name, type]) => [
    name,
    type,
  ]);
  expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(ours));
});
