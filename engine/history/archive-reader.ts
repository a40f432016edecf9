import { crc32 } from 'node:zlib';
import { type Files, nodeFiles, type ReadableFile } from '../files.ts';
import { LogFormatError } from '../log/errors.ts';
import type { LogMoment } from '../stream/definition.ts';
import {
  type ArchiveContents,
  ArchiveDamagedError,
  ArchiveFormatError,
  archiveHeaderBytes,
  archiveVersion,
  type BlockEntry,
  type BlockKind,
  blockBytesMax,
  blockHeaderBytes,
  decodeArchiveHeader,
  decodeIndexEntry,
  decodeTrailer,
  hasBlockHeader,
  indexEntryBytes,
  type SnapshotContents,
  type Trailer,
  trailerBytes,
} from './archive-format.ts';
import { type ArchivedChange, decodeChanges, decodeItems } from './block.ts';
import { decompress } from './compression.ts';
import type { LoadedRow, LoadMoment, SnapshotSummary } from './load-plan.ts';

export interface ChangesRange {
  /** From the first change on that has at least this sequence number; everything unless said. */
  readonly fromSequence?: number;
  /** Up to the last change of a moment; everything unless said. */
  readonly through?: LoadMoment;
  /** Only what comes behind a moment. */
  readonly behind?: LoadMoment;
  /** Changes of the catalog only; blocks that have none are not read. */
  readonly catalogOnly?: boolean;
  /** The last change first. */
  readonly reverse?: boolean;
}

/**
 * Reads an archive. Header, summary and index are checked on opening, each block when it is read, and never is a row of a block
 * handed out that is not as it was written. Two blocks are in memory: the one that is used, and the next one.
 */
export class ArchiveReader {
  readonly path: string;
  readonly contents: ArchiveContents;
  readonly fileBytes: number;
  readonly #file: ReadableFile;
  readonly #blocks: readonly BlockEntry[];

  private constructor(path: string, file: ReadableFile, footer: Footer) {
    this.path = path;
    this.contents = footer.contents;
    this.fileBytes = footer.fileBytes;
    this.#file = file;
    this.#blocks = footer.blocks;
  }

