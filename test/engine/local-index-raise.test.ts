import { hash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkDataDirectory } from '../../engine/check.ts';
import { FoundItem } from '../../engine/state/found-item.ts';
import { itemKeyOf } from '../../engine/state/index-layout.ts';
import { canonicalKeyOf, type StateKey, tablePrefix } from '../../engine/state/layout.ts';
import type { OverlayEntry } from '../../engine/state/overlay.ts';
import { Store } from '../../engine/state/store.ts';
import { splitKey } from '../../protocol/key.ts';
import type { ItemJson } from '../../protocol/reply.ts';
import { TestEngine } from './engine-harness.ts';
import { storedItems } from './stored-items.ts';

/* Folders of older formats, made of newer ones: entries of local indexes lie there where a digest has put them. */

const TableName = 'Things';
const sortKeys = ['', '\0', '\0\xff', 'a', 'a\0', 'aa', 'b', 'é', '\u{1f600}', 'z'.repeat(500)].map(
  (text) => `s${text}`,
);
const inOrder = sortKeys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
const localNumbers = [2, 3];

let folder: TestEngine;

beforeEach(async () => {
  folder = await TestEngine.open();
  await folder.call('CreateTable', createTableInput());
  for (const p of ['one', 'two']) {
    for (const s of sortKeys) await put(p, s);
  }
  await folder.engine.close();
});

afterEach(() => folder.remove());

