import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { HistoryEngine } from './history-harness.ts';

/* Bytes of a history that change, vanish or come from nowhere are named, and never restored. */

let engine: HistoryEngine;
let sequence: number;
/** A moment that needs the first base and all files of changes; something has changed since then. */
let atMs: number;

beforeEach(async () => {
  engine = await HistoryEngine.open();
  await engine.createTable('Table');
  await engine.put('Table', 'before', '0');
  sequence = (await engine.enable('Table')).sequence;
  engine.advance(1000);
  await engine.restored('Table', engine.nowMs - 1);
  for (let i = 0; i < 14; i++) {
    await engine.put('Table', `${i % 4}`, `${i} ${'xyz'.repeat(250)}`);
    engine.advance(700);
  }
  await engine.histories.wake();
  atMs = engine.nowMs - 1;
  await engine.put('Table', 'behind', '0');
  engine.advance(1000);
});

afterEach(() => engine.remove());

function folder(): string {
  return join(engine.directory, 'history', String(sequence));
}

function files(kind: 'base' | 'changes'): string[] {
  const names = readdirSync(folder()).filter((name) => name.startsWith(kind));
  return names.sort().map((name) => join(folder(), name));
}

function restored(): Promise<unknown> {
  return engine.restored('Table', atMs);
}

/** Every so many bytes. */
function* flips(path: string, step: number): Generator<number> {
  const bytes = readFileSync(path);
  for (let i = 0; i < bytes.length; i += step) {
    const flipped = Buffer.from(bytes);
    flipped[i] = (flipped[i] ?? 0) ^ (1 << (i % 8));
    writeFileSync(path, flipped);
    yield i;
  }
  writeFileSync(path, bytes);
}

test('moments behind what cannot be read any more come back from a base behind it', async () => {
  const [, second = ''] = files('changes');
  writeFileSync(second, 'no archive');
  engine = await engine.reopen();
  await expect(restored()).rejects.toThrow(second);
  await engine.put('Table', 'later', '1');
  engine.advance(1000);
  await vi.waitFor(async () => {
    const latest = await engine.restored('Table', engine.nowMs - 1);
    expect(latest).toEqual(engine.model.at('Table', engine.nowMs - 1));
  }, 10_000);
  await expect(restored()).rejects.toThrow(second);
});

test('a mark of progress that is damaged, or gone, costs some work and nothing else', async () => {
  const path = join(engine.directory, 'history', 'progress.json');
  for (const _ of flips(path, 17)) {
    engine = await engine.reopen();
    expect(await restored()).toEqual(engine.model.at('Table', atMs));
  }
  rmSync(path);
  engine = await engine.reopen();
  expect(await restored()).toEqual(engine.model.at('Table', atMs));
});

describe('a file of a history', () => {
  test('with a flipped byte is named by whoever reads it', async () => {
    for (const path of [...files('base'), ...files('changes').slice(-2)]) {
      for (const _ of flips(path, 61)) await expect(restored()).rejects.toThrow(path);
    }
    expect(await restored()).toEqual(engine.model.at('Table', atMs));
  });

  test('with other bytes than it had is named after a restart', async () => {
    const [first, second, third] = files('changes');
    for (const path of [first, second, third].filter((file) => file !== undefined)) {
      const bytes = readFileSync(path);
      for (const broken of [
        bytes.subarray(0, -1),
        Buffer.concat([bytes, Buffer.from('x')]),
        Buffer.alloc(0),
      ]) {
        writeFileSync(path, broken);
        engine = await engine.reopen();
        await expect(restored()).rejects.toThrow(path);
      }
      writeFileSync(path, bytes);
    }
  });

  test('that is missing is missed after a restart, the last one, too', async () => {
    for (const path of files('changes')) {
      const bytes = readFileSync(path);
      rmSync(path);
      engine = await engine.reopen();
      await expect(restored()).rejects.toThrow(/a file with the changes behind \d+ is missing/);
      writeFileSync(path, bytes);
    }
    engine = await engine.reopen();
    expect(await restored()).toEqual(engine.model.at('Table', atMs));
  });

  test('that stands in the place of another one is noticed', async () => {
    const [first, second] = files('changes');
    if (first === undefined || second === undefined) throw new Error('too few files');
    writeFileSync(first, readFileSync(second));
    engine = await engine.reopen();
    await expect(restored()).rejects.toThrow(first);
  });
});
