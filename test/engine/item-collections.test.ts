import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkDataDirectory } from '../../engine/check.ts';
import { collectionRow } from '../../engine/item-collections.ts';
import { type StateKey, tablePrefix } from '../../engine/state/layout.ts';
import { Store } from '../../engine/state/store.ts';
import type { ItemJson } from '../../protocol/reply.ts';
import { TestEngine } from './engine-harness.ts';
import { createTableInput, type IndexShape } from './index-model.ts';
import { storedItems } from './stored-items.ts';

/* Sizes are seen from outside as metrics, in gigabytes, and by where the limit is; the check of a folder knows them exactly. */

const keysOnly: IndexShape = {
  name: 'local',
  kind: 'LOCAL',
  hash: ['p'],
  range: ['a'],
  projection: 'KEYS_ONLY',
};
const all: IndexShape = { name: 'whole', kind: 'LOCAL', hash: ['p'], range: ['n'], projection: 'ALL' };
const global: IndexShape = { name: 'global', kind: 'GLOBAL', hash: ['x'], range: [], projection: 'ALL' };
const TableName = 'Things';
const gigabyte = 1024 ** 3;

/** The numbers of the table, its indexes, and its collections are these. */
const [tableNumber, collections] = [1, 5];

let store: TestEngine;

beforeEach(async () => {
  store = await open();
});

afterEach(() => store.remove());

async function open(options: Parameters<typeof TestEngine.open>[0] = {}): Promise<TestEngine> {
  const opened = await TestEngine.open(options);
  if (options.dataDirectory === undefined) {
    await opened.call('CreateTable', createTableInput(TableName, [keysOnly, all, global]));
  }
  return opened;
}

/** Opens the same folder with another limit. */
async function limit(itemCollectionBytesMax: number): Promise<void> {
  await store.engine.close();
  store = await open({ dataDirectory: store.directory, itemCollectionBytesMax });
}

type Item = Record<string, { S: string } | { N: string }>;

function keyOf(s: number, p = 'p'): Item {
  return { p: { S: p }, s: { N: String(s) } };
}

/** Names of one byte each, a partition key of one, and a sort key below 100, which is a number of 2 bytes. */
const keyBytes = 5;

/** An item of that many bytes. */
function itemOf(s: number, bytes: number): Item {
  return { ...keyOf(s), f: { S: 'f'.repeat(bytes - keyBytes - 1) } };
}

function put(Item: Item, more: object = {}): Promise<{ ItemCollectionMetrics?: object }> {
  return store.call('PutItem', { TableName, Item, ...more });
}

function remove(s: number, more: object = {}): Promise<object> {
  return store.call('DeleteItem', { TableName, Key: keyOf(s), ...more });
}

function update(s: number, UpdateExpression: string, values?: object): Promise<object> {
  const ExpressionAttributeValues = values;
  const input = { TableName, Key: keyOf(s), UpdateExpression };
  return store.call('UpdateItem', values === undefined ? input : { ...input, ExpressionAttributeValues });
}

async function count(): Promise<number> {
  const { Count } = await store.call<{ Count: number }>('Scan', { TableName, Select: 'COUNT' });
  return Count;
}

/** Closes the engine. */
async function problems(): Promise<readonly string[]> {
  await store.engine.close();
  return (await checkDataDirectory(store.directory)).problems;
}

/** Closes the engine, changes LMDB. */
async function changeStore(change: (state: Store) => Promise<void> | void): Promise<void> {
  await store.engine.close();
  const state = Store.open(join(store.directory, 'state'), { readOnly: false });
  await change(state);
  await state.close();
}

function rows(state: Store): [StateKey, ItemJson][] {
  return storedItems(state, tablePrefix(collections), tablePrefix(collections + 1));
}

/** Notes another size of the only collection that there is. */
function setSize(bytes: number): Promise<void> {
  return changeStore(async (state) => {
    const [[key]] = rows(state) as [[StateKey, ItemJson]];
    const entry = collectionRow({ number: collections, partition: '' }, bytes)?.entry;
    await state.apply([[key, entry ?? { item: undefined }]], new Map());
  });
}

const tooLarge = { code: 'ItemCollectionSizeLimitExceededException', message: 'Collection size exceeded' };

