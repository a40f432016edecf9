import type { ItemJson } from '../../protocol/reply.ts';
import { keyAfter, type StateKey } from './layout.ts';
import type { Lag, Overlay, OverlayEntry } from './overlay.ts';
import type { Store } from './store.ts';

/** One consistent state of all items and index entries. To be read within one turn of the event loop. */
export interface StateView {
  /** @throws StateDamagedError */
  get(key: StateKey): ItemJson | undefined;
  /**
   * The items in [start, end) in key order, or in the opposite order if `reverse`.
   * @throws StateDamagedError while iterating
   */
  range(start: StateKey, end: StateKey, reverse: boolean): Iterable<[StateKey, ItemJson]>;
}

/**
 * What reads see: the overlay over LMDB, committed writes only. With a simulated lag, eventually consistent reads and
 * global indexes see what was committed that long ago: the overlay keeps what it replaces, and the applier gives LMDB
 * nothing that is younger.
 */
export class State implements StateView {
  readonly #overlay: Overlay;
  readonly #store: Store;
  readonly #lag: Lag | undefined;

  constructor(overlay: Overlay, store: Store, lag?: Lag) {
    this.#overlay = overlay;
    this.#store = store;
    this.#lag = lag;
  }

  /** What eventually consistent reads see now. */
  lagging(): StateView {
    if (this.#lag === undefined) return this;
    const ms = this.#lag.clock.monotonic() - this.#lag.lagMs;
    const at = (key: StateKey) => this.#overlay.getAt(key, ms);
    return {
      get: (key) => this.#get(key, at),
      range: (start, end, reverse) => this.#range(start, end, reverse, at),
    };
  }

  get(key: StateKey): ItemJson | undefined {
    return this.#get(key, this.#newest);
  }

  range(start: StateKey, end: StateKey, reverse: boolean): Iterable<[StateKey, ItemJson]> {
    return this.#range(start, end, reverse, this.#newest);
  }

  readonly #newest = (key: StateKey) => this.#overlay.get(key);

  #get(key: StateKey, inOverlay: InOverlay): ItemJson | undefined {
    const entry = inOverlay(key);
    return entry === undefined ? this.#store.get(key) : entry.item;
  }

  *#range(
    start: StateKey,
    end: StateKey,
    reverse: boolean,
    inOverlay: InOverlay,
  ): Generator<[StateKey, ItemJson], void> {
    const stored = this.#store.range(start, end, reverse);
    try {
      let next = stored.next();
      let key = this.#overlay.firstKey(start, end, reverse);
      while (key !== undefined || !next.done) {
        if (key === undefined || (!next.done && isBefore(next.value[0], key, reverse))) {
          yield next.value as [StateKey, ItemJson];
          next = stored.next();
          continue;
        }
        const entry = inOverlay(key);
        const isStored = !next.done && next.value[0] === key;
        if (entry?.item !== undefined) yield [key, entry.item];
        else if (entry === undefined && isStored) yield next.value as [StateKey, ItemJson];
        if (isStored) next = stored.next();
        key = reverse
          ? this.#overlay.firstKey(start, key, true)
          : this.#overlay.firstKey(keyAfter(key), end, false);
      }
    } finally {
      stored.return();
    }
  }
}

type InOverlay = (key: StateKey) => OverlayEntry | undefined;

function isBefore(a: StateKey, b: StateKey, reverse: boolean): boolean {
  return reverse ? a > b : a < b;
}
