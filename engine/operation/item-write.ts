import type { Item } from '../../protocol/attribute-value.ts';
import { type Units, writeUnits } from '../../protocol/capacity.ts';
import { conditionalCheckFailed } from '../../protocol/errors.ts';
import { bindCondition, type Condition, evaluateCondition } from '../../protocol/expression/condition.ts';
import { checkKeyPaths } from '../../protocol/expression/key-paths.ts';
import { Substitutions } from '../../protocol/expression/substitutions.ts';
import { applyUpdate, bindUpdate, type Update } from '../../protocol/expression/update.ts';
import { canonicalKey, type KeyBytes } from '../../protocol/key.ts';
import type { ExpressionAttributeNames, ExpressionAttributeValues } from '../../protocol/operation.ts';
import type { ItemJson } from '../../protocol/reply.ts';
import { checkItemKey, checkKey, checkUpdatedItemSize } from '../../protocol/validate/item.ts';
import type { Table } from '../catalog.ts';
import type { EvaluatedChange, WriteContext } from '../commit.ts';
import type { IndexChange } from '../index-entries.ts';
import type { CollectionSizes } from '../item-collections.ts';
import { isSame, itemJson, parseItem } from '../item-json.ts';
import type { MeteredCall } from '../throughput.ts';
import { checkIndexKeys, checkIndexKeysWritten, checkUpdatedIndexKeys } from './index-keys.ts';
import { currentItem, itemChange } from './item-change.ts';

/**
 * What PutItem, UpdateItem, DeleteItem and the actions of TransactWriteItems have in common, each step throwing what AWS
 * says at that point:
 *
 *     bindExpressions   the request alone: what its expressions mean
 *     planWrite         with its table: whether its key fits
 *     evaluateWrite     in the commit queue: its condition, and what it makes of the item as it is then
 */
export interface ItemWrite extends WriteExpressions {
  /** `check` writes nothing and only has a condition. */
  readonly kind: 'put' | 'update' | 'delete' | 'check';
  /** What is put; for the other kinds the key. Canonical. */
  readonly attributes: Item;
}

export interface WriteExpressions {
  readonly condition: Condition | undefined;
  /** Undefined for an update without an expression too, which makes an item of the key alone. */
  readonly update: Update | undefined;
  /** Whether a failed condition is answered with the item (ReturnValuesOnConditionCheckFailure). */
  readonly showsOldItem: boolean;
}

/** The members of a request, or of an action of one, that hold its expressions. */
export interface ExpressionInput {
  readonly UpdateExpression?: string;
  readonly ConditionExpression?: string;
  readonly ExpressionAttributeNames?: ExpressionAttributeNames;
  readonly ExpressionAttributeValues?: ExpressionAttributeValues;
  readonly ReturnValuesOnConditionCheckFailure?: 'ALL_OLD' | 'NONE';
}

/**
 * @param of actions of transactions may have names and values, though no expression (measured).
 * @throws ValidationException for whatever is wrong in the expressions, their names and their values.
 */
export function bindExpressions(
  input: ExpressionInput,
  of: 'request' | 'action' = 'request',
): WriteExpressions {
  const { UpdateExpression: updateText, ConditionExpression: conditionText } = input;
  const { ExpressionAttributeNames: names, ExpressionAttributeValues: values } = input;
  const shows = input.ReturnValuesOnConditionCheckFailure;
  if ((updateText ?? conditionText ?? names ?? values ?? shows) === undefined) return withoutExpressions;
  const substitutions = new Substitutions(names, values);
  const update = updateText === undefined ? undefined : bindUpdate(updateText, substitutions);
  const condition =
    conditionText === undefined
      ? undefined
      : bindCondition('ConditionExpression', conditionText, substitutions);
  if (of === 'request' || update !== undefined || condition !== undefined) substitutions.finish();
  return { condition, update, showsOldItem: shows === 'ALL_OLD' };
}

const withoutExpressions: WriteExpressions = { condition: undefined, update: undefined, showsOldItem: false };

export interface PlannedWrite extends ItemWrite {
  readonly table: Table;
  readonly key: KeyBytes;
  /** What is put, as it is stored. */
  readonly image: ItemJson | undefined;
}

/** @throws ValidationException if the write does not fit the table's keys or those of its indexes. */
export function planWrite(write: ItemWrite, table: Table): PlannedWrite {
  const { kind, condition, update, attributes } = write;
  const { schema } = table;
  if (condition !== undefined) checkKeyPaths(condition.documentNames, schema);
  if (kind === 'put') {
    checkItemKey(schema, attributes);
    checkIndexKeys(table, attributes);
  } else {
    checkKey(schema, attributes);
  }
  if (update !== undefined) {
    update.checkKeyNames(keyNames(table));
    checkIndexKeysWritten(table, update);
  }
  const image = kind === 'put' ? itemJson(attributes) : undefined;
  return { ...write, table, key: canonicalKey(schema, attributes), image };
}

