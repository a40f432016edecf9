import { DynamoDbError, validationError } from '../errors.ts';
import { accountId } from '../table-name.ts';

/** What an export's or an import's ARN says. */
export interface TransferName {
  readonly region: string;
  readonly tableName: string;
  readonly id: string;
}

/**
 * Reads the ARN of an export or an import.
 * @throws ValidationException, AccessDeniedException for another account (measured in October 2026)
 */
export function readTransferArn(kind: 'export' | 'import', arn: string): TransferName {
  refuseOtherAccount(arn);
  const [, region = '', tableName = '', found, id = ''] = transferArn.exec(arn) ?? [];
  if (found === kind) return { region, tableName, id };
  throw validationError(`Invalid ${kind === 'export' ? 'Export' : 'Import'} ARN`);
}

/**
 * Reads the ARN of a table that is exported, or whose exports or imports are listed; a name is none.
 * @throws ValidationException, AccessDeniedException for another account (measured in October 2026)
 */
export function readTransferTableArn(arn: string): Pick<TransferName, 'region' | 'tableName'> {
  if (!arn.startsWith('arn:')) {
    throw validationError('One or more parameter values were invalid: tableArn is not a valid ARN');
  }
  refuseOtherAccount(arn);
  const [, region = '', tableName = ''] = tableArn.exec(arn) ?? [];
  if (tableName !== '') return { region, tableName };
  throw validationError('Invalid Request: Table ARN is invalid.');
}

const transferArn =
  /^arn:aws:dynamodb:([a-z0-9-]+):[0-9]{12}:table\/([a-zA-Z0-9_.-]{3,255})\/(export|import)\/([^/:]+)$/;
const tableArn = /^arn:aws:dynamodb:([a-z0-9-]+):[0-9]{12}:table\/([a-zA-Z0-9_.-]{3,255})$/;

function refuseOtherAccount(arn: string): void {
  if (!arn.startsWith('arn:')) return;
  const account = arn.split(':', 5)[4];
  // 400, as all of AWS's own.
  if (account !== undefined && account !== accountId)
    throw new DynamoDbError('AccessDeniedException', 'Access is denied');
}
