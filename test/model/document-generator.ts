import * as fc from 'fast-check';
import {
  type Comparator,
  type Condition,
  type Operand,
  type Path,
  pathsClash,
  type SetOperand,
  type SetValue,
  type Update,
} from './expression.ts';
import { indexKeyNames, keyValue } from './key-generator.ts';
import { expiryName, hashName, rangeName, storeEpoch } from './request.ts';
import { type Item, order, type Value } from './value.ts';

/** Some need `#names`: reserved words, dots, characters of all planes, members that every object has. */
export const attributeNames = [
  'a',
  'b',
  'c',
  'd',
  'size',
  'data',
  'a.b',
  'né\u{1F600}',
  'constructor',
  '__proto__',
];

/** What items are made of, and the expressions about them. */
export interface Documents {
  readonly attributes: fc.Arbitrary<Item>;
  readonly condition: fc.Arbitrary<Condition>;
  readonly projection: fc.Arbitrary<readonly Path[]>;
  readonly update: fc.Arbitrary<Update>;
}

const made = new Map<readonly string[], Documents>();

/**
 * Documents whose attributes have these names. The first four tell what mostly is in them (a number, a list, a map, a
 * set), so that paths and operands find what they need.
 */
export function documentsOf(names: readonly string[]): Documents {
  const documents = made.get(names) ?? newDocuments(names);
  made.set(names, documents);
  return documents;
}

function newDocuments(names: readonly string[]): Documents {
  const [number = '', list = '', map = '', set = ''] = names;
  const name = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(number, list, map, set) },
    { weight: 1, arbitrary: fc.constantFrom(...names) },
  );
  const { attributes, value } = valuesOf({ number, list, map, set }, name);
  const top = fc.oneof(
    { weight: 40, arbitrary: name },
    { weight: 1, arbitrary: fc.constantFrom(hashName, rangeName) },
    { weight: 4, arbitrary: fc.constantFrom(...indexKeyNames, expiryName) },
  );
  const index = fc.nat(3);
  const path: fc.Arbitrary<Path> = fc.oneof(
    { weight: 16, arbitrary: top.map((one): Path => [one]) },
    { weight: 6, arbitrary: fc.tuple(fc.constant(list), index) },
    { weight: 6, arbitrary: fc.tuple(fc.constant(map), name) },
    { weight: 2, arbitrary: fc.tuple(fc.constant(map), fc.constant(list), index) },
    { weight: 2, arbitrary: fc.tuple(fc.constant(list), index, name) },
    { weight: 1, arbitrary: fc.tuple(name, name) },
    { weight: 1, arbitrary: fc.tuple(name, index) },
  );
  return {
    attributes: fc.tuple(attributes, specials).map(([others, own]) => ({ ...others, ...own })),
    condition: conditionOf(path, value),
    projection: fc.array(path, { minLength: 1, maxLength: 4 }).chain(rarelyClashing),
    update: updateOf({ number, list, map, set }, path, value),
  };
}

/** The names of attributes by what they mostly hold. */
interface Typed {
  readonly number: string;
  readonly list: string;
  readonly map: string;
  readonly set: string;
}

const text = fc.constantFrom('', 'a', 'ab', 'abc', 'é', '\uE000', '\uFFFD', '\u{1F600}');
const numeral = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.constantFrom('0', '1', '2', '-1', '1.0', '1e0', '3.14', '100', '1e3', '-0', '+7'),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('1e125', '-9.9e125', '1e-130', '0.000001', '9'.repeat(38)),
  },
);
const binary = fc.constantFrom('', 'AA==', 'gA==', 'gAA=', '/w==', 'AP8=');

const asNumber = numeral.map((N): Value => ({ N }));
const scalar: fc.Arbitrary<Value> = fc.oneof(
  text.map((S) => ({ S })),
  asNumber,
  binary.map((B) => ({ B })),
  fc.boolean().map((BOOL) => ({ BOOL })),
  fc.constant({ NULL: true }),
);

/** Values that order, as comparisons want them. */
const ordered: fc.Arbitrary<Value> = fc.oneof(
  { weight: 2, arbitrary: text.map((S) => ({ S })) },
  { weight: 4, arbitrary: asNumber },
  { weight: 1, arbitrary: binary.map((B) => ({ B })) },
);

