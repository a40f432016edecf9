import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { redisObstacle, startOwnRedis, startRedisCluster } from '../services/redis.ts';
import type { RedisServers } from '../services/redis-server.ts';
import { changing, FleetClients, type HotTable, readsOf } from './fleet-clients.ts';
import { clusterFaults, type Faults, haveFaults, proxyFaults, redisFaults } from './fleet-faults.ts';
import { History } from './fleet-history.ts';
import { FleetPrograms, type ProxyProgram } from './fleet-programs.ts';
import { TableChanges, tableInput } from './fleet-tables.ts';

/** How long each history is at least; longer ones find more. */
const historyMs = Number(process.env.HISTORY_SECONDS ?? 0) * 1_000;
/** Far above what a push of Redis takes, as the machine may have more to do. */
const pushMsMax = 1_000;
const lagMs = 300;
const settleMs = 400;

const obstacle = redisObstacle();

describe.skipIf(obstacle !== undefined)('a fleet', { timeout: historyMs + 120_000 }, () => {
  const closing: (() => Promise<void>)[] = [];

  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  const start = async (redis: readonly string[], engineWords: string[], proxyWords: string[]) => {
    const fleet = await FleetPrograms.start({
      count: 3,
      redis,
      engineWords: ['--capacity', 'off', ...engineWords],
      proxyWords: ['--describe-ms', '1s', '--fence-ms', '1s', '--upstream-timeout-ms', '2s', ...proxyWords],
    });
    closing.push(() => fleet.stop());
    return fleet;
  };

  const startCluster = async (): Promise<RedisServers> => {
    const cluster = await startRedisCluster(1, '--cluster-require-full-coverage', 'no');
    closing.push(() => cluster.stop());
    return cluster;
  };

  test('answers right whatever becomes of Redis, of a proxy and of a table', async () => {
    const redis = await startOwnRedis();
    closing.push(() => redis.stop());
    const fleet = await start([redis.url], [], ['--settle-ms', '0']);
    const tables = [hotTable('Hot'), changingTable()];
    const history = await play(
      fleet,
      tables,
      { staleMsMax: pushMsMax, readsOwnGroups: true },
      {
        ...redisFaults(redis.server),
        ...proxyFaults(fleet),
      },
    );
    await expectSound('Redis, a proxy and a table', fleet, tables, history);
  });

  test('answers right when replicas take the place of masters', async () => {
    const cluster = await startCluster();
    const fleet = await start(cluster.urls, [], ['--settle-ms', '0']);
    const tables = [hotTable('Hot')];
    const history = await play(
      fleet,
      tables,
      { staleMsMax: pushMsMax, readsOwnGroups: true },
      clusterFaults(cluster),
    );
    await expectSound('a cluster', fleet, tables, history);
  });

  test('is no further behind a store that lags than by lag and settling', async () => {
    const redis = await startOwnRedis();
    closing.push(() => redis.stop());
    const fleet = await start(
      [redis.url],
      ['--replica-lag-ms', String(lagMs)],
      ['--settle-ms', String(settleMs)],
    );
    const tables = [hotTable('Hot')];
    const staleMsMax = lagMs + settleMs + pushMsMax;
    const history = await play(fleet, tables, { staleMsMax, readsOwnGroups: false }, proxyFaults(fleet));
    await delay(lagMs + settleMs);
    await expectSound('a lagging store', fleet, tables, history);
  });
});

interface Rules {
  /** How stale reads may be while all is well. */
  readonly staleMsMax: number;
  /** Whether the store's own global indexes have all that it has acknowledged. */
  readonly readsOwnGroups: boolean;
}

/** Clients of the tables, while one thing after the other goes wrong. */
async function play(
  fleet: FleetPrograms,
  tables: readonly HotTable[],
  rules: Rules,
  faults: Faults,
): Promise<History> {
  const untilMs = performance.now() + historyMs;
  for (const { name, hasGroups } of tables)
    await fleet.engine.call('CreateTable', tableInput(name, hasGroups));
  const history = new History(rules);
  const clients = new FleetClients({ proxies: fleet.proxies, tables, history, ...rules });
  clients.start(readers, writers);
  const wrong = haveFaults(faults, history, untilMs);
  const changed = tables.find(({ name }) => name === changing);
  if (changed !== undefined) await new TableChanges(fleet, history, clients, changed).run(wrong);
  await wrong;
  await clients.stop();
  return history;
}

async function expectSound(
  name: string,
  fleet: FleetPrograms,
  tables: readonly HotTable[],
  history: History,
): Promise<void> {
  const hits = await Promise.all(fleet.proxies.map(hitPercentage));
  process.stdout.write(`${name}: ${history.print()}\n  hits ${hits.map((each) => `${each} %`).join(', ')}\n`);
  expect(history.problems).toEqual([]);
  expect(Math.min(...hits)).toBeGreaterThan(10);
  expect(await differences(fleet, tables)).toEqual([]);
}

function hotTable(name: string): HotTable {
  const conditional = { name: 'a', sorts: ['1', '2', '3'], isSerial: false };
  const serial = { name: 'b', sorts: ['1', '2'], isSerial: true };
  return { name, partitions: [conditional, serial], hasGroups: true, state: 'steady' };
}

function changingTable(): HotTable {
  const partition = { name: 'a', sorts: ['1', '2', '3'], isSerial: false };
  return { name: changing, partitions: [partition], hasGroups: false, state: 'steady' };
}

/** What the proxies answer otherwise than the store, when each is asked twice: then from what it has. */
async function differences(
  { engine, proxies }: FleetPrograms,
  tables: readonly HotTable[],
): Promise<string[]> {
  const found: string[] = [];
  for (const { operation, input, view } of tables.flatMap((table) => readsOf(table, true))) {
    const wanted = JSON.stringify(await engine.call(operation, input));
    for (const proxy of [...proxies, ...proxies]) {
      const answer = JSON.stringify(await proxy.door?.call(operation, input));
      if (answer !== wanted) found.push(`${view.name} of ${proxy.name}: ${answer} and not ${wanted}`);
    }
  }
  return found;
}

/** Of what it was asked since its start. */
async function hitPercentage(proxy: ProxyProgram): Promise<number> {
  const counts = { hit: 0, miss: 0 };
  const line = /^slipstream_cache_reads_total.*result="(?:negative_)?(hit|miss)"} (\d+)$/gm;
  for (const [, result, count] of (await proxy.metrics()).matchAll(line)) {
    counts[result === 'hit' ? 'hit' : 'miss'] += Number(count);
  }
  return Math.round((100 * counts.hit) / (counts.hit + counts.miss));
}

const readers = 10;
const writers = 5;
