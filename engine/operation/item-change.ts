import type { Item } from '../../protocol/attribute-value.ts';
import { resourceNotFound } from '../../protocol/errors.ts';
import type { KeyBytes } from '../../protocol/key.ts';
import type { ItemJson } from '../../protocol/reply.ts';
import type { Table } from '../catalog.ts';
import type { EvaluatedChange, WriteContext } from '../commit.ts';
import { indexChanges } from '../index-entries.ts';
import { collectionGrowth } from '../item-collections.ts';
import { parseItem } from '../item-json.ts';
import type { ItemChange } from '../log/record.ts';
import { stateKey } from '../state/layout.ts';

/**
 * The change as it goes into the log, with what it does to the indexes that the table has by then, and to the item's
 * collection.
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
  const change: ItemChange = {
    kind: 'item',
    table: number,
    key,
    ...(oldImage !== undefined && { oldImage }),
    ...(newImage !== undefined && { newImage }),
  };
  const current = context.catalog.byNumber(number);
  if (current === undefined || current.indexes.length === 0) return change;
  const changes = indexChanges(
    current,
    stateKey(number, key),
    oldImage && parseItem(oldImage),
    newItem ?? (newImage && parseItem(newImage)),
  );
  return { ...change, indexChanges: changes, collection: collectionGrowth(current, change, changes) };
}

/** The item as everything evaluated so far has left it. @throws ResourceNotFoundException if the table is gone. */
export function currentItem(context: WriteContext, table: Table, key: KeyBytes): ItemJson | undefined {
  if (context.catalog.byNumber(table.number)?.servesItems !== true) throw resourceNotFound();
  return context.item(table.number, key);
}