const asSet: fc.Arbitrary<Value> = fc.oneof(
  fc.uniqueArray(text, { minLength: 1, maxLength: 3 }).map((SS) => ({ SS })),
  fc.uniqueArray(fc.constantFrom('0', '1', '2', '1.5'), { minLength: 1, maxLength: 3 }).map((NS) => ({ NS })),
  fc.uniqueArray(binary, { minLength: 1, maxLength: 3 }).map((BS) => ({ BS })),
);

/** Refused wherever they stand. */
const wrong = fc.constantFrom<Value>(
  { N: '1e126' },
  { N: '1e-131' },
  { N: '1x' },
  { N: '123456789012345678901234567890123456789' },
  { SS: [] },
  { NS: ['1', '1.0'] },
  { L: [{ N: '-1e126' }] },
);

function valuesOf(
  typed: Typed,
  name: fc.Arbitrary<string>,
): { value: fc.Arbitrary<Value>; attributes: fc.Arbitrary<Item> } {
  return fc.letrec<{ value: Value; list: Value; map: Value; attribute: [string, Value]; attributes: Item }>(
    (tie) => ({
      value: fc.oneof(
        { maxDepth: 3, depthIdentifier: 'value' },
        { weight: 120, arbitrary: scalar },
        { weight: 24, arbitrary: asSet },
        { weight: 24, arbitrary: tie('list') },
        { weight: 24, arbitrary: tie('map') },
        { weight: 1, arbitrary: wrong },
      ),
      list: fc.array(tie('value'), { maxLength: 4, depthIdentifier: 'value' }).map((L) => ({ L })),
      map: tie('attributes').map((M) => ({ M })),
      attribute: fc.oneof(
        { maxDepth: 3, depthIdentifier: 'value' },
        { weight: 3, arbitrary: fc.tuple(fc.constant(typed.number), asNumber) },
        { weight: 3, arbitrary: fc.tuple(fc.constant(typed.set), asSet) },
        { weight: 3, arbitrary: fc.tuple(fc.constant(typed.list), tie('list')) },
        { weight: 3, arbitrary: fc.tuple(fc.constant(typed.map), tie('map')) },
        { weight: 5, arbitrary: fc.tuple(name, tie('value')) },
      ),
      attributes: fc
        .uniqueArray(tie('attribute'), { maxLength: 5, selector: ([one]) => one, depthIdentifier: 'value' })
        .map((entries) => Object.fromEntries(entries)),
    }),
  );
}

/** Around the time at which the clock of a store begins; one is too long ago to count. */
const expiry = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(-100_000, -0.5, 150, 450, 5_000_000, -200_000_000),
  },
  { weight: 1, arbitrary: fc.constant(Number.NaN) },
);

const asExpiry = expiry.map((seconds): Value => {
  return Number.isNaN(seconds) ? { S: '1' } : { N: String(storeEpoch + seconds) };
});

/** Attributes that mean something to a table: keys of indexes, of the types that they want, and when an item expires. */
const special: Readonly<Record<string, fc.Arbitrary<Value>>> = {
  ...Object.fromEntries(indexKeyNames.map((name) => [name, keyValue(name, 'S')])),
  [expiryName]: asExpiry,
};

/** Some of them, most often the keys of indexes. */
const specials: fc.Arbitrary<Item> = fc
  .tuple(fc.record(special), fc.subarray([...indexKeyNames, ...indexKeyNames, expiryName]))
  .map(([values, names]) => Object.fromEntries(names.flatMap((name) => entryOf(values, name))));

const oneSpecial = fc.oneof(
  ...Object.entries(special).map(([name, value]) => fc.tuple(fc.constant(name), value)),
);

function entryOf(values: Item, name: string): [string, Value][] {
  const value = values[name];
  return value === undefined ? [] : [[name, value]];
}

/** Leaves out paths that clash with earlier ones, but for a few lists. */
function rarelyClashing(paths: readonly Path[]): fc.Arbitrary<readonly Path[]> {
  const kept: Path[] = [];
  for (const path of paths) if (!pathsClash([...kept, path])) kept.push(path);
  return fc.oneof({ weight: 20, arbitrary: fc.constant(kept) }, { weight: 1, arbitrary: fc.constant(paths) });
}

const typeNames = ['S', 'N', 'B', 'BOOL', 'NULL', 'SS', 'NS', 'BS', 'L', 'M'];

