import type { StreamedChange } from './change.ts';

/** A stretch of the log that has changes of streams. */
export interface LogBlock {
  /** Where its first batch begins. */
  readonly lsn: number;
  /** Where its last batch ends. */
  readonly endLsn: number;
  /** Of its first change that is in a stream. */
  readonly firstSequence: number;
  /** By the numbers of streams. */
  readonly streams: ReadonlyMap<number, BlockOfStream>;
}

/** What of a stream is in a block. */
export interface BlockOfStream {
  /** One bit for each range of hashes that has a change here. */
  readonly slots: number;
  readonly lastSequence: number;
  readonly lastTimeMs: number;
}

/**
 * Tells where in the log the changes of streams are. Kept in memory, and made again on every start from what is kept of the log.
 *
 *     log     ----[block]--------[block][block]------------- end
 *                  stream 7: 0b0101, up to sequence 90
 *                  stream 9: 0b1000, up to sequence 88
 *
 * A block grows by whole batches until it is `blockBytes` long; batches without changes of streams lie between blocks or inside. So
 * a reader skips what has nothing for its shard, and reads at most one block too much. When there are `blocksMax` blocks, each two
 * become one and blocks twice as long: memory stays bounded, whatever the log grows to.
 */
export class LogIndex {
  readonly #blocksMax: number;
  #blockBytes: number;
  /** The oldest first. */
  #blocks: GrowingBlock[] = [];
  /** By the numbers of streams: the last change that was trimmed with its block. */
  readonly #trimmed = new Map<number, BlockOfStream>();

  constructor(blockBytes = blockBytesFirst, blocksMax = blocksMaxDefault) {
    this.#blockBytes = blockBytes;
    this.#blocksMax = blocksMax;
  }

  /** Where the log begins to be needed; undefined: nowhere. */
  get startLsn(): number | undefined {
    return this.#blocks[0]?.lsn;
  }

  /** @param changes of one batch, in their order. */
  add(changes: Iterable<StreamedChange>, startLsn: number, endLsn: number): void {
    let block: GrowingBlock | undefined;
    for (const { stream, slot, change } of changes) {
      block ??= this.#blockFor(startLsn, endLsn, change.sequence);
      const slots = (block.streams.get(stream.number)?.slots ?? 0) | (1 << slot);
      const { sequence: lastSequence, timeMs: lastTimeMs } = change;
      block.streams.set(stream.number, { slots, lastSequence, lastTimeMs });
    }
  }

  /** Lets go of the blocks in which everything is older. */
  trim(horizonMs: number): void {
    const kept = this.#blocks.findIndex((block) => !isOlder(block, horizonMs));
    const gone = this.#blocks.splice(0, kept < 0 ? this.#blocks.length : kept);
    for (const { streams } of gone) for (const [number, part] of streams) this.#trimmed.set(number, part);
  }

  /** The last change of a stream that was trimmed, as far as that is known. */
  lastTrimmed(stream: number): BlockOfStream | undefined {
    return this.#trimmed.get(stream);
  }

  /**
   * The blocks that may have changes of a range of hashes, in their order.
   * @param from sequence number of the first change that is wanted. @param end of the first one that is not.
   */
  blocksWith(stream: number, slot: number, from: number, end: number): LogBlock[] {
    return this.#blocks.filter(({ streams, firstSequence }) => {
      const part = streams.get(stream);
      if (part === undefined || firstSequence >= end) return false;
      return part.lastSequence >= from && (part.slots & (1 << slot)) !== 0;
    });
  }

  /** Streams that are gone take no place any more. */
  keepOnly(isKnown: (stream: number) => boolean): void {
    for (const number of this.#trimmed.keys()) if (!isKnown(number)) this.#trimmed.delete(number);
  }

  #blockFor(startLsn: number, endLsn: number, firstSequence: number): GrowingBlock {
    const last = this.#blocks.at(-1);
    if (last !== undefined && endLsn - last.lsn <= this.#blockBytes) {
      last.endLsn = endLsn;
      return last;
    }
    if (this.#blocks.length >= this.#blocksMax) this.#halve();
    const block = { lsn: startLsn, endLsn, firstSequence, streams: new Map<number, BlockOfStream>() };
    this.#blocks.push(block);
    return block;
  }

  #halve(): void {
    this.#blockBytes *= 2;
    const merged: GrowingBlock[] = [];
    this.#blocks.forEach((block, i) => {
      const before = merged.at(-1);
      if (i % 2 === 1 && before !== undefined) merge(before, block);
      else merged.push(block);
    });
    this.#blocks = merged;
  }
}

interface GrowingBlock extends LogBlock {
  endLsn: number;
  readonly streams: Map<number, BlockOfStream>;
}

const blockBytesFirst = 256 * 1024;

/** Some 300 bytes each with a few streams. */
const blocksMaxDefault = 65_536;

function isOlder({ streams }: LogBlock, horizonMs: number): boolean {
  for (const { lastTimeMs } of streams.values()) if (lastTimeMs >= horizonMs) return false;
  return true;
}

function merge(into: GrowingBlock, { endLsn, streams }: LogBlock): void {
  into.endLsn = endLsn;
  for (const [number, part] of streams) {
    const slots = part.slots | (into.streams.get(number)?.slots ?? 0);
    into.streams.set(number, { ...part, slots });
  }
}
