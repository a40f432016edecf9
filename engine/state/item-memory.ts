import { crcStart, crcStepOfBytes, crcStepOfText, overRow } from './checksum.ts';
import { FoundItem } from './found-item.ts';
import { digestBytes } from './index-layout.ts';
import { checksumOf, crcOfBeginning, type StateKey } from './layout.ts';

/**
 * Items out of LMDB that entries of global indexes lead to again and again. They lie all over their table: to look one up
 * there takes longer than all else that a page does for it.
 *
 *     slots    buckets of four: of each item the CRC-32 of its state key, and the place of its record
 *     chunks   [ record record record ] [ record record ] [ record ...        the oldest leaves when there are too many
 *     record   tie (16) | item size (4) | length of the JSON (4) | JSON
 *
 * Places count up for good, so that those of a chunk that has left are known by being too low. No item has an object of
 * its own: the garbage collector would look at a hundred thousand of them many times a second, as pages let go of much memory.
 *
 * Invariants
 *  1. It has nothing that LMDB does not have: a key is forgotten before LMDB is given something else for it. Until reads
 *     see that, the overlay has the key, and what it has counts. What threads load are tables that nobody reads yet.
 *  2. An item, and the entry that has led to it, were checked before it came in. Its tie is that in which the keys of all
 *     entries end that lead to it, and of no others. Every further entry is checked as well, whichever index it is of:
 *     where it lies decides which pages the item is in. The CRC of what it names, needed to find the item, is half of that.
 *  3. Bytes of a chunk are never written over, so what a reader has found stays as it is.
 *  4. A bucket has one item of a CRC, and others stay out. One too many in a bucket takes the slot of its oldest.
 *
 * An item comes in when it is read for the second time within a while: to keep what is read once would cost more than
 * looking it up. That the oldest items leave, not the least used, saves readers all bookkeeping.
 */
export class ItemMemory {
  /** A CRC and a place each, side by side so that a bucket is one line of the processor's cache. */
  readonly #slots = new Float64Array(2 * slotCount);
  readonly #chunks: Buffer[] = [];
  /** Lower places are of chunks that have left, or of slots that are free. */
  #begin = chunkBytes;
  /** The next record's place, and the end of its chunk. */
  #end = chunkBytes;
  #chunkEnd = chunkBytes;
  /** Where the last bits of its checksum say, 1 for each value that was read lately. */
  readonly #seen = new Uint8Array(seenPlaces);
  #seenCount = 0;

  /**
   * The item that an entry leads to.
   * @param entry with the state key of the item as its content. It need not be checked: what is found has been.
   * @returns undefined also if the entry is damaged.
   */
  get(entry: FoundItem): FoundItem | undefined {
    const { key, size, bytes, start, end } = entry;
    const hash = crcStepOfBytes(crcStart, bytes, start, end);
    const slot = this.#slotOf(hash);
    if (slot === undefined || !isAsWritten(entry, hash)) return undefined;
    const place = this.#slots[slot + 1] as number;
    const chunk = this.#chunkOf(place);
    const at = place % chunkBytes;
    if (!endsWithTie(key, chunk, at) || chunk.readUInt32BE(at + digestBytes) !== size) return undefined;
    const json = at + headBytes;
    return FoundItem.inChunk(key, size, chunk, json, json + chunk.readUInt32BE(json - 4));
  }

