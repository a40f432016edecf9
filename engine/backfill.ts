import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../protocol/clock.ts';
import type { Logger } from '../protocol/logger.ts';
import { Reply } from '../protocol/reply.ts';
import { type Catalog, catalogRecord, type Table } from './catalog.ts';
import type { Committer } from './commit.ts';
import { entryJson, entryOf } from './index-entries.ts';
import type { Index } from './index-schema.ts';
import { parseItem } from './item-json.ts';
import type { Applier } from './state/applier.ts';
import { keyAfter, type StateKey, tablePrefix } from './state/layout.ts';
import type { Overlay } from './state/overlay.ts';
import type { State } from './state/state.ts';
import type { Statistics } from './statistics.ts';

export interface BackfillOptions {
  readonly catalog: Catalog;
  readonly state: State;
  readonly overlay: Overlay;
  readonly statistics: Statistics;
  readonly committer: Committer;
  readonly applier: Applier;
  readonly clock: Clock;
  readonly log: Logger;
  /** Overlay bytes from which on a backfill waits, so that writers keep their room. */
  readonly overlayBytesMax: number;
}

/**
 * Fills new indexes with the items that were there before them.
 *
 * Invariants
 *  1. From the catalog record of an index on every write keeps it, whether its backfill has come there or not. So a
 *     backfill only ever adds the entry of an item as it is committed in that very turn, and can never put back what
 *     a newer write has changed: that write is shown later, and changes the entry again.
 *  2. Entries of a backfill are in no log record. The record that makes the index ACTIVE is written when LMDB has
 *     committed them all; until then a crash makes the backfill begin again, and what it finds done it does again.
 *  3. Entries count when the backfill passes their items (Statistics), so they are counted once. How far it has come
 *     is stored with the counts: when replay comes to the record that makes the index ACTIVE, they are true.
 *
 * It runs on the serving thread in slices of a few milliseconds, as reading the overlay from another thread would cost
 * more than it spares.
 */
export class Backfills {
  readonly #options: BackfillOptions;
  readonly #running = new Set<number>();
  #closed = false;

  constructor(options: BackfillOptions) {
    this.#options = options;
  }

  /** To be called whenever such an index is met; does nothing if its backfill is under way. */
  start(table: number, index: number): void {
    if (this.#running.has(index) || this.#closed) return;
    this.#running.add(index);
    this.#fill(table, index)
      .catch((error: unknown) => {
        if (!this.#closed)
          this.#options.log.error({ err: error, table, index }, 'the backfill of an index has stopped');
      })
      .finally(() => this.#running.delete(index));
  }

  /** Backfills stop at their next slice; the next start begins them again. */
  close(): void {
    this.#closed = true;
  }

  async #fill(tableNumber: number, number: number): Promise<void> {
    const { statistics, applier, overlay, overlayBytesMax } = this.#options;
    statistics.startFilling(number);
    let next: StateKey | undefined = tablePrefix(tableNumber);
    while (next !== undefined) {
      if (this.#indexOf(tableNumber, number) === undefined) return;
      next = this.#slice(tableNumber, number, next);
      applier.committed();
      await nextTurn();
      while (overlay.bytes > overlayBytesMax && !this.#closed) await delay(overlayPollMs);
    }
    await applier.flush();
    await this.#activateAtLast(tableNumber, number);
  }

  /** There can be no room for the record just now; what is filled stays filled. */
  async #activateAtLast(tableNumber: number, number: number): Promise<void> {
    while (!this.#closed) {
      try {
        return await this.#activate(tableNumber, number);
      } catch (error) {
        if (this.#closed) return;
        this.#options.log.warn(
          { err: error, table: tableNumber, index: number },
          'cannot make a filled index ACTIVE; trying again',
        );
        await delay(retryDelayMs, undefined, { ref: false });
      }
    }
  }

  /** Adds entries until the slice is over. @returns where to go on; undefined at the end. Invariant 1: no await. */
  #slice(tableNumber: number, number: number, from: StateKey): StateKey | undefined {
    const { state, clock, statistics } = this.#options;
    const found = this.#indexOf(tableNumber, number);
    if (found === undefined) return undefined;
    const endMs = clock.monotonic() + sliceMs;
    for (const [key, item] of state.range(from, tablePrefix(tableNumber + 1), false)) {
      this.#add(found.table, found.index, key, parseItem(item));
      if (clock.monotonic() < endMs) continue;
      statistics.filledTo(tableNumber, number, keyAfter(key));
      return keyAfter(key);
    }
    statistics.filledTo(tableNumber, number, tablePrefix(tableNumber + 1));
    return undefined;
  }

  #add(table: Table, index: Index, key: StateKey, item: ReturnType<typeof parseItem>): void {
    const entry = entryOf(index, key, item);
    if (entry === undefined) return;
    this.#options.overlay.set(entry.key, { item: entryJson(index, key, entry) });
    this.#options.statistics.filled(table.number, index.number, entry.size);
  }

  /** Undefined if it has been deleted meanwhile, or the engine is closing. */
  #indexOf(tableNumber: number, number: number): { table: Table; index: Index } | undefined {
    const table = this.#options.catalog.byNumber(tableNumber);
    const index = table?.indexes.find((candidate) => candidate.number === number);
    return this.#closed || table === undefined || index === undefined ? undefined : { table, index };
  }

  async #activate(tableNumber: number, number: number): Promise<void> {
    await this.#options.committer.submit((context) => {
      const table = context.catalog.byNumber(tableNumber)?.definition;
      const isFilled = table?.indexes.some((index) => index.number === number && index.backfilling) === true;
      const indexes = table?.indexes.map((index) =>
        index.number === number ? { ...index, status: 'ACTIVE' as const, backfilling: false } : index,
      );
      const changes =
        isFilled && indexes !== undefined ? [catalogRecord({ put: { ...table, indexes } })] : [];
      return { changes, reply: new Reply({}) };
    });
  }
}

/** A slice holds up other calls for this long. */
const sliceMs = 2;
const overlayPollMs = 5;
const retryDelayMs = 1000;
