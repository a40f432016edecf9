import type { ItemJson } from '../../protocol/reply.ts';
import { FoundItem } from './found-item.ts';
import { itemKeyOf } from './index-layout.ts';
import type { StateKey } from './layout.ts';
import type { Lag, Overlay } from './overlay.ts';
import type { Store } from './store.ts';
import { type InOverlay, Walk, type WalkRange } from './walk.ts';

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
  /** The items in [start, end) in key order, or in the opposite order if `reverse`. */
  walk(start: StateKey, end: StateKey, reverse: boolean): Walk;
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
      walk: (start, end, reverse) => this.#walk({ start, end, reverse }, at),
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

  walk(start: StateKey, end: StateKey, reverse: boolean): Walk {
    return this.#walk({ start, end, reverse }, this.#newest);
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

  #walk(range: WalkRange, inOverlay: InOverlay): Walk {
    return new Walk(
      this.#overlay,
      inOverlay,
      range,
      this.#store.range(range.start, range.end, range.reverse),
    );
  }
}
