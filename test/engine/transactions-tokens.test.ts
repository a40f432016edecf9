import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { TransactionTokens, tokenRecord } from '../../engine/transaction-tokens.ts';
import type { Clock } from '../../protocol/clock.ts';
import { Reply } from '../../protocol/reply.ts';
import { TestEngine } from './engine-harness.ts';

const minuteMs = 60_000;

class TestClock implements Clock {
  nowMs = Date.now();

  now(): number {
    return this.nowMs;
  }

  monotonic(): number {
    return this.nowMs;
  }
}

const clock = new TestClock();
let engine: TestEngine;
let tokens = 0;
let token: string;

beforeAll(async () => {
  engine = await TestEngine.open({ clock });
  await engine.createTable('Counters');
});

afterAll(() => engine.remove());

/** Tests share the engine and its clock, but no tokens, which name items too. */
beforeEach(() => {
  token = `token-${++tokens}`;
});

function increment(p: string): object {
  return {
    Update: {
      TableName: 'Counters',
      Key: { p: { S: p } },
      UpdateExpression: 'ADD n :one',
      ExpressionAttributeValues: { ':one': { N: '1' } },
    },
  };
}

function write(TransactItems: object[], more: object = {}, region = 'us-east-1') {
  const input = { TransactItems, ClientRequestToken: token, ...more };
  return engine.call<{ ConsumedCapacity?: object[] }>('TransactWriteItems', input, region);
}

async function count(p: string): Promise<number> {
  const { Item } = await engine.call<{ Item?: { n: { N: string } } }>('GetItem', {
    TableName: 'Counters',
    Key: { p: { S: p } },
  });
  return Number(Item?.n.N ?? 0);
}

describe('the same request with the same token', () => {
  test('happens once, and costs a read when it is repeated', async () => {
    const item = { p: { S: token }, pad: { S: 'x'.repeat(1536) } };
    const put = [{ Put: { TableName: 'Counters', Item: item } }];
    const first = await write(put, { ReturnConsumedCapacity: 'INDEXES' });
    expect(first.ConsumedCapacity).toEqual([
      {
        TableName: 'Counters',
        CapacityUnits: 4,
        WriteCapacityUnits: 4,
        Table: { CapacityUnits: 4, WriteCapacityUnits: 4 },
      },
    ]);
    await engine.call('DeleteItem', { TableName: 'Counters', Key: { p: { S: token } } });
    await write(put);
    const { ConsumedCapacity } = await write(put, { ReturnConsumedCapacity: 'TOTAL' });
    expect(ConsumedCapacity).toEqual([{ TableName: 'Counters', CapacityUnits: 2, ReadCapacityUnits: 2 }]);
    expect(
      await engine.call('GetItem', { TableName: 'Counters', Key: { p: { S: token } } }),
    ).not.toHaveProperty('Item');
  });

  test('is the same however its members are ordered', async () => {
    await write([increment(token)]);
    const { Update } = increment(token) as { Update: Record<string, unknown> };
    await write([{ Update: Object.fromEntries(Object.entries(Update).reverse()) }]);
    expect(await count(token)).toBe(1);
  });

  test('is a new one after ten minutes', async () => {
    await write([increment(token)]);
    clock.nowMs += 10 * minuteMs - 1;
    await write([increment(token)]);
    expect(await count(token)).toBe(1);
    clock.nowMs += 1001;
    await write([increment(token)]);
    expect(await count(token)).toBe(2);
  });

  test('is refused while the first one is under way', async () => {
    const outcomes = await Promise.allSettled([write([increment(token)]), write([increment(token)])]);
    expect(outcomes).toMatchObject([
      { status: 'fulfilled' },
      { reason: { code: 'TransactionInProgressException' } },
    ]);
    await write([increment(token)]);
    expect(await count(token)).toBe(1);
  });

  test('is another one in another region', async () => {
    await engine.createTable('Counters', undefined, 'eu-west-1');
    await write([increment(token)]);
    await write([increment(token)], {}, 'eu-west-1');
    const there = await engine.call(
      'GetItem',
      { TableName: 'Counters', Key: { p: { S: token } } },
      'eu-west-1',
    );
    expect(there).toMatchObject({ Item: { n: { N: '1' } } });
  });
});

