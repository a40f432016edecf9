import { describe, expect, test } from 'vitest';
import type { AttributeValue, Item } from '../../protocol/attribute-value.ts';
import { bindCondition, type Condition, evaluateCondition } from '../../protocol/expression/condition.ts';
import { Substitutions } from '../../protocol/expression/substitutions.ts';

type Names = Record<string, string>;
type Values = Record<string, AttributeValue>;

function bind(text: string, names?: Names, values?: Values): Condition {
  return bindCondition('FilterExpression', text, new Substitutions(names, values));
}

const item: Item = {
  s: { S: 'hello' },
  n: { N: '5' },
  b: { B: 'YWJj' },
  t: { BOOL: true },
  nul: { NULL: true },
  ss: { SS: ['x', 'y'] },
  ns: { NS: ['1', '2.5'] },
  bs: { BS: ['YQ=='] },
  l: { L: [{ N: '1' }, { S: 'two' }, { M: { deep: { L: [{ S: 'end' }] } } }] },
  m: { M: { a: { N: '5' }, 'dotted.name': { S: 'd' } } },
  e: { S: 'é😀' },
};

const values: Values = {
  ':hello': { S: 'hello' },
  ':he': { S: 'he' },
  ':z': { S: 'z' },
  ':3': { N: '3' },
  ':5': { N: '5.0' },
  ':4': { N: '4' },
  ':6': { N: '6' },
  ':2': { N: '2.50' },
  ':ab': { B: 'YWI=' },
  ':bc': { B: 'YmM=' },
  ':a': { B: 'YQ==' },
  ':true': { BOOL: true },
  ':yx': { SS: ['y', 'x'] },
  ':two': { S: 'two' },
  ':x': { S: 'x' },
  ':S': { S: 'S' },
  ':NULL': { S: 'NULL' },
  ':end': { S: 'end' },
};

describe('evaluates', () => {
  test.each([
    ['s = :hello', true],
    ['s = :he', false],
    ['s <> :he', true],
    ['n = :5', true],
    ['n = m.a', true],
    ['ss = :yx', true],
    ['t = :true', true],
    ['n > :4 AND n < :6', true],
    ['n >= :5 AND n <= :5', true],
    ['n > :5 OR n < :5', false],
    [':4 < n', true],
    ['s < :z', true],
    ['s < :5', false],
    ['s > :5', false],
    ['b < :bc', true],
    ['n BETWEEN :4 AND :6', true],
    ['n between :5 and :5', true],
    [':5 BETWEEN m.a AND n', true],
    ['s BETWEEN :4 AND :6', false],
    ['n BETWEEN :6 AND absent', false],
    ['n IN (:4, :5)', true],
    ['n in (:4, :6, s)', false],
    ['absent IN (:4)', false],
    ['absent = :5', false],
    ['absent <> :5', true],
    ['absent = gone', false],
    ['absent <> gone', true],
    ['absent < :5', false],
    ['NOT absent = :5', true],
    ['NOT NOT n = :5', true],
    ['NOT NOT NOT n = :5', false],
    ['NOT n = :4 AND s = :hello', true],
    ['NOT (n = :4 OR s = :hello)', false],
    ['n = :4 AND n = :5 OR s = :hello', true],
    ['n = :4 AND (n = :5 OR s = :hello)', false],
    ['(n) = (:5)', true],
    ['((n) = :5) AND (s = :hello)', true],
    ['(m).a = :5', true],
    ['(m.a) = n', true],
    ['attribute_exists(s)', true],
    ['attribute_exists(m.a)', true],
    ['attribute_exists(m.b)', false],
    ['attribute_exists(l[2].deep[0])', true],
    ['attribute_exists(l[3])', false],
    ['attribute_exists(s.a)', false],
    ['attribute_exists(s[0])', false],
    ['attribute_exists(m[0])', false],
    ['attribute_exists(l.a)', false],
    ['attribute_exists(hasOwnProperty)', false],
    ['attribute_not_exists(m.hasOwnProperty)', true],
    ['attribute_not_exists(absent)', true],
    ['(attribute_not_exists(absent))', true],
    ['attribute_not_exists ( s )', false],
    ['attribute_type(s, :S)', true],
    ['attribute_type(nul, :NULL)', true],
    ['attribute_type(n, :S)', false],
    ['attribute_type(absent, :S)', false],
    ['begins_with(s, :he)', true],
    ['begins_with(s, :hello)', true],
    ['begins_with(s, :z)', false],
    ['begins_with(b, :ab)', true],
    ['begins_with(b, :bc)', false],
    ['begins_with(n, :he)', false],
    ['begins_with(:hello, s)', true],
    ['contains(s, :he)', true],
    ['contains(s, :z)', false],
    ['contains(b, :bc)', true],
    ['contains(ss, :x)', true],
    ['contains(ss, :z)', false],
    ['contains(ns, :2)', true],
    ['contains(ns, :5)', false],
    ['contains(bs, :a)', true],
    ['contains(l, :two)', true],
    ['contains(l, :5)', false],
    ['contains(m, :5)', false],
    ['contains(ss, :5)', false],
    ['contains(absent, :5)', false],
    ['size(s) = :5', true],
    ['size(e) = :3', true],
    ['size(b) < :4', true],
    ['size(ss) < size(l)', true],
    ['size(m) < :4', true],
    ['size(n) > :4', false],
    ['size(absent) <> :5', true],
    ['l[2].deep[0] = :end', true],
    ['l [ 2 ] . deep [ 0 ] = :end', true],
    ['l[00001] = :two', true],
  ])('%s is %s', (text, holds) => {
    expect(evaluateCondition(bind(text, undefined, values), item)).toBe(holds);
  });

  test('names stand for any attribute name', () => {
    const condition = bind('#m.#d = :d', { '#m': 'm', '#d': 'dotted.name' }, { ':d': { S: 'd' } });
    expect(evaluateCondition(condition, item)).toBe(true);
    expect([...condition.attributeNames]).toEqual(['m']);
    expect([...condition.documentNames]).toEqual(['m']);
  });

  test('an item that does not exist', () => {
    expect(evaluateCondition(bind('attribute_not_exists(pk)'), {})).toBe(true);
    expect(evaluateCondition(bind('attribute_exists(pk) OR pk = sk'), {})).toBe(false);
  });
});

