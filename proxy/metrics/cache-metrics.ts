import type { Registry } from 'prom-client';
import type { Accelerator, AcceleratorStats } from '../accelerator.ts';
import type { TableCounters, TableCounts } from '../cache/table-counters.ts';
import { labelledTablesMax } from './call-recorder.ts';
import { exportCounter, exportGauge, type Labels } from './exported.ts';

/** What the cache holds and does. */
export function exportCache(registry: Registry, accelerator: Accelerator): void {
  exportReads(registry, accelerator.tableCounters);
  // One scrape asks once, however many of its values it exports.
  const stats = oncePerTurn(() => accelerator.stats());
  for (const [name, help, value] of gauges) {
    exportGauge(registry, { name, help, collect: () => value(stats()) });
  }
  for (const [name, help, value] of counters) {
    exportCounter(registry, { name, help, collect: () => value(stats()) });
  }
  exportFillsRefused(registry, stats);
  exportGauge(registry, {
    name: 'slipstream_cache_max_bytes',
    help: 'What the cache may hold.',
    collect: () => accelerator.settings.cacheBytesMax,
  });
  exportGauge(registry, {
    name: 'slipstream_cache_staleness_bound_seconds',
    help: 'How far a cached answer may be behind the store: its lag, settling, what is not heard of in Redis or streams yet.',
    collect: () => accelerator.stalenessBoundMs / 1_000,
  });
}

type Row = readonly [name: string, help: string, value: (stats: AcceleratorStats) => number];

const gauges: readonly Row[] = [
  ['slipstream_cache_entries', 'Items, pages and known absences that are cached.', ({ entries }) => entries],
  ['slipstream_cache_bytes', 'What the cached entries keep in memory.', ({ bytes }) => bytes],
  ['slipstream_cache_generations', 'Places that cached pages depend on.', ({ generations }) => generations],
  ['slipstream_cache_fences', 'Writes under way, or without an answer, by key.', ({ fences }) => fences],
  ['slipstream_cache_tokens', 'Reads that may still fill the cache.', ({ tokens }) => tokens],
  [
    'slipstream_cache_flights',
    'Keys and pages that are being read from the store.',
    ({ flights }) => flights,
  ],
];

const counters: readonly Row[] = [
  [
    'slipstream_cache_evictions_total',
    'Entries dropped since the cache was full.',
    ({ evictions }) => evictions,
  ],
  [
    'slipstream_cache_invalidations_total',
    'Announced changes and voids of tables that something was cached of.',
    ({ invalidations }) => invalidations,
  ],
  [
    'slipstream_cache_undescribed_total',
    'How often the store did not describe a table that it has; nothing of it is cached then.',
    ({ undescribed }) => undescribed,
  ],
];

function exportFillsRefused(registry: Registry, stats: () => AcceleratorStats): void {
  exportCounter(registry, {
    name: 'slipstream_cache_fills_refused_total',
    help: 'Answers of the store that were not kept, since something had changed meanwhile.',
    labels: ['kind'],
    collect() {
      const { fillsRefused, queryFillsRefused } = stats();
      return [
        [{ kind: 'item' }, fillsRefused],
        [{ kind: 'page' }, queryFillsRefused],
      ];
    },
  });
}

function exportReads(registry: Registry, tableCounters: TableCounters): void {
  exportCounter(registry, {
    name: 'slipstream_cache_reads_total',
    help: 'Lookups of items and pages; each key of a batch is one. A negative hit knows that there is nothing.',
    labels: ['table', 'kind', 'result'],
    *collect() {
      for (const [table, counts] of labelled(tableCounters)) yield* readsOf(table, counts);
    },
  });
}

function* readsOf(table: string, counts: Readonly<TableCounts>): Generator<readonly [Labels, number]> {
  const { hits, negativeHits, misses, queryHits, emptyQueryHits, queryMisses } = counts;
  yield [{ table, kind: 'item', result: 'hit' }, hits];
  yield [{ table, kind: 'item', result: 'negative_hit' }, negativeHits];
  yield [{ table, kind: 'item', result: 'miss' }, misses];
  yield [{ table, kind: 'page', result: 'hit' }, queryHits];
  yield [{ table, kind: 'page', result: 'negative_hit' }, emptyQueryHits];
  yield [{ table, kind: 'page', result: 'miss' }, queryMisses];
}

/** The first tables that were read have series of their own, for good; the others are summed up. */
function* labelled(tableCounters: TableCounters): Generator<readonly [table: string, Readonly<TableCounts>]> {
  const tables = [...tableCounters.entries()];
  yield* tables.slice(0, labelledTablesMax);
  const others = tables.slice(labelledTablesMax).map(([, counts]) => counts);
  for (const counts of [...others, tableCounters.others]) yield ['other', counts];
}

function oncePerTurn<T>(ask: () => T): () => T {
  let answer: T | undefined;
  return () => {
    if (answer === undefined) {
      answer = ask();
      queueMicrotask(() => {
        answer = undefined;
      });
    }
    return answer;
  };
}
