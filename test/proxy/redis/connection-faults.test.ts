import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type OwnRedis, redisObstacle, startOwnRedis } from '../../services/redis.ts';
import { Connections, get, increment, otherClient, trackedPrefix } from './connection-fixture.ts';

const name = `${trackedPrefix}{a}`;

describe.skipIf(redisObstacle() !== undefined)('a Redis that fails', () => {
  let redis: OwnRedis;
  let connections: Connections;
  let address: string;

  beforeEach(async () => {
    redis = await startOwnRedis();
    address = `127.0.0.1:${redis.server.port}`;
    connections = new Connections([redis.url]);
    await connections.untilUp();
  });

  afterEach(async () => {
    await connections.nodes.close();
    await redis.stop();
  });

  test('is down when it was killed, and up as another process', async () => {
    const { runId } = connections.node(name);
    await redis.server.kill();
    await connections.until(() => connections.events.includes(`down ${address}`));
    expect(connections.node(name).runId).toBeUndefined();
    await expect(connections.run(get, [name])).rejects.toThrow(address);
    await redis.server.restart();
    await connections.untilUp();
    expect(connections.node(name).runId).not.toBe(runId);
    expect(connections.events).toEqual([`up ${address}`, `down ${address}`, `up ${address}`]);
  });

  test('never gets a step that was sent to the process before it', async () => {
    await redis.server.pause();
    const lost = connections.run(increment, [name]);
    const ended = expect(lost).rejects.toThrow();
    await redis.server.kill();
    await ended;
    await redis.server.restart();
    await connections.untilUp();
    expect(await connections.run(get, [name])).toBeNull();
  });

  test('is down after two silent heartbeats, and up as the same process', async () => {
    const { runId } = connections.node(name);
    const since = performance.now();
    await redis.server.pause();
    await connections.until(() => connections.events.length === 2);
    expect(performance.now() - since).toBeLessThan(3_500);
    await redis.server.resume();
    await connections.untilUp();
    expect(connections.node(name).runId).toBe(runId);
  });

  test('is down sooner where steps wait for it, each no longer than its deadline', async () => {
    const since = performance.now();
    await redis.server.pause();
    while (connections.node(name).runId !== undefined) {
      const sentMs = performance.now();
      await expect(connections.run(get, [name])).rejects.toThrow();
      expect(performance.now() - sentMs).toBeLessThan(400);
    }
    expect(performance.now() - since).toBeLessThan(1_900);
    await redis.server.resume();
    await connections.untilUp();
  });

  test('is down once it is a replica', async () => {
    const other = otherClient(redis.server.port);
    const master = await startOwnRedis();
    await other.replicaof('127.0.0.1', master.server.port);
    await connections.until(() => connections.events.length === 2);
    await connections.until(() => connections.lines.some((line) => line.includes('it is a replica')));
    await other.replicaof('NO', 'ONE');
    await connections.untilUp();
    other.disconnect();
    await master.stop();
  });

  test('is told to the log once, however long it lasts', async () => {
    await redis.server.kill();
    await connections.until(() => connections.lines.some((line) => line.includes('ECONNREFUSED')));
    const refused = Array.from({ length: 50 }, () => connections.run(get, [name]));
    for (const answer of refused) await expect(answer).rejects.toThrow(address);
    await redis.server.restart();
    await connections.untilUp();
    const told = connections.lines.map((line) => line.replace(/ \{.*/, ''));
    expect(told).toEqual([
      'Redis is in use',
      'Redis is out of use',
      'Redis cannot be used yet',
      'Redis is in use',
    ]);
  });
});
