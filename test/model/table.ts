import {
  hashName,
  type IndexSchema,
  type KeyAttribute,
  type KeySchema,
  rangeName,
  type Schema,
} from './request.ts';
import {
  areEqual,
  attribute,
  bytesOf,
  canonicalItem,
  type Item,
  invalid,
  sizeOf,
  stable,
  typeOf,
  type Value,
} from './value.ts';

/** An index of a table; CREATING while nobody but the store knows how far that has come. */
export interface TableIndex {
  readonly schema: IndexSchema;
  readonly status: 'CREATING' | 'ACTIVE';
}

/** Others than ACTIVE only while changes of tables are held up. */
export type TableStatus = 'CREATING' | 'UPDATING' | 'DELETING' | 'ACTIVE';

/** What a change of an item does to an index: nothing for those that are not named. */
export interface EntryChange {
  readonly index: IndexSchema;
  readonly before: Item | undefined;
  readonly after: Item | undefined;
  /** Whether the entry is where it was not before, or the other way round. */
  readonly moves: boolean;
}

/** A table as the plainest thing that it can be: a list of items, looked through for every key and every index. */
export class Table {
  readonly schema: Schema;
  readonly key: KeySchema;
  status: TableStatus = 'ACTIVE';
  /** Local ones first. */
  indexes: TableIndex[];
  items: Item[] = [];

  constructor(schema: Schema) {
    this.schema = schema;
    this.key = keySchemaOf(schema);
    const indexes = schema.indexes.toSorted((a, b) => Number(a.isGlobal) - Number(b.isGlobal));
    this.indexes = indexes.map((index) => ({ schema: index, status: 'ACTIVE' }));
  }

