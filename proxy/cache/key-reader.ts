import type { Item } from '../../protocol/attribute-value.ts';
import { getAttribute } from '../../protocol/attribute-value.ts';
import type { KeyAttribute, KeyBytes, KeySchema } from '../../protocol/key.ts';
import { canonicalKey } from '../../protocol/key.ts';
import { canonicalNumber } from '../../protocol/number.ts';

/**
 * The canonical bytes of a request's `Key`, or undefined for anything that a table of this schema might refuse.
 * Sizes are not looked at: a key that is too long, or empty, never had an item, so the store is asked and refuses it.
 */
export function readKey(schema: KeySchema, key: unknown): KeyBytes | undefined {
  if (!isObject(key)) return undefined;
  let members = 0;
  for (const _name in key) members++;
  if (members !== (schema.sort === undefined ? 1 : 2)) return undefined;
  return readItemKey(schema, key);
}

/** Like `readKey`, for an item that has its key among other attributes. */
export function readItemKey(schema: KeySchema, item: unknown): KeyBytes | undefined {
  if (!isObject(item)) return undefined;
  if (!hasKeyValue(item as unknown as Item, schema.partition)) return undefined;
  if (schema.sort !== undefined && !hasKeyValue(item as unknown as Item, schema.sort)) return undefined;
  return canonicalKey(schema, item as unknown as Item);
}

function hasKeyValue(item: Item, attribute: KeyAttribute): boolean {
  const value: unknown = getAttribute(item, attribute.name);
  if (!isObject(value)) return false;
  for (const type in value) if (type !== attribute.type) return false;
  const content = value[attribute.type];
  return typeof content === 'string' && isValid(attribute, content);
}

function isValid(attribute: KeyAttribute, content: string): boolean {
  switch (attribute.type) {
    case 'S':
      return true;
    case 'N':
      return isNumber(content);
    case 'B':
      return Buffer.from(content, 'base64').toString('base64') === content;
  }
}

function isNumber(text: string): boolean {
  try {
    canonicalNumber(text);
    return true;
  } catch {
    return false;
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
