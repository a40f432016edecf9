import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Run } from '../../../engine/loading/run.ts';
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
  store = Store.open(directory, { readOnly: false, transactsAside: true });
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

/** @returns in how many slices. */
async function write(run: Run): Promise<number> {
  let slices = 0;
  for (let from = 0; from < run.rows; slices++) {
    let next = from;
    await writer.write((transaction) => {
      next = run.visitSlice(from, (key, value) => {
        if (value === undefined) transaction.remove(key);
        else transaction.put(key, value);
      });
    });
    from = next;
  }
  run.clear();
  store.refresh();
  return slices;
}

function stored(): [string, string][] {
  return storedItems(store, '', '\xff', false).map(([key, item]) => [key, item.json.toString()]);
}

function image(text: string) {
  return { json: Buffer.from(text), size: text.length };
}

/** Adds a megabyte a row, under these numbers, until there is no room. @returns how many rows. */
function filled(run: Run, numberOf: (i: number) => number): number {
  const megabyte = image('x'.repeat(1024 * 1024));
  let rows = 0;
  while (run.add(tablePrefix(numberOf(rows)), megabyte)) rows++;
  return rows;
}

describe('runs and their slices', () => {
  test('leave what a map would hold, whatever the order of their rows, behind other keys or between them', async () => {
    const run = new Run();
    const model = new Map<string, string>();
    const key = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 40 }));
    const row = fc.tuple(key, fc.option(fc.string({ maxLength: 8 }), { nil: undefined }));
    await fc.assert(
      fc.asyncProperty(fc.array(row), async (rows) => {
        for (const [[table, number], text] of rows) {
          const stateKey = tablePrefix(table) + String(number).padStart(3, '0');
          expect(run.add(stateKey, text === undefined ? undefined : image(text))).toBe(true);
          if (text === undefined) model.delete(stateKey);
          else model.set(stateKey, text);
        }
        await write(run);
        expect(stored()).toEqual([...model].sort(([a], [b]) => (a < b ? -1 : 1)));
      }),
      { numRuns: 40 },
    );
  });

  test('are full soon where rows come in order, and later where they do not', async () => {
    const run = new Run();
    const inOrder = filled(run, (i) => i + 1);
    expect(inOrder).toBe(8);
    expect(await write(run)).toBe(1);
    const anyhow = filled(run, (i) => 1000 - i);
    expect(anyhow).toBeGreaterThan(50);
    expect(run.bytes).toBeLessThan(65 * 1024 * 1024);
    expect(await write(run)).toBeGreaterThan(5);
    expect(stored()).toHaveLength(inOrder + anyhow);
  });

  test('have a limit in rows', async () => {
    const run = new Run();
    let count = 0;
    while (run.add(tablePrefix(1 + count), image('small'))) count++;
    expect(count).toBe(65_536);
    expect(await write(run)).toBe(1);
    count = 0;
    while (run.add(tablePrefix(1_000_000 - count), image('small'))) count++;
    expect(count).toBe(500_000);
    expect(run.visitSlice(0, () => {})).toBe(8192);
  });

  test('have a limit in bytes, those of their keys among them', () => {
    const long = 'k'.repeat(3000);
    for (const first of [0, 900_000]) {
      const run = new Run();
      for (let i = 0; run.add(tablePrefix(Math.abs(first - i) + 1) + long, undefined); i++);
      expect(run.bytes).toBeGreaterThan(7 * 1024 * 1024);
      expect(run.bytes).toBeLessThanOrEqual((first === 0 ? 9 : 64) * 1024 * 1024);
    }
  });

  test('take a row of any size where they are empty', async () => {
    const run = new Run();
    expect(run.add(tablePrefix(1), image('y'.repeat(80 * 1024 * 1024)))).toBe(true);
    expect(run.add(tablePrefix(2), image('z'))).toBe(false);
    expect(await write(run)).toBe(1);
    expect(run.add(tablePrefix(2), image('z'))).toBe(true);
    await write(run);
    expect(stored().map(([, text]) => text.length)).toEqual([80 * 1024 * 1024, 1]);
  });

  test('are there whole or not at all', async () => {
    const failing = writer.write((transaction) => {
      const run = new Run();
      run.add(tablePrefix(1), image('half'));
      run.visitSlice(0, (key, value) => value && transaction.put(key, value));
      expect(transaction.sizeOf(tablePrefix(1))).toBe(4);
      expect(transaction.sizeOf(tablePrefix(2))).toBeUndefined();
      throw new Error('the other half is missing');
    });
    await expect(failing).rejects.toThrow('the other half is missing');
    store.refresh();
    expect(stored()).toEqual([]);
  });

  test('are tried again until the disk takes them', async () => {
    const run = new Run();
    run.add(tablePrefix(1), image('taken'));
    const full = Object.assign(new Error('No space left on device'), { code: 28 });
    const refusing = vi.spyOn(store, 'transactAside').mockRejectedValueOnce(full);
    await write(run);
    expect(refusing).toHaveBeenCalledTimes(2);
    expect(refusals).toEqual([full.message]);
    expect(stored()).toEqual([[tablePrefix(1), 'taken']]);
  });

  test('are refused with the error of the system, and nothing else fails', () => {
    const words = `
      const { Store } = await import(process.argv[1]);
      // The process may write files of so many bytes only, and is told so by an error instead of a signal.
      process.on('SIGXFSZ', () => {});
      const store = Store.open(process.argv[2], { readOnly: false, transactsAside: true });
      const put = (key, bytes) =>
        store.transactAside((transaction) => transaction.put(key, Buffer.alloc(bytes, 1))).catch(({ code }) => code);
      console.log(JSON.stringify([await put('a', 1e6), await put('b', 20e6), await put('c', 1e5)]));
      await store.close();
    `;
    const script = new URL('../../../dist/engine/state/store.js', import.meta.url).href;
    const limited = [
      '-c',
      'ulimit -f 16384; exec "$0" "$@"',
      process.execPath,
      '--input-type=module',
      '-e',
      words,
    ];
    const { status, stdout } = spawnSync('sh', [...limited, script, join(directory, 'limited')], {
      encoding: 'utf8',
    });
    const [first, second, third] = JSON.parse(stdout);
    expect([first, third]).toEqual([null, null]);
    expect(second).toBeGreaterThan(0);
    expect(status).toBe(0);
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
