import { type DynamoDbError, validationError } from '../errors.ts';

/** What AWS says of nearly everything that is wrong in a legacy parameter. */
export function invalidParameterValue(detail: string): DynamoDbError {
  return validationError(`One or more parameter values were invalid: ${detail}`);
}
