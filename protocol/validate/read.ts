import { canonicalItem, type Item } from '../attribute-value.ts';
import { type DynamoDbError, validationError } from '../errors.ts';
import { checkAttributesToGet } from '../legacy/attributes-to-get.ts';
import { checkConditionalOperator } from '../legacy/condition.ts';
import { checkConditions } from '../legacy/filter.ts';
import type {
  BatchGetItemInput,
  GetItemInput,
  KeysAndAttributes,
  QueryInput,
  ScanInput,
} from '../operation.ts';
import { tableNameOf } from '../table-name.ts';
import { inOlderWords } from '../wording.ts';
import { checkParameters, type ParameterNames } from './parameters.ts';
import { type Input, validateShape } from './shapes.ts';

/**
 * What can be said against a read before its table is looked at, in AWS's order. Each function leaves the input as it
 * is and returns it typed, with canonical values, and without members that are null or unknown.
 */

const projectionParameters: ParameterNames<GetItemInput | KeysAndAttributes> = {
  expressions: ['ProjectionExpression'],
  legacy: ['AttributesToGet'],
};

/** AWS: API_GetItem. */
export function validateGetItem(input: Input): GetItemInput {
  const get = validateShape('GetItem', input);
  checkParameters(get, projectionParameters);
  const key = canonicalItem(get.Key);
  checkAttributesToGet(get.AttributesToGet);
  return key === get.Key ? get : { ...get, Key: key };
}

/** The keys that one BatchGetItem may name, over all its tables (AWS: API_BatchGetItem). */
const keysMax = 100;

/** AWS: API_BatchGetItem. */
export function validateBatchGetItem(input: Input): BatchGetItemInput {
  const batch = validateShape('BatchGetItem', input);
  const tables = Object.entries(batch.RequestItems);
  checkBatchParameters(tables.map(([, request]) => request));
  const checked = tables.map(([name, request]) => [name, checkKeysAndAttributes(request)] as const);
  const count = tables.reduce((sum, [, request]) => sum + request.Keys.length, 0);
  if (count > keysMax) throw validationError('Too many items requested for the BatchGetItem call');
  return { ...batch, RequestItems: Object.fromEntries(withoutRepetition(checked)) };
}

/** Expressions for one table and legacy parameters for another are a mixture too. */
function checkBatchParameters(requests: readonly KeysAndAttributes[]): void {
  for (const request of requests) checkParameters(request, projectionParameters);
  const projection = requests.find((request) => request.ProjectionExpression !== undefined);
  const legacy = requests.find((request) => request.AttributesToGet !== undefined);
  if (projection !== undefined && legacy !== undefined) {
    checkParameters({ ...projection, ...legacy }, projectionParameters);
  }
}

function checkKeysAndAttributes(request: KeysAndAttributes): KeysAndAttributes {
  checkAttributesToGet(request.AttributesToGet);
  const keys = request.Keys.map((key) => canonicalItem(key));
  if (new Set(keys.map(keyText)).size < keys.length) {
    throw validationError('Provided list of item keys contains duplicates');
  }
  return { ...request, Keys: keys };
}

/** The same for keys that are the same, whatever attributes they have. */
function keyText(key: Item): string {
  const attributes = Object.entries(key);
  return JSON.stringify(attributes.length > 1 ? attributes.sort(([a], [b]) => (a < b ? -1 : 1)) : attributes);
}

/** A table can be named in two ways, by its name and by its ARN: a key that both have is asked for once. */
function withoutRepetition(tables: readonly TableKeys[]): readonly TableKeys[] {
  if (!tables.some(([name]) => name.startsWith('arn:'))) return tables;
  const seen = new Set<string>();
  return tables.flatMap(([name, request]) => {
    const keys = request.Keys.filter((key) => {
      const text = `${tableNameOf(name)} ${keyText(key)}`;
      return !seen.has(text) && seen.add(text);
    });
    return keys.length === 0 ? [] : [[name, { ...request, Keys: keys }] as const];
  });
}

type TableKeys = readonly [name: string, request: KeysAndAttributes];

const queryParameters: ParameterNames<QueryInput> = {
  expressions: ['ProjectionExpression', 'FilterExpression', 'KeyConditionExpression'],
  legacy: ['AttributesToGet', 'QueryFilter', 'ConditionalOperator', 'KeyConditions'],
};

/** KeyConditions go together with expressions for filter and projection. */
const legacyKeyParameters: ParameterNames<QueryInput> = {
  expressions: queryParameters.expressions,
  legacy: queryParameters.legacy.filter((name) => name !== 'KeyConditions'),
};

