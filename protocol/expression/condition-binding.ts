import { type AttributeValue, attributeType, attributeTypes, compareValues } from '../attribute-value.ts';
import type { ComparisonNode, ConditionNode, FunctionNode, LogicalNode } from './ast.ts';
import { type Binder, type BoundFunction, type BoundOperand, knownType } from './binding.ts';

/** A condition whose references are resolved and whose operands are of types that can be. */
export type BoundCondition = BoundLogical | BoundComparison | BoundFunction;

export interface BoundLogical {
  readonly kind: 'logical';
  readonly operator: LogicalNode['operator'];
  readonly conditions: readonly BoundCondition[];
}

export interface BoundComparison {
  readonly kind: 'comparison';
  readonly operator: ComparisonNode['operator'];
  readonly operands: readonly BoundOperand[];
}

/**
 * Resolves and checks a condition. As in AWS, each comparison and each function is checked whole before the next.
 * @throws ValidationException
 */
export function bindConditionTree(node: ConditionNode, binder: Binder): BoundCondition {
  if (node.kind === 'logical') {
    const conditions = node.conditions.map((condition) => bindConditionTree(condition, binder));
    return { kind: 'logical', operator: node.operator, conditions };
  }
  const bound = node.kind === 'comparison' ? bindComparison(node, binder) : bindFunction(node, binder);
  checkCounts(bound, binder);
  checkDistinctOperands(bound, binder);
  checkTypes(bound, binder);
  return bound;
}

function bindComparison({ operator, operands }: ComparisonNode, binder: Binder): BoundComparison {
  return { kind: 'comparison', operator, operands: operands.map((operand) => binder.operand(operand)) };
}

function bindFunction({ name, operands }: FunctionNode, binder: Binder): BoundFunction {
  return binder.function(name, operands);
}

const operandCounts: Readonly<Record<string, number>> = {
  attribute_exists: 1,
  attribute_not_exists: 1,
  attribute_type: 2,
  begins_with: 2,
  contains: 2,
  size: 1,
};

type BoundLeaf = BoundComparison | BoundFunction;

function checkCounts(leaf: BoundLeaf, binder: Binder): void {
  for (const operand of leaf.operands) if (operand.kind === 'function') checkCounts(operand, binder);
  if (leaf.kind === 'function') binder.checkOperandCount(leaf, operandCounts[leaf.name] as number);
}

function checkDistinctOperands(leaf: BoundLeaf, binder: Binder): void {
  for (const operand of leaf.operands)
    if (operand.kind === 'function') checkDistinctOperands(operand, binder);
  binder.checkDistinct(leaf.kind === 'function' ? leaf.name : leaf.operator, leaf.operands);
}

function checkTypes(leaf: BoundLeaf, binder: Binder): void {
  for (const operand of leaf.operands) if (operand.kind === 'function') checkTypes(operand, binder);
  if (leaf.kind === 'function') checkFunctionTypes(leaf, binder);
  else checkComparisonTypes(leaf, binder);
}

function checkComparisonTypes({ operator, operands }: BoundComparison, binder: Binder): void {
  if (operator === '=' || operator === '<>' || operator === 'IN') return;
  for (const operand of operands) {
    const type = knownType(operand);
    if (type !== undefined && !orderedTypes.has(type)) throw binder.incorrectType(operator, type);
  }
  const [, lower, upper] = operands;
  if (lower?.kind === 'value' && upper?.kind === 'value') checkBounds(lower.value, upper.value, binder);
}

const orderedTypes: ReadonlySet<string> = new Set(['S', 'N', 'B']);

function checkBounds(lower: AttributeValue, upper: AttributeValue, binder: Binder): void {
  const order = compareValues(lower, upper);
  if (order !== undefined && order <= 0) return;
  const requirement =
    order === undefined
      ? 'same data type for lower and upper bounds'
      : 'upper bound to be greater than or equal to lower bound';
  throw binder.error(
    `The BETWEEN operator requires ${requirement}; ` +
      `lower bound operand: ${printValue(lower)}, upper bound operand: ${printValue(upper)}`,
  );
}

function printValue(value: AttributeValue): string {
  return `AttributeValue: {${attributeType(value)}:${Object.values(value)[0]}}`;
}

function checkFunctionTypes(call: BoundFunction, binder: Binder): void {
  switch (call.name) {
    case 'attribute_exists':
    case 'attribute_not_exists':
      binder.checkIsPath(call);
      break;
    case 'attribute_type':
      checkTypeName(call, binder);
      break;
    case 'begins_with':
      for (const operand of call.operands) {
        const type = knownType(operand);
        if (type !== undefined && type !== 'S' && type !== 'B') throw binder.incorrectType(call.name, type);
      }
      break;
    case 'size': {
      const type = knownType(call.operands[0] as BoundOperand);
      if (type !== undefined && sizelessTypes.has(type)) throw binder.incorrectType(call.name, type);
    }
  }
}

const sizelessTypes: ReadonlySet<string> = new Set(['N', 'BOOL', 'NULL']);

function checkTypeName({ name, operands }: BoundFunction, binder: Binder): void {
  const operand = operands[1] as BoundOperand;
  if (operand.kind !== 'value' || !('S' in operand.value)) {
    throw binder.incorrectType(name, knownType(operand) ?? '{NS,SS,L,BS,N,M,B,BOOL,NULL,S}');
  }
  const type = operand.value.S;
  if (attributeTypes.has(type)) return;
  const valid = '{B,NULL,SS,BOOL,L,BS,N,NS,S,M}';
  throw binder.error(`Invalid attribute type name found; type: ${type}, valid types: ${valid}`);
}
