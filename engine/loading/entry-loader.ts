import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Item } from '../../protocol/attribute-value.ts';
import type { Table } from '../catalog.ts';
import { entryJson, entryOf } from '../index-entries.ts';
import { type Collection, collectionOf, collectionRow } from '../item-collections.ts';
import type { Image } from '../log/record.ts';
import type { FoundItem } from '../state/found-item.ts';
import { canonicalKeyOf, keyAfter, type StateKey, tablePrefix } from '../state/layout.ts';
import type { Store } from '../state/store.ts';
import type { TableStatistics } from '../statistics.ts';
import { Run } from './run.ts';
import type { Slices } from './slice-writer.ts';

export interface EntryLoaderOptions {
  /** Whose items are all there. */
  readonly table: Table;
  readonly store: Store;
  readonly slices: Slices;
  readonly signal: AbortSignal;
  /** A slice of entries is on disk; until it resolves no more are written. */
  readonly onSlice: () => Promise<void>;
}

/**
 * Derives from the items of a loaded table what goes with them: the entries of its indexes, and the sizes of its item collections.
 *
 *     items, as LMDB has them -> entries, gathered to a run -> sorted -> LMDB, in slices
 */
export class EntryLoader {
  readonly #options: EntryLoaderOptions;
  readonly #table: Table;
  readonly #run = new Run();
  /** Of indexes, by their numbers. */
  readonly #counts: Map<number, { itemCount: number; sizeBytes: number }>;
  /** The collection whose items are coming: they lie one behind the other. */
  #collection: { readonly of: Collection; bytes: number } | undefined;

  constructor(options: EntryLoaderOptions) {
    const { table } = options;
    this.#options = options;
    this.#table = table;
    this.#counts = new Map(table.indexes.map(({ number }) => [number, { itemCount: 0, sizeBytes: 0 }]));
  }

  /** @returns what the indexes hold, by their numbers. @throws StateDamagedError; the signal's reason */
  async load(): Promise<ReadonlyMap<number, TableStatistics>> {
    let next: StateKey | undefined = tablePrefix(this.#table.number);
    while (next !== undefined && this.#table.indexes.length > 0) {
      const rows: DerivedRow[] = [];
      next = this.#deriveSome(next, rows);
      await this.#addAll(rows);
      // An abort is a message, which only a turn of the event loop brings.
      await nextTurn();
      this.#options.signal.throwIfAborted();
    }
    const last: DerivedRow[] = [];
    this.#endCollection(last);
    await this.#addAll(last);
    await this.#write();
    return this.#counts;
  }

  /** One short read of LMDB. @returns where to go on; undefined at the end. */
  #deriveSome(from: StateKey, rows: DerivedRow[]): StateKey | undefined {
    const { store } = this.#options;
    store.refresh();
    const items = store.range(from, tablePrefix(this.#table.number + 1), false);
    let room = readCost;
    try {
      for (let found = items.next(); found !== undefined; found = items.next()) {
        this.#derive(found, rows);
        room -= itemCost + found.end;
        if (room <= 0) return keyAfter(found.key);
      }
      return undefined;
    } finally {
      items.close();
    }
  }

  #derive(found: FoundItem, rows: DerivedRow[]): void {
    const { key, size } = found;
    const item = parsed(found);
    let localBytes = 0;
    for (const index of this.#table.indexes) {
      const entry = entryOf(index, key, item);
      if (entry === undefined) continue;
      this.#count(index.number, entry.size);
      if (!index.isGlobal) localBytes += entry.size;
      rows.push({ key: entry.key, image: entryJson(index, key, entry) });
    }
    const collection = collectionOf(this.#table, canonicalKeyOf(key));
    if (collection !== undefined) this.#grow(collection, size + localBytes, rows);
  }

  #count(index: number, sizeBytes: number): void {
    const counts = this.#counts.get(index);
    if (counts === undefined) return;
    counts.itemCount++;
    counts.sizeBytes += sizeBytes;
  }

  #grow(of: Collection, bytes: number, rows: DerivedRow[]): void {
    if (this.#collection?.of.partition !== of.partition) {
      this.#endCollection(rows);
      this.#collection = { of, bytes: 0 };
    }
    this.#collection.bytes += bytes;
  }

  #endCollection(rows: DerivedRow[]): void {
    const row = collectionRow(this.#collection?.of, this.#collection?.bytes);
    if (row?.entry.item !== undefined) rows.push({ key: row.key, image: row.entry.item });
  }

  async #addAll(rows: readonly DerivedRow[]): Promise<void> {
    for (const { key, image } of rows) {
      if (this.#run.add(key, image)) continue;
      await this.#write();
      this.#run.add(key, image);
    }
  }

  async #write(): Promise<void> {
    for (let next = 0; next < this.#run.rows; ) next = await this.#writeSlice(next);
    this.#run.clear();
  }

  async #writeSlice(from: number): Promise<number> {
    const { slices, onSlice } = this.#options;
    let next = from;
    await slices.write((transaction) => {
      next = this.#run.visitSlice(from, (key, value) => value && transaction.put(key, value));
    });
    await onSlice();
    return next;
  }
}

interface DerivedRow {
  readonly key: StateKey;
  readonly image: Image;
}

/**
 * Up to 1 MB, or 1,000 small items, are read in one go, in some 10 ms: while a read transaction of LMDB lasts, its file cannot use free
 * pages again.
 */
const readCost = 1024 * 1024;
const itemCost = readCost / 1000;

/** @throws StateDamagedError */
function parsed(found: FoundItem): Item {
  found.check();
  return JSON.parse(found.bytes.toString('utf8', found.start, found.end)) as Item;
}
