import { randomUUID } from 'node:crypto';
import type { Request } from '../../protocol/backend.ts';
import {
  limitExceeded,
  resourceInUse,
  tableAlreadyExists,
  tableNotFound,
  validationError,
} from '../../protocol/errors.ts';
import type { CreateTableInput, ListTablesInput, UpdateTableInput } from '../../protocol/operation.ts';
import { Reply } from '../../protocol/reply.ts';
import { regionOfTableArn, tableNameOf } from '../../protocol/table-name.ts';
import {
  checkThroughputChanges,
  validateCreateTable,
  validateDeleteTable,
  validateDescribeTable,
  validateListTables,
  validateUpdateTable,
} from '../../protocol/validate/table.ts';
import { type Catalog, catalogRecord } from '../catalog.ts';
import type { WriteContext } from '../commit.ts';
import { definitionsFor } from '../index-schema.ts';
import type { Services } from '../services.ts';
import type { TableDefinition } from '../table-definition.ts';
import { changedBilling, newBilling } from './billing.ts';
import { changedIndexes, newIndexes } from './index-definitions.ts';
import { tableDescription } from './table-description.ts';

/** AWS: API_CreateTable. */
export async function createTable(services: Services, request: Request): Promise<Reply> {
  const input = validateCreateTable(request.input);
  refuseLater(input, createLater);
  const name = tableNameOf(input.TableName);
  if ((regionOfTableArn(input.TableName) ?? request.region) !== request.region) {
    throw validationError(`The table ${input.TableName} cannot be created in the region ${request.region}`);
  }
  return submitTable(services, (context) => {
    if (context.catalog.get(request.region, name) !== undefined) throw tableAlreadyExists(name);
    if (tableNames(context.catalog, request.region).length >= tablesMax) {
      throw limitExceeded(`There is a limit of ${tablesMax} tables per subscriber`);
    }
    return newTable(input, request.region, name, context);
  });
}

/** AWS: API_UpdateTable; here billing mode, throughput, deletion protection and indexes. */
export async function updateTable(services: Services, request: Request): Promise<Reply> {
  const input = validateUpdateTable(request.input);
  refuseLater(input, updateLater);
  return submitTable(services, (context) => {
    const current = existing(context.catalog, request.region, input.TableName);
    refuseUnlessActive(current);
    checkThroughputChanges(input, tableDescription(current, services.statistics, context.timeMs));
    return changedTable(input, current, context);
  });
}

/** AWS: API_DeleteTable. */
export async function deleteTable(services: Services, request: Request): Promise<Reply> {
  const input = validateDeleteTable(request.input);
  return submitTable(services, (context) => {
    const current = existing(context.catalog, request.region, input.TableName);
    refuseUnlessActive(current);
    if (current.deletionProtection) {
      throw validationError(
        'Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.',
      );
    }
    return { ...current, status: 'DELETING' };
  });
}

/** AWS: API_DescribeTable. */
export function describeTable({ catalog, statistics, clock }: Services, request: Request): Reply {
  const input = validateDescribeTable(request.input);
  const table = existing(catalog, request.region, input.TableName);
  return new Reply({ Table: tableDescription(table, statistics, clock.now()) });
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

/** Tables of an account in one region (AWS: ServiceQuotas). */
const tablesMax = 2500;
const listTablesMax = 100;

/** Commits what `decide` makes of a table, answers with that, and sets the table's life going. */
async function submitTable(
  { catalog, committer, statistics, tableLife }: Services,
  decide: (context: WriteContext) => TableDefinition,
): Promise<Reply> {
  let number = 0;
  const reply = await committer.submit((context) => {
    const decided = decide(context);
    number = decided.number;
    const description = tableDescription(decided, statistics, context.timeMs);
    const changes = [catalogRecord(tableLife.entering(decided))];
    return { changes, reply: new Reply({ TableDescription: description }) };
  });
  const committed = catalog.byNumber(number);
  if (committed !== undefined) tableLife.entered(committed.definition);
  return reply;
}

function newTable(
  input: CreateTableInput,
  region: string,
  name: string,
  context: WriteContext,
): TableDefinition {
  return {
    number: context.catalog.nextNumber,
    id: randomUUID(),
    region,
    name,
    status: 'CREATING',
    createdMs: context.timeMs,
    keySchema: input.KeySchema,
    attributeDefinitions: input.AttributeDefinitions,
    billing: newBilling(input, input.BillingMode, context.timeMs),
    deletionProtection: input.DeletionProtectionEnabled === true,
    indexes: newIndexes(input, context.catalog.nextNumber + 1, context.timeMs),
  };
}

function changedTable(
  input: UpdateTableInput,
  current: TableDefinition,
  context: WriteContext,
): TableDefinition {
  const { timeMs, catalog } = context;
  const billing = changedBilling(input, current.billing, timeMs);
  const indexes = changedIndexes(input, { ...current, billing }, catalog.nextNumber, timeMs);
  return {
    ...current,
    status: 'UPDATING',
    billing,
    deletionProtection: input.DeletionProtectionEnabled ?? current.deletionProtection,
    indexes,
    attributeDefinitions: definitionsFor(current.keySchema, indexes, [
      ...current.attributeDefinitions,
      ...(input.AttributeDefinitions ?? []),
    ]),
  };
}

function existing(catalog: Catalog, region: string, nameOrArn: string): TableDefinition {
  const name = tableNameOf(nameOrArn);
  const table = (regionOfTableArn(nameOrArn) ?? region) === region ? catalog.get(region, name) : undefined;
  if (table === undefined) throw tableNotFound(name);
  return table.definition;
}

function refuseUnlessActive({ status, name }: TableDefinition): void {
  const doing = { CREATING: 'created', UPDATING: 'updated', DELETING: 'deleted', ACTIVE: undefined }[status];
  if (doing === undefined) return;
  throw resourceInUse(`Attempt to change a resource which is still in use: Table is being ${doing}: ${name}`);
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
  'StreamSpecification',
  'SSESpecification',
  'TableClass',
  'Tags',
  'ResourcePolicy',
  'WarmThroughput',
] as const satisfies (keyof CreateTableInput)[];

const updateLater = [
  'StreamSpecification',
  'SSESpecification',
  'ReplicaUpdates',
  'TableClass',
  'WarmThroughput',
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
  const switches = value as { StreamEnabled?: boolean; Enabled?: boolean };
  return switches.StreamEnabled === false || switches.Enabled === false;
}
