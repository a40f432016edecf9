import type { Registry } from 'prom-client';
import { tableNameOf } from '../../protocol/table-name.ts';
import type { SharedStats } from '../cache/redis/shared-redis.ts';
import type { FollowerStats } from '../follower.ts';
import { labelledTablesMax } from './call-recorder.ts';
import { exportCounter, exportGauge } from './exported.ts';

/** The cache that a fleet shares in Redis. */
export interface WatchedShared {
  /** Whether all masters of Redis can be used. */
  isUp(): boolean;
  stats(): SharedStats;
}

/** What the cache that a fleet shares in Redis does for this proxy. */
export function exportShared(registry: Registry, shared: WatchedShared): void {
  const stats = () => shared.stats();
  exportGauge(registry, {
    name: 'slipstream_redis_up',
    help: '1 while all masters of Redis can be used, else 0.',
    collect: () => (shared.isUp() ? 1 : 0),
  });
  exportSharedReads(registry, stats);
  for (const [name, help, value] of sharedCounters) {
    exportCounter(registry, { name, help, collect: () => value(stats()) });
  }
  exportGauge(registry, {
    name: 'slipstream_redis_owed',
    help: 'Drops that Redis has not confirmed; what they concern is not cached until it has.',
    collect: () => stats().owed,
  });
  exportGauge(registry, {
    name: 'slipstream_redis_unanswered_writes',
    help: 'Fences and holds of writes whose answer never came.',
    collect: () => stats().unanswered,
  });
}

function exportSharedReads(registry: Registry, stats: () => SharedStats): void {
  exportCounter(registry, {
    name: 'slipstream_redis_reads_total',
    help: 'Lookups in Redis: hit, miss, or why it was passed over.',
    labels: ['result'],
    collect() {
      const { hits, misses, bypasses } = stats();
      const passedOver = Object.entries(bypasses).map(
        ([reason, count]) => [{ result: `bypass_${snakeCase(reason)}` }, count] as const,
      );
      return [[{ result: 'hit' }, hits], [{ result: 'miss' }, misses], ...passedOver];
    },
  });
}

type Row = readonly [name: string, help: string, value: (stats: SharedStats) => number];

const sharedCounters: readonly Row[] = [
  [
    'slipstream_redis_fills_refused_total',
    'Answers that Redis did not keep, since something had changed meanwhile.',
    ({ fillsRefused }) => fillsRefused,
  ],
  ['slipstream_redis_drops_total', 'Items dropped by writes and announced changes.', ({ drops }) => drops],
  ['slipstream_redis_voids_total', 'Tables voided for the fleet.', ({ voids }) => voids],
  [
    'slipstream_redis_errors_total',
    'Steps that Redis failed, or did not answer in time.',
    ({ errors }) => errors,
  ],
  [
    'slipstream_redis_owed_overflows_total',
    'How often too much was owed, so that tables were voided.',
    ({ owedOverflows }) => owedOverflows,
  ],
  [
    'slipstream_redis_proxies_buried_total',
    'Proxies found to have stopped without a word.',
    ({ proxiesBuried }) => proxiesBuried,
  ],
];

/** How writes that go around every proxy are followed. */
export function exportFollower(registry: Registry, stats: () => FollowerStats): void {
  exportGauge(registry, {
    name: 'slipstream_follower_tables',
    help: 'Tables by the state of following their stream.',
    labels: ['state'],
    collect: () => countStates(stats()),
  });
  exportGauge(registry, {
    name: 'slipstream_follower_behind_seconds',
    help: 'How old what is cached of a table may be, against writes that went around every proxy.',
    labels: ['table'],
    *collect() {
      for (const [table, behindMs] of behindByTable(stats())) {
        yield [{ table }, behindMs / 1_000];
      }
    },
  });
  for (const [name, help, value] of followerCounters) {
    exportCounter(registry, { name, help, collect: () => value(stats()) });
  }
}

type FollowerRow = readonly [name: string, help: string, value: (stats: FollowerStats) => number];

const followerCounters: readonly FollowerRow[] = [
  ['slipstream_follower_records_total', 'Changes read from streams.', ({ records }) => records],
  [
    'slipstream_follower_gaps_total',
    'How often changes were lost, or may have been, so that a table was voided.',
    ({ gaps }) => gaps,
  ],
  [
    'slipstream_follower_stalls_total',
    'How often following a table was lost, so that it was not cached until it was found again.',
    ({ stalls }) => stalls,
  ],
];

/**
 * By the tables' plain names, as all metrics have them. Of tables that share one, and of those beyond the labelled, which
 * are `other`, the worst counts.
 */
function behindByTable({ tables }: FollowerStats): Map<string, number> {
  const behind = new Map<string, number>();
  for (const { tableName, behindMs } of tables) {
    if (behindMs === undefined) continue;
    const name = tableNameOf(tableName);
    const label = behind.has(name) || behind.size < labelledTablesMax ? name : 'other';
    behind.set(label, Math.max(behindMs, behind.get(label) ?? 0));
  }
  return behind;
}

function countStates({ tables, refused }: FollowerStats): [{ state: string }, number][] {
  const counts = new Map<string, number>(refused > 0 ? [['refused', refused]] : []);
  for (const { state } of tables) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, count]) => [{ state }, count]);
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
