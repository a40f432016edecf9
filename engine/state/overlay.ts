import type { ItemJson } from '../../protocol/reply.ts';
import type { StateKey } from './layout.ts';
import { SortedKeys } from './sorted-keys.ts';

/** The newest committed state of one item; without an item it is deleted. Never changed, only replaced. */
export interface OverlayEntry {
  readonly item: ItemJson | undefined;
}

/**
 * What is committed and not yet in LMDB, ordered by key. Reads merge it over LMDB.
 *
 * Invariants
 *  1. It holds committed entries only: what it shows, a crash cannot take back.
 *  2. For every key it holds the newest committed state, or LMDB does.
 *  3. An entry leaves it only by `release`, after LMDB has committed that very entry and reads see that commit.
 */
export class Overlay {
  readonly #entries = new Map<StateKey, OverlayEntry>();
  readonly #keys = new SortedKeys();
  #bytes = 0;

  /** Estimated memory of keys, items and bookkeeping. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: StateKey): OverlayEntry | undefined {
    return this.#entries.get(key);
  }

  set(key: StateKey, entry: OverlayEntry): void {
    const previous = this.#entries.get(key);
    if (previous === undefined) this.#keys.add(key);
    else this.#bytes -= entryBytes(key, previous);
    this.#entries.set(key, entry);
    this.#bytes += entryBytes(key, entry);
  }

  /** Everything it holds now, in key order. */
  freeze(): [StateKey, OverlayEntry][] {
    return this.#keys.toArray().map((key) => [key, this.#entries.get(key) as OverlayEntry]);
  }

  /** Lets go of what `freeze` gave, but for what has been replaced since. */
  release(frozen: readonly [StateKey, OverlayEntry][]): void {
    for (const [key, entry] of frozen) {
      if (this.#entries.get(key) !== entry) continue;
      this.#entries.delete(key);
      this.#keys.delete(key);
      this.#bytes -= entryBytes(key, entry);
    }
  }

  /** The first key in [start, end), or the last one if `reverse`. */
  firstKey(start: StateKey, end: StateKey, reverse: boolean): StateKey | undefined {
    const key = reverse ? this.#keys.before(end) : this.#keys.atOrAfter(start);
    return key !== undefined && key >= start && key < end ? key : undefined;
  }
}

/** Map slot, key in two structures, entry and buffer objects. */
const entryOverheadBytes = 200;

export function entryBytes(key: StateKey, entry: OverlayEntry): number {
  return entryOverheadBytes + key.length + (entry.item?.json.length ?? 0);
}
