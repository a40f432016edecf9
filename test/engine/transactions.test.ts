import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodeFiles } from '../../engine/files.ts';
import type { LogEntry } from '../../engine/log/record.ts';
import { scanLog } from '../../engine/log/scan.ts';
import type { CommittedChange } from '../../protocol/backend.ts';
import { TestEngine } from './engine-harness.ts';

let engine: TestEngine;

beforeAll(async () => {
  engine = await TestEngine.open();
  await engine.createTable('Accounts');
});

afterAll(() => engine.remove());

const TableName = 'Accounts';

function put(p: string, more: object = {}): object {
  return { Put: { TableName, Item: { p: { S: p }, ...more } } };
}

function add(p: string, n: number, condition?: string): object {
  return {
    Update: {
      TableName,
      Key: { p: { S: p } },
      UpdateExpression: 'ADD n :n',
      ExpressionAttributeValues: { ':n': { N: String(n) } },
      ...(condition !== undefined && { ConditionExpression: condition }),
    },
  };
}

function write(TransactItems: object[], more: object = {}): Promise<Record<string, unknown>> {
  return engine.call('TransactWriteItems', { TransactItems, ...more });
}

interface Responses {
  Responses: { Item?: { n?: { N: string } } }[];
}

async function read(keys: string[]): Promise<(number | undefined)[]> {
  const TransactItems = keys.map((p) => ({ Get: { TableName, Key: { p: { S: p } } } }));
  const { Responses } = await engine.call<Responses>('TransactGetItems', { TransactItems });
  return Responses.map(({ Item }) => (Item?.n === undefined ? undefined : Number(Item.n.N)));
}

/** An engine whose table has a global index on `g` that knows keys only. */
async function openIndexed(): Promise<TestEngine> {
  const own = await TestEngine.open();
  await own.call('CreateTable', {
    TableName,
    KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
    AttributeDefinitions: ['p', 'g'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    BillingMode: 'PAY_PER_REQUEST',
    GlobalSecondaryIndexes: [
      {
        IndexName: 'byG',
        KeySchema: [{ AttributeName: 'g', KeyType: 'HASH' }],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
    ],
  });
  return own;
}

describe('transactions one after the other', () => {
  test('move money between accounts, and whoever reads several at once sees each sum', async () => {
    const names = ['north', 'east', 'south', 'west'];
    await write(names.map((p) => put(p, { n: { N: '100' } })));
    const sums = new Set<number>();
    const moves = Array.from({ length: 300 }, async (_, i) => {
      const [from, to] = [names[i % 4] as string, names[(i + 1 + (i % 3)) % 4] as string];
      await write([add(from, -(i % 17)), add(to, i % 17)]);
      sums.add((await read(names)).reduce<number>((sum, n) => sum + (n ?? 0), 0));
    });
    await Promise.all(moves);
    expect([...sums]).toEqual([400]);
  });

  test('never conflict: each sees all before it', async () => {
    await write([put('stock', { n: { N: '10' } }), put('sold', { n: { N: '0' } })]);
    const sales = Array.from({ length: 50 }, () =>
      write([
        {
          Update: {
            TableName,
            Key: { p: { S: 'stock' } },
            UpdateExpression: 'ADD n :minus',
            ConditionExpression: 'n > :zero',
            ExpressionAttributeValues: { ':minus': { N: '-1' }, ':zero': { N: '0' } },
          },
        },
        add('sold', 1),
      ]),
    );
    const outcomes = await Promise.allSettled(sales);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason.code).toBe('TransactionCanceledException');
    }
    expect(await read(['stock', 'sold'])).toEqual([0, 10]);
  });
});

