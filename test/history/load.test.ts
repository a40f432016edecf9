import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyBackups } from '../../engine/backup/backup-folder.ts';
import { checkDataDirectory } from '../../engine/check.ts';
import { backUp, switchRecovery } from '../engine/backup/backup-engine.ts';
import { TestEngine } from '../engine/engine-harness.ts';
import {
  createIndexInput,
  createTableInput,
  type IndexShape,
  type Item,
  members,
  projected,
  shapes,
  spelled,
} from '../engine/index-model.ts';

/* Backups and moments of a table that many write to at once are what it had at one position of the log, to the item. */

const TableName = 'busy';
const indexes = [shapes[0], shapes[2]] as readonly IndexShape[];
/** Is created and deleted again and again. */
const toggled: IndexShape = { name: 'toggled', kind: 'GLOBAL', hash: ['a'], range: ['s'], projection: ['x'] };
const writers = 24;
const keys = 400;

let engine: TestEngine;
/** What has been committed, in its order. */
const committed: { readonly name: string; readonly text: string | undefined; readonly toldMs: number }[] = [];
let isWriting = true;
let writing: Promise<unknown>;
let written = 0;

beforeAll(async () => {
  engine = await TestEngine.open({
    logSegmentBytesMax: 512 * 1024,
    pitrBaseBytesMin: 64 * 1024,
    overlayBytesMax: 1024 * 1024,
  });
  await engine.call('CreateTable', createTableInput(TableName, indexes));
  await engine.untilStatus(TableName, 'ACTIVE');
  await switchRecovery(engine, TableName, true);
  const tableId = (await described(TableName)).TableId;
  engine.engine.changes.subscribe({
    item: ({ tableId: of, oldItem, newItem }) => {
      if (of !== tableId) return;
      const [old, now] = [oldItem, newItem].map((json) => json && (json.toJSON() as Item));
      const name = nameOf((now ?? old) as Item);
      committed.push({ name, text: now && spelled(now), toldMs: Date.now() });
    },
    table: () => {},
  });
  writing = Promise.all([toggle(), ...Array.from({ length: writers }, (_, i) => write(i))]);
});

afterAll(async () => {
  isWriting = false;
  await writing;
  await engine.remove();
});

interface Described {
  readonly TableId: string;
  readonly GlobalSecondaryIndexes?: readonly { readonly IndexName: string; readonly IndexStatus: string }[];
  readonly LocalSecondaryIndexes?: readonly { readonly IndexName: string }[];
}

async function described(name: string): Promise<Described> {
  return (await engine.call<{ Table: Described }>('DescribeTable', { TableName: name })).Table;
}

function indexNames({ GlobalSecondaryIndexes = [], LocalSecondaryIndexes = [] }: Described): string[] {
  return [...GlobalSecondaryIndexes, ...LocalSecondaryIndexes].map(({ IndexName }) => IndexName);
}

/** The index comes, is filled, and goes. */
async function toggle(): Promise<void> {
  const statusOf = async () =>
    (await described(TableName)).GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === toggled.name)
      ?.IndexStatus;
  while (isWriting) {
    await engine.call('UpdateTable', createIndexInput(TableName, toggled));
    while ((await statusOf()) !== 'ACTIVE') await delay(2);
    await delay(20);
    const removal = { Delete: { IndexName: toggled.name } };
    await engine.call('UpdateTable', { TableName, GlobalSecondaryIndexUpdates: [removal] });
    while ((await statusOf()) !== undefined) await delay(2);
    await delay(20);
  }
}

function key(i: number) {
  return { p: { S: `p${i % 13}` }, s: { N: `${i % keys}` } };
}

function item(i: number) {
  const more = { S: `${written++} ${'more '.repeat(i % 90)}` };
  return { ...key(i), a: { S: `a${i % 11}` }, ...(i % 3 > 0 && { x: { S: `x${i % 5}` } }), more };
}

/** Writes of each kind, each as soon as the one before is answered. */
async function write(writer: number): Promise<void> {
  for (let i = writer * 7919; isWriting; i += 31) {
    const kind = i % 6;
    if (kind < 2) await engine.call('PutItem', { TableName, Item: item(i) });
    else if (kind === 2) await engine.call('DeleteItem', { TableName, Key: key(i) });
    else if (kind === 3) {
      const values = { ':more': { S: `${written++}` }, ':a': { S: `a${i % 7}` } };
      const UpdateExpression = 'SET more = :more, a = :a';
      await engine.call('UpdateItem', {
        TableName,
        Key: key(i),
        UpdateExpression,
        ExpressionAttributeValues: values,
      });
    } else if (kind === 4) {
      const puts = [i, i + 1].map((n) => ({ Put: { TableName, Item: item(n) } }));
      // Others may be at the same items just now.
      await engine.call('TransactWriteItems', { TransactItems: puts }).catch(unlessCancelled);
    } else {
      const puts = [i, i + 1, i + 2].map((n) => ({ PutRequest: { Item: item(n) } }));
      await engine.call('BatchWriteItem', { RequestItems: { [TableName]: puts } });
    }
  }
}

