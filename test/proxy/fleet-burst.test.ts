import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OwnRedis, redisObstacle, startOwnRedis } from '../services/redis.ts';
import { type Door, FleetPrograms, type ProxyProgram } from './fleet-programs.ts';
import { tableInput } from './fleet-tables.ts';

const readers = 1_000;
const tableName = 'Burst';

describe.skipIf(redisObstacle() !== undefined)('a burst of reads of one key', { timeout: 60_000 }, () => {
  let redis: OwnRedis;
  let fleet: FleetPrograms;

  beforeAll(async () => {
    redis = await startOwnRedis();
    fleet = await FleetPrograms.start({
      count: 3,
      redis: [redis.url],
      engineWords: ['--capacity', 'off'],
      proxyWords: ['--settle-ms', '0'],
    });
    await fleet.engine.call('CreateTable', tableInput(tableName, false));
    for (const sort of ['one', 'each', 'hot']) await put(fleet.engine, sort, 0);
    // The table is described, and the connections are there.
    for (const door of doors()) await get(door, 'other');
  });

  afterAll(async () => {
    await fleet.stop();
    await redis.stop();
  });

  const doors = () => fleet.proxies.flatMap(({ door }) => door ?? []);
  const storeReads = async () => {
    const counts = await Promise.all(fleet.proxies.map(storeReadsOf));
    return counts.reduce((sum, count) => sum + count, 0);
  };

  test('costs the store one through one proxy', async () => {
    const before = await storeReads();
    await Promise.all(Array.from({ length: readers }, () => get(doors()[0], 'one')));
    expect((await storeReads()) - before).toBe(1);
  });

  test('costs the store one for each proxy at most through several', async () => {
    const before = await storeReads();
    await Promise.all(Array.from({ length: readers }, (_, i) => get(doors()[i % 3], 'each')));
    const reads = (await storeReads()) - before;
    expect(reads).toBeGreaterThanOrEqual(1);
    expect(reads).toBeLessThanOrEqual(3);
  });

  test('is answered while the key is written all the time', async () => {
    let isOver = false;
    let writes = 0;
    const write = async (door: Door | undefined) => {
      while (!isOver) await put(door, 'hot', ++writes);
    };
    const writing = doors().map(write);
    const before = await storeReads();
    await Promise.all(Array.from({ length: readers }, (_, i) => get(doors()[i % 3], 'hot')));
    const reads = (await storeReads()) - before;
    isOver = true;
    await Promise.all(writing);
    // Each proxy asks again at most once after each write that it has heard of, whoever waits.
    expect(reads).toBeLessThanOrEqual(3 * (writes + 2));
    expect(writes).toBeGreaterThan(3);
  });
});

async function put(door: Door | undefined, sort: string, n: number): Promise<void> {
  const item = { p: { S: 'p' }, s: { S: sort }, n: { N: String(n) } };
  await door?.call('PutItem', { TableName: tableName, Item: item });
}

async function get(door: Door | undefined, sort: string): Promise<void> {
  const output = await door?.call('GetItem', {
    TableName: tableName,
    Key: { p: { S: 'p' }, s: { S: sort } },
  });
  if (sort !== 'other' && output?.Item === undefined) throw new Error('the item was not found');
}

/** How often it has asked the store for an item. */
async function storeReadsOf(proxy: ProxyProgram): Promise<number> {
  const line = /^slipstream_store_request_duration_seconds_count{.*operation="GetItem".*} (\d+)$/gm;
  return [...(await proxy.metrics()).matchAll(line)].reduce((sum, [, count]) => sum + Number(count), 0);
}
