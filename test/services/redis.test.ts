import { Redis } from 'ioredis';
import { afterAll, describe, expect, test } from 'vitest';
import {
  redisObstacle,
  sharedRedisObstacle,
  startOwnRedis,
  startRedisCluster,
  startSharedRedis,
} from './redis.ts';

describe.skipIf(redisObstacle() !== undefined)('the Redis of the tests', () => {
  const clients: Redis[] = [];
  const connect = (url: string): Redis => {
    const client = new Redis(url);
    client.on('error', () => {});
    clients.push(client);
    return client;
  };
  afterAll(() => {
    for (const client of clients) client.disconnect();
  });

  test('is a new process with the same address after a restart', async () => {
    const redis = await startOwnRedis();
    const pid = redis.server.pid;
    expect(await connect(redis.url).set('name', 'value')).toBe('OK');
    await redis.server.kill();
    await redis.server.restart();
    expect(redis.server.pid).not.toBe(pid);
    expect(await connect(redis.url).get('name')).toBeNull();
    await redis.stop();
  });

  test('answers nothing while it is paused', async () => {
    const redis = await startOwnRedis();
    const client = connect(redis.url);
    await client.ping();
    await redis.server.pause();
    client.options.commandTimeout = 50;
    await expect(client.ping()).rejects.toThrow('timed out');
    delete client.options.commandTimeout;
    await redis.server.resume();
    expect(await client.ping()).toBe('PONG');
    await redis.stop();
  });

  test('is a cluster whose masters share the slots, with replicas that follow them', async () => {
    const cluster = await startRedisCluster(1);
    expect(cluster.nodes).toHaveLength(6);
    const client = connect(cluster.urls[0] ?? '');
    const slots = (await client.cluster('SLOTS')) as [number, number, ...unknown[]][];
    expect(slots.map(([first, last]) => last - first + 1).reduce((sum, count) => sum + count)).toBe(16_384);
    expect(slots.map((range) => range.length)).toEqual([4, 4, 4]);
    await cluster.stop();
  });
});

test.skipIf(sharedRedisObstacle() !== undefined)('a Redis to share answers', async () => {
  const redis = await startSharedRedis();
  const client = new Redis(redis.url);
  expect(await client.ping()).toBe('PONG');
  client.disconnect();
  await redis.stop();
});
