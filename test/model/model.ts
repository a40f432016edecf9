import { batchCapacity, capacity, readUnits, sizeOf, writeUnits } from './cost.ts';
import { applyUpdate, holds, isUpdateWrong, type Path, project, updatedPaths } from './expression.ts';
import {
  checkCondition,
  checkedRange,
  checkPage,
  checkProjection,
  page,
  projected,
  queried,
} from './page.ts';
import { schemaInput } from './printer.ts';
import type {
  BatchGetItem,
  BatchWriteItem,
  DeleteItem,
  GetItem,
  PutItem,
  Query,
  Request,
  Scan,
  Schema,
  UpdateItem,
} from './request.ts';
import { checkDistinct, checkItemKey, checkKey, isKeyName, keyOf, Table } from './table.ts';
import { canonicalTree } from './tree.ts';
import { canonicalItem, type Item, invalid, Refusal, sizeOfItem, stable } from './value.ts';

/** A reply's members as they would be parsed from its JSON. */
export type Output = Record<string, unknown>;

/**
 * DynamoDB in memory: tables are lists of items, every operation walks them. What is random or unknowable (the order
 * of partitions in a Scan) is given in.
 */
export class Model {
  readonly #tables = new Map<string, Table>();

  /** @throws Refusal */
  call(request: Exclude<Request, Scan>): Output {
    switch (request.op) {
      case 'PutItem':
        return this.#put(request);
      case 'UpdateItem':
        return this.#update(request);
      case 'DeleteItem':
        return this.#delete(request);
      case 'GetItem':
        return this.#get(request);
      case 'BatchGetItem':
        return this.#batchGet(request);
      case 'BatchWriteItem':
        return this.#batchWrite(request);
      case 'Query':
        return this.#query(request);
      case 'CreateTable':
        return this.#createTable(request.table, request.schema);
      case 'DeleteTable':
        return this.#deleteTable(request.table);
      case 'DescribeTable':
        return { Table: describe(request.table, this.#described(request.table), 'ACTIVE') };
    }
  }

  /**
   * @param keys of the items in the order in which the table, or the segment, is scanned.
   * @throws Refusal
   */
  scan(request: Scan, keys: readonly Item[]): Output {
    checkPage(request);
    const table = this.#serving(request.table);
    const start = keys.findIndex((key) => stable(key) === stable(request.startKey)) + 1;
    const items = keys.slice(start).map((key) => table.get(key));
    return page(
      table,
      items.filter((item) => item !== undefined),
      request,
    );
  }

  /** All items of a table, in no order. */
  items(name: string): readonly Item[] {
    return this.#tables.get(name)?.items ?? [];
  }

  schema(name: string): Schema | undefined {
    return this.#tables.get(name)?.schema;
  }

  #put(request: PutItem): Output {
    const item = canonicalItem(request.item);
    if (sizeOfItem(item) > itemBytesMax) throw tooLarge();
    checkCondition(request.condition);
    const table = this.#serving(request.table);
    checkItemKey(table.schema, item);
    const old = table.get(item);
    expectCondition(request, old);
    table.put(item);
    return writeOutput(request, request.returnValues === 'ALL_OLD' ? old : undefined, old, item);
  }

  #delete(request: DeleteItem): Output {
    const key = canonicalItem(request.key);
    checkCondition(request.condition);
    const table = this.#serving(request.table);
    checkKey(table.schema, key);
    const old = table.get(key);
    expectCondition(request, old);
    table.delete(key);
    return writeOutput(request, request.returnValues === 'ALL_OLD' ? old : undefined, old, undefined);
  }

