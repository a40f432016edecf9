import type { Clock } from '../../protocol/clock.ts';

/** The longest lag that is believed: as long as any can be simulated. */
const lagMsMax = 600_000;

/** How long a greater lag counts on when smaller ones are told. */
const heldMs = 10_000;

/**
 * The lag of an endpoint, as its answers tell it. Answers of before and after a restart with another lag come in any
 * order, so a greater lag counts at once and a smaller one only after a while.
 */
export class ToldLag {
  readonly #clock: Clock;
  #ms = 0;
  #heldUntilMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get ms(): number {
    return this.#ms;
  }

  tell(ms: number): void {
    if (ms === 0 && this.#ms === 0) return;
    const nowMs = this.#clock.monotonic();
    if (ms < this.#ms && nowMs < this.#heldUntilMs) return;
    this.#ms = ms;
    this.#heldUntilMs = nowMs + heldMs;
  }
}

/** @returns 0 for a header that is not there, or is no number of milliseconds. */
export function readLag(header: string | string[] | undefined): number {
  if (typeof header !== 'string' || !/^\d{1,15}$/.test(header)) return 0;
  return Math.min(Number(header), lagMsMax);
}
