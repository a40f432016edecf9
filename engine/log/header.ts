import { crc32 } from 'node:zlib';

/**
 * The two fixed headers of the log. All numbers are little endian; those of 8 bytes are safe integers.
 *
 * A segment file begins with 64 bytes. Whatever a later version changes, magic, version and checksum stay where they
 * are, so that an older program can tell "too new" from "damaged".
 *
 *      0  8  magic `SLIPLOG\n`                  32  8  number of the first batch
 *      8  4  format version                     40  8  lowest sequence number that may follow
 *     12  4  zero                               48  8  earliest commit time that may follow
 *     16  8  log id                             56  4  checksum of the last batch header before it
 *     24  8  LSN of the file's first byte       60  4  CRC-32 of the bytes before
 *
 * A batch is 64 bytes and its payload:
 *
 *      0  4  magic                              40  4  payload length in bytes
 *      4  4  kind: 0 entries, 1 mark            44  4  CRC-32 of the payload
 *      8  8  log id                             48  4  checksum of the previous batch header (0: none)
 *     16  8  LSN of the header's first byte     52  4  entries in the payload
 *     24  8  number of the batch                56  4  zero
 *     32  8  LSN known durable on writing       60  4  CRC-32 of the bytes before
 *
 * Log id and LSN make a batch header valid in one place of one log only: neither an item that holds the bytes of
 * one nor a copied file can pass for it.
 */
export const headerBytes = 64;

export const formatVersion = 1;

/** No batch is longer, header included; a header that says so is not one. A transaction's images stay below it. */
export const batchBytesMax = 512 * 1024 * 1024;

export interface SegmentHeader {
  readonly version: number;
  readonly logId: LogId;
  readonly startLsn: number;
  readonly chain: Chain;
}

/** What the next batch has to continue. */
export interface Chain {
  readonly batchNumber: number;
  /** Of the batch before; 0 where there is none. */
  readonly previousChecksum: number;
  readonly nextSequence: number;
  readonly lastTimeMs: number;
}

export const emptyChain: Chain = { batchNumber: 1, previousChecksum: 0, nextSequence: 0, lastTimeMs: 0 };

/** 8 random bytes, as a binary string; the same in every segment of a log. */
export type LogId = string;

export type BatchKind = 'entries' | 'mark';

export interface BatchHeader {
  /** Undefined: a kind that this version does not know. */
  readonly kind: BatchKind | undefined;
  readonly logId: LogId;
  readonly lsn: number;
  readonly number: number;
  readonly durableLsn: number;
  readonly payloadBytes: number;
  readonly payloadChecksum: number;
  readonly previousChecksum: number;
  readonly entryCount: number;
  /** Of this header; the next one names it as `previousChecksum`. */
  readonly checksum: number;
}

const segmentMagic = Buffer.from('SLIPLOG\n', 'latin1');

/** Not UTF-8, and its first byte occurs in no JSON: a scan for it seldom stops in vain. */
export const batchMagic = Buffer.from([0xfa, 0x53, 0x4c, 0xf5]);

const checksumOffset = headerBytes - 4;

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  segmentMagic.copy(bytes);
  bytes.writeUInt32LE(header.version, 8);
  bytes.write(header.logId, 16, 'latin1');
  writeInteger(bytes, header.startLsn, 24);
  writeInteger(bytes, header.chain.batchNumber, 32);
  writeInteger(bytes, header.chain.nextSequence, 40);
  writeInteger(bytes, header.chain.lastTimeMs, 48);
  bytes.writeUInt32LE(header.chain.previousChecksum, 56);
  bytes.writeUInt32LE(checksumOf(bytes, 0), checksumOffset);
  return bytes;
}

/** @returns undefined where the bytes are no segment header, of whatever version. */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < headerBytes || segmentMagic.compare(bytes, 0, 8) !== 0) return undefined;
  if (bytes.readUInt32LE(checksumOffset) !== checksumOf(bytes, 0)) return undefined;
  return {
    version: bytes.readUInt32LE(8),
    logId: bytes.toString('latin1', 16, 24),
    startLsn: readInteger(bytes, 24),
    chain: {
      batchNumber: readInteger(bytes, 32),
      nextSequence: readInteger(bytes, 40),
      lastTimeMs: readInteger(bytes, 48),
      previousChecksum: bytes.readUInt32LE(56),
    },
  };
}

/**
 * Writes the header into the room at the front of `frame`, whose payload stands behind it.
 * @returns the header's checksum.
 */
export function sealBatch(
  frame: Buffer,
  header: Omit<BatchHeader, 'payloadBytes' | 'payloadChecksum' | 'checksum' | 'kind'>,
): number {
  batchMagic.copy(frame);
  frame.writeUInt32LE(header.entryCount > 0 ? 0 : 1, 4);
  frame.write(header.logId, 8, 'latin1');
  writeInteger(frame, header.lsn, 16);
  writeInteger(frame, header.number, 24);
  writeInteger(frame, header.durableLsn, 32);
  frame.writeUInt32LE(frame.length - headerBytes, 40);
  frame.writeUInt32LE(payloadChecksum(frame.subarray(headerBytes)), 44);
  frame.writeUInt32LE(header.previousChecksum, 48);
  frame.writeUInt32LE(header.entryCount, 52);
  frame.writeUInt32LE(0, 56);
  const checksum = checksumOf(frame, 0);
  frame.writeUInt32LE(checksum, checksumOffset);
  return checksum;
}

/**
 * The batch header at `offset`, if one stands there whose checksum is right.
 * The caller compares log id and LSN, and judges the kind.
 */
export function decodeBatchHeader(bytes: Buffer, offset = 0): BatchHeader | undefined {
  if (bytes.length - offset < headerBytes) return undefined;
  if (bytes.readUInt32LE(offset) !== batchMagicNumber) return undefined;
  const checksum = bytes.readUInt32LE(offset + checksumOffset);
  if (checksum !== checksumOf(bytes, offset)) return undefined;
  return {
    kind: kindOf(bytes.readUInt32LE(offset + 4), bytes.readUInt32LE(offset + 56)),
    logId: bytes.toString('latin1', offset + 8, offset + 16),
    lsn: readInteger(bytes, offset + 16),
    number: readInteger(bytes, offset + 24),
    durableLsn: readInteger(bytes, offset + 32),
    payloadBytes: bytes.readUInt32LE(offset + 40),
    payloadChecksum: bytes.readUInt32LE(offset + 44),
    previousChecksum: bytes.readUInt32LE(offset + 48),
    entryCount: bytes.readUInt32LE(offset + 52),
    checksum,
  };
}

const batchMagicNumber = batchMagic.readUInt32LE(0);

function kindOf(kind: number, reserved: number): BatchKind | undefined {
  if (reserved !== 0) return undefined;
  if (kind === 0) return 'entries';
  return kind === 1 ? 'mark' : undefined;
}

function checksumOf(bytes: Buffer, offset: number): number {
  return crc32(bytes.subarray(offset, offset + checksumOffset));
}

const twoTo32 = 0x1_0000_0000;

export function writeInteger(bytes: Buffer, value: number, offset: number): void {
  bytes.writeUInt32LE(value % twoTo32, offset);
  bytes.writeUInt32LE(Math.floor(value / twoTo32), offset + 4);
}

export function readInteger(bytes: Buffer, offset: number): number {
  return bytes.readUInt32LE(offset) + bytes.readUInt32LE(offset + 4) * twoTo32;
}

export function payloadChecksum(payload: Buffer): number {
  return crc32(payload);
}
