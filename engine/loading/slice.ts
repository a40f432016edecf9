import type { Image } from '../log/record.ts';
import { headerBytes, type StateKey, sizeOf, writeValue } from '../state/layout.ts';

/**
 * Rows that go into LMDB in one transaction, filled and cleared again and again. Values are made when rows are added: so nothing of
 * what they came in has to last, and LMDB is locked only while they are handed over.
 */
export class Slice {
  readonly #keys: StateKey[] = [];
  /** Where the values end, one behind the other; a row that takes an item away has an empty one. */
  readonly #ends: number[] = [];
  #values = Buffer.allocUnsafeSlow(valueBytesMax);
  #end = 0;
  /** No row has come that is not behind all others. */
  #isSorted = true;
  #lastKey: StateKey = '';
  #keyBytes = 0;

  get rows(): number {
    return this.#keys.length;
  }

  /** Of keys and values. */
  get bytes(): number {
    return this.#keyBytes + this.#end;
  }

  /**
   * @param image undefined takes away what the key has.
   * @returns false, and nothing is added, where the slice has to be written first.
   */
  add(key: StateKey, image: Image | undefined): boolean {
    const bytes = image === undefined ? 0 : headerBytes + image.json.length;
    if (!this.#hasRoom(bytes)) return false;
    if (image !== undefined) writeValue(this.#values.subarray(this.#end), key, image.size, image.json);
    this.#end += bytes;
    this.#keys.push(key);
    this.#ends.push(this.#end);
    this.#keyBytes += key.length;
    this.#isSorted &&= key > this.#lastKey;
    this.#lastKey = key;
    return true;
  }

  /**
   * Visits the rows by their keys, as that is what LMDB does best; those of one key in the order in which they were added.
   * @param visitor gets the value, which lasts until `clear`, and the size of its item.
   */
  visit(visitor: (key: StateKey, value: Buffer | undefined, size: number) => void): void {
    for (const i of this.#order()) {
      const start = this.#ends[i - 1] ?? 0;
      const end = this.#ends[i] as number;
      const value = start === end ? undefined : this.#values.subarray(start, end);
      visitor(this.#keys[i] as StateKey, value, value === undefined ? 0 : sizeOf(value));
    }
  }

  clear(): void {
    this.#keys.length = 0;
    this.#ends.length = 0;
    this.#end = 0;
    this.#keyBytes = 0;
    this.#isSorted = true;
    this.#lastKey = '';
    if (this.#values.length > valueBytesMax) this.#values = Buffer.allocUnsafeSlow(valueBytesMax);
  }

  /** A row of any size has room in an empty slice. */
  #hasRoom(valueBytes: number): boolean {
    if (this.#end + valueBytes <= this.#values.length && this.rows < rowsMax) return true;
    if (this.rows > 0) return false;
    this.#values = Buffer.allocUnsafeSlow(valueBytes);
    return true;
  }

  #order(): Iterable<number> {
    if (this.#isSorted) return this.#keys.keys();
    const keys = this.#keys;
    return [...keys.keys()].sort((a, b) => {
      const [keyA, keyB] = [keys[a] as StateKey, keys[b] as StateKey];
      return keyA < keyB ? -1 : keyA > keyB ? 1 : 0;
    });
  }
}

/** LMDB is locked for some 20 ms while so much is written. */
const valueBytesMax = 8 * 1024 * 1024;

/** Where they lie apart each copies a page of LMDB's of 8 kB, in memory until it is on disk. */
const rowsMax = 16_384;
