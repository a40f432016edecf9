import {
  atLeast,
  atMost,
  itemTableNameConstraints,
  maxLength,
  minLength,
  nameConstraints,
  oneOf,
  tableNameKeys,
  tersely,
  valueLengths,
} from './constraint.ts';
import {
  attributeMap,
  attributeValue,
  boolean,
  integer,
  list,
  map,
  required,
  string,
  structure,
} from './shape.ts';

/**
 * The inputs of the operations on items (AWS: API Reference, Actions; the service's model). Members stand in the order
 * in which AWS reports errors about them: the iteration order of a Java hash map of their names.
 */

const tableName = string(...itemTableNameConstraints);
const indexName = string(...nameConstraints);
const attributeNames = list(string(), minLength(1), maxLength(255));
const expressionAttributeNames = map(string());
const returnConsumedCapacity = string(oneOf('INDEXES', 'TOTAL', 'NONE'));
const returnItemCollectionMetrics = string(oneOf('SIZE', 'NONE'));
const conditionalOperator = string(oneOf('OR', 'AND'));
const returnValues = string(oneOf('ALL_NEW', 'UPDATED_OLD', 'ALL_OLD', 'NONE', 'UPDATED_NEW'));
const returnValuesOnConditionCheckFailure = string(oneOf('ALL_OLD', 'NONE'));
const select = string(oneOf('SPECIFIC_ATTRIBUTES', 'COUNT', 'ALL_ATTRIBUTES', 'ALL_PROJECTED_ATTRIBUTES'));

const comparisonOperator = string(
  oneOf(
    'IN',
    'NULL',
    'BETWEEN',
    'LT',
    'NOT_CONTAINS',
    'EQ',
    'GT',
    'NOT_NULL',
    'NE',
    'LE',
    'BEGINS_WITH',
    'GE',
    'CONTAINS',
  ),
);

const conditions = map(
  structure('Condition', {
    AttributeValueList: list(attributeValue),
    ComparisonOperator: required(comparisonOperator),
  }),
);

const expected = map(
  structure('ExpectedAttributeValue', {
    AttributeValueList: list(attributeValue),
    ComparisonOperator: comparisonOperator,
    Exists: boolean,
    Value: attributeValue,
  }),
);

const attributeUpdates = map(
  structure('AttributeValueUpdate', {
    Action: string(oneOf('ADD', 'DELETE', 'PUT')),
    Value: attributeValue,
  }),
);

export const putItem = structure('PutItemInput', {
  ReturnValues: returnValues,
  ConditionalOperator: conditionalOperator,
  Item: required(attributeMap),
  ConditionExpression: string(),
  ReturnValuesOnConditionCheckFailure: returnValuesOnConditionCheckFailure,
  ExpressionAttributeNames: expressionAttributeNames,
  ExpressionAttributeValues: attributeMap,
  Expected: expected,
  ReturnConsumedCapacity: returnConsumedCapacity,
  ReturnItemCollectionMetrics: returnItemCollectionMetrics,
  TableName: required(tableName),
});

export const deleteItem = structure('DeleteItemInput', {
  ReturnValues: returnValues,
  ConditionalOperator: conditionalOperator,
  ConditionExpression: string(),
  ReturnValuesOnConditionCheckFailure: returnValuesOnConditionCheckFailure,
  ExpressionAttributeNames: expressionAttributeNames,
  ExpressionAttributeValues: attributeMap,
  Expected: expected,
  ReturnConsumedCapacity: returnConsumedCapacity,
  ReturnItemCollectionMetrics: returnItemCollectionMetrics,
  Key: required(attributeMap),
  TableName: required(tableName),
});

export const updateItem = structure('UpdateItemInput', {
  ConditionExpression: string(),
  ExpressionAttributeNames: expressionAttributeNames,
  Expected: expected,
  ReturnConsumedCapacity: returnConsumedCapacity,
  TableName: required(tableName),
  ReturnValues: returnValues,
  ConditionalOperator: conditionalOperator,
  ReturnValuesOnConditionCheckFailure: returnValuesOnConditionCheckFailure,
  AttributeUpdates: attributeUpdates,
  ExpressionAttributeValues: attributeMap,
  UpdateExpression: string(),
  ReturnItemCollectionMetrics: returnItemCollectionMetrics,
  Key: required(attributeMap),
});

export const getItem = structure('GetItemInput', {
  ExpressionAttributeNames: expressionAttributeNames,
  ConsistentRead: boolean,
  ProjectionExpression: string(),
  AttributesToGet: attributeNames,
  ReturnConsumedCapacity: returnConsumedCapacity,
  Key: required(attributeMap),
  TableName: required(tableName),
});

const keysAndAttributes = structure('KeysAndAttributes', {
  ExpressionAttributeNames: expressionAttributeNames,
  Keys: required(list(attributeMap, tersely(minLength(1)), tersely(maxLength(100)))),
  ConsistentRead: boolean,
  ProjectionExpression: string(),
  AttributesToGet: attributeNames,
});

/** That RequestItems is not empty, `validateBatchGetItem` checks. */
export const batchGetItem = structure('BatchGetItemInput', {
  ReturnConsumedCapacity: returnConsumedCapacity,
  RequestItems: required(map(keysAndAttributes, maxLength(100), tableNameKeys)),
});

const writeRequest = structure('WriteRequest', {
  PutRequest: structure('PutRequest', { Item: required(attributeMap) }),
  DeleteRequest: structure('DeleteRequest', { Key: required(attributeMap) }),
});

/** That RequestItems is not empty, `validateBatchWriteItem` checks. */
export const batchWriteItem = structure('BatchWriteItemInput', {
  ReturnConsumedCapacity: returnConsumedCapacity,
  ReturnItemCollectionMetrics: returnItemCollectionMetrics,
  RequestItems: required(map(list(writeRequest), maxLength(25), tableNameKeys, valueLengths(1, 25))),
});

export const query = structure('QueryInput', {
  Select: select,
  ExpressionAttributeNames: expressionAttributeNames,
  IndexName: indexName,
  ExclusiveStartKey: attributeMap,
  ProjectionExpression: string(),
  QueryFilter: conditions,
  ReturnConsumedCapacity: returnConsumedCapacity,
  ScanIndexForward: boolean,
  TableName: required(tableName),
  ConditionalOperator: conditionalOperator,
  KeyConditionExpression: string(),
  ExpressionAttributeValues: attributeMap,
  ConsistentRead: boolean,
  AttributesToGet: attributeNames,
  Limit: integer(tersely(atLeast(1))),
  FilterExpression: string(),
  KeyConditions: conditions,
});

export const scan = structure('ScanInput', {
  Select: select,
  ExpressionAttributeNames: expressionAttributeNames,
  IndexName: indexName,
  ExclusiveStartKey: attributeMap,
  TotalSegments: integer(atLeast(1), atMost(1_000_000)),
  ProjectionExpression: string(),
  ReturnConsumedCapacity: returnConsumedCapacity,
  TableName: required(tableName),
  ConditionalOperator: conditionalOperator,
  ScanFilter: conditions,
  ExpressionAttributeValues: attributeMap,
  Segment: integer(atLeast(0), atMost(999_999)),
  ConsistentRead: boolean,
  AttributesToGet: attributeNames,
  Limit: integer(atLeast(1)),
  FilterExpression: string(),
});
