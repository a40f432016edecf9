import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DynamoDB, type ScanOutput } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkDataDirectory } from '../../../engine/check.ts';
import { Program } from '../../program.ts';
import { createTableInput, type IndexShape, shapes } from '../index-model.ts';

/* kill -9 while tables are being restored, and right after they have become ACTIVE. */

const TableName = 'Source';
const itemCount = 1000;
const indexes = [shapes[0], shapes[2]] as readonly IndexShape[];

let directory: string;
let program: Program;
let dynamo: DynamoDB;
let BackupArn: string | undefined;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'slipstream-load-kill-'));
  await start();
  await dynamo.createTable(createTableInput(TableName, indexes) as never);
  await dynamo.updateContinuousBackups({
    TableName,
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  });
  const batches = Array.from({ length: itemCount / 25 }, (_, i) => writeBatch(i * 25));
  await Promise.all(batches);
  const { BackupDetails } = await dynamo.createBackup({ TableName, BackupName: 'whole' });
  BackupArn = BackupDetails?.BackupArn;
  while ((await backupStatus()) !== 'AVAILABLE') await delay(5);
}, 30_000);

afterAll(async () => {
  dynamo.destroy();
  await program.end('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

async function start(): Promise<void> {
  program = Program.run(['engine', '--port', '0', '--data', directory]);
  dynamo = new DynamoDB({
    endpoint: await program.ready(),
    region: 'eu-central-1',
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
    maxAttempts: 1,
  });
}

async function writeBatch(from: number): Promise<void> {
  const requests = Array.from({ length: 25 }, (_, i) => ({ PutRequest: { Item: itemOf(from + i) } }));
  await dynamo.batchWriteItem({ RequestItems: { [TableName]: requests } });
}

function itemOf(i: number) {
  const more = { S: 'more '.repeat(200) };
  return { p: { S: `p${i % 70}` }, s: { N: `${i}` }, x: { S: `x${i % 3}` }, a: { S: `a${i % 11}` }, more };
}

async function backupStatus(): Promise<string | undefined> {
  const { BackupDescription } = await dynamo.describeBackup({ BackupArn });
  return BackupDescription?.BackupDetails?.BackupStatus;
}

async function statusOf(name: string): Promise<string | undefined> {
  const { Table } = await dynamo.describeTable({ TableName: name });
  return Table?.TableStatus;
}

async function killAndCheck(): Promise<void> {
  await program.end('SIGKILL');
  dynamo.destroy();
  expect((await checkDataDirectory(directory)).problems).toEqual([]);
  await start();
}

async function expectWhole(name: string): Promise<void> {
  while ((await statusOf(name)) !== 'ACTIVE') await delay(5);
  const { Table } = await dynamo.describeTable({ TableName: name });
  expect(Table?.ItemCount).toBe(itemCount);
  for (const IndexName of [undefined, 'strings', 'local']) {
    let count = 0;
    let ExclusiveStartKey: ScanOutput['LastEvaluatedKey'];
    do {
      const page = await dynamo.scan({ TableName: name, IndexName, ExclusiveStartKey, Select: 'COUNT' });
      count += page.Count ?? 0;
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined);
    expect(count).toBe(itemCount);
  }
}

async function expectGone(name: string): Promise<void> {
  await dynamo.deleteTable({ TableName: name });
  await dynamo.createTable(createTableInput(name, indexes) as never);
  const { Count } = await dynamo.scan({ TableName: name, Select: 'COUNT' });
  expect(Count).toBe(0);
}

describe('kill -9', () => {
  for (const afterMs of [0, 50, 150, 300]) {
    test(`${afterMs} ms into a restore: it begins anew, and ends whole`, async () => {
      const TargetTableName = `Copy-${afterMs}`;
      await dynamo.restoreTableFromBackup({ TargetTableName, BackupArn });
      await delay(afterMs);
      await killAndCheck();
      await expectWhole(TargetTableName);
      await dynamo.deleteTable({ TableName: TargetTableName });
    });
  }

  test('into a restore of a moment', async () => {
    const restore = { SourceTableName: TableName, TargetTableName: 'Moment', UseLatestRestorableTime: true };
    await dynamo.restoreTableToPointInTime(restore);
    await delay(100);
    await killAndCheck();
    await expectWhole('Moment');
    await dynamo.deleteTable({ TableName: 'Moment' });
  });

  test('right after a table has become ACTIVE leaves it whole', async () => {
    await dynamo.restoreTableFromBackup({ TargetTableName: 'Just', BackupArn });
    while ((await statusOf('Just')) !== 'ACTIVE') await delay(1);
    await killAndCheck();
    await expectWhole('Just');
    await expectGone('Just');
  });
});
