import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkDataDirectory } from '../../engine/check.ts';
import { Program } from '../program.ts';
import { createIndexInput, createTableInput, type IndexShape } from './index-model.ts';

/* kill -9 while an index is being filled, and right after it has become ACTIVE. */

const index: IndexShape = {
  name: 'late',
  kind: 'GLOBAL',
  hash: ['x'],
  range: ['a'],
  projection: 'KEYS_ONLY',
};
const TableName = 'Killed';
const itemCount = 4000;

let directory: string;
let program: Program;
let dynamo: DynamoDB;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'slipstream-index-kill-'));
  await start();
  await dynamo.createTable(createTableInput(TableName, []) as never);
  for (let from = 0; from < itemCount; from += 25) {
    const requests = Array.from({ length: 25 }, (_, i) => ({
      PutRequest: { Item: itemOf(from + i, 'old') },
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
  dynamo = new DynamoDB({
    endpoint: await program.ready(),
    region: 'eu-central-1',
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
    maxAttempts: 1,
  });
}

function itemOf(i: number, a: string) {
  return { p: { S: `p${i % 7}` }, s: { N: String(i) }, x: { S: `x${i % 3}` }, a: { S: a } };
}

async function status(): Promise<string | undefined> {
  const { Table } = await dynamo.describeTable({ TableName });
  return Table?.GlobalSecondaryIndexes?.[0]?.IndexStatus;
}

async function untilActive(): Promise<void> {
  while ((await status()) !== 'ACTIVE') await delay(1);
}

/** Moves entries until the server is gone. */
async function write(): Promise<void> {
  for (let i = 0; ; i = (i + 7) % itemCount) {
    try {
      await dynamo.putItem({ TableName, Item: itemOf(i, `moved ${i % 5}`) });
    } catch {
      return;
    }
  }
}

async function killAndCheck(writing: Promise<void>): Promise<void> {
  await program.end('SIGKILL');
  await writing;
  dynamo.destroy();
  expect((await checkDataDirectory(directory)).problems).toEqual([]);
  await start();
}

async function expectWhole(): Promise<void> {
  await untilActive();
  const { Table } = await dynamo.describeTable({ TableName });
  expect(Table?.GlobalSecondaryIndexes?.[0]?.ItemCount).toBe(itemCount);
  const { Count } = await dynamo.scan({ TableName, IndexName: 'late', Select: 'COUNT' });
  expect(Count).toBe(itemCount);
}

describe('kill -9', () => {
  for (const afterMs of [0, 15, 40, 80]) {
    test(`${afterMs} ms into a backfill loses and doubles nothing`, async () => {
      await dynamo.updateTable(createIndexInput(TableName, index) as never);
      const writing = write();
      await delay(afterMs);
      await killAndCheck(writing);
      await expectWhole();
      await dynamo.updateTable({
        TableName,
        GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'late' } }],
      });
    });
  }

  test('right after the index has become ACTIVE leaves its counts true', async () => {
    await dynamo.updateTable(createIndexInput(TableName, index) as never);
    const writing = write();
    await untilActive();
    await killAndCheck(writing);
    await expectWhole();
  });
});
