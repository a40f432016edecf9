import type { Clock } from '../../protocol/clock.ts';
import type { ItemJson } from '../../protocol/reply.ts';
import type { StateKey } from './layout.ts';
import { SortedKeys } from './sorted-keys.ts';

/** A committed state of one item; without an item it is deleted. Never changed, only replaced. */
export interface OverlayEntry {
  readonly item: ItemJson | undefined;
  /** When it was committed, by the monotonic clock; absent where nobody reads what was before. */
  readonly committedMs?: number;
  /** What it has replaced in the overlay; undefined if that is in LMDB. */
  readonly previous?: OverlayEntry | undefined;
}

/** How long replaced entries are kept for readers that lag; see State. */
export interface Lag {
  readonly lagMs: number;
  readonly clock: Clock;
}

/**
 * What is committed and not yet in LMDB, ordered by key. Reads merge it over LMDB.
 *
 *     newest    entries committed since the last freeze
 *     frozen    entries that LMDB is being given, or nothing
 *
 * Freezing and releasing move a whole layer, so they cost the same however many entries there are.
 *
 * Invariants
 *  1. It holds committed entries only: what it shows, a crash cannot take back.
 *  2. For every key the first of newest, frozen and LMDB that knows it has its newest committed state.
 *  3. The frozen layer is let go of only after LMDB has committed all of it and reads see that commit.
 */
export class Overlay {
  /** Without one, an entry is forgotten when it is replaced. */
  #lag: Lag | undefined;
  #committedMs = 0;
  #newest = new Layer();
  #frozen: Layer | undefined;

  /** From now on entries are kept when they are replaced. What is here already is seen by everybody. */
  keepReplaced(lag: Lag): void {
    this.#lag = lag;
    this.beginCommit();
  }

  /** What is set until the next call is one commit to readers that lag: they see all of it, or nothing. */
  beginCommit(): void {
    if (this.#lag !== undefined) this.#committedMs = this.#lag.clock.monotonic();
  }

  /** Estimated memory of keys, items and bookkeeping. */
  get bytes(): number {
    return this.#newest.bytes + (this.#frozen?.bytes ?? 0);
  }

  get isEmpty(): boolean {
    return this.#newest.isEmpty && this.#frozen === undefined;
  }

  get(key: StateKey): OverlayEntry | undefined {
    return this.#newest.get(key) ?? this.#frozen?.get(key);
  }

  /** The state of the key at a time: undefined if the overlay has none so old, so that LMDB has it. */
  getAt(key: StateKey, ms: number): OverlayEntry | undefined {
    let entry = this.get(key);
    while (entry?.committedMs !== undefined && entry.committedMs > ms) entry = entry.previous;
    return entry;
  }

  set(key: StateKey, entry: OverlayEntry): void {
    if (this.#lag === undefined) this.#newest.set(key, entry);
    else this.#newest.set(key, { ...entry, committedMs: this.#committedMs, previous: this.get(key) });
  }

  /** Everything it holds now, in key order; it stays as it is until it is released or thawed. */
  freeze(): Iterable<[StateKey, OverlayEntry]> {
    if (this.#frozen !== undefined) throw new Error('the overlay is frozen already');
    this.#frozen = this.#newest;
    this.#newest = new Layer();
    return this.#frozen;
  }

  /** Lets go of what `freeze` gave. */
  release(): void {
    this.#frozen = undefined;
  }

  /** Takes back what `freeze` gave, but for what has been replaced since. */
  thaw(): void {
    for (const [key, entry] of this.#frozen ?? []) {
      if (this.#newest.get(key) === undefined) this.#newest.set(key, entry);
    }
    this.#frozen = undefined;
  }

  /** The first key in [start, end), or the last one if `reverse`. */
  firstKey(start: StateKey, end: StateKey, reverse: boolean): StateKey | undefined {
    const a = this.#newest.firstKey(start, end, reverse);
    const b = this.#frozen?.firstKey(start, end, reverse);
    if (a === undefined || b === undefined) return a ?? b;
    return a < b === reverse ? b : a;
  }
}

class Layer implements Iterable<[StateKey, OverlayEntry]> {
  readonly #entries = new Map<StateKey, OverlayEntry>();
  readonly #keys = new SortedKeys();
  bytes = 0;

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  get(key: StateKey): OverlayEntry | undefined {
    // A key read from LMDB has no hash code yet; to compute it costs a tenth of reading its item.
    return this.isEmpty ? undefined : this.#entries.get(key);
  }

  set(key: StateKey, entry: OverlayEntry): void {
    const previous = this.#entries.get(key);
    if (previous === undefined) this.#keys.add(key);
    else if (entry.previous !== previous) this.bytes -= entryBytes(key, previous);
    this.#entries.set(key, entry);
    this.bytes += entryBytes(key, entry);
  }

  firstKey(start: StateKey, end: StateKey, reverse: boolean): StateKey | undefined {
    const key = reverse ? this.#keys.before(end) : this.#keys.atOrAfter(start);
    return key !== undefined && key >= start && key < end ? key : undefined;
  }

  *[Symbol.iterator](): Generator<[StateKey, OverlayEntry], void> {
    for (const key of this.#keys) yield [key, this.#entries.get(key) as OverlayEntry];
  }
}

/** Map slot, key in two structures, entry and buffer objects. */
const entryOverheadBytes = 200;

export function entryBytes(key: StateKey, entry: OverlayEntry): number {
  return entryOverheadBytes + key.length + (entry.item?.json.length ?? 0);
}
