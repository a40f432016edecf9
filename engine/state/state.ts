import type { ItemJson } from '../../protocol/reply.ts';
import { keyAfter, type StateKey } from './layout.ts';
import type { Overlay } from './overlay.ts';
import type { Store } from './store.ts';

/** What reads see: the overlay over LMDB. Committed writes only. */
export class State {
  readonly #overlay: Overlay;
  readonly #store: Store;

  constructor(overlay: Overlay, store: Store) {
    this.#overlay = overlay;
    this.#store = store;
  }

  get(key: StateKey): ItemJson | undefined {
    const entry = this.#overlay.get(key);
    return entry === undefined ? this.#store.get(key) : entry.item;
  }

  /**
   * The items in [start, end) in key order, or in the opposite order if `reverse`. To be read within one turn of the
   * event loop: what is committed then is one consistent state.
   */
  *range(start: StateKey, end: StateKey, reverse: boolean): Generator<[StateKey, ItemJson], void> {
    const stored = this.#store.range(start, end, reverse);
    try {
      let next = stored.next();
      let key = this.#overlay.firstKey(start, end, reverse);
      while (key !== undefined || !next.done) {
        if (key === undefined || (!next.done && isBefore(next.value[0], key, reverse))) {
          yield next.value as [StateKey, ItemJson];
          next = stored.next();
        } else {
          const item = this.#overlay.get(key)?.item;
          if (!next.done && next.value[0] === key) next = stored.next();
          if (item !== undefined) yield [key, item];
          key = reverse
            ? this.#overlay.firstKey(start, key, true)
            : this.#overlay.firstKey(keyAfter(key), end, false);
        }
      }
    } finally {
      stored.return();
    }
  }
}

function isBefore(a: StateKey, b: StateKey, reverse: boolean): boolean {
  return reverse ? a > b : a < b;
}
