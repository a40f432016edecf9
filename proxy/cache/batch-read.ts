import type { Backend, Request } from '../../protocol/backend.ts';
import type { KeyBytes } from '../../protocol/key.ts';
import { ItemJson, type Output } from '../../protocol/reply.ts';
import { tableNameOf } from '../../protocol/table-name.ts';
import type { Table } from '../table-descriptions.ts';
import type { Place } from './batch-get-item.ts';
import { type CachedItem, cachedItem, missingItem, parseItem } from './cached-item.ts';
import { isObject, readItemKey, readKey } from './key-reader.ts';

/**
 * The keys of one batch that have to be asked for, gathered into one BatchGetItem of the store. Each key is a read
 * of its own to those who join it. They get no answer, rather than an error, if the store refuses the batch or leaves
 * the key out: that may be for the sake of other keys, which are none of their business.
 */
export class BatchRead {
  readonly #region: string;
  readonly #tables = new Map<string, TableRead>();
  #isSent = false;

  constructor(region: string) {
    this.#region = region;
  }

  get isSent(): boolean {
    return this.#isSent;
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

  /** A key that is neither among the items nor among those left out has no item. */
  #deliver(tableName: string, { table, waiting }: TableRead, output: Output): void {
    const items = partOf(output.Responses, tableName);
    if (!Array.isArray(items)) return;
    const unprocessed = partOf(output.UnprocessedKeys, tableName);
    for (const key of isObject(unprocessed) && Array.isArray(unprocessed.Keys) ? unprocessed.Keys : []) {
      settle(waiting, readKey(table.schema, key), undefined);
    }
    for (const item of items) {
      const key = readItemKey(table.schema, item instanceof ItemJson ? parseItem(item) : item);
      settle(waiting, key, cachedItem(item));
    }
    for (const resolve of waiting.values()) resolve(missingItem);
    waiting.clear();
  }
}

interface TableRead {
  readonly table: Table;
  readonly waiting: Map<KeyBytes, (item: CachedItem | undefined) => void>;
  readonly keys: unknown[];
  isUnsettled: boolean;
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
