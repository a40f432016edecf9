import type { UpdateItemCommandInput } from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from 'vitest';
import { describeSetups, type Item, invalid, invalidWrite, refusal } from './setups.ts';

const operandMissing = 'The provided expression refers to an attribute that does not exist in the item';
const operandOfOtherType = 'An operand in the update expression has an incorrect data type';
const pathInvalid = 'The document path provided in the update expression is invalid for update';

const anyKey = { p: { S: expect.any(String) } };

describeSetups((setup) => {
  /** Puts an item with these attributes and updates it. */
  async function updated(
    attributes: Item | undefined,
    update: Omit<UpdateItemCommandInput, 'TableName' | 'Key'>,
  ): Promise<{ item: Item | undefined; attributes: Item | undefined; Key: Item }> {
    const TableName = await setup.sharedTable();
    const Key = { p: { S: setup.newName() } };
    if (attributes !== undefined) await setup.dynamo.putItem({ TableName, Item: { ...Key, ...attributes } });
    const { Attributes } = await setup.dynamo.updateItem({ TableName, Key, ...update });
    const { Item } = await setup.dynamo.getItem({ TableName, Key });
    return { item: Item, attributes: Attributes, Key };
  }

  /** What an update leaves of these attributes. */
  async function left(attributes: Item, UpdateExpression: string, values?: Item): Promise<Item> {
    const update = { UpdateExpression, ...(values && { ExpressionAttributeValues: values }) };
    const { item, Key } = await updated(attributes, update);
    const { p, ...rest } = item ?? {};
    expect({ p }).toEqual(Key);
    return rest;
  }

  /** Expects the update of an item with these attributes to be refused, and to leave it as it was. */
  async function expectRefused(attributes: Item, update: object, expected: object): Promise<void> {
    const TableName = await setup.sharedTable();
    const Key = { p: { S: setup.newName() } };
    const Item = { ...Key, ...attributes };
    await setup.dynamo.putItem({ TableName, Item });
    const call = setup.dynamo.updateItem({ TableName, Key, ...update });
    await expect(call).rejects.toMatchObject(expected);
    expect((await setup.dynamo.getItem({ TableName, Key })).Item).toEqual(Item);
  }

  describe('SET', () => {
    test('sets attributes, new and old', async () => {
      const values = { ':x': { S: 'new' }, ':y': { NULL: true } } as const;
      expect(await left({ a: { S: 'old' } }, 'SET a = :x, b = :y', values)).toEqual({
        a: { S: 'new' },
        b: { NULL: true },
      });
    });

    test('sees the item as it was before', async () => {
      const attributes = { a: { N: '1' }, b: { N: '2' } };
      expect(await left(attributes, 'SET a = b, b = a')).toEqual({ a: { N: '2' }, b: { N: '1' } });
    });

    test('adds and subtracts exactly', async () => {
      const attributes = { n: { N: '0.1' }, big: { N: '99999999999999999999999999999999999998' } };
      const values = { ':a': { N: '0.2' }, ':one': { N: '1' } };
      expect(await left(attributes, 'SET n = n + :a, big = big + :one, diff = :one - n', values)).toEqual({
        n: { N: '0.3' },
        big: { N: '99999999999999999999999999999999999999' },
        diff: { N: '0.9' },
      });
    });

    test('takes a default where there is nothing', async () => {
      const values = { ':zero': { N: '0' }, ':one': { N: '1' } };
      const expression = 'SET n = if_not_exists(n, :zero) + :one, m = if_not_exists(m, n)';
      expect(await left({ n: { N: '5' } }, expression, values)).toEqual({ n: { N: '6' }, m: { N: '5' } });
      const counted = await updated(undefined, {
        UpdateExpression: 'SET n = if_not_exists(n, :zero) + :one',
        ExpressionAttributeValues: values,
      });
      expect(counted.item).toEqual({ ...counted.Key, n: { N: '1' } });
    });

    test('joins lists at either end', async () => {
      const values = { ':l': { L: [{ S: 'x' }] }, ':none': { L: [] } };
      const expression =
        'SET a = list_append(l, :l), b = list_append(:l, l), c = list_append(if_not_exists(c, :none), :l)';
      expect(await left({ l: { L: [{ N: '1' }] } }, expression, values)).toEqual({
        l: { L: [{ N: '1' }] },
        a: { L: [{ N: '1' }, { S: 'x' }] },
        b: { L: [{ S: 'x' }, { N: '1' }] },
        c: { L: [{ S: 'x' }] },
      });
    });

    test('reaches into documents, and appends what lies beyond the end of a list', async () => {
      const attributes = { m: { M: { l: { L: [{ S: 'a' }, { S: 'b' }] }, keep: { N: '1' } } } };
      const values = { ':x': { S: 'x' }, ':y': { S: 'y' }, ':z': { S: 'z' } };
      const expression = 'SET m.l[1] = :x, m.l[9] = :z, m.l[5] = :y, m.fresh = :x';
      expect(await left(attributes, expression, values)).toEqual({
        m: {
          M: {
            l: { L: [{ S: 'a' }, { S: 'x' }, { S: 'y' }, { S: 'z' }] },
            keep: { N: '1' },
            fresh: { S: 'x' },
          },
        },
      });
    });

    test.each<[string, Item, string, Item, string]>([
      ['a missing operand', {}, 'SET a = b', {}, operandMissing],
      ['a sum with a missing operand', {}, 'SET n = n + :x', { ':x': { N: '1' } }, operandMissing],
      ['a sum with a string', { n: { S: '1' } }, 'SET n = n + :x', { ':x': { N: '1' } }, operandOfOtherType],
      [
        'a list joined to a number',
        { l: { N: '1' } },
        'SET l = list_append(l, :x)',
        { ':x': { L: [] } },
        operandOfOtherType,
      ],
      [
        'the key',
        {},
        'SET p = :x',
        { ':x': { S: 'b' } },
        'One or more parameter values were invalid: Cannot update attribute p. This attribute is part of the key',
      ],
      ['a path through nothing', {}, 'SET m.a = :x', { ':x': { N: '1' } }, pathInvalid],
      ['a path through a string', { s: { S: 'm' } }, 'SET s.a = :x', { ':x': { N: '1' } }, pathInvalid],
      ['an index into a map', { m: { M: {} } }, 'SET m[0] = :x', { ':x': { N: '1' } }, pathInvalid],
      [
        'a sum of 39 digits',
        { n: { N: '1' } },
        'SET n = n + :x',
        { ':x': { N: '1e-38' } },
        'Number overflow. Attempting to store a number with magnitude larger than supported range',
      ],
    ])('refuses %s', async (_name, attributes, UpdateExpression, values, message) => {
      const ExpressionAttributeValues = Object.keys(values).length === 0 ? undefined : values;
      await expectRefused(attributes, { UpdateExpression, ExpressionAttributeValues }, invalid(message));
    });
  });

  describe('REMOVE', () => {
    test('drops attributes, and elements by their place before the update', async () => {
      const attributes = {
        a: { S: 'x' },
        l: { L: ['0', '1', '2', '3', '4'].map((N) => ({ N })) },
        m: { M: { a: { S: 'x' }, b: { S: 'y' } } },
      };
      expect(await left(attributes, 'REMOVE a, l[0], l[2], l[9], m.b, m.absent, absent')).toEqual({
        l: { L: [{ N: '1' }, { N: '3' }, { N: '4' }] },
        m: { M: { a: { S: 'x' } } },
      });
    });

    test('goes together with other changes of the same list', async () => {
      const attributes = { l: { L: [{ N: '0' }, { N: '1' }, { N: '2' }] } };
      expect(await left(attributes, 'SET l[2] = :x REMOVE l[0]', { ':x': { S: 'x' } })).toEqual({
        l: { L: [{ N: '1' }, { S: 'x' }] },
      });
    });

    test('makes no item where there is none', async () => {
      expect((await updated(undefined, { UpdateExpression: 'REMOVE a' })).item).toBeUndefined();
    });
  });

  describe('ADD', () => {
    test('counts, from zero where there is nothing', async () => {
      const values = { ':n': { N: '-2.5' } };
      expect(await left({ n: { N: '5' } }, 'ADD n :n, sum_ :n', values)).toEqual({
        n: { N: '2.5' },
        sum_: { N: '-2.5' },
      });
    });

    test('unites sets', async () => {
      const attributes: Item = { ss: { SS: ['a', 'b'] }, m: { M: { ns: { NS: ['1'] } } } };
      const values: Item = { ':ss': { SS: ['b', 'c'] }, ':ns': { NS: ['1.0', '2'] } };
      const { ss, m, fresh } = await left(attributes, 'ADD ss :ss, m.ns :ns, fresh :ss', values);
      expect(ss?.SS?.toSorted()).toEqual(['a', 'b', 'c']);
      expect(m?.M?.ns?.NS?.toSorted()).toEqual(['1', '2']);
      expect(fresh?.SS?.toSorted()).toEqual(['b', 'c']);
    });

    test.each<[string, Item, object]>([
      ['a number to a string', { a: { S: '1' } }, { ':v': { N: '1' } }],
      ['a set to a number', { a: { N: '1' } }, { ':v': { NS: ['1'] } }],
      ['a set of other members', { a: { SS: ['1'] } }, { ':v': { NS: ['1'] } }],
    ])('refuses %s', async (_name, attributes, ExpressionAttributeValues) => {
      const update = { UpdateExpression: 'ADD a :v', ExpressionAttributeValues };
      await expectRefused(attributes, update, invalid(operandOfOtherType));
    });

    test('refuses what is neither a number nor a set', async () => {
      await expectRefused(
        {},
        { UpdateExpression: 'ADD a :v', ExpressionAttributeValues: { ':v': { S: 'x' } } },
        invalidWrite(
          'Invalid UpdateExpression: Incorrect operand type for operator or function; ' +
            'operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND',
        ),
      );
    });
  });

  describe('DELETE', () => {
    test('takes members out of a set, and the last takes the set along', async () => {
      const attributes: Item = { ss: { SS: ['a', 'b', 'c'] }, gone: { NS: ['1'] } };
      const values: Item = { ':ss': { SS: ['b', 'z'] }, ':ns': { NS: ['1.0'] } };
      const rest = await left(attributes, 'DELETE ss :ss, gone :ns, absent :ss', values);
      expect(rest.ss?.SS?.toSorted()).toEqual(['a', 'c']);
      expect(Object.keys(rest)).toEqual(['ss']);
    });

    test('refuses a number', async () => {
      await expectRefused(
        { n: { N: '1' } },
        { UpdateExpression: 'DELETE n :v', ExpressionAttributeValues: { ':v': { N: '1' } } },
        invalid(/operator: DELETE, operand type: NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND$/),
      );
    });
  });

  describe('ReturnValues', () => {
    const attributes = { n: { N: '1' }, s: { S: 'x' }, m: { M: { a: { N: '1' }, b: { N: '2' } } } };
    const update = {
      UpdateExpression: 'SET n = :two, m.a = :two, fresh = :two REMOVE s',
      ExpressionAttributeValues: { ':two': { N: '2' } },
    };
    const changed = { n: { N: '2' }, m: { M: { a: { N: '2' }, b: { N: '2' } } }, fresh: { N: '2' } };

    test.each<
      ['NONE' | 'ALL_OLD' | 'ALL_NEW' | 'UPDATED_OLD' | 'UPDATED_NEW', object | undefined, object | undefined]
    >([
      ['NONE', undefined, undefined],
      ['ALL_OLD', { ...anyKey, ...attributes }, undefined],
      ['ALL_NEW', { ...anyKey, ...changed }, { ...anyKey, n: { N: '2' } }],
      ['UPDATED_OLD', { n: { N: '1' }, s: { S: 'x' }, m: { M: { a: { N: '1' } } } }, undefined],
      ['UPDATED_NEW', { n: { N: '2' }, m: { M: { a: { N: '2' } } }, fresh: { N: '2' } }, { n: { N: '2' } }],
    ])('%s', async (ReturnValues, ofOld, ofNew) => {
      expect((await updated(attributes, { ...update, ReturnValues })).attributes).toEqual(ofOld);
      const creating = {
        UpdateExpression: 'SET n = :two',
        ExpressionAttributeValues: { ':two': { N: '2' } },
        ReturnValues,
      };
      expect((await updated(undefined, creating)).attributes).toEqual(ofNew);
    });
  });

  test('an update without an expression makes the item', async () => {
    const { item, attributes, Key } = await updated(undefined, { ReturnValues: 'ALL_NEW' });
    expect(item).toEqual(Key);
    expect(attributes).toEqual(Key);
  });

  test('a condition that fails shows the item where asked', async () => {
    await expectRefused(
      { v: { N: '1' } },
      {
        UpdateExpression: 'SET v = :v',
        ConditionExpression: 'v = :v',
        ExpressionAttributeValues: { ':v': { N: '2' } },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      },
      {
        ...refusal('ConditionalCheckFailedException', 'The conditional request failed'),
        Item: { ...anyKey, v: { N: '1' } },
      },
    );
  });

  test('concurrent updates of one item all count', async () => {
    const TableName = await setup.sharedTable();
    const Key = { p: { S: setup.newName() } };
    const add = { UpdateExpression: 'ADD n :one', ExpressionAttributeValues: { ':one': { N: '1' } } };
    await Promise.all(Array.from({ length: 40 }, () => setup.dynamo.updateItem({ TableName, Key, ...add })));
    expect((await setup.dynamo.getItem({ TableName, Key })).Item?.n).toEqual({ N: '40' });
  });

  test.each<[string, string, Item, string]>([
    [
      'of overlapping paths',
      'SET m.a = :v, m = :v',
      { ':v': { S: 'b' } },
      'Invalid UpdateExpression: Two document paths overlap with each other; ' +
        'must remove or rewrite one of these paths; path one: [m, a], path two: [m]',
    ],
    [
      'of conflicting paths',
      'SET m.a = :v, m[0] = :v',
      { ':v': { S: 'b' } },
      'Invalid UpdateExpression: Two document paths conflict with each other; ' +
        'must remove or rewrite one of these paths; path one: [m, a], path two: [m, [0]]',
    ],
    [
      'in two sections of one name',
      'SET a = :v SET b = :v',
      { ':v': { S: 'b' } },
      'Invalid UpdateExpression: The "SET" section can only be used once in an update expression;',
    ],
    [
      'that is no expression',
      'INVALID SYNTAX HERE',
      { ':v': { S: 'b' } },
      'Invalid UpdateExpression: Syntax error; token: "INVALID", near: "INVALID SYNTAX"',
    ],
  ])('an update %s is refused', async (_name, UpdateExpression, ExpressionAttributeValues, message) => {
    await expectRefused(
      { m: { M: {} } },
      { UpdateExpression, ExpressionAttributeValues },
      invalidWrite(message),
    );
  });
});
