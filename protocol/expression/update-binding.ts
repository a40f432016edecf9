import { type AttributeType, type AttributeValue, attributeType } from '../attribute-value.ts';
import type { ActionNode, SetValueNode } from './ast.ts';
import { type Binder, type BoundFunction, type BoundOperand, knownType } from './binding.ts';
import type { DocumentPath } from './paths.ts';

export type BoundAction =
  | { readonly kind: 'SET'; readonly path: DocumentPath; readonly value: BoundSetValue }
  | { readonly kind: 'REMOVE'; readonly path: DocumentPath }
  | { readonly kind: 'ADD' | 'DELETE'; readonly path: DocumentPath; readonly value: AttributeValue };

export type BoundSetValue = BoundOperand | BoundArithmetic;

export interface BoundArithmetic {
  readonly kind: 'arithmetic';
  readonly operator: '+' | '-';
  readonly operands: readonly [BoundOperand, BoundOperand];
}

/** Resolves the references of an action. @throws ValidationException */
export function bindAction(node: ActionNode, binder: Binder): BoundAction {
  const path = binder.path(node.path);
  switch (node.kind) {
    case 'SET':
      return { kind: node.kind, path, value: bindSetValue(node.value, binder) };
    case 'REMOVE':
      return { kind: node.kind, path };
    case 'ADD':
    case 'DELETE':
      return { kind: node.kind, path, value: binder.value(node.value) };
  }
}

function bindSetValue(node: SetValueNode, binder: Binder): BoundSetValue {
  if (node.kind !== 'arithmetic') return binder.operand(node);
  const [left, right] = node.operands;
  return {
    kind: node.kind,
    operator: node.operator,
    operands: [binder.operand(left), binder.operand(right)],
  };
}

/** Checks that ADD has a number or a set, and DELETE a set. @throws ValidationException */
export function checkActionOperand(action: BoundAction, binder: Binder): void {
  if (action.kind !== 'ADD' && action.kind !== 'DELETE') return;
  const type = attributeType(action.value);
  const name = typeNames[type];
  if (name === undefined || (type === 'N' && action.kind === 'ADD')) return;
  throw binder.error(
    `Incorrect operand type for operator or function; operator: ${action.kind}, operand type: ${name}, ` +
      `typeSet: ALLOWED_FOR_${action.kind}_OPERAND`,
  );
}

/** As AWS calls the types that are no sets, in this one error. */
const typeNames: Readonly<Record<string, string>> = {
  S: 'STRING',
  N: 'NUMBER',
  B: 'BINARY',
  NULL: 'NULL',
  BOOL: 'BOOLEAN',
  L: 'LIST',
  M: 'MAP',
};

/** Checks the functions and operators of a value to be set. @throws ValidationException */
export function checkSetValue(value: BoundSetValue, binder: Binder): void {
  if (value.kind === 'arithmetic') {
    for (const operand of value.operands) checkSetValue(operand, binder);
    checkOperandTypes(value.operator, value.operands, 'N', binder);
  } else if (value.kind === 'function') {
    checkCall(value, binder);
  }
}

/** The type of what is set, where that does not depend on the item. */
export function setValueType(value: BoundSetValue): AttributeType | undefined {
  return value.kind === 'arithmetic' ? 'N' : knownType(value);
}

function checkCall(call: BoundFunction, binder: Binder): void {
  for (const operand of call.operands) checkSetValue(operand, binder);
  binder.checkOperandCount(call, 2);
  if (call.name === 'list_append') {
    checkOperandTypes(call.name, call.operands, 'L', binder);
  } else {
    binder.checkIsPath(call);
    binder.checkDistinct(call.name, call.operands);
  }
}

function checkOperandTypes(
  operator: string,
  operands: readonly BoundOperand[],
  required: 'N' | 'L',
  binder: Binder,
): void {
  for (const operand of operands) {
    const type = knownType(operand);
    if (type !== undefined && type !== required) throw binder.incorrectType(operator, type);
  }
}
