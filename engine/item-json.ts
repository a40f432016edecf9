import { equalItems, type Item, itemSize } from '../protocol/attribute-value.ts';
import { ItemJson } from '../protocol/reply.ts';

export function itemJson(item: Item): ItemJson {
  return new ItemJson(Buffer.from(JSON.stringify(item)), itemSize(item));
}

export function parseItem(item: ItemJson): Item {
  return JSON.parse(item.json.toString()) as Item;
}

/** A write that changes nothing makes no change record (AWS: Streams). */
export function isSame(old: ItemJson | undefined, item: ItemJson): boolean {
  // In canonical form equal items differ in their order at most, so they are as long.
  if (old === undefined || old.json.length !== item.json.length) return false;
  return old.json.equals(item.json) || equalItems(parseItem(old), parseItem(item));
}
