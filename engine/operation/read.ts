import type { Request } from '../../protocol/backend.ts';
import {
  type Consistency,
  type ConsumedCapacity,
  consumedCapacity,
  readUnits,
} from '../../protocol/capacity.ts';
import { projectJson } from '../../protocol/expression/json-projection.ts';
import { checkKeyPaths, projectedDocuments } from '../../protocol/expression/key-paths.ts';
import { bindProjection, type Projection } from '../../protocol/expression/projection.ts';
import { Substitutions } from '../../protocol/expression/substitutions.ts';
import { canonicalKey } from '../../protocol/key.ts';
import { bindAttributesToGet } from '../../protocol/legacy/attributes-to-get.ts';
import type { BatchGetItemInput, KeysAndAttributes } from '../../protocol/operation.ts';
import { type ItemJson, type Output, type PartJson, Reply } from '../../protocol/reply.ts';
import { addDistinctKey, checkKey } from '../../protocol/validate/item.ts';
import { validateBatchGetItem, validateGetItem } from '../../protocol/validate/read.ts';
import type { Table } from '../catalog.ts';
import type { Services } from '../services.ts';
import { type StateKey, stateKey } from '../state/layout.ts';
import type { State, StateView } from '../state/state.ts';
import { isThrottled } from '../throughput/throttled.ts';
import type { MeteredCall } from '../throughput.ts';

/** AWS: API_GetItem. */
export function getItem({ catalog, state, throughput }: Services, request: Request): Reply {
  const input = validateGetItem(request.input);
  const projection = projectionOf(input);
  const table = catalog.serving(request.region, input.TableName);
  if (projection !== undefined) checkKeyPaths(projectedDocuments(projection), table.schema);
  checkKey(table.schema, input.Key);
  const key = stateKey(table.number, canonicalKey(table.schema, input.Key));
  const call = throughput.call();
  call?.admitRead(table, undefined, key);
  const item = viewFor(state, input).get(key);
  const output: Output = {};
  if (item !== undefined) output.Item = projected(item, projection);
  const units = readUnits(item?.size ?? 0, consistencyOf(input));
  call?.spendRead(table, undefined, key, units);
  const capacity = consumedCapacity(input.ReturnConsumedCapacity, input.TableName, units);
  if (capacity !== undefined) output.ConsumedCapacity = capacity;
  return new Reply(output);
}

/** AWS: API_BatchGetItem. What is more than 16 MB of items, or than a table has units for, comes back unprocessed. */
export function batchGetItem(services: Services, request: Request): Reply {
  const input = validateBatchGetItem(request.input);
  const plans = Object.entries(input.RequestItems).map(([name, keys]) => ({
    requestedAs: name,
    request: keys,
    projection: projectionOf(keys),
  }));
  // By state keys: a table can be named in two ways, by its name and by its ARN.
  const named = new Set<StateKey>();
  const reads = plans.map((plan) =>
    tableRead(plan, services.catalog.serving(request.region, plan.requestedAs), named),
  );
  const batch = new BatchReader(input, services);
  for (const read of reads) batch.read(read);
  return batch.reply();
}

interface TableRead {
  /** The name or ARN under which the request asked, and the reply answers. */
  readonly requestedAs: string;
  readonly request: KeysAndAttributes;
  readonly projection: Projection | undefined;
  readonly table: Table;
  readonly keys: readonly StateKey[];
}

function tableRead(plan: Omit<TableRead, 'table' | 'keys'>, table: Table, named: Set<StateKey>): TableRead {
  if (plan.projection !== undefined) checkKeyPaths(projectedDocuments(plan.projection), table.schema);
  const keys = plan.request.Keys.map((key) => {
    checkKey(table.schema, key);
    const read = stateKey(table.number, canonicalKey(table.schema, key));
    addDistinctKey(named, read);
    return read;
  });
  return { ...plan, table, keys };
}