describe('a transaction', () => {
  test('that fails changes nothing, and tells why for each action', async () => {
    await write([put('there', { n: { N: '1' } })]);
    const failed = write([
      put('new'),
      add('there', 5, 'attribute_not_exists(p)'),
      { Delete: { TableName, Key: { p: { S: 'there' } } } },
    ]);
    await expect(failed).rejects.toMatchObject({
      message: 'Transaction request cannot include multiple operations on one item',
    });
    const cancelled = write([
      put('new'),
      {
        Update: {
          TableName,
          Key: { p: { S: 'there' } },
          UpdateExpression: 'ADD p2 :n',
          ConditionExpression: 'attribute_not_exists(p)',
          ExpressionAttributeValues: { ':n': { N: '1' } },
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        },
      },
      {
        ConditionCheck: {
          TableName,
          Key: { p: { S: 'nowhere' } },
          ConditionExpression: 'attribute_exists(p)',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        },
      },
    ]);
    await expect(cancelled).rejects.toMatchObject({
      code: 'TransactionCanceledException',
      message:
        'Transaction cancelled, please refer cancellation reasons for specific reasons ' +
        '[None, ConditionalCheckFailed, ConditionalCheckFailed]',
      members: {
        CancellationReasons: [
          { Code: 'None' },
          {
            Code: 'ConditionalCheckFailed',
            Message: 'The conditional request failed',
            Item: { p: { S: 'there' }, n: { N: '1' } },
          },
          { Code: 'ConditionalCheckFailed', Message: 'The conditional request failed' },
        ],
      },
    });
    expect(await read(['there'])).toEqual([1]);
    const { Responses } = await engine.call<Responses>('TransactGetItems', {
      TransactItems: [{ Get: { TableName, Key: { p: { S: 'new' } } } }],
    });
    expect(Responses).toEqual([{}]);
  });

  test('is announced as a whole before it is acknowledged, and is one entry of the log', async () => {
    const own = await TestEngine.open();
    await own.createTable('Accounts');
    const heard: CommittedChange[] = [];
    own.engine.changes.subscribe({ item: (change) => heard.push(change), table: () => {} });
    const origin = {};
    const input = { TransactItems: [put('a'), put('b'), put('c')], ClientRequestToken: 'token' };
    await own.engine.call({ operation: 'TransactWriteItems', input, region: 'us-east-1', origin });
    expect(heard.map((change) => change.origin === origin)).toEqual([true, true, true]);
    const entries: LogEntry[] = [];
    await scanLog(nodeFiles, join(own.directory, 'log'), 0, (scanned) => void entries.push(...scanned));
    const last = entries.at(-1);
    expect(last?.changes.map((change) => change.kind === 'item' && change.newImage !== undefined)).toEqual([
      true,
      true,
      true,
    ]);
    expect(last?.token).toMatch(/\/us-east-1\/token$/);
    await own.remove();
  });

  test('may delete more than it could write', async () => {
    const pad = { pad: { S: 'x'.repeat(100_000) } };
    const names = Array.from({ length: 50 }, (_, i) => `large-${i}`);
    await write(names.slice(0, 25).map((p) => put(p, pad)));
    await write(names.slice(25).map((p) => put(p, pad)));
    const gets = { TransactItems: names.map((p) => ({ Get: { TableName, Key: { p: { S: p } } } })) };
    await expect(engine.call('TransactGetItems', gets)).rejects.toMatchObject({
      code: 'ValidationException',
      message: expect.stringContaining('size cannot exceed 4MB'),
    });
    await write(names.map((p) => ({ Delete: { TableName, Key: { p: { S: p } } } })));
    const { Responses } = await engine.call<Responses>('TransactGetItems', gets);
    expect(Responses).toEqual(names.map(() => ({})));
  });

  test('of more than 4 MB is refused', async () => {
    const pad = { pad: { S: 'x'.repeat(350_000) } };
    const names = Array.from({ length: 12 }, (_, i) => `refused-${i}`);
    await expect(write(names.map((p) => put(p, pad)))).rejects.toMatchObject({
      code: 'ValidationException',
      message: expect.stringContaining('Transaction payload size cannot exceed 4MB.'),
    });
    await write(names.slice(0, 11).map((p) => put(p, pad)));
  });

  test('that changes nothing is acknowledged and no change', async () => {
    await write([put('same', { n: { N: '1' } })]);
    const heard: CommittedChange[] = [];
    const unsubscribe = engine.engine.changes.subscribe({
      item: (change) => heard.push(change),
      table: () => {},
    });
    await write([
      put('same', { n: { N: '1' } }),
      { Delete: { TableName, Key: { p: { S: 'never there' } } } },
      {
        ConditionCheck: { TableName, Key: { p: { S: 'x' } }, ConditionExpression: 'attribute_not_exists(p)' },
      },
    ]);
    unsubscribe();
    expect(heard).toEqual([]);
  });

  test('costs twice what it writes in tables, and once what it writes in indexes', async () => {
    const own = await openIndexed();
    const TransactItems = [put('a', { g: { S: 'x' } }), put('b', { g: { S: 'y' } }), put('c')];
    const input = { TransactItems, ReturnConsumedCapacity: 'INDEXES' };
    const { ConsumedCapacity } = await own.call('TransactWriteItems', input);
    const units = (n: number) => ({ CapacityUnits: n, WriteCapacityUnits: n });
    expect(ConsumedCapacity).toEqual([
      { TableName, ...units(8), Table: units(6), GlobalSecondaryIndexes: { byG: units(2) } },
    ]);
    await own.remove();
  });

  test('with a value that cannot be an index key is cancelled, or refused if it is empty', async () => {
    const own = await openIndexed();
    const set = (g: object) => ({
      Update: {
        TableName,
        Key: { p: { S: 'a' } },
        UpdateExpression: 'SET g = :g',
        ExpressionAttributeValues: { ':g': g },
      },
    });
    const call = (action: object) => own.call('TransactWriteItems', { TransactItems: [put('b'), action] });
    const reasons = [{ Code: 'None' }, { Code: 'ValidationError' }];
    const cancelled = { code: 'TransactionCanceledException', members: { CancellationReasons: reasons } };
    const refused = { code: 'ValidationException', message: expect.stringContaining('IndexKey: g') };
    await expect(call(set({ N: '5' }))).rejects.toMatchObject(cancelled);
    await expect(call(put('a', { g: { N: '5' } }))).rejects.toMatchObject(cancelled);
    await expect(call(set({ S: '' }))).rejects.toMatchObject(refused);
    await expect(call(put('a', { g: { S: '' } }))).rejects.toMatchObject(refused);
    expect(await own.call('Scan', { TableName })).toMatchObject({ Count: 0 });
    await own.remove();
  });

  test('is still whole after a restart', async () => {
    const own = await TestEngine.open();
    await own.createTable('Accounts');
    const input = { TransactItems: [put('a', { n: { N: '1' } }), put('b', { n: { N: '2' } })] };
    await own.call('TransactWriteItems', input);
    await own.reopen();
    const { Items } = await own.call<{ Items: { n: { N: string } }[] }>('Scan', { TableName });
    expect(Items.map(({ n }) => n.N).sort()).toEqual(['1', '2']);
    await own.remove();
  });
});
