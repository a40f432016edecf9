import { FoundItem } from './found-item.ts';
import { keyAfter, type StateKey } from './layout.ts';
import type { Overlay, OverlayEntry } from './overlay.ts';
import type { StoredRange } from './store.ts';

/** From `start` on and before `end`; in the opposite order if `reverse`. */
export interface WalkRange {
  readonly start: StateKey;
  readonly end: StateKey;
  readonly reverse: boolean;
}

/** What the overlay has of a key, for whoever walks. */
export type InOverlay = (key: StateKey) => OverlayEntry | undefined;

/**
 * The overlay merged over LMDB, item by item, within one turn of the event loop. Each item is to be taken before the next
 * read of anything. Pages ask for one after the other: an iterator costs a twentieth of their time.
 */
export class Walk implements Iterable<FoundItem> {
  readonly #overlay: Overlay;
  readonly #inOverlay: InOverlay;
  readonly #range: WalkRange;
  readonly #inStore: StoredRange;
  /** The first of LMDB's that has not been passed. It is read only when it is needed, as it lies where others will. */
  #stored: FoundItem | undefined;
  #isPassed = true;
  /** The first key of the overlay's. */
  #key: StateKey | undefined;

  constructor(overlay: Overlay, inOverlay: InOverlay, range: WalkRange, inStore: StoredRange) {
    this.#overlay = overlay;
    this.#inOverlay = inOverlay;
    this.#range = range;
    this.#inStore = inStore;
    this.#key = overlay.firstKey(range.start, range.end, range.reverse);
  }

  /** @returns undefined at the end. @throws StateDamagedError */
  next(): FoundItem | undefined {
    if (this.#isPassed) this.#stored = this.#inStore.next();
    this.#isPassed = false;
    while (this.#key !== undefined && !this.#isStoredFirst(this.#key)) {
      const key = this.#key;
      const entry = this.#inOverlay(key);
      const isSame = this.#stored?.key === key;
      this.#key = this.#keyBehind(key);
      if (entry?.item !== undefined) {
        if (isSame) this.#isPassed = true;
        else this.#stored = this.#stored?.kept();
        return FoundItem.inMemory(key, entry.item);
      }
      // Deleted, or so young that who walks does not see it yet.
      if (isSame && entry === undefined) break;
      if (isSame) this.#stored = this.#inStore.next();
    }
    this.#isPassed = this.#stored !== undefined;
    return this.#stored;
  }

  /** To be called unless the end was reached. */
  close(): void {
    this.#inStore.close();
  }

  *[Symbol.iterator](): Generator<FoundItem, void> {
    try {
      for (let found = this.next(); found !== undefined; found = this.next()) yield found;
    } finally {
      this.close();
    }
  }

  #isStoredFirst(key: StateKey): boolean {
    if (this.#stored === undefined) return false;
    return this.#range.reverse ? this.#stored.key > key : this.#stored.key < key;
  }

  #keyBehind(key: StateKey): StateKey | undefined {
    const { start, end, reverse } = this.#range;
    return reverse
      ? this.#overlay.firstKey(start, key, true)
      : this.#overlay.firstKey(keyAfter(key), end, false);
  }
}
