import { setTimeout as delay } from 'node:timers/promises';
import type { History, Read, View, Write } from './fleet-history.ts';
import { CallError, type Door, type Output, type ProxyProgram } from './fleet-programs.ts';

/** A table of a few hot keys, of which several are in each partition. */
export interface HotTable {
  readonly name: string;
  readonly partitions: readonly HotPartition[];
  /** Whether it can be asked now for what it has by groups. */
  hasGroups: boolean;
  /**
   * While it is being replaced, nobody can tell which writes are in the new one; before that, those that have been begun
   * are waited for.
   */
  state: 'steady' | 'draining' | 'replacing';
}

export interface HotPartition {
  readonly name: string;
  readonly sorts: readonly string[];
  /** Whether its items are written one at a time, which batches and deletes need, having no conditions. */
  readonly isSerial: boolean;
}

export const groups = ['x', 'y'];

export function keyOf(table: HotTable, partition: string, sort: string): string {
  return `${table.name}/${partition}/${sort}`;
}

export function keysOf(table: HotTable): string[] {
  return table.partitions.flatMap(({ name, sorts }) => sorts.map((sort) => keyOf(table, name, sort)));
}

/** Readers and writers of the tables, each through one proxy after the other, until they are stopped. */
export class FleetClients {
  readonly #proxies: readonly ProxyProgram[];
  readonly #tables: readonly HotTable[];
  readonly #history: History;
  readonly #readsOwnGroups: boolean;
  readonly #busy = new Set<string>();
  readonly #writesUnderWay = new Map<Promise<boolean>, HotTable>();
  readonly #working: Promise<void>[] = [];
  #isStopped = false;

  constructor({ proxies, tables, history, readsOwnGroups }: ClientsOptions) {
    this.#proxies = proxies;
    this.#tables = tables;
    this.#history = history;
    this.#readsOwnGroups = readsOwnGroups;
  }

  start(readers: number, writers: number): void {
    for (let i = 0; i < readers; i++)
      this.#working.push(this.#repeat(readPauseMsMax, (proxy) => this.#read(proxy)));
    for (let i = 0; i < writers; i++)
      this.#working.push(this.#repeat(writePauseMsMax, (proxy) => this.#write(proxy)));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#working);
  }