function unlessCancelled(error: { readonly code?: string }): void {
  if (error.code !== 'TransactionCanceledException' && error.code !== 'TransactionConflictException')
    throw error;
}

async function allOf(name: string, IndexName?: string): Promise<Item[]> {
  const items: Item[] = [];
  let ExclusiveStartKey: unknown;
  do {
    const page = await engine.call<{ Items: Item[]; LastEvaluatedKey?: unknown }>('Scan', {
      TableName: name,
      ...(IndexName !== undefined && { IndexName }),
      ...(ExclusiveStartKey !== undefined && { ExclusiveStartKey }),
    });
    items.push(...page.Items);
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
  return items;
}

function nameOf({ p, s }: Item): string {
  return JSON.stringify([p, s]);
}

/** After how many changes the table has had just these items. */
function positionsOf(items: readonly Item[]): number[] {
  const wanted = new Map(items.map((one) => [nameOf(one), spelled(one)]));
  const state = new Map<string, string>();
  let differences = wanted.size;
  const found = differences === 0 ? [0] : [];
  for (const [i, { name, text }] of committed.entries()) {
    const before = state.get(name);
    if (text === undefined) state.delete(name);
    else state.set(name, text);
    differences += Number(text !== wanted.get(name)) - Number(before !== wanted.get(name));
    if (differences === 0) found.push(i + 1);
  }
  return found;
}

/** The position that a restored table shows, with indexes that show the same. */
async function positionOf(name: string): Promise<number> {
  const items = await allOf(name);
  const names = indexNames(await described(name));
  expect(names).toEqual(expect.arrayContaining(indexes.map((index) => index.name)));
  for (const index of [...indexes, toggled].filter((one) => names.includes(one.name))) {
    const entries = members(index, items).map((one) => spelled(projected(index, one)));
    expect((await allOf(name, index.name)).map(spelled).sort()).toEqual(entries.sort());
  }
  const [position] = positionsOf(items);
  expect(position, `${name} has what the table never had`).toBeDefined();
  return position ?? -1;
}

describe('under the writes of many', () => {
  test('a backup is the table at one position, between its beginning and its end; twice', async () => {
    for (let round = 0; round < 2; round++) {
      const [enough, asked] = [committed.length + 2000, committed.length];
      const made = Promise.all([backUp(engine, TableName), backUp(engine, TableName)]);
      const arns = await made;
      const madeAt = committed.length;
      await until(() => committed.length >= enough);
      for (const [i, BackupArn] of arns.entries()) {
        const positions: number[] = [];
        for (const copy of ['first', 'second']) {
          const TargetTableName = `backup-${round}-${i}-${copy}`;
          await engine.call('RestoreTableFromBackup', { BackupArn, TargetTableName });
          await engine.untilStatus(TargetTableName, 'ACTIVE');
          positions.push(await positionOf(TargetTableName));
        }
        const [first = -1, second] = positions;
        expect(second).toBe(first);
        expect(first).toBeGreaterThanOrEqual(asked);
        expect(first).toBeLessThanOrEqual(madeAt);
      }
    }
  }, 120_000);

  test('a second that comes back has all that was told by its end, and little of what was told later', async () => {
    for (let round = 0; round < 3; round++) {
      const TargetTableName = `moment-${round}`;
      const second = Math.floor(Date.now() / 1000) - 1;
      await engine.call('RestoreTableToPointInTime', {
        SourceTableName: TableName,
        TargetTableName,
        ...(round === 0 ? { UseLatestRestorableTime: true } : { RestoreDateTime: second }),
      });
      await engine.untilStatus(TargetTableName, 'ACTIVE');
      const position = await positionOf(TargetTableName);
      const before = committed.filter(({ toldMs }) => toldMs < (second + 1) * 1000).length;
      expect(position).toBeGreaterThanOrEqual(before);
      // What was committed by then can be told of later.
      expect(position).toBeLessThanOrEqual(before + (round === 0 ? committed.length : writers * 4));
      await delay(700);
    }
  }, 120_000);
});

test('what is left behind is sound', async () => {
  isWriting = false;
  await writing;
  await engine.engine.close();
  expect((await checkDataDirectory(engine.directory)).problems).toEqual([]);
  for await (const { problem } of verifyBackups(join(engine.directory, 'backups')))
    expect(problem).toBeUndefined();
  await engine.reopen();
});

async function until(isReached: () => boolean): Promise<void> {
  while (!isReached()) await delay(5);
}
