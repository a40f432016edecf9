import { randomUUID } from 'node:crypto';
import type { Request } from '../../protocol/backend.ts';
import { validationError } from '../../protocol/errors.ts';
import type { CreateTableInput, ListTablesInput, UpdateTableInput } from '../../protocol/operation.ts';
import { Reply } from '../../protocol/reply.ts';
import { tableNameOf } from '../../protocol/table-name.ts';
import {
  checkThroughputChanges,
  validateCreateTable,
  validateDeleteTable,
  validateDescribeTable,
  validateListTables,
  validateUpdateTable,
} from '../../protocol/validate/table.ts';
import { checkTableArn } from '../../protocol/validate/table-arn.ts';
import type { Catalog } from '../catalog.ts';
import type { WriteContext } from '../commit.ts';
import { definitionsFor } from '../index-schema.ts';
import type { Services } from '../services.ts';
import type { TableDefinition } from '../table-definition.ts';
import { changedTableBilling, hasUnitsChanging, newBilling } from './billing.ts';
import { changedIndexes, createsOrDeletesIndex, newIndexes } from './index-definitions.ts';
import { commitTable, existingTable } from './table-commit.ts';
import {
  refuseConflict,
  refuseNamesake,
  refuseToDelete,
  refuseUnlessThere,
  refuseWhileLoading,
} from './table-conflict.ts';
import { createdDescription, deletedDescription, tableDescription } from './table-description.ts';
import { refuseBeyondQuotas, refuseTooManyTables } from './table-quota.ts';
import { changedStream, newStream } from './table-stream.ts';

/** AWS: API_CreateTable. */
export async function createTable(services: Services, request: Request): Promise<Reply> {
  const input = validateCreateTable(request.input);
  refuseLater(input, createLater);
  const name = tableNameOf(input.TableName);
  checkTableArn(input.TableName, request.region);
  return commitTable(services, (context) => {
    const namesake = context.catalog.get(request.region, name);
    if (namesake !== undefined) refuseNamesake(namesake.definition);
    refuseTooManyTables(request.region, context.catalog);
    const table = newTable(input, request.region, name, context, services.streamShards);
    if (!services.throughput.isOff) refuseBeyondQuotas(table, undefined, context.catalog);
    const description = tableDescription(table, services.statistics, context.timeMs);
    const showsWarm = input.WarmThroughput !== undefined;
    return { table, reply: new Reply({ TableDescription: createdDescription(description, showsWarm) }) };
  });
}

/** AWS: API_UpdateTable; here billing mode, throughput, deletion protection, indexes and streams. */
export async function updateTable(services: Services, request: Request): Promise<Reply> {
  const input = validateUpdateTable(request.input);
  refuseLater(input, updateLater);
  return commitTable(services, (context) => {
    const current = existingTable(context.catalog, request.region, input.TableName);
    refuseWhileLoading(current);
    refuseUnlessThere(current);
    checkThroughputChanges(input, tableDescription(current, services.statistics, context.timeMs));
    const table = changedTable(input, current, context, services.streamShards);
    if (!services.throughput.isOff) refuseBeyondQuotas(table, current, context.catalog);
    // AWS says so of a billing mode that stays the same, too.
    const shown = input.BillingMode === undefined ? table : { ...table, status: 'UPDATING' as const };
    const description = tableDescription(shown, services.statistics, context.timeMs);
    return { table, reply: new Reply({ TableDescription: description }) };
  });
}

/** AWS: API_DeleteTable. */
export async function deleteTable(services: Services, request: Request): Promise<Reply> {
  const input = validateDeleteTable(request.input);
  return commitTable(services, (context) => {
    const current = existingTable(context.catalog, request.region, input.TableName);
    refuseToDelete(current);
    if (current.deletionProtection) {
      throw validationError(
        'Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.',
      );
    }
    const table: TableDefinition = { ...current, status: 'DELETING' };
    const description = tableDescription(table, services.statistics, context.timeMs);
    return { table, reply: new Reply({ TableDescription: deletedDescription(description) }) };
  });
}