  /** Waits for the writes of the table that are under way. */
  async drain(table: HotTable): Promise<void> {
    const writes = [...this.#writesUnderWay].filter(([, each]) => each === table);
    await Promise.all(writes.map(([write]) => write));
  }

  async #repeat(pauseMsMax: number, act: (proxy: RunningProxy) => Promise<void>): Promise<void> {
    while (!this.#isStopped) {
      const { name, door } = pick(this.#proxies);
      if (door !== undefined) await act({ name, door });
      await delay(Math.random() * pauseMsMax);
    }
  }

  async #read({ name, door }: RunningProxy): Promise<void> {
    const table = pick(this.#tables);
    const { operation, input, view, keys } = pick(readsOf(table, this.#readsOwnGroups));
    const read = this.#history.beginRead(keys, name);
    try {
      const output = await door.call(operation, input);
      this.#history.endRead(read, view, numbersIn(table, output));
    } catch (error) {
      this.#forgive(table, read, error);
    }
  }

  async #write(proxy: RunningProxy): Promise<void> {
    const table = pick(this.#tables);
    if (table.state === 'draining') return;
    const partition = pick(table.partitions);
    const sorts = pickSome(partition.sorts);
    const keys = sorts.map((sort) => keyOf(table, partition.name, sort));
    if (!partition.isSerial) {
      await this.#send(table, conditional(proxy, table, partition, sorts));
      return;
    }
    if (keys.some((key) => this.#busy.has(key))) return;
    for (const key of keys) this.#busy.add(key);
    const isAnswered = await this.#send(table, serial(proxy, table, partition, sorts));
    if (!isAnswered) await delay(lateMs);
    for (const key of keys) this.#busy.delete(key);
  }

  #send(table: HotTable, sending: Sending): Promise<boolean> {
    const sent = this.#sendNow(table, sending).finally(() => this.#writesUnderWay.delete(sent));
    this.#writesUnderWay.set(sent, table);
    return sent;
  }

  /** @returns whether nothing of it can be done any more. */
  async #sendNow(table: HotTable, { proxy, operation, marks, inputOf }: Sending): Promise<boolean> {
    const isReplaced = table.state === 'replacing';
    const writes = marks.map(({ key, group }) => this.#history.begin(key, proxy.name, group));
    try {
      await proxy.door.call(operation, inputOf(writes));
      for (const write of writes) {
        if (isReplaced || table.state === 'replacing')
          this.#history.lose(write, 'the table is being replaced');
        else this.#history.acknowledge(write);
      }
      return true;
    } catch (error) {
      for (const write of writes) this.#history.lose(write, String(error).slice(0, 100));
      this.#forgive(table, { keys: marks.map(({ key }) => key) }, error);
      return error instanceof CallError && error.status === 400;
    }
  }

  /** Errors that have to be expected: lost connections, conditions, and tables and indexes that are not there. */
  #forgive(table: HotTable, { keys: [key = ''] }: Pick<Read, 'keys'>, error: unknown): void {
    if (!(error instanceof CallError) || error.status >= 500 || expected.has(error.code)) return;
    if (table.name === changing && expectedWhileChanging.has(error.code)) return;
    this.#history.complain(String(error), key);
  }
}

export interface ClientsOptions {
  readonly proxies: readonly ProxyProgram[];
  readonly tables: readonly HotTable[];
  readonly history: History;
  /** False where the store's own index may lag behind its acknowledgements. */
  readonly readsOwnGroups: boolean;
}

/** The table that is deleted and created anew, and whose index comes and goes. */
export const changing = 'Changing';

/** Everything that can be asked of a table, with what it shows. */
export function readsOf(table: HotTable, readsOwnGroups: boolean): readonly ReadCall[] {
  const TableName = table.name;
  const exists: View = { name: '', shows: ({ group }) => group !== undefined, readsOwnWrites: true };
  const reads = table.partitions.flatMap(({ name, sorts }): ReadCall[] => {
    const keys = sorts.map((sort) => keyOf(table, name, sort));
    const Keys = sorts.map((sort) => ({ p: { S: name }, s: { S: sort } }));
    const input = {
      TableName,
      KeyConditionExpression: 'p = :p',
      ExpressionAttributeValues: { ':p': { S: name } },
    };
    return [
      ...Keys.map((Key, i) => ({
        operation: 'GetItem',
        input: { TableName, Key },
        view: { ...exists, name: 'GetItem' },
        keys: keys.slice(i, i + 1),
      })),
      {
        operation: 'BatchGetItem',
        input: { RequestItems: { [TableName]: { Keys } } },
        view: { ...exists, name: 'BatchGetItem' },
        keys,
      },
      { operation: 'Query', input, view: { ...exists, name: `Query ${name}` }, keys },
      {
        operation: 'Query',
        input: { ...input, IndexName: 'byNumber', ScanIndexForward: false },
        view: { ...exists, name: `Query byNumber ${name}` },
        keys,
      },
    ];
  });
  const keys = keysOf(table);
  reads.push({ operation: 'Scan', input: { TableName }, view: { ...exists, name: 'Scan' }, keys });
  return table.hasGroups ? [...reads, ...readsOfGroups(TableName, keys, readsOwnGroups)] : reads;
}

function readsOfGroups(TableName: string, keys: readonly string[], readsOwnWrites: boolean): ReadCall[] {
  const index = { TableName, IndexName: 'byGroup' };
  const queries = groups.map((name): ReadCall => {
    const values = { ':g': { S: name } };
    const input = { ...index, KeyConditionExpression: 'g = :g', ExpressionAttributeValues: values };
    const view = {
      name: `Query byGroup ${name}`,
      shows: ({ group }: Write) => group === name,
      readsOwnWrites,
    };
    return { operation: 'Query', input, view, keys };
  });
  const shows = ({ group }: Write) => group !== undefined;
  const view = { name: 'Scan byGroup', shows, readsOwnWrites };
  return [...queries, { operation: 'Scan', input: index, view, keys }];
}

export interface ReadCall {
  readonly operation: string;
  readonly input: object;
  readonly view: View;
  readonly keys: readonly string[];
}

interface RunningProxy {
  readonly name: string;
  readonly door: Door;
}

/** A write to be: its numbers are known once it begins. */
interface Sending {
  readonly proxy: RunningProxy;
  readonly operation: string;
  readonly marks: readonly { readonly key: string; readonly group: string | undefined }[];
  readonly inputOf: (writes: readonly Write[]) => object;
}

/** A write that the store refuses if it has taken a later one. */
function conditional(
  proxy: RunningProxy,
  table: HotTable,
  { name }: HotPartition,
  sorts: readonly string[],
): Sending {
  const marks = sorts.map((sort) => ({ key: keyOf(table, name, sort), group: pick(groups) }));
  const putOf = (write: Write, i: number) => ({
    TableName: table.name,
    Item: itemOf(name, sorts[i] ?? '', write),
    ConditionExpression: 'attribute_not_exists(n) OR n < :n',
    ExpressionAttributeValues: { ':n': { N: String(write.number) } },
  });
  const updateOf = (write: Write, i: number) => ({
    TableName: table.name,
    Key: { p: { S: name }, s: { S: sorts[i] ?? '' } },
    UpdateExpression: 'SET n = :n, g = :g',
    ConditionExpression: 'attribute_not_exists(n) OR n < :n',
    ExpressionAttributeValues: { ':n': { N: String(write.number) }, ':g': { S: write.group ?? '' } },
  });
  if (sorts.length > 1) {
    const inputOf = (writes: readonly Write[]) => ({
      TransactItems: writes.map((write, i) =>
        i === 0 ? { Put: putOf(write, i) } : { Update: updateOf(write, i) },
      ),
    });
    return { proxy, operation: 'TransactWriteItems', marks, inputOf };
  }
  const isPut = Math.random() < 0.5;
  const inputOf = ([write]: readonly Write[]) =>
    write === undefined ? {} : isPut ? putOf(write, 0) : { ...updateOf(write, 0), ...pick(returned) };
  return { proxy, operation: isPut ? 'PutItem' : 'UpdateItem', marks, inputOf };
}

const returned = [{}, { ReturnValues: 'ALL_NEW' }, { ReturnValues: 'UPDATED_OLD' }];

/** A write that may be done at any time. */
function serial(
  proxy: RunningProxy,
  table: HotTable,
  { name }: HotPartition,
  sorts: readonly string[],
): Sending {
  const marks = sorts.map((sort) => ({
    key: keyOf(table, name, sort),
    group: pick([...groups, undefined]),
  }));
  const keyAt = (i: number) => ({ p: { S: name }, s: { S: sorts[i] ?? '' } });
  const [mark] = marks;
  if (marks.length === 1 && mark?.group === undefined) {
    const inputOf = () => ({ TableName: table.name, Key: keyAt(0) });
    return { proxy, operation: 'DeleteItem', marks, inputOf };
  }
  const inputOf = (writes: readonly Write[]) => ({
    RequestItems: {
      [table.name]: writes.map((write, i) =>
        write.group === undefined
          ? { DeleteRequest: { Key: keyAt(i) } }
          : { PutRequest: { Item: itemOf(name, sorts[i] ?? '', write) } },
      ),
    },
  });
  return { proxy, operation: 'BatchWriteItem', marks, inputOf };
}

function itemOf(partition: string, sort: string, { number, group = '' }: Write): object {
  return { p: { S: partition }, s: { S: sort }, n: { N: String(number) }, g: { S: group } };
}

interface ShownItem {
  readonly p: { readonly S: string };
  readonly s: { readonly S: string };
  readonly n: { readonly N: string };
}

function numbersIn(table: HotTable, { Item, Items, Responses }: Output): Map<string, number> {
  const batch = (Responses as Record<string, ShownItem[]> | undefined)?.[table.name];
  const items =
    (Items as ShownItem[] | undefined) ?? batch ?? (Item === undefined ? [] : [Item as ShownItem]);
  return new Map(items.map(({ p, s, n }) => [keyOf(table, p.S, s.S), Number(n.N)]));
}

/** There are far more reads than writes, so that there are hits. */
const readPauseMsMax = 6;
const writePauseMsMax = 200;
/** How late a write that was not answered may still be done: the programs run on one machine. */
const lateMs = 2_000;

const expected: ReadonlySet<string> = new Set([
  'ConditionalCheckFailedException',
  'TransactionCanceledException',
  'TransactionConflictException',
]);

const expectedWhileChanging: ReadonlySet<string> = new Set([
  'ResourceNotFoundException',
  'ResourceInUseException',
  'ValidationException',
]);

function pick<T>(list: readonly T[]): T {
  return list[Math.floor(Math.random() * list.length)] as T;
}

/** One, or two different ones. */
function pickSome<T>(list: readonly T[]): T[] {
  return [...new Set([pick(list), ...(Math.random() < 0.3 ? [pick(list)] : [])])];
}
