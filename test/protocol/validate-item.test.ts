import { describe, expect, test } from 'vitest';
import type { AttributeValue, Item } from '../../protocol/attribute-value.ts';
import type { KeySchema } from '../../protocol/key.ts';
import {
  addDistinctKey,
  checkItem,
  checkItemKey,
  checkKey,
  checkPutRequestKey,
  checkStartKey,
  checkUpdatedItemSize,
  itemBytesMax,
} from '../../protocol/validate/item.ts';
import { refusal } from './refusal.ts';

const hashOnly: KeySchema = { partition: { name: 'id', type: 'S' }, sort: undefined };
const composite: KeySchema = { partition: { name: 'id', type: 'S' }, sort: { name: 'at', type: 'N' } };
const binary: KeySchema = { partition: { name: 'id', type: 'B' }, sort: { name: 'at', type: 'S' } };
const invalid = 'ValidationException: One or more parameter values were invalid:';
const mismatch = 'ValidationException: The provided key element does not match the schema';

/** An item of exactly so many bytes. */
function itemOf(bytes: number): Item {
  return { id: { S: 'a' }, p: { S: 'x'.repeat(bytes - 4) } };
}

describe('an item to be written', () => {
  test('comes back as it is if it is canonical', () => {
    const item: Item = { id: { S: 'a' }, n: { N: '1.5' }, list: { L: [{ BOOL: true }] } };
    expect(checkItem(item)).toBe(item);
  });

  test('comes back canonical, the given one unchanged', () => {
    const item: Item = { id: { S: 'a' }, n: { N: '01.50' } };
    expect(checkItem(item)).toEqual({ id: { S: 'a' }, n: { N: '1.5' } });
    expect(item.n).toEqual({ N: '01.50' });
  });

  test('may have 409,600 bytes and not one more', () => {
    expect(refusal(() => checkItem(itemOf(itemBytesMax)))).toBe('accepted');
    expect(refusal(() => checkItem(itemOf(itemBytesMax + 1)))).toBe(
      'ValidationException: Item size has exceeded the maximum allowed size',
    );
    expect(refusal(() => checkUpdatedItemSize(itemOf(itemBytesMax)))).toBe('accepted');
    expect(refusal(() => checkUpdatedItemSize(itemOf(itemBytesMax + 1)))).toBe(
      'ValidationException: Item size to update has exceeded the maximum allowed size',
    );
  });

  test('has names of 1 to 65,535 bytes', () => {
    expect(refusal(() => checkItem({ '': { S: 'a' } }))).toBe('ValidationException: Empty attribute name');
    expect(refusal(() => checkItem({ ['n'.repeat(65_535)]: { S: 'a' } }))).toBe('accepted');
    expect(refusal(() => checkItem({ ['é'.repeat(32_768)]: { S: 'a' } }))).toBe(
      'ValidationException: Attribute name is too large, must be less than 65536 bytes',
    );
  });
});

describe('the key of an item', () => {
  test.each<[string, KeySchema, Item, string]>([
    ['complete', composite, { id: { S: 'a' }, at: { N: '1' }, other: { L: [] } }, 'accepted'],
    ['no partition key', composite, { at: { N: '1' } }, `${invalid} Missing the key id in the item`],
    ['no sort key', composite, { id: { S: 'a' } }, `${invalid} Missing the key at in the item`],
    [
      'a wrong type',
      composite,
      { id: { S: 'a' }, at: { S: '1' } },
      `${invalid} Type mismatch for key at expected: N actual: S`,
    ],
    [
      'inherited names do not count',
      keyOf('toString'),
      {},
      `${invalid} Missing the key toString in the item`,
    ],
    [
      'an empty string',
      hashOnly,
      { id: { S: '' } },
      'ValidationException: One or more parameter values are not valid. ' +
        'The AttributeValue for a key attribute cannot contain an empty string value. Key: id',
    ],
    [
      'an empty binary',
      binary,
      { id: { B: '' }, at: { S: 'a' } },
      'ValidationException: One or more parameter values are not valid. ' +
        'The AttributeValue for a key attribute cannot contain an empty binary value. Key: id',
    ],
    ['2,048 bytes', hashOnly, { id: { S: 'a'.repeat(2048) } }, 'accepted'],
    [
      '2,049 bytes',
      hashOnly,
      { id: { S: 'a'.repeat(2049) } },
      `${invalid} Size of hashkey has exceeded the maximum size limit of2048 bytes`,
    ],
    [
      '2,049 bytes of binary',
      binary,
      { id: { B: Buffer.alloc(2049).toString('base64') }, at: { S: 'a' } },
      `${invalid} Size of hashkey has exceeded the maximum size limit of2048 bytes`,
    ],
    ['bytes, not characters', hashOnly, { id: { S: 'é'.repeat(1024) } }, 'accepted'],
    [
      '1,025 bytes of sort key',
      binary,
      { id: { B: 'YQ==' }, at: { S: 'a'.repeat(1025) } },
      `${invalid} Aggregated size of all range keys has exceeded the size limit of 1024 bytes`,
    ],
  ])('%s', (_, schema, item, expected) => {
    expect(refusal(() => checkItemKey(schema, item))).toBe(expected);
  });

  test('in BatchWriteItem is refused as a Key argument is', () => {
    expect(refusal(() => checkPutRequestKey(hashOnly, { id: { N: '5' } }))).toBe(mismatch);
    expect(refusal(() => checkPutRequestKey(hashOnly, { other: { S: 'x' } }))).toBe(mismatch);
    expect(refusal(() => checkPutRequestKey(hashOnly, { id: { S: '' } }))).toContain('Key: id');
    expect(refusal(() => checkPutRequestKey(hashOnly, { id: { S: 'a' }, other: { S: 'x' } }))).toBe(
      'accepted',
    );
  });
});

describe('a Key argument', () => {
  test.each<[string, Item, string]>([
    ['exact', { id: { S: 'a' }, at: { N: '1' } }, 'accepted'],
    ['empty', {}, mismatch],
    ['without the sort key', { id: { S: 'a' } }, mismatch],
    ['with another attribute', { id: { S: 'a' }, at: { N: '1' }, x: { S: 'a' } }, mismatch],
    ['with another instead', { id: { S: 'a' }, x: { N: '1' } }, mismatch],
    ['of the wrong type', { id: { SS: ['a'] }, at: { N: '1' } }, mismatch],
    [
      'with an empty string',
      { id: { S: '' }, at: { N: '1' } },
      'ValidationException: One or more parameter values are not valid. ' +
        'The AttributeValue for a key attribute cannot contain an empty string value. Key: id',
    ],
  ])('%s', (_, key, expected) => {
    expect(refusal(() => checkKey(composite, key))).toBe(expected);
  });

  test('as ExclusiveStartKey is refused as one', () => {
    expect(refusal(() => checkStartKey(composite, { id: { S: 'a' }, at: { N: '1' } }))).toBe('accepted');
    expect(refusal(() => checkStartKey(composite, { id: { S: 'a' } }))).toBe(
      'ValidationException: The provided starting key is invalid: ' +
        'The provided key element does not match the schema',
    );
  });
});

test('a batch names no item twice', () => {
  const named = new Set<string>();
  for (const key of ['a', 'b']) expect(refusal(() => addDistinctKey(named, key))).toBe('accepted');
  expect(refusal(() => addDistinctKey(named, 'a'))).toBe(
    'ValidationException: Provided list of item keys contains duplicates',
  );
});

function keyOf(name: string): KeySchema {
  const type: keyof (AttributeValue & { S: string }) = 'S';
  return { partition: { name, type }, sort: undefined };
}
