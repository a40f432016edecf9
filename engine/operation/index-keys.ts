import {
  type AttributeType,
  attributeType,
  getAttribute,
  type Item,
  valueSize,
} from '../../protocol/attribute-value.ts';
import { type DynamoDbError, validationError } from '../../protocol/errors.ts';
import type { Update } from '../../protocol/expression/update.ts';
import type { KeyAttribute } from '../../protocol/key.ts';
import type { Table } from '../catalog.ts';
import { type Index, partitionKeyBytesMax, sortKeyBytesMax } from '../index-schema.ts';

/**
 * Checks that what an item has for the keys of its table's indexes can be one; an item without them is not in the
 * index (AWS: SecondaryIndexes, GSI.DataTypes).
 * @param item with canonical values.
 */
export function checkIndexKeys(table: Table, item: Item): void {
  for (const index of table.indexes) {
    for (const attribute of index.keyAttributes) checkPutKey(index, attribute, item);
    checkSizes(index, item);
  }
}

/** Checks an update, as far as that is possible without the item: it may not give the key of an index another type. */
export function checkIndexKeysWritten(table: Table, update: Update): void {
  if (table.indexes.length === 0) return;
  for (const { path, type } of update.writes()) {
    for (const index of table.indexes) {
      const attribute = index.keyAttributes.find(({ name }) => name === path[0]);
      if (attribute !== undefined) checkWrittenKey(index, attribute, path.length, type);
    }
  }
}

function checkWrittenKey(
  index: Index,
  attribute: KeyAttribute,
  pathLength: number,
  type: AttributeType | undefined,
): void {
  if (pathLength > 1) {
    throw validationError(
      `Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: ${attribute.name}`,
    );
  }
  if (type !== undefined && type !== attribute.type) throw typeMismatch(index, attribute, type);
}

/** The same for what an update makes of an item; AWS has other words for it. */
export function checkUpdatedIndexKeys(table: Table, item: Item): void {
  for (const index of table.indexes) {
    for (const attribute of index.keyAttributes) checkUpdatedKey(index, attribute, item);
    checkSizes(index, item);
  }
}

function checkPutKey(index: Index, attribute: KeyAttribute, item: Item): void {
  const value = getAttribute(item, attribute.name);
  if (value === undefined) return;
  if (!(attribute.type in value)) throw typeMismatch(index, attribute, attributeType(value));
  if (isEmpty(attribute, item)) {
    throw validationError(
      'One or more parameter values are not valid. A value specified for a secondary index key is not supported. ' +
        emptyText(attribute, index),
    );
  }
}

function typeMismatch(index: Index, { name, type }: KeyAttribute, actual: AttributeType): DynamoDbError {
  return validationError(
    `One or more parameter values were invalid: Type mismatch for Index Key ${name} Expected: ${type} ` +
      `Actual: ${actual} IndexName: ${index.name}`,
  );
}

function checkUpdatedKey(index: Index, attribute: KeyAttribute, item: Item): void {
  const value = getAttribute(item, attribute.name);
  if (value === undefined) return;
  if (!(attribute.type in value)) {
    throw validationError(
      'The update expression attempted to update the secondary index key to unsupported type',
    );
  }
  if (isEmpty(attribute, item)) {
    throw validationError(
      'One or more parameter values are not valid. The update expression attempted to update a secondary index key ' +
        `to a value that is not supported. ${emptyText(attribute, index)}`,
    );
  }
}

function emptyText({ name, type }: KeyAttribute, index: Index): string {
  return (
    `The AttributeValue for a key attribute cannot contain an empty ${type === 'S' ? 'string' : 'binary'} value. ` +
    `IndexName: ${index.name}, IndexKey: ${name}`
  );
}

function isEmpty(attribute: KeyAttribute, item: Item): boolean {
  return attribute.type !== 'N' && sizeOf(attribute, item) === 0;
}

/** The limits are those of a table's key; where a key has several attributes they share them. */
function checkSizes(index: Index, item: Item): void {
  if (sumOf(index.partition, item) > partitionKeyBytesMax) {
    throw validationError(
      `One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of${partitionKeyBytesMax} bytes`,
    );
  }
  if (sumOf(index.sort, item) > sortKeyBytesMax) {
    throw validationError(
      `One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of ${sortKeyBytesMax} bytes`,
    );
  }
}

function sumOf(attributes: readonly KeyAttribute[], item: Item): number {
  return attributes.reduce((sum, attribute) => sum + sizeOf(attribute, item), 0);
}

function sizeOf({ name }: KeyAttribute, item: Item): number {
  const value = getAttribute(item, name);
  return value === undefined ? 0 : valueSize(value);
}