  /** @throws ArchiveDamagedError, ArchiveFormatError; an error of the file system */
  static async open(path: string, files: Files = nodeFiles): Promise<ArchiveReader> {
    const file = await files.openForRead(path);
    try {
      return new ArchiveReader(path, file, await readFooter(path, file));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** @throws ArchiveFormatError where it is an archive of changes only */
  get snapshot(): SnapshotContents {
    if (this.contents.kind === 'snapshot') return this.contents;
    throw new ArchiveFormatError(`${this.path}: holds changes of a table and no items`);
  }

  get summary(): SnapshotSummary {
    const { through, itemCount, sizeBytes, table } = this.snapshot;
    return { through, itemCount, sizeBytes, table, fileBytes: this.fileBytes };
  }

  /** Rows of items; a key has one. */
  get itemRows(): number {
    return this.#rowsOf('items');
  }

  get changeRows(): number {
    return this.#rowsOf('changes');
  }

  get firstChange(): LogMoment | undefined {
    return this.#blocks.find(({ kind }) => kind === 'changes')?.first;
  }

  get lastChange(): LogMoment | undefined {
    return this.#blocks.at(-1)?.last;
  }

  /**
   * The items in the order of their keys, a block at a time. Images are parts of the block.
   * @throws ArchiveDamagedError while iterating
   */
  async *items(): AsyncGenerator<LoadedRow[], void> {
    for await (const [number, raw] of this.#read(this.#numbersOf('items'))) {
      yield this.#itemsIn(number, raw);
    }
  }

  /**
   * The changes in their order, a block at a time. Images are parts of the block.
   * @throws ArchiveDamagedError while iterating
   */
  async *changes(range: ChangesRange = {}): AsyncGenerator<ArchivedChange[], void> {
    const numbers = this.#numbersOf('changes').filter((number) => mayHave(this.#block(number), range));
    if (range.reverse === true) numbers.reverse();
    for await (const [number, raw] of this.#read(numbers)) {
      const wanted = this.#changesIn(number, raw).filter((change) => isWanted(change, range));
      if (wanted.length > 0) yield range.reverse === true ? wanted.reverse() : wanted;
    }
  }

  /** Reads every byte. @throws ArchiveDamagedError */
  async verify(): Promise<void> {
    for await (const [number, raw] of this.#read([...this.#blocks.keys()])) {
      if (this.#block(number).kind === 'items') this.#itemsIn(number, raw);
      else this.#changesIn(number, raw);
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #block(number: number): BlockEntry {
    const block = this.#blocks[number];
    if (block === undefined) throw new RangeError(`no block ${number}`);
    return block;
  }

  #rowsOf(kind: BlockKind): number {
    return this.#blocks.reduce((sum, block) => (block.kind === kind ? sum + block.rows : sum), 0);
  }

  #numbersOf(kind: BlockKind): number[] {
    return [...this.#blocks.keys()].filter((number) => this.#block(number).kind === kind);
  }

  /** Raw blocks; while one is used the next one is fetched. */
  async *#read(numbers: readonly number[]): AsyncGenerator<[number, Buffer], void> {
    let next = this.#fetch(numbers[0]);
    try {
      for (const [i, number] of numbers.entries()) {
        const stored = await next;
        next = this.#fetch(numbers[i + 1]);
        yield [number, this.#decompressed(number, stored)];
      }
    } finally {
      // The file must not be closed under it.
      await next.catch(() => {});
    }
  }

  /** A failure is met when the block is wanted. */
  #fetch(number: number | undefined): Promise<Buffer> {
    if (number === undefined) return nothing;
    const fetched = this.#stored(this.#block(number));
    fetched.catch(() => {});
    return fetched;
  }

  async #stored({ offset, storedBytes }: BlockEntry): Promise<Buffer> {
    const frame = Buffer.allocUnsafe(blockHeaderBytes + storedBytes);
    return frame.subarray(0, await this.#file.read(frame, offset));
  }

  #decompressed(number: number, frame: Buffer): Buffer {
    const block = this.#block(number);
    if (!hasBlockHeader(frame, number, block))
      throw this.#damaged(block, 'not the header of the block that should be there');
    const stored = frame.subarray(blockHeaderBytes);
    if (stored.length !== block.storedBytes || crc32(stored) !== block.checksum) {
      throw this.#damaged(block, 'the checksum of the block is wrong');
    }
    const raw = decompress(stored, block.rawBytes);
    if (raw === undefined) throw this.#damaged(block, 'the block cannot be decompressed');
    return raw;
  }

  #itemsIn(number: number, raw: Buffer): LoadedRow[] {
    const block = this.#block(number);
    const rows = decodeItems(raw, block.rows);
    if (rows === undefined) throw this.#damaged(block, 'the rows do not fill the block');
    return rows;
  }

  #changesIn(number: number, raw: Buffer): ArchivedChange[] {
    const block = this.#block(number);
    try {
      const changes = decodeChanges(raw);
      if (changes.length === block.rows) return changes;
    } catch (error) {
      if (!(error instanceof LogFormatError)) throw error;
    }
    throw this.#damaged(block, 'the rows do not fill the block');
  }

  #damaged({ offset }: BlockEntry, what: string): ArchiveDamagedError {
    return new ArchiveDamagedError(this.path, offset, what);
  }
}

const nothing = Promise.resolve(Buffer.alloc(0));

/** Whether a change belongs to what was committed by a moment; a sequence number says more than a time. */
export function isWithin({ sequence, timeMs }: LogMoment, moment: LoadMoment): boolean {
  return 'sequence' in moment ? sequence <= moment.sequence : timeMs <= moment.timeMs;
}

