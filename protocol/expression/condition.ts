import type { Item } from '../attribute-value.ts';
import type { ExpressionParameter } from './ast.ts';
import { Binder } from './binding.ts';
import { bindConditionTree } from './condition-binding.ts';
import { compileCondition, type Predicate } from './evaluate.ts';
import { conditionTree } from './parser.ts';
import type { Substitutions } from './substitutions.ts';

export interface Condition {
  readonly holds: Predicate;
  /** The top-level attributes that the condition names. */
  readonly attributeNames: ReadonlySet<string>;
  /** Those of them that it reaches into, as in `a.b` or `a[0]`; key attributes may not be among them. */
  readonly documentNames: ReadonlySet<string>;
}

/**
 * Parses a condition or filter and resolves its names and values.
 * @throws ValidationException with AWS's text for whatever is wrong in it.
 */
export function bindCondition(
  parameter: Extract<ExpressionParameter, 'ConditionExpression' | 'FilterExpression'>,
  text: string,
  substitutions: Substitutions,
): Condition {
  const binder = new Binder(parameter, substitutions);
  const { attributeNames, documentNames } = binder;
  const bound = bindConditionTree(conditionTree(parameter, text), binder);
  return { holds: compileCondition(bound), attributeNames, documentNames };
}

/** Whether the condition holds for an item with canonical values; an item that does not exist is `{}`. */
export function evaluateCondition(condition: Condition, item: Item): boolean {
  return condition.holds(item);
}
