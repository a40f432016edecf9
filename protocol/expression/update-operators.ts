import { type AttributeValue, type Item, unionOf } from '../attribute-value.ts';
import { type DynamoDbError, validationError } from '../errors.ts';
import { addNumbers, subtractNumbers } from '../number.ts';
import type { BoundFunction, BoundOperand } from './binding.ts';
import { valueAt } from './paths.ts';
import type { BoundArithmetic, BoundSetValue } from './update-binding.ts';

/** The right-hand side of a SET, seen from an item. @throws ValidationException if the item cannot give it. */
export type SetValue = (item: Item) => AttributeValue;

export function compileSetValue(value: BoundSetValue): SetValue {
  return value.kind === 'arithmetic' ? compileArithmetic(value) : compileOperand(value);
}

function compileArithmetic({ operator, operands }: BoundArithmetic): SetValue {
  const left = compileOperand(operands[0]);
  const right = compileOperand(operands[1]);
  const calculate = operator === '+' ? addNumbers : subtractNumbers;
  return (item) => {
    const a = left(item);
    const b = right(item);
    if (!('N' in a) || !('N' in b)) throw incorrectType();
    return { N: calculate(a.N, b.N) };
  };
}

function compileOperand(operand: BoundOperand): SetValue {
  switch (operand.kind) {
    case 'value': {
      const { value } = operand;
      return () => value;
    }
    case 'path': {
      const { path } = operand;
      return (item) => {
        const value = valueAt(item, path);
        if (value !== undefined) return value;
        throw validationError(
          'The provided expression refers to an attribute that does not exist in the item',
        );
      };
    }
    case 'function':
      return operand.name === 'list_append' ? compileListAppend(operand) : compileIfNotExists(operand);
  }
}

function compileListAppend({ operands }: BoundFunction): SetValue {
  const [first, second] = operands.map(compileOperand) as [SetValue, SetValue];
  return (item) => {
    const a = first(item);
    const b = second(item);
    if (!('L' in a) || !('L' in b)) throw incorrectType();
    return { L: [...a.L, ...b.L] };
  };
}

function compileIfNotExists({ operands: [existing, otherwise] }: BoundFunction): SetValue {
  if (existing?.kind !== 'path' || otherwise === undefined)
    throw new TypeError('if_not_exists without a path');
  const { path } = existing;
  const fallback = compileOperand(otherwise);
  return (item) => valueAt(item, path) ?? fallback(item);
}

/** ADD: the sum of two numbers or the union of two sets; to nothing, the operand itself. */
export function addTo(value: AttributeValue | undefined, operand: AttributeValue): AttributeValue {
  if (value === undefined) return operand;
  if ('N' in operand && 'N' in value) return { N: addNumbers(value.N, operand.N) };
  if ('SS' in operand && 'SS' in value) return { SS: unionOf('SS', value.SS, operand.SS) };
  if ('NS' in operand && 'NS' in value) return { NS: unionOf('NS', value.NS, operand.NS) };
  if ('BS' in operand && 'BS' in value) return { BS: unionOf('BS', value.BS, operand.BS) };
  throw incorrectType();
}

/** DELETE: what is left of a set; nothing is, if it would be empty. */
export function deleteFrom(
  value: AttributeValue | undefined,
  operand: AttributeValue,
): AttributeValue | undefined {
  if (value === undefined) return undefined;
  if ('SS' in operand && 'SS' in value) return nonEmpty({ SS: difference(value.SS, operand.SS) });
  if ('NS' in operand && 'NS' in value) return nonEmpty({ NS: difference(value.NS, operand.NS) });
  if ('BS' in operand && 'BS' in value) return nonEmpty({ BS: difference(value.BS, operand.BS) });
  throw incorrectType();
}

function difference(members: string[], others: string[]): string[] {
  const removed = new Set(others);
  return members.filter((member) => !removed.has(member));
}

function nonEmpty<T extends { SS: string[] } | { NS: string[] } | { BS: string[] }>(set: T): T | undefined {
  const [members] = Object.values(set) as [string[]];
  return members.length === 0 ? undefined : set;
}

function incorrectType(): DynamoDbError {
  return validationError('An operand in the update expression has an incorrect data type');
}
