import { hash } from 'node:crypto';
import type { KeyBytes } from '../../protocol/key.ts';
import { ItemJson } from '../../protocol/reply.ts';
import { type StateKey, tablePrefix } from './layout.ts';

/**
 * How the entries of secondary indexes lie in LMDB, beside the items:
 *
 *     key    index number (4) | digest of the HASH attributes (16) | RANGE attributes in order | digest of base key (16)
 *     value  as of an item; its content is the state key of the item, its size that of the projected item
 *
 * The digest stands for HASH attributes of up to 8 kB; its first bytes are the hash that Scan and its segments walk. A
 * RANGE attribute is made self-delimiting, so that order is by the first, then the second, and a shorter value comes
 * first: a byte 0 becomes 0 255, and 0 1 ends it. Items with equal keys come in the order of their digests. All RANGE
 * attributes together have 1,024 bytes, so that even of zeros alone they fit into LMDB's 4,026.
 */
export interface IndexKeyParts {
  /** The encoded values of the HASH attributes, in order. */
  readonly partition: readonly KeyBytes[];
  readonly sort: readonly KeyBytes[];
}

/** @param item state key of the item that the entry stands for. */
export function indexKey(index: number, { partition, sort }: IndexKeyParts, item: StateKey): StateKey {
  return indexPartition(index, partition) + sort.map(delimited).join('') + digest(item);
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

export function indexEntry(item: StateKey, size: number): ItemJson {
  return new ItemJson(Buffer.from(item, 'latin1'), size);
}

export function itemKeyOf(entry: ItemJson): StateKey {
  return entry.json.toString('latin1');
}

const digestBytes = 16;

/** Half of SHA-256: nobody finds two values with the same one. */
function digest(bytes: KeyBytes): KeyBytes {
  return hash('sha256', Buffer.from(bytes, 'latin1'), 'buffer').toString('latin1', 0, digestBytes);
}
