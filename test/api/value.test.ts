import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from 'vitest';
import { describeSetups, type Item, invalid, invalidWrite } from './setups.ts';

const itemBytesMax = 409_600;
const itemTooLarge = 'Item size has exceeded the maximum allowed size';
const updateTooLarge = 'Item size to update has exceeded the maximum allowed size';

describeSetups((setup) => {
  /** Writes an attribute and reads it back, twice, so that both the store and a cache have answered. */
  async function roundTrip(value: AttributeValue): Promise<AttributeValue | undefined> {
    const TableName = await setup.sharedTable();
    const Key = { p: { S: setup.newName() } };
    await setup.dynamo.putItem({ TableName, Item: { ...Key, v: value } });
    const first = await setup.dynamo.getItem({ TableName, Key, ConsistentRead: true });
    const second = await setup.dynamo.getItem({ TableName, Key });
    expect(second.Item).toEqual(first.Item);
    return first.Item?.v;
  }

  async function put(Item: Item): Promise<void> {
    await setup.dynamo.putItem({ TableName: await setup.sharedTable(), Item });
  }

  test.each<[string, AttributeValue]>([
    ['a string', { S: 'äöü € 😀 \u0000 " \\ \u2028' }],
    ['a binary value', { B: Uint8Array.from([0, 1, 127, 128, 255]) }],
    ['a truth value', { BOOL: false }],
    ['null', { NULL: true }],
    ['a list', { L: [{ S: 'a' }, { N: '1' }, { L: [] }, { M: {} }, { NULL: true }] }],
    ['a map', { M: { '': { S: 'no name' }, 'a b.c[0]': { BOOL: true }, m: { M: { n: { N: '1' } } } } }],
    ['a set of one', { SS: [''] }],
    ['an empty string', { S: '' }],
    ['an empty binary value', { B: new Uint8Array() }],
    ['an empty binary value in a set', { BS: [new Uint8Array()] }],
  ])('%s comes back as it was written', async (_name, value) => {
    expect(await roundTrip(value)).toEqual(value);
  });

  test('sets come back with all their members', async () => {
    const strings = await roundTrip({ SS: ['b', 'a', 'ä'] });
    expect(strings?.SS?.toSorted()).toEqual(['a', 'b', 'ä']);
    const numbers = await roundTrip({ NS: ['10', '-1', '2.50'] });
    expect(numbers?.NS?.toSorted()).toEqual(['-1', '10', '2.5']);
    const binaries = await roundTrip({ BS: [Uint8Array.from([2]), Uint8Array.from([1, 255])] });
    expect(binaries?.BS?.toSorted()).toEqual([Uint8Array.from([1, 255]), Uint8Array.from([2])]);
  });

  describe('numbers', () => {
    test.each([
      ['0042.1200', '42.12'],
      ['-0', '0'],
      ['0e99', '0'],
      ['1e2', '100'],
      ['1.5E-3', '0.0015'],
      ['.5', '0.5'],
      ['-12345678901234567890123456789012345678', '-12345678901234567890123456789012345678'],
      ['0.12345678901234567890123456789012345678', '0.12345678901234567890123456789012345678'],
      ['1E125', `1${'0'.repeat(125)}`],
      ['9.9999999999999999999999999999999999999E125', `${'9'.repeat(38)}${'0'.repeat(88)}`],
      ['1E-130', `0.${'0'.repeat(129)}1`],
      ['-1E-130', `-0.${'0'.repeat(129)}1`],
    ])('%s is kept as %s', async (written, N) => {
      expect(await roundTrip({ N: written })).toEqual({ N });
    });

    const notNumeric = (text: string) => `The parameter cannot be converted to a numeric value: ${text}`;
    const overflow =
      'Number overflow. Attempting to store a number with magnitude larger than supported range';
    const underflow =
      'Number underflow. Attempting to store a number with magnitude smaller than supported range';
    const digits = 'Attempting to store more than 38 significant digits in a Number';
    test.each([
      ['', notNumeric('')],
      ['one', notNumeric('one')],
      ['1 ', notNumeric('1 ')],
      ['0x10', notNumeric('0x10')],
      ['Infinity', notNumeric('Infinity')],
      ['NaN', notNumeric('NaN')],
      ['1e126', overflow],
      ['-1e126', overflow],
      ['1e-131', underflow],
      ['123456789012345678901234567890123456789', digits],
      ['1.23456789012345678901234567890123456789', digits],
      ['1e9999999999', overflow],
      ['1e999999999999999999999', notNumeric('1e999999999999999999999')],
      ['0e126', overflow],
    ])('%j is refused', async (N, message) => {
      await expect(put({ p: { S: 'n' }, v: { N } })).rejects.toMatchObject(invalidWrite(message));
      await expect(put({ p: { S: 'n' }, v: { L: [{ NS: [N] }] } })).rejects.toMatchObject(
        invalidWrite(message),
      );
    });

    test('are one key however they are written', async () => {
      const TableName = await setup.table({ p: 'N', s: 'N' });
      const Item = { p: { N: '1.0' }, s: { N: '-0' }, v: { S: 'x' } };
      await setup.dynamo.putItem({ TableName, Item });
      const canonical = { ...Item, p: { N: '1' }, s: { N: '0' } };
      for (const [p, s] of [
        ['1', '0'],
        ['1e0', '0.00'],
        ['10e-1', '-0.0'],
        ['01', '0e5'],
      ] as const) {
        const Key = { p: { N: p }, s: { N: s } };
        expect((await setup.dynamo.getItem({ TableName, Key })).Item).toEqual(canonical);
        const { Responses } = await setup.dynamo.batchGetItem({
          RequestItems: { [TableName]: { Keys: [Key] } },
        });
        expect(Responses?.[TableName]).toEqual([canonical]);
      }
      await setup.dynamo.updateItem({ TableName, Key: { p: { N: '0.1e1' }, s: { N: '0' } } });
      await setup.dynamo.putItem({ TableName, Item: { p: { N: '1.00' }, s: { N: '0' } } });
      expect((await setup.dynamo.scan({ TableName })).Count).toBe(1);
      await setup.dynamo.deleteItem({ TableName, Key: { p: { N: '1e0' }, s: { N: '0' } } });
      expect((await setup.dynamo.scan({ TableName })).Count).toBe(0);
    });
  });

  describe('the size of an item', () => {
    /** An item whose other attributes count `bytes`, filled up to `total`. */
    function filled(other: Item, bytes: number, total: number): Item {
      const p = setup.newName();
      return { p: { S: p }, ...other, f: { S: 'x'.repeat(total - bytes - 1 - p.length - 1) } };
    }

    test.each<[string, Item, number]>([
      ['strings, names in UTF-8', { 'ä€': { S: '€😀' } }, 5 + 7],
      ['a binary value', { b: { B: new Uint8Array(100) } }, 101],
      ['truth values and null', { t: { BOOL: true }, n: { NULL: true } }, 4],
      [
        'numbers',
        { a: { N: '3.14159' }, b: { N: '123456' }, c: { N: '-1' }, d: { N: '1E125' } },
        4 + 5 + 4 + 3 + 2,
      ],
      ['zero', { z: { N: '0' } }, 2],
      [
        'lists and maps',
        { l: { L: [{ S: 'ab' }, { M: { k: { S: 'v' } } }] }, m: { M: {} } },
        1 + 3 + 3 + 1 + 3 + 3 + 1 + 3,
      ],
      ['sets', { s: { SS: ['ab', 'c'] }, n: { NS: ['1', '23'] } }, 1 + 3 + 1 + 4],
    ])('counts %s', async (_name, other, bytes) => {
      await put(filled(other, bytes, itemBytesMax));
      await expect(put(filled(other, bytes, itemBytesMax + 1))).rejects.toMatchObject(invalid(itemTooLarge));
    });

    test('is bounded in a batch and after an update too', async () => {
      const TableName = await setup.sharedTable();
      const batchOf = (Item: Item) => ({ RequestItems: { [TableName]: [{ PutRequest: { Item } }] } });
      await setup.dynamo.batchWriteItem(batchOf(filled({}, 0, itemBytesMax)));
      await expect(
        setup.dynamo.batchWriteItem(batchOf(filled({}, 0, itemBytesMax + 1))),
      ).rejects.toMatchObject(invalid(itemTooLarge));

      const Key = { p: { S: setup.newName().padEnd(50, '.') } };
      const update = (bytes: number) => ({
        TableName,
        Key,
        UpdateExpression: 'SET f = :f',
        ExpressionAttributeValues: { ':f': { S: 'x'.repeat(bytes - 52) } },
      });
      await setup.dynamo.updateItem(update(itemBytesMax));
      await expect(setup.dynamo.updateItem(update(itemBytesMax + 1))).rejects.toMatchObject(
        invalid(updateTooLarge),
      );
      const { Item } = await setup.dynamo.getItem({ TableName, Key });
      expect(Item?.f?.S).toHaveLength(itemBytesMax - 52);
    });

    test('bounds an update itself too, by what it writes and 19 bytes for each SET, but in a transaction', async () => {
      const TableName = await setup.sharedTable();
      const Update = (p: string, bytes: number) => ({
        TableName,
        Key: { p: { S: p } },
        UpdateExpression: 'SET f = :f',
        ExpressionAttributeValues: { ':f': { S: 'x'.repeat(bytes) } },
      });
      const most = itemBytesMax - 3 - 19 - 1;
      await setup.dynamo.updateItem(Update('u', most));
      await expect(setup.dynamo.updateItem(Update('v', most + 1))).rejects.toMatchObject(
        invalid(updateTooLarge),
      );
      await setup.dynamo.transactWriteItems({ TransactItems: [{ Update: Update('w', itemBytesMax - 3) }] });
    });
  });

  test('the size of keys is bounded to the byte', async () => {
    const TableName = await setup.table({ p: 'S', s: 'B' });
    const key = (p: number, s: number) => ({
      p: { S: 'ä'.repeat(p / 2) + 'x'.repeat(p % 2) },
      s: { B: new Uint8Array(s) },
    });
    await setup.dynamo.putItem({ TableName, Item: key(2048, 1024) });
    expect((await setup.dynamo.getItem({ TableName, Key: key(2048, 1024) })).Item).toEqual(key(2048, 1024));
    const tooLongHash = invalid(
      'One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes',
    );
    const tooLongRange = invalid(
      'One or more parameter values were invalid: ' +
        'Aggregated size of all range keys has exceeded the size limit of 1024 bytes',
    );
    await expect(setup.dynamo.putItem({ TableName, Item: key(2049, 1) })).rejects.toMatchObject(tooLongHash);
    await expect(setup.dynamo.getItem({ TableName, Key: key(2049, 1) })).rejects.toMatchObject(tooLongHash);
    await expect(setup.dynamo.putItem({ TableName, Item: key(1, 1025) })).rejects.toMatchObject(tooLongRange);
    await expect(setup.dynamo.deleteItem({ TableName, Key: key(1, 1025) })).rejects.toMatchObject(
      tooLongRange,
    );
  });

  test('no key is empty', async () => {
    const TableName = await setup.table({ p: 'S', s: 'B' });
    const emptyKey = (type: string, name: string) =>
      invalid(
        'One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain ' +
          `an empty ${type} value. Key: ${name}`,
      );
    const noString = { p: { S: '' }, s: { B: Uint8Array.from([1]) } };
    const noBytes = { p: { S: 'a' }, s: { B: new Uint8Array() } };
    await expect(setup.dynamo.putItem({ TableName, Item: noString })).rejects.toMatchObject(
      emptyKey('string', 'p'),
    );
    await expect(setup.dynamo.getItem({ TableName, Key: noString })).rejects.toMatchObject(
      emptyKey('string', 'p'),
    );
    await expect(setup.dynamo.putItem({ TableName, Item: noBytes })).rejects.toMatchObject(
      emptyKey('binary', 's'),
    );
    const update = setup.dynamo.updateItem({ TableName, Key: noBytes });
    await expect(update).rejects.toMatchObject(emptyKey('binary', 's'));
    const batch = setup.dynamo.batchGetItem({ RequestItems: { [TableName]: { Keys: [noBytes] } } });
    await expect(batch).rejects.toMatchObject(emptyKey('binary', 's'));
  });

  describe('nesting', () => {
    const tooDeep =
      'Nesting Levels have exceeded supported limits: ' +
      'Attributes in the item have nested levels beyond supported limit';

    test.each<[string, (inner: AttributeValue) => AttributeValue]>([
      ['maps', (inner) => ({ M: { n: inner } })],
      ['lists', (inner) => ({ L: [inner] })],
    ])('of 31 %s is accepted, of 32 refused', async (_name, wrap) => {
      const nested = (levels: number): AttributeValue =>
        levels === 0 ? { S: 'leaf' } : wrap(nested(levels - 1));
      expect(await roundTrip(nested(31))).toEqual(nested(31));
      await expect(put({ p: { S: 'deep' }, v: nested(32) })).rejects.toMatchObject(invalidWrite(tooDeep));
    });

    test('is bounded where an update puts one document into another', async () => {
      const TableName = await setup.sharedTable();
      const Key = { p: { S: setup.newName() } };
      const nested = (levels: number): AttributeValue =>
        levels === 0 ? { S: 'leaf' } : { M: { n: nested(levels - 1) } };
      const update = (UpdateExpression: string, value: AttributeValue) =>
        setup.dynamo.updateItem({
          TableName,
          Key,
          UpdateExpression,
          ExpressionAttributeValues: { ':v': value },
        });
      await update('SET d = :v', nested(30));
      await update(`SET d${'.n'.repeat(30)} = :v`, nested(1));
      await expect(update(`SET d${'.n'.repeat(30)} = :v`, nested(2))).rejects.toMatchObject(invalid(tooDeep));
    });
  });

  test.each<[string, AttributeValue, string]>([
    [
      'an empty string set',
      { SS: [] },
      'One or more parameter values were invalid: An string set  may not be empty',
    ],
    [
      'an empty number set',
      { NS: [] },
      'One or more parameter values were invalid: An number set  may not be empty',
    ],
    [
      'an empty binary set',
      { BS: [] },
      'One or more parameter values were invalid: Binary sets should not be empty',
    ],
    [
      'a string twice in a set',
      { SS: ['a', 'a'] },
      'One or more parameter values were invalid: Input collection ["a", "a"] contains duplicates.',
    ],
    [
      'a number twice in a set',
      { NS: ['1', '1.0'] },
      'One or more parameter values were invalid: Input collection contains duplicates.',
    ],
    [
      'bytes twice in a set',
      { BS: [Uint8Array.from([1]), Uint8Array.from([1])] },
      'One or more parameter values were invalid: Input collection ["AQ==","AQ=="]of type BS contains duplicates.',
    ],
  ])('%s is refused', async (_name, value, message) => {
    await expect(put({ p: { S: 'v' }, v: value })).rejects.toMatchObject(invalidWrite(message));
  });
});
