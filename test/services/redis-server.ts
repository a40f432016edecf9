import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { openLauncher, type RedisLauncher, type RedisProcess } from '../../bench/reference/redis-launcher.ts';
import type { RedisSource } from '../../bench/reference/redis-source.ts';

const slotCount = 16_384;
/** Stands for the server's port in the words of its start. */
const portWord = 'PORT';
/** A cluster's masters agree within two seconds. */
const clusterMs = 15_000;
const pollMs = 20;

/** A server that belongs to whoever started it: it may be filled, emptied, paused, killed and started again. */
export class RedisServer {
  readonly port: number;
  /** `redis://127.0.0.1:PORT`, without what the words of its start ask for beyond that. */
  readonly url: string;
  readonly #folder: string;
  readonly #launcher: RedisLauncher;
  readonly #words: readonly string[];
  #process: RedisProcess;

  private constructor(
    port: number,
    folder: string,
    launcher: RedisLauncher,
    words: readonly string[],
    running: RedisProcess,
  ) {
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
    this.#folder = folder;
    this.#launcher = launcher;
    this.#words = words;
    this.#process = running;
  }

  static async start(
    launcher: RedisLauncher,
    port: number,
    folder: string,
    words: readonly string[],
  ): Promise<RedisServer> {
    mkdirSync(folder, { recursive: true });
    const ownWords = words.map((word) => (word === portWord ? `${port}` : word));
    return new RedisServer(port, folder, launcher, ownWords, await launcher.launch(port, folder, ownWords));
  }

  /** Where it works; `dump.rdb` lies here after a SAVE, and is read at the next start. */
  get folder(): string {
    return this.#folder;
  }

  /** Of its machine, which may be a container. */
  get pid(): number {
    return this.#process.pid;
  }

  /** SIGKILL; resolves when it has ended. Its files stay. */
  kill(): Promise<void> {
    return this.#process.kill();
  }

  /** A new process on the same port and files; the one before has been killed. */
  async restart(): Promise<void> {
    this.#process = await this.#launcher.launch(this.port, this.#folder, this.#words);
  }

  /** SIGSTOP: its connections stay, and nothing is answered. */
  pause(): Promise<void> {
    return this.#process.pause();
  }

  resume(): Promise<void> {
    return this.#process.resume();
  }
}

/** Servers that share a folder and an end. */
export class RedisServers {
  readonly nodes: readonly RedisServer[];
  readonly #launcher: RedisLauncher;
  readonly #folder: string;

  private constructor(nodes: readonly RedisServer[], launcher: RedisLauncher, folder: string) {
    this.nodes = nodes;
    this.#launcher = launcher;
    this.#folder = folder;
  }

  /**
   * @param words of redis-server, beside port, address and folder; no data is written to disk unless they say so. The
   * word `PORT` stands for its port.
   */
  static async start(source: RedisSource, count: number, words: readonly string[]): Promise<RedisServers> {
    const folder = mkdtempSync(join(tmpdir(), 'slipstream-redis-'));
    const ports = await freePorts(count);
    const launcher = await openLauncher(source, ports);
    try {
      const nodes = await Promise.all(
        ports.map((port) => RedisServer.start(launcher, port, join(folder, `${port}`), words)),
      );
      return new RedisServers(nodes, launcher, folder);
    } catch (error) {
      await end(launcher, folder);
      throw error;
    }
  }

  get urls(): string[] {
    return this.nodes.map(({ url }) => url);
  }

  /** Ends all of them and removes their files. */
  async stop(): Promise<void> {
    await end(this.#launcher, this.#folder);
  }
}

async function end(launcher: RedisLauncher, folder: string): Promise<void> {
  await launcher.close();
  rmSync(folder, { recursive: true, force: true });
}

/** Masters that have the slots in equal shares, and as many replicas for each, ready for use. */
export async function startCluster(
  source: RedisSource,
  masterCount: number,
  replicasEach: number,
  words: readonly string[],
): Promise<RedisServers> {
  const servers = await RedisServers.start(source, masterCount * (1 + replicasEach), [
    ...['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000', '--cluster-config-file', 'nodes.conf'],
    // Replicas copy at once, and count as such from the first ping on.
    ...['--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1'],
    ...words,
  ]);
  const clients = servers.nodes.map(({ port }) => new Redis(port, '127.0.0.1'));
  try {
    await joinNodes(servers.nodes, clients, masterCount);
  } catch (error) {
    await servers.stop();
    throw error;
  } finally {
    for (const client of clients) client.disconnect();
  }
  return servers;
}

async function joinNodes(
  nodes: readonly RedisServer[],
  clients: readonly Redis[],
  masterCount: number,
): Promise<void> {
  const masters = clients.slice(0, masterCount);
  await Promise.all(
    masters.map(async (master, index) => {
      await master.cluster('ADDSLOTS', ...sliceOfSlots(index, masterCount));
      // Equal epochs are settled by the nodes themselves, which takes them seconds.
      await master.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
    }),
  );
  // Each to each, which is quicker than hearsay.
  for (const [index, client] of clients.entries()) {
    for (const { port } of nodes.slice(index + 1)) await client.cluster('MEET', '127.0.0.1', port);
  }
  const ids = await Promise.all(masters.map((master) => master.cluster('MYID')));
  const replicas = clients.slice(masterCount);
  await until(replicas, async (replica) => {
    const known = String(await replica.cluster('NODES'));
    return ids.every((id) => known.includes(id));
  });
  await Promise.all(
    replicas.map((replica, index) => replica.cluster('REPLICATE', ids[index % masterCount] ?? '')),
  );
  await until(replicas, async (replica) => {
    return field(await replica.info('replication'), 'master_link_status') === 'up';
  });
  await until(clients, (client) => knowsAll(client, nodes.length));
}

/** That every slot is served, and who serves it in a master's place. */
async function knowsAll(client: Redis, nodeCount: number): Promise<boolean> {
  if (field(await client.cluster('INFO'), 'cluster_state') !== 'ok') return false;
  const ranges = (await client.cluster('SLOTS')) as [first: number, last: number, ...nodes: unknown[]][];
  return ranges.reduce((sum, [, , ...nodes]) => sum + nodes.length, 0) === nodeCount;
}

function sliceOfSlots(index: number, masterCount: number): number[] {
  const first = Math.floor((index * slotCount) / masterCount);
  const end = Math.floor(((index + 1) * slotCount) / masterCount);
  return Array.from({ length: end - first }, (_, offset) => first + offset);
}

async function until(clients: readonly Redis[], holds: (client: Redis) => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + clusterMs;
  for (const client of clients) {
    while (!(await holds(client))) {
      if (performance.now() > deadline) throw new Error('the Redis cluster does not come together');
      await delay(pollMs);
    }
  }
}

function field(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(\\S*)`, 'm').exec(info)?.[1];
}

/**
 * Below the ports that systems give to connections, so that a server finds its own free when it starts again; a
 * cluster's bus takes the port 10,000 above.
 */
const firstPort = 12_000;
const portCount = 10_000;
const busOffset = 10_000;

async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = firstPort + Math.floor(Math.random() * portCount);
    if ((await isFree(port)) && (await isFree(port + busOffset))) ports.add(port);
  }
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
