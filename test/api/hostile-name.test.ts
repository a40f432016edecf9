import { afterAll, describe, expect, test } from 'vitest';
import { describeSetups, untilActive } from './setups.ts';
import { Wire } from './wire.ts';

/** Names that mean something in JavaScript mean nothing here. */
const names = [
  '__proto__',
  'constructor',
  'prototype',
  'hasOwnProperty',
  'toString',
  'valueOf',
  'then',
  'length',
];

describeSetups((setup) => {
  const wire = new Wire(setup);
  afterAll(() => wire.close());

  /** The answer to a call that succeeds; its members may have any name. */
  async function answer(operation: string, input: object, region?: string): Promise<Record<string, unknown>> {
    const { status, body } = await wire.call(operation, input, region);
    expect([operation, status, status === 200 ? '' : body]).toEqual([operation, 200, '']);
    return JSON.parse(body);
  }

  async function createTable(region: string, TableName: string, keys: readonly string[]): Promise<void> {
    await answer(
      'CreateTable',
      {
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: keys.map((AttributeName, i) => ({ AttributeName, KeyType: i === 0 ? 'HASH' : 'RANGE' })),
        AttributeDefinitions: keys.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      },
      region,
    );
    await untilActive(setup.clientIn(region), TableName);
  }

  test.each(names)('%s names a table in a batch, and the sort key of a page', async (name) => {
    const region = `batch-${setup.name}`;
    await createTable(region, name, ['p', name]);
    const keys = ['1', '2', '3'].map((S) => ({ p: { S: 'a' }, ...named(name, { S }) }));
    const puts = keys.map((Item) => ({ PutRequest: { Item } }));
    await answer('BatchWriteItem', { RequestItems: named(name, puts) }, region);
    for (let times = 0; times < 2; times++) {
      const batch = await answer('BatchGetItem', { RequestItems: named(name, { Keys: keys }) }, region);
      expect(batch).toEqual({ Responses: named(name, keys), UnprocessedKeys: {} });
    }
    const query = {
      TableName: name,
      KeyConditionExpression: 'p = :p',
      ExpressionAttributeValues: { ':p': { S: 'a' } },
    };
    for (const page of [query, { TableName: name }]) {
      const operation = page === query ? 'Query' : 'Scan';
      const { LastEvaluatedKey } = await answer(operation, { ...page, Limit: 1 }, region);
      expect(LastEvaluatedKey).toEqual(keys[0]);
      const rest = await answer(operation, { ...page, ExclusiveStartKey: LastEvaluatedKey }, region);
      expect(rest.Items).toEqual(keys.slice(1));
    }
  });

  describe.each(names)('%s', (name) => {
    test('names a table, its key, attributes and placeholders', async () => {
      const region = `names-${setup.name}`;
      const call = (operation: string, input: object) =>
        answer(operation, { TableName: name, ...input }, region);
      await createTable(region, name, [name]);
      const Key = named(name, { S: 'a' });
      const Item = { ...Key, m: { M: named(name, { L: [{ M: named(name, { N: '1' }) }] }) } };
      await call('PutItem', {
        Item,
        ConditionExpression: '#k <> :v',
        ExpressionAttributeNames: { '#k': name },
        ExpressionAttributeValues: { ':v': { S: 'b' } },
      });
      for (let times = 0; times < 2; times++) expect(await call('GetItem', { Key })).toEqual({ Item });
      const ExpressionAttributeNames = named(`#${name}`, name);
      const path = `m.#${name}[0].#${name}`;
      const projection = { ProjectionExpression: path, ExpressionAttributeNames };
      expect(await call('GetItem', { Key, ...projection })).toEqual({ Item: { m: Item.m } });
      const updated = await call('UpdateItem', {
        Key,
        UpdateExpression: `SET ${path} = ${path} + :${name}, fresh = :${name}`,
        ExpressionAttributeNames,
        ExpressionAttributeValues: named(`:${name}`, { N: '2' }),
        ReturnValues: 'ALL_NEW',
      });
      const changed = {
        ...Key,
        m: { M: named(name, { L: [{ M: named(name, { N: '3' }) }] }) },
        fresh: { N: '2' },
      };
      expect(updated).toEqual({ Attributes: changed });
      expect(await call('GetItem', { Key })).toEqual({ Item: changed });
      const { Items } = await call('Query', {
        KeyConditionExpression: `#${name} = :${name}`,
        ExpressionAttributeNames,
        ExpressionAttributeValues: named(`:${name}`, { S: 'a' }),
      });
      expect(Items).toEqual([changed]);
      await call('DeleteTable', {});
    });

    test('is no attribute that an item would inherit', async () => {
      const TableName = await setup.sharedTable();
      const schemaMismatch = 'The provided key element does not match the schema';
      expect(await wire.call('GetItem', { TableName, Key: named(name, { S: 'a' }) })).toMatchObject({
        error: 'ValidationException',
        message: schemaMismatch,
      });
      const nested = named(name, { p: { S: 'a' } });
      expect(await wire.call('PutItem', { TableName, Item: nested })).toMatchObject({
        error: 'ValidationException',
        message:
          '1 validation error detected: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes',
      });
      expect(await wire.call('DescribeTable', named(name, { TableName }))).toMatchObject({
        error: 'ValidationException',
        message: "The parameter 'TableName' is required but was not present in the request",
      });
      const key = { p: { S: setup.newName() } };
      await answer('PutItem', { TableName, Item: key });
      const exists = {
        ConditionExpression: 'attribute_exists(#n)',
        ExpressionAttributeNames: { '#n': name },
      };
      expect(await wire.call('DeleteItem', { TableName, Key: key, ...exists })).toMatchObject({
        error: 'ConditionalCheckFailedException',
      });
      const undefinedName = { ConditionExpression: `attribute_exists(#${name})` };
      expect(await wire.call('DeleteItem', { TableName, Key: key, ...undefinedName })).toMatchObject({
        error: 'ValidationException',
        message:
          '1 validation error detected: ' +
          'Invalid ConditionExpression: An expression attribute name used in the document path is not defined; ' +
          `attribute name: #${name}`,
      });
      expect(await wire.call('PutItem', { TableName, Item: { p: named(name, 'a') } })).toMatchObject({
        error: 'ValidationException',
      });
    });

    test('is no operation, and no table that is not there', async () => {
      expect(await wire.call(name, {})).toMatchObject({ status: 400, error: 'UnknownOperationException' });
      const missing = { status: 400, error: 'ResourceNotFoundException' };
      const Key = { p: { S: 'a' } };
      expect(await wire.call('GetItem', { TableName: name, Key }, 'nowhere-1')).toMatchObject(missing);
      expect(await wire.call('DescribeTable', { TableName: name }, 'nowhere-1')).toMatchObject(missing);
      const batch = { RequestItems: named(name, { Keys: [Key] }) };
      expect(await wire.call('BatchGetItem', batch, 'nowhere-1')).toMatchObject(missing);
    });
  });
});

/** An object whose own member has that name, `__proto__` too. */
function named<T>(name: string, value: T): Record<string, T> {
  return Object.fromEntries([[name, value]]);
}
