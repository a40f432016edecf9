import { applyUpdate, holds, isUpdateWrong, type SetValue, type Update, updatedPaths } from './expression.ts';
import { checkCondition } from './page.ts';
import type { TransactAction } from './request.ts';
import { checkIndexKeys, checkItemKey, checkKey, isKeyName, keyAttributes, type Table } from './table.ts';
import { canonicalTree } from './tree.ts';
import { canonicalItem, type Item, invalid, Refusal, sizeOfItem, typeOf } from './value.ts';

/** AWS: ServiceQuotas. */
const itemBytesMax = 409_600;

/** An item before and after a write. */
export interface Written {
  readonly old: Item | undefined;
  readonly item: Item | undefined;
}

/** @throws Refusal for what can be said against the expressions of a write without its table. */
export function checkExpressions(request: TransactAction): void {
  if (request.op === 'UpdateItem' && request.update && isUpdateWrong(canonicalTree(request.update))) {
    throw invalid();
  }
  checkCondition(request.condition);
}

/** @returns what is put, or the key, with canonical values. @throws Refusal */
export function checkedAttributes(request: TransactAction): Item {
  if (request.op !== 'PutItem') return canonicalItem(request.key);
  return checkedItem(request.item);
}

export function checkedItem(uncheckedItem: Item): Item {
  const item = canonicalItem(uncheckedItem);
  if (sizeOfItem(item) > itemBytesMax) throw invalid('Item size has exceeded the maximum allowed size');
  return item;
}

/** @throws Refusal for what does not fit the table. */
export function checkAgainstTable(table: Table, request: TransactAction, attributes: Item): void {
  if (request.op === 'PutItem') {
    checkItemKey(table, attributes);
    checkIndexKeys(table, attributes, 'put');
    return;
  }
  checkKey(table, attributes);
  if (request.op !== 'UpdateItem' || request.update === undefined) return;
  if (updatedPaths(request.update).some(([name]) => isKeyName(table.key, name))) throw invalid();
  checkIndexKeysWritten(table, request.update);
}

/** An update may give the key of an index no other type, and nothing inside it, whatever the item is. */
function checkIndexKeysWritten({ indexes }: Table, { set, add, ...update }: Update): void {
  const writes = [
    ...set.map(({ path, value }) => ({ path, type: knownType(value) })),
    ...add.map(({ path, value }) => ({ path, type: typeOf(value) })),
    ...[...update.remove, ...update.delete.map(({ path }) => path)].map((path) => ({
      path,
      type: undefined,
    })),
  ];
  const keys = indexes.flatMap(({ schema }) => keyAttributes(schema));
  const isWrong = writes.some(({ path: [name, ...rest], type }) =>
    keys.some((key) => key.name === name && (rest.length > 0 || (type !== undefined && type !== key.type))),
  );
  if (isWrong) throw invalid();
}

/** The type of what is set, where the expression tells it. */
function knownType(value: SetValue): string | undefined {
  if ('operator' in value) return 'N';
  if ('append' in value) return 'L';
  return 'value' in value ? typeOf(value.value) : undefined;
}

/** What a write makes of its item. @throws Refusal */
export function evaluated(table: Table, request: TransactAction, attributes: Item): Written {
  const old = table.get(attributes);
  expectCondition(request, old);
  switch (request.op) {
    case 'PutItem':
      return { old, item: attributes };
    case 'DeleteItem':
      return { old, item: undefined };
    case 'ConditionCheck':
      return { old, item: old };
    case 'UpdateItem':
      return { old, item: updated(table, request, attributes, old) };
  }
}

export function store(table: Table, key: Item, { item }: Written): void {
  if (item === undefined) table.delete(key);
  else table.put(item);
}

function updated(
  table: Table,
  { update: uncheckedUpdate }: Extract<TransactAction, { op: 'UpdateItem' }>,
  key: Item,
  old: Item | undefined,
): Item | undefined {
  const update = uncheckedUpdate && canonicalTree(uncheckedUpdate);
  const item = update === undefined ? (old ?? key) : applyUpdate(update, old ?? key, old !== undefined);
  const createsItem = update === undefined || update.set.length + update.add.length > 0;
  if (old === undefined && !createsItem) return undefined;
  if (sizeOfItem(item) > itemBytesMax) {
    throw invalid('Item size to update has exceeded the maximum allowed size');
  }
  checkIndexKeys(table, item, 'update');
  return item;
}

function expectCondition({ condition, onFailure }: TransactAction, old: Item | undefined): void {
  if (condition === undefined || holds(canonicalTree(condition), old ?? {})) return;
  const item = onFailure === 'ALL_OLD' ? old : undefined;
  throw new Refusal('ConditionalCheckFailedException', 'The conditional request failed', item);
}
