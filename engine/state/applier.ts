import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../protocol/logger.ts';
import { type StateKey, tablePrefix } from './layout.ts';
import type { Lag, Overlay, OverlayEntry } from './overlay.ts';
import type { MetaRows, Store } from './store.ts';
import type { WriteTurns } from './write-turns.ts';

export interface ApplierOptions {
  readonly store: Store;
  readonly overlay: Overlay;
  readonly log: Logger;
  /** Overlay bytes from which on an apply starts at once, and does not wait for more. */
  readonly applyBytes: number;
  /** The meta rows that belong to what is committed now; called in the turn that freezes the overlay. */
  readonly collectMeta: () => MetaRows;
  /** Makes durable what the log holds: LMDB must not know more than the log after power loss. */
  readonly syncLog: () => Promise<void>;
  /** Numbers of gone tables and indexes whose items may still be in LMDB. */
  readonly droppedTables: Set<number>;
  /** LMDB did not take what it was given; it is tried again. */
  readonly onFailed: () => void;
  readonly lag: Lag | undefined;
  /** Shared with the threads that load tables. */
  readonly turns: WriteTurns;
  /** LMDB has caught up with all that was committed when `collectMeta` was called last. */
  readonly onApplied: () => void;
}

/**
 * Carries committed entries from the overlay into LMDB, in big sorted batches, one after the other. It alone writes
 * LMDB, but for threads that load tables, under numbers that nobody else touches meanwhile (engine/loading).
 *
 * Invariants
 *  1. Nothing gets into LMDB before the log has it durably. The position row is committed last, so LMDB holds at least all that its position says; what it holds beyond,
 *     replay writes again.
 *  2. Entries leave the overlay in the turn in which reads begin to see their commit.
 *  3. The items of a dropped table are removed after its drop is applied; its number is never used again.
 *
 * When LMDB cannot commit (disk full) the entries stay in the overlay, whose bound slows and then refuses writers; the
 * batch is tried again until it succeeds.
 */
export class Applier {
  readonly #options: ApplierOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #dirty = false;
  #closing = false;
  /** Applies that have succeeded. */
  #applies = 0;

  constructor(options: ApplierOptions) {
    this.#options = options;
  }

  /** Tells that something was committed. */
  committed(): void {
    this.#dirty = true;
    if (this.#options.overlay.bytes >= this.#options.applyBytes) this.#start();
    else this.#startLater(applyDelayMs);
  }

  /**
   * Resolves when LMDB holds everything that the overlay holds now, or when no more is applied.
   * @param signal ends the waiting for an LMDB that takes nothing. @throws an error after its abort
   */
  async flush(signal?: AbortSignal): Promise<void> {
    await this.#running;
    const before = this.#applies;
    while (this.#applies === before && !this.#closing) {
      signal?.throwIfAborted();
      this.#start();
      await this.#running;
      if (this.#applies === before) await delay(retryDelayMs, undefined, signal && { signal });
    }
  }

  /** Applies until LMDB holds everything committed; then nothing more is applied. */
  async close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#timer);
    await this.#running;
    if (this.#dirty) await this.#applyOnce();
  }

  #startLater(delayMs: number): void {
    if (this.#running !== undefined || this.#timer !== undefined || this.#closing) return;
    this.#timer = setTimeout(() => this.#start(), delayMs);
  }

  #start(): void {
    if (this.#running !== undefined || this.#closing) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#running = this.#applyOnce().then(
      () => this.#finished(undefined),
      (error) => this.#finished(error),
    );
  }

  #finished(error: unknown): void {
    this.#running = undefined;
    if (error !== undefined) {
      this.#dirty = true;
      this.#options.log.error({ err: error }, 'cannot write the data file; trying again');
      this.#options.onFailed();
      this.#startLater(retryDelayMs);
    } else if (this.#dirty) {
      if (this.#options.droppedTables.size > 0) this.#startLater(purgeDelayMs);
      this.committed();
    }
  }

  async #applyOnce(): Promise<void> {
    const { overlay, store, syncLog, collectMeta, droppedTables, turns, onApplied } = this.#options;
    const dropped = [...droppedTables];
    const frozen = overlay.freeze();
    const meta = collectMeta();
    this.#dirty = false;
    try {
      await syncLog();
      await this.#waitForLag();
      await turns.applying(() => store.apply(frozen, meta));
    } catch (error) {
      overlay.thaw();
      throw error;
    }
    store.refresh();
    overlay.release();
    this.#applies++;
    onApplied();
    if (dropped.length > 0 && !this.#closing) await this.#purge(dropped);
  }

  /** LMDB gets nothing that lagging readers do not see yet. */
  async #waitForLag(): Promise<void> {
    const { lag } = this.#options;
    if (lag === undefined) return;
    const untilMs = lag.clock.monotonic() + lag.lagMs;
    while (lag.clock.monotonic() < untilMs && !this.#closing) await delay(Math.min(lag.lagMs, lagPollMs));
  }

  /** Removes some of what dropped numbers have, and with the last of it the rows that remember to do so. */
  async #purge(numbers: readonly number[]): Promise<void> {
    const { store, droppedTables, turns } = this.#options;
    const removals: (readonly [StateKey, OverlayEntry])[] = [];
    const rows: MetaRows = new Map();
    const done: number[] = [];
    for (const number of numbers) {
      const keys = store.keys(tablePrefix(number), tablePrefix(number + 1), purgeKeysMax - removals.length);
      for (const key of keys) removals.push([key, deleted]);
      if (removals.length >= purgeKeysMax) break;
      rows.set(droppedRow(number), undefined);
      done.push(number);
    }
    await turns.applying(() => store.apply(removals, rows));
    store.refresh();
    for (const number of done) droppedTables.delete(number);
    if (droppedTables.size > 0) this.#dirty = true;
  }
}

const deleted: OverlayEntry = { item: undefined };

export const droppedRowPrefix = 'dropped:';

export function droppedRow(table: number): string {
  return `${droppedRowPrefix}${table}`;
}

/** How long a few entries wait for more, so that commits are big. */
const applyDelayMs = 2000;
const retryDelayMs = 1000;
const lagPollMs = 50;

/** Some ten milliseconds of the serving thread at a time; a table of a million items is gone within a minute. */
const purgeKeysMax = 5000;
const purgeDelayMs = 200;
