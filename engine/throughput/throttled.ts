import {
  DynamoDbError,
  provisionedThroughputExceeded,
  requestLimitExceeded,
  throttling,
} from '../../protocol/errors.ts';
import type { Billing } from '../table-definition.ts';

export type Direction = 'Read' | 'Write';

/** Why a call is throttled (AWS: API_ThrottlingReason). */
export type LimitType =
  | 'ProvisionedThroughputExceeded'
  | 'AccountLimitExceeded'
  | 'KeyRangeThroughputExceeded'
  | 'MaxOnDemandThroughputExceeded';

/** A table or a global index, as far as its limits and errors are concerned. */
export interface Resource {
  readonly type: 'Table' | 'Index';
  readonly arn: string;
  readonly billing: Billing;
}

/**
 * The error of a call that a limit does not admit. Which exception it is depends on the billing mode, but for the
 * account's limits; the reason tells the limit (AWS: throttling-diagnosing, API_TransactWriteItems).
 */
export function throttled(resource: Resource, direction: Direction, type: LimitType): DynamoDbError {
  const reasons = [{ reason: `${resource.type}${direction}${type}`, resource: resource.arn }];
  if (type === 'AccountLimitExceeded') return requestLimitExceeded(reasons);
  const isIndexWrite = resource.type === 'Index' && direction === 'Write';
  if (resource.billing.mode === 'PAY_PER_REQUEST')
    return throttling(onDemandText(type, isIndexWrite), reasons);
  const error = provisionedThroughputExceeded(reasons);
  return isIndexWrite ? new DynamoDbError(error.code, indexText, error.status, error.members) : error;
}

/** Whether an error says that a limit has not admitted the call. */
export function isThrottled(error: unknown): boolean {
  return error instanceof DynamoDbError && throttlingCodes.has(error.code);
}

const throttlingCodes: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
]);

const indexText =
  'The level of configured provisioned throughput for one or more global secondary indexes of the table was exceeded. ' +
  'Consider increasing your provisioning level for the under-provisioned global secondary indexes with the UpdateTable API';

function onDemandText(type: LimitType, isIndexWrite: boolean): string {
  if (type === 'MaxOnDemandThroughputExceeded') {
    return 'Throughput exceeds the maximum OnDemandThroughput configured on table or index';
  }
  return isIndexWrite
    ? 'Throughput exceeds the current capacity for one or more global secondary indexes. ' +
        'DynamoDB is automatically scaling your index so please try again shortly.'
    : 'Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or ' +
        'index so please try again shortly. If exceptions persist, check if you have a hot key: ' +
        'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html.';
}
