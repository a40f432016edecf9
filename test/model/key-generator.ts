import * as fc from 'fast-check';
import { hashName, type KeyType, rangeName, type Schema } from './request.ts';
import { canonicalItem, type Item, stable, type Value } from './value.ts';

const keyType = fc.constantFrom<KeyType>('S', 'N', 'B');

/** Keys of tables. */
export const tableKey: fc.Arbitrary<TableKey> = fc.record({
  hash: keyType,
  range: fc.oneof({ weight: 1, arbitrary: fc.constant(undefined) }, { weight: 3, arbitrary: keyType }),
});

type TableKey = Pick<Schema, 'hash' | 'range'>;

/** Keys of one table. */
export interface Keys {
  readonly hash: fc.Arbitrary<Value>;
  /** Of some type also where the table has no sort key. */
  readonly range: fc.Arbitrary<Value>;
  /** Whole keys; a few are wrong in some way. */
  readonly key: fc.Arbitrary<Item>;
  readonly validKey: fc.Arbitrary<Item>;
}

const made = new Map<string, Keys>();

/** Made once for each key schema. */
export function keysOf(of: TableKey): Keys {
  const name = `${of.hash} ${of.range}`;
  const keys = made.get(name) ?? newKeys(of);
  made.set(name, keys);
  return keys;
}

function newKeys(of: TableKey): Keys {
  const [hash, range] = [hashPools[of.hash], rangePools[of.range ?? 'S']];
  const keyOf = (h: fc.Arbitrary<Value>, r: fc.Arbitrary<Value>) =>
    of.range === undefined
      ? h.map((one): Item => ({ [hashName]: one }))
      : fc.tuple(h, r).map(([one, other]): Item => ({ [hashName]: one, [rangeName]: other }));
  const whole = keyOf(anyOf(hash), anyOf(range));
  const superfluous = of.range === undefined ? rangeName : 'a';
  return {
    hash: anyOf(hash),
    range: anyOf(range),
    key: fc.oneof(
      { weight: 80, arbitrary: whole },
      { weight: 1, arbitrary: whole.map((one): Item => ({ ...one, [superfluous]: { S: 'superfluous' } })) },
      { weight: 1, arbitrary: anyOf(range).map((one): Item => ({ [rangeName]: one })) },
    ),
    validKey: keyOf(validOf(hash), validOf(range)),
  };
}

/** The attributes that are keys of indexes, with few values, so that entries meet. */
export const indexKeyNames = ['i', 'j', 'k'] as const;

/** A value for such an attribute, or for another one of this type; a few are wrong in some way. */
export function keyValue(name: string, type: KeyType): fc.Arbitrary<Value> {
  return keyValues[name] ?? anyOf(rangePools[type]);
}

/** As they are kept: `1` and `1.0` are one key. Keys that are not valid are all different. */
export function spelledOut(key: Item): string {
  try {
    return stable(canonicalItem(key));
  } catch {
    return JSON.stringify(key);
  }
}

interface Pool {
  /** What most keys are made of, so that they meet. */
  readonly hot: readonly Value[];
  readonly cold: readonly Value[];
  readonly wrong: readonly Value[];
}

function anyOf(pool: Pool): fc.Arbitrary<Value> {
  return fc.oneof(
    { weight: 80, arbitrary: validOf(pool) },
    { weight: 1, arbitrary: fc.constantFrom(...pool.wrong) },
  );
}

function validOf({ hot, cold }: Pool): fc.Arbitrary<Value> {
  return fc.oneof(
    { weight: 10, arbitrary: fc.constantFrom(...hot) },
    { weight: 2, arbitrary: fc.constantFrom(...cold) },
  );
}

const bytes = (...values: number[]) => ({ B: Buffer.from(values).toString('base64') });
const long = 'k'.repeat(1023);

const hashPools: Readonly<Record<KeyType, Pool>> = {
  S: {
    hot: [{ S: 'a' }, { S: '\u{1F600}' }],
    cold: [{ S: 'ab' }, { S: '\uE000' }, { S: `${long}a` }, { S: `${long}${long}` }],
    wrong: [{ S: '' }, { N: '1' }, { S: 'x'.repeat(2049) }, { SS: ['a'] }],
  },
  N: {
    hot: [{ N: '1' }, { N: '10e-1' }, { N: '0' }],
    cold: [{ N: '-0.0' }, { N: '1e125' }, { N: '-1e-130' }, { N: '1.5' }],
    wrong: [{ N: 'one' }, { N: '1e126' }, { S: '1' }, { N: '1.23456789012345678901234567890123456789' }],
  },
  B: {
    hot: [bytes(0x00), bytes(0xff)],
    cold: [bytes(0x7f), bytes(0x80), bytes(0xff, 0xff), { B: Buffer.alloc(2048, 0xff).toString('base64') }],
    wrong: [bytes(), { S: 'a' }, { B: Buffer.alloc(2049).toString('base64') }],
  },
};

/** Neighbours in orders that are easily wrong, beginnings of one another, one value in several spellings. */
const rangePools: Readonly<Record<KeyType, Pool>> = {
  S: {
    hot: [{ S: 'a' }, { S: 'ab' }, { S: 'b' }, { S: '\uFFFD' }, { S: '\u{1F600}' }],
    cold: [{ S: 'a\u0000' }, { S: 'é' }, { S: '\uE000' }, { S: `${long}a` }, { S: `${long}b` }],
    wrong: [{ S: '' }, { N: '1' }, { S: 'x'.repeat(1025) }],
  },
  N: {
    hot: [{ N: '1' }, { N: '1.0' }, { N: '-1' }, { N: '10' }, { N: '2' }, { N: '-10' }],
    cold: [
      { N: '0' },
      { N: '1e-2' },
      { N: '-1e-130' },
      { N: '-1.25' },
      { N: '9.9e125' },
      { N: '12345678901234567890123456789012345678' },
    ],
    wrong: [{ N: '' }, { N: '1e126' }, { S: '1' }],
  },
  B: {
    hot: [bytes(0x00), bytes(0x7f), bytes(0x80), bytes(0x80, 0x00), bytes(0xff)],
    cold: [bytes(0xff, 0xff), bytes(0x61), { B: Buffer.alloc(1024, 0xff).toString('base64') }],
    wrong: [bytes(), { S: 'a' }, { B: Buffer.alloc(1025).toString('base64') }],
  },
};

const keyValues: Readonly<Record<string, fc.Arbitrary<Value>>> = {
  i: anyOf({
    hot: [{ S: 'x' }, { S: 'xy' }],
    cold: [{ S: 'x\u0000' }, { S: 'x\u0000\u0001' }, { S: '\uFFFD' }, { S: '\u{1F600}' }, { S: `${long}a` }],
    wrong: [{ S: '' }, { N: '1' }, { S: 'x'.repeat(1025) }, { S: 'x'.repeat(2049) }],
  }),
  j: anyOf({
    hot: [{ N: '1' }, { N: '2' }, { N: '1.0' }],
    cold: [{ N: '0' }, { N: '-1' }, { N: '10' }, { N: '-1e-130' }, { N: '9.9e125' }],
    wrong: [{ S: '1' }, { NULL: true }],
  }),
  k: anyOf({
    hot: [bytes(0x00), bytes(0x00, 0x01)],
    cold: [bytes(0x00, 0xff), bytes(0xff), { B: Buffer.alloc(1024).toString('base64') }],
    wrong: [bytes(), { S: 'a' }, { B: Buffer.alloc(1025, 0xff).toString('base64') }],
  }),
};
