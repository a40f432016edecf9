import { limitExceeded, resourceNotFound, validationError } from '../../protocol/errors.ts';
import type {
  CreateTableInput,
  GlobalSecondaryIndex,
  GlobalSecondaryIndexUpdate,
  LocalSecondaryIndex,
  UpdateTableInput,
} from '../../protocol/operation.ts';
import type {
  AttributeDefinitions,
  IndexDefinition,
  IndexProjection,
  TableDefinition,
} from '../table-definition.ts';
import { changedIndexBilling, newBilling } from './billing.ts';
import { indexInUse, refuseIndexDeletion, refuseIndexUpdate, refuseSecondIndex } from './table-conflict.ts';

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
 * billing mode; that the request has the units that this needs has been checked.
 * @throws ValidationException, ResourceNotFoundException, ResourceInUseException, LimitExceededException
 */
export function changedIndexes(
  input: UpdateTableInput,
  table: TableDefinition,
  nextNumber: number,
  timeMs: number,
): IndexDefinition[] {
  const updates = input.GlobalSecondaryIndexUpdates ?? [];
  const changed = updates.map((update) => changedIndex(update, input, table, nextNumber, timeMs));
  const kept = table.indexes.map((index) => {
    const named = changed.find(({ number }) => number === index.number);
    return named ?? inMode(index, input, timeMs);
  });
  return [...kept, ...changed.filter(({ number }) => number >= nextNumber)];
}

/** Whether an index is created or deleted: that changes the status of the whole table. */
export function createsOrDeletesIndex({
  GlobalSecondaryIndexUpdates: updates = [],
}: UpdateTableInput): boolean {
  return updates.some(({ Create, Delete }) => Create !== undefined || Delete !== undefined);
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

function changedIndex(
  { Create: create, Update: change, Delete: remove }: GlobalSecondaryIndexUpdate,
  input: UpdateTableInput,
  table: TableDefinition,
  nextNumber: number,
  timeMs: number,
): IndexDefinition {
  if (create !== undefined) {
    checkCreation(create, input, table);
    return globalIndex(create, nextNumber, input.BillingMode ?? table.billing.mode, timeMs);
  }
  if (remove !== undefined) {
    const index = existingIndex(remove.IndexName, table, 'delete');
    refuseIndexDeletion(index, table);
    return { ...index, status: 'DELETING', backfilling: false };
  }
  const index = existingIndex(change?.IndexName ?? '', table, 'update');
  refuseIndexUpdate(index, table);
  return updatedIndex(index, { ...change, ...modeOf(input) }, timeMs);
}

function existingIndex(name: string, table: TableDefinition, doing: 'update' | 'delete'): IndexDefinition {
  const index = table.indexes.find((candidate) => candidate.name === name);
  if (index === undefined) {
    throw resourceNotFound(`Requested resource not found: Index ${name} for table ${table.name}`);
  }
  if (index.kind === 'GLOBAL') return index;
  throw validationError(`Cannot ${doing} an index that is not a GlobalSecondaryIndex: ${name}`);
}

function checkCreation(create: GlobalSecondaryIndex, input: UpdateTableInput, table: TableDefinition): void {
  const namesake = table.indexes.find(({ name }) => name === create.IndexName);
  if (namesake?.status === 'DELETING') throw indexInUse(namesake, table);
  refuseSecondIndex(table.indexes);
  if (namesake !== undefined) throw validationError('Attempting to create an index which already exists');
  if (table.indexes.filter(({ kind }) => kind === 'GLOBAL').length >= globalIndexesMax) {
    throw limitExceeded(`Number of global secondary indexes exceeds per-table limit of ${globalIndexesMax}`);
  }
  checkDefinitions(create, input, table);
}

/**
 * An attribute that is part of a key already keeps its type: the new index may not have it with another one. What the
 * request says of attributes that the index does not use is ignored (measured in July and October 2026).
 */
function checkDefinitions(
  create: GlobalSecondaryIndex,
  input: UpdateTableInput,
  table: TableDefinition,
): void {
  const asked = schemaText(create.KeySchema, input.AttributeDefinitions ?? []);
  const existing = schemaText(create.KeySchema, [
    ...table.attributeDefinitions,
    ...(input.AttributeDefinitions ?? []),
  ]);
  if (asked === existing) return;
  throw validationError(
    'One or more parameter values were invalid: Attributes cannot be redefined. ' +
      'Please check that your attribute has the same type as previously defined. ' +
      `Existing schema: ${existing} New schema: ${asked}`,
  );
}

/** A key as that text prints it; of several definitions of one attribute the first counts. */
function schemaText(keySchema: GlobalSecondaryIndex['KeySchema'], definitions: AttributeDefinitions): string {
  const elements = keySchema.map(({ AttributeName: name, KeyType: kind }) => {
    const type = definitions.find((definition) => definition.AttributeName === name)?.AttributeType;
    return `SchemaElement: key{${name}:${type}:${kind}}`;
  });
  return `Schema:[${elements.join(', ')}]`;
}

type Capacities = Parameters<typeof changedIndexBilling>[0];

/** Warm throughput has a status of its own. An index that is being created remains so. */
function updatedIndex(index: IndexDefinition, change: Capacities, timeMs: number): IndexDefinition {
  const billing = index.billing && changedIndexBilling(change, index.billing, timeMs);
  const isUpdating = index.status === 'ACTIVE' && billing?.change?.of !== 'warm';
  return { ...index, status: isUpdating ? 'UPDATING' : index.status, billing };
}

function inMode(index: IndexDefinition, input: UpdateTableInput, timeMs: number): IndexDefinition {
  const { BillingMode: mode } = input;
  if (mode === undefined || index.billing === undefined || index.billing.mode === mode) return index;
  return updatedIndex(index, { BillingMode: mode }, timeMs);
}

function modeOf({ BillingMode: mode }: UpdateTableInput): Pick<Capacities, 'BillingMode'> {
  return mode === undefined ? {} : { BillingMode: mode };
}
