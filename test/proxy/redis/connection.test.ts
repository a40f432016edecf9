import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type OwnRedis, redisObstacle, startOwnRedis } from '../../services/redis.ts';
import {
  Connections,
  get,
  increment,
  otherClient,
  script,
  set,
  trackedPrefix,
} from './connection-fixture.ts';

const name = `${trackedPrefix}{a}`;

describe.skipIf(redisObstacle() !== undefined)('connections to one Redis', () => {
  let redis: OwnRedis;
  let other: Redis;
  let connections: Connections;

  beforeAll(async () => {
    redis = await startOwnRedis();
    other = otherClient(redis.server.port);
  });

  afterAll(async () => {
    other.disconnect();
    await redis.stop();
  });

  beforeEach(async () => {
    await other.flushall();
    connections = new Connections([redis.url]);
    await connections.untilUp();
  });

  afterEach(() => connections.nodes.close());

  test('know the process', async () => {
    const [node] = connections.nodes.all();
    expect(node?.name).toBe(`127.0.0.1:${redis.server.port}`);
    expect(connections.nodes.nodeOf('any name')).toBe(node);
    const others = new Connections([redis.url]);
    await others.untilUp();
    expect(others.node('any name').runId).toBe(node?.runId);
    await others.nodes.close();
  });

  test('run scripts, and hand on what they answer', async () => {
    const step = script("return {ARGV[1], 7, false, {KEYS[1], {}}, redis.call('PING')}");
    expect(await connections.run(step, [name], [Buffer.from([0, 255])])).toEqual([
      ...[Buffer.from([0, 255]), 7, null, [Buffer.from(name), []]],
      Buffer.from('PONG'),
    ]);
  });

  test('run a script again that the process has forgotten', async () => {
    expect(await connections.run(increment, [name])).toBe(1);
    await other.script('FLUSH');
    expect(await connections.run(increment, [name])).toBe(2);
  });

  test('reject what Redis refuses, with its words and without the values', async () => {
    const refused = connections.run(script("return redis.call('LPUSH', KEYS[1])"), [name], ['value']);
    const error: unknown = await refused.catch((reason) => reason);
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toContain('Wrong number of args');
    expect(error).not.toHaveProperty('command');
  });

  test('keep the order of steps that are sent together', async () => {
    const answers = Array.from({ length: 100 }, () => connections.run(increment, [name]));
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  });

  test('announce what others and we write, whatever is in the name', async () => {
    const names = ['{b}plain', '{b}with, commas,', '{b}ümlaut', '{b}'].map((end) => trackedPrefix + end);
    await other.mset(Object.fromEntries(names.map((each) => [each, 'value'])));
    await connections.until(() => connections.touched.length > 0);
    expect(connections.touchedNames().toSorted()).toEqual(names.toSorted());
    await connections.run(set, [name], ['value']);
    await connections.until(() => connections.touchedNames().includes(name));
  });

  test('announce what expires and what is deleted, and nothing outside the prefix', async () => {
    await other.set('elsewhere', 'value');
    await other.set(name, 'value', 'PX', 1);
    await connections.until(() => connections.touched.length === 2);
    await other.set(name, 'value');
    await other.del(name);
    await connections.until(() => connections.touched.length === 4);
    expect(new Set(connections.touchedNames())).toEqual(new Set([name]));
  });

  test('announce that everything is gone', async () => {
    await other.flushall();
    await connections.until(() => connections.touched.length > 0);
    expect(connections.touched).toEqual([undefined]);
  });

  test("do not announce heartbeats, one's own or others'", async () => {
    const second = new Connections([redis.url]);
    await second.untilUp();
    await other.set(name, 'value');
    for (const each of [connections, second]) {
      await each.until(() => each.touched.length > 0);
      expect(each.touched).toEqual([[name]]);
    }
    await second.nodes.close();
  });

  test('leave no names behind', async () => {
    await connections.run(get, [name]);
    expect(await other.keys('*')).toEqual([]);
  });

  test('stay up while Redis is full, and announce what is deleted first', async () => {
    const drop = script("redis.call('DEL', KEYS[1]) return redis.call('SET', KEYS[1], '')");
    await other.config('SET', 'maxmemory', '1');
    try {
      await expect(connections.run(set, [name], ['value'])).rejects.toThrow('OOM');
      await connections.run(drop, [name]);
      await connections.until(() => connections.touched.length > 0);
      const second = new Connections([redis.url]);
      await second.untilUp();
      await second.nodes.close();
    } finally {
      await other.config('SET', 'maxmemory', '0');
    }
    expect(connections.events).toHaveLength(1);
  });

  test.each(['slipstream', 'slipstream-announcements'])('come back after %s was cut', async (connection) => {
    const list = String(await other.client('LIST'));
    const id = new RegExp(`^id=(\\d+) .* name=${connection} `, 'm').exec(list)?.[1] ?? '';
    const runId = connections.node(name).runId;
    await other.client('KILL', 'ID', id);
    await connections.until(() => connections.events.length === 3);
    const address = connections.node(name).name;
    expect(connections.events).toEqual([`up ${address}`, `down ${address}`, `up ${address}`]);
    expect(connections.node(name).runId).toBe(runId);
    await other.set(name, 'value');
    await connections.until(() => connections.touchedNames().includes(name));
  });

  test('do not leave because this process was busy itself', async () => {
    const hasty = new Connections([redis.url], { timeoutMs: 20 });
    await hasty.untilUp();
    for (let round = 0; round < 3; round += 1) {
      // From here the event loop goes on with what is overdue, before it reads what has arrived.
      await new Promise(setImmediate);
      const answers = Array.from({ length: 20 }, () => hasty.run(get, [name]));
      const until = performance.now() + 30;
      while (performance.now() < until);
      const settled = await Promise.allSettled(answers);
      expect(settled.map(({ status }) => status)).toContain('rejected');
    }
    await new Promise(setImmediate);
    expect(hasty.events).toHaveLength(1);
    await hasty.nodes.close();
  });

  test('tell that they are closed, and reject what comes later', async () => {
    const node = connections.node(name);
    await connections.nodes.close();
    expect(connections.events.at(-1)).toBe(`down ${node.name}`);
    await expect(node.run(get, [name], [])).rejects.toThrow(node.name);
  });

  test('use the database of the URL', async () => {
    const third = new Connections([`${redis.url}/3`]);
    await third.untilUp();
    await third.run(set, [name], ['value']);
    expect(await other.info('keyspace')).toContain('db3:keys=1');
    await third.nodes.close();
  });

  test('are not up in a database that is not there', async () => {
    const lost = new Connections([`${redis.url}/16`]);
    await lost.until(() => lost.lines.some((line) => line.includes('DB index is out of range')));
    expect(lost.upNodes()).toEqual([]);
    await lost.nodes.close();
  });

  test('are up only once the server is', async () => {
    const late = await startOwnRedis();
    await late.server.kill();
    const waiting = new Connections([late.url]);
    await waiting.until(() => waiting.lines.length > 0);
    expect(waiting.lines[0]).toContain('ECONNREFUSED');
    expect(waiting.nodes.nodeOf(name)).toBeUndefined();
    await late.server.restart();
    await waiting.untilUp();
    await waiting.nodes.close();
    await late.stop();
  });
});
