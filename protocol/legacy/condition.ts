import type { Item } from '../attribute-value.ts';
import { validationError } from '../errors.ts';
import type { Condition } from '../expression/condition.ts';
import type { Predicate } from '../expression/evaluate.ts';
import { type Comparison, compileComparison, holdsWhenMissing } from './comparison.ts';

export type ConditionalOperator = 'AND' | 'OR';

/**
 * Checks that there is something for ConditionalOperator to join (AWS: LegacyConditionalParameters.ConditionalOperator).
 * @param conditions of Expected, QueryFilter or ScanFilter.
 * @throws ValidationException
 */
export function checkConditionalOperator(
  operator: ConditionalOperator | undefined,
  conditions: object | undefined,
): void {
  if (operator === undefined) return;
  const count = conditions === undefined ? 0 : Object.keys(conditions).length;
  if (count === 0) throw validationError('ConditionalOperator cannot be used without Filter or Expected');
  if (count === 1) {
    throw validationError(
      'ConditionalOperator can only be used when Filter or Expected has two or more elements',
    );
  }
}

/**
 * Joins comparisons of different attributes into the condition that an expression would make of them.
 * @param comparisons by attribute name.
 * @returns undefined where there is none, and so nothing to hold.
 */
export function joinComparisons(
  comparisons: ReadonlyMap<string, Comparison>,
  operator: ConditionalOperator = 'AND',
): Condition | undefined {
  if (comparisons.size === 0) return undefined;
  const compiled = new Map<string, CompiledComparison>();
  for (const [name, comparison] of comparisons) {
    const holds = compileComparison(name, comparison);
    compiled.set(name, { holds, holdsWhenMissing: holdsWhenMissing(comparison) });
  }
  const join = compiled.size <= comparisonsInTurnMax ? joinInTurn : joinByAttribute;
  return {
    holds: join(compiled, operator),
    attributeNames: new Set(comparisons.keys()),
    documentNames: nothing,
  };
}

/** Legacy parameters name whole attributes only. */
const nothing: ReadonlySet<string> = new Set();

/**
 * As many as an expression may have operators, evaluated one after the other. AWS names no limit here, and a request
 * holds hundreds of thousands: evaluating all of them on each of a page's items would take minutes.
 */
const comparisonsInTurnMax = 300;

interface CompiledComparison {
  readonly holds: Predicate;
  readonly holdsWhenMissing: boolean;
}

type Comparisons = ReadonlyMap<string, CompiledComparison>;

function joinInTurn(comparisons: Comparisons, operator: ConditionalOperator): Predicate {
  const predicates = Array.from(comparisons.values(), ({ holds }) => holds);
  return operator === 'AND'
    ? (item) => predicates.every((holds) => holds(item))
    : (item) => predicates.some((holds) => holds(item));
}

/** Evaluates only what compares an attribute that the item has, and counts what holds without one. */
function joinByAttribute(comparisons: Comparisons, operator: ConditionalOperator): Predicate {
  let missingHold = 0;
  for (const { holdsWhenMissing } of comparisons.values()) if (holdsWhenMissing) missingHold++;
  return operator === 'AND'
    ? (item) => allHold(comparisons, comparisons.size - missingHold, item)
    : (item) => someHolds(comparisons, missingHold, item);
}

/** @param needed how many of the comparisons hold only where their attribute is there. */
function allHold(comparisons: Comparisons, needed: number, item: Item): boolean {
  let missing = needed;
  for (const name in item) {
    const comparison = comparisons.get(name);
    if (comparison === undefined) continue;
    if (!comparison.holds(item)) return false;
    if (!comparison.holdsWhenMissing) missing--;
  }
  return missing === 0;
}

/** @param missingHold how many of the comparisons hold where their attribute is missing. */
function someHolds(comparisons: Comparisons, missingHold: number, item: Item): boolean {
  let holding = missingHold;
  for (const name in item) {
    const comparison = comparisons.get(name);
    if (comparison === undefined) continue;
    if (comparison.holds(item)) return true;
    if (comparison.holdsWhenMissing) holding--;
  }
  return holding > 0;
}
