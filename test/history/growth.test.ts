import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Program } from '../program.ts';

/*
 * Backups, bases, restores and exports of a table that is overwritten all the time: neither LMDB's file nor the process grows with their number.
 * A read transaction that lasts would make LMDB's file grow with each write, for good.
 */

const TableName = 'Overwritten';
const bucket = 'growing';
const itemCount = 8000;
const itemBytes = 600;
const writers = 8;
/** More, with HISTORY_ROUNDS=60. */
const rounds = Number(process.env.HISTORY_ROUNDS ?? 6);
/** When all has been seen once. */
const settledRounds = 2;

let directory: string;
let program: Program;
let dynamo: DynamoDB;
let isWriting = true;
let overwritten = 0;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'slipstream-growth-'));
  mkdirSync(join(directory, 'buckets', bucket), { recursive: true });
  const sizes = ['--log-segment-size', '1MB', '--overlay-size', '4MB'];
  program = Program.run(['engine', '--port', '0', '--data', directory, ...sizes]);
  const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' };
  dynamo = new DynamoDB({
    endpoint: await program.ready(),
    region: 'eu-central-1',
    credentials,
    maxAttempts: 1,
  });
  await dynamo.createTable({
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'p', AttributeType: 'S' }],
  });
  await dynamo.updateContinuousBackups({
    TableName,
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  });
  for (let i = 0; i < itemCount; i += 25) await writeBatch(Array.from({ length: 25 }, (_, j) => i + j));
}, 120_000);

afterAll(async () => {
  dynamo.destroy();
  await program.end();
  rmSync(directory, { recursive: true, force: true });
});

async function writeBatch(keys: readonly number[]): Promise<void> {
  const requests = [...new Set(keys)].map((i) => {
    const v = `${overwritten++} `.padEnd(itemBytes - 10, 'v');
    return { PutRequest: { Item: { p: { S: `${i}` }, v: { S: v } } } };
  });
  await dynamo.batchWriteItem({ RequestItems: { [TableName]: requests } });
}

/** All over the table, so that every page of it is written again and again. */
async function overwrite(writer: number): Promise<void> {
  for (let i = writer; isWriting; i++) {
    await writeBatch(Array.from({ length: 25 }, (_, j) => (i * 7919 + j * 331) % itemCount));
  }
}

async function backUpAndRestore(round: number): Promise<void> {
  const { BackupDetails: details } = await dynamo.createBackup({ TableName, BackupName: 'growing' });
  const BackupArn = details?.BackupArn;
  const status = async () => {
    const { BackupDescription: told } = await dynamo.describeBackup({ BackupArn });
    return told?.BackupDetails?.BackupStatus;
  };
  await expect.poll(status, waiting).toBe('AVAILABLE');
  const TargetTableName = `Copy-${round}`;
  await dynamo.restoreTableFromBackup({ BackupArn, TargetTableName });
  const tableStatus = async () =>
    (await dynamo.describeTable({ TableName: TargetTableName })).Table?.TableStatus;
  await expect.poll(tableStatus, waiting).toBe('ACTIVE');
  await dynamo.deleteTable({ TableName: TargetTableName });
  await dynamo.deleteBackup({ BackupArn });
}

async function exportTable(): Promise<void> {
  const { Table } = await dynamo.describeTable({ TableName });
  const { ExportDescription: begun } = await dynamo.exportTableToPointInTime({
    TableArn: Table?.TableArn,
    S3Bucket: bucket,
  });
  const status = async () => {
    const { ExportDescription: told } = await dynamo.describeExport({ ExportArn: begun?.ExportArn });
    return told?.ExportStatus;
  };
  await expect.poll(status, waiting).toBe('COMPLETED');
}

const waiting = { timeout: 60_000, interval: 20 };

function stateBytes(): number {
  return statSync(join(directory, 'state', 'data.mdb')).size;
}

/** Memory that is the process's own, without files that are mapped. */
function anonymousBytes(): number {
  const status = readFileSync(`/proc/${program.process.pid}/status`, 'utf8');
  return Number(/^RssAnon:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}

test("LMDB's file and the process stay as they are", { timeout: 60_000 + rounds * 30_000 }, async () => {
  const writing = Promise.all(Array.from({ length: writers }, (_, i) => overwrite(i)));
  const seen: { stateBytes: number; anonymousBytes: number }[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      const enough = overwritten + itemCount;
      await backUpAndRestore(round);
      await exportTable();
      // Each item once in every round, on average.
      await expect.poll(() => overwritten, waiting).toBeGreaterThan(enough);
      seen.push({ stateBytes: stateBytes(), anonymousBytes: anonymousBytes() });
    }
  } finally {
    isWriting = false;
    await writing;
  }
  const settled = seen.slice(0, settledRounds);
  const last = seen.slice(-2);
  const most = (of: typeof seen, what: keyof (typeof seen)[number]) =>
    Math.max(...of.map((one) => one[what]));
  const tableBytes = itemCount * itemBytes;
  const told = JSON.stringify(seen);
  expect(most(last, 'stateBytes'), told).toBeLessThan(most(settled, 'stateBytes') * 1.3 + tableBytes);
  expect(most(last, 'stateBytes'), told).toBeLessThan(tableBytes * 8);
  expect(most(last, 'anonymousBytes'), told).toBeLessThan(most(settled, 'anonymousBytes') + 64 * 1024 * 1024);
});
