import { deepStrictEqual } from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AttributeValue } from '../protocol/attribute-value.ts';
import { INDEX_NAME, itemCount, itemOf, keyName, REVISION_MIN, type TableName } from './item.ts';
import { requestHeaders } from './request.ts';
import type { Workload } from './workload.ts';

const BATCH_ITEMS = 25;
const READ_ITEMS = 100;
const BATCHES_AT_ONCE = 8;
const ACTIVE_MS_MAX = 20_000;
const ITEMS_CHECKED = 100;

/** Makes a table and fills it, so that every key that a row asks for is there. */
export async function fillTable(port: number, table: TableName): Promise<void> {
  await createTable(port, table);
  const items = itemCount(table);
  for (let first = 0; first < items; first += BATCH_ITEMS * BATCHES_AT_ONCE) {
    await Promise.all(
      Array.from({ length: BATCHES_AT_ONCE }, (_, i) => writeBatch(port, table, first + i * BATCH_ITEMS)),
    );
  }
}

/** Resolves when it can be used. @param table of `tableNames`, or another name for one with one item a key. */
export async function createTable(port: number, table: string): Promise<void> {
  await call(port, 'CreateTable', tableDefinition(table));
  await tableActive(port, table);
}

/**
 * What of its writes a table keeps from now on.
 *
 * @param feature `recovery` is point-in-time recovery, `stream` one of both images.
 */
export async function switchOn(port: number, table: string, feature: TableFeature): Promise<void> {
  if (feature === 'recovery') {
    const PointInTimeRecoverySpecification = { PointInTimeRecoveryEnabled: true };
    await call(port, 'UpdateContinuousBackups', { TableName: table, PointInTimeRecoverySpecification });
    return;
  }
  const StreamSpecification = { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' };
  await call(port, 'UpdateTable', { TableName: table, StreamSpecification });
  await tableActive(port, table);
}

/**
 * Reads items over the whole table and compares them, the revision excepted, with what was written.
 *
 * @throws Error where an item is missing or different.
 */
export async function checkTable(port: number, table: TableName): Promise<void> {
  const items = itemCount(table);
  for (let number = 0; number < items; number += items / ITEMS_CHECKED) {
    const item = itemOf(table, number);
    const { pk, sk } = item;
    const Key = sk === undefined ? { pk } : { pk, sk };
    const answer = JSON.parse(await call(port, 'GetItem', { TableName: table, Key })) as Answer;
    const revision = answer.Item?.revision;
    deepStrictEqual(answer.Item, revision === undefined ? item : { ...item, revision });
  }
}

/** Reads the first `keys` items of a table with one item a key, each once, so that a cache has them. */
export async function readItems(port: number, table: TableName, keys: number): Promise<void> {
  const step = READ_ITEMS * BATCHES_AT_ONCE;
  for (let first = 0; first < keys; first += step) {
    await Promise.all(
      Array.from({ length: BATCHES_AT_ONCE }, (_, i) => readBatch(port, table, first + i * READ_ITEMS, keys)),
    );
  }
}

/**
 * @param revision that no request has had: a repeated one would not meet the condition of an update.
 * @throws Error where the answer is wrong, or has another length than the loops expect.
 */
export async function checkAnswer(port: number, workload: Workload, revision: number): Promise<void> {
  const input = JSON.stringify(workload.input).replaceAll(String(REVISION_MIN), String(revision));
  const body = await call(port, workload.operation, JSON.parse(input));
  deepStrictEqual(Buffer.byteLength(body), Buffer.byteLength(JSON.stringify(workload.answer)));
  if (workload.isExact) deepStrictEqual(JSON.parse(body), workload.answer);
}

async function readBatch(port: number, table: TableName, first: number, keys: number): Promise<void> {
  const count = Math.min(READ_ITEMS, keys - first);
  if (count <= 0) return;
  const Keys = Array.from({ length: count }, (_, i) => ({ pk: { S: keyName(first + i) } }));
  const { Responses: items, UnprocessedKeys: unprocessed } = JSON.parse(
    await call(port, 'BatchGetItem', { RequestItems: { [table]: { Keys } } }),
  );
  deepStrictEqual([items[table].length, unprocessed], [count, {}]);
}

export type TableFeature = 'recovery' | 'stream';

interface Answer {
  readonly Item?: Record<string, AttributeValue>;
}

function tableDefinition(table: string): Record<string, unknown> {
  const keys = (partition: string, ...sort: string[]) => [
    { AttributeName: partition, KeyType: 'HASH' },
    ...sort.map((name) => ({ AttributeName: name, KeyType: 'RANGE' })),
  ];
  const attributes = (...names: string[]) =>
    names.map((name) => ({ AttributeName: name, AttributeType: 'S' }));
  const common = { TableName: table, BillingMode: 'PAY_PER_REQUEST' };
  if (table !== 'collections') {
    return { ...common, AttributeDefinitions: attributes('pk'), KeySchema: keys('pk') };
  }
  const index = {
    IndexName: INDEX_NAME,
    KeySchema: keys('indexPk', 'indexSk'),
    Projection: { ProjectionType: 'ALL' },
  };
  return {
    ...common,
    AttributeDefinitions: attributes('pk', 'sk', 'indexPk', 'indexSk'),
    KeySchema: keys('pk', 'sk'),
    GlobalSecondaryIndexes: [index],
  };
}

async function tableActive(port: number, name: string): Promise<void> {
  const deadlineMs = Date.now() + ACTIVE_MS_MAX;
  for (;;) {
    const { Table: table } = JSON.parse(await call(port, 'DescribeTable', { TableName: name }));
    if (table.TableStatus === 'ACTIVE') return;
    if (Date.now() > deadlineMs) throw new Error(`${name} was not ACTIVE within ${ACTIVE_MS_MAX} ms`);
    await sleep(50);
  }
}

async function writeBatch(port: number, table: TableName, first: number): Promise<void> {
  const count = Math.min(BATCH_ITEMS, itemCount(table) - first);
  if (count <= 0) return;
  const puts = Array.from({ length: count }, (_, i) => ({ PutRequest: { Item: itemOf(table, first + i) } }));
  const { UnprocessedItems: unprocessed } = JSON.parse(
    await call(port, 'BatchWriteItem', { RequestItems: { [table]: puts } }),
  );
  deepStrictEqual(unprocessed, {});
}

/** @returns the body of the answer. @throws Error where the status is not 200. */
export async function call(
  port: number,
  operation: string,
  input: Readonly<Record<string, unknown>>,
): Promise<string> {
  const body = JSON.stringify(input);
  const headers = requestHeaders(operation, body);
  const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${operation} was answered ${response.status}: ${text}`);
  return text;
}
