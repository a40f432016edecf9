import { beforeAll, describe, expect, test } from 'vitest';
import { describeSetups, type Item, schemaOf, untilActive } from './setups.ts';

describeSetups((setup) => {
  const sized = { ReturnItemCollectionMetrics: 'SIZE' } as const;
  let TableName: string;
  let numbered: string;
  let plain: string;

  /** A table with partition key `p`, sort key `s`, and a local index on `a`. */
  async function tableWithIndex(p: 'S' | 'N'): Promise<string> {
    const name = setup.newName();
    const { KeySchema, AttributeDefinitions } = schemaOf({ p, s: 'N' });
    await setup.dynamo.createTable({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema,
      AttributeDefinitions: [...AttributeDefinitions, { AttributeName: 'a', AttributeType: 'S' }],
      LocalSecondaryIndexes: [
        {
          IndexName: 'local',
          KeySchema: [
            { AttributeName: 'p', KeyType: 'HASH' },
            { AttributeName: 'a', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
    });
    await untilActive(setup.dynamo, name);
    return name;
  }

  beforeAll(async () => {
    [TableName, numbered, plain] = await Promise.all([
      tableWithIndex('S'),
      tableWithIndex('N'),
      setup.sharedTable({ s: 'N' }),
    ]);
  });

  function keyOf(p: string, s = 1): Item {
    return { p: { S: p }, s: { N: `${s}` } };
  }

  function metricsOf(...partitions: string[]): object[] {
    return partitions.map((p) => ({ ItemCollectionKey: { p: { S: p } }, SizeEstimateRangeGB: [0, 1] }));
  }

  describe('a write of one item', () => {
    test('answers with the item collection, if asked to', async () => {
      const p = setup.newName();
      const [ItemCollectionMetrics] = metricsOf(p);
      const Item = { ...keyOf(p), a: { S: 'a' } };
      const put = await setup.dynamo.putItem({ TableName, Item, ...sized });
      expect(put).toMatchObject({ ItemCollectionMetrics });
      const update = await setup.dynamo.updateItem({
        TableName,
        Key: keyOf(p),
        UpdateExpression: 'REMOVE a',
        ReturnValues: 'ALL_NEW',
        ReturnConsumedCapacity: 'TOTAL',
        ...sized,
      });
      expect(update).toMatchObject({
        Attributes: keyOf(p),
        ConsumedCapacity: { CapacityUnits: 2 },
        ItemCollectionMetrics,
      });
      for (let i = 0; i < 2; i++) {
        const remove = await setup.dynamo.deleteItem({ TableName, Key: keyOf(p), ...sized });
        expect(remove).toMatchObject({ ItemCollectionMetrics });
      }
    });

    test('names the key in canonical form', async () => {
      const Item = { p: { N: '1.50' }, s: { N: '1' } };
      const { ItemCollectionMetrics } = await setup.dynamo.putItem({ TableName: numbered, Item, ...sized });
      expect(ItemCollectionMetrics?.ItemCollectionKey).toEqual({ p: { N: '1.5' } });
    });

    test('says nothing of it unless asked, nor without local indexes', async () => {
      const Item = keyOf(setup.newName());
      const unasked = await setup.dynamo.putItem({ TableName, Item });
      const none = await setup.dynamo.putItem({ TableName, Item, ReturnItemCollectionMetrics: 'NONE' });
      const without = await setup.dynamo.putItem({ TableName: plain, Item, ...sized });
      for (const answer of [unasked, none, without]) {
        expect(answer).not.toHaveProperty('ItemCollectionMetrics');
      }
    });
  });

  describe('a write of several items', () => {
    test('as a batch answers with each collection once, table by table', async () => {
      const [p, q] = [setup.newName(), setup.newName()];
      const puts = [keyOf(p), keyOf(q), keyOf(p, 2)].map((Item) => ({ PutRequest: { Item } }));
      const answer = await setup.dynamo.batchWriteItem({
        RequestItems: {
          [TableName]: [...puts, { DeleteRequest: { Key: keyOf(q, 3) } }],
          [plain]: puts,
          [numbered]: [{ PutRequest: { Item: { p: { N: '2' }, s: { N: '1' } } } }],
        },
        ...sized,
      });
      expect(answer.UnprocessedItems).toEqual({});
      expect(answer.ItemCollectionMetrics).toEqual({
        [TableName]: metricsOf(p, q),
        [numbered]: [{ ItemCollectionKey: { p: { N: '2' } }, SizeEstimateRangeGB: [0, 1] }],
      });
    });

    test('as a transaction answers with those that it writes to', async () => {
      const [p, q, checked] = [setup.newName(), setup.newName(), setup.newName()];
      const answer = await setup.dynamo.transactWriteItems({
        TransactItems: [
          { Put: { TableName, Item: keyOf(p) } },
          {
            Update: {
              TableName,
              Key: keyOf(q),
              UpdateExpression: 'SET a = :a',
              ExpressionAttributeValues: { ':a': { S: 'a' } },
            },
          },
          { Delete: { TableName, Key: keyOf(p, 2) } },
          {
            ConditionCheck: {
              TableName,
              Key: keyOf(checked),
              ConditionExpression: 'attribute_not_exists(p)',
            },
          },
          { Put: { TableName: plain, Item: keyOf(p) } },
        ],
        ReturnConsumedCapacity: 'TOTAL',
        ...sized,
      });
      expect(answer.ItemCollectionMetrics).toEqual({ [TableName]: metricsOf(p, q) });
      expect(answer.ConsumedCapacity).toHaveLength(2);
    });

    test('says nothing of them unless asked, nor without local indexes', async () => {
      const Item = keyOf(setup.newName());
      const RequestItems = { [TableName]: [{ PutRequest: { Item } }] };
      const unasked = await setup.dynamo.batchWriteItem({ RequestItems });
      const TransactItems = [{ Put: { TableName: plain, Item } }];
      const without = await setup.dynamo.transactWriteItems({ TransactItems, ...sized });
      for (const answer of [unasked, without]) expect(answer).not.toHaveProperty('ItemCollectionMetrics');
    });
  });
});
