import * as fc from 'fast-check';
import { documentsOf } from './document-generator.ts';
import { keysOf, spelledOut } from './key-generator.ts';
import {
  hashName,
  rangeName,
  type TransactAction,
  type TransactGetItems,
  type TransactWriteItems,
  type WriteRequest,
} from './request.ts';
import {
  capacityMode,
  deleteItem,
  maybe,
  oldOrNone,
  putItem,
  type Subject,
  updateItem,
} from './request-generator.ts';
import type { Item } from './value.ts';

/** Few, so that they meet: with the same request, which happens once then, and with others. */
const token = fc.constantFrom('token-1', 'token-2', 'token-3');

/** Of every kind, on items that are mostly different ones. Without a token most. */
export function transactWrite(subjects: readonly Subject[]): fc.Arbitrary<TransactWriteItems> {
  const action = fc.oneof(...subjects.map(transactAction));
  return fc.record({
    op: fc.constant('TransactWriteItems' as const),
    actions: mostlyDistinct(action, targetOf),
    token: maybe(50, token),
    capacity: capacityMode,
  });
}

export function transactGet(subjects: readonly Subject[]): fc.Arbitrary<TransactGetItems> {
  const get = fc.oneof(
    ...subjects.map(({ table, schema, names }) =>
      fc.record({
        table: fc.constant(table),
        key: keysOf(schema).key,
        projection: maybe(40, documentsOf(names).projection),
      }),
    ),
  );
  return fc.record({
    op: fc.constant('TransactGetItems' as const),
    gets: mostlyDistinct(get, ({ table, key }) => table + spelledOut(key)),
    capacity: capacityMode,
  });
}

function transactAction(subject: Subject): fc.Arbitrary<TransactAction> {
  const { table, schema, names } = subject;
  const { condition } = documentsOf(names);
  const check = fc.record({
    op: fc.constant('ConditionCheck' as const),
    table: fc.constant(table),
    key: keysOf(schema).key,
    condition: fc.oneof(
      { weight: 1, arbitrary: condition },
      // Most conditions of other kinds fail, and with them the transaction.
      { weight: 4, arbitrary: fc.constant({ kind: 'attribute_not_exists' as const, path: ['a'] as const }) },
    ),
    onFailure: oldOrNone,
  });
  return fc.oneof(
    { weight: 6, arbitrary: actionOf(putItem(subject)) },
    { weight: 6, arbitrary: actionOf(updateItem(subject)) },
    { weight: 3, arbitrary: actionOf(deleteItem(subject)) },
    { weight: 3, arbitrary: check },
  );
}

/** Without what only a call of its own can have; mostly without a condition, as one that fails makes all others vain. */
function actionOf<Write extends WriteRequest>(write: fc.Arbitrary<Write>): fc.Arbitrary<Write> {
  return fc.tuple(write, fc.nat(3)).map(([{ returnValues: _, capacity: __, condition, ...rest }, luck]) => {
    return { ...rest, condition: luck === 0 ? condition : undefined } as Write;
  });
}

function mostlyDistinct<T>(one: fc.Arbitrary<T>, target: (one: T) => string): fc.Arbitrary<T[]> {
  return fc.oneof(
    {
      weight: 15,
      arbitrary: fc.uniqueArray(one, {
        minLength: 1,
        maxLength: 4,
        selector: target,
        comparator: 'SameValue',
      }),
    },
    { weight: 1, arbitrary: fc.array(one, { minLength: 1, maxLength: 4 }) },
  );
}

function targetOf(action: TransactAction): string {
  const { [hashName]: h, [rangeName]: r } = action.op === 'PutItem' ? action.item : action.key;
  const key: Item = { ...(h && { h }), ...(r && { r }) };
  return action.table + spelledOut(key);
}
