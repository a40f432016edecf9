import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Backend, Request } from '../../protocol/backend.ts';
import { DynamoDbError, validationError } from '../../protocol/errors.ts';
import { Accelerator } from '../../proxy/accelerator.ts';
import { UnansweredError } from '../../proxy/upstream.ts';
import { TestEngine } from '../engine/engine-harness.ts';
import { colorAndRank, thingsTable } from './query-fixture.ts';
import { ManualClock } from './simulated-store.ts';

/*
 * Stores that refuse to tell the item before or after a write, as ScyllaDB's Alternator does in its isolation mode
 * forbid_rmw (ReturnValues other than NONE and UPDATED_NEW), or AWS by a policy.
 */

const region = 'us-east-1';
const forbidden = validationError(
  "Read-modify-write operations are disabled by 'forbid_rmw' write isolation policy.",
);
const denied = new DynamoDbError(
  'AccessDeniedException',
  'User is not authorized to perform: dynamodb:PutItem',
);

let engine: TestEngine;
let accelerator: Accelerator;
let refusal: DynamoDbError;
let sent: Request[];

beforeEach(async () => {
  engine = await TestEngine.open({ durability: 'relaxed' });
  await engine.call('CreateTable', thingsTable);
  await engine.untilStatus('Things', 'ACTIVE');
  await engine.createTable('plain', 'N');
  [refusal, sent] = [forbidden, []];
  const clock = new ManualClock();
  const store: Backend = {
    call: async (request) => {
      if (!/^(Put|Update|Delete)Item$/.test(request.operation)) return engine.engine.call(request);
      sent.push(request);
      if (![undefined, 'NONE', 'UPDATED_NEW'].includes(request.input.ReturnValues as string)) throw refusal;
      return engine.engine.call(request);
    },
    close: async () => {},
  };
  accelerator = new Accelerator(store, {
    ...{ cacheBytesMax: 10_000_000, itemTtlMs: 0, queryTtlMs: 600_000, tables: {}, describeMs: 60_000 },
    ...{ settleMs: 0, fenceMs: 1_000, clock },
  });
  clock.advance(1_000);
});

afterEach(async () => {
  await accelerator.close();
  await engine.remove();
});

async function call(operation: string, input: Record<string, unknown>): Promise<Record<string, unknown>> {
  const reply = await accelerator.call({ operation, input, region });
  return JSON.parse(reply.body.toString());
}

const key = { p: { S: 'a' }, s: { N: '1' } };

function put(color: string): Promise<unknown> {
  return call('PutItem', { TableName: 'Things', Item: { ...key, ...colorAndRank(color, 1) } });
}

async function countOf(color: string): Promise<unknown> {
  const condition = {
    KeyConditionExpression: 'color = :c',
    ExpressionAttributeValues: { ':c': { S: color } },
  };
  return (await call('Query', { TableName: 'Things', IndexName: 'byColor', ...condition })).Count;
}

const asked = () => sent.map(({ input }) => input.ReturnValues ?? 'NONE');

describe.each([
  ['by its isolation mode', forbidden],
  ['by a policy', denied],
])('a store that refuses images %s', (_how, error) => {
  beforeEach(() => {
    refusal = error;
  });

  test('gets its callers’ writes as they want them, and is not asked again', async () => {
    expect(await put('red')).toEqual({});
    expect(asked()).toEqual(['ALL_OLD', 'NONE']);
    await put('blue');
    await call('DeleteItem', { TableName: 'Things', Key: key });
    expect(asked()).toEqual(['ALL_OLD', 'NONE', 'NONE', 'NONE']);
  });

  test('has right answers in the cache all the same', async () => {
    expect([await countOf('red'), await countOf('blue')]).toEqual([0, 0]);
    await put('red');
    expect([await countOf('red'), await countOf('blue')]).toEqual([1, 0]);
    await put('blue');
    expect([await countOf('red'), await countOf('blue')]).toEqual([0, 1]);
    const UpdateExpression = 'SET color = :c';
    const values = { ExpressionAttributeValues: { ':c': { S: 'red' } } };
    await call('UpdateItem', { TableName: 'Things', Key: key, UpdateExpression, ...values });
    expect([await countOf('red'), await countOf('blue')]).toEqual([1, 0]);
    const { Item } = await call('GetItem', { TableName: 'Things', Key: key });
    expect(Item).toMatchObject({ color: { S: 'red' } });
    expect(accelerator.stats()).toMatchObject({ fences: 0, tokens: 0 });
  });

  test('is spared the question for each table by itself', async () => {
    const update = { TableName: 'plain', Key: key, UpdateExpression: 'SET v = :v' };
    const values = { ExpressionAttributeValues: { ':v': { N: '1' } } };
    await put('red');
    await call('UpdateItem', { ...update, ...values });
    await call('UpdateItem', { ...update, ...values });
    expect(asked()).toEqual(['ALL_OLD', 'NONE', 'ALL_NEW', 'NONE', 'NONE']);
    expect((await call('GetItem', { TableName: 'plain', Key: key })).Item).toEqual({ ...key, v: { N: '1' } });
  });

  test('gives its refusal of what the caller itself wants', async () => {
    const wanted = call('DeleteItem', { TableName: 'Things', Key: key, ReturnValues: 'ALL_OLD' });
    await expect(wanted).rejects.toBe(error);
    expect(asked()).toEqual(['ALL_OLD']);
  });
});

test('a write that is wrong in itself is refused as the store refuses it, and says nothing about images', async () => {
  const wrong = { TableName: 'Things', Item: { ...key, color: { N: '1' } } };
  await expect(call('PutItem', wrong)).rejects.toThrow('Type mismatch for Index Key color');
  expect(asked()).toEqual(['ALL_OLD', 'NONE']);
  await put('red');
  expect(asked().slice(2)).toEqual(['ALL_OLD', 'NONE']);
});

test('a write that may have been applied is not sent again', async () => {
  refusal = new UnansweredError('ValidationException', '', 500);
  await expect(put('red')).rejects.toBe(refusal);
  expect(asked()).toEqual(['ALL_OLD']);
});
