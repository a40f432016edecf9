import {
  type AttributeValue,
  equalItems,
  getAttribute,
  type Item,
  itemSize,
} from '../protocol/attribute-value.ts';
import { writeUnits } from '../protocol/capacity.ts';
import { encodeKeyValue, type KeyAttribute, type KeyBytes } from '../protocol/key.ts';
import type { ItemJson } from '../protocol/reply.ts';
import type { Table } from './catalog.ts';
import type { Index } from './index-schema.ts';
import { globalIndexKey, indexEntry, localIndexKey } from './state/index-layout.ts';
import type { StateKey } from './state/layout.ts';

/** An item's entry in an index. */
export interface Entry {
  readonly key: StateKey;
  /** Of the projected item, in bytes. */
  readonly size: number;
  /** What the index has of the item. */
  readonly projected: Item;
}

/** What a change of an item does to one index of its table; indexes that it does nothing to have none. */
export interface IndexChange {
  readonly index: Index;
  readonly item: StateKey;
  readonly before: Entry | undefined;
  readonly after: Entry | undefined;
  /** What it costs there, in write units. */
  readonly writeUnits: number;
}

/** @param key state key of the item. */
export function indexChanges(
  table: Table,
  key: StateKey,
  oldItem: Item | undefined,
  newItem: Item | undefined,
): IndexChange[] {
  const changes: IndexChange[] = [];
  for (const index of table.indexes) {
    const change = indexChange(index, key, oldItem, newItem);
    if (change !== undefined) changes.push(change);
  }
  return changes;
}

/** The entry of an item in an index; undefined if it has none. */
export function entryOf(index: Index, key: StateKey, item: Item | undefined): Entry | undefined {
  if (item === undefined || !index.contains(item)) return undefined;
  const projected = index.projected(item);
  return { key: entryKey(index, key, item), size: itemSize(projected), projected };
}

/**
 * Where the entry of an item lies in an index.
 * @param key state key of the item.
 * @param attributes those of the index's key, valid; others do not matter.
 */
export function entryKey(index: Index, key: StateKey, attributes: Item): StateKey {
  const parts = {
    partition: encodedKey(index.partition, attributes),
    sort: encodedKey(index.sort, attributes),
  };
  return index.isGlobal ? globalIndexKey(index.number, parts, key) : localIndexKey(index.number, parts, key);
}

/**
 * The entry as the state holds it: an index of less than whole items has what is read from it in its entries; of whole
 * ones it would be a second copy.
 * @param key state key of the item.
 */
export function entryJson(index: Index, key: StateKey, { size, projected }: Entry): ItemJson {
  return indexEntry(key, size, index.projectsAll ? undefined : JSON.stringify(projected));
}

function indexChange(
  index: Index,
  key: StateKey,
  oldItem: Item | undefined,
  newItem: Item | undefined,
): IndexChange | undefined {
  const before = entryOf(index, key, oldItem);
  const after = entryOf(index, key, newItem);
  if (before === undefined && after === undefined) return undefined;
  const moves = before?.key !== after?.key;
  if (!moves && !changesProjection(index, before, after)) return undefined;
  return { index, item: key, before, after, writeUnits: unitsOf(before, after, moves) };
}

function changesProjection(index: Index, before: Entry | undefined, after: Entry | undefined): boolean {
  if (before === undefined || after === undefined || index.projectsAll) return true;
  return !equalItems(before.projected, after.projected);
}

/** An entry that moves is deleted in one place and written in another (AWS: GSI.ThroughputConsiderations.Writes). */
function unitsOf(before: Entry | undefined, after: Entry | undefined, moves: boolean): number {
  if (!moves) return writeUnits(Math.max(before?.size ?? 0, after?.size ?? 0));
  return (
    (before === undefined ? 0 : writeUnits(before.size)) + (after === undefined ? 0 : writeUnits(after.size))
  );
}

/** @param item has values for all of the attributes. */
function encodedKey(attributes: readonly KeyAttribute[], item: Item): KeyBytes[] {
  return attributes.map(({ name }) => encodeKeyValue(getAttribute(item, name) as AttributeValue));
}
