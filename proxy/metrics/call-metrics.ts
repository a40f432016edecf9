import type { Registry } from 'prom-client';
import type { CallRecorder } from './call-recorder.ts';
import { ExportedHistogram, exportCounter } from './exported.ts';

/** How callers were served. */
export function exportRequests(registry: Registry, requests: CallRecorder): void {
  new ExportedHistogram(registry, {
    name: 'slipstream_request_duration_seconds',
    help: 'From a call, read and let in, to its answer. cache: hit, miss, or none where the cache has no part in it.',
    labels: ['operation', 'table', 'cache'],
    *collect() {
      for (const { operation, table, cache, histogram } of requests.latencies()) {
        yield [{ operation, table, cache }, histogram];
      }
    },
  });
  exportErrors(
    registry,
    requests,
    'slipstream_request_errors_total',
    'Calls that were answered with an error.',
  );
}

/** How the store served the cache. */
export function exportStoreCalls(registry: Registry, storeCalls: CallRecorder): void {
  new ExportedHistogram(registry, {
    name: 'slipstream_store_request_duration_seconds',
    help: 'From a call of the store, that is the upstream or the embedded engine, to its answer.',
    labels: ['operation'],
    *collect() {
      for (const { operation, histogram } of storeCalls.latencies()) yield [{ operation }, histogram];
    },
  });
  exportErrors(
    registry,
    storeCalls,
    'slipstream_store_errors_total',
    'Calls that the store failed or refused.',
  );
}

function exportErrors(registry: Registry, recorder: CallRecorder, name: string, help: string): void {
  exportCounter(registry, {
    name,
    help,
    labels: ['operation', 'code'],
    *collect() {
      for (const { operation, code, count } of recorder.errors()) yield [{ operation, code }, count];
    },
  });
}