  get(key: Item): Item | undefined {
    return this.items.find((item) => this.#isKeyOf(key, item));
  }

  put(item: Item): void {
    this.delete(item);
    this.items.push(item);
  }

  delete(key: Item): void {
    this.items = this.items.filter((item) => !this.#isKeyOf(key, item));
  }

  index(name: string): TableIndex | undefined {
    return this.indexes.find(({ schema }) => schema.name === name);
  }

  #isKeyOf(key: Item, item: Item): boolean {
    return keyAttributes(this.key).every(({ name }) => areEqual(key[name], item[name]));
  }
}

/** AWS: ServiceQuotas. */
const hashBytesMax = 2048;
const rangeBytesMax = 1024;

function keySchemaOf({ hash, range }: Schema): KeySchema {
  return {
    hash: [{ name: hashName, type: hash }],
    range: range === undefined ? [] : [{ name: rangeName, type: range }],
  };
}

export function keyAttributes({ hash, range }: KeySchema): KeyAttribute[] {
  return [...hash, ...range];
}

export function isKeyName(key: KeySchema, name: string): boolean {
  return keyAttributes(key).some((part) => part.name === name);
}

/** The key attributes of the table alone; missing ones stay missing. */
export function keyOf({ key }: Table, item: Item): Item {
  return onlyNamed(item, (name) => isKeyName(key, name));
}

/** What a page of an index ends with: the keys of the index and those of the table. */
export function positionOf({ key }: Table, index: IndexSchema | undefined, item: Item): Item {
  return onlyNamed(item, (name) => isKeyName(key, name) || (index !== undefined && isKeyName(index, name)));
}

function onlyNamed(item: Item, isWanted: (name: string) => boolean): Item {
  return Object.fromEntries(Object.entries(item).filter(([name]) => isWanted(name)));
}

/**
 * What an index has of an item; undefined where the item lacks one of its keys. What is older than the index may also
 * have it of another type, empty or too large (AWS: GSI.OnlineOps.ViolationDetection).
 */
export function entryOf(table: Table, index: IndexSchema, item: Item | undefined): Item | undefined {
  if (item === undefined) return undefined;
  return isKeyed(index, item) ? onlyNamed(item, (name) => projects(table, index, name)) : undefined;
}

/** Whether an item has all attributes of a key, as they have to be. */
function isKeyed(key: KeySchema, item: Item): boolean {
  const isTyped = keyAttributes(key).every(({ name, type }) => {
    const value = attribute(item, name);
    return value !== undefined && typeOf(value) === type && bytesOf(value)?.length !== 0;
  });
  return isTyped && !hasOversizedKey(key, item);
}

/** The attributes of a key share its limit. */
export function hasOversizedKey({ hash, range }: KeySchema, item: Item): boolean {
  const bytes = (parts: readonly KeyAttribute[]) =>
    parts.reduce((sum, { name }) => sum + valueBytes(attribute(item, name)), 0);
  return bytes(hash) > hashBytesMax || bytes(range) > rangeBytesMax;
}

export function projects({ key }: Table, index: IndexSchema, name: string): boolean {
  const { projection } = index;
  if (projection === 'ALL' || isKeyName(key, name) || isKeyName(index, name)) return true;
  return projection !== 'KEYS_ONLY' && projection.includes(name);
}

/** AWS: GSI.ThroughputConsiderations.Writes. */
export function entryChanges(table: Table, old: Item | undefined, item: Item | undefined): EntryChange[] {
  return table.indexes.flatMap(({ schema: index }) => {
    const [before, after] = [entryOf(table, index, old), entryOf(table, index, item)];
    const place = (entry: Item | undefined) => entry && stable(positionOf(table, index, entry));
    const moves = place(before) !== place(after);
    return stable(before) === stable(after) ? [] : [{ index, before, after, moves }];
  });
}

export function checkKey({ key: schema }: Table, key: Item): void {
  const mismatch = 'The provided key element does not match the schema';
  const parts = keyAttributes(schema);
  if (Object.keys(key).length !== parts.length) throw invalid(mismatch);
  for (const { name, type } of parts) {
    const value = attribute(key, name);
    if (value === undefined || typeOf(value) !== type) throw invalid(mismatch);
    checkKeySize(name, value);
  }
}

/** AWS wraps the texts about a start key, some of them. */
export function checkedStartKey(table: Table, index: IndexSchema | undefined, key: Item): Item {
  try {
    const startKey = canonicalItem(key);
    if (index === undefined) checkKey(table, startKey);
    else checkPosition(table, index, startKey);
    return startKey;
  } catch {
    throw invalid();
  }
}

function checkPosition(table: Table, index: IndexSchema, key: Item): void {
  const names = [...keyAttributes(index), ...keyAttributes(table.key)].map(({ name }) => name);
  const isWhole = isKeyed(index, key) && isKeyed(table.key, key);
  if (!isWhole || Object.keys(key).length !== new Set(names).size) throw invalid();
}

export function checkItemKey({ key }: Table, item: Item): void {
  const start = 'One or more parameter values were invalid:';
  for (const { name, type } of keyAttributes(key)) {
    const value = attribute(item, name);
    if (value === undefined) throw invalid(`${start} Missing the key ${name} in the item`);
    const actual = typeOf(value);
    if (type !== actual) {
      throw invalid(`${start} Type mismatch for key ${name} expected: ${type} actual: ${actual}`);
    }
    checkKeySize(name, value);
  }
}

const emptyKey =
  'One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain ';

function checkKeySize(name: string, value: Value): void {
  const size = bytesOf(value)?.length;
  if (size === 0)
    throw invalid(`${emptyKey}an empty ${'S' in value ? 'string' : 'binary'} value. Key: ${name}`);
  if (size !== undefined && size > (name === hashName ? hashBytesMax : rangeBytesMax)) throw invalid();
}

/** Whether a value can be compared with a key attribute: of its type, not empty. */
export function fitsKey({ type }: KeyAttribute, value: Value): boolean {
  return typeOf(value) === type && bytesOf(value)?.length !== 0;
}

/**
 * Checks what an item that is put, or updated, has for the keys of the table's indexes (AWS: GSI.DataTypes).
 * @throws Refusal for the first attribute of the first index that is wrong
 */
export function checkIndexKeys({ indexes }: Table, item: Item, how: 'put' | 'update'): void {
  for (const { schema } of indexes) {
    for (const key of keyAttributes(schema)) checkIndexKey(schema, key, attribute(item, key.name), how);
    if (hasOversizedKey(schema, item)) throw invalid();
  }
}

function valueBytes(value: Value | undefined): number {
  return value === undefined ? 0 : sizeOf(value);
}

function checkIndexKey(
  index: IndexSchema,
  { name, type }: KeyAttribute,
  value: Value | undefined,
  how: 'put' | 'update',
): void {
  if (value === undefined) return;
  const actual = typeOf(value);
  if (type !== actual) throw invalid(how === 'put' ? mismatched(index, name, type, actual) : unsupported);
  if (bytesOf(value)?.length !== 0) return;
  const what = how === 'put' ? emptyPut : emptyUpdate;
  const kind = type === 'S' ? 'string' : 'binary';
  throw invalid(
    `One or more parameter values are not valid. ${what} The AttributeValue for a key attribute cannot contain ` +
      `an empty ${kind} value. IndexName: ${index.name}, IndexKey: ${name}`,
  );
}

function mismatched(index: IndexSchema, name: string, type: string, actual: string): string {
  return (
    `One or more parameter values were invalid: Type mismatch for Index Key ${name} Expected: ${type} ` +
    `Actual: ${actual} IndexName: ${index.name}`
  );
}

const unsupported = 'The update expression attempted to update the secondary index key to unsupported type';
const emptyPut = 'A value specified for a secondary index key is not supported.';
const emptyUpdate =
  'The update expression attempted to update a secondary index key to a value that is not supported.';

export function checkDistinct(keys: readonly Item[]): void {
  const distinct = new Set(keys.map((key) => stable(key)));
  if (distinct.size < keys.length) throw invalid('Provided list of item keys contains duplicates');
}
