import * as fc from 'fast-check';
import { documentsOf } from './document-generator.ts';
import type { Path } from './expression.ts';
import { keyConditions, startKey } from './index-generator.ts';
import { keysOf, spelledOut } from './key-generator.ts';
import {
  type BatchGetItem,
  type BatchWriteItem,
  type CapacityMode,
  type DeleteItem,
  type GetItem,
  hashName,
  type IndexSchema,
  type PutItem,
  type Query,
  rangeName,
  type Scan,
  type Schema,
  type UpdateItem,
} from './request.ts';
import { canonicalItem, type Item, sizeOfItem } from './value.ts';

/** The table that requests are about, and what the attributes of its items are called. */
export interface Subject {
  readonly table: string;
  readonly schema: Schema;
  readonly names: readonly string[];
  /** An index that is not there at first and may be created. */
  readonly later: IndexSchema;
}

/** The value in so many of a hundred cases, otherwise none, which is also what it shrinks to. */
export function maybe<T>(percent: number, value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof(
    { withCrossShrink: true },
    { weight: 100 - percent, arbitrary: fc.constant(undefined) },
    { weight: percent, arbitrary: value },
  );
}

export const capacityMode = maybe(50, fc.constantFrom<CapacityMode>('TOTAL', 'INDEXES', 'NONE'));
export const oldOrNone = maybe(50, fc.constantFrom('ALL_OLD' as const, 'NONE' as const));
const flag = maybe(33, fc.boolean());

export function putItem({ table, schema: of, names }: Subject): fc.Arbitrary<PutItem> {
  const { condition } = documentsOf(names);
  return fc.record({
    op: fc.constant('PutItem' as const),
    table: fc.constant(table),
    item: itemOf(of, names),
    condition: maybe(50, condition),
    returnValues: oldOrNone,
    onFailure: oldOrNone,
    capacity: capacityMode,
  });
}

/** Fillings bring items over the steps of 1 KB and 4 KB at which they cost more. */
export function itemOf(of: Schema, names: readonly string[]): fc.Arbitrary<Item> {
  const filling = fc.constantFrom(0, 0, 0, 0, 0, 0, 990, 1_024, 4_080, 9_000);
  return fc.tuple(documentsOf(names).attributes, filling, keysOf(of).key).map(([attributes, size, own]) => ({
    ...attributes,
    ...(size > 0 && { f: { S: 'f'.repeat(size) } }),
    ...own,
  }));
}

export function deleteItem({ table, schema: of, names }: Subject): fc.Arbitrary<DeleteItem> {
  return fc.record({
    op: fc.constant('DeleteItem' as const),
    table: fc.constant(table),
    key: keysOf(of).key,
    condition: maybe(50, documentsOf(names).condition),
    returnValues: oldOrNone,
    onFailure: oldOrNone,
    capacity: capacityMode,
  });
}

export function updateItem({ table, schema: of, names }: Subject): fc.Arbitrary<UpdateItem> {
  const { condition, update } = documentsOf(names);
  return fc.record({
    op: fc.constant('UpdateItem' as const),
    table: fc.constant(table),
    key: keysOf(of).key,
    update: maybe(95, update),
    condition: maybe(45, condition),
    returnValues: maybe(80, fc.constantFrom('ALL_OLD', 'ALL_NEW', 'UPDATED_OLD', 'UPDATED_NEW', 'NONE')),
    onFailure: oldOrNone,
    capacity: capacityMode,
  });
}

export function getItem({ table, schema: of, names }: Subject): fc.Arbitrary<GetItem> {
  return fc.record({
    op: fc.constant('GetItem' as const),
    table: fc.constant(table),
    key: keysOf(of).key,
    projection: maybe(50, documentsOf(names).projection),
    isConsistent: flag,
    capacity: capacityMode,
  });
}

export function batchGet(subjects: readonly Subject[]): fc.Arbitrary<BatchGetItem> {
  const ofTable = ({ table, schema, names }: Subject) =>
    fc.record({
      table: fc.constant(table),
      keys: someKeys(schema),
      projection: maybe(50, documentsOf(names).projection),
      isConsistent: flag,
    });
  return fc.record({
    op: fc.constant('BatchGetItem' as const),
    tables: someOf(subjects).chain((some) => fc.tuple(...some.map(ofTable))),
    capacity: capacityMode,
  });
}

