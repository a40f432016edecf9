import { capacity, readUnits } from './cost.ts';
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
import { hashName, type PageRequest, type Query, rangeName } from './request.ts';
import { checkedStartKey, isKeyName, keyOf, type Table } from './table.ts';
import { canonicalOperand, canonicalTree, namesOf } from './tree.ts';
import {
  areEqual,
  attribute,
  bytesOf,
  type Item,
  invalid,
  order,
  sizeOfItem,
  typeOf,
  type Value,
} from './value.ts';

/** What of the items given, which begin behind the start key, comes on one page (AWS: Query.Pagination). */
export function page(table: Table, items: readonly Item[], request: PageRequest): Output {
  const read: Item[] = [];
  let bytes = 0;
  for (const item of items) {
    read.push(item);
    bytes += sizeOfItem(item);
    if (read.length === request.limit || bytes > pageBytesMax) break;
  }
  const isFull = read.length === request.limit || bytes > pageBytesMax;
  const filter = request.filter && canonicalTree(request.filter);
  const kept = filter === undefined ? read : read.filter((item) => holds(filter, item));
  const last = read.at(-1);
  return {
    Count: kept.length,
    ScannedCount: read.length,
    Items: request.select === 'COUNT' ? undefined : kept.map((item) => projected(item, request.projection)),
    LastEvaluatedKey: isFull && last !== undefined ? keyOf(table.schema, last) : undefined,
    ...capacity(request.capacity, request.table, readUnits(bytes, request.isConsistent)),
  };
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
  if (request.select === 'SPECIFIC_ATTRIBUTES' && request.projection === undefined) throw invalid();
  if (
    request.select !== undefined &&
    request.select !== 'SPECIFIC_ATTRIBUTES' &&
    request.projection !== undefined
  ) {
    throw invalid();
  }
}

/** What a Query is about, with canonical values. */
interface Range {
  readonly hash: Value;
  readonly operator: string | undefined;
  readonly values: readonly Value[];
}

/** @throws Refusal for what can be said against a Query without its table. */
export function checkedRange(request: Query): Range {
  const hash = canonicalOperand(request.hash);
  const values = request.range?.values.map(canonicalOperand) ?? [];
  const operator = request.range?.operator;
  if (operator === 'BETWEEN' && !compares('<=', values[0], values[1])) throw invalid();
  checkPage(request);
  return { hash, operator, values };
}

/**
 * The items that a Query reads, in its order, those behind its start key.
 * @throws Refusal for what does not fit the table.
 */
export function queried(table: Table, request: Query, range: Range): Item[] {
  checkAgainstSchema(table, request, range);
  const ascending = table.items
    .filter((item) => isWithin(item, range))
    .sort((a, b) => order(a[rangeName], b[rangeName]) ?? 0);
  const items = request.isForward === false ? ascending.reverse() : ascending;
  if (request.startKey === undefined) return items;
  const startKey = checkedStartKey(table.schema, request.startKey);
  if (!isWithin(startKey, range)) throw invalid();
  return items.filter((item) => {
    const distance = order(item[rangeName], startKey[rangeName]) ?? 0;
    return request.isForward === false ? distance < 0 : distance > 0;
  });
}

function checkAgainstSchema({ schema }: Table, request: Query, { hash, operator, values }: Range): void {
  const isTyped = typeOf(hash) === schema.hash && values.every((value) => typeOf(value) === schema.range);
  if (!isTyped || (operator === 'begins_with' && schema.range === 'N')) throw invalid();
  if ([hash, ...values].some((value) => bytesOf(value)?.length === 0)) throw invalid();
  if (namesOf(request.filter).some((name) => isKeyName(schema, name))) throw invalid();
}

function isWithin(item: Item, { hash, operator, values }: Range): boolean {
  return (
    areEqual(attribute(item, hashName), hash) && rangeMatches(attribute(item, rangeName), operator, values)
  );
}

function rangeMatches(
  value: Value | undefined,
  operator: string | undefined,
  values: readonly Value[],
): boolean {
  const [first, second] = values;
  switch (operator) {
    case undefined:
      return true;
    case 'begins_with':
      return beginsWith(value, first);
    case 'BETWEEN':
      return compares('>=', value, first) && compares('<=', value, second);
    default:
      return compares(operator as '=', value, first);
  }
}
