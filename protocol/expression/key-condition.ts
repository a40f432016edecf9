import { type AttributeValue, attributeType } from '../attribute-value.ts';
import { type DynamoDbError, validationError } from '../errors.ts';
import type { KeyAttribute } from '../key.ts';
import {
  checkPartitionKeyBytes,
  checkPartitionKeyValue,
  checkSortKeyBytes,
  checkSortKeyValue,
} from '../validate/item.ts';
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

/** The key of a table or an index: one attribute each, or in a global index up to four. */
export interface KeyAttributes {
  readonly partition: readonly KeyAttribute[];
  /** The most significant first. */
  readonly sort: readonly KeyAttribute[];
}

/** Which items a Query reads: those of one partition, and of them those whose sort key meets conditions. */
export interface KeyCondition {
  /** One for each attribute. */
  readonly partition: readonly AttributeValue[];
  /** For the first attributes of the sort key; all but the last are `=`. */
  readonly sort: readonly AttributeCondition[];
}

/** A key condition whose names and values are resolved, and whose operators are not yet looked at. */
export type KeyConditionTree = BoundCondition;

/**
 * Parses a key condition and resolves its names and values. No table is needed: AWS tells the errors of this before
 * it looks for the table (AWS: Query.KeyConditionExpressions).
 * @throws ValidationException with AWS's text for whatever is wrong in it as an expression.
 */
export function readKeyCondition(text: string, substitutions: Substitutions): KeyConditionTree {
  const parameter = 'KeyConditionExpression';
  return bindConditionTree(conditionTree(parameter, text), new Binder(parameter, substitutions));
}

/**
 * What the condition says of each attribute. AWS looks at this behind the other expressions of the request (dynalite's
 * tests, run against AWS).
 * @throws ValidationException for operators and operands that no key can have.
 */
export function keyConditionsOf(tree: KeyConditionTree): ParsedKeyCondition {
  const conditions = new Map<string, AttributeCondition>();
  collect(tree, conditions);
  return conditions;
}

/** Both at once, where no other errors of the request matter. */
export function parseKeyCondition(text: string, substitutions: Substitutions): ParsedKeyCondition {
  return keyConditionsOf(readKeyCondition(text, substitutions));
}

/**
 * Holds the conditions against the key of the table or index that is queried.
 * @throws ValidationException if an attribute of the partition key is not given by `=`, if others than the first ones of the
 * sort key have conditions, or if a value is of another type than its key attribute, or empty, or too long, also
 * together with the others.
 */
export function bindKeyCondition(conditions: ParsedKeyCondition, key: KeyAttributes): KeyCondition {
  const { partition, sort } = key;
  const attributeCount = partition.length + sort.length;
  if (conditions.size > 2 && conditions.size > attributeCount) {
    throw validationError(
      `The number of query conditions (${conditions.size}) exceeds the number of key attributes defined in the ` +
        `schema (${attributeCount})`,
    );
  }
  if (conditions.size > attributeCount) throw notSupported();
  const partitionConditions = partition.map((attribute) =>
    required(conditions, attribute, checkPartitionKeyValue),
  );
  if (partitionConditions.some(({ operator }) => operator !== '=')) throw notSupported();
  checkSortPrefix(conditions, sort);
  const used = sort.slice(0, conditions.size - partition.length);
  const sortConditions = used.map((attribute) => required(conditions, attribute, checkSortKeyValue));
  const partitionValues = partitionConditions.map(({ values }) => values[0] as AttributeValue);
  checkPartitionKeyBytes(partitionValues);
  checkSortBounds(sortConditions);
  return { partition: partitionValues, sort: sortConditions };
}

/** Each attribute of a sort key that has a condition needs `=` for those before it. */
function checkSortPrefix(conditions: ParsedKeyCondition, sort: readonly KeyAttribute[]): void {
  const last = sort.findLast(({ name }) => conditions.has(name));
  if (last === undefined) return;
  const before = sort.slice(0, sort.indexOf(last));
  const unequal = before.filter(({ name }) => conditions.get(name)?.operator !== '=');
  if (unequal.length === 0) return;
  throw validationError(
    `RANGE key attributes ${unequal.map(({ name }) => name).join(', ')} must have equality conditions specified in ` +
      `the query because a condition is present on key attribute ${last.name}`,
  );
}

function checkSortBounds(conditions: readonly AttributeCondition[]): void {
  const equal = conditions.slice(0, -1).flatMap(({ values }) => values);
  for (const bound of conditions.at(-1)?.values ?? []) checkSortKeyBytes([...equal, bound]);
}

function required(
  conditions: ParsedKeyCondition,
  attribute: KeyAttribute,
  check: (attribute: KeyAttribute, value: AttributeValue) => void,
): AttributeCondition {
  const { name, type } = attribute;
  const condition = conditions.get(name);
  if (condition === undefined) throw validationError(`Query condition missed key schema element: ${name}`);
  for (const value of condition.values) {
    if (attributeType(value) !== type) {
      throw validationError(
        'One or more parameter values were invalid: Condition parameter type does not match schema type',
      );
    }
    check(attribute, value);
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
    throw validationError(
      'Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key',
    );
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
          throw validationError(
            'Invalid KeyConditionExpression: KeyConditionExpressions cannot have conditions on nested attributes',
          );
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
