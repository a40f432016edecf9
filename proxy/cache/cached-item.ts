import type { Item } from '../../protocol/attribute-value.ts';
import { itemSize } from '../../protocol/attribute-value.ts';
import { ItemJson, type Output, Reply } from '../../protocol/reply.ts';
import { type Packed, type Packing, packedBytesMax, type Sized } from './local.ts';

const bodyStart = Buffer.from('{"Item":');
const bodyEnd = '}'.charCodeAt(0);

/**
 * What the store is known to hold under one key: an item, or nothing. The body of the reply to a plain GetItem is
 * made once, and the item's JSON is a part of it, so that the bytes are held once.
 */
export class CachedItem implements Sized {
  /** The answer to a GetItem that asks for nothing besides the item. */
  readonly reply: Reply;
  readonly bytes: number;

  constructor(reply: ItemReply | undefined) {
    this.reply = reply ?? new Reply({});
    this.bytes = reply?.body.length ?? 0;
  }

  get item(): ItemJson | undefined {
    return this.reply instanceof ItemReply ? this.reply.item : undefined;
  }
}

/** One for all keys without an item: an entry of it costs its name only. */
export const missingItem = new CachedItem(undefined);

/** Of the body in its final form: nothing else is made before somebody asks for it. */
class ItemReply extends Reply {
  readonly size: number;
  readonly #crc32: number | undefined;
  #item: ItemJson | undefined;

  /** @param size of the item, as DynamoDB counts it. @param crc32 where it is known. */
  constructor(body: Buffer, size: number, crc32: number | undefined) {
    super(undefined, body);
    this.size = size;
    this.#crc32 = crc32;
  }

  get item(): ItemJson {
    this.#item ??= new ItemJson(this.body.subarray(bodyStart.length, -1), this.size);
    return this.#item;
  }

  override get output(): Output {
    return { Item: this.item };
  }

  override get crc32(): number {
    return this.#crc32 ?? super.crc32;
  }
}

/** Small items are kept as the bodies of their replies. One that is missing has no body, others are never that short. */
export const itemPacking = {
  pack(value: Sized): Packed | undefined {
    if (value === missingItem) return { content: noBytes, numbers: [0, 0] };
    if (!(value instanceof CachedItem) || value.bytes > packedBytesMax) return undefined;
    const { reply } = value;
    if (!(reply instanceof ItemReply)) return undefined;
    return { content: reply.body, numbers: [reply.size, reply.crc32] };
  },
  unpack(content: Buffer, size: number, crc32: number): CachedItem {
    return content.length === 0 ? missingItem : new CachedItem(new ItemReply(content, size, crc32 >>> 0));
  },
} satisfies Packing<Sized>;

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
  if (item instanceof ItemJson) return newCachedItem(item.json, item.size);
  return newCachedItem(Buffer.from(JSON.stringify(item)), itemSize(item as Item));
}

/** What will not be packed is in a buffer of its own: a shared one, as small buffers usually are, would be kept whole. */
function newCachedItem(json: Buffer, size: number): CachedItem {
  const length = bodyStart.length + json.length + 1;
  const body = length > packedBytesMax ? Buffer.allocUnsafeSlow(length) : Buffer.allocUnsafe(length);
  bodyStart.copy(body);
  json.copy(body, bodyStart.length);
  body[length - 1] = bodyEnd;
  return new CachedItem(new ItemReply(body, size, undefined));
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
  return newCachedItem(bytes.subarray(sizeBytes), bytes.readUInt32BE());
}

const sizeBytes = 4;
const noBytes = Buffer.alloc(0);
