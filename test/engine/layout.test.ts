import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { localIndexKey } from '../../engine/state/index-layout.ts';
import {
  decodeValue,
  encodeValue,
  hashCount,
  hashStart,
  partitionHash,
  prefixEnd,
  StateDamagedError,
  stateKey,
  stateKeyBytesMax,
  tablePrefix,
} from '../../engine/state/layout.ts';
import { joinKey } from '../../protocol/key.ts';
import { ItemJson } from '../../protocol/reply.ts';

/** In partition `p`, of an item with sort key `own` that an index has under `sort`. */
function localKey(sort: string, own: string): string {
  return localIndexKey(4, { partition: ['p'], sort: [sort] }, stateKey(3, joinKey('p', own)));
}

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array).toString('latin1'));

describe('state keys', () => {
  test('items of a partition lie together, in the order of their sort keys', () => {
    fc.assert(
      fc.property(bytes, bytes, bytes, (partition, a, b) => {
        const [keyA, keyB] = [stateKey(3, joinKey(partition, a)), stateKey(3, joinKey(partition, b))];
        expect(keyA < keyB).toBe(a < b);
        expect(keyA.startsWith(stateKey(3, joinKey(partition, '')))).toBe(true);
      }),
    );
  });

  test('entries of a local index lie in the order of its sort key, and then of their items', () => {
    const few = fc.constantFrom('', '\0', '\0\x01', '\0\xff', 'a', 'a\0', '\xff');
    const pair = fc.tuple(fc.oneof(few, bytes), fc.oneof(few, bytes));
    fc.assert(
      fc.property(pair, pair, ([sortA, ownA], [sortB, ownB]) => {
        const isBefore = sortA < sortB || (sortA === sortB && ownA < ownB);
        expect(localKey(sortA, ownA) < localKey(sortB, ownB)).toBe(isBefore);
        expect(localKey(sortA, ownA) === localKey(sortB, ownB)).toBe(sortA === sortB && ownA === ownB);
      }),
    );
    const zeros = '\0'.repeat(1024);
    expect(localKey(zeros, zeros)).toHaveLength(stateKeyBytesMax);
  });

  test('no partition lies among the items of another', () => {
    fc.assert(
      fc.property(bytes, bytes, bytes, (one, other, sort) => {
        fc.pre(one !== other);
        const prefix = stateKey(3, joinKey(one, ''));
        const foreign = stateKey(3, joinKey(other, sort));
        expect(foreign >= prefix && foreign < (prefixEnd(prefix) as string)).toBe(false);
      }),
    );
  });

  test('segments of a parallel Scan cover every hash once', () => {
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 1_000_000 }), (partition, total) => {
        const segment = Math.floor((partitionHash(partition) * total) / hashCount);
        const bound = (n: number) => hashStart(3, Math.ceil((n * hashCount) / total));
        const key = stateKey(3, joinKey(partition, ''));
        expect(key >= bound(segment) && key < bound(segment + 1)).toBe(true);
      }),
    );
    expect(hashStart(3, hashCount)).toBe(tablePrefix(4));
  });

  test('the hash is MurmurHash3 with 32 bits', () => {
    const known = {
      '': 0,
      a: 0x3c2569b2,
      ab: 0x9bbfd75f,
      abc: 0xb3dd93fa,
      abcd: 0x43ed676a,
      'hello, world': 0x149bbb7f,
    };
    for (const [text, hash] of Object.entries(known)) expect(partitionHash(text)).toBe(hash);
  });
});

describe('state values', () => {
  const key = 'key';
  const item = new ItemJson(Buffer.from('{"id":{"S":"a"}}'), 3);

  test('come back as they were', () => {
    const decoded = decodeValue(key, encodeValue(key, item));
    expect(decoded.json.toString()).toBe(item.json.toString());
    expect(decoded.size).toBe(3);
  });

  test('every flipped bit and every cut is found', () => {
    const value = encodeValue(key, item);
    for (let bit = 0; bit < value.length * 8; bit++) {
      const damaged = Buffer.from(value);
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(() => decodeValue(key, damaged), `bit ${bit}`).toThrow(StateDamagedError);
    }
    for (let length = 0; length < value.length; length++) {
      expect(() => decodeValue(key, value.subarray(0, length)), `length ${length}`).toThrow(
        StateDamagedError,
      );
    }
  });

  test('the checksum is the CRC-32 of key, version, size and item, as in folders of older builds', () => {
    fc.assert(
      fc.property(bytes, bytes, fc.nat(0xffffffff), (anyKey, json, size) => {
        const value = encodeValue(anyKey, new ItemJson(Buffer.from(json, 'latin1'), size));
        const covered = [Buffer.from(anyKey, 'latin1'), value.subarray(0, 8), value.subarray(12)];
        expect(value.readUInt32BE(8)).toBe(crc32(Buffer.concat(covered)));
      }),
    );
  });

  test('a value under another key is found', () => {
    expect(() => decodeValue('kez', encodeValue(key, item))).toThrow(/6b657a.*checksum/);
  });
});
