import { validationError } from '../errors.ts';
import { invalidValue } from '../wording.ts';

/** An input, or a part of one, that takes expressions or their legacy predecessors. */
interface Parameters {
  readonly ExpressionAttributeNames?: unknown;
  readonly ExpressionAttributeValues?: unknown;
}

/** Which parameters of an operation are expressions, and which are what came before expressions. */
export interface ParameterNames<T extends Parameters> {
  readonly expressions: readonly (keyof T & string)[];
  readonly legacy: readonly (keyof T & string)[];
}

/**
 * Checks that expressions and legacy parameters are not mixed, and that names and values for expressions come with
 * expressions (AWS: LegacyConditionalParameters). What is in them, `Substitutions` checks.
 */
export function checkParameters<T extends Parameters>(
  input: T,
  { expressions, legacy }: ParameterNames<T>,
): void {
  const expressionCount = countPresent(input, expressions);
  if (expressionCount > 0 && countPresent(input, legacy) > 0) throw mixed(input, expressions, legacy);
  if (expressionCount === 0 && input.ExpressionAttributeNames !== undefined) {
    throw validationError('ExpressionAttributeNames can only be specified when using expressions');
  }
  if (input.ExpressionAttributeValues !== undefined) requireValueExpression(input, expressions);
}

/** A projection has no use for values. */
function requireValueExpression<T>(input: T, expressions: readonly (keyof T & string)[]): void {
  const names = expressions.filter((name) => name !== 'ProjectionExpression');
  if (countPresent(input, names) > 0) return;
  const text = 'ExpressionAttributeValues can only be specified when using expressions';
  throw invalidValue(text, `${text}: ${names.join(' and ')} ${names.length > 1 ? 'are' : 'is'} null`);
}

function mixed<T>(
  input: T,
  expressions: readonly (keyof T & string)[],
  legacy: readonly (keyof T & string)[],
): Error {
  return validationError(
    'Can not use both expression and non-expression parameters in the same request: ' +
      `Non-expression parameters: {${present(input, legacy).join(', ')}} ` +
      `Expression parameters: {${present(input, expressions).join(', ')}}`,
  );
}

function present<T>(input: T, names: readonly (keyof T & string)[]): string[] {
  return names.filter((name) => input[name] !== undefined);
}

function countPresent<T>(input: T, names: readonly (keyof T & string)[]): number {
  let count = 0;
  for (const name of names) if (input[name] !== undefined) count++;
  return count;
}
