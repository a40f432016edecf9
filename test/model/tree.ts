import type { Path } from './expression.ts';
import { canonical, invalid, typeOf, type Value } from './value.ts';

/**
 * A tree of a condition or an update with the canonical form of every value in it. Values are members called `value`, or
 * they are operands of a tree that are called so themselves.
 * @throws Refusal
 */
export function canonicalTree<Tree>(tree: Tree): Tree {
  if (Array.isArray(tree)) return tree.map(canonicalTree) as Tree;
  if (typeof tree !== 'object' || tree === null) return tree;
  const members = Object.entries(tree).map(([name, member]) => {
    return [name, isValue(name, member) ? canonicalOperand(member) : canonicalTree(member)];
  });
  return Object.fromEntries(members);
}

const valueTypes = new Set(['S', 'N', 'B', 'BOOL', 'NULL', 'SS', 'NS', 'BS', 'L', 'M']);

function isValue(name: string, member: unknown): member is Value {
  return (
    name === 'value' &&
    typeof member === 'object' &&
    member !== null &&
    valueTypes.has(typeOf(member as Value))
  );
}

/** Without a text: AWS wraps what is wrong with a value in one that names its reference. */
export function canonicalOperand(value: Value): Value {
  try {
    return canonical(value);
  } catch {
    throw invalid();
  }
}

/** The top-level attributes that a condition names. */
export function namesOf(condition: unknown): string[] {
  if (typeof condition !== 'object' || condition === null) return [];
  return Object.entries(condition).flatMap(([name, member]) => {
    if (name === 'path' || name === 'sizeOf') return [String((member as Path)[0])];
    return isValue(name, member) ? [] : namesOf(member);
  });
}
