import type { ReturnConsumedCapacity } from '../../protocol/capacity.ts';
import { consumedCapacity, readUnits } from '../../protocol/capacity.ts';
import type { Projection } from '../../protocol/expression/projection.ts';
import type { Output } from '../../protocol/reply.ts';
import { Reply } from '../../protocol/reply.ts';
import type { CachedItem } from './cached-item.ts';
import { projectCached, readProjection } from './projection.ts';

/** A GetItem that is understood to the last member, and so may be answered from the cache. */
export interface GetItemCall {
  readonly tableName: string;
  /** Still to be read by the table's schema. */
  readonly key: unknown;
  readonly projection: Projection | 'whole';
  readonly returnConsumedCapacity: ReturnConsumedCapacity;
  /** Whether it asks for nothing besides the item. */
  readonly isPlain: boolean;
}

/** @returns undefined for what the cache cannot answer, or the store might refuse. */
export function readGetItem(input: Readonly<Record<string, unknown>>): GetItemCall | undefined {
  const { TableName: tableName, Key: key } = input;
  if (typeof tableName !== 'string') return undefined;
  for (const member in input) if (!members.has(member) && input[member] !== null) return undefined;
  const returnConsumedCapacity = input.ReturnConsumedCapacity ?? 'NONE';
  if (!isCapacityMode(returnConsumedCapacity) || (input.ConsistentRead ?? false) !== false) return undefined;
  const projection = readProjection(input.ProjectionExpression, input.ExpressionAttributeNames);
  if (projection === undefined) return undefined;
  const isPlain = returnConsumedCapacity === 'NONE' && projection === 'whole';
  return { tableName, key, projection, returnConsumedCapacity, isPlain };
}

const members: ReadonlySet<string> = new Set([
  'TableName',
  'Key',
  'ConsistentRead',
  'ReturnConsumedCapacity',
  'ProjectionExpression',
  'ExpressionAttributeNames',
]);

/** What the store would have answered, had it been asked for this item. */
export function answerGetItem(call: GetItemCall, cached: CachedItem): Reply {
  if (call.isPlain) return cached.reply;
  const output: Output = {};
  if (cached.item !== undefined) output.Item = projectCached(call.projection, cached);
  const units = readUnits(cached.item?.size ?? 0, 'eventual');
  const consumed = consumedCapacity(call.returnConsumedCapacity, call.tableName, units);
  if (consumed !== undefined) output.ConsumedCapacity = consumed;
  return new Reply(output);
}

export function isCapacityMode(value: unknown): value is ReturnConsumedCapacity {
  return value === 'NONE' || value === 'TOTAL' || value === 'INDEXES';
}
