/**
 * Upper bounds of the buckets, in milliseconds: 1 us to 10 s, three to a decade. A hit takes microseconds and a call of
 * a store up to seconds; a bucket tells both to within a factor of 2.5. The last bucket takes what is longer.
 */
export const bucketBoundsMs: readonly number[] = [
  ...[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5],
  ...[1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000],
];

/** How long calls took. To record one costs a few comparisons and allocates nothing. */
export class LatencyHistogram {
  /** Calls by bucket; a call is counted in one. */
  readonly counts = new Float64Array(bucketBoundsMs.length + 1);
  #sumMs = 0;

  record(ms: number): void {
    let bucket = 0;
    while (ms > (bucketBoundsMs[bucket] ?? Infinity)) bucket++;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.#sumMs += ms;
  }

  get sumMs(): number {
    return this.#sumMs;
  }

  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /**
   * @param share from 0 to 1, such as 0.99.
   * @returns the bound of the bucket in which that share of the calls has ended; `Infinity` beyond the last bound, 0
   * where there were no calls.
   */
  quantileMs(share: number): number {
    const wanted = share * this.count;
    let seen = 0;
    for (const [bucket, count] of this.counts.entries()) {
      seen += count;
      if (count > 0 && seen >= wanted) return bucketBoundsMs[bucket] ?? Infinity;
    }
    return 0;
  }
}
