import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { itemOf, keyOf, shortOf, ThrottledEngine } from './throughput-harness.ts';

let engine: ThrottledEngine;
let tables = 0;

beforeAll(async () => {
  engine = await ThrottledEngine.open();
});

afterAll(() => engine.remove());

/** A new table of a few units, whose burst is its 300 seconds' worth. */
async function table(
  units = { read: 1, write: 1 },
  index?: { read: number; write: number },
): Promise<string> {
  const name = `table-${++tables}`;
  await engine.provisioned(name, units, index);
  return name;
}

const provisionedCode = 'ProvisionedThroughputExceededException';

function shortOfWrites(name: string): object {
  return {
    ...shortOf(provisionedCode, 'TableWriteProvisionedThroughputExceeded', name),
    message:
      'The level of configured provisioned throughput for the table was exceeded. ' +
      'Consider increasing your provisioning level with the UpdateTable API.',
  };
}

function shortOfReads(name: string): object {
  return shortOf(provisionedCode, 'TableReadProvisionedThroughputExceeded', name);
}

describe('writes of a provisioned table', () => {
  test('take what was saved, then what comes in', async () => {
    const name = await table();
    for (let i = 0; i < 3; i++) await engine.put(name, `p${i}`, 100);
    await expect(engine.put(name, 'p', 1)).rejects.toMatchObject(shortOfWrites(name));
    engine.clock.pass(1);
    await engine.put(name, 'p', 1);
    await expect(engine.put(name, 'p', 1)).rejects.toMatchObject(shortOfWrites(name));
  });

  test('may leave a debt, which has to come in before the next', async () => {
    const name = await table();
    await engine.put(name, 'p', 299);
    await engine.put(name, 'p', 11);
    engine.clock.pass(298);
    await expect(engine.put(name, 'p', 1)).rejects.toMatchObject(shortOfWrites(name));
    engine.clock.pass(1);
    await engine.put(name, 'p', 1);
  });

  test('save 300 seconds and no more', async () => {
    const name = await table({ read: 1, write: 2 });
    engine.clock.pass(86_400);
    for (let i = 0; i < 6; i++) await engine.put(name, `p${i}`, 100);
    await expect(engine.put(name, 'p', 1)).rejects.toMatchObject(shortOfWrites(name));
  });

  test('that are throttled change nothing, and cost nothing', async () => {
    const name = await table();
    await engine.put(name, 'p', 300);
    const { Item: before } = await engine.get(name, 'p');
    const update = {
      TableName: name,
      Key: keyOf('p'),
      UpdateExpression: 'SET n = :n',
      ExpressionAttributeValues: { ':n': { N: '1' } },
    };
    for (let i = 0; i < 5; i++) {
      await expect(engine.call('UpdateItem', update)).rejects.toMatchObject(shortOfWrites(name));
      await expect(engine.call('DeleteItem', { TableName: name, Key: keyOf('p') })).rejects.toMatchObject(
        shortOfWrites(name),
      );
    }
    expect((await engine.get(name, 'p')).Item).toEqual(before);
    engine.clock.pass(1);
    await engine.call('UpdateItem', update);
  });

  test('that their condition refuses are paid for: the larger of what is there and what was to be put', async () => {
    const name = await table();
    await engine.put(name, 'p', 10);
    const refused = (Item: object) =>
      expect(
        engine.call('PutItem', { TableName: name, Item, ConditionExpression: 'attribute_not_exists(p)' }),
      ).rejects.toMatchObject({ code: 'ConditionalCheckFailedException' });
    await refused(itemOf('p', 90));
    for (let i = 0; i < 20; i++) await refused(itemOf('p', 1));
    await expect(engine.put(name, 'p', 1)).rejects.toMatchObject(shortOfWrites(name));
  });

  test('spend the table for its local indexes', async () => {
    const name = await table();
    await engine.put(name, 'p', 298, { l: { S: 'a' } });
    await engine.put(name, 'q', 1);
    await expect(engine.put(name, 'p', 1)).rejects.toMatchObject(shortOfWrites(name));
  });

  test('are apart from those of another table, and from reads', async () => {
    const [first, second] = [await table(), await table()];
    await engine.put(first, 'p', 300);
    await expect(engine.put(first, 'p')).rejects.toMatchObject(shortOfWrites(first));
    await engine.put(second, 'p');
    expect((await engine.get(first, 'p')).Item).toBeDefined();
  });
});

