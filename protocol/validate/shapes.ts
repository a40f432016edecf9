import { type DynamoDbError, validationError } from '../errors.ts';
import type { OperationInputs } from '../operation.ts';
import * as backup from './backup-shapes.ts';
import { constraintErrors, type NewerChecks, newerConstraintErrors } from './constraint-errors.ts';
import { isTooDeepForNewerLayer } from './depth.ts';
import { deserialize } from './deserialize.ts';
import * as item from './item-shapes.ts';
import type { StructureShape } from './shape.ts';
import * as stream from './stream-shapes.ts';
import * as table from './table-shapes.ts';
import * as timeToLive from './time-to-live-shapes.ts';
import * as transact from './transact-shapes.ts';
import * as transfer from './transfer-shapes.ts';

/** A request's body: a JSON object, otherwise unchecked. */
export type Input = Readonly<Record<string, unknown>>;

const shapes: Readonly<Record<keyof OperationInputs, StructureShape>> = {
  BatchGetItem: item.batchGetItem,
  BatchWriteItem: item.batchWriteItem,
  CreateBackup: backup.createBackup,
  CreateTable: table.createTable,
  DeleteBackup: backup.deleteBackup,
  DeleteItem: item.deleteItem,
  DeleteTable: table.deleteTable,
  DescribeBackup: backup.describeBackup,
  DescribeContinuousBackups: backup.describeContinuousBackups,
  DescribeEndpoints: table.describeEndpoints,
  DescribeExport: transfer.describeExport,
  DescribeImport: transfer.describeImport,
  DescribeLimits: table.describeLimits,
  DescribeStream: stream.describeStream,
  DescribeTable: table.describeTable,
  DescribeTimeToLive: timeToLive.describeTimeToLive,
  ExportTableToPointInTime: transfer.exportTableToPointInTime,
  GetItem: item.getItem,
  GetRecords: stream.getRecords,
  GetShardIterator: stream.getShardIterator,
  ImportTable: transfer.importTable,
  ListBackups: backup.listBackups,
  ListExports: transfer.listExports,
  ListImports: transfer.listImports,
  ListStreams: stream.listStreams,
  ListTables: table.listTables,
  PutItem: item.putItem,
  Query: item.query,
  RestoreTableFromBackup: backup.restoreTableFromBackup,
  RestoreTableToPointInTime: backup.restoreTableToPointInTime,
  Scan: item.scan,
  TransactGetItems: transact.transactGetItems,
  TransactWriteItems: transact.transactWriteItems,
  UpdateContinuousBackups: backup.updateContinuousBackups,
  UpdateItem: item.updateItem,
  UpdateTable: table.updateTable,
  UpdateTimeToLive: timeToLive.updateTimeToLive,
};

/**
 * Checks that an input has the shape of the operation's. The input itself is never changed.
 * @returns the input without members that are null or unknown, typed; the very object where there were none.
 * @throws SerializationException for a wrong JSON type, else ValidationException for what values do not satisfy.
 */
export function validateShape<O extends keyof OperationInputs>(
  operation: O,
  input: Input,
): OperationInputs[O] {
  const shape = shapes[operation];
  const read = deserialize(shape, input) as Input;
  if (tableOperations.has(operation)) requireTableName(read);
  const errors = inputErrors(operation, shape, read);
  if (errors !== undefined) throw errors;
  return read as unknown as OperationInputs[O];
}

function inputErrors(
  operation: keyof OperationInputs,
  shape: StructureShape,
  input: Input,
): DynamoDbError | undefined {
  const newer = hasRequired(shape, input) ? newerChecks[operation] : undefined;
  if (newer === undefined) {
    const errors = constraintErrors(shape, input);
    return errors === undefined || operation !== 'BatchWriteItem' ? errors : batchWriteErrors(errors, input);
  }
  const errors = newerConstraintErrors(newer, input);
  if (errors === undefined || !singleWrites.has(operation) || !isTooDeepForNewerLayer(input)) return errors;
  return constraintErrors(shape, input) ?? errors;
}

/**
 * Malformed names of tables, if nothing else is wrong with the requests, give way to unknown modes (measured in October
 * 2026).
 * @param errors all that is wrong.
 */
function batchWriteErrors(errors: DynamoDbError, input: Input): DynamoDbError {
  if (constraintErrors(item.batchWriteItemRequests, input) !== undefined) return errors;
  return constraintErrors(item.batchWriteItemModes, input) ?? errors;
}

const singleWrites: ReadonlySet<string> = new Set(['DeleteItem', 'PutItem', 'UpdateItem']);

const newerChecks: Partial<Record<keyof OperationInputs, NewerChecks>> = {
  BatchGetItem: item.batchGetItemChecks,
  DeleteItem: item.deleteItemChecks,
  PutItem: item.putItemChecks,
  Query: item.queryChecks,
  UpdateItem: item.updateItemChecks,
};

function hasRequired(shape: StructureShape, input: Input): boolean {
  return shape.constrained.every(({ name, required }) => !required || input[name] !== undefined);
}

const tableOperations: ReadonlySet<string> = new Set([
  'CreateBackup',
  'CreateTable',
  'DeleteTable',
  'DescribeContinuousBackups',
  'DescribeTable',
  'DescribeTimeToLive',
  'UpdateContinuousBackups',
  'UpdateTable',
  'UpdateTimeToLive',
]);

/** Operations on tables miss the name before anything else, and in other words than those on items. */
function requireTableName(input: Input): void {
  if (input.TableName === undefined) {
    throw validationError("The parameter 'TableName' is required but was not present in the request");
  }
}
