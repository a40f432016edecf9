import type { ReadableFile } from '../files.ts';
import { LogDamagedError, LogFormatError } from './errors.ts';
import {
  type BatchHeader,
  batchBytesMax,
  batchMagic,
  type Chain,
  decodeBatchHeader,
  emptyChain,
  headerBytes,
  payloadChecksum,
} from './header.ts';
import { decodeBatch, type LogEntry } from './record.ts';
import type { SegmentFile } from './segment-file.ts';

/** How much of a segment is in memory at once, a larger batch excepted. */
const windowBytes = 1024 * 1024;

export interface Batch {
  readonly header: BatchHeader;
  /** Empty for a mark. */
  readonly entries: LogEntry[];
  readonly endLsn: number;
}

/** What of a segment is read; not beyond `bytes`. */
export type SegmentBytes = Pick<SegmentFile, 'path' | 'start' | 'bytes'>;

/** Reads the batches of one segment in their order, each checked against the one before it. */
export class BatchReader {
  readonly #file: ReadableFile;
  readonly #segment: SegmentBytes;
  readonly #logId: string;
  #chain: Chain;
  #offset = headerBytes;
  #window: Buffer = Buffer.alloc(0);
  #windowOffset = 0;

  constructor(file: ReadableFile, segment: SegmentBytes, logId: string, chain: Chain = emptyChain) {
    this.#file = file;
    this.#segment = segment;
    this.#logId = logId;
    this.#chain = chain;
  }

  /** Where in the file the next batch begins, or the good batches end. */
  get offset(): number {
    return this.#offset;
  }

  get chain(): Chain {
    return this.#chain;
  }

  /**
   * Reads on from a batch within the segment. What came before that one is not known, so it is taken at its word.
   * @param offset where in the file the batch begins.
   * @returns what is wrong with its header, or undefined.
   */
  async startAt(offset: number): Promise<string | undefined> {
    const header = decodeBatchHeader(await this.#bytes(offset, headerBytes));
    if (header === undefined) return 'no valid batch header';
    const { number, previousChecksum } = header;
    this.#chain = { batchNumber: number, previousChecksum, nextSequence: 0, lastTimeMs: 0 };
    this.#offset = offset;
    return undefined;
  }

  /**
   * The next batch, or what is wrong with the bytes where it should be; then the reader stays there.
   * @throws LogDamagedError where a whole batch contradicts the one before it, LogFormatError where it is of an unknown kind.
   */
  async next(): Promise<Batch | string> {
    const start = this.#offset;
    const header = decodeBatchHeader(await this.#bytes(start, headerBytes));
    const fault = header === undefined ? 'no valid batch header' : this.#misplaced(header);
    if (header === undefined || fault !== undefined) return fault ?? '';
    const payload = await this.#bytes(start + headerBytes, header.payloadBytes);
    if (payloadChecksum(payload) !== header.payloadChecksum) return 'the checksum of the payload is wrong';
    const entries = this.#decode(header, payload);
    this.#offset = start + headerBytes + payload.length;
    this.#chain = this.#continued(header, entries);
    return { header, entries, endLsn: this.#segment.start + this.#offset };
  }

  #misplaced(header: BatchHeader): string | undefined {
    if (header.logId !== this.#logId) return 'a batch of another log';
    if (header.lsn !== this.#segment.start + this.#offset) return `a batch that belongs at ${header.lsn}`;
    if (header.number !== this.#chain.batchNumber) {
      return `batch ${header.number} where ${this.#chain.batchNumber} should follow`;
    }
    if (header.previousChecksum !== this.#chain.previousChecksum)
      return 'the batch follows another predecessor';
    const room = this.#segment.bytes - this.#offset - headerBytes;
    if (header.payloadBytes > Math.min(room, batchBytesMax))
      return 'the batch is longer than what is left of the file';
    return undefined;
  }

  #decode(header: BatchHeader, payload: Buffer): LogEntry[] {
    const where = `${this.#segment.path}: batch at offset ${this.#offset}`;
    if (header.kind === undefined)
      throw new LogFormatError(`${where} is of a kind that this program does not know`);
    try {
      return decodeBatch(payload);
    } catch (error) {
      if (error instanceof LogFormatError) throw new LogFormatError(`${where}: ${error.message}`);
      throw error;
    }
  }

  /** Sequence numbers and commit times never run backwards, over restarts too. */
  #continued(header: BatchHeader, entries: readonly LogEntry[]): Chain {
    let { nextSequence, lastTimeMs } = this.#chain;
    if (entries.length !== header.entryCount)
      this.#contradiction(header, `${entries.length} entries instead of ${header.entryCount}`);
    for (const { firstSequence, timeMs, changes } of entries) {
      if (firstSequence < nextSequence) {
        this.#contradiction(
          header,
          `sequence number ${firstSequence} where at least ${nextSequence} should follow`,
        );
      }
      if (timeMs < lastTimeMs)
        this.#contradiction(header, `commit time ${timeMs} ms follows ${lastTimeMs} ms`);
      nextSequence = firstSequence + changes.length;
      lastTimeMs = timeMs;
    }
    return { batchNumber: header.number + 1, previousChecksum: header.checksum, nextSequence, lastTimeMs };
  }

  #contradiction(header: BatchHeader, what: string): never {
    throw new LogDamagedError(this.#segment.path, header.lsn - this.#segment.start, what);
  }

  /** A part of the file, shorter at its end. Windows are never overwritten: entries keep parts of them. */
  async #bytes(offset: number, length: number): Promise<Buffer> {
    const from = offset - this.#windowOffset;
    if (from + length > this.#window.length) {
      this.#window = await this.#readWindow(offset, length);
      this.#windowOffset = offset;
      return this.#window.subarray(0, length);
    }
    return this.#window.subarray(from, from + length);
  }

  async #readWindow(offset: number, length: number): Promise<Buffer> {
    const left = Math.max(0, this.#segment.bytes - offset);
    const window = Buffer.allocUnsafeSlow(Math.min(left, Math.max(length, windowBytes)));
    return window.subarray(0, await this.#file.read(window, offset));
  }
}

/**
 * The highest LSN that was known durable by any batch that was ever written behind `from`: what valid headers there say. Stops at the
 * first that says more than `enough`.
 * @param logId undefined: any, as the segment's own header does not tell.
 */
export async function provenDurable(
  file: ReadableFile,
  segment: SegmentFile,
  from: number,
  logId: string | undefined,
  enough: number,
): Promise<number> {
  const window = Buffer.alloc(windowBytes);
  let proven = 0;
  for (let offset = from; offset < segment.bytes; offset += windowBytes - headerBytes) {
    const slice = window.subarray(0, await file.read(window, offset));
    for (let i = slice.indexOf(batchMagic); i >= 0; i = slice.indexOf(batchMagic, i + 1)) {
      const header = decodeBatchHeader(slice, i);
      if (header?.lsn !== segment.start + offset + i || header.logId !== (logId ?? header.logId)) continue;
      proven = Math.max(proven, header.durableLsn);
      if (proven > enough) return proven;
    }
  }
  return proven;
}