describe('reads of a provisioned table', () => {
  async function tableWithItem(): Promise<string> {
    const name = await table({ read: 1, write: 1000 });
    // A strong read costs 100, so three spend what was saved.
    await engine.put(name, 'p', 400, { l: { S: 'a' } });
    for (let i = 0; i < 3; i++) await engine.get(name, 'p');
    return name;
  }

  test('are throttled one and all, and go on with the first that comes in', async () => {
    const TableName = await tableWithItem();
    const Key = keyOf('p');
    const query = {
      TableName,
      KeyConditionExpression: 'p = :p',
      ExpressionAttributeValues: { ':p': { S: 'p' } },
    };
    const calls: [string, object][] = [
      ['GetItem', { TableName, Key }],
      ['Query', query],
      ['Query', { ...query, IndexName: 'byL' }],
      ['Scan', { TableName }],
      ['Scan', { TableName, IndexName: 'byL' }],
      ['BatchGetItem', { RequestItems: { [TableName]: { Keys: [Key] } } }],
    ];
    for (const [operation, input] of calls) {
      await expect(engine.call(operation, input)).rejects.toMatchObject(shortOfReads(TableName));
    }
    engine.clock.pass(0.5);
    await engine.call('GetItem', { TableName, Key: keyOf('not there') });
    await expect(engine.call('Scan', { TableName })).rejects.toMatchObject(shortOfReads(TableName));
  });

  test('of pages cost their sum, with what a local index fetches', async () => {
    const name = await table({ read: 1, write: 10_000 });
    await engine.put(name, 'p', 400, { l: { S: 'a' } });
    const fetching = {
      TableName: name,
      IndexName: 'byL',
      KeyConditionExpression: 'p = :p',
      ExpressionAttributeValues: { ':p': { S: 'p' } },
      ProjectionExpression: 'f',
      ConsistentRead: true,
    };
    // 1 for the page of the index, and 100 for the item.
    for (let i = 0; i < 3; i++) await engine.call('Query', fetching);
    await expect(engine.call('Query', fetching)).rejects.toMatchObject(shortOfReads(name));
  });
});

