/**
 * Records of bytes in few large blocks, outside of JavaScript's heap: a million of them are nothing to its garbage
 * collector. A record is known by a reference, a number; its first word is the memory's own, all else its owner's.
 *
 * Invariants.
 *  1. A record lies in one block, at a multiple of `unitBytes`. Its reference is the number of units before it, all blocks
 *     counted as full ones: it says where the record is, without a look into a table.
 *  2. New records go to the end of the open block. The others only lose records.
 *  3. `free` may move any other record, and tells its owner within the call. `allocate` moves none.
 *  4. After each call, what blocks hold besides records and the end of the open one is `wasteMax` of the records' bytes,
 *     and one block, at most. So no record is ever kept out of memory by others that were dropped.
 *  5. A freed byte costs the moving of about ten at most: where more than a ninth of the blocks' bytes is waste, so it is in the
 *     block that has the most of it, and that, or one like it, is what is emptied.
 *
 * Rejected: a buffer for each record, of which the objects and the allocation cost 350 bytes, and each collection a look;
 * chains of small chunks, which need no moving, but cost a hit several misses of the processor's cache; sizes in classes,
 * which keep the memory of a class that is not wanted any more.
 */
export class RecordMemory {
  readonly #owner: RecordOwner;
  /** By number; undefined for a number that can be used again. */
  readonly #blocks: (Block | undefined)[] = [];
  readonly #freeNumbers: number[] = [];
  /** Of all but the open one, by how much of them is in use. */
  readonly #levels = Array.from({ length: levels + 1 }, () => new Set<Block>());
  #open: Block | undefined;
  /** Kept for the next one that is wanted, so that blocks which come and go are nothing to the collector. */
  #spare: Buffer | undefined;
  #recordBytes = 0;
  #blockBytes = 0;

  constructor(owner: RecordOwner) {
    this.#owner = owner;
  }

  /** Of all records, rounded up to whole units. */
  get recordBytes(): number {
    return this.#recordBytes;
  }

  /** What they take from the system, but for a spare block. */
  get blockBytes(): number {
    return this.#blockBytes;
  }

  /** The block that the record is in, and where it begins, as long as nothing is freed. */
  blockOf(ref: number): Block {
    return this.#blocks[ref >>> blockUnitBits] as Block;
  }

  /**
   * @param bytes `recordBytesMax` at most.
   * @returns the reference of a record whose content is not defined.
   */
  allocate(bytes: number): number {
    const taken = roundedBytes(bytes);
    const block = this.#blockWith(taken);
    const at = block.endBytes;
    block.endBytes += taken;
    block.usedBytes += taken;
    this.#recordBytes += taken;
    block.words[at / wordBytes] = taken;
    return refOf(block, at);
  }

  /** References that its caller has at hand, but for those that it was told of, may be wrong afterwards. */
  free(ref: number): void {
    const block = this.blockOf(ref);
    const word = wordOf(ref);
    const taken = block.words[word] as number;
    block.words[word] = -taken;
    block.usedBytes -= taken;
    this.#recordBytes -= taken;
    if (block !== this.#open) this.#rank(block);
    else if (block.usedBytes === 0) block.endBytes = 0;
    while (this.#wasteBytes() > this.#recordBytes * wasteMax + blockBytesMax) this.#compact();
  }

  #wasteBytes(): number {
    const open = this.#open;
    const unusedBytes = open === undefined ? 0 : open.bytes.length - open.endBytes;
    return this.#blockBytes - unusedBytes - this.#recordBytes;
  }

  #blockWith(bytes: number): Block {
    const open = this.#open;
    if (open !== undefined && open.endBytes + bytes <= blockBytesMax) {
      if (open.endBytes + bytes > open.bytes.length) this.#grow(open);
      return open;
    }
    this.#open = this.#newBlock();
    if (open !== undefined) this.#rank(open);
    return this.#open;
  }

  /** A cache with little in it takes little: the first block begins small. */
  #newBlock(): Block {
    const isFirst = this.#blocks.length === 0;
    const bytes = this.#spare ?? Buffer.allocUnsafeSlow(isFirst ? firstBytes : blockBytesMax);
    this.#spare = undefined;
    const block = new Block(this.#freeNumbers.pop() ?? this.#blocks.length, bytes);
    this.#blocks[block.number] = block;
    this.#blockBytes += bytes.length;
    return block;
  }

