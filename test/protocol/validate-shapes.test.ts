import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { OperationInputs } from '../../protocol/operation.ts';
import * as backup from '../../protocol/validate/backup.ts';
import * as continuousBackups from '../../protocol/validate/continuous-backups.ts';
import * as exports from '../../protocol/validate/export.ts';
import * as imports from '../../protocol/validate/import.ts';
import * as read from '../../protocol/validate/read.ts';
import * as restore from '../../protocol/validate/restore.ts';
import { type Input, validateShape } from '../../protocol/validate/shapes.ts';
import * as stream from '../../protocol/validate/stream.ts';
import * as table from '../../protocol/validate/table.ts';
import * as transact from '../../protocol/validate/transact.ts';
import * as write from '../../protocol/validate/write.ts';
import { refusal } from './refusal.ts';

/** What each operation's input goes through before a table is looked at. */
const validators: Record<keyof OperationInputs, (input: Input) => unknown> = {
  BatchGetItem: read.validateBatchGetItem,
  BatchWriteItem: write.validateBatchWriteItem,
  CreateBackup: backup.validateCreateBackup,
  CreateTable: table.validateCreateTable,
  DeleteBackup: backup.validateDeleteBackup,
  DeleteItem: write.validateDeleteItem,
  DeleteTable: table.validateDeleteTable,
  DescribeBackup: backup.validateDescribeBackup,
  DescribeContinuousBackups: continuousBackups.validateDescribeContinuousBackups,
  DescribeEndpoints: (input) => validateShape('DescribeEndpoints', input),
  DescribeExport: exports.validateDescribeExport,
  DescribeImport: imports.validateDescribeImport,
  DescribeLimits: (input) => validateShape('DescribeLimits', input),
  DescribeStream: stream.validateDescribeStream,
  DescribeTable: table.validateDescribeTable,
  DescribeTimeToLive: (input) => validateShape('DescribeTimeToLive', input),
  ExportTableToPointInTime: exports.validateExportTable,
  GetItem: read.validateGetItem,
  GetRecords: stream.validateGetRecords,
  GetShardIterator: stream.validateGetShardIterator,
  ImportTable: imports.validateImportTable,
  ListBackups: (input) => backup.validateListBackups(input, 'us-east-1'),
  ListExports: exports.validateListExports,
  ListImports: imports.validateListImports,
  ListStreams: stream.validateListStreams,
  ListTables: table.validateListTables,
  PutItem: write.validatePutItem,
  Query: read.validateQuery,
  RestoreTableFromBackup: restore.validateRestoreTableFromBackup,
  RestoreTableToPointInTime: restore.validateRestoreTableToPointInTime,
  Scan: read.validateScan,
  TransactGetItems: transact.validateTransactGetItems,
  TransactWriteItems: transact.validateTransactWriteItems,
  UpdateContinuousBackups: continuousBackups.validateUpdateContinuousBackups,
  UpdateItem: write.validateUpdateItem,
  UpdateTable: table.validateUpdateTable,
  UpdateTimeToLive: (input) => validateShape('UpdateTimeToLive', input),
};

function shapeRefusal(operation: keyof OperationInputs, input: Record<string, unknown>): string {
  return refusal(() => validateShape(operation, input));
}

const castFailure =
  'class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class java.lang.Class ' +
  '(sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and java.lang.Class are in module java.base ' +
  "of loader 'bootstrap')";
const structureStart = 'Start of structure or map found where not expected';
const itemMap = 'java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>';

/** A GetItem with this value for the key's only attribute. */
function key(value: unknown): Record<string, unknown> {
  return { TableName: 'abc', Key: { a: value } };
}