/** AWS: API_DescribeTable. */
export function describeTable({ catalog, statistics, tableLoads, clock }: Services, request: Request): Reply {
  const input = validateDescribeTable(request.input);
  const table = existingTable(catalog, request.region, input.TableName);
  const description = tableDescription(table, statistics, clock.now());
  const progress = tableLoads.progress(table.number);
  if (progress === undefined) return new Reply({ Table: description });
  // How far a restore or an import has come.
  const { rowsLoaded: ItemCount, bytesLoaded: TableSizeBytes } = progress;
  return new Reply({ Table: { ...description, ItemCount, TableSizeBytes } });
}

/** AWS: API_ListTables. */
export function listTables({ catalog }: Services, request: Request): Reply {
  const input: ListTablesInput = validateListTables(request.input);
  const after = input.ExclusiveStartTableName ?? '';
  const names = tableNames(catalog, request.region).filter((name) => name > after);
  const page = names.sort(byCodeUnits).slice(0, input.Limit ?? listTablesMax);
  const last = page.at(-1);
  return new Reply({
    TableNames: page,
    ...(last !== undefined && page.length < names.length && { LastEvaluatedTableName: last }),
  });
}

const listTablesMax = 100;

function newTable(
  input: CreateTableInput,
  region: string,
  name: string,
  context: WriteContext,
  streamShards: number,
): TableDefinition {
  const number = context.catalog.nextNumber;
  const indexes = newIndexes(input, number + 1, context.timeMs);
  const hasLocalIndexes = indexes.some(({ kind }) => kind === 'LOCAL');
  return {
    number,
    id: randomUUID(),
    region,
    name,
    status: 'CREATING',
    createdMs: context.timeMs,
    keySchema: input.KeySchema,
    attributeDefinitions: input.AttributeDefinitions,
    billing: newBilling(input, input.BillingMode, context.timeMs),
    deletionProtection: input.DeletionProtectionEnabled === true,
    indexes,
    ...(hasLocalIndexes && { collections: number + 1 + indexes.length }),
    ...newStream(input.StreamSpecification, { region, name }, context, streamShards),
  };
}

function changedTable(
  input: UpdateTableInput,
  current: TableDefinition,
  context: WriteContext,
  streamShards: number,
): TableDefinition {
  const { timeMs, catalog } = context;
  const indexes = changedIndexes(input, current, catalog.nextNumber, timeMs);
  const changesIndexes = createsOrDeletesIndex(input);
  refuseConflict(input, changesIndexes, current);
  const stream = changedStream(input.StreamSpecification, current, context, streamShards);
  const billing = changedTableBilling(input, current.billing, timeMs);
  return {
    ...current,
    // Protection, on-demand maxima, warm throughput and the capacity of an index leave the status alone.
    status: changesIndexes || stream !== undefined || hasUnitsChanging(billing) ? 'UPDATING' : current.status,
    billing,
    deletionProtection: input.DeletionProtectionEnabled ?? current.deletionProtection,
    indexes,
    ...stream,
    attributeDefinitions: definitionsFor(current.keySchema, indexes, [
      ...current.attributeDefinitions,
      ...(input.AttributeDefinitions ?? []),
    ]),
  };
}

function tableNames(catalog: Catalog, region: string): string[] {
  const names: string[] = [];
  for (const { definition } of catalog.all()) if (definition.region === region) names.push(definition.name);
  return names;
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Parts of the API that this version does not have; asking for them is refused rather than forgotten. */
const createLater = [
  'SSESpecification',
  'TableClass',
  'Tags',
  'ResourcePolicy',
] as const satisfies (keyof CreateTableInput)[];

const updateLater = [
  'SSESpecification',
  'ReplicaUpdates',
  'TableClass',
] as const satisfies (keyof UpdateTableInput)[];

function refuseLater<Input extends object>(input: Input, members: readonly (keyof Input)[]): void {
  const asked = members.find((member) => input[member] !== undefined && !isOff(input[member]));
  if (asked !== undefined)
    throw validationError(`${String(asked)} is not supported by this version of Slipstream`);
}

/** What asks for nothing: no elements, a switch that is off, the default class. */
function isOff(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value === 'string') return value === 'STANDARD';
  return (value as { Enabled?: boolean }).Enabled === false;
}
