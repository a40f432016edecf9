import { describe, expect, test } from 'vitest';
import {
  bindKeyCondition,
  type KeyAttributes,
  type KeyCondition,
} from '../../protocol/expression/key-condition.ts';
import { parseKeyConditions } from '../../protocol/legacy/key-conditions.ts';
import type { ComparisonOperator, Condition } from '../../protocol/operation.ts';
import { refusal } from './refusal.ts';

const invalid = 'ValidationException: One or more parameter values were invalid:';
const notIndexable = 'ValidationException: Attempted conditional constraint is not an indexable operation';
const notSupported = 'ValidationException: Query key condition not supported';

const hash: KeyAttributes = { partition: [{ name: 'p', type: 'S' }], sort: [] };
const range: KeyAttributes = { partition: [{ name: 'p', type: 'S' }], sort: [{ name: 's', type: 'N' }] };

const p: Condition = { ComparisonOperator: 'EQ', AttributeValueList: [{ S: 'x' }] };

function sort(ComparisonOperator: ComparisonOperator, ...numbers: string[]): Condition {
  return { ComparisonOperator, AttributeValueList: numbers.map((N) => ({ N })) };
}

/** A Query looks at the operator of every condition that it uses. */
function use(condition: KeyCondition): void {
  for (const { operator } of condition.sort) expect(operator).toEqual(expect.any(String));
}

function query(conditions: Record<string, Condition>, key: KeyAttributes): string {
  return refusal(() => use(bindKeyCondition(parseKeyConditions(conditions), key)));
}

describe('KeyConditions mean', () => {
  test.each<[Condition, string, string[]]>([
    [sort('EQ', '1.0'), '=', ['1']],
    [sort('LT', '1'), '<', ['1']],
    [sort('LE', '1'), '<=', ['1']],
    [sort('GT', '1'), '>', ['1']],
    [sort('GE', '1'), '>=', ['1']],
    [sort('BETWEEN', '1', '2'), 'BETWEEN', ['1', '2']],
  ])('%j', (s, operator, numbers) => {
    expect(bindKeyCondition(parseKeyConditions({ s, p }), range)).toEqual({
      partition: [{ S: 'x' }],
      sort: [{ operator, values: numbers.map((N) => ({ N })) }],
    });
  });

  test('BEGINS_WITH of a string', () => {
    const conditions = parseKeyConditions({ p: { ...p, ComparisonOperator: 'BEGINS_WITH' } });
    expect(conditions.get('p')).toEqual({ operator: 'begins_with', values: [{ S: 'x' }] });
  });

  test('a whole partition without the sort key', () => {
    expect(bindKeyCondition(parseKeyConditions({ p }), range)).toEqual({ partition: [{ S: 'x' }], sort: [] });
  });
});

describe('KeyConditions are refused without their table', () => {
  test.each<[Record<string, Condition>, string]>([
    [{}, 'ValidationException: Conditions can be of length 1 or 2 only'],
    [
      { p, s: sort('EQ', '1'), t: sort('NULL') },
      'ValidationException: Conditions can be of length 1 or 2 only',
    ],
    [
      { p: { ComparisonOperator: 'EQ' }, s: sort('NULL'), t: sort('NULL') },
      `${invalid} Invalid number of argument(s) for the EQ ComparisonOperator`,
    ],
    [
      { p, s: sort('BEGINS_WITH', '1') },
      `${invalid} ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type`,
    ],
    [
      { p, s: sort('BETWEEN', '2', '1') },
      'ValidationException: The BETWEEN condition was provided a range ' +
        'where the lower bound is greater than the upper bound',
    ],
    [
      { p: { ComparisonOperator: 'EQ', AttributeValueList: [{ S: 'x' }, { N: 'y' }] } },
      'ValidationException: The parameter cannot be converted to a numeric value: y',
    ],
  ])('%j: %s', (conditions, expected) => {
    expect(refusal(() => parseKeyConditions(conditions))).toBe(expected);
  });
});

describe('KeyConditions are refused by a key', () => {
  const unindexable: Condition[] = [
    sort('NULL'),
    sort('NOT_NULL'),
    sort('NE', '1'),
    sort('CONTAINS', '1'),
    sort('NOT_CONTAINS', '1'),
    sort('IN', '1', '2'),
  ];

  test.each(unindexable)('%j', (condition) => {
    expect(query({ p: condition }, hash)).toBe(notIndexable);
    expect(query({ p: condition }, range)).toBe(notIndexable);
    expect(query({ p, s: condition }, range)).toBe(notIndexable);
  });

  test.each<[Record<string, Condition>, KeyAttributes, string]>([
    [{ z: sort('NULL') }, range, 'ValidationException: Query condition missed key schema element: p'],
    [{ p, z: sort('NULL') }, range, 'ValidationException: Query condition missed key schema element: s'],
    [{ p, z: sort('NULL') }, hash, notSupported],
    [{ p: { ...p, ComparisonOperator: 'LT' } }, range, notSupported],
    [{ p: sort('EQ', '1') }, range, `${invalid} Condition parameter type does not match schema type`],
  ])('%j', (conditions, key, expected) => {
    expect(query(conditions, key)).toBe(expected);
  });
});