describe('wrong JSON types', () => {
  test.each<[keyof OperationInputs, Record<string, unknown>, string]>([
    ['GetItem', { TableName: 23 }, 'NUMBER_VALUE cannot be converted to String'],
    ['GetItem', { TableName: 34.56 }, 'DECIMAL_VALUE cannot be converted to String'],
    ['GetItem', { TableName: true }, 'TRUE_VALUE cannot be converted to String'],
    ['GetItem', { TableName: false }, 'FALSE_VALUE cannot be converted to String'],
    ['GetItem', { TableName: [] }, 'Unrecognized collection type class java.lang.String'],
    ['GetItem', { TableName: {} }, structureStart],
    ['GetItem', { ConsistentRead: 23 }, 'NUMBER_VALUE cannot be converted to Boolean'],
    ['GetItem', { ConsistentRead: 'hi' }, 'Unexpected token received from parser'],
    ['GetItem', { ConsistentRead: [] }, 'Unrecognized collection type class java.lang.Boolean'],
    ['GetItem', { ConsistentRead: {} }, structureStart],
    ['GetItem', { AttributesToGet: 'a' }, 'Unexpected field type'],
    ['GetItem', { AttributesToGet: {} }, structureStart],
    ['GetItem', { AttributesToGet: [null] }, 'Unexpected token received from parser'],
    ['GetItem', { Key: 'a' }, 'Unexpected field type'],
    ['GetItem', { Key: [] }, `Unrecognized collection type ${itemMap}`],
    ['GetItem', { ExpressionAttributeNames: [] }, mapOf('java.lang.String')],
    ['GetItem', key('a'), 'Unexpected value type in payload'],
    [
      'GetItem',
      key([]),
      'Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue',
    ],
    ['GetItem', key({ S: 1 }), 'NUMBER_VALUE cannot be converted to String'],
    ['GetItem', key({ B: 1 }), 'only base-64-encoded strings are convertible to bytes'],
    ['GetItem', key({ B: [] }), 'Unrecognized collection type class java.nio.ByteBuffer'],
    ['GetItem', key({ B: '1' }), 'Base64 encoded length is expected a multiple of 4 bytes but found: 1'],
    ['GetItem', key({ B: '=+/=' }), 'Invalid last non-pad Base64 character dectected'],
    ['GetItem', key({ B: 'YQ=x' }), 'Invalid last non-pad Base64 character dectected'],
    ['GetItem', key({ B: 'YR==' }), 'Invalid last non-pad Base64 character dectected'],
    ['GetItem', key({ SS: 'a' }), 'Unexpected field type'],
    ['GetItem', key({ SS: ['a', 1] }), 'NUMBER_VALUE cannot be converted to String'],
    ['GetItem', key({ L: [1] }), 'Unexpected value type in payload'],
    [
      'GetItem',
      key({ M: { a: { BS: ['a'] } } }),
      'Base64 encoded length is expected a multiple of 4 bytes but found: 1',
    ],
    ['Query', { Limit: '1' }, 'STRING_VALUE cannot be converted to Integer'],
    ['Query', { Limit: true }, 'TRUE_VALUE cannot be converted to Integer'],
    ['Query', { Limit: [] }, 'Unrecognized collection type class java.lang.Integer'],
    ['Query', { Limit: Number.POSITIVE_INFINITY }, 'DECIMAL_VALUE cannot be converted to Integer'],
    ['Query', { Limit: 2 ** 31 }, 'NUMBER_VALUE cannot be converted to Integer'],
    ['CreateTable', { ProvisionedThroughput: 1 }, 'Unexpected field type'],
    [
      'CreateTable',
      { ProvisionedThroughput: { ReadCapacityUnits: 'a' } },
      'STRING_VALUE cannot be converted to Long',
    ],
    ['BatchGetItem', { RequestItems: { abc: { Keys: [1] } } }, castFailure],
    ['BatchGetItem', { RequestItems: { abc: { Keys: [[]] } } }, `Unrecognized collection type ${itemMap}`],
    ['BatchWriteItem', { RequestItems: { abc: 1 } }, castFailure],
    ['BatchWriteItem', { RequestItems: { abc: {} } }, structureStart],
    [
      'BatchWriteItem',
      { RequestItems: [] },
      mapOf('java.util.List<com.amazonaws.dynamodb.v20120810.WriteRequest>'),
    ],
    ['PutItem', { Expected: { a: { Value: 1 } } }, 'Unexpected field type'],
  ])('%s %j', (operation, input, text) => {
    expect(shapeRefusal(operation, input)).toBe(`SerializationException: ${text}`);
  });

  test('come before anything that values do not satisfy, the first in the text first', () => {
    expect(shapeRefusal('Query', { TableName: '', Limit: '0', IndexName: 1 })).toBe(
      'SerializationException: STRING_VALUE cannot be converted to Integer',
    );
  });
});