function isWanted(
  change: ArchivedChange,
  { fromSequence = 0, through, behind, catalogOnly }: ChangesRange,
): boolean {
  return (
    change.sequence >= fromSequence &&
    (through === undefined || isWithin(change, through)) &&
    (behind === undefined || !isWithin(change, behind)) &&
    (catalogOnly !== true || change.change.kind === 'catalog')
  );
}

/** Whether any of its changes may be wanted. */
function mayHave(
  block: BlockEntry,
  { fromSequence = 0, through, behind, catalogOnly }: ChangesRange,
): boolean {
  const { first, last, catalogRows } = block;
  if (first === undefined || last === undefined || last.sequence < fromSequence) return false;
  if (catalogOnly === true && catalogRows === 0) return false;
  if (through !== undefined && !isWithin(first, through)) return false;
  return behind === undefined || !isWithin(last, behind);
}

interface Footer {
  readonly contents: ArchiveContents;
  readonly fileBytes: number;
  readonly blocks: readonly BlockEntry[];
}

async function readFooter(path: string, file: ReadableFile): Promise<Footer> {
  const fileBytes = await file.size();
  await checkHeader(path, file);
  const trailerOffset = fileBytes - trailerBytes;
  const trailer = decodeTrailer(await readPart(file, Math.max(0, trailerOffset), trailerBytes));
  if (trailer === undefined)
    throw new ArchiveDamagedError(path, Math.max(0, trailerOffset), 'no valid trailer');
  const { summaryOffset, summaryBytes, blockCount, checksum } = trailer;
  if (summaryOffset + summaryBytes + blockCount * indexEntryBytes !== trailerOffset) {
    throw new ArchiveDamagedError(path, trailerOffset, 'the trailer belongs to a file of another length');
  }
  const footer = await readPart(file, summaryOffset, trailerOffset - summaryOffset);
  if (crc32(footer) !== checksum) {
    throw new ArchiveDamagedError(path, summaryOffset, 'the checksum of summary and index is wrong');
  }
  const contents = parsedContents(footer.toString('utf8', 0, summaryBytes));
  if (contents === undefined) throw new ArchiveDamagedError(path, summaryOffset, 'the summary is not JSON');
  return { contents, fileBytes, blocks: decodeIndex(path, footer.subarray(summaryBytes), trailer) };
}

function parsedContents(text: string): ArchiveContents | undefined {
  try {
    return JSON.parse(text) as ArchiveContents;
  } catch {
    return undefined;
  }
}

async function checkHeader(path: string, file: ReadableFile): Promise<void> {
  const version = decodeArchiveHeader(await readPart(file, 0, archiveHeaderBytes));
  if (version === undefined) throw new ArchiveDamagedError(path, 0, 'no valid header of an archive');
  if (version !== archiveVersion) {
    throw new ArchiveFormatError(
      `${path}: format version ${version} of the archive is unknown, this program reads version ${archiveVersion}`,
    );
  }
}

/** The blocks that lie, one behind the other, between header and summary. */
function decodeIndex(path: string, index: Buffer, { summaryOffset, blockCount }: Trailer): BlockEntry[] {
  const blocks: BlockEntry[] = [];
  let offset = archiveHeaderBytes;
  for (let i = 0; i < blockCount; i++) {
    const block = decodeIndexEntry(index.subarray(i * indexEntryBytes));
    if (block === undefined) throw new ArchiveFormatError(`${path}: block ${i} is of an unknown kind`);
    if (block.offset !== offset || block.rawBytes > blockBytesMax) {
      throw new ArchiveDamagedError(path, summaryOffset, `the index says what cannot be of block ${i}`);
    }
    offset += blockHeaderBytes + block.storedBytes;
    blocks.push(block);
  }
  if (offset === summaryOffset) return blocks;
  throw new ArchiveDamagedError(path, offset, 'the last block ends elsewhere than where the summary begins');
}

async function readPart(file: ReadableFile, offset: number, bytes: number): Promise<Buffer> {
  const part = Buffer.allocUnsafe(bytes);
  return part.subarray(0, await file.read(part, offset));
}
