import * as fc from 'fast-check';
import { type AnyValue, anyValue, soundValue } from './value-generator.ts';

/* Texts of expressions, most of them right. Names and values stand for `#n` and `:0` to `:3`. */

const rightPaths = ['a', 'b', 'c', '#n', 'c.x', 'c.y[0]', 'b[0]', 'b[1]', '#n.x', 'z'];
const wrongPaths = ['size', 'a..b', 'b[-1]', '#unknown', '1a', 'p', 's', 'a.', 'b[x]', 'name'];

const path = fc.oneof(
  { weight: 60, arbitrary: fc.constantFrom(...rightPaths) },
  { weight: 1, arbitrary: fc.constantFrom(...wrongPaths) },
);
const reference = fc.oneof(
  { weight: 80, arbitrary: fc.constantFrom(':0', ':1', ':2', ':3') },
  { weight: 1, arbitrary: fc.constantFrom(':unknown', '::', ':', '"text"', '5') },
);
const operand = fc.oneof(
  { weight: 5, arbitrary: path },
  { weight: 6, arbitrary: reference },
  { weight: 1, arbitrary: path.map((one) => `size(${one})`) },
);
const comparator = fc.oneof(
  { weight: 50, arbitrary: fc.constantFrom('=', '<>', '<', '<=', '>', '>=') },
  { weight: 1, arbitrary: fc.constantFrom('==', '!=', 'LIKE') },
);

const simple = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(path, comparator, operand).map((parts) => parts.join(' ')) },
  { weight: 1, arbitrary: fc.tuple(operand, comparator, operand).map((parts) => parts.join(' ')) },
  { weight: 1, arbitrary: fc.tuple(path, operand, operand).map(([a, b, c]) => `${a} BETWEEN ${b} AND ${c}`) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(path, fc.array(operand, { minLength: 1, maxLength: 3 }))
      .map(([a, all]) => `${a} IN (${all.join(', ')})`),
  },
  { weight: 2, arbitrary: path.map((one) => `attribute_exists(${one})`) },
  { weight: 2, arbitrary: path.map((one) => `attribute_not_exists(${one})`) },
  { weight: 1, arbitrary: fc.tuple(path, reference).map(([a, b]) => `attribute_type(${a}, ${b})`) },
  { weight: 2, arbitrary: fc.tuple(path, operand).map(([a, b]) => `begins_with(${a}, ${b})`) },
  { weight: 2, arbitrary: fc.tuple(path, operand).map(([a, b]) => `contains(${a}, ${b})`) },
);

export const condition: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: simple },
  { weight: 2, arbitrary: fc.tuple(simple, simple).map(([a, b]) => `${a} AND ${b}`) },
  {
    weight: 1,
    arbitrary: fc.tuple(simple, simple, simple).map(([a, b, c]) => `${a} or (${b} AND NOT ${c})`),
  },
  { weight: 1, arbitrary: simple.map((one) => `NOT ${one}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      '(',
      'a =',
      'a = :0 AND',
      '((a = :0))',
      'a = a',
      'size(:0) > :1',
      'attribute_exists(:0)',
      'begins_with(a)',
      'contains(a, a)',
      'unknown(a)',
      'a IN ()',
      'a = :0 = :1',
    ),
  },
);

const sum = fc
  .tuple(operand, fc.constantFrom('+', '-'), operand)
  .map((parts) => parts.filter((part) => !part.startsWith('size')).join(' '));
const assigned = fc.oneof(
  { weight: 6, arbitrary: reference },
  { weight: 1, arbitrary: path },
  { weight: 2, arbitrary: sum },
  { weight: 2, arbitrary: fc.tuple(path, reference).map(([a, b]) => `if_not_exists(${a}, ${b})`) },
  { weight: 2, arbitrary: fc.tuple(path, reference).map(([a, b]) => `list_append(${a}, ${b})`) },
);
const clause = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .array(
        fc.tuple(path, assigned).map(([a, b]) => `${a} = ${b}`),
        { minLength: 1, maxLength: 2 },
      )
      .map((all) => `SET ${all.join(', ')}`),
  },
  {
    weight: 2,
    arbitrary: fc.array(path, { minLength: 1, maxLength: 2 }).map((all) => `REMOVE ${all.join(', ')}`),
  },
  { weight: 2, arbitrary: fc.tuple(path, reference).map(([a, b]) => `ADD ${a} ${b}`) },
  { weight: 2, arbitrary: fc.tuple(path, reference).map(([a, b]) => `DELETE ${a} ${b}`) },
);

export const update: fc.Arbitrary<string> = fc.oneof(
  { weight: 20, arbitrary: fc.array(clause, { minLength: 1, maxLength: 2 }).map((all) => all.join(' ')) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      'SET',
      'SET a',
      'SET a = :0,',
      'SET a = size(b)',
      'ADD a b',
      'SET p = :0',
      'REMOVE p',
      'PUT a = :0',
      'SET a = :0 + :1 + :2',
      'SET a = attribute_exists(b)',
    ),
  },
);

export const projection: fc.Arbitrary<string> = fc.oneof(
  { weight: 20, arbitrary: fc.array(path, { minLength: 1, maxLength: 3 }).map((all) => all.join(', ')) },
  { weight: 1, arbitrary: fc.constantFrom('', 'a,', 'a b', 'a, a', 'c, c.x', ':0', 'p, s') },
);

interface Substitutions {
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues?: Readonly<Record<string, AnyValue>>;
}

export interface Pools {
  readonly values: readonly AnyValue[];
  /** Below 3: something is wrong with the names or the values. */
  readonly luck: number;
}

export const pools: fc.Arbitrary<Pools> = fc.record({
  values: fc.tuple(anyValue, soundValue, soundValue, soundValue),
  luck: fc.nat(60),
});

/** What the texts use, mostly. */
export function substitutions(
  texts: readonly (string | undefined)[],
  { values, luck }: Pools,
): Substitutions {
  const text = texts.join(' ');
  const used = [...new Set(text.match(/:\d/g) ?? [])];
  const named = Object.fromEntries(used.map((name) => [name, values[Number(name.slice(1))] as AnyValue]));
  const names: Record<string, string> = text.includes('#n') ? { '#n': 'a' } : {};
  if (luck === 0) named[':unused'] = { S: 'unused' };
  if (luck === 1) names['#unused'] = 'unused';
  if (luck === 2 && used[0] !== undefined) delete named[used[0]];
  return {
    ...(Object.keys(names).length > 0 && { ExpressionAttributeNames: names }),
    ...(Object.keys(named).length > 0 && { ExpressionAttributeValues: named }),
  };
}
