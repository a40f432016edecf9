import * as fc from 'fast-check';
import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { redisObstacle, startOwnRedis, startRedisCluster } from '../../services/redis.ts';
import type { RedisServers } from '../../services/redis-server.ts';
import { Connections, get, increment, otherClient, set, trackedPrefix } from './connection-fixture.ts';

/** Of which three different masters have the slots. */
const tags = ['a', 'b', 'c'];
const names = tags.map((tag) => `${trackedPrefix}{${tag}}`);

describe.skipIf(redisObstacle() !== undefined)('connections to a Redis cluster', { timeout: 60_000 }, () => {
  let cluster: RedisServers;
  let others: Redis[];
  let connections: Connections;

  beforeAll(async () => {
    cluster = await startRedisCluster(1, '--cluster-require-full-coverage', 'no');
    others = cluster.nodes.map(({ port }) => otherClient(port));
  });

  afterAll(async () => {
    for (const other of others) other.disconnect();
    await cluster.stop();
  });

  beforeEach(async () => {
    connections = new Connections(cluster.urls.slice(0, 2));
    await connections.untilUp(3);
  });

  afterEach(() => connections.nodes.close());

  const clientOf = (name: string): Redis => {
    const port = Number(connections.node(name).name.split(':')[1]);
    const index = cluster.nodes.findIndex((node) => node.port === port);
    const client = others[index];
    if (client === undefined) throw new Error(`nobody listens at ${port}`);
    return client;
  };

  test('are one for each master, found through any node', async () => {
    const masters = cluster.nodes.slice(0, 3).map(({ port }) => `127.0.0.1:${port}`);
    for (const urls of [cluster.urls.slice(0, 1), cluster.urls.slice(4)]) {
      const found = new Connections(urls);
      await found.untilUp(3);
      expect(found.nodes.all().map(({ name }) => name)).toEqual(expect.arrayContaining(masters));
      expect(found.nodes.all()).toHaveLength(3);
      await found.nodes.close();
    }
  });

  test('find the master of a name by its hash tag', async () => {
    const ranges = (await others[0]?.cluster('SLOTS')) ?? [];
    const portOf = (slot: number) => ranges.find(([first, last]) => first <= slot && slot <= last)?.[2]?.[1];
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('{', '}', 'a', 'ß', '界') }));
    await fc.assert(
      fc.asyncProperty(text, async (name) => {
        const slot = Number(await others[0]?.cluster('KEYSLOT', name));
        expect(connections.node(name).name).toBe(`127.0.0.1:${portOf(slot)}`);
      }),
      { numRuns: 300 },
    );
  });

  test('run steps and hear announcements of every master', async () => {
    for (const name of names) await connections.run(set, [name], ['value']);
    await connections.until(() => connections.touchedNames().length === 3);
    expect(connections.touchedNames().toSorted()).toEqual(names);
    expect(new Set(names.map((name) => connections.node(name).name)).size).toBe(3);
  });

  test('reject a step whose slot has moved, and find it again', async () => {
    const name = `${trackedPrefix}{moving}`;
    const [from, to] = [
      clientOf(name),
      clientOf(names.find((each) => clientOf(each) !== clientOf(name)) ?? ''),
    ];
    const slot = await from.cluster('KEYSLOT', name);
    const id = await to.cluster('MYID');
    await to.cluster('SETSLOT', slot, 'NODE', id);
    await to.cluster('BUMPEPOCH');
    await from.cluster('SETSLOT', slot, 'NODE', id);
    await expect(connections.run(increment, [name])).rejects.toThrow('MOVED');
    await settled(async () => (await connections.run(increment, [name])) === 1);
    expect(clientOf(name)).toBe(to);
    await connections.until(() => connections.touchedNames().includes(name));
    expect(connections.events).toHaveLength(3);
  });

  test('lose one master alone, and take the one that was promoted in its place', async () => {
    const [name = ''] = names;
    const lost = connections.node(name);
    await connections.run(set, [name], ['value']);
    await clientOf(name).wait(1, 1_000);
    const server = cluster.nodes.find(({ port }) => lost.name.endsWith(`:${port}`));
    await server?.kill();
    await connections.until(() => connections.events.includes(`down ${lost.name}`));
    for (const other of names.slice(1))
      expect(await connections.run(set, [other], ['value'])).toEqual(Buffer.from('OK'));
    await expect(connections.run(get, [name])).rejects.toThrow();
    await connections.untilUp(3);
    expect(connections.node(name)).not.toBe(lost);
    expect(connections.node(name).runId).not.toBe(lost.runId);
    expect(await connections.run(get, [name])).toEqual(Buffer.from('value'));
    expect(connections.nodes.all()).toHaveLength(3);
    await server?.restart();
  });
});

describe.skipIf(redisObstacle() !== undefined)('several URLs', () => {
  test('of servers that are no cluster are refused in the log', async () => {
    const servers = [await startOwnRedis(), await startOwnRedis()];
    const connections = new Connections(servers.map(({ url }) => url));
    await connections.until(() => connections.lines.length > 0);
    expect(connections.lines[0]).toContain('is no node of a cluster');
    expect(connections.nodes.all()).toEqual([]);
    await connections.nodes.close();
    await Promise.all(servers.map((server) => server.stop()));
  });
});

/** Tries until it is so: what it does may be refused for a while. */
async function settled(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await holds().catch(() => false))) {
    if (performance.now() > deadline) throw new Error('it did not come to it');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
