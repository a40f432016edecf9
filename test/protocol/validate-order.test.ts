import { describe, expect, test } from 'vitest';
import {
  validateBatchGetItem,
  validateGetItem,
  validateQuery,
  validateScan,
} from '../../protocol/validate/read.ts';
import { validateCreateTable } from '../../protocol/validate/table.ts';
import { validateTransactWriteItems } from '../../protocol/validate/transact.ts';
import {
  validateBatchWriteItem,
  validateDeleteItem,
  validatePutItem,
  validateUpdateItem,
} from '../../protocol/validate/write.ts';
import { refusal } from './refusal.ts';

/*
 * Requests with several faults, and the one that AWS reports. The sources are test suites that were run against AWS:
 * `paritysuite` (dynamodb-conformance: tier 3, validation-ordering and error-messages; October 2026) and `dynalite` (its
 * test folder). Both are followed for the faults of a request alone; test/api/order-of-checks.test.ts has those that are found
 * by looking at a table.
 */

const invalid = 'One or more parameter values were invalid:';
const empty = 'Supplied AttributeValue is empty, must contain exactly one of the supported datatypes';
const large = { S: 'x'.repeat(409_600) };
const TableName = 'abc';
const key = { p: { S: 'a' } };
const one = (text: string) => `1 validation error detected: ${text}`;
const at = (path: string, constraint: string) =>
  `Value at '${path}' failed to satisfy constraint: ${constraint}`;
const shortName = at('TableName', 'Member must have length greater than or equal to 1');
const returnValues =
  'Failed to satisfy constraint: Member must satisfy enum value set: ' +
  '[ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]';

type Validator = (input: Readonly<Record<string, unknown>>) => unknown;
type Order = readonly [what: string, source: 'paritysuite' | 'dynalite', input: object, message: string];

function keepOrder(validate: Validator, orders: readonly Order[]): void {
  test.each(orders)('%s (%s)', (_, __, input, message) => {
    expect(refusal(() => validate({ ...input }))).toBe(`ValidationException: ${message}`);
  });
}

describe('PutItem', () => {
  keepOrder(validatePutItem, [
    [
      'an empty table name is reported alone',
      'paritysuite',
      { TableName: '', Item: {}, ReturnValues: 'X' },
      one(shortName),
    ],
    [
      'values before ReturnValues',
      'dynalite',
      { TableName, Item: { a: {} }, ReturnValues: 'ALL_NEW' },
      empty,
    ],
    [
      'ReturnValues before the size of the item',
      'dynalite',
      { TableName, Item: { ...key, a: large }, ReturnValues: 'ALL_NEW' },
      'ReturnValues can only be ALL_OLD or NONE',
    ],
    [
      'the size of the item before Expected',
      'dynalite',
      { TableName, Item: { ...key, a: large }, Expected: { a: {} } },
      'Item size has exceeded the maximum allowed size',
    ],
    [
      'ReturnValues before Expected',
      'dynalite',
      { TableName, Item: key, ReturnValues: 'ALL_NEW', Expected: { a: {} } },
      'ReturnValues can only be ALL_OLD or NONE',
    ],
  ]);

  test('three enumerations are reported together (paritysuite)', () => {
    const modes = { ReturnConsumedCapacity: 'X', ReturnItemCollectionMetrics: 'X', ReturnValues: 'X' };
    const text = refusal(() => validatePutItem({ TableName, Item: key, ...modes }));
    expect(text).toMatch(/^ValidationException: 3 validation errors detected: .*returnConsumedCapacity/);
    expect(text).toContain('ReturnItemCollectionMetrics');
  });
});

