import { limitExceeded, resourceInUse, resourceNotFound, validationError } from '../../protocol/errors.ts';
import type {
  CreateTableInput,
  GlobalSecondaryIndex,
  GlobalSecondaryIndexUpdate,
  LocalSecondaryIndex,
  UpdateTableInput,
} from '../../protocol/operation.ts';
import type { IndexDefinition, IndexProjection, TableDefinition } from '../table-definition.ts';
import { changedBilling, newBilling } from './billing.ts';

/** The indexes of a table to be created, numbered from `firstNumber`; they are there as soon as the table is. */
export function newIndexes(input: CreateTableInput, firstNumber: number, timeMs: number): IndexDefinition[] {
  const local = input.LocalSecondaryIndexes ?? [];
  const global = input.GlobalSecondaryIndexes ?? [];
  return [
    ...local.map((index, i) => localIndex(index, firstNumber + i)),
    ...global.map((index, i) => ({
      ...globalIndex(index, firstNumber + local.length + i, input.BillingMode, timeMs),
      status: 'CREATING' as const,
    })),
  ];
}

/**
 * What UpdateTable makes of a table's indexes (AWS: API_GlobalSecondaryIndexUpdate). Every index follows the table's
 * billing mode.
 * @param table with the billing that it changes to.
 * @throws ValidationException, ResourceNotFoundException, ResourceInUseException, LimitExceededException
 */
export function changedIndexes(
  input: UpdateTableInput,
  table: TableDefinition,
  nextNumber: number,
  timeMs: number,
): IndexDefinition[] {
  let indexes = table.indexes.map((index) => inMode(index, input, table, timeMs));
  for (const update of input.GlobalSecondaryIndexUpdates ?? []) {
    indexes = updated(indexes, update, input, table, nextNumber, timeMs);
  }
  return indexes;
}

/** Global indexes of one table (AWS: ServiceQuotas). */
const globalIndexesMax = 20;

function localIndex(
  { IndexName, KeySchema, Projection }: LocalSecondaryIndex,
  number: number,
): IndexDefinition {
  return {
    number,
    name: IndexName,
    kind: 'LOCAL',
    status: 'ACTIVE',
    backfilling: false,
    keySchema: KeySchema,
    projection: Projection as IndexProjection,
    billing: undefined,
  };
}

function globalIndex(
  index: GlobalSecondaryIndex,
  number: number,
  mode: TableDefinition['billing']['mode'] | undefined,
  timeMs: number,
): IndexDefinition {
  return {
    ...localIndex(index, number),
    kind: 'GLOBAL',
    status: 'CREATING',
    billing: newBilling(index, mode, timeMs),
  };
}

function updated(
  indexes: readonly IndexDefinition[],
  { Create: create, Update: change, Delete: remove }: GlobalSecondaryIndexUpdate,
  input: UpdateTableInput,
  table: TableDefinition,
  nextNumber: number,
  timeMs: number,
): IndexDefinition[] {
  if (create !== undefined) {
    checkCreation(create, indexes, input, table);
    return [...indexes, globalIndex(create, nextNumber, table.billing.mode, timeMs)];
  }
  const name = change?.IndexName ?? remove?.IndexName;
  const index = indexes.find((candidate) => candidate.name === name && candidate.kind === 'GLOBAL');
  if (index === undefined) throw resourceNotFound();
  if (remove !== undefined) refuseSecondChange(indexes.filter((other) => other !== index));
  else if (index.status !== 'ACTIVE') throw indexInUse(index, table);
  const changed: IndexDefinition =
    remove !== undefined
      ? { ...index, status: 'DELETING', backfilling: false }
      : { ...index, status: 'UPDATING', ...changedCapacity(index, change ?? {}, timeMs) };
  return indexes.map((candidate) => (candidate === index ? changed : candidate));
}

function checkCreation(
  create: GlobalSecondaryIndex,
  indexes: readonly IndexDefinition[],
  input: UpdateTableInput,
  table: TableDefinition,
): void {
  refuseSecondChange(indexes);
  if (indexes.some(({ name }) => name === create.IndexName)) {
    throw validationError('Attempting to create an index which already exists');
  }
  if (indexes.filter(({ kind }) => kind === 'GLOBAL').length >= globalIndexesMax) {
    throw limitExceeded(`GlobalSecondaryIndex count exceeds the per-table limit of ${globalIndexesMax}`);
  }
  checkDefinitions(input, table);
  if (table.billing.mode === 'PROVISIONED' && create.ProvisionedThroughput === undefined) {
    throw validationError(
      `One or more parameter values were invalid: ProvisionedThroughput must be specified for index: ${create.IndexName}`,
    );
  }
}

/** An attribute that is part of a key already keeps its type. */
function checkDefinitions(input: UpdateTableInput, table: TableDefinition): void {
  for (const { AttributeName: name, AttributeType: type } of input.AttributeDefinitions ?? []) {
    const known = table.attributeDefinitions.find((definition) => definition.AttributeName === name);
    if (known === undefined || known.AttributeType === type) continue;
    throw validationError(
      `One or more parameter values were invalid: Cannot redefine the type of an attribute that is part of a key: ${name}`,
    );
  }
}

function refuseSecondChange(indexes: readonly IndexDefinition[]): void {
  if (!indexes.some(({ status }) => status === 'CREATING' || status === 'DELETING')) return;
  throw limitExceeded('Only 1 online index can be created or deleted simultaneously per table');
}

function indexInUse(index: IndexDefinition, table: TableDefinition): Error {
  return resourceInUse(
    `Attempt to change a resource which is still in use: Index is being ${index.status === 'CREATING' ? 'created' : 'updated'}: ` +
      `${index.name}, table: ${table.name}`,
  );
}

type Capacities = Parameters<typeof changedBilling>[0];

function changedCapacity(
  index: IndexDefinition,
  change: Capacities,
  timeMs: number,
): Pick<IndexDefinition, 'billing'> {
  return { billing: index.billing && changedBilling(change, index.billing, timeMs) };
}

/** A table that changes its billing mode changes that of its indexes; units for them come with the same request. */
function inMode(
  index: IndexDefinition,
  input: UpdateTableInput,
  { billing }: TableDefinition,
  timeMs: number,
): IndexDefinition {
  if (index.billing === undefined || index.billing.mode === billing.mode) return index;
  const units = input.GlobalSecondaryIndexUpdates?.find(
    ({ Update: change }) => change?.IndexName === index.name,
  );
  if (billing.mode === 'PROVISIONED' && units?.Update?.ProvisionedThroughput === undefined) {
    throw validationError(
      `One or more parameter values were invalid: ProvisionedThroughput must be specified for index: ${index.name}`,
    );
  }
  return { ...index, ...changedCapacity(index, { BillingMode: billing.mode }, timeMs) };
}
