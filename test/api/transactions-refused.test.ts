import type { AttributeValue, TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from 'vitest';
import { describeSetups, type Item, invalid } from './setups.ts';
import { add, cancelled, check, duplicates, emptyKey, keyOf, notFound, schemaMismatch } from './transact.ts';

const tooDeep = invalid(
  'Nesting Levels have exceeded supported limits: ' +
    'Attributes in the item have nested levels beyond supported limit',
);
const syntax = invalid('Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "("');

function nested(levels: number): AttributeValue {
  return levels === 0 ? { S: 'leaf' } : { M: { n: nested(levels - 1) } };
}

describeSetups((setup) => {
  const write = (TransactItems: TransactWriteItem[]) => setup.dynamo.transactWriteItems({ TransactItems });

  async function stored(TableName: string, p: string): Promise<Item | undefined> {
    return (await setup.dynamo.getItem({ TableName, Key: keyOf(p), ConsistentRead: true })).Item;
  }

  describe('an action that is wrong in itself is an error of the whole TransactWriteItems:', () => {
    const values = { ':v': { S: 'x' } };
    const unused = invalid('Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}');
    const empty = invalid('Invalid ConditionExpression: The expression can not be empty;');

    test.each<[string, (TableName: string) => TransactWriteItem, object]>([
      [
        'no action',
        () => ({}),
        invalid('Invalid Request: TransactWriteRequest should contain Delete or Put or Update request'),
      ],
      [
        'two actions',
        (TableName) => ({ ...add(TableName, 'a'), ...check(TableName, 'a', 'attribute_exists(p)') }),
        invalid('TransactItems can only contain one of Check, Put, Update or Delete'),
      ],
      ['a malformed condition', (TableName) => check(TableName, 'a', 'attribute_exists('), syntax],
      ['an empty condition', (TableName) => check(TableName, 'a', ''), empty],
      [
        'an unknown name',
        (TableName) => check(TableName, 'a', 'attribute_exists(#x)'),
        invalid(
          'Invalid ConditionExpression: An expression attribute name used in the document path is not defined; ' +
            'attribute name: #x',
        ),
      ],
      [
        'an unused value in a put',
        (TableName) => ({
          Put: {
            TableName,
            Item: keyOf('a'),
            ConditionExpression: 'attribute_exists(p)',
            ExpressionAttributeValues: values,
          },
        }),
        unused,
      ],
      [
        'an unused value in an update',
        (TableName) => ({
          Update: {
            TableName,
            Key: keyOf('a'),
            UpdateExpression: 'REMOVE a',
            ExpressionAttributeValues: values,
          },
        }),
        unused,
      ],
      [
        'values that are none',
        (TableName) => ({
          Update: { TableName, Key: keyOf('a'), UpdateExpression: 'REMOVE a', ExpressionAttributeValues: {} },
        }),
        invalid('ExpressionAttributeValues must not be empty'),
      ],
      [
        'an item that nests too deep',
        (TableName) => ({ Put: { TableName, Item: { ...keyOf('a'), d: nested(32) } } }),
        tooDeep,
      ],
      [
        'an empty attribute name',
        (TableName) => ({ Put: { TableName, Item: { ...keyOf('a'), '': { S: 'x' } } } }),
        invalid('Empty attribute name'),
      ],
      ['an empty key in a put', (TableName) => ({ Put: { TableName, Item: keyOf('') } }), emptyKey],
      ['an empty key in an update', (TableName) => add(TableName, ''), emptyKey],
      ['an empty key in a delete', (TableName) => ({ Delete: { TableName, Key: keyOf('') } }), emptyKey],
      ['an empty key in a check', (TableName) => check(TableName, '', 'attribute_exists(p)'), emptyKey],
      ['a table that is not there', () => add('no-such-table', 'a'), notFound],
    ])('%s', async (_name, action, expected) => {
      const TableName = await setup.sharedTable();
      const p = setup.newName();
      await expect(write([add(TableName, p), action(TableName)])).rejects.toMatchObject(expected);
      expect(await stored(TableName, p)).toBeUndefined();
    });
  });

  describe('an action that does not fit its table cancels a TransactWriteItems:', () => {
    const typeMismatch = (type: string) =>
      `One or more parameter values were invalid: Type mismatch for key p expected: S actual: ${type}`;

    test.each<[string, (TableName: string) => TransactWriteItem, string]>([
      [
        'an item with a key of another type',
        (TableName) => ({ Put: { TableName, Item: { p: { N: '5' } } } }),
        typeMismatch('N'),
      ],
      [
        'an item with a list for a key',
        (TableName) => ({ Put: { TableName, Item: { p: { L: [] } } } }),
        typeMismatch('L'),
      ],
      [
        'an item without its key',
        (TableName) => ({ Put: { TableName, Item: { q: { S: 'a' } } } }),
        'One or more parameter values were invalid: Missing the key p in the item',
      ],
      [
        'an update with a key of another type',
        (TableName) => ({ Update: { TableName, Key: { p: { N: '5' } }, UpdateExpression: 'REMOVE a' } }),
        schemaMismatch,
      ],
      [
        'a delete with more than a key',
        (TableName) => ({ Delete: { TableName, Key: { p: { S: 'a' }, q: { S: 'a' } } } }),
        schemaMismatch,
      ],
      [
        'a check with no key',
        (TableName) => ({
          ConditionCheck: { TableName, Key: {}, ConditionExpression: 'attribute_exists(p)' },
        }),
        schemaMismatch,
      ],
      [
        'an update of the key',
        (TableName) => ({
          Update: {
            TableName,
            Key: keyOf('a'),
            UpdateExpression: 'SET p = :v',
            ExpressionAttributeValues: { ':v': { S: 'b' } },
          },
        }),
        'One or more parameter values were invalid: Cannot update attribute p. This attribute is part of the key',
      ],
      [
        'an update of what is not there',
        (TableName) => ({
          Update: {
            TableName,
            Key: keyOf('a'),
            UpdateExpression: 'SET n = n + :v',
            ExpressionAttributeValues: { ':v': { N: '1' } },
          },
        }),
        'The provided expression refers to an attribute that does not exist in the item',
      ],
    ])('%s', async (_name, action, message) => {
      const TableName = await setup.table();
      await expect(write([add(TableName, 'fine'), action(TableName)])).rejects.toMatchObject(
        cancelled(null, message),
      );
      expect((await setup.dynamo.scan({ TableName })).Count).toBe(0);
    });

    test('of several that do not fit, the first is told, and no condition is looked at', async () => {
      const TableName = await setup.sharedTable();
      const wrong: TransactWriteItem = { Put: { TableName, Item: { p: { N: '5' } } } };
      await expect(
        write([check(TableName, setup.newName(), 'attribute_exists(p)'), wrong, wrong]),
      ).rejects.toMatchObject(cancelled(null, typeMismatch('N'), null));
    });
  });

  describe('what is told first about a TransactWriteItems:', () => {
    test.each<[string, (TableName: string) => TransactWriteItem[], object]>([
      [
        'a malformed condition before an earlier table that is not there',
        (TableName) => [add('no-such-table', 'a'), check(TableName, 'a', 'attribute_exists(')],
        syntax,
      ],
      [
        'a malformed condition before a later item that nests too deep',
        (TableName) => [
          check(TableName, 'a', 'attribute_exists('),
          { Put: { TableName, Item: { ...keyOf('b'), d: nested(32) } } },
        ],
        syntax,
      ],
      [
        'an empty attribute name before a later malformed condition',
        (TableName) => [
          { Put: { TableName, Item: { ...keyOf('b'), '': { S: 'x' } } } },
          check(TableName, 'a', 'attribute_exists('),
        ],
        invalid('Empty attribute name'),
      ],
      [
        'a table that is not there before an item named twice',
        (TableName) => [add(TableName, 'a'), add(TableName, 'a'), add('no-such-table', 'a')],
        notFound,
      ],
      [
        'an item named twice before conditions',
        (TableName) => [
          add(TableName, 'a', 'attribute_exists(x)'),
          check(TableName, 'a', 'attribute_exists(x)'),
        ],
        duplicates,
      ],
      [
        'an empty key before an earlier key of another type',
        (TableName) => [{ Put: { TableName, Item: { p: { N: '5' } } } }, add(TableName, '')],
        emptyKey,
      ],
    ])('%s', async (_name, actions, expected) => {
      const TableName = await setup.sharedTable();
      await expect(write(actions(TableName))).rejects.toMatchObject(expected);
    });
  });
});
