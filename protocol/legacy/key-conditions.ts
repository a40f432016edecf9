import type { AttributeValue } from '../attribute-value.ts';
import { validationError } from '../errors.ts';
import type { AttributeCondition, KeyOperator, ParsedKeyCondition } from '../expression/key-condition.ts';
import type { ComparisonOperator, Condition } from '../operation.ts';
import { checkConditions, type LegacyConditions } from './filter.ts';

/**
 * Checks KeyConditions and states them as KeyConditionExpression would. No table is needed
 * (AWS: LegacyConditionalParameters.KeyConditions).
 * @throws ValidationException
 */
export function parseKeyConditions(conditions: LegacyConditions): ParsedKeyCondition {
  const checked = checkConditions(conditions);
  const parsed = new Map<string, AttributeCondition>();
  for (const name of Object.keys(checked)) parsed.set(name, attributeCondition(checked[name] as Condition));
  if (parsed.size !== 1 && parsed.size !== 2) {
    throw validationError('Conditions can be of length 1 or 2 only');
  }
  return parsed;
}

const keyOperators: Partial<Record<ComparisonOperator, KeyOperator>> = {
  EQ: '=',
  LT: '<',
  LE: '<=',
  GT: '>',
  GE: '>=',
  BETWEEN: 'BETWEEN',
  BEGINS_WITH: 'begins_with',
};

function attributeCondition({ ComparisonOperator, AttributeValueList = [] }: Condition): AttributeCondition {
  const operator = keyOperators[ComparisonOperator];
  return operator === undefined ? new FilterCondition() : { operator, values: AttributeValueList };
}

/**
 * A condition that filters know and keys do not. AWS reports it once the attribute turns out to be part of the key
 * that is queried; before that, it complains of key attributes that have no condition.
 */
class FilterCondition implements AttributeCondition {
  readonly values: readonly AttributeValue[] = [];

  get operator(): never {
    throw validationError('Attempted conditional constraint is not an indexable operation');
  }
}
