import type { ConsumedCapacity, ReturnConsumedCapacity } from '../../protocol/capacity.ts';
import { consumedCapacity, readUnits } from '../../protocol/capacity.ts';
import type { Projection } from '../../protocol/expression/projection.ts';
import type { KeyBytes } from '../../protocol/key.ts';
import type { Output } from '../../protocol/reply.ts';
import { Reply } from '../../protocol/reply.ts';
import type { Table } from '../table-descriptions.ts';
import type { CachedItem } from './cached-item.ts';
import { isCapacityMode } from './get-item.ts';
import { isObject, readKey } from './key-reader.ts';
import { projectCached, reachesIntoKey, readProjection } from './projection.ts';

/** Keys that a batch may have, and bytes of items that its reply may have (AWS: API_BatchGetItem). */
const keysMax = 100;
const itemBytesMax = 16 * 1024 * 1024;

/** A BatchGetItem that is understood to the last member, and so may be answered from the cache. */
export interface BatchGetItemCall {
  readonly requests: readonly TableRequest[];
  readonly returnConsumedCapacity: ReturnConsumedCapacity;
}

/** What the batch asks of one table. */
export interface TableRequest {
  readonly tableName: string;
  /** As the caller wrote it. */
  readonly entry: Readonly<Record<string, unknown>>;
  readonly projection: Projection | 'whole';
  /** Still to be read by the table's schema. */
  readonly keys: readonly unknown[];
}

/** One key of the batch, and where its item belongs. */
export interface Place {
  readonly request: TableRequest;
  readonly table: Table;
  readonly requestedKey: unknown;
  readonly key: KeyBytes;
}

/** @returns undefined for what the cache cannot answer, or the store might refuse. */
export function readBatchGetItem(input: Readonly<Record<string, unknown>>): BatchGetItemCall | undefined {
  const { RequestItems: requestItems, ReturnConsumedCapacity: mode, ...others } = input;
  if (!isObject(requestItems) || !allNull(others)) return undefined;
  const returnConsumedCapacity = mode ?? 'NONE';
  if (!isCapacityMode(returnConsumedCapacity)) return undefined;
  const requests = Object.entries(requestItems).map(([name, entry]) => readTableRequest(name, entry));
  const understood = requests.filter((request) => request !== undefined);
  if (understood.length === 0 || understood.length < requests.length) return undefined;
  const keyCount = understood.reduce((count, { keys }) => count + keys.length, 0);
  return keyCount > keysMax ? undefined : { requests: understood, returnConsumedCapacity };
}

function readTableRequest(tableName: string, entry: unknown): TableRequest | undefined {
  if (!isObject(entry)) return undefined;
  const {
    Keys: keys,
    ConsistentRead: consistentRead,
    ProjectionExpression,
    ExpressionAttributeNames,
    ...others
  } = entry;
  if (!Array.isArray(keys) || keys.length === 0 || !allNull(others)) return undefined;
  if ((consistentRead ?? false) !== false) return undefined;
  const projection = readProjection(ProjectionExpression, ExpressionAttributeNames);
  return projection === undefined ? undefined : { tableName, entry, projection, keys };
}

function allNull(members: Readonly<Record<string, unknown>>): boolean {
  return Object.values(members).every((member) => member === null);
}

/**
 * @returns the batch's keys in its order; undefined where one is not valid, or there twice, be it under the table's
 * name and its ARN, or where its table is not cached.
 */
export function readPlaces(
  call: BatchGetItemCall,
  tables: readonly (Table | undefined)[],
): Place[] | undefined {
  const places: Place[] = [];
  const seen = new Set<string>();
  for (const [i, request] of call.requests.entries()) {
    const table = tables[i];
    if (table === undefined || !table.cache || reachesIntoKey(request.projection, table.schema))
      return undefined;
    for (const requestedKey of request.keys) {
      const key = readKey(table.schema, requestedKey);
      if (key === undefined) return undefined;
      places.push({ request, table, requestedKey, key });
      seen.add(`${table.id}\n${key}`);
    }
  }
  return seen.size < places.length ? undefined : places;
}

/**
 * What the store would have answered.
 * @param items in the order of `places`; undefined for those without an answer, which the caller has to ask for again.
 */
export function answerBatchGetItem(
  call: BatchGetItemCall,
  places: readonly Place[],
  items: readonly (CachedItem | undefined)[],
): Reply {
  const answers = new Map(call.requests.map((request) => [request, newAnswer()]));
  let bytes = 0;
  let isFull = false;
  for (const [i, { request, requestedKey }] of places.entries()) {
    const answer = answers.get(request) as TableAnswer;
    const cached = items[i];
    bytes += cached?.item?.size ?? 0;
    if (cached === undefined || isFull || bytes > itemBytesMax) answer.unprocessed.push(requestedKey);
    else addItem(answer, cached, request.projection);
    isFull = bytes >= itemBytesMax;
  }
  return new Reply(outputOf(call, answers));
}

interface TableAnswer {
  readonly items: unknown[];
  readonly unprocessed: unknown[];
  units: number;
}

function newAnswer(): TableAnswer {
  return { items: [], unprocessed: [], units: 0 };
}

function addItem(answer: TableAnswer, cached: CachedItem, projection: Projection | 'whole'): void {
  answer.units += readUnits(cached.item?.size ?? 0, 'eventual');
  if (cached.item !== undefined) answer.items.push(projectCached(projection, cached));
}

function outputOf(call: BatchGetItemCall, answers: ReadonlyMap<TableRequest, TableAnswer>): Output {
  const responses: [string, unknown][] = [];
  const unprocessed: [string, unknown][] = [];
  const capacities: ConsumedCapacity[] = [];
  for (const [{ tableName, entry }, answer] of answers) {
    responses.push([tableName, answer.items]);
    if (answer.unprocessed.length > 0) unprocessed.push([tableName, { ...entry, Keys: answer.unprocessed }]);
    const consumed = consumedCapacity(call.returnConsumedCapacity, tableName, answer.units);
    if (consumed !== undefined) capacities.push(consumed);
  }
  const output = {
    Responses: Object.fromEntries(responses),
    UnprocessedKeys: Object.fromEntries(unprocessed),
  };
  return call.returnConsumedCapacity === 'NONE' ? output : { ...output, ConsumedCapacity: capacities };
}