describe('the size of a collection', () => {
  test('is that of its items and of what local indexes project of them', async () => {
    await put({ ...keyOf(1), a: { S: 'aaa' }, n: { N: '7' }, x: { S: 'x' }, f: { S: 'f'.repeat(100) } });
    await changeStore((state) => {
      const [[, row]] = rows(state) as [[StateKey, ItemJson]];
      const item = keyBytes + 4 + 3 + 2 + 101;
      const entries = keyBytes + 4 + item;
      expect(row.json.toString()).toBe(String(item + entries));
    });
  });

  test('follows every way of writing, over restarts', async () => {
    const attributes = fc.record(
      { a: fc.constantFrom('a', 'bb', 'ccc'), n: fc.integer({ min: 1, max: 99 }), f: fc.nat(40) },
      { requiredKeys: [] },
    );
    const write = fc.record({
      kind: fc.constantFrom('put', 'update', 'delete'),
      p: fc.constantFrom('p', 'q', '\u00e9'),
      s: fc.integer({ min: 1, max: 4 }),
      attributes,
    });
    const calls = fc.array(
      fc.record({
        by: fc.constantFrom('single', 'batch', 'transaction', 'reopen'),
        writes: fc.array(write, { minLength: 1, maxLength: 6 }),
      }),
      { minLength: 5, maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(calls, async (sequence) => {
        for (const { by, writes } of sequence) {
          if (by === 'reopen') await store.reopen();
          else
            await Promise.all(
              requests(by, writes.map(actionOf)).map(([name, input]) => store.call(name, input)),
            );
        }
        expect(await problems()).toEqual([]);
        await store.reopen();
      }),
      { numRuns: 15 },
    );
  });

  test('is right again when LMDB was partly ahead of where replay begins', async () => {
    for (let s = 1; s <= 5; s++) await put(itemOf(s, 50));
    await put({ ...keyOf(1, 'q'), f: { S: 'f' } });
    const meta = new Map<string, string | undefined>();
    let behind: readonly [StateKey, { item: ItemJson }][] = [];
    await changeStore((state) => {
      for (const row of ['position', `table:${tableNumber}`]) meta.set(row, state.meta(row));
      behind = rows(state)
        .filter(([key]) => key.endsWith('q'))
        .map(([key, item]) => [key, { item }]);
    });
    await store.reopen();
    await put(itemOf(1, 80));
    await remove(2);
    for (let s = 3; s <= 5; s++) await put({ ...itemOf(s, 20), a: { S: 'a' } });
    await put({ ...keyOf(1, 'q'), f: { S: 'longer' } });
    await put(keyOf(2, 'q'));
    await changeStore((state) => state.apply(behind, meta));
    expect((await checkDataDirectory(store.directory)).problems).toEqual([]);
    await store.reopen();
    for (const s of [1, 3, 4, 5]) await remove(s);
    expect(await problems()).toEqual([]);
    await changeStore((state) => expect(rows(state)).toHaveLength(1));
  });

  test('shrinks when TTL removes items', async () => {
    await store.engine.close();
    store = await open({ dataDirectory: store.directory, ttlSweepMs: 1 });
    const TimeToLiveSpecification = { AttributeName: 'ttl', Enabled: true };
    await store.call('UpdateTimeToLive', { TableName, TimeToLiveSpecification });
    await put({ ...itemOf(1, 30), ttl: { N: String(Math.floor(Date.now() / 1000) - 10) } });
    await put(itemOf(2, 30));
    while ((await count()) > 1) await new Promise((resolve) => setImmediate(resolve));
    expect(await problems()).toEqual([]);
  });

  test('is not touched by a write of a batch that is throttled', async () => {
    const slow = 'Slow';
    await store.call('CreateTable', {
      ...createTableInput(slow, [all]),
      BillingMode: 'PROVISIONED',
      ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 1 },
    });
    const Requests = Array.from({ length: 25 }, (_, i) => ({
      PutRequest: { Item: { ...itemOf(i + 1, 20_000), n: { N: '1' } } },
    }));
    const { UnprocessedItems } = await store.call<{ UnprocessedItems: Record<string, object[]> }>(
      'BatchWriteItem',
      { RequestItems: { [slow]: Requests } },
    );
    expect(UnprocessedItems[slow]?.length).toBeGreaterThan(5);
    expect(UnprocessedItems[slow]?.length).toBeLessThan(25);
    expect(await problems()).toEqual([]);
  });

  test('goes with the table, and nothing of it stays', async () => {
    await limit(1000);
    await store.createTable('Other');
    for (let s = 1; s < 5; s++) await put(itemOf(s, 50));
    await store.call('DeleteTable', { TableName });
    await store.untilStatus(TableName, undefined);
    await expect(put(itemOf(1, 50))).rejects.toMatchObject({ code: 'ResourceNotFoundException' });
    await store.call('CreateTable', createTableInput(TableName, [keysOnly]));
    await put(itemOf(1, 990));
    expect(await problems()).toEqual([]);
  });
});

