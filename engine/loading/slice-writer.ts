import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Store } from '../state/store.ts';
import type { StoreTransaction } from '../state/transaction.ts';
import type { SliceTurns } from '../state/write-turns.ts';

export interface SliceWriterOptions {
  readonly store: Store;
  readonly turns: SliceTurns;
  readonly signal: AbortSignal;
  /** The disk does not take a slice, most likely as it is full; it is tried again. */
  readonly onRefused: (error: Error) => void;
}

/** Where slices go, one transaction for each. */
export interface Slices {
  /**
   * One slice, on disk when it resolves. While it is committed and synced, this thread goes on.
   * @param write may be called again, and then nothing is left of what it wrote before. What it has handed over stays as it is until
   * the slice is on disk.
   */
  write(write: (transaction: StoreTransaction) => void): Promise<void>;
}

/** Writes LMDB in slices: short transactions, one after the other, when it is their turn. */
export class SliceWriter implements Slices {
  readonly #options: SliceWriterOptions;

  constructor(options: SliceWriterOptions) {
    this.#options = options;
  }

  /** Writes again what the disk did not take. @throws the signal's reason */
  async write(write: (transaction: StoreTransaction) => void): Promise<void> {
    const { turns, signal } = this.#options;
    for (;;) {
      // An abort is a message, which only a turn of the event loop brings.
      await nextTurn();
      signal.throwIfAborted();
      if (!turns.take()) await delay(turnPollMs);
      else if (await this.#isTaken(write)) return;
      else await delay(retryDelayMs);
    }
  }

  async #isTaken(write: (transaction: StoreTransaction) => void): Promise<boolean> {
    try {
      await this.#options.store.transactAside(write);
      return true;
    } catch (error) {
      if (!isOfDisk(error)) throw error;
      this.#options.onRefused(error);
      return false;
    }
  }
}

const turnPollMs = 2;
const retryDelayMs = 1000;

/**
 * LMDB hands on the system's errors by their numbers; its own are below 0. A full disk is EIO more often than ENOSPC, since LMDB takes
 * a short write for one.
 */
function isOfDisk(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && error.code > 0;
}
