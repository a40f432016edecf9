import { createHash } from 'node:crypto';
import {
  type AttributeValue,
  canonicalItem,
  getAttribute,
  type Item,
  setAttribute,
} from '../../protocol/attribute-value.ts';
import { encodeKeyValue, type KeySchema } from '../../protocol/key.ts';
import { isObject } from '../cache/key-reader.ts';
import type { TableIndex } from '../described-indexes.ts';

/** A table that is inspected. */
export interface Subject {
  readonly name: string;
  readonly schema: KeySchema;
  readonly indexes: readonly TableIndex[];
}

export type ComparisonKind = 'item' | 'query' | 'indexQuery';

/** One read, to be answered by the cache and by the store. */
export interface Comparison {
  readonly kind: ComparisonKind;
  readonly table: string;
  readonly index: string | undefined;
  /** The item's key, or that of the partition. */
  readonly key: Item;
  readonly operation: 'GetItem' | 'Query';
  readonly input: Readonly<Record<string, unknown>>;
  /** Whether the store can be asked for a strongly consistent answer. Of a global index it cannot. */
  readonly isConsistent: boolean;
}

/** An answer in a form in which equal ones are of equal text. */
export interface Answer {
  readonly text: string;
  readonly digest: string;
}

/**
 * What is compared for a key that was drawn: the item, and one page of each partition that it is in. The pages are asked for
 * in the plainest form, which is what is most likely to be cached.
 * @param key all key attributes of the table and of its indexes that the item has.
 * @param partitions those that are compared already; this call's are added.
 */
export function* comparisonsOf(subject: Subject, key: Item, partitions: Set<string>): Generator<Comparison> {
  const { name: table, schema, indexes } = subject;
  const names = [schema.partition, ...(schema.sort === undefined ? [] : [schema.sort])].map(
    ({ name }) => name,
  );
  const itemKey = partOf(key, names) ?? {};
  const input = { TableName: table, Key: itemKey };
  const isConsistent = true;
  yield { kind: 'item', table, index: undefined, key: itemKey, operation: 'GetItem', input, isConsistent };
  const base = { name: undefined, isGlobal: false, partition: [schema.partition] };
  for (const index of schema.sort === undefined ? indexes : [base, ...indexes]) {
    const comparison = pageOf(table, index, key);
    if (comparison === undefined) continue;
    const partition = textOf([index.name, comparison.key]);
    if (partitions.has(partition)) continue;
    partitions.add(partition);
    yield comparison;
  }
}

/** @returns undefined where the item is not in the index. */
function pageOf(
  table: string,
  {
    name: index,
    isGlobal,
    partition,
  }: { name: string | undefined } & Pick<TableIndex, 'isGlobal' | 'partition'>,
  item: Item,
): Comparison | undefined {
  const names = partition.map(({ name }) => name);
  const key = partOf(item, names);
  if (key === undefined) return undefined;
  const input = {
    TableName: table,
    ...(index === undefined ? {} : { IndexName: index }),
    KeyConditionExpression: names.map((_, i) => `#k${i} = :k${i}`).join(' AND '),
    ExpressionAttributeNames: Object.fromEntries(names.map((name, i) => [`#k${i}`, name])),
    ExpressionAttributeValues: Object.fromEntries(
      names.map((name, i) => [`:k${i}`, getAttribute(key, name)]),
    ),
  };
  const kind = index === undefined ? 'query' : 'indexQuery';
  return { kind, table, index, key, operation: 'Query', input, isConsistent: !isGlobal };
}

/** @returns undefined where one of the attributes is absent or cannot be a key. */
function partOf(item: Item, names: readonly string[]): Item | undefined {
  const part: Item = {};
  for (const name of names) {
    const value = getAttribute(item, name);
    if (value === undefined || !isKeyValue(value)) return undefined;
    setAttribute(part, name, value);
  }
  return part;
}

function isKeyValue(value: AttributeValue): boolean {
  try {
    return encodeKeyValue(value).length > 0;
  } catch {
    return false;
  }
}

/** Entries of equal index keys have no order of their own, so a page is taken for the set of its items. */
export function answerOf(output: Readonly<Record<string, unknown>>): Answer {
  const { Item: item, Items: items, LastEvaluatedKey: last } = output;
  const text = Array.isArray(items)
    ? textOf({ items: items.map((one) => textOf(canonical(one))).sort(), last: canonical(last) })
    : textOf({ item: canonical(item) });
  return { text, digest: createHash('sha256').update(text).digest('base64') };
}

/** A store may have what DynamoDB would not take; then it stays as it is. */
function canonical(item: unknown): unknown {
  if (!isObject(item)) return item;
  try {
    return canonicalItem(item as Item);
  } catch {
    return item;
  }
}

/** Of equal text for values that differ in the order of members and of sets only. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (name, member: unknown) => {
    if (Array.isArray(member)) return isSet(name) ? [...member].sort() : member;
    if (!isObject(member)) return member;
    return Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

function isSet(name: string): boolean {
  return name === 'SS' || name === 'NS' || name === 'BS';
}
