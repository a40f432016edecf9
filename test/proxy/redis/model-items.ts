import type { Item } from '../../../protocol/attribute-value.ts';
import type { Request } from '../../../protocol/backend.ts';
import { canonicalKey } from '../../../protocol/key.ts';
import { Reply } from '../../../protocol/reply.ts';
import type { HeldCall } from '../simulated-store.ts';

/*
 * A table of two items, and what is asked of it. An item is told by its label: what it is at first, or what one of the
 * writes puts. The first one moves between two partitions of a global index, of which one is read.
 */

export const tableName = 'items';
export const region = 'us-east-1';
export const group = { name: 'g', type: 'S' } as const;
export const schema = { partition: { name: 'id', type: 'S' }, sort: undefined } as const;

export const ids = ['k', 'l'] as const;
export type Id = (typeof ids)[number];

export type Value = string;
export const firstItem: Value = 'first';
/** There is no item, or none that a reader of the index sees. */
export const noItem: Value = '-';

/** GetItem of either item, BatchGetItem of both, a Query of the first one's partition, or one of a partition of a global index. */
export type Kind = 'item' | 'other' | 'batch' | 'query' | 'index';

export const requests: Readonly<Record<Kind, Request>> = {
  item: { operation: 'GetItem', input: { TableName: tableName, Key: keyOf('k') }, region },
  other: { operation: 'GetItem', input: { TableName: tableName, Key: keyOf('l') }, region },
  batch: {
    operation: 'BatchGetItem',
    input: { RequestItems: { [tableName]: { Keys: ids.map(keyOf) } } },
    region,
  },
  query: { operation: 'Query', input: queryInput('id = :v', 'k'), region },
  index: { operation: 'Query', input: { ...queryInput('g = :v', 'x'), IndexName: 'groups' }, region },
};

/** Which items an answer shows. */
export const idsOf: Readonly<Record<Kind, readonly Id[]>> = {
  item: ['k'],
  other: ['l'],
  batch: ids,
  query: ['k'],
  index: ['k'],
};

export function putRequest(id: Id, value: Value): Request {
  return { operation: 'PutItem', input: { TableName: tableName, Item: itemOf(id, value) }, region };
}

export function putBothRequest(value: Value): Request {
  const puts = ids.map((id) => ({ PutRequest: { Item: itemOf(id, value) } }));
  return { operation: 'BatchWriteItem', input: { RequestItems: { [tableName]: puts } }, region };
}

export function itemOf(id: Id, value: Value): Item {
  return { ...keyOf(id), v: { S: value }, g: { S: id === 'k' ? groupOf(value) : 'z' } };
}

/** What nobody reads. */
export const anotherItem: Item = { id: { S: 'another' }, g: { S: 'z' } };
export const anotherRequest: Request = {
  operation: 'GetItem',
  input: { TableName: tableName, Key: { id: { S: 'another' } } },
  region,
};

export function canonical(id: Id): string {
  return canonicalKey(schema, keyOf(id));
}

/** What a reader sees of the item while it has this value. */
export function seenAs(value: Value, kind: Kind): Value {
  return kind === 'index' && groupOf(value) === 'y' ? noItem : value;
}

/** @returns what an answer shows of each item, but for those that it leaves to be asked for again. */
export function shownIn(reply: Reply, kind: Kind): Map<Id, Value> {
  const {
    Item: item,
    Items: items,
    Responses: responses,
    UnprocessedKeys: left,
  } = JSON.parse(reply.body.toString());
  const shown: Item[] = responses?.[tableName] ?? items ?? [item];
  const leftOut: Item[] = left?.[tableName]?.Keys ?? [];
  const isLeft = (id: Id) => leftOut.some((key) => isOf(key, id));
  return new Map(
    idsOf[kind]
      .filter((id) => !isLeft(id))
      .map((id) => [id, labelOf(shown.find((each) => each !== undefined && isOf(each, id)))]),
  );
}

const writes: ReadonlySet<string> = new Set(['PutItem', 'BatchWriteItem', 'DeleteTable', 'CreateTable']);

export function isWrite({ request }: HeldCall): boolean {
  return writes.has(request.operation);
}

/** What a call that was executed made of the items. */
export function madeBy({ request, outcome }: Pick<HeldCall, 'request' | 'outcome'>): Map<Id, Value> {
  const { operation, input } = request;
  if (!(outcome instanceof Reply)) return new Map();
  if (operation === 'DeleteTable') return new Map(ids.map((id) => [id, noItem]));
  if (operation === 'PutItem') return new Map(ids.flatMap((id) => written(input.Item, id)));
  if (operation !== 'BatchWriteItem') return new Map();
  const isLeft = (id: Id) => JSON.stringify(outcome.output.UnprocessedItems).includes(`"S":"${id}"`);
  const puts = (input.RequestItems as Record<string, { PutRequest: { Item: Item } }[]>)[tableName] ?? [];
  return new Map(
    ids
      .filter((id) => !isLeft(id))
      .flatMap((id) => puts.flatMap(({ PutRequest: { Item: item } }) => written(item, id))),
  );
}

export function outcomeOf({ request, outcome }: HeldCall): string {
  const asked = JSON.stringify(request.input.Item ?? request.input.RequestItems);
  return `${asked} ${outcome instanceof Reply ? outcome.body : outcome}`;
}

function written(item: unknown, id: Id): [Id, Value][] {
  return isOf(item as Item, id) ? [[id, labelOf(item as Item)]] : [];
}

function keyOf(id: Id): Item {
  return { id: { S: id } };
}

function isOf(item: Item, id: Id): boolean {
  return JSON.stringify(item.id) === JSON.stringify({ S: id });
}

function labelOf(item: Item | undefined): Value {
  const value = item?.v;
  return value !== undefined && 'S' in value ? value.S : noItem;
}

function queryInput(condition: string, value: string): Record<string, unknown> {
  return {
    TableName: tableName,
    KeyConditionExpression: condition,
    ExpressionAttributeValues: { ':v': { S: value } },
  };
}

/** The first two writers take the item out of the partition of the index that is read, and the third puts it back. */
function groupOf(value: Value): 'x' | 'y' {
  return value === firstItem || value === 'w2' ? 'x' : 'y';
}
