import type { Database } from 'lmdb';
import { type StateKey, sizeOf } from './layout.ts';

/** The writes of one transaction of LMDB, made while its thread waits. */
export class StoreTransaction {
  readonly #items: Database<Buffer, StateKey>;
  /** Behind all keys that are there; the empty key while there are none. */
  #lastKey: StateKey;

  constructor(items: Database<Buffer, StateKey>) {
    this.#items = items;
    const [lastKey = ''] = items.getKeys({ start: allKeysEnd, end: allKeysStart, reverse: true, limit: 1 });
    this.#lastKey = lastKey;
  }

  /**
   * What is behind everything else goes to the end without a search, and fills LMDB's pages to their end.
   * @param value as `writeValue` makes it; taken over when this returns.
   */
  put(key: StateKey, value: Buffer): void {
    const isLast = key > this.#lastKey;
    if (isLast) this.#lastKey = key;
    this.#items.putSync(key, value, isLast ? toTheEnd : anywhere);
  }

  remove(key: StateKey): void {
    this.#items.removeSync(key);
  }

  /** The size of the item, in bytes as DynamoDB counts; undefined where there is none. Sees what the transaction has written. */
  sizeOf(key: StateKey): number | undefined {
    const value = this.#items.getBinaryFast(key);
    return value && sizeOf(value);
  }
}

const toTheEnd = { append: true };
const anywhere = {};

/** Every key begins with the four bytes of a table's number, which is neither 0 nor near the highest. */
const allKeysStart = '\0';
const allKeysEnd = '\xff\xff\xff\xff';
