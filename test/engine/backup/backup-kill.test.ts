import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifyBackups } from '../../../engine/backup/backup-folder.ts';
import { Program } from '../../program.ts';
import { listOf } from './backup-harness.ts';

/* kill -9 while backups are made, and while tables with recovery are deleted. */

const TableName = 'killed';
const kills = 4;

let directory: string;
let program: Program;
let dynamo: DynamoDB;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'slipstream-backup-kill-'));
  await start();
  await create(TableName);
  for (let batch = 0; batch < 40; batch++) {
    const requests = Array.from({ length: 25 }, (_, i) => ({
      PutRequest: { Item: { p: { S: `${batch}-${i}` }, v: { S: 'v'.repeat(500) } } },
    }));
    await dynamo.batchWriteItem({ RequestItems: { [TableName]: requests } });
  }
});

afterAll(async () => {
  dynamo.destroy();
  await program.end('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

async function start(): Promise<void> {
  program = Program.run(['engine', '--port', '0', '--data', directory]);
  const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' };
  dynamo = new DynamoDB({
    endpoint: await program.ready(),
    region: 'eu-central-1',
    credentials,
    maxAttempts: 1,
  });
}

async function create(name: string): Promise<void> {
  await dynamo.createTable({
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'p', AttributeType: 'S' }],
  });
}

/** A sound folder: nothing half-made, and every backup whole. */
async function problems(): Promise<string[]> {
  const backups = join(directory, 'backups');
  if (readdirSync(backups).length === 0) return [];
  const verified = await listOf(verifyBackups(backups));
  return verified.flatMap(({ problem }) => problem ?? []);
}

test('after a kill there are whole backups or none, and the next ones are made', async () => {
  const asked = new Set<string>();
  for (let kill = 0; kill < kills; kill++) {
    for (let i = 0; i < 3; i++) {
      const { BackupDetails: details } = await dynamo.createBackup({ TableName, BackupName: `kill-${kill}` });
      asked.add(details?.BackupArn ?? '');
    }
    await delay(40 * kill);
    dynamo.destroy();
    await program.end('SIGKILL');
    await start();
    expect(readdirSync(join(directory, 'backups')).filter((name) => name.includes('.'))).toEqual([]);
    const { BackupSummaries: summaries = [] } = await dynamo.listBackups({ TableName });
    for (const { BackupStatus: status, BackupArn: arn } of summaries) {
      expect(status).toBe('AVAILABLE');
      expect(asked).toContain(arn);
    }
    expect(await problems()).toEqual([]);
  }
}, 60_000);

test('a deleted table with recovery leaves its one backup over kills', async () => {
  const name = 'deleted';
  await create(name);
  await dynamo.putItem({ TableName: name, Item: { p: { S: 'a' } } });
  await dynamo.updateContinuousBackups({
    TableName: name,
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  });
  await dynamo.deleteTable({ TableName: name });
  for (let kill = 0; kill < kills; kill++) {
    await delay(60 * kill);
    dynamo.destroy();
    await program.end('SIGKILL');
    await start();
  }
  const left = async () => {
    const { BackupSummaries: summaries } = await dynamo.listBackups({
      TableName: name,
      BackupType: 'SYSTEM',
    });
    return summaries?.map(({ BackupStatus: status }) => status);
  };
  await expect.poll(left, { timeout: 20_000, interval: 20 }).toEqual(['AVAILABLE']);
  await expect
    .poll(() => dynamo.describeTable({ TableName: name }).catch((error: Error) => error.name), {
      timeout: 20_000,
      interval: 20,
    })
    .toBe('ResourceNotFoundException');
  expect(await left()).toEqual(['AVAILABLE']);
  expect(await problems()).toEqual([]);
}, 60_000);