describe('UpdateItem', () => {
  keepOrder(validateUpdateItem, [
    ['an empty table name is reported alone', 'paritysuite', { TableName: '', Key: {} }, one(shortName)],
    [
      'ReturnValues is reported alone',
      'paritysuite',
      { TableName, Key: key, ReturnValues: 'X', ReturnConsumedCapacity: 'X' },
      one(returnValues),
    ],
    [
      'the key before AttributeUpdates',
      'dynalite',
      { TableName, Key: { p: {} }, AttributeUpdates: { a: { Action: 'ADD', Value: { S: 'a' } } } },
      empty,
    ],
    [
      'AttributeUpdates before Expected',
      'dynalite',
      { TableName, Key: key, AttributeUpdates: { a: {} }, Expected: { a: {} } },
      `${invalid} Only DELETE action is allowed when no attribute value is specified`,
    ],
    [
      'a missing key together with the other members, in their order',
      'paritysuite',
      { TableName: '', ReturnConsumedCapacity: 'INVALID', ReturnValues: 'INVALID' },
      '4 validation errors detected: ' +
        "Value 'INVALID' at 'returnConsumedCapacity' failed to satisfy constraint: " +
        'Member must satisfy enum value set: [INDEXES, TOTAL, NONE]; ' +
        "Value '' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 1; " +
        "Value 'INVALID' at 'returnValues' failed to satisfy constraint: " +
        'Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]; ' +
        "Value null at 'key' failed to satisfy constraint: Member must not be null",
    ],
  ]);
});

describe('DeleteItem', () => {
  keepOrder(validateDeleteItem, [
    ['an empty table name is reported alone', 'paritysuite', { TableName: '', Key: {} }, one(shortName)],
    [
      'two enumerations are reported together',
      'paritysuite',
      { TableName, Key: key, ReturnValues: 'INVALID', ReturnConsumedCapacity: 'INVALID' },
      "2 validation errors detected: Value 'INVALID' at 'returnConsumedCapacity' failed to satisfy constraint: " +
        `Member must satisfy enum value set: [INDEXES, TOTAL, NONE]; ${returnValues}`,
    ],
  ]);
});

describe('GetItem', () => {
  keepOrder(validateGetItem, [
    [
      'expressions beside their predecessors before values',
      'dynalite',
      { TableName, Key: { p: {} }, ProjectionExpression: 'a', AttributesToGet: ['a'] },
      'Can not use both expression and non-expression parameters in the same request: ' +
        'Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}',
    ],
    [
      'the key before AttributesToGet',
      'dynalite',
      { TableName, Key: { p: {} }, AttributesToGet: ['a', 'a'] },
      empty,
    ],
  ]);
});

describe('batches', () => {
  keepOrder(validateBatchGetItem, [
    [
      'AttributesToGet before keys',
      'dynalite',
      { RequestItems: { abc: { Keys: [{ p: {} }], AttributesToGet: ['a', 'a'] } } },
      `${invalid} Duplicate value in attribute name: a`,
    ],
    [
      'values before keys named twice',
      'dynalite',
      { RequestItems: { abc: { Keys: [key, key, { p: {} }] } } },
      empty,
    ],
  ]);

  keepOrder(validateBatchWriteItem, [
    [
      'the items in their order, each with its values before its size',
      'dynalite',
      {
        RequestItems: { abc: [{ PutRequest: { Item: { a: {} } } }, { PutRequest: { Item: { a: large } } }] },
      },
      empty,
    ],
    [
      'an item that is too large before the values of a later one',
      'dynalite',
      {
        RequestItems: { abc: [{ PutRequest: { Item: { a: large } } }, { PutRequest: { Item: { a: {} } } }] },
      },
      'Item size has exceeded the maximum allowed size',
    ],
  ]);
});

describe('Query', () => {
  const condition = { ComparisonOperator: 'NULL' };

  keepOrder(validateQuery, [
    [
      'an unknown ConditionalOperator is reported alone and bare',
      'paritysuite',
      { TableName, QueryFilter: { b: condition, c: condition }, ConditionalOperator: 'XOR', Select: 'BOGUS' },
      'Failed to satisfy constraint: Member must satisfy enum value set: [ALL, OR]',
    ],
    [
      'a filter before AttributesToGet',
      'dynalite',
      { TableName, QueryFilter: { a: { ComparisonOperator: 'EQ' } }, AttributesToGet: ['a', 'a'] },
      `${invalid} Invalid number of argument(s) for the EQ ComparisonOperator`,
    ],
    [
      'AttributesToGet before the starting key',
      'dynalite',
      { TableName, AttributesToGet: ['a', 'a'], ExclusiveStartKey: { p: {} } },
      `${invalid} Duplicate value in attribute name: a`,
    ],
    [
      'the starting key before the lack of a key condition',
      'dynalite',
      { TableName, ExclusiveStartKey: { p: {} } },
      `The provided starting key is invalid: ${empty}`,
    ],
  ]);
});

