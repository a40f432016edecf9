import type { Model } from './model.ts';
import { lastKey, outcomeOf } from './outcome.ts';
import { type Source, sortOrder } from './page.ts';
import { printRequest } from './printer.ts';
import type { KeySchema, PageRequest } from './request.ts';
import { keyOf } from './table.ts';
import { canonicalOperand } from './tree.ts';
import { areEqual, attribute, type Item, stable } from './value.ts';
import type { Door } from './world.ts';

/**
 * The keys of what a Query or Scan is about, as plain reads of all of it give them: DynamoDB tells nobody in which
 * order it scans, or gives entries of a global index that have equal keys, but the order is the same for every read of
 * what did not change.
 * @returns undefined where the index is still being filled.
 * @throws Error unless each item is in one segment, beside the others of its partition and in their order.
 */
export async function readOrder(door: Door, request: PageRequest, model: Model): Promise<Item[] | undefined> {
  const source = model.source(request);
  const plain = plainRequests(request, source.key);
  const reads: Item[][] = [];
  for (const one of plain) {
    const items = await readAll(door, one);
    if (items === undefined) return undefined;
    reads.push(items);
  }
  const expected = model.sourceItems(request).filter((item) => isAsked(request, source.key, item));
  const what = `${door.name}: a ${request.op} of ${request.table} ${request.index ?? ''} in ${plain.length} parts`;
  const toKeys = (items: readonly Item[]) => items.map((item) => keyOf(source.table, item));
  expectAll(toKeys(reads.flat()), toKeys(expected), what);
  expectOrder(reads.flat(), source, what);
  const segment = request.op === 'Scan' ? (request.segment?.index ?? 0) : 0;
  return toKeys(reads[segment] ?? []);
}

/** The same read, of everything, from the beginning; one for each segment. */
function plainRequests(request: PageRequest, key: KeySchema): PageRequest[] {
  const { table, index } = request;
  const isConsistent = index === undefined ? true : undefined;
  if (request.op === 'Query') {
    const keys = request.keys.filter(({ name }) => key.hash.some((part) => part.name === name));
    return [{ op: 'Query', table, index, keys, isConsistent }];
  }
  const total = request.segment?.total ?? 1;
  return Array.from({ length: total }, (_, i) => {
    const segment = request.segment && { index: i, total };
    return { op: 'Scan', table, index, segment, isConsistent };
  });
}

function isAsked(request: PageRequest, key: KeySchema, item: Item): boolean {
  if (request.op === 'Scan') return true;
  return key.hash.every(({ name }) => {
    const value = request.keys.find((part) => part.name === name)?.values[0];
    return value !== undefined && areEqual(attribute(item, name), canonicalOperand(value));
  });
}

function expectAll(keys: readonly Item[], expected: readonly Item[], what: string): void {
  const sorted = (some: readonly Item[]) => some.map(stable).sort().join('\n');
  if (sorted(keys) !== sorted(expected))
    throw new Error(`${what} gave\n${sorted(keys)}\nnot\n${sorted(expected)}`);
}

/** All of a partition stand together, none before one that is less. */
function expectOrder(items: readonly Item[], source: Source, what: string): void {
  const partition = (item: Item) => stable(source.key.hash.map(({ name }) => attribute(item, name)));
  const left = new Set<string>();
  for (const [i, item] of items.entries()) {
    const previous = items[i - 1];
    if (previous === undefined) continue;
    const isSame = partition(previous) === partition(item);
    if (!isSame) left.add(partition(previous));
    if (left.has(partition(item)) || (isSame && sortOrder(source, previous, item) > 0)) {
      throw new Error(`${what} misplaced ${stable(item)}`);
    }
  }
}

/** All items, page after page; undefined where the store refuses because the index is not complete. */
async function readAll(door: Door, request: PageRequest): Promise<Item[] | undefined> {
  const items: Item[] = [];
  let startKey: Item | undefined;
  do {
    const outcome = outcomeOf(await door.call(printRequest({ ...request, startKey }, 0)));
    if ('error' in outcome) {
      if (outcome.error.text?.startsWith(backfilling)) return undefined;
      throw new Error(`${door.name}: a plain ${request.op} was refused: ${outcome.error.text}`);
    }
    items.push(...(outcome.output.Items as Item[]));
    startKey = lastKey(outcome);
  } while (startKey !== undefined);
  return items;
}

/** What AWS says of an index that is being filled; its name follows. */
export const backfilling = 'Cannot read from backfilling global secondary index: ';
