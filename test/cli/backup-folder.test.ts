import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { backUp, itemsOf } from '../api/history.ts';
import { createTable, untilActive } from '../api/setups.ts';
import { Program } from '../program.ts';

/* A backup is copied from one machine to another, the server of which is running. */

const directory = mkdtempSync(join(tmpdir(), 'slipstream-backup-folder-'));
const items = ['a', 'b', 'c'].map((p) => ({ p: { S: p } }));
let arn: string;
/** The copy of the first machine's folder. */
const copies = join(directory, 'copies');

async function withServer(
  words: readonly string[],
  work: (dynamo: DynamoDB) => Promise<void>,
): Promise<void> {
  const program = Program.run(['engine', '--port', '0', '--log-level', 'error', ...words]);
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const dynamo = new DynamoDB({ endpoint: await program.ready(), region: 'us-east-1', credentials });
  try {
    await work(dynamo);
  } finally {
    dynamo.destroy();
    expect(await program.end()).toMatchObject({ code: 0, stderr: '' });
  }
}

async function run(...words: string[]) {
  return Program.run(words).exit;
}

beforeAll(async () => {
  await withServer(['--data', join(directory, 'first')], async (dynamo) => {
    await createTable(dynamo, 'music');
    for (const Item of items) await dynamo.putItem({ TableName: 'music', Item });
    arn = await backUp(dynamo, 'music');
  });
  cpSync(join(directory, 'first', 'backups'), copies, { recursive: true });
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('sound backups are named', async () => {
  expect(await run('backups', 'verify', copies)).toMatchObject({
    code: 0,
    stdout: `${arn}: sound\n`,
    stderr: '',
  });
});

test('a damaged one is named with the place, and is not imported', async () => {
  const damaged = join(directory, 'damaged');
  cpSync(copies, damaged, { recursive: true });
  const [id = ''] = readdirSync(damaged);
  const path = join(damaged, id, 'items.archive');
  const bytes = readFileSync(path);
  bytes[60] = (bytes[60] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  const problem = new RegExp(`^slipstream: ${path}: damaged at offset \\d+: .+\n$`);
  const verified = await run('backups', 'verify', damaged);
  expect(verified).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(problem) });
  const target = join(directory, 'refused');
  const imported = await run('backups', 'import', damaged, '--backups', target);
  expect(imported).toMatchObject({ code: 1, stderr: expect.stringMatching(problem) });
  expect(readdirSync(target)).toEqual([]);
});

test('a running server restores what is imported', async () => {
  const backups = join(directory, 'elsewhere');
  await withServer(['--data', join(directory, 'second'), '--backups', backups], async (dynamo) => {
    expect((await dynamo.listBackups({})).BackupSummaries).toEqual([]);
    expect(await run('backups', 'import', copies, '--backups', backups)).toMatchObject({
      code: 0,
      stdout: `${arn}: imported into ${backups}\n`,
    });
    expect((await dynamo.listBackups({})).BackupSummaries).toMatchObject([
      { BackupArn: arn, BackupStatus: 'AVAILABLE' },
    ]);
    await dynamo.restoreTableFromBackup({ BackupArn: arn, TargetTableName: 'restored' });
    await untilActive(dynamo, 'restored');
    expect(await itemsOf(dynamo, 'restored')).toEqual(items);
    expect(await run('backups', 'import', copies, '--backups', backups)).toMatchObject({
      code: 0,
      stdout: `${arn}: is there already\n`,
    });
  });
});