describe('Scan', () => {
  const wrong = { a: { ComparisonOperator: 'EQ' } };
  const wrongCount = `${invalid} Invalid number of argument(s) for the EQ ComparisonOperator`;

  keepOrder(validateScan, [
    [
      'AttributesToGet before a filter',
      'dynalite',
      { TableName, ScanFilter: wrong, AttributesToGet: ['a', 'a'] },
      `${invalid} Duplicate value in attribute name: a`,
    ],
    [
      'a filter before its operator',
      'paritysuite',
      { TableName, ScanFilter: wrong, ConditionalOperator: 'OR' },
      wrongCount,
    ],
    [
      'a filter before the starting key',
      'dynalite',
      { TableName, ScanFilter: wrong, ExclusiveStartKey: { p: {} } },
      wrongCount,
    ],
    [
      'the starting key before segments',
      'dynalite',
      { TableName, ExclusiveStartKey: { p: {} }, Segment: 1 },
      `The provided starting key is invalid: ${empty}`,
    ],
  ]);
});

describe('TransactWriteItems', () => {
  const TransactItems = [{ Put: { TableName, Item: key } }];
  const capacity =
    "Value 'X' at 'returnConsumedCapacity' failed to satisfy constraint: " +
    'Member must satisfy enum value set: [INDEXES, TOTAL, NONE]';

  keepOrder(validateTransactWriteItems, [
    [
      'two enumerations are reported together',
      'paritysuite',
      { TransactItems, ReturnConsumedCapacity: 'X', ReturnItemCollectionMetrics: 'Y' },
      `2 validation errors detected: ${capacity}; Value 'Y' at 'returnItemCollectionMetrics' failed to satisfy ` +
        'constraint: Member must satisfy enum value set: [SIZE, NONE]',
    ],
    [
      'a long token before ReturnConsumedCapacity',
      'paritysuite',
      { TransactItems, ReturnConsumedCapacity: 'X', ClientRequestToken: 'x'.repeat(37) },
      `2 validation errors detected: Value '${'x'.repeat(37)}' at 'clientRequestToken' failed to satisfy ` +
        `constraint: Member must have length less than or equal to 36; ${capacity}`,
    ],
  ]);
});

describe('CreateTable', () => {
  const definitions = (...names: string[]) =>
    names.map((AttributeName) => ({ AttributeName, AttributeType: 'S' }));
  const hash = { AttributeName: 'a', KeyType: 'HASH' };
  const base = {
    TableName,
    AttributeDefinitions: definitions('a', 'b'),
    KeySchema: [hash],
    BillingMode: 'PAY_PER_REQUEST',
  };
  const index = (IndexName: string, name = 'c') => ({
    IndexName,
    KeySchema: [{ AttributeName: name, KeyType: 'HASH' }],
    Projection: {},
  });
  const tooShort = (member: string, name: string) =>
    `Value '${name}' at '${member}.1.member.indexName' failed to satisfy constraint: ` +
    'Member must have length greater than or equal to 3';

  keepOrder(validateCreateTable, [
    [
      'units before keys',
      'dynalite',
      { TableName, AttributeDefinitions: [], KeySchema: [hash] },
      `${invalid} ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED`,
    ],
    [
      'a local index of a table without a sort key before its own key and before definitions that nothing uses',
      'dynalite',
      { ...base, LocalSecondaryIndexes: [index('abc')] },
      `${invalid} Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex`,
    ],
    [
      'attributes that are not defined before a projection, a name that is there twice, and definitions that nothing uses',
      'dynalite',
      { ...base, GlobalSecondaryIndexes: [index('abc'), index('abc')] },
      `${invalid} Some index key attributes are not defined in AttributeDefinitions. ` +
        'Keys: [c], AttributeDefinitions: [a, b]',
    ],
    [
      'the names of global indexes before those of local ones',
      'paritysuite',
      { ...base, LocalSecondaryIndexes: [index('aa')], GlobalSecondaryIndexes: [index('zz')] },
      `2 validation errors detected: ${tooShort('globalSecondaryIndexes', 'zz')}; ` +
        tooShort('localSecondaryIndexes', 'aa'),
    ],
    [
      'more keys than definitions before a key that is there twice',
      'paritysuite',
      { ...base, AttributeDefinitions: definitions('a'), KeySchema: [hash, { ...hash, KeyType: 'RANGE' }] },
      'Invalid KeySchema: Some index key attribute have no definition',
    ],
  ]);
});
