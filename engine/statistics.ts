import type { IndexChange } from './index-entries.ts';
import type { ItemChange } from './log/record.ts';
import { type StateKey, tablePrefix } from './state/layout.ts';
import type { TableDefinition } from './table-definition.ts';

/** Number and size of a table's items, or of an index's entries, as DynamoDB counts them. */
export interface TableStatistics {
  readonly itemCount: number;
  readonly sizeBytes: number;
  /** Of an index that is being filled: the first state key of its table's items that is not counted yet. */
  readonly filledTo?: StateKey;
}

/**
 * Counts and sizes of all tables and indexes, by their numbers, kept true with every commit.
 *
 * An index that is being filled counts the items that its backfill has passed, and those only: a change beyond is
 * counted when the backfill gets there.
 */
export class Statistics {
  readonly #counts = new Map<number, { itemCount: number; sizeBytes: number }>();
  /** Up to which state key of its table's items an index has been filled; absent for one that is complete. */
  readonly #filledTo = new Map<number, StateKey>();
  /** Tables that have changed, themselves or their indexes, since they were last handed to LMDB. */
  readonly #changed = new Set<number>();
  /** Tables handed to LMDB, which has not yet committed them. */
  readonly #applying = new Set<number>();

  of(number: number): TableStatistics {
    const counts = this.#counts.get(number) ?? empty;
    const filledTo = this.#filledTo.get(number);
    return filledTo === undefined ? counts : { ...counts, filledTo };
  }

  restore(number: number, { filledTo, ...counts }: TableStatistics): void {
    this.#counts.set(number, counts);
    if (filledTo !== undefined) this.#filledTo.set(number, filledTo);
  }

  itemChanged({ table, oldImage, newImage }: ItemChange): void {
    this.#changed.add(table);
    this.#add(table, oldImage?.size, newImage?.size);
  }

  entryChanged({ index, item, before, after }: IndexChange): void {
    const filledTo = this.#filledTo.get(index.number);
    if (filledTo !== undefined && item >= filledTo) return;
    this.#add(index.number, before?.size, after?.size);
  }

  /** @param definition undefined for one that is gone: `dropped` says which. */
  definitionChanged(definition: TableDefinition | undefined): void {
    if (definition === undefined) return;
    this.#changed.add(definition.number);
    for (const { number, status, backfilling } of definition.indexes) {
      if (status === 'CREATING' && !this.#filledTo.has(number)) this.startFilling(number);
      if (status !== 'CREATING' && !backfilling) this.#filledTo.delete(number);
    }
  }

  dropped(number: number): void {
    this.#changed.add(number);
    this.#counts.delete(number);
    this.#filledTo.delete(number);
  }

  /** A backfill begins, or begins again. */
  startFilling(index: number): void {
    this.#filledTo.set(index, '');
    this.#counts.set(index, { ...empty });
  }

  /** The backfill of an index of `table` has added an entry. */
  filled(table: number, index: number, entrySize: number): void {
    this.#changed.add(table);
    this.#add(index, undefined, entrySize);
  }

  /** @param to the first state key of the table's items that it has not passed. */
  filledTo(table: number, index: number, to: StateKey): void {
    this.#changed.add(table);
    this.#filledTo.set(index, to);
  }

  /** A table that was being loaded has all of its rows, and its indexes have their entries. @param counts by number. */
  loaded({ number, indexes }: TableDefinition, counts: ReadonlyMap<number, TableStatistics>): void {
    this.#changed.add(number);
    for (const [of, { itemCount, sizeBytes }] of counts) this.#counts.set(of, { itemCount, sizeBytes });
    for (const index of indexes) this.#filledTo.set(index.number, tablePrefix(number + 1));
  }

  /** The tables whose definition or statistics LMDB has to be given with the next commit. */
  startApplying(): ReadonlySet<number> {
    for (const table of this.#changed) this.#applying.add(table);
    this.#changed.clear();
    return this.#applying;
  }

  /** LMDB has committed what `startApplying` named last. */
  applied(): void {
    this.#applying.clear();
  }

  #add(number: number, before: number | undefined, after: number | undefined): void {
    let counts = this.#counts.get(number);
    if (counts === undefined) {
      counts = { ...empty };
      this.#counts.set(number, counts);
    }
    counts.itemCount += (after === undefined ? 0 : 1) - (before === undefined ? 0 : 1);
    counts.sizeBytes += (after ?? 0) - (before ?? 0);
  }
}

const empty: TableStatistics = { itemCount: 0, sizeBytes: 0 };
