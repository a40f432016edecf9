import { inject } from 'vitest';
import { RedisServer, RedisServers, startCluster } from './redis-server.ts';

/*
 * A real Redis for tests: where it comes from was found before the first of them (setup.ts). A file of tests starts its
 * own, in about 30 ms, and stops it.
 *
 *     const obstacle = redisObstacle();
 *     describe.skipIf(obstacle !== undefined)('...', () => {
 *       const redis = await startOwnRedis();
 */

/** A server to use with names of one's own under a prefix of one's own: others may use it at the same time. */
export interface SharedRedisServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** One server that may be emptied, filled, paused, killed and started again. */
export interface OwnRedis {
  readonly url: string;
  readonly server: RedisServer;
  stop(): Promise<void>;
}

/** Why tests on a server of their own, or on a cluster, cannot run here; undefined where they can. */
export function redisObstacle(): string | undefined {
  const source = inject('redis');
  return source.kind === 'none' ? source.obstacle : undefined;
}

/** Why tests on any server cannot run here; undefined where they can. */
export function sharedRedisObstacle(): string | undefined {
  return process.env.REDIS_URL === undefined ? redisObstacle() : undefined;
}

/** The server of `REDIS_URL` where that is set, else one of its own. */
export async function startSharedRedis(): Promise<SharedRedisServer> {
  const url = process.env.REDIS_URL;
  return url === undefined ? startOwnRedis() : { url, stop: async () => {} };
}

/** @param words of redis-server's command line, such as `'--maxmemory', '3mb'`. */
export async function startOwnRedis(...words: readonly string[]): Promise<OwnRedis> {
  const servers = await RedisServers.start(inject('redis'), 1, words);
  const [server] = servers.nodes;
  if (!(server instanceof RedisServer)) throw new Error('no server was started');
  return { url: server.url, server, stop: () => servers.stop() };
}

/** Three masters, and `replicasEach` replicas for each; the masters come first in `nodes`. */
export function startRedisCluster(replicasEach = 0, ...words: readonly string[]): Promise<RedisServers> {
  return startCluster(inject('redis'), 3, replicasEach, words);
}
