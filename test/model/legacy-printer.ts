import { type Condition, isConditionWrong, type Operand } from './expression.ts';
import type { KeyOperator, KeyPart } from './request.ts';
import { canonicalTree } from './tree.ts';
import { typeOf, type Value } from './value.ts';

/** What Expected, QueryFilter, ScanFilter and KeyConditions hold, and how it is joined where there are several. */
export interface LegacyConditions {
  readonly conditions: Readonly<Record<string, object>>;
  readonly operator: 'AND' | 'OR' | undefined;
}

/**
 * The condition as the parameters of old say it (AWS: LegacyConditionalParameters); undefined where they cannot: they
 * have one comparison with values for an attribute, and one way to join them all.
 */
export function legacyConditions(condition: Condition): LegacyConditions | undefined {
  const isJoined = condition.kind === 'AND' || condition.kind === 'OR';
  const comparisons = (isJoined ? condition.parts : [condition]).map(comparisonOf);
  const known = comparisons.filter((comparison) => comparison !== undefined);
  const conditions = Object.fromEntries(known.map(({ name, ...rest }) => [name, printed(rest)]));
  if (Object.keys(conditions).length < comparisons.length || !isRight(condition)) return undefined;
  return { conditions, operator: isJoined ? condition.kind : undefined };
}

/** Key conditions as the parameter of old says them. */
export function legacyKeyConditions(keys: readonly KeyPart[]): object {
  return Object.fromEntries(
    keys.map(({ name, operator, values }) => [name, printed({ operator: operators[operator], values })]),
  );
}

interface Comparison {
  readonly operator: string;
  readonly values: readonly Value[];
}

function printed({ operator, values }: Comparison): object {
  return {
    ComparisonOperator: operator,
    AttributeValueList: values.length === 0 ? undefined : values,
  };
}

const operators: Readonly<Record<KeyOperator | '<>', string>> = {
  '=': 'EQ',
  '<>': 'NE',
  '<': 'LT',
  '<=': 'LE',
  '>': 'GT',
  '>=': 'GE',
  BETWEEN: 'BETWEEN',
  begins_with: 'BEGINS_WITH',
};

function comparisonOf(condition: Condition): (Comparison & { readonly name: string }) | undefined {
  switch (condition.kind) {
    case 'compare':
      return compared(condition.left, operators[condition.operator], [condition.right]);
    case 'BETWEEN':
      return compared(condition.operand, 'BETWEEN', [condition.lower, condition.upper]);
    case 'IN':
      return compared(condition.operand, 'IN', condition.list);
    case 'begins_with':
      return compared(condition, 'BEGINS_WITH', [condition.operand]);
    case 'contains':
      return compared(condition, 'CONTAINS', [condition.operand]);
    case 'attribute_exists':
      return compared(condition, 'NOT_NULL', []);
    case 'attribute_not_exists':
      return compared(condition, 'NULL', []);
    default:
      return undefined;
  }
}

/** All values have to be of one type, and but for equality of one that has an order. */
function compared(
  operand: Operand,
  operator: string,
  others: readonly Operand[],
): (Comparison & { readonly name: string }) | undefined {
  if (!('path' in operand) || operand.path.length > 1) return undefined;
  const values = others.flatMap((other) => ('value' in other ? [other.value] : []));
  const types = new Set(values.map(typeOf));
  const isEquality = operator === 'EQ' || operator === 'NE';
  const isTyped = isEquality || [...types].every((type) => ['S', 'N', 'B'].includes(type));
  if (values.length < others.length || types.size > 1 || !isTyped) return undefined;
  return { name: operand.path[0], operator, values };
}

function isRight(condition: Condition): boolean {
  try {
    return !isConditionWrong(canonicalTree(condition));
  } catch {
    return false;
  }
}