function mapOf(value: string): string {
  return `Unrecognized collection type java.util.Map<java.lang.String, ${value}>`;
}

describe('what an input is read as', () => {
  test('the very object where there is nothing to leave out', () => {
    const input = { TableName: 'abc', Key: { a: { M: { b: { L: [{ BS: ['YQ=='] }, { NULL: true }] } } } } };
    expect(validateShape('GetItem', input)).toBe(input);
  });

  test('without members that are null or unknown, and without touching the input', () => {
    const input = {
      TableName: 'abc',
      Key: { a: { S: 'x', N: null, unknown: 1 }, constructor: { S: 'y' } },
      ConsistentRead: null,
      hasOwnProperty: 'z',
    };
    const before = structuredClone(input);
    expect(validateShape('GetItem', input)).toEqual({
      TableName: 'abc',
      Key: { a: { S: 'x' }, constructor: { S: 'y' } },
    });
    expect(input).toEqual(before);
  });

  test('strings that look like truth values as such, fractions of integers cut off', () => {
    const query = { TableName: 'abc', ConsistentRead: 'yes', ScanIndexForward: 'FALSE', Limit: 1.9 };
    expect(validateShape('Query', query)).toEqual({
      TableName: 'abc',
      ConsistentRead: true,
      ScanIndexForward: false,
      Limit: 1,
    });
  });

  test('an attribute named __proto__ as an attribute', () => {
    const input = JSON.parse('{"TableName":"abc","Item":{"__proto__":{"S":"x","q":1}}}');
    const { Item: item } = validateShape('PutItem', input);
    expect(Object.entries(item)).toEqual([['__proto__', { S: 'x' }]]);
  });

  test('null inside of lists and maps as something empty, which then is refused', () => {
    const input = { RequestItems: { abc: [null] } };
    expect(validateShape('BatchWriteItem', input)).toEqual({ RequestItems: { abc: [{}] } });
    expect(shapeRefusal('BatchWriteItem', { RequestItems: { abc: null } })).toContain(
      'Map value must satisfy',
    );
    expect(shapeRefusal('BatchGetItem', { RequestItems: { abc: null } })).toContain(
      "Value null at 'requestItems.abc.member.keys'",
    );
    expect(validateShape('PutItem', { TableName: 'abc', Item: { a: null } })).toEqual({
      TableName: 'abc',
      Item: { a: {} },
    });
  });
});

/** `N validation errors detected` with these texts. */
function errors(...texts: string[]): string {
  const count = texts.length === 1 ? '1 validation error' : `${texts.length} validation errors`;
  return `ValidationException: ${count} detected: ${texts.join('; ')}`;
}

function failed(value: string, path: string, constraint: string): string {
  return `Value ${value} at '${path}' failed to satisfy constraint: Member must ${constraint}`;
}

const minimum3 = 'have length greater than or equal to 3';
const namePattern = 'satisfy regular expression pattern: [a-zA-Z0-9_.-]+';
const newerReturnValues =
  'Failed to satisfy constraint: Member must satisfy enum value set: ' +
  '[ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]';
const mapKeys =
  "at 'requestItems' failed to satisfy constraint: Map keys must satisfy constraint: " +
  '[Member must have length less than or equal to 255, Member must have length greater than or equal to 3, ' +
  'Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]';

