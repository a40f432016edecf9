import * as fc from 'fast-check';
import { type AnyValue, anyValue, sometimes } from './value-generator.ts';

/* The parameters that expressions have replaced (AWS: LegacyConditionalParameters). */

const operators = ['EQ', 'NE', 'IN', 'LE', 'LT', 'GE', 'GT', 'BETWEEN', 'NOT_NULL', 'NULL'] as const;
const textOperators = ['CONTAINS', 'NOT_CONTAINS', 'BEGINS_WITH'] as const;

const operator = fc.oneof(
  { weight: 10, arbitrary: fc.constantFrom(...operators, ...textOperators) },
  { weight: 1, arbitrary: fc.constant('LIKE') },
);

/** As many values as the operator takes, mostly. */
const comparison = fc
  .tuple(operator, fc.array(anyValue, { minLength: 3, maxLength: 3 }), fc.nat(20))
  .map(([ComparisonOperator, values, luck]) => {
    const count = luck === 0 ? 3 : countOf(ComparisonOperator);
    return { ComparisonOperator, ...(count > 0 && { AttributeValueList: values.slice(0, count) }) };
  });

function countOf(ComparisonOperator: string): number {
  if (ComparisonOperator === 'BETWEEN') return 2;
  return ComparisonOperator === 'NULL' || ComparisonOperator === 'NOT_NULL' ? 0 : 1;
}

const expectation = fc.oneof(
  { weight: 4, arbitrary: comparison },
  { weight: 2, arbitrary: anyValue.map((Value): object => ({ Value })) },
  { weight: 1, arbitrary: fc.constant<object>({ Exists: false }) },
  { weight: 1, arbitrary: anyValue.map((Value): object => ({ Value, Exists: true })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<object>(
      {},
      { Exists: true },
      { Exists: false, Value: { S: 'a' } },
      { Value: { S: 'a' }, ComparisonOperator: 'EQ' },
      { ComparisonOperator: 'EQ' },
      { AttributeValueList: [{ S: 'a' }] },
    ),
  },
);

const attributeName = fc.constantFrom('a', 'b', 'c', 'missing');

function byName(condition: fc.Arbitrary<object>): fc.Arbitrary<Readonly<Record<string, object>>> {
  return fc
    .uniqueArray(fc.tuple(attributeName, condition), {
      minLength: 1,
      maxLength: 2,
      selector: ([name]) => name,
    })
    .map((entries) => Object.fromEntries(entries));
}

const attributeUpdate = fc
  .tuple(sometimes(85, fc.constantFrom('PUT', 'ADD', 'DELETE')), sometimes(85, anyValue))
  .map(([Action, Value]) => ({
    ...(Action !== undefined && { Action }),
    ...(Value !== undefined && { Value }),
  }));

const conditionalOperator = sometimes(30, fc.constantFrom('AND', 'OR'));

export interface LegacyWrite {
  readonly Expected?: object;
  readonly ConditionalOperator?: string;
  readonly AttributeUpdates?: object;
  readonly ConditionExpression?: string;
}

export const legacyWrite: fc.Arbitrary<LegacyWrite> = fc
  .record({
    expected: sometimes(60, byName(expectation)),
    conditional: conditionalOperator,
    updates: sometimes(90, byName(attributeUpdate)),
    luck: fc.nat(40),
  })
  .map(({ expected, conditional, updates, luck }) => ({
    ...(expected !== undefined && { Expected: expected }),
    ...(conditional !== undefined && { ConditionalOperator: conditional }),
    ...(updates !== undefined && { AttributeUpdates: updates }),
    ...(luck === 0 && { ConditionExpression: 'attribute_exists(a)' }),
  }));

export const legacyRead: fc.Arbitrary<object> = fc
  .array(fc.constantFrom('a', 'b', 'p', 'missing', 'c.x'), { minLength: 1, maxLength: 3 })
  .map((AttributesToGet) => ({ AttributesToGet }));

/** QueryFilter or ScanFilter. */
export function legacyFilter(name: 'QueryFilter' | 'ScanFilter'): fc.Arbitrary<object> {
  return fc.tuple(byName(comparison), conditionalOperator).map(([filter, conditional]) => ({
    [name]: filter,
    ...(conditional !== undefined && { ConditionalOperator: conditional }),
  }));
}

/** @param values those of the sort key. */
export function legacyKeyConditions(
  partition: readonly [name: string, value: AnyValue],
  sortName: string,
  values: fc.Arbitrary<AnyValue>,
): fc.Arbitrary<object> {
  const sort = fc.tuple(operator, values, values).map(([ComparisonOperator, a, b]) => ({
    ComparisonOperator,
    AttributeValueList: [a, b].slice(0, countOf(ComparisonOperator)),
  }));
  return sometimes(70, sort).map((condition) => ({
    KeyConditions: {
      [partition[0]]: { ComparisonOperator: 'EQ', AttributeValueList: [partition[1]] },
      ...(condition !== undefined && { [sortName]: condition }),
    },
  }));
}
