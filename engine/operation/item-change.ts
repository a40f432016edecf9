import type { Item } from '../../protocol/attribute-value.ts';
import { resourceNotFound } from '../../protocol/errors.ts';
import type { KeyBytes } from '../../protocol/key.ts';
import type { ItemJson } from '../../protocol/reply.ts';
import type { Table } from '../catalog.ts';
import type { EvaluatedChange, WriteContext } from '../commit.ts';
import { indexChanges } from '../index-entries.ts';
import { parseItem } from '../item-json.ts';
import { stateKey } from '../state/layout.ts';

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

/** The item as everything evaluated so far has left it. @throws ResourceNotFoundException if the table is gone. */
export function currentItem(context: WriteContext, table: Table, key: KeyBytes): ItemJson | undefined {
  if (context.catalog.byNumber(table.number)?.servesItems !== true) throw resourceNotFound();
  return context.item(table.number, key);
}
