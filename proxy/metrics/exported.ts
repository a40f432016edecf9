import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { bucketBoundsMs, type LatencyHistogram } from './latency-histogram.ts';

export type Labels = Readonly<Record<string, string>>;

/** A value that is looked up when somebody asks for it. */
export interface Exported {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  /** @returns the value, or one for each combination of labels that there is. */
  collect(): number | Iterable<readonly [Labels, number]>;
}

/** A value that goes up and down. */
export function exportGauge(registry: Registry, exported: Exported): void {
  const { name, help, labels = [] } = exported;
  new Gauge({
    name,
    help,
    labelNames: labels,
    registers: [registry],
    collect() {
      this.reset();
      for (const [at, value] of valuesOf(exported)) this.set(at, value);
    },
  });
}

/** A count since the start. */
export function exportCounter(registry: Registry, exported: Exported): void {
  const { name, help, labels = [] } = exported;
  new Counter({
    name,
    help,
    labelNames: labels,
    registers: [registry],
    collect() {
      this.reset();
      for (const [at, value] of valuesOf(exported)) this.inc(at, value);
    },
  });
}

function valuesOf({ collect }: Exported): Iterable<readonly [Labels, number]> {
  const values = collect();
  return typeof values === 'number' ? [[{}, values]] : values;
}

export interface ExportedLatencies {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  collect(): Iterable<readonly [Labels, LatencyHistogram]>;
}

/** One line of a histogram. */
interface HistogramValue {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  /** Those that all lines of a series have: the library writes them out once. */
  readonly sharedLabels: Labels;
  readonly value: number;
}

/** Latencies, which are recorded elsewhere: only when they are asked for they take the form of this library. */
export class ExportedHistogram extends Histogram {
  readonly #exported: ExportedLatencies;

  constructor(registry: Registry, exported: ExportedLatencies) {
    const { name, help, labels } = exported;
    super({ name, help, labelNames: labels, buckets: boundsSeconds, registers: [registry] });
    this.#exported = exported;
  }

  /** All that the library asks a histogram for, be it for its text or for its values. */
  async getForPromString(): Promise<object> {
    const { name, help } = this.#exported;
    const values: HistogramValue[] = [];
    for (const [labels, histogram] of this.#exported.collect()) {
      this.#addBuckets(values, labels, histogram);
    }
    return { name, help, type: 'histogram', aggregator: 'sum', values };
  }

  /** Buckets are cumulative. */
  #addBuckets(values: HistogramValue[], sharedLabels: Labels, { counts, sumMs }: LatencyHistogram): void {
    const { name } = this.#exported;
    let count = 0;
    for (const [bucket, inBucket] of counts.entries()) {
      count += inBucket;
      const le = boundsSeconds[bucket] ?? '+Inf';
      values.push({ metricName: `${name}_bucket`, labels: { le }, sharedLabels, value: count });
    }
    values.push({ metricName: `${name}_sum`, labels: {}, sharedLabels, value: sumMs / 1_000 });
    values.push({ metricName: `${name}_count`, labels: {}, sharedLabels, value: count });
  }
}

const boundsSeconds = bucketBoundsMs.map((ms) => Number((ms / 1_000).toPrecision(3)));
