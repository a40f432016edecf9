import { describe, expect, test } from 'vitest';
import type { AttributeValue, Item } from '../../protocol/attribute-value.ts';
import { applyUpdate, type Update, updatedAttributes } from '../../protocol/expression/update.ts';
import { bindLegacyWrite } from '../../protocol/legacy/write.ts';
import type { UpdateItemInput } from '../../protocol/operation.ts';
import { validateUpdateItem } from '../../protocol/validate/write.ts';
import { refusal } from './refusal.ts';

const invalid = 'ValidationException: One or more parameter values were invalid:';

function validated(AttributeUpdates: object, more: object = {}): UpdateItemInput {
  return validateUpdateItem({ TableName: 'abc', Key: {}, AttributeUpdates, ...more });
}

function bound(updates: object): Update {
  const update = bindLegacyWrite(validated(updates))?.update;
  if (update === undefined) throw new Error('no update');
  return update;
}

/** What is left of the item, as an update finds it: first its condition is evaluated. */
function updated(item: Item, updates: object, more: object = {}): Item | string {
  let result: Item = {};
  const refused = refusal(() => {
    const legacy = bindLegacyWrite(validated(updates, more));
    if (legacy?.condition?.holds(item) === false) throw new Error('the condition fails');
    result = legacy?.update === undefined ? item : applyUpdate(legacy.update, item);
  });
  return refused === 'accepted' ? result : refused;
}

describe('AttributeUpdates are refused', () => {
  const types: AttributeValue[] = [
    { S: '1' },
    { N: '1' },
    { B: 'YQ==' },
    { BOOL: true },
    { NULL: true },
    { SS: ['1'] },
    { NS: ['1'] },
    { BS: ['YQ=='] },
    { L: [] },
    { M: {} },
  ];

  test.each<['ADD' | 'DELETE' | 'PUT', string, string]>([
    ['PUT', '', ''],
    ['ADD', 'S B BOOL NULL M', 'ADD action is not supported for the type'],
    ['DELETE', 'S N B BOOL NULL L M', 'DELETE action with value is not supported for the type'],
  ])('%s of the types %s', (Action, expected, text) => {
    const refused = types.flatMap((Value) => {
      const [type = ''] = Object.keys(Value);
      const answer = refusal(() => validated({ a: { Action, Value } }));
      expect(['accepted', `${invalid} ${text} ${type}`]).toContain(answer);
      return answer === 'accepted' ? [] : [type];
    });
    expect(refused.join(' ')).toBe(expected);
  });

  test.each<[object, string]>([
    [{ a: { Action: 'DELETE' } }, 'accepted'],
    [{ a: {} }, `${invalid} Only DELETE action is allowed when no attribute value is specified`],
    [
      { a: { Action: 'ADD' } },
      `${invalid} Only DELETE action is allowed when no attribute value is specified`,
    ],
    [
      { a: { Action: 'PUT' } },
      `${invalid} Only DELETE action is allowed when no attribute value is specified`,
    ],
    [
      { a: { Action: 'DELETE', Value: { N: 'x' } } },
      'ValidationException: The parameter cannot be converted to a numeric value: x',
    ],
    [{ '': { Value: { S: 'a' } } }, 'ValidationException: Empty attribute name'],
    [
      { ['é'.repeat(32_768)]: { Value: { S: 'a' } } },
      'ValidationException: Attribute name is too large, must be less than 65536 bytes',
    ],
  ])('%.60j: %s', (updates, expected) => {
    expect(refusal(() => validated(updates))).toBe(expected);
  });

  test('after the key, before Expected', () => {
    const wrong = { a: { Action: 'ADD', Value: { S: 'a' } } };
    expect(refusal(() => validated(wrong, { Key: { p: { N: 'x' } } }))).toContain('numeric value');
    expect(refusal(() => validated(wrong, { Expected: { a: {} } }))).toContain('ADD action');
  });

  test('if they name the key', () => {
    expect(
      refusal(() => bound({ b: { Action: 'DELETE' }, p: { Action: 'DELETE' } }).checkKeyNames(['p'])),
    ).toBe(`${invalid} Cannot update attribute p. This attribute is part of the key`);
  });
});

