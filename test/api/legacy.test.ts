import type {
  PutItemCommandInput,
  QueryCommandInput,
  ScanCommandInput,
  UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from 'vitest';
import { describeSetups, type Item, invalid, invalidWrite, refusal, type Setup } from './setups.ts';

const failed = refusal('ConditionalCheckFailedException', 'The conditional request failed');
const invalidParameter = 'One or more parameter values were invalid:';

describeSetups((setup) => {
  describe('Expected', () => expectedTests(setup));
  describe('AttributeUpdates', () => updateTests(setup));
  describe('AttributesToGet', () => projectionTests(setup));
  describe('KeyConditions', () => keyConditionTests(setup));
  describe('QueryFilter and ScanFilter', () => filterTests(setup));
});

/** Puts an item of these attributes under a key of its own. */
async function putItem(setup: Setup, attributes: Item): Promise<{ TableName: string; Key: Item }> {
  const TableName = await setup.sharedTable();
  const Key = { p: { S: setup.newName() } };
  await setup.dynamo.putItem({ TableName, Item: { ...Key, ...attributes } });
  return { TableName, Key };
}

function expectedTests(setup: Setup): void {
  type Expected = NonNullable<PutItemCommandInput['Expected']>;

  test('guards PutItem, and answers with the item if asked to', async () => {
    const { TableName, Key } = await putItem(setup, { v: { N: '1' } });
    const put = (v: string, Expected: Expected) =>
      setup.dynamo.putItem({
        TableName,
        Item: { ...Key, v: { N: v } },
        Expected,
        ReturnValues: 'ALL_OLD',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      });
    expect((await put('2', { v: { Value: { N: '1.0' } } })).Attributes).toEqual({ ...Key, v: { N: '1' } });
    await expect(put('3', { v: { Value: { N: '1' } } })).rejects.toMatchObject({
      ...failed,
      Item: { ...Key, v: { N: '2' } },
    });
    await expect(put('3', { p: { Exists: false } })).rejects.toMatchObject(failed);
    expect((await setup.dynamo.getItem({ TableName, Key })).Item).toEqual({ ...Key, v: { N: '2' } });
  });

  test('guards DeleteItem', async () => {
    const { TableName, Key } = await putItem(setup, { v: { SS: ['a', 'b'] } });
    const remove = (Expected: Expected) => setup.dynamo.deleteItem({ TableName, Key, Expected });
    await expect(remove({ v: { Value: { SS: ['a'] } } })).rejects.toMatchObject(failed);
    expect((await setup.dynamo.getItem({ TableName, Key })).Item).toBeDefined();
    await remove({ v: { Value: { SS: ['b', 'a'] } } });
    expect((await setup.dynamo.getItem({ TableName, Key })).Item).toBeUndefined();
  });

  test('joins what it says of several attributes', async () => {
    const { TableName, Key } = await putItem(setup, { a: { N: '1' } });
    const Expected: Expected = { a: { ComparisonOperator: 'GT', Value: { N: '5' } }, b: { Exists: false } };
    const update = (more: Partial<UpdateItemCommandInput>) =>
      setup.dynamo.updateItem({ TableName, Key, Expected, ...more });
    await expect(update({})).rejects.toMatchObject(failed);
    await expect(update({ ConditionalOperator: 'AND' })).rejects.toMatchObject(failed);
    await update({ ConditionalOperator: 'OR' });
    await expect(update({ Expected: {}, ConditionalOperator: 'OR' })).rejects.toMatchObject(
      invalidWrite('ConditionalOperator cannot be used without Filter or Expected'),
    );
  });

  test('that is wrong is refused before the table is looked for', async () => {
    const call = setup.dynamo.putItem({ TableName: 'missing', Item: {}, Expected: { v: {} } });
    await expect(call).rejects.toMatchObject(
      invalidWrite(`${invalidParameter} Value must be provided when Exists is null for Attribute: v`),
    );
  });
}

function updateTests(setup: Setup): void {
  type Updates = NonNullable<UpdateItemCommandInput['AttributeUpdates']>;

  test('put, add to and delete attributes, which a cached item shows at once', async () => {
    const { TableName, Key } = await putItem(setup, { s: { S: 'x' }, n: { N: '1' }, l: { L: [] } });
    await setup.dynamo.getItem({ TableName, Key });
    const AttributeUpdates: Updates = {
      s: { Action: 'DELETE' },
      n: { Action: 'ADD', Value: { N: '1.50' } },
      l: { Action: 'ADD', Value: { L: [{ S: 'y' }] } },
      new: { Value: { BOOL: true } },
    };
    await setup.dynamo.updateItem({ TableName, Key, AttributeUpdates });
    expect((await setup.dynamo.getItem({ TableName, Key })).Item).toEqual({
      ...Key,
      n: { N: '2.5' },
      l: { L: [{ S: 'y' }] },
      new: { BOOL: true },
    });
  });

  test('return what ReturnValues asks for', async () => {
    const { TableName, Key } = await putItem(setup, { a: { S: 'old' }, kept: { S: 'k' } });
    const AttributeUpdates: Updates = { a: { Value: { S: 'new' } }, gone: { Action: 'DELETE' } };
    const returned = async (ReturnValues: 'ALL_OLD' | 'ALL_NEW' | 'UPDATED_OLD' | 'UPDATED_NEW') => {
      await setup.dynamo.updateItem({ TableName, Key, AttributeUpdates: { a: { Value: { S: 'old' } } } });
      const call = { TableName, Key, AttributeUpdates, ReturnValues };
      return (await setup.dynamo.updateItem(call)).Attributes;
    };
    expect(await returned('ALL_OLD')).toEqual({ ...Key, a: { S: 'old' }, kept: { S: 'k' } });
    expect(await returned('ALL_NEW')).toEqual({ ...Key, a: { S: 'new' }, kept: { S: 'k' } });
    expect(await returned('UPDATED_OLD')).toEqual({ a: { S: 'old' } });
    expect(await returned('UPDATED_NEW')).toEqual({ a: { S: 'new' } });
  });

  test.each<[string, Updates, object | undefined]>([
    ['none', {}, {}],
    ['a PUT', { a: { Value: { S: 'x' } } }, { a: { S: 'x' } }],
    ['an ADD', { a: { Action: 'ADD', Value: { NS: ['1'] } } }, { a: { NS: ['1'] } }],
    ['only a DELETE', { a: { Action: 'DELETE' } }, undefined],
    ['only a DELETE from a set', { a: { Action: 'DELETE', Value: { SS: ['x'] } } }, undefined],
  ])('make an item that was not there: %s', async (_, AttributeUpdates, expected) => {
    const TableName = await setup.sharedTable();
    const Key = { p: { S: setup.newName() } };
    await setup.dynamo.updateItem({ TableName, Key, AttributeUpdates });
    const { Item } = await setup.dynamo.getItem({ TableName, Key });
    expect(Item).toEqual(expected && { ...Key, ...expected });
  });

  test.each<[string, Updates, string]>([
    [
      'a number to a set',
      { a: { Action: 'ADD', Value: { N: '1' } } },
      'Type mismatch for attribute to update',
    ],
    [
      'a set of another type',
      { a: { Action: 'DELETE', Value: { NS: ['1'] } } },
      'Type mismatch for attribute to update',
    ],
    [
      'a string at all',
      { a: { Action: 'ADD', Value: { S: 'x' } } },
      `1 validation error detected: ${invalidParameter} ADD action is not supported for the type S`,
    ],
    [
      'to the key',
      { p: { Value: { S: 'x' } } },
      `${invalidParameter} Cannot update attribute p. This attribute is part of the key`,
    ],
  ])('are refused, and change nothing: %s', async (_, AttributeUpdates, expected) => {
    const { TableName, Key } = await putItem(setup, { a: { SS: ['x'] } });
    const call = setup.dynamo.updateItem({
      TableName,
      Key,
      AttributeUpdates: { b: { Value: { S: 'y' } }, ...AttributeUpdates },
    });
    await expect(call).rejects.toMatchObject(invalid(expected));
    expect((await setup.dynamo.getItem({ TableName, Key })).Item).toEqual({ ...Key, a: { SS: ['x'] } });
  });
}

function projectionTests(setup: Setup): void {
  test('chooses attributes of GetItem, before and after the item is cached', async () => {
    const { TableName, Key } = await putItem(setup, { a: { N: '1' }, 'b.c': { N: '2' } });
    const get = async (AttributesToGet: string[]) =>
      (await setup.dynamo.getItem({ TableName, Key, AttributesToGet })).Item;
    expect(await get(['a'])).toEqual({ a: { N: '1' } });
    expect((await setup.dynamo.getItem({ TableName, Key })).Item).toHaveProperty('a');
    expect(await get(['p', 'b.c'])).toEqual({ ...Key, 'b.c': { N: '2' } });
    expect(await get(['missing'])).toEqual({});
    await expect(get(['a', 'a'])).rejects.toMatchObject(
      invalid(`${invalidParameter} Duplicate value in attribute name: a`),
    );
  });

  test('chooses attributes of BatchGetItem', async () => {
    const { TableName, Key } = await putItem(setup, { a: { N: '1' }, b: { N: '2' } });
    const { Responses } = await setup.dynamo.batchGetItem({
      RequestItems: { [TableName]: { Keys: [Key], AttributesToGet: ['b'] } },
    });
    expect(Responses).toEqual({ [TableName]: [{ b: { N: '2' } }] });
  });
}

/** A table of one partition with sort keys 0 ... 9, and what a Query by legacy parameters finds in it. */
async function tenItems(setup: Setup): Promise<(query: Partial<QueryCommandInput>) => Promise<Found>> {
  const TableName = await setup.sharedTable({ s: 'N' });
  const p = { S: setup.newName() };
  const items = Array.from({ length: 10 }, (_, i) => ({ p, s: { N: `${i}` }, even: { BOOL: i % 2 === 0 } }));
  await setup.dynamo.batchWriteItem({
    RequestItems: { [TableName]: items.map((Item) => ({ PutRequest: { Item } })) },
  });
  const partition: Comparison = { ComparisonOperator: 'EQ', AttributeValueList: [p] };
  return async ({ KeyConditions, ...query }) => {
    const conditions = { p: partition, ...KeyConditions };
    const output = await setup.dynamo.query({ TableName, KeyConditions: conditions, ...query });
    const found = (output.Items ?? []).map(({ s }) => Number(s?.N));
    return { found, items: output.Items ?? [], counts: [output.Count, output.ScannedCount] };
  };
}

interface Found {
  /** The sort keys. */
  readonly found: number[];
  readonly items: Item[];
  /** After and before the filter. */
  readonly counts: (number | undefined)[];
}

type Comparison = NonNullable<QueryCommandInput['KeyConditions']>[string];

function comparing(ComparisonOperator: Comparison['ComparisonOperator'], ...numbers: string[]): Comparison {
  return { ComparisonOperator, AttributeValueList: numbers.map((N) => ({ N })) };
}

function keyConditionTests(setup: Setup): void {
  test('choose by the sort key', async () => {
    const query = await tenItems(setup);
    const found = async (s: Comparison) => (await query({ KeyConditions: { s } })).found;
    expect(await found(comparing('EQ', '3.0'))).toEqual([3]);
    expect(await found(comparing('LT', '2'))).toEqual([0, 1]);
    expect(await found(comparing('LE', '2'))).toEqual([0, 1, 2]);
    expect(await found(comparing('GT', '7'))).toEqual([8, 9]);
    expect(await found(comparing('GE', '7'))).toEqual([7, 8, 9]);
    expect(await found(comparing('BETWEEN', '4', '6'))).toEqual([4, 5, 6]);
    expect((await query({ ScanIndexForward: false, Limit: 2 })).found).toEqual([9, 8]);
  });

  test('choose strings by how they begin', async () => {
    const TableName = await setup.sharedTable({ s: 'S' });
    const p = { S: setup.newName() };
    for (const s of ['a', 'ab', 'b']) await setup.dynamo.putItem({ TableName, Item: { p, s: { S: s } } });
    const { Items } = await setup.dynamo.query({
      TableName,
      KeyConditions: {
        p: { ComparisonOperator: 'EQ', AttributeValueList: [p] },
        s: { ComparisonOperator: 'BEGINS_WITH', AttributeValueList: [{ S: 'a' }] },
      },
      AttributesToGet: ['s'],
    });
    expect(Items).toEqual([{ s: { S: 'a' } }, { s: { S: 'ab' } }]);
  });

  test('go together with expressions for filter and projection', async () => {
    const query = await tenItems(setup);
    const { items, counts } = await query({
      KeyConditions: { s: comparing('LT', '4') },
      FilterExpression: 'even = :true',
      ProjectionExpression: 's',
      ExpressionAttributeValues: { ':true': { BOOL: true } },
    });
    expect(items).toEqual([{ s: { N: '0' } }, { s: { N: '2' } }]);
    expect(counts).toEqual([2, 4]);
  });

  test.each<[string, Record<string, Comparison>, string]>([
    [
      'an operator of filters',
      { s: comparing('NE', '1') },
      'Attempted conditional constraint is not an indexable operation',
    ],
    ['no sort key', { even: comparing('NULL') }, 'Query condition missed key schema element: s'],
    [
      'a range of partitions',
      { p: { ...comparing('LT'), AttributeValueList: [{ S: 'x' }] } },
      'Query key condition not supported',
    ],
    [
      'a sort key of another type',
      { s: { ComparisonOperator: 'EQ', AttributeValueList: [{ S: '1' }] } },
      `${invalidParameter} Condition parameter type does not match schema type`,
    ],
    [
      'too many',
      { s: comparing('EQ', '1'), t: comparing('NULL') },
      'Conditions can be of length 1 or 2 only',
    ],
    [
      'too few values',
      { s: comparing('BETWEEN', '1') },
      `${invalidParameter} Invalid number of argument(s) for the BETWEEN ComparisonOperator`,
    ],
  ])('are refused: %s', async (_, KeyConditions, expected) => {
    const query = await tenItems(setup);
    await expect(query({ KeyConditions })).rejects.toMatchObject(invalid(expected));
  });

  test('find their way in an index', async () => {
    const TableName = setup.newName();
    await setup.dynamo.createTable({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
      AttributeDefinitions: [
        { AttributeName: 'p', AttributeType: 'S' },
        { AttributeName: 'g', AttributeType: 'N' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'by-g',
          KeySchema: [{ AttributeName: 'g', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
    });
    const Item = { p: { S: 'x' }, g: { N: '1' } };
    await setup.dynamo.putItem({ TableName, Item });
    const query = { TableName, IndexName: 'by-g', KeyConditions: { g: comparing('EQ', '1') } };
    expect((await setup.dynamo.query(query)).Items).toEqual([Item]);
  });
}

function filterTests(setup: Setup): void {
  test('leave items out of a Query, by attributes that need not be returned', async () => {
    const query = await tenItems(setup);
    const isEven: Comparison = { ComparisonOperator: 'EQ', AttributeValueList: [{ BOOL: true }] };
    const QueryFilter = { even: isEven };
    const { found, counts } = await query({ QueryFilter, AttributesToGet: ['s'] });
    expect(found).toEqual([0, 2, 4, 6, 8]);
    expect(counts).toEqual([5, 10]);
    expect((await query({ QueryFilter, Limit: 3 })).found).toEqual([0, 2]);
    expect((await query({ QueryFilter: {} })).found).toHaveLength(10);
  });

  test('are for attributes that are no key of the Query', async () => {
    const query = await tenItems(setup);
    for (const name of ['p', 's']) {
      await expect(query({ QueryFilter: { [name]: comparing('NOT_NULL') } })).rejects.toMatchObject(
        invalid(`QueryFilter can only contain non-primary key attributes: Primary key attribute: ${name}`),
      );
    }
  });

  test('leave items out of a Scan, whose keys they may name', async () => {
    const TableName = await setup.table({ s: 'N' });
    for (const s of ['1', '2', '3']) {
      await setup.dynamo.putItem({ TableName, Item: { p: { S: 'x' }, s: { N: s }, [`a${s}`]: { N: s } } });
    }
    const found = async (scan: Partial<ScanCommandInput>) => {
      const { Items } = await setup.dynamo.scan({ TableName, ...scan });
      return (Items ?? []).map(({ s }) => s?.N).sort();
    };
    const ScanFilter = { s: comparing('IN', '1', '3'), a3: comparing('NULL') };
    expect(await found({ ScanFilter })).toEqual(['1']);
    expect(await found({ ScanFilter, ConditionalOperator: 'OR' })).toEqual(['1', '2', '3']);
    expect(await found({ ScanFilter: { a2: comparing('NE', '2') } })).toEqual(['1', '3']);
    expect(await found({ ScanFilter: { a2: comparing('NOT_CONTAINS', '2') } })).toEqual(['2']);
    await expect(found({ ScanFilter, FilterExpression: 's = s' })).rejects.toMatchObject(
      invalid(/^Can not use both expression and non-expression parameters/),
    );
  });
}
