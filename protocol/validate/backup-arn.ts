import { DynamoDbError, validationError } from '../errors.ts';
import { accountId } from '../table-name.ts';

/** The parts of a backup's ARN that tell backups apart. */
export interface BackupName {
  readonly region: string;
  readonly tableName: string;
  readonly id: string;
}

/**
 * Reads a backup's ARN. Which region it names is up to the caller: AWS looks at it in some operations only.
 * @throws ValidationException, AccessDeniedException for another account (measured in October 2026)
 */
export function readBackupArn(arn: string): BackupName {
  const [, partition = '', service = '', region = '', account = '', tableName = '', id = ''] =
    backupArn.exec(arn) ?? [];
  if (id === '') throw validationError('Invalid Backup ARN');
  // 400, as all of AWS's own.
  if (region === '' || account !== accountId)
    throw new DynamoDbError('AccessDeniedException', 'Access is denied');
  if (partition !== 'aws' || service !== 'dynamodb' || !regionName.test(region) || !isBackupId(id)) {
    throw validationError('Invalid Request: BackupArn is not valid');
  }
  return { region, tableName, id };
}

/** Whether the text has the form of what ends a backup's ARN: milliseconds since 1970 and eight hexadecimal digits. */
export function isBackupId(text: string): boolean {
  return /^[0-9]{14}-[0-9a-f]{8}$/.test(text);
}

const backupArn = /^arn:([^:]*):([^:]*):([^:]*):([^:]*):table\/([a-zA-Z0-9_.-]{3,255})\/backup\/([^/:]+)$/;
const regionName = /^[a-z0-9-]+$/;
