import { describe, expect, test } from 'vitest';
import {
  validateBatchGetItem,
  validateGetItem,
  validateQuery,
  validateScan,
} from '../../protocol/validate/read.ts';
import { refusal } from './refusal.ts';

type Members = Record<string, unknown>;

const emptyValue =
  'ValidationException: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes';
const duplicateName =
  'ValidationException: One or more parameter values were invalid: Duplicate value in attribute name: a';

function mixed(legacy: string, expressions: string): string {
  return (
    'ValidationException: Can not use both expression and non-expression parameters in the same request: ' +
    `Non-expression parameters: {${legacy}} Expression parameters: {${expressions}}`
  );
}

describe('GetItem', () => {
  const get = (members: Members) => refusal(() => validateGetItem({ TableName: 'abc', Key: {}, ...members }));

  test.each<[Members, string]>([
    [{ Key: { id: { S: 'a' } }, ConsistentRead: true, ProjectionExpression: 'a' }, 'accepted'],
    [{ Key: { id: {} } }, emptyValue],
    [{ AttributesToGet: ['a'], ProjectionExpression: 'a' }, mixed('AttributesToGet', 'ProjectionExpression')],
    [{ AttributesToGet: ['a', 'b', 'a'] }, duplicateName],
    [{ AttributesToGet: ['a'] }, 'accepted'],
    [
      { ExpressionAttributeNames: { '#a': 'a' } },
      'ValidationException: ExpressionAttributeNames can only be specified when using expressions',
    ],
  ])('%j', (members, expected) => {
    expect(get(members)).toBe(expected);
  });

  test('returns the very input where there is nothing to change, else a canonical one', () => {
    const input = { TableName: 'abc', Key: { id: { S: 'a' } } };
    expect(validateGetItem(input)).toBe(input);
    expect(validateGetItem({ TableName: 'abc', Key: { id: { N: '1.0' } } }).Key).toEqual({ id: { N: '1' } });
  });
});

describe('BatchGetItem on a table by two names', () => {
  const arn = 'arn:aws:dynamodb:us-east-1:000000000000:table/abc';
  const requestItems = (input: Record<string, { Keys: object[] }>) =>
    Object.entries(validateBatchGetItem({ RequestItems: input }).RequestItems);

  test('asks for a key that both have once', () => {
    const [one, two] = [{ id: { N: '1' } }, { id: { N: '2' } }];
    const first = { Keys: [one], ConsistentRead: true };
    expect(requestItems({ [arn]: first, abc: { Keys: [{ id: { N: '1.0' } }] } })).toEqual([[arn, first]]);
    expect(requestItems({ abc: first, [arn]: { Keys: [one, two] } })).toEqual([
      ['abc', first],
      [arn, { Keys: [two] }],
    ]);
    const others = { [arn]: { Keys: [one] }, abd: { Keys: [one] } };
    expect(requestItems(others)).toEqual(Object.entries(others));
  });
});

describe('BatchGetItem', () => {
  const batch = (RequestItems: unknown) => refusal(() => validateBatchGetItem({ RequestItems }));
  const keys = (count: number) => Array.from({ length: count }, (_, i) => ({ id: { N: `${i}` } }));

  test.each<[string, unknown, string]>([
    ['100 keys', { abc: { Keys: keys(60) }, abd: { Keys: keys(40) } }, 'accepted'],
    [
      'a key twice',
      {
        abc: {
          Keys: [
            { id: { N: '1' }, at: { S: 'x' } },
            { at: { S: 'x' }, id: { N: '1.0' } },
          ],
        },
      },
      'ValidationException: Provided list of item keys contains duplicates',
    ],
    [
      'no table',
      {},
      "ValidationException: 1 validation error detected: Value at 'RequestItems' failed to satisfy constraint: " +
        'Member must have length greater than or equal to 1',
    ],
    [
      '101 over two tables',
      { abc: { Keys: keys(60) }, abd: { Keys: keys(41) } },
      'ValidationException: Too many items requested for the BatchGetItem call',
    ],
    ['an empty value', { abc: { Keys: [{ id: {} }] } }, emptyValue],
    ['a name twice', { abc: { Keys: [{}], AttributesToGet: ['a', 'a'] } }, duplicateName],
    [
      'mixed in one table',
      { abc: { Keys: [{}], AttributesToGet: ['a'], ProjectionExpression: 'a' } },
      mixed('AttributesToGet', 'ProjectionExpression'),
    ],
    [
      'mixed over two tables',
      { abc: { Keys: [{}], AttributesToGet: ['a'] }, abd: { Keys: [{}], ProjectionExpression: 'a' } },
      mixed('AttributesToGet', 'ProjectionExpression'),
    ],
    ['legacy', { abc: { Keys: [{}], AttributesToGet: ['a'] } }, 'accepted'],
  ])('%s', (_, requestItems, expected) => {
    expect(batch(requestItems)).toBe(expected);
  });
});

