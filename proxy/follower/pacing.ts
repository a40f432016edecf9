import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../protocol/clock.ts';

/** Resolves after the time, or rejects once the signal is aborted. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>;

export const systemPause: Pause = (ms, signal) => sleep(ms, undefined, { signal });

const firstBackoffMs = 100;
const backoffMsMax = 5_000;

/** @param failures how many calls in a row have failed before this one. */
export function backoffMs(failures: number, random: () => number): number {
  const longestMs = Math.min(backoffMsMax, firstBackoffMs * 2 ** Math.min(failures, 10));
  return longestMs * (0.5 + random() / 2);
}

/** AWS answers as many GetRecords of one shard in a second (AWS: API_streams_GetRecords). */
const readsPerSecondMax = 5;
const firstIdleMs = 25;

/** How long to wait before a shard is read again: not at all while it has records, at most `idleMsMax` else. */
export class ReadPace {
  readonly #clock: Clock;
  readonly #idleMsMax: number;
  #idleMs = 0;
  /** When the last reads were sent, the oldest first. */
  readonly #sentAtMs: number[] = [];

  constructor(idleMsMax: number, clock: Clock) {
    this.#idleMsMax = idleMsMax;
    this.#clock = clock;
  }

  /** @param records how many the read brought that has just ended. */
  pauseMs(records: number, sentAtMs: number): number {
    this.#sentAtMs.push(sentAtMs);
    if (this.#sentAtMs.length > readsPerSecondMax) this.#sentAtMs.shift();
    this.#idleMs = records > 0 ? 0 : Math.min(this.#idleMsMax, Math.max(firstIdleMs, 2 * this.#idleMs));
    return Math.max(this.#idleMs, this.#untilAllowedMs());
  }

  #untilAllowedMs(): number {
    const [oldest] = this.#sentAtMs;
    if (oldest === undefined || this.#sentAtMs.length < readsPerSecondMax) return 0;
    return oldest + 1000 - this.#clock.monotonic();
  }
}

/** At most so many at once; the others wait in the order in which they came. */
export class Slots {
  readonly #max: number;
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#taken >= this.#max) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#taken++;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#taken--;
      else next();
    }
  }
}

/** What the call gives, unless the signal is aborted before: then its reason is thrown, and nobody waits for the call. */
export async function unlessAborted<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let giveUp = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    giveUp = () => reject(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
  });
  try {
    return await Promise.race([call(), aborted]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}
