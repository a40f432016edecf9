import { type Item, itemSize } from '../protocol/attribute-value.ts';

/** Every item has this size, as DynamoDB counts it (AWS: CapacityUnitCalculations). */
export const ITEM_BYTES = 600;

/** Keys are `item-` and this many digits, so that all requests of a row have one length. */
export const KEY_DIGITS = 8;

/**
 * Revisions are numbers of exactly this many digits: none begins with 0, which would not be canonical, and the first
 * does not end with 0 either, as trailing zeros take no space in an item.
 */
export const REVISION_DIGITS = 12;
export const REVISION_MIN = 100_000_000_001;

/** A partition of the collections has so many items, in the table and in its index. */
export const COLLECTION_ITEMS = 100;

export const INDEX_NAME = 'by-rank';

/**
 * `items`, `more-items` and `many-items` have one item a key. `collections` has partitions of `COLLECTION_ITEMS` items, and a global
 * index that puts items of different partitions together, so that reading it goes all over the table.
 */
export const tableNames = ['items', 'more-items', 'collections', 'many-items'] as const;
export type TableName = (typeof tableNames)[number];

/** Every table but one begins with so many items; writes overwrite them, so that no system grows while it is measured. */
export const ITEMS = 20_000;
/** Of the table for a cache that is large. */
export const MANY_ITEMS = 1_000_000;

/** Partitions of `collections`, and of its index. */
export const COLLECTIONS = ITEMS / COLLECTION_ITEMS;

export function itemCount(table: TableName): number {
  return table === 'many-items' ? MANY_ITEMS : ITEMS;
}

/** Item `number` of a table, from 0 up to its count. */
export function itemOf(table: TableName, number: number): Item {
  return table === 'collections' ? collectionItem(number) : benchItem(number);
}

/** The item with key number `key`: six attributes of the common types, 600 bytes together. */
export function benchItem(key: number, revision = REVISION_MIN): Item {
  return filled({
    pk: { S: keyName(key) },
    revision: { N: String(revision) },
    name: { S: 'Slipstream benchmark item' },
    active: { BOOL: true },
    address: { M: { street: { S: 'Main Street 1' }, city: { S: 'Springfield' }, zip: { S: '12345' } } },
  });
}

/** What a partition of `collections`, or of its index, has, in order. */
export function collection(partition: number, isIndex: boolean): Item[] {
  return Array.from({ length: COLLECTION_ITEMS }, (_, place) =>
    collectionItem(isIndex ? place * COLLECTIONS + partition : partition * COLLECTION_ITEMS + place),
  );
}

/** The sort key of the item at this place of its partition. */
export function sortKey(place: number): string {
  return `place-${String(place).padStart(4, '0')}`;
}

export function keyName(key: number): string {
  return `item-${String(key).padStart(KEY_DIGITS, '0')}`;
}

function collectionItem(number: number): Item {
  return filled({
    pk: { S: keyName(Math.floor(number / COLLECTION_ITEMS)) },
    sk: { S: sortKey(number % COLLECTION_ITEMS) },
    indexPk: { S: keyName(number % COLLECTIONS) },
    indexSk: { S: sortKey(Math.floor(number / COLLECTIONS)) },
    active: { BOOL: true },
    address: { M: { street: { S: 'Main Street 1' }, city: { S: 'Springfield' }, zip: { S: '12345' } } },
  });
}

/** Adds what is missing of the item's 600 bytes. */
function filled(item: Item): Item {
  const bytes = ITEM_BYTES - itemSize(item) - 'payload'.length;
  return { ...item, payload: { S: text.slice(0, bytes) } };
}

const text = 'Lorem ipsum dolor sit amet, consectetur adipiscing elit, '.repeat(ITEM_BYTES / 50);