  #grow(block: Block): void {
    const grown = Buffer.allocUnsafeSlow(block.bytes.length * 2);
    block.bytes.copy(grown, 0, 0, block.endBytes);
    this.#blockBytes += grown.length - block.bytes.length;
    block.setBytes(grown);
  }

  /** Puts a block that is not open where it belongs by its use; one without records is given back. */
  #rank(block: Block): void {
    const level = Math.ceil((block.usedBytes / blockBytesMax) * levels);
    if (level === block.level) return;
    this.#levels[block.level]?.delete(block);
    block.level = level;
    if (level > 0) this.#levels[level]?.add(block);
    else this.#release(block);
  }

  #release(block: Block): void {
    this.#blocks[block.number] = undefined;
    this.#freeNumbers.push(block.number);
    this.#blockBytes -= block.bytes.length;
    if (block.bytes.length === blockBytesMax) this.#spare = block.bytes;
  }

  /** Moves what is left in one of the emptiest blocks, which is given back with its last record. */
  #compact(): void {
    const emptiest = this.#emptiest();
    for (let at = 0; at < emptiest.endBytes; ) {
      const taken = emptiest.words[at / wordBytes] as number;
      if (taken > 0) this.#move(emptiest, at, taken);
      at += Math.abs(taken);
    }
    this.#rank(emptiest);
  }

  #emptiest(): Block {
    for (const level of this.#levels) for (const block of level) return block;
    throw new Error('blocks have waste, and yet there is none');
  }

  #move(block: Block, at: number, bytes: number): void {
    const to = this.allocate(bytes);
    block.bytes.copy(this.blockOf(to).bytes, offsetOf(to), at, at + bytes);
    block.usedBytes -= bytes;
    this.#recordBytes -= bytes;
    this.#owner.moved(refOf(block, at), to);
  }
}

/** Whoever has the references. */
export interface RecordOwner {
  /** The record is at `to` now, whole, and nothing is at `from` any more. */
  moved(from: number, to: number): void;
}

/** The same bytes, to be read in three ways. */
export class Block {
  readonly number: number;
  bytes: Buffer;
  words: Int32Array;
  doubles: Float64Array;
  /** Behind the last record. */
  endBytes = 0;
  usedBytes = 0;
  /** Which one of `#levels` it is in; none, while it is open. */
  level = -1;

  /** @param bytes with a memory of its own. */
  constructor(number: number, bytes: Buffer) {
    this.number = number;
    this.bytes = bytes;
    this.words = new Int32Array(bytes.buffer);
    this.doubles = new Float64Array(bytes.buffer);
  }

  setBytes(bytes: Buffer): void {
    this.bytes = bytes;
    this.words = new Int32Array(bytes.buffer);
    this.doubles = new Float64Array(bytes.buffer);
  }
}

/** What a record takes. @param bytes of what is to be in it, the memory's own word included. */
export function roundedBytes(bytes: number): number {
  return Math.ceil(bytes / unitBytes) * unitBytes;
}

function refOf({ number }: Block, at: number): number {
  return (number << blockUnitBits) | (at / unitBytes);
}

/** Where in the bytes of its block a record begins. */
export function offsetOf(ref: number): number {
  return (ref & unitMask) * unitBytes;
}

/** Where in the words of its block a record begins. */
export function wordOf(ref: number): number {
  return (ref & unitMask) * (unitBytes / wordBytes);
}

/** Where in the doubles of its block a record begins. */
export function doubleOf(ref: number): number {
  return (ref & unitMask) * (unitBytes / doubleBytes);
}

/** A record has this much at most, so that little is left at the end of a block. */
export const recordBytesMax = 16 * 1_024;
/** What all records may have together: up to there references are small integers to V8. */
export const memoryBytesMax = 28 * 2 ** 30;
/** Of the records' bytes, what their blocks may have besides them. */
export const wasteMax = 1 / 8;

const unitBytes = 16;
const wordBytes = 4;
const doubleBytes = 8;
/** To move what is in a block takes 0.2 ms, if these are items of 600 bytes. */
const blockBytesMax = 256 * 1_024;
const firstBytes = 2 * recordBytesMax;
const blockUnitBits = Math.log2(blockBytesMax / unitBytes);
const unitMask = blockBytesMax / unitBytes - 1;
/** Blocks of one level are as full as one another, but for this part of a block. */
const levels = 32;