function refused(text: string, message: string, names?: Names, given?: Values): void {
  expect(() => bind(text, names, given)).toThrow(
    expect.objectContaining({ code: 'ValidationException', message: `Invalid FilterExpression: ${message}` }),
  );
}

describe('syntax errors', () => {
  test.each([
    ['things are not gonna be ok', 'are', 'things are not'],
    ['a > 4', '4', '> 4'],
    ['a x b', 'x', 'a x b'],
    ['a >', '<EOF>', '>'],
    ['a', '<EOF>', 'a'],
    [':v', '<EOF>', ':v'],
    ['a = b )', ')', 'b )'],
    ['(a = b', '<EOF>', 'b'],
    ['a = b AND', '<EOF>', 'AND'],
    ['a AND b = c', 'AND', 'a AND b'],
    ['a = b AND c', '<EOF>', 'c'],
    ['NOT a', '<EOF>', 'a'],
    ['(a) AND b = c', 'AND', ') AND b'],
    ['attribute_exists(Pictures-RearView)', '-', 'Pictures-RearView'],
    ['attribute_exists("a")', '"', '("a'],
    ['attribute_exists(a..b)', '.', '..b'],
    ['attribute_exists(asdf[a])', 'a', '[a]'],
    ['a.:a < b.:b', ':a', '.:a <'],
    ['a in b', 'b', 'in b'],
    ['a in (b,c,)', ')', ',)'],
    ['a > between', 'between', '> between'],
    ['(a)between(b.(c.d))and(c)', '(', '.(c'],
    ['#$.b > a', '#', '#$'],
    ['a > :things.stuff', '.', ':things.stuff'],
    ['b[:a] > a', ':a', '[:a]'],
    ['ü > a', 'ü', 'ü >'],
    ['😀 = a', '😀', '😀 ='],
    ['a = b.c[4.5]', '.', '4.5'],
    ['size(a).b > a', '.', ').b'],
    ['(size(a)).b > a', '.', ').b'],
    ['size(a)[0] > a', '[', ')[0'],
    ['_a = b', '_', '_a'],
    ['(a = b) = c', '=', ') = c'],
    ['f()', ')', '()'],
    ['a = (b = c)', '=', 'b = c'],
    ['a == b', '=', '== b'],
    ['  a   =  ', '<EOF>', '='],
  ])('%s', (text, token, near) => {
    refused(text, `Syntax error; token: "${token}", near: "${near}"`);
  });
});

