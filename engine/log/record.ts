import { LogFormatError } from './errors.ts';
import { batchBytesMax, headerBytes, readInteger, writeInteger } from './header.ts';

/** An item before or after a change. */
export interface Image {
  /** Its DynamoDB JSON. */
  readonly json: Buffer;
  /** Its size in bytes as DynamoDB counts it. */
  readonly size: number;
}

export interface ItemChange {
  readonly kind: 'item';
  /** The table's number: an unsigned integer of 32 bits. */
  readonly table: number;
  /** The primary key as `canonicalKey` of protocol/key.ts gives it: one character per byte. */
  readonly key: string;
  readonly oldImage?: Image;
  readonly newImage?: Image;
  /** Who made the change, where it was not a caller of the API. */
  readonly principal?: 'ttl';
  /** The region that a replicated change comes from. */
  readonly replicatedFrom?: string;
  /** The size in bytes that the change leaves its item collection with; absent where that has no size, or the same. */
  readonly collectionBytes?: number;
}

/** A change of the catalog: tables, indexes, settings. Opaque here. */
export interface CatalogChange {
  readonly kind: 'catalog';
  readonly json: string;
}

export type Change = ItemChange | CatalogChange;

/** What one call committed, all or nothing. */
export interface LogEntry {
  /** Change `i` has the sequence number `firstSequence + i`. */
  readonly firstSequence: number;
  /** Commit time, milliseconds since 1970. */
  readonly timeMs: number;
  /** A transaction's ClientRequestToken, with what tells whether a request that repeats it is the same. */
  readonly token?: string;
  readonly changes: readonly Change[];
}

/*
 * An entry: flags u8, first sequence u64, time u64, number of changes u32, [token], changes. A change: kind u8, flags u8, then
 * for an item: table u32, key length u16, key, [old image], [new image], [replicatedFrom], [collection bytes u64]; for the catalog: text.
 * An image: size u32, length u32, JSON. A text: length u32, UTF-8. What is in brackets is there if its flag is set.
 */
const hasToken = 1;
const itemKind = 1;
const catalogKind = 2;
const hasOldImage = 1;
const hasNewImage = 2;
const byTtl = 4;
const isReplicated = 8;
const hasCollectionBytes = 16;
const itemFlags = hasOldImage | hasNewImage | byTtl | isReplicated | hasCollectionBytes;

const entryHeaderBytes = 21;
const itemHeaderBytes = 8;
const keyBytesMax = 0xffff;

/** Room that an encoder begins with and goes back to: a larger batch must not hold its memory for ever. */
const encoderBytesKept = 4 * 1024 * 1024;
const encoderBytesFirst = 64 * 1024;

/**
 * Gathers entries into the payload of one batch. It has two buffers: the frame that `take` hands out stays as it is until the next
 * `take`, so the next batch can be gathered while this one is being written.
 */
export class BatchEncoder {
  #buffer = Buffer.allocUnsafeSlow(encoderBytesFirst);
  #taken = Buffer.allocUnsafeSlow(encoderBytesFirst);
  #length = headerBytes;
  #entryCount = 0;
  #firstSequence = 0;
  #firstTimeMs = 0;
  #nextSequence = 0;
  #lastTimeMs = 0;

  /** Bytes of the entries so far, as they will stand in the log. */
  get byteLength(): number {
    return this.#length - headerBytes;
  }

  get entryCount(): number {
    return this.#entryCount;
  }

  /** Where the batch begins and ends; without meaning while there is no entry. */
  get range(): BatchRange {
    return {
      firstSequence: this.#firstSequence,
      firstTimeMs: this.#firstTimeMs,
      nextSequence: this.#nextSequence,
      lastTimeMs: this.#lastTimeMs,
    };
  }

