import { itemCollectionSizeLimitExceeded } from '../protocol/errors.ts';
import { joinKey, type KeyBytes, splitKey } from '../protocol/key.ts';
import { ItemJson } from '../protocol/reply.ts';
import type { Table } from './catalog.ts';
import type { IndexChange } from './index-entries.ts';
import type { ItemChange } from './log/record.ts';
import { type StateKey, stateKey } from './state/layout.ts';
import type { OverlayEntry } from './state/overlay.ts';

/**
 * Item collections: in a table with local secondary indexes, all items of one partition key with their entries in those
 * indexes. Each may have 10 GB at most (AWS: LSI.ItemCollections), so its size is kept, as a row of the state beside the
 * items:
 *
 *     key    number of the table's collections (4) | hash of partition key (4) | its length (2) | partition key
 *     value  as of an item; its content is the size in bytes, in decimal digits
 *
 * An empty collection has no row. The size is that of the items and of what is projected from them, without the 100
 * bytes that AWS adds to an index entry for storage (AWS: API_ItemCollectionMetrics).
 *
 * Invariants
 *  1. A row changes with the change of an item that it follows from, in the same turn: in the commit queue, when it is
 *     shown to readers, and on replay.
 *  2. The log record of a change has the size that it leaves, not only what it adds. LMDB can be ahead of the position
 *     from which replay begins, so what replay adds to a row might be in it already.
 *  3. A collection that is too large takes nothing that makes it larger, and everything that does not.
 */
export interface Collection {
  /** The number of the table's collections. */
  readonly number: number;
  /** The canonical key of the partition, without a sort key. */
  readonly partition: KeyBytes;
}

/** What a change adds to the collection of its item. */
export interface CollectionGrowth extends Collection {
  /** Below 0 where it shrinks; never 0. */
  readonly bytes: number;
}

/** The limit of AWS (AWS: LSI.ItemCollections.SizeLimit). */
export const itemCollectionBytesMax = 10 * 1024 ** 3;

/** @param key the canonical key of an item. @returns undefined if the table has no local indexes. */
export function collectionOf({ definition }: Table, key: KeyBytes): Collection | undefined {
  const { collections } = definition;
  if (collections === undefined) return undefined;
  return { number: collections, partition: joinKey(splitKey(key).partition, '') };
}

/** @returns undefined if the table has no local indexes, or the size remains. */
export function collectionGrowth(
  table: Table,
  { key, oldImage, newImage }: ItemChange,
  indexChanges: readonly IndexChange[],
): CollectionGrowth | undefined {
  const collection = collectionOf(table, key);
  if (collection === undefined) return undefined;
  let bytes = (newImage?.size ?? 0) - (oldImage?.size ?? 0);
  for (const { index, before, after } of indexChanges) {
    if (!index.isGlobal) bytes += (after?.size ?? 0) - (before?.size ?? 0);
  }
  return bytes === 0 ? undefined : { ...collection, bytes };
}

/** Where sizes are read from: everything that has been evaluated so far. */
export interface CollectionRows {
  item(number: number, key: KeyBytes): ItemJson | undefined;
}

/**
 * Sizes as the writes of one call leave them, one after the other: what was there before the call, and what its writes
 * so far have added.
 */
export class CollectionSizes {
  readonly #rows: CollectionRows;
  readonly #bytesMax: number;
  /** Of the collections that this call has changed. */
  #changed: Map<StateKey, number> | undefined;

  constructor(rows: CollectionRows, bytesMax: number) {
    this.#rows = rows;
    this.#bytesMax = bytesMax;
  }

  /** In bytes. */
  of({ number, partition }: Collection): number {
    return (
      this.#changed?.get(stateKey(number, partition)) ?? bytesOfCollection(this.#rows.item(number, partition))
    );
  }

  /** @throws ItemCollectionSizeLimitExceededException, and then nothing is added. */
  admit(growth: CollectionGrowth): void {
    if (growth.bytes > 0 && this.of(growth) + growth.bytes > this.#bytesMax) {
      throw itemCollectionSizeLimitExceeded();
    }
  }

  /** @returns the size that the growth leaves. */
  add(growth: CollectionGrowth): number {
    const bytes = this.of(growth) + growth.bytes;
    this.#changed ??= new Map();
    this.#changed.set(stateKey(growth.number, growth.partition), bytes);
    return bytes;
  }
}

/** A row as it is shown to readers. */
export interface CollectionRow {
  readonly key: StateKey;
  readonly entry: OverlayEntry;
}

/** @param bytes the size that a change leaves. @returns undefined if it is none of a collection, or leaves its size. */
export function collectionRow(
  collection: Collection | undefined,
  bytes: number | undefined,
): CollectionRow | undefined {
  if (collection === undefined || bytes === undefined) return undefined;
  const item = bytes === 0 ? undefined : new ItemJson(Buffer.from(String(bytes)), 0);
  return { key: stateKey(collection.number, collection.partition), entry: { item } };
}

/** The size that a row holds. @param row undefined for an empty collection. */
export function bytesOfCollection(row: ItemJson | undefined): number {
  return row === undefined ? 0 : Number(row.json.toString('latin1'));
}
