import type { AttributeValue, QueryCommandInput, TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, test } from 'vitest';
import { describeSetups, invalid, refusal, untilActive } from './setups.ts';

/*
 * Requests with several faults of which some are found by looking at a table, and the one that AWS reports. The sources are
 * test suites that were run against AWS: `paritysuite` (dynamodb-conformance, tier 3, validation-ordering; October 2026) and
 * `dynalite` (its test folder). test/protocol/validate-order.test.ts has the faults that need no table.
 */

type QueryPart = Omit<QueryCommandInput, 'TableName'>;

const notFound = refusal('ResourceNotFoundException', 'Requested resource not found');
const missing = 'no-such-table';
const operand =
  'Invalid KeyConditionExpression: Incorrect operand type for operator or function; ' +
  'operator or function: begins_with, operand type: N';
const undefinedValue =
  'Invalid KeyConditionExpression: An expression attribute value used in expression is not defined; ' +
  'attribute value: :missing';

describeSetups((setup) => {
  let TableName: string;

  beforeAll(async () => {
    TableName = setup.newName();
    await setup.dynamo.createTable({
      TableName,
      AttributeDefinitions: ['p', 's', 'g'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: [
        { AttributeName: 'p', KeyType: 'HASH' },
        { AttributeName: 's', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'global',
          KeySchema: [{ AttributeName: 'g', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
      BillingMode: 'PAY_PER_REQUEST',
    });
    await untilActive(setup.dynamo, TableName);
  });

  describe('Query', () => {
    const values: Record<string, AttributeValue> = { ':p': { S: 'a' }, ':n': { N: '1' }, ':s': { S: 'a' } };
    const conditioned = (text: string): QueryPart => ({
      KeyConditionExpression: text,
      ExpressionAttributeValues: Object.fromEntries(
        Object.entries(values).filter(([name]) => text.includes(name)),
      ),
    });
    const query = (part: QueryPart, name = TableName) => setup.dynamo.query({ TableName: name, ...part });

    // paritysuite: queryKeyCondition
    test.each<[string, string, string]>([
      ['an undefined value before a wrong operand', 'p = :missing AND begins_with(s, :n)', undefinedValue],
      ['a wrong operand before an undefined value', 'begins_with(s, :n) AND p = :missing', operand],
      ['a wrong operand amid others', 'p = :p AND begins_with(s, :n) AND s = :missing', operand],
      ['a wrong operand before a third condition', 'p = :p AND begins_with(s, :n) AND s > :s', operand],
    ])('reads a key condition in the order of its text: %s', async (_, text, message) => {
      await expect(query(conditioned(text))).rejects.toMatchObject(invalid(message));
    });

    test('looks for the table behind the operands of its key condition', async () => {
      const wrong = query(conditioned('p = :p AND begins_with(s, :n)'), missing);
      await expect(wrong).rejects.toMatchObject(invalid(operand));
      const right = query(conditioned('p = :p AND begins_with(s, :s)'), missing);
      await expect(right).rejects.toMatchObject(notFound);
    });

    // dynalite: query
    test('looks for the table before it holds conditions and the starting key against its keys', async () => {
      const part = { ...conditioned('z = :n'), ExclusiveStartKey: { z: { S: 'a' } } };
      await expect(query(part, missing)).rejects.toMatchObject(notFound);
    });

    // dynalite: query
    test.each<[string, QueryPart]>([
      ['a starting key', { ExclusiveStartKey: {} }],
      ['a condition on something else', conditioned('z = :n')],
      ['Select', { Select: 'ALL_ATTRIBUTES' }],
      ['what the index does not project', { ProjectionExpression: 'rest' }],
      ['a filter on the key', { FilterExpression: 'g = :p' }],
      ['a path into a key', { ProjectionExpression: 'p.x' }],
    ])('refuses consistent reads of a global index before %s', async (_, part) => {
      const input = { IndexName: 'global', ConsistentRead: true, ...conditioned('g = :p'), ...part };
      await expect(query(input)).rejects.toMatchObject(
        invalid('Consistent reads are not supported on global secondary indexes'),
      );
    });

    // dynalite: query
    const start = 'The provided starting key is invalid';
    const outside = 'The provided starting key is outside query boundaries based on provided conditions';
    const unmatched = 'The provided key element does not match the schema';
    const ofTable = { p: { S: 'b' }, s: { S: 'a' } };
    test.each<[string, QueryPart, string]>([
      [
        'another expression before an operator that no key can have',
        { ...conditioned('p <> :p'), FilterExpression: '' },
        'Invalid FilterExpression: The expression can not be empty;',
      ],
      ['a starting key before the key condition', { ...conditioned('z = :n'), ExclusiveStartKey: {} }, start],
      [
        'the type of its partition key before the key condition',
        { ...conditioned('z = :n'), ExclusiveStartKey: { ...ofTable, p: { N: '1' } } },
        unmatched,
      ],
      [
        'the key condition before the rest of the starting key',
        { ...conditioned('z = :n'), ExclusiveStartKey: { ...ofTable, s: { N: '1' } } },
        'Query condition missed key schema element: p',
      ],
      [
        'a starting key in another partition before a filter on the key',
        { ...conditioned('p = :p'), ExclusiveStartKey: ofTable, FilterExpression: 'p = :p' },
        outside,
      ],
      [
        'a starting key before Select',
        { IndexName: 'global', ...conditioned('g = :p'), ExclusiveStartKey: {}, Select: 'ALL_ATTRIBUTES' },
        start,
      ],
      [
        'the key condition before Select',
        { IndexName: 'global', ...conditioned('z = :p'), Select: 'ALL_ATTRIBUTES' },
        'Query condition missed key schema element: g',
      ],
      [
        'a filter on the key before Select',
        {
          IndexName: 'global',
          ...conditioned('g = :p'),
          FilterExpression: 'g = :p',
          Select: 'ALL_ATTRIBUTES',
        },
        'Filter Expression can only contain non-primary key attributes: Primary key attribute: g',
      ],
      [
        'a starting key that does not fit an index, as it is',
        { IndexName: 'global', ...conditioned('g = :p'), ExclusiveStartKey: { ...ofTable, g: { N: '1' } } },
        unmatched,
      ],
    ])('reports %s', async (_, part, message) => {
      await expect(query(part)).rejects.toMatchObject(invalid(message));
    });

    test('looks for the index before it refuses consistent reads of it (dynalite)', async () => {
      const input = { IndexName: 'nothing', ConsistentRead: true, ...conditioned('z = :n') };
      await expect(query(input)).rejects.toMatchObject(
        invalid('The table does not have the specified index: nothing'),
      );
    });
  });

  // paritysuite: transactions
  describe('TransactWriteItems', () => {
    const key = { p: { S: 'a' }, s: { S: 'a' } };
    const absent: TransactWriteItem = { Put: { TableName: missing, Item: key } };
    const check = (ConditionExpression: string, values?: Record<string, AttributeValue>) => ({
      ConditionCheck: { TableName, Key: key, ConditionExpression, ExpressionAttributeValues: values },
    });
    const syntax = 'Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "("';
    const unused = 'Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}';
    const unusedValue = () => check('attribute_not_exists(p)', { ':v': { S: 'x' } });

    test.each<[string, () => TransactWriteItem[], string]>([
      ['a wrong condition before a missing table', () => [absent, check('attribute_not_exists(')], syntax],
      ['an unused value before a missing table', () => [absent, unusedValue()], unused],
      ['an unused value before a later missing table', () => [unusedValue(), absent], unused],
      [
        'an unused value before an item that is named twice',
        () => [{ Put: { TableName, Item: key } }, unusedValue()],
        unused,
      ],
    ])('reports %s', async (_, actions, message) => {
      const write = setup.dynamo.transactWriteItems({ TransactItems: actions() });
      await expect(write).rejects.toMatchObject(invalid(message));
      expect((await setup.dynamo.getItem({ TableName, Key: key })).Item).toBeUndefined();
    });
  });
});
