import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from './free-port.ts';
import { openLauncher } from './reference/redis-launcher.ts';
import { findRedis, type RedisSource } from './reference/redis-source.ts';

/** A Redis that a run has to itself, in memory. */
export interface BenchRedis {
  readonly port: number;
  /** Undefined in a container, where it cannot be placed. */
  readonly pid: number | undefined;
  /** To all clients, ever. */
  sentBytes(): Promise<number>;
  stop(): Promise<void>;
}

let source: Promise<RedisSource> | undefined;

/** Looked for once a run, and fetched where it is missing. @returns why there is none, or undefined if there is one. */
export async function redisObstacle(): Promise<string | undefined> {
  source ??= findRedis();
  const found = await source;
  return found.kind === 'none' ? found.obstacle : undefined;
}

/** @throws Error where there is none to be had. */
export async function startRedis(): Promise<BenchRedis> {
  source ??= findRedis();
  const found = await source;
  const port = await freePort();
  const launcher = await openLauncher(found, [port]);
  // A container has the same temporary files. Nothing is written to them but a log.
  const folder = mkdtempSync(join(tmpdir(), 'slipstream-bench-redis-'));
  const stop = async () => {
    await launcher.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const { pid } = await launcher.launch(port, folder, []);
    return {
      port,
      pid: found.kind === 'program' ? pid : undefined,
      sentBytes: () => sentBytesOf(port),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function sentBytesOf(port: number): Promise<number> {
  const client = new Redis(port, '127.0.0.1');
  try {
    return Number(/^total_net_output_bytes:(\d+)/m.exec(await client.info('stats'))?.[1]);
  } finally {
    client.disconnect();
  }
}