function conditionOf(path: fc.Arbitrary<Path>, value: fc.Arbitrary<Value>): fc.Arbitrary<Condition> {
  const asValue = value.map((one): Operand => ({ value: one }));
  const asOrdered = ordered.map((one): Operand => ({ value: one }));
  const asPath = path.map((one): Operand => ({ path: one }));
  const left = fc.oneof(
    { weight: 8, arbitrary: asPath },
    { weight: 1, arbitrary: path.map((one): Operand => ({ sizeOf: one })) },
    { weight: 1, arbitrary: asOrdered },
  );
  const right = fc.oneof(
    { weight: 24, arbitrary: asOrdered },
    { weight: 3, arbitrary: asPath },
    { weight: 1, arbitrary: asValue },
  );
  const leaf = fc.oneof(
    { weight: 4, arbitrary: comparisonOf(left, right, fc.oneof(asValue, right)) },
    { weight: 3, arbitrary: functionOf(path, right) },
  );
  const { condition } = fc.letrec<{ condition: Condition; joined: Condition; negated: Condition }>((tie) => ({
    condition: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'condition' },
      { weight: 10, arbitrary: leaf },
      { weight: 4, arbitrary: tie('joined') },
      { weight: 2, arbitrary: tie('negated') },
    ),
    joined: fc.record({
      kind: fc.constantFrom('AND' as const, 'OR' as const),
      parts: fc.array(tie('condition'), { minLength: 2, maxLength: 3, depthIdentifier: 'condition' }),
    }),
    negated: fc.record({ kind: fc.constant('NOT' as const), part: tie('condition') }),
  }));
  return condition;
}

/** @param any what can be compared for equality, which is everything */
function comparisonOf(
  left: fc.Arbitrary<Operand>,
  right: fc.Arbitrary<Operand>,
  any: fc.Arbitrary<Operand>,
): fc.Arbitrary<Condition> {
  const compare = (operators: readonly Comparator[], operand: fc.Arbitrary<Operand>) =>
    fc.record({
      kind: fc.constant('compare' as const),
      operator: fc.constantFrom(...operators),
      left,
      right: operand,
    });
  const between = fc
    .tuple(left, right, right, fc.nat(15))
    .map(([operand, a, b, luck]): Condition => ({ kind: 'BETWEEN', operand, ...bounds(a, b, luck > 0) }));
  const isIn = fc.record({
    kind: fc.constant('IN' as const),
    operand: left,
    list: fc.array(any, { minLength: 1, maxLength: 4 }),
  });
  return fc.oneof(compare(['=', '<>'], any), compare(['<', '<=', '>', '>='], right), between, isIn);
}

function functionOf(path: fc.Arbitrary<Path>, right: fc.Arbitrary<Operand>): fc.Arbitrary<Condition> {
  const exists = fc.record({
    kind: fc.constantFrom('attribute_exists' as const, 'attribute_not_exists' as const),
    path,
  });
  const isType = fc.record({
    kind: fc.constant('attribute_type' as const),
    path,
    type: fc.constantFrom(...typeNames),
  });
  const search = fc.record({
    kind: fc.constantFrom('begins_with' as const, 'contains' as const),
    path,
    operand: fc.oneof(
      { weight: 8, arbitrary: text.map((S): Operand => ({ value: { S } })) },
      { weight: 4, arbitrary: right },
    ),
  });
  return fc.oneof(exists, isType, search);
}

/** The bounds in order, where both are values that have one. */
function bounds(a: Operand, b: Operand, isLucky: boolean): { lower: Operand; upper: Operand } {
  if (!isLucky || !('value' in a) || !('value' in b)) return { lower: a, upper: b };
  const distance = tryOrder(a.value, b.value);
  if (distance === undefined) return { lower: a, upper: a };
  return distance <= 0 ? { lower: a, upper: b } : { lower: b, upper: a };
}

/** The order of values that need not be valid. */
export function tryOrder(a: Value, b: Value): number | undefined {
  try {
    return order(a, b);
  } catch {
    return undefined;
  }
}

type Action =
  | { readonly kind: 'set'; readonly path: Path; readonly value: SetValue }
  | { readonly kind: 'remove'; readonly path: Path }
  | { readonly kind: 'add' | 'delete'; readonly path: Path; readonly value: Value };

