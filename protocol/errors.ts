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

/** A request that is wrong in itself. */
export function validationError(message: string): DynamoDbError {
  return new DynamoDbError('ValidationException', message);
}