type Action = { Put: object } | { Update: object } | { Delete: object };

function actionOf(write: {
  readonly kind: string;
  readonly p: string;
  readonly s: number;
  readonly attributes: { readonly a?: string; readonly n?: number; readonly f?: number };
}): Action & { id: string } {
  const { a, n, f } = write.attributes;
  const Key = keyOf(write.s, write.p);
  const id = JSON.stringify(Key);
  const attributes = {
    ...(a !== undefined && { a: { S: a } }),
    ...(n !== undefined && { n: { N: String(n) } }),
    ...(f !== undefined && { f: { S: 'f'.repeat(f) } }),
  };
  if (write.kind === 'put') return { id, Put: { TableName, Item: { ...Key, ...attributes } } };
  if (write.kind === 'delete') return { id, Delete: { TableName, Key } };
  const names = Object.keys(attributes);
  const UpdateExpression =
    names.length === 0 ? 'REMOVE a, f' : `SET ${names.map((name) => `${name} = :${name}`).join(', ')}`;
  const values = Object.entries(attributes).map(([name, value]) => [`:${name}`, value]);
  const ExpressionAttributeValues = Object.fromEntries(values);
  return {
    id,
    Update: { TableName, Key, UpdateExpression, ...(names.length > 0 && { ExpressionAttributeValues }) },
  };
}

/** A batch or a transaction takes one action for each item. */
function requests(by: string, actions: readonly (Action & { id: string })[]): [string, object][] {
  const distinct = [...new Map(actions.map(({ id, ...action }) => [id, action])).values()];
  if (by === 'transaction') return [['TransactWriteItems', { TransactItems: distinct }]];
  const batched = distinct.flatMap((action): object[] => {
    if ('Put' in action) return [{ PutRequest: { Item: (action.Put as { Item: object }).Item } }];
    return 'Delete' in action ? [{ DeleteRequest: { Key: (action.Delete as { Key: object }).Key } }] : [];
  });
  if (by === 'batch' && batched.length > 0)
    return [['BatchWriteItem', { RequestItems: { [TableName]: batched } }]];
  return actions.map(({ id, ...action }) => {
    const [[kind, input]] = Object.entries(action) as [[string, object]];
    return [`${kind}Item`, input];
  });
}

