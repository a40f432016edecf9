import { limitExceeded, resourceInUse, tableAlreadyExists, tableNotFound } from '../../protocol/errors.ts';
import type { UpdateTableInput } from '../../protocol/operation.ts';
import type { IndexDefinition, TableDefinition } from '../table-definition.ts';
import { hasUnitsChanging } from './billing.ts';

/**
 * What a table refuses while something else is under way with it, in AWS's words (AWS: API_UpdateTable,
 * API_DeleteTable; what holds when is measured).
 */

/** @throws ResourceInUseException for a table that is not there yet, or not any more. */
export function refuseUnlessThere({ status, name }: TableDefinition): void {
  if (status === 'CREATING') throw inUse(`Table is being created: ${name}`);
  if (status === 'DELETING') throw inUse(`Table is being deleted: ${name}`);
}

/**
 * A table that is being restored cannot be changed, as if it were not there; to delete it, or to create another one in its
 * place, is refused as with any table that is being created, and so is any change of one that is being imported (measured).
 * @throws ResourceNotFoundException
 */
export function refuseWhileLoading({ loading, name }: TableDefinition): void {
  if (loading?.kind === 'restore') throw tableNotFound(name);
}

/** Refuses another table of the same name. @throws ResourceInUseException always */
export function refuseNamesake({ status, name }: TableDefinition): never {
  throw status === 'CREATING' ? inUse(`Table is being created: ${name}`) : tableAlreadyExists(name);
}

/** @throws ResourceInUseException */
export function refuseToDelete(table: TableDefinition): void {
  refuseUnlessThere(table);
  if (table.indexes.some(({ status }) => status !== 'ACTIVE')) {
    throw inUse('Cannot delete table while indexes are being created, updated, or deleted.');
  }
  if (table.status === 'UPDATING') throw inUse(`Table: ${table.name} is in the process of being updated.`);
}

/**
 * @param changesIndexes whether the update creates or deletes one.
 * @throws ResourceInUseException if a change of capacity meets another one, or one of indexes.
 */
export function refuseConflict(
  update: UpdateTableInput,
  changesIndexes: boolean,
  table: TableDefinition,
): void {
  const changesUnits =
    update.ProvisionedThroughput !== undefined ||
    (update.BillingMode !== undefined && update.BillingMode !== table.billing.mode);
  if (hasUnitsChanging(table.billing)) {
    if (changesUnits || update.WarmThroughput !== undefined) {
      throw inUse(`Table IOPS are currently being updated. Table: ${table.name}`);
    }
    if (update.OnDemandThroughput !== undefined) {
      throw inUse('OnDemandThroughput cannot be updated while BillingMode update is in progress');
    }
    if (changesIndexes) {
      throw inUse(`Can't create or delete indexes while table IOPS are being updated. Table: ${table.name}`);
    }
  }
  if (changesUnits) refuseWhileIndexesChange(table);
}

/** @throws ResourceInUseException unless the capacity of this index can be changed. */
export function refuseIndexUpdate(index: IndexDefinition, table: TableDefinition): void {
  const { status, backfilling } = index;
  if (status === 'UPDATING' || status === 'DELETING') throw indexInUse(index, table);
  if (status === 'CREATING' && !backfilling) {
    throw inUse(
      `Index is being created but is not backfilling yet. Table: ${table.name} Index: ${index.name}`,
    );
  }
}

/** @throws ResourceInUseException, LimitExceededException unless this index can be deleted. */
export function refuseIndexDeletion(index: IndexDefinition, table: TableDefinition): void {
  const { status, backfilling } = index;
  if (status === 'UPDATING' || status === 'DELETING') throw indexInUse(index, table);
  refuseSecondIndex(table.indexes.filter((other) => other !== index));
  if (status === 'CREATING' && !backfilling) {
    throw inUse(
      'Index creation is in resource allocation phase. ' +
        'Retry deletion during backfilling phase or when the index is active. ' +
        `Table: ${table.name} Index: ${index.name}`,
    );
  }
}

/** @throws LimitExceededException if one of these is being created or deleted: there is one at a time. */
export function refuseSecondIndex(indexes: readonly IndexDefinition[]): void {
  if (!indexes.some(({ status }) => status === 'CREATING' || status === 'DELETING')) return;
  throw limitExceeded('Only 1 online index can be created or deleted simultaneously per table');
}

export function indexInUse({ status, name }: IndexDefinition, table: TableDefinition): Error {
  const doing = status === 'DELETING' ? 'deleted' : 'updated';
  return inUse(`Index is being ${doing}. Table: ${table.name} Index: ${name}`);
}

function refuseWhileIndexesChange({ name, indexes }: TableDefinition): void {
  const deleted = namesOf(indexes.filter(({ status }) => status === 'DELETING'));
  if (deleted !== '') {
    throw inUse(
      `Can't change table IOPS when an index is being deleted. Table: ${name} Indexes: [${deleted}]`,
    );
  }
  const created = namesOf(indexes.filter(({ status, backfilling }) => status === 'CREATING' && !backfilling));
  if (created === '') return;
  throw inUse(`Can't change table IOPS when an index is being created. Table: ${name} Indexes: [${created}]`);
}

function namesOf(indexes: readonly IndexDefinition[]): string {
  return indexes.map(({ name }) => name).join(', ');
}

function inUse(what: string): Error {
  return resourceInUse(`Attempt to change a resource which is still in use: ${what}`);
}
