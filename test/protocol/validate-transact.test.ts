import { describe, expect, test } from 'vitest';
import type { TransactWriteItem } from '../../protocol/operation.ts';
import {
  actionOf,
  checkDistinctTargets,
  checkTransactionBytes,
  payloadBytes,
  validateTransactGetItems,
  validateTransactWriteItems,
} from '../../protocol/validate/transact.ts';
import { refusal } from './refusal.ts';

type Members = Record<string, unknown>;

const key = { p: { S: 'a' } };
const put = { Put: { TableName: 'abc', Item: key } };
const one = (text: string) => `ValidationException: 1 validation error detected: ${text}`;
const missing = (path: string) =>
  `Value null at '${path}' failed to satisfy constraint: Member must not be null`;

function write(members: Members): string {
  return refusal(() => validateTransactWriteItems({ TransactItems: [put], ...members }));
}

function get(members: Members): string {
  return refusal(() => validateTransactGetItems(members));
}

describe('the shape of TransactWriteItems', () => {
  test.each<[string, Members, string]>([
    ['one action', {}, 'accepted'],
    ['a hundred actions', { TransactItems: Array(100).fill(put) }, 'accepted'],
    [
      'no actions',
      { TransactItems: [] },
      one(
        "Value '[]' at 'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1",
      ),
    ],
    ['no list of actions', { TransactItems: null }, one(missing('transactItems'))],
    ['a token of 36 characters', { ClientRequestToken: 'x'.repeat(36) }, 'accepted'],
    [
      'a longer token',
      { ClientRequestToken: 'x'.repeat(37) },
      one(
        `Value '${'x'.repeat(37)}' at 'clientRequestToken' failed to satisfy constraint: ` +
          'Member must have length less than or equal to 36',
      ),
    ],
    [
      'an empty token',
      { ClientRequestToken: '' },
      one(
        "Value '' at 'clientRequestToken' failed to satisfy constraint: " +
          'Member must have length greater than or equal to 1',
      ),
    ],
    [
      'a condition check without a condition',
      { TransactItems: [{ ConditionCheck: { TableName: 'abc', Key: key } }] },
      one(missing('transactItems.1.member.conditionCheck.conditionExpression')),
    ],
    [
      'an update without an expression',
      { TransactItems: [put, { Update: { TableName: 'abc', Key: key } }] },
      one(missing('transactItems.2.member.update.updateExpression')),
    ],
    [
      'a put without an item',
      { TransactItems: [{ Put: { TableName: 'abc' } }] },
      one(missing('transactItems.1.member.put.item')),
    ],
    [
      'a delete without a key',
      { TransactItems: [{ Delete: { TableName: 'abc' } }] },
      one(missing('transactItems.1.member.delete.key')),
    ],
    [
      'a name that no table can have',
      { TransactItems: [{ Put: { TableName: 'bad!name', Item: key } }] },
      one(
        "Value 'bad!name' at 'transactItems.1.member.put.tableName' failed to satisfy constraint: " +
          'Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+',
      ),
    ],
    [
      'two unknown enumeration values',
      { ReturnConsumedCapacity: 'hi', ReturnItemCollectionMetrics: 'ho' },
      "ValidationException: 2 validation errors detected: Value 'hi' at 'returnConsumedCapacity' failed to satisfy " +
        "constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]; Value 'ho' at " +
        "'returnItemCollectionMetrics' failed to satisfy constraint: Member must satisfy enum value set: [SIZE, NONE]",
    ],
    ['a list that is none', { TransactItems: 'x' }, 'SerializationException: Unexpected field type'],
    [
      'an action that is none',
      { TransactItems: ['x'] },
      'SerializationException: Unexpected value type in payload',
    ],
  ])('%s', (_name, members, expected) => {
    expect(write(members)).toBe(expected);
  });

  test('more than a hundred actions are printed in their brackets, though not whole', () => {
    const text = write({ TransactItems: Array(101).fill(put) });
    expect(text).toMatch(
      /^ValidationException: 1 validation error detected: Value '\[TransactWriteItem\(.+\]' at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to 100$/,
    );
    expect(text.length).toBeLessThan(20_000);
  });
});

describe('the shape of TransactGetItems', () => {
  test.each<[string, Members, string]>([
    ['one get', { TransactItems: [{ Get: { TableName: 'abc', Key: key } }] }, 'accepted'],
    ['no get', { TransactItems: [{}] }, one(missing('transactItems.1.member.get'))],
    [
      'a get without a key',
      { TransactItems: [{ Get: { TableName: 'abc' } }] },
      one(missing('transactItems.1.member.get.key')),
    ],
    [
      'no gets',
      { TransactItems: [] },
      one(
        "Value '[]' at 'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1",
      ),
    ],
  ])('%s', (_name, members, expected) => {
    expect(get(members)).toBe(expected);
  });
});

describe('an action', () => {
  const action = (item: Members) => refusal(() => actionOf(item as TransactWriteItem));

  test.each<[string, Members, string]>([
    [
      'none',
      {},
      'ValidationException: Invalid Request: TransactWriteRequest should contain Delete or Put or Update request',
    ],
    [
      'two',
      { ...put, Delete: { TableName: 'abc', Key: key } },
      'ValidationException: TransactItems can only contain one of Check, Put, Update or Delete',
    ],
    ['one', put, 'accepted'],
  ])('%s', (_name, item, expected) => {
    expect(action(item)).toBe(expected);
  });
});

describe('the size of a transaction', () => {
  test('is of the items, keys and values that it carries', () => {
    const update = actionOf({
      Update: {
        TableName: 'abc',
        Key: key,
        UpdateExpression: 'SET v = :v',
        ExpressionAttributeValues: { ':v': { S: '12345' } },
      },
    });
    expect(payloadBytes(update, key)).toBe(2 + 7);
    expect(payloadBytes(actionOf(put), key)).toBe(2);
  });

  test('may be 4 MB', () => {
    expect(refusal(() => checkTransactionBytes(4_194_304))).toBe('accepted');
    expect(refusal(() => checkTransactionBytes(4_194_305))).toBe(
      'ValidationException: Transaction payload size cannot exceed 4MB. Payload Size: ' +
        ': Transaction payload size cannot exceed 4MB. Payload Size: 4194305',
    );
  });
});

test('no item may be named twice', () => {
  expect(refusal(() => checkDistinctTargets(['a', 'b']))).toBe('accepted');
  expect(refusal(() => checkDistinctTargets(['a', 'b', 'a']))).toBe(
    'ValidationException: Transaction request cannot include multiple operations on one item',
  );
});