describe('a global index', () => {
  const shortOfIndex = (name: string) => ({
    ...shortOf(provisionedCode, 'IndexWriteProvisionedThroughputExceeded', name, 'byG'),
    message:
      'The level of configured provisioned throughput for one or more global secondary indexes of the table was exceeded. ' +
      'Consider increasing your provisioning level for the under-provisioned global secondary indexes with the UpdateTable API',
  });

  /** Its index has one write unit left. */
  async function spentIndex(): Promise<string> {
    const name = await table({ read: 1000, write: 1000 }, { read: 1, write: 1 });
    for (let i = 0; i < 149; i++) {
      await engine.put(name, 'moving', 1, { g: { S: `${i}` } });
    }
    // 1 for the first, 2 for each move: 297 so far.
    await engine.put(name, 'a', 1, { g: { S: 'a' } });
    await engine.put(name, 'b', 1, { g: { S: 'b' } });
    return name;
  }

  test('that is short of units throttles the writes that change it, and no others', async () => {
    const name = await spentIndex();
    await engine.put(name, 'c', 1, { g: { S: 'c' } });
    const throttled = engine.put(name, 'd', 1, { g: { S: 'd' } });
    await expect(throttled).rejects.toMatchObject(shortOfIndex(name));
    expect((await engine.get(name, 'd')).Item).toBeUndefined();
    await engine.put(name, 'd', 1);
    await engine.put(name, 'a', 2, { g: { S: 'a' } });
    await expect(engine.call('DeleteItem', { TableName: name, Key: keyOf('a') })).rejects.toMatchObject(
      shortOfIndex(name),
    );
    engine.clock.pass(1);
    await engine.call('DeleteItem', { TableName: name, Key: keyOf('a') });
  });

  test('has read units of its own', async () => {
    const name = await table({ read: 1, write: 1000 }, { read: 1, write: 1000 });
    for (let i = 0; i < 600; i++) await engine.call('Scan', { TableName: name, IndexName: 'byG' });
    await expect(engine.call('Scan', { TableName: name, IndexName: 'byG' })).rejects.toMatchObject(
      shortOf(provisionedCode, 'IndexReadProvisionedThroughputExceeded', name, 'byG'),
    );
    await engine.call('Scan', { TableName: name });
  });

  test('is filled for nothing', async () => {
    const TableName = await table({ read: 1, write: 1000 });
    for (let i = 0; i < 400; i++) await engine.put(TableName, `p${i}`, 1, { g: { S: 'g' } });
    const units = { ReadCapacityUnits: 1, WriteCapacityUnits: 1 };
    await engine.call('UpdateTable', {
      TableName,
      AttributeDefinitions: [{ AttributeName: 'g', AttributeType: 'S' }],
      GlobalSecondaryIndexUpdates: [
        {
          Create: {
            IndexName: 'byG',
            KeySchema: [{ AttributeName: 'g', KeyType: 'HASH' }],
            Projection: { ProjectionType: 'KEYS_ONLY' },
            ProvisionedThroughput: units,
          },
        },
      ],
    });
    await expect
      .poll(async () => {
        const { Table } = await engine.call<{ Table: Record<string, { IndexStatus: string }[]> }>(
          'DescribeTable',
          { TableName },
        );
        return Table.GlobalSecondaryIndexes?.[0]?.IndexStatus;
      })
      .toBe('ACTIVE');
    for (let i = 0; i < 300; i++) await engine.put(TableName, `q${i}`, 1, { g: { S: 'g' } });
    await expect(engine.put(TableName, 'q', 1, { g: { S: 'g' } })).rejects.toMatchObject(
      shortOfIndex(TableName),
    );
  });
});

describe('a table that changes', () => {
  test('keeps what was saved and owed, and goes on at its new rate', async () => {
    const TableName = await table();
    await engine.put(TableName, 'p', 300);
    const ProvisionedThroughput = { ReadCapacityUnits: 1, WriteCapacityUnits: 50 };
    await engine.call('UpdateTable', { TableName, ProvisionedThroughput });
    await engine.engine.untilStatus(TableName, 'ACTIVE');
    await expect(engine.put(TableName, 'p')).rejects.toMatchObject(shortOfWrites(TableName));
    engine.clock.pass(1);
    for (let i = 0; i < 50; i++) await engine.put(TableName, `p${i}`);
    await expect(engine.put(TableName, 'p', 1)).rejects.toMatchObject(shortOfWrites(TableName));
  });

  test('has its burst in full where it is made anew', async () => {
    const name = await table();
    await engine.put(name, 'p', 300);
    await engine.call('DeleteTable', { TableName: name });
    await engine.engine.untilStatus(name, undefined);
    await engine.provisioned(name, { read: 1, write: 1 });
    await engine.put(name, 'p', 300);
    await expect(engine.put(name, 'p')).rejects.toMatchObject(shortOfWrites(name));
  });

  test('is not throttled once it is on demand', async () => {
    const TableName = await table();
    await engine.put(TableName, 'p', 300);
    await engine.call('UpdateTable', { TableName, BillingMode: 'PAY_PER_REQUEST' });
    await engine.engine.untilStatus(TableName, 'ACTIVE');
    for (let i = 0; i < 20; i++) await engine.put(TableName, 'p', 300);
  });
});

test('nothing is throttled with throttling off', async () => {
  const off = await ThrottledEngine.open('off');
  await off.provisioned('table', { read: 1, write: 1 });
  for (let i = 0; i < 20; i++) await off.put('table', 'p', 300);
  for (let i = 0; i < 20; i++) await off.get('table', 'p');
  await off.remove();
});