describe('refuses, before it looks at names and values', () => {
  test.each([
    ['', 'The expression can not be empty;'],
    [' \t\n', 'The expression can not be empty;'],
    ['((a = b))', 'The expression has redundant parentheses;'],
    ['a=a and a > ((views))', 'The expression has redundant parentheses;'],
    ['(a)between(((b.c)).d)and(c)', 'The expression has redundant parentheses;'],
    ['a > whatever((:things), ((a)))', 'The expression has redundant parentheses;'],
    ['a=a AND ((a=a AND (a=a AND a=a)))', 'The expression has redundant parentheses;'],
    ['(((a = b)))', 'The expression has redundant parentheses;'],
    ['a=a and whatever((:things)) > a', 'Invalid function name; function: whatever'],
    ['attRIbute_exIsts((views), #a)', 'Invalid function name; function: attRIbute_exIsts'],
    [
      'a = if_not_exists(b, c)',
      'The function is not allowed in a condition expression; function: if_not_exists',
    ],
    ...(
      [
        ['a=a and attribute_exists((views), (#a)) > b', 'attribute_exists'],
        ['attribute_type(things, :a) > b', 'attribute_type'],
        ['size(contains(a, b)) > a', 'contains'],
        ['size(things)', 'size'],
        ['a = b AND size(c)', 'size'],
        ['NOT size(c)', 'size'],
        ['a between b and attribute_exists(things)', 'attribute_exists'],
        ['a in (b, attribute_exists(things))', 'attribute_exists'],
      ] as const
    ).map(([text, name]) => [
      text,
      `The function is not allowed to be used this way in an expression; function: ${name}`,
    ]),
    ['attribute_exists(views, #a)', 'Attribute name is a reserved keyword; reserved keyword: views'],
    [':a < abOrT', 'Attribute name is a reserved keyword; reserved keyword: abOrT'],
    ['a.name = :a', 'Attribute name is a reserved keyword; reserved keyword: name'],
    ['a[2147483648] = :a', 'List index is not within the allowable range; index: [2147483648]'],
    [`a${'.b'.repeat(32)} = :a`, 'The document path has too many nesting levels; nesting levels: 33'],
  ])('%s', (text, message) => {
    refused(text as string, message as string);
  });

  test('an expression of 4,097 bytes', () => {
    const padded = (bytes: number) => `a = ${'b'.repeat(bytes - 4)}`;
    expect(evaluateCondition(bind(padded(4096)), {})).toBe(false);
    refused(padded(4097), 'Expression size has exceeded the maximum allowed size; expression size: 4097');
    refused(
      `${padded(4094)} é`,
      'Expression size has exceeded the maximum allowed size; expression size: 4097',
    );
  });

  test('more than 100 operands of IN', () => {
    const list = (count: number) => `a IN (${Array.from({ length: count }, (_, i) => `b${i}`).join(',')})`;
    expect(evaluateCondition(bind(list(100)), {})).toBe(false);
    refused(list(101), 'The IN operator is provided with too many operands; number of operands: 101');
  });

  test('more than 300 operators', () => {
    const chain = (count: number) => `${'a=b OR '.repeat(count)}${'NOT '.repeat(1)}a=b`;
    expect(evaluateCondition(bind(chain(149)), {})).toBe(true);
    refused(chain(150), 'The expression contains too many operators; operator count: 302');
  });
});