  #update(request: UpdateItem): Output {
    const key = canonicalItem(request.key);
    const update = request.update && canonicalTree(request.update);
    if (update !== undefined && isUpdateWrong(update)) throw invalid();
    checkCondition(request.condition);
    const table = this.#serving(request.table);
    checkKey(table.schema, key);
    const paths = update === undefined ? [] : updatedPaths(update);
    if (paths.some(([name]) => isKeyName(table.schema, name))) throw invalid();
    const old = table.get(key);
    expectCondition(request, old);
    const item = update === undefined ? (old ?? key) : applyUpdate(update, old ?? key, old !== undefined);
    const createsItem = update === undefined || update.set.length + update.add.length > 0;
    if (old === undefined && !createsItem) return writeOutput(request, undefined, undefined, undefined);
    if (sizeOfItem(item) > itemBytesMax) {
      throw invalid('Item size to update has exceeded the maximum allowed size');
    }
    table.put(item);
    return writeOutput(request, returned(request, paths, old, item), old, item);
  }

  #get(request: GetItem): Output {
    const key = canonicalItem(request.key);
    checkProjection(request.projection);
    const table = this.#serving(request.table);
    checkKey(table.schema, key);
    const item = table.get(key);
    const units = readUnits(sizeOf(item), request.isConsistent);
    return {
      Item: item && projected(item, request.projection),
      ...capacity(request.capacity, request.table, units),
    };
  }

  #batchGet(request: BatchGetItem): Output {
    for (const { keys, projection } of request.tables) {
      keys.forEach(canonicalItem);
      checkProjection(projection);
    }
    const tables = request.tables.map((one) => ({ ...one, stored: this.#serving(one.table) }));
    const reads = tables.map(({ stored, keys, ...one }) => {
      const canonicalKeys = keys.map(canonicalItem);
      for (const key of canonicalKeys) checkKey(stored.schema, key);
      checkDistinct(stored.schema, canonicalKeys);
      return { ...one, items: canonicalKeys.map((key) => stored.get(key)) };
    });
    const responses = reads.map(({ table, items, projection }) => {
      const found = items.filter((item) => item !== undefined);
      return [table, found.map((item) => projected(item, projection))];
    });
    const costs = reads.map(({ table, items, isConsistent }) => {
      const units = items.reduce((total, item) => total + readUnits(sizeOf(item), isConsistent), 0);
      return capacity(request.capacity, table, units).ConsumedCapacity;
    });
    return { Responses: Object.fromEntries(responses), UnprocessedKeys: {}, ...batchCapacity(costs) };
  }

  #batchWrite(request: BatchWriteItem): Output {
    const tables = request.tables.map(({ table, writes }) => ({
      table,
      writes: writes.map((write) => ({
        item: 'put' in write ? canonicalItem(write.put) : undefined,
        key: canonicalItem('put' in write ? write.put : write.delete),
      })),
    }));
    const items = tables.flatMap(({ writes }) => writes.map(({ item }) => item));
    if (items.some((item) => sizeOf(item) > itemBytesMax)) throw tooLarge();
    const plans = tables.map((one) => ({ ...one, stored: this.#serving(one.table) }));
    for (const { stored, writes } of plans) {
      for (const { key, item } of writes)
        checkKey(stored.schema, item === undefined ? key : keyOf(stored.schema, item));
      checkDistinct(
        stored.schema,
        writes.map(({ key }) => key),
      );
    }
    const costs = plans.map(({ table, stored, writes }) => {
      const units = writes.reduce((total, { key, item }) => total + overwrite(stored, key, item), 0);
      return capacity(request.capacity, table, units).ConsumedCapacity;
    });
    return { UnprocessedItems: {}, ...batchCapacity(costs) };
  }

  #query(request: Query): Output {
    const range = checkedRange(request);
    const table = this.#serving(request.table);
    return page(table, queried(table, request, range), request);
  }

  #createTable(name: string, schema: Schema): Output {
    if (this.#tables.has(name)) throw new Refusal('ResourceInUseException', `Table already exists: ${name}`);
    const table = new Table(schema);
    this.#tables.set(name, table);
    return { TableDescription: describe(name, table, 'CREATING') };
  }

  #deleteTable(name: string): Output {
    const table = this.#described(name);
    this.#tables.delete(name);
    return { TableDescription: describe(name, table, 'DELETING') };
  }

  #serving(name: string): Table {
    const table = this.#tables.get(name);
    if (table === undefined) throw new Refusal('ResourceNotFoundException', 'Requested resource not found');
    return table;
  }

  #described(name: string): Table {
    const table = this.#tables.get(name);
    if (table !== undefined) return table;
    throw new Refusal('ResourceNotFoundException', `Requested resource not found: Table: ${name} not found`);
  }
}

/** AWS: ServiceQuotas. */
const itemBytesMax = 409_600;

function tooLarge(): Refusal {
  return invalid('Item size has exceeded the maximum allowed size');
}

function expectCondition(request: PutItem | UpdateItem | DeleteItem, old: Item | undefined): void {
  if (request.condition === undefined || holds(canonicalTree(request.condition), old ?? {})) return;
  const item = request.onFailure === 'ALL_OLD' ? old : undefined;
  throw new Refusal('ConditionalCheckFailedException', 'The conditional request failed', item);
}

/** What UpdateItem's ReturnValues answers (AWS: API_UpdateItem). */
function returned(
  request: UpdateItem,
  paths: readonly Path[],
  old: Item | undefined,
  item: Item,
): Item | undefined {
  switch (request.returnValues) {
    case 'ALL_OLD':
      return old;
    case 'ALL_NEW':
      return item;
    case 'UPDATED_OLD':
      return old && unlessEmpty(project(old, paths));
    case 'UPDATED_NEW':
      return unlessEmpty(project(item, paths));
    default:
      return undefined;
  }
}

function unlessEmpty(item: Item): Item | undefined {
  return Object.keys(item).length === 0 ? undefined : item;
}

function writeOutput(
  request: PutItem | UpdateItem | DeleteItem,
  attributes: Item | undefined,
  old: Item | undefined,
  item: Item | undefined,
): Output {
  return { Attributes: attributes, ...capacity(request.capacity, request.table, writeUnits(old, item)) };
}

/** Writes one item of a batch. @returns its cost */
function overwrite(table: Table, key: Item, item: Item | undefined): number {
  const old = table.get(key);
  table.delete(key);
  if (item !== undefined) table.put(item);
  return writeUnits(old, item);
}

/** The members of a description that the model knows. */
function describe(name: string, table: Table, status: string): Output {
  return {
    TableName: name,
    TableStatus: status,
    ...schemaInput(table.schema),
    ItemCount: table.items.length,
    TableSizeBytes: table.items.reduce((size, item) => size + sizeOfItem(item), 0),
  };
}