/** What Query and Scan share. */
const pageCases: [Members, string][] = [
  [{ Limit: 10, Select: 'COUNT' }, 'accepted'],
  [{ Select: 'SPECIFIC_ATTRIBUTES', ProjectionExpression: 'a' }, 'accepted'],
  [{ Select: 'ALL_PROJECTED_ATTRIBUTES', IndexName: 'by-name' }, 'accepted'],
  [
    { ExclusiveStartKey: { id: {} } },
    `ValidationException: The provided starting key is invalid: ${emptyValue.slice(21)}`,
  ],
  [
    { ExclusiveStartKey: { id: { N: 'x' } } },
    'ValidationException: The parameter cannot be converted to a numeric value: x',
  ],
];

/** What both say of Select, Query in an envelope (measured). */
const selectCases: [Members, string][] = [
  [
    { Select: 'SPECIFIC_ATTRIBUTES' },
    'Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES',
  ],
  [
    { Select: 'ALL_PROJECTED_ATTRIBUTES' },
    'ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName',
  ],
  ...(['ALL_ATTRIBUTES', 'ALL_PROJECTED_ATTRIBUTES'] as const).map((Select): [Members, string] => [
    { Select, ProjectionExpression: 'a' },
    `Cannot specify the ProjectionExpression when choosing to get ${Select}`,
  ]),
  [
    { Select: 'COUNT', ProjectionExpression: 'a' },
    'Cannot specify the ProjectionExpression when choosing to get only the Count',
  ],
  [
    { Select: 'COUNT', AttributesToGet: ['a'] },
    'Cannot specify the AttributesToGet when choosing to get only the Count',
  ],
];

describe('Query', () => {
  const query = (members: Members) =>
    refusal(() => validateQuery({ TableName: 'abc', KeyConditionExpression: 'id = :id', ...members }));

  test.each<[Members, string]>([
    ...pageCases,
    [
      { KeyConditionExpression: null },
      'ValidationException: Either the KeyConditions or KeyConditionExpression parameter ' +
        'must be specified in the request.',
    ],
    [
      { KeyConditions: {}, QueryFilter: {}, FilterExpression: 'a = b' },
      mixed('QueryFilter, KeyConditions', 'FilterExpression, KeyConditionExpression'),
    ],
    [
      {
        KeyConditionExpression: null,
        KeyConditions: { id: { ComparisonOperator: 'NULL' } },
        FilterExpression: 'a = b',
      },
      'accepted',
    ],
    [{ AttributesToGet: ['a', 'a'], KeyConditionExpression: null }, duplicateName],
    [
      { KeyConditionExpression: null, ProjectionExpression: 'a', ExpressionAttributeValues: {} },
      'ValidationException: ExpressionAttributeValues can only be specified when using expressions',
    ],
  ])('%j', (members, expected) => {
    expect(query(members)).toBe(expected);
  });

  test.each(selectCases)('%j', (members, expected) => {
    const key = 'AttributesToGet' in members && { KeyConditionExpression: null, KeyConditions: {} };
    expect(query({ ...members, ...key })).toBe(
      `ValidationException: 1 validation error detected: ${expected}`,
    );
  });

  test('brings the start key to its canonical form', () => {
    const input = { TableName: 'abc', KeyConditionExpression: 'a', ExclusiveStartKey: { id: { N: '1.0' } } };
    expect(validateQuery(input).ExclusiveStartKey).toEqual({ id: { N: '1' } });
  });
});

describe('Scan', () => {
  const scan = (members: Members) => refusal(() => validateScan({ TableName: 'abc', ...members }));
  const required = 'parameter is required but was not present in the request when';

  test.each<[Members, string]>([
    ...pageCases,
    [{ Segment: 3, TotalSegments: 4 }, 'accepted'],
    [{ Segment: 0 }, `ValidationException: The TotalSegments ${required} Segment parameter is present`],
    [{ TotalSegments: 4 }, `ValidationException: The Segment ${required} parameter TotalSegments is present`],
    [
      { Segment: 5, TotalSegments: 5 },
      'ValidationException: The Segment parameter is zero-based and must be less than parameter TotalSegments: ' +
        'Segment: 5 is not less than TotalSegments: 5',
    ],
    [{ ScanFilter: {}, FilterExpression: 'a = b' }, mixed('ScanFilter', 'FilterExpression')],
    [{ ScanFilter: {} }, 'accepted'],
    [{ ScanFilter: { a: { ComparisonOperator: 'NULL' } } }, 'accepted'],
  ])('%j', (members, expected) => {
    expect(scan(members)).toBe(expected);
  });

  test.each(selectCases)('%j', (members, expected) => {
    expect(scan(members)).toBe(`ValidationException: ${expected}`);
  });
});
