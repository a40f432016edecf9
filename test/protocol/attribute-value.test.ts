import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AttributeValue,
  attributeType,
  canonicalItem,
  canonicalValue,
  compareValues,
  equalItems,
  equalValues,
  getAttribute,
  itemSize,
  setAttribute,
  valueSize,
} from '../../protocol/attribute-value.ts';
import { inOlderWords } from '../../protocol/wording.ts';
import { values } from './values.ts';

const invalid = 'One or more parameter values were invalid:';

function nested(levels: number): AttributeValue {
  let value: AttributeValue = { S: 'leaf' };
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? { M: { n: value } } : { L: [value] };
  return value;
}

describe('canonicalValue', () => {
  test.each<[unknown, AttributeValue]>([
    [{ N: '1.0' }, { N: '1' }],
    [{ NS: ['2', '1e1'] }, { NS: ['2', '10'] }],
    [{ B: 'YR==' }, { B: 'YQ==' }],
    [{ BS: ['', 'YR=='] }, { BS: ['', 'YQ=='] }],
    [{ S: 'a\ud800b' }, { S: 'a\ufffdb' }],
    [{ SS: ['', '\udc00'] }, { SS: ['', '\ufffd'] }],
    [{ L: [{ S: 'a' }, { M: { n: { N: '+1' } } }] }, { L: [{ S: 'a' }, { M: { n: { N: '1' } } }] }],
    [{ S: 'a', N: null }, { S: 'a' }],
    [{ S: 'a', unknown: 1 }, { S: 'a' }],
  ])('%j becomes %j', (value, canonical) => {
    const before = structuredClone(value);
    expect(canonicalValue(value as AttributeValue)).toEqual(canonical);
    expect(value).toEqual(before);
  });

  test('returns the very object if it is canonical', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(canonicalValue(value)).toBe(value);
      }),
    );
  });

  test('shares with the given value what did not change', () => {
    const map = { same: { L: [{ N: '1' }] }, other: { N: '1.0' } };
    expect(canonicalItem(map)).not.toBe(map);
    expect(canonicalItem(map).same).toBe(map.same);
  });

  test.each<[unknown, string]>([
    [{}, 'Supplied AttributeValue is empty, must contain exactly one of the supported datatypes'],
    [{ X: 1 }, 'Supplied AttributeValue is empty, must contain exactly one of the supported datatypes'],
    [{ L: [{}] }, 'Supplied AttributeValue is empty, must contain exactly one of the supported datatypes'],
    [
      { S: 'a', N: '1' },
      'Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes',
    ],
    [{ S: 'a', N: 'b' }, 'The parameter cannot be converted to a numeric value: b'],
    [{ NULL: false }, `${invalid} Null attribute value types must have the value of true`],
    [{ SS: [] }, `${invalid} An string set  may not be empty`],
    [{ SS: ['a', null] }, `${invalid} An string set may not have a null string as a member`],
    [{ NS: [null] }, `${invalid} An number set may not have a null string as a member`],
    [{ BS: ['YQ==', null] }, `${invalid} Binary sets may not contain null or empty values`],
    [{ NS: [] }, `${invalid} An number set  may not be empty`],
    [{ BS: [] }, `${invalid} Binary sets should not be empty`],
    [{ SS: ['b', 'a', 'b', 'a'] }, `${invalid} Input collection ["a", "b", "b", "a"] contains duplicates.`],
    [{ NS: ['1', '1.0'] }, `${invalid} Input collection contains duplicates.`],
    [
      { BS: ['/w==', 'AA==', 'AA=='] },
      `${invalid} Input collection ["AA==","/w==","AA=="]of type BS contains duplicates.`,
    ],
    [{ NS: ['1', ''] }, 'The parameter cannot be converted to a numeric value: '],
  ])('refuses %j', (value, message) => {
    expect(() => canonicalValue(value as AttributeValue)).toThrow(
      expect.objectContaining({ code: 'ValidationException', message }),
    );
  });

  test.each<[unknown, string]>([
    [{ SS: ['b', 'a', 'b'] }, `${invalid} Input collection [b, a, b] contains duplicates.`],
    [{ NS: ['1', '1.0'] }, 'Input collection contains duplicates'],
    [
      { BS: ['/w==', 'AA==', 'AA=='] },
      `${invalid} Input collection [/w==, AA==, AA==]of type BS contains duplicates.`,
    ],
    [{ N: '' }, 'The parameter cannot be converted to a numeric value'],
    [{ SS: [] }, `${invalid} An string set  may not be empty`],
  ])('refuses %j in other words where AWS has the older ones', (value, message) => {
    expect(() => inOlderWords(() => canonicalValue(value as AttributeValue))).toThrow(
      expect.objectContaining({ code: 'ValidationException', message }),
    );
  });

  test.each<[AttributeValue, AttributeValue]>([
    [{ SS: ['b', '', 'B', 'ab', 'a'] }, { SS: ['', 'B', 'a', 'ab', 'b'] }],
    [{ SS: ['\u{10000}', '\uffff', '\u00e4'] }, { SS: ['\u00e4', '\uffff', '\u{10000}'] }],
    [{ NS: ['10', '9', '-1', '-1.5', '0'] }, { NS: ['-1.5', '-1', '0', '9', '10'] }],
    [
      { NS: ['10000000000000000000000000000001', '1e31'] },
      { NS: [`1${'0'.repeat(31)}`, `1${'0'.repeat(30)}1`] },
    ],
    [{ BS: ['/w==', '', 'AAA=', 'AA=='] }, { BS: ['', 'AA==', 'AAA=', '/w=='] }],
  ])('orders the members of %j', (value, ordered) => {
    expect(canonicalValue(value)).toEqual(ordered);
    expect(canonicalValue(ordered)).toBe(ordered);
  });

  test('takes 31 levels of lists and maps and refuses 32, or a hundred thousand', () => {
    expect(canonicalValue(nested(31))).toEqual(nested(31));
    for (const levels of [32, 100_000]) {
      expect(() => canonicalValue(nested(levels))).toThrow(
        'Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit',
      );
    }
  });

  test('keeps an attribute named __proto__', () => {
    const item = JSON.parse('{"__proto__":{"N":"1.0"}}');
    expect(JSON.stringify(canonicalItem(item))).toBe('{"__proto__":{"N":"1"}}');
    expect(JSON.stringify(canonicalValue({ M: item }))).toBe('{"M":{"__proto__":{"N":"1"}}}');
  });
});

