import { hash } from 'node:crypto';
import { type KeyBytes, splitKey } from '../../protocol/key.ts';
import { ItemJson } from '../../protocol/reply.ts';
import type { FoundItem } from './found-item.ts';
import { canonicalKeyOf, type StateKey, tablePrefix } from './layout.ts';

/**
 * How the entries of secondary indexes lie in LMDB, beside the items:
 *
 *     key    index number (4) | digest of the HASH attributes (16) | RANGE attributes in order | tie
 *     tie    in a global index the digest of the item's state key (16), in a local one the table's sort key as it is
 *     value  as of an item, with the size of what the index has of the item, and as its content one of
 *              state key of the item                                         where the index has all of it
 *              8000 (hex) + length of the state key (2) | state key | JSON   of what the index has
 *
 * State keys begin with the number of a table, which is never so high. Indexes of less than all had the first kind of
 * content in data folders of format 1, and entries that have not been written since still do.
 *
 * The digest stands for HASH attributes of up to 8 kB; its first bytes are the hash that Scan and its segments walk. A
 * RANGE attribute is made self-delimiting, so that order is by the first, then the second, and a shorter value comes
 * first: a byte 0 becomes 0 255, and 0 1 ends it. All RANGE attributes together have 1,024 bytes, so that even of zeros
 * alone they fit into LMDB's 4,026, with a sort key of the table's 1,024 behind them.
 *
 * Items with equal keys come in the order of their ties. A local index has the partition of its table, where the sort key
 * names one item and no other. In data folders before format 4 they had digests, too.
 */
export interface IndexKeyParts {
  /** The encoded values of the HASH attributes, in order. */
  readonly partition: readonly KeyBytes[];
  readonly sort: readonly KeyBytes[];
}

/** @param item state key of the item that the entry stands for. */
export function globalIndexKey(index: number, parts: IndexKeyParts, item: StateKey): StateKey {
  return beforeTie(index, parts) + digest(item);
}

/** The same for a local index. */
export function localIndexKey(index: number, parts: IndexKeyParts, item: StateKey): StateKey {
  return beforeTie(index, parts) + sortKeyIn(item);
}

/**
 * Where an entry of a local index belongs that may lie where older formats had it. Its last bytes tell: that a sort key
 * ends with the digest of the very key that it is part of does not happen.
 * @param entry checked before.
 * @returns undefined if it lies there already.
 */
export function raisedLocalKey(entry: FoundItem): StateKey | undefined {
  const item = itemKeyOf(entry);
  return entry.key.endsWith(digest(item)) ? entry.key.slice(0, -digestBytes) + sortKeyIn(item) : undefined;
}

function beforeTie(index: number, { partition, sort }: IndexKeyParts): StateKey {
  return indexPartition(index, partition) + sort.map(delimited).join('');
}

function sortKeyIn(item: StateKey): KeyBytes {
  return splitKey(canonicalKeyOf(item)).sort;
}

/** Where the entries of one combination of HASH attributes lie. */
export function indexPartition(index: number, partition: readonly KeyBytes[]): StateKey {
  return tablePrefix(index) + digest(partition.map(delimited).join(''));
}

/** One RANGE attribute as it stands in an entry's key, ended. */
export function delimited(value: KeyBytes): KeyBytes {
  return `${escaped(value)}\x00\x01`;
}

/** The same without its end: the beginning of every value that begins with this one. */
export function escaped(value: KeyBytes): KeyBytes {
  return value.includes('\0') ? value.replaceAll('\0', '\x00\xff') : value;
}

/** @param projected JSON of what the index has of the item; undefined if that is all of it. */
export function indexEntry(item: StateKey, size: number, projected: string | undefined): ItemJson {
  if (projected === undefined) return new ItemJson(Buffer.from(item, 'latin1'), size);
  const jsonStart = lengthBytes + item.length;
  const content = Buffer.allocUnsafe(jsonStart + Buffer.byteLength(projected));
  content.writeUInt16BE(projectionMark + item.length, 0);
  content.write(item, lengthBytes, 'latin1');
  content.write(projected, jsonStart);
  return new ItemJson(content, size);
}

/** State key of the entry's item. The entry is to be checked before. */
export function itemKeyOf(entry: FoundItem): StateKey {
  const { bytes, start, end } = entry;
  const length = projectedKeyLength(entry);
  return length === undefined
    ? bytes.toString('latin1', start, end)
    : bytes.toString('latin1', start + lengthBytes, start + lengthBytes + length);
}

/**
 * What the entry has of its item, where it lies.
 * @returns undefined if it only names it.
 * @throws StateDamagedError
 */
export function projectionIn(entry: FoundItem): FoundItem | undefined {
  const length = projectedKeyLength(entry);
  if (length === undefined) return undefined;
  if (lengthBytes + length > entry.end - entry.start) entry.check();
  return entry.behind(lengthBytes + length);
}

/** Undefined if the content is a state key and nothing else. */
function projectedKeyLength({ bytes, start }: FoundItem): number | undefined {
  const first = bytes.readUInt16BE(start);
  return first >= projectionMark ? first - projectionMark : undefined;
}

const projectionMark = 0x8000;
const lengthBytes = 2;

/** Keys of entries in global indexes end with as many. */
export const digestBytes = 16;

/** Half of SHA-256: nobody finds two values with the same one. */
function digest(bytes: KeyBytes): KeyBytes {
  return hash('sha256', Buffer.from(bytes, 'latin1'), 'buffer').toString('latin1', 0, digestBytes);
}
