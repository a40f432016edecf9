import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { RedisServer, RedisServers } from '../services/redis-server.ts';
import type { History } from './fleet-history.ts';
import type { FleetPrograms } from './fleet-programs.ts';

/** What can go wrong, by name; each ends when everything is there again. */
export type Faults = Readonly<Record<string, () => Promise<void>>>;

/** Each of them in turn, with quiet times between, until the time is over; each at least once. */
export async function haveFaults(faults: Faults, history: History, untilMs: number): Promise<void> {
  do {
    for (const [name, fault] of Object.entries(faults)) {
      await delay(quietMs);
      const end = history.beginFault(name);
      await fault();
      await delay(recoveryMs);
      end();
    }
  } while (performance.now() < untilMs);
  await delay(quietMs);
}

/** Faults of one server of Redis. */
export function redisFaults(server: RedisServer): Faults {
  const dump = join(server.folder, 'dump.rdb');
  const kept = join(server.folder, 'kept.rdb');
  return {
    'Redis restarts empty': async () => {
      rmSync(dump, { force: true });
      await server.kill();
      await delay(500);
      await server.restart();
    },
    'Redis restarts with an old snapshot': async () => {
      await ask(server, (redis) => redis.save());
      cpSync(dump, kept);
      await delay(1_000);
      await server.kill();
      cpSync(kept, dump);
      await server.restart();
    },
    'Redis does not answer': async () => {
      await server.pause();
      await delay(500);
      await server.resume();
    },
    'Redis is emptied': async () => {
      await ask(server, (redis) => redis.flushall());
    },
  };
}

/** One proxy after the other is killed. */
export function proxyFaults({ proxies }: FleetPrograms): Faults {
  let next = 0;
  return {
    'a proxy is killed': async () => {
      const proxy = proxies[next++ % proxies.length];
      await proxy?.kill();
      await delay(500);
      await proxy?.start();
    },
  };
}

/** One master after the other, of three that have a replica each, which comes back as the replica of the one promoted. */
export function clusterFaults({ nodes }: RedisServers): Faults {
  let next = 0;
  return {
    'a replica is promoted': async () => {
      const master = nodes[next % nodes.length];
      const replica = nodes[(next + nodes.length / 2) % nodes.length];
      next++;
      // What it does not get is lost with the master.
      await replica?.pause();
      await delay(500);
      await master?.kill();
      await replica?.resume();
      await delay(promotionMs);
      await master?.restart();
    },
  };
}

async function ask(server: RedisServer, question: (redis: Redis) => Promise<unknown>): Promise<void> {
  const redis = new Redis(server.port, '127.0.0.1');
  await question(redis);
  redis.disconnect();
}

const quietMs = 1_000;
/** After so long everything has to be as it was before. */
const recoveryMs = 3_000;
/** A cluster's nodes agree that a master is gone after one second, and on who takes its place soon after. */
const promotionMs = 3_000;
