import { type Capacity, type ConsumedCapacity, ScalarAttributeType } from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from 'vitest';
import { describeSetups, type Item, type Setup, untilActive } from './setups.ts';

const indexes = { ReturnConsumedCapacity: 'INDEXES' } as const;

/**
 * A table of `p` and `s` with a local index by `l`, whose entries have the keys alone, and three global ones by `g`:
 * of the keys, of the keys and `x`, and of everything.
 */
async function indexedTable(setup: Setup): Promise<string> {
  const TableName = setup.newName();
  const keys = (hash: string, range?: string) =>
    [hash, range].flatMap((AttributeName, i) =>
      AttributeName === undefined
        ? []
        : { AttributeName, KeyType: i === 0 ? ('HASH' as const) : ('RANGE' as const) },
    );
  const global = (IndexName: string, Projection: object) => ({ IndexName, KeySchema: keys('g'), Projection });
  await setup.dynamo.createTable({
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: keys('p', 's'),
    AttributeDefinitions: ['p', 's', 'l', 'g'].map((AttributeName) => ({
      AttributeName,
      AttributeType: ScalarAttributeType.S,
    })),
    LocalSecondaryIndexes: [
      { IndexName: 'local', KeySchema: keys('p', 'l'), Projection: { ProjectionType: 'KEYS_ONLY' } },
    ],
    GlobalSecondaryIndexes: [
      global('some', { ProjectionType: 'INCLUDE', NonKeyAttributes: ['x'] }),
      global('keys', { ProjectionType: 'KEYS_ONLY' }),
      global('all', { ProjectionType: 'ALL' }),
    ],
  });
  await untilActive(setup.dynamo, TableName);
  return TableName;
}

/** @param filler kilobytes besides the attributes given. */
function itemOf(attributes: Record<string, string>, filler = 0): Item {
  const item: Item = { p: { S: 'p' }, s: { S: 's' } };
  for (const [name, value] of Object.entries(attributes)) item[name] = { S: value };
  if (filler > 0) item.f = { S: 'x'.repeat(filler * 1024) };
  return item;
}

interface Parts {
  readonly table: number;
  readonly local?: Record<string, number>;
  readonly global?: Record<string, number>;
}

/** What a reply says that everything has cost, and whether its sum is right. */
function partsOf(consumed: ConsumedCapacity | undefined): Parts {
  const {
    CapacityUnits: total,
    Table,
    LocalSecondaryIndexes: local,
    GlobalSecondaryIndexes: global,
  } = consumed ?? {};
  const sum = [Table, ...Object.values(local ?? {}), ...Object.values(global ?? {})].reduce(
    (units, part) => units + (part?.CapacityUnits ?? Number.NaN),
    0,
  );
  expect(total).toBe(sum);
  return {
    table: Table?.CapacityUnits ?? Number.NaN,
    ...(local !== undefined && { local: unitsOf(local) }),
    ...(global !== undefined && { global: unitsOf(global) }),
  };
}

function unitsOf(capacities: Record<string, Capacity>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(capacities).map(([name, { CapacityUnits }]) => [name, CapacityUnits ?? Number.NaN]),
  );
}

