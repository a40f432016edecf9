import { capacities, capacity, readUnits, sizeOf, tableOnly, withIndexes, writeUnits } from './cost.ts';
import { describe, describeDeleted } from './description.ts';
import { type Path, project, updatedPaths } from './expression.ts';
import {
  behindStart,
  checkConditions,
  checkedConditions,
  checkPage,
  checkProjection,
  inOrder,
  isOrdered,
  page,
  projected,
  type Source,
  sortedItems,
  sourceItems,
  sourceOf,
} from './page.ts';
import {
  type BatchGetItem,
  type BatchWriteItem,
  expiryName,
  type GetItem,
  type IndexSchema,
  type PageRequest,
  type Request,
  type Scan,
  type UpdateItem,
  type UpdateTable,
  type UpdateTimeToLive,
  type WriteRequest,
} from './request.ts';
import {
  checkDistinct,
  checkIndexKeys,
  checkKey,
  entryChanges,
  keyAttributes,
  keyOf,
  Table,
} from './table.ts';
import { Transactions } from './transaction.ts';
import { attribute, canonicalItem, type Item, invalid, Refusal, stable } from './value.ts';
import {
  checkAgainstTable,
  checkExpressions,
  checkedAttributes,
  checkedItem,
  evaluated,
  store,
  type Written,
} from './write.ts';

/** A reply's members as they would be parsed from its JSON. */
export type Output = Record<string, unknown>;

/**
 * DynamoDB in memory: tables are lists of items, every operation walks them. What is random or unknowable (the order
 * of partitions in a Scan, and of entries with equal keys in an index) is given in.
 */
export class Model {
  readonly #tables = new Map<string, Table>();
  readonly #transactions: Transactions;
  readonly #now: () => number;
  /** Whether changes of tables are held up in the status that they begin with. */
  isHeld = false;

  /** @param now in seconds. */
  constructor(now: () => number) {
    this.#now = now;
    this.#transactions = new Transactions((name) => this.#serving(name), now);
  }

