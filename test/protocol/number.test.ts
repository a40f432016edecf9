import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addNumbers,
  canonicalNumber,
  compareNumbers,
  decodeNumberKey,
  encodeNumberKey,
  numberSize,
  subtractNumbers,
} from '../../protocol/number.ts';

const overflow = 'Number overflow. Attempting to store a number with magnitude larger than supported range';
const underflow =
  'Number underflow. Attempting to store a number with magnitude smaller than supported range';
const digits = 'Attempting to store more than 38 significant digits in a Number';
const notNumeric = 'The parameter cannot be converted to a numeric value';
const nines = '9'.repeat(38);

describe('canonicalNumber', () => {
  test.each([
    ['0', '0'],
    ['-0', '0'],
    ['+0.000', '0'],
    ['0e125', '0'],
    ['-0e-130', '0'],
    ['1', '1'],
    ['+3', '3'],
    ['0001.2300', '1.23'],
    ['100', '100'],
    ['-17.4E37', `-174${'0'.repeat(36)}`],
    ['1e+5', '100000'],
    ['.123', '0.123'],
    ['-.5', '-0.5'],
    ['1.', '1'],
    ['12.5e-1', '1.25'],
    ['1E-130', `0.${'0'.repeat(129)}1`],
    ['1E125', `1${'0'.repeat(125)}`],
    [`9.${'9'.repeat(37)}E125`, `${nines}${'0'.repeat(88)}`],
    [nines, nines],
    [`-${nines}`, `-${nines}`],
    [`${'0'.repeat(100)}1${'0'.repeat(100)}`, `1${'0'.repeat(100)}`],
    [`0.${'0'.repeat(2000)}1E2000`, '0.1'],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalNumber(text)).toBe(canonical);
  });

  test.each([
    ['', `${notNumeric}: `],
    ['b', `${notNumeric}: b`],
    ['NaN', `${notNumeric}: NaN`],
    ['-Infinity', `${notNumeric}: -Infinity`],
    [' 1', `${notNumeric}:  1`],
    ['1 ', `${notNumeric}: 1 `],
    ['.', `${notNumeric}: .`],
    ['-', `${notNumeric}: -`],
    ['1e', `${notNumeric}: 1e`],
    ['1e5.0', `${notNumeric}: 1e5.0`],
    ['0x10', `${notNumeric}: 0x10`],
    ['1.2.3', `${notNumeric}: 1.2.3`],
    [`1${nines}`, digits],
    [`-1.${nines}`, digits],
    ['1e126', overflow],
    ['-11e125', overflow],
    ['1E999999999', overflow],
    ['1e9223372036854775807', overflow],
    [`1E${'9'.repeat(10_000)}`, `${notNumeric}: 1E${'9'.repeat(10_000)}`],
    ['0e126', overflow],
    ['1e-131', underflow],
    ['-0.9e-130', underflow],
    ['1E-9999999999', underflow],
    ['-0.0e-131', underflow],
    [`1E-${'9'.repeat(10_000)}`, `${notNumeric}: 1E-${'9'.repeat(10_000)}`],
  ])('refuses %s', (text, message) => {
    expect(() => canonicalNumber(text)).toThrow(
      expect.objectContaining({ code: 'ValidationException', message }),
    );
  });

  test('reads a million digits once', () => {
    expect(canonicalNumber('0'.repeat(1_000_000))).toBe('0');
    expect(() => canonicalNumber('1'.repeat(1_000_000))).toThrow(overflow);
    expect(() => canonicalNumber(`0.${'1'.repeat(1_000_000)}`)).toThrow(digits);
  });
});

/** Every magnitude and precision that DynamoDB takes, written without an exponent. */
const number = fc
  .tuple(fc.boolean(), fc.stringMatching(/^[1-9][0-9]{0,37}$/), fc.integer({ min: -129, max: 126 }))
  .map(([negative, mantissa, exponent]) => `${negative ? '-' : ''}0.${mantissa}E${exponent}`)
  .filter((text) => isInRange(text))
  .map(canonicalNumber);

function isInRange(text: string): boolean {
  try {
    return canonicalNumber(text) !== '';
  } catch {
    return false;
  }
}

/** The number times ten to the 200: exact, as no number has more decimals than 167. */
function scaled(text: string): bigint {
  const [integer = '', fraction = ''] = text.replace('-', '').split('.');
  const magnitude = BigInt(integer + fraction.padEnd(200, '0'));
  return text.startsWith('-') ? -magnitude : magnitude;
}

