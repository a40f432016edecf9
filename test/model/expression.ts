import {
  areEqual,
  attribute,
  bytesOf,
  type Item,
  invalid,
  negated,
  order,
  Refusal,
  sum,
  typeOf,
  type Value,
} from './value.ts';

/** An attribute's name, then names of map members and indexes of list elements. */
export type Path = readonly [string, ...(string | number)[]];

export type Operand = { readonly path: Path } | { readonly value: Value } | { readonly sizeOf: Path };

export type Comparator = '=' | '<>' | '<' | '<=' | '>' | '>=';

/** A condition or filter as a tree: printed for the system under test, walked here for the model. */
export type Condition =
  | { readonly kind: 'AND' | 'OR'; readonly parts: readonly Condition[] }
  | { readonly kind: 'NOT'; readonly part: Condition }
  | {
      readonly kind: 'compare';
      readonly operator: Comparator;
      readonly left: Operand;
      readonly right: Operand;
    }
  | { readonly kind: 'BETWEEN'; readonly operand: Operand; readonly lower: Operand; readonly upper: Operand }
  | { readonly kind: 'IN'; readonly operand: Operand; readonly list: readonly Operand[] }
  | { readonly kind: 'attribute_exists' | 'attribute_not_exists'; readonly path: Path }
  | { readonly kind: 'attribute_type'; readonly path: Path; readonly type: string }
  | { readonly kind: 'begins_with' | 'contains'; readonly path: Path; readonly operand: Operand };

/** Whether the condition holds for the item (AWS: Expressions.OperatorsAndFunctions). */
export function holds(condition: Condition, item: Item): boolean {
  const get = (operand: Operand) => operandValue(operand, item);
  switch (condition.kind) {
    case 'AND':
      return condition.parts.every((part) => holds(part, item));
    case 'OR':
      return condition.parts.some((part) => holds(part, item));
    case 'NOT':
      return !holds(condition.part, item);
    case 'compare':
      return compares(condition.operator, get(condition.left), get(condition.right));
    case 'BETWEEN': {
      const value = get(condition.operand);
      return compares('>=', value, get(condition.lower)) && compares('<=', value, get(condition.upper));
    }
    case 'IN':
      return condition.list.some((candidate) => areEqual(get(condition.operand), get(candidate)));
    case 'attribute_exists':
      return valueAt(item, condition.path) !== undefined;
    case 'attribute_not_exists':
      return valueAt(item, condition.path) === undefined;
    case 'attribute_type': {
      const value = valueAt(item, condition.path);
      return value !== undefined && typeOf(value) === condition.type;
    }
    case 'begins_with':
      return beginsWith(valueAt(item, condition.path), get(condition.operand));
    case 'contains':
      return contains(valueAt(item, condition.path), get(condition.operand));
  }
}

function operandValue(operand: Operand, item: Item): Value | undefined {
  if ('path' in operand) return valueAt(item, operand.path);
  if ('value' in operand) return operand.value;
  const value = valueAt(item, operand.sizeOf);
  const count = value === undefined ? undefined : countOf(value);
  return count === undefined ? undefined : { N: String(count) };
}

/** What `size` answers; numbers, booleans and null have none. */
function countOf(value: Value): number | undefined {
  if ('S' in value) return value.S.length;
  const bytes = bytesOf(value);
  if (bytes !== undefined) return bytes.length;
  if ('M' in value) return Object.keys(value.M).length;
  const elements = Object.values(value)[0];
  return Array.isArray(elements) ? elements.length : undefined;
}

export function compares(operator: Comparator, a: Value | undefined, b: Value | undefined): boolean {
  if (operator === '=') return areEqual(a, b);
  if (operator === '<>') return !areEqual(a, b);
  const result = order(a, b);
  if (result === undefined) return false;
  return { '<': result < 0, '<=': result <= 0, '>': result > 0, '>=': result >= 0 }[operator];
}

export function beginsWith(value: Value | undefined, prefix: Value | undefined): boolean {
  if (value === undefined || prefix === undefined || typeOf(value) !== typeOf(prefix)) return false;
  const [bytes, start] = [bytesOf(value), bytesOf(prefix)];
  return bytes !== undefined && start !== undefined && bytes.subarray(0, start.length).equals(start);
}

