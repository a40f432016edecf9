/**
 * Whose turn it is to write LMDB: the applier's, or that of a thread that loads a table. One transaction writes at a time. LMDB's own
 * lock sees to that, but does not say who comes next: whoever has just let it go may have it again before another one has woken up.
 *
 * Invariants
 *  1. The applier never waits for a turn, and in LMDB's lock for one slice of each loading thread at most.
 *  2. Where the applier writes all the time, a loading thread has one slice between two of its applies, or beside one.
 *
 * Rejected: to hand what is loaded to the applier. A million rows cost the serving thread more than a second, in turns that hold up its
 * calls; and one order for both is not needed, as nobody else knows the number under which a table is loaded.
 */
export class WriteTurns {
  readonly #words: Int32Array;

  /** What other threads need to see it. */
  readonly shared: SharedArrayBuffer;

  constructor() {
    this.shared = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
    this.#words = new Int32Array(this.shared);
  }

  /** Runs what the applier writes. */
  async applying(write: () => Promise<void>): Promise<void> {
    Atomics.store(this.#words, isApplyingWord, 1);
    try {
      await write();
    } finally {
      Atomics.add(this.#words, appliesWord, 1);
      Atomics.store(this.#words, isApplyingWord, 0);
    }
  }
}

/** The same seen from a loading thread. */
export class SliceTurns {
  readonly #words: Int32Array;
  /** As they were at the last slice. */
  #applies: number;

  constructor(shared: SharedArrayBuffer) {
    this.#words = new Int32Array(shared);
    this.#applies = Atomics.load(this.#words, appliesWord);
  }

  /** Whether a slice may be written now. If so, it is to be begun in this turn of the event loop. */
  take(): boolean {
    const applies = Atomics.load(this.#words, appliesWord);
    if (Atomics.load(this.#words, isApplyingWord) === 1 && applies === this.#applies) return false;
    this.#applies = applies;
    return true;
  }
}

const isApplyingWord = 0;
const appliesWord = 1;
