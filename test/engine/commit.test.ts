import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CommittedChange } from '../../protocol/backend.ts';
import { TestEngine } from './engine-harness.ts';

let engine: TestEngine;

beforeAll(async () => {
  engine = await TestEngine.open();
  await engine.createTable('Counters');
});

afterAll(() => engine.remove());

type Answer = { Attributes?: { n: { N: string } } };

function increment(p: string): Promise<Answer> {
  return engine.call<Answer>('UpdateItem', {
    TableName: 'Counters',
    Key: { p: { S: p } },
    UpdateExpression: 'ADD n :one',
    ExpressionAttributeValues: { ':one': { N: '1' } },
    ReturnValues: 'UPDATED_NEW',
  });
}

function put(p: string, v: number, condition?: string): Promise<unknown> {
  return engine.call('PutItem', {
    TableName: 'Counters',
    Item: { p: { S: p }, v: { N: String(v) } },
    ...(condition !== undefined && { ConditionExpression: condition }),
  });
}

describe('the commit queue', () => {
  test('every concurrent update sees the ones before it', async () => {
    const answers = await Promise.all(Array.from({ length: 500 }, () => increment('hot')));
    const counts = answers.map(({ Attributes }) => Number(Attributes?.n.N));
    expect(counts).toEqual(Array.from({ length: 500 }, (_, i) => i + 1));
  });

  test('of concurrent conditional puts on one key exactly one succeeds', async () => {
    const puts = Array.from({ length: 100 }, (_, i) => put('once', i, 'attribute_not_exists(p)'));
    const outcomes = await Promise.allSettled(puts);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const codes = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.code] : []));
    expect(new Set(codes)).toEqual(new Set(['ConditionalCheckFailedException']));
  });

  test('listeners hear of changes in commit order, with images and origin, before the writer has its answer', async () => {
    const heard: CommittedChange[] = [];
    const unsubscribe = engine.engine.changes.subscribe({
      item: (change) => heard.push(change),
      table: () => {},
    });
    const origin = {};
    const input = { TableName: 'Counters', Item: { p: { S: 'told' }, v: { N: '0' } } };
    const first = engine.engine.call({ operation: 'PutItem', input, region: 'us-east-1', origin });
    await first;
    expect(heard).toHaveLength(1);
    expect(heard[0]?.origin).toBe(origin);
    await Promise.all([1, 2, 3].map((v) => put('told', v)));
    unsubscribe();
    await put('told', 4);
    const versions = heard.map(({ oldItem, newItem }) => [versionOf(oldItem), versionOf(newItem)]);
    expect(versions).toEqual([
      [undefined, '0'],
      ['0', '1'],
      ['1', '2'],
      ['2', '3'],
    ]);
  });

  test('a write that changes nothing is no change', async () => {
    await put('same', 1);
    const heard: CommittedChange[] = [];
    const unsubscribe = engine.engine.changes.subscribe({
      item: (change) => heard.push(change),
      table: () => {},
    });
    await put('same', 1);
    await engine.call('DeleteItem', { TableName: 'Counters', Key: { p: { S: 'never there' } } });
    unsubscribe();
    expect(heard).toEqual([]);
  });

  test('writers are slowed, not lost, when far more is written than the overlay holds', async () => {
    const small = await TestEngine.open({ overlayBytesMax: 300_000 });
    await small.createTable('Narrow');
    const pad = 'x'.repeat(20_000);
    const puts = Array.from({ length: 150 }, (_, i) =>
      small.call('PutItem', { TableName: 'Narrow', Item: { p: { S: `k${i}` }, pad: { S: pad } } }),
    );
    await Promise.all(puts);
    const { Count } = await countAll(small, 'Narrow');
    expect(Count).toBe(150);
    await small.remove();
  });

  test('after close nothing is written any more', async () => {
    const closed = await TestEngine.open();
    await closed.createTable('Closed');
    await closed.engine.close();
    const input = { TableName: 'Closed', Item: { p: { S: 'x' } } };
    await expect(closed.call('PutItem', input)).rejects.toMatchObject({ code: 'ServiceUnavailable' });
    await closed.remove();
  });
});

function versionOf(item: { json: Buffer } | undefined): string | undefined {
  return item && (JSON.parse(item.json.toString()) as { v: { N: string } }).v.N;
}

async function countAll(from: TestEngine, table: string): Promise<{ Count: number }> {
  let count = 0;
  let start: unknown;
  do {
    const page = await from.call<{ Count: number; LastEvaluatedKey?: unknown }>('Scan', {
      TableName: table,
      Select: 'COUNT',
      ...(start !== undefined && { ExclusiveStartKey: start }),
    });
    count += page.Count;
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
  return { Count: count };
}