function contains(value: Value | undefined, element: Value | undefined): boolean {
  if (value === undefined || element === undefined) return false;
  if ('L' in value) return value.L.some((member) => areEqual(member, element));
  if ('SS' in value) return 'S' in element && value.SS.includes(element.S);
  if ('NS' in value) return 'N' in element && value.NS.includes(element.N);
  if ('BS' in value) return 'B' in element && value.BS.includes(element.B);
  if (typeOf(value) !== typeOf(element)) return false;
  const [bytes, part] = [bytesOf(value), bytesOf(element)];
  return bytes !== undefined && part !== undefined && bytes.includes(part);
}

export function valueAt(item: Item, path: Path): Value | undefined {
  return path.reduce<Value | undefined>((value, step) => value && childOf(value, step), { M: item });
}

function childOf(value: Value, step: string | number): Value | undefined {
  if (typeof step === 'number') return 'L' in value ? value.L[step] : undefined;
  return 'M' in value ? attribute(value.M, step) : undefined;
}

/** The parts of the item that the paths name, with what leads to them (AWS: Expressions.ProjectionExpressions). */
export function project(item: Item, paths: readonly Path[]): Item {
  const projected = projectValue({ M: item }, paths);
  return projected !== undefined && 'M' in projected ? projected.M : {};
}

function projectValue(value: Value, tails: readonly (readonly (string | number)[])[]): Value | undefined {
  if (tails.length === 0) return undefined;
  if (tails.some((tail) => tail.length === 0)) return value;
  const below = (step: string | number) =>
    tails.filter(([first]) => first === step).map((tail) => tail.slice(1));
  if ('L' in value) {
    const list = value.L.map((element, i): Value | undefined => projectValue(element, below(i))).filter(
      (element) => element !== undefined,
    );
    return list.length === 0 ? undefined : { L: list };
  }
  if (!('M' in value)) return undefined;
  const members = Object.entries(value.M).map(
    ([name, member]) => [name, projectValue(member, below(name))] as const,
  );
  const kept = members.filter((member): member is [string, Value] => member[1] !== undefined);
  return kept.length === 0 ? undefined : { M: Object.fromEntries(kept) };
}

/** No path may lead to or through another; nor may one go on by name where the other goes on by index. */
export function pathsClash(paths: readonly Path[]): boolean {
  return paths.some((path, i) => paths.slice(i + 1).some((other) => clash(path, other)));
}

function clash(a: Path, b: Path): boolean {
  const at = a.findIndex((step, i) => step !== b[i]);
  if (at === -1 || at >= b.length) return true;
  return typeof a[at] !== typeof b[at];
}

export type SetOperand =
  | { readonly path: Path }
  | { readonly value: Value }
  | { readonly ifNotExists: Path; readonly otherwise: SetOperand };

export type SetValue =
  | SetOperand
  | { readonly operator: '+' | '-'; readonly left: SetOperand; readonly right: SetOperand }
  | { readonly append: readonly [SetOperand, SetOperand] };

export interface Update {
  readonly set: readonly { readonly path: Path; readonly value: SetValue }[];
  readonly remove: readonly Path[];
  readonly add: readonly { readonly path: Path; readonly value: Value }[];
  readonly delete: readonly { readonly path: Path; readonly value: Value }[];
}

export function updatedPaths({ set, remove, add, delete: removed }: Update): Path[] {
  return [
    ...set.map(({ path }) => path),
    ...remove,
    ...add.map(({ path }) => path),
    ...removed.map(({ path }) => path),
  ];
}

const noSuchAttribute = 'The provided expression refers to an attribute that does not exist in the item';
const wrongType = 'An operand in the update expression has an incorrect data type';
const invalidPath = 'The document path provided in the update expression is invalid for update';

/**
 * The item after the update (AWS: Expressions.UpdateExpressions): every right-hand side sees the item as it was.
 * @param exists whether the item was there; from one that was not, anything can be removed.
 * @throws Refusal; with a text only where one thing alone is wrong, as nobody documents what AWS checks first
 */
