import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkDataDirectory } from '../../engine/check.ts';
import { FoundItem } from '../../engine/state/found-item.ts';
import { indexEntry, itemKeyOf } from '../../engine/state/index-layout.ts';
import { type StateKey, tablePrefix } from '../../engine/state/layout.ts';
import { Store } from '../../engine/state/store.ts';
import { ItemJson } from '../../protocol/reply.ts';
import { TestEngine } from './engine-harness.ts';
import { createTableInput, type IndexShape } from './index-model.ts';
import { storedItems } from './stored-items.ts';

/* Entries of an index are changed in LMDB, checksums and all; the check holds them against the items. */

const index: IndexShape = { name: 'late', kind: 'GLOBAL', hash: ['x'], range: ['a'], projection: 'ALL' };
const lean: IndexShape = { ...index, name: 'lean', projection: ['other'] };

let folder: TestEngine;

beforeEach(async () => {
  folder = await TestEngine.open();
  await folder.call('CreateTable', createTableInput('Things', [index, lean]));
  for (let i = 0; i < 5; i++) {
    const Item = { p: { S: 'p' }, s: { N: String(i) }, x: { S: 'x' }, a: { S: `a${i}` }, other: { S: 'o' } };
    await folder.call('PutItem', { TableName: 'Things', Item });
  }
  await folder.engine.close();
});

afterEach(() => folder.remove());

type Entry = readonly [key: StateKey, value: ItemJson | undefined];

/** @param change what to write, of the entries that are there. */
async function change(
  make: (entries: readonly (readonly [StateKey, ItemJson])[]) => Entry[],
  number = 2,
): Promise<void> {
  const store = Store.open(join(folder.directory, 'state'), { readOnly: false });
  const entries = storedItems(store, tablePrefix(number), tablePrefix(number + 1));
  expect(entries).toHaveLength(5);
  await store.apply(
    make(entries).map(([key, item]) => [key, { item }] as const),
    new Map(),
  );
  await store.close();
}

function itemKeyIn(key: StateKey, entry: ItemJson): StateKey {
  return itemKeyOf(FoundItem.inMemory(key, entry));
}

/** As folders of format 1 have them. */
function withoutProjection([key, entry]: readonly [StateKey, ItemJson]): Entry {
  return [key, indexEntry(itemKeyIn(key, entry), entry.size, undefined)];
}

async function problems(): Promise<string> {
  return (await checkDataDirectory(folder.directory)).problems.join('\n');
}

describe('the check of a data folder', () => {
  test('finds nothing wrong with an index as it was written', async () => {
    expect(await problems()).toBe('');
  });

  test('finds an entry that is missing', async () => {
    await change(([first]) => [[first?.[0] as StateKey, undefined]]);
    expect(await problems()).toMatch(/index late of table Things lacks the item [0-9a-f]+/);
    expect(await problems()).toMatch(/noted are 5 items and \d+ bytes, found 4 and \d+/);
  });

  test('finds an entry too many', async () => {
    await change(([first]) => [[`${first?.[0]}\0`, first?.[1]]]);
    expect(await problems()).toMatch(/index late of table Things: the entry [0-9a-f]+ belongs at [0-9a-f]+/);
  });

  test('finds an entry of an item that is not there', async () => {
    await change(([first]) => [
      [first?.[0] as StateKey, indexEntry(`${tablePrefix(1)}nowhere`, 10, undefined)],
    ]);
    expect(await problems()).toMatch(/the entry [0-9a-f]+ names an item that is not there/);
  });

  test('finds an entry that names an item of another number', async () => {
    await change(([first]) => [[first?.[0] as StateKey, indexEntry(first?.[0] as StateKey, 10, undefined)]]);
    expect(await problems()).toMatch(/the entry [0-9a-f]+ names an item that is not there/);
  });

  test('finds a wrong size', async () => {
    await change(([first]) => {
      const [key, entry] = first as [StateKey, ItemJson];
      return [[key, indexEntry(itemKeyIn(key, entry), entry.size + 1, undefined)]];
    });
    expect(await problems()).toMatch(/the entry [0-9a-f]+ has size \d+ instead of \d+/);
  });

  test('finds what belongs to no table or index', async () => {
    await change(([first]) => [[`${tablePrefix(77)}something`, first?.[1]]]);
    expect(await problems()).toBe('items lie under the number 77, which no table or index has');
  });

  test('finds an entry that has other values than its item', async () => {
    await change(([first]) => {
      const [key, entry] = first as [StateKey, ItemJson];
      const text = entry.json.toString('latin1');
      expect(text).toContain('"other":{"S":"o"}');
      return [[key, new ItemJson(Buffer.from(text.replace('"S":"o"', '"S":"p"'), 'latin1'), entry.size)]];
    }, 3);
    expect(await problems()).toMatch(
      /index lean of table Things: the entry [0-9a-f]+ has other values than its item/,
    );
  });

  test('finds nothing wrong with entries that only name their items', async () => {
    await change((entries) => entries.map(withoutProjection), 3);
    expect(await problems()).toBe('');
  });
});

describe('a data folder of format 1', () => {
  const mark = () => readFileSync(join(folder.directory, 'format.json'), 'utf8');
  const query = (IndexName: string) =>
    folder.call('Query', {
      TableName: 'Things',
      IndexName,
      KeyConditionExpression: 'x = :x',
      ExpressionAttributeValues: { ':x': { S: 'x' } },
      Limit: 3,
    });

  test('answers as before from entries that only name their items, and is marked as of the newest format', async () => {
    await folder.reopen();
    const [leanPage, wholePage] = [await query('lean'), await query('late')];
    expect(mark()).toBe('{"slipstream":"data","version":5}\n');
    await folder.engine.close();
    await change((entries) => entries.map(withoutProjection), 3);
    writeFileSync(join(folder.directory, 'format.json'), '{"slipstream":"data","version":1}');
    await folder.reopen();
    expect(mark()).toBe('{"slipstream":"data","version":5}\n');
    expect([await query('lean'), await query('late')]).toEqual([leanPage, wholePage]);
    const Item = { p: { S: 'p' }, s: { N: '1' }, x: { S: 'x' }, a: { S: 'a1' }, other: { S: 'new' } };
    await folder.call('PutItem', { TableName: 'Things', Item });
    expect((await query('lean')).Items).toContainEqual(Item);
    await folder.engine.close();
    expect(await problems()).toBe('');
  });
});
