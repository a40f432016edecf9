import { headerBytes as batchHeaderBytes } from '../log/header.ts';
import { BatchEncoder, type Change, decodeBatch } from '../log/record.ts';
import type { LogMoment } from '../stream/definition.ts';
import type { ItemKey, LoadedRow } from './load-plan.ts';

/** A change of one table, and when it was committed. */
export interface ArchivedChange extends LogMoment {
  readonly change: Change;
}

/** What a block is filled up to, raw: the more, the better it compresses, and the more is in memory. */
const fullBytes = 512 * 1024;

/**
 * Gathers the rows of a block of items. A row: length of the JSON u32, size u32, length of the key u16, key, JSON. The buffer is used for
 * one block after the other.
 */
export class ItemBlock {
  #buffer = Buffer.allocUnsafeSlow(fullBytes);
  #length = 0;
  #rows = 0;

  get rows(): number {
    return this.#rows;
  }

  /** The raw bytes; they last until the block is used again. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** @returns false, and nothing is added, where the row has to begin a block. */
  add(key: ItemKey, size: number, source: Buffer, start: number, end: number): boolean {
    const offset = this.#length;
    const jsonStart = offset + rowHeaderBytes + key.length;
    const rowEnd = jsonStart + end - start;
    if (rowEnd > this.#buffer.length) {
      if (this.#rows > 0) return false;
      this.#buffer = Buffer.allocUnsafeSlow(rowEnd);
    }
    const buffer = this.#buffer;
    buffer.writeUInt32LE(end - start, offset);
    buffer.writeUInt32LE(size, offset + 4);
    buffer.writeUInt16LE(key.length, offset + 8);
    buffer.write(key, offset + rowHeaderBytes, 'latin1');
    source.copy(buffer, jsonStart, start, end);
    this.#length = rowEnd;
    this.#rows++;
    return true;
  }

  clear(): void {
    this.#length = 0;
    this.#rows = 0;
    if (this.#buffer.length > fullBytes) this.#buffer = Buffer.allocUnsafeSlow(fullBytes);
  }
}

/**
 * The rows of a block of items. Images are parts of `raw`, not copies.
 * @returns undefined where they do not fill it exactly.
 */
export function decodeItems(raw: Buffer, rows: number): LoadedRow[] | undefined {
  const decoded: LoadedRow[] = [];
  let offset = 0;
  for (let i = 0; i < rows; i++) {
    if (offset + rowHeaderBytes > raw.length) return undefined;
    const keyStart = offset + rowHeaderBytes;
    const jsonStart = keyStart + raw.readUInt16LE(offset + 8);
    const end = jsonStart + raw.readUInt32LE(offset);
    if (end > raw.length) return undefined;
    const image = { size: raw.readUInt32LE(offset + 4), json: raw.subarray(jsonStart, end) };
    decoded.push({ key: raw.toString('latin1', keyStart, jsonStart), image });
    offset = end;
  }
  return offset === raw.length ? decoded : undefined;
}

/** Gathers the rows of a block of changes: entries as in the log, of one change each. */
export class ChangeBlock {
  readonly #encoder = new BatchEncoder();
  #catalogRows = 0;
  #last: LogMoment | undefined;

  get rows(): number {
    return this.#encoder.entryCount;
  }

  /** Those that are changes of the catalog. */
  get catalogRows(): number {
    return this.#catalogRows;
  }

  get isFull(): boolean {
    return this.#encoder.byteLength >= fullBytes;
  }

  get first(): LogMoment | undefined {
    const { firstSequence, firstTimeMs } = this.#encoder.range;
    return this.rows === 0 ? undefined : { sequence: firstSequence, timeMs: firstTimeMs };
  }

  get last(): LogMoment | undefined {
    return this.#last;
  }

  /** @throws RangeError where it does not come after the one before */
  add({ sequence, timeMs }: LogMoment, change: Change): void {
    this.#encoder.add({ firstSequence: sequence, timeMs, changes: [change] });
    this.#last = { sequence, timeMs };
    if (change.kind === 'catalog') this.#catalogRows++;
  }

  /** The raw bytes; they last until the second time. The block is empty afterwards. */
  take(): Buffer {
    this.#last = undefined;
    this.#catalogRows = 0;
    return this.#encoder.take().subarray(batchHeaderBytes);
  }
}

/** @throws LogFormatError where the rows do not fill it exactly. */
export function decodeChanges(raw: Buffer): ArchivedChange[] {
  return decodeBatch(raw).flatMap(({ firstSequence, timeMs, changes }) =>
    changes.map((change, i) => ({ sequence: firstSequence + i, timeMs, change })),
  );
}

const rowHeaderBytes = 10;
