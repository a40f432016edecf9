import { limitExceeded, validationError } from '../errors.ts';
import type {
  CreateTableInput,
  GlobalSecondaryIndex,
  GlobalSecondaryIndexUpdate,
  LocalSecondaryIndex,
  Projection,
  UpdateTableInput,
} from '../operation.ts';
import { checkGlobalKeySchema, checkKeySchema } from './key-schema.ts';
import {
  checkBounds,
  checkIndexThroughput,
  checkNewOnDemandThroughput,
  checkWarmThroughput,
} from './throughput.ts';

/** What can be said against secondary indexes (AWS: API_CreateTable, API_UpdateTable, SecondaryIndexes). */

const invalid = 'One or more parameter values were invalid:';
const localIndexesMax = 5;
const globalIndexesMax = 20;

/** Checks the indexes of a table to be created, whose own key and definitions have been checked. */
export function checkIndexes(table: CreateTableInput): void {
  const names = new Set<string>();
  if (table.LocalSecondaryIndexes !== undefined) checkLocalIndexes(table, table.LocalSecondaryIndexes, names);
  if (table.GlobalSecondaryIndexes !== undefined)
    checkGlobalIndexes(table, table.GlobalSecondaryIndexes, names);
}

function checkLocalIndexes(
  table: CreateTableInput,
  indexes: readonly LocalSecondaryIndex[],
  names: Set<string>,
): void {
  if (indexes.length === 0) throw validationError(`${invalid} List of LocalSecondaryIndexes is empty`);
  if (table.KeySchema.length !== 2) {
    throw validationError(
      `${invalid} Table KeySchema does not have a range key, ` +
        'which is required when specifying a LocalSecondaryIndex',
    );
  }
  for (const [i, index] of indexes.entries()) {
    const path = `localSecondaryIndexes.${i + 1}.member.keySchema`;
    checkKeySchema(index.KeySchema, table.AttributeDefinitions, path);
    checkLocalKey(table, index);
    checkProjection(index.Projection);
    checkName(index.IndexName, names);
  }
  if (indexes.length > localIndexesMax) {
    throw validationError(
      `${invalid} Number of LocalSecondaryIndexes exceeds per-table limit of ${localIndexesMax}`,
    );
  }
}

/** A local index sorts the items of a partition anew, so it shares the partition key. */
function checkLocalKey(
  table: CreateTableInput,
  { IndexName: name, KeySchema: keySchema }: LocalSecondaryIndex,
): void {
  if (keySchema.length !== 2) {
    throw validationError(`${invalid} Index KeySchema does not have a range key for index: ${name}`);
  }
  const tableHash = table.KeySchema[0]?.AttributeName;
  const indexHash = keySchema[0]?.AttributeName;
  if (indexHash === tableHash) return;
  throw validationError(
    `${invalid} Index KeySchema does not have the same leading hash key as table KeySchema ` +
      `for index: ${name}. index hash key: ${indexHash}, table hash key: ${tableHash}`,
  );
}

function checkGlobalIndexes(
  table: CreateTableInput,
  indexes: readonly GlobalSecondaryIndex[],
  names: Set<string>,
): void {
  if (indexes.length === 0) throw validationError(`${invalid} List of GlobalSecondaryIndexes is empty`);
  for (const index of indexes) {
    checkGlobalKeySchema(index.KeySchema, table.AttributeDefinitions);
    checkProjection(index.Projection);
    checkIndexCapacity(index, table.BillingMode);
    checkName(index.IndexName, names);
  }
  if (indexes.length > globalIndexesMax) {
    throw validationError(
      `${invalid} GlobalSecondaryIndex count exceeds the per-table limit of ${globalIndexesMax}`,
    );
  }
}

function checkIndexCapacity(index: GlobalSecondaryIndex, mode: CreateTableInput['BillingMode']): void {
  const capacities = { ...index, BillingMode: mode };
  checkIndexThroughput(capacities, index.IndexName);
  checkNewOnDemandThroughput(capacities, index.IndexName);
  checkWarmThroughput(capacities, `index ${index.IndexName}`);
}

function checkProjection({ ProjectionType: type, NonKeyAttributes: names }: Projection): void {
  if (type === undefined) throw validationError(`${invalid} Unknown ProjectionType: null`);
  if (type !== 'INCLUDE') {
    if (names === undefined) return;
    throw validationError(`${invalid} ProjectionType is ${type}, but NonKeyAttributes is specified`);
  }
  if (names === undefined) {
    throw validationError(`${invalid} ProjectionType is INCLUDE, but NonKeyAttributes is not specified`);
  }
  const duplicate = names.find((name, i) => names.indexOf(name) !== i);
  if (duplicate !== undefined) {
    throw validationError(`${invalid} Duplicate element in NonKeyAttributes: ${duplicate}`);
  }
}

function checkName(name: string, names: Set<string>): void {
  if (names.has(name)) throw validationError(`${invalid} Duplicate index name: ${name}`);
  names.add(name);
}

/** Checks what an UpdateTable wants of indexes, as far as that is possible without the table. */
export function checkIndexUpdates({
  GlobalSecondaryIndexUpdates: updates = [],
  ...table
}: UpdateTableInput): void {
  const names = new Set<string>();
  for (const update of updates) {
    const name = indexNameOf(update);
    if (names.has(name)) {
      throw validationError(
        `${invalid} Only one global secondary index update per index is allowed simultaneously. Index: ${name}`,
      );
    }
    names.add(name);
    checkIndexUpdate(update, table);
  }
  if (updates.filter(({ Create, Delete }) => Create !== undefined || Delete !== undefined).length > 1) {
    throw limitExceeded('Only 1 online index can be created or deleted simultaneously per table');
  }
}

/** The index that an update is about; it is about exactly one. */
function indexNameOf({ Update: change, Create: create, Delete: remove }: GlobalSecondaryIndexUpdate): string {
  const actions = [change, create, remove].filter((action) => action !== undefined);
  if (actions.length > 1) {
    throw validationError(
      `${invalid} Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object`,
    );
  }
  const [action] = actions;
  if (action !== undefined) return action.IndexName;
  throw validationError(
    `${invalid} One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, ` +
      'GlobalSecondaryIndexUpdate.Delete must not be null',
  );
}

function checkIndexUpdate(
  { Update: change, Create: create }: GlobalSecondaryIndexUpdate,
  table: UpdateTableInput,
): void {
  if (create !== undefined) {
    if (table.AttributeDefinitions === undefined) {
      throw validationError(
        `${invalid} AttributeDefinitions is not specified for index: ${create.IndexName}`,
      );
    }
    checkGlobalKeySchema(create.KeySchema, table.AttributeDefinitions);
    checkProjection(create.Projection);
  }
  const units = (change ?? create)?.ProvisionedThroughput;
  if (units !== undefined) checkBounds(units, ` for index ${(change ?? create)?.IndexName}`);
}
