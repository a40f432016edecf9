import type { AttributeValue, Item } from '../../protocol/attribute-value.ts';
import type { Request } from '../../protocol/backend.ts';
import { consumedCapacity, readUnits } from '../../protocol/capacity.ts';
import { validationError } from '../../protocol/errors.ts';
import { bindCondition, type Condition, evaluateCondition } from '../../protocol/expression/condition.ts';
import {
  bindKeyCondition,
  type KeyCondition,
  parseKeyCondition,
} from '../../protocol/expression/key-condition.ts';
import { checkKeyPaths, projectedDocuments } from '../../protocol/expression/key-paths.ts';
import { bindProjection, type Projection, projectItem } from '../../protocol/expression/projection.ts';
import { Substitutions } from '../../protocol/expression/substitutions.ts';
import {
  canonicalKey,
  decodeKeyValue,
  encodeKeyValue,
  joinKey,
  type KeySchema,
  splitKey,
} from '../../protocol/key.ts';
import type { QueryInput, ScanInput } from '../../protocol/operation.ts';
import { type ItemJson, type Output, Reply } from '../../protocol/reply.ts';
import { checkStartKey } from '../../protocol/validate/item.ts';
import { validateQuery, validateScan } from '../../protocol/validate/read.ts';
import type { Table } from '../catalog.ts';
import { parseItem } from '../item-json.ts';
import type { Services } from '../services.ts';
import {
  canonicalKeyOf,
  hashCount,
  hashStart,
  keyAfter,
  prefixEnd,
  type StateKey,
  stateKey,
} from '../state/layout.ts';
import type { State } from '../state/state.ts';

/** AWS: API_Query. */
export function query({ catalog, state }: Services, request: Request): Reply {
  const input = validateQuery(request.input);
  const substitutions = new Substitutions(input.ExpressionAttributeNames, input.ExpressionAttributeValues);
  const parsed = parseKeyCondition(input.KeyConditionExpression ?? '', substitutions);
  const selection = selectionOf(input, substitutions);
  substitutions.finish();
  const table = catalog.serving(request.region, input.TableName);
  refuseIndex(input);
  checkPaths(selection, table.schema);
  const condition = bindKeyCondition(parsed, table.schema);
  refuseKeyAttributesInFilter(selection.filter, table.schema);
  const range = queryRange(table, condition);
  const reverse = input.ScanIndexForward === false;
  const start = startOf(input, table);
  if (start !== undefined) {
    checkQueryStart(table, condition, range, start);
    narrow(range, start, reverse);
  }
  return page(state, table, input, selection, range, reverse);
}

/** AWS: API_Scan. */
export function scan({ catalog, state }: Services, request: Request): Reply {
  const input = validateScan(request.input);
  const substitutions = new Substitutions(input.ExpressionAttributeNames, input.ExpressionAttributeValues);
  const selection = selectionOf(input, substitutions);
  substitutions.finish();
  const table = catalog.serving(request.region, input.TableName);
  refuseIndex(input);
  checkPaths(selection, table.schema);
  const range = scanRange(table, input);
  const start = startOf(input, table);
  if (start !== undefined) {
    checkScanStart(input, range, start);
    narrow(range, start, false);
  }
  return page(state, table, input, selection, range, false);
}

type PageInput = QueryInput | ScanInput;

/** What of each item read goes into the answer. */
interface Selection {
  readonly filter: Condition | undefined;
  readonly projection: Projection | undefined;
}

/** State keys from `start` on and before `end`. */
interface KeyRange {
  start: StateKey;
  end: StateKey;
}

function selectionOf(input: PageInput, substitutions: Substitutions): Selection {
  const { FilterExpression: filter, ProjectionExpression: projection } = input;
  return {
    filter: filter === undefined ? undefined : bindCondition('FilterExpression', filter, substitutions),
    projection: projection === undefined ? undefined : bindProjection(projection, substitutions),
  };
}

/** Reads one page: at most `Limit` items, and until they come to 1 MB, before the filter (AWS: Query.Pagination). */
function page(
  state: State,
  table: Table,
  input: PageInput,
  selection: Selection,
  range: KeyRange,
  reverse: boolean,
): Reply {
  const items: (ItemJson | Item)[] = [];
  let count = 0;
  let scannedCount = 0;
  let sizeBytes = 0;
  let lastKey: StateKey | undefined;
  let full = false;
  for (const [key, item] of state.range(range.start, range.end, reverse)) {
    if (full) break;
    scannedCount++;
    sizeBytes += item.size;
    lastKey = key;
    full = scannedCount === input.Limit || sizeBytes >= pageBytesMax;
    const selected = select(item, selection);
    if (selected === undefined) continue;
    count++;
    if (input.Select !== 'COUNT') items.push(selected);
  }
  const output: Output = { Count: count, ScannedCount: scannedCount };
  if (input.Select !== 'COUNT') output.Items = items;
  if (full && lastKey !== undefined) output.LastEvaluatedKey = keyItem(table.schema, lastKey);
  const units = readUnits(sizeBytes, input.ConsistentRead === true ? 'strong' : 'eventual');
  const capacity = consumedCapacity(input.ReturnConsumedCapacity, input.TableName, units);
  if (capacity !== undefined) output.ConsumedCapacity = capacity;
  return new Reply(output);
}

