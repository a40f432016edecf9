import { crc32 } from 'node:zlib';
import { readInteger, writeInteger } from '../log/header.ts';
import type { LogMoment } from '../stream/definition.ts';
import type { TableDefinition } from '../table-definition.ts';

/**
 * The file format of backups and of history. All numbers are little endian; those of 8 bytes are safe integers.
 *
 *     header | block, block, ... | summary (JSON) | index: an entry for each block | trailer
 *
 * Header, block headers, blocks, summary with index, and trailer have a CRC-32 each, and all lengths add up to that of the file: so
 * there is no byte that could change, vanish or appear without being noticed. Blocks of items come before blocks of changes.
 *
 * Header: 16 bytes             Header of a block: 32 bytes         Entry of the index: 64 bytes
 *      0  8  magic `SLIPARC\n`      0  4  magic `SBLK`                  0  8  offset of the block's header
 *      8  4  format version         4  4  number of the block           8  4  kind
 *     12  4  CRC-32                 8  4  kind: 1 items, 2 changes     12  4  rows
 *                                  12  4  rows                        16  4  bytes, raw
 * Trailer: 40 bytes                16  4  bytes, raw                  20  4  bytes, compressed
 *      0  8  magic `SLIPEND\n`     20  4  bytes, compressed           24  4  CRC-32 of the compressed bytes
 *      8  8  offset of summary     24  4  CRC-32 of them              28  4  rows that are changes of the catalog
 *     16  8  bytes of summary      28  4  CRC-32 of this header       32  8  sequence of the first change
 *     24  4  blocks                                                   40  8  its time
 *     28  4  CRC-32 of summary and index                              48  8  sequence of the last change
 *     32  4  zero                                                     56  8  its time; 0 all four for items
 *     36  4  CRC-32 of this trailer
 */
export const archiveVersion = 1;

export const archiveHeaderBytes = 16;
export const blockHeaderBytes = 32;
export const indexEntryBytes = 64;
export const trailerBytes = 40;

/**
 * No block is longer, raw: one with a single change of two images of 400 kB, which JSON can make six times as long, is far below. A
 * header that says more is not believed.
 */
export const blockBytesMax = 64 * 1024 * 1024;

export type ArchiveContents = SnapshotContents | ChangesContents;

/** The items of a table and the changes that make them consistent. */
export interface SnapshotContents {
  readonly kind: 'snapshot';
  /** The items are known as they were at every moment from this one to `through`. */
  readonly from: LogMoment;
  readonly through: LogMoment;
  /** Of the items at `through`, as DynamoDB counts them. */
  readonly itemCount: number;
  readonly sizeBytes: number;
  /** As it was at `from`, or before the first of its changes that are here. */
  readonly table: TableDefinition;
}

/** All changes of a table, its definition's too, from a part of the log. */
export interface ChangesContents {
  readonly kind: 'changes';
  readonly table: number;
  readonly fromLsn: number;
  readonly toLsn: number;
}

export type BlockKind = 'items' | 'changes';

export interface BlockEntry {
  readonly offset: number;
  readonly kind: BlockKind;
  readonly rows: number;
  /** Those that are changes of the catalog. */
  readonly catalogRows: number;
  readonly rawBytes: number;
  readonly storedBytes: number;
  readonly checksum: number;
  /** Of the changes in it; undefined for items. */
  readonly first: LogMoment | undefined;
  readonly last: LogMoment | undefined;
}

export interface Trailer {
  readonly summaryOffset: number;
  readonly summaryBytes: number;
  readonly blockCount: number;
  readonly checksum: number;
}

/** Bytes of an archive are not what was written. Nothing of it may be restored. */
export class ArchiveDamagedError extends Error {
  override readonly name = 'ArchiveDamagedError';
  readonly file: string;
  /** Where in the file, in bytes. */
  readonly offset: number;

  constructor(file: string, offset: number, what: string) {
    super(`${file}: damaged at offset ${offset}: ${what}`);
    this.file = file;
    this.offset = offset;
  }
}

/** Written by a version of this program that knows more than this one; not damage. */
export class ArchiveFormatError extends Error {
  override readonly name = 'ArchiveFormatError';
}

export function encodeArchiveHeader(): Buffer {
  const bytes = Buffer.alloc(archiveHeaderBytes);
  bytes.write(archiveMagic, 0, 'latin1');
  bytes.writeUInt32LE(archiveVersion, 8);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 12)), 12);
  return bytes;
}

/** @returns its version, or undefined where the bytes are no header. */
export function decodeArchiveHeader(bytes: Buffer): number | undefined {
  const isHeader =
    bytes.length === archiveHeaderBytes &&
    bytes.toString('latin1', 0, 8) === archiveMagic &&
    bytes.readUInt32LE(12) === crc32(bytes.subarray(0, 12));
  return isHeader ? bytes.readUInt32LE(8) : undefined;
}

