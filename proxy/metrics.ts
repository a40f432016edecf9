import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Backend } from '../protocol/backend.ts';
import type { Clock } from '../protocol/clock.ts';
import type { Accelerator } from './accelerator.ts';
import type { FollowerStats } from './follower.ts';
import { HotKeys } from './hot-keys.ts';
import { exportCache } from './metrics/cache-metrics.ts';
import { exportRequests, exportStoreCalls } from './metrics/call-metrics.ts';
import { CallRecorder } from './metrics/call-recorder.ts';
import { type DiskUse, exportDisk } from './metrics/disk-metrics.ts';
import { exportGauge } from './metrics/exported.ts';
import { exportFollower, exportShared, type WatchedShared } from './metrics/fleet-metrics.ts';
import { ObservedBackend } from './metrics/observed-backend.ts';

export interface MetricsOptions {
  readonly version: string;
  readonly clock: Clock;
  /** From 0 to below 1; Math.random by default. */
  readonly random?: () => number;
}

/**
 * What a server does, for whoever watches it. Calls are recorded into plain arrays; the form that Prometheus reads is
 * made when it asks. Each part of the server is handed over once it works.
 */
export class Metrics {
  readonly requests = new CallRecorder();
  readonly storeCalls = new CallRecorder();
  readonly hotKeys: HotKeys;
  readonly #registry = new Registry();
  readonly #clock: Clock;
  #accelerator: Accelerator | undefined;
  #store: ObservedBackend | undefined;
  #shared: WatchedShared | undefined;
  #follower: (() => FollowerStats) | undefined;
  #disk: (() => DiskUse) | undefined;

  constructor({ version, clock, random = Math.random }: MetricsOptions) {
    this.#clock = clock;
    this.hotKeys = new HotKeys({ clock, random });
    exportRequests(this.#registry, this.requests);
    exportGauge(this.#registry, {
      name: 'slipstream_build_info',
      help: 'Always 1; the version is its label.',
      labels: ['version'],
      collect: () => [[{ version }, 1]],
    });
    collectDefaultMetrics({ register: this.#registry });
  }

  /** @returns what the cache has to call in the store's place. */
  observeStore(store: Backend): Backend {
    exportStoreCalls(this.#registry, this.storeCalls);
    exportGauge(this.#registry, {
      name: 'slipstream_store_lag_seconds',
      help: "How far the store's eventually consistent reads are behind, as far as it tells.",
      collect: () => (store.lagMs ?? 0) / 1_000,
    });
    this.#store = new ObservedBackend(store, {
      recorder: this.storeCalls,
      clock: this.#clock,
      byTable: false,
    });
    return this.#store;
  }

  /** @param backend what answers the callers, after its cache was handed over. @returns what they have to call in its place. */
  observe(backend: Backend): Backend {
    const { requests: recorder, hotKeys } = this;
    const store = this.#store === undefined ? {} : { store: this.#store };
    const settings = this.#accelerator?.settings;
    const cache = settings === undefined ? {} : { settingsOf: (name: string) => settings.of(name) };
    const clock = this.#clock;
    return new ObservedBackend(backend, { recorder, hotKeys, clock, byTable: true, ...store, ...cache });
  }

  watchCache(accelerator: Accelerator): void {
    this.#accelerator = accelerator;
    exportCache(this.#registry, accelerator);
  }

  watchShared(shared: WatchedShared): void {
    this.#shared = shared;
    exportShared(this.#registry, shared);
  }

  watchFollower(stats: () => FollowerStats): void {
    this.#follower = stats;
    exportFollower(this.#registry, stats);
  }

  /** @param use what the embedded engine has on its disk. */
  watchDisk(use: () => DiskUse): void {
    this.#disk = use;
    exportDisk(this.#registry, use);
  }

  /** Undefined where the server has no cache, or none yet. */
  get accelerator(): Accelerator | undefined {
    return this.#accelerator;
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** In Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** The names of all metrics. */
  names(): string[] {
    return this.#registry.getMetricsAsArray().map(({ name }) => name);
  }

  /** For people and scripts: latencies by operation, table and use of the cache, and what the fleet's parts count. */
  stats(): object {
    return {
      requests: latenciesOf(this.requests),
      requestErrors: [...this.requests.errors()],
      ...(this.#store === undefined ? {} : { store: latenciesOf(this.storeCalls) }),
      ...(this.#store === undefined ? {} : { storeErrors: [...this.storeCalls.errors()] }),
      ...(this.#shared === undefined
        ? {}
        : { redis: { isUp: this.#shared.isUp(), ...this.#shared.stats() } }),
      ...(this.#follower === undefined ? {} : { follower: this.#follower() }),
      ...(this.#disk === undefined ? {} : { disk: this.#disk() }),
    };
  }
}

/** Quantiles are the upper bounds of buckets; null for more than 10 s. */
function latenciesOf(recorder: CallRecorder): object[] {
  return [...recorder.latencies()].map(({ operation, table, cache, histogram }) => ({
    operation,
    table,
    cache,
    count: histogram.count,
    meanMs: histogram.sumMs / histogram.count,
    p50Ms: finite(histogram.quantileMs(0.5)),
    p99Ms: finite(histogram.quantileMs(0.99)),
  }));
}

function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null;
}
