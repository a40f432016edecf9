import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkDataDirectory } from '../../engine/check.ts';
import { indexEntry, itemKeyOf } from '../../engine/state/index-layout.ts';
import { type StateKey, tablePrefix } from '../../engine/state/layout.ts';
import { Store } from '../../engine/state/store.ts';
import { TestEngine } from './engine-harness.ts';
import { createTableInput, type IndexShape } from './index-model.ts';

/* Entries of an index are changed in LMDB, checksums and all; the check holds them against the items. */

const index: IndexShape = { name: 'late', kind: 'GLOBAL', hash: ['x'], range: ['a'], projection: 'ALL' };

let folder: TestEngine;

beforeEach(async () => {
  folder = await TestEngine.open();
  await folder.call('CreateTable', createTableInput('Things', [index]));
  for (let i = 0; i < 5; i++) {
    const Item = { p: { S: 'p' }, s: { N: String(i) }, x: { S: 'x' }, a: { S: `a${i}` } };
    await folder.call('PutItem', { TableName: 'Things', Item });
  }
  await folder.engine.close();
});

afterEach(() => folder.remove());

type Entry = readonly [key: StateKey, value: ReturnType<typeof indexEntry> | undefined];

/** @param change what to write, of the entries that are there. */
async function change(
  make: (entries: readonly (readonly [StateKey, ReturnType<typeof indexEntry>])[]) => Entry[],
): Promise<void> {
  const store = Store.open(join(folder.directory, 'state'), { readOnly: false });
  const entries = [...store.range(tablePrefix(2), tablePrefix(3), false)];
  expect(entries).toHaveLength(5);
  await store.apply(
    make(entries).map(([key, item]) => [key, { item }] as const),
    new Map(),
  );
  await store.close();
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
    await change(([first]) => [[first?.[0] as StateKey, indexEntry(`${tablePrefix(1)}nowhere`, 10)]]);
    expect(await problems()).toMatch(/the entry [0-9a-f]+ names an item that is not there/);
  });

  test('finds an entry that names an item of another number', async () => {
    await change(([first]) => [[first?.[0] as StateKey, indexEntry(first?.[0] as StateKey, 10)]]);
    expect(await problems()).toMatch(/the entry [0-9a-f]+ names an item that is not there/);
  });

  test('finds a wrong size', async () => {
    await change(([first]) => {
      const [key, entry] = first as [StateKey, ReturnType<typeof indexEntry>];
      return [[key, indexEntry(itemKeyOf(entry), entry.size + 1)]];
    });
    expect(await problems()).toMatch(/the entry [0-9a-f]+ has size \d+ instead of \d+/);
  });

  test('finds what belongs to no table or index', async () => {
    await change(([first]) => [[`${tablePrefix(77)}something`, first?.[1]]]);
    expect(await problems()).toBe('items lie under the number 77, which no table or index has');
  });
});
