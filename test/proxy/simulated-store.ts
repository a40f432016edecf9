import type { Item } from '../../protocol/attribute-value.ts';
import { canonicalItem, itemSize } from '../../protocol/attribute-value.ts';
import type { Backend, ChangeListener, Request } from '../../protocol/backend.ts';
import { consumedCapacity, readUnits } from '../../protocol/capacity.ts';
import type { Clock } from '../../protocol/clock.ts';
import { DynamoDbError, validationError } from '../../protocol/errors.ts';
import { bindProjection, projectItem } from '../../protocol/expression/projection.ts';
import { Substitutions } from '../../protocol/expression/substitutions.ts';
import type { KeyAttribute, KeySchema } from '../../protocol/key.ts';
import { canonicalKey } from '../../protocol/key.ts';
import { ItemJson, type Output, Reply } from '../../protocol/reply.ts';

/** Time that stands still until a test moves it. */
export class ManualClock implements Clock {
  #nowMs = 1_000_000;

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
  }
}

export interface StoreOptions {
  /** Announces commits, as the embedded engine does. */
  readonly announces?: boolean;
  /** How calls are answered: in the turn they come in, in a later one, or when the test says so. */
  readonly answers?: 'atOnce' | 'soon' | 'held';
  /** Items are answered as stored bytes, as the embedded engine does; else as parsed JSON, as an upstream does. */
  readonly bytes?: boolean;
}

interface StoredTable {
  readonly id: string;
  readonly name: string;
  readonly region: string;
  readonly schema: KeySchema;
  /** The key of a global index, `groups`, that projects all. */
  group: KeyAttribute | undefined;
  status: string;
  readonly items: Map<string, Item>;
  /** What an eventually consistent read sees while the store is told to lag. */
  readonly laggingItems: Map<string, Item>;
}

/** One call that waits for the test: it takes effect at `execute`, and its caller hears of it at `answer`. */
export interface HeldCall {
  readonly request: Request;
  /** What executing it gave, an error for a call that was refused; undefined before. */
  readonly outcome: Reply | Error | undefined;
  execute(): void;
  answer(): void;
  /** The caller gets this error instead of the answer, whether the call was executed or not. */
  fail(error: Error): void;
}

/**
 * A table store made of plain maps that does exactly what it is told: when calls take effect and when they are
 * answered, in what order, and whether commits are announced.
 */
export class SimulatedStore implements Backend {
  readonly requests: Request[] = [];
  readonly held: HeldCall[] = [];
  readonly changes?: { subscribe(listener: ChangeListener): () => void };
  answers: 'atOnce' | 'soon' | 'held';
  /** Every request is taken to be for this region, whatever it was signed for. */
  oneRegion: string | undefined;
  /** DescribeTable, too, is answered only when the test says so. */
  holdsDescriptions = false;
  /** Eventually consistent reads see what was there when the lag began. */
  lags = false;
  /** Keys that BatchGetItem and BatchWriteItem leave out, as `canonicalKey` has them. */
  readonly leftOut = new Set<string>();
  /** Thrown by the next call of the operation. */
  readonly failures = new Map<string, Error>();
  readonly #listeners = new Set<ChangeListener>();
  readonly #tables = new Map<string, StoredTable>();
  readonly #bytes: boolean;
  #tableIds = 0;

  constructor(options: StoreOptions = {}) {
    this.answers = options.answers ?? 'atOnce';
    this.#bytes = options.bytes ?? true;
    if (options.announces === true) {
      this.changes = {
        subscribe: (listener) => {
          this.#listeners.add(listener);
          return () => this.#listeners.delete(listener);
        },
      };
    }
  }

  call(request: Request): Reply | Promise<Reply> {
    this.requests.push(request);
    const isHeld =
      this.answers === 'held' && (this.holdsDescriptions || request.operation !== 'DescribeTable');
    if (isHeld) return this.#hold(request);
    if (this.answers === 'atOnce') return this.execute(request);
    return Promise.resolve().then(() => this.execute(request));
  }

  async close(): Promise<void> {}

  /** How often an operation was called. */
  count(operation: string): number {
    return this.requests.filter((request) => request.operation === operation).length;
  }

