import { describe, expect, test } from 'vitest';
import type { Item } from '../../protocol/attribute-value.ts';
import { bindLegacyWrite } from '../../protocol/legacy/write.ts';
import { validateDeleteItem, validatePutItem, validateUpdateItem } from '../../protocol/validate/write.ts';
import { refusal } from './refusal.ts';

const invalid = 'ValidationException: One or more parameter values were invalid:';
const one = [{ S: 'a' }];

describe('Expected is refused', () => {
  const put = (members: object) => refusal(() => validatePutItem({ TableName: 'abc', Item: {}, ...members }));
  const expecting = (a: object) => put({ Expected: { a } });

  test.each<[object, string]>([
    [
      { Value: one[0], AttributeValueList: one, Exists: true },
      'Value and AttributeValueList cannot be used together for Attribute: a',
    ],
    [
      { Exists: false, ComparisonOperator: 'NULL' },
      'Exists and ComparisonOperator cannot be used together for Attribute: a',
    ],
    [
      { ComparisonOperator: 'LT' },
      'Value or AttributeValueList must be used with ComparisonOperator: LT for Attribute: a',
    ],
    [
      { AttributeValueList: one, Exists: false },
      'AttributeValueList can only be used with a ComparisonOperator for Attribute: a',
    ],
    [{}, 'Value must be provided when Exists is null for Attribute: a'],
    [{ Exists: true }, 'Value must be provided when Exists is true for Attribute: a'],
    [{ Exists: false, Value: { N: 'x' } }, 'Value cannot be used when Exists is false for Attribute: a'],
    [
      { ComparisonOperator: 'BETWEEN', Value: one[0] },
      'Invalid number of argument(s) for the BETWEEN ComparisonOperator',
    ],
    [
      { ComparisonOperator: 'NULL', Value: one[0] },
      'Invalid number of argument(s) for the NULL ComparisonOperator',
    ],
    [
      { ComparisonOperator: 'IN', AttributeValueList: [] },
      'Invalid number of argument(s) for the IN ComparisonOperator',
    ],
    [
      { ComparisonOperator: 'CONTAINS', Value: { M: {} } },
      'ComparisonOperator CONTAINS is not valid for M AttributeValue type',
    ],
    [
      { ComparisonOperator: 'IN', AttributeValueList: [{ S: 'a' }, { N: '1' }] },
      'AttributeValues inside AttributeValueList must be of same type',
    ],
    [{ Value: { SS: [] } }, 'An string set  may not be empty'],
  ])('as %j: %s', (attribute, expected) => {
    expect(expecting(attribute)).toBe(`${invalid} ${expected}`);
  });

  test('for a value as for any other value', () => {
    expect(expecting({ ComparisonOperator: 'EQ', Value: { N: 'x' } })).toBe(
      'ValidationException: The parameter cannot be converted to a numeric value: x',
    );
    expect(expecting({ Value: {} })).toContain('Supplied AttributeValue is empty');
  });

  test('for the first attribute that is wrong', () => {
    expect(put({ Expected: { a: { Exists: false }, c: { Exists: true }, b: {} } })).toBe(
      `${invalid} Value must be provided when Exists is true for Attribute: c`,
    );
  });

  test('after the item and ReturnValues, before anything is looked up', () => {
    const Expected = { a: {} };
    expect(put({ Expected, Item: { p: { N: 'x' } } })).toContain('numeric value');
    expect(put({ Expected, ReturnValues: 'ALL_NEW' })).toContain('ReturnValues');
    expect(put({ Expected, ReturnValues: 'ALL_OLD' })).toContain('Value must be provided');
  });
});

describe('ConditionalOperator', () => {
  const operations: [string, (members: object) => string][] = [
    ['PutItem', (more) => refusal(() => validatePutItem({ TableName: 'abc', Item: {}, ...more }))],
    ['DeleteItem', (more) => refusal(() => validateDeleteItem({ TableName: 'abc', Key: {}, ...more }))],
    ['UpdateItem', (more) => refusal(() => validateUpdateItem({ TableName: 'abc', Key: {}, ...more }))],
  ];
  const a = { Exists: false };

  test.each(operations)('%s', (_, refused) => {
    const without = 'ValidationException: ConditionalOperator cannot be used without Filter or Expected';
    const withOne =
      'ValidationException: ConditionalOperator can only be used when Filter or Expected has two or more elements';
    expect(refused({ ConditionalOperator: 'OR' })).toBe(without);
    expect(refused({ ConditionalOperator: 'OR', Expected: {} })).toBe(without);
    expect(refused({ ConditionalOperator: 'AND', Expected: { a } })).toBe(withOne);
    expect(refused({ ConditionalOperator: 'AND', Expected: { a, b: a } })).toBe('accepted');
    expect(refused({ ConditionalOperator: 'OR', ConditionExpression: 'x' })).toContain(
      'Non-expression parameters: {ConditionalOperator} Expression parameters: {ConditionExpression}',
    );
    expect(refused({ ConditionalOperator: 'OR', Expected: { a }, ConditionExpression: 'x' })).toContain(
      'Non-expression parameters: {Expected, ConditionalOperator} Expression',
    );
  });
});

describe('Expected holds', () => {
  function holds(Expected: object, item: Item, operator?: 'AND' | 'OR'): boolean {
    const input = validatePutItem({
      TableName: 'abc',
      Item: {},
      Expected,
      ...(operator && { ConditionalOperator: operator }),
    });
    return bindLegacyWrite(input)?.condition?.holds(item) ?? true;
  }

  test.each<[object, Item, boolean]>([
    [{ Value: { N: '1.0' } }, { a: { N: '1' } }, true],
    [{ Value: { N: '1' } }, { a: { S: '1' } }, false],
    [{ Value: { N: '1' } }, {}, false],
    [{ Value: { N: '1' }, Exists: true }, { a: { N: '1' } }, true],
    [{ Exists: false }, {}, true],
    [{ Exists: false }, { a: { NULL: true } }, false],
    [{ ComparisonOperator: 'NE', Value: { N: '1' } }, {}, true],
    [{ ComparisonOperator: 'NOT_NULL' }, { a: { NULL: true } }, true],
    [{ ComparisonOperator: 'NULL' }, { a: { NULL: true } }, false],
    [{ ComparisonOperator: 'NOT_CONTAINS', Value: { S: 'x' } }, {}, false],
    [
      { ComparisonOperator: 'BETWEEN', AttributeValueList: [{ N: '1' }, { N: '3' }] },
      { a: { N: '2' } },
      true,
    ],
  ])('%j of %j: %j', (a, item, expected) => {
    expect(holds({ a }, item)).toBe(expected);
  });

  test('together by AND unless OR is asked for', () => {
    const both = { a: { Exists: false }, b: { Value: { S: 'x' } } };
    expect(holds(both, {})).toBe(false);
    expect(holds(both, {}, 'AND')).toBe(false);
    expect(holds(both, {}, 'OR')).toBe(true);
    expect(holds(both, { b: { S: 'x' } })).toBe(true);
  });

  test('for everything where it is empty', () => {
    expect(holds({}, {})).toBe(true);
  });
});

test('a write without legacy parameters binds none', () => {
  expect(bindLegacyWrite({})).toBeUndefined();
});
