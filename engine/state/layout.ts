import { crc32 } from 'node:zlib';
import { type KeyBytes, splitKey } from '../../protocol/key.ts';
import { ItemJson } from '../../protocol/reply.ts';

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
const headerBytes = 12;

/** The longest key: 10 bytes of our own, 2,048 of partition key, 1,024 of sort key (AWS: Constraints). */
export const stateKeyBytesMax = 10 + 2048 + 1024;

/** Hashes are unsigned 32-bit integers; this is their number. */
export const hashCount = 2 ** 32;

/** @param key the item's canonical key (protocol/key.ts). */
export function stateKey(table: number, key: KeyBytes): StateKey {
  return tablePrefix(table) + bytesOfUint32(partitionHash(splitKey(key).partition)) + key;
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

export function encodeValue(key: Buffer, item: ItemJson): Buffer {
  const value = Buffer.allocUnsafe(headerBytes + item.json.length);
  value.writeUInt32BE(valueVersion << 24, 0);
  value.writeUInt32BE(item.size, 4);
  value.set(item.json, headerBytes);
  value.writeUInt32BE(checksum(key, value), 8);
  return value;
}

/**
 * @param value the bytes in LMDB's memory; the item is copied out of them.
 * @throws StateDamagedError if they are not what `encodeValue` made for this key.
 */
export function decodeValue(key: Buffer, value: Buffer): ItemJson {
  if (value.length < headerBytes) throw damagedItem(key, 'its value is cut short');
  if (value[0] !== valueVersion) throw damagedItem(key, `its value has format ${value[0]}`);
  if (value.readUInt32BE(8) !== checksum(key, value)) throw damagedItem(key, 'its checksum is wrong');
  return new ItemJson(Buffer.from(value.subarray(headerBytes)), value.readUInt32BE(4));
}

/** Something in LMDB that is not what was written; it is named and never served. */
export class StateDamagedError extends Error {
  override readonly name = 'StateDamagedError';

  constructor(what: string) {
    super(`damaged data: ${what}`);
  }
}

function damagedItem(key: Buffer, reason: string): StateDamagedError {
  return new StateDamagedError(`the item at key ${key.toString('hex')}: ${reason}`);
}

function checksum(key: Buffer, value: Buffer): number {
  return crc32(value.subarray(headerBytes), crc32(value.subarray(0, 8), crc32(key)));
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