describe('constraints', () => {
  test.each<[keyof OperationInputs, Record<string, unknown>, string]>([
    ['GetItem', {}, errors(failed('null', 'key', 'not be null'), failed('null', 'tableName', 'not be null'))],
    [
      'GetItem',
      { TableName: '', Key: {} },
      errors(failed("''", 'tableName', 'have length greater than or equal to 1')),
    ],
    [
      'GetItem',
      { TableName: 'a;', Key: {} },
      errors(failed("'a;'", 'tableName', minimum3), failed("'a;'", 'tableName', namePattern)),
    ],
    [
      'GetItem',
      { TableName: 'a'.repeat(256), Key: {} },
      errors(failed(`'${'a'.repeat(256)}'`, 'tableName', 'have length less than or equal to 255')),
    ],
    [
      'PutItem',
      { TableName: '', Item: {}, ReturnValues: 'INVALID' },
      errors(
        "Value at 'TableName' failed to satisfy constraint: Member must have length greater than or equal to 1",
      ),
    ],
    [
      'PutItem',
      { TableName: '', ReturnValues: 'INVALID' },
      errors(
        failed(
          "'INVALID'",
          'returnValues',
          'satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]',
        ),
        failed('null', 'item', 'not be null'),
        failed("''", 'tableName', 'have length greater than or equal to 1'),
      ),
    ],
    [
      'DeleteItem',
      { TableName: 'a;', Key: {}, ConditionalOperator: 'XOR' },
      errors(
        failed("'a;'", 'tableName', minimum3),
        failed("'a;'", 'tableName', namePattern),
        'Failed to satisfy constraint: Member must satisfy enum value set: [ALL, OR]',
      ),
    ],
    [
      'UpdateItem',
      { TableName: '', ReturnConsumedCapacity: 'x' },
      errors(
        failed("'x'", 'returnConsumedCapacity', 'satisfy enum value set: [INDEXES, TOTAL, NONE]'),
        failed("''", 'tableName', 'have length greater than or equal to 1'),
        failed('null', 'key', 'not be null'),
      ),
    ],
    [
      'Query',
      { TableName: 'abc', ConditionalOperator: 'XOR', Select: 'x' },
      'ValidationException: Failed to satisfy constraint: Member must satisfy enum value set: [ALL, OR]',
    ],
    [
      'PutItem',
      {
        TableName: 'abc',
        Item: {},
        ReturnConsumedCapacity: 'x',
        ReturnItemCollectionMetrics: 'x',
        ReturnValues: 'x',
      },
      errors(
        failed("'x'", 'returnConsumedCapacity', 'satisfy enum value set: [INDEXES, TOTAL, NONE]'),
        newerReturnValues,
        'ReturnItemCollectionMetrics can only be SIZE or NONE',
      ),
    ],
    [
      'UpdateItem',
      { TableName: 'abc', Key: {}, ReturnConsumedCapacity: 'x', ReturnValues: 'x' },
      errors(newerReturnValues),
    ],
    [
      'GetItem',
      { TableName: 'abc', Key: {}, AttributesToGet: [] },
      errors(failed("'[]'", 'attributesToGet', 'have length greater than or equal to 1')),
    ],
    [
      'Query',
      { TableName: 'abc', Select: 'INVALID_VALUE' },
      errors(
        failed(
          "'INVALID_VALUE'",
          'select',
          'satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]',
        ),
      ),
    ],
    [
      'Query',
      { TableName: 'abc', Limit: 0 },
      errors(
        "Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1",
      ),
    ],
    [
      'Scan',
      { TableName: 'abc', Limit: 0, Segment: -1, TotalSegments: 1_000_001 },
      errors(
        failed("'1000001'", 'totalSegments', 'have value less than or equal to 1000000'),
        failed("'-1'", 'segment', 'have value greater than or equal to 0'),
        failed("'0'", 'limit', 'have value greater than or equal to 1'),
      ),
    ],
    [
      'Query',
      { TableName: 'abc', KeyConditions: { a: {} } },
      errors(failed('null', 'keyConditions.a.member.comparisonOperator', 'not be null')),
    ],
    [
      'BatchGetItem',
      { ReturnConsumedCapacity: 'x' },
      errors(
        failed("'x'", 'returnConsumedCapacity', 'satisfy enum value set: [INDEXES, TOTAL, NONE]'),
        failed('null', 'requestItems', 'not be null'),
      ),
    ],
    [
      'BatchGetItem',
      { RequestItems: { a: {} } },
      errors(`Value '{"a":{}}' ${mapKeys}`, failed('null', 'requestItems.a.member.keys', 'not be null')),
    ],
    [
      'BatchGetItem',
      { RequestItems: { abc: { Keys: Array(101).fill({ a: { S: 'x' } }) } } },
      errors(
        "Value at 'RequestItems.abc.member.Keys' failed to satisfy constraint: " +
          'Member must have length less than or equal to 100',
      ),
    ],
    [
      'BatchWriteItem',
      { RequestItems: { 'aa;': [{ PutRequest: {}, DeleteRequest: {} }] } },
      errors(
        `Value '{aa;=[WriteRequest(putRequest=PutRequest(item=null), deleteRequest=DeleteRequest(key=null))]}' ` +
          mapKeys,
        failed('null', 'requestItems.aa;.member.1.member.putRequest.item', 'not be null'),
        failed('null', 'requestItems.aa;.member.1.member.deleteRequest.key', 'not be null'),
      ),
    ],
    [
      'BatchWriteItem',
      { RequestItems: { 'aa;': [{}] }, ReturnConsumedCapacity: 'x' },
      errors(failed("'x'", 'returnConsumedCapacity', 'satisfy enum value set: [INDEXES, TOTAL, NONE]')),
    ],
    [
      'BatchWriteItem',
      { RequestItems: { abc: [] } },
      errors(
        "Value '{abc=[]}' at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: " +
          '[Member must have length less than or equal to 25, Member must have length greater than or equal to 1]',
      ),
    ],
    [
      'DescribeTable',
      {},
      "ValidationException: The parameter 'TableName' is required but was not present in the request",
    ],
    [
      'DescribeTable',
      { TableName: '' },
      errors(failed("''", 'tableName', minimum3), failed("''", 'tableName', namePattern)),
    ],
    [
      'ListTables',
      { ExclusiveStartTableName: '', Limit: 101 },
      errors(
        failed("''", 'exclusiveStartTableName', namePattern),
        failed("''", 'exclusiveStartTableName', minimum3),
        failed("'101'", 'limit', 'have value less than or equal to 100'),
      ),
    ],
    [
      'CreateTable',
      { TableName: 'abc', AttributeDefinitions: [{}], KeySchema: [{ KeyType: 'Woop' }] },
      errors(
        failed('null', 'keySchema.1.member.attributeName', 'not be null'),
        failed("'Woop'", 'keySchema.1.member.keyType', 'satisfy enum value set: [HASH, RANGE]'),
        failed('null', 'attributeDefinitions.1.member.attributeType', 'not be null'),
        failed('null', 'attributeDefinitions.1.member.attributeName', 'not be null'),
      ),
    ],
    [
      'CreateTable',
      {
        TableName: 'abc',
        AttributeDefinitions: [],
        KeySchema: [],
        BillingMode: 'x',
        ProvisionedThroughput: { ReadCapacityUnits: 0, WriteCapacityUnits: -1 },
      },
      errors(
        failed("'x'", 'billingMode', 'satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]'),
        failed("'[]'", 'keySchema', 'have length greater than or equal to 1'),
        failed("'-1'", 'provisionedThroughput.writeCapacityUnits', 'have value greater than or equal to 1'),
        failed("'0'", 'provisionedThroughput.readCapacityUnits', 'have value greater than or equal to 1'),
      ),
    ],
  ])('%s %j', (operation, input, expected) => {
    expect(shapeRefusal(operation, input)).toBe(expected);
  });

  test('a table may be named by its ARN', () => {
    const arn = 'arn:aws:dynamodb:us-east-1:123456789012:table/music';
    expect(shapeRefusal('GetItem', { TableName: arn, Key: {} })).toBe('accepted');
    expect(shapeRefusal('DescribeTable', { TableName: arn })).toBe('accepted');
    expect(shapeRefusal('BatchGetItem', { RequestItems: { [arn]: { Keys: [{}] } } })).toBe('accepted');
    expect(shapeRefusal('GetItem', { TableName: `${arn}/index/x`, Key: {} })).toContain(
      'Valid ARN format is',
    );
  });

  test('no more than ten are reported', () => {
    const elements = Array(50).fill({});
    const text = shapeRefusal('CreateTable', {
      TableName: 'abc',
      KeySchema: elements,
      AttributeDefinitions: elements,
    });
    expect(text).toContain('10 validation errors detected');
    expect(text.match(/failed to satisfy/g)).toHaveLength(10);
  });

  test('a huge value is not printed whole', () => {
    const item = { a: { S: 'x'.repeat(1_000_000) } };
    const text = shapeRefusal('BatchWriteItem', { RequestItems: { 'a;': [{ PutRequest: { Item: item } }] } });
    expect(text).toContain('Map keys must satisfy constraint');
    expect(text.length).toBeLessThan(20_000);
  });
});

