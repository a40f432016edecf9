import { crc32 } from 'node:zlib';
import { type KeyBytes, splitKey } from '../../protocol/key.ts';
import { ItemJson } from '../../protocol/reply.ts';
import { crcStart, crcStepOfText, crcStepOfUint32 } from './checksum.ts';

/**
 * How items lie in LMDB.
 *
 *     key    table number (4) | hash of partition key (4) | its length (2) | partition key | sort key
 *     value  version (1) | zero (3) | item size (4) | CRC-32 (4) | the item's DynamoDB JSON
 *
 * Integers are big endian. So a partition is one contiguous range in sort-key order, a Scan walks the order of the
 * hashes as DynamoDB's does, and a segment of a parallel Scan is a range of hashes. Key attributes need no escaping:
 * the sort key is last. The CRC covers the key and all of the value but itself, because LMDB has no checksums and a
 * value found under a wrong key is as bad as a broken one.
 */
export type StateKey = KeyBytes;

const valueVersion = 1;

/** Where the JSON of an item begins in its value. */
export const headerBytes = 12;

/**
 * The longest key, that of an entry in a local index: its number, a digest, a sort key of 1,024 bytes (AWS: Constraints)
 * that are all escaped, its end, and another sort key. Items have keys of 3,082 bytes at most.
 */
export const stateKeyBytesMax = 4 + 16 + 2 * 1024 + 2 + 1024;

/** Hashes are unsigned 32-bit integers; this is their number. */
export const hashCount = 2 ** 32;

/** @param key the item's canonical key (protocol/key.ts). */
export function stateKey(table: number, key: KeyBytes): StateKey {
  return tablePrefix(table) + itemKey(key);
}

/** The same without the table: its fifth byte and what follows. */
export function itemKey(key: KeyBytes): KeyBytes {
  return bytesOfUint32(partitionHash(splitKey(key).partition)) + key;
}

/** Where the items of a table begin whose hash is at least `hash`. */
export function hashStart(table: number, hash: number): StateKey {
  return hash >= hashCount ? tablePrefix(table + 1) : tablePrefix(table) + bytesOfUint32(hash);
}

export function tablePrefix(table: number): StateKey {
  return bytesOfUint32(table);
}

export function tableOfKey(key: StateKey): number {
  return uint32At(key, 0);
}

/** The canonical key inside a state key. */
export function canonicalKeyOf(key: StateKey): KeyBytes {
  return key.slice(8);
}

/** The first key that does not begin with `prefix`; undefined if there is none (all bytes are 255). */
export function prefixEnd(prefix: StateKey): StateKey | undefined {
  let end = prefix.length;
  while (end > 0 && prefix.charCodeAt(end - 1) === 0xff) end--;
  if (end === 0) return undefined;
  return prefix.slice(0, end - 1) + String.fromCharCode(prefix.charCodeAt(end - 1) + 1);
}

/** The key that comes right after `key`: nothing lies between them. */
export function keyAfter(key: StateKey): StateKey {
  return `${key}\0`;
}

export function encodeValue(key: StateKey, item: ItemJson): Buffer {
  const value = Buffer.allocUnsafe(headerBytes + item.json.length);
  writeValue(value, 0, key, item.size, item.json);
  return value;
}

/** Writes the value of an item into `target`. @param start where it begins there. @returns its length. */
export function writeValue(target: Buffer, start: number, key: StateKey, size: number, json: Buffer): number {
  target.writeUInt32BE(valueVersion << 24, start);
  target.writeUInt32BE(size, start + 4);
  target.set(json, start + headerBytes);
  target.writeUInt32BE(checksum(key, size, json), start + 8);
  return headerBytes + json.length;
}

/**
 * The item in a value, copied.
 * @param value may go on after its `length`.
 * @throws StateDamagedError if it is not what `encodeValue` made for this key.
 */
export function decodeValue(key: StateKey, value: Uint8Array, length = value.length): ItemJson {
  checkForm(key, value, length);
  const json = Buffer.allocUnsafe(length - headerBytes);
  json.set(value.subarray(headerBytes, length));
  const size = sizeOf(value);
  if (checksumOf(value) !== checksum(key, size, json)) throw wrongChecksum(key);
  return new ItemJson(json, size);
}

/** @throws StateDamagedError if a value cannot be one of ours, whatever its checksum. */
export function checkForm(key: StateKey, value: Uint8Array, length: number): void {
  if (length < headerBytes) throw damagedItem(key, 'its value is cut short');
  const form = uint32Of(value, 0);
  if (form !== valueVersion << 24) throw damagedItem(key, `its value has format ${form.toString(16)}`);
}

/** The size of the item, in bytes as DynamoDB counts; not checked. */
export function sizeOf(value: Uint8Array): number {
  return uint32Of(value, 4);
}

/** Over the key and all of the value but itself. */
export function checksumOf(value: Uint8Array): number {
  return uint32Of(value, 8);
}

/** The register of the checksum over a key and what comes before the content of its value. */
export function crcOfBeginning(key: StateKey, size: number): number {
  return crcStepOfUint32(crcStepOfUint32(crcStepOfText(crcStart, key), valueVersion << 24), size);
}

export function wrongChecksum(key: StateKey): StateDamagedError {
  return damagedItem(key, 'its checksum is wrong');
}

/** Something in LMDB that is not what was written; it is named and never served. */
export class StateDamagedError extends Error {
  override readonly name = 'StateDamagedError';

  constructor(what: string) {
    super(`damaged data: ${what}`);
  }
}

function damagedItem(key: StateKey, reason: string): StateDamagedError {
  return new StateDamagedError(`the item at key ${Buffer.from(key, 'latin1').toString('hex')}: ${reason}`);
}

/** Over the key, all of the header that is not the checksum, and the item. */
function checksum(key: StateKey, size: number, json: Buffer): number {
  return crc32(json, ~crcOfBeginning(key, size) >>> 0);
}

/** MurmurHash3 (x86, 32 bits, seed 0) over the bytes: well spread, and cheap without leaving JavaScript. */
export function partitionHash(bytes: KeyBytes): number {
  const blocksEnd = bytes.length & ~3;
  let hash = 0;
  for (let i = 0; i < blocksEnd; i += 4) {
    hash ^= scramble(littleEndianAt(bytes, i));
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let i = bytes.length - 1; i >= blocksEnd; i--) tail = (tail << 8) | bytes.charCodeAt(i);
  if (tail !== 0) hash ^= scramble(tail);
  return finish(hash ^ bytes.length);
}

function scramble(block: number): number {
  const mixed = Math.imul(block, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}

function finish(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function littleEndianAt(bytes: KeyBytes, i: number): number {
  return (
    bytes.charCodeAt(i) |
    (bytes.charCodeAt(i + 1) << 8) |
    (bytes.charCodeAt(i + 2) << 16) |
    (bytes.charCodeAt(i + 3) << 24)
  );
}

function bytesOfUint32(value: number): KeyBytes {
  return String.fromCharCode(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

function uint32At(bytes: KeyBytes, i: number): number {
  return (
    ((bytes.charCodeAt(i) << 24) |
      (bytes.charCodeAt(i + 1) << 16) |
      (bytes.charCodeAt(i + 2) << 8) |
      bytes.charCodeAt(i + 3)) >>>
    0
  );
}

function uint32Of(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}
