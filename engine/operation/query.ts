import type { Item } from '../../protocol/attribute-value.ts';
import type { Request } from '../../protocol/backend.ts';
import { validationError } from '../../protocol/errors.ts';
import { bindCondition, type Condition } from '../../protocol/expression/condition.ts';
import {
  bindKeyCondition,
  type KeyCondition,
  keyConditionsOf,
  readKeyCondition,
} from '../../protocol/expression/key-condition.ts';
import { checkKeyPaths, projectedDocuments } from '../../protocol/expression/key-paths.ts';
import { bindProjection, type Projection } from '../../protocol/expression/projection.ts';
import { Substitutions } from '../../protocol/expression/substitutions.ts';
import { bindAttributesToGet } from '../../protocol/legacy/attributes-to-get.ts';
import { bindFilter } from '../../protocol/legacy/filter.ts';
import { parseKeyConditions } from '../../protocol/legacy/key-conditions.ts';
import type { QueryInput, ScanInput } from '../../protocol/operation.ts';
import type { Reply } from '../../protocol/reply.ts';
import { checkQueryStartKey, checkQueryStartPartition } from '../../protocol/validate/item.ts';
import { validateQuery, validateScan } from '../../protocol/validate/read.ts';
import { inOlderWords } from '../../protocol/wording.ts';
import type { Table } from '../catalog.ts';
import type { Index } from '../index-schema.ts';
import type { Services } from '../services.ts';
import { hashCount, hashStart, keyAfter, type StateKey } from '../state/layout.ts';
import { type PageInput, readPage, type Selection } from './page.ts';
import { type KeyRange, queryRange, type Source, sourceOf } from './source.ts';

/**
 * AWS: API_Query. The order of the checks is AWS's, as far as dynalite's tests have measured it: the expressions, what the
 * key condition says by itself, table and index, the starting key's partition, the key condition against the key, the rest
 * of the starting key, and at last what is asked for.
 */
export function query(services: Services, request: Request): Reply {
  const input = validateQuery(request.input);
  const substitutions = new Substitutions(input.ExpressionAttributeNames, input.ExpressionAttributeValues);
  const { KeyConditionExpression: text, KeyConditions: legacy = {} } = input;
  const tree = text === undefined ? undefined : readKeyCondition(text, substitutions);
  const wanted = wantedOf(input, substitutions);
  substitutions.finish();
  const conditions = tree === undefined ? parseKeyConditions(legacy) : keyConditionsOf(tree);
  const table = services.catalog.serving(request.region, input.TableName);
  const index = readableIndex(table, input);
  const source = sourceOf(table, index);
  const { ExclusiveStartKey: startKey } = input;
  if (startKey !== undefined) checkStartPartition(table, source, startKey);
  const condition = bindKeyCondition(conditions, source.key);
  const range = queryRange(source, condition);
  const partition = range.start;
  const reverse = input.ScanIndexForward === false;
  if (startKey !== undefined) {
    if (index === undefined) checkQueryStartKey(table.schema, startKey);
    const start = source.startKey(startKey);
    checkQueryStart(source, condition, range, start);
    narrow(range, start, reverse);
  }
  const selection = querySelection(table, source, index, input, wanted);
  return readPage(services, { table, source, range, reverse, partition, input, selection });
}

/** AWS: API_Scan. */
export function scan(services: Services, request: Request): Reply {
  const input = validateScan(request.input);
  const { ExpressionAttributeNames: names, ExpressionAttributeValues: values } = input;
  const substitutions = inOlderWords(() => new Substitutions(names, values));
  const wanted = wantedOf(input, substitutions);
  substitutions.finish();
  const table = services.catalog.serving(request.region, input.TableName);
  const index = readableIndex(table, input);
  const source = sourceOf(table, index);
  const range = scanRange(source, input);
  if (input.ExclusiveStartKey !== undefined) {
    const start = source.startKey(input.ExclusiveStartKey);
    checkScanStart(input, range, start);
    narrow(range, start, false);
  }
  const fetches = fetchesFor(index, input, wanted);
  if (wanted.projection !== undefined) checkKeyPaths(projectedDocuments(wanted.projection), table.schema);
  if (wanted.filter !== undefined) checkKeyPaths(wanted.filter.documentNames, table.schema);
  const selection = { ...wanted, index, fetches };
  return readPage(services, { table, source, range, reverse: false, partition: undefined, input, selection });
}

function checkStartPartition(table: Table, { key }: Source, startKey: Item): void {
  const { partition, sort } = table.schema;
  const ofTable = sort === undefined ? [partition] : [partition, sort];
  const names = new Set([...key.partition, ...key.sort, ...ofTable].map(({ name }) => name));
  checkQueryStartPartition(key.partition, names, startKey);
}

