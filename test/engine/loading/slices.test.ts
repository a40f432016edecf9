import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Slice } from '../../../engine/loading/slice.ts';
import { SliceWriter } from '../../../engine/loading/slice-writer.ts';
import { tablePrefix } from '../../../engine/state/layout.ts';
import { Store } from '../../../engine/state/store.ts';
import { SliceTurns, WriteTurns } from '../../../engine/state/write-turns.ts';
import { storedItems } from '../stored-items.ts';

let directory: string;
let store: Store;
let turns: WriteTurns;
let aborter: AbortController;
let writer: SliceWriter;
let refusals: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'slipstream-slices-'));
  store = Store.open(directory, { readOnly: false });
  turns = new WriteTurns();
  aborter = new AbortController();
  const { signal } = aborter;
  refusals = [];
  const onRefused = ({ message }: Error) => void refusals.push(message);
  writer = new SliceWriter({ store, turns: new SliceTurns(turns.shared), signal, onRefused });
});

afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

async function write(slice: Slice): Promise<void> {
  await writer.write((transaction) => {
    slice.visit((key, value) => {
      if (value === undefined) transaction.remove(key);
      else transaction.put(key, value);
    });
  });
  slice.clear();
  store.refresh();
}

function stored(): [string, string][] {
  return storedItems(store, '', '\xff', false).map(([key, item]) => [key, item.json.toString()]);
}

function image(text: string) {
  return { json: Buffer.from(text), size: text.length };
}

describe('slices', () => {
  test('leave what a map would hold, whatever the order of their rows, behind other keys or between them', async () => {
    const slice = new Slice();
    const model = new Map<string, string>();
    const key = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 40 }));
    const row = fc.tuple(key, fc.option(fc.string({ maxLength: 8 }), { nil: undefined }));
    await fc.assert(
      fc.asyncProperty(fc.array(row), async (rows) => {
        for (const [[table, number], text] of rows) {
          const stateKey = tablePrefix(table) + String(number).padStart(3, '0');
          expect(slice.add(stateKey, text === undefined ? undefined : image(text))).toBe(true);
          if (text === undefined) model.delete(stateKey);
          else model.set(stateKey, text);
        }
        await write(slice);
        expect(stored()).toEqual([...model].sort(([a], [b]) => (a < b ? -1 : 1)));
      }),
      { numRuns: 40 },
    );
  });

  test('are full at some size, and take a row of any size when they are empty', async () => {
    const slice = new Slice();
    const megabyte = image('x'.repeat(1024 * 1024));
    let rows = 0;
    while (slice.add(tablePrefix(++rows), megabyte));
    expect(rows).toBeGreaterThan(4);
    expect(rows).toBeLessThan(20);
    expect(slice.rows).toBe(rows - 1);
    await write(slice);
    expect(slice.add(tablePrefix(100), image('y'.repeat(20 * 1024 * 1024)))).toBe(true);
    expect(slice.add(tablePrefix(101), image('z'))).toBe(false);
    await write(slice);
    let count = 0;
    while (slice.add(tablePrefix(1000 + count), image('small'))) count++;
    expect(count).toBeLessThan(20_000);
    await write(slice);
    expect(stored()).toHaveLength(rows - 1 + 1 + count);
  });

  test('are there whole or not at all', async () => {
    const failing = writer.write((transaction) => {
      const slice = new Slice();
      slice.add(tablePrefix(1), image('half'));
      slice.visit((key, value) => value !== undefined && transaction.put(key, value));
      expect(transaction.sizeOf(tablePrefix(1))).toBe(4);
      expect(transaction.sizeOf(tablePrefix(2))).toBeUndefined();
      throw new Error('the other half is missing');
    });
    await expect(failing).rejects.toThrow('the other half is missing');
    store.refresh();
    expect(stored()).toEqual([]);
  });

  test('are tried again until the disk takes them', async () => {
    const slice = new Slice();
    slice.add(tablePrefix(1), image('taken'));
    const full = Object.assign(new Error('No space left on device'), { code: 28 });
    const refusing = vi.spyOn(store, 'transact').mockImplementationOnce(() => {
      throw full;
    });
    await write(slice);
    expect(refusing).toHaveBeenCalledTimes(2);
    expect(refusals).toEqual([full.message]);
    expect(stored()).toEqual([[tablePrefix(1), 'taken']]);
  });

  test('are not written after an abort', async () => {
    aborter.abort(new Error('stop'));
    await expect(writer.write(() => expect.unreachable())).rejects.toThrow('stop');
  });
});

describe('turns', () => {
  test('are with the applier while it writes, and with a loading thread once between two applies', async () => {
    const slices = new SliceTurns(turns.shared);
    expect(slices.take()).toBe(true);
    let end = () => {};
    const apply = () =>
      turns.applying(
        () =>
          new Promise((resolve) => {
            end = resolve;
          }),
      );
    const first = apply();
    expect(slices.take()).toBe(false);
    end();
    await first;
    const second = apply();
    expect(slices.take()).toBe(true);
    expect(slices.take()).toBe(false);
    end();
    await second;
    expect([slices.take(), slices.take()]).toEqual([true, true]);
  });

  test('come back when an apply fails', async () => {
    const slices = new SliceTurns(turns.shared);
    const failing = turns.applying(() => Promise.reject(new Error('no room')));
    expect(slices.take()).toBe(false);
    await expect(failing).rejects.toThrow('no room');
    expect(slices.take()).toBe(true);
  });
});
