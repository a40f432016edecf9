import type { Database } from 'lmdb';
import type { Image } from '../log/record.ts';
import { headerBytes, type StateKey, sizeOf, writeValue } from './layout.ts';

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

  /** What is behind everything else goes to the end without a search, and fills LMDB's pages to their end. */
  put(key: StateKey, { size, json }: Image): void {
    const value = valueBuffer(headerBytes + json.length);
    const length = writeValue(value, key, size, json);
    const isLast = key > this.#lastKey;
    if (isLast) this.#lastKey = key;
    this.#items.putSync(key, value.subarray(0, length), isLast ? toTheEnd : anywhere);
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

/** Every key begins with the four bytes of a table's number, which is neither 0 nor near the highest. */
const allKeysStart = '\0';
const allKeysEnd = '\xff\xff\xff\xff';

const toTheEnd = { append: true };
const anywhere = {};

/** LMDB takes a value over while it is put, so one buffer serves them all. */
function valueBuffer(bytes: number): Buffer {
  if (bytes > reused.length) reused = Buffer.allocUnsafeSlow(2 * bytes);
  return reused;
}

let reused = Buffer.allocUnsafeSlow(64 * 1024);
