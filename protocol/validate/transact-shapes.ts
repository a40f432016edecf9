import { itemTableNameConstraints, maxLength, minLength, oneOf } from './constraint.ts';
import { attributeMap, list, map, required, string, structure } from './shape.ts';

/**
 * The inputs of the operations on transactions (AWS: API_TransactWriteItems, API_TransactGetItems; the service's
 * model). Members stand in the order in which AWS reports errors about them, as those in item-shapes.ts do.
 */

const tableName = string(...itemTableNameConstraints);
const expressionAttributeNames = map(string());
const returnConsumedCapacity = string(oneOf('INDEXES', 'TOTAL', 'NONE'));

const expressions = {
  ConditionExpression: string(),
  ReturnValuesOnConditionCheckFailure: string(oneOf('ALL_OLD', 'NONE')),
  ExpressionAttributeNames: expressionAttributeNames,
  ExpressionAttributeValues: attributeMap,
};

const keyed = { Key: required(attributeMap), TableName: required(tableName) };

/** That an action is exactly one of these, `actionOf` checks. */
const transactWriteItem = structure('TransactWriteItem', {
  Update: structure('Update', { ...expressions, UpdateExpression: required(string()), ...keyed }),
  ConditionCheck: structure('ConditionCheck', {
    ...expressions,
    ConditionExpression: required(string()),
    ...keyed,
  }),
  Delete: structure('Delete', { ...expressions, ...keyed }),
  Put: structure('Put', { Item: required(attributeMap), ...expressions, TableName: required(tableName) }),
});

export const transactWriteItems = structure('TransactWriteItemsInput', {
  TransactItems: required(list(transactWriteItem, minLength(1), maxLength(100))),
  ClientRequestToken: string(minLength(1), maxLength(36)),
  ReturnConsumedCapacity: returnConsumedCapacity,
  ReturnItemCollectionMetrics: string(oneOf('SIZE', 'NONE')),
});

const transactGetItem = structure('TransactGetItem', {
  Get: required(
    structure('Get', {
      ExpressionAttributeNames: expressionAttributeNames,
      ProjectionExpression: string(),
      ...keyed,
    }),
  ),
});

export const transactGetItems = structure('TransactGetItemsInput', {
  TransactItems: required(list(transactGetItem, minLength(1), maxLength(100))),
  ReturnConsumedCapacity: returnConsumedCapacity,
});