describe('attributes by name', () => {
  test('what JavaScript objects have is no attribute', () => {
    expect(getAttribute({}, 'constructor')).toBeUndefined();
    expect(getAttribute({}, '__proto__')).toBeUndefined();
    expect(equalItems({}, JSON.parse('{"__proto__":{"S":"a"}}'))).toBe(false);
  });

  test('any name can be set', () => {
    const item = {};
    for (const name of ['__proto__', 'constructor', 'a']) setAttribute(item, name, { S: name });
    for (const name of ['__proto__', 'constructor', 'a'])
      expect(getAttribute(item, name)).toEqual({ S: name });
    expect(Object.getPrototypeOf(item)).toBe(Object.prototype);
  });
});

describe('sizes', () => {
  test.each<[AttributeValue, number]>([
    [{ S: '' }, 0],
    [{ S: 'aé€😀' }, 10],
    [{ N: '123.4' }, 4],
    [{ B: '' }, 0],
    [{ B: 'YQ==' }, 1],
    [{ B: 'YWI=' }, 2],
    [{ B: 'YWJj' }, 3],
    [{ BOOL: false }, 1],
    [{ NULL: true }, 1],
    [{ SS: ['a', 'é'] }, 3],
    [{ NS: ['1', '-1'] }, 5],
    [{ BS: ['YQ==', 'YWJj'] }, 4],
    [{ L: [] }, 3],
    [{ L: [{ S: 'ab' }, { BOOL: true }] }, 8],
    [{ M: {} }, 3],
    [{ M: { key: { S: 'ab' } } }, 9],
  ])('%j counts %i bytes', (value, size) => {
    expect(valueSize(value)).toBe(size);
  });

  test('an item counts its names in UTF-8', () => {
    expect(itemSize({ pk: { S: 'a' }, é: { N: '1' } })).toBe(2 + 1 + 2 + 2);
  });
});

