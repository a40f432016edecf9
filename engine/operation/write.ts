import type { Item } from '../../protocol/attribute-value.ts';
import { equalItems, itemSize } from '../../protocol/attribute-value.ts';
import type { Request } from '../../protocol/backend.ts';
import { consumedCapacity, writeUnits } from '../../protocol/capacity.ts';
import { conditionalCheckFailed, resourceNotFound } from '../../protocol/errors.ts';
import { bindCondition, type Condition, evaluateCondition } from '../../protocol/expression/condition.ts';
import { checkKeyPaths } from '../../protocol/expression/key-paths.ts';
import { Substitutions } from '../../protocol/expression/substitutions.ts';
import { applyUpdate, bindUpdate, type Update, updatedAttributes } from '../../protocol/expression/update.ts';
import { canonicalKey, type KeyBytes } from '../../protocol/key.ts';
import type { DeleteItemInput, PutItemInput, UpdateItemInput } from '../../protocol/operation.ts';
import { ItemJson, type Output, Reply } from '../../protocol/reply.ts';
import { checkItemKey, checkKey, checkUpdatedItemSize } from '../../protocol/validate/item.ts';
import { validateDeleteItem, validatePutItem, validateUpdateItem } from '../../protocol/validate/write.ts';
import type { Table } from '../catalog.ts';
import type { Evaluated, EvaluatedChange, WriteContext } from '../commit.ts';
import { indexChanges } from '../index-entries.ts';
import type { Services } from '../services.ts';
import { stateKey } from '../state/layout.ts';
import { checkIndexKeys, checkUpdatedIndexKeys } from './index-keys.ts';

type WriteInput = PutItemInput | UpdateItemInput | DeleteItemInput;

/** AWS: API_PutItem. */
export function putItem(services: Services, request: Request): Promise<Reply> {
  const input = validatePutItem(request.input);
  const condition = conditionOf(input);
  const table = services.catalog.serving(request.region, input.TableName);
  if (condition !== undefined) checkKeyPaths(condition.documentNames, table.schema);
  checkItemKey(table.schema, input.Item);
  checkIndexKeys(table, input.Item);
  const key = canonicalKey(table.schema, input.Item);
  const item = itemJson(input.Item);
  return services.committer.submit((context) => {
    const old = currentItem(context, table, key);
    checkCondition(condition, old, input);
    const changes = isSame(old, item) ? [] : [itemChange(context, table, key, old, item, input.Item)];
    return {
      changes,
      reply: writeReply(input, input.ReturnValues === 'ALL_OLD' ? old : undefined, old, item),
    };
  }, request.origin);
}

/** AWS: API_DeleteItem. */
export function deleteItem(services: Services, request: Request): Promise<Reply> {
  const input = validateDeleteItem(request.input);
  const condition = conditionOf(input);
  const table = services.catalog.serving(request.region, input.TableName);
  if (condition !== undefined) checkKeyPaths(condition.documentNames, table.schema);
  checkKey(table.schema, input.Key);
  const key = canonicalKey(table.schema, input.Key);
  return services.committer.submit((context) => {
    const old = currentItem(context, table, key);
    checkCondition(condition, old, input);
    const changes = old === undefined ? [] : [itemChange(context, table, key, old, undefined)];
    return {
      changes,
      reply: writeReply(input, input.ReturnValues === 'ALL_OLD' ? old : undefined, old, undefined),
    };
  }, request.origin);
}

/** AWS: API_UpdateItem. */
export function updateItem(services: Services, request: Request): Promise<Reply> {
  const input = validateUpdateItem(request.input);
  const substitutions = new Substitutions(input.ExpressionAttributeNames, input.ExpressionAttributeValues);
  const update =
    input.UpdateExpression === undefined ? undefined : bindUpdate(input.UpdateExpression, substitutions);
  const condition = boundCondition(input, substitutions);
  substitutions.finish();
  const table = services.catalog.serving(request.region, input.TableName);
  if (condition !== undefined) checkKeyPaths(condition.documentNames, table.schema);
  checkKey(table.schema, input.Key);
  update?.checkKeyNames(keyNames(table));
  const key = canonicalKey(table.schema, input.Key);
  return services.committer.submit((context) => {
    const old = currentItem(context, table, key);
    checkCondition(condition, old, input);
    return updated(context, table, key, old, update, input);
  }, request.origin);
}

