import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type AttributeValue, DynamoDB } from '@aws-sdk/client-dynamodb';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifyBackups } from '../../engine/backup/backup-folder.ts';
import { checkDataDirectory } from '../../engine/check.ts';
import { Program } from '../program.ts';

/*
 * kill -9 at any moment while tables are backed up, restored and deleted: nothing half-made is seen afterwards, what was promised goes
 * on, and what comes of it is right.
 */

/** More, with HISTORY_KILLS=100; others, with HISTORY_SEED=random. */
const kills = Number(process.env.HISTORY_KILLS ?? 6);
const seed =
  process.env.HISTORY_SEED === 'random' ? Date.now() % 2 ** 31 : Number(process.env.HISTORY_SEED ?? 1);

const TableName = 'Source';
const busy = 'Busy';
const itemCount = 600;
type Items = ReadonlyMap<string, string>;

let directory: string;
let program: Program;
let dynamo: DynamoDB;
/** What the table has: each round changes it. */
let now: Items = new Map();
/** What each backup that was asked for has, by its ARN; those that were AVAILABLE once are promised. */
const backups = new Map<string, { readonly items: Items; isPromised: boolean }>();
/** What tables are to have that are being restored, by their names. */
const restores = new Map<string, Items>();
/** What was found at the end of a second that had nothing else. */
const seconds: { readonly second: number; readonly items: Items }[] = [];
/** Tables with recovery that are deleted, and leave a backup each. */
const leaving: string[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'slipstream-history-kill-'));
  await start();
  await create(TableName);
  await create(busy);
  await switchOn(TableName);
  await switchOn(busy);
}, 30_000);

