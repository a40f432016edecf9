import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Item, shapes, spelled } from '../index-model.ts';
import { inKeyOrder, LoadingEngine } from './loading-harness.ts';

/* Tables that are loaded from backups, over restarts and with damage. */

let engine: LoadingEngine;
let errors: { readonly err?: Error; readonly table?: string; readonly message: string }[];

beforeEach(async () => {
  errors = [];
  const error = (details: object, message: string) => void errors.push({ ...details, message });
  engine = await LoadingEngine.open({ log: { info: () => {}, warn: () => {}, error } });
  await engine.loadTable('Source', shapes, [inKeyOrder(items)]);
});

afterEach(async () => {
  await engine.remove();
});

const items = Array.from({ length: 2000 }, (_, i): Item => {
  const more = { S: `more of ${i} `.repeat(20) };
  return { p: { S: `p${i % 37}` }, s: { N: `${i}` }, x: { S: `x${i % 3}` }, a: { S: `a${i % 11}` }, more };
});

async function backUp(): Promise<string> {
  const { BackupDetails } = await engine.call<{ BackupDetails: { BackupArn: string } }>('CreateBackup', {
    TableName: 'Source',
    BackupName: 'backup',
  });
  const { BackupArn } = BackupDetails;
  while ((await statusOf(BackupArn)) !== 'AVAILABLE') await delay(2);
  return BackupArn;
}

async function statusOf(BackupArn: string): Promise<string> {
  const { BackupDescription } = await engine.call<{
    BackupDescription: { BackupDetails: { BackupStatus: string } };
  }>('DescribeBackup', { BackupArn });
  return BackupDescription.BackupDetails.BackupStatus;
}

function restore(BackupArn: string): Promise<object> {
  return engine.call('RestoreTableFromBackup', { TargetTableName: 'Copy', BackupArn });
}

/** Changes one byte in the middle of the only backup's items. */
function damage(): string {
  const folder = join(engine.directory, 'backups');
  const [id = ''] = readdirSync(folder);
  const path = join(folder, id, 'items.archive');
  const bytes = readFileSync(path);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] as number) ^ 1;
  writeFileSync(path, bytes);
  return path;
}

function spelledAll(found: readonly Item[]): string[] {
  return found.map(spelled).sort();
}

describe('a table that is restored from a backup', () => {
  test('has its items, with indexes and counts', async () => {
    await restore(await backUp());
    await engine.untilActive('Copy');
    expect(spelledAll(await engine.scanned('Copy'))).toEqual(spelledAll(items));
    expect(spelledAll(await engine.scanned('Copy', 'strings'))).toEqual(spelledAll(items));
    expect(await engine.check()).toEqual([]);
  });

  test('is begun anew after every restart in the middle, and ends whole', async () => {
    await restore(await backUp());
    for (const afterMs of [0, 20, 60]) {
      await delay(afterMs);
      expect(await engine.check()).toEqual([]);
    }
    await engine.untilActive('Copy');
    expect(spelledAll(await engine.scanned('Copy'))).toEqual(spelledAll(items));
    expect(await engine.check()).toEqual([]);
  });

  test('is taken away where its backup is damaged, and the file is named', async () => {
    const arn = await backUp();
    const path = damage();
    await restore(arn);
    while (engine.definition('Copy') !== undefined) await delay(2);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ table: 'Copy', message: 'a table cannot be loaded and is removed' });
    expect(errors[0]?.err?.message).toContain(path);
    expect(await engine.check()).toEqual([]);
    expect(spelledAll(await engine.scanned('Source'))).toEqual(spelledAll(items));
  });
});