export function applyUpdate(update: Update, item: Item, exists: boolean): Item {
  const changes = [
    ...update.set.map(({ path, value }) => attempt(item, path, () => setValue(value, item))),
    ...update.remove.map((path) => (exists ? attempt(item, path, () => undefined) : { path })),
    ...update.add.map(({ path, value }) => attempt(item, path, () => added(valueAt(item, path), value))),
    ...update.delete.map(({ path, value }) => attempt(item, path, () => removed(valueAt(item, path), value))),
  ];
  const problems = changes.flatMap((change) => change.problems ?? []);
  const [problem] = problems;
  if (problem !== undefined) throw problems.every(({ text }) => text === problem.text) ? problem : invalid();
  const updated = rewrite(
    { M: item },
    changes.map(({ path, value }) => ({ tail: path, value })),
  );
  return updated !== undefined && 'M' in updated ? updated.M : item;
}

interface Change {
  readonly path: Path;
  /** Absent to remove. */
  readonly value?: Value | undefined;
  readonly problems?: readonly Refusal[];
}

function attempt(item: Item, path: Path, evaluate: () => Value | undefined): Change {
  const problems = hasParent(item, path) ? [] : [invalid(invalidPath)];
  try {
    return { path, value: evaluate(), problems };
  } catch (error) {
    if (error instanceof Refusal) return { path, problems: [...problems, error] };
    throw error;
  }
}

/** Whether what the path's last step would be found in is there, and is a map or a list as the step needs. */
function hasParent(item: Item, path: Path): boolean {
  const parent = path
    .slice(0, -1)
    .reduce<Value | undefined>((value, step) => value && childOf(value, step), { M: item });
  return parent !== undefined && (typeof path.at(-1) === 'number' ? 'L' : 'M') in parent;
}

interface Rewriting {
  readonly tail: readonly (string | number)[];
  readonly value: Value | undefined;
}

/** Indexes count in the list as it was; what lies beyond its end is appended, the lower index first. */
function rewrite(value: Value | undefined, changes: readonly Rewriting[]): Value | undefined {
  const whole = changes.find(({ tail }) => tail.length === 0);
  if (whole !== undefined) return whole.value;
  if (changes.length === 0 || value === undefined) return value;
  const below = (step: string | number) =>
    changes
      .filter(({ tail }) => tail[0] === step)
      .map((change) => ({ ...change, tail: change.tail.slice(1) }));
  if ('L' in value) {
    const beyond = changes.map(({ tail }) => Number(tail[0])).filter((index) => index >= value.L.length);
    const indexes = [...value.L.keys(), ...beyond.sort((a, b) => a - b)];
    const elements = indexes.map((index) => rewrite(value.L[index], below(index)));
    return { L: elements.filter((element) => element !== undefined) };
  }
  if (!('M' in value)) return value;
  const names = new Set([...Object.keys(value.M), ...changes.map(({ tail }) => String(tail[0]))]);
  const members = [...names].map(
    (name) => [name, rewrite(attribute(value.M as Item, name), below(name))] as const,
  );
  return {
    M: Object.fromEntries(members.filter((member): member is [string, Value] => member[1] !== undefined)),
  };
}

function setValue(value: SetValue, item: Item): Value {
  if ('operator' in value) {
    const [a, b] = [setOperand(value.left, item), setOperand(value.right, item)];
    if (!('N' in a) || !('N' in b)) throw invalid(wrongType);
    return { N: sum(a.N, value.operator === '+' ? b.N : negated(b.N)) };
  }
  if (!('append' in value)) return setOperand(value, item);
  const [a, b] = [setOperand(value.append[0], item), setOperand(value.append[1], item)];
  if (!('L' in a) || !('L' in b)) throw invalid(wrongType);
  return { L: [...a.L, ...b.L] };
}

function setOperand(operand: SetOperand, item: Item): Value {
  if ('value' in operand) return operand.value;
  const value = valueAt(item, 'path' in operand ? operand.path : operand.ifNotExists);
  if (value !== undefined) return value;
  if ('path' in operand) throw invalid(noSuchAttribute);
  return setOperand(operand.otherwise, item);
}

