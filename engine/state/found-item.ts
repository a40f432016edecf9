import { crc32 } from 'node:zlib';
import { ItemJson } from '../../protocol/reply.ts';
import { crcStepOfBytes } from './checksum.ts';
import {
  checkForm,
  checksumOf,
  crcOfBeginning,
  decodeValue,
  headerBytes,
  type StateKey,
  sizeOf,
  wrongChecksum,
} from './layout.ts';

/**
 * What a read has found, where it lies: in the overlay, in an ItemMemory, or in LMDB's buffer, where it lasts until the next
 * read. What is in LMDB's is to be relied on only when its checksum has been seen to: by `take`, `check` or the `finish` of
 * a PageBody.
 */
export class FoundItem {
  readonly key: StateKey;
  /** In bytes as DynamoDB counts. */
  readonly size: number;
  /** LMDB's buffer, which begins with the value and goes on behind it, or else memory of our own. */
  readonly bytes: Buffer;
  /** Where in the bytes the item's JSON begins, or the content of an index entry. */
  readonly start: number;
  readonly end: number;
  /** Whether the bytes are LMDB's buffer. */
  readonly isStored: boolean;

  private constructor(
    key: StateKey,
    size: number,
    bytes: Buffer,
    start: number,
    end: number,
    isStored: boolean,
  ) {
    this.key = key;
    this.size = size;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.isStored = isStored;
  }

  static inMemory(key: StateKey, { json, size }: ItemJson): FoundItem {
    return new FoundItem(key, size, json, 0, json.length, false);
  }

  /** Between others that stay where they are as long as somebody has it. */
  static inChunk(key: StateKey, size: number, chunk: Buffer, start: number, end: number): FoundItem {
    return new FoundItem(key, size, chunk, start, end, false);
  }

  /** @throws StateDamagedError if it has not even the form of a value. */
  static stored(key: StateKey, bytes: Buffer, valueBytes: number): FoundItem {
    checkForm(key, bytes, valueBytes);
    return new FoundItem(key, sizeOf(bytes), bytes, headerBytes, valueBytes, true);
  }

  /** The same without the first `bytes` of its content. */
  behind(bytes: number): FoundItem {
    return new FoundItem(this.key, this.size, this.bytes, this.start + bytes, this.end, this.isStored);
  }

  /** For good. @throws StateDamagedError */
  take(): ItemJson {
    const { key, size, bytes, start, end, isStored } = this;
    if (!isStored) return new ItemJson(bytes.subarray(start, end), size);
    const { json } = decodeValue(key, bytes, end);
    return new ItemJson(json.subarray(start - headerBytes), size);
  }

  /** The same, to outlast the next read. @throws StateDamagedError */
  kept(): FoundItem {
    return this.isStored ? FoundItem.inMemory(this.key, this.take()) : this;
  }

  /** @throws StateDamagedError */
  check(): void {
    if (!this.isStored) return;
    const { key, size, bytes, end } = this;
    const begun = crcOfBeginning(key, size);
    const crc =
      end <= steppedBytesMax
        ? ~crcStepOfBytes(begun, bytes, headerBytes, end) >>> 0
        : crc32(bytes.subarray(headerBytes, end), ~begun >>> 0);
    if (crc !== checksumOf(bytes)) throw wrongChecksum(key);
  }
}

/** To call into zlib costs as much as so many bytes in JavaScript. */
const steppedBytesMax = 128;