describe('another request with the same token', () => {
  const mismatch = {
    code: 'IdempotentParameterMismatchException',
    message: 'The request uses the same client token as a previous, but non-identical request.',
  };

  test('is refused', async () => {
    await write([increment(token)]);
    await expect(write([increment('another')])).rejects.toMatchObject(mismatch);
    await expect(write([increment(token), increment('another')])).rejects.toMatchObject(mismatch);
    expect(await count('another')).toBe(0);
  });

  test('is refused while the first one is under way too', async () => {
    const first = write([increment(token)]);
    await expect(write([increment('another')])).rejects.toMatchObject(mismatch);
    await first;
  });

  test('is the first one if the one before failed', async () => {
    const failing = { ...increment(token) } as { Update: object };
    const condition = { ConditionExpression: 'attribute_exists(p)' };
    await expect(write([{ Update: { ...failing.Update, ...condition } }])).rejects.toMatchObject({
      code: 'TransactionCanceledException',
    });
    await expect(write([{ Put: { TableName: 'Nowhere', Item: {} } }])).rejects.toMatchObject({
      code: 'ResourceNotFoundException',
    });
    await write([increment(token)]);
    expect(await count(token)).toBe(1);
  });
});

test('a token is used up by a transaction that changes nothing', async () => {
  const check = (p: string) => ({
    ConditionCheck: {
      TableName: 'Counters',
      Key: { p: { S: p } },
      ConditionExpression: 'attribute_not_exists(p)',
    },
  });
  await write([check(token)]);
  await expect(write([check('other')])).rejects.toMatchObject({
    code: 'IdempotentParameterMismatchException',
  });
});

test('tokens survive a restart, and not longer than without one', async () => {
  await write([increment(token)]);
  clock.nowMs += 9 * minuteMs;
  await engine.reopen();
  await write([increment(token)]);
  expect(await count(token)).toBe(1);
  await engine.reopen();
  clock.nowMs += minuteMs + 1000;
  await write([increment(token)]);
  expect(await count(token)).toBe(2);
});

describe('the table of tokens', () => {
  const use = (name: string) => ({ region: 'us-east-1', token: name, digest: 'digest' });
  const reply = new Reply({});
  const run = () => Promise.resolve(reply);

  test('takes anything for a token', async () => {
    const table = new TransactionTokens();
    for (const [i, name] of ['a/b', '', '/', 'eu/x', '"\n\u0000'].entries()) {
      table.committed(tokenRecord(use(name)), i);
      const repeated = new Reply({});
      expect(await table.once(use(name), i, run, () => repeated)).toBe(repeated);
    }
  });

  test('refuses one more when it is full, and takes it when there is room again', async () => {
    const table = new TransactionTokens(2);
    table.committed(tokenRecord(use('a')), 0);
    table.committed(tokenRecord(use('b')), 5000);
    await expect(table.once(use('c'), 5000, run, () => reply)).rejects.toMatchObject({
      code: 'ThrottlingException',
    });
    expect(await table.once(use('c'), 10 * minuteMs + 1000, run, () => reply)).toBe(reply);
  });

  test('gives LMDB what has changed, until LMDB has it, and takes it back', async () => {
    const table = new TransactionTokens();
    table.committed(tokenRecord(use('a')), 1000);
    table.committed(tokenRecord(use('b')), 1999);
    table.committed(tokenRecord(use('c')), 2000);
    const rows = table.startApplying();
    expect(rows.size).toBe(2);
    expect(table.startApplying()).toEqual(rows);
    table.applied();
    expect(table.startApplying().size).toBe(0);
    const restored = new TransactionTokens();
    restored.restore([...rows] as [string, string][]);
    expect(restored.startApplying().size).toBe(0);
    for (const name of ['a', 'b', 'c']) {
      const repeated = new Reply({});
      expect(await restored.once(use(name), 3000, run, () => repeated)).toBe(repeated);
    }
    await restored.once(use('d'), 10 * minuteMs + 2000, run, () => reply);
    expect([...restored.startApplying().values()]).toEqual([undefined]);
  });
});
