import { openRedis } from '../proxy/cache/redis/connection.ts';
import { everyInterval, newIds } from '../proxy/cache/redis/ids.ts';
import { trackedPrefix } from '../proxy/cache/redis/names.ts';
import type { RedisNodes } from '../proxy/cache/redis/node.ts';
import { RedisCache } from '../proxy/cache/redis/shared-redis.ts';
import type { SharedCache, SharedListener } from '../proxy/cache/shared.ts';
import type { Surroundings } from './serve.ts';

/** What the proxies of a fleet have in common. */
export interface Fleet {
  openShared(listener: SharedListener, settleMs: () => number): SharedCache;
  /** Nobody has any name before the shared cache was opened. */
  readonly nodes: Pick<RedisNodes, 'nodeOf'>;
}

/** @returns undefined where this proxy is alone. */
export function newFleet({ settings, clock, log, metrics }: Surroundings): Fleet | undefined {
  const { redis: urls, redisTimeoutMs: timeoutMs } = settings;
  if (urls.length === 0) return undefined;
  let nodes: RedisNodes | undefined;
  const openShared = (listener: SharedListener, settleMs: () => number) => {
    const shared = new RedisCache({
      nodes: (events) => {
        nodes = openRedis({ urls, timeoutMs, trackedPrefix, events, clock, log });
        return nodes;
      },
      listener,
      staleIfRedisDownMs: settings.staleIfRedisDownMs,
      fenceMs: settings.fenceMs,
      callMs: settings.upstreamTimeoutMs,
      settleMs,
      newId: newIds(),
      every: everyInterval,
      clock,
      log,
    });
    metrics?.watchShared({ stats: () => shared.stats(), isUp: () => isWhole(nodes) });
    return shared;
  };
  return { openShared, nodes: { nodeOf: (name) => nodes?.nodeOf(name) } };
}

/** Whether all masters that are known of can be used. */
function isWhole(nodes: RedisNodes | undefined): boolean {
  const all = nodes?.all() ?? [];
  return all.length > 0 && all.every(({ runId }) => runId !== undefined);
}
