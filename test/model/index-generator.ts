import * as fc from 'fast-check';
import { tryOrder } from './document-generator.ts';
import { type Keys, keysOf, keyValue } from './key-generator.ts';
import {
  hashName,
  type IndexSchema,
  type KeyAttribute,
  type KeyOperator,
  type KeyPart,
  type KeySchema,
  rangeName,
  type Schema,
} from './request.ts';
import type { Item, Value } from './value.ts';

type TableKey = Pick<Schema, 'hash' | 'range'>;

const text: KeyAttribute = { name: 'i', type: 'S' };
const number: KeyAttribute = { name: 'j', type: 'N' };
const binary: KeyAttribute = { name: 'k', type: 'B' };
/** An attribute that expressions are often about. */
const counter: KeyAttribute = { name: 'a', type: 'N' };

/** All indexes that a table may have: every projection, sparse ones, keys of one attribute and of several. */
export function indexPool(of: TableKey): IndexSchema[] {
  const h: KeyAttribute = { name: hashName, type: of.hash };
  if (of.range === undefined) return globalIndexes(h);
  const r: KeyAttribute = { name: rangeName, type: of.range };
  return [
    ...globalIndexes(h),
    { name: 'inverted', isGlobal: true, hash: [r], range: [h], projection: 'ALL' },
    { name: 'local-keys', isGlobal: false, hash: [h], range: [counter], projection: 'KEYS_ONLY' },
    { name: 'local-some', isGlobal: false, hash: [h], range: [text], projection: ['b', 'size'] },
    { name: 'local-all', isGlobal: false, hash: [h], range: [binary], projection: 'ALL' },
  ];
}

function globalIndexes(h: KeyAttribute): IndexSchema[] {
  const all = { isGlobal: true, projection: 'ALL' } as const;
  return [
    { ...all, name: 'by-text', hash: [text], range: [] },
    { ...all, name: 'by-number', hash: [number], range: [counter] },
    { ...all, name: 'text-number', hash: [text], range: [number], projection: 'KEYS_ONLY' },
    { ...all, name: 'number-text', hash: [number], range: [text], projection: ['a', 'c', 'constructor'] },
    { ...all, name: 'many-keys', hash: [text, number], range: [binary, counter] },
    { ...all, name: 'two-sorts', hash: [h], range: [number, text, binary], projection: 'KEYS_ONLY' },
    { ...all, name: 'by-binary', hash: [binary], range: [h], projection: ['d'] },
  ];
}

/** The indexes that a table begins with; one table in three has none. */
export function indexesOf(of: TableKey): fc.Arbitrary<IndexSchema[]> {
  return fc.oneof(
    { weight: 1, arbitrary: fc.constant<IndexSchema[]>([]) },
    { weight: 2, arbitrary: fc.subarray(indexPool(of), { minLength: 1, maxLength: 3 }) },
  );
}

/** An index to create on a table that is in use. */
export function laterIndex(of: TableKey): fc.Arbitrary<IndexSchema> {
  return fc.constantFrom(...indexPool(of).filter(({ isGlobal }) => isGlobal));
}

const keyOperators: readonly KeyOperator[] = ['=', '<', '<=', '>', '>=', 'BETWEEN', 'begins_with'];

/** What a Query gives for the keys of a table or an index; a few are wrong in some way. */
export function keyConditions(table: TableKey, { hash, range }: KeySchema): fc.Arbitrary<KeyPart[]> {
  const values = valuesOf(keysOf(table));
  const equal = (key: KeyAttribute) =>
    values(key).map((value): KeyPart => ({ name: key.name, operator: '=', values: [value] }));
  const partition = fc.tuple(...hash.map(equal));
  const sorted = fc.nat(range.length).chain((used) => {
    const last = range[used - 1];
    const before = fc.tuple(...range.slice(0, Math.max(0, used - 1)).map(equal));
    return last === undefined
      ? before
      : fc.tuple(before, sortCondition(last, values(last))).map(([parts, part]) => [...parts, part]);
  });
  const right = fc.tuple(partition, sorted).map((parts) => parts.flat());
  const superfluous = equal({ name: rangeName, type: table.range ?? 'S' });
  return fc.oneof(
    { weight: 60, arbitrary: right },
    { weight: 1, arbitrary: right.map((parts) => parts.slice(1)) },
    { weight: 1, arbitrary: fc.tuple(right, superfluous).map(([parts, part]) => distinct([...parts, part])) },
  );
}

/** One condition for each attribute. */
function distinct(parts: readonly KeyPart[]): KeyPart[] {
  return parts.filter(({ name }, i) => parts.findIndex((other) => other.name === name) === i);
}

function sortCondition({ name, type }: KeyAttribute, value: fc.Arbitrary<Value>): fc.Arbitrary<KeyPart> {
  const operators = keyOperators.filter((operator) => operator !== 'begins_with' || type !== 'N');
  const right = fc.tuple(fc.constantFrom(...operators), value, value).map(([operator, a, b]): KeyPart => {
    if (operator !== 'BETWEEN') return { name, operator, values: [a] };
    return { name, operator, values: (tryOrder(a, b) ?? 0) > 0 ? [b, a] : [a, b] };
  });
  const unchecked = fc
    .tuple(fc.constantFrom('BETWEEN' as const, 'begins_with' as const), value, value)
    .map(([operator, a, b]): KeyPart => ({ name, operator, values: operator === 'BETWEEN' ? [a, b] : [a] }));
  return fc.oneof({ weight: 30, arbitrary: right }, { weight: 1, arbitrary: unchecked });
}

/** What a page of the table or the index could end with. */
export function startKey(table: TableKey, index: KeySchema | undefined): fc.Arbitrary<Item> {
  const keys = keysOf(table);
  if (index === undefined) return keys.key;
  const values = valuesOf(keys);
  const own = fc.tuple(
    ...[...index.hash, ...index.range].map((key) => values(key).map((value) => [key.name, value] as const)),
  );
  const whole = fc
    .tuple(keys.validKey, own)
    .map(([key, attributes]): Item => ({ ...key, ...Object.fromEntries(attributes) }));
  return fc.oneof({ weight: 15, arbitrary: whole }, { weight: 1, arbitrary: keys.validKey });
}

function valuesOf({ hash, range }: Keys): (key: KeyAttribute) => fc.Arbitrary<Value> {
  return ({ name, type }) => (name === hashName ? hash : name === rangeName ? range : keyValue(name, type));
}
