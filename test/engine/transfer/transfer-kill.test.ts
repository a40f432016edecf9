import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Program } from '../../program.ts';
import { tableArn } from './transfer-engine.ts';

/* kill -9 while tables are exported and imported. */

const bucket = 'killed';
const itemCount = 3000;
const kills = 5;

let directory: string;
let program: Program;
let dynamo: DynamoDB;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'slipstream-transfer-kill-'));
  mkdirSync(join(directory, 'buckets', bucket, 'import'), { recursive: true });
  for (let file = 0; file < 6; file++) {
    const lines = Array.from({ length: itemCount / 6 }, (_, i) =>
      JSON.stringify({ Item: { p: { S: `${file}-${i}` }, v: { S: 'v'.repeat(1500) } } }),
    );
    writeFileSync(join(directory, 'buckets', bucket, 'import', `${file}.json`), `${lines.join('\n')}\n`);
  }
  await start();
});

afterAll(async () => {
  dynamo.destroy();
  await program.end('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

async function start(): Promise<void> {
  program = Program.run(['engine', '--port', '0', '--data', directory]);
  const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' };
  const endpoint = await program.ready();
  dynamo = new DynamoDB({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
}

async function killAndStart(): Promise<void> {
  dynamo.destroy();
  await program.end('SIGKILL');
  await start();
}

async function countOf(TableName: string): Promise<number> {
  let count = 0;
  let ExclusiveStartKey: Record<string, never> | undefined;
  do {
    const page = await dynamo.scan({ TableName, Select: 'COUNT', ExclusiveStartKey });
    count += page.Count ?? 0;
    ExclusiveStartKey = page.LastEvaluatedKey as typeof ExclusiveStartKey;
  } while (ExclusiveStartKey !== undefined);
  return count;
}

const waiting = { timeout: 60_000, interval: 20 };

test('an import ends whole, or is still on its way', async () => {
  const { ImportTableDescription: begun } = await dynamo.importTable({
    S3BucketSource: { S3Bucket: bucket, S3KeyPrefix: 'import/' },
    InputFormat: 'DYNAMODB_JSON',
    TableCreationParameters: {
      TableName: 'imported',
      KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'p', AttributeType: 'S' }],
      BillingMode: 'PAY_PER_REQUEST',
    },
  });
  const describe = async () =>
    (await dynamo.describeImport({ ImportArn: begun?.ImportArn })).ImportTableDescription;
  for (let kill = 0; kill < kills; kill++) {
    await delay(70 * kill);
    await killAndStart();
    const { Table: table } = await dynamo.describeTable({ TableName: 'imported' });
    if (table?.TableStatus === 'ACTIVE') expect(await countOf('imported')).toBe(itemCount);
    expect(['IN_PROGRESS', 'COMPLETED']).toContain((await describe())?.ImportStatus);
  }
  await expect.poll(async () => (await describe())?.ImportStatus, waiting).toBe('COMPLETED');
  expect(await describe()).toMatchObject({
    ImportedItemCount: itemCount,
    ErrorCount: 0,
    TableId: begun?.TableId,
  });
  expect(await countOf('imported')).toBe(itemCount);
}, 120_000);

test('an export has a manifest when it is whole, and not before', async () => {
  await dynamo.updateContinuousBackups({
    TableName: 'imported',
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  });
  const { ExportDescription: begun } = await dynamo.exportTableToPointInTime({
    TableArn: tableArn('imported'),
    S3Bucket: bucket,
  });
  const ExportArn = begun?.ExportArn;
  const status = async () => (await dynamo.describeExport({ ExportArn })).ExportDescription?.ExportStatus;
  for (let kill = 0; kill < kills; kill++) {
    await delay(90 * kill);
    await killAndStart();
    if (hasManifest()) expect(exportedCount()).toBe(itemCount);
  }
  await expect.poll(status, waiting).toBe('COMPLETED');
  expect(exportedCount()).toBe(itemCount);
  expect(exportFiles().filter((name) => name.includes('partial'))).toEqual([]);
}, 120_000);

function exportFiles(): string[] {
  const root = join(directory, 'buckets', bucket);
  return readdirSync(root, { recursive: true })
    .map(String)
    .filter((name) => name.startsWith('AWSDynamoDB'));
}

function hasManifest(): boolean {
  return exportFiles().some((name) => name.endsWith('manifest-summary.json'));
}

function exportedCount(): number {
  const read = (key: string) => readFileSync(join(directory, 'buckets', bucket, key));
  const list = exportFiles().find((name) => name.endsWith('manifest-files.json')) ?? '';
  const files = `${read(list)}`.trim().split('\n');
  return files
    .map((line) => gunzipSync(read(JSON.parse(line).dataFileS3Key)).toString())
    .reduce((count, text) => count + text.split('\n').length - 1, 0);
}
