import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Election } from '../../../proxy/follower/election.ts';
import { type OwnRedis, redisObstacle, startOwnRedis } from '../../services/redis.ts';
import { Connections, otherClient } from '../redis/connection-fixture.ts';

const tableId = '0b0a5f5e-51c1-4ba9-9f0c-3f3a4f1cdd3e';
const streamArn = 'arn:aws:dynamodb:us-east-1:000000000000:table/items/stream/1';

describe.skipIf(redisObstacle() !== undefined)('the election of a follower', () => {
  let redis: OwnRedis;
  let connections: Connections;
  let raw: Redis;
  let one: Election;
  let other: Election;

  beforeAll(async () => {
    redis = await startOwnRedis();
    connections = new Connections([redis.url]);
    await connections.untilUp();
    raw = otherClient(redis.server.port);
    one = new Election(connections.nodes, 'one');
    other = new Election(connections.nodes, 'other');
  });

  afterEach(() => raw.flushall());

  afterAll(async () => {
    raw.disconnect();
    await connections.nodes.close();
    await redis.stop();
  });

  /** What is left of the lives of the claim and the positions, in ms; negative where there are none. */
  async function lives(): Promise<{ claim: number; positions: number }> {
    const names = await raw.keys('*follower*');
    const positions = await raw.keys('*positions*');
    return { claim: await raw.pttl(names[0] ?? ''), positions: await raw.pttl(positions[0] ?? '') };
  }

  async function expireClaim(): Promise<void> {
    await raw.del(...(await raw.keys('*follower*')));
  }

  test('one has the claim, for as long as it renews it', async () => {
    expect(await one.claim(tableId, false)).toBe('held');
    expect(await other.claim(tableId, false)).toBe('other');
    expect(await one.claim(tableId, false)).toBe('held');
    const { claim } = await lives();
    expect(claim).toBeGreaterThan(4_000);
    expect(claim).toBeLessThanOrEqual(one.claimMs);
    await expireClaim();
    expect(await other.claim(tableId, false)).toBe('held');
    expect(await one.claim(tableId, false)).toBe('other');
  });

  test('each table has its own', async () => {
    expect(await one.claim(tableId, false)).toBe('held');
    expect(await other.claim('another table', false)).toBe('held');
  });

  test('only the one that has it can give it up', async () => {
    await one.claim(tableId, false);
    await other.release(tableId);
    expect(await other.claim(tableId, false)).toBe('other');
    await one.release(tableId);
    expect(await other.claim(tableId, false)).toBe('held');
  });

  test('positions go to whoever comes after', async () => {
    await one.claim(tableId, false);
    expect(await one.positions(tableId)).toBeUndefined();
    await one.store(tableId, { streamArn, shards: new Map([['shard 1', 'LATEST']]) });
    expect(await one.advance(tableId, 'shard 1', '100000000000000000001')).toBe(true);
    expect(await one.advance(tableId, 'shard 2', 'ENDED')).toBe(true);
    await expireClaim();
    await other.claim(tableId, false);
    const shards = new Map([
      ['shard 1', '100000000000000000001'],
      ['shard 2', 'ENDED'],
    ]);
    expect(await other.positions(tableId)).toEqual({ streamArn, shards });
  });

  test('positions of an empty stream are positions', async () => {
    await one.claim(tableId, false);
    await one.store(tableId, { streamArn, shards: new Map() });
    expect(await one.positions(tableId)).toEqual({ streamArn, shards: new Map() });
  });

  test('whoever has lost the claim changes no position', async () => {
    await one.claim(tableId, false);
    await one.store(tableId, { streamArn, shards: new Map([['shard 1', 'LATEST']]) });
    await expireClaim();
    await other.claim(tableId, false);
    expect(await one.advance(tableId, 'shard 1', 'ENDED')).toBe(true);
    await one.store(tableId, undefined);
    expect(await other.positions(tableId)).toEqual({ streamArn, shards: new Map([['shard 1', 'LATEST']]) });
  });

  test('a position is never written alone', async () => {
    await one.claim(tableId, false);
    expect(await one.advance(tableId, 'shard 1', 'ENDED')).toBe(false);
    expect(await one.positions(tableId)).toBeUndefined();
    await one.store(tableId, { streamArn, shards: new Map() });
    await one.store(tableId, undefined);
    expect(await one.positions(tableId)).toBeUndefined();
  });

  test('positions live from the last time that following was sound', async () => {
    await one.claim(tableId, false);
    await one.store(tableId, { streamArn, shards: new Map([['shard 1', 'LATEST']]) });
    const [name = ''] = await raw.keys('*positions*');
    await raw.pexpire(name, 3_000);
    await one.claim(tableId, false);
    await one.advance(tableId, 'shard 1', 'ENDED');
    expect((await lives()).positions).toBeLessThanOrEqual(3_000);
    await one.claim(tableId, true);
    expect((await lives()).positions).toBeGreaterThan(10_000);
  });

  test('many shards are stored', async () => {
    await one.claim(tableId, false);
    const shards = new Map(Array.from({ length: 2_000 }, (_, i) => [`shardId-${i}`, 'TRIM_HORIZON']));
    await one.store(tableId, { streamArn, shards });
    expect((await one.positions(tableId))?.shards.size).toBe(2_000);
  });

  test('without Redis nothing is known, and nothing is thrown', async () => {
    const alone = new Election({ nodeOf: () => undefined });
    expect(await alone.claim(tableId, false)).toBe('unknown');
    expect(await alone.positions(tableId)).toBeUndefined();
    expect(await alone.advance(tableId, 'shard 1', 'ENDED')).toBe(true);
    await alone.store(tableId, undefined);
    await alone.release(tableId);
  });
});
