import type { AttributeValue, Item } from '../../protocol/attribute-value.ts';
import { Binder } from '../../protocol/expression/binding.ts';
import { bindConditionTree } from '../../protocol/expression/condition-binding.ts';
import {
  bindKeyCondition,
  type KeyAttributes,
  type KeyCondition,
  type ParsedKeyCondition,
  parseKeyCondition,
} from '../../protocol/expression/key-condition.ts';
import { conditionTree } from '../../protocol/expression/parser.ts';
import { bindProjection, type Projection } from '../../protocol/expression/projection.ts';
import { Substitutions } from '../../protocol/expression/substitutions.ts';
import { bindAttributesToGet } from '../../protocol/legacy/attributes-to-get.ts';
import { parseKeyConditions } from '../../protocol/legacy/key-conditions.ts';
import type { QueryInput, ScanInput } from '../../protocol/operation.ts';
import { validateQuery, validateScan } from '../../protocol/validate/read.ts';
import { validateShape } from '../../protocol/validate/shapes.ts';

/**
 * What a Query asks for, once its spelling is taken away: placeholders and blanks in its expressions, the order of its
 * members and key conditions, numbers that are not canonical, null members, legacy parameters for keys and projections.
 * Two requests of one text are answered alike by every store.
 */
export interface QueryMeaning {
  readonly text: string;
  readonly condition: KeyCondition;
}

type Input = Readonly<Record<string, unknown>>;

/**
 * @param key of the table or index that is queried.
 * @throws Error for a request that the store might refuse, or understand otherwise.
 */
export function queryMeaning(input: Input, key: KeyAttributes): QueryMeaning {
  const query = validateQuery(understood('Query', input));
  const substitutions = new Substitutions(query.ExpressionAttributeNames, query.ExpressionAttributeValues);
  const condition = bindKeyCondition(parsedKeyCondition(query, substitutions), key);
  const { partition, sort } = condition;
  const sorts = sort.map(({ operator, values }) => [operator, values]);
  const order = query.ScanIndexForward === false ? 'backward' : 'forward';
  const page = pageMeaning(query, substitutions);
  return { text: JSON.stringify(['Query', partition, sorts, order, page]), condition };
}

/**
 * The same for a Scan.
 * @throws Error like `queryMeaning`.
 */
export function scanMeaning(input: Input): string {
  const scan = validateScan(understood('Scan', input));
  const substitutions = new Substitutions(scan.ExpressionAttributeNames, scan.ExpressionAttributeValues);
  const page = pageMeaning(scan, substitutions);
  return JSON.stringify(['Scan', scan.Segment, scan.TotalSegments, page]);
}

/** Of null members, every store takes it that they are absent. Others than the API's may mean something to one. */
function understood(operation: 'Query' | 'Scan', input: Input): Input {
  const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null));
  if (validateShape(operation, given) !== (given as unknown))
    throw new TypeError('there is more than the API has');
  if (given.ConsistentRead === true) throw new TypeError('a strongly consistent read');
  return given;
}

function parsedKeyCondition(query: QueryInput, substitutions: Substitutions): ParsedKeyCondition {
  const { KeyConditionExpression: text, KeyConditions: legacy = {} } = query;
  return text === undefined ? parseKeyConditions(legacy) : parseKeyCondition(text, substitutions);
}

/** What Query and Scan have in common. Called behind all other expressions. */
function pageMeaning(input: QueryInput | ScanInput, substitutions: Substitutions): unknown[] {
  const { ReturnConsumedCapacity: capacity = 'NONE' } = input;
  const filter = filterMeaning(input, substitutions);
  const projection = projectionOf(input, substitutions);
  substitutions.finish();
  return [
    input.IndexName,
    filter,
    projection && projectionMeaning(projection),
    input.Limit,
    input.ExclusiveStartKey && keyMeaning(input.ExclusiveStartKey),
    input.Select,
    capacity === 'NONE' ? capacity : [capacity, input.TableName],
  ];
}

function filterMeaning(input: QueryInput | ScanInput, substitutions: Substitutions): unknown {
  if (input.FilterExpression !== undefined) {
    const parameter = 'FilterExpression';
    const tree = conditionTree(parameter, input.FilterExpression);
    return bindConditionTree(tree, new Binder(parameter, substitutions));
  }
  const legacy = 'QueryFilter' in input ? input.QueryFilter : (input as ScanInput).ScanFilter;
  if (legacy === undefined || Object.keys(legacy).length === 0) return undefined;
  const conditions = Object.entries(legacy).map(([name, { ComparisonOperator, AttributeValueList = [] }]) => {
    return [name, ComparisonOperator, AttributeValueList] as const;
  });
  return [input.ConditionalOperator ?? 'AND', conditions.sort(([a], [b]) => (a < b ? -1 : 1))];
}

function projectionOf(
  { ProjectionExpression: text, AttributesToGet: names }: QueryInput | ScanInput,
  substitutions: Substitutions,
): Projection | undefined {
  if (text !== undefined) return bindProjection(text, substitutions);
  return names && bindAttributesToGet(names);
}

/** The order in which attributes are asked for has no meaning; that of a list's elements is their own. */
function projectionMeaning({ leaf, names, indexes }: Projection): unknown {
  if (leaf === true) return leaf;
  const below = names === undefined ? undefined : [...names].sort(([a], [b]) => (a < b ? -1 : 1));
  return [...(below ?? indexes ?? [])].map(([step, tree]) => [step, projectionMeaning(tree)]);
}

function keyMeaning(key: Item): readonly (readonly [string, AttributeValue])[] {
  return Object.entries(key).sort(([a], [b]) => (a < b ? -1 : 1));
}
