import { openRedis } from '../proxy/cache/redis/connection.ts';
import { everyInterval, newIds } from '../proxy/cache/redis/ids.ts';
import { trackedPrefix } from '../proxy/cache/redis/names.ts';
import { RedisCache } from '../proxy/cache/redis/shared-redis.ts';
import type { SharedCache, SharedListener } from '../proxy/cache/shared.ts';
import type { Surroundings } from './serve.ts';

/** @returns what opens the cache that this proxy shares with others; undefined where it shares none. */
export function fleetOpener({
  settings,
  clock,
  log,
  metrics,
}: Surroundings): ((listener: SharedListener) => SharedCache) | undefined {
  const { redis: urls, redisTimeoutMs: timeoutMs } = settings;
  if (urls.length === 0) return undefined;
  return (listener) => {
    const shared = new RedisCache({
      nodes: (events) => openRedis({ urls, timeoutMs, trackedPrefix, events, clock, log }),
      listener,
      staleIfRedisDownMs: settings.staleIfRedisDownMs,
      fenceMs: settings.fenceMs,
      callMs: settings.upstreamTimeoutMs,
      newId: newIds(),
      every: everyInterval,
      clock,
      log,
    });
    metrics?.watchShared(() => shared.stats());
    return shared;
  };
}
