import { describe, expect, test } from 'vitest';
import {
  validateBatchWriteItem,
  validateDeleteItem,
  validatePutItem,
  validateUpdateItem,
} from '../../protocol/validate/write.ts';
import { refusal } from './refusal.ts';

type Members = Record<string, unknown>;

const emptyValue =
  'ValidationException: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes';
const severalTypes =
  'ValidationException: Supplied AttributeValue has more than one datatypes set, ' +
  'must contain exactly one of the supported datatypes';

function mixed(legacy: string, expressions: string): string {
  return (
    'ValidationException: Can not use both expression and non-expression parameters in the same request: ' +
    `Non-expression parameters: {${legacy}} Expression parameters: {${expressions}}`
  );
}

describe('PutItem', () => {
  const put = (members: Members) =>
    refusal(() => validatePutItem({ TableName: 'abc', Item: {}, ...members }));

  test.each<[Members, string]>([
    [{ Item: { id: { S: 'a' } } }, 'accepted'],
    [{ Item: { id: { S: 'a' } }, ReturnValues: 'ALL_OLD' }, 'accepted'],
    [{ ReturnValues: 'ALL_NEW' }, 'ValidationException: ReturnValues can only be ALL_OLD or NONE'],
    [{ Item: { a: {} } }, emptyValue],
    [{ Item: { a: { unknown: '' } } }, emptyValue],
    [{ Item: { a: { S: 'a', N: '1' } } }, severalTypes],
    [
      { Item: { a: { N: 'b' } } },
      'ValidationException: The parameter cannot be converted to a numeric value: b',
    ],
    [
      { Item: { a: { SS: [] } } },
      'ValidationException: One or more parameter values were invalid: An string set  may not be empty',
    ],
    [
      { Item: { a: { S: 'x'.repeat(409_600) } } },
      'ValidationException: Item size has exceeded the maximum allowed size',
    ],
    [
      { Expected: { a: { Exists: false } }, ConditionExpression: 'attribute_exists(a)' },
      mixed('Expected', 'ConditionExpression'),
    ],
    [
      { ExpressionAttributeNames: { '#a': 'a' } },
      'ValidationException: ExpressionAttributeNames can only be specified when using expressions',
    ],
    [
      { ExpressionAttributeValues: { ':a': { S: 'a' } } },
      'ValidationException: ExpressionAttributeValues can only be specified when using expressions',
    ],
    [{ Expected: { a: { Exists: false } } }, 'accepted'],
    [
      { ConditionalOperator: 'OR' },
      'ValidationException: ConditionalOperator cannot be used without Filter or Expected',
    ],
  ])('%j', (members, expected) => {
    expect(put(members)).toBe(expected);
  });

  test('tells of mixed parameters before values, and of values before ReturnValues', () => {
    const wrong = { Item: { a: {} }, ReturnValues: 'ALL_NEW' };
    expect(put({ ...wrong, Expected: {}, ConditionExpression: 'x' })).toBe(
      mixed('Expected', 'ConditionExpression'),
    );
    expect(put(wrong)).toBe(emptyValue);
  });

  test('returns the very input where there is nothing to change, else a canonical one', () => {
    const input = { TableName: 'abc', Item: { id: { S: 'a' } } };
    expect(validatePutItem(input)).toBe(input);
    const numbers = { TableName: 'abc', Item: { id: { S: 'a' }, n: { N: '1.0' } } };
    expect(validatePutItem(numbers)).toEqual({ TableName: 'abc', Item: { id: { S: 'a' }, n: { N: '1' } } });
    expect(numbers.Item.n).toEqual({ N: '1.0' });
  });
});

