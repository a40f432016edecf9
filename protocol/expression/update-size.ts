import { type AttributeValue, type Item, valueSize } from '../attribute-value.ts';
import type { BoundOperand } from './binding.ts';
import { type DocumentPath, valueAt } from './paths.ts';
import type { BoundAction, BoundSetValue } from './update-binding.ts';

/**
 * What an update expression counts for in the size limit of UpdateItem, which holds for the expression as it does for the
 * item that it makes. AWS does not document it. Measured to the byte in October 2026: three for the update, and for each
 * action
 *
 *     SET path = value        19, the target, the value
 *     ADD path value          19, the target, the value; of a set only the members that are new
 *     REMOVE path             1, the target
 *     DELETE path value       1, the target
 *
 * A value of the request counts wherever it stands, with its size. What is read from the item counts as the path alone.
 */
export class UpdateSize {
  readonly #fixedBytes: number;
  /** Those that count for less the more of their members are there. */
  readonly #setAdditions: readonly Addition[];

  constructor(actions: readonly BoundAction[]) {
    this.#fixedBytes = actions.reduce((bytes, action) => bytes + actionBytes(action), updateBytes);
    this.#setAdditions = actions.filter(isSetAddition);
  }

  /** @param item as it is before the update. */
  bytes(item: Item): number {
    return this.#setAdditions.reduce(
      (bytes, { path, value }) => bytes - presentBytes(value, valueAt(item, path)),
      this.#fixedBytes,
    );
  }
}

type Addition = Extract<BoundAction, { kind: 'ADD' | 'DELETE' }>;

const updateBytes = 3;
const writingBytes = 19;
const removingBytes = 1;
const operatorBytes = { '+': 34, '-': 37 } as const;
const functionBytes = { list_append: 37, if_not_exists: 39 } as const;

function isSetAddition(action: BoundAction): action is Addition {
  return action.kind === 'ADD' && !('N' in action.value);
}

function actionBytes(action: BoundAction): number {
  switch (action.kind) {
    case 'SET':
      return writingBytes + targetBytes(action.path) + setValueBytes(action.value);
    case 'ADD':
      return writingBytes + targetBytes(action.path) + valueSize(action.value);
    case 'REMOVE':
    case 'DELETE':
      return removingBytes + targetBytes(action.path);
  }
}

function setValueBytes(value: BoundSetValue): number {
  if (value.kind !== 'arithmetic') return operandBytes(value);
  return operatorBytes[value.operator] + operandsBytes(value.operands);
}

function operandBytes(operand: BoundOperand): number {
  switch (operand.kind) {
    case 'value':
      return valueSize(operand.value);
    case 'path':
      return operand.path.reduce<number>((bytes, step) => bytes + 14 + stepBytes(step), 1);
    case 'function':
      return (
        (functionBytes[operand.name as keyof typeof functionBytes] ?? 0) + operandsBytes(operand.operands)
      );
  }
}

function operandsBytes(operands: readonly BoundOperand[]): number {
  return operands.reduce((bytes, operand) => bytes + operandBytes(operand), 0);
}

function targetBytes(path: DocumentPath): number {
  return path.reduce<number>((bytes, step) => bytes + 4 + stepBytes(step), -4);
}

function stepBytes(step: string | number): number {
  return Buffer.byteLength(String(step));
}

/** The size of the members of one set that the other has too. */
function presentBytes(added: AttributeValue, current: AttributeValue | undefined): number {
  if ('SS' in added && current !== undefined && 'SS' in current)
    return valueSize({ SS: common(added.SS, current.SS) });
  if ('NS' in added && current !== undefined && 'NS' in current)
    return valueSize({ NS: common(added.NS, current.NS) });
  if ('BS' in added && current !== undefined && 'BS' in current)
    return valueSize({ BS: common(added.BS, current.BS) });
  return 0;
}

function common(members: readonly string[], others: readonly string[]): string[] {
  const present = new Set(others);
  return members.filter((member) => present.has(member));
}