describe('hostile inputs', () => {
  const memberNames = [
    'AttributeDefinitions',
    'AttributesToGet',
    'ExclusiveStartKey',
    'Expected',
    'ExpressionAttributeValues',
    'GlobalSecondaryIndexes',
    'GlobalSecondaryIndexUpdates',
    'Item',
    'Key',
    'KeyConditionExpression',
    'KeySchema',
    'Limit',
    'ProvisionedThroughput',
    'RequestItems',
    'Segment',
    'Tags',
    'TotalSegments',
  ];

  test('whatever the JSON, the answer is an input or a DynamoDbError', () => {
    const member = fc.oneof(fc.constantFrom(...memberNames), fc.string());
    const inputs = fc.dictionary(member, fc.jsonValue({ maxDepth: 4 }));
    const named = inputs.map((input) => ({ TableName: 'abc', Key: {}, Item: {}, ...input }));
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(validators)), named, (validate, input) => {
        const before = JSON.stringify(input);
        refusal(() => validate(input));
        expect(JSON.stringify(input)).toBe(before);
      }),
      { numRuns: 2000 },
    );
  });

  test('whatever the attribute value, too', () => {
    const types = ['S', 'N', 'B', 'SS', 'NS', 'BS', 'L', 'M', 'BOOL', 'NULL'];
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.jsonValue({ maxDepth: 1 }),
        fc.dictionary(fc.constantFrom(...types), tie('inside'), { maxKeys: 2 }),
      ),
      inside: fc.oneof(
        fc.jsonValue({ maxDepth: 1 }),
        fc.array(tie('value')),
        fc.dictionary(fc.string(), tie('value')),
      ),
    }));
    fc.assert(
      fc.property(value, (attribute) => {
        refusal(() => write.validatePutItem({ TableName: 'abc', Item: { a: attribute } }));
        refusal(() => read.validateScan({ TableName: 'abc', ExclusiveStartKey: { a: attribute } }));
      }),
    );
  });

  test('depth is refused before it fills the stack, wherever it lies', () => {
    let list: unknown = { S: 'x' };
    let unknown: unknown = 1;
    for (let i = 0; i < 100_000; i++) {
      list = { L: [list] };
      unknown = [unknown];
    }
    const tooDeep =
      'ValidationException: Nesting Levels have exceeded supported limits: ' +
      'Attributes in the item have nested levels beyond supported limit';
    const TableName = 'abc';
    expect(refusal(() => write.validatePutItem({ TableName, Item: { a: list } }))).toBe(tooDeep);
    expect(refusal(() => write.validateDeleteItem({ TableName, Key: { a: list } }))).toBe(tooDeep);
    expect(refusal(() => read.validateGetItem({ TableName, Key: { a: list } }))).toBe(tooDeep);
    const put = { Put: { TableName, Item: { a: list } } };
    expect(shapeRefusal('TransactWriteItems', { TransactItems: Array(101).fill(put) })).toContain(
      'length less than or equal to 100',
    );
    expect(shapeRefusal('PutItem', { TableName: 'abc', Item: {}, Unknown: unknown })).toBe('accepted');
    expect(shapeRefusal('PutItem', { TableName: 'abc', Item: { a: { M: unknown } } })).toContain(
      'Unrecognized',
    );
  });

  test('31 levels of lists and maps pass', () => {
    let value: unknown = { S: 'x' };
    for (let i = 0; i < 31; i++) value = i % 2 === 0 ? { L: [value] } : { M: { a: value } };
    expect(shapeRefusal('PutItem', { TableName: 'abc', Item: { a: value } })).toBe('accepted');
  });

  // Anything quadratic would run into the test's time limit.
  test('large arrays and maps take linear time', () => {
    const members = Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => [`m${i}`, i]));
    const names = Array.from({ length: 200_000 }, (_, i) => `a${i}`);
    const nulls = Object.fromEntries(names.map((name) => [name, null]));
    expect(shapeRefusal('GetItem', { TableName: 'abc', Key: {}, ...members })).toBe('accepted');
    expect(shapeRefusal('GetItem', { TableName: 'abc', Key: { a: { S: 'x', ...members } } })).toBe(
      'accepted',
    );
    expect(shapeRefusal('GetItem', { TableName: 'abc', Key: {}, ExpressionAttributeNames: nulls })).toBe(
      'accepted',
    );
    expect(shapeRefusal('GetItem', { TableName: 'abc', Key: {}, AttributesToGet: names })).toContain(
      'length less than or equal to 255',
    );
  });
});
