import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type OwnRedis, redisObstacle, startOwnRedis } from '../../services/redis.ts';
import { Connections, get, increment, otherClient, set, trackedPrefix } from './connection-fixture.ts';

const name = `${trackedPrefix}{a}`;

interface Fixtures {
  readonly redis: OwnRedis;
  readonly connections: Connections;
  readonly address: string;
}

const faultTest = test.extend<Fixtures>({
  redis: async ({ task: _task }, use) => {
    const redis = await startOwnRedis();
    await use(redis);
    await redis.stop();
  },
  connections: async ({ redis }, use) => {
    const connections = new Connections([redis.url]);
    await connections.untilUp();
    await use(connections);
    await connections.nodes.close();
  },
  address: ({ redis }, use) => use(`127.0.0.1:${redis.server.port}`),
});

describe.skipIf(redisObstacle() !== undefined).concurrent('a Redis that fails', () => {
  faultTest(
    'is down when it was killed, and up as another process',
    async ({ redis, connections, address }) => {
      const { runId } = connections.node(name);
      await redis.server.kill();
      await connections.until(() => connections.events.includes(`down ${address}`));
      expect(connections.node(name).runId).toBeUndefined();
      await expect(connections.run(get, [name])).rejects.toThrow(address);
      await redis.server.restart();
      await connections.untilUp();
      expect(connections.node(name).runId).not.toBe(runId);
      expect(connections.events).toEqual([`up ${address}`, `down ${address}`, `up ${address}`]);
    },
  );

  faultTest('never gets a step that was sent to the process before it', async ({ redis, connections }) => {
    await redis.server.pause();
    const lost = connections.run(increment, [name]);
    const ended = expect(lost).rejects.toThrow();
    await redis.server.kill();
    await ended;
    await redis.server.restart();
    await connections.untilUp();
    expect(await connections.run(get, [name])).toBeNull();
  });

  faultTest(
    'is down after two silent heartbeats, and up as the same process',
    async ({ redis, connections }) => {
      const { runId } = connections.node(name);
      await redis.server.pause();
      await connections.until(() => connections.events.length === 2);
      await redis.server.resume();
      await connections.untilUp();
      expect(connections.node(name).runId).toBe(runId);
    },
  );

  faultTest('is another one after it was a replica', async ({ redis, connections, address }) => {
    const other = await startOwnRedis('--repl-diskless-sync-delay', '0');
    const client = otherClient(redis.server.port);
    const { runId } = connections.node(name);
    const isReplica = async () => (await client.info('replication')).includes('master_link_status:up');
    await client.replicaof('127.0.0.1', other.server.port);
    while (!(await isReplica())) await delay(20);
    await client.replicaof('NO', 'ONE');
    await connections.until(() => connections.events.includes(`down ${address}`));
    await connections.untilUp();
    expect(connections.node(name).runId).not.toBe(runId);
    client.disconnect();
    await other.stop();
  });

  faultTest('is the same one when a replica comes and goes', async ({ redis, connections }) => {
    const other = await startOwnRedis();
    const client = otherClient(other.server.port);
    const { runId } = connections.node(name);
    const own = otherClient(redis.server.port);
    await own.config('SET', 'repl-diskless-sync-delay', '0');
    const beats = () => connections.node(name).provenUntilMs;
    await client.replicaof('127.0.0.1', redis.server.port);
    while (!(await client.info('replication')).includes('master_link_status:up')) await delay(20);
    const sinceMs = beats();
    while (beats() <= sinceMs + 1_000) await delay(20);
    expect(connections.node(name).runId).toBe(runId);
    own.disconnect();
    client.disconnect();
    await other.stop();
  });

  faultTest('is down sooner where steps wait for it, each no longer than its deadline', async ({ redis }) => {
    const hasty = new Connections([redis.url], { timeoutMs: 100 });
    await hasty.untilUp();
    await redis.server.pause();
    while (hasty.node(name).runId !== undefined) {
      const sentMs = performance.now();
      await expect(hasty.run(get, [name])).rejects.toThrow();
      expect(performance.now() - sentMs).toBeLessThan(2_000);
    }
    expect(hasty.lines.at(-1)).toContain('does not answer in time');
    await redis.server.resume();
    await hasty.untilUp();
    await hasty.nodes.close();
  });

  faultTest(
    'is down where steps are answered and announcements lost, and up once they arrive',
    async ({ redis }) => {
      const forwarder = await Forwarder.start(redis.server.port);
      const distant = new Connections([`redis://127.0.0.1:${forwarder.port}`]);
      await distant.untilUp();
      forwarder.dropAnnouncements();
      expect(await distant.run(increment, [name])).toBe(1);
      await distant.until(() => distant.events.length === 2);
      expect(distant.lines.at(-1)).toContain('announcements do not arrive');
      expect(distant.touched).toEqual([]);
      forwarder.passAll();
      await distant.untilUp();
      await distant.nodes.close();
      forwarder.stop();
    },
  );

  faultTest('is down once it is a replica', async ({ redis, connections }) => {
    const other = otherClient(redis.server.port);
    const master = await startOwnRedis();
    await other.replicaof('127.0.0.1', master.server.port);
    await expect(connections.run(set, [name], ['value'])).rejects.toThrow('READONLY');
    expect(connections.node(name).runId).toBeUndefined();
    const late = new Connections([redis.url]);
    await late.until(() => late.lines.some((line) => line.includes('it is a replica')));
    await other.replicaof('NO', 'ONE');
    for (const each of [connections, late]) await each.untilUp();
    other.disconnect();
    await late.nodes.close();
    await master.stop();
  });

  faultTest('is told to the log once, however long it lasts', async ({ redis, connections, address }) => {
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

describe.skipIf(redisObstacle() !== undefined)('a Redis that is too slow', () => {
  faultTest('is sent no more than can wait for it', async ({ redis }) => {
    const patient = new Connections([redis.url], { timeoutMs: 60_000 });
    await patient.untilUp();
    await redis.server.pause();
    const answers = Array.from({ length: 10_500 }, () => patient.run(increment, [name]));
    const settled = Promise.allSettled(answers);
    await expect(answers.at(-1)).rejects.toThrow('too much waits');
    await redis.server.resume();
    const kept = (await settled).map(({ status }) => status === 'fulfilled').lastIndexOf(true) + 1;
    // A heartbeat may be among those that wait.
    expect(kept).toBeGreaterThan(9_990);
    expect(kept).toBeLessThanOrEqual(10_000);
    await patient.nodes.close();
  });
});

/** A network in front of it that can lose what it announces, and nothing else. */
class Forwarder {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isDropping = false;

  private constructor(server: Server, targetPort: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (near) => this.#forward(near, createConnection(targetPort, '127.0.0.1')));
  }

  static async start(targetPort: number): Promise<Forwarder> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Forwarder(server, targetPort);
  }

  dropAnnouncements(): void {
    this.#isDropping = true;
  }

  passAll(): void {
    this.#isDropping = false;
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #forward(near: Socket, far: Socket): void {
    for (const socket of [near, far]) this.#sockets.add(socket);
    let announces = false;
    near.on('data', (data) => {
      announces ||= data.includes('subscribe');
      far.write(data);
    });
    far.on('data', (data) => {
      if (!announces || !this.#isDropping) near.write(data);
    });
    for (const [socket, peer] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.on('error', () => {});
      socket.on('close', () => peer.destroy());
    }
  }
}