  /** @param group the key of a global index, `groups`. */
  createTable(name: string, schema: KeySchema, region = 'us-east-1', group?: KeyAttribute): string {
    const id = `00000000-0000-4000-8000-${String(++this.#tableIds).padStart(12, '0')}`;
    const items = { items: new Map(), laggingItems: new Map() };
    const table = { id, name, region, schema, group, status: 'ACTIVE', ...items };
    this.#tables.set(`${region}/${name}`, table);
    this.#announceTable(table);
    return id;
  }

  /** The index is added, dropped, or another one. */
  setGroup(name: string, group: KeyAttribute | undefined): void {
    const table = this.#find(name, 'us-east-1');
    table.group = group;
    this.#announceTable(table);
  }

  setStatus(name: string, status: string, region = 'us-east-1'): void {
    const table = this.#find(name, region);
    table.status = status;
    this.#announceTable(table);
  }

  tableId(name: string, region = 'us-east-1'): string | undefined {
    return this.#tables.get(`${region}/${name}`)?.id;
  }

  /** @returns how a store describes it from then on. */
  deleteTable(name: string, region = 'us-east-1'): object {
    const table = this.#tables.get(`${region}/${name}`);
    this.#tables.delete(`${region}/${name}`);
    if (table !== undefined) this.#announceTable(table);
    return { TableName: name, TableId: table?.id, TableStatus: 'DELETING' };
  }

  /** A write that went around whoever else uses the store. */
  put(name: string, item: Item, origin?: object): void {
    const table = this.#find(name, 'us-east-1');
    this.#change(table, canonicalKey(table.schema, item), item, {}, origin);
  }

  item(name: string, key: Item): Item | undefined {
    const table = this.#find(name, 'us-east-1');
    return table.items.get(canonicalKey(table.schema, key));
  }

  /** What was written so far is seen by every read from now on. */
  catchUp(): void {
    for (const { items, laggingItems } of this.#tables.values()) {
      laggingItems.clear();
      for (const [key, item] of items) laggingItems.set(key, item);
    }
  }

  execute(request: Request): Reply {
    const failure = this.failures.get(request.operation);
    this.failures.delete(request.operation);
    if (failure !== undefined) throw failure;
    const output = this.#perform({ ...request, region: this.oneRegion ?? request.region });
    return this.#bytes ? new Reply(output) : parsed(output);
  }

