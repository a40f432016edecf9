import { cpSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Clock } from '../../protocol/clock.ts';
import { Accelerator } from '../../proxy/accelerator.ts';
import { TestEngine } from './engine-harness.ts';

const lagMs = 1000;

let nowMs: number;
let engine: TestEngine;
/** How far time goes on with each look at it. */
let tickMs = 0;
const clock: Clock = {
  now: () => 1_800_000_000_000 + nowMs,
  monotonic: () => {
    nowMs += tickMs;
    return nowMs;
  },
};

beforeEach(async () => {
  nowMs = 10_000;
  engine = await TestEngine.open({ clock, replicaLagMs: lagMs, overlayBytesMax: 100_000 });
  await engine.call('CreateTable', {
    TableName: 'Things',
    KeySchema: [
      { AttributeName: 'p', KeyType: 'HASH' },
      { AttributeName: 's', KeyType: 'RANGE' },
    ],
    AttributeDefinitions: ['p', 's', 'g'].map((name) => ({ AttributeName: name, AttributeType: 'S' })),
    BillingMode: 'PAY_PER_REQUEST',
    GlobalSecondaryIndexes: [
      {
        IndexName: 'ByG',
        KeySchema: [{ AttributeName: 'g', KeyType: 'HASH' }],
        Projection: { ProjectionType: 'ALL' },
      },
    ],
  });
});

afterEach(() => engine.remove());

function put(s: string, v: number): Promise<unknown> {
  const Item = { p: { S: 'p' }, s: { S: s }, g: { S: `g${v % 2}` }, v: { N: String(v) } };
  return engine.call('PutItem', { TableName: 'Things', Item });
}

type Found = { Item?: { v: { N: string } }; Items?: { s: { S: string }; v: { N: string } }[] };

async function get(s: string, ConsistentRead: boolean): Promise<number | undefined> {
  const Key = { p: { S: 'p' }, s: { S: s } };
  const { Item } = await engine.call<Found>('GetItem', { TableName: 'Things', Key, ConsistentRead });
  return Item && Number(Item.v.N);
}

async function query(ConsistentRead: boolean): Promise<string[]> {
  const { Items } = await engine.call<Found>('Query', {
    TableName: 'Things',
    KeyConditionExpression: 'p = :p',
    ExpressionAttributeValues: { ':p': { S: 'p' } },
    ConsistentRead,
  });
  return (Items ?? []).map(({ s, v }) => `${s.S}${v.N}`);
}

async function queryIndex(g: string): Promise<string[]> {
  const { Items } = await engine.call<Found>('Query', {
    TableName: 'Things',
    IndexName: 'ByG',
    KeyConditionExpression: 'g = :g',
    ExpressionAttributeValues: { ':g': { S: g } },
  });
  return (Items ?? []).map(({ s, v }) => `${s.S}${v.N}`);
}

/** Writes so much that an apply begins at once, and gives it time to go wrong: it has to wait for the clock. */
async function beginApply(): Promise<void> {
  const Item = { p: { S: 'filler' }, s: { S: String(nowMs) }, pad: { S: 'x'.repeat(60_000) } };
  await engine.call('PutItem', { TableName: 'Things', Item });
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test('an item that moves within an index is never seen where it does not belong', async () => {
  await put('a', 1);
  nowMs += lagMs;
  tickMs = 1;
  await put('a', 2);
  tickMs = 0;
  const seen = new Set<string>();
  for (const endMs = nowMs + lagMs; nowMs <= endMs; nowMs++) {
    seen.add(`${await queryIndex('g0')} ${await queryIndex('g1')}`);
  }
  expect([...seen]).toEqual([' a1', 'a2 ']);
});

describe('with a replica lag', () => {
  test('eventually consistent reads see what was committed that long ago, strong ones everything', async () => {
    await put('a', 1);
    expect([await get('a', false), await get('a', true)]).toEqual([undefined, 1]);
    nowMs += 600;
    await put('a', 2);
    await put('b', 3);
    nowMs += 400;
    expect([await get('a', false), await get('a', true)]).toEqual([1, 2]);
    expect([await query(false), await query(true)]).toEqual([['a1'], ['a2', 'b3']]);
    await beginApply();
    expect(await query(false)).toEqual(['a1']);
    nowMs += 600;
    expect(await query(false)).toEqual(['a2', 'b3']);
  });

  test('deletes are late as well, also for what LMDB has already', async () => {
    await put('a', 1);
    nowMs += lagMs;
    await beginApply();
    nowMs += lagMs;
    await engine.call('DeleteItem', { TableName: 'Things', Key: { p: { S: 'p' }, s: { S: 'a' } } });
    expect([await query(false), await query(true)]).toEqual([['a1'], []]);
    nowMs += lagMs;
    expect(await query(false)).toEqual([]);
  });

  test('a global index follows, entry and item from the same moment', async () => {
    await put('a', 1);
    nowMs += lagMs;
    await put('a', 2);
    expect([await queryIndex('g1'), await queryIndex('g0')]).toEqual([['a1'], []]);
    nowMs += lagMs;
    expect([await queryIndex('g1'), await queryIndex('g0')]).toEqual([[], ['a2']]);
  });

  test('conditions and updates see everything', async () => {
    await put('a', 1);
    await engine.call('UpdateItem', {
      TableName: 'Things',
      Key: { p: { S: 'p' }, s: { S: 'a' } },
      UpdateExpression: 'SET v = v + :one',
      ConditionExpression: 'v = :one',
      ExpressionAttributeValues: { ':one': { N: '1' } },
    });
    expect(await get('a', true)).toBe(2);
  });

  test('what was seen before a crash is seen after it', async () => {
    await put('a', 1);
    await put('a', 2);
    nowMs += lagMs;
    expect(await query(false)).toEqual(['a2']);
    const dataDirectory = `${engine.directory}-crashed`;
    cpSync(engine.directory, dataDirectory, { recursive: true, filter: (path) => !path.endsWith('/lock') });
    const crashed = engine;
    engine = await TestEngine.open({ dataDirectory, clock, replicaLagMs: lagMs });
    await crashed.remove();
    expect([await query(false), await queryIndex('g0')]).toEqual([['a2'], ['a2']]);
    await put('a', 3);
    expect([await query(false), await query(true)]).toEqual([['a2'], ['a3']]);
    nowMs += lagMs;
    expect(await query(false)).toEqual(['a3']);
  });

  test('the cache keeps nothing from before a write that went through it', async () => {
    const accelerator = new Accelerator(engine.engine, {
      cacheBytesMax: 1_000_000,
      itemTtlMs: 0,
      tables: {},
      describeMs: 1000,
      settleMs: engine.engine.lagMs,
      fenceMs: 1000,
      clock,
    });
    const call = (operation: string, input: Record<string, unknown>) =>
      accelerator.call({ operation, input, region: 'us-east-1' });
    const Key = { p: { S: 'p' }, s: { S: 'a' } };
    for (let v = 1; v < 20; v++) {
      await call('PutItem', { TableName: 'Things', Item: { ...Key, v: { N: String(v) } } });
      nowMs += (v * 97) % 500;
      const { Item } = JSON.parse(
        (await call('GetItem', { TableName: 'Things', Key })).body.toString(),
      ) as Found;
      expect(Item?.v.N).toBe(String(v));
    }
    await accelerator.close();
  });
});
