import type { Request } from '../../protocol/backend.ts';
import { canonicalKey } from '../../protocol/key.ts';
import type { BatchWriteItemInput, WriteRequest } from '../../protocol/operation.ts';
import type { Reply } from '../../protocol/reply.ts';
import { addDistinctKey, checkKey, checkPutRequestKey } from '../../protocol/validate/item.ts';
import { validateBatchWriteItem } from '../../protocol/validate/write.ts';
import type { Table } from '../catalog.ts';
import type { Evaluated, EvaluatedChange, WriteContext } from '../commit.ts';
import { CollectionSizes } from '../item-collections.ts';
import { itemJson } from '../item-json.ts';
import type { Services } from '../services.ts';
import { type StateKey, stateKey } from '../state/layout.ts';
import { isThrottled } from '../throughput/throttled.ts';
import { checkIndexKeys } from './index-keys.ts';
import { TableCollections } from './item-collection-metrics.ts';
import { evaluateWrite, type PlannedWrite, type WriteResult } from './item-write.ts';
import { TableCapacities } from './table-capacities.ts';

/**
 * AWS: API_BatchWriteItem. Its writes go through the commit queue together; that they also become durable together is
 * more than AWS promises, and cheaper than doing them apart. Those that a table has no units for come back unprocessed.
 */
export function batchWriteItem(services: Services, request: Request): Promise<Reply> {
  const { catalog, committer } = services;
  const input = validateBatchWriteItem(request.input);
  // By state keys: a table can be named in two ways, by its name and by its ARN.
  const named = new Set<StateKey>();
  const writes = Object.entries(input.RequestItems).flatMap(([requestedAs, requests]) => {
    const table = catalog.serving(request.region, requestedAs);
    return requests.map((asked) => {
      const write = plannedWrite(table, asked);
      addDistinctKey(named, stateKey(table.number, write.key));
      return { requestedAs, asked, ...write };
    });
  });
  return committer.submit((context) => evaluate(services, context, writes, input), request.origin);
}

interface BatchedWrite extends PlannedWrite {
  /** The name or ARN under which the request names the table. */
  readonly requestedAs: string;
  /** What the request says, for when it comes back unprocessed. */
  readonly asked: WriteRequest;
}

function plannedWrite(table: Table, { PutRequest: put, DeleteRequest: remove }: WriteRequest): PlannedWrite {
  if (put !== undefined) {
    checkPutRequestKey(table.schema, put.Item);
    checkIndexKeys(table, put.Item);
    const key = canonicalKey(table.schema, put.Item);
    return { ...unconditional, kind: 'put', attributes: put.Item, table, key, image: itemJson(put.Item) };
  }
  const attributes = remove?.Key ?? {};
  checkKey(table.schema, attributes);
  const key = canonicalKey(table.schema, attributes);
  return { ...unconditional, kind: 'delete', attributes, table, key, image: undefined };
}

const unconditional = { condition: undefined, update: undefined, showsOldItem: false };

/**
 * @throws what a table is short of, if nothing can be written at all; ItemCollectionSizeLimitExceededException, and then
 *   nothing is written.
 */
function evaluate(
  { throughput, itemCollectionBytesMax }: Services,
  context: WriteContext,
  writes: readonly BatchedWrite[],
  { ReturnConsumedCapacity, ReturnItemCollectionMetrics }: BatchWriteItemInput,
): Evaluated {
  const changes: EvaluatedChange[] = [];
  const sizes = new CollectionSizes(context, itemCollectionBytesMax);
  const capacities = new TableCapacities(ReturnConsumedCapacity, 'plain');
  const collections = new TableCollections(ReturnItemCollectionMetrics);
  const unprocessed = new Unprocessed();
  for (const write of writes) {
    const result = unprocessed.unlessThrottled(write, () =>
      evaluateWrite(context, write, { transactional: false, call: throughput.call() }, sizes),
    );
    if (result === undefined) continue;
    if (result.change !== undefined) changes.push(result.change);
    capacities.add(write.requestedAs, result.units);
    collections.add(write.requestedAs, write);
  }
  const output = { UnprocessedItems: unprocessed.items(writes.length), ...collections.output(sizes) };
  return { changes, reply: capacities.reply(output) };
}

/** The writes of a batch that were throttled, by table; `__proto__` is a name like any other. */
class Unprocessed {
  readonly #tables = new Map<string, WriteRequest[]>();
  #count = 0;
  #firstError: unknown;

  /** @returns undefined if the write was throttled. */
  unlessThrottled({ requestedAs, asked }: BatchedWrite, write: () => WriteResult): WriteResult | undefined {
    try {
      return write();
    } catch (error) {
      if (!isThrottled(error)) throw error;
      this.#firstError ??= error;
      this.#count++;
      const requests = this.#tables.get(requestedAs);
      if (requests === undefined) this.#tables.set(requestedAs, [asked]);
      else requests.push(asked);
      return undefined;
    }
  }

  /** @param total writes of the batch. @throws why the first was throttled, if all were. */
  items(total: number): Record<string, WriteRequest[]> {
    if (this.#count === total) throw this.#firstError;
    return Object.fromEntries(this.#tables);
  }
}