describe('equality', () => {
  test.each<[AttributeValue, AttributeValue]>([
    [{ SS: ['a', 'b'] }, { SS: ['b', 'a'] }],
    [{ NS: ['1', '2'] }, { NS: ['2', '1'] }],
    [{ BS: ['YQ==', 'Yg=='] }, { BS: ['Yg==', 'YQ=='] }],
    [{ M: { a: { N: '1' }, b: { L: [] } } }, { M: { b: { L: [] }, a: { N: '1' } } }],
  ])('%j equals %j', (a, b) => {
    expect(equalValues(a, b)).toBe(true);
  });

  test.each<[AttributeValue, AttributeValue]>([
    [{ S: '1' }, { N: '1' }],
    [{ SS: ['1'] }, { NS: ['1'] }],
    [{ SS: ['a', 'b'] }, { SS: ['a', 'c'] }],
    [{ SS: ['a'] }, { SS: ['a', 'b'] }],
    [{ L: [{ S: 'a' }, { S: 'b' }] }, { L: [{ S: 'b' }, { S: 'a' }] }],
    [{ M: { a: { S: '' } } }, { M: { b: { S: '' } } }],
    [{ M: {} }, { L: [] }],
    [{ BOOL: true }, { BOOL: false }],
    [{ BOOL: true }, { NULL: true }],
  ])('%j differs from %j', (a, b) => {
    expect(equalValues(a, b)).toBe(false);
    expect(equalValues(b, a)).toBe(false);
  });

  test('every value equals its copy and no value of another type', () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        expect(equalValues(a, structuredClone(a))).toBe(true);
        if (attributeType(a) !== attributeType(b)) expect(equalValues(a, b)).toBe(false);
      }),
    );
  });
});

describe('order', () => {
  test('strings by their UTF-8 bytes', () => {
    const text = fc.string({ unit: 'binary', maxLength: 4 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        const order = Buffer.compare(Buffer.from(a), Buffer.from(b));
        expect(Math.sign(compareValues({ S: a }, { S: b }) ?? Number.NaN)).toBe(order);
      }),
    );
    expect(compareValues({ S: '\u{10000}' }, { S: '\uffff' })).toBeGreaterThan(0);
  });

  test('binary values by unsigned bytes', () => {
    expect(compareValues({ B: '/w==' }, { B: 'AA==' })).toBeGreaterThan(0);
    expect(compareValues({ B: 'AA==' }, { B: 'AAA=' })).toBeLessThan(0);
    const bytes = fc.uint8Array({ maxLength: 7, max: 255 }).map((array) => Buffer.from(array));
    const similar = fc
      .tuple(bytes, bytes, bytes)
      .map(([start, a, b]) => [Buffer.concat([start, a]), Buffer.concat([start, b])]);
    fc.assert(
      fc.property(similar, ([a = Buffer.alloc(0), b = Buffer.alloc(0)]) => {
        const order = compareValues({ B: a.toString('base64') }, { B: b.toString('base64') });
        expect(Math.sign(order ?? Number.NaN)).toBe(Buffer.compare(a, b));
      }),
      { numRuns: 2_000 },
    );
  });

  test('none between types, nor for other types', () => {
    expect(compareValues({ S: '1' }, { N: '1' })).toBeUndefined();
    expect(compareValues({ BOOL: true }, { BOOL: true })).toBeUndefined();
    expect(compareValues({ L: [] }, { L: [] })).toBeUndefined();
  });
});
