import type { Clock } from '../../protocol/clock.ts';

/**
 * Until when a value may be kept. A process that has just started does not know which writes its predecessor has left
 * without an answer. So for its first `fenceMs` nothing is kept beyond the end of that time: a late write of then
 * cannot be hidden for longer.
 */
export class Lifetimes {
  readonly #clock: Clock;
  readonly #startedUntilMs: number;

  /** @param fenceMs how long the store may take to apply a write that it has not answered; 0 where it announces all. */
  constructor(fenceMs: number, clock: Clock) {
    this.#clock = clock;
    this.#startedUntilMs = fenceMs === 0 ? 0 : clock.monotonic() + fenceMs;
  }

  /**
   * @param ttlMs 0 for a value that does not expire by time.
   * @returns by the monotonic clock; `Infinity` for no end.
   */
  expiryMs(ttlMs: number): number {
    if (ttlMs === 0 && this.#startedUntilMs === 0) return Infinity;
    const nowMs = this.#clock.monotonic();
    const expiresAtMs = ttlMs === 0 ? Infinity : nowMs + ttlMs;
    return nowMs < this.#startedUntilMs ? Math.min(expiresAtMs, this.#startedUntilMs) : expiresAtMs;
  }
}