describe('DeleteItem', () => {
  const remove = (members: Members) =>
    refusal(() => validateDeleteItem({ TableName: 'abc', Key: {}, ...members }));

  test.each<[Members, string]>([
    [{ Key: { id: { S: 'a' } }, ReturnValues: 'NONE' }, 'accepted'],
    [{ ReturnValues: 'UPDATED_OLD' }, 'ValidationException: ReturnValues can only be ALL_OLD or NONE'],
    [{ Key: { id: {} } }, emptyValue],
    [{ Expected: {}, ConditionExpression: 'x' }, mixed('Expected', 'ConditionExpression')],
    [{ Expected: {} }, 'accepted'],
    [{ Expected: { a: { Exists: false } } }, 'accepted'],
  ])('%j', (members, expected) => {
    expect(remove(members)).toBe(expected);
  });

  test('brings the key to its canonical form', () => {
    expect(validateDeleteItem({ TableName: 'abc', Key: { id: { N: '+1' } } }).Key).toEqual({
      id: { N: '1' },
    });
  });
});

describe('UpdateItem', () => {
  const update = (members: Members) =>
    refusal(() => validateUpdateItem({ TableName: 'abc', Key: {}, ...members }));

  test.each<[Members, string]>([
    [{ Key: { id: { S: 'a' } }, UpdateExpression: 'SET a = :a', ReturnValues: 'UPDATED_NEW' }, 'accepted'],
    [
      { Key: { id: { N: '' } } },
      'ValidationException: The parameter cannot be converted to a numeric value: ',
    ],
    [
      { AttributeUpdates: {}, Expected: {}, UpdateExpression: 'x', ConditionExpression: 'y' },
      mixed('AttributeUpdates, Expected', 'UpdateExpression, ConditionExpression'),
    ],
    [
      { ExpressionAttributeValues: { ':a': { S: 'a' } } },
      'ValidationException: ExpressionAttributeValues can only be specified when using expressions',
    ],
    [{ AttributeUpdates: { a: { Value: { S: 'x' } } } }, 'accepted'],
  ])('%j', (members, expected) => {
    expect(update(members)).toBe(expected);
  });
});

describe('BatchWriteItem', () => {
  const batch = (RequestItems: unknown) => refusal(() => validateBatchWriteItem({ RequestItems }));
  const put = (id: string) => ({ PutRequest: { Item: { id: { S: id } } } });
  const puts = (count: number, prefix: string) =>
    Array.from({ length: count }, (_, i) => put(`${prefix}${i}`));

  test.each<[string, unknown, string]>([
    ['puts and deletes', { abc: [put('a'), { DeleteRequest: { Key: { id: { S: 'b' } } } }] }, 'accepted'],
    ['25 of them', { abc: puts(20, 'a'), abd: puts(5, 'b') }, 'accepted'],
    ['none', {}, 'ValidationException: The requestItems parameter is required for BatchWriteItem'],
    [
      '26 over two tables',
      { abc: puts(20, 'a'), abd: puts(6, 'b') },
      'ValidationException: Too many items requested for the BatchWriteItem call',
    ],
    ['an empty request', { abc: [{}] }, severalTypes],
    ['null for a request', { abc: [null] }, severalTypes],
    [
      'put and delete in one',
      { abc: [{ ...put('a'), DeleteRequest: { Key: { id: { S: 'b' } } } }] },
      severalTypes,
    ],
    ['an empty value', { abc: [{ PutRequest: { Item: { id: {} } } }] }, emptyValue],
    [
      'a huge item',
      { abc: [{ PutRequest: { Item: { id: { S: 'x'.repeat(409_600) } } } }] },
      'ValidationException: Item size has exceeded the maximum allowed size',
    ],
  ])('%s', (_, requestItems, expected) => {
    expect(batch(requestItems)).toBe(expected);
  });

  test('26 in one table are an error of the shape', () => {
    expect(batch({ abc: puts(26, 'a') })).toMatch(
      /^ValidationException: 1 validation error detected: Value '\{abc=\[.+\]\}' at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: \[Member must have length less than or equal to 25, Member must have length greater than or equal to 1\]$/,
    );
  });

  test('a table may be named __proto__', () => {
    const input = JSON.parse('{"RequestItems":{"__proto__":[{"PutRequest":{"Item":{"id":{"N":"1.0"}}}}]}}');
    expect(Object.entries(validateBatchWriteItem(input).RequestItems)).toEqual([
      ['__proto__', [{ PutRequest: { Item: { id: { N: '1' } } } }]],
    ]);
  });
});
