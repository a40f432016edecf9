import type { Image } from '../log/record.ts';
import { headerBytes, type StateKey, sizeOf, writeValue } from '../state/layout.ts';

/** @param value lasts until the run is cleared; undefined for a row that takes away what its key has. @param size of the item. */
export type RowVisitor = (key: StateKey, value: Buffer | undefined, size: number) => void;

/**
 * Rows on their way into LMDB: gathered, brought into the order of their keys, which is what LMDB does best, and visited slice by slice.
 * It is filled and cleared again and again. Values are made when rows are added and lie in one buffer: nothing of what the rows came in
 * has to last, and LMDB is locked only while values are handed over.
 *
 * Rows that come in order are no better off in a longer run. Others are: those that share a page of LMDB's tree write it once.
 */
export class Run {
  readonly #keys: StateKey[] = [];
  /** Where the values end, one behind the other, those of rows that take an item away being empty. */
  readonly #ends: number[] = [];
  /** Memory that is not touched takes no room. */
  #values = Buffer.allocUnsafeSlow(runBytesMax);
  #end = 0;
  #keyBytes = 0;
  #isInOrder = true;
  #lastKey: StateKey = '';
  /** The rows by their keys; those of one key in the order in which they were added. */
  #order: readonly number[] | undefined;

  get rows(): number {
    return this.#keys.length;
  }

  /** Of keys and values. */
  get bytes(): number {
    return this.#keyBytes + this.#end;
  }

  /**
   * @param image undefined takes away what the key has.
   * @returns false, and nothing is added, where the run has to be written and cleared first. An empty one takes any row.
   */
  add(key: StateKey, image: Image | undefined): boolean {
    const bytes = image === undefined ? 0 : headerBytes + image.json.length;
    if (!this.#hasRoom(key.length + bytes)) return false;
    if (image !== undefined) writeValue(this.#values, this.#end, key, image.size, image.json);
    this.#end += bytes;
    this.#keys.push(key);
    this.#ends.push(this.#end);
    this.#keyBytes += key.length;
    this.#isInOrder &&= key > this.#lastKey;
    this.#lastKey = key;
    this.#order = undefined;
    return true;
  }

  /** Visits the rows from the `from`-th on, in their order, as many as one transaction takes. @returns where to go on. */
  visitSlice(from: number, visitor: RowVisitor): number {
    this.#order ??= this.#sorted();
    const to = Math.min(this.rows, from + (this.#isInOrder ? sliceRowsMax : straysMax));
    let bytes = 0;
    for (let i = from; i < to; i++) {
      const row = this.#order[i] as number;
      const start = this.#ends[row - 1] ?? 0;
      const end = this.#ends[row] as number;
      const value = start === end ? undefined : this.#values.subarray(start, end);
      visitor(this.#keys[row] as StateKey, value, value === undefined ? 0 : sizeOf(value));
      bytes += end - start;
      if (bytes >= sliceBytesMax) return i + 1;
    }
    return to;
  }

  clear(): void {
    this.#keys.length = 0;
    this.#ends.length = 0;
    this.#end = 0;
    this.#keyBytes = 0;
    this.#isInOrder = true;
    this.#lastKey = '';
    this.#order = undefined;
    if (this.#values.length > runBytesMax) this.#values = Buffer.allocUnsafeSlow(runBytesMax);
  }

  /** Keys take memory as values do: those of local indexes can be a hundred times as long. */
  #hasRoom(bytes: number): boolean {
    const isFull = this.#isInOrder && (this.bytes >= sliceBytesMax || this.rows >= sliceRowsMax);
    if (!isFull && this.rows < runRowsMax && this.bytes + bytes <= runBytesMax) return true;
    if (this.rows > 0) return false;
    if (bytes > runBytesMax) this.#values = Buffer.allocUnsafeSlow(bytes);
    return true;
  }

  #sorted(): number[] {
    const keys = this.#keys;
    const rows = [...keys.keys()];
    if (this.#isInOrder) return rows;
    return rows.sort((a, b) => {
      const [keyA, keyB] = [keys[a] as StateKey, keys[b] as StateKey];
      return keyA < keyB ? -1 : keyA > keyB ? 1 : a - b;
    });
  }
}

/** Of keys and values. */
const runBytesMax = 64 * 1024 * 1024;
const runRowsMax = 500_000;

/** LMDB is locked for some 20 ms while so much is written. */
const sliceBytesMax = 8 * 1024 * 1024;

const sliceRowsMax = 65_536;

/** Rows out of order can lie apart, and then each copies a page of LMDB's of 8 kB, in memory until it is on disk. */
const straysMax = 8192;