/** AWS: API_Query. What KeyConditions say is checked behind the expressions: `parseKeyConditions`. */
export function validateQuery(input: Input): QueryInput {
  const query = validateShape('Query', input);
  checkParameters(query, query.KeyConditionExpression === undefined ? legacyKeyParameters : queryParameters);
  checkConditionalOperator(query.ConditionalOperator, query.QueryFilter);
  const filter = query.QueryFilter && checkConditions(query.QueryFilter);
  checkAttributesToGet(query.AttributesToGet);
  const startKey = canonicalStartKey(query.ExclusiveStartKey);
  if (query.KeyConditions === undefined && query.KeyConditionExpression === undefined) {
    throw validationError(
      'Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.',
    );
  }
  checkSelect(query, '1 validation error detected: ');
  const checked = startKey === undefined ? query : { ...query, ExclusiveStartKey: startKey };
  return filter === undefined ? checked : { ...checked, QueryFilter: filter };
}

const scanParameters: ParameterNames<ScanInput> = {
  expressions: ['ProjectionExpression', 'FilterExpression'],
  legacy: ['AttributesToGet', 'ScanFilter', 'ConditionalOperator'],
};

/** AWS: API_Scan. */
export function validateScan(input: Input): ScanInput {
  return inOlderWords(() => checkScan(validateShape('Scan', input)));
}

/** The older layer looks at what an operator joins before the operator (paritysuite: deepRequests; most regions). */
function checkScan(scan: ScanInput): ScanInput {
  checkParameters(scan, scanParameters);
  checkAttributesToGet(scan.AttributesToGet);
  const filter = scan.ScanFilter && checkConditions(scan.ScanFilter);
  checkConditionalOperator(scan.ConditionalOperator, scan.ScanFilter);
  const startKey = canonicalStartKey(scan.ExclusiveStartKey);
  checkSegments(scan);
  checkSelect(scan, '');
  const checked = startKey === undefined ? scan : { ...scan, ExclusiveStartKey: startKey };
  return filter === undefined ? checked : { ...checked, ScanFilter: filter };
}

function checkSegments({ Segment: segment, TotalSegments: total }: ScanInput): void {
  const missing = 'parameter is required but was not present in the request when';
  if (segment !== undefined && total === undefined) {
    throw validationError(`The TotalSegments ${missing} Segment parameter is present`);
  }
  if (total !== undefined && segment === undefined) {
    throw validationError(`The Segment ${missing} parameter TotalSegments is present`);
  }
  if (segment !== undefined && total !== undefined && segment >= total) {
    throw validationError(
      'The Segment parameter is zero-based and must be less than parameter TotalSegments: ' +
        `Segment: ${segment} is not less than TotalSegments: ${total}`,
    );
  }
}

/**
 * Select must fit what is said about attributes (AWS: API_Query, Select).
 * @param envelope AWS has one here for Query only.
 */
function checkSelect(input: QueryInput | ScanInput, envelope: string): void {
  const { Select: select, IndexName: index } = input;
  if (select === undefined) return;
  const projection = projectionParameter(input);
  if (select === 'SPECIFIC_ATTRIBUTES') {
    if (projection !== undefined) return;
    throw validationError(
      `${envelope}Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES`,
    );
  }
  if (projection !== undefined) {
    const choice = select === 'COUNT' ? 'only the Count' : select;
    throw validationError(`${envelope}Cannot specify the ${projection} when choosing to get ${choice}`);
  }
  if (select === 'ALL_PROJECTED_ATTRIBUTES' && index === undefined) {
    throw validationError(
      `${envelope}ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName`,
    );
  }
}

function projectionParameter(input: QueryInput | ScanInput): string | undefined {
  if (input.ProjectionExpression !== undefined) return 'ProjectionExpression';
  return input.AttributesToGet === undefined ? undefined : 'AttributesToGet';
}

/** @returns undefined where there is no key, or it was canonical. */
function canonicalStartKey(key: Item | undefined): Item | undefined {
  if (key === undefined) return undefined;
  try {
    const canonical = canonicalItem(key);
    return canonical === key ? undefined : canonical;
  } catch (error) {
    throw startKeyError(error as DynamoDbError);
  }
}

/** What is wrong with numbers and duplicates in sets AWS reports as it is. */
const bareTexts = /contains duplicates|number set|numeric value|significant digits|number with magnitude/;

function startKeyError(error: DynamoDbError): DynamoDbError {
  if (bareTexts.test(error.message)) return error;
  return validationError(`The provided starting key is invalid: ${error.message}`);
}
