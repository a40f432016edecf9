import type { Request } from '../../protocol/backend.ts';
import { consumedCapacity, writeUnits } from '../../protocol/capacity.ts';
import { canonicalKey, type KeyBytes } from '../../protocol/key.ts';
import type { BatchWriteItemInput, WriteRequest } from '../../protocol/operation.ts';
import { type ItemJson, type Output, Reply } from '../../protocol/reply.ts';
import { checkDistinctKeys, checkKey, checkPutRequestKey } from '../../protocol/validate/item.ts';
import { validateBatchWriteItem } from '../../protocol/validate/write.ts';
import type { Table } from '../catalog.ts';
import type { Evaluated, EvaluatedChange, WriteContext } from '../commit.ts';
import { isSame, itemJson } from '../item-json.ts';
import type { Services } from '../services.ts';
import { stateKey } from '../state/layout.ts';
import { checkIndexKeys } from './index-keys.ts';
import { currentItem, itemChange } from './item-change.ts';

/**
 * AWS: API_BatchWriteItem. Its writes go through the commit queue together; that they also become durable together is
 * more than AWS promises, and cheaper than doing them apart.
 */
export function batchWriteItem({ catalog, committer }: Services, request: Request): Promise<Reply> {
  const input = validateBatchWriteItem(request.input);
  const writes = Object.entries(input.RequestItems).flatMap(([name, requests]) => {
    const table = catalog.serving(request.region, name);
    return requests.map((writeRequest) => ({ requestedAs: name, ...plannedWrite(table, writeRequest) }));
  });
  // A table can be named in two ways, by its name and by its ARN.
  checkDistinctKeys(writes.map(({ table, key }) => stateKey(table.number, key)));
  return committer.submit((context) => evaluate(context, writes, input), request.origin);
}

interface PlannedWrite {
  /** The name or ARN under which the request names the table. */
  readonly requestedAs: string;
  readonly table: Table;
  readonly key: KeyBytes;
  /** Undefined to delete. */
  readonly item: ItemJson | undefined;
}

function plannedWrite(
  table: Table,
  { PutRequest: put, DeleteRequest: remove }: WriteRequest,
): Omit<PlannedWrite, 'requestedAs'> {
  if (put !== undefined) {
    checkPutRequestKey(table.schema, put.Item);
    checkIndexKeys(table, put.Item);
    return { table, key: canonicalKey(table.schema, put.Item), item: itemJson(put.Item) };
  }
  const key = remove?.Key ?? {};
  checkKey(table.schema, key);
  return { table, key: canonicalKey(table.schema, key), item: undefined };
}

function evaluate(
  context: WriteContext,
  writes: readonly PlannedWrite[],
  input: BatchWriteItemInput,
): Evaluated {
  const changes: EvaluatedChange[] = [];
  const units = new Map<string, number>();
  for (const { requestedAs, table, key, item } of writes) {
    const old = currentItem(context, table, key);
    const changesNothing = item === undefined ? old === undefined : isSame(old, item);
    if (!changesNothing) changes.push(itemChange(context, table, key, old, item));
    const cost = writeUnits(Math.max(old?.size ?? 0, item?.size ?? 0));
    units.set(requestedAs, (units.get(requestedAs) ?? 0) + cost);
  }
  return { changes, reply: batchReply(input, units) };
}

function batchReply(input: BatchWriteItemInput, units: ReadonlyMap<string, number>): Reply {
  const output: Output = { UnprocessedItems: {} };
  const mode = input.ReturnConsumedCapacity;
  if (mode !== undefined && mode !== 'NONE') {
    output.ConsumedCapacity = Array.from(units, ([name, cost]) => consumedCapacity(mode, name, cost));
  }
  return new Reply(output);
}
