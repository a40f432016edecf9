import { canonicalItem } from '../attribute-value.ts';
import { validationError } from '../errors.ts';
import { checkAttributeUpdates } from '../legacy/attribute-updates.ts';
import { checkConditionalOperator } from '../legacy/condition.ts';
import { checkExpected } from '../legacy/expected.ts';
import type {
  BatchWriteItemInput,
  DeleteItemInput,
  PutItemInput,
  UpdateItemInput,
  WriteRequest,
} from '../operation.ts';
import { bareError, inOlderWords } from '../wording.ts';
import { isTooDeepForNewerLayer } from './depth.ts';
import { checkItem, checkItemSize, checkItemValues } from './item.ts';
import { checkParameters, type ParameterNames } from './parameters.ts';
import { type Input, validateShape } from './shapes.ts';

/**
 * What can be said against a write before its table is looked at, in AWS's order. Each function leaves the input as it
 * is and returns it typed, with canonical values, and without members that are null or unknown.
 */

const putParameters: ParameterNames<PutItemInput> = {
  expressions: ['ConditionExpression'],
  legacy: ['Expected', 'ConditionalOperator'],
};

/** AWS: API_PutItem. */
export function validatePutItem(input: Input): PutItemInput {
  const put = validateShape('PutItem', input);
  checkParameters(put, putParameters);
  checkConditionalOperator(put.ConditionalOperator, put.Expected);
  const item = checkItemValues(put.Item);
  checkReturnValues(put);
  checkItemSize(item);
  return checkExpected(item === put.Item ? put : { ...put, Item: item });
}

const deleteParameters: ParameterNames<DeleteItemInput> = {
  expressions: ['ConditionExpression'],
  legacy: ['Expected', 'ConditionalOperator'],
};

/** AWS: API_DeleteItem. */
export function validateDeleteItem(input: Input): DeleteItemInput {
  const remove = validateShape('DeleteItem', input);
  checkParameters(remove, deleteParameters);
  checkConditionalOperator(remove.ConditionalOperator, remove.Expected);
  const key = canonicalItem(remove.Key);
  checkReturnValues(remove);
  return checkExpected(key === remove.Key ? remove : { ...remove, Key: key });
}

const updateParameters: ParameterNames<UpdateItemInput> = {
  expressions: ['UpdateExpression', 'ConditionExpression'],
  legacy: ['AttributeUpdates', 'Expected', 'ConditionalOperator'],
};

/** AWS: API_UpdateItem. */
export function validateUpdateItem(input: Input): UpdateItemInput {
  const update = validateShape('UpdateItem', input);
  checkParameters(update, updateParameters);
  checkConditionalOperator(update.ConditionalOperator, update.Expected);
  const key = canonicalItem(update.Key);
  return checkExpected(checkAttributeUpdates(key === update.Key ? update : { ...update, Key: key }));
}

/** The requests that one BatchWriteItem may hold, over all its tables (AWS: API_BatchWriteItem). */
const writeRequestsMax = 25;

/** AWS: API_BatchWriteItem. That no item is named twice takes the table's key: `addDistinctKey`. */
export function validateBatchWriteItem(input: Input): BatchWriteItemInput {
  const batch = validateShape('BatchWriteItem', input);
  const tables = Object.entries(batch.RequestItems);
  if (tables.length === 0) throw validationError('The requestItems parameter is required for BatchWriteItem');
  const count = tables.reduce((sum, [, requests]) => sum + requests.length, 0);
  const checked = inOlderWords(() =>
    tables.map(([name, requests]) => [name, requests.map(checkWriteRequest)] as const),
  );
  if (count > writeRequestsMax) throw validationError('Too many items requested for the BatchWriteItem call');
  return { ...batch, RequestItems: Object.fromEntries(checked) };
}

/** Neither and both of the two are one error to AWS, that of attribute values. */
function checkWriteRequest({ PutRequest: put, DeleteRequest: remove }: WriteRequest): WriteRequest {
  if (put !== undefined && remove === undefined) return { PutRequest: { Item: checkItem(put.Item) } };
  if (remove !== undefined && put === undefined) return { DeleteRequest: { Key: canonicalItem(remove.Key) } };
  throw validationError(
    'Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes',
  );
}

function checkReturnValues(input: PutItemInput | DeleteItemInput): void {
  const { ReturnValues: values } = input;
  if (values === undefined || values === 'ALL_OLD' || values === 'NONE') return;
  const text = 'ReturnValues can only be ALL_OLD or NONE';
  throw isTooDeepForNewerLayer(input) ? bareError(text) : validationError(text);
}
