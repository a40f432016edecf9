import type { BatchGetItemCommandOutput, KeysAndAttributes } from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from 'vitest';
import { describeSetups, type Item, invalid, refusal } from './setups.ts';

const duplicates = invalid('Provided list of item keys contains duplicates');
const wrongCount = invalid(
  /failed to satisfy constraint: Map value must satisfy constraint: \[Member must have length less than or equal to 25, Member must have length greater than or equal to 1\]$/,
);
const notFound = refusal('ResourceNotFoundException', 'Requested resource not found');

describeSetups((setup) => {
  async function writeAll(TableName: string, items: readonly Item[]): Promise<void> {
    for (let i = 0; i < items.length; i += 25) {
      const requests = items.slice(i, i + 25).map((Item) => ({ PutRequest: { Item } }));
      const { UnprocessedItems } = await setup.dynamo.batchWriteItem({
        RequestItems: { [TableName]: requests },
      });
      expect(UnprocessedItems).toEqual({});
    }
  }

  describe('BatchGetItem', () => {
    test('finds a hundred items, and leaves out those that are not there', async () => {
      const TableName = await setup.table();
      const items = Array.from({ length: 60 }, (_, i) => ({ p: { S: `k${i}` }, v: { N: `${i}` } }));
      await writeAll(TableName, items);
      const Keys = Array.from({ length: 100 }, (_, i) => ({ p: { S: `k${i}` } }));
      for (const ConsistentRead of [false, true, false]) {
        const reply = await setup.dynamo.batchGetItem({
          RequestItems: { [TableName]: { Keys, ConsistentRead } },
        });
        expect(reply.UnprocessedKeys).toEqual({});
        expect(byKey(reply.Responses?.[TableName])).toEqual(byKey(items));
      }
      const tooMany = { RequestItems: { [TableName]: { Keys: [...Keys, { p: { S: 'more' } }] } } };
      await expect(setup.dynamo.batchGetItem(tooMany)).rejects.toMatchObject(
        invalid(
          `1 validation error detected: Value at 'RequestItems.${TableName}.member.Keys' failed to satisfy ` +
            'constraint: Member must have length less than or equal to 100',
        ),
      );
    });

    test('asks several tables at once, each for what it wants', async () => {
      const [first, second] = [await setup.table(), await setup.table({ s: 'N' })];
      await setup.dynamo.putItem({
        TableName: first,
        Item: { p: { S: 'a' }, x: { M: { y: { N: '1' }, z: { N: '2' } } } },
      });
      await setup.dynamo.putItem({
        TableName: second,
        Item: { p: { S: 'a' }, s: { N: '1' }, x: { S: 'x' } },
      });
      for (let i = 0; i < 2; i++) {
        const { Responses } = await setup.dynamo.batchGetItem({
          RequestItems: {
            [first]: {
              Keys: [{ p: { S: 'a' } }, { p: { S: 'b' } }],
              ProjectionExpression: '#x.y',
              ExpressionAttributeNames: { '#x': 'x' },
            },
            [second]: { Keys: [{ p: { S: 'a' }, s: { N: '1.0' } }], ConsistentRead: true },
          },
        });
        expect(Responses).toEqual({
          [first]: [{ x: { M: { y: { N: '1' } } } }],
          [second]: [{ p: { S: 'a' }, s: { N: '1' }, x: { S: 'x' } }],
        });
      }
    });

    test('answers up to 16 MB, and names the keys it left out', async () => {
      const TableName = await setup.table();
      const payload = { S: 'x'.repeat(400_000) };
      const items = Array.from({ length: 45 }, (_, i) => ({ p: { S: `k${i}` }, payload }));
      await writeAll(TableName, items);
      let pending: Record<string, KeysAndAttributes> | undefined = {
        [TableName]: { Keys: items.map(({ p }) => ({ p })), ProjectionExpression: 'p' },
      };
      const seen: (string | undefined)[] = [];
      const pages: number[] = [];
      while (pending?.[TableName] !== undefined) {
        const reply: BatchGetItemCommandOutput = await setup.dynamo.batchGetItem({
          RequestItems: pending,
        });
        const page = reply.Responses?.[TableName] ?? [];
        pages.push(page.length);
        seen.push(...page.map(({ p }) => p?.S));
        expect(reply.UnprocessedKeys?.[TableName]?.ProjectionExpression ?? 'p').toBe('p');
        pending = reply.UnprocessedKeys;
      }
      expect(pages).toEqual([41, 4]);
      expect(seen.toSorted()).toEqual(items.map(({ p }) => p.S).toSorted());
    });

    test('refuses a key that is there twice, however it is written', async () => {
      const TableName = await setup.table({ p: 'N' });
      const get = (...numbers: string[]) =>
        setup.dynamo.batchGetItem({
          RequestItems: { [TableName]: { Keys: numbers.map((N) => ({ p: { N } })) } },
        });
      await expect(get('1', '1')).rejects.toMatchObject(duplicates);
      await expect(get('1', '2', '1.0')).rejects.toMatchObject(duplicates);
      const Keys = [{ p: { S: 'a' } }, { p: { S: 'a' } }];
      await expect(
        setup.dynamo.batchGetItem({ RequestItems: { [setup.newName()]: { Keys } } }),
      ).rejects.toMatchObject(duplicates);
    });

    test('answers a key once that a table has under its name and under its ARN', async () => {
      const TableName = await setup.table();
      const { Table } = await setup.dynamo.describeTable({ TableName });
      const [Item, arn] = [{ p: { S: 'a' } }, Table?.TableArn ?? ''];
      await writeAll(TableName, [Item]);
      for (let i = 0; i < 2; i++) {
        const { Responses } = await setup.dynamo.batchGetItem({
          RequestItems: { [arn]: { Keys: [Item] }, [TableName]: { Keys: [Item] } },
        });
        expect(Responses).toEqual({ [arn]: [Item] });
      }
    });

    test('refuses more than a hundred keys over its tables, no tables, and unknown ones', async () => {
      const [first, second] = [await setup.table(), await setup.table()];
      const keys = (count: number) => ({
        Keys: Array.from({ length: count }, (_, i) => ({ p: { S: `${i}` } })),
      });
      await expect(
        setup.dynamo.batchGetItem({ RequestItems: { [first]: keys(51), [second]: keys(50) } }),
      ).rejects.toMatchObject(invalid('Too many items requested for the BatchGetItem call'));
      await expect(setup.dynamo.batchGetItem({ RequestItems: {} })).rejects.toMatchObject(
        invalid(
          "1 validation error detected: Value at 'RequestItems' failed to satisfy constraint: " +
            'Member must have length greater than or equal to 1',
        ),
      );
      await expect(
        setup.dynamo.batchGetItem({ RequestItems: { [first]: keys(1), 'no-such-table': keys(1) } }),
      ).rejects.toMatchObject(notFound);
    });

    test('refuses a projection of overlapping paths even where there is no item', async () => {
      const TableName = await setup.sharedTable();
      const request = { Keys: [{ p: { S: setup.newName() } }], ProjectionExpression: 'a, a.b' };
      await expect(
        setup.dynamo.batchGetItem({ RequestItems: { [TableName]: request } }),
      ).rejects.toMatchObject(
        invalid(
          'Invalid ProjectionExpression: Two document paths overlap with each other; ' +
            'must remove or rewrite one of these paths; path one: [a], path two: [a, b]',
        ),
      );
    });
  });

  describe('BatchWriteItem', () => {
    test('puts and deletes in several tables, and the next reads see it', async () => {
      const [first, second] = [await setup.table(), await setup.table({ s: 'S' })];
      const gone = { p: { S: 'gone' } };
      await setup.dynamo.putItem({ TableName: first, Item: { ...gone, v: { N: '1' } } });
      const replaced = { p: { S: 'a' }, s: { S: 'b' } };
      await setup.dynamo.putItem({ TableName: second, Item: { ...replaced, old: { N: '1' } } });
      expect((await setup.dynamo.getItem({ TableName: first, Key: gone })).Item).toBeDefined();
      expect((await setup.dynamo.getItem({ TableName: second, Key: replaced })).Item).toBeDefined();
      const { UnprocessedItems } = await setup.dynamo.batchWriteItem({
        RequestItems: {
          [first]: [
            { DeleteRequest: { Key: gone } },
            { PutRequest: { Item: { p: { S: 'new' } } } },
            { DeleteRequest: { Key: { p: { S: 'never there' } } } },
          ],
          [second]: [{ PutRequest: { Item: { ...replaced, fresh: { N: '2.0' } } } }],
        },
      });
      expect(UnprocessedItems).toEqual({});
      expect((await setup.dynamo.getItem({ TableName: first, Key: gone })).Item).toBeUndefined();
      expect((await setup.dynamo.scan({ TableName: first })).Items).toEqual([{ p: { S: 'new' } }]);
      expect((await setup.dynamo.getItem({ TableName: second, Key: replaced })).Item).toEqual({
        ...replaced,
        fresh: { N: '2' },
      });
    });

    test.each<[string, object[], object]>([
      [
        'an item twice',
        [
          { PutRequest: { Item: { p: { S: 'a' } } } },
          { PutRequest: { Item: { p: { S: 'a' }, v: { N: '1' } } } },
        ],
        duplicates,
      ],
      [
        'an item put and deleted',
        [{ PutRequest: { Item: { p: { S: 'a' } } } }, { DeleteRequest: { Key: { p: { S: 'a' } } } }],
        duplicates,
      ],
      [
        'a key of another type',
        [{ PutRequest: { Item: { p: { N: '5' } } } }],
        invalid('The provided key element does not match the schema'),
      ],
      [
        'no key',
        [{ PutRequest: { Item: { v: { N: '5' } } } }],
        invalid('The provided key element does not match the schema'),
      ],
      [
        'more than a key to delete',
        [{ DeleteRequest: { Key: { p: { S: 'a' }, v: { N: '1' } } } }],
        invalid('The provided key element does not match the schema'),
      ],
      [
        'an empty key',
        [{ PutRequest: { Item: { p: { S: '' } } } }],
        invalid(
          'One or more parameter values are not valid. ' +
            'The AttributeValue for a key attribute cannot contain an empty string value. Key: p',
        ),
      ],
      [
        'a request for nothing',
        [{}],
        invalid(
          'Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes',
        ),
      ],
      [
        'more than twenty-five requests',
        Array.from({ length: 25 }, (_, i) => ({ PutRequest: { Item: { p: { S: `${i}` } } } })),
        wrongCount,
      ],
    ])('with %s writes nothing', async (_name, requests, expected) => {
      const TableName = await setup.table();
      const fine = [{ PutRequest: { Item: { p: { S: 'fine' } } } }];
      await expect(
        setup.dynamo.batchWriteItem({ RequestItems: { [TableName]: [...fine, ...requests] } }),
      ).rejects.toMatchObject(expected);
      expect((await setup.dynamo.scan({ TableName })).Count).toBe(0);
    });

    test('to an unknown table, or to none, writes nothing', async () => {
      const TableName = await setup.table();
      const requests = [{ PutRequest: { Item: { p: { S: 'a' } } } }];
      await expect(
        setup.dynamo.batchWriteItem({ RequestItems: { [TableName]: requests, 'no-such-table': requests } }),
      ).rejects.toMatchObject(notFound);
      await expect(setup.dynamo.batchWriteItem({ RequestItems: {} })).rejects.toMatchObject(
        invalid('The requestItems parameter is required for BatchWriteItem'),
      );
      await expect(setup.dynamo.batchWriteItem({ RequestItems: { [TableName]: [] } })).rejects.toMatchObject(
        wrongCount,
      );
      expect((await setup.dynamo.scan({ TableName })).Count).toBe(0);
    });
  });
});

function byKey(items: readonly Item[] | undefined): Record<string, Item> {
  return Object.fromEntries((items ?? []).map((item) => [item.p?.S, item]));
}
