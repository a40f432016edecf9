import { capacity, readUnits, sizeOf, type Units } from './cost.ts';
import {
  beginsWith,
  type Condition,
  compares,
  holds,
  isConditionWrong,
  type Path,
  pathsClash,
  project,
} from './expression.ts';
import type { Output } from './model.ts';
import type { IndexSchema, KeyOperator, KeyPart, KeySchema, PageRequest, Query } from './request.ts';
import {
  checkedStartKey,
  entryOf,
  fitsKey,
  hasOversizedKey,
  isKeyName,
  keyAttributes,
  keyOf,
  positionOf,
  projects,
  type Table,
} from './table.ts';
import { canonicalOperand, canonicalTree, namesOf } from './tree.ts';
import { attribute, bytesOf, type Item, invalid, order, stable, type Value } from './value.ts';

/** What a page is read from: a table, or one of its indexes. */
export interface Source {
  readonly table: Table;
  readonly index: IndexSchema | undefined;
  readonly key: KeySchema;
}

/** What is wrong with values comes before what is wrong with the index. */
function missingIndex({ index, startKey = {} }: PageRequest): Error {
  const hasWrongNumber = Object.values(startKey).some((value) => 'N' in value && value.N === '');
  return hasWrongNumber ? invalid() : invalid(`The table does not have the specified index: ${index}`);
}

/** @throws Refusal if there is no such index, or it cannot be read so. */
export function sourceOf(table: Table, request: PageRequest): Source {
  if (request.index === undefined) return { table, index: undefined, key: table.key };
  const index = table.index(request.index)?.schema;
  if (index === undefined) throw missingIndex(request);
  if (index.isGlobal && request.isConsistent === true) {
    throw invalid('Consistent reads are not supported on global secondary indexes');
  }
  checkSelection(table, index, request);
  return { table, index, key: index };
}

/** A global index has what it projects and nothing else. */
function checkSelection(table: Table, index: IndexSchema, request: PageRequest): void {
  if (!index.isGlobal) return;
  const missing = unprojected(table, index, request.projection);
  if (request.select === 'ALL_ATTRIBUTES' && index.projection !== 'ALL') throw invalid();
  if (missing.length > 0) throw invalid();
}

function unprojected(table: Table, index: IndexSchema, paths: readonly Path[] | undefined): string[] {
  return (paths ?? []).map(([name]) => name).filter((name) => !projects(table, index, name));
}

/**
 * What of the items given, which begin behind the start key, comes on one page (AWS: Query.Pagination). A local index
 * fetches from the table what it is asked for and does not have.
 */
export function page(source: Source, items: readonly Item[], request: PageRequest): Output {
  const { table, index } = source;
  const read: Item[] = [];
  let bytes = 0;
  for (const item of items) {
    read.push(item);
    bytes += sizeOf(index === undefined ? item : entryOf(table, index, item));
    if (read.length === request.limit || bytes > pageBytesMax) break;
  }
  const isFull = read.length === request.limit || bytes > pageBytesMax;
  const fetches = index !== undefined && fetchesItems(table, index, request);
  const seen = index === undefined || fetches ? read : read.map((item) => entryOf(table, index, item) ?? {});
  const filter = request.filter && canonicalTree(request.filter);
  const kept = filter === undefined ? seen : seen.filter((item) => holds(filter, item));
  const last = read.at(-1);
  return {
    Count: kept.length,
    ScannedCount: read.length,
    Items: request.select === 'COUNT' ? undefined : kept.map((item) => projected(item, request.projection)),
    LastEvaluatedKey: isFull && last !== undefined ? positionOf(table, index, last) : undefined,
    ...capacity(request.capacity, request.table, pageUnits(source, bytes, fetches ? read : [], request)),
  };
}

function fetchesItems(table: Table, index: IndexSchema, request: PageRequest): boolean {
  if (index.isGlobal || index.projection === 'ALL') return false;
  const missing = unprojected(table, index, request.projection);
  return request.select === 'ALL_ATTRIBUTES' || missing.length > 0;
}

/** The page's bytes are rounded up as a whole; each fetched item by itself (AWS: LSI.ThroughputConsiderations). */
function pageUnits(
  { index }: Source,
  bytes: number,
  fetched: readonly Item[],
  { isConsistent }: PageRequest,
): Units {
  const units = readUnits(bytes, isConsistent);
  if (index === undefined) return { table: units, local: {}, global: {} };
  const ofIndex = { [index.name]: units };
  const table = fetched.reduce((sum, item) => sum + readUnits(sizeOf(item), isConsistent), 0);
  return { table, local: index.isGlobal ? {} : ofIndex, global: index.isGlobal ? ofIndex : {} };
}

/** AWS: Query.Pagination. */
const pageBytesMax = 1_048_576;

export function projected(item: Item, paths: readonly Path[] | undefined): Item {
  return paths === undefined ? item : project(item, paths);
}

export function checkCondition(condition: Condition | undefined): void {
  if (condition !== undefined && isConditionWrong(canonicalTree(condition))) throw invalid();
}

export function checkProjection(paths: readonly Path[] | undefined): void {
  if (paths !== undefined && pathsClash(paths)) throw invalid();
}

export function checkPage(request: PageRequest): void {
  checkCondition(request.filter);
  checkProjection(request.projection);
  if (request.select === 'ALL_PROJECTED_ATTRIBUTES' && request.index === undefined) throw invalid();
  if (request.select === 'SPECIFIC_ATTRIBUTES' && request.projection === undefined) throw invalid();
  if (
    request.select !== undefined &&
    request.select !== 'SPECIFIC_ATTRIBUTES' &&
    request.projection !== undefined
  ) {
    throw invalid();
  }
}

