import type { Item } from '../../protocol/attribute-value.ts';
import { canonicalItem } from '../../protocol/attribute-value.ts';
import type { KeyBytes, KeySchema } from '../../protocol/key.ts';
import type { Reply } from '../../protocol/reply.ts';
import type { CachedItem } from './cached-item.ts';
import { missingItem, soundItem } from './cached-item.ts';
import { isObject, readItemKey, readKey } from './key-reader.ts';

/** One item that a write changes. */
export interface WriteTarget {
  /** The table's name or ARN. */
  readonly tableName: string;
  readonly kind: 'put' | 'update' | 'delete';
  /** What is put; for the other kinds the key; unchecked. */
  readonly attributes: unknown;
}

/** @returns the items that a write may change; undefined where the request does not have the form it should have. */
export function writeTargets(
  operation: string,
  input: Readonly<Record<string, unknown>>,
): WriteTarget[] | undefined {
  switch (operation) {
    case 'PutItem':
      return allTargets([targetOf('put', input)]);
    case 'UpdateItem':
      return allTargets([targetOf('update', input)]);
    case 'DeleteItem':
      return allTargets([targetOf('delete', input)]);
    case 'BatchWriteItem':
      return batchTargets(input.RequestItems);
    case 'TransactWriteItems':
      return transactionTargets(input.TransactItems);
    default:
      return undefined;
  }
}

export function targetKey(schema: KeySchema, target: WriteTarget): KeyBytes | undefined {
  return target.kind === 'put' ? readItemKey(schema, target.attributes) : readKey(schema, target.attributes);
}

/** What a write of one item left under its key, where request and reply tell. Throws nothing: the write is done. */
export function writtenItem(
  operation: string,
  input: Readonly<Record<string, unknown>>,
  reply: Reply,
): CachedItem | undefined {
  switch (operation) {
    case 'PutItem':
      return itemPut(input.Item as Item);
    case 'DeleteItem':
      return missingItem;
    case 'UpdateItem':
      if (input.ReturnValues !== 'ALL_NEW' || !isObject(reply.output.Attributes)) return undefined;
      return soundItem(reply.output.Attributes);
    default:
      return undefined;
  }
}

/** A store that takes what DynamoDB refuses may also keep it in another form than DynamoDB. */
function itemPut(item: Item): CachedItem | undefined {
  try {
    return soundItem(canonicalItem(item));
  } catch {
    return undefined;
  }
}

function targetOf(
  kind: WriteTarget['kind'],
  { TableName: tableName, Key: key, Item: item }: Readonly<Record<string, unknown>>,
): WriteTarget | undefined {
  if (typeof tableName !== 'string') return undefined;
  return { tableName, kind, attributes: kind === 'put' ? item : key };
}

function batchTargets(requestItems: unknown): WriteTarget[] | undefined {
  if (!isObject(requestItems)) return undefined;
  const writes = Object.entries(requestItems).flatMap(([TableName, requests]) =>
    Array.isArray(requests)
      ? requests.map((request) => ({ TableName, request: request as unknown }))
      : [undefined],
  );
  return allTargets(
    writes.map((write) => {
      if (write === undefined || !isObject(write.request)) return undefined;
      const { PutRequest: put, DeleteRequest: remove } = write.request;
      const change = put ?? remove;
      if (!isObject(change)) return undefined;
      return targetOf(change === put ? 'put' : 'delete', { ...change, TableName: write.TableName });
    }),
  );
}

/** A ConditionCheck changes nothing; what is none of the four may change anything. */
function transactionTargets(transactItems: unknown): WriteTarget[] | undefined {
  if (!Array.isArray(transactItems)) return undefined;
  const writes: (WriteTarget | undefined)[] = [];
  for (const element of transactItems) {
    if (!isObject(element)) return undefined;
    const { Put, Update, Delete, ConditionCheck: _check, ...others } = element;
    if (Object.values(others).some((other) => other !== null)) return undefined;
    for (const [kind, change] of [
      ['put', Put],
      ['update', Update],
      ['delete', Delete],
    ] as const) {
      if (change !== undefined && change !== null)
        writes.push(isObject(change) ? targetOf(kind, change) : undefined);
    }
  }
  return allTargets(writes);
}

function allTargets(targets: (WriteTarget | undefined)[]): WriteTarget[] | undefined {
  const found = targets.filter((target) => target !== undefined);
  return found.length === targets.length ? found : undefined;
}
