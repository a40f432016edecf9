import type { ConsumedCapacity } from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from 'vitest';
import { describeSetups, type Item } from './setups.ts';

const kilobyte = 1024;

describeSetups((setup) => {
  /** An item of exactly that size. */
  function itemOf(p: string, bytes: number): Item {
    return { p: { S: p }, f: { S: 'x'.repeat(bytes - 2 - p.length) } };
  }

  async function stored(bytes: number): Promise<{ TableName: string; Key: Item; Item: Item }> {
    const TableName = await setup.sharedTable();
    const p = setup.newName();
    const Item = itemOf(p, bytes);
    await setup.dynamo.putItem({ TableName, Item });
    return { TableName, Key: { p: { S: p } }, Item };
  }

  const total = { ReturnConsumedCapacity: 'TOTAL' } as const;

  describe('a read of one item', () => {
    test.each([
      [1 * kilobyte, 0.5],
      [4 * kilobyte, 0.5],
      [4 * kilobyte + 1, 1],
      [9 * kilobyte, 1.5],
    ])('of %d bytes costs %d units, twice that where it is consistent', async (bytes, eventual) => {
      const { TableName, Key } = await stored(bytes);
      for (let i = 0; i < 3; i++) {
        const get = { TableName, Key, ...total };
        const costs = await setup.dynamo.getItem(get);
        expect(costs.ConsumedCapacity).toEqual({ TableName, CapacityUnits: eventual });
        const consistent = await setup.dynamo.getItem({ ...get, ConsistentRead: true });
        expect(consistent.ConsumedCapacity).toEqual({ TableName, CapacityUnits: 2 * eventual });
        const projected = await setup.dynamo.getItem({ ...get, ProjectionExpression: 'p' });
        expect(projected).toMatchObject({ Item: Key, ConsumedCapacity: { CapacityUnits: eventual } });
      }
    });

    test('that is not there costs the least', async () => {
      const TableName = await setup.sharedTable();
      const Key = { p: { S: setup.newName() } };
      for (let i = 0; i < 3; i++) {
        const missed = await setup.dynamo.getItem({ TableName, Key, ...total });
        expect(missed.ConsumedCapacity).toEqual({ TableName, CapacityUnits: 0.5 });
      }
      const consistent = await setup.dynamo.getItem({ TableName, Key, ConsistentRead: true, ...total });
      expect(consistent.ConsumedCapacity?.CapacityUnits).toBe(1);
    });

    test('shows the table apart where asked for indexes, and nothing unless asked', async () => {
      const { TableName, Key } = await stored(5 * kilobyte);
      for (let i = 0; i < 2; i++) {
        const indexes = await setup.dynamo.getItem({ TableName, Key, ReturnConsumedCapacity: 'INDEXES' });
        expect(indexes.ConsumedCapacity).toEqual({
          TableName,
          CapacityUnits: 1,
          Table: { CapacityUnits: 1 },
        });
        const none = await setup.dynamo.getItem({ TableName, Key, ReturnConsumedCapacity: 'NONE' });
        expect(none).not.toHaveProperty('ConsumedCapacity');
        expect(await setup.dynamo.getItem({ TableName, Key })).not.toHaveProperty('ConsumedCapacity');
      }
    });
  });

  test('a batch of reads rounds each item on its own, by table', async () => {
    const first = await stored(100);
    const second = await stored(4 * kilobyte + 1);
    const other = await setup.table();
    const RequestItems = {
      [first.TableName]: { Keys: [first.Key, second.Key, { p: { S: setup.newName() } }] },
      [other]: { Keys: [first.Key], ConsistentRead: true },
    };
    for (let i = 0; i < 3; i++) {
      const { ConsumedCapacity } = await setup.dynamo.batchGetItem({ RequestItems, ...total });
      expect(byTable(ConsumedCapacity)).toEqual({
        [first.TableName]: { TableName: first.TableName, CapacityUnits: 2 },
        [other]: { TableName: other, CapacityUnits: 1 },
      });
    }
  });

  describe('a write', () => {
    test('costs a unit for each kilobyte begun, of the larger of old and new', async () => {
      const TableName = await setup.sharedTable();
      const p = setup.newName();
      const put = (bytes: number) => setup.dynamo.putItem({ TableName, Item: itemOf(p, bytes), ...total });
      const units = async (call: Promise<{ ConsumedCapacity?: ConsumedCapacity | undefined }>) =>
        (await call).ConsumedCapacity?.CapacityUnits;
      expect(await units(put(kilobyte))).toBe(1);
      expect(await units(put(kilobyte + 1))).toBe(2);
      expect(await units(put(100))).toBe(2);
      expect(await units(put(5 * kilobyte))).toBe(5);
      const Key = { p: { S: p } };
      const update = {
        TableName,
        Key,
        UpdateExpression: 'SET f = :f',
        ExpressionAttributeValues: { ':f': { S: '' } },
      };
      expect(await units(setup.dynamo.updateItem({ ...update, ...total }))).toBe(5);
      expect(await units(setup.dynamo.updateItem({ ...update, ...total }))).toBe(1);
      await put(3 * kilobyte);
      expect(await units(setup.dynamo.deleteItem({ TableName, Key, ...total }))).toBe(3);
      expect(await units(setup.dynamo.deleteItem({ TableName, Key, ...total }))).toBe(1);
    });

    test('shows the table apart where asked for indexes', async () => {
      const TableName = await setup.sharedTable();
      const Key = { p: { S: setup.newName() } };
      const indexes = { ReturnConsumedCapacity: 'INDEXES' } as const;
      const expected = { TableName, CapacityUnits: 1, Table: { CapacityUnits: 1 } };
      expect((await setup.dynamo.putItem({ TableName, Item: Key, ...indexes })).ConsumedCapacity).toEqual(
        expected,
      );
      expect((await setup.dynamo.updateItem({ TableName, Key, ...indexes })).ConsumedCapacity).toEqual(
        expected,
      );
      expect((await setup.dynamo.deleteItem({ TableName, Key, ...indexes })).ConsumedCapacity).toEqual(
        expected,
      );
    });

    test('in a batch costs what it costs alone', async () => {
      const { TableName, Key } = await stored(2 * kilobyte);
      const { ConsumedCapacity } = await setup.dynamo.batchWriteItem({
        RequestItems: {
          [TableName]: [
            { DeleteRequest: { Key } },
            { PutRequest: { Item: itemOf(setup.newName(), kilobyte + 1) } },
          ],
        },
        ...total,
      });
      expect(ConsumedCapacity).toEqual([{ TableName, CapacityUnits: 4 }]);
    });
  });

  test('a query and a scan round the sum of what they read, before filter and projection', async () => {
    const TableName = await setup.table({ s: 'N' });
    const items = Array.from({ length: 10 }, (_, i) => ({
      p: { S: 'a' },
      s: { N: `${i}` },
      f: { S: 'x'.repeat(1_000) },
    }));
    await setup.dynamo.batchWriteItem({
      RequestItems: { [TableName]: items.map((Item) => ({ PutRequest: { Item } })) },
    });
    // Ten items of about a thousand bytes: three times 4 KB.
    const query = {
      TableName,
      KeyConditionExpression: 'p = :p',
      ExpressionAttributeValues: { ':p': { S: 'a' } },
      ...total,
    };
    const parts = [
      {},
      { FilterExpression: 'attribute_exists(nothing)' },
      { ProjectionExpression: 's' },
      { Select: 'COUNT' },
    ] as const;
    for (const part of parts) {
      const queried = await setup.dynamo.query({ ...query, ...part });
      expect(queried.ConsumedCapacity).toEqual({ TableName, CapacityUnits: 1.5 });
      const scanned = await setup.dynamo.scan({ TableName, ...total, ...part });
      expect(scanned.ConsumedCapacity).toEqual({ TableName, CapacityUnits: 1.5 });
    }
    const consistent = await setup.dynamo.query({
      ...query,
      ConsistentRead: true,
      ReturnConsumedCapacity: 'INDEXES',
    });
    expect(consistent.ConsumedCapacity).toEqual({ TableName, CapacityUnits: 3, Table: { CapacityUnits: 3 } });
    const limited = await setup.dynamo.scan({ TableName, Limit: 4, ...total });
    expect(limited.ConsumedCapacity?.CapacityUnits).toBe(0.5);
  });
});

function byTable(capacities: readonly ConsumedCapacity[] | undefined): Record<string, ConsumedCapacity> {
  return Object.fromEntries((capacities ?? []).map((capacity) => [capacity.TableName, capacity]));
}