/** @returns the key conditions with canonical values. @throws Refusal for what is wrong whatever the table is. */
export function checkedConditions(request: Query): KeyPart[] {
  if (request.keys.length === 0) throw invalid();
  const parts = request.keys.map((part) => ({ ...part, values: part.values.map(canonicalOperand) }));
  for (const { operator, values } of parts) {
    if (operator !== '=' && values.some((value) => order(value, value) === undefined)) throw invalid();
    if (operator === 'BETWEEN' && !compares('<=', values[0], values[1])) throw invalid();
    if (operator === 'begins_with' && values.some((value) => bytesOf(value) === undefined)) throw invalid();
  }
  for (const value of Object.values(request.startKey ?? {})) canonicalOperand(value);
  checkPage(request);
  return parts;
}

/** @throws Refusal for what does not fit the key: AWS: Query.KeyConditionExpressions, GSI.DesignPattern.MultiAttributeKeys. */
export function checkConditions(source: Source, request: Query, parts: readonly KeyPart[]): void {
  const { table, index, key } = source;
  const find = (name: string) => parts.find((part) => part.name === name);
  if (key.hash.some(({ name }) => find(name)?.operator !== '=')) throw invalid();
  const sorted = key.range.slice(0, parts.length - key.hash.length).map(({ name }) => find(name));
  if (sorted.includes(undefined) || parts.length !== key.hash.length + sorted.length) throw invalid();
  if (sorted.slice(0, -1).some((part) => part?.operator !== '=')) throw invalid();
  for (const attributeOfKey of keyAttributes(key)) {
    const part = find(attributeOfKey.name);
    if (part?.values.every((value) => fitsKey(attributeOfKey, value)) === false) throw invalid();
  }
  for (const bound of [0, 1]) {
    const values = parts.map((part) => [part.name, (part.values[bound] ?? part.values[0]) as Value]);
    if (hasOversizedKey(key, Object.fromEntries(values))) throw invalid();
  }
  const filtered = namesOf(request.filter);
  if (filtered.some((name) => isKeyName(key, name))) throw invalid();
  // For a Scan such attributes are merely absent.
  if (index !== undefined && filtered.some((name) => !projects(table, index, name))) throw invalid();
}

/** The items of a table, or those that its index has. */
export function sourceItems({ table, index }: Source): Item[] {
  return index === undefined ? table.items : table.items.filter((item) => entryOf(table, index, item));
}

/** Those that meet key conditions, in their order; those of which nobody knows it as they come. */
export function sortedItems(source: Source, parts: readonly KeyPart[]): Item[] {
  return sourceItems(source)
    .filter((item) => meets(item, parts))
    .sort((a, b) => sortOrder(source, a, b));
}

/**
 * Negative, zero or positive, of items of one partition: by the sort key, and in a local index by the table's then. Nobody
 * knows in which order a global index has items with equal keys.
 */
export function sortOrder({ table, index, key }: Source, a: Item, b: Item): number {
  const isLocal = index !== undefined && !index.isGlobal;
  const range = isLocal ? [...key.range, ...table.key.range] : key.range;
  const distances = range.map(({ name }) => order(attribute(a, name), attribute(b, name)) ?? 0);
  return distances.find((distance) => distance !== 0) ?? 0;
}

export function meets(item: Item, parts: readonly KeyPart[]): boolean {
  return parts.every(({ name, operator, values }) => valueMeets(attribute(item, name), operator, values));
}

function valueMeets(value: Value | undefined, operator: KeyOperator, values: readonly Value[]): boolean {
  const [first, second] = values;
  switch (operator) {
    case 'begins_with':
      return beginsWith(value, first);
    case 'BETWEEN':
      return compares('>=', value, first) && compares('<=', value, second);
    default:
      return compares(operator, value, first);
  }
}

/** Whether a page could begin between two items of which nobody knows which comes first. */
export class UnknownPlace extends Error {}

/**
 * Those of the items that come behind the start key.
 * @param items in the order in which they are read.
 * @throws Refusal, UnknownPlace
 */
export function behindStart(
  source: Source,
  items: readonly Item[],
  request: Query,
  parts: readonly KeyPart[],
): readonly Item[] {
  if (request.startKey === undefined) return items;
  const startKey = checkedStartKey(source.table, source.index, request.startKey);
  if (!meets(startKey, parts)) throw invalid();
  const at = items.findIndex((item) => isAt(source, item, startKey));
  if (at !== -1) return items.slice(at + 1);
  const sign = request.isForward === false ? -1 : 1;
  const distances = items.map((item) => sign * sortOrder(source, item, startKey));
  if (distances.includes(0)) throw new UnknownPlace();
  return items.filter((_, i) => (distances[i] ?? 0) > 0);
}

function isAt({ table, index }: Source, item: Item, startKey: Item): boolean {
  return stable(positionOf(table, index, item)) === stable(startKey);
}

/** Whether keys alone tell the order of the items. */
export function isOrdered(source: Source, items: readonly Item[]): boolean {
  return items.every((item, i) => {
    const next = items[i + 1];
    return next === undefined || sortOrder(source, item, next) !== 0;
  });
}

/** The items with these keys of the table, in this order; keys of items that are gone are passed over. */
export function inOrder(table: Table, items: readonly Item[], keys: readonly Item[]): Item[] {
  const byKey = new Map(items.map((item) => [stable(keyOf(table, item)), item]));
  return keys.map((key) => byKey.get(stable(key))).filter((item) => item !== undefined);
}
