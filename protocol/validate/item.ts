import {
  type AttributeValue,
  attributeType,
  canonicalItem,
  getAttribute,
  type Item,
  itemSize,
  valueSize,
} from '../attribute-value.ts';
import { type DynamoDbError, validationError } from '../errors.ts';
import type { KeyAttribute, KeyBytes, KeySchema } from '../key.ts';

/** Names and values together (AWS: ServiceQuotas). */
export const itemBytesMax = 409_600;
/** Attribute names, in UTF-8 (AWS: HowItWorks.NamingRulesDataTypes). */
const nameBytesMax = 65_535;
const partitionKeyBytesMax = 2048;
const sortKeyBytesMax = 1024;

/**
 * Checks an item that a request wants to write, as far as that is possible without its table.
 * @returns the item in canonical form; the very object where it was canonical.
 * @throws ValidationException for its names, its values, or a size beyond 409,600 bytes.
 */
export function checkItem(item: Item): Item {
  const canonical = checkItemValues(item);
  checkItemSize(canonical);
  return canonical;
}

/** The first part of `checkItem`: names and values. @returns the item in canonical form. */
export function checkItemValues(item: Item): Item {
  checkNames(item);
  return canonicalItem(item);
}

/** The second part of `checkItem`. @param item with canonical values. */
export function checkItemSize(item: Item): void {
  if (itemSize(item) > itemBytesMax) throw validationError('Item size has exceeded the maximum allowed size');
}

/** @param item as an update has left it. */
export function checkUpdatedItemSize(item: Item): void {
  if (itemSize(item) > itemBytesMax) throw updateTooLarge();
}

export function updateTooLarge(): DynamoDbError {
  return validationError('Item size to update has exceeded the maximum allowed size');
}

/** Checks that an item has its table's key, of the right types and sizes. @param item with canonical values. */
export function checkItemKey(schema: KeySchema, item: Item): void {
  checkItemKeyAttribute(schema.partition, item, partitionKeyBytesMax);
  if (schema.sort !== undefined) checkItemKeyAttribute(schema.sort, item, sortKeyBytesMax);
}

/** `checkItemKey` for a PutRequest of BatchWriteItem, which answers to a wrong key as if it were a Key argument. */
export function checkPutRequestKey(schema: KeySchema, item: Item): void {
  checkKeyAttribute(schema.partition, item, partitionKeyBytesMax);
  if (schema.sort !== undefined) checkKeyAttribute(schema.sort, item, sortKeyBytesMax);
}

/** Checks that a Key argument is exactly the table's key. @param key with canonical values. */
export function checkKey(schema: KeySchema, key: Item): void {
  if (countOf(key) !== (schema.sort === undefined ? 1 : 2)) throw validationError(schemaMismatch);
  checkPutRequestKey(schema, key);
}

/**
 * Checks an ExclusiveStartKey of a Query or Scan on an index: it has the keys of the index and of the table.
 * @param key with canonical values.
 */
export function checkIndexStartKey(table: KeySchema, index: IndexKey, key: Item): void {
  const ofTable = table.sort === undefined ? [table.partition] : [table.partition, table.sort];
  const attributes = [...index.partition, ...index.sort, ...ofTable];
  const names = new Set(attributes.map(({ name }) => name));
  if (countOf(key) !== names.size) throw validationError(invalidStart);
  for (const { name } of attributes) {
    if (getAttribute(key, name) === undefined) throw validationError(invalidStart);
  }
  // What does not fit the index's key AWS reports as it is (dynalite's tests, run against AWS).
  for (const attribute of index.partition) checkKeyAttribute(attribute, key, partitionKeyBytesMax);
  for (const attribute of index.sort) checkKeyAttribute(attribute, key, sortKeyBytesMax);
  checkPartitionKeyBytes(index.partition.map(({ name }) => getAttribute(key, name) as AttributeValue));
  checkSortKeyBytes(index.sort.map(({ name }) => getAttribute(key, name) as AttributeValue));
  inStartKey(() => checkPutRequestKey(table, key));
}

/** The key of a secondary index; a global one can have several attributes of each kind. */
interface IndexKey {
  readonly partition: readonly KeyAttribute[];
  readonly sort: readonly KeyAttribute[];
}

/** Checks an ExclusiveStartKey of a Query or Scan on the table itself. @param key with canonical values. */
export function checkStartKey(schema: KeySchema, key: Item): void {
  inStartKey(() => checkKey(schema, key));
}

/** `checkStartKey` for a Query, in which AWS has other words than for a Scan. @param key with canonical values. */
export function checkQueryStartKey(schema: KeySchema, key: Item): void {
  const { partition, sort } = schema;
  for (const { name } of sort === undefined ? [partition] : [partition, sort]) {
    if (getAttribute(key, name) === undefined) throw validationError(invalidStart);
  }
  checkPutRequestKey(schema, key);
}

