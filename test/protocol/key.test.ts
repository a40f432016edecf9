import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareValues } from '../../protocol/attribute-value.ts';
import {
  canonicalKey,
  decodeKeyValue,
  encodeKeyValue,
  joinKey,
  type KeySchema,
  splitKey,
} from '../../protocol/key.ts';

const schema: KeySchema = { partition: { name: 'pk', type: 'S' }, sort: { name: 'sk', type: 'N' } };
const text = fc.string({ unit: 'grapheme', maxLength: 6 });
const bytes = fc.uint8Array({ maxLength: 6 }).map((array) => Buffer.from(array).toString('base64'));

describe('key values', () => {
  test('sort as DynamoDB sorts them', () => {
    const pairs = fc.oneof(
      fc.tuple(text, text).map(([a, b]) => [{ S: a }, { S: b }] as const),
      fc.tuple(bytes, bytes).map(([a, b]) => [{ B: a }, { B: b }] as const),
    );
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        const [x, y] = [encodeKeyValue(a), encodeKeyValue(b)];
        const order = x === y ? 0 : x < y ? -1 : 1;
        expect(Math.sign(compareValues(a, b) ?? Number.NaN)).toBe(order);
      }),
    );
  });

  test('come back as they went in', () => {
    fc.assert(
      fc.property(text, bytes, (S, B) => {
        expect(decodeKeyValue('S', encodeKeyValue({ S }))).toEqual({ S });
        expect(decodeKeyValue('B', encodeKeyValue({ B }))).toEqual({ B });
      }),
    );
    expect(decodeKeyValue('N', encodeKeyValue({ N: '-1.50' }))).toEqual({ N: '-1.5' });
  });

  test('no other type can be a key', () => {
    expect(() => encodeKeyValue({ BOOL: true })).toThrow(TypeError);
  });
});

describe('whole keys', () => {
  test('equal numbers make one key', () => {
    const key = (N: string) => canonicalKey(schema, { pk: { S: 'é' }, sk: { N } });
    expect(key('1.0')).toBe(key('1'));
    expect(key('1')).not.toBe(key('10'));
  });

  test('split into what they were joined of', () => {
    const part = fc.string({
      unit: fc.integer({ min: 0, max: 255 }).map((n) => String.fromCharCode(n)),
      maxLength: 300,
    });
    fc.assert(
      fc.property(part, part, (partition, sort) => {
        expect(splitKey(joinKey(partition, sort))).toEqual({ partition, sort });
      }),
    );
    const long = 'x'.repeat(2048);
    expect(splitKey(joinKey(long, ''))).toEqual({ partition: long, sort: '' });
  });

  test('a table without a sort key has keys of one part', () => {
    const key = canonicalKey(
      { partition: schema.partition, sort: undefined },
      { pk: { S: 'a' }, sk: { N: '1' } },
    );
    expect(splitKey(key)).toEqual({ partition: 'a', sort: '' });
  });
});
