import { validationError } from '../errors.ts';
import type {
  RestoreOverrides,
  RestoreTableFromBackupInput,
  RestoreTableToPointInTimeInput,
} from '../operation.ts';
import { accountId } from '../table-name.ts';
import { type Input, validateShape } from './shapes.ts';
import { checkEncryption } from './table.ts';

/** What can be said against restores before source and target are looked at, in AWS's order (measured in October 2026). */

/** AWS: API_RestoreTableFromBackup. */
export function validateRestoreTableFromBackup(input: Input): RestoreTableFromBackupInput {
  const restore = validateShape('RestoreTableFromBackup', input);
  checkOverrides(restore);
  return restore;
}

/** AWS: API_RestoreTableToPointInTime. */
export function validateRestoreTableToPointInTime(input: Input): RestoreTableToPointInTimeInput {
  const restore = validateShape('RestoreTableToPointInTime', input);
  checkSource(restore);
  checkMoment(restore);
  checkOverrides(restore);
  for (const index of restore.GlobalSecondaryIndexOverride ?? []) {
    if (index.WarmThroughput === undefined) continue;
    throw validationError(
      `Invalid Request: Cannot specify WarmThroughput for index ${index.IndexName} of a table to be restored`,
    );
  }
  return restore;
}

/**
 * Where tables lie that restores are to be made from.
 * @param arn a table's.
 * @throws ValidationException
 */
export function readSourceTableArn(arn: string): { readonly region: string; readonly tableName: string } {
  if (!arn.startsWith('arn:')) {
    throw validationError(`One or more parameter values were invalid: ARNs must start with 'arn:': ${arn}`);
  }
  const [, region = '', account = '', tableName = ''] = sourceTableArn.exec(arn) ?? [];
  if (tableName === '') throw validationError('sourceTableArn is not a valid ARN');
  if (account === accountId) return { region, tableName };
  // AWS's apostrophe.
  throw validationError('This action is only supported by accounts that match the resource owner’s account.');
}

/** A source in another region has a key of its own, so that the target's has to be named. */
export function checkRegionOfSource(
  sourceRegion: string,
  region: string,
  { SSESpecificationOverride: encryption }: RestoreOverrides,
): void {
  if (sourceRegion === region || encryption !== undefined) return;
  throw validationError(
    'Invalid Request: sseSpecificationOverride must be provided for cross-region restores',
  );
}

const sourceTableArn = /^arn:aws:dynamodb:([a-z0-9-]+):([0-9]{12}):table\/([a-zA-Z0-9_.-]{3,255})$/;

function checkSource({ SourceTableArn: arn, SourceTableName: name }: RestoreTableToPointInTimeInput): void {
  if (arn !== undefined && name !== undefined) {
    throw validationError('Must provide exactly one of: sourceTableArn, sourceTableName');
  }
  if (arn === undefined && name === undefined) {
    throw validationError("The parameter 'TableName' is required but was not present in the request");
  }
  if (arn !== undefined) readSourceTableArn(arn);
}

function checkMoment({
  RestoreDateTime: moment,
  UseLatestRestorableTime: useLatest = false,
}: RestoreTableToPointInTimeInput): void {
  if (moment === undefined && !useLatest) {
    throw validationError(
      'Invalid Request: Either one of RestoreDateTime or UseLatestRestorableTime must be specified, but not both',
    );
  }
  if (moment !== undefined && useLatest) {
    throw validationError(
      'Invalid Request: Both RestoreDateTime and UseLatestRestorableTime cannot be set for point-in-time restore ' +
        'request. Please specify either RestoreDateTime time or UseLatestRestorableTime',
    );
  }
}

/** What depends on the source, the engine checks. */
function checkOverrides({
  SSESpecificationOverride: encryption,
  VectorIndexOverride: vectors,
}: RestoreOverrides): void {
  checkEncryption(encryption);
  if (encryption?.Enabled === true) throw unsupported('SSESpecificationOverride');
  if (vectors !== undefined && vectors.length > 0) throw unsupported('VectorIndexOverride');
}

function unsupported(member: string): Error {
  return validationError(`${member} is not supported by this version of Slipstream`);
}
