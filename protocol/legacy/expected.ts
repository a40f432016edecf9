import { type AttributeValue, canonicalValue } from '../attribute-value.ts';
import type { Condition } from '../expression/condition.ts';
import type { ComparisonOperator, ExpectedAttributeValue } from '../operation.ts';
import { checkAttributeName } from './attribute-name.ts';
import { type Comparison, checkComparison } from './comparison.ts';
import { type ConditionalOperator, joinComparisons } from './condition.ts';
import { invalidParameterValue } from './errors.ts';

interface ExpectedParameters {
  readonly Expected?: Record<string, ExpectedAttributeValue>;
  readonly ConditionalOperator?: ConditionalOperator;
}

/**
 * Checks what a write expects of each attribute: that Value, Exists, ComparisonOperator and AttributeValueList are
 * together as they may be, then the values.
 * @returns the input with canonical values; the very input where it expects nothing.
 * @throws ValidationException
 */
export function checkExpected<T extends ExpectedParameters>(input: T): T {
  if (input.Expected === undefined) return input;
  const checked = Object.entries(input.Expected).map(([name, expected]) => {
    checkAttributeName(name);
    return [name, checkAttribute(name, expected)] as const;
  });
  return { ...input, Expected: Object.fromEntries(checked) };
}

/**
 * The condition of a write, checked before, as ConditionExpression would state it
 * (AWS: LegacyConditionalParameters.Expected).
 * @returns undefined where nothing is expected.
 */
export function bindExpected({
  Expected: expected,
  ConditionalOperator,
}: ExpectedParameters): Condition | undefined {
  if (expected === undefined) return undefined;
  const comparisons = new Map<string, Comparison>();
  for (const name of Object.keys(expected)) {
    comparisons.set(name, comparisonOf(expected[name] as ExpectedAttributeValue));
  }
  return joinComparisons(comparisons, ConditionalOperator);
}

/** Without a ComparisonOperator, a Value is to be equal, and no Value says that there is to be no attribute. */
function comparisonOf(expected: ExpectedAttributeValue): Comparison {
  const { ComparisonOperator: operator, AttributeValueList, Value: value } = expected;
  const values = AttributeValueList ?? (value === undefined ? [] : [value]);
  return { operator: operator ?? (value === undefined ? 'NULL' : 'EQ'), values };
}

/** @returns what is expected of the attribute, without members that say nothing more. */
function checkAttribute(name: string, expected: ExpectedAttributeValue): ExpectedAttributeValue {
  const { ComparisonOperator: operator, AttributeValueList: list, Value: value, Exists: exists } = expected;
  if (list !== undefined && value !== undefined) {
    throw invalidParameterValue(
      `Value and AttributeValueList cannot be used together for Attribute: ${name}`,
    );
  }
  if (operator !== undefined) return checkCompared(name, operator, expected);
  if (list !== undefined) {
    throw invalidParameterValue(
      `AttributeValueList can only be used with a ComparisonOperator for Attribute: ${name}`,
    );
  }
  return checkExistence(name, exists, value);
}

function checkCompared(
  name: string,
  operator: ComparisonOperator,
  expected: ExpectedAttributeValue,
): ExpectedAttributeValue {
  if (expected.Exists !== undefined) {
    throw invalidParameterValue(
      `Exists and ComparisonOperator cannot be used together for Attribute: ${name}`,
    );
  }
  const comparison = comparisonOf(expected);
  const isGiven = expected.AttributeValueList !== undefined || expected.Value !== undefined;
  if (!isGiven && operator !== 'NULL' && operator !== 'NOT_NULL') {
    throw invalidParameterValue(
      `Value or AttributeValueList must be used with ComparisonOperator: ${operator} for Attribute: ${name}`,
    );
  }
  return { ComparisonOperator: operator, AttributeValueList: checkComparison(comparison) };
}

/** Exists alone is for attributes that are not to be there; those that are, are to have a value. */
function checkExistence(
  name: string,
  exists: boolean | undefined,
  value: AttributeValue | undefined,
): ExpectedAttributeValue {
  if (exists === false) {
    if (value === undefined) return { ComparisonOperator: 'NULL' };
    throw invalidParameterValue(`Value cannot be used when Exists is false for Attribute: ${name}`);
  }
  if (value === undefined) {
    throw invalidParameterValue(
      `Value must be provided when Exists is ${exists ?? 'null'} for Attribute: ${name}`,
    );
  }
  return { Value: canonicalValue(value) };
}