/** Gathers the answer of a BatchGetItem, table by table; `__proto__` is a name like any other. */
class BatchReader {
  readonly #input: BatchGetItemInput;
  readonly #services: Services;
  readonly #responses = new Map<string, unknown[]>();
  readonly #unprocessed = new Map<string, KeysAndAttributes>();
  readonly #capacities: ConsumedCapacity[] = [];
  #bytes = 0;
  #isFull = false;
  /** Whether any key has been read, be there an item or not. */
  #hasRead = false;
  /** Why the first key was not read that a table had no units for. */
  #throttled: unknown;

  constructor(input: BatchGetItemInput, services: Services) {
    this.#input = input;
    this.#services = services;
  }

  read({ requestedAs, request, projection, table, keys }: TableRead): void {
    const items: unknown[] = [];
    let units = 0;
    const unread = request.Keys.filter((_, i) => {
      const read = this.#readKey(table, request, keys[i] as StateKey);
      units += read?.units ?? 0;
      if (read?.item !== undefined) items.push(projected(read.item, projection));
      return read === undefined;
    });
    this.#responses.set(requestedAs, items);
    if (unread.length > 0) this.#unprocessed.set(requestedAs, { ...request, Keys: unread });
    const capacity = consumedCapacity(this.#input.ReturnConsumedCapacity, requestedAs, units);
    if (capacity !== undefined) this.#capacities.push(capacity);
  }

  /** @throws what a table was short of, if nothing could be read at all. */
  reply(): Reply {
    if (this.#throttled !== undefined && !this.#hasRead) throw this.#throttled;
    const output: Output = {
      Responses: Object.fromEntries(this.#responses),
      UnprocessedKeys: Object.fromEntries(this.#unprocessed),
    };
    if (this.#capacities.length > 0) output.ConsumedCapacity = this.#capacities;
    return new Reply(output);
  }

  /** @returns undefined if there is no room in the answer, or the table has no units. */
  #readKey(table: Table, request: KeysAndAttributes, key: StateKey): KeyRead | undefined {
    const { state, throughput } = this.#services;
    const call = throughput.call();
    if (this.#isFull || !this.#admits(call, table, key)) return undefined;
    const item = viewFor(state, request).get(key);
    const bytes = this.#bytes + (item?.size ?? 0);
    this.#isFull = bytes >= batchBytesMax;
    if (bytes > batchBytesMax) return undefined;
    this.#bytes = bytes;
    this.#hasRead = true;
    const units = readUnits(item?.size ?? 0, consistencyOf(request));
    call?.spendRead(table, undefined, key, units);
    return { item, units };
  }

  #admits(call: MeteredCall | undefined, table: Table, key: StateKey): boolean {
    try {
      call?.admitRead(table, undefined, key);
      return true;
    } catch (error) {
      if (!isThrottled(error)) throw error;
      this.#throttled ??= error;
      return false;
    }
  }
}

interface KeyRead {
  readonly item: ItemJson | undefined;
  readonly units: number;
}

/** The items of one BatchGetItem (AWS: API_BatchGetItem). */
const batchBytesMax = 16 * 1024 * 1024;

export function projected(item: ItemJson, projection: Projection | undefined): ItemJson | PartJson {
  return projection === undefined ? item : projectJson(projection, item);
}

export function projectionOf(input: {
  ProjectionExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
  AttributesToGet?: string[];
}): Projection | undefined {
  if (input.AttributesToGet !== undefined) return bindAttributesToGet(input.AttributesToGet);
  const substitutions = new Substitutions(input.ExpressionAttributeNames, undefined);
  const text = input.ProjectionExpression;
  const projection = text === undefined ? undefined : bindProjection(text, substitutions);
  substitutions.finish();
  return projection;
}

function viewFor(state: State, input: { ConsistentRead?: boolean }): StateView {
  return input.ConsistentRead === true ? state : state.lagging();
}

function consistencyOf(input: { ConsistentRead?: boolean }): Consistency {
  return input.ConsistentRead === true ? 'strong' : 'eventual';
}
