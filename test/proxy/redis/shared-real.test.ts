import { EventEmitter, once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../protocol/clock.ts';
import { joinKey } from '../../../protocol/key.ts';
import { openRedis } from '../../../proxy/cache/redis/connection.ts';
import { everyInterval, newIds } from '../../../proxy/cache/redis/ids.ts';
import { trackedPrefix } from '../../../proxy/cache/redis/names.ts';
import { RedisCache } from '../../../proxy/cache/redis/shared-redis.ts';
import { isLocalTrusted, type SharedTable } from '../../../proxy/cache/shared.ts';
import { type OwnRedis, redisObstacle, startOwnRedis, startRedisCluster } from '../../services/redis.ts';
import { changes, key, tableId, textOf } from './fleet.ts';

const obstacle = redisObstacle();
const log = { info: () => {}, warn: () => {}, error: () => {} };
const page = { name: 'page', generations: ['p', 'coarse'] };

/** What the simulated Redis cannot tell: that the steps work through real connections, on one server and on a cluster. */
describe.skipIf(obstacle !== undefined)('on a real Redis', () => {
  let redis: OwnRedis;

  beforeAll(async () => {
    redis = await startOwnRedis();
  });

  afterAll(() => redis.stop());

  test('proxies share items and pages, and hear of what the other ones drop', () => share([redis.url]));

  test('what was kept before a restart is not served after it', async () => {
    const own = await startOwnRedis('--appendonly', 'yes', '--appendfsync', 'always');
    const proxy = new RealProxy([own.url]);
    await proxy.untilUp();
    await proxy.fill('old');
    expect(await proxy.read()).toBe('old');
    await own.server.kill();
    await proxy.until(() => !isLocalTrusted(proxy.cache, systemClock));
    expect(await proxy.read()).toBe('bypass');
    const fence = await proxy.cache.raise([{ table: await proxy.table(), key }]);
    await proxy.cache.lower(fence, changes('new', ['p']));
    expect(proxy.cache.stats().owed).toBe(3);
    await own.server.restart();
    await proxy.untilUp();
    await proxy.untilNothingIsOwed();
    expect(await proxy.read()).toBe('miss');
    await proxy.cache.close();
    await own.stop();
  });
});

describe.skipIf(obstacle !== undefined)('on a real cluster', () => {
  test('proxies share items and pages, and hear of what the other ones drop', async () => {
    const cluster = await startRedisCluster();
    await share(cluster.urls);
    await cluster.stop();
  });
});

async function share(urls: readonly string[]): Promise<void> {
  const [one, other] = [new RealProxy(urls), new RealProxy(urls)];
  await Promise.all([one.untilUp(), other.untilUp()]);
  await one.fill('item');
  await one.fillPage('page');
  expect([await other.read(), await other.readPage()]).toEqual(['item', 'page']);
  const keys = Array.from({ length: 20 }, (_, i) => joinKey(`key ${i}`, 'sort'));
  const table = await one.table();
  other.heard.length = 0;
  const fence = await one.cache.raise([{ table, key }, ...keys.map((each) => ({ table, key: each }))]);
  expect([await other.read(), await other.readPage()]).toEqual(['bypass', 'page']);
  await one.cache.lower(fence, changes(undefined, ['p']));
  await other.until(() => other.heard.filter((line) => line.startsWith('item')).length >= 2 * 21);
  await other.until(() => other.heard.includes(`generation ${tableId} p`));
  expect([await other.read(), await other.readPage()]).toEqual(['miss', 'miss']);
  await one.cache.lower(await one.cache.raise([{ table, key }]), changes('new'));
  expect(await other.read()).toBe('new');
  await other.cache.abandon(await other.cache.raise([{ table: await other.table(), key }]));
  expect([await one.read(), await one.readPage()]).toEqual(['bypass', 'bypass']);
  await one.cache.voidEverything(0);
  await other.until(() => other.heard.includes('everything'));
  expect(one.cache.stats()).toMatchObject({ errors: 0, owed: 0 });
  await one.cache.close();
  await other.cache.close();
}

class RealProxy {
  readonly cache: RedisCache;
  readonly heard: string[] = [];
  readonly #changes = new EventEmitter();

  constructor(urls: readonly string[]) {
    this.cache = new RedisCache({
      nodes: (events) => openRedis({ urls, timeoutMs: 500, trackedPrefix, events, clock: systemClock, log }),
      listener: {
        item: (id, dropped) => this.#hear(`item ${id} ${dropped}`),
        generation: (id, name) => this.#hear(`generation ${id} ${name}`),
        table: (id) => this.#hear(`table ${id}`),
        everything: () => this.#hear('everything'),
      },
      staleIfRedisDownMs: 0,
      fenceMs: 2_000,
      callMs: 2_000,
      settleMs: () => 0,
      clock: systemClock,
      newId: newIds(),
      every: everyInterval,
      log,
    });
  }

  /** Looks again whenever something was heard, or a while has passed: not all that is waited for is told. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      const signal = AbortSignal.timeout(50);
      await once(this.#changes, 'change', { signal }).catch(() => {});
    }
  }

  async untilUp(): Promise<void> {
    await this.until(() => isLocalTrusted(this.cache, systemClock));
  }

  async untilNothingIsOwed(): Promise<void> {
    await this.until(() => this.cache.stats().owed === 0);
  }

  async table(): Promise<SharedTable> {
    return this.cache.table({ id: tableId, fingerprint: 'one' });
  }

  async read(): Promise<string> {
    return textOf(await this.cache.readItem(await this.table(), key));
  }

  async fill(value: string): Promise<void> {
    const read = await this.cache.readItem(await this.table(), key);
    if (read.kind === 'miss') await this.cache.fillItem(read.token, Buffer.from(value), 0);
  }

  async readPage(): Promise<string> {
    return textOf(await this.cache.readPage(await this.table(), page));
  }

  async fillPage(value: string): Promise<void> {
    const read = await this.cache.readPage(await this.table(), page);
    if (read.kind === 'miss') await this.cache.fillPage(read.token, Buffer.from(value), 0);
  }

  #hear(line: string): void {
    this.heard.push(line);
    this.#changes.emit('change');
  }
}
