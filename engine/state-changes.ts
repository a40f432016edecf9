import { ItemJson } from '../protocol/reply.ts';
import { type Catalog, type CatalogChange, numbersDropped } from './catalog.ts';
import { entryJson, type IndexChange } from './index-entries.ts';
import type { CollectionRow } from './item-collections.ts';
import type { Image, ItemChange } from './log/record.ts';
import type { StateKey } from './state/layout.ts';
import type { Overlay, OverlayEntry } from './state/overlay.ts';
import type { Statistics } from './statistics.ts';
import type { LogMoment } from './stream/definition.ts';

/** A change of an item with what it does to indexes and its collection, as it is shown to readers and counted. */
export interface ShownChange {
  readonly change: ItemChange;
  /** State key of the item. */
  readonly key: StateKey;
  readonly entry: OverlayEntry;
  readonly indexChanges: readonly IndexChange[];
  /** Undefined where the size of the item's collection remains, or is not kept. */
  readonly collection: CollectionRow | undefined;
}

/** Brings overlay and statistics to what the change leaves: on publishing, and on replay. */
export function showChange(
  { change, key, entry, indexChanges, collection }: ShownChange,
  overlay: Overlay,
  statistics: Statistics,
): void {
  overlay.set(key, entry);
  statistics.itemChanged(change);
  if (collection !== undefined) overlay.set(collection.key, collection.entry);
  for (const indexChange of indexChanges) {
    const { index, item, before, after } = indexChange;
    if (before !== undefined && before.key !== after?.key) overlay.set(before.key, { item: undefined });
    if (after !== undefined) overlay.set(after.key, { item: entryJson(index, item, after) });
    statistics.entryChanged(indexChange);
  }
}

/** Brings the catalog to what the change leaves, and notes which numbers have fallen out of use. */
export function applyCatalogChange(
  change: CatalogChange,
  at: LogMoment,
  catalog: Catalog,
  statistics: Statistics,
  droppedNumbers: Set<number>,
): void {
  for (const number of numbersDropped(catalog, change)) {
    droppedNumbers.add(number);
    statistics.dropped(number);
  }
  catalog.apply(change, at);
  statistics.definitionChanged('put' in change ? change.put : undefined);
}

export function asItem(image: Image | undefined): ItemJson | undefined {
  return image instanceof ItemJson || image === undefined ? image : new ItemJson(image.json, image.size);
}
