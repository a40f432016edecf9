import {
  type AttributeType,
  type AttributeValue,
  attributeType,
  checkNestingLevels,
  getAttribute,
  type Item,
  nestingLevels,
  setAttribute,
  valueSize,
} from '../attribute-value.ts';
import { validationError } from '../errors.ts';
import { itemBytesMax, updateTooLarge } from '../validate/item.ts';
import { Binder } from './binding.ts';
import { updateTree } from './parser.ts';
import { type DocumentPath, type PathTree, pathTree } from './paths.ts';
import { projectItem } from './projection.ts';
import type { Substitutions } from './substitutions.ts';
import {
  type BoundAction,
  bindAction,
  checkActionOperand,
  checkSetValue,
  setValueType,
} from './update-binding.ts';
import { addTo, compileSetValue, deleteFrom, type SetValue } from './update-operators.ts';
import { UpdateSize } from './update-size.ts';

/**
 * Parses an update expression and resolves its names and values (AWS: Expressions.UpdateExpressions).
 * @throws ValidationException with AWS's text for whatever is wrong in it.
 */
export function bindUpdate(text: string, substitutions: Substitutions): Update {
  const binder = new Binder('UpdateExpression', substitutions);
  const actions = updateTree(text).actions.map((node) => bindAction(node, binder));
  const tree = pathTree(actions.map(({ path }, position) => [path, position] as const));
  if (typeof tree === 'string') throw binder.error(tree);
  for (const action of actions) checkActionOperand(action, binder);
  for (const action of actions) if (action.kind === 'SET') checkSetValue(action.value, binder);
  return new Update(
    actions.map(({ path }) => path),
    actions.map(compileAction),
    tree,
    new UpdateSize(actions),
  );
}

/** An update expression, ready to be applied to any number of items. */
export class Update {
  /** What is changed, in the order in which it is written. */
  readonly paths: readonly DocumentPath[];
  /** Whether the update makes an item that was not there: one that only removes makes none. */
  readonly createsItem: boolean;
  readonly actions: readonly Action[];
  /** The paths again; a leaf is the position of its action among `actions`. */
  readonly tree: ActionTree;
  readonly #size: UpdateSize | undefined;

  /** @param size of the expression; AttributeUpdates count for nothing. */
  constructor(
    paths: readonly DocumentPath[],
    actions: readonly Action[],
    tree: ActionTree,
    size?: UpdateSize,
  ) {
    this.paths = paths;
    this.createsItem = actions.some(({ kind }) => kind === 'SET' || kind === 'ADD');
    this.actions = actions;
    this.tree = tree;
    this.#size = size;
  }

  /** What the update does with each attribute, or part of one, and the type of what it writes where that is known. */
  *writes(): Generator<{ readonly path: DocumentPath; readonly type: AttributeType | undefined }, void> {
    for (const [i, path] of this.paths.entries())
      yield { path, type: writtenType(this.actions[i] as Action) };
  }

