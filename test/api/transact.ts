import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { type Item, invalid, refusal } from './setups.ts';

/** What the tests of transactions have in common. */

export const notFound = refusal('ResourceNotFoundException', 'Requested resource not found');
export const duplicates = invalid('Transaction request cannot include multiple operations on one item');
export const emptyKey = invalid(
  'One or more parameter values are not valid. ' +
    'The AttributeValue for a key attribute cannot contain an empty string value. Key: p',
);
export const schemaMismatch = 'The provided key element does not match the schema';
export const conditionFailed = 'The conditional request failed';

/** @param reasons the messages of the actions' reasons; null for an action that has none. */
export function cancelled(...reasons: (string | null)[]): object {
  const codes = reasons.map((message) => {
    if (message === null) return 'None';
    return message === conditionFailed ? 'ConditionalCheckFailed' : 'ValidationError';
  });
  const text = 'Transaction cancelled, please refer cancellation reasons for specific reasons';
  return {
    ...refusal('TransactionCanceledException', `${text} [${codes.join(', ')}]`),
    CancellationReasons: reasons.map((Message, i) => ({
      Code: codes[i],
      ...(Message !== null && { Message }),
    })),
  };
}

export function keyOf(p: string): Item {
  return { p: { S: p } };
}

/** An item of exactly that size. */
export function itemOf(p: string, bytes: number): Item {
  return { ...keyOf(p), f: { S: 'x'.repeat(bytes - 2 - p.length) } };
}

export function add(TableName: string, p: string, condition?: string): TransactWriteItem {
  return {
    Update: {
      TableName,
      Key: keyOf(p),
      UpdateExpression: 'ADD n :one',
      ExpressionAttributeValues: { ':one': { N: '1' } },
      ...(condition !== undefined && { ConditionExpression: condition }),
    },
  };
}

export function check(TableName: string, p: string, ConditionExpression: string): TransactWriteItem {
  return { ConditionCheck: { TableName, Key: keyOf(p), ConditionExpression } };
}
