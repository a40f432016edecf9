import type { Model } from './model.ts';
import { lastKey, outcomeOf } from './outcome.ts';
import { printRequest } from './printer.ts';
import { hashName, rangeName, type Scan } from './request.ts';
import { keyOf } from './table.ts';
import { areEqual, type Item, order, stable } from './value.ts';
import type { Door } from './world.ts';

/**
 * The keys of the segment that a request is about, as a plain scan of all segments gives them: DynamoDB tells nobody in
 * which order it scans, but the order is the same for every scan of what did not change.
 * @throws Error unless each item is in one segment, beside the others of its partition and in their order.
 */
export async function scannedKeys(door: Door, { table, segment }: Scan, model: Model): Promise<Item[]> {
  const schema = model.schema(table);
  if (schema === undefined) return [];
  const total = segment?.total ?? 1;
  const segments: Item[][] = [];
  for (let index = 0; index < total; index++) {
    const items = await scanAll(door, table, segment && { index, total });
    segments.push(items.map((item) => keyOf(schema, item)));
  }
  const expected = model.items(table).map((item) => keyOf(schema, item));
  expectAll(segments.flat(), expected, `${door.name}: a Scan of ${table} in ${total} segments`);
  return segments[segment?.index ?? 0] ?? [];
}

function expectAll(keys: readonly Item[], expected: readonly Item[], what: string): void {
  const sorted = (some: readonly Item[]) => some.map(stable).sort().join('\n');
  if (sorted(keys) !== sorted(expected))
    throw new Error(`${what} gave\n${sorted(keys)}\nnot\n${sorted(expected)}`);
  const misplaced = keys.find((key, i) => isMisplaced(key, keys.slice(0, i)));
  if (misplaced !== undefined) throw new Error(`${what} misplaced ${stable(misplaced)}`);
}

/** Whether an item of the same partition stands apart from this one, or before it although it is greater. */
function isMisplaced(key: Item, before: readonly Item[]): boolean {
  const previous = before.at(-1);
  if (previous === undefined) return false;
  if (!areEqual(previous[hashName], key[hashName])) {
    return before.some((other) => areEqual(other[hashName], key[hashName]));
  }
  return (order(previous[rangeName], key[rangeName]) ?? 0) >= 0;
}

/** All items of a table or segment, page after page. */
async function scanAll(door: Door, table: string, segment: Scan['segment']): Promise<Item[]> {
  const items: Item[] = [];
  let startKey: Item | undefined;
  do {
    const request: Scan = { op: 'Scan', table, segment, isConsistent: true, startKey };
    const outcome = outcomeOf(await door.call(printRequest(request, 0)));
    if ('error' in outcome) throw new Error(`${door.name}: a plain Scan was refused: ${outcome.error.text}`);
    items.push(...(outcome.output.Items as Item[]));
    startKey = lastKey(outcome);
  } while (startKey !== undefined);
  return items;
}
