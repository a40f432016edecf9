import type { Backend, Request } from '../../protocol/backend.ts';
import type { KeyBytes } from '../../protocol/key.ts';
import { ItemJson, type Output } from '../../protocol/reply.ts';
import { tableNameOf } from '../../protocol/table-name.ts';
import type { Table } from '../table-descriptions.ts';
import type { Place } from './batch-get-item.ts';
import { type CachedItem, missingItem, parseItem, soundItem } from './cached-item.ts';
import { isObject, readItemKey, readKey } from './key-reader.ts';

/**
 * The keys of one batch that have to be asked for, gathered into one BatchGetItem of the store. Each key is a read
 * of its own to those who join it. They get no answer, rather than an error, if the store refuses the batch or leaves
 * the key out: that may be for the sake of other keys, which are none of their business.
 */
export class BatchRead {
  readonly #region: string;
  readonly #tables = new Map<string, TableRead>();
  readonly #lookups: Promise<unknown>[] = [];
  #isSent = false;
  #isUnderstood = true;

  constructor(region: string) {
    this.#region = region;
  }

  get isSent(): boolean {
    return this.#isSent;
  }

  /** False where the store answered with something that cannot be cached: then the caller needs the store's own answer. */
  get isUnderstood(): boolean {
    return this.#isUnderstood;
  }

  /** @param lookup which decides whether a key has to be asked for: the batch is not sent before, and takes the key until then. */
  waitFor(lookup: Promise<unknown>): void {
    this.#lookups.push(lookup);
  }

  /** @param isUnsettled asks for the keys of this table with ConsistentRead. */
  add(place: Place, isUnsettled: boolean): Promise<CachedItem | undefined> {
    const { tableName } = place.request;
    let read = this.#tables.get(tableName);
    if (read === undefined) {
      read = { table: place.table, waiting: new Map(), keys: [], isUnsettled: false };
      this.#tables.set(tableName, read);
    }
    read.isUnsettled ||= isUnsettled;
    read.keys.push(place.requestedKey);
    const { waiting } = read;
    return new Promise((resolve) => waiting.set(place.key, resolve));
  }

  /** Asks the store, if there is anything to ask for. @throws what the store answers instead of items. */
  async send(backend: Backend): Promise<void> {
    if (this.#lookups.length > 0) await Promise.all(this.#lookups);
    this.#isSent = true;
    if (this.#tables.size === 0) return;
    try {
      const reply = await backend.call(this.#request());
      for (const [tableName, read] of this.#tables) this.#deliver(tableName, read, reply.output);
    } finally {
      for (const { waiting } of this.#tables.values())
        for (const resolve of waiting.values()) resolve(undefined);
    }
  }

  /** Asks for whole items, which cost the same as the parts that the caller wants. */
  #request(): Request {
    const entries = [...this.#tables].map(([tableName, { keys, isUnsettled }]) => [
      tableName,
      isUnsettled ? { Keys: keys, ConsistentRead: true } : { Keys: keys },
    ]);
    const input = { RequestItems: Object.fromEntries(entries) };
    return { operation: 'BatchGetItem', input, region: this.#region };
  }

  /** A key that is neither among the items nor among those left out has no item, if all items are understood. */
  #deliver(tableName: string, read: TableRead, output: Output): void {
    const { table, waiting } = read;
    const items = partOf(output.Responses, tableName);
    if (!Array.isArray(items)) return;
    const unprocessed = partOf(output.UnprocessedKeys, tableName);
    for (const key of isObject(unprocessed) && Array.isArray(unprocessed.Keys) ? unprocessed.Keys : []) {
      settle(waiting, readKey(table.schema, key), undefined);
    }
    for (const item of items) if (!deliverItem(read, item)) this.#isUnderstood = false;
    for (const resolve of waiting.values()) resolve(this.#isUnderstood ? missingItem : undefined);
    waiting.clear();
  }
}

interface TableRead {
  readonly table: Table;
  readonly waiting: Map<KeyBytes, (item: CachedItem | undefined) => void>;
  readonly keys: unknown[];
  isUnsettled: boolean;
}

/** @returns whether the item was understood. */
function deliverItem({ table, waiting }: TableRead, item: unknown): boolean {
  const key = readItemKey(table.schema, item instanceof ItemJson ? parseItem(item) : item);
  const found = soundItem(item);
  settle(waiting, key, found);
  return key !== undefined && found !== undefined;
}

function settle(
  waiting: TableRead['waiting'],
  key: KeyBytes | undefined,
  item: CachedItem | undefined,
): void {
  if (key === undefined) return;
  waiting.get(key)?.(item);
  waiting.delete(key);
}

/** A store may answer under the table's name where it was asked by its ARN. */
function partOf(parts: unknown, tableName: string): unknown {
  return isObject(parts) ? (parts[tableName] ?? parts[tableNameOf(tableName)]) : undefined;
}
