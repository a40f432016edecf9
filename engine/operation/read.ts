import type { Item } from '../../protocol/attribute-value.ts';
import type { Request } from '../../protocol/backend.ts';
import {
  type Consistency,
  type ConsumedCapacity,
  consumedCapacity,
  readUnits,
} from '../../protocol/capacity.ts';
import { checkKeyPaths, projectedDocuments } from '../../protocol/expression/key-paths.ts';
import { bindProjection, type Projection, projectItem } from '../../protocol/expression/projection.ts';
import { Substitutions } from '../../protocol/expression/substitutions.ts';
import { canonicalKey, type KeyBytes } from '../../protocol/key.ts';
import { bindAttributesToGet } from '../../protocol/legacy/attributes-to-get.ts';
import type { BatchGetItemInput, KeysAndAttributes } from '../../protocol/operation.ts';
import { type ItemJson, type Output, Reply } from '../../protocol/reply.ts';
import { checkDistinctKeys, checkKey } from '../../protocol/validate/item.ts';
import { validateBatchGetItem, validateGetItem } from '../../protocol/validate/read.ts';
import type { Table } from '../catalog.ts';
import { parseItem } from '../item-json.ts';
import type { Services } from '../services.ts';
import { stateKey } from '../state/layout.ts';
import type { State, StateView } from '../state/state.ts';

/** AWS: API_GetItem. */
export function getItem({ catalog, state }: Services, request: Request): Reply {
  const input = validateGetItem(request.input);
  const projection = projectionOf(input);
  const table = catalog.serving(request.region, input.TableName);
  if (projection !== undefined) checkKeyPaths(projectedDocuments(projection), table.schema);
  checkKey(table.schema, input.Key);
  const view = viewFor(state, input);
  const item = view.get(stateKey(table.number, canonicalKey(table.schema, input.Key)));
  const output: Output = {};
  if (item !== undefined) output.Item = projected(item, projection);
  const units = readUnits(item?.size ?? 0, consistencyOf(input));
  const capacity = consumedCapacity(input.ReturnConsumedCapacity, input.TableName, units);
  if (capacity !== undefined) output.ConsumedCapacity = capacity;
  return new Reply(output);
}

/** AWS: API_BatchGetItem. Past 16 MB of items the rest of the keys comes back unprocessed. */
export function batchGetItem({ catalog, state }: Services, request: Request): Reply {
  const input = validateBatchGetItem(request.input);
  const plans = Object.entries(input.RequestItems).map(([name, keys]) => ({
    requestedAs: name,
    request: keys,
    projection: projectionOf(keys),
  }));
  const reads = plans.map((plan) => tableRead(plan, catalog.serving(request.region, plan.requestedAs)));
  // A table can be named in two ways, by its name and by its ARN.
  checkDistinctKeys(reads.flatMap(({ table, keys }) => keys.map((key) => stateKey(table.number, key))));
  const batch = new BatchReader(input, state);
  for (const read of reads) batch.read(read);
  return batch.reply();
}

interface TableRead {
  /** The name or ARN under which the request asked, and the reply answers. */
  readonly requestedAs: string;
  readonly request: KeysAndAttributes;
  readonly projection: Projection | undefined;
  readonly table: Table;
  readonly keys: readonly KeyBytes[];
}

function tableRead(plan: Omit<TableRead, 'table' | 'keys'>, table: Table): TableRead {
  if (plan.projection !== undefined) checkKeyPaths(projectedDocuments(plan.projection), table.schema);
  const keys = plan.request.Keys.map((key) => {
    checkKey(table.schema, key);
    return canonicalKey(table.schema, key);
  });
  return { ...plan, table, keys };
}

/** Gathers the answer of a BatchGetItem, table by table; `__proto__` is a name like any other. */
class BatchReader {
  readonly #input: BatchGetItemInput;
  readonly #state: State;
  readonly #responses = new Map<string, unknown[]>();
  readonly #unprocessed = new Map<string, KeysAndAttributes>();
  readonly #capacities: ConsumedCapacity[] = [];
  #bytes = 0;

  constructor(input: BatchGetItemInput, state: State) {
    this.#input = input;
    this.#state = state;
  }

  read({ requestedAs, request, projection, table, keys }: TableRead): void {
    const view = viewFor(this.#state, request);
    const items: unknown[] = [];
    let units = 0;
    let read = 0;
    for (; read < keys.length && this.#bytes < batchBytesMax; read++) {
      const item = view.get(stateKey(table.number, keys[read] as KeyBytes));
      if (item !== undefined && this.#bytes + item.size > batchBytesMax) break;
      units += readUnits(item?.size ?? 0, consistencyOf(request));
      if (item === undefined) continue;
      this.#bytes += item.size;
      items.push(projected(item, projection));
    }
    this.#responses.set(requestedAs, items);
    if (read < keys.length)
      this.#unprocessed.set(requestedAs, { ...request, Keys: request.Keys.slice(read) });
    const capacity = consumedCapacity(this.#input.ReturnConsumedCapacity, requestedAs, units);
    if (capacity !== undefined) this.#capacities.push(capacity);
  }

  reply(): Reply {
    const output: Output = {
      Responses: Object.fromEntries(this.#responses),
      UnprocessedKeys: Object.fromEntries(this.#unprocessed),
    };
    if (this.#capacities.length > 0) output.ConsumedCapacity = this.#capacities;
    return new Reply(output);
  }
}

/** The items of one BatchGetItem (AWS: API_BatchGetItem). */
const batchBytesMax = 16 * 1024 * 1024;

export function projected(item: ItemJson, projection: Projection | undefined): ItemJson | Item {
  return projection === undefined ? item : projectItem(projection, parseItem(item));
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
