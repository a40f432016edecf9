import { validationError } from '../errors.ts';
import type {
  CreateBackupInput,
  DeleteBackupInput,
  DescribeBackupInput,
  ListBackupsInput,
} from '../operation.ts';
import { readBackupArn } from './backup-arn.ts';
import { type Input, validateShape } from './shapes.ts';
import { checkTableArn } from './table-arn.ts';

/** What can be said against operations on backups before the backups are looked at, in AWS's order. */

/** AWS: API_CreateBackup. */
export function validateCreateBackup(input: Input): CreateBackupInput {
  return validateShape('CreateBackup', input);
}

/** AWS: API_DescribeBackup. */
export function validateDescribeBackup(input: Input): DescribeBackupInput {
  return validateShape('DescribeBackup', input);
}

/** AWS: API_DeleteBackup. */
export function validateDeleteBackup(input: Input): DeleteBackupInput {
  return validateShape('DeleteBackup', input);
}

/** AWS: API_ListBackups. */
export function validateListBackups(input: Input, region: string): ListBackupsInput {
  const list = validateShape('ListBackups', input);
  const { TimeRangeLowerBound: lower, TimeRangeUpperBound: upper, ExclusiveStartBackupArn: after } = list;
  if (lower !== undefined && upper !== undefined && lower > upper) {
    throw validationError(
      'One or more parameter values were invalid: Time range lower bound must be less than or equal to upper bound',
    );
  }
  if (after !== undefined && readBackupArn(after).region !== region) {
    throw validationError('Invalid Request: The supplied ExclusiveStartBackupArn does not match the region');
  }
  if (list.TableName !== undefined) checkTableArn(list.TableName, region);
  return list;
}