export function batchWrite(subjects: readonly Subject[]): fc.Arbitrary<BatchWriteItem> {
  const ofTable = ({ table, schema, names }: Subject) => {
    const write = fc.oneof(
      { weight: 3, arbitrary: itemOf(schema, names).map((put) => ({ put })) },
      { weight: 1, arbitrary: keysOf(schema).key.map((one) => ({ delete: one })) },
    );
    const writes = fc
      .tuple(fc.array(write, { minLength: 1, maxLength: 5 }), fc.nat(15))
      .map(([all, luck]) => (luck < 15 ? distinct(all) : all));
    return fc.record({ table: fc.constant(table), writes });
  };
  return fc.record({
    op: fc.constant('BatchWriteItem' as const),
    tables: someOf(subjects).chain((some) => fc.tuple(...some.map(ofTable))),
    capacity: capacityMode,
  });
}

function someOf(subjects: readonly Subject[]): fc.Arbitrary<Subject[]> {
  return fc.shuffledSubarray([...subjects], { minLength: 1 });
}

/** Some items for every table to begin with. */
export function filling(subjects: readonly Subject[]): fc.Arbitrary<BatchWriteItem> {
  const tables = subjects.map(({ table, schema, names }) => {
    const items = fc
      .tuple(documentsOf(names).attributes, keysOf(schema).validKey)
      .map(([attributes, own]) => ({ put: { ...attributes, ...own } }));
    const writes = fc.array(items, { minLength: 1, maxLength: 10, size: 'max' }).map(distinct);
    return fc.record({ table: fc.constant(table), writes });
  });
  return fc.record({ op: fc.constant('BatchWriteItem' as const), tables: fc.tuple(...tables) });
}

/** No key twice, mostly. */
function someKeys(of: Schema): fc.Arbitrary<Item[]> {
  const { key } = keysOf(of);
  return fc.oneof(
    {
      weight: 15,
      arbitrary: fc.uniqueArray(key, {
        minLength: 1,
        maxLength: 8,
        selector: spelledOut,
        comparator: 'SameValue',
      }),
    },
    { weight: 1, arbitrary: fc.array(key, { minLength: 1, maxLength: 8 }) },
  );
}