/** The item after the update: the old one, or one of the key alone, changed. */
function updated(
  context: WriteContext,
  table: Table,
  key: KeyBytes,
  old: ItemJson | undefined,
  update: Update | undefined,
  input: UpdateItemInput,
): Evaluated {
  const oldItem = old === undefined ? undefined : parseItem(old);
  const base = oldItem ?? input.Key;
  const newItem = update === undefined ? base : applyUpdate(update, base, old === undefined);
  if (old === undefined && update?.createsItem === false) {
    return { changes: [], reply: writeReply(input, undefined, undefined, undefined) };
  }
  checkUpdatedItemSize(newItem);
  checkUpdatedIndexKeys(table, newItem);
  const item = itemJson(newItem);
  const changes = isSame(old, item) ? [] : [itemChange(context, table, key, old, item, newItem)];
  return {
    changes,
    reply: writeReply(input, updateAttributes(input, update, old, oldItem, item, newItem), old, item),
  };
}

/** What UpdateItem's ReturnValues asks for. */
function updateAttributes(
  input: UpdateItemInput,
  update: Update | undefined,
  old: ItemJson | undefined,
  oldItem: Item | undefined,
  item: ItemJson,
  newItem: Item,
): ItemJson | Item | undefined {
  switch (input.ReturnValues) {
    case 'ALL_OLD':
      return old;
    case 'ALL_NEW':
      return item;
    case 'UPDATED_OLD':
      return update === undefined || oldItem === undefined ? undefined : updatedAttributes(update, oldItem);
    case 'UPDATED_NEW':
      return update === undefined ? undefined : updatedAttributes(update, newItem);
    default:
      return undefined;
  }
}

/** The item as everything evaluated so far has left it. @throws ResourceNotFoundException if the table is gone. */
export function currentItem(context: WriteContext, table: Table, key: KeyBytes): ItemJson | undefined {
  if (context.catalog.byNumber(table.number)?.servesItems !== true) throw resourceNotFound();
  return context.item(table.number, key);
}

/**
 * The change as it goes into the log, with what it does to the indexes that the table has by then.
 * @param newItem `newImage` parsed, where that is at hand.
 */
export function itemChange(
  context: WriteContext,
  { number }: Table,
  key: KeyBytes,
  oldImage: ItemJson | undefined,
  newImage: ItemJson | undefined,
  newItem?: Item,
): EvaluatedChange {
  const current = context.catalog.byNumber(number);
  const hasIndexes = current !== undefined && current.indexes.length > 0;
  return {
    kind: 'item',
    table: number,
    key,
    ...(oldImage !== undefined && { oldImage }),
    ...(newImage !== undefined && { newImage }),
    ...(hasIndexes && {
      indexChanges: indexChanges(
        current,
        stateKey(number, key),
        oldImage && parseItem(oldImage),
        newItem ?? (newImage && parseItem(newImage)),
      ),
    }),
  };
}

export function itemJson(item: Item): ItemJson {
  return new ItemJson(Buffer.from(JSON.stringify(item)), itemSize(item));
}

export function parseItem(item: ItemJson): Item {
  return JSON.parse(item.json.toString()) as Item;
}

/** A write that changes nothing makes no change record (AWS: Streams). */
export function isSame(old: ItemJson | undefined, item: ItemJson): boolean {
  if (old === undefined || old.size !== item.size) return false;
  return old.json.equals(item.json) || equalItems(parseItem(old), parseItem(item));
}

function conditionOf(input: WriteInput): Condition | undefined {
  const substitutions = new Substitutions(input.ExpressionAttributeNames, input.ExpressionAttributeValues);
  const condition = boundCondition(input, substitutions);
  substitutions.finish();
  return condition;
}

function boundCondition(input: WriteInput, substitutions: Substitutions): Condition | undefined {
  const text = input.ConditionExpression;
  return text === undefined ? undefined : bindCondition('ConditionExpression', text, substitutions);
}

function checkCondition(
  condition: Condition | undefined,
  old: ItemJson | undefined,
  input: WriteInput,
): void {
  if (condition === undefined) return;
  const item = old === undefined ? undefined : parseItem(old);
  if (evaluateCondition(condition, item ?? {})) return;
  throw conditionalCheckFailed(input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD' ? item : undefined);
}

function writeReply(
  input: WriteInput,
  attributes: ItemJson | Item | undefined,
  old: ItemJson | undefined,
  item: ItemJson | undefined,
): Reply {
  const output: Output = {};
  if (attributes !== undefined) output.Attributes = attributes;
  const units = writeUnits(Math.max(old?.size ?? 0, item?.size ?? 0));
  const capacity = consumedCapacity(input.ReturnConsumedCapacity, input.TableName, units);
  if (capacity !== undefined) output.ConsumedCapacity = capacity;
  return new Reply(output);
}

function keyNames(table: Table): string[] {
  const { partition, sort } = table.schema;
  return sort === undefined ? [partition.name] : [partition.name, sort.name];
}