describe('refuses with the names and values', () => {
  const given: Values = { ':s': { S: 'a' }, ':n': { N: '1' }, ':l': { L: [] }, ':b': { B: 'YQ==' } };
  const wrongType = 'Incorrect operand type for operator or function; operator or function:';

  test.each([
    ['#a = :s', 'An expression attribute name used in the document path is not defined; attribute name: #a'],
    [
      'a.#b = :s',
      'An expression attribute name used in the document path is not defined; attribute name: #b',
    ],
    [':x < :y', 'An expression attribute value used in expression is not defined; attribute value: :x'],
    [
      'begins_with(:x, #a, #b)',
      'An expression attribute value used in expression is not defined; attribute value: :x',
    ],
    ...(
      [
        ['attribute_exists(a, b)', 'attribute_exists', 2],
        ['attribute_type(a)', 'attribute_type', 1],
        ['begins_with(a, size(b), c)', 'begins_with', 3],
        ['contains(a)', 'contains', 1],
        ['size(a, b) > c', 'size', 2],
      ] as const
    ).map(([text, name, count]) => [
      text,
      `Incorrect number of operands for operator or function; operator or function: ${name}, number of operands: ${count}`,
    ]),
    ['attribute_type(a, size(b))', `${wrongType} attribute_type, operand type: N`],
    ['attribute_type(a, :l)', `${wrongType} attribute_type, operand type: L`],
    ['attribute_type(a, b)', `${wrongType} attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}`],
    [
      'attribute_type(a, :s)',
      'Invalid attribute type name found; type: a, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}',
    ],
    ['begins_with(a, size(b))', `${wrongType} begins_with, operand type: N`],
    ['begins_with(a, :n)', `${wrongType} begins_with, operand type: N`],
    ['begins_with(:l, a)', `${wrongType} begins_with, operand type: L`],
    ['size(:n) > a', `${wrongType} size, operand type: N`],
    ['size(size(a)) > a', `${wrongType} size, operand type: N`],
    ['attribute_not_exists(size(:n))', `${wrongType} size, operand type: N`],
    ['a < :l', `${wrongType} <, operand type: L`],
    [':l >= a', `${wrongType} >=, operand type: L`],
    ['a BETWEEN :n AND :l', `${wrongType} BETWEEN, operand type: L`],
    [
      'attribute_exists(:s)',
      'Operator or function requires a document path; operator or function: attribute_exists',
    ],
    [
      'attribute_not_exists(size(:s))',
      'Operator or function requires a document path; operator or function: attribute_not_exists',
    ],
    [
      'a between :n and :s',
      'The BETWEEN operator requires same data type for lower and upper bounds; ' +
        'lower bound operand: AttributeValue: {N:1}, upper bound operand: AttributeValue: {S:a}',
    ],
    [
      'a = :s AND :x = b',
      'An expression attribute value used in expression is not defined; attribute value: :x',
    ],
    ['a < :l AND :x = b', `${wrongType} <, operand type: L`],
  ])('%s', (text, message) => {
    refused(text as string, message as string, undefined, given);
  });

  test('bounds in the wrong order', () => {
    refused(
      'a between :b and :a',
      'The BETWEEN operator requires upper bound to be greater than or equal to lower bound; ' +
        'lower bound operand: AttributeValue: {S:b}, upper bound operand: AttributeValue: {S:a}',
      undefined,
      { ':a': { S: 'a' }, ':b': { S: 'b' } },
    );
  });

  test.each([
    ['a = a', '=', '[a]'],
    ['#a <> a', '<>', '[a]'],
    ['a > #a', '>', '[a]'],
    ['((a=a) OR (a=a))', '=', '[a]'],
    ['a IN (b, a)', 'IN', '[a]'],
    ['a BETWEEN b AND a', 'BETWEEN', '[a]'],
    ['contains(ab.bc[1].a, ab.bc[1].#a)', 'contains', '[ab, bc, [1], a]'],
    ['begins_with(ab.bc[1].a, ab.bc[1].#a)', 'begins_with', '[ab, bc, [1], a]'],
  ])('%s compares with itself', (text, operator, path) => {
    refused(
      text,
      'The first operand must be distinct from the remaining operands for this operator or function; ' +
        `operator: ${operator}, first operand: ${path}`,
      { '#a': 'a' },
    );
  });

  test('a value may be compared with itself', () => {
    expect(evaluateCondition(bind(':s = :s', undefined, given), {})).toBe(true);
  });
});

test('the parameter is named in the error', () => {
  expect(() => bindCondition('ConditionExpression', 'a', new Substitutions(undefined, undefined))).toThrow(
    'Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "a"',
  );
});
