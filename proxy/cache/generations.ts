import type { KeyBytes } from '../../protocol/key.ts';

/**
 * Names of generations within a table. A generation stands for everything that a page depends on in one place: it
 * exists only while pages hold it, and a write that may have made them wrong ends it (cache/pages.ts).
 *
 * The first character tells the kind. Names of indexes hold no `\n` (AWS: naming rules), and values of keys stand behind
 * their length, or last.
 */

/** A partition of the table: Query on the table, or on a local index. */
export function basePartition(partition: KeyBytes): KeyBytes {
  return `p${partition}`;
}

/** @param partition the values of the HASH attributes of a global index, in the order of its key schema. */
export function indexPartition(indexName: string, partition: readonly KeyBytes[]): KeyBytes {
  return `i${indexName}\n${partition.map(withLength).join('')}`;
}

/** All partitions of a global index: ended by writes that do not tell which of them they changed. */
export function coarseIndex(indexName: string): KeyBytes {
  return `c${indexName}`;
}

/** Scan of the table, or of a local index. */
export const tableScan: KeyBytes = 's';

/** Scan of a global index. */
export function indexScan(indexName: string): KeyBytes {
  return `x${indexName}`;
}

function withLength(value: KeyBytes): KeyBytes {
  return String.fromCharCode(value.length >> 8, value.length & 0xff) + value;
}
