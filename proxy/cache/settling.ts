import type { Clock } from '../../protocol/clock.ts';
import type { KeyBytes } from '../../protocol/key.ts';

/** Keys remembered one by one; above that, the tables of further keys settle as a whole. */
const keysMax = 100_000;

/**
 * Which keys were written so recently that an eventually consistent read may still see what was before. A cache
 * would keep such a leftover for its whole time to live, so until a key has settled, a miss asks with
 * ConsistentRead. What nobody was told of is not remembered: everything settles at the start.
 */
export class Settling {
  readonly #settleMs: () => number;
  readonly #clock: Clock;
  /** What `#settleMs` gave last. */
  #lastSettleMs = 0;
  /** Names and tables with the time at which they have settled, in the order of these times. */
  readonly #keys = new Map<string, number>();
  readonly #tables = new Map<string, number>();
  #everythingUntilMs = 0;

  /**
   * @param settleMs how long the store's replicas may lag; 0 where reads see every acknowledged write. It is asked at
   *   each use, as the store may tell of its lag at any time.
   */
  constructor(settleMs: () => number, clock: Clock) {
    this.#settleMs = settleMs;
    this.#clock = clock;
    this.#current();
  }

  /** The item was written. */
  key(tableId: string, key: KeyBytes): void {
    const settleMs = this.#current();
    if (settleMs === 0) return;
    const nowMs = this.#clock.monotonic();
    forgetSettled(this.#keys, nowMs);
    if (this.#keys.size >= keysMax) this.table(tableId);
    else moveToEnd(this.#keys, nameOf(tableId, key), nowMs + settleMs);
  }

  /** Any item of the table may have been written, now or in the next `forMs` milliseconds. */
  table(tableId: string, forMs = 0): void {
    const settleMs = this.#current();
    if (settleMs === 0) return;
    const nowMs = this.#clock.monotonic();
    const untilMs = nowMs + forMs + settleMs;
    forgetSettled(this.#tables, nowMs);
    moveToEnd(this.#tables, tableId, untilMs);
  }

  /** Any item of any table may have been written, now or in the next `forMs` milliseconds. */
  everything(forMs = 0): void {
    const settleMs = this.#current();
    if (settleMs === 0) return;
    const untilMs = this.#clock.monotonic() + forMs + settleMs;
    this.#everythingUntilMs = Math.max(this.#everythingUntilMs, untilMs);
  }

  /** Whether what is written now has to settle. */
  get isNeeded(): boolean {
    return this.#current() > 0;
  }

  /** Whether an eventually consistent read of the key may show what was before a write that is acknowledged. */
  isUnsettled(tableId: string, key: KeyBytes): boolean {
    this.#current();
    const nowMs = this.#clock.monotonic();
    if (nowMs < this.#everythingUntilMs) return true;
    if (nowMs < (this.#tables.get(tableId) ?? 0)) return true;
    return this.#keys.size > 0 && nowMs < (this.#keys.get(nameOf(tableId, key)) ?? 0);
  }

  /** How many keys and tables are remembered. */
  get size(): number {
    forgetSettled(this.#keys, this.#clock.monotonic());
    forgetSettled(this.#tables, this.#clock.monotonic());
    return this.#keys.size + this.#tables.size;
  }

  /** A lag that has grown may concern every write so far: those were remembered for less than it takes. */
  #current(): number {
    const settleMs = this.#settleMs();
    if (settleMs > this.#lastSettleMs) {
      const untilMs = this.#clock.monotonic() + settleMs;
      this.#everythingUntilMs = Math.max(this.#everythingUntilMs, untilMs);
    }
    this.#lastSettleMs = settleMs;
    return settleMs;
  }
}

function nameOf(tableId: string, key: KeyBytes): string {
  return `${tableId}\n${key}`;
}

/** What was to settle later still does. */
function moveToEnd(times: Map<string, number>, name: string, untilMs: number): void {
  const before = times.get(name) ?? 0;
  times.delete(name);
  times.set(name, Math.max(before, untilMs));
}

/** Stops at the first that has not settled: one that takes longer keeps those behind it, and no longer than itself. */
function forgetSettled(times: Map<string, number>, nowMs: number): void {
  for (const [name, untilMs] of times) {
    if (untilMs > nowMs) return;
    times.delete(name);
  }
}
