import { beforeAll, describe, expect, test } from 'vitest';
import { describeSetups, type Item, invalid, invalidWrite, refusal } from './setups.ts';

const conditionFailed = refusal('ConditionalCheckFailedException', 'The conditional request failed');

describeSetups((setup) => {
  const Key = { p: { S: 'a' } };
  const stored: Item = { ...Key, v: { N: '1' }, kept: { BOOL: true } };

  /** A table with one item. */
  async function tableWithItem(): Promise<string> {
    const TableName = await setup.table();
    await setup.dynamo.putItem({ TableName, Item: stored });
    return TableName;
  }

  async function itemOf(TableName: string): Promise<Item | undefined> {
    return (await setup.dynamo.getItem({ TableName, Key })).Item;
  }

  describe('PutItem', () => {
    test('replaces the whole item, and tells the old one where asked', async () => {
      const TableName = await setup.table();
      const first = await setup.dynamo.putItem({ TableName, Item: stored, ReturnValues: 'ALL_OLD' });
      expect(first.Attributes).toBeUndefined();
      const Item = { ...Key, other: { S: 'new' } };
      const second = await setup.dynamo.putItem({ TableName, Item, ReturnValues: 'ALL_OLD' });
      expect(second.Attributes).toEqual(stored);
      expect(await itemOf(TableName)).toEqual(Item);
      const silent = await setup.dynamo.putItem({ TableName, Item: stored, ReturnValues: 'NONE' });
      expect(silent.Attributes).toBeUndefined();
      expect(await itemOf(TableName)).toEqual(stored);
    });

    test('tells nothing but the old item', async () => {
      const TableName = await tableWithItem();
      const put = setup.dynamo.putItem({ TableName, Item: Key, ReturnValues: 'ALL_NEW' });
      await expect(put).rejects.toMatchObject(invalidWrite('ReturnValues can only be ALL_OLD or NONE'));
      const unknown = setup.dynamo.putItem({ TableName, Item: Key, ReturnValues: 'OLD' as 'NONE' });
      await expect(unknown).rejects.toMatchObject(
        invalidWrite(
          'Failed to satisfy constraint: Member must satisfy enum value set: ' +
            '[ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]',
        ),
      );
      expect(await itemOf(TableName)).toEqual(stored);
    });

    test('puts once where the item must not exist', async () => {
      const TableName = await setup.table();
      const put = (v: string) =>
        setup.dynamo.putItem({
          TableName,
          Item: { ...Key, v: { S: v } },
          ConditionExpression: 'attribute_not_exists(p)',
        });
      const puts = await Promise.allSettled(Array.from({ length: 8 }, (_, i) => put(`${i}`)));
      const done = puts.filter(({ status }) => status === 'fulfilled');
      expect(done).toHaveLength(1);
      expect(await itemOf(TableName)).toEqual({
        ...Key,
        v: { S: `${puts.findIndex((put) => done.includes(put))}` },
      });
    });

    test('that fails its condition changes nothing, and shows the item where asked', async () => {
      const TableName = await tableWithItem();
      const put = {
        TableName,
        Item: { ...Key, v: { N: '2' } },
        ConditionExpression: 'v > :v',
        ExpressionAttributeValues: { ':v': { N: '1' } },
      };
      const refused = await setup.dynamo.putItem(put).catch((error: unknown) => error);
      expect(refused).toMatchObject({ ...conditionFailed, Item: undefined });
      const shown = setup.dynamo.putItem({ ...put, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' });
      await expect(shown).rejects.toMatchObject({ ...conditionFailed, Item: stored });
      expect(await itemOf(TableName)).toEqual(stored);
    });

    test('that fails on a missing item has none to show', async () => {
      const TableName = await setup.table();
      const refused = await setup.dynamo
        .putItem({
          TableName,
          Item: Key,
          ConditionExpression: 'attribute_exists(p)',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        })
        .catch((error: unknown) => error);
      expect(refused).toMatchObject({ ...conditionFailed, Item: undefined });
    });

    test.each<[string, Item, string]>([
      [
        'has no key',
        { v: { N: '1' } },
        'One or more parameter values were invalid: Missing the key p in the item',
      ],
      [
        'has a key of another type',
        { p: { N: '1' } },
        'One or more parameter values were invalid: Type mismatch for key p expected: S actual: N',
      ],
      [
        'has an attribute without a name',
        { ...Key, '': { S: 'x' } },
        '1 validation error detected: Empty attribute name',
      ],
    ])('refuses an item that %s', async (_name, Item, message) => {
      const TableName = await tableWithItem();
      await expect(setup.dynamo.putItem({ TableName, Item })).rejects.toMatchObject(invalid(message));
      expect((await setup.dynamo.scan({ TableName })).Items).toEqual([stored]);
    });
  });

  describe('DeleteItem', () => {
    test('tells the old item where asked, and minds no missing one', async () => {
      const TableName = await tableWithItem();
      const first = await setup.dynamo.deleteItem({ TableName, Key, ReturnValues: 'ALL_OLD' });
      expect(first.Attributes).toEqual(stored);
      expect(await itemOf(TableName)).toBeUndefined();
      const second = await setup.dynamo.deleteItem({ TableName, Key, ReturnValues: 'ALL_OLD' });
      expect(second.Attributes).toBeUndefined();
      const wrong = setup.dynamo.deleteItem({ TableName, Key, ReturnValues: 'UPDATED_OLD' });
      await expect(wrong).rejects.toMatchObject(invalidWrite('ReturnValues can only be ALL_OLD or NONE'));
    });

    test('that fails its condition changes nothing, and shows the item where asked', async () => {
      const TableName = await tableWithItem();
      const refused = setup.dynamo.deleteItem({
        TableName,
        Key,
        ConditionExpression: 'attribute_not_exists(v)',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      });
      await expect(refused).rejects.toMatchObject({ ...conditionFailed, Item: stored });
      expect(await itemOf(TableName)).toEqual(stored);
      const absent = setup.dynamo.deleteItem({
        TableName,
        Key: { p: { S: 'b' } },
        ConditionExpression: 'attribute_exists(p)',
      });
      await expect(absent).rejects.toMatchObject(conditionFailed);
    });

    test.each<[string, Item]>([
      ['more than the key', { ...Key, v: { N: '1' } }],
      ['another attribute', { v: { S: 'a' } }],
      ['another type', { p: { N: '1' } }],
      ['nothing', {}],
    ])('refuses a key that is %s', async (_name, wrong) => {
      const TableName = await tableWithItem();
      const schemaMismatch = invalid('The provided key element does not match the schema');
      await expect(setup.dynamo.deleteItem({ TableName, Key: wrong })).rejects.toMatchObject(schemaMismatch);
      await expect(setup.dynamo.getItem({ TableName, Key: wrong })).rejects.toMatchObject(schemaMismatch);
    });
  });

  describe('a condition', () => {
    const Item: Item = {
      p: { S: 'a' },
      n: { N: '5' },
      s: { S: 'hello' },
      wide: { S: 'é𝄞𝄞' },
      b: { B: Uint8Array.from([1, 2, 255]) },
      t: { BOOL: true },
      nil: { NULL: true },
      ss: { SS: ['x', 'y'] },
      ns: { NS: ['1', '2.50'] },
      l: { L: [{ S: 'first' }, { M: { deep: { N: '1' } } }] },
      m: { M: { list: { L: [{ N: '7' }] }, 'dotted.name': { S: 'd' } } },
    };
    const values: Item = {
      ':zero': { N: '0' },
      ':five': { N: '5.0' },
      ':ten': { N: '1e1' },
      ':he': { S: 'he' },
      ':ell': { S: 'ell' },
      ':x': { S: 'x' },
      ':bytes': { B: Uint8Array.from([2, 255]) },
      ':true': { BOOL: true },
      ':set': { SS: ['y', 'x'] },
      ':twoAndAHalf': { N: '2.5' },
      ':first': { S: 'first' },
      ':map': { M: { deep: { N: '1' } } },
      ':string': { S: 'S' },
      ':seven': { N: '7' },
      ':d': { S: 'd' },
      ':null': { NULL: true },
    };
    let TableName: string;
    beforeAll(async () => {
      TableName = await setup.table();
      await setup.dynamo.putItem({ TableName, Item });
    });

    test.each([
      'n = :five',
      'n <> :ten',
      'n < :ten AND n <= :five AND n > :zero AND n >= :five',
      ':ten > n',
      'n BETWEEN :zero AND :ten',
      'NOT n BETWEEN :ten AND :ten',
      'n IN (:zero, :five, :ten)',
      'NOT n IN (:zero, :x)',
      'begins_with(s, :he)',
      'contains(s, :ell)',
      'contains(b, :bytes)',
      'contains(ss, :x)',
      'contains(ns, :twoAndAHalf)',
      'contains(l, :first)',
      'contains(l, :map)',
      't = :true',
      'nil = :null',
      'ss = :set',
      'attribute_type(s, :string)',
      'NOT attribute_type(n, :string)',
      'attribute_exists(l[1].deep)',
      'attribute_not_exists(l[2])',
      'attribute_not_exists(s.deep)',
      'm.#list[0] = :seven',
      'm.#dotted = :d',
      'l[1] = :map',
      'size(s) = :five',
      'size(wide) = :five',
      'size(ss) < size(s)',
      'size(m) < :five',
      'NOT (n = :ten OR s = :ell) AND t = :true',
      'n = :ten AND n = :ten OR n = :five',
      'absent <> :x',
    ])('holds: %s', async (ConditionExpression) => {
      await setup.dynamo.putItem({
        TableName,
        Item,
        ConditionExpression,
        ...substitutions(ConditionExpression),
      });
    });

    test.each([
      'n = :ten',
      'n = :he',
      's < :ten',
      'absent = :x',
      'absent < :x',
      'absent BETWEEN :ell AND :he',
      'absent IN (:x)',
      'NOT absent <> :x',
      'size(n) = :five',
      'size(absent) = :zero',
      'begins_with(n, :he)',
      'contains(ss, :ten)',
      'contains(n, :five)',
      'n BETWEEN :ten AND :ten',
      'attribute_exists(m.nothing.#list)',
    ])('fails: %s', async (ConditionExpression) => {
      const put = { TableName, Item, ConditionExpression, ...substitutions(ConditionExpression) };
      await expect(setup.dynamo.putItem(put)).rejects.toMatchObject(conditionFailed);
    });

    /** What of the names and values an expression uses; any more would be refused. */
    function substitutions(expression: string) {
      const names = { '#list': 'list', '#dotted': 'dotted.name' };
      return {
        ...usedBy(expression, 'ExpressionAttributeNames', names),
        ...usedBy(expression, 'ExpressionAttributeValues', values),
      };
    }
  });
});

function usedBy<V>(expression: string, parameter: string, all: Record<string, V>) {
  const used = Object.entries(all).filter(([reference]) => new RegExp(`${reference}\\b`).test(expression));
  return used.length === 0 ? {} : { [parameter]: Object.fromEntries(used) };
}
