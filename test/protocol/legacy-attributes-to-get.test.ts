import { describe, expect, test } from 'vitest';
import type { Item } from '../../protocol/attribute-value.ts';
import { projectItem } from '../../protocol/expression/projection.ts';
import { bindAttributesToGet, checkAttributesToGet } from '../../protocol/legacy/attributes-to-get.ts';
import { refusal } from './refusal.ts';

describe('AttributesToGet', () => {
  const item: Item = { a: { M: { b: { S: 'x' } } }, 'a.b': { N: '1' }, c: { NULL: true } };

  test.each<[string[], Item]>([
    [['c', 'a'], { c: { NULL: true }, a: { M: { b: { S: 'x' } } } }],
    [['a.b'], { 'a.b': { N: '1' } }],
    [['a[0]', 'constructor', 'missing'], {}],
  ])('%j are names, not paths', (names, expected) => {
    expect(projectItem(bindAttributesToGet(names), item)).toEqual(expected);
  });

  test('of a name that objects inherit', () => {
    const inherited: Item = JSON.parse('{"__proto__": {"S": "x"}}');
    expect(projectItem(bindAttributesToGet(['__proto__']), {})).toEqual({});
    expect(JSON.stringify(projectItem(bindAttributesToGet(['__proto__']), inherited))).toBe(
      '{"__proto__":{"S":"x"}}',
    );
  });

  test.each<[string[] | undefined, string]>([
    [undefined, 'accepted'],
    [['a', 'A'], 'accepted'],
    [
      ['a', 'b', 'b', 'a'],
      'ValidationException: One or more parameter values were invalid: Duplicate value in attribute name: b',
    ],
    [['a', ''], 'ValidationException: Empty attribute name'],
  ])('%j: %s', (names, expected) => {
    expect(refusal(() => checkAttributesToGet(names))).toBe(expected);
  });
});