function createTableInput(): object {
  const local = (IndexName: string, Projection: object) => ({
    IndexName,
    KeySchema: keySchema('p', 'a'),
    Projection,
  });
  return {
    TableName,
    KeySchema: keySchema('p', 's'),
    AttributeDefinitions: ['p', 's', 'a'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    BillingMode: 'PAY_PER_REQUEST',
    LocalSecondaryIndexes: [
      local('whole', { ProjectionType: 'ALL' }),
      local('lean', { ProjectionType: 'INCLUDE', NonKeyAttributes: ['other'] }),
    ],
    GlobalSecondaryIndexes: [
      { IndexName: 'global', KeySchema: keySchema('a', 'p'), Projection: { ProjectionType: 'KEYS_ONLY' } },
    ],
  };
}

function keySchema(hashName: string, rangeName: string): object[] {
  return [
    { AttributeName: hashName, KeyType: 'HASH' },
    { AttributeName: rangeName, KeyType: 'RANGE' },
  ];
}

function put(p: string, s: string, a = 'same'): Promise<unknown> {
  const Item = { other: { S: 'o' }, a: { S: a }, p: { S: p }, s: { S: s } };
  return folder.call('PutItem', { TableName, Item });
}

type Entry = readonly [key: StateKey, entry: OverlayEntry];

/** The digest of the item's state key stands where its sort key does. */
function olderKey(key: StateKey, entry: ItemJson): StateKey {
  const item = itemKeyOf(FoundItem.inMemory(key, entry));
  const { sort } = splitKey(canonicalKeyOf(item));
  expect(key.endsWith(sort)).toBe(true);
  const digest = hash('sha256', Buffer.from(item, 'latin1'), 'buffer').toString('latin1', 0, 16);
  return key.slice(0, key.length - sort.length) + digest;
}

/** Where a raise that was ended has left an entry. */
type Place = 'old' | 'both' | 'new';

async function withStore(change: (store: Store) => Promise<void>): Promise<void> {
  const store = Store.open(join(folder.directory, 'state'), { readOnly: false });
  await change(store);
  await store.close();
}

/** @param placeOf where the entry of this number is to lie. */
async function lowerFormat(mark: object, placeOf: (i: number) => Place): Promise<void> {
  await withStore(async (store) => {
    const entries = localNumbers.flatMap((number) =>
      storedItems(store, tablePrefix(number), tablePrefix(number + 1)),
    );
    expect(entries).toHaveLength(localNumbers.length * 2 * sortKeys.length);
    await store.apply(
      entries.flatMap(([key, item], i) => moves(key, item, placeOf(i))),
      new Map(),
    );
  });
  writeFileSync(markPath(), JSON.stringify({ slipstream: 'data', ...mark }));
}

function moves(key: StateKey, item: ItemJson, place: Place): Entry[] {
  const add: Entry = [olderKey(key, item), { item }];
  const remove: Entry = [key, { item: undefined }];
  return [...(place === 'new' ? [] : [add]), ...(place === 'old' ? [remove] : [])];
}

const markPath = () => join(folder.directory, 'format.json');
const raisedMark = '{"slipstream":"data","version":5}\n';

async function sorted(IndexName: string, ScanIndexForward: boolean, p = 'one'): Promise<string[]> {
  const { Items } = await folder.call<{ Items: { s: { S: string } }[] }>('Query', {
    TableName,
    IndexName,
    KeyConditionExpression: 'p = :p',
    ExpressionAttributeValues: { ':p': { S: p } },
    ScanIndexForward,
  });
  return Items.map(({ s }) => s.S);
}

async function expectRaised(): Promise<void> {
  expect(readFileSync(markPath(), 'utf8')).toBe(raisedMark);
  for (const index of ['whole', 'lean']) {
    expect(await sorted(index, true)).toEqual(inOrder);
    expect(await sorted(index, false, 'two')).toEqual(inOrder.toReversed());
  }
}

async function expectSound(): Promise<void> {
  await folder.engine.close();
  expect((await checkDataDirectory(folder.directory)).problems).toEqual([]);
}

describe('local indexes of an older data folder', () => {
  test.each([1, 2, 3])('of format %i are put into their order when an engine opens it', async (version) => {
    await lowerFormat({ version }, () => 'old');
    await folder.reopen();
    await expectRaised();
    await put('one', 'new');
    await put('one', 's', 'moved');
    const expected = ['s', 'new', ...inOrder.filter((one) => one !== 's')];
    expect([await sorted('whole', true), await sorted('lean', true)]).toEqual([expected, expected]);
    await expectSound();
  });

  test('are finished by the next engine, wherever the last one was killed', async () => {
    const place = fc.constantFrom<Place>('old', 'both', 'new');
    const places = fc.array(place, { minLength: 40, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(places, async (each) => {
        await lowerFormat({ version: 4, raising: true }, (i) => each[i] as Place);
        await folder.reopen();
        await expectRaised();
        await expectSound();
      }),
      { numRuns: 8 },
    );
  });

  test('are known from the log where LMDB has their entries and not yet their definition', async () => {
    await lowerFormat({ version: 2 }, () => 'old');
    await withStore((store) =>
      store.apply(
        [],
        new Map([
          ['position', undefined],
          ['table:1', undefined],
        ]),
      ),
    );
    await folder.reopen();
    await expectRaised();
    await expectSound();
  });

  test('keep a damaged entry where it is, and the others are served', async () => {
    await lowerFormat({ version: 2 }, () => 'old');
    const path = join(folder.directory, 'state', 'data.mdb');
    const bytes = readFileSync(path, 'latin1');
    // Only entries have keys first.
    const entry = '"p":{"S":"two"},"s":{"S":"sa"},"a":{"S":"same"},"other":{"S":"o"}}';
    expect(bytes).toContain(entry);
    writeFileSync(path, bytes.replaceAll(entry, entry.replace('"o"}', '"O"}')), 'latin1');
    await folder.reopen();
    await expect(sorted('lean', true, 'two')).rejects.toThrow(/damaged/);
    expect(await sorted('lean', true)).toEqual(inOrder);
    expect(await sorted('whole', true, 'two')).toEqual(inOrder);
  });

  test('are not checked before they are raised', async () => {
    await lowerFormat({ version: 2 }, () => 'old');
    const check = () => checkDataDirectory(folder.directory);
    await expect(check()).rejects.toThrow(
      `${markPath()}: the data folder has format 2 and is to be raised to format 5. Open it with an engine once`,
    );
    writeFileSync(markPath(), '{"slipstream":"data","version":4,"raising":true}');
    await expect(check()).rejects.toThrow('the data folder is only half raised to format 5.');
  });
});
