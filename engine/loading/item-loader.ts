import type { LoadedRow } from '../history/load-plan.ts';
import { type StateKey, tablePrefix } from '../state/layout.ts';
import type { StoreTransaction } from '../state/transaction.ts';
import type { TableStatistics } from '../statistics.ts';
import { type SliceWriter, sliceBytesMax } from './slice-writer.ts';

/** Puts the rows of a table, and counts the items that are there in the end. */
export class ItemLoader {
  readonly #prefix: StateKey;
  readonly #slices: SliceWriter;
  readonly #onSlice: (rows: number, bytes: number) => Promise<void>;
  #counted: Counted = { itemCount: 0, sizeBytes: 0, lastKey: '' };
  /** That the slice before was heard of. */
  #heard = Promise.resolve();

  /** @param onSlice a slice is on disk; until it resolves only one more is written. */
  constructor(table: number, slices: SliceWriter, onSlice: (rows: number, bytes: number) => Promise<void>) {
    this.#prefix = tablePrefix(table);
    this.#slices = slices;
    this.#onSlice = onSlice;
  }

  /** @param batches are asked for ahead, while a slice is written; their rows last until then. */
  async load(batches: AsyncIterable<readonly LoadedRow[]>): Promise<TableStatistics> {
    let slice = new Slice();
    for await (const batch of readAhead(batches)) {
      for (const row of batch) {
        slice.add(row);
        if (slice.cost < sliceBytesMax) continue;
        await this.#write(slice);
        slice = new Slice();
      }
    }
    await this.#write(slice);
    await this.#heard;
    const { itemCount, sizeBytes } = this.#counted;
    return { itemCount, sizeBytes };
  }

  async #write(slice: Slice): Promise<void> {
    const rows = slice.sorted();
    let counted = this.#counted;
    await this.#slices.write((transaction) => {
      counted = { ...this.#counted };
      for (const row of rows) this.#put(row, transaction, counted);
    });
    this.#counted = counted;
    await this.#heard;
    this.#heard = this.#onSlice(rows.length, slice.bytes);
    // Whoever waits for it learns of its failure.
    this.#heard.catch(() => {});
  }

  /** A key behind all others is a new one; for any other it has to be looked what is there. */
  #put({ key, image }: LoadedRow, transaction: StoreTransaction, counted: Counted): void {
    const stateKey = this.#prefix + key;
    const isNew = stateKey > counted.lastKey;
    const before = isNew ? undefined : transaction.sizeOf(stateKey);
    if (isNew) counted.lastKey = stateKey;
    counted.itemCount += (image === undefined ? 0 : 1) - (before === undefined ? 0 : 1);
    counted.sizeBytes += (image?.size ?? 0) - (before ?? 0);
    if (image !== undefined) transaction.put(stateKey, image);
    else if (before !== undefined) transaction.remove(stateKey);
  }
}

interface Counted {
  itemCount: number;
  sizeBytes: number;
  /** Behind all keys so far. */
  lastKey: StateKey;
}

/** Rows that are put in one transaction. */
class Slice {
  readonly #rows: LoadedRow[] = [];
  #isSorted = true;
  #lastKey = '';
  bytes = 0;
  /** In bytes, with the page that a row out of order is likely to copy. */
  cost = 0;

  add(row: LoadedRow): void {
    const bytes = row.key.length + (row.image?.json.length ?? 0);
    const isSorted = row.key > this.#lastKey;
    this.#rows.push(row);
    this.#isSorted &&= isSorted;
    this.#lastKey = row.key;
    this.bytes += bytes;
    this.cost += isSorted ? bytes : bytes + strayBytes;
  }

  /** By their keys, since they are mostly fewer pages then; rows of one key in the order in which they came. */
  sorted(): readonly LoadedRow[] {
    if (!this.#isSorted) this.#rows.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    return this.#rows;
  }
}

/** What a row out of order costs beside itself. A thousand of them hold 8 MB of pages in memory until the slice is on disk. */
const strayBytes = 1024;

/** Asks for the next element before it hands one out, so that it can be made ready meanwhile. */
async function* readAhead<T>(source: AsyncIterable<T>): AsyncGenerator<T, void> {
  const iterator = source[Symbol.asyncIterator]();
  let next = iterator.next();
  try {
    for (;;) {
      const { done, value } = await next;
      if (done === true) return;
      next = iterator.next();
      next.catch(() => {});
      yield value;
    }
  } finally {
    await iterator.return?.();
  }
}
