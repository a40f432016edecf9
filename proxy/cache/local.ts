import { LRUCache } from 'lru-cache';
import type { Clock } from '../../protocol/clock.ts';

/** What a tier can hold: it knows how many bytes it keeps alive. */
export interface Sized {
  readonly bytes: number;
  /** Called once when the tier has let go of the value, or has not taken it. */
  dropped?(): void;
}

/** A place for values by name. It may lose any of them at any time, and never brings a lost one back. */
export interface Tier<V extends Sized> {
  get(name: string): V | undefined;
  /** @param expiresAtMs by the monotonic clock; `Infinity` for a value that does not expire by time. */
  put(name: string, value: V, expiresAtMs: number): void;
  delete(name: string): void;
  usage(): TierUsage;
}

export interface TierUsage {
  readonly entries: number;
  /** Everything that the entries keep alive, the tier's own book-keeping included. */
  readonly bytes: number;
  /** Values that were dropped, ever, because the tier was full. */
  readonly evictions: number;
}

/**
 * What an entry costs besides its name and its value's bytes: its places in the cache's tables, the objects around
 * the value and the allocation of its buffer. Measured on Node 20 with 200,000 entries: 960-1,060 bytes.
 */
const entryOverheadBytes = 1_000;

interface Entry<V> {
  readonly value: V;
  readonly expiresAtMs: number;
}

/** Values in this process's memory, the least recently used dropped first, bounded in bytes. */
export class LocalTier<V extends Sized> implements Tier<V> {
  readonly #entries: LRUCache<string, Entry<V>>;
  readonly #clock: Clock;
  #bytesMax: number;
  #shrinking: NodeJS.Immediate | undefined;
  #evictions = 0;

  /** @param bytesMax at least 1; an entry that is larger alone is not kept. */
  constructor(bytesMax: number, clock: Clock) {
    this.#clock = clock;
    this.#bytesMax = bytesMax;
    this.#entries = new LRUCache({
      // The bound that holds can change, which that of the library cannot.
      maxSize: Number.MAX_SAFE_INTEGER,
      dispose: ({ value }, _name, reason) => {
        if (reason === 'evict') this.#evictions++;
        value.dropped?.();
      },
    });
  }

  get(name: string): V | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    if (entry.expiresAtMs !== Infinity && entry.expiresAtMs <= this.#clock.monotonic()) {
      this.#entries.delete(name);
      return undefined;
    }
    return entry.value;
  }

  put(name: string, value: V, expiresAtMs: number): void {
    const size = entryOverheadBytes + name.length + value.bytes;
    if (size > this.#bytesMax) {
      this.#entries.delete(name);
      value.dropped?.();
    } else {
      this.#entries.set(name, { value, expiresAtMs }, { size });
    }
    this.#evict(this.#shrinking === undefined ? Infinity : entriesPerPutMax);
  }

  delete(name: string): void {
    this.#entries.delete(name);
  }

  /** A smaller bound is reached in slices, so that the event loop is not held. @param bytesMax at least 1. */
  resize(bytesMax: number): void {
    this.#bytesMax = bytesMax;
    this.#shrinking ??= setImmediate(() => this.#shrink());
  }

  usage(): TierUsage {
    return { entries: this.#entries.size, bytes: this.#entries.calculatedSize, evictions: this.#evictions };
  }

  #shrink(): void {
    this.#evict(sliceEntries);
    const isOver = this.#entries.calculatedSize > this.#bytesMax;
    this.#shrinking = isOver ? setImmediate(() => this.#shrink()) : undefined;
  }

  #evict(entriesMax: number): void {
    for (let i = 0; i < entriesMax && this.#entries.calculatedSize > this.#bytesMax; i++) this.#entries.pop();
  }
}

/** Entries that are dropped at once where the bound has become smaller: less than a millisecond's work. */
const sliceEntries = 1_000;
/** The same for each that is put meanwhile, so that the tier shrinks however fast it is filled. */
const entriesPerPutMax = 10;