describe('AttributeUpdates make of an item', () => {
  const item: Item = {
    s: { S: 'x' },
    n: { N: '1' },
    ss: { SS: ['a', 'b'] },
    l: { L: [{ N: '1' }] },
  };
  const mismatch = 'ValidationException: Type mismatch for attribute to update';

  test.each<[string, object, Item | string]>([
    ['PUT is what is done where nothing is said', { s: { Value: { N: '1.0' } } }, { s: { N: '1' } }],
    ['PUT of another type', { ss: { Action: 'PUT', Value: { M: {} } } }, { ss: { M: {} } }],
    ['ADD to a number', { n: { Action: 'ADD', Value: { N: '-2.5' } } }, { n: { N: '-1.5' } }],
    ['ADD where there is no number', { x: { Action: 'ADD', Value: { N: '7' } } }, { x: { N: '7' } }],
    ['ADD to a set', { ss: { Action: 'ADD', Value: { SS: ['b', 'c'] } } }, { ss: { SS: ['a', 'b', 'c'] } }],
    ['ADD where there is no set', { x: { Action: 'ADD', Value: { BS: ['YQ=='] } } }, { x: { BS: ['YQ=='] } }],
    [
      'ADD to a list',
      { l: { Action: 'ADD', Value: { L: [{ N: '1' }] } } },
      { l: { L: [{ N: '1' }, { N: '1' }] } },
    ],
    ['ADD where there is no list', { x: { Action: 'ADD', Value: { L: [] } } }, { x: { L: [] } }],
    ['ADD a list to a set', { ss: { Action: 'ADD', Value: { L: [{ S: 'c' }] } } }, mismatch],
    ['ADD a set to a list', { l: { Action: 'ADD', Value: { SS: ['c'] } } }, mismatch],
    ['ADD a number to a string', { s: { Action: 'ADD', Value: { N: '1' } } }, mismatch],
    ['ADD a set of another type', { ss: { Action: 'ADD', Value: { NS: ['1'] } } }, mismatch],
    ['DELETE from a set', { ss: { Action: 'DELETE', Value: { SS: ['a', 'z'] } } }, { ss: { SS: ['b'] } }],
    ['DELETE from no set', { x: { Action: 'DELETE', Value: { SS: ['a'] } } }, {}],
    ['DELETE a set of another type', { ss: { Action: 'DELETE', Value: { NS: ['1'] } } }, mismatch],
    ['DELETE a set from a number', { n: { Action: 'DELETE', Value: { NS: ['1'] } } }, mismatch],
    ['DELETE what is not there', { x: { Action: 'DELETE' } }, {}],
  ])('%s', (_, updates, expected) => {
    const before = structuredClone(item);
    expect(updated(item, updates)).toEqual(
      typeof expected === 'string' ? expected : { ...item, ...expected },
    );
    expect(item).toEqual(before);
  });

  test('less: DELETE of an attribute, or of all that a set has', () => {
    const { s, ss, ...rest } = item;
    const updates = { s: { Action: 'DELETE' }, ss: { Action: 'DELETE', Value: { SS: ['b', 'a'] } } };
    expect(updated(item, updates)).toEqual(rest);
  });

  test('names with dots and brackets are names, not paths', () => {
    expect(updated({}, { 'a.b[0]': { Value: { S: 'x' } } })).toEqual({ 'a.b[0]': { S: 'x' } });
    const inherited = JSON.parse('{"__proto__": {"Value": {"S": "x"}}}');
    expect(JSON.stringify(updated({}, inherited))).toBe('{"__proto__":{"S":"x"}}');
  });

  test('a failed condition comes before a mismatch', () => {
    const updates = { s: { Action: 'ADD', Value: { N: '1' } } };
    expect(() => updated(item, updates, { Expected: { n: { Value: { N: '2' } } } })).toThrow('condition');
    expect(updated(item, updates, { Expected: { n: { Value: { N: '1' } } } })).toBe(mismatch);
  });

  test('what grows too large is refused', () => {
    const big = { a: { L: [{ S: 'x'.repeat(300_000) }] } };
    expect(updated(big, { a: { Action: 'ADD', Value: { L: [{ S: 'x'.repeat(300_000) }] } } })).toBe(
      'ValidationException: Item size to update has exceeded the maximum allowed size',
    );
  });
});

describe('AttributeUpdates of an item that is not there', () => {
  test.each<[object, boolean]>([
    [{ a: { Value: { S: 'x' } } }, true],
    [{ a: { Action: 'ADD', Value: { N: '1' } } }, true],
    [{ a: { Action: 'ADD', Value: { L: [] } } }, true],
    [{ a: { Action: 'DELETE' } }, false],
    [{ a: { Action: 'DELETE', Value: { SS: ['x'] } } }, false],
    [{ a: { Action: 'DELETE' }, b: { Value: { S: 'x' } } }, true],
  ])('%j create it: %j', (updates, expected) => {
    expect(bound(updates).createsItem).toBe(expected);
  });

  test('none at all are no update, which creates it', () => {
    expect(bindLegacyWrite(validated({}))).toEqual({ condition: undefined, update: undefined });
  });
});

test('the attributes updated are those that are named and there', () => {
  const update = bound({ a: { Value: { S: 'x' } }, b: { Action: 'DELETE' } });
  expect(updatedAttributes(update, { a: { S: 'x' }, c: { S: 'y' } })).toEqual({ a: { S: 'x' } });
  expect(updatedAttributes(update, { c: { S: 'y' } })).toBeUndefined();
});
