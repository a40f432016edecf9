import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readBackup } from '../../engine/backup/backup-store.ts';
import type { LoadPlan } from '../../engine/history/load-plan.ts';
import { definitionAt } from '../../engine/history/loaded-rows.ts';
import type { Logger } from '../../protocol/logger.ts';
import { backUp, put, refusalOf, valuesOf } from '../engine/backup/backup-engine.ts';
import { TestEngine } from '../engine/engine-harness.ts';
import { HistoryEngine, itemsOf } from '../engine/history/history-harness.ts';

/* Not one byte of what is kept of the past can be another one and come back. */

/** The bytes of a file, each flipped in its turn; at last as they were. */
function* flips(path: string): Generator<number> {
  const bytes = readFileSync(path);
  for (let i = 0; i < bytes.length; i++) {
    const flipped = Buffer.from(bytes);
    flipped[i] = (flipped[i] ?? 0) ^ (1 << (i % 8));
    writeFileSync(path, flipped);
    yield i;
  }
  writeFileSync(path, bytes);
}

/** What a plan loads, or why it loads nothing. */
async function loaded(plan: LoadPlan): Promise<unknown> {
  try {
    await definitionAt(plan);
    return await itemsOf(plan);
  } catch (error) {
    return (error as Error).message;
  }
}

