import type { LoadedRow } from '../history/load-plan.ts';
import { type StateKey, tablePrefix } from '../state/layout.ts';
import type { StoreTransaction } from '../state/transaction.ts';
import type { TableStatistics } from '../statistics.ts';
import { Slice } from './slice.ts';
import type { SliceWriter } from './slice-writer.ts';

/** Puts the rows of a table, and counts the items that are there in the end. */
export class ItemLoader {
  readonly #prefix: StateKey;
  readonly #writer: Pick<SliceWriter, 'write'>;
  readonly #onSlice: (rows: number, bytes: number) => Promise<void>;
  readonly #slice = new Slice();
  #counted: Counted = { itemCount: 0, sizeBytes: 0, lastKey: '' };
  /** That the slice before was heard of. */
  #heard = Promise.resolve();

  /** @param onSlice a slice is on disk; until it resolves only one more is written. */
  constructor(
    table: number,
    writer: Pick<SliceWriter, 'write'>,
    onSlice: (rows: number, bytes: number) => Promise<void>,
  ) {
    this.#prefix = tablePrefix(table);
    this.#writer = writer;
    this.#onSlice = onSlice;
  }

  /** @param batches in which later rows of a key win over earlier ones. */
  async load(batches: AsyncIterable<readonly LoadedRow[]>): Promise<TableStatistics> {
    for await (const batch of batches) {
      for (const { key, image } of batch) {
        if (this.#slice.add(this.#prefix + key, image)) continue;
        await this.#write();
        this.#slice.add(this.#prefix + key, image);
      }
    }
    await this.#write();
    await this.#heard;
    const { itemCount, sizeBytes } = this.#counted;
    return { itemCount, sizeBytes };
  }

  async #write(): Promise<void> {
    const slice = this.#slice;
    let counted = this.#counted;
    await this.#writer.write((transaction) => {
      counted = { ...this.#counted };
      slice.visit((key, value, size) => put(transaction, key, value, size, counted));
    });
    this.#counted = counted;
    await this.#heard;
    this.#heard = this.#onSlice(slice.rows, slice.bytes);
    // Whoever waits for it learns of its failure.
    this.#heard.catch(() => {});
    slice.clear();
  }
}

interface Counted {
  itemCount: number;
  sizeBytes: number;
  /** Behind all keys so far. */
  lastKey: StateKey;
}

/** A key behind all others is a new one; for any other it has to be looked what is there. */
function put(
  transaction: StoreTransaction,
  key: StateKey,
  value: Buffer | undefined,
  size: number,
  counted: Counted,
): void {
  const isNew = key > counted.lastKey;
  const sizeBefore = isNew ? undefined : transaction.sizeOf(key);
  if (isNew) counted.lastKey = key;
  counted.itemCount += (value === undefined ? 0 : 1) - (sizeBefore === undefined ? 0 : 1);
  counted.sizeBytes += size - (sizeBefore ?? 0);
  if (value !== undefined) transaction.put(key, value);
  else if (sizeBefore !== undefined) transaction.remove(key);
}
