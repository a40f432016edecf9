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
  // In canonical form equal items differ in the order of their parts at most: as long, and of the same bytes.
  if (old === undefined || old.json.length !== item.json.length) return false;
  if (old.json.equals(item.json)) return true;
  return sumOfBytes(old.json) === sumOfBytes(item.json) && equalItems(parseItem(old), parseItem(item));
}

function sumOfBytes(bytes: Buffer): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) sum += bytes[i] as number;
  return sum;
}
