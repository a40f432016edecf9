import type { Item } from '../../protocol/attribute-value.ts';
import { itemSize } from '../../protocol/attribute-value.ts';
import { ItemJson, Reply } from '../../protocol/reply.ts';
import type { Sized } from './local.ts';

const bodyStart = Buffer.from('{"Item":');
const bodyEnd = '}'.charCodeAt(0);

/**
 * What the store is known to hold under one key: an item, or nothing. The body of the reply to a plain GetItem is
 * made once, and the item's JSON is a part of it, so that the bytes are held once. They are in a buffer of their
 * own: one that is shared, as small buffers usually are, would keep all its neighbours alive.
 */
export class CachedItem implements Sized {
  readonly item: ItemJson | undefined;
  /** The answer to a GetItem that asks for nothing besides the item. */
  readonly reply: Reply;
  readonly bytes: number;

  constructor(item: ItemJson | undefined) {
    if (item === undefined) {
      this.reply = new Reply({});
      this.bytes = 0;
      return;
    }
    const body = Buffer.allocUnsafeSlow(bodyStart.length + item.json.length + 1);
    bodyStart.copy(body);
    item.json.copy(body, bodyStart.length);
    body[body.length - 1] = bodyEnd;
    this.item = new ItemJson(body.subarray(bodyStart.length, -1), item.size);
    this.reply = new Reply({ Item: this.item }, body);
    this.bytes = body.length;
  }
}

/** One for all keys without an item: an entry of it costs its name only. */
export const missingItem = new CachedItem(undefined);

/**
 * @param item as a reply has it: stored bytes, or the parsed item.
 * @returns undefined for an item whose size nobody can tell: a store may keep what DynamoDB would have refused.
 */
export function soundItem(item: unknown): CachedItem | undefined {
  try {
    return cachedItem(item);
  } catch {
    return undefined;
  }
}

/**
 * @param item like `soundItem`.
 * @throws Error where the item's size cannot be told, which that of stored bytes can.
 */
export function cachedItem(item: unknown): CachedItem {
  if (item === undefined || item === null) return missingItem;
  if (item instanceof ItemJson) return new CachedItem(item);
  return new CachedItem(new ItemJson(Buffer.from(JSON.stringify(item)), itemSize(item as Item)));
}

/** The item itself. */
export function parseItem(item: ItemJson): Item {
  return JSON.parse(item.json.toString());
}

/** The item as the shared cache holds it: its size in 4 bytes and its JSON, or no bytes at all where there is none. */
export function encodeItem({ item }: CachedItem): Buffer {
  if (item === undefined) return noBytes;
  const bytes = Buffer.allocUnsafe(sizeBytes + item.json.length);
  bytes.writeUInt32BE(item.size);
  item.json.copy(bytes, sizeBytes);
  return bytes;
}

/** What `encodeItem` made these bytes of. */
export function decodeItem(bytes: Buffer): CachedItem {
  if (bytes.length === 0) return missingItem;
  return new CachedItem(new ItemJson(bytes.subarray(sizeBytes), bytes.readUInt32BE()));
}

const sizeBytes = 4;
const noBytes = Buffer.alloc(0);
