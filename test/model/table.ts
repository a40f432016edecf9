import { hashName, rangeName, type Schema } from './request.ts';
import {
  areEqual,
  attribute,
  bytesOf,
  canonicalItem,
  type Item,
  invalid,
  stable,
  typeOf,
  type Value,
} from './value.ts';

/** A table as the plainest thing that it can be: a list of items, looked through for every key. */
export class Table {
  readonly schema: Schema;
  items: Item[] = [];

  constructor(schema: Schema) {
    this.schema = schema;
  }

  get(key: Item): Item | undefined {
    return this.items.find((item) => this.#isKeyOf(key, item));
  }

  put(item: Item): void {
    this.delete(item);
    this.items.push(item);
  }

  delete(key: Item): void {
    this.items = this.items.filter((item) => !this.#isKeyOf(key, item));
  }

  #isKeyOf(key: Item, item: Item): boolean {
    return keyNames(this.schema).every((name) => areEqual(key[name], item[name]));
  }
}

/** AWS: ServiceQuotas. */
const hashBytesMax = 2048;
const rangeBytesMax = 1024;

function keyNames({ range }: Schema): string[] {
  return range === undefined ? [hashName] : [hashName, rangeName];
}

export function isKeyName(schema: Schema, name: string): boolean {
  return keyNames(schema).includes(name);
}

/** The key attributes alone; missing ones stay missing. */
export function keyOf(schema: Schema, item: Item): Item {
  return Object.fromEntries(Object.entries(item).filter(([name]) => isKeyName(schema, name)));
}

export function checkKey(schema: Schema, key: Item): void {
  const mismatch = 'The provided key element does not match the schema';
  if (Object.keys(key).length !== keyNames(schema).length) throw invalid(mismatch);
  for (const name of keyNames(schema)) {
    const value = attribute(key, name);
    if (value === undefined || typeOf(value) !== keyType(schema, name)) throw invalid(mismatch);
    checkKeySize(name, value);
  }
}

/** AWS wraps the texts about a start key, some of them. */
export function checkedStartKey(schema: Schema, key: Item): Item {
  try {
    const startKey = canonicalItem(key);
    checkKey(schema, startKey);
    return startKey;
  } catch {
    throw invalid();
  }
}

export function checkItemKey(schema: Schema, item: Item): void {
  const start = 'One or more parameter values were invalid:';
  for (const name of keyNames(schema)) {
    const value = attribute(item, name);
    if (value === undefined) throw invalid(`${start} Missing the key ${name} in the item`);
    const [expected, actual] = [keyType(schema, name), typeOf(value)];
    if (expected !== actual) {
      throw invalid(`${start} Type mismatch for key ${name} expected: ${expected} actual: ${actual}`);
    }
    checkKeySize(name, value);
  }
}

function keyType(schema: Schema, name: string): string | undefined {
  return name === hashName ? schema.hash : schema.range;
}

function checkKeySize(name: string, value: Value): void {
  const size = bytesOf(value)?.length;
  if (size === 0) {
    throw invalid(
      'One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain ' +
        `an empty ${'S' in value ? 'string' : 'binary'} value. Key: ${name}`,
    );
  }
  if (size !== undefined && size > (name === hashName ? hashBytesMax : rangeBytesMax)) throw invalid();
}

export function checkDistinct(schema: Schema, keys: readonly Item[]): void {
  const distinct = new Set(keys.map((key) => stable(keyOf(schema, key))));
  if (distinct.size < keys.length) throw invalid('Provided list of item keys contains duplicates');
}
