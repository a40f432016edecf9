import { type AttributeType, type AttributeValue, attributeType } from '../attribute-value.ts';
import { type DynamoDbError, validationError } from '../errors.ts';
import type { ExpressionParameter, OperandNode, PathNode, ValueNode } from './ast.ts';
import { type DocumentPath, equalPaths, printPath } from './paths.ts';
import type { Substitutions } from './substitutions.ts';

/** An operand whose references are resolved. */
export type BoundOperand =
  | { readonly kind: 'path'; readonly path: DocumentPath }
  | { readonly kind: 'value'; readonly value: AttributeValue }
  | BoundFunction;

export interface BoundFunction {
  readonly kind: 'function';
  readonly name: string;
  readonly operands: readonly BoundOperand[];
}

/** Resolves the references of one expression, and makes its errors. */
export class Binder {
  /** The top-level attributes that the expression names. */
  readonly attributeNames = new Set<string>();
  /** Those of them that it reaches into, with `.` or `[]`. */
  readonly documentNames = new Set<string>();
  readonly #parameter: ExpressionParameter;
  readonly #substitutions: Substitutions;

  constructor(parameter: ExpressionParameter, substitutions: Substitutions) {
    substitutions.permit(parameter);
    this.#parameter = parameter;
    this.#substitutions = substitutions;
  }

  /** @throws ValidationException if a name or value is not defined. */
  operand(node: OperandNode): BoundOperand {
    switch (node.kind) {
      case 'path':
        return { kind: 'path', path: this.path(node) };
      case 'value':
        return { kind: 'value', value: this.value(node) };
      case 'function':
        return this.function(node.name, node.operands);
    }
  }

  function(name: string, operands: readonly OperandNode[]): BoundFunction {
    return { kind: 'function', name, operands: operands.map((operand) => this.operand(operand)) };
  }

  path({ steps: [first, ...rest] }: PathNode): DocumentPath {
    const attribute = this.#name(first as string);
    this.attributeNames.add(attribute);
    if (rest.length > 0) this.documentNames.add(attribute);
    return [attribute, ...rest.map((step) => (typeof step === 'number' ? step : this.#name(step)))];
  }

  value({ reference }: ValueNode): AttributeValue {
    const value = this.#substitutions.value(reference);
    if (value !== undefined) return value;
    const text = 'An expression attribute value used in expression is not defined';
    throw this.error(`${text}; attribute value: ${reference}`);
  }

  #name(step: string): string {
    if (!step.startsWith('#')) return step;
    const name = this.#substitutions.name(step);
    if (name !== undefined) return name;
    const text = 'An expression attribute name used in the document path is not defined';
    throw this.error(`${text}; attribute name: ${step}`);
  }

  /** @throws ValidationException if the first operand is a path and stands among the others again. */
  checkDistinct(operator: string, [first, ...others]: readonly BoundOperand[]): void {
    if (first?.kind !== 'path') return;
    const { path } = first;
    if (!others.some((other) => other.kind === 'path' && equalPaths(path, other.path))) return;
    throw this.error(
      'The first operand must be distinct from the remaining operands for this operator or function; ' +
        `operator: ${operator}, first operand: ${printPath(path)}`,
    );
  }

  checkOperandCount({ name, operands }: BoundFunction, count: number): void {
    if (operands.length === count) return;
    throw this.error(
      'Incorrect number of operands for operator or function; ' +
        `operator or function: ${name}, number of operands: ${operands.length}`,
    );
  }

  checkIsPath({ name, operands }: BoundFunction): void {
    if (operands[0]?.kind === 'path') return;
    throw this.error(`Operator or function requires a document path; operator or function: ${name}`);
  }

  incorrectType(operator: string, type: string): DynamoDbError {
    return this.error(
      'Incorrect operand type for operator or function; ' +
        `operator or function: ${operator}, operand type: ${type}`,
    );
  }

  error(text: string): DynamoDbError {
    return validationError(`Invalid ${this.#parameter}: ${text}`);
  }
}

/** The type that the operand has whatever the item; undefined for a path. */
export function knownType(operand: BoundOperand): AttributeType | undefined {
  switch (operand.kind) {
    case 'path':
      return undefined;
    case 'value':
      return attributeType(operand.value);
    case 'function':
      return functionTypes.get(operand.name);
  }
}

const functionTypes: ReadonlyMap<string, AttributeType> = new Map([
  ['size', 'N'],
  ['list_append', 'L'],
]);
