import type { LoadedRow } from '../history/load-plan.ts';
import { type StateKey, tablePrefix } from '../state/layout.ts';
import type { StoreTransaction } from '../state/transaction.ts';
import type { TableStatistics } from '../statistics.ts';
import { Run } from './run.ts';
import type { Slices } from './slice-writer.ts';

/**
 * Puts the rows of a table, and counts the items that are there in the end.
 *
 *     rows -> a run, while the one before it is committed and synced -> LMDB
 */
export class ItemLoader {
  readonly #prefix: StateKey;
  readonly #slices: Slices;
  readonly #onRun: (rows: number, bytes: number) => Promise<void>;
  #run = new Run();
  /** The run before, as long as it is not on disk. */
  #runBefore = new Run();
  #writing = Promise.resolve();
  #counted: Counted = { itemCount: 0, sizeBytes: 0, lastKey: '' };
  /** That the run before was heard of. */
  #heard = Promise.resolve();

  /** @param onRun a run of rows is on disk; until it resolves only one more is written. */
  constructor(table: number, slices: Slices, onRun: (rows: number, bytes: number) => Promise<void>) {
    this.#prefix = tablePrefix(table);
    this.#slices = slices;
    this.#onRun = onRun;
  }

  /**
   * Nothing is being written any more when it ends, however it does.
   * @param batches in which later rows of a key win over earlier ones.
   */
  async load(batches: AsyncIterable<readonly LoadedRow[]>): Promise<TableStatistics> {
    try {
      await this.#addAll(batches);
      await this.#write();
    } finally {
      await this.#writing;
    }
    await this.#heard;
    const { itemCount, sizeBytes } = this.#counted;
    return { itemCount, sizeBytes };
  }

  async #addAll(batches: AsyncIterable<readonly LoadedRow[]>): Promise<void> {
    for await (const batch of batches) {
      for (const { key, image } of batch) {
        if (this.#run.add(this.#prefix + key, image)) continue;
        await this.#write();
        this.#run.add(this.#prefix + key, image);
      }
    }
  }

  /** Resolves when LMDB has taken over the run: until it is on disk the next one is filled. */
  async #write(): Promise<void> {
    await this.#writing;
    const run = this.#run;
    this.#run = this.#runBefore;
    this.#runBefore = run;
    await new Promise<void>((resolve, reject) => {
      this.#writing = this.#writeRun(run, resolve);
      this.#writing.then(resolve, reject);
    });
  }

  async #writeRun(run: Run, onTaken: () => void): Promise<void> {
    const { rows, bytes } = run;
    for (let next = 0; next < rows; ) next = await this.#writeSlice(run, next, onTaken);
    run.clear();
    await this.#heard;
    this.#heard = this.#onRun(rows, bytes);
    // Whoever waits for it learns of its failure.
    this.#heard.catch(() => {});
  }

  /** @returns where the next slice begins. */
  async #writeSlice(run: Run, from: number, onTaken: () => void): Promise<number> {
    let counted = this.#counted;
    let next = from;
    await this.#slices.write((transaction) => {
      counted = { ...this.#counted };
      next = run.visitSlice(from, (key, value, size) => put(transaction, key, value, size, counted));
      if (next === run.rows) onTaken();
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
