import { ItemJson } from '../../protocol/reply.ts';
import type { ArchivedChange } from '../history/block.ts';
import type { ItemKey } from '../history/load-plan.ts';
import { scanTable } from '../history/table-scan.ts';
import type { Image } from '../log/record.ts';
import { encodeValue, itemKey, type StateKey, tablePrefix } from '../state/layout.ts';
import { Store } from '../state/store.ts';
import type { StoreTransaction } from '../state/transaction.ts';

/** What has become of an item over some time. */
export interface ChangedItem {
  readonly key: ItemKey;
  /** Of its last change. */
  readonly timeMs: number;
  /** DynamoDB's JSON; undefined where there was none before, and none after. */
  readonly before: Buffer | undefined;
  readonly after: Buffer | undefined;
}

/**
 * The changes of a table brought down to one for each item, in an LMDB environment of their own, as they can be more than memory has
 * room for.
 *
 *     under table 1, by the items' keys: the item before its first change, if there was one
 *     under table 2: time of the last change (8 bytes), whether the item is there after it (1), its JSON
 */
export class ChangedItems {
  readonly #store: Store;

  /** @param directory not there yet; to be removed by the caller. */
  constructor(directory: string) {
    this.#store = Store.open(directory, { readOnly: false, passing: true });
  }

  /** @param changes behind all that were added before. */
  add(changes: readonly ArchivedChange[]): void {
    const net = netChanges(changes);
    const keys = [...net.keys()].sort();
    this.#store.transact((transaction) => {
      for (const key of keys) put(transaction, key, net.get(key) as NetChange);
    });
  }

  /** In the order of the keys, some hundred at a time; not those that were neither before nor after. */
  async *items(): AsyncGenerator<ChangedItem[], void> {
    let found: [ItemKey, Buffer][] = [];
    const visit = (key: ItemKey, item: { take(): ItemJson }) => void found.push([key, item.take().json]);
    for await (const _ of scanTable(this.#store, afterTable, visit)) {
      const items = found.map(([key, last]) => this.#changedItem(key, last));
      found = [];
      const there = items.filter(({ before, after }) => before !== undefined || after !== undefined);
      if (there.length > 0) yield there;
    }
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #changedItem(key: ItemKey, last: Buffer): ChangedItem {
    return {
      key,
      timeMs: last.readDoubleBE(0),
      before: this.#store.find(beforeKey(key))?.take().json,
      after: last[8] === 1 ? last.subarray(headerBytes) : undefined,
    };
  }
}

const beforeTable = 1;
const afterTable = 2;
const headerBytes = 9;

function beforeKey(key: ItemKey): StateKey {
  return tablePrefix(beforeTable) + key;
}

interface NetChange {
  readonly first: Image | undefined;
  last: Image | undefined;
  timeMs: number;
}

function netChanges(changes: readonly ArchivedChange[]): Map<ItemKey, NetChange> {
  const net = new Map<ItemKey, NetChange>();
  for (const { timeMs, change } of changes) {
    if (change.kind !== 'item') continue;
    const key = itemKey(change.key);
    const known = net.get(key);
    if (known === undefined) net.set(key, { first: change.oldImage, last: change.newImage, timeMs });
    else Object.assign(known, { last: change.newImage, timeMs });
  }
  return net;
}

function put(transaction: StoreTransaction, key: ItemKey, { first, last, timeMs }: NetChange): void {
  const afterKey = tablePrefix(afterTable) + key;
  const isFirst = transaction.sizeOf(afterKey) === undefined;
  if (isFirst && first !== undefined) {
    const before = beforeKey(key);
    transaction.put(before, encodeValue(before, new ItemJson(first.json, first.size)));
  }
  const header = Buffer.alloc(headerBytes);
  header.writeDoubleBE(timeMs, 0);
  header[8] = last === undefined ? 0 : 1;
  const state = last === undefined ? header : Buffer.concat([header, last.json]);
  transaction.put(afterKey, encodeValue(afterKey, new ItemJson(state, last?.size ?? 0)));
}