function distinct<Write extends { put: Item } | { delete: Item }>(writes: Write[]): Write[] {
  const seen = new Set<string>();
  return writes.filter((write) => {
    const { [hashName]: h, [rangeName]: r } = 'put' in write ? write.put : write.delete;
    const key = spelledOut({ ...(h && { h }), ...(r && { r }) });
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
}

/** What is read: the table itself is no index. */
type Read = fc.Arbitrary<IndexSchema | undefined>;

export const tableItself: Read = fc.constant(undefined);

/** One of the indexes that the table begins with, if there are any, or the one that it may have later. */
export function anyIndex({ schema: of, later }: Subject): Read {
  return fc.oneof(
    { weight: 1, arbitrary: fc.constant(later) },
    ...of.indexes.map((index) => ({ weight: 4, arbitrary: fc.constant(index) })),
  );
}

/** @param starts whether it begins at some key, and not at the first. */
export function query(
  { table, schema: of, names }: Subject,
  read: Read,
  starts: boolean,
): fc.Arbitrary<Query> {
  const { condition, projection } = documentsOf(names);
  const key = { hash: [{ name: hashName, type: of.hash }], range: rangeAttributes(of) };
  return read.chain((index) =>
    fc
      .record({
        op: fc.constant('Query' as const),
        table: fc.constant(table),
        index: fc.constant(index?.name),
        keys: keyConditions(of, index ?? key),
        isForward: flag,
        startKey: starts ? startKey(of, index) : fc.constant(undefined),
        filter: maybe(percent(index, 45), condition),
        projection: maybe(percent(index, 35), projection),
        limit: maybe(index === undefined ? 33 : 60, fc.integer({ min: 1, max: 4 })),
        isConsistent: consistency(index),
        capacity: capacityMode,
        selection: fc.nat(11),
      })
      .map(withSelect)
      .map((one) => ({ ...one, startKey: one.startKey && { ...one.startKey, ...partitionOf(one) } })),
  );
}

function rangeAttributes({ range }: Schema) {
  return range === undefined ? [] : [{ name: rangeName, type: range }];
}

/** What the key conditions say of single attributes, so that most start keys lie where the Query reads. */
function partitionOf({ keys }: Pick<Query, 'keys'>): Item {
  const equal = keys.filter(({ operator }) => operator === '=');
  return Object.fromEntries(
    equal.flatMap(({ name, values }) => values.map((value) => [name, value] as const)),
  );
}

/** Of most attributes indexes have nothing, and refuse to be asked for them. */
function percent(index: IndexSchema | undefined, ofTable: number): number {
  return index === undefined || index.projection === 'ALL' ? ofTable : Math.round(ofTable / 3);
}

/** Global indexes mostly not, as they refuse it. */
function consistency(index: IndexSchema | undefined): fc.Arbitrary<boolean | undefined> {
  if (index?.isGlobal !== true) return flag;
  return fc.nat(20).map((luck) => (luck === 20 ? true : luck > 10 ? false : undefined));
}

export function scan({ table, names }: Subject, read: Read): fc.Arbitrary<Scan> {
  const { condition, projection } = documentsOf(names);
  const segment = fc
    .integer({ min: 1, max: 4 })
    .chain((total) => fc.record({ index: fc.nat(total - 1), total: fc.constant(total) }));
  return read.chain((index) =>
    fc
      .record({
        op: fc.constant('Scan' as const),
        table: fc.constant(table),
        index: fc.constant(index?.name),
        segment: maybe(50, segment),
        filter: maybe(percent(index, 45), condition),
        projection: maybe(percent(index, 35), projection),
        limit: maybe(index === undefined ? 33 : 60, fc.integer({ min: 1, max: 4 })),
        isConsistent: consistency(index),
        capacity: capacityMode,
        selection: fc.nat(11),
      })
      .map(withSelect),
  );
}

const selects = ['ALL_ATTRIBUTES', 'COUNT', 'SPECIFIC_ATTRIBUTES', 'ALL_PROJECTED_ATTRIBUTES'] as const;

/** Select as it fits the projection, mostly; 0 gives what may not fit. */
function withSelect<Page extends { projection: readonly Path[] | undefined; selection: number }>({
  selection,
  ...page
}: Page): Omit<Page, 'selection'> & { select: Query['select'] } {
  if (selection === 0) return { ...page, select: selects[(page.projection?.length ?? 3) % 4] };
  if (page.projection !== undefined)
    return { ...page, select: selection < 4 ? 'SPECIFIC_ATTRIBUTES' : undefined };
  return { ...page, select: selection < 4 ? 'COUNT' : selection < 6 ? 'ALL_ATTRIBUTES' : undefined };
}

/** An item of exactly the largest size, or of one byte more. */
export function brimfulPut({ table, schema: of }: Subject): fc.Arbitrary<PutItem> {
  return fc.tuple(keysOf(of).key, fc.nat(1)).map(([own, excess]) => {
    const filling = Math.max(0, 409_600 + excess - sizeOfLoosely(own) - 1);
    return { op: 'PutItem', table, item: { ...own, f: { S: 'f'.repeat(filling) } }, capacity: 'TOTAL' };
  });
}

/** The size of a key, valid or not, with numbers as they will be kept. */
function sizeOfLoosely(own: Item): number {
  try {
    return sizeOfItem(canonicalItem(own));
  } catch {
    return 0;
  }
}

/** Enough in one partition to end a page by its size. */
export function bulkyWrite({ table, schema: of }: Subject): fc.Arbitrary<BatchWriteItem> {
  return someKeys(of).map((own) => {
    const writes = own.map((one) => ({ put: { ...one, f: { S: 'f'.repeat(290_000) } } }));
    return { op: 'BatchWriteItem', tables: [{ table, writes: distinct(writes) }], capacity: 'INDEXES' };
  });
}
