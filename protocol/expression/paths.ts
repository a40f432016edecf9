import { type AttributeValue, getAttribute, type Item } from '../attribute-value.ts';

/** A document path with its references resolved: an attribute's name, then names and list indexes. */
export type DocumentPath = readonly [string, ...(string | number)[]];

/** The value at the path; undefined where the item has none, or something else than a map or list on the way. */
export function valueAt(item: Item, path: DocumentPath): AttributeValue | undefined {
  let value = getAttribute(item, path[0]);
  for (let i = 1; i < path.length && value !== undefined; i++)
    value = elementOf(value, path[i] as string | number);
  return value;
}

function elementOf(value: AttributeValue, step: string | number): AttributeValue | undefined {
  if (typeof step === 'number') return 'L' in value ? value.L[step] : undefined;
  return 'M' in value ? getAttribute(value.M, step) : undefined;
}

/** A path as AWS's error texts show it: `[a, b, [1], c]`. */
export function printPath(path: DocumentPath): string {
  return `[${path.map((step) => (typeof step === 'number' ? `[${step}]` : step)).join(', ')}]`;
}

export function equalPaths(a: DocumentPath, b: DocumentPath): boolean {
  return a.length === b.length && a.every((step, i) => step === b[i]);
}

/** Paths that have no end in common, as a tree by their steps: a node has names below it, or indexes, or is a leaf. */
export interface PathTree<Leaf> {
  leaf?: Leaf;
  names?: Map<string, PathTree<Leaf>>;
  indexes?: Map<number, PathTree<Leaf>>;
  /** The first path put in that leads through here, for error texts. */
  readonly path: DocumentPath;
}

/**
 * Builds the tree in one pass over all steps.
 * @returns the tree, or the text of AWS's error that two paths overlap or conflict.
 */
export function pathTree<Leaf>(entries: readonly (readonly [DocumentPath, Leaf])[]): PathTree<Leaf> | string {
  const root: PathTree<Leaf> = { path: [''] };
  let conflict: string | undefined;
  for (const [path, leaf] of entries) {
    const clash = insert(root, path, leaf);
    if (clash === undefined) continue;
    const text = `${clashTexts[clash.kind]}; path one: ${printPath(clash.path)}, path two: ${printPath(path)}`;
    if (clash.kind === 'overlap') return text;
    conflict ??= text;
  }
  if (conflict !== undefined) return conflict;
  sortIndexes(root);
  return root;
}

const mustRewrite = 'must remove or rewrite one of these paths';
const clashTexts = {
  overlap: `Two document paths overlap with each other; ${mustRewrite}`,
  conflict: `Two document paths conflict with each other; ${mustRewrite}`,
};

/** Puts a path in. @returns the path that it overlaps or conflicts with. */
function insert<Leaf>(
  root: PathTree<Leaf>,
  path: DocumentPath,
  leaf: Leaf,
): { kind: keyof typeof clashTexts; path: DocumentPath } | undefined {
  let node = root;
  for (const step of path) {
    if (node.leaf !== undefined) return { kind: 'overlap', path: node.path };
    if ((typeof step === 'number' ? node.names : node.indexes) !== undefined) {
      return { kind: 'conflict', path: node.path };
    }
    node = descend(node, step, path);
  }
  if (node.path !== path) return { kind: 'overlap', path: node.path };
  node.leaf = leaf;
  return undefined;
}

function descend<Leaf>(node: PathTree<Leaf>, step: string | number, path: DocumentPath): PathTree<Leaf> {
  if (typeof step === 'number') {
    node.indexes ??= new Map();
    return child(node.indexes, step, path);
  }
  node.names ??= new Map();
  return child(node.names, step, path);
}

function child<Step, Leaf>(
  children: Map<Step, PathTree<Leaf>>,
  step: Step,
  path: DocumentPath,
): PathTree<Leaf> {
  const known = children.get(step);
  if (known !== undefined) return known;
  const created: PathTree<Leaf> = { path };
  children.set(step, created);
  return created;
}

/** Brings the indexes everywhere in the tree into rising order, in which lists are read and appended to. */
function sortIndexes<Leaf>(node: PathTree<Leaf>): void {
  if (node.indexes !== undefined) node.indexes = new Map([...node.indexes].sort(([a], [b]) => a - b));
  for (const below of node.names?.values() ?? node.indexes?.values() ?? []) sortIndexes(below);
}
