/**
 * In which order AWS reports what is wrong with a request: what has the wrong type, then what breaks a constraint, then what
 * the request says by itself, then its table, and last what the table and its items make of it. Sources: the paritysuite
 * conformance suite (validation-ordering, run in all regions in October 2026) for the first stages and for transactions;
 * dynalite's tests, which were run against AWS, for the stages behind them. Where neither says which of two comes first,
 * they are one stage.
 */

/** A stage, and the texts of its errors without the envelope. */
type Stage = RegExp;

const wrongType: Stage = /^SerializationException: /;
const constraints: Stage =
  /failed to satisfy constraint: |^ValidationException: (?:Failed to satisfy constraint: |ReturnItemCollectionMetrics can only be|The parameter 'TableName' is required|The requestItems parameter is required)/;
const mixture: Stage =
  /^ValidationException: (?:Can not use both expression and non-|ExpressionAttribute\w+ can only be specified)/;
const conditionalOperator: Stage = /^ValidationException: ConditionalOperator can(?:not| only) be used /;
const values: Stage =
  /Supplied AttributeValue |cannot be converted to a numeric value|significant digits|Number (?:over|under)flow|contains duplicates|sets?\s+may not|sets should not be empty|Null attribute value types|Empty attribute name|Attribute name is too large|Nesting Levels/;
const attributeUpdates: Stage =
  /(?:ADD|DELETE) action (?:with value )?is not supported|Only DELETE action is allowed/;
const returnValues: Stage = /^ValidationException: ReturnValues can only be /;
const itemSize: Stage = /^ValidationException: Item size has exceeded/;
const legacyConditions: Stage =
  /ComparisonOperator|AttributeValueList|when Exists is|^ValidationException: The BETWEEN condition was provided a range/;
const attributesToGet: Stage = /Duplicate value in attribute name: /;
const keyConditionsMissing: Stage = /^ValidationException: Either the KeyConditions or /;
const segments: Stage = /^ValidationException: The (?:Segment|TotalSegments) parameter is /;
const select: Stage =
  /^ValidationException: (?:Must specify the AttributesToGet or|Cannot specify the |ALL_PROJECTED_ATTRIBUTES can be)/;
const substitutions: Stage =
  /^ValidationException: ExpressionAttribute\w+ (?:must not be empty|contains invalid|exceeds max size)/;
const updateExpression: Stage = /^ValidationException: Invalid UpdateExpression: /;
const conditionExpression: Stage = /^ValidationException: Invalid ConditionExpression: /;
const keyConditionExpression: Stage =
  /^ValidationException: (?:Invalid (?:KeyConditionExpression|operator used|condition in)|KeyConditionExpressions )/;
const filterExpression: Stage = /^ValidationException: Invalid FilterExpression: /;
const projectionExpression: Stage = /^ValidationException: Invalid ProjectionExpression: /;
const unused: Stage = /^ValidationException: Value provided in ExpressionAttribute\w+ unused in expressions/;
const keyConditionCount: Stage = /^ValidationException: Conditions can be of length 1 or 2 only/;
const table: Stage = /^ResourceNotFoundException: /;
const index: Stage = /^ValidationException: The table does not have the specified index: /;
const consistency: Stage = /^ValidationException: Consistent reads are not supported on global /;
const ofIndex: Stage =
  /^ValidationException: (?:Key attributes must be scalars|Query (?:key )?condition|Attempted conditional|The (?:number of query|provided starting)|RANGE key attributes|Filter Expression can only|QueryFilter can only|One or more parameter values (?:were invalid: (?:Select type|Global secondary index|Secondary index|Condition parameter)|are not valid))/;
const keys: Stage =
  /^ValidationException: (?:The provided key element|Key attributes must be scalars|Provided list of item keys|Transaction request cannot|One or more parameter values (?:were invalid: (?:Missing the key|Type mismatch|Cannot update attribute|Size of hashkey|Aggregated size)|are not valid))/;
const item: Stage =
  /^(?:ConditionalCheckFailed|TransactionCanceled)Exception: |^ValidationException: (?:The document path provided|The provided expression refers|Type mismatch for attribute|An operand in the update|Item size to update)/;

const write: readonly Stage[] = [
  wrongType,
  constraints,
  mixture,
  conditionalOperator,
  values,
  attributeUpdates,
  returnValues,
  itemSize,
  legacyConditions,
  values,
  substitutions,
  updateExpression,
  conditionExpression,
  unused,
  table,
  keys,
  item,
];

const transaction: readonly Stage[] = [
  wrongType,
  constraints,
  // One action after the other, each with all that it says by itself.
  anyOf(
    values,
    itemSize,
    substitutions,
    updateExpression,
    conditionExpression,
    projectionExpression,
    unused,
    mixture,
  ),
  table,
  keys,
  item,
];

const read: readonly Stage[] = [
  wrongType,
  constraints,
  mixture,
  values,
  attributesToGet,
  substitutions,
  projectionExpression,
  unused,
  table,
  keys,
];

const orders: Readonly<Record<string, readonly Stage[]>> = {
  PutItem: write,
  UpdateItem: write,
  DeleteItem: write,
  TransactWriteItems: transaction,
  TransactGetItems: transaction,
  GetItem: read,
  BatchGetItem: [
    wrongType,
    constraints,
    mixture,
    attributesToGet,
    anyOf(values, keys),
    substitutions,
    projectionExpression,
    unused,
    table,
    keys,
  ],
  BatchWriteItem: [wrongType, constraints, anyOf(values, itemSize), table, keys],
  Query: [
    wrongType,
    constraints,
    mixture,
    conditionalOperator,
    legacyConditions,
    values,
    attributesToGet,
    values,
    keyConditionsMissing,
    select,
    values,
    substitutions,
    keyConditionExpression,
    filterExpression,
    projectionExpression,
    unused,
    // KeyConditions
    legacyConditions,
    values,
    keyConditionCount,
    table,
    index,
    consistency,
    ofIndex,
  ],
  Scan: [
    wrongType,
    constraints,
    mixture,
    attributesToGet,
    anyOf(legacyConditions, values),
    conditionalOperator,
    values,
    segments,
    select,
    values,
    substitutions,
    filterExpression,
    projectionExpression,
    unused,
    table,
    index,
    consistency,
    ofIndex,
  ],
  CreateTable: [wrongType, constraints, /^ValidationException: /],
  UpdateTable: [
    wrongType,
    constraints,
    /^ValidationException: /,
    /^(?:ResourceNotFound|LimitExceeded|ResourceInUse)/,
  ],
  UpdateTimeToLive: [wrongType, constraints, /^ValidationException: /],
};

/**
 * Whether AWS reports the first where both are there. A text that belongs to several stages may stand for any of them.
 * @param first an error's code and text, without the envelope; `second`, that of another.
 */
export function isReportedFirst(operation: string, first: string, second: string): boolean {
  const stages = orders[operation] ?? [];
  const from = stages.findIndex((stage) => stage.test(first));
  const to = stages.findLastIndex((stage) => stage.test(second));
  return from !== -1 && to !== -1 && from <= to;
}

function anyOf(...stages: readonly Stage[]): Stage {
  return new RegExp(stages.map(({ source }) => `(?:${source})`).join('|'));
}
