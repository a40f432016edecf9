import { DynamoDbError, validationError } from '../errors.ts';
import { accountId } from '../table-name.ts';

/**
 * Checks that an ARN that stands for a table is one of this account, in the region of the call (measured in October
 * 2026). A name passes.
 * @param nameOrArn an ARN has the form of a table's.
 * @throws ValidationException, AccessDeniedException: no policy opens a table of another account
 */
export function checkTableArn(nameOrArn: string, region: string): void {
  if (!nameOrArn.startsWith('arn:')) return;
  const [, partition, , arnRegion, account] = nameOrArn.split(':', 5);
  if (partition !== 'aws') throw invalidArn('partition', nameOrArn);
  if (arnRegion !== region) throw invalidArn('region', nameOrArn);
  // 400, as all of AWS's own.
  if (account !== accountId) throw new DynamoDbError('AccessDeniedException', 'Access is denied');
}

function invalidArn(part: 'partition' | 'region', arn: string): DynamoDbError {
  return validationError(`1 validation error detected: Invalid AWS ${part} in '${arn}'`);
}
