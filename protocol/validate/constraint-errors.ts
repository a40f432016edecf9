import { type DynamoDbError, validationError } from '../errors.ts';
import { holds } from './constraint.ts';
import { printed, printedJson } from './printed.ts';
import { type Constraint, isConstrained, type Shape, type StructureShape } from './shape.ts';

/**
 * What AWS's newer layer checks of an operation whose required members are all there; what is left to the older one comes
 * with it.
 */
export interface NewerChecks {
  /** What is wrong with these is reported alone, the first thing only. */
  readonly first: StructureShape;
  /** Whether that has no envelope. */
  readonly isFirstBare?: true;
  readonly rest: StructureShape;
}

/** `constraintErrors` in the newer layer. */
export function newerConstraintErrors(
  { first, isFirstBare, rest }: NewerChecks,
  input: Readonly<Record<string, unknown>>,
): DynamoDbError | undefined {
  const errors: string[] = [];
  checkMembers(first, input, '', '', errors);
  const [error] = errors;
  if (error === undefined) return constraintErrors(rest, input);
  return validationError(isFirstBare === true ? error : `1 validation error detected: ${error}`);
}

/** AWS stops counting at ten. */
const errorsMax = 10;

/**
 * Checks what a deserialised input must satisfy: required members, lengths, patterns, enumerations, ranges.
 * @returns one error that lists all that is wrong, up to ten, or undefined.
 */
export function constraintErrors(
  shape: StructureShape,
  input: Readonly<Record<string, unknown>>,
): DynamoDbError | undefined {
  const errors: string[] = [];
  checkMembers(shape, input, '', '', errors);
  if (errors.length === 0) return undefined;
  const count = errors.length === 1 ? '1 validation error' : `${errors.length} validation errors`;
  return validationError(`${count} detected: ${errors.join('; ')}`);
}

/** @param path of the structure, followed by a dot, or empty; `apiPath` is the same in the API's own spelling. */
function checkMembers(
  shape: StructureShape,
  value: Readonly<Record<string, unknown>>,
  path: string,
  apiPath: string,
  errors: string[],
): void {
  for (const member of shape.constrained) {
    if (errors.length >= errorsMax) return;
    const content = value[member.name];
    if (content === undefined) {
      if (member.required) errors.push(nullError(path + member.path));
    } else {
      check(member.shape, content, path + member.path, apiPath + member.name, errors);
    }
  }
}

function check(shape: Shape, value: unknown, path: string, apiPath: string, errors: string[]): void {
  for (const constraint of shape.constraints) {
    if (errors.length >= errorsMax) return;
    if (!holds(constraint, value)) errors.push(errorText(constraint, shape, value, path, apiPath));
  }
  checkInside(shape, value, path, apiPath, errors);
}

function checkInside(shape: Shape, value: unknown, path: string, apiPath: string, errors: string[]): void {
  switch (shape.type) {
    case 'structure':
      checkMembers(shape, value as Record<string, unknown>, `${path}.`, `${apiPath}.`, errors);
      break;
    case 'list':
      if (!isConstrained(shape.element)) return;
      for (const [i, element] of (value as unknown[]).entries()) {
        if (errors.length >= errorsMax) return;
        check(shape.element, element, `${path}.${i + 1}.member`, `${apiPath}.${i + 1}.member`, errors);
      }
      break;
    case 'map':
      if (!isConstrained(shape.value)) return;
      for (const [key, element] of Object.entries(value as object)) {
        if (errors.length >= errorsMax) return;
        check(shape.value, element, `${path}.${key}.member`, `${apiPath}.${key}.member`, errors);
      }
  }
}

function nullError(path: string): string {
  return `Value null at '${path}' failed to satisfy constraint: Member must not be null`;
}

function errorText(
  constraint: Constraint,
  shape: Shape,
  value: unknown,
  path: string,
  apiPath: string,
): string {
  if (constraint.bare === true) return constraint.text;
  const content = () => (constraint.json === true ? printedJson(value) : printed(shape, value));
  const at = constraint.terse === true ? `Value at '${apiPath}'` : `Value '${content()}' at '${path}'`;
  return `${at} failed to satisfy constraint: ${constraint.text}`;
}