  #hold(request: Request): Promise<Reply> {
    return new Promise((resolve, reject) => {
      let outcome: Reply | Error | undefined;
      const held: HeldCall = {
        request,
        get outcome() {
          return outcome;
        },
        execute: () => {
          outcome ??= this.#outcomeOf(request);
        },
        answer: () => {
          held.execute();
          this.#release(held);
          if (outcome instanceof Reply) resolve(outcome);
          else reject(outcome);
        },
        fail: (error) => {
          this.#release(held);
          reject(error);
        },
      };
      this.held.push(held);
    });
  }

  #outcomeOf(request: Request): Reply | Error {
    try {
      return this.execute(request);
    } catch (error) {
      return error as Error;
    }
  }

  #release(held: HeldCall): void {
    this.held.splice(this.held.indexOf(held), 1);
  }

  #perform({ operation, input, region, origin }: Request): Output {
    switch (operation) {
      case 'DescribeTable':
        return { Table: this.#describe(this.#find(input.TableName, region)) };
      case 'GetItem':
        return this.#get(input, region);
      case 'BatchGetItem':
        return this.#batchGet(input, region);
      case 'Query':
      case 'Scan':
        return this.#page(input, region);
      case 'PutItem':
      case 'UpdateItem':
      case 'DeleteItem':
        return this.#write(operation, input, region, origin);
      case 'BatchWriteItem':
        return this.#batchWrite(input, region, origin);
      case 'TransactWriteItems':
        return this.#transact(input, region, origin);
      case 'ExecuteStatement':
        // The statement's item comes as its only parameter: nothing here reads PartiQL.
        this.put('items', (input.Parameters as { M: Item }[])[0]?.M ?? {}, origin);
        return {};
      case 'CreateTable':
        this.createTable(
          String(input.TableName),
          { partition: { name: 'id', type: 'S' }, sort: undefined },
          region,
        );
        return {};
      case 'DeleteTable':
        return { TableDescription: this.deleteTable(String(input.TableName), region) };
      default:
        return { Operation: operation };
    }
  }

  #find(nameOrArn: unknown, region: string): StoredTable {
    const name = String(nameOrArn).replace(/^arn:.*:table\//, '');
    const table = this.#tables.get(`${region}/${name}`);
    if (table === undefined) {
      throw new DynamoDbError('ResourceNotFoundException', 'Requested resource not found');
    }
    return table;
  }

  #describe({ id, name, schema, group, status }: StoredTable): object {
    const attributes = schema.sort === undefined ? [schema.partition] : [schema.partition, schema.sort];
    const defined = group === undefined ? attributes : [...attributes, group];
    return {
      TableId: id,
      TableName: name,
      TableStatus: status,
      KeySchema: attributes.map((attribute, i) => ({
        AttributeName: attribute.name,
        KeyType: i === 0 ? 'HASH' : 'RANGE',
      })),
      AttributeDefinitions: defined.map(({ name: AttributeName, type: AttributeType }) => ({
        AttributeName,
        AttributeType,
      })),
      ...(group && { GlobalSecondaryIndexes: [describedIndex(group)] }),
    };
  }

  #key(table: StoredTable, key: unknown): string {
    const names = [table.schema.partition, table.schema.sort].flatMap((attribute) => attribute?.name ?? []);
    const given = Object.keys(key as Item);
    if (given.length !== names.length || !names.every((name) => given.includes(name))) {
      throw validationError('The provided key element does not match the schema');
    }
    return canonicalKey(table.schema, canonicalItem(key as Item));
  }

  #get(input: Readonly<Record<string, unknown>>, region: string): Output {
    const table = this.#find(input.TableName, region);
    const item = this.#read(table, this.#key(table, input.Key), input.ConsistentRead === true);
    const units = readUnits(
      item === undefined ? 0 : itemSize(item),
      input.ConsistentRead === true ? 'strong' : 'eventual',
    );
    const consumed = consumedCapacity(
      input.ReturnConsumedCapacity as 'TOTAL',
      String(input.TableName),
      units,
    );
    return {
      ...(item === undefined ? {} : { Item: project(item, input) }),
      ...(consumed === undefined ? {} : { ConsumedCapacity: consumed }),
    };
  }

  #read(table: StoredTable, key: string, isConsistent: boolean): Item | undefined {
    return (this.lags && !isConsistent ? table.laggingItems : table.items).get(key);
  }

  /** All items, or those that have an attribute's value as `attribute = :value` wants it. */
  #page(input: Readonly<Record<string, unknown>>, region: string): Output {
    const table = this.#find(input.TableName, region);
    const items = this.lags && input.ConsistentRead !== true ? table.laggingItems : table.items;
    const [, attribute = '', reference = ''] =
      /^(\w+) = (:\w+)$/.exec(String(input.KeyConditionExpression)) ?? [];
    const value = (input.ExpressionAttributeValues as Item | undefined)?.[reference];
    const found = [...items.values()].filter(
      (item) => value === undefined || JSON.stringify(item[attribute]) === JSON.stringify(value),
    );
    return { Items: found.map(stored), Count: found.length, ScannedCount: found.length };
  }

  #batchGet(input: Readonly<Record<string, unknown>>, region: string): Output {
    const responses: Record<string, unknown[]> = {};
    const unprocessed: Record<string, unknown> = {};
    const capacities: unknown[] = [];
    for (const [name, entry] of Object.entries(
      input.RequestItems as Record<string, Record<string, unknown>>,
    )) {
      const table = this.#find(name, region);
      const keys = (entry.Keys as Item[]).map((key) => this.#key(table, key));
      if (new Set(keys).size < keys.length) {
        throw validationError('Provided list of item keys contains duplicates');
      }
      const left = (entry.Keys as Item[]).filter((_key, i) => this.leftOut.has(keys[i] ?? ''));
      if (left.length > 0) unprocessed[name] = { ...entry, Keys: left };
      const read = keys.filter((key) => !this.leftOut.has(key));
      const items = read.map((key) => this.#read(table, key, entry.ConsistentRead === true));
      responses[name] = items.flatMap((item) => (item === undefined ? [] : [project(item, entry)]));
      const units = items.reduce((sum, item) => sum + readUnits(item ? itemSize(item) : 0, 'eventual'), 0);
      const consumed = consumedCapacity(input.ReturnConsumedCapacity as 'TOTAL', name, units);
      if (consumed !== undefined) capacities.push(consumed);
    }
    const output = { Responses: responses, UnprocessedKeys: unprocessed };
    return capacities.length === 0 ? output : { ...output, ConsumedCapacity: capacities };
  }

  #write(
    operation: string,
    input: Readonly<Record<string, unknown>>,
    region: string,
    origin: object | undefined,
  ): Output {
    const table = this.#find(input.TableName, region);
    if (operation === 'PutItem') {
      const item = canonicalItem(input.Item as Item);
      return this.#change(table, canonicalKey(table.schema, item), item, input, origin);
    }
    const key = this.#key(table, input.Key);
    if (operation === 'DeleteItem') return this.#change(table, key, undefined, input, origin);
    const values = input.ExpressionAttributeValues as Item | undefined;
    const item = canonicalItem({
      ...(table.items.get(key) ?? (input.Key as Item)),
      v: values?.[':v'] ?? { NULL: true },
    });
    return this.#change(table, key, item, input, origin);
  }

  #batchWrite(input: Readonly<Record<string, unknown>>, region: string, origin: object | undefined): Output {
    type Requests = { PutRequest?: { Item: Item }; DeleteRequest?: { Key: Item } }[];
    const unprocessed: Record<string, Requests> = {};
    for (const [TableName, requests] of Object.entries(input.RequestItems as Record<string, Requests>)) {
      const { schema } = this.#find(TableName, region);
      for (const request of requests) {
        const { PutRequest, DeleteRequest } = request;
        const key = canonicalKey(schema, PutRequest?.Item ?? DeleteRequest?.Key ?? {});
        if (this.leftOut.has(key)) unprocessed[TableName] = [...(unprocessed[TableName] ?? []), request];
        else if (PutRequest) this.#write('PutItem', { ...PutRequest, TableName }, region, origin);
        else this.#write('DeleteItem', { ...DeleteRequest, TableName }, region, origin);
      }
    }
    return { UnprocessedItems: unprocessed };
  }

  #transact(input: Readonly<Record<string, unknown>>, region: string, origin: object | undefined): Output {
    type Action = Record<string, unknown>;
    for (const { Put, Update, Delete } of input.TransactItems as {
      Put?: Action;
      Update?: Action;
      Delete?: Action;
    }[]) {
      if (Put) this.#write('PutItem', Put, region, origin);
      if (Update) this.#write('UpdateItem', Update, region, origin);
      if (Delete) this.#write('DeleteItem', Delete, region, origin);
    }
    return {};
  }

  #change(
    table: StoredTable,
    key: string,
    item: Item | undefined,
    { ReturnValues: returned }: Readonly<Record<string, unknown>>,
    origin: object | undefined,
  ): Output {
    const oldItem = table.items.get(key);
    if (!this.lags) table.laggingItems.delete(key);
    if (item === undefined) table.items.delete(key);
    else table.items.set(key, item);
    if (!this.lags && item !== undefined) table.laggingItems.set(key, item);
    const change = { tableId: table.id, key, oldItem: stored(oldItem), newItem: stored(item), origin };
    for (const listener of this.#listeners) listener.item(change);
    const attributes = returned === 'ALL_OLD' ? oldItem : returned === 'ALL_NEW' ? item : undefined;
    return attributes === undefined ? {} : { Attributes: attributes };
  }

  #announceTable({ id, name, region }: StoredTable): void {
    for (const listener of this.#listeners) listener.table({ region, tableName: name, tableId: id });
  }
}

function describedIndex({ name: AttributeName }: KeyAttribute): object {
  return {
    IndexName: 'groups',
    KeySchema: [{ AttributeName, KeyType: 'HASH' }],
    Projection: { ProjectionType: 'ALL' },
  };
}

function project(item: Item, input: Readonly<Record<string, unknown>>): Item | ItemJson {
  if (input.ProjectionExpression === undefined) return stored(item) as ItemJson;
  const names = input.ExpressionAttributeNames as Record<string, string> | undefined;
  const substitutions = new Substitutions(names, undefined);
  const projection = bindProjection(String(input.ProjectionExpression), substitutions);
  substitutions.finish();
  return projectItem(projection, item);
}

function stored(item: Item | undefined): ItemJson | undefined {
  return item === undefined ? undefined : new ItemJson(Buffer.from(JSON.stringify(item)), itemSize(item));
}

function parsed(output: Output): Reply {
  const { body } = new Reply(output);
  return new Reply(JSON.parse(body.toString()), body);
}
