import { type Call, type Limit, TokenBucket } from './token-bucket.ts';

/**
 * What an on-demand table or index answers at once: what it was warmed up to, and later double of what it has been
 * used for. A peak counts when its half hour is over, so that load which more than doubles within 30 minutes is
 * throttled; the rate never falls again (AWS: on-demand-capacity-mode).
 */
export class WarmThroughput implements Limit {
  readonly #bucket: TokenBucket;
  #secondBeganMs: number;
  #unitsInSecond = 0;
  #periodBeganMs: number;
  /** The most units of any second in this period. */
  #peak = 0;

  constructor(unitsPerSecond: number, nowMs: number) {
    this.#bucket = new TokenBucket(unitsPerSecond, 1, nowMs);
    this.#secondBeganMs = nowMs;
    this.#periodBeganMs = nowMs;
  }

  admits(call: Call): boolean {
    if (call.nowMs - this.#secondBeganMs >= 1000) this.#beginSecond(call.nowMs);
    if (call.nowMs - this.#periodBeganMs >= growthPeriodMs) this.#grow(call.nowMs);
    return this.#bucket.admits(call);
  }

  spend(units: number): void {
    this.#bucket.spend(units);
    this.#unitsInSecond += units;
    if (this.#unitsInSecond > this.#peak) this.#peak = this.#unitsInSecond;
  }

  /** A table that is warmed up by its owner gets at least that. */
  setRate(unitsPerSecond: number, nowMs: number): void {
    if (unitsPerSecond > this.#bucket.unitsPerSecond) this.#bucket.setRate(unitsPerSecond, nowMs);
  }

  #beginSecond(nowMs: number): void {
    this.#secondBeganMs = nowMs;
    this.#unitsInSecond = 0;
  }

  /** One second can hold what was saved besides its own: no more than the rate itself counts as a peak. */
  #grow(nowMs: number): void {
    this.setRate(2 * Math.min(this.#peak, this.#bucket.unitsPerSecond), nowMs);
    this.#periodBeganMs = nowMs;
    this.#peak = 0;
  }
}

const growthPeriodMs = 30 * 60 * 1000;
