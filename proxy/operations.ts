import { isObject } from './cache/key-reader.ts';
import { writeTargets } from './cache/write-targets.ts';

/**
 * What an operation does to the cache:
 * - `read`: may be answered from the cache, where it is eventually consistent;
 * - `write`: changes items whose keys the request names;
 * - `items`: changes items of a table whose keys the request does not name;
 * - `table`: creates, deletes or changes a table;
 * - `neutral`: neither reads from the cache nor makes anything in it wrong;
 * - `unlisted`: not on the list; anything may have changed.
 */
export type Effect = 'read' | 'write' | 'items' | 'table' | 'neutral' | 'unlisted';

export function effectOf(operation: string, input: Readonly<Record<string, unknown>>): Effect {
  const effect = effects.get(operation) ?? 'unlisted';
  return effect === 'items' && onlySelects(input) ? 'neutral' : effect;
}

/**
 * The tables, as the request names them, that an operation changes; `all` where it does not say, or says it in a way
 * that is not understood here.
 */
export function tablesChanged(operation: string, input: Readonly<Record<string, unknown>>): string[] | 'all' {
  if (effects.get(operation) === 'items' && operation !== 'StartBulkPutItems') return statementTables(input);
  if (operation === 'BatchWriteItem') {
    return isObject(input.RequestItems) ? Object.keys(input.RequestItems) : 'all';
  }
  if (operation === 'TransactWriteItems') {
    const targets = writeTargets(operation, input);
    return targets === undefined ? 'all' : [...new Set(targets.map(({ tableName }) => tableName))];
  }
  if (operation === 'ImportTable') {
    const created = isObject(input.TableCreationParameters)
      ? input.TableCreationParameters.TableName
      : undefined;
    return typeof created === 'string' ? [created] : 'all';
  }
  const member = tableMembers.get(operation);
  const name = member === undefined ? undefined : input[member];
  return typeof name === 'string' ? [name] : 'all';
}

/** Whether an operation of the effect `table` makes a table, of which nothing can be cached before. */
export function createsTable(operation: string): boolean {
  return creations.has(operation);
}

const creations: ReadonlySet<string> = new Set([
  'CreateTable',
  'ImportTable',
  'RestoreTableFromBackup',
  'RestoreTableToPointInTime',
]);

const effects: ReadonlyMap<string, Effect> = new Map([
  ...listed('read', ['GetItem', 'BatchGetItem', 'Query', 'Scan']),
  ...listed('write', ['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem', 'TransactWriteItems']),
  ...listed('items', [
    'ExecuteStatement',
    'BatchExecuteStatement',
    'ExecuteTransaction',
    'StartBulkPutItems',
  ]),
  ...listed('table', [
    'CreateTable',
    'DeleteTable',
    'UpdateTable',
    'ImportTable',
    'RestoreTableFromBackup',
    'RestoreTableToPointInTime',
    'CreateGlobalTable',
    'UpdateGlobalTable',
    'UpdateGlobalTableSettings',
    'UpdateTableReplicaAutoScaling',
  ]),
  ...listed('neutral', ['SearchVectors', 'TransactGetItems']),
  ...listed('neutral', [
    'DescribeBackup',
    'DescribeBulkOperation',
    'DescribeContinuousBackups',
    'DescribeContributorInsights',
    'DescribeEndpoints',
    'DescribeExport',
    'DescribeGlobalTable',
    'DescribeGlobalTableSettings',
    'DescribeImport',
    'DescribeKinesisStreamingDestination',
    'DescribeLimits',
    'DescribeTable',
    'DescribeTableReplicaAutoScaling',
    'DescribeTimeToLive',
    'GetResourcePolicy',
    'ListBackups',
    'ListBulkOperations',
    'ListContributorInsights',
    'ListExports',
    'ListGlobalTables',
    'ListImports',
    'ListTables',
    'ListTagsOfResource',
  ]),
  ...listed('neutral', ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams']),
  ...listed('neutral', [
    'CancelBulkOperation',
    'CreateBackup',
    'DeleteBackup',
    'DeleteResourcePolicy',
    'DisableKinesisStreamingDestination',
    'EnableKinesisStreamingDestination',
    'ExportTableToPointInTime',
    'PutResourcePolicy',
    'TagResource',
    'UntagResource',
    'UpdateContinuousBackups',
    'UpdateContributorInsights',
    'UpdateKinesisStreamingDestination',
    'UpdateTimeToLive',
  ]),
]);

function listed(effect: Effect, operations: string[]): [string, Effect][] {
  return operations.map((operation) => [operation, effect]);
}

/** Under which member of its input an operation names the table that it changes. */
const tableMembers: ReadonlyMap<string, string> = new Map([
  ['PutItem', 'TableName'],
  ['UpdateItem', 'TableName'],
  ['DeleteItem', 'TableName'],
  ['CreateTable', 'TableName'],
  ['DeleteTable', 'TableName'],
  ['UpdateTable', 'TableName'],
  ['RestoreTableFromBackup', 'TargetTableName'],
  ['RestoreTableToPointInTime', 'TargetTableName'],
  ['CreateGlobalTable', 'GlobalTableName'],
  ['UpdateGlobalTable', 'GlobalTableName'],
  ['UpdateGlobalTableSettings', 'GlobalTableName'],
  ['UpdateTableReplicaAutoScaling', 'TableName'],
]);

const select = /^\s*select\s/i;
/** Only a quoted name leaves no doubt about letters' case and where the name ends. */
const change = /^\s*(?:insert\s+into|update|delete\s+from)\s+"([^"]+)"/i;

/** PartiQL reads and writes come as the same operations. */
function onlySelects(input: Readonly<Record<string, unknown>>): boolean {
  const statements = statementsOf(input);
  return statements.length > 0 && statements.every((statement) => select.test(statement));
}

function statementTables(input: Readonly<Record<string, unknown>>): string[] | 'all' {
  const tables = new Set<string>();
  for (const statement of statementsOf(input)) {
    if (select.test(statement)) continue;
    const name = change.exec(statement)?.[1];
    if (name === undefined) return 'all';
    tables.add(name);
  }
  return tables.size > 0 ? [...tables] : 'all';
}

/** The texts of ExecuteStatement, BatchExecuteStatement and ExecuteTransaction. */
function statementsOf(input: Readonly<Record<string, unknown>>): string[] {
  const list = input.Statements ?? input.TransactStatements;
  const statements = Array.isArray(list) ? list : [input];
  return statements.map((entry) =>
    isObject(entry) && typeof entry.Statement === 'string' ? entry.Statement : '',
  );
}