  /** @throws Refusal */
  call(request: Exclude<Request, PageRequest>): Output {
    switch (request.op) {
      case 'PutItem':
      case 'UpdateItem':
      case 'DeleteItem':
        return this.#write(request);
      case 'GetItem':
        return this.#get(request);
      case 'BatchGetItem':
        return this.#batchGet(request);
      case 'BatchWriteItem':
        return this.#batchWrite(request);
      case 'TransactWriteItems':
        return this.#transactions.write(request);
      case 'TransactGetItems':
        return this.#transactions.get(request);
      case 'CreateTable':
        return this.#createTable(request.table, new Table(request.schema));
      case 'UpdateTable':
        return this.#updateTable(request);
      case 'UpdateTimeToLive':
        return this.#updateTimeToLive(request);
      case 'DeleteTable':
        return this.#deleteTable(request.table);
      case 'DescribeTable':
        return { Table: describeNow(request.table, this.#described(request.table)) };
    }
  }

  /**
   * @param keys of the items of the table, or the segment, in the order in which a forward read comes to them; not
   *   needed where the request tells it (`isOrdered`).
   * @throws Refusal; UnknownPlace
   */
  page(request: PageRequest, keys?: readonly Item[]): Output {
    const { source, items, isForward } = this.#read(request);
    const ordered = keys === undefined ? items : inOrder(source.table, items, keys);
    const directed = isForward ? ordered : [...ordered].reverse();
    return page(source, this.#behindStart(source, directed, request), request);
  }

  /** Whether the request alone tells the order of what it reads. @throws Refusal */
  isOrdered(request: PageRequest): boolean {
    const { source, items } = this.#read(request);
    return request.op === 'Query' && isOrdered(source, items);
  }

  /** What a page is read from, without regard to where it begins and what it leaves out. @throws Refusal */
  source(request: PageRequest): Source {
    return sourceOf(this.#serving(request.table), request);
  }

  /** All items that a table has, or that an index has entries of. @throws Refusal */
  sourceItems(request: PageRequest): readonly Item[] {
    return sourceItems(this.source(request));
  }

  table(name: string): Table | undefined {
    return this.#tables.get(name);
  }

  /** The index that the store is filling, of which nobody knows how far it has come. */
  indexInCreation(name: string): IndexSchema | undefined {
    return this.#tables.get(name)?.indexes.find(({ status }) => status === 'CREATING')?.schema;
  }

  /** The description of a table once its indexes are complete. @throws Refusal */
  describedComplete(name: string): Output {
    const table = this.#described(name);
    return { Table: describe(name, table, 'ACTIVE', statuses(table, 'ACTIVE')) };
  }

  /** What was held up is not any more, and has come to its end. */
  release(): void {
    this.isHeld = false;
    for (const [name, table] of this.#tables) {
      if (table.status === 'DELETING') this.#tables.delete(name);
      table.status = 'ACTIVE';
    }
  }

  /** @returns what brings the items of all tables back to what they are now. */
  remember(): () => void {
    const items = [...this.#tables.values()].map((table) => [table, table.items] as const);
    return () => {
      for (const [table, before] of items) table.items = before;
    };
  }

  /** The keys of the items that a sweep has to remove, which are in use until then (AWS: TTL). */
  expiredKeys(name: string): Item[] {
    const table = this.#tables.get(name);
    if (table === undefined) return [];
    return table.items.filter((item) => isExpired(item, this.#now())).map((item) => keyOf(table, item));
  }

  /** A sweep has removed them. */
  swept(name: string): void {
    for (const key of this.expiredKeys(name)) this.#tables.get(name)?.delete(key);
  }

  /** The store has told that all indexes of a table are complete. */
  indexesCompleted(name: string): void {
    const table = this.#tables.get(name);
    if (table === undefined) return;
    table.indexes = table.indexes.map(({ schema }) => ({ schema, status: 'ACTIVE' }));
  }

  #write(request: WriteRequest): Output {
    const attributes = checkedAttributes(request);
    checkExpressions(request);
    const table = this.#serving(request.table);
    checkAgainstTable(table, request, attributes);
    const written = evaluated(table, request, attributes);
    const units = unitsOf(table, written);
    store(table, attributes, written);
    return { Attributes: returned(request, written), ...capacity(request.capacity, request.table, units) };
  }

  #get(request: GetItem): Output {
    const key = canonicalItem(request.key);
    checkProjection(request.projection);
    const table = this.#serving(request.table);
    checkKey(table, key);
    const item = table.get(key);
    const units = tableOnly(readUnits(sizeOf(item), request.isConsistent));
    return {
      Item: item && projected(item, request.projection),
      ...capacity(request.capacity, request.table, units),
    };
  }

  #batchGet(request: BatchGetItem): Output {
    for (const { keys, projection } of request.tables) {
      checkDistinct(keys.map(canonicalItem));
      checkProjection(projection);
    }
    const tables = request.tables.map((one) => ({ ...one, stored: this.#serving(one.table) }));
    const plans = tables.map(({ stored, keys, ...one }) => {
      const canonicalKeys = keys.map(canonicalItem);
      for (const key of canonicalKeys) checkKey(stored, key);
      return { ...one, canonicalKeys, stored };
    });
    const reads = plans.map(({ stored, canonicalKeys, ...one }) => {
      return { ...one, items: canonicalKeys.map((key) => stored.get(key)) };
    });
    const responses = reads.map(({ table, items, projection }) => {
      const found = items.filter((item) => item !== undefined);
      return [table, found.map((item) => projected(item, projection))];
    });
    const costs = reads.map(({ table, items, isConsistent }) => {
      const units = items.reduce((total, item) => total + readUnits(sizeOf(item), isConsistent), 0);
      return { table, units: tableOnly(units) };
    });
    return {
      Responses: Object.fromEntries(responses),
      UnprocessedKeys: {},
      ...capacities(request.capacity, costs),
    };
  }

  #batchWrite(request: BatchWriteItem): Output {
    const tables = request.tables.map(({ table, writes }) => ({
      table,
      writes: writes.map((write) => ({
        item: 'put' in write ? checkedItem(write.put) : undefined,
        key: canonicalItem('put' in write ? write.put : write.delete),
      })),
    }));
    const plans = tables.map((one) => ({ ...one, stored: this.#serving(one.table) }));
    for (const { stored, writes } of plans) {
      writes.forEach(({ key, item }, i) => {
        checkBatchWrite(stored, key, item);
        checkDistinct(writes.slice(0, i + 1).map((write) => keyOf(stored, write.key)));
      });
    }
    const costs = plans.flatMap(({ table, stored, writes }) =>
      writes.map(({ key, item }) => {
        const written = { old: stored.get(key), item };
        const units = unitsOf(stored, written);
        store(stored, key, written);
        return { table, units };
      }),
    );
    return { UnprocessedItems: {}, ...capacities(request.capacity, costs) };
  }

  #read(request: PageRequest): { source: Source; items: Item[]; isForward: boolean } {
    if (request.op === 'Scan') return this.#readScan(request);
    const parts = checkedConditions(request);
    const source = this.source(request);
    checkConditions(source, request, parts);
    return { source, items: sortedItems(source, parts), isForward: request.isForward !== false };
  }

  #readScan(request: Scan): { source: Source; items: Item[]; isForward: boolean } {
    checkPage(request);
    const source = this.source(request);
    return { source, items: sourceItems(source), isForward: true };
  }

  #behindStart(source: Source, items: readonly Item[], request: PageRequest): readonly Item[] {
    if (request.op === 'Query') return behindStart(source, items, request, checkedConditions(request));
    const { startKey } = request;
    if (startKey === undefined) return items;
    const key = keyOf(source.table, startKey);
    return items.slice(items.findIndex((item) => stable(keyOf(source.table, item)) === stable(key)) + 1);
  }

  #createTable(name: string, table: Table): Output {
    const namesake = this.#tables.get(name);
    if (namesake?.status === 'CREATING') checkAtHand(namesake, name);
    if (namesake !== undefined) throw new Refusal('ResourceInUseException', `Table already exists: ${name}`);
    this.#tables.set(name, table);
    if (this.isHeld) table.status = 'CREATING';
    return { TableDescription: describe(name, table, 'CREATING', statuses(table, 'CREATING')) };
  }

  /** One index is created or deleted at a time, and its table stays in use meanwhile (AWS: API_UpdateTable). */
  #updateTable({ table: name, change }: UpdateTable): Output {
    const table = this.#described(name);
    checkAtHand(table, name);
    if ('remove' in change) return { TableDescription: removeIndex(name, table, change.remove) };
    checkNewIndex(table, change.create);
    if (this.isHeld) table.status = 'UPDATING';
    table.indexes = [...table.indexes, { schema: change.create, status: 'CREATING' }];
    return { TableDescription: describe(name, table, 'UPDATING') };
  }

  #updateTimeToLive({ table, isEnabled }: UpdateTimeToLive): Output {
    this.#described(table);
    return { TimeToLiveSpecification: { AttributeName: expiryName, Enabled: isEnabled } };
  }

  #deleteTable(name: string): Output {
    const table = this.#described(name);
    checkAtHand(table, name);
    if (this.isHeld) table.status = 'DELETING';
    else this.#tables.delete(name);
    return { TableDescription: describeDeleted(name, table) };
  }

  #serving(name: string): Table {
    const table = this.#tables.get(name);
    const isServing = table?.status === 'ACTIVE' || table?.status === 'UPDATING';
    if (!isServing) throw new Refusal('ResourceNotFoundException', 'Requested resource not found');
    return table;
  }

  #described(name: string): Table {
    const table = this.#tables.get(name);
    if (table !== undefined) return table;
    throw new Refusal('ResourceNotFoundException', `Requested resource not found: Table: ${name} not found`);
  }
}

