import { attributeType, getAttribute, type Item, valueSize } from '../../protocol/attribute-value.ts';
import { validationError } from '../../protocol/errors.ts';
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
  const { name, type } = attribute;
  if (!(type in value)) {
    throw validationError(
      `One or more parameter values were invalid: Type mismatch for Index Key ${name} Expected: ${type} ` +
        `Actual: ${attributeType(value)} IndexName: ${index.name}`,
    );
  }
  if (isEmpty(attribute, item)) {
    throw validationError(
      'One or more parameter values are not valid. A value specified for a secondary index key is not supported. ' +
        emptyText(attribute, index),
    );
  }
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
