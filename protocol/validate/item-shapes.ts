import {
  atLeast,
  atMost,
  givenTableNameConstraints,
  inJson,
  inWords,
  itemTableNameConstraints,
  maxLength,
  minLength,
  nameConstraints,
  oneOf,
  tableNameKeys,
  tersely,
  valueLengths,
} from './constraint.ts';
import type { NewerChecks } from './constraint-errors.ts';
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

/**
 * The same in the newer layer of AWS, which has the single writes but for those that miss a required member (measured in
 * October 2026; `UPDATE_NEW` is its spelling).
 */
const givenTableName = string(...givenTableNameConstraints);
const nonEmptyTableName = string(tersely(minLength(1)));
const newerReturnValues = string(
  inWords(
    'Failed to satisfy constraint: Member must satisfy enum value set: ' +
      '[ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]',
    oneOf('ALL_NEW', 'UPDATED_OLD', 'ALL_OLD', 'NONE', 'UPDATED_NEW'),
  ),
);
const newerItemCollectionMetrics = string(
  inWords('ReturnItemCollectionMetrics can only be SIZE or NONE', oneOf('SIZE', 'NONE')),
);
const newerConditionalOperator = string(
  inWords('Failed to satisfy constraint: Member must satisfy enum value set: [ALL, OR]', oneOf('OR', 'AND')),
);

const newerWriteMembers = {
  ReturnConsumedCapacity: returnConsumedCapacity,
  TableName: givenTableName,
  ReturnValuesOnConditionCheckFailure: returnValuesOnConditionCheckFailure,
  Expected: expected,
  AttributeUpdates: attributeUpdates,
  ReturnValues: newerReturnValues,
  ReturnItemCollectionMetrics: newerItemCollectionMetrics,
  ConditionalOperator: newerConditionalOperator,
};

export const putItemChecks: NewerChecks = {
  first: structure('PutItemInput', { TableName: nonEmptyTableName }),
  rest: structure('PutItemInput', newerWriteMembers),
};

export const deleteItemChecks: NewerChecks = {
  first: structure('DeleteItemInput', { TableName: nonEmptyTableName }),
  rest: structure('DeleteItemInput', newerWriteMembers),
};

export const updateItemChecks: NewerChecks = {
  first: structure('UpdateItemInput', { TableName: nonEmptyTableName, ReturnValues: newerReturnValues }),
  rest: structure('UpdateItemInput', newerWriteMembers),
};

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

export const batchGetItem = structure('BatchGetItemInput', {
  ReturnConsumedCapacity: returnConsumedCapacity,
  RequestItems: required(map(keysAndAttributes)),
});

export const batchGetItemChecks: NewerChecks = {
  first: structure('BatchGetItemInput', {}),
  rest: structure('BatchGetItemInput', {
    RequestItems: map(keysAndAttributes, tersely(minLength(1)), maxLength(100), inJson(tableNameKeys)),
    ReturnConsumedCapacity: returnConsumedCapacity,
  }),
};

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

/** BatchWriteItem without the one check that gives way, that of its tables' names; first what it gives way to. */
export const batchWriteItemModes = structure('BatchWriteItemInput', {
  ReturnConsumedCapacity: returnConsumedCapacity,
  ReturnItemCollectionMetrics: returnItemCollectionMetrics,
});

export const batchWriteItemRequests = structure('BatchWriteItemInput', {
  RequestItems: required(map(list(writeRequest), maxLength(25), valueLengths(1, 25))),
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

export const queryChecks: NewerChecks = {
  first: structure('QueryInput', { ConditionalOperator: newerConditionalOperator }),
  isFirstBare: true,
  rest: query,
};

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
