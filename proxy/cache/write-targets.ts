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
  /** A key, or an item that has it among other attributes; unchecked. */
  readonly attributes: unknown;
  readonly isKey: boolean;
}

/** @returns the items that a write may change; undefined where the request does not have the form it should have. */
export function writeTargets(
  operation: string,
  input: Readonly<Record<string, unknown>>,
): WriteTarget[] | undefined {
  switch (operation) {
    case 'PutItem':
    case 'UpdateItem':
    case 'DeleteItem':
      return allTargets([targetOf(input)]);
    case 'BatchWriteItem':
      return batchTargets(input.RequestItems);
    case 'TransactWriteItems':
      return transactionTargets(input.TransactItems);
    default:
      return undefined;
  }
}

export function targetKey(schema: KeySchema, target: WriteTarget): KeyBytes | undefined {
  return target.isKey ? readKey(schema, target.attributes) : readItemKey(schema, target.attributes);
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

function targetOf(write: Readonly<Record<string, unknown>>): WriteTarget | undefined {
  const { TableName: tableName, Key: key, Item: item } = write;
  if (typeof tableName !== 'string') return undefined;
  return { tableName, attributes: key ?? item, isKey: key !== undefined && key !== null };
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
      const change = write.request.PutRequest ?? write.request.DeleteRequest;
      return isObject(change) ? targetOf({ ...change, TableName: write.TableName }) : undefined;
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
    for (const change of [Put, Update, Delete]) {
      if (change !== undefined && change !== null)
        writes.push(isObject(change) ? targetOf(change) : undefined);
    }
  }
  return allTargets(writes);
}

function allTargets(targets: (WriteTarget | undefined)[]): WriteTarget[] | undefined {
  const found = targets.filter((target) => target !== undefined);
  return found.length === targets.length ? found : undefined;
}
