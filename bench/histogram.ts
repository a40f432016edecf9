import { build, type Histogram } from 'hdr-histogram-js';

/** Percentiles of the time from sending a request to having its whole answer, in microseconds. */
export interface LatencyUs {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export const percentileNames = ['p50', 'p90', 'p99', 'p999', 'max'] as const;

/** The middle of the rounds, with the smallest and the largest of them. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

const LATENCY_NS_MAX = 60_000_000_000;

/** Records latencies with three significant digits in constant memory. */
export class LatencyRecorder {
  readonly #histogram: Histogram = build({
    bitBucketSize: 32,
    autoResize: false,
    lowestDiscernibleValue: 1,
    highestTrackableValue: LATENCY_NS_MAX,
    numberOfSignificantValueDigits: 3,
  });

  get count(): number {
    return this.#histogram.totalCount;
  }

  /** @param ms milliseconds, fractions included; above a minute counts as a minute. */
  record(ms: number): void {
    this.#histogram.recordValue(Math.min(Math.max(Math.round(ms * 1e6), 1), LATENCY_NS_MAX));
  }

  /**
   * A closed loop sends nothing while it waits, so one long stall would count once where a client with its own clock
   * would have met it many times. As wrk does, the missing requests are added at the mean interval of a connection.
   *
   * @param intervalMs mean time between two requests of one connection.
   */
  summary(intervalMs: number): LatencyUs {
    const intervalNs = Math.max(Math.round(intervalMs * 1e6), 1);
    return percentilesOf(this.#histogram.copyCorrectedForCoordinatedOmission(intervalNs));
  }

  /** Of what was recorded, as it is. */
  percentiles(): LatencyUs {
    return percentilesOf(this.#histogram);
  }
}

function percentilesOf(histogram: Histogram): LatencyUs {
  const us = (percentile: number): number => histogram.getValueAtPercentile(percentile) / 1000;
  return { p50: us(50), p90: us(90), p99: us(99), p999: us(99.9), max: us(100) };
}

/** @throws RangeError where there are no values. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const [min, max] = [sorted[0], sorted[sorted.length - 1]];
  const lower = sorted[(sorted.length - 1) >> 1];
  const upper = sorted[sorted.length >> 1];
  if (min === undefined || max === undefined || lower === undefined || upper === undefined) {
    throw new RangeError('no values to take a median of');
  }
  return { median: (lower + upper) / 2, min, max };
}
