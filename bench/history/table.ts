import { deepStrictEqual } from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { call, createTable } from '../store.ts';
import { historyItem } from './item.ts';

/** The table whose past is kept, in a server at a port of loopback. */
export const TABLE = 'history-items';

const BATCH_ITEMS = 25;
const BATCHES_AT_ONCE = 8;
const ITEMS_CHECKED = 100;
const POLL_MS = 5;

/** Makes the table, and writes each of its items once. */
export async function fillHistoryTable(port: number, items: number): Promise<void> {
  await createTable(port, TABLE);
  await writeItems(port, items, 0, items);
}

/** Writes number `from` and those behind it, before `to`, into a table of so many items. */
export async function writeItems(port: number, items: number, from: number, to: number): Promise<void> {
  const step = BATCH_ITEMS * BATCHES_AT_ONCE;
  for (let first = from; first < to; first += step) {
    await Promise.all(
      Array.from({ length: BATCHES_AT_ONCE }, (_, i) => {
        const start = first + i * BATCH_ITEMS;
        return writeBatch(port, items, start, Math.min(start + BATCH_ITEMS, to));
      }),
    );
  }
}

/** @throws Error where a table is not as it is after so many writes, at a hundred places all over it. */
export async function checkWritten(
  port: number,
  table: string,
  items: number,
  writes: number,
): Promise<void> {
  const { Table } = await ask(port, 'DescribeTable', { TableName: table });
  deepStrictEqual((Table as { ItemCount: number }).ItemCount, items);
  for (let i = 0; i < ITEMS_CHECKED; i++) {
    const number = writes - 1 - Math.floor((i * items) / ITEMS_CHECKED);
    const item = historyItem(number, items);
    const { Item } = await ask(port, 'GetItem', {
      TableName: table,
      Key: { pk: item.pk },
      ConsistentRead: true,
    });
    deepStrictEqual(Item, item);
  }
}

/** @returns the backup's ARN when it is there. */
export async function backUp(port: number, name: string): Promise<string> {
  const made = await ask(port, 'CreateBackup', { TableName: TABLE, BackupName: name });
  const { BackupArn } = made.BackupDetails as { BackupArn: string };
  for (;;) {
    const { BackupDescription } = await ask(port, 'DescribeBackup', { BackupArn });
    const { BackupDetails } = BackupDescription as { BackupDetails: { BackupStatus: string } };
    if (BackupDetails.BackupStatus === 'AVAILABLE') return BackupArn;
    await sleep(POLL_MS);
  }
}

export async function deleteBackup(port: number, BackupArn: string): Promise<void> {
  await ask(port, 'DeleteBackup', { BackupArn });
}

/** Resolves when the new table can be used. */
export async function restoreBackup(port: number, BackupArn: string, table: string): Promise<void> {
  await ask(port, 'RestoreTableFromBackup', { BackupArn, TargetTableName: table });
  await untilActive(port, table);
}

/** The same for the table as it is when a second is over in which nothing is written any more. */
export async function restoreLatest(port: number, table: string): Promise<void> {
  await ask(port, 'RestoreTableToPointInTime', {
    SourceTableName: TABLE,
    TargetTableName: table,
    UseLatestRestorableTime: true,
  });
  await untilActive(port, table);
}

async function untilActive(port: number, table: string): Promise<void> {
  for (;;) {
    const { Table } = await ask(port, 'DescribeTable', { TableName: table });
    if ((Table as { TableStatus: string }).TableStatus === 'ACTIVE') return;
    await sleep(POLL_MS);
  }
}

async function writeBatch(port: number, items: number, from: number, to: number): Promise<void> {
  if (from >= to) return;
  const puts = Array.from({ length: to - from }, (_, i) => ({
    PutRequest: { Item: historyItem(from + i, items) },
  }));
  const { UnprocessedItems } = await ask(port, 'BatchWriteItem', { RequestItems: { [TABLE]: puts } });
  deepStrictEqual(UnprocessedItems, {});
}

async function ask(
  port: number,
  operation: string,
  input: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  return JSON.parse(await call(port, operation, input));
}