/**
 * The part of a Query's ExclusiveStartKey that AWS looks at before the key condition (dynalite's tests, run against AWS):
 * how many attributes there are, and those of the partition key.
 * @param names of all key attributes of the table and the index that is queried.
 * @param key with canonical values.
 */
export function checkQueryStartPartition(
  partition: readonly KeyAttribute[],
  names: ReadonlySet<string>,
  key: Item,
): void {
  if (countOf(key) !== names.size) throw validationError(invalidStart);
  for (const attribute of partition) {
    if (getAttribute(key, attribute.name) === undefined) throw validationError(invalidStart);
    checkKeyAttribute(attribute, key, partitionKeyBytesMax);
  }
}

function inStartKey(check: () => void): void {
  try {
    check();
  } catch (error) {
    throw validationError(`${invalidStart}: ${(error as Error).message}`);
  }
}

/** No batch may name an item twice. @param named the keys before, of which this one is from now on. @throws ValidationException */
export function addDistinctKey(named: Set<KeyBytes>, key: KeyBytes): void {
  if (named.has(key)) throw validationError('Provided list of item keys contains duplicates');
  named.add(key);
}

const invalidStart = 'The provided starting key is invalid';
const schemaMismatch = 'The provided key element does not match the schema';

function checkItemKeyAttribute(attribute: KeyAttribute, item: Item, bytesMax: number): void {
  const value = getAttribute(item, attribute.name);
  const invalid = 'One or more parameter values were invalid:';
  if (value === undefined) {
    throw validationError(`${invalid} Missing the key ${attribute.name} in the item`);
  }
  if (!(attribute.type in value)) {
    throw validationError(
      `${invalid} Type mismatch for key ${attribute.name} ` +
        `expected: ${attribute.type} actual: ${attributeType(value)}`,
    );
  }
  checkKeyValue(attribute, value, bytesMax);
}

function checkKeyAttribute(attribute: KeyAttribute, key: Item, bytesMax: number): void {
  const value = getAttribute(key, attribute.name);
  if (value === undefined || !(attribute.type in value)) throw validationError(schemaMismatch);
  checkKeyValue(attribute, value, bytesMax);
}

/** Checks what a key condition gives for an attribute of a partition key. @param value of the attribute's type. */
export function checkPartitionKeyValue(attribute: KeyAttribute, value: AttributeValue): void {
  checkKeyValue(attribute, value, partitionKeyBytesMax);
}

/** Checks what a key condition gives for an attribute of a sort key. @param value of the attribute's type. */
export function checkSortKeyValue(attribute: KeyAttribute, value: AttributeValue): void {
  checkKeyValue(attribute, value, sortKeyBytesMax);
}

/** The attributes of a partition key share its limit. */
export function checkPartitionKeyBytes(values: readonly AttributeValue[]): void {
  if (bytesOf(values) > partitionKeyBytesMax) throw oversizedKey(partitionKeyBytesMax);
}

/** The attributes of a sort key share its limit. */
export function checkSortKeyBytes(values: readonly AttributeValue[]): void {
  if (bytesOf(values) > sortKeyBytesMax) throw oversizedKey(sortKeyBytesMax);
}

function bytesOf(values: readonly AttributeValue[]): number {
  return values.reduce((bytes, value) => bytes + valueSize(value), 0);
}

/** @param value of the attribute's type. Numbers always fit. */
function checkKeyValue(attribute: KeyAttribute, value: AttributeValue, bytesMax: number): void {
  if (attribute.type === 'N') return;
  const size = valueSize(value);
  if (size === 0) throw emptyKey(attribute);
  if (size > bytesMax) throw oversizedKey(bytesMax);
}

function emptyKey({ name, type }: KeyAttribute): Error {
  return validationError(
    'One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain ' +
      `an empty ${type === 'S' ? 'string' : 'binary'} value. Key: ${name}`,
  );
}

/** AWS's texts, the missing space included. */
function oversizedKey(bytesMax: number): Error {
  return validationError(
    bytesMax === partitionKeyBytesMax
      ? 'One or more parameter values were invalid: ' +
          'Size of hashkey has exceeded the maximum size limit of2048 bytes'
      : 'One or more parameter values were invalid: ' +
          'Aggregated size of all range keys has exceeded the size limit of 1024 bytes',
  );
}

function checkNames(item: Item): void {
  for (const name in item) {
    if (name === '') throw validationError('Empty attribute name');
    // No character takes more than three bytes for each of its code units.
    if (name.length * 3 > nameBytesMax && Buffer.byteLength(name) > nameBytesMax) {
      throw validationError('Attribute name is too large, must be less than 65536 bytes');
    }
  }
}

/** The number of attributes, without making a list of them. */
function countOf(item: Item): number {
  let count = 0;
  for (const _ in item) count++;
  return count;
}