  /**
   * @throws RangeError, with the batch unchanged, where an entry's sequence number or time lies before the previous one's, a
   * value has no place in the format, or the batch would outgrow `batchBytesMax`.
   */
  add(entry: LogEntry): void {
    this.#checkOrder(entry);
    const end = this.#length + entryBytes(entry);
    if (end > batchBytesMax)
      throw new RangeError(`a batch of ${end} bytes; at most ${batchBytesMax} are allowed`);
    if (end > this.#buffer.length) this.#grow(end);
    writeEntry(this.#buffer, this.#length, entry);
    this.#length = end;
    this.#count(entry);
  }

  /** The batch with room for its header in front. The encoder is empty afterwards. */
  take(): Buffer {
    const full = this.#buffer;
    const frame = full.subarray(0, this.#length);
    this.#buffer =
      this.#taken.length > encoderBytesKept ? Buffer.allocUnsafeSlow(encoderBytesFirst) : this.#taken;
    this.#taken = full;
    this.#length = headerBytes;
    this.#entryCount = 0;
    return frame;
  }

  #checkOrder(entry: LogEntry): void {
    const { firstSequence, timeMs, changes } = entry;
    if (!Number.isSafeInteger(firstSequence + changes.length) || firstSequence < 0) {
      throw new RangeError(`sequence number ${firstSequence} is not a safe integer`);
    }
    if (!Number.isSafeInteger(timeMs) || timeMs < 0)
      throw new RangeError(`time ${timeMs} is not a safe integer`);
    if (this.#entryCount === 0) return;
    if (firstSequence < this.#nextSequence || timeMs < this.#lastTimeMs) {
      throw new RangeError(
        `sequence ${firstSequence} at ${timeMs} ms follows ${this.#nextSequence - 1} at ${this.#lastTimeMs} ms`,
      );
    }
  }

  #count(entry: LogEntry): void {
    if (this.#entryCount === 0) {
      this.#firstSequence = entry.firstSequence;
      this.#firstTimeMs = entry.timeMs;
    }
    this.#entryCount++;
    this.#nextSequence = entry.firstSequence + entry.changes.length;
    this.#lastTimeMs = entry.timeMs;
  }

  #grow(bytes: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.min(batchBytesMax, Math.max(bytes, 2 * this.#buffer.length)));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

export interface BatchRange {
  readonly firstSequence: number;
  readonly firstTimeMs: number;
  /** The lowest sequence number that may follow. */
  readonly nextSequence: number;
  readonly lastTimeMs: number;
}

/**
 * The entries of a payload whose checksum is right. Images are parts of `payload`, not copies.
 * @throws LogFormatError where the payload says what this version does not know.
 */
export function decodeBatch(payload: Buffer): LogEntry[] {
  const reader = new PayloadReader(payload);
  const entries: LogEntry[] = [];
  while (!reader.atEnd) entries.push(readEntry(reader));
  return entries;
}

function entryBytes(entry: LogEntry): number {
  let bytes = entryHeaderBytes;
  if (entry.token !== undefined) bytes += textBytes(entry.token);
  for (const change of entry.changes) {
    bytes += change.kind === 'item' ? itemBytes(change) : 2 + textBytes(change.json);
  }
  return bytes;
}

function itemBytes(change: ItemChange): number {
  const { table, key, oldImage, newImage, replicatedFrom, collectionBytes } = change;
  if (key.length > keyBytesMax)
    throw new RangeError(`a key of ${key.length} bytes; at most ${keyBytesMax} are allowed`);
  if (table !== table >>> 0) throw new RangeError(`table ${table} is not an unsigned integer of 32 bits`);
  let bytes = itemHeaderBytes + key.length;
  if (oldImage !== undefined) bytes += 8 + oldImage.json.length;
  if (newImage !== undefined) bytes += 8 + newImage.json.length;
  if (replicatedFrom !== undefined) bytes += textBytes(replicatedFrom);
  if (collectionBytes !== undefined) bytes += 8;
  return bytes;
}

function textBytes(text: string): number {
  return 4 + Buffer.byteLength(text);
}

/** Writes where `entryBytes` has found room; every write function returns the offset behind what it wrote. */
function writeEntry(bytes: Buffer, start: number, entry: LogEntry): number {
  bytes[start] = entry.token === undefined ? 0 : hasToken;
  writeInteger(bytes, entry.firstSequence, start + 1);
  writeInteger(bytes, entry.timeMs, start + 9);
  bytes.writeUInt32LE(entry.changes.length, start + 17);
  let offset = start + entryHeaderBytes;
  if (entry.token !== undefined) offset = writeText(bytes, offset, entry.token);
  for (const change of entry.changes) {
    offset = change.kind === 'item' ? writeItem(bytes, offset, change) : writeCatalog(bytes, offset, change);
  }
  return offset;
}

function writeItem(bytes: Buffer, start: number, change: ItemChange): number {
  const { table, key, oldImage, newImage, principal, replicatedFrom, collectionBytes } = change;
  bytes[start] = itemKind;
  bytes[start + 1] =
    (oldImage === undefined ? 0 : hasOldImage) |
    (newImage === undefined ? 0 : hasNewImage) |
    (principal === undefined ? 0 : byTtl) |
    (replicatedFrom === undefined ? 0 : isReplicated) |
    (collectionBytes === undefined ? 0 : hasCollectionBytes);
  bytes.writeUInt32LE(table, start + 2);
  bytes.writeUInt16LE(key.length, start + 6);
  let offset = start + itemHeaderBytes;
  offset += bytes.write(key, offset, 'latin1');
  if (oldImage !== undefined) offset = writeImage(bytes, offset, oldImage);
  if (newImage !== undefined) offset = writeImage(bytes, offset, newImage);
  if (replicatedFrom !== undefined) offset = writeText(bytes, offset, replicatedFrom);
  if (collectionBytes === undefined) return offset;
  writeInteger(bytes, collectionBytes, offset);
  return offset + 8;
}

function writeCatalog(bytes: Buffer, start: number, change: CatalogChange): number {
  bytes[start] = catalogKind;
  bytes[start + 1] = 0;
  return writeText(bytes, start + 2, change.json);
}

function writeImage(bytes: Buffer, start: number, image: Image): number {
  bytes.writeUInt32LE(image.size, start);
  bytes.writeUInt32LE(image.json.length, start + 4);
  bytes.set(image.json, start + 8);
  return start + 8 + image.json.length;
}

function writeText(bytes: Buffer, start: number, text: string): number {
  const length = bytes.write(text, start + 4);
  bytes.writeUInt32LE(length, start);
  return start + 4 + length;
}

/** Reads forward and never past the end: a payload is checked before, but may have been written by another version. */
class PayloadReader {
  readonly #payload: Buffer;
  #offset = 0;

  constructor(payload: Buffer) {
    this.#payload = payload;
  }

  get atEnd(): boolean {
    return this.#offset === this.#payload.length;
  }

  byte(): number {
    return this.#payload.readUInt8(this.#advance(1));
  }

  short(): number {
    return this.#payload.readUInt16LE(this.#advance(2));
  }

  word(): number {
    return this.#payload.readUInt32LE(this.#advance(4));
  }

  integer(): number {
    return readInteger(this.#payload, this.#advance(8));
  }

  latin1(length: number): string {
    const start = this.#advance(length);
    return this.#payload.toString('latin1', start, start + length);
  }

  text(): string {
    const length = this.word();
    const start = this.#advance(length);
    return this.#payload.toString('utf8', start, start + length);
  }

  bytes(length: number): Buffer {
    const start = this.#advance(length);
    return this.#payload.subarray(start, start + length);
  }

  /** Flags of which one is unknown are refused: what they announce would be read as something else. */
  flags(known: number, of: string): number {
    const flags = this.byte();
    const unknown = flags & ~known;
    if (unknown !== 0) throw new LogFormatError(`${of} has unknown flags 0x${unknown.toString(16)}`);
    return flags;
  }

  /** @returns where the bytes begin. */
  #advance(bytes: number): number {
    const start = this.#offset;
    if (bytes > this.#payload.length - start) throw new LogFormatError(`the payload ends within an entry`);
    this.#offset = start + bytes;
    return start;
  }
}

function readEntry(reader: PayloadReader): LogEntry {
  const flags = reader.flags(hasToken, 'a log entry');
  const firstSequence = reader.integer();
  const timeMs = reader.integer();
  const changeCount = reader.word();
  const token = flags & hasToken ? { token: reader.text() } : undefined;
  const changes: Change[] = [];
  for (let i = 0; i < changeCount; i++) changes.push(readChange(reader));
  return { firstSequence, timeMs, ...token, changes };
}

function readChange(reader: PayloadReader): Change {
  const kind = reader.byte();
  if (kind === itemKind) return readItem(reader);
  if (kind !== catalogKind) throw new LogFormatError(`a change is of unknown kind ${kind}`);
  reader.flags(0, 'a change of the catalog');
  return { kind: 'catalog', json: reader.text() };
}

function readItem(reader: PayloadReader): ItemChange {
  const flags = reader.flags(itemFlags, 'a change of an item');
  const table = reader.word();
  const key = reader.latin1(reader.short());
  return {
    kind: 'item',
    table,
    key,
    ...(flags & hasOldImage ? { oldImage: readImage(reader) } : undefined),
    ...(flags & hasNewImage ? { newImage: readImage(reader) } : undefined),
    ...(flags & byTtl ? { principal: 'ttl' as const } : undefined),
    ...(flags & isReplicated ? { replicatedFrom: reader.text() } : undefined),
    ...(flags & hasCollectionBytes ? { collectionBytes: reader.integer() } : undefined),
  };
}

function readImage(reader: PayloadReader): Image {
  const size = reader.word();
  return { size, json: reader.bytes(reader.word()) };
}
