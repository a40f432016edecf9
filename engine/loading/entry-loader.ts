import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ItemJson } from '../../protocol/reply.ts';
import type { Table } from '../catalog.ts';
import { entryJson, entryOf } from '../index-entries.ts';
import { type Collection, collectionOf, collectionRow } from '../item-collections.ts';
import { parseItem } from '../item-json.ts';
import { canonicalKeyOf, decodeValue, keyAfter, type StateKey, tablePrefix } from '../state/layout.ts';
import type { Store } from '../state/store.ts';
import type { TableStatistics } from '../statistics.ts';
import { Slice } from './slice.ts';
import type { SliceWriter } from './slice-writer.ts';

/**
 * Derives from the items of a loaded table what goes with them: the entries of its indexes, and the sizes of its item collections.
 *
 *     items, in slices -> entries, gathered to a run -> sorted -> LMDB, in slices
 *
 * Entries of items that follow each other lie anywhere in an index. Sorted, those of one run that share a page of LMDB's tree write it
 * once.
 */
export class EntryLoader {
  readonly #table: Table;
  readonly #store: Store;
  readonly #writer: SliceWriter;
  readonly #slice = new Slice();
  /** Of indexes, by their numbers. */
  readonly #counts: Map<number, { itemCount: number; sizeBytes: number }>;
  #run: Entry[] = [];
  #runBytes = 0;
  /** The collection whose items are coming: they lie one behind the other. */
  #collection: { readonly of: Collection; bytes: number } | undefined;

  constructor(table: Table, store: Store, writer: SliceWriter) {
    this.#table = table;
    this.#store = store;
    this.#writer = writer;
    this.#counts = new Map(table.indexes.map(({ number }) => [number, { itemCount: 0, sizeBytes: 0 }]));
  }

  /** @returns what the indexes hold, by their numbers. @throws StateDamagedError */
  async load(): Promise<ReadonlyMap<number, TableStatistics>> {
    let next: StateKey | undefined = tablePrefix(this.#table.number);
    while (next !== undefined && this.#table.indexes.length > 0) {
      next = this.#addItems(next);
      if (this.#runBytes >= runBytesMax) await this.#writeRun();
      else await nextTurn();
    }
    this.#endCollection();
    await this.#writeRun();
    return this.#counts;
  }

  /** One short read of LMDB. @returns where to go on; undefined at the end. */
  #addItems(from: StateKey): StateKey | undefined {
    this.#store.refresh();
    let room = readCost;
    for (const { key, value } of this.#store.rawRange(from, tablePrefix(this.#table.number + 1))) {
      room -= itemCost + value.length;
      this.#addItem(key, decodeValue(key, value));
      if (room <= 0) return keyAfter(key);
    }
    return undefined;
  }

  #addItem(key: StateKey, json: ItemJson): void {
    const item = parseItem(json);
    let localBytes = 0;
    for (const index of this.#table.indexes) {
      const entry = entryOf(index, key, item);
      if (entry === undefined) continue;
      this.#count(index.number, entry.size);
      if (!index.isGlobal) localBytes += entry.size;
      this.#add(entry.key, entryJson(index, key, entry));
    }
    this.#grow(collectionOf(this.#table, canonicalKeyOf(key)), json.size + localBytes);
  }

  #count(index: number, sizeBytes: number): void {
    const counts = this.#counts.get(index);
    if (counts === undefined) return;
    counts.itemCount++;
    counts.sizeBytes += sizeBytes;
  }

  #grow(of: Collection | undefined, bytes: number): void {
    if (of === undefined) return;
    if (this.#collection?.of.partition !== of.partition) {
      this.#endCollection();
      this.#collection = { of, bytes: 0 };
    }
    this.#collection.bytes += bytes;
  }

  #endCollection(): void {
    const row = collectionRow(this.#collection?.of, this.#collection?.bytes);
    if (row?.entry.item !== undefined) this.#add(row.key, row.entry.item);
  }

  #add(key: StateKey, json: ItemJson): void {
    this.#run.push({ key, json });
    this.#runBytes += bytesOf({ key, json });
  }

  async #writeRun(): Promise<void> {
    const run = this.#run.sort((a, b) => (a.key < b.key ? -1 : 1));
    this.#run = [];
    this.#runBytes = 0;
    for (const { key, json } of run) {
      if (this.#slice.add(key, json)) continue;
      await this.#writeSlice();
      this.#slice.add(key, json);
    }
    await this.#writeSlice();
  }

  async #writeSlice(): Promise<void> {
    await this.#writer.write((transaction) => {
      this.#slice.visit((key, value) => value !== undefined && transaction.put(key, value));
    });
    this.#slice.clear();
  }
}

interface Entry {
  readonly key: StateKey;
  readonly json: ItemJson;
}

/**
 * Up to 1 MB, or 1,000 small items, are read in one go, in some 10 ms: while a read transaction of LMDB lasts, its file cannot use free
 * pages again.
 */
const readCost = 1024 * 1024;
const itemCost = readCost / 1000;

/** Of keys and values, with what goes with them in memory. */
const runBytesMax = 64 * 1024 * 1024;
const entryOverheadBytes = 200;

function bytesOf({ key, json }: Entry): number {
  return entryOverheadBytes + key.length + json.json.length;
}
