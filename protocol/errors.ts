/**
 * The errors of the DynamoDB API. An error is part of the interface: applications match on its code, SDKs on its
 * status (AWS: Programming.Errors).
 */
export class DynamoDbError extends Error {
  override readonly name = 'DynamoDbError';
  /** The short code, for example `ValidationException`. */
  readonly code: string;
  /** 400 for everything a client did, also "not found"; 500 for faults of the server. */
  readonly status: number;
  /** Members of the error besides `message`: `Item`, `CancellationReasons`, `ThrottlingReasons`. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, status = 400, members: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.members = members;
  }
}

/** What is fixed about an error code. */
export interface ErrorKind {
  /** The part of `__type` before `#`: which layer of AWS's servers the error comes from. */
  readonly namespace: string;
  readonly status: number;
  /** Whether AWS's SDKs send the call again by themselves. */
  readonly retried: boolean;
  /** The member that carries the text; AWS spells it either way. */
  readonly textMember: 'message' | 'Message';
}

const api = 'com.amazonaws.dynamodb.v20120810';
const service = 'com.amazon.coral.service';
const availability = 'com.amazon.coral.availability';

const clientFault: ErrorKind = { namespace: api, status: 400, retried: false, textMember: 'message' };
const capitalText: ErrorKind = { ...clientFault, textMember: 'Message' };
const throttled: ErrorKind = { ...clientFault, retried: true };
const accessFault: ErrorKind = { ...clientFault, namespace: service };

/**
 * Every code that this server sends of its own. Spellings and statuses are those of AWS's service model; `retried` is
 * what the SDKs' standard retry mode does. docs/errors.md shows the same table to users.
 */
export const errorKinds = {
  // AWS's own are 400. Ours is the front's refusal of web pages, and browsers' tools and proxies know it by its status.
  AccessDeniedException: { ...accessFault, status: 403, textMember: 'Message' },
  BackupInUseException: clientFault,
  BackupNotFoundException: clientFault,
  ConditionalCheckFailedException: clientFault,
  ContinuousBackupsUnavailableException: clientFault,
  ExpiredIteratorException: clientFault,
  ExportConflictException: clientFault,
  ExportNotFoundException: clientFault,
  IdempotentParameterMismatchException: capitalText,
  ImportConflictException: clientFault,
  ImportNotFoundException: clientFault,
  IncompleteSignatureException: accessFault,
  InternalServerError: { ...clientFault, status: 500, retried: true },
  InvalidExportTimeException: clientFault,
  InvalidRestoreTimeException: clientFault,
  InvalidSignatureException: accessFault,
  ItemCollectionSizeLimitExceededException: clientFault,
  LimitExceededException: throttled,
  MissingAuthenticationTokenException: accessFault,
  PointInTimeRecoveryUnavailableException: clientFault,
  ProvisionedThroughputExceededException: throttled,
  RequestLimitExceeded: throttled,
  ResourceInUseException: clientFault,
  ResourceNotFoundException: clientFault,
  SerializationException: { ...accessFault, textMember: 'Message' },
  ServiceUnavailable: { ...clientFault, namespace: availability, status: 503, retried: true },
  TableAlreadyExistsException: clientFault,
  TableInUseException: clientFault,
  TableNotFoundException: clientFault,
  ThrottlingException: throttled,
  TransactionCanceledException: capitalText,
  TransactionConflictException: clientFault,
  TransactionInProgressException: { ...capitalText, retried: true },
  TrimmedDataAccessException: clientFault,
  UnknownOperationException: accessFault,
  UnrecognizedClientException: accessFault,
  ValidationException: { ...clientFault, namespace: 'com.amazon.coral.validate' },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorKinds;

/** The members of an error's JSON body. A code from elsewhere (an upstream's) is passed on as the API's own. */
export function errorBody(error: DynamoDbError): Record<string, unknown> {
  const kind = kindOf(error.code);
  const body: Record<string, unknown> = { __type: `${kind.namespace}#${error.code}` };
  if (error.message !== '') body[kind.textMember] = error.message;
  return Object.assign(body, error.members);
}

function kindOf(code: string): ErrorKind {
  return Object.hasOwn(errorKinds, code) ? errorKinds[code as ErrorCode] : clientFault;
}

function newError(
  code: ErrorCode,
  message: string,
  members?: Readonly<Record<string, unknown>>,
): DynamoDbError {
  return new DynamoDbError(code, message, errorKinds[code].status, members);
}

/** A request that is wrong in itself. */
export function validationError(message: string): DynamoDbError {
  return newError('ValidationException', message);
}

/** A body that does not have the JSON types of the operation's input; without a text, one that is not JSON at all. */
export function serializationError(message = ''): DynamoDbError {
  return newError('SerializationException', message);
}

export function unknownOperation(): DynamoDbError {
  return newError('UnknownOperationException', '');
}

/** @param message operations on tables name the table: `tableNotFound`. */
export function resourceNotFound(message = 'Requested resource not found'): DynamoDbError {
  return newError('ResourceNotFoundException', message);
}

/** What DescribeTable, UpdateTable and DeleteTable say; operations on items use `resourceNotFound`. */
export function tableNotFound(tableName: string): DynamoDbError {
  return resourceNotFound(`Requested resource not found: Table: ${tableName} not found`);
}

/**
 * What backups, recovery and exports say of a table that is not there (AWS: API_CreateBackup).
 * @param table as the call names it; absent where AWS leaves it out.
 */
export function sourceTableNotFound(table?: string): DynamoDbError {
  return newError('TableNotFoundException', `Table not found${table === undefined ? '' : `: ${table}`}`);
}

/** What a restore says where CreateTable says `tableAlreadyExists`. */
export function targetTableExists(tableName: string): DynamoDbError {
  return newError('TableAlreadyExistsException', `Table already exists: ${tableName}`);
}

/** A restore into this table is under way. @param from the backup that it is being restored from. */
export function targetTableInUse(tableName: string, from?: string): DynamoDbError {
  const source = from === undefined ? '' : ` from backup: ${from}`;
  return newError('TableInUseException', `Table: ${tableName} is already being restored${source}`);
}

export function backupNotFound(backupArn: string): DynamoDbError {
  return newError('BackupNotFoundException', `Backup not found: ${backupArn}`);
}

/** @param use what the backup is being used for, or what becomes of it. */
export function backupInUse(use: string, backupArn: string): DynamoDbError {
  return newError('BackupInUseException', `Backup is being ${use}: ${backupArn}`);
}

/** A table is not ready for backups in the first seconds that it is ACTIVE. */
export function continuousBackupsUnavailable(tableName: string): DynamoDbError {
  return newError(
    'ContinuousBackupsUnavailableException',
    `Backups are being enabled for the table: ${tableName}. Please retry later`,
  );
}

export function pointInTimeRecoveryUnavailable(tableName: string): DynamoDbError {
  return newError(
    'PointInTimeRecoveryUnavailableException',
    `Point in time recovery is not enabled for table '${tableName}'`,
  );
}

/** All in ISO 8601; the bounds are the first and the last moment that can be restored. */
export function invalidRestoreTime(moment: string, earliest: string, latest: string): DynamoDbError {
  return newError(
    'InvalidRestoreTimeException',
    `RestoreDateTime '${moment}' must be within EarliestRestorableDateTime '${earliest}' ` +
      `and LatestRestorableDateTime '${latest}'`,
  );
}

/** An export is asked for with a token that another one has. */
export function exportConflict(): DynamoDbError {
  return newError(
    'ExportConflictException',
    'Export conflict: Duplicate request detected with conflicting parameters',
  );
}

/** @param what AWS says it twice. */
export function exportNotFound(what: string): DynamoDbError {
  return newError('ExportNotFoundException', `Export not found: ${what}`);
}

/** The moment, or the time from one to another, cannot be exported. */
export function invalidExportTime(message: string): DynamoDbError {
  return newError('InvalidExportTimeException', message);
}

/** An import of another table has the token. */
export function importConflict(): DynamoDbError {
  return newError(
    'ImportConflictException',
    'Import conflict: Duplicate request detected with conflicting parameters',
  );
}

/** @param what AWS says it twice. */
export function importNotFound(what: string): DynamoDbError {
  return newError('ImportNotFoundException', `Import not found: ${what}`);
}

/** A shard iterator is older than 15 minutes (AWS: API_streams_GetRecords). */
export function expiredIterator(): DynamoDbError {
  return newError('ExpiredIteratorException', 'Shard iterator has expired');
}

/** Records of a stream are asked for that are older than 24 hours (AWS: API_streams_GetRecords). */
export function trimmedDataAccess(): DynamoDbError {
  return newError('TrimmedDataAccessException', 'The data you are trying to access has been trimmed');
}

export function resourceInUse(message: string): DynamoDbError {
  return newError('ResourceInUseException', message);
}

export function tableAlreadyExists(tableName: string): DynamoDbError {
  return resourceInUse(`Table already exists: ${tableName}`);
}

/** @param item the item as it is, where the caller asked for it (ReturnValuesOnConditionCheckFailure: ALL_OLD). */
export function conditionalCheckFailed(item?: unknown): DynamoDbError {
  const members = item === undefined ? {} : { Item: item };
  return newError('ConditionalCheckFailedException', 'The conditional request failed', members);
}

/** The items of one partition key may have 10 GB together with their entries in local indexes (AWS: LSI.ItemCollections). */
export function itemCollectionSizeLimitExceeded(): DynamoDbError {
  return newError('ItemCollectionSizeLimitExceededException', 'Collection size exceeded');
}

/** @param detail what comes after AWS's standing introduction, for example which simultaneous operations are too many. */
export function limitExceeded(detail: string): DynamoDbError {
  return newError('LimitExceededException', `Subscriber limit exceeded: ${detail}`);
}

/** A quota of the account is used up; AWS introduces only some of these texts. */
export function quotaExceeded(message: string): DynamoDbError {
  return newError('LimitExceededException', message);
}

/** Why a call was throttled, and the ARN of the table or index that was short (AWS: API_ThrottlingReason). */
export interface ThrottlingReason {
  readonly reason: string;
  readonly resource: string;
}

/** A provisioned table, or an index of one, has used up its capacity units. */
export function provisionedThroughputExceeded(reasons: readonly ThrottlingReason[] = []): DynamoDbError {
  return newError(
    'ProvisionedThroughputExceededException',
    'The level of configured provisioned throughput for the table was exceeded. ' +
      'Consider increasing your provisioning level with the UpdateTable API.',
    reasons.length === 0 ? {} : { ThrottlingReasons: reasons },
  );
}

/** An on-demand table, a key range or the control plane is over its rate; note the reasons' lower-case first letter. */
export function throttling(
  message = 'Rate exceeded',
  reasons: readonly ThrottlingReason[] = [],
): DynamoDbError {
  return newError('ThrottlingException', message, reasons.length === 0 ? {} : { throttlingReasons: reasons });
}

export function requestLimitExceeded(reasons: readonly ThrottlingReason[] = []): DynamoDbError {
  return newError(
    'RequestLimitExceeded',
    'Throughput exceeds the current throughput limit for your account. ' +
      'Please contact AWS Support at https://aws.amazon.com/support to request a limit increase',
    reasons.length === 0 ? {} : { ThrottlingReasons: reasons },
  );
}

/** Why one action of a transaction stopped it; `None` for those that did not (AWS: API_CancellationReason). */
export interface CancellationReason {
  readonly Code: string;
  readonly Message?: string;
  readonly Item?: unknown;
}

/** @param reasons one for each action of the transaction, in the request's order. */
export function transactionCanceled(reasons: readonly CancellationReason[]): DynamoDbError {
  const codes = reasons.map((reason) => reason.Code).join(', ');
  return newError(
    'TransactionCanceledException',
    `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`,
    { CancellationReasons: reasons },
  );
}

export function transactionConflict(): DynamoDbError {
  return newError('TransactionConflictException', 'Transaction is ongoing for the item');
}

export function transactionInProgress(): DynamoDbError {
  return newError(
    'TransactionInProgressException',
    'The transaction with the given request token is already in progress.',
  );
}

export function idempotentParameterMismatch(): DynamoDbError {
  return newError(
    'IdempotentParameterMismatchException',
    'The request uses the same client token as a previous, but non-identical request.',
  );
}

export function internalServerError(): DynamoDbError {
  return newError('InternalServerError', 'Internal server error');
}

/** The store behind cannot be reached, or this server is closing. */
export function serviceUnavailable(message: string): DynamoDbError {
  return newError('ServiceUnavailable', message);
}

/** A web page, or a Host that may be one's, where signatures are not verified. */
export function accessDenied(message: string): DynamoDbError {
  return newError('AccessDeniedException', message);
}

export function missingAuthenticationToken(): DynamoDbError {
  return newError('MissingAuthenticationTokenException', 'Request is missing Authentication Token');
}

/** The Authorization header, or the query string that stands for it, lacks something or cannot be read. */
export function incompleteSignature(message: string): DynamoDbError {
  return newError('IncompleteSignatureException', message);
}

/** @param message only for what is wrong around the signature: its scope, its date, its signed headers. */
export function invalidSignature(
  message = 'The request signature we calculated does not match the signature you provided. ' +
    'Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
): DynamoDbError {
  return newError('InvalidSignatureException', message);
}

/** The access key or the session token is not known here. */
export function unrecognizedClient(): DynamoDbError {
  return newError('UnrecognizedClientException', 'The security token included in the request is invalid.');
}
