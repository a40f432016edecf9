import { deepStrictEqual } from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerBody, benchItem, keyName, requestHeaders, tableName } from './request.ts';
import { ITEMS } from './scenario.ts';

const BATCH_ITEMS = 25;
const BATCHES_AT_ONCE = 8;
const ACTIVE_MS_MAX = 20_000;
const ITEMS_CHECKED = 100;

/** Makes the table and fills it, so that every key that a row asks for is there. */
export async function fillStore(port: number): Promise<void> {
  await call(port, 'CreateTable', {
    TableName: tableName,
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    BillingMode: 'PAY_PER_REQUEST',
  });
  await tableActive(port);
  for (let key = 0; key < ITEMS; key += BATCH_ITEMS * BATCHES_AT_ONCE) {
    await Promise.all(
      Array.from({ length: BATCHES_AT_ONCE }, (_, i) => writeBatch(port, key + i * BATCH_ITEMS)),
    );
  }
}

/**
 * Reads items over the whole table and compares them, the revision excepted, with what was written.
 *
 * @throws Error where an item is missing or different, or an answer has another length than the loops expect.
 */
export async function checkStore(port: number): Promise<void> {
  for (let key = 0; key < ITEMS; key += ITEMS / ITEMS_CHECKED) {
    const body = await call(port, 'GetItem', { TableName: tableName, Key: { pk: { S: keyName(key) } } });
    const { Item: item } = JSON.parse(body);
    deepStrictEqual(item, { ...benchItem(key), revision: item?.revision });
    deepStrictEqual(Buffer.byteLength(body), Buffer.byteLength(answerBody('GetItem')));
  }
}

async function tableActive(port: number): Promise<void> {
  const deadlineMs = Date.now() + ACTIVE_MS_MAX;
  for (;;) {
    const { Table: table } = JSON.parse(await call(port, 'DescribeTable', { TableName: tableName }));
    if (table.TableStatus === 'ACTIVE') return;
    if (Date.now() > deadlineMs) throw new Error(`the table was not ACTIVE within ${ACTIVE_MS_MAX} ms`);
    await sleep(50);
  }
}

async function writeBatch(port: number, firstKey: number): Promise<void> {
  const keys = Array.from({ length: Math.min(BATCH_ITEMS, ITEMS - firstKey) }, (_, i) => firstKey + i);
  if (keys.length === 0) return;
  const puts = keys.map((key) => ({ PutRequest: { Item: benchItem(key) } }));
  const { UnprocessedItems: unprocessed } = JSON.parse(
    await call(port, 'BatchWriteItem', { RequestItems: { [tableName]: puts } }),
  );
  deepStrictEqual(unprocessed, {});
}

/** @returns the body of the answer. @throws Error where the status is not 200. */
async function call(port: number, operation: string, input: Record<string, unknown>): Promise<string> {
  const body = JSON.stringify(input);
  const headers = requestHeaders(operation, body);
  const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${operation} was answered ${response.status}: ${text}`);
  return text;
}