/** Writes the header of block `number` to the front of `frame`. */
export function writeBlockHeader(frame: Buffer, number: number, block: BlockEntry): void {
  frame.writeUInt32LE(blockMagic, 0);
  frame.writeUInt32LE(number, 4);
  frame.writeUInt32LE(kindNumber(block.kind), 8);
  frame.writeUInt32LE(block.rows, 12);
  frame.writeUInt32LE(block.rawBytes, 16);
  frame.writeUInt32LE(block.storedBytes, 20);
  frame.writeUInt32LE(block.checksum, 24);
  frame.writeUInt32LE(crc32(frame.subarray(0, 28)), 28);
}

/** Whether `frame` begins with the header that block `number` has to have. */
export function hasBlockHeader(frame: Buffer, number: number, block: BlockEntry): boolean {
  const expected = Buffer.alloc(blockHeaderBytes);
  writeBlockHeader(expected, number, block);
  return frame.length >= blockHeaderBytes && expected.equals(frame.subarray(0, blockHeaderBytes));
}

export function encodeIndex(blocks: readonly BlockEntry[]): Buffer {
  const bytes = Buffer.alloc(blocks.length * indexEntryBytes);
  blocks.forEach((block, i) => {
    writeIndexEntry(bytes.subarray(i * indexEntryBytes), block);
  });
  return bytes;
}

/** @returns undefined for a kind of block that this version does not know. */
export function decodeIndexEntry(bytes: Buffer): BlockEntry | undefined {
  const kind = kindOf(bytes.readUInt32LE(8));
  if (kind === undefined) return undefined;
  const isChanges = kind === 'changes';
  return {
    offset: readInteger(bytes, 0),
    kind,
    rows: bytes.readUInt32LE(12),
    rawBytes: bytes.readUInt32LE(16),
    storedBytes: bytes.readUInt32LE(20),
    checksum: bytes.readUInt32LE(24),
    catalogRows: bytes.readUInt32LE(28),
    first: isChanges ? readMoment(bytes, 32) : undefined,
    last: isChanges ? readMoment(bytes, 48) : undefined,
  };
}

export function encodeTrailer({ summaryOffset, summaryBytes, blockCount, checksum }: Trailer): Buffer {
  const bytes = Buffer.alloc(trailerBytes);
  bytes.write(trailerMagic, 0, 'latin1');
  writeInteger(bytes, summaryOffset, 8);
  writeInteger(bytes, summaryBytes, 16);
  bytes.writeUInt32LE(blockCount, 24);
  bytes.writeUInt32LE(checksum, 28);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 36)), 36);
  return bytes;
}

/** @returns undefined where the bytes are no trailer. */
export function decodeTrailer(bytes: Buffer): Trailer | undefined {
  if (bytes.length !== trailerBytes || bytes.toString('latin1', 0, 8) !== trailerMagic) return undefined;
  if (bytes.readUInt32LE(36) !== crc32(bytes.subarray(0, 36))) return undefined;
  return {
    summaryOffset: readInteger(bytes, 8),
    summaryBytes: readInteger(bytes, 16),
    blockCount: bytes.readUInt32LE(24),
    checksum: bytes.readUInt32LE(28),
  };
}

const archiveMagic = 'SLIPARC\n';
const trailerMagic = 'SLIPEND\n';
const blockMagic = 0x4b4c4253;

function kindNumber(kind: BlockKind): number {
  return kind === 'items' ? 1 : 2;
}

function kindOf(number: number): BlockKind | undefined {
  if (number === 1) return 'items';
  return number === 2 ? 'changes' : undefined;
}

function writeIndexEntry(bytes: Buffer, block: BlockEntry): void {
  writeInteger(bytes, block.offset, 0);
  bytes.writeUInt32LE(kindNumber(block.kind), 8);
  bytes.writeUInt32LE(block.rows, 12);
  bytes.writeUInt32LE(block.rawBytes, 16);
  bytes.writeUInt32LE(block.storedBytes, 20);
  bytes.writeUInt32LE(block.checksum, 24);
  bytes.writeUInt32LE(block.catalogRows, 28);
  writeMoment(bytes, 32, block.first);
  writeMoment(bytes, 48, block.last);
}

function writeMoment(bytes: Buffer, offset: number, moment: LogMoment | undefined): void {
  writeInteger(bytes, moment?.sequence ?? 0, offset);
  writeInteger(bytes, moment?.timeMs ?? 0, offset + 8);
}

function readMoment(bytes: Buffer, offset: number): LogMoment {
  return { sequence: readInteger(bytes, offset), timeMs: readInteger(bytes, offset + 8) };
}
