import { type AttributeValue, getAttribute, type Item, setAttribute } from '../attribute-value.ts';
import { Binder } from './binding.ts';
import { projectionTree } from './parser.ts';
import { type PathTree, pathTree } from './paths.ts';
import type { Substitutions } from './substitutions.ts';

/** Which parts of an item are asked for: a tree whose leaves are wanted whole. */
export type Projection = PathTree<true>;

/**
 * Parses a projection and resolves its names (AWS: Expressions.ProjectionExpressions).
 * @throws ValidationException with AWS's text for whatever is wrong in it.
 */
export function bindProjection(text: string, substitutions: Substitutions): Projection {
  const binder = new Binder('ProjectionExpression', substitutions);
  const paths = projectionTree(text).map((node) => [binder.path(node), true] as const);
  const tree = pathTree(paths);
  if (typeof tree === 'string') throw binder.error(tree);
  return tree;
}

/**
 * The projected parts of the item inside the maps and lists that lead to them. Elements of a list keep their order
 * and close up; what the item does not have is left out with all that would lead to it. Values are not copied.
 */
export function projectItem(projection: PathTree<unknown>, item: Item): Item {
  return projectMap(projection, item) ?? {};
}

function projectMap({ names }: PathTree<unknown>, map: Item): Item | undefined {
  let projected: Item | undefined;
  for (const [name, below] of names ?? []) {
    const value = projectValue(below, getAttribute(map, name));
    if (value === undefined) continue;
    projected ??= {};
    setAttribute(projected, name, value);
  }
  return projected;
}

function projectList({ indexes }: PathTree<unknown>, list: AttributeValue[]): AttributeValue[] {
  const projected: AttributeValue[] = [];
  for (const [index, below] of indexes ?? []) {
    const value = projectValue(below, list[index]);
    if (value !== undefined) projected.push(value);
  }
  return projected;
}

function projectValue(
  tree: PathTree<unknown>,
  value: AttributeValue | undefined,
): AttributeValue | undefined {
  if (value === undefined || tree.leaf !== undefined) return value;
  if ('M' in value) {
    const M = projectMap(tree, value.M);
    return M === undefined ? undefined : { M };
  }
  if (!('L' in value)) return undefined;
  const L = projectList(tree, value.L);
  return L.length === 0 ? undefined : { L };
}
