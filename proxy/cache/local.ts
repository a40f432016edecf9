import type { Clock } from '../../protocol/clock.ts';
import { Entries, entryBytes } from './entries.ts';
import { isBinary, nameLengthMax } from './name-hash.ts';
import { none } from './name-index.ts';
import { memoryBytesMax } from './record-memory.ts';

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

/** How values become bytes where that costs less than to keep them. */
export interface Packing<V> {
  /** @returns undefined for a value that is to be kept as it is. */
  pack(value: V): Packed | undefined;
  /** Of what `pack` gave, with a content that nobody else has. @returns a value like the one that was packed. */
  unpack(content: Buffer, ...numbers: Packed['numbers']): V;
}

export interface Packed {
  /** `packedBytesMax` at most. */
  readonly content: Buffer;
  /** Integers of 32 bits; they come back signed. */
  readonly numbers: readonly [number, number];
}

/**
 * The largest content that is packed. Node.js makes copies of this size in buffers that it has at hand; and to objects that are
 * larger, what they cost besides their bytes matters less.
 */
export const packedBytesMax = 4_000;

/**
 * Values in this process's memory, the least recently used dropped first, bounded in bytes. What is packed is made anew
 * each time it is asked for: a copy costs a fifth of a microsecond, while with objects for a million values each step of a
 * hit is a miss of the processor's cache, and each collection of garbage has to look at all of them.
 */
export class LocalTier<V extends Sized> implements Tier<V> {
  readonly #entries = new Entries();
  /** What is not packed; by the numbers in the entries. */
  readonly #kept: (V | undefined)[] = [];
  readonly #freePlaces: number[] = [];
  readonly #clock: Clock;
  readonly #packing: Packing<V> | undefined;
  #bytesMax: number;
  /** Of what is not packed, besides the entries. */
  #keptBytes = 0;
  #shrinking: NodeJS.Immediate | undefined;
  #evictions = 0;

  /** @param bytesMax at least 1; an entry that is larger alone is not kept. */
  constructor(bytesMax: number, clock: Clock, packing?: Packing<V>) {
    this.#clock = clock;
    this.#packing = packing;
    this.#bytesMax = bytesMax;
  }

  get(name: string): V | undefined {
    const entry = this.#entries.find(name);
    if (entry === none) return undefined;
    const expiresAtMs = this.#entries.expiresAtMs(entry);
    if (expiresAtMs !== Infinity && expiresAtMs <= this.#clock.monotonic()) {
      this.#remove(entry);
      return undefined;
    }
    this.#entries.touch(entry);
    const place = this.#entries.number(entry, placeNumber);
    return place === none ? this.#unpacked(entry) : this.#kept[place];
  }

  put(name: string, value: V, expiresAtMs: number): void {
    this.delete(name);
    const packed = this.#packing?.pack(value);
    const bytes =
      entryBytes(name.length, packed?.content.length ?? 0) + (packed === undefined ? keptBytes(value) : 0);
    if (bytes > this.#bytesMax || name.length > nameLengthMax || !isBinary(name)) value.dropped?.();
    else if (packed === undefined) this.#keep(name, value, expiresAtMs);
    else
      this.#entries.add(name, { expiresAtMs, content: packed.content, numbers: [none, ...packed.numbers] });
    this.#evict(this.#shrinking === undefined ? Infinity : entriesPerPutMax);
  }

  delete(name: string): void {
    const entry = this.#entries.find(name);
    if (entry !== none) this.#remove(entry);
  }

  /** A smaller bound is reached in slices, so that the event loop is not held. @param bytesMax at least 1. */
  resize(bytesMax: number): void {
    this.#bytesMax = bytesMax;
    this.#shrinking ??= setImmediate(() => this.#shrink());
  }

  usage(): TierUsage {
    return { entries: this.#entries.size, bytes: this.#bytes, evictions: this.#evictions };
  }

  get #bytes(): number {
    return this.#entries.bytes + this.#keptBytes;
  }

  get #isOver(): boolean {
    return this.#bytes > this.#bytesMax || this.#entries.bytes > memoryBytesMax;
  }

  #shrink(): void {
    this.#evict(sliceEntries);
    this.#shrinking = this.#isOver ? setImmediate(() => this.#shrink()) : undefined;
  }

  #evict(entriesMax: number): void {
    for (let i = 0; i < entriesMax && this.#isOver; i++) {
      this.#remove(this.#entries.oldest);
      this.#evictions++;
    }
  }

  #keep(name: string, value: V, expiresAtMs: number): void {
    const place = this.#freePlaces.pop() ?? this.#kept.length;
    this.#kept[place] = value;
    this.#keptBytes += keptBytes(value);
    this.#entries.add(name, { expiresAtMs, content: noContent, numbers: [place, 0, 0] });
  }

  #unpacked(entry: number): V | undefined {
    const entries = this.#entries;
    return this.#packing?.unpack(entries.content(entry), entries.number(entry, 1), entries.number(entry, 2));
  }

  /** References to other entries may be wrong afterwards. */
  #remove(entry: number): void {
    const place = this.#entries.number(entry, placeNumber);
    this.#entries.remove(entry);
    const value = place === none ? undefined : this.#kept[place];
    if (value === undefined) return;
    this.#kept[place] = undefined;
    this.#freePlaces.push(place);
    this.#keptBytes -= keptBytes(value);
    value.dropped?.();
  }
}

/** Which of an entry's numbers is the place of a value that is not packed; `none` otherwise. */
const placeNumber = 0;
const noContent = Buffer.alloc(0);

function keptBytes({ bytes }: Sized): number {
  return bytes + objectsBytes;
}

/** What the objects around a value cost that is not packed, and the allocation of its buffer: 800 to 1,100 bytes on Node 20. */
const objectsBytes = 1_000;
/** Entries that are dropped at once where the bound has become smaller: less than a millisecond's work. */
const sliceEntries = 200;
/** The same for each that is put meanwhile, so that the tier shrinks however fast it is filled. */
const entriesPerPutMax = 10;
