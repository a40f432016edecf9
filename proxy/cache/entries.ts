import { hashName } from './name-hash.ts';
import { NameIndex, none } from './name-index.ts';
import { doubleOf, offsetOf, RecordMemory, roundedBytes, wasteMax, wordOf } from './record-memory.ts';

/**
 * Entries of a cache by name and by the time of their last use, each in one record:
 *
 *     word 0     the memory's own
 *          1     hash of the name
 *          2, 3  the entries used before this one, and after it
 *          4, 5  until when it may be served, by the monotonic clock in ms
 *          6     lengths of name and content in bytes, 16 bits each
 *          7..9  three numbers of the caller's
 *     name, content
 *
 * A reference is that of the record. `remove` may give all other entries other references.
 */
export class Entries {
  readonly #memory = new RecordMemory({ moved: (from, to) => this.#moved(from, to) });
  readonly #index = new NameIndex((ref, name) => this.#isNamed(ref, name));
  #oldest = none;
  #newest = none;

  get size(): number {
    return this.#index.size;
  }

  /** What all of it takes at most. */
  get bytes(): number {
    return Math.ceil(this.#memory.recordBytes * (1 + wasteMax)) + this.size * indexBytes;
  }

  /** The entry that was not used for longest, or `none`. */
  get oldest(): number {
    return this.#oldest;
  }

  /** @returns `none` where there is no such entry. */
  find(name: string): number {
    return this.#index.find(hashName(name), name);
  }

  /** Of a name that is not there; the newest. @param content of which a copy is kept. */
  add(name: string, { expiresAtMs, content, numbers }: NewEntry): number {
    const ref = this.#memory.allocate(headBytes + name.length + content.length);
    const { bytes, words, doubles } = this.#memory.blockOf(ref);
    const word = wordOf(ref);
    const hash = hashName(name);
    words[word + hashWord] = hash;
    doubles[doubleOf(ref) + expiryDouble] = expiresAtMs;
    words[word + lengthsWord] = (name.length << lengthBits) | content.length;
    for (let i = 0; i < numbers.length; i++) words[word + numberWord + i] = numbers[i] as number;
    const at = offsetOf(ref) + headBytes;
    bytes.write(name, at, 'latin1');
    content.copy(bytes, at + name.length);
    this.#index.add(hash, ref);
    this.#append(ref);
    return ref;
  }

  remove(ref: number): void {
    this.#index.remove(this.#word(ref, hashWord), ref);
    this.#unlink(ref);
    this.#memory.free(ref);
  }

  /** It was used just now. */
  touch(ref: number): void {
    if (ref === this.#newest) return;
    this.#unlink(ref);
    this.#append(ref);
  }

  expiresAtMs(ref: number): number {
    return this.#memory.blockOf(ref).doubles[doubleOf(ref) + expiryDouble] as number;
  }

  /** One of the caller's. */
  number(ref: number, which: 0 | 1 | 2): number {
    return this.#word(ref, numberWord + which);
  }

  /** A copy. */
  content(ref: number): Buffer {
    const { bytes, words } = this.#memory.blockOf(ref);
    const lengths = words[wordOf(ref) + lengthsWord] as number;
    const length = lengths & lengthMask;
    const at = offsetOf(ref) + headBytes + (lengths >>> lengthBits);
    const content = Buffer.allocUnsafe(length);
    bytes.copy(content, 0, at, at + length);
    return content;
  }

  #isNamed(ref: number, name: string): boolean {
    const { bytes, words } = this.#memory.blockOf(ref);
    const length = (words[wordOf(ref) + lengthsWord] as number) >>> lengthBits;
    const at = offsetOf(ref) + headBytes;
    return length === name.length && bytes.toString('latin1', at, at + length) === name;
  }

  #append(ref: number): void {
    this.#setWord(ref, olderWord, this.#newest);
    this.#setWord(ref, newerWord, none);
    if (this.#newest === none) this.#oldest = ref;
    else this.#setWord(this.#newest, newerWord, ref);
    this.#newest = ref;
  }

  #unlink(ref: number): void {
    this.#join(this.#word(ref, olderWord), this.#word(ref, newerWord));
  }

  /** @param older, newer entries between which there is none now; `none` for an end. */
  #join(older: number, newer: number): void {
    if (older === none) this.#oldest = newer;
    else this.#setWord(older, newerWord, newer);
    if (newer === none) this.#newest = older;
    else this.#setWord(newer, olderWord, older);
  }

  #moved(from: number, to: number): void {
    this.#index.replace(this.#word(to, hashWord), from, to);
    this.#join(this.#word(to, olderWord), to);
    this.#join(to, this.#word(to, newerWord));
  }

  #word(ref: number, which: number): number {
    return this.#memory.blockOf(ref).words[wordOf(ref) + which] as number;
  }

  #setWord(ref: number, which: number, value: number): void {
    this.#memory.blockOf(ref).words[wordOf(ref) + which] = value;
  }
}

export interface NewEntry {
  /** `Infinity` for no end. */
  readonly expiresAtMs: number;
  readonly content: Buffer;
  /** Integers of 32 bits; they come back signed. */
  readonly numbers: readonly [number, number, number];
}

/** What an entry takes at most. */
export function entryBytes(nameLength: number, contentLength: number): number {
  return Math.ceil(roundedBytes(headBytes + nameLength + contentLength) * (1 + wasteMax)) + indexBytes;
}

const hashWord = 1;
const olderWord = 2;
const newerWord = 3;
const expiryDouble = 2;
const lengthsWord = 6;
const numberWord = 7;
const headBytes = 40;
const lengthBits = 16;
const lengthMask = 0xffff;
/** Of a place in the index, which is a third full at least while it grows. */
const indexBytes = 22;
