import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Store } from '../state/store.ts';
import type { StoreTransaction } from '../state/transaction.ts';
import type { SliceTurns } from '../state/write-turns.ts';

export interface SliceWriterOptions {
  readonly store: Store;
  readonly turns: SliceTurns;
  readonly signal: AbortSignal;
  /** There is no room on the disk; the slice is tried again. */
  readonly onFull: (error: Error) => void;
}

/** Writes LMDB in slices: short transactions, one after the other, when it is their turn. */
export class SliceWriter {
  readonly #options: SliceWriterOptions;

  constructor(options: SliceWriterOptions) {
    this.#options = options;
  }

  /**
   * One slice, on disk when it resolves.
   * @param write is called again where there was no room for what it wrote, of which nothing is left then.
   * @throws the signal's reason
   */
  async write(write: (transaction: StoreTransaction) => void): Promise<void> {
    const { turns, signal } = this.#options;
    for (;;) {
      signal.throwIfAborted();
      if (!turns.take()) await delay(turnPollMs);
      else if (this.#fits(write)) return;
      else await delay(retryDelayMs);
    }
  }

  #fits(write: (transaction: StoreTransaction) => void): boolean {
    try {
      this.#options.store.transact(write);
      return true;
    } catch (error) {
      if (!isFull(error)) throw error;
      this.#options.onFull(error);
      return false;
    }
  }
}

const turnPollMs = 2;
const retryDelayMs = 1000;

/** LMDB's errors have the system's numbers: no space, over the quota, over the size that a file may have. */
function isFull(error: unknown): error is Error {
  const { ENOSPC, EDQUOT, EFBIG } = constants.errno;
  if (!(error instanceof Error) || !('code' in error)) return false;
  return error.code === ENOSPC || error.code === EDQUOT || error.code === EFBIG;
}