function unitsOf(table: Table, { old, item }: Written) {
  return withIndexes(writeUnits(old, item), entryChanges(table, old, item));
}

/** A batch answers to the wrong key of an item as if it were a Key argument. */
function checkBatchWrite(table: Table, key: Item, item: Item | undefined): void {
  checkKey(table, item === undefined ? key : keyOf(table, item));
  if (item !== undefined) checkIndexKeys(table, item, 'put');
}

/** What ReturnValues answers (AWS: API_PutItem, API_UpdateItem). */
function returned(request: WriteRequest, { old, item }: Written): Item | undefined {
  const paths = request.op === 'UpdateItem' ? updatedPathsOf(request) : [];
  switch (request.returnValues) {
    case 'ALL_OLD':
      return old;
    case 'ALL_NEW':
      return item;
    case 'UPDATED_OLD':
      return old && unlessEmpty(project(old, paths));
    case 'UPDATED_NEW':
      return item && unlessEmpty(project(item, paths));
    default:
      return undefined;
  }
}

function updatedPathsOf({ update }: UpdateItem): readonly Path[] {
  return update === undefined ? [] : updatedPaths(update);
}

function unlessEmpty(item: Item): Item | undefined {
  return Object.keys(item).length === 0 ? undefined : item;
}

function describeNow(name: string, table: Table): Output {
  const isNew = table.status === 'CREATING';
  return describe(name, table, table.status, isNew ? statuses(table, 'CREATING') : undefined);
}

/** A table that is not there yet, or not any more, cannot be changed (AWS: API_UpdateTable). */
function checkAtHand({ status }: Table, name: string): void {
  const inUse = 'Attempt to change a resource which is still in use: Table is being';
  if (status === 'CREATING') throw new Refusal('ResourceInUseException', `${inUse} created: ${name}`);
  if (status === 'DELETING') throw new Refusal('ResourceInUseException', `${inUse} deleted: ${name}`);
}

function checkNewIndex(table: Table, index: IndexSchema): void {
  if (table.indexes.some(({ status }) => status === 'CREATING')) throw new Refusal('LimitExceededException');
  if (table.index(index.name) !== undefined) {
    throw invalid('Attempting to create an index which already exists');
  }
  const keys = [table.key, ...table.indexes.map(({ schema }) => schema)].flatMap(keyAttributes);
  const isRedefined = keyAttributes(index).some(({ name, type }) =>
    keys.some((known) => known.name === name && known.type !== type),
  );
  if (isRedefined) throw invalid();
}

/** @returns the table as it is while the index is on its way out */
function removeIndex(name: string, table: Table, indexName: string): Output {
  const index = table.index(indexName);
  if (index === undefined) throw new Refusal('ResourceNotFoundException');
  if (!index.schema.isGlobal) throw invalid();
  const description = describe(name, table, 'UPDATING', { [indexName]: 'DELETING' });
  table.indexes = table.indexes.filter((other) => other !== index);
  return description;
}

/** A Number that lies in the past, and not more than five years (AWS: time-to-live-ttl-before-you-start). */
function isExpired(item: Item, now: number): boolean {
  const value = attribute(item, expiryName);
  if (value === undefined || !('N' in value)) return false;
  return Number(value.N) < now && Number(value.N) > now - 5 * secondsOfYear;
}

const secondsOfYear = 365 * 24 * 3600;

function statuses(table: Table, status: string): Record<string, string> {
  return Object.fromEntries(table.indexes.map(({ schema }) => [schema.name, status]));
}
