import { describe, expect, test } from 'vitest';
import type { AttributeValue } from '../../protocol/attribute-value.ts';
import {
  bindKeyCondition,
  type KeyAttributes,
  type KeyCondition,
  parseKeyCondition,
} from '../../protocol/expression/key-condition.ts';
import { Substitutions } from '../../protocol/expression/substitutions.ts';

const schema: KeyAttributes = { partition: [{ name: 'a', type: 'S' }], sort: [{ name: 'b', type: 'N' }] };
const values: Record<string, AttributeValue> = {
  ':s': { S: 'x' },
  ':t': { S: 'y' },
  ':1': { N: '1' },
  ':2': { N: '2.0' },
};

function parse(text: string) {
  return parseKeyCondition(text, new Substitutions({ '#a': 'a' }, values));
}

describe('reads', () => {
  const partition = [{ S: 'x' }];
  const one = { N: '1' };
  const two = { N: '2' };

  test.each<[string, KeyCondition]>([
    ['a = :s', { partition, sort: [] }],
    ['(#a = :s)', { partition, sort: [] }],
    [':s = a', { partition, sort: [] }],
    ['a = :s AND b = :1', { partition, sort: [{ operator: '=', values: [one] }] }],
    ['b < :1 and a = :s', { partition, sort: [{ operator: '<', values: [one] }] }],
    ['a = :s AND :1 < b', { partition, sort: [{ operator: '>', values: [one] }] }],
    ['a = :s AND :1 <= b', { partition, sort: [{ operator: '>=', values: [one] }] }],
    ['a = :s AND :1 > b', { partition, sort: [{ operator: '<', values: [one] }] }],
    ['a = :s AND :1 >= b', { partition, sort: [{ operator: '<=', values: [one] }] }],
    ['((a = :s) AND (b >= :2))', { partition, sort: [{ operator: '>=', values: [two] }] }],
    ['a = :s AND b BETWEEN :1 AND :2', { partition, sort: [{ operator: 'BETWEEN', values: [one, two] }] }],
  ])('%s', (text, condition) => {
    expect(bindKeyCondition(parse(text), schema)).toEqual(condition);
  });

  test('begins_with on a sort key of strings', () => {
    const strings: KeyAttributes = { ...schema, sort: [{ name: 'b', type: 'S' }] };
    expect(bindKeyCondition(parse('a = :s AND begins_with(b, :t)'), strings)).toEqual({
      partition,
      sort: [{ operator: 'begins_with', values: [{ S: 'y' }] }],
    });
  });
});

describe('refuses without knowing the table', () => {
  const invalid = 'Invalid KeyConditionExpression:';
  const condition = 'Invalid condition in KeyConditionExpression:';

  test.each([
    ['', `${invalid} The expression can not be empty;`],
    ['a > 4', `${invalid} Syntax error; token: "4", near: "> 4"`],
    ['((a = :s))', `${invalid} The expression has redundant parentheses;`],
    [
      'a = :x',
      `${invalid} An expression attribute value used in expression is not defined; attribute value: :x`,
    ],
    [
      'a = :s AND begins_with(b, :1)',
      `${invalid} Incorrect operand type for operator or function; operator or function: begins_with, operand type: N`,
    ],
    [
      'a between :t and :s',
      `${invalid} The BETWEEN operator requires upper bound to be greater than or equal to lower bound; ` +
        'lower bound operand: AttributeValue: {S:y}, upper bound operand: AttributeValue: {S:x}',
    ],
    ...(
      [
        ['a > b and size(b) > c or a > c', 'OR'],
        ['not a > b', 'NOT'],
        ['a in (b, size(c), d)', 'IN'],
        ['a <> b', '<>'],
        ['attribute_exists(a)', 'attribute_exists'],
        ['contains(a.d, b)', 'contains'],
      ] as const
    ).map(([text, operator]) => [text, `Invalid operator used in KeyConditionExpression: ${operator}`]),
    [
      'begins_with(:s, b) and a > :1',
      `${condition} begins_with operator must have the key attribute as its first operand`,
    ],
    [
      ':1 between size(b) and size(a)',
      `${condition} BETWEEN operator must have the key attribute as its first operand`,
    ],
    ['size(b) > a AND a.b > b', 'KeyConditionExpressions cannot contain nested operations'],
    ['a > size(b.d)', 'KeyConditionExpressions cannot contain nested operations'],
    ['b > a.b', `${condition} Multiple attribute names used in one condition`],
    ['a between b and size(a)', `${condition} Multiple attribute names used in one condition`],
    ['begins_with(a, b)', `${condition} Multiple attribute names used in one condition`],
    [
      'b.d > a AND c.d > e.f',
      'Invalid KeyConditionExpression: KeyConditionExpressions cannot have conditions on nested attributes',
    ],
    [
      'b[0] > a',
      'Invalid KeyConditionExpression: KeyConditionExpressions cannot have conditions on nested attributes',
    ],
    [':s > :s AND a < :1', `${condition} No key attribute specified`],
    [
      'b > :1 AND b < :1 and c = :1',
      'Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key',
    ],
    [
      '(a > :1 and b > :1) and (b > :1 and c > :1)',
      'Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key',
    ],
  ])('%s', (text, message) => {
    expect(() => parse(text as string)).toThrow(
      expect.objectContaining({ code: 'ValidationException', message }),
    );
  });
});

