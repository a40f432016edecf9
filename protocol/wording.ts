import { DynamoDbError, validationError } from './errors.ts';

/**
 * AWS checks requests in two layers, each with words of its own for the same mistakes. The older one is left in
 * BatchWriteItem, Scan and transactions; the newer one serves all other operations on items, and reports what is wrong with a
 * single write in the envelope that constraint errors have (measured in all regions in October 2026).
 */

/** What is wrong with a value, in the newer layer's words. */
class InvalidValueError extends DynamoDbError {
  readonly olderText: string;

  constructor(text: string, older: string) {
    super('ValidationException', text);
    this.olderText = older;
  }
}

/** @param older what the older layer says. */
export function invalidValue(text: string, older: string): DynamoDbError {
  return new InvalidValueError(text, older);
}

/** What the older layer says of it. */
export function olderText(error: DynamoDbError): string {
  return error instanceof InvalidValueError ? error.olderText : error.message;
}

/** Checks a part of a request that AWS checks in the older layer. */
export function inOlderWords<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw error instanceof InvalidValueError ? validationError(error.olderText) : error;
  }
}

/** What the older layer finds in a single write: it has no envelope. */
class BareError extends DynamoDbError {}

/** What is wrong with a single write that AWS leaves to the older layer. */
export function bareError(text: string): DynamoDbError {
  return new BareError('ValidationException', text);
}

/** Checks a single write, as far as that is possible without its table. An item's size is reported bare, too. */
export function inEnvelope<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof DynamoDbError) || error.code !== 'ValidationException') throw error;
    if (error instanceof BareError) throw error;
    if (keptAsIs.test(error.message)) throw error;
    throw validationError(`1 validation error detected: ${error.message}`);
  }
}

const keptAsIs = /^(?:\d+ validation errors? detected: |Item size has exceeded)/;
