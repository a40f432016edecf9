import type { LoadedRow } from '../history/load-plan.ts';
import { type StateKey, tablePrefix } from '../state/layout.ts';
import type { StoreTransaction } from '../state/transaction.ts';
import type { TableStatistics } from '../statistics.ts';
import { Run } from './run.ts';
import type { Slices } from './slice-writer.ts';

/** Puts the rows of a table, and counts the items that are there in the end. */
export class ItemLoader {
  readonly #prefix: StateKey;
  readonly #slices: Slices;
  readonly #onRun: (rows: number, bytes: number) => Promise<void>;
  readonly #run = new Run();
  #counted: Counted = { itemCount: 0, sizeBytes: 0, lastKey: '' };
  /** That the run before was heard of. */
  #heard = Promise.resolve();

  /** @param onRun a run of rows is on disk; until it resolves only one more is written. */
  constructor(table: number, slices: Slices, onRun: (rows: number, bytes: number) => Promise<void>) {
    this.#prefix = tablePrefix(table);
    this.#slices = slices;
    this.#onRun = onRun;
  }

  /** @param batches in which later rows of a key win over earlier ones. */
  async load(batches: AsyncIterable<readonly LoadedRow[]>): Promise<TableStatistics> {
    for await (const batch of batches) {
      for (const { key, image } of batch) {
        if (this.#run.add(this.#prefix + key, image)) continue;
        await this.#write();
        this.#run.add(this.#prefix + key, image);
      }
    }
    await this.#write();
    await this.#heard;
    const { itemCount, sizeBytes } = this.#counted;
    return { itemCount, sizeBytes };
  }

  async #write(): Promise<void> {
    const { rows, bytes } = this.#run;
    for (let next = 0; next < rows; ) next = await this.#writeSlice(next);
    this.#run.clear();
    await this.#heard;
    this.#heard = this.#onRun(rows, bytes);
    // Whoever waits for it learns of its failure.
    this.#heard.catch(() => {});
  }

  /** @returns where the next slice begins. */
  async #writeSlice(from: number): Promise<number> {
    let counted = this.#counted;
    let next = from;
    await this.#slices.write((transaction) => {
      counted = { ...this.#counted };
      next = this.#run.visitSlice(from, (key, value, size) => put(transaction, key, value, size, counted));
    });
    this.#counted = counted;
    return next;
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
