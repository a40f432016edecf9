import { validationError } from '../errors.ts';
import type { DescribeContinuousBackupsInput, UpdateContinuousBackupsInput } from '../operation.ts';
import { type Input, validateShape } from './shapes.ts';

/** What can be said against operations on point-in-time recovery before the tables are looked at, in AWS's order. */

/** AWS: API_DescribeContinuousBackups. */
export function validateDescribeContinuousBackups(input: Input): DescribeContinuousBackupsInput {
  return validateShape('DescribeContinuousBackups', input);
}

/** AWS: API_UpdateContinuousBackups. */
export function validateUpdateContinuousBackups(input: Input): UpdateContinuousBackupsInput {
  const update = validateShape('UpdateContinuousBackups', input);
  const { PointInTimeRecoveryEnabled: enabled, RecoveryPeriodInDays: days } =
    update.PointInTimeRecoverySpecification;
  if (!enabled && days !== undefined) {
    throw validationError(
      'Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery.',
    );
  }
  return update;
}