/** The bytes of items that a page reads before it ends (AWS: Query.Pagination). */
const pageBytesMax = 1024 * 1024;

/** @returns undefined if the filter leaves the item out. */
function select(item: ItemJson, { filter, projection }: Selection): ItemJson | Item | undefined {
  if (filter === undefined && projection === undefined) return item;
  const parsed = parseItem(item);
  if (filter !== undefined && !evaluateCondition(filter, parsed)) return undefined;
  return projection === undefined ? item : projectItem(projection, parsed);
}

/** The key attributes inside a state key, as the API writes a key. */
function keyItem(schema: KeySchema, key: StateKey): Item {
  const { partition, sort } = splitKey(canonicalKeyOf(key));
  const item: Item = { [schema.partition.name]: decodeKeyValue(schema.partition.type, partition) };
  if (schema.sort !== undefined) item[schema.sort.name] = decodeKeyValue(schema.sort.type, sort);
  return item;
}

function queryRange(table: Table, { partition, sort }: KeyCondition): KeyRange {
  const prefix = stateKey(table.number, joinKey(encodeKeyValue(partition), ''));
  if (sort === undefined) return prefixRange(prefix);
  const [first, second] = sort.values.map((value: AttributeValue) => prefix + encodeKeyValue(value));
  const bound = first as StateKey;
  const whole = table.schema.sort === undefined ? prefixRange(bound) : prefixRange(prefix);
  switch (sort.operator) {
    case '=':
      return { start: bound, end: keyAfter(bound) };
    case '<':
      return { start: whole.start, end: bound };
    case '<=':
      return { start: whole.start, end: keyAfter(bound) };
    case '>':
      return { start: keyAfter(bound), end: whole.end };
    case '>=':
      return { start: bound, end: whole.end };
    case 'BETWEEN':
      return { start: bound, end: keyAfter(second as StateKey) };
    case 'begins_with':
      return prefixRange(bound);
  }
}

function prefixRange(prefix: StateKey): KeyRange {
  const end = prefixEnd(prefix);
  if (end === undefined) throw new RangeError('a state key never consists of bytes 255 alone');
  return { start: prefix, end };
}

/** A segment is a range of partition key hashes. */
function scanRange(table: Table, { Segment: segment = 0, TotalSegments: total = 1 }: ScanInput): KeyRange {
  return {
    start: hashStart(table.number, Math.ceil((segment * hashCount) / total)),
    end: hashStart(table.number, Math.ceil(((segment + 1) * hashCount) / total)),
  };
}

function startOf(input: PageInput, table: Table): StateKey | undefined {
  if (input.ExclusiveStartKey === undefined) return undefined;
  checkStartKey(table.schema, input.ExclusiveStartKey);
  return stateKey(table.number, canonicalKey(table.schema, input.ExclusiveStartKey));
}

/** A page can only go on where the one before it ended; the key need not exist any more. */
function checkQueryStart(
  table: Table,
  { partition, sort }: KeyCondition,
  range: KeyRange,
  start: StateKey,
): void {
  const given = splitKey(canonicalKeyOf(start));
  const queried = encodeKeyValue(partition);
  const inPartition = given.partition === queried;
  if (sort === undefined) {
    if (inPartition) return;
    throw validationError(
      'The provided starting key is outside query boundaries based on provided conditions',
    );
  }
  if (!contains(range, stateKey(table.number, joinKey(queried, given.sort)))) {
    throw validationError('The provided starting key does not match the range key predicate');
  }
  if (!inPartition) throw validationError('The query can return at most one row and cannot be restarted');
}

function checkScanStart({ Segment, TotalSegments }: ScanInput, range: KeyRange, start: StateKey): void {
  if (contains(range, start)) return;
  throw validationError(
    'The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with ' +
      `correct Segment. TotalSegments: ${TotalSegments} Segment: ${Segment}`,
  );
}

function contains(range: KeyRange, key: StateKey): boolean {
  return key >= range.start && key < range.end;
}

/** Cuts off what lies up to the start key. */
function narrow(range: KeyRange, start: StateKey, reverse: boolean): void {
  if (reverse) range.end = start;
  else range.start = keyAfter(start);
}

function checkPaths({ filter, projection }: Selection, schema: KeySchema): void {
  if (filter !== undefined) checkKeyPaths(filter.documentNames, schema);
  if (projection !== undefined) checkKeyPaths(projectedDocuments(projection), schema);
}

function refuseIndex({ IndexName: name }: PageInput): void {
  if (name !== undefined) throw validationError(`The table does not have the specified index: ${name}`);
}

/** A Query's filter works on what the key condition has left (AWS: Query.FilterExpression). */
function refuseKeyAttributesInFilter(filter: Condition | undefined, schema: KeySchema): void {
  if (filter === undefined) return;
  for (const attribute of [schema.partition, schema.sort]) {
    if (attribute === undefined || !filter.attributeNames.has(attribute.name)) continue;
    throw validationError(
      'Filter Expression can only contain non-primary key attributes: ' +
        `Primary key attribute: ${attribute.name}`,
    );
  }
}
