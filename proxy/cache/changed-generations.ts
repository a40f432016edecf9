import { type AttributeValue, equalValues, getAttribute, type Item } from '../../protocol/attribute-value.ts';
import { encodeKeyValue, type KeyAttribute, type KeyBytes, splitKey } from '../../protocol/key.ts';
import type { TableIndex } from '../described-indexes.ts';
import type { Table } from '../table-descriptions.ts';
import { basePartition, coarseIndex, indexPartition, indexScan, tableScan } from './generations.ts';

/** One item's change. */
export interface ItemChange {
  /** The primary key, as `canonicalKey` gives it. */
  readonly key: KeyBytes;
  /** Undefined where there was no item. */
  readonly oldItem: Item | undefined | 'unknown';
  /** Undefined where there is no item any more. */
  readonly newItem: Item | undefined | 'unknown';
}

/**
 * The generations of all pages that the change may have made wrong: those of the table and its local indexes by the
 * key; those of a global index by the entries that it had and has, or all of the index where these are not known. An
 * index in which nothing changes has none.
 */
export function changedGenerations(table: Pick<Table, 'schema' | 'indexes'>, change: ItemChange): KeyBytes[] {
  const { key, oldItem, newItem } = change;
  if (oldItem === undefined && newItem === undefined) return [];
  const names = [basePartition(splitKey(key).partition), tableScan];
  for (const index of table.indexes) {
    if (index.isGlobal) names.push(...changedInIndex(table, index, change));
  }
  return names;
}

function changedInIndex(table: Pick<Table, 'schema'>, index: TableIndex, change: ItemChange): KeyBytes[] {
  const { name } = index;
  const before = entryOf(index, change.oldItem);
  const after = entryOf(index, change.newItem);
  if (before === 'unknown' || after === 'unknown') {
    const partition = partitionInKey(table, index, change.key);
    return [partition === undefined ? coarseIndex(name) : indexPartition(name, partition), indexScan(name)];
  }
  if (before === undefined && after === undefined) return [];
  if (before !== undefined && after !== undefined && isSameEntry(index, before, after)) return [];
  const names = [before, after].flatMap((entry) =>
    entry === undefined ? [] : [indexPartition(name, entry.key.slice(0, index.partition.length))],
  );
  return [...new Set(names), indexScan(name)];
}

/** What an index has of an item. */
interface Entry {
  readonly item: Item;
  /** The values of the HASH and RANGE attributes. */
  readonly key: readonly KeyBytes[];
}

/** An item that lacks a key attribute, or has it in another type or empty, is not in the index. */
function entryOf(index: TableIndex, item: Item | undefined | 'unknown'): Entry | undefined | 'unknown' {
  if (item === undefined || item === 'unknown') return item;
  const key: KeyBytes[] = [];
  for (const attribute of [...index.partition, ...index.sort]) {
    const value = keyValue(item, attribute);
    if (value === undefined || value === 'unknown') return value;
    key.push(value);
  }
  return { item, key };
}

/** The longest value that an index's key can have (AWS: Constraints, partition key). */
const keyBytesMax = 2_048;

/** @returns unknown where the store has something that DynamoDB would not. */
function keyValue(item: Item, { name, type }: KeyAttribute): KeyBytes | undefined | 'unknown' {
  const value = getAttribute(item, name);
  if (value === undefined || !(type in value)) return undefined;
  try {
    const bytes = encodeKeyValue(value);
    return bytes.length === 0 || bytes.length > keyBytesMax ? undefined : bytes;
  } catch {
    return 'unknown';
  }
}

function isSameEntry(index: TableIndex, before: Entry, after: Entry): boolean {
  if (before.key.some((value, i) => value !== after.key[i])) return false;
  const names = index.projectedNames ?? new Set([...Object.keys(before.item), ...Object.keys(after.item)]);
  for (const name of names) {
    if (!isSameValue(getAttribute(before.item, name), getAttribute(after.item, name))) return false;
  }
  return true;
}

function isSameValue(before: AttributeValue | undefined, after: AttributeValue | undefined): boolean {
  if (before === undefined || after === undefined) return before === after;
  return equalValues(before, after);
}

/** The index partition of an item that has an entry at all, where its HASH attributes are those of the table's key. */
function partitionInKey(
  { schema }: Pick<Table, 'schema'>,
  index: TableIndex,
  key: KeyBytes,
): KeyBytes[] | undefined {
  const { partition, sort } = splitKey(key);
  const values = index.partition.map(({ name }) => {
    if (name === schema.partition.name) return partition;
    return name === schema.sort?.name ? sort : undefined;
  });
  return values.includes(undefined) ? undefined : (values as KeyBytes[]);
}