describeSetups((setup) => {
  describe('what a write costs in indexes', () => {
    const steps: [string, Item, Parts][] = [
      ['nothing, without their keys', itemOf({}, 2), { table: 3 }],
      [
        'what each entry takes that is new',
        itemOf({ g: 'a', l: 'a', x: 'a' }, 2),
        { table: 3, local: { local: 1 }, global: { some: 1, keys: 1, all: 3 } },
      ],
      ['nothing, where nothing changes', itemOf({ g: 'a', l: 'a', x: 'a' }, 2), { table: 3 }],
      [
        'nothing in those without what changes',
        itemOf({ g: 'a', l: 'a', x: 'a' }, 1),
        { table: 3, global: { all: 3 } },
      ],
      [
        'once where what they have besides keys changes',
        itemOf({ g: 'a', l: 'a', x: 'b' }, 1),
        { table: 2, global: { some: 1, all: 2 } },
      ],
      [
        'twice where entries move',
        itemOf({ g: 'b', l: 'a', x: 'b' }, 2),
        { table: 3, global: { some: 2, keys: 2, all: 5 } },
      ],
      [
        'once where entries go',
        itemOf({ l: 'b', x: 'b' }),
        { table: 3, local: { local: 2 }, global: { some: 1, keys: 1, all: 3 } },
      ],
    ];

    test('goes by what it does to each', async () => {
      const TableName = await indexedTable(setup);
      for (const [what, Item, parts] of steps) {
        const put = await setup.dynamo.putItem({ TableName, Item, ...indexes });
        expect(partsOf(put.ConsumedCapacity), what).toEqual(parts);
      }
      const Key = itemOf({});
      const update = await setup.dynamo.updateItem({
        TableName,
        Key,
        UpdateExpression: 'SET g = :g REMOVE l',
        ExpressionAttributeValues: { ':g': { S: 'c' } },
        ...indexes,
      });
      expect(partsOf(update.ConsumedCapacity)).toEqual({
        table: 1,
        local: { local: 1 },
        global: { some: 1, keys: 1, all: 1 },
      });
      const remove = { TableName, Key, ReturnConsumedCapacity: 'TOTAL' } as const;
      const removed = await setup.dynamo.deleteItem(remove);
      expect(removed.ConsumedCapacity).toEqual({ TableName, CapacityUnits: 4 });
      const again = await setup.dynamo.deleteItem(remove);
      expect(again.ConsumedCapacity).toEqual({ TableName, CapacityUnits: 1 });
    });

    test('is added up for the writes of a batch', async () => {
      const TableName = await indexedTable(setup);
      const Items = ['a', 'b'].map((s) => ({ ...itemOf({ g: s, l: s }), s: { S: s } }));
      const put = await setup.dynamo.batchWriteItem({
        RequestItems: { [TableName]: Items.map((Item) => ({ PutRequest: { Item } })) },
        ...indexes,
      });
      expect(put.ConsumedCapacity?.map(partsOf)).toEqual([
        { table: 2, local: { local: 2 }, global: { some: 2, keys: 2, all: 2 } },
      ]);
    });

    test('is not doubled in a transaction, as it is in the table', async () => {
      const TableName = await indexedTable(setup);
      const Item = itemOf({ g: 'a' });
      const write = await setup.dynamo.transactWriteItems({
        TransactItems: [{ Put: { TableName, Item } }],
        ...indexes,
      });
      const both = (units: number) => ({ CapacityUnits: units, WriteCapacityUnits: units });
      expect(write.ConsumedCapacity).toEqual([
        {
          TableName,
          ...both(5),
          Table: both(2),
          GlobalSecondaryIndexes: { some: both(1), keys: both(1), all: both(1) },
        },
      ]);
    });
  });

  test('a query of an index costs what its entries come to, and a local one what it fetches', async () => {
    const TableName = await indexedTable(setup);
    await setup.dynamo.putItem({ TableName, Item: itemOf({ g: 'a', l: 'a' }, 9) });
    const queried = async (IndexName: string, by: string, value: string, more: object = {}) => {
      const query = await setup.dynamo.query({
        TableName,
        IndexName,
        KeyConditionExpression: `${by} = :v`,
        ExpressionAttributeValues: { ':v': { S: value } },
        ...indexes,
        ...more,
      });
      return partsOf(query.ConsumedCapacity);
    };
    expect(await queried('all', 'g', 'a')).toEqual({ table: 0, global: { all: 1.5 } });
    expect(await queried('keys', 'g', 'a')).toEqual({ table: 0, global: { keys: 0.5 } });
    expect(await queried('local', 'p', 'p')).toEqual({ table: 0, local: { local: 0.5 } });
    const fetched = { Select: 'ALL_ATTRIBUTES', ConsistentRead: true };
    expect(await queried('local', 'p', 'p', fetched)).toEqual({ table: 3, local: { local: 1 } });
  });

  test('a table that is short of units tells so as AWS does', async () => {
    const TableName = setup.newName();
    await setup.dynamo.createTable({
      TableName,
      ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 1 },
      KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'p', AttributeType: 'S' }],
    });
    await untilActive(setup.dynamo, TableName);
    const Item = { p: { S: 'p' }, f: { S: 'x'.repeat(399 * 1024) } };
    await setup.dynamo.putItem({ TableName, Item });
    await expect(setup.dynamo.putItem({ TableName, Item })).rejects.toMatchObject({
      name: 'ProvisionedThroughputExceededException',
      ThrottlingReasons: [
        {
          reason: 'TableWriteProvisionedThroughputExceeded',
          resource: `arn:aws:dynamodb:${setup.region}:000000000000:table/${TableName}`,
        },
      ],
      $metadata: { httpStatusCode: 400 },
    });
  });
});
