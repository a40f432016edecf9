import { FoundItem } from './found-item.ts';
import { digestBytes } from './index-layout.ts';
import { checksumOf, type StateKey } from './layout.ts';

/**
 * Items out of LMDB that entries of global indexes lead to again and again. They lie all over their table: to look one up
 * there takes longer than all else that a page does for it.
 *
 *     chunks   [ tie item tie item tie item ] [ tie item tie item ] [ tie item ...
 *              the oldest first
 *
 * Invariants
 *  1. It has nothing that LMDB does not have: a key is forgotten before LMDB is given something else for it. Until reads
 *     see that, the overlay has the key, and nobody asks here. What threads load are tables that nobody reads yet.
 *  2. An item, and the entry that has led to it, were checked before it came in. With it stands the tie in which the keys
 *     of all entries end that lead to it, and of no others. So an entry that ends in it and has the item's size, which is
 *     all that is used of it, needs no other check.
 *  3. Bytes of a chunk are never written over, so that what a reader has found stays as it is. A chunk leaves as a whole.
 *  4. Chunks, and what items cost besides, come to `itemMemoryBytesMax` at most, and to a chunk more while an item comes in.
 *
 * An item comes in when it is read for the second time within a while: to keep what is read once would cost more than
 * looking it up. That the oldest items leave, not the least used, saves readers all bookkeeping.
 */
export class ItemMemory {
  readonly #items = new Map<StateKey, FoundItem>();
  readonly #chunks: Chunk[] = [];
  /** Where the last bits of its checksum say, 1 for each value that was read lately. */
  readonly #seen = new Uint8Array(seenPlaces);
  #seenCount = 0;
  #bytes = 0;

  /** Estimated memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * @param entry that leads to it, unchecked.
   * @returns undefined also if the entry has to be checked.
   */
  get(key: StateKey, entry: FoundItem): FoundItem | undefined {
    const kept = this.#items.get(key);
    return kept !== undefined && kept.size === entry.size && isTied(entry.key, kept) ? kept : undefined;
  }

  /**
   * To be told of every item that is not found here.
   * @param entry key of the one that has led to it, checked.
   * @returns the same item, perhaps where it stays.
   * @throws StateDamagedError
   */
  offer(found: FoundItem, entry: StateKey): FoundItem {
    if (found.end - found.start > itemBytesMax || !this.#isSeenAgain(found)) return found;
    if (this.#items.has(found.key)) return found;
    found.check();
    return this.#keep(found, entry.slice(-digestBytes));
  }

  forget(key: StateKey): void {
    this.#items.delete(key);
  }

  #isSeenAgain({ bytes }: FoundItem): boolean {
    const place = checksumOf(bytes) % seenPlaces;
    if (this.#seen[place] === 1) return true;
    if (this.#seenCount === seenMax) this.#seen.fill(0);
    this.#seenCount = (this.#seenCount % seenMax) + 1;
    this.#seen[place] = 1;
    return false;
  }

  #keep({ key, size, bytes, start, end }: FoundItem, tie: string): FoundItem {
    const chunk = this.#chunkFor(digestBytes + end - start);
    chunk.length += chunk.bytes.write(tie, chunk.length, 'latin1');
    const at = chunk.length;
    chunk.length += bytes.copy(chunk.bytes, at, start, end);
    chunk.keys.push(key);
    this.#bytes += overheadBytes(key);
    const kept = FoundItem.inChunk(key, size, chunk.bytes, at, chunk.length);
    this.#items.set(key, kept);
    if (this.#bytes > itemMemoryBytesMax) this.#dropOldest();
    return kept;
  }

  #chunkFor(bytes: number): Chunk {
    const last = this.#chunks.at(-1);
    if (last !== undefined && last.length + bytes <= chunkBytes) return last;
    const chunk = { bytes: Buffer.allocUnsafeSlow(chunkBytes), length: 0, keys: [] };
    this.#chunks.push(chunk);
    this.#bytes += chunkBytes;
    return chunk;
  }

  #dropOldest(): void {
    const { bytes, keys } = this.#chunks.shift() as Chunk;
    this.#bytes -= chunkBytes;
    for (const key of keys) {
      this.#bytes -= overheadBytes(key);
      if (this.#items.get(key)?.bytes === bytes) this.#items.delete(key);
    }
  }
}

/** The end of the entry's key, compared with what stands before the item. */
function isTied(entry: StateKey, { bytes, start }: FoundItem): boolean {
  const end = entry.length;
  for (let i = 1; i <= digestBytes; i++) {
    if (bytes[start - i] !== entry.charCodeAt(end - i)) return false;
  }
  return true;
}

interface Chunk {
  readonly bytes: Buffer;
  length: number;
  /** Of its items, also of those that are forgotten. */
  readonly keys: StateKey[];
}

/** Some 80,000 items of 600 bytes. */
export const itemMemoryBytesMax = 64 * 1024 * 1024;

const chunkBytes = 256 * 1024;

/** Of larger items the bytes are what costs, and they are copied from here as from there. */
const itemBytesMax = 4096;

/** Key, object, and a place in the map and in the list of its chunk. */
function overheadBytes(key: StateKey): number {
  return 256 + key.length;
}

/** Of so many values the second reading is noticed. Few enough have their places that hardly one is taken for another. */
const seenMax = 128 * 1024;
const seenPlaces = 8 * seenMax;
