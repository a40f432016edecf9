import { type AttributeValue, attributeType } from '../attribute-value.ts';
import { type DynamoDbError, validationError } from '../errors.ts';
import type { KeyAttribute, KeySchema } from '../key.ts';
import { Binder, type BoundFunction, type BoundOperand } from './binding.ts';
import { type BoundComparison, type BoundCondition, bindConditionTree } from './condition-binding.ts';
import { conditionTree } from './parser.ts';
import type { Substitutions } from './substitutions.ts';

export type KeyOperator = '=' | '<' | '<=' | '>' | '>=' | 'BETWEEN' | 'begins_with';

export interface AttributeCondition {
  readonly operator: KeyOperator;
  /** One; the lower and the upper bound for BETWEEN. */
  readonly values: readonly AttributeValue[];
}

/** Conditions by the name of the attribute, not yet held against a schema. */
export type ParsedKeyCondition = ReadonlyMap<string, AttributeCondition>;

/** Which items a Query reads: those of one partition, and of them those whose sort key meets a condition. */
export interface KeyCondition {
  readonly partition: AttributeValue;
  readonly sort?: AttributeCondition;
}

/**
 * Parses a key condition and resolves its names and values. No table is needed: AWS tells the errors of this before
 * it looks for the table (AWS: Query.KeyConditionExpressions).
 * @throws ValidationException with AWS's text for whatever is wrong in it.
 */
export function parseKeyCondition(text: string, substitutions: Substitutions): ParsedKeyCondition {
  const parameter = 'KeyConditionExpression';
  const bound = bindConditionTree(conditionTree(parameter, text), new Binder(parameter, substitutions));
  const conditions = new Map<string, AttributeCondition>();
  collect(bound, conditions);
  return conditions;
}

/**
 * Holds the conditions against the key schema of the table or index that is queried.
 * @throws ValidationException if the partition key is not given by `=`, if other attributes have conditions, or if a
 * value is of another type than its key attribute.
 */
export function bindKeyCondition(conditions: ParsedKeyCondition, schema: KeySchema): KeyCondition {
  if (conditions.size > 2) throw validationError('Conditions can be of length 1 or 2 only');
  if (conditions.size > 1 && schema.sort === undefined) throw notSupported();
  const partition = required(conditions, schema.partition);
  if (partition.operator !== '=') throw notSupported();
  const value = partition.values[0] as AttributeValue;
  if (schema.sort === undefined || conditions.size === 1) return { partition: value };
  return { partition: value, sort: required(conditions, schema.sort) };
}

function required(conditions: ParsedKeyCondition, { name, type }: KeyAttribute): AttributeCondition {
  const condition = conditions.get(name);
  if (condition === undefined) throw validationError(`Query condition missed key schema element: ${name}`);
  for (const value of condition.values) {
    if (attributeType(value) === type) continue;
    throw validationError(
      'One or more parameter values were invalid: Condition parameter type does not match schema type',
    );
  }
  return condition;
}

function notSupported(): DynamoDbError {
  return validationError('Query key condition not supported');
}

function collect(condition: BoundCondition, conditions: Map<string, AttributeCondition>): void {
  if (condition.kind === 'logical') {
    if (condition.operator !== 'AND') throw invalidOperator(condition.operator);
    for (const part of condition.conditions) collect(part, conditions);
    return;
  }
  const { name, ...rest } = attributeCondition(condition);
  if (conditions.has(name)) {
    throw validationError('KeyConditionExpressions must only contain one condition per key');
  }
  conditions.set(name, rest);
}

function attributeCondition(
  condition: BoundComparison | BoundFunction,
): AttributeCondition & { name: string } {
  const written = condition.kind === 'function' ? condition.name : condition.operator;
  if (!isKeyOperator(written)) throw invalidOperator(written);
  const { operands } = condition;
  if ((written === 'BETWEEN' || written === 'begins_with') && operands[0]?.kind !== 'path') {
    throw validationError(
      `${invalidCondition}: ${written} operator must have the key attribute as its first operand`,
    );
  }
  const { name, values } = splitOperands(operands);
  const operator = operands[0]?.kind === 'path' ? written : (reversed[written] ?? written);
  return { name, operator, values };
}

const reversed: Partial<Record<KeyOperator, KeyOperator>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

const keyOperators: ReadonlySet<string> = new Set<KeyOperator>([
  '=',
  '<',
  '<=',
  '>',
  '>=',
  'BETWEEN',
  'begins_with',
]);

function isKeyOperator(operator: string): operator is KeyOperator {
  return keyOperators.has(operator);
}

/** The one attribute that a condition is about, and the values that stand with it. */
function splitOperands(operands: readonly BoundOperand[]): { name: string; values: AttributeValue[] } {
  let name: string | undefined;
  const values: AttributeValue[] = [];
  for (const operand of operands) {
    switch (operand.kind) {
      case 'value':
        values.push(operand.value);
        break;
      case 'function':
        throw validationError('KeyConditionExpressions cannot contain nested operations');
      case 'path':
        if (name !== undefined) {
          throw validationError(`${invalidCondition}: Multiple attribute names used in one condition`);
        }
        if (operand.path.length > 1) {
          throw validationError('KeyConditionExpressions cannot have conditions on nested attributes');
        }
        name = operand.path[0];
    }
  }
  if (name === undefined) throw validationError(`${invalidCondition}: No key attribute specified`);
  return { name, values };
}

const invalidCondition = 'Invalid condition in KeyConditionExpression';

function invalidOperator(operator: string): DynamoDbError {
  return validationError(`Invalid operator used in KeyConditionExpression: ${operator}`);
}
