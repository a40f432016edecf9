import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkDataDirectory } from '../../engine/check.ts';
import { TestEngine } from './engine-harness.ts';
import { createIndexInput, createTableInput, type IndexShape, type Item, members } from './index-model.ts';

/* Indexes that are created on a table which has items, and is written to meanwhile. */

const index: IndexShape = { name: 'late', kind: 'GLOBAL', hash: ['x'], range: ['a'], projection: 'ALL' };

let store: TestEngine;

beforeEach(async () => {
  store = await TestEngine.open();
  await store.call('CreateTable', createTableInput('Old', []));
});

afterEach(async () => {
  await store.engine.close();
  expect((await checkDataDirectory(store.directory)).problems).toEqual([]);
  await store.remove();
});

function itemOf(i: number, x = `x${i % 3}`): Item {
  return { p: { S: `p${i % 50}` }, s: { N: String(i) }, x: { S: x }, a: { S: `a${i % 11}` } };
}

async function put(items: readonly Item[]): Promise<void> {
  await Promise.all(items.map((Item) => store.call('PutItem', { TableName: 'Old', Item })));
}

interface IndexDescription {
  readonly IndexName: string;
  readonly IndexStatus: string;
  readonly Backfilling?: boolean;
  readonly ItemCount: number;
  readonly IndexSizeBytes: number;
}

async function describeIndex(name = 'late'): Promise<IndexDescription | undefined> {
  const { Table } = await store.call<{ Table: { GlobalSecondaryIndexes?: IndexDescription[] } }>(
    'DescribeTable',
    { TableName: 'Old' },
  );
  return Table.GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === name);
}