function added(value: Value | undefined, operand: Value): Value {
  if (value === undefined) return operand;
  if (typeOf(value) !== typeOf(operand)) throw invalid(wrongType);
  if ('N' in value && 'N' in operand) return { N: sum(value.N, operand.N) };
  return mergeSets(value, operand, (a, b) => [...a, ...b.filter((member) => !a.includes(member))]);
}

function removed(value: Value | undefined, operand: Value): Value | undefined {
  if (value === undefined) return undefined;
  if (typeOf(value) !== typeOf(operand)) throw invalid(wrongType);
  const rest = mergeSets(value, operand, (a, b) => a.filter((member) => !b.includes(member)));
  return setMembers(rest).length === 0 ? undefined : rest;
}

function mergeSets(a: Value, b: Value, merge: (a: string[], b: string[]) => string[]): Value {
  return { [typeOf(a)]: merge(setMembers(a), setMembers(b)) } as Value;
}

function setMembers(set: Value): string[] {
  if ('SS' in set) return set.SS;
  if ('NS' in set) return set.NS;
  return 'BS' in set ? set.BS : [];
}

/**
 * Whether AWS refuses the condition whatever the item is: an operator that compares order is given a value that has
 * none, bounds that are the wrong way round, or an operand stands against itself.
 */
export function isConditionWrong(condition: Condition): boolean {
  switch (condition.kind) {
    case 'AND':
    case 'OR':
      return condition.parts.some(isConditionWrong);
    case 'NOT':
      return isConditionWrong(condition.part);
    case 'compare': {
      const { operator, left, right } = condition;
      const needsOrder = operator !== '=' && operator !== '<>';
      return isSame(left, right) || (needsOrder && (hasNoOrder(left) || hasNoOrder(right)));
    }
    case 'BETWEEN': {
      const { operand, lower, upper } = condition;
      if (isSame(operand, lower) || isSame(operand, upper)) return true;
      return [operand, lower, upper].some(hasNoOrder) || areBoundsWrong(lower, upper);
    }
    case 'IN':
      return condition.list.some((candidate) => isSame(condition.operand, candidate));
    case 'begins_with':
    case 'contains': {
      const { kind, path, operand } = condition;
      const isText = !('value' in operand) || bytesOf(operand.value) !== undefined;
      return isSame({ path }, operand) || (kind === 'begins_with' && (!isText || 'sizeOf' in operand));
    }
    default:
      return false;
  }
}

function isSame(a: Operand, b: Operand): boolean {
  return 'path' in a && 'path' in b && JSON.stringify(a.path) === JSON.stringify(b.path);
}

function hasNoOrder(operand: Operand): boolean {
  return 'value' in operand && !['S', 'N', 'B'].includes(typeOf(operand.value));
}

function areBoundsWrong(lower: Operand, upper: Operand): boolean {
  return 'value' in lower && 'value' in upper && !compares('<=', lower.value, upper.value);
}

/** Whether AWS refuses the update whatever the item is. */
export function isUpdateWrong(update: Update): boolean {
  if (pathsClash(updatedPaths(update))) return true;
  const isSet = (value: Value) => setMembers(value).length > 0;
  if (update.add.some(({ value }) => !isSet(value) && !('N' in value))) return true;
  if (update.delete.some(({ value }) => !isSet(value))) return true;
  return update.set.some(({ value }) => isSetValueWrong(value));
}

function isSetValueWrong(value: SetValue): boolean {
  if ('operator' in value) return [value.left, value.right].some((operand) => isOperandWrong(operand, 'N'));
  if ('append' in value) return value.append.some((operand) => isOperandWrong(operand, 'L'));
  return isOperandWrong(value, undefined);
}

/** Of an operand that is a value, the type is known before there is an item. */
function isOperandWrong(operand: SetOperand, type: 'N' | 'L' | undefined): boolean {
  if ('value' in operand) return type !== undefined && typeOf(operand.value) !== type;
  if (!('ifNotExists' in operand)) return false;
  const { ifNotExists: path, otherwise } = operand;
  if ('path' in otherwise && JSON.stringify(otherwise.path) === JSON.stringify(path)) return true;
  return isOperandWrong(otherwise, undefined);
}
