import type { AttributeValue, Item } from './attribute-value.ts';
import { decodeNumberKey, encodeNumberKey } from './number.ts';

export type KeyType = 'S' | 'N' | 'B';

export interface KeyAttribute {
  readonly name: string;
  readonly type: KeyType;
}

/** The primary key of a table: its partition key (HASH) and, where there is one, its sort key (RANGE). */
export interface KeySchema {
  readonly partition: KeyAttribute;
  readonly sort: KeyAttribute | undefined;
}

/**
 * Key bytes are binary strings: every character is one byte, 0-255. JavaScript compares and hashes such strings
 * natively, in the order that DynamoDB sorts: UTF-8 bytes for S, unsigned bytes for B, numeric value for N.
 */
export type KeyBytes = string;

/** @param value a valid key value, of the type that the schema names. */
export function encodeKeyValue(value: AttributeValue): KeyBytes {
  if ('S' in value) return utf8Bytes(value.S);
  if ('N' in value) return encodeNumberKey(value.N);
  if ('B' in value) return Buffer.from(value.B, 'base64').toString('latin1');
  throw new TypeError('not a key value');
}

/** The value that `encodeKeyValue` made these bytes of; a number in canonical form. */
export function decodeKeyValue(type: KeyType, bytes: KeyBytes): AttributeValue {
  switch (type) {
    case 'S':
      return { S: Buffer.from(bytes, 'latin1').toString('utf8') };
    case 'N':
      return { N: decodeNumberKey(bytes) };
    case 'B':
      return { B: Buffer.from(bytes, 'latin1').toString('base64') };
  }
}

/**
 * One binary string per primary key: two items have the same one exactly if DynamoDB holds their keys for equal (so
 * `1` and `1.0` are one key). The partition key's length (2 bytes, big endian), the partition key, the sort key.
 * @param key an item, or a key, that has valid values for all attributes of the schema.
 */
export function canonicalKey(schema: KeySchema, key: Item): KeyBytes {
  const partition = encodeKeyValue(key[schema.partition.name] as AttributeValue);
  const sort = schema.sort === undefined ? '' : encodeKeyValue(key[schema.sort.name] as AttributeValue);
  return joinKey(partition, sort);
}

export function joinKey(partition: KeyBytes, sort: KeyBytes): KeyBytes {
  return String.fromCharCode(partition.length >> 8, partition.length & 0xff) + partition + sort;
}

/** The parts that `joinKey` put together. */
export function splitKey(key: KeyBytes): { partition: KeyBytes; sort: KeyBytes } {
  const end = 2 + ((key.charCodeAt(0) << 8) | key.charCodeAt(1));
  return { partition: key.slice(2, end), sort: key.slice(end) };
}

const ascii = /^\p{ASCII}*$/u;

function utf8Bytes(text: string): KeyBytes {
  return ascii.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}
