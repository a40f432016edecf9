import type { TestProject } from 'vitest/node';
import { findRedis, type RedisSource } from '../../bench/reference/redis-source.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly redis: RedisSource;
  }
}

/** Before the first test: what the services need is fetched, once; what cannot be had is said, once. */
export async function setup(project: TestProject): Promise<void> {
  const redis = await findRedis();
  project.provide('redis', redis);
  if (redis.kind !== 'none') return;
  process.stderr.write(
    `\nSKIPPED: all tests on a real Redis and on a real Redis cluster, as ${redis.obstacle}\n\n`,
  );
}