function querySelection(
  table: Table,
  source: Source,
  index: Index | undefined,
  input: QueryInput,
  wanted: Wanted,
): Selection {
  const { filter, projection } = wanted;
  if (projection !== undefined) checkKeyPaths(projectedDocuments(projection), table.schema);
  refuseKeyAttributesInFilter(input, filter, source);
  const fetches = fetchesFor(index, input, wanted);
  if (filter !== undefined) checkKeyPaths(filter.documentNames, table.schema);
  refuseUnprojectedFilter(index, filter);
  return { filter, projection, index, fetches };
}

type Wanted = Pick<Selection, 'filter' | 'projection'>;

function wantedOf(input: PageInput, substitutions: Substitutions): Wanted {
  const { FilterExpression: filter, ProjectionExpression: projection, AttributesToGet: names } = input;
  const legacyProjection = names === undefined ? undefined : bindAttributesToGet(names);
  return {
    filter:
      filter === undefined ? bindFilter(input) : bindCondition('FilterExpression', filter, substitutions),
    projection: projection === undefined ? legacyProjection : bindProjection(projection, substitutions),
  };
}

/** The index that is to be read; undefined for the table itself. */
function readableIndex(
  table: Table,
  { IndexName: name, ConsistentRead: consistent }: PageInput,
): Index | undefined {
  if (name === undefined) return undefined;
  const index = table.index(name);
  if (index === undefined) throw validationError(`The table does not have the specified index: ${name}`);
  if (index.isGlobal && consistent === true) {
    throw validationError('Consistent reads are not supported on global secondary indexes');
  }
  if (index.definition.status === 'CREATING') {
    throw validationError(`Cannot read from backfilling global secondary index: ${name}`);
  }
  return index;
}

/**
 * Whether items are fetched from the table. A global index has what it projects and nothing else; a local one can fetch the
 * rest.
 */
function fetchesFor(index: Index | undefined, input: PageInput, { projection }: Wanted): boolean {
  if (index === undefined || index.projectsAll) return false;
  const missing = unprojected(index, input, projection);
  if (!index.isGlobal) return missing.length > 0;
  if (input.Select === 'ALL_ATTRIBUTES') {
    throw validationError(
      `One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index ${index.name} because its projection type is not ALL`,
    );
  }
  if (missing.length === 0) return false;
  throw validationError(
    `One or more parameter values were invalid: Global secondary index ${index.name} does not project [${missing.join(', ')}]`,
  );
}

/** The attributes asked for that the index does not have; `*` stands for all. */
function unprojected(index: Index, input: PageInput, projection: Projection | undefined): string[] {
  if (input.Select === 'ALL_ATTRIBUTES') return ['*'];
  return [...(projection?.names?.keys() ?? [])].filter((name) => !index.projects(name));
}

/** A segment is a range of partition key hashes. */
function scanRange(
  { number }: Source,
  { Segment: segment = 0, TotalSegments: total = 1 }: ScanInput,
): KeyRange {
  return {
    start: hashStart(number, Math.ceil((segment * hashCount) / total)),
    end: hashStart(number, Math.ceil(((segment + 1) * hashCount) / total)),
  };
}

/** A page can only go on where the one before it ended; the key need not exist any more. */
function checkQueryStart(
  source: Source,
  { partition, sort }: KeyCondition,
  range: KeyRange,
  start: StateKey,
): void {
  const queried = source.partition(partition);
  const inPartition = start.startsWith(queried);
  if (sort.length === 0) {
    if (inPartition) return;
    throw validationError(
      'The provided starting key is outside query boundaries based on provided conditions',
    );
  }
  if (!contains(range, queried + start.slice(source.partitionLength(start)))) {
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

/** A Query's filter works on what the key condition has left (AWS: Query.FilterExpression). */
function refuseKeyAttributesInFilter(
  { QueryFilter: legacy }: QueryInput,
  filter: Condition | undefined,
  { key }: Source,
): void {
  if (filter === undefined) return;
  const parameter = legacy === undefined ? 'Filter Expression' : 'QueryFilter';
  for (const { name } of [...key.partition, ...key.sort]) {
    if (!filter.attributeNames.has(name)) continue;
    throw validationError(
      `${parameter} can only contain non-primary key attributes: Primary key attribute: ${name}`,
    );
  }
}

/**
 * A Query's filter is refused where it needs what its index does not have, of either kind of index: AWS reads nothing more
 * for it. In a Scan such attributes are merely absent.
 */
function refuseUnprojectedFilter(index: Index | undefined, filter: Condition | undefined): void {
  if (index === undefined || filter === undefined) return;
  const missing = [...filter.attributeNames].filter((name) => !index.projects(name)).sort();
  if (missing.length === 0) return;
  throw validationError(
    `One or more parameter values were invalid: Secondary index ${index.name} does not project one or more filter ` +
      `attributes: [${missing.join(', ')}]`,
  );
}
