/**
 * Expressions as they are written, before the references in them (`#name`, `:value`) are resolved: a tree depends on
 * nothing but its text, and is never changed.
 */

/** The expressions of a request, by the name of the parameter that carries them. */
export type ExpressionParameter =
  | 'ConditionExpression'
  | 'FilterExpression'
  | 'KeyConditionExpression'
  | 'ProjectionExpression'
  | 'UpdateExpression';

/** A step of a document path: an attribute name, a reference to one (begins with `#`), or a list index. */
export type PathStep = string | number;

export interface PathNode {
  readonly kind: 'path';
  readonly steps: readonly PathStep[];
}

export interface ValueNode {
  readonly kind: 'value';
  /** With the colon. */
  readonly reference: string;
}

export interface FunctionNode {
  readonly kind: 'function';
  readonly name: string;
  readonly operands: readonly OperandNode[];
}

export type OperandNode = PathNode | ValueNode | FunctionNode;

export type Comparator = '=' | '<>' | '<' | '<=' | '>' | '>=';

export interface ComparisonNode {
  readonly kind: 'comparison';
  readonly operator: Comparator | 'BETWEEN' | 'IN';
  /** Two; three for BETWEEN; the one and all that it may equal for IN. */
  readonly operands: readonly OperandNode[];
}

/** AND and OR with all that they join; NOT with its one. */
export interface LogicalNode {
  readonly kind: 'logical';
  readonly operator: 'AND' | 'OR' | 'NOT';
  readonly conditions: readonly ConditionNode[];
}

export type ConditionNode = LogicalNode | ComparisonNode | FunctionNode;

export interface ArithmeticNode {
  readonly kind: 'arithmetic';
  readonly operator: '+' | '-';
  readonly operands: readonly [OperandNode, OperandNode];
}

export type SetValueNode = OperandNode | ArithmeticNode;

export type ActionNode =
  | { readonly kind: 'SET'; readonly path: PathNode; readonly value: SetValueNode }
  | { readonly kind: 'REMOVE'; readonly path: PathNode }
  | { readonly kind: 'ADD' | 'DELETE'; readonly path: PathNode; readonly value: ValueNode };

export interface UpdateNode {
  /** In the order in which they are written. */
  readonly actions: readonly ActionNode[];
}