describe('properties over the whole range', () => {
  test('a canonical number is its own canonical form', () => {
    fc.assert(fc.property(number, (text) => canonicalNumber(text) === text));
  });

  test('compares by value', () => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        const difference = scaled(a) - scaled(b);
        return Math.sign(compareNumbers(a, b)) === (difference === 0n ? 0 : difference < 0n ? -1 : 1);
      }),
    );
  });

  test('tells neighbours in the last of 38 digits apart', () => {
    const last = fc.tuple(fc.bigInt(10n ** 37n, 10n ** 38n - 2n), fc.boolean());
    fc.assert(
      fc.property(last, ([n, negative]) => {
        const [a, b] = negative ? [String(-n - 1n), String(-n)] : [String(n), String(n + 1n)];
        return (
          compareNumbers(a, b) < 0 && compareNumbers(b, a) > 0 && encodeNumberKey(a) < encodeNumberKey(b)
        );
      }),
    );
  });

  test('keys sort as the numbers do, and give them back', () => {
    fc.assert(
      fc.property(fc.array(number, { maxLength: 20 }), (numbers) => {
        const byKey = [...numbers, '0'].sort((a, b) => (encodeNumberKey(a) < encodeNumberKey(b) ? -1 : 1));
        const byValue = [...numbers, '0'].sort(compareNumbers);
        expect(byKey).toEqual(byValue);
        for (const text of byKey) expect(decodeNumberKey(encodeNumberKey(text))).toBe(text);
      }),
    );
  });

  test('a key has at most 22 characters of one byte', () => {
    fc.assert(
      fc.property(number, (text) => {
        const key = encodeNumberKey(text);
        return key.length <= 22 && Buffer.from(key, 'latin1').toString('latin1') === key;
      }),
    );
  });

  test('sums are exact, or refused', () => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        expectExact(() => addNumbers(a, b), scaled(a) + scaled(b));
        expectExact(() => subtractNumbers(a, b), scaled(a) - scaled(b));
      }),
    );
  });

  test('sums of small numbers are exact', () => {
    const small = fc.integer({ min: -1e6, max: 1e6 }).map((n) => canonicalNumber(String(n / 1000)));
    fc.assert(
      fc.property(small, small, (a, b) => {
        expect(scaled(addNumbers(a, b))).toBe(scaled(a) + scaled(b));
        expect(scaled(subtractNumbers(a, b))).toBe(scaled(a) - scaled(b));
      }),
    );
  });
});

function expectExact(calculate: () => string, exact: bigint): void {
  const significant = String(exact).replace('-', '').replace(/0+$/, '').length;
  if (significant > 38 || String(exact).replace('-', '').length > 326) {
    expect(calculate).toThrow(overflow);
  } else if (exact !== 0n && String(exact).replace('-', '').length < 71) {
    expect(calculate).toThrow(underflow);
  } else {
    expect(scaled(calculate())).toBe(exact);
  }
}

describe('arithmetic', () => {
  test.each([
    ['1', '10000000000000000000000', '10000000000000000000001'],
    ['0.1', '0.2', '0.3'],
    ['5', '-5', '0'],
    ['999999999999999', '1', '1000000000000000'],
    ['-0.5', '0.5', '0'],
  ])('%s + %s = %s', (a, b, sum) => {
    expect(addNumbers(a, b)).toBe(sum);
  });

  test('AWS calls a result that needs 39 digits an overflow', () => {
    expect(() => addNumbers(canonicalNumber('1e50'), '1')).toThrow(overflow);
    expect(() => addNumbers(canonicalNumber('9e125'), canonicalNumber('9e125'))).toThrow(overflow);
    expect(() => subtractNumbers(canonicalNumber('1.5e-130'), canonicalNumber('1e-130'))).toThrow(underflow);
  });
});

/** Measured on AWS, with items that came to the byte at the limit of 400 KB. */
test.each([
  ['0', 1],
  ['1', 2],
  ['12', 2],
  ['123', 3],
  ['1234', 3],
  ['12345678901234567890123456789012345678', 20],
  ['0042', 2],
  ['100', 2],
  ['1010', 3],
  ['0.0000001', 2],
  ['1E125', 2],
  ['1E-100', 2],
  ['1.5', 3],
  ['15', 2],
  ['1.200', 3],
  ['1.234', 4],
  ['3.14159', 5],
  ['123456', 4],
  ['100.5', 4],
  ['0.15', 2],
  ['-42', 3],
  ['-0', 1],
])('%s counts %i bytes', (text, size) => {
  expect(numberSize(canonicalNumber(text))).toBe(size);
});