describe('refuses for the schema', () => {
  const hashOnly: KeyAttributes = { ...schema, sort: [] };
  const mismatch =
    'One or more parameter values were invalid: Condition parameter type does not match schema type';

  test.each<[string, KeyAttributes, string]>([
    ['b = :1', schema, 'Query condition missed key schema element: a'],
    ['c = :1', schema, 'Query condition missed key schema element: a'],
    ['a = :s AND c = :1', schema, 'Query condition missed key schema element: b'],
    ['a > :s', schema, 'Query key condition not supported'],
    ['a = :s AND b = :1', hashOnly, 'Query key condition not supported'],
    [
      'a = :s AND b = :1 AND c = :1',
      schema,
      'The number of query conditions (3) exceeds the number of key attributes defined in the schema (2)',
    ],
    ['a = :1', schema, mismatch],
    ['a = :s AND b = :s', schema, mismatch],
  ])('%s', (text, key, message) => {
    const conditions = parse(text);
    expect(() => bindKeyCondition(conditions, key)).toThrow(
      expect.objectContaining({ code: 'ValidationException', message }),
    );
  });

  test('an empty value of a key attribute', () => {
    const empty = parseKeyCondition('a = :e', new Substitutions(undefined, { ':e': { S: '' } }));
    expect(() => bindKeyCondition(empty, schema)).toThrow(
      'One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty ' +
        'string value. Key: a',
    );
  });
});

describe('keys of several attributes', () => {
  const names = ['h1', 'h2', 'r1', 'r2'] as const;
  const [h1, h2, r1, r2] = names.map((name) => ({ name, type: 'S' as const }));
  const key = { partition: [h1, h2], sort: [r1, r2] } as KeyAttributes;
  const partition = 'h1 = :s AND h2 = :t';

  test.each([
    [partition, []],
    [`${partition} AND r1 > :s`, [{ operator: '>', values: [{ S: 'x' }] }]],
    [
      `${partition} AND r1 = :s AND begins_with(r2, :t)`,
      [
        { operator: '=', values: [{ S: 'x' }] },
        { operator: 'begins_with', values: [{ S: 'y' }] },
      ],
    ],
  ])('take conditions on the first ones: %s', (text, sort) => {
    expect(bindKeyCondition(parse(text), key)).toEqual({ partition: [{ S: 'x' }, { S: 'y' }], sort });
  });

  const needsEquality =
    'RANGE key attributes r1 must have equality conditions specified in the query because a condition is present ' +
    'on key attribute r2';

  test.each([
    ['h1 = :s', 'Query condition missed key schema element: h2'],
    [`${partition} AND r2 = :s`, needsEquality],
    [`${partition} AND r1 > :s AND r2 = :t`, needsEquality],
    [
      `${partition} AND r1 = :s AND r2 = :t AND r3 = :s`,
      'The number of query conditions (5) exceeds the number of key attributes defined in the schema (4)',
    ],
    ['h1 = :s AND h2 > :t', 'Query key condition not supported'],
  ])('refuse %s', (text, message) => {
    expect(() => bindKeyCondition(parse(text), key)).toThrow(message);
  });
});
