import type { Condition } from '../expression/condition.ts';
import type { Condition as LegacyCondition } from '../operation.ts';
import { checkAttributeName } from './attribute-name.ts';
import { type Comparison, checkComparison } from './comparison.ts';
import { type ConditionalOperator, joinComparisons } from './condition.ts';

/** One of KeyConditions, QueryFilter and ScanFilter: what is said of each attribute. */
export type LegacyConditions = Readonly<Record<string, LegacyCondition>>;

interface FilterParameters {
  readonly QueryFilter?: LegacyConditions;
  readonly ScanFilter?: LegacyConditions;
  readonly ConditionalOperator?: ConditionalOperator;
}

/**
 * Checks the attributes' names and comparisons, one attribute after the other.
 * @returns the same with canonical values.
 * @throws ValidationException
 */
export function checkConditions(conditions: LegacyConditions): Record<string, LegacyCondition> {
  return Object.fromEntries(
    Object.entries(conditions).map(([name, condition]) => {
      checkAttributeName(name);
      const AttributeValueList = checkComparison(comparisonOf(condition));
      return [name, { ...condition, AttributeValueList }];
    }),
  );
}

/**
 * The filter of a Query or Scan, checked before, as FilterExpression would state it
 * (AWS: LegacyConditionalParameters.QueryFilter, LegacyConditionalParameters.ScanFilter).
 * @returns undefined where there is none, or an empty one.
 */
export function bindFilter(parameters: FilterParameters): Condition | undefined {
  const filter = parameters.QueryFilter ?? parameters.ScanFilter;
  if (filter === undefined) return undefined;
  const comparisons = new Map<string, Comparison>();
  for (const name of Object.keys(filter)) {
    comparisons.set(name, comparisonOf(filter[name] as LegacyCondition));
  }
  return joinComparisons(comparisons, parameters.ConditionalOperator);
}

export function comparisonOf({ ComparisonOperator, AttributeValueList }: LegacyCondition): Comparison {
  return { operator: ComparisonOperator, values: AttributeValueList ?? [] };
}