function updateOf(typed: Typed, path: fc.Arbitrary<Path>, value: fc.Arbitrary<Value>): fc.Arbitrary<Update> {
  const at = (name: string): fc.Arbitrary<Path> =>
    fc.oneof(
      { weight: 10, arbitrary: fc.constant<Path>([name]) },
      { weight: 2, arbitrary: fc.constant<Path>([typed.map, name]) },
      { weight: 1, arbitrary: fc.constant<Path>([typed.list]) },
    );
  const set = (to: fc.Arbitrary<Path>, what: fc.Arbitrary<SetValue>): fc.Arbitrary<Action> =>
    fc.record({ kind: fc.constant('set' as const), path: to, value: what });
  const change = (kind: 'add' | 'delete', name: string, what: fc.Arbitrary<Value>): fc.Arbitrary<Action> =>
    fc.record({ kind: fc.constant(kind), path: at(name), value: what });
  const action = fc.oneof(
    { weight: 5, arbitrary: set(path, copied(path, value)) },
    { weight: 3, arbitrary: set(at(typed.number), calculated(at(typed.number))) },
    { weight: 3, arbitrary: set(at(typed.list), appended(at(typed.list))) },
    { weight: 4, arbitrary: path.map((one): Action => ({ kind: 'remove', path: one })) },
    { weight: 2, arbitrary: change('add', typed.number, asNumber) },
    { weight: 2, arbitrary: change('add', typed.set, asSet) },
    { weight: 2, arbitrary: change('delete', typed.set, asSet) },
    { weight: 1, arbitrary: fc.oneof(change('add', typed.set, value), change('delete', typed.set, value)) },
    {
      weight: 4,
      arbitrary: oneSpecial.map(
        ([name, one]): Action => ({ kind: 'set', path: [name], value: { value: one } }),
      ),
    },
  );
  const rarely = fc.nat(20).map((luck) => luck === 20);
  return fc.tuple(fc.array(action, { minLength: 1, maxLength: 4 }), rarely).map(([actions, mayClash]) => {
    const kept: Action[] = [];
    for (const one of actions) {
      if (mayClash || !pathsClash([...kept, one].map(({ path: taken }) => taken))) kept.push(one);
    }
    return {
      set: kept.flatMap((one) => (one.kind === 'set' ? [one] : [])),
      remove: kept.flatMap((one) => (one.kind === 'remove' ? [one.path] : [])),
      add: kept.flatMap((one) => (one.kind === 'add' ? [{ path: one.path, value: one.value }] : [])),
      delete: kept.flatMap((one) => (one.kind === 'delete' ? [{ path: one.path, value: one.value }] : [])),
    };
  });
}

function copied(path: fc.Arbitrary<Path>, value: fc.Arbitrary<Value>): fc.Arbitrary<SetValue> {
  const asValue = value.map((one): SetOperand => ({ value: one }));
  const asPath = path.map((one): SetOperand => ({ path: one }));
  return fc.oneof(
    { weight: 8, arbitrary: asValue },
    { weight: 2, arbitrary: asPath },
    { weight: 2, arbitrary: orElse(path, asValue) },
    { weight: 1, arbitrary: orElse(path, orElse(path, asPath)) },
  );
}

function calculated(path: fc.Arbitrary<Path>): fc.Arbitrary<SetValue> {
  const operand = operandOf(path, asNumber);
  return fc.record({ operator: fc.constantFrom('+' as const, '-' as const), left: operand, right: operand });
}

function appended(path: fc.Arbitrary<Path>): fc.Arbitrary<SetValue> {
  const operand = operandOf(
    path,
    fc.array(scalar, { maxLength: 2 }).map((L) => ({ L })),
  );
  return fc.tuple(operand, operand).map((append) => ({ append }));
}

/** Values of the right type, but for a few. */
function operandOf(path: fc.Arbitrary<Path>, right: fc.Arbitrary<Value>): fc.Arbitrary<SetOperand> {
  const asValue = right.map((one): SetOperand => ({ value: one }));
  return fc.oneof(
    { weight: 24, arbitrary: asValue },
    { weight: 24, arbitrary: orElse(path, asValue) },
    { weight: 12, arbitrary: path.map((one) => ({ path: one })) },
    { weight: 1, arbitrary: scalar.map((one) => ({ value: one })) },
  );
}

function orElse(path: fc.Arbitrary<Path>, otherwise: fc.Arbitrary<SetOperand>): fc.Arbitrary<SetOperand> {
  return fc.record({ ifNotExists: path, otherwise });
}