/** An item before or after a write; its parsed form only where the write had a use for it. */
export interface ItemState {
  readonly image: ItemJson | undefined;
  readonly item: Item | undefined;
}

export interface WriteResult {
  readonly before: ItemState;
  readonly after: ItemState;
  /** Undefined where the write changes nothing. */
  readonly change: EvaluatedChange | undefined;
  /** What it costs. */
  readonly units: Units;
}

/** How a write is paid for. */
export interface WritePayment {
  /** A transaction costs the table double. */
  readonly transactional: boolean;
  /** What it is spent from; undefined where nothing is limited. */
  readonly call: MeteredCall | undefined;
}

/**
 * A write that is refused by its condition is paid for; one that is throttled, or refused otherwise, is not.
 * @param sizes of the collections that the call writes to; a write that is done adds to them.
 * @throws ConditionalCheckFailedException, ValidationException if the item does not have what an update needs or grows too
 *   large, ResourceNotFoundException if the table is gone; ProvisionedThroughputExceededException, ThrottlingException
 *   and RequestLimitExceeded if the table, or an index that it changes, is short of units;
 *   ItemCollectionSizeLimitExceededException if the item's collection would grow too large.
 */
export function evaluateWrite(
  context: WriteContext,
  write: PlannedWrite,
  { transactional, call }: WritePayment,
  sizes: CollectionSizes,
): WriteResult {
  const { table, key } = write;
  call?.admitWrite(table, key);
  const before = stateBefore(write, currentItem(context, table, key));
  if (!transactional) write.update?.checkSize(before.item ?? write.attributes);
  if (!meetsCondition(write, before.item)) {
    call?.spendWrite(table, key, { table: tableUnits(before.image, write.image, transactional) });
    throw conditionalCheckFailed(write.showsOldItem ? before.item : undefined);
  }
  const after = stateAfter(write, before);
  const change = changeBetween(context, write, before, after);
  const growth = change?.collection;
  if (growth !== undefined) sizes.admit(growth);
  const units = unitsOf(tableUnits(before.image, after.image, transactional), change?.indexChanges);
  call?.spendWrite(table, key, units, change?.indexChanges);
  if (growth !== undefined) sizes.add(growth);
  return { before, after, change, units };
}

/** A write costs its table the larger of the item before and after (AWS: read-write-operations). */
function tableUnits(
  before: ItemJson | undefined,
  after: ItemJson | undefined,
  transactional: boolean,
): number {
  return writeUnits(Math.max(before?.size ?? 0, after?.size ?? 0), transactional);
}

/** Indexes that the write does nothing to have no part (AWS: GSI.ThroughputConsiderations.Writes). */
function unitsOf(table: number, indexes: readonly IndexChange[] = []): Units {
  if (indexes.length === 0) return { table };
  const local = indexes.filter(({ index }) => !index.isGlobal);
  const global = indexes.filter(({ index }) => index.isGlobal);
  return { table, local: unitsByName(local), global: unitsByName(global) };
}

function unitsByName(changes: readonly IndexChange[]): ReadonlyMap<string, number> {
  return new Map(changes.map(({ index, writeUnits: units }) => [index.name, units]));
}

function stateBefore({ kind, condition }: PlannedWrite, image: ItemJson | undefined): ItemState {
  const isRead = condition !== undefined || kind === 'update';
  return { image, item: image !== undefined && isRead ? parseItem(image) : undefined };
}

function meetsCondition({ condition }: PlannedWrite, old: Item | undefined): boolean {
  return condition === undefined || evaluateCondition(condition, old ?? {});
}

function stateAfter(write: PlannedWrite, before: ItemState): ItemState {
  switch (write.kind) {
    case 'put':
      return { image: write.image, item: write.attributes };
    case 'update':
      return stateUpdated(write, before.item);
    case 'delete':
      return noItem;
    case 'check':
      return before;
  }
}

const noItem: ItemState = { image: undefined, item: undefined };

/** The item after the update: the old one, or one of the key alone, changed. */
function stateUpdated({ table, attributes, update }: PlannedWrite, old: Item | undefined): ItemState {
  const base = old ?? attributes;
  const item = update === undefined ? base : applyUpdate(update, base, old === undefined);
  if (old === undefined && update?.createsItem === false) return noItem;
  checkUpdatedItemSize(item);
  checkUpdatedIndexKeys(table, item);
  return { image: itemJson(item), item };
}

function changeBetween(
  context: WriteContext,
  { table, key }: PlannedWrite,
  before: ItemState,
  after: ItemState,
): EvaluatedChange | undefined {
  const changesNothing =
    after.image === undefined ? before.image === undefined : isSame(before.image, after.image);
  return changesNothing ? undefined : itemChange(context, table, key, before.image, after.image, after.item);
}

function keyNames({ schema: { partition, sort } }: Table): string[] {
  return sort === undefined ? [partition.name] : [partition.name, sort.name];
}