async function untilActive(name = 'late'): Promise<IndexDescription> {
  for (;;) {
    const described = await describeIndex(name);
    if (described?.IndexStatus === 'ACTIVE') return described;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function scanned(IndexName?: string): Promise<string[]> {
  const found: string[] = [];
  let ExclusiveStartKey: Item | undefined;
  do {
    const page = await store.call<{ Items: Item[]; LastEvaluatedKey?: Item }>('Scan', {
      TableName: 'Old',
      ...(IndexName !== undefined && { IndexName }),
      ...(ExclusiveStartKey !== undefined && { ExclusiveStartKey }),
    });
    found.push(...page.Items.map(({ s, x }) => `${s && 'N' in s ? s.N : ''} ${x && 'S' in x ? x.S : ''}`));
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
  return found.sort();
}

describe('an index that is created on a table with items', () => {
  test('has them all when it is ACTIVE, as they are by then, whatever is written meanwhile', async () => {
    const items = Array.from({ length: 3000 }, (_, i) => itemOf(i));
    await put(items);
    await store.call('UpdateTable', createIndexInput('Old', index));
    expect(await describeIndex()).toMatchObject({ IndexStatus: 'CREATING', Backfilling: true });
    for (let i = 0; i < 900; i += 3) {
      const { p, s } = itemOf(i);
      await Promise.all([
        store.call('PutItem', { TableName: 'Old', Item: itemOf(i, 'moved') }),
        store.call('DeleteItem', { TableName: 'Old', Key: { p: itemOf(i + 1).p, s: itemOf(i + 1).s } }),
        store.call('PutItem', { TableName: 'Old', Item: itemOf(i + 5000, 'new') }),
        store.call('UpdateItem', { TableName: 'Old', Key: { p, s }, UpdateExpression: 'REMOVE nothing' }),
      ]);
    }
    const { ItemCount } = await untilActive();
    const all = await scanned();
    expect(all).toHaveLength(3000);
    expect(await scanned('late')).toEqual(all);
    expect(ItemCount).toBe(all.length);
  });

  test('cannot be read before it is ACTIVE, and keeps a second one from being created', async () => {
    await put(Array.from({ length: 2000 }, (_, i) => itemOf(i)));
    await store.call('UpdateTable', createIndexInput('Old', index));
    await expect(store.call('Scan', { TableName: 'Old', IndexName: 'late' })).rejects.toThrow(
      'Cannot read from backfilling global secondary index: late',
    );
    await expect(
      store.call('UpdateTable', createIndexInput('Old', { ...index, name: 'later' })),
    ).rejects.toMatchObject({ code: 'LimitExceededException' });
    await untilActive();
  });

  test('leaves out older items whose keys are of the wrong type, empty or too long', async () => {
    const sound = [itemOf(1), itemOf(2)];
    await put(sound);
    const { x: _, ...sparse } = itemOf(3);
    const others = [
      sparse,
      { ...itemOf(4), x: { N: '4' } },
      { ...itemOf(5), a: { S: '' } },
      { ...itemOf(6), a: { S: 'a'.repeat(1025) } },
      { ...itemOf(7), x: { S: 'x'.repeat(2049) } },
      { ...itemOf(8), a: { S: '\0'.repeat(100_000) } },
    ];
    await put(others);
    await store.call('UpdateTable', createIndexInput('Old', index));
    const { ItemCount } = await untilActive();
    expect(ItemCount).toBe(2);
    expect(members(index, sound)).toHaveLength(2);
    expect(await scanned('late')).toEqual(['1 x1', '2 x2']);
    await store.reopen();
    expect(await scanned('late')).toEqual(['1 x1', '2 x2']);
    // Such an item can still be deleted, and put right.
    for (const { p, s } of others.slice(0, 3))
      await store.call('DeleteItem', { TableName: 'Old', Key: { p, s } });
    await put([3, 4, 5, 6, 7, 8].map((i) => itemOf(i)));
    expect(await scanned('late')).toHaveLength(8);
  });

  test('goes on after a restart in the middle', async () => {
    await put(Array.from({ length: 3000 }, (_, i) => itemOf(i)));
    await store.call('UpdateTable', createIndexInput('Old', index));
    await store.reopen();
    expect(await describeIndex()).toMatchObject({ IndexStatus: 'CREATING', Backfilling: true });
    await put(Array.from({ length: 500 }, (_, i) => itemOf(i * 2, 'moved')));
    await store.reopen();
    const { ItemCount } = await untilActive();
    expect(ItemCount).toBe(3000);
    expect(await scanned('late')).toEqual(await scanned());
  });

  test('can be deleted in the middle, and created again', async () => {
    await put(Array.from({ length: 3000 }, (_, i) => itemOf(i)));
    for (let round = 0; round < 5; round++) {
      await store.call('UpdateTable', createIndexInput('Old', index));
      for (let turn = 0; turn < round * 3; turn++) await new Promise((resolve) => setImmediate(resolve));
      await store.call('UpdateTable', {
        TableName: 'Old',
        GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'late' } }],
      });
      expect(await describeIndex()).toBeUndefined();
      await put([itemOf(round, 'moved')]);
    }
    await store.call('UpdateTable', createIndexInput('Old', index));
    expect((await untilActive()).ItemCount).toBe(3000);
  });

  test('can be of any size beside one that was there before', async () => {
    const early: IndexShape = {
      name: 'early',
      kind: 'GLOBAL',
      hash: ['a'],
      range: [],
      projection: 'KEYS_ONLY',
    };
    await store.call('UpdateTable', createIndexInput('Old', early));
    await untilActive('early');
    await put(Array.from({ length: 300 }, (_, i) => itemOf(i)));
    await store.call('UpdateTable', createIndexInput('Old', index));
    await put(Array.from({ length: 300 }, (_, i) => itemOf(i, 'moved')));
    await untilActive('late');
    expect(await scanned('late')).toEqual(await scanned());
    expect(await scanned('early')).toHaveLength(300);
  });
});

describe('a table that is deleted', () => {
  test('takes its indexes along, filled or not', async () => {
    await put(Array.from({ length: 300 }, (_, i) => itemOf(i)));
    await store.call('UpdateTable', createIndexInput('Old', index));
    await untilActive();
    await store.call('DeleteTable', { TableName: 'Old' });
    await store.call('CreateTable', createTableInput('Old', [index]));
    expect(await scanned('late')).toEqual([]);
    await put([itemOf(1)]);
    expect(await scanned('late')).toEqual(['1 x1']);
    await store.reopen();
    expect(await scanned('late')).toEqual(['1 x1']);
  });
});
