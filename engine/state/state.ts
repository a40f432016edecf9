import type { ItemJson } from '../../protocol/reply.ts';
import { FoundItem } from './found-item.ts';
import { itemKeyOf } from './index-layout.ts';
import { keyAfter, type StateKey } from './layout.ts';
import type { Lag, Overlay, OverlayEntry } from './overlay.ts';
import type { Store } from './store.ts';

/** One consistent state of all items and index entries. To be read within one turn of the event loop. */
export interface StateView {
  /** @throws StateDamagedError */
  get(key: StateKey): ItemJson | undefined;
  /** To be taken before the next read. @throws StateDamagedError */
  find(key: StateKey): FoundItem | undefined;
  /**
   * The item that an entry of a global index leads to, under the key of either. The entry need not be checked.
   * @throws StateDamagedError
   */
  follow(entry: FoundItem): FoundItem | undefined;
  /**
   * The items in [start, end) in key order, or in the opposite order if `reverse`; each to be taken before the next read
   * of anything.
   * @throws StateDamagedError while iterating
   */
  walk(start: StateKey, end: StateKey, reverse: boolean): Iterable<FoundItem>;
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
      get: (key) => this.#find(key, at)?.take(),
      find: (key) => this.#find(key, at),
      follow: (entry) => this.#follow(entry, at),
      walk: (start, end, reverse) => this.#walk(start, end, reverse, at),
    };
  }

  get(key: StateKey): ItemJson | undefined {
    const entry = this.#overlay.get(key);
    return entry === undefined ? this.#store.find(key)?.take() : entry.item;
  }

  find(key: StateKey): FoundItem | undefined {
    return this.#find(key, this.#newest);
  }

  follow(entry: FoundItem): FoundItem | undefined {
    return this.#follow(entry, this.#newest);
  }

  walk(start: StateKey, end: StateKey, reverse: boolean): Iterable<FoundItem> {
    return this.#walk(start, end, reverse, this.#newest);
  }

  /** Like `walk`, but what it gives lasts. */
  *range(start: StateKey, end: StateKey, reverse: boolean): Generator<[StateKey, ItemJson], void> {
    for (const found of this.walk(start, end, reverse)) yield [found.key, found.take()];
  }

  readonly #newest = (key: StateKey) => this.#overlay.get(key);

  #find(key: StateKey, inOverlay: InOverlay): FoundItem | undefined {
    const entry = inOverlay(key);
    if (entry === undefined) return this.#store.find(key);
    return entry.item && FoundItem.inMemory(key, entry.item);
  }

  #follow(entry: FoundItem, inOverlay: InOverlay): FoundItem | undefined {
    const kept = this.#store.kept(entry);
    if (kept === undefined) entry.check();
    const newer = this.#overlay.isEmpty ? undefined : inOverlay(itemKeyOf(entry));
    if (newer === undefined) return kept ?? this.#store.follow(entry);
    return newer.item && FoundItem.inMemory(entry.key, newer.item);
  }

  *#walk(start: StateKey, end: StateKey, reverse: boolean, inOverlay: InOverlay): Generator<FoundItem, void> {
    const inStore = this.#store.range(start, end, reverse);
    try {
      let stored = inStore.next();
      let key = this.#overlay.firstKey(start, end, reverse);
      while (key !== undefined || stored !== undefined) {
        if (key === undefined || (stored !== undefined && isBefore(stored.key, key, reverse))) {
          yield stored as FoundItem;
          stored = inStore.next();
          continue;
        }
        const entry = inOverlay(key);
        const isStored = stored?.key === key;
        if (entry?.item !== undefined) {
          if (!isStored) stored = stored?.kept();
          yield FoundItem.inMemory(key, entry.item);
        } else if (entry === undefined && isStored) {
          yield stored as FoundItem;
        }
        if (isStored) stored = inStore.next();
        key = reverse
          ? this.#overlay.firstKey(start, key, true)
          : this.#overlay.firstKey(keyAfter(key), end, false);
      }
    } finally {
      inStore.close();
    }
  }
}

type InOverlay = (key: StateKey) => OverlayEntry | undefined;

function isBefore(a: StateKey, b: StateKey, reverse: boolean): boolean {
  return reverse ? a > b : a < b;
}
