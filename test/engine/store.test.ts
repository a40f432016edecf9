import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { stateKeyBytesMax, tablePrefix } from '../../engine/state/layout.ts';
import type { OverlayEntry } from '../../engine/state/overlay.ts';
import { Store } from '../../engine/state/store.ts';
import { ItemJson } from '../../protocol/reply.ts';
import { storedItems } from './stored-items.ts';

let directory: string;
let store: Store;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'slipstream-store-'));
  store = Store.open(directory, { readOnly: false });
});

afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

describe('the store', () => {
  test('takes keys of every length, with every byte, and ranges between them', async () => {
    const keys = [1, 10, 300, 1978, stateKeyBytesMax - 1, stateKeyBytesMax].flatMap((length) => [
      keyOf(length, 0),
      keyOf(length, 0x80),
      keyOf(length, 0xff),
    ]);
    await put(keys.map((key, i) => [key, `item ${i}`]));
    keys.forEach((key, i) => {
      expect(textOf(store.find(key)?.take())).toBe(`item ${i}`);
    });
    const sorted = [...keys].sort();
    // Bounds are kept in a buffer that many long ones fill.
    for (let from = 0; from < sorted.length; from++) {
      for (let to = from; to < sorted.length; to++) {
        const [start = '', end = ''] = [sorted[from], sorted[to]];
        expect(keysOf(start, end, false)).toEqual(sorted.slice(from, to));
        expect(keysOf(start, end, true)).toEqual(sorted.slice(from, to).reverse());
      }
    }
  });

  test('gives items that later reads leave alone', async () => {
    const texts = ['small', 'x'.repeat(400_000), 'y'.repeat(4_000), 'z'.repeat(1_000_000), ''];
    await put(texts.map((text, i) => [keyOf(20, i), text]));
    const read = texts.map((_, i) => store.find(keyOf(20, i))?.take());
    const ranged = storedItems(store, tablePrefix(0), tablePrefix(0x7fffffff), false).map(([, item]) => item);
    expect(read.map(textOf)).toEqual(texts);
    expect(ranged.map(textOf)).toEqual(texts);
  });

  test('has all of many entries, and what they replace and remove, when it says so', async () => {
    const count = 20_000;
    const keys = Array.from({ length: count }, (_, i) => tablePrefix(i));
    await put(keys.map((key) => [key, 'first']));
    expect(store.keys('', '\xff', count + 1)).toEqual(keys);
    await apply(keys.map((key, i) => [key, i % 2 === 0 ? itemOf(`second ${i}`) : undefined]));
    const items = storedItems(store, '', '\xff', false);
    expect(items).toHaveLength(count / 2);
    items.forEach(([key, item], i) => {
      expect([key, textOf(item)]).toEqual([keys[2 * i], `second ${2 * i}`]);
    });
  });
});

/** Bytes of all values in the middle, so that keys differ early and late. */
function keyOf(length: number, last: number): string {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 7) & 0xff;
  bytes[length - 1] = last;
  return bytes.toString('latin1');
}

function put(entries: readonly (readonly [string, string])[]): Promise<void> {
  return apply(entries.map(([key, text]) => [key, itemOf(text)]));
}

async function apply(entries: readonly (readonly [string, ItemJson | undefined])[]): Promise<void> {
  const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
  await store.apply(
    sorted.map(([key, item]) => [key, { item } satisfies OverlayEntry]),
    new Map(),
  );
  store.refresh();
}

function keysOf(start: string, end: string, reverse: boolean): string[] {
  return storedItems(store, start, end, reverse).map(([key]) => key);
}

function itemOf(text: string): ItemJson {
  return new ItemJson(Buffer.from(text), text.length);
}

function textOf(item: ItemJson | undefined): string | undefined {
  return item?.json.toString();
}