afterAll(async () => {
  dynamo.destroy();
  await program.end('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

async function start(): Promise<void> {
  program = Program.run(['engine', '--port', '0', '--data', directory, '--log-segment-size', '1MB']);
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
    AttributeDefinitions: [
      { AttributeName: 'p', AttributeType: 'S' },
      { AttributeName: 'v', AttributeType: 'S' },
    ],
    GlobalSecondaryIndexes: [
      {
        IndexName: 'by-v',
        KeySchema: [{ AttributeName: 'v', KeyType: 'HASH' }],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
    ],
  });
}

async function switchOn(name: string): Promise<void> {
  await dynamo.updateContinuousBackups({
    TableName: name,
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  });
}

/** Another value for some of the items. */
async function change(round: number): Promise<void> {
  const after = new Map(now);
  for (let i = 0; i < itemCount; i++)
    if (round === 0 || i % 7 === round % 7) after.set(`p${i}`, `${round}-${i}`);
  const written = [...after].filter(([p, v]) => now.get(p) !== v);
  const batches = Array.from({ length: Math.ceil(written.length / 25) }, (_, i) =>
    written.slice(i * 25, i * 25 + 25),
  );
  await Promise.all(
    batches.map((batch) => {
      const requests = batch.map(([p, v]) => ({ PutRequest: { Item: itemOf(p, v) } }));
      return dynamo.batchWriteItem({ RequestItems: { [TableName]: requests } });
    }),
  );
  now = after;
}

function itemOf(p: string, v: string): Record<string, AttributeValue> {
  return { p: { S: p }, v: { S: v }, more: { S: 'more '.repeat(100) } };
}

/** Until the server is gone. */
async function keepBusy(writer: number): Promise<void> {
  for (let i = 0; ; i++) {
    const Item = itemOf(`${writer}-${i % 50}`, `${i}`);
    const isDone = await dynamo.putItem({ TableName: busy, Item }).catch(() => undefined);
    if (isDone === undefined) return;
  }
}

/** A whole second in which nothing changes, so that it is known what comes back of it. */
async function restSecond(): Promise<void> {
  const second = Math.floor(Date.now() / 1000) + 1;
  await delay((second + 1) * 1000 - Date.now() + 5);
  seconds.push({ second, items: now });
}

interface Round {
  readonly killAfterMs: number;
  readonly backups: number;
  readonly fromBackups: number;
  readonly ofMoments: number;
  readonly isTableDeleted: boolean;
}

const round: fc.Arbitrary<Round> = fc.record({
  killAfterMs: fc.oneof(fc.nat(60), fc.nat(700)),
  backups: fc.nat(3),
  fromBackups: fc.nat(2),
  ofMoments: fc.nat(2),
  isTableDeleted: fc.boolean(),
});

/** Asks for everything at once. What is not answered before the kill may have been heard, or not. */
async function askFor(n: number, one: Round): Promise<void> {
  const work: Promise<unknown>[] = [];
  for (let i = 0; i < one.backups; i++) work.push(backUp());
  for (const BackupArn of promised().slice(0, one.fromBackups)) {
    const target = `backup-${n}-${work.length}`;
    const items = backups.get(BackupArn)?.items ?? new Map();
    work.push(
      dynamo
        .restoreTableFromBackup({ BackupArn, TargetTableName: target })
        .then(() => restores.set(target, items)),
    );
  }
  for (let i = 0; i < one.ofMoments; i++) {
    const target = `moment-${n}-${i}`;
    const { second, items } = seconds[(n * 31 + i) % seconds.length] as (typeof seconds)[number];
    const input = {
      SourceTableName: TableName,
      TargetTableName: target,
      RestoreDateTime: new Date(second * 1000),
    };
    work.push(dynamo.restoreTableToPointInTime(input).then(() => restores.set(target, items)));
  }
  if (one.isTableDeleted) work.push(deleteOne(`deleted-${n}`));
  const writing = [0, 1, 2].map(keepBusy);
  const done = Promise.allSettled(work);
  await delay(one.killAfterMs);
  await program.end('SIGKILL');
  await Promise.all([done, ...writing]);
  dynamo.destroy();
}

async function backUp(): Promise<void> {
  const items = now;
  const { BackupDetails: details } = await dynamo.createBackup({ TableName, BackupName: 'killed' });
  backups.set(details?.BackupArn ?? '', { items, isPromised: false });
}

async function deleteOne(name: string): Promise<void> {
  await create(name);
  await switchOn(name);
  await dynamo.putItem({ TableName: name, Item: itemOf('p', name) });
  await dynamo.deleteTable({ TableName: name });
  leaving.push(name);
}

function promised(): string[] {
  return [...backups].filter(([, { isPromised }]) => isPromised).map(([arn]) => arn);
}

/** Nothing half-made is to be seen, from the first moment on. */
async function expectNothingHalfMade(): Promise<void> {
  // Those of deleted tables are begun anew by themselves.
  expect(unfinishedBackups().filter((name) => !name.startsWith('-00000000', 14))).toEqual([]);
  expect(await problemsOfBackups()).toEqual([]);
  const { BackupSummaries: found = [] } = await dynamo.listBackups({ TableName });
  const arns = found.map(({ BackupArn: arn = '' }) => arn);
  for (const { BackupStatus: status } of found) expect(status).toBe('AVAILABLE');
  for (const arn of promised()) expect(arns).toContain(arn);
  for (const arn of arns) {
    // One whose asking was not answered.
    const known = backups.get(arn) ?? { items: now, isPromised: true };
    known.isPromised = true;
    backups.set(arn, known);
  }
  for (const arn of backups.keys()) if (!arns.includes(arn)) backups.delete(arn);
}

function unfinishedBackups(): string[] {
  return readdirSync(join(directory, 'backups')).filter((name) => name.includes('.'));
}

async function problemsOfBackups(): Promise<string[]> {
  const folder = join(directory, 'backups');
  const problems: string[] = [];
  if (readdirSync(folder).length === unfinishedBackups().length) return problems;
  for await (const { problem } of verifyBackups(folder)) if (problem !== undefined) problems.push(problem);
  return problems;
}

/** What was promised goes on to its end, and is right; then it is taken away. */
async function expectGoesOn(): Promise<void> {
  const { TableNames: names = [] } = await dynamo.listTables({});
  for (const name of restores.keys()) expect(names).toContain(name);
  for (const name of names.filter((one) => /^(backup|moment)-/.test(one))) {
    await untilActive(name);
    const items = restores.get(name);
    if (items !== undefined) await expectItems(name, items);
    await dynamo.deleteTable({ TableName: name });
  }
  restores.clear();
  for (const name of leaving.splice(0)) {
    const left = async () =>
      (await dynamo.listBackups({ TableName: name, BackupType: 'SYSTEM' })).BackupSummaries ?? [];
    await expect
      .poll(async () => (await left()).map((one) => one.BackupStatus), waiting)
      .toEqual(['AVAILABLE']);
    await expect.poll(() => isThere(name), waiting).toBe(false);
    expect(await left()).toHaveLength(1);
  }
  expect(unfinishedBackups()).toEqual([]);
  await expectItems(TableName, now);
}

const waiting = { timeout: 20_000, interval: 20 };

function isThere(name: string): Promise<boolean> {
  return dynamo.describeTable({ TableName: name }).then(
    () => true,
    () => false,
  );
}

async function untilActive(name: string): Promise<void> {
  const status = async () => (await dynamo.describeTable({ TableName: name })).Table?.TableStatus;
  await expect.poll(status, waiting).toBe('ACTIVE');
}

async function expectItems(name: string, items: Items): Promise<void> {
  const found = await allOf(name);
  expect(new Map(found.map(({ p, v }) => [p?.S ?? '', v?.S ?? '']))).toEqual(items);
  const entries = await allOf(name, 'by-v');
  expect(new Map(entries.map(({ p, v }) => [p?.S ?? '', v?.S ?? '']))).toEqual(items);
}

async function allOf(name: string, IndexName?: string): Promise<Record<string, AttributeValue>[]> {
  const items: Record<string, AttributeValue>[] = [];
  let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
  do {
    const page = await dynamo.scan({ TableName: name, IndexName, ExclusiveStartKey });
    items.push(...(page.Items ?? []));
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
  return items;
}

/** The histories that there are belong to tables, and have no unfinished files when all is done. */
async function expectTidyHistories(): Promise<void> {
  const histories = join(directory, 'history');
  const folders = () => readdirSync(histories).filter((name) => /^\d+$/.test(name));
  await expect.poll(() => folders().length, waiting).toBe(2);
  const unfinished = () =>
    folders()
      .flatMap((name) => readdirSync(join(histories, name)))
      .filter((name) => !name.endsWith('.archive'));
  await expect.poll(unfinished, waiting).toEqual([]);
}

test(`nothing half-made is left by a kill, and what was promised goes on (HISTORY_SEED=${seed})`, {
  timeout: 60_000 + kills * 30_000,
}, async () => {
  await change(0);
  await restSecond();
  for (const [n, one] of fc.sample(round, { seed, numRuns: kills }).entries()) {
    await askFor(n, one);
    expect((await checkDataDirectory(directory)).problems).toEqual([]);
    await start();
    await expectNothingHalfMade();
    await expectGoesOn();
    await expectTidyHistories();
    await change(n + 1);
    if (n % 3 === 0) await restSecond();
  }
});