  /** @param item as it is before the update. @throws ValidationException if the update counts for too much. */
  checkSize(item: Item): void {
    if (this.#size !== undefined && this.#size.bytes(item) > itemBytesMax) throw updateTooLarge();
  }

  /** @throws ValidationException if the update would change one of the key attributes. */
  checkKeyNames(keyNames: readonly string[]): void {
    const path = this.paths.find(([name]) => keyNames.includes(name));
    if (path === undefined) return;
    throw validationError(
      'One or more parameter values were invalid: ' +
        `Cannot update attribute ${path[0]}. This attribute is part of the key`,
    );
  }
}

/**
 * The item as the update leaves it. The given item, with canonical values, is not changed; the new one shares with
 * it what the update leaves alone. All right-hand sides see the given item, and indexes count in its lists.
 * @param isNew The item does not exist yet and `item` is its key: removing from documents that are not there is
 * then no error.
 * @throws ValidationException if the item does not have what the update needs.
 */
export function applyUpdate(update: Update, item: Item, isNew = false): Item {
  const { actions, tree } = update;
  return updateMap(tree, item, { actions, item, isNew, level: 0, budget: { bytes: itemBytesMax } });
}

/**
 * What `ReturnValues` `UPDATED_OLD` and `UPDATED_NEW` answer, of the old or new item: the attributes, or parts of
 * them, at the paths of the update; undefined if the item has none.
 */
export function updatedAttributes(update: Update, item: Item): Item | undefined {
  const attributes = projectItem(update.tree, item);
  return Object.keys(attributes).length === 0 ? undefined : attributes;
}

/** An action on the value at its path. */
type Action =
  | { readonly kind: 'SET'; readonly value: SetValue; readonly type: AttributeType | undefined }
  | { readonly kind: 'REMOVE' }
  | { readonly kind: 'ADD' | 'DELETE'; readonly value: AttributeValue };

function compileAction(action: BoundAction): Action {
  if (action.kind === 'SET') {
    const { kind, value } = action;
    return { kind, value: compileSetValue(value), type: setValueType(value) };
  }
  return action;
}

function writtenType(action: Action): AttributeType | undefined {
  if (action.kind === 'SET') return action.type;
  return action.kind === 'ADD' ? attributeType(action.value) : undefined;
}

type ActionTree = PathTree<number>;

interface Context {
  readonly actions: readonly Action[];
  /** The item that right-hand sides see. */
  readonly item: Item;
  readonly isNew: boolean;
  /** How many lists and maps are around the value in hand. */
  readonly level: number;
  readonly budget: Budget;
}

/** All that an update sets is in the new item together, whose size bounds it: no update multiplies a big value. */
interface Budget {
  bytes: number;
}

function updateMap({ names }: ActionTree, map: Item, context: Context): Item {
  const copy = { ...map };
  for (const [name, below] of names ?? []) {
    const value = updateValue(below, getAttribute(map, name), context);
    if (value === undefined) delete copy[name];
    else setAttribute(copy, name, value);
  }
  return copy;
}

/** Elements are removed behind all other changes; what is set beyond the end is appended, the lower index first. */
function updateList({ indexes }: ActionTree, list: AttributeValue[], context: Context): AttributeValue[] {
  const copy: (AttributeValue | undefined)[] = list.slice();
  for (const [index, below] of indexes ?? []) {
    const value = updateValue(below, list[index], context);
    copy[Math.min(index, copy.length)] = value;
  }
  return copy.filter((element) => element !== undefined);
}

function updateValue(
  tree: ActionTree,
  value: AttributeValue | undefined,
  context: Context,
): AttributeValue | undefined {
  if (tree.leaf !== undefined) return act(context.actions[tree.leaf] as Action, value, context);
  const inner = { ...context, level: context.level + 1 };
  if (tree.names !== undefined && value !== undefined && 'M' in value) {
    return { M: updateMap(tree, value.M, inner) };
  }
  if (tree.indexes !== undefined && value !== undefined && 'L' in value) {
    return { L: updateList(tree, value.L, inner) };
  }
  if (context.isNew && onlyRemoves(tree, context.actions)) return value;
  throw validationError('The document path provided in the update expression is invalid for update');
}

function onlyRemoves(tree: ActionTree, actions: readonly Action[]): boolean {
  if (tree.leaf !== undefined) return actions[tree.leaf]?.kind === 'REMOVE';
  const below = tree.names?.values() ?? tree.indexes?.values() ?? [];
  return [...below].every((inner) => onlyRemoves(inner, actions));
}

function act(
  action: Action,
  value: AttributeValue | undefined,
  context: Context,
): AttributeValue | undefined {
  switch (action.kind) {
    case 'SET':
      return withinLimits(action.value(context.item), context);
    case 'REMOVE':
      return undefined;
    case 'ADD':
      return withinLimits(addTo(value, action.value), context);
    case 'DELETE':
      return deleteFrom(value, action.value);
  }
}

/** A value of its own is within the limits; with others, or put deep into a document, it may not be. */
function withinLimits(value: AttributeValue, { level, budget }: Context): AttributeValue {
  budget.bytes -= valueSize(value);
  if (budget.bytes < 0) throw updateTooLarge();
  if (level > 0) checkNestingLevels(level + nestingLevels(value));
  return value;
}
