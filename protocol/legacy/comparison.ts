import {
  type AttributeType,
  type AttributeValue,
  attributeType,
  canonicalValue,
  compareValues,
  getAttribute,
} from '../attribute-value.ts';
import { validationError } from '../errors.ts';
import type { Comparator } from '../expression/ast.ts';
import type { BoundOperand } from '../expression/binding.ts';
import type { BoundCondition } from '../expression/condition-binding.ts';
import { compileCondition, type Predicate } from '../expression/evaluate.ts';
import type { ComparisonOperator } from '../operation.ts';
import { invalidParameterValue } from './errors.ts';

/** What KeyConditions, QueryFilter, ScanFilter and Expected say of one attribute. */
export interface Comparison {
  readonly operator: ComparisonOperator;
  /** As many as the operator takes, all of one type. */
  readonly values: readonly AttributeValue[];
}

/**
 * Checks that the operator takes the values: first each of them alone, then how many they are, then their types
 * (AWS: API_Condition, ComparisonOperator).
 * @returns the values in canonical form.
 * @throws ValidationException
 */
export function checkComparison({ operator, values }: Comparison): AttributeValue[] {
  const canonical = values.map((value) => canonicalValue(value));
  const { valuesMin, valuesMax, types } = rules[operator];
  if (canonical.length < valuesMin || canonical.length > valuesMax) {
    throw invalidParameterValue(`Invalid number of argument(s) for the ${operator} ComparisonOperator`);
  }
  checkTypes(operator, canonical, types);
  if (operator === 'BETWEEN') checkBounds(canonical as [AttributeValue, AttributeValue]);
  return canonical;
}

/** Turns a checked comparison into a function of the item, once for all items. */
export function compileComparison(name: string, { operator, values }: Comparison): Predicate {
  return operator === 'IN'
    ? compileIn(name, values)
    : compileCondition(boundCondition(name, operator, values));
}

/** Whether the comparison holds for an item that does not have the attribute: of those with values only NE does. */
export function holdsWhenMissing({ operator }: Comparison): boolean {
  return operator === 'NE' || operator === 'NULL';
}

interface Rule {
  readonly valuesMin: number;
  readonly valuesMax: number;
  /** Undefined for all types. */
  readonly types?: ReadonlySet<AttributeType>;
}

const scalars: ReadonlySet<AttributeType> = new Set(['S', 'N', 'B']);
const elements: ReadonlySet<AttributeType> = new Set(['S', 'N', 'B', 'BOOL', 'NULL']);
const sequences: ReadonlySet<AttributeType> = new Set(['S', 'B']);

/** AWS documents fewer types for EQ, NE and CONTAINS than it takes. */
const rules: Readonly<Record<ComparisonOperator, Rule>> = {
  EQ: { valuesMin: 1, valuesMax: 1 },
  NE: { valuesMin: 1, valuesMax: 1 },
  LE: { valuesMin: 1, valuesMax: 1, types: scalars },
  LT: { valuesMin: 1, valuesMax: 1, types: scalars },
  GE: { valuesMin: 1, valuesMax: 1, types: scalars },
  GT: { valuesMin: 1, valuesMax: 1, types: scalars },
  NOT_NULL: { valuesMin: 0, valuesMax: 0 },
  NULL: { valuesMin: 0, valuesMax: 0 },
  CONTAINS: { valuesMin: 1, valuesMax: 1, types: elements },
  NOT_CONTAINS: { valuesMin: 1, valuesMax: 1, types: elements },
  BEGINS_WITH: { valuesMin: 1, valuesMax: 1, types: sequences },
  IN: { valuesMin: 1, valuesMax: Number.POSITIVE_INFINITY, types: scalars },
  BETWEEN: { valuesMin: 2, valuesMax: 2, types: scalars },
};

function checkTypes(
  operator: ComparisonOperator,
  values: readonly AttributeValue[],
  types: ReadonlySet<AttributeType> | undefined,
): void {
  let first: AttributeType | undefined;
  for (const value of values) {
    const type = attributeType(value);
    first ??= type;
    if (types?.has(type) === false) {
      throw invalidParameterValue(
        `ComparisonOperator ${operator} is not valid for ${type} AttributeValue type`,
      );
    }
    if (type !== first) {
      throw invalidParameterValue('AttributeValues inside AttributeValueList must be of same type');
    }
  }
}

function checkBounds([lower, upper]: [AttributeValue, AttributeValue]): void {
  const order = compareValues(lower, upper);
  if (order === undefined || order <= 0) return;
  throw validationError(
    'The BETWEEN condition was provided a range where the lower bound is greater than the upper bound',
  );
}

/** The same condition as an expression would state it. */
function boundCondition(
  name: string,
  operator: Exclude<ComparisonOperator, 'IN'>,
  values: readonly AttributeValue[],
): BoundCondition {
  const operands: BoundOperand[] = [{ kind: 'path', path: [name] }];
  for (const value of values) operands.push({ kind: 'value', value });
  switch (operator) {
    case 'NOT_NULL':
      return { kind: 'function', name: 'attribute_exists', operands };
    case 'NULL':
      return { kind: 'function', name: 'attribute_not_exists', operands };
    case 'CONTAINS':
      return { kind: 'function', name: 'contains', operands };
    case 'NOT_CONTAINS':
      return notContains(operands);
    case 'BEGINS_WITH':
      return { kind: 'function', name: 'begins_with', operands };
    default:
      return { kind: 'comparison', operator: comparators[operator], operands };
  }
}

const comparators = {
  EQ: '=',
  NE: '<>',
  LE: '<=',
  LT: '<',
  GE: '>=',
  GT: '>',
  BETWEEN: 'BETWEEN',
} as const satisfies Partial<Record<ComparisonOperator, Comparator | 'BETWEEN'>>;

/** Unlike `NOT contains(...)`, this is false where the attribute is missing. */
function notContains(operands: readonly BoundOperand[]): BoundCondition {
  const contains = { kind: 'function', name: 'contains', operands } as const;
  return {
    kind: 'logical',
    operator: 'AND',
    conditions: [
      { kind: 'function', name: 'attribute_exists', operands: operands.slice(0, 1) },
      { kind: 'logical', operator: 'NOT', conditions: [contains] },
    ],
  };
}

/** An expression's IN has few operands; the list here may be long, so that items look their value up in it. */
function compileIn(name: string, values: readonly AttributeValue[]): Predicate {
  const type = attributeType(values[0] as AttributeValue);
  const contents = new Set(values.map((value) => contentOf(value, type)));
  return (item) => {
    const value = getAttribute(item, name);
    return value !== undefined && type in value && contents.has(contentOf(value, type));
  };
}

/** Canonical scalars of one type are equal exactly if their texts are. */
function contentOf(value: AttributeValue, type: AttributeType): unknown {
  return (value as Partial<Record<AttributeType, unknown>>)[type];
}
