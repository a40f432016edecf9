import type { AttributeValue, TransactGetItem, TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from 'vitest';
import { describeSetups, type Item, invalid, refusal } from './setups.ts';
import {
  add,
  cancelled,
  check,
  conditionFailed,
  duplicates,
  emptyKey,
  itemOf,
  keyOf,
  notFound,
  schemaMismatch,
} from './transact.ts';

describeSetups((setup) => {
  const write = (TransactItems: TransactWriteItem[], more: object = {}) =>
    setup.dynamo.transactWriteItems({ TransactItems, ...more });
  const read = (TransactItems: TransactGetItem[], more: object = {}) =>
    setup.dynamo.transactGetItems({ TransactItems, ...more });

  async function stored(TableName: string, p: string): Promise<Item | undefined> {
    return (await setup.dynamo.getItem({ TableName, Key: keyOf(p), ConsistentRead: true })).Item;
  }

  /** Names that no other test uses. */
  function names(count: number): string[] {
    return Array.from({ length: count }, () => setup.newName());
  }

  describe('TransactWriteItems', () => {
    test('puts, updates, deletes and checks in several tables', async () => {
      const [TableName, other] = [await setup.sharedTable(), await setup.sharedTable({ s: 'N' })];
      const [put = '', updated = '', deleted = '', checked = ''] = names(4);
      await setup.dynamo.putItem({ TableName, Item: { ...keyOf(deleted), v: { BOOL: true } } });
      await setup.dynamo.putItem({ TableName, Item: { ...keyOf(updated), n: { N: '1' } } });
      const reply = await write([
        { Put: { TableName: other, Item: { ...keyOf(put), s: { N: '1.0' } } } },
        add(TableName, updated, 'n = :one'),
        { Delete: { TableName, Key: keyOf(deleted), ConditionExpression: 'attribute_exists(v)' } },
        check(TableName, checked, 'attribute_not_exists(p)'),
      ]);
      expect(Object.keys(reply)).toEqual(['$metadata']);
      expect(await stored(TableName, updated)).toEqual({ ...keyOf(updated), n: { N: '2' } });
      expect(await stored(TableName, deleted)).toBeUndefined();
      expect(await stored(TableName, checked)).toBeUndefined();
      const Key = { ...keyOf(put), s: { N: '1' } };
      expect((await setup.dynamo.getItem({ TableName: other, Key })).Item).toEqual(Key);
    });

    test('is seen by the next reads, though its items were cached', async () => {
      const TableName = await setup.sharedTable();
      const [put = '', updated = '', deleted = '', made = ''] = names(4);
      const Items = [put, updated, deleted].map((p) => ({ ...keyOf(p), n: { N: '1' } }));
      for (const Item of Items) await setup.dynamo.putItem({ TableName, Item });
      const all = [put, updated, deleted, made];
      const cached = async () => {
        const found = [];
        for (const p of all)
          found.push((await setup.dynamo.getItem({ TableName, Key: keyOf(p) })).Item?.n?.N);
        return found;
      };
      for (let i = 0; i < 3; i++) expect(await cached()).toEqual(['1', '1', '1', undefined]);
      await write([
        { Put: { TableName, Item: { ...keyOf(put), n: { N: '7' } } } },
        add(TableName, updated),
        { Delete: { TableName, Key: keyOf(deleted) } },
        add(TableName, made),
      ]);
      for (let i = 0; i < 3; i++) expect(await cached()).toEqual(['7', '2', undefined, '1']);
      await expect(
        write([add(TableName, updated), check(TableName, deleted, 'attribute_exists(p)')]),
      ).rejects.toMatchObject(cancelled(null, conditionFailed));
      expect(await cached()).toEqual(['7', '2', undefined, '1']);
    });

    test('of which conditions fail changes nothing, and tells which ones', async () => {
      const TableName = await setup.sharedTable();
      const [there = '', fresh = '', absent = ''] = names(3);
      const Item = { ...keyOf(there), n: { N: '1' } };
      await setup.dynamo.putItem({ TableName, Item });
      const failing = write([
        { Put: { TableName, Item: keyOf(fresh), ConditionExpression: 'attribute_not_exists(p)' } },
        {
          Put: {
            TableName,
            Item: keyOf(there),
            ConditionExpression: 'n > :n',
            ExpressionAttributeValues: { ':n': { N: '1' } },
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          },
        },
        check(TableName, absent, 'attribute_exists(p)'),
      ]);
      const error = await failing.catch((reason: unknown) => reason);
      expect(error).toMatchObject(cancelled(null, conditionFailed, conditionFailed));
      const { CancellationReasons: reasons = [] } = error as { CancellationReasons?: { Item?: Item }[] };
      expect(reasons.map((reason) => reason.Item)).toEqual([undefined, Item, undefined]);
      expect(await stored(TableName, fresh)).toBeUndefined();
      expect(await stored(TableName, there)).toEqual(Item);
    });

    test('on a table that is named by its ARN is on that table', async () => {
      const TableName = await setup.table();
      const arn = (await setup.dynamo.describeTable({ TableName })).Table?.TableArn ?? '';
      await write([add(arn, 'a'), add(TableName, 'b')]);
      expect((await setup.dynamo.scan({ TableName, Select: 'COUNT' })).Count).toBe(2);
      await expect(write([add(arn, 'a'), add(TableName, 'a')])).rejects.toMatchObject(duplicates);
    });

    test('takes a hundred actions', async () => {
      const TableName = await setup.table();
      await write(Array.from({ length: 100 }, (_, i) => add(TableName, `${i}`)));
      expect((await setup.dynamo.scan({ TableName, Select: 'COUNT' })).Count).toBe(100);
      await expect(
        write(Array.from({ length: 101 }, (_, i) => add(TableName, `${i}`))),
      ).rejects.toMatchObject(
        invalid(
          /^1 validation error detected: Value '\[.+\]' at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to 100$/,
        ),
      );
    });

    test('with a token happens once', async () => {
      const TableName = await setup.sharedTable();
      const [p = '', other = '', token] = names(3);
      await write([add(TableName, p)], { ClientRequestToken: token });
      await write([add(TableName, p)], { ClientRequestToken: token });
      expect((await stored(TableName, p))?.n).toEqual({ N: '1' });
      await expect(write([add(TableName, other)], { ClientRequestToken: token })).rejects.toMatchObject(
        refusal(
          'IdempotentParameterMismatchException',
          'The request uses the same client token as a previous, but non-identical request.',
        ),
      );
      await write([add(TableName, p)]);
      expect((await stored(TableName, p))?.n).toEqual({ N: '2' });
    });

    test('lets names and values pass that no expression uses, where there is none', async () => {
      const TableName = await setup.sharedTable();
      const [put = '', deleted = ''] = names(2);
      const idle = {
        ExpressionAttributeNames: { '#n': 'n' },
        ExpressionAttributeValues: { ':v': { N: '1' } },
      };
      const Delete = { TableName, Key: keyOf(deleted), ...idle };
      await write([{ Put: { TableName, Item: keyOf(put), ...idle } }, { Delete }]);
      const Get = { TableName, Key: keyOf(put), ExpressionAttributeNames: { '#n': 'n' } };
      expect((await read([{ Get }])).Responses).toEqual([{ Item: keyOf(put) }]);
      const unused = invalid('Value provided in ExpressionAttributeNames unused in expressions: keys: {#n}');
      await expect(
        write([{ Delete: { ...Delete, ConditionExpression: 'attribute_exists(p)' } }]),
      ).rejects.toMatchObject(unused);
      await expect(read([{ Get: { ...Get, ProjectionExpression: 'p' } }])).rejects.toMatchObject(unused);
    });

    test('takes items of 409,600 bytes, put or updated', async () => {
      const TableName = await setup.sharedTable();
      const [put = '', updated = '', over = ''] = names(3);
      const update = (p: string, bytes: number): TransactWriteItem => ({
        Update: {
          TableName,
          Key: keyOf(p),
          UpdateExpression: 'SET f = :f',
          ExpressionAttributeValues: { ':f': itemOf(p, bytes).f as AttributeValue },
        },
      });
      await write([{ Put: { TableName, Item: itemOf(put, 409_600) } }, update(updated, 409_600)]);
      await expect(
        write([add(TableName, setup.newName()), { Put: { TableName, Item: itemOf(over, 409_601) } }]),
      ).rejects.toMatchObject(invalid('Item size has exceeded the maximum allowed size'));
      await expect(write([add(TableName, setup.newName()), update(over, 409_601)])).rejects.toMatchObject(
        cancelled(null, 'Item size to update has exceeded the maximum allowed size'),
      );
    });
  });

  describe('TransactGetItems', () => {
    test('answers in the order of the request, with an empty member for what is not there', async () => {
      const [TableName, other] = [await setup.sharedTable(), await setup.sharedTable({ s: 'N' })];
      const [first = '', second = '', absent = ''] = names(3);
      const Item = { ...keyOf(first), a: { M: { b: { S: 'x' }, c: { S: 'y' } } }, d: { N: '1' } };
      await setup.dynamo.putItem({ TableName, Item });
      await setup.dynamo.putItem({ TableName: other, Item: { ...keyOf(second), s: { N: '2' } } });
      const { Responses } = await read([
        { Get: { TableName, Key: keyOf(absent) } },
        { Get: { TableName: other, Key: { ...keyOf(second), s: { N: '2.0' } } } },
        {
          Get: {
            TableName,
            Key: keyOf(first),
            ProjectionExpression: '#a.b, d',
            ExpressionAttributeNames: { '#a': 'a' },
          },
        },
      ]);
      expect(Responses).toEqual([
        {},
        { Item: { ...keyOf(second), s: { N: '2' } } },
        { Item: { a: { M: { b: { S: 'x' } } }, d: { N: '1' } } },
      ]);
      const none = await read([{ Get: { TableName, Key: keyOf(first), ProjectionExpression: 'nothing' } }]);
      expect(none.Responses).toEqual([{}]);
    });

    test('reads a hundred items', async () => {
      const TableName = await setup.table();
      await write(Array.from({ length: 100 }, (_, i) => add(TableName, `${i}`)));
      const gets = Array.from({ length: 100 }, (_, i) => ({ Get: { TableName, Key: keyOf(`${99 - i}`) } }));
      const { Responses } = await read(gets);
      expect(Responses?.map(({ Item }) => Item?.p?.S)).toEqual(gets.map(({ Get }) => Get.Key.p?.S));
    });

    test.each<[string, (TableName: string) => TransactGetItem[], object]>([
      [
        'an item named twice',
        (TableName) => [{ Get: { TableName, Key: keyOf('a') } }, { Get: { TableName, Key: keyOf('a') } }],
        duplicates,
      ],
      [
        'a table that is not there',
        () => [{ Get: { TableName: 'no-such-table', Key: keyOf('a') } }],
        notFound,
      ],
      ['an empty key', (TableName) => [{ Get: { TableName, Key: keyOf('') } }], emptyKey],
      [
        'no key',
        (TableName) => [{ Get: { TableName, Key: keyOf('a') } }, { Get: { TableName, Key: {} } }],
        cancelled(null, schemaMismatch),
      ],
      [
        'a key of another type',
        (TableName) => [{ Get: { TableName, Key: { p: { N: '1' } } } }],
        cancelled(schemaMismatch),
      ],
      [
        'a malformed projection, though the table is not there',
        () => [{ Get: { TableName: 'no-such-table', Key: keyOf('a'), ProjectionExpression: '!!!' } }],
        invalid('Invalid ProjectionExpression: Syntax error; token: "!", near: "!!"'),
      ],
      [
        'an unused name',
        (TableName) => [
          {
            Get: {
              TableName,
              Key: keyOf('a'),
              ProjectionExpression: 'a',
              ExpressionAttributeNames: { '#a': 'a' },
            },
          },
        ],
        invalid('Value provided in ExpressionAttributeNames unused in expressions: keys: {#a}'),
      ],
    ])('refuses %s', async (_name, gets, expected) => {
      await expect(read(gets(await setup.sharedTable()))).rejects.toMatchObject(expected);
    });
  });

  describe('the cost of a transaction', () => {
    test('is twice that of its writes, checks included, by table', async () => {
      const [TableName, other] = [await setup.table(), await setup.table()];
      const large = itemOf('a', 1537);
      const { ConsumedCapacity } = await write(
        [
          { Put: { TableName, Item: large, ConditionExpression: 'attribute_not_exists(p)' } },
          check(other, 'x', 'attribute_not_exists(p)'),
          { Delete: { TableName, Key: keyOf('nothing') } },
        ],
        { ReturnConsumedCapacity: 'TOTAL', ReturnItemCollectionMetrics: 'SIZE' },
      );
      expect(ConsumedCapacity).toEqual([
        { TableName, CapacityUnits: 6, WriteCapacityUnits: 6 },
        { TableName: other, CapacityUnits: 2, WriteCapacityUnits: 2 },
      ]);
      const deleting = await write([{ Delete: { TableName, Key: keyOf('a') } }], {
        ReturnConsumedCapacity: 'INDEXES',
      });
      const four = { CapacityUnits: 4, WriteCapacityUnits: 4 };
      expect(deleting.ConsumedCapacity).toEqual([{ TableName, ...four, Table: four }]);
    });

    test('is that of reading its items where it has happened already', async () => {
      const TableName = await setup.table();
      const put = [{ Put: { TableName, Item: itemOf('a', 5000) } }];
      const more = { ClientRequestToken: setup.newName(), ReturnConsumedCapacity: 'INDEXES' };
      await write(put, more);
      const four = { CapacityUnits: 4, ReadCapacityUnits: 4 };
      expect((await write(put, more)).ConsumedCapacity).toEqual([{ TableName, ...four, Table: four }]);
    });

    test('is twice that of consistent reads, missing items included', async () => {
      const TableName = await setup.table();
      await setup.dynamo.putItem({ TableName, Item: itemOf('a', 5000) });
      const gets = ['a', 'b'].map((p) => ({
        Get: { TableName, Key: keyOf(p), ProjectionExpression: 'p' },
      }));
      const six = { CapacityUnits: 6, ReadCapacityUnits: 6 };
      const total = await read(gets, { ReturnConsumedCapacity: 'TOTAL' });
      expect(total.ConsumedCapacity).toEqual([{ TableName, ...six }]);
      const indexes = await read(gets, { ReturnConsumedCapacity: 'INDEXES' });
      expect(indexes.ConsumedCapacity).toEqual([{ TableName, ...six, Table: six }]);
      expect(await read(gets)).not.toHaveProperty('ConsumedCapacity');
    });
  });
});
