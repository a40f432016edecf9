import type { Clock } from '../../protocol/clock.ts';

/**
 * Until when a value may be kept. A process that has just started does not know which writes its predecessor has left
 * without an answer. So what was asked for in its first `fenceMs` is not kept beyond the end of that time, whenever the
 * answer comes: a late write of then cannot be hidden for longer.
 */
export class Lifetimes {
  readonly #clock: Clock;
  /** 0 once it has passed. */
  #startedUntilMs: number;

  /** @param fenceMs how long the store may take to apply a write that it has not answered; 0 where it announces all. */
  constructor(fenceMs: number, clock: Clock) {
    this.#clock = clock;
    this.#startedUntilMs = fenceMs === 0 ? 0 : clock.monotonic() + fenceMs;
  }

  /**
   * The longest life of what the store is asked for, or told to write, in this turn.
   * @returns like `expiryMs`.
   */
  limitMs(): number {
    if (this.#startedUntilMs === 0) return Infinity;
    if (this.#clock.monotonic() < this.#startedUntilMs) return this.#startedUntilMs;
    this.#startedUntilMs = 0;
    return Infinity;
  }

  /**
   * @param ttlMs 0 for a value that does not expire by time.
   * @param limitMs what `limitMs` gave when the store was called.
   * @returns by the monotonic clock; `Infinity` for no end.
   */
  expiryMs(ttlMs: number, limitMs: number): number {
    return ttlMs === 0 ? limitMs : Math.min(this.#clock.monotonic() + ttlMs, limitMs);
  }
}