  /**
   * To be told of every item that is not found here.
   * @param entry key of the one that has led to it, checked.
   * @returns the same item, perhaps where it stays, under the key of either.
   * @throws StateDamagedError
   */
  offer(found: FoundItem, entry: StateKey): FoundItem {
    if (found.end - found.start > itemBytesMax || !this.#isSeenAgain(found)) return found;
    const hash = crcStepOfText(crcStart, found.key);
    if (this.#slotOf(hash) !== undefined) return found;
    found.check();
    return this.#keep(found, entry, hash);
  }

  /** And perhaps another item, as not keys are compared. */
  forget(key: StateKey): void {
    const slot = this.#slotOf(crcStepOfText(crcStart, key));
    if (slot !== undefined) this.#slots[slot + 1] = 0;
  }

  #slotOf(hash: number): number | undefined {
    const first = firstSlotOf(hash);
    for (let slot = first; slot < first + bucketLength; slot += 2) {
      if (this.#slots[slot] === hash && (this.#slots[slot + 1] as number) >= this.#begin) return slot;
    }
    return undefined;
  }

  #oldestSlot(hash: number): number {
    const first = firstSlotOf(hash);
    let oldest = first;
    for (let slot = first + 2; slot < first + bucketLength; slot += 2) {
      if ((this.#slots[slot + 1] as number) < (this.#slots[oldest + 1] as number)) oldest = slot;
    }
    return oldest;
  }

  #isSeenAgain({ bytes }: FoundItem): boolean {
    const place = checksumOf(bytes) % seenPlaces;
    if (this.#seen[place] === 1) return true;
    if (this.#seenCount === seenMax) this.#seen.fill(0);
    this.#seenCount = (this.#seenCount % seenMax) + 1;
    this.#seen[place] = 1;
    return false;
  }

  #keep({ size, bytes, start, end }: FoundItem, entry: StateKey, hash: number): FoundItem {
    const place = this.#takePlace(headBytes + end - start);
    const chunk = this.#chunkOf(place);
    const at = place % chunkBytes;
    chunk.write(entry.slice(-digestBytes), at, 'latin1');
    chunk.writeUInt32BE(size, at + digestBytes);
    chunk.writeUInt32BE(end - start, at + digestBytes + 4);
    bytes.copy(chunk, at + headBytes, start, end);
    const slot = this.#oldestSlot(hash);
    this.#slots[slot] = hash;
    this.#slots[slot + 1] = place;
    return FoundItem.inChunk(entry, size, chunk, at + headBytes, at + headBytes + end - start);
  }

  #takePlace(bytes: number): number {
    if (this.#end + bytes > this.#chunkEnd) this.#addChunk();
    this.#end += bytes;
    return this.#end - bytes;
  }

  #addChunk(): void {
    this.#end = this.#chunkEnd;
    this.#chunkEnd += chunkBytes;
    this.#begin = Math.max(this.#begin, this.#chunkEnd - itemMemoryBytesMax);
    this.#chunks[chunkNumber(this.#end)] = Buffer.allocUnsafeSlow(chunkBytes);
  }

  #chunkOf(place: number): Buffer {
    return this.#chunks[chunkNumber(place)] as Buffer;
  }
}

/** Some 100,000 items of 600 bytes. */
export const itemMemoryBytesMax = 64 * 1024 * 1024;

const chunkBytes = 256 * 1024;

function chunkNumber(place: number): number {
  return Math.floor((place % itemMemoryBytesMax) / chunkBytes);
}

const bucketSlots = 4;
const bucketLength = 2 * bucketSlots;
const slotCount = 256 * 1024;

function firstSlotOf(hash: number): number {
  return (hash * bucketLength) & (2 * slotCount - 1);
}

/** What stands before the JSON in a record. */
const headBytes = digestBytes + 8;

/**
 * Whether the entry is what was written, so far as it lies in LMDB: its checksum, over key, header and content, says
 * what the register over the content alone has to be.
 */
function isAsWritten({ key, size, bytes, start, end, isStored }: FoundItem, ofContent: number): boolean {
  return (
    !isStored || overRow(crcStart, crcOfBeginning(key, size), end - start, checksumOf(bytes)) === ofContent
  );
}

function endsWithTie(entry: StateKey, chunk: Buffer, at: number): boolean {
  const tie = entry.length - digestBytes;
  for (let i = 0; i < digestBytes; i++) {
    if (chunk[at + i] !== entry.charCodeAt(tie + i)) return false;
  }
  return true;
}

/** Of larger items the bytes are what costs, and they are copied from here as from there. */
const itemBytesMax = 4096;

/** Of so many values the second reading is noticed. Few enough have their places that hardly one is taken for another. */
const seenMax = 128 * 1024;
const seenPlaces = 8 * seenMax;
