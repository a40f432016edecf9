/** One call on its way through the limits. Its identity counts: what has admitted a call admits all of it. */
export interface Call {
  /** By the monotonic clock. */
  readonly nowMs: number;
}

/** Something that can be short of units. */
export interface Limit {
  /** Whether the call may spend here. Once it may, it may to its end, however much it turns out to cost. */
  admits(call: Call): boolean;
  spend(units: number): void;
  /** Another rate from now on. What was saved is kept, as far as the new rate allows for it. */
  setRate(unitsPerSecond: number, nowMs: number): void;
}

/**
 * Units that come in at a steady rate; those that are not spent are kept, up to some seconds' worth. A call is admitted
 * while there is anything at all, and may leave a debt, since what it costs is only known afterwards. A new bucket is
 * full.
 */
export class TokenBucket implements Limit {
  readonly #burstSeconds: number;
  #unitsPerSecond: number;
  #units: number;
  #filledMs: number;
  #admitted: Call | undefined;

  /** @param burstSeconds how many seconds' worth are kept. */
  constructor(unitsPerSecond: number, burstSeconds: number, nowMs: number) {
    this.#burstSeconds = burstSeconds;
    this.#unitsPerSecond = unitsPerSecond;
    this.#units = unitsPerSecond * burstSeconds;
    this.#filledMs = nowMs;
  }

  get unitsPerSecond(): number {
    return this.#unitsPerSecond;
  }

  admits(call: Call): boolean {
    if (this.#admitted === call) return true;
    this.#fill(call.nowMs);
    if (this.#units <= 0) return false;
    this.#admitted = call;
    return true;
  }

  spend(units: number): void {
    this.#units -= units;
  }

  setRate(unitsPerSecond: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#unitsPerSecond = unitsPerSecond;
    this.#units = Math.min(this.#units, unitsPerSecond * this.#burstSeconds);
  }

  #fill(nowMs: number): void {
    const added = ((nowMs - this.#filledMs) / 1000) * this.#unitsPerSecond;
    this.#units = Math.min(this.#units + added, this.#unitsPerSecond * this.#burstSeconds);
    this.#filledMs = nowMs;
  }
}