describe('a collection at its limit', () => {
  beforeEach(() => limit(1000));

  test('takes what just fits, and not a byte more', async () => {
    await put(itemOf(1, 500));
    await expect(put(itemOf(2, 501))).rejects.toMatchObject(tooLarge);
    await put(itemOf(2, 500));
    await expect(put({ ...keyOf(3), f: { S: '' } })).rejects.toMatchObject(tooLarge);
    await put({ p: { S: 'another' }, s: { N: '1' } });
    expect(await count()).toBe(3);
  });

  test('counts what local indexes project, and not what global ones do', async () => {
    await put({ ...itemOf(1, 400), x: { S: 'x' } });
    await put({ ...itemOf(2, 400), x: { S: 'x' } });
    await expect(update(2, 'SET n = :n', { ':n': { N: '1' } })).rejects.toMatchObject(tooLarge);
    await update(1, 'REMOVE f');
    await update(2, 'SET n = :n', { ':n': { N: '1' } });
  });

  test('goes on with what does not make it larger', async () => {
    for (const s of [1, 2, 3]) await put(itemOf(s, 300));
    await limit(400);
    await expect(update(1, 'SET g = :g', { ':g': { S: '' } })).rejects.toMatchObject(tooLarge);
    await put({ ...keyOf(1), f: { S: 'g'.repeat(300 - keyBytes - 1) } });
    await update(1, 'SET f = :f', { ':f': { S: 'f' } });
    for (const s of [2, 3, 4]) await remove(s);
    await put(itemOf(2, 390));
    expect(await problems()).toEqual([]);
  });

  test('sees every write before it, durable or not', async () => {
    const puts = Array.from({ length: 30 }, (_, i) => put(itemOf(i + 1, 100)));
    const outcomes = await Promise.allSettled(puts);
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(20);
    for (const outcome of refused) expect(outcome).toMatchObject({ reason: tooLarge });
    expect(await count()).toBe(10);
  });

  test('refuses a batch whole', async () => {
    const Requests = [1, 2, 3].map((s) => ({ PutRequest: { Item: itemOf(s, 400) } }));
    const batch = { RequestItems: { [TableName]: Requests } };
    await expect(store.call('BatchWriteItem', batch)).rejects.toMatchObject(tooLarge);
    expect(await count()).toBe(0);
    await store.call('BatchWriteItem', { RequestItems: { [TableName]: Requests.slice(1) } });
    expect(await problems()).toEqual([]);
  });

  test('cancels a transaction, with the reason at the action that is too much', async () => {
    const puts = [1, 2, 3].map((s) => ({ Put: { TableName, Item: itemOf(s, 400) } }));
    await expect(store.call('TransactWriteItems', { TransactItems: puts })).rejects.toMatchObject({
      code: 'TransactionCanceledException',
      members: {
        CancellationReasons: [
          { Code: 'None' },
          { Code: 'None' },
          { Code: 'ItemCollectionSizeLimitExceeded', Message: 'Collection size exceeded' },
        ],
      },
    });
    expect(await count()).toBe(0);
    await store.call('TransactWriteItems', { TransactItems: puts.slice(1) });
    const exchange = [{ Delete: { TableName, Key: keyOf(2) } }, puts[0]];
    await store.call('TransactWriteItems', { TransactItems: exchange });
    expect(await problems()).toEqual([]);
  });

  test('comes after the condition of a write', async () => {
    await put(itemOf(1, 900));
    const guarded = put(itemOf(2, 900), { ConditionExpression: 'attribute_exists(p)' });
    await expect(guarded).rejects.toMatchObject({ code: 'ConditionalCheckFailedException' });
  });

  test('is for tables with local indexes', async () => {
    await store.createTable('Plain', 'N');
    await store.call('PutItem', { TableName: 'Plain', Item: itemOf(1, 5000) });
  });
});

describe('metrics', () => {
  const sized = { ReturnItemCollectionMetrics: 'SIZE' };

  test.each([
    [gigabyte - 100, [0, 1]],
    [gigabyte, [1, 2]],
    [5.5 * gigabyte, [5, 6]],
    [10 * gigabyte - 1000, [9, 10]],
  ])('of a collection with %d bytes name the gigabytes around it', async (bytes, range) => {
    await put(itemOf(1, 10));
    await setSize(bytes);
    await store.reopen();
    const { ItemCollectionMetrics } = await put(itemOf(1, 11), sized);
    expect(ItemCollectionMetrics).toEqual({
      ItemCollectionKey: { p: { S: 'p' } },
      SizeEstimateRangeGB: range,
    });
  });

  test('show what the write leaves; the limit is 10 GB', async () => {
    await put(itemOf(1, 10));
    await setSize(10 * gigabyte);
    await store.reopen();
    await expect(put(itemOf(1, 11), sized)).rejects.toMatchObject(tooLarge);
    const removed = await remove(1, sized);
    expect(removed).toMatchObject({ ItemCollectionMetrics: { SizeEstimateRangeGB: [9, 10] } });
  });
});

describe('the check of a data folder', () => {
  test('finds a size that is wrong', async () => {
    await put(itemOf(1, 100));
    await setSize(99);
    const [problem, ...others] = (await checkDataDirectory(store.directory)).problems;
    expect(problem).toMatch(/table Things: noted are 99 bytes of the item collection [0-9a-f]+, found 100/);
    expect(others).toEqual([]);
  });

  test('finds a size that is missing', async () => {
    await put(itemOf(1, 100));
    await setSize(0);
    const [problem] = (await checkDataDirectory(store.directory)).problems;
    expect(problem).toMatch(/noted are 0 bytes of the item collection [0-9a-f]+, found 100/);
  });

  test('finds a size of items that are not there', async () => {
    await put(itemOf(1, 100));
    await changeStore((state) => {
      const row = collectionRow({ number: collections, partition: '\0\x01q' }, 7);
      return row && state.apply([[row.key, row.entry]], new Map());
    });
    expect((await checkDataDirectory(store.directory)).problems).toEqual([
      'table Things: sizes of 2 item collections are noted, found 1 of them',
    ]);
  });
});