describe('a backup', () => {
  const said: { readonly error: string; readonly message: string }[] = [];
  const log: Logger = {
    info: () => {},
    warn: () => {},
    error: (details, message) => said.push({ error: String((details as { err?: unknown }).err), message }),
  };
  let engine: TestEngine;

  beforeEach(async () => {
    said.length = 0;
    engine = await TestEngine.open({ log });
  });

  afterEach(() => engine.remove());

  async function smallBackup(name: string, items: number): Promise<{ arn: string; folder: string }> {
    await engine.createTable(name);
    for (let i = 0; i < items; i++) await put(engine, name, `${i}`, i);
    return backupOf(name);
  }

  async function backupOf(name: string): Promise<{ arn: string; folder: string }> {
    const arn = await backUp(engine, name);
    return { arn, folder: join(engine.directory, 'backups', arn.slice(arn.lastIndexOf('/') + 1)) };
  }

  /** Whether a restore comes to its end; if not, nothing is left of it, and the log names the file. */
  async function isRestored(BackupArn: string, path: string): Promise<boolean> {
    said.length = 0;
    await engine.call('RestoreTableFromBackup', { BackupArn, TargetTableName: 'target' });
    for (;;) {
      const told = await engine
        .call<{ Table: { TableStatus: string } }>('DescribeTable', { TableName: 'target' })
        .catch(() => undefined);
      if (told?.Table.TableStatus === 'ACTIVE') return true;
      if (told === undefined) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(said).toContainEqual({
      error: expect.stringContaining(path),
      message: 'a table cannot be loaded and is removed',
    });
    return false;
  }

  test('has no byte that could be another one', async () => {
    const { folder } = await smallBackup('source', 5);
    const { table, through } = await readBackup(folder);
    const base = join(folder, 'items.archive');
    const plan: LoadPlan = {
      base,
      changes: [],
      table: table.number,
      through: { sequence: through.sequence },
    };
    const whole = await loaded(plan);
    for (const i of flips(base)) expect(await loaded(plan), `byte ${i}`).toMatch(`${base}: `);
    expect(await loaded(plan)).toEqual(whole);
    const manifest = join(folder, 'manifest.json');
    for (const i of flips(manifest)) await expect(readBackup(folder), `byte ${i}`).rejects.toThrow(manifest);
    expect(await readBackup(folder)).toMatchObject({ through });
  }, 60_000);

  test('that is damaged is not restored, and nothing is left of having tried', async () => {
    const { arn, folder } = await smallBackup('source', 300);
    const path = join(folder, 'items.archive');
    const bytes = readFileSync(path);
    for (const part of [0, 0.2, 0.5, 0.8, 0.95, 1]) {
      const flipped = Buffer.from(bytes);
      const at = Math.min(bytes.length - 1, Math.floor(bytes.length * part));
      flipped[at] = (flipped[at] ?? 0) ^ 0x10;
      writeFileSync(path, flipped);
      expect(await isRestored(arn, path), `byte ${at} of ${bytes.length}`).toBe(false);
    }
    writeFileSync(path, bytes);
    expect(await isRestored(arn, path)).toBe(true);
    expect(await valuesOf(engine, 'target')).toEqual(await valuesOf(engine, 'source'));
  }, 60_000);

  test('with the file of another one is not restored', async () => {
    const first = await smallBackup('source', 3);
    await put(engine, 'source', 'more', 1);
    const second = await backupOf('source');
    const other = await smallBackup('other', 4);
    const path = join(second.folder, 'items.archive');
    const bytes = readFileSync(path);
    for (const { folder } of [first, other]) {
      writeFileSync(path, readFileSync(join(folder, 'items.archive')));
      expect(await isRestored(second.arn, path)).toBe(false);
    }
    writeFileSync(path, bytes);
    expect(await isRestored(second.arn, path)).toBe(true);
    expect((await valuesOf(engine, 'target')).size).toBe(4);
  });

  test('whose manifest is damaged is not there', async () => {
    const { arn, folder } = await smallBackup('source', 1);
    const path = join(folder, 'manifest.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('nightly', 'nightlx'));
    await engine.reopen();
    expect(said[0]?.error).toContain(path);
    const restore = engine.call('RestoreTableFromBackup', { BackupArn: arn, TargetTableName: 'target' });
    expect(await refusalOf(restore)).toContain('BackupNotFoundException');
  });
});

describe('a history', () => {
  let engine: HistoryEngine;
  let sequences: number[];
  let atMs: number;

  beforeEach(async () => {
    engine = await HistoryEngine.open();
    sequences = [];
    for (const name of ['one', 'two']) {
      await engine.createTable(name);
      sequences.push((await engine.enable(name)).sequence);
    }
    engine.advance(1000);
    for (const name of ['one', 'two']) await engine.restored(name, engine.nowMs - 1);
    for (let i = 0; i < 12; i++) {
      for (const name of ['one', 'two'])
        await engine.put(name, `${i % 3}`, `${name} ${i} ${'xyz'.repeat(150)}`);
      engine.advance(300);
    }
    atMs = engine.nowMs - 1;
    // So that a base that is made later cannot bring the moment back.
    for (const name of ['one', 'two']) await engine.put(name, 'behind', '');
    engine.advance(1000);
    await engine.histories.wake();
  });

  afterEach(() => engine.remove());

  function files(which: number): string[] {
    const folder = join(engine.directory, 'history', String(sequences[which]));
    return readdirSync(folder)
      .sort()
      .map((name) => join(folder, name));
  }

  test('has no byte that could be another one', async () => {
    const [base = '', changes = ''] = files(0);
    expect([base, changes].map((path) => /(base|changes)-\d+\.archive$/.exec(path)?.[1])).toEqual([
      'base',
      'changes',
    ]);
    for (const path of [base, changes]) {
      for (const i of flips(path))
        await expect(engine.restored('one', atMs), `byte ${i}`).rejects.toThrow(`${path}: `);
    }
    expect(await engine.restored('one', atMs)).toEqual(engine.model.at('one', atMs));
  }, 120_000);

  test('with a file of another one is damaged, whole as the file may be', async () => {
    const [mine, others] = [files(0), files(1)];
    for (const [i, path] of mine.entries()) {
      const other = others[i] ?? '';
      const bytes = readFileSync(path);
      writeFileSync(path, readFileSync(other));
      engine = await engine.reopen();
      await expect(engine.restored('one', atMs), `${other} as ${path}`).rejects.toThrow(path);
      writeFileSync(path, bytes);
    }
    engine = await engine.reopen();
    expect(await engine.restored('one', atMs)).toEqual(engine.model.at('one', atMs));
  }, 60_000);
});
