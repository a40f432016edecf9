import * as fc from 'fast-check';

/** An attribute value as it stands in a request, right or wrong. */
export type AnyValue = Readonly<Record<string, unknown>>;

const scalars: readonly AnyValue[] = [
  { S: 'a' },
  { S: 'ab' },
  { S: '' },
  { S: 'é\u{1f600}' },
  { N: '1' },
  { N: '-2.50' },
  { N: '10e2' },
  { N: '0' },
  { N: '12345678901234567890123456789012345678' },
  { N: '1e-130' },
  { B: 'AAE=' },
  { B: '' },
  { BOOL: true },
  { BOOL: false },
  { NULL: true },
];

const sets: readonly AnyValue[] = [
  { SS: ['a'] },
  { SS: ['b', 'a'] },
  { NS: ['1', '2'] },
  { NS: ['1.0', '-3'] },
  { BS: ['AAE=', 'AA=='] },
];

const documents: readonly AnyValue[] = [
  { L: [] },
  { L: [{ S: 'a' }, { N: '1' }, { L: [{ S: 'deep' }] }] },
  { M: {} },
  { M: { x: { S: 'a' }, y: { L: [{ N: '5' }, { M: { z: { BOOL: true } } }] } } },
];

/** What AWS refuses, each for another reason. */
const wrong: readonly AnyValue[] = [
  { N: 'abc' },
  { N: '' },
  { N: '1e126' },
  { N: '1e-131' },
  { N: '123456789012345678901234567890123456789' },
  { SS: [] },
  { SS: ['a', 'a'] },
  { NS: ['1', '1.0'] },
  { NS: ['x'] },
  { BS: [] },
  { NULL: false },
  {},
  { S: 'a', N: '1' },
  { L: [{}] },
  { M: { x: { N: 'abc' } } },
  { M: { x: { SS: [] } } },
];

export const soundValue: fc.Arbitrary<AnyValue> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...scalars) },
  { weight: 2, arbitrary: fc.constantFrom(...sets) },
  { weight: 2, arbitrary: fc.constantFrom(...documents) },
);

export const anyValue: fc.Arbitrary<AnyValue> = fc.oneof(
  { weight: 40, arbitrary: soundValue },
  { weight: 1, arbitrary: fc.constantFrom(...wrong) },
);

/** Values for the key attributes of indexes, mostly of their types. */
export function keyValue(type: 'S' | 'N'): fc.Arbitrary<AnyValue> {
  const right =
    type === 'S'
      ? [{ S: 'a' }, { S: 'ab' }, { S: 'b' }]
      : [{ N: '1' }, { N: '-2.5' }, { N: '10' }, { N: '0' }];
  return fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom<AnyValue>(...right) },
    { weight: 1, arbitrary: soundValue },
  );
}

/** The value, or nothing, in so many of a hundred cases. */
export function sometimes<T>(percent: number, value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof(
    { weight: 100 - percent, arbitrary: fc.constant(undefined) },
    { weight: percent, arbitrary: value },
  );
}
