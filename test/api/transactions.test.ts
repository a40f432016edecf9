import type { AttributeValue, TransactGetItem, TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from 'vitest';
import { describeSetups, type Item, invalid, refusal } from './setups.ts';

const notFound = refusal('ResourceNotFoundException', 'Requested resource not found');
const duplicates = invalid('Transaction request cannot include multiple operations on one item');
const emptyKey = invalid(
  'One or more parameter values are not valid. ' +
    'The AttributeValue for a key attribute cannot contain an empty string value. Key: p',
);
const tooDeep = invalid(
  'Nesting Levels have exceeded supported limits: ' +
    'Attributes in the item have nested levels beyond supported limit',
);
const syntax = invalid('Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "("');
const schemaMismatch = 'The provided key element does not match the schema';
const conditionFailed = 'The conditional request failed';

/** @param reasons the messages of the actions' reasons; null for an action that has none. */
function cancelled(...reasons: (string | null)[]): object {
  const codes = reasons.map((message) => {
    if (message === null) return 'None';
    return message === conditionFailed ? 'ConditionalCheckFailed' : 'ValidationError';
  });
  const text = 'Transaction cancelled, please refer cancellation reasons for specific reasons';
  return {
    ...refusal('TransactionCanceledException', `${text} [${codes.join(', ')}]`),
    CancellationReasons: reasons.map((Message, i) => ({
      Code: codes[i],
      ...(Message !== null && { Message }),
    })),
  };
}

function keyOf(p: string): Item {
  return { p: { S: p } };
}

function nested(levels: number): AttributeValue {
  return levels === 0 ? { S: 'leaf' } : { M: { n: nested(levels - 1) } };
}

/** An item of exactly that size. */
function itemOf(p: string, bytes: number): Item {
  return { ...keyOf(p), f: { S: 'x'.repeat(bytes - 2 - p.length) } };
}

function add(TableName: string, p: string, condition?: string): TransactWriteItem {
  return {
    Update: {
      TableName,
      Key: keyOf(p),
      UpdateExpression: 'ADD n :one',
      ExpressionAttributeValues: { ':one': { N: '1' } },
      ...(condition !== undefined && { ConditionExpression: condition }),
    },
  };
}

function check(TableName: string, p: string, ConditionExpression: string): TransactWriteItem {
  return { ConditionCheck: { TableName, Key: keyOf(p), ConditionExpression } };
}

describeSetups((setup) => {
  const write = (TransactItems: TransactWriteItem[], more: object = {}) =>
    setup.dynamo.transactWriteItems({ TransactItems, ...more });
  const read = (TransactItems: TransactGetItem[], more: object = {}) =>
    setup.dynamo.transactGetItems({ TransactItems, ...more });

  async function stored(TableName: string, p: string): Promise<Item | undefined> {
    return (await setup.dynamo.getItem({ TableName, Key: keyOf(p), ConsistentRead: true })).Item;
  }

  /** Names that no other test uses. */
  function names(count: number): string[] {
    return Array.from({ length: count }, () => setup.newName());
  }

  describe('TransactWriteItems', () => {
    test('puts, updates, deletes and checks in several tables', async () => {
      const [TableName, other] = [await setup.sharedTable(), await setup.sharedTable({ s: 'N' })];
      const [put = '', updated = '', deleted = '', checked = ''] = names(4);
      await setup.dynamo.putItem({ TableName, Item: { ...keyOf(deleted), v: { BOOL: true } } });
      await setup.dynamo.putItem({ TableName, Item: { ...keyOf(updated), n: { N: '1' } } });
      const reply = await write([
        { Put: { TableName: other, Item: { ...keyOf(put), s: { N: '1.0' } } } },
        add(TableName, updated, 'n = :one'),
        { Delete: { TableName, Key: keyOf(deleted), ConditionExpression: 'attribute_exists(v)' } },
        check(TableName, checked, 'attribute_not_exists(p)'),
      ]);
      expect(Object.keys(reply)).toEqual(['$metadata']);
      expect(await stored(TableName, updated)).toEqual({ ...keyOf(updated), n: { N: '2' } });
      expect(await stored(TableName, deleted)).toBeUndefined();
      expect(await stored(TableName, checked)).toBeUndefined();
      const Key = { ...keyOf(put), s: { N: '1' } };
      expect((await setup.dynamo.getItem({ TableName: other, Key })).Item).toEqual(Key);
    });

    test('is seen by the next reads, though its items were cached', async () => {
      const TableName = await setup.sharedTable();
      const [put = '', updated = '', deleted = '', made = ''] = names(4);
      const Items = [put, updated, deleted].map((p) => ({ ...keyOf(p), n: { N: '1' } }));
      for (const Item of Items) await setup.dynamo.putItem({ TableName, Item });
      const all = [put, updated, deleted, made];
      const cached = async () => {
        const found = [];
        for (const p of all)
          found.push((await setup.dynamo.getItem({ TableName, Key: keyOf(p) })).Item?.n?.N);
        return found;
      };
      for (let i = 0; i < 3; i++) expect(await cached()).toEqual(['1', '1', '1', undefined]);
      await write([
        { Put: { TableName, Item: { ...keyOf(put), n: { N: '7' } } } },
        add(TableName, updated),
        { Delete: { TableName, Key: keyOf(deleted) } },
        add(TableName, made),
      ]);
      for (let i = 0; i < 3; i++) expect(await cached()).toEqual(['7', '2', undefined, '1']);
      await expect(
        write([add(TableName, updated), check(TableName, deleted, 'attribute_exists(p)')]),
      ).rejects.toMatchObject(cancelled(null, conditionFailed));
      expect(await cached()).toEqual(['7', '2', undefined, '1']);
    });

    test('of which conditions fail changes nothing, and tells which ones', async () => {
      const TableName = await setup.sharedTable();
      const [there = '', fresh = '', absent = ''] = names(3);
      const Item = { ...keyOf(there), n: { N: '1' } };
      await setup.dynamo.putItem({ TableName, Item });
      const failing = write([
        { Put: { TableName, Item: keyOf(fresh), ConditionExpression: 'attribute_not_exists(p)' } },
        {
          Put: {
            TableName,
            Item: keyOf(there),
            ConditionExpression: 'n > :n',
            ExpressionAttributeValues: { ':n': { N: '1' } },
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          },
        },
        check(TableName, absent, 'attribute_exists(p)'),
      ]);
      const error = await failing.catch((reason: unknown) => reason);
      expect(error).toMatchObject(cancelled(null, conditionFailed, conditionFailed));
      const { CancellationReasons: reasons = [] } = error as { CancellationReasons?: { Item?: Item }[] };
      expect(reasons.map((reason) => reason.Item)).toEqual([undefined, Item, undefined]);
      expect(await stored(TableName, fresh)).toBeUndefined();
      expect(await stored(TableName, there)).toEqual(Item);
    });

    test('on a table that is named by its ARN is on that table', async () => {
      const TableName = await setup.table();
      const arn = (await setup.dynamo.describeTable({ TableName })).Table?.TableArn ?? '';
      await write([add(arn, 'a'), add(TableName, 'b')]);
      expect((await setup.dynamo.scan({ TableName, Select: 'COUNT' })).Count).toBe(2);
      await expect(write([add(arn, 'a'), add(TableName, 'a')])).rejects.toMatchObject(duplicates);
    });

    test('takes a hundred actions', async () => {
      const TableName = await setup.table();
      await write(Array.from({ length: 100 }, (_, i) => add(TableName, `${i}`)));
      expect((await setup.dynamo.scan({ TableName, Select: 'COUNT' })).Count).toBe(100);
      await expect(
        write(Array.from({ length: 101 }, (_, i) => add(TableName, `${i}`))),
      ).rejects.toMatchObject(
        invalid(
          /^1 validation error detected: Value '\[.+\]' at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to 100$/,
        ),
      );
    });

    test('with a token happens once', async () => {
      const TableName = await setup.sharedTable();
      const [p = '', other = '', token] = names(3);
      await write([add(TableName, p)], { ClientRequestToken: token });
      await write([add(TableName, p)], { ClientRequestToken: token });
      expect((await stored(TableName, p))?.n).toEqual({ N: '1' });
      await expect(write([add(TableName, other)], { ClientRequestToken: token })).rejects.toMatchObject(
        refusal(
          'IdempotentParameterMismatchException',
          'The request uses the same client token as a previous, but non-identical request.',
        ),
      );
      await write([add(TableName, p)]);
      expect((await stored(TableName, p))?.n).toEqual({ N: '2' });
    });

    test('takes items of 409,600 bytes, put or updated', async () => {
      const TableName = await setup.sharedTable();
      const [put = '', updated = '', over = ''] = names(3);
      const update = (p: string, bytes: number): TransactWriteItem => ({
        Update: {
          TableName,
          Key: keyOf(p),
          UpdateExpression: 'SET f = :f',
          ExpressionAttributeValues: { ':f': itemOf(p, bytes).f as AttributeValue },
        },
      });
      await write([{ Put: { TableName, Item: itemOf(put, 409_600) } }, update(updated, 409_600)]);
      await expect(
        write([add(TableName, setup.newName()), { Put: { TableName, Item: itemOf(over, 409_601) } }]),
      ).rejects.toMatchObject(invalid('Item size has exceeded the maximum allowed size'));
      await expect(write([add(TableName, setup.newName()), update(over, 409_601)])).rejects.toMatchObject(
        cancelled(null, 'Item size to update has exceeded the maximum allowed size'),
      );
    });
  });

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

  describe('TransactGetItems', () => {
    test('answers in the order of the request, with an empty member for what is not there', async () => {
      const [TableName, other] = [await setup.sharedTable(), await setup.sharedTable({ s: 'N' })];
      const [first = '', second = '', absent = ''] = names(3);
      const Item = { ...keyOf(first), a: { M: { b: { S: 'x' }, c: { S: 'y' } } }, d: { N: '1' } };
      await setup.dynamo.putItem({ TableName, Item });
      await setup.dynamo.putItem({ TableName: other, Item: { ...keyOf(second), s: { N: '2' } } });
      const { Responses } = await read([
        { Get: { TableName, Key: keyOf(absent) } },
        { Get: { TableName: other, Key: { ...keyOf(second), s: { N: '2.0' } } } },
        {
          Get: {
            TableName,
            Key: keyOf(first),
            ProjectionExpression: '#a.b, d',
            ExpressionAttributeNames: { '#a': 'a' },
          },
        },
      ]);
      expect(Responses).toEqual([
        {},
        { Item: { ...keyOf(second), s: { N: '2' } } },
        { Item: { a: { M: { b: { S: 'x' } } }, d: { N: '1' } } },
      ]);
      const none = await read([{ Get: { TableName, Key: keyOf(first), ProjectionExpression: 'nothing' } }]);
      expect(none.Responses).toEqual([{}]);
    });

    test('reads a hundred items', async () => {
      const TableName = await setup.table();
      await write(Array.from({ length: 100 }, (_, i) => add(TableName, `${i}`)));
      const gets = Array.from({ length: 100 }, (_, i) => ({ Get: { TableName, Key: keyOf(`${99 - i}`) } }));
      const { Responses } = await read(gets);
      expect(Responses?.map(({ Item }) => Item?.p?.S)).toEqual(gets.map(({ Get }) => Get.Key.p?.S));
    });

    test.each<[string, (TableName: string) => TransactGetItem[], object]>([
      [
        'an item named twice',
        (TableName) => [{ Get: { TableName, Key: keyOf('a') } }, { Get: { TableName, Key: keyOf('a') } }],
        duplicates,
      ],
      [
        'a table that is not there',
        () => [{ Get: { TableName: 'no-such-table', Key: keyOf('a') } }],
        notFound,
      ],
      ['an empty key', (TableName) => [{ Get: { TableName, Key: keyOf('') } }], emptyKey],
      [
        'no key',
        (TableName) => [{ Get: { TableName, Key: keyOf('a') } }, { Get: { TableName, Key: {} } }],
        cancelled(null, schemaMismatch),
      ],
      [
        'a key of another type',
        (TableName) => [{ Get: { TableName, Key: { p: { N: '1' } } } }],
        cancelled(schemaMismatch),
      ],
      [
        'a malformed projection, though the table is not there',
        () => [{ Get: { TableName: 'no-such-table', Key: keyOf('a'), ProjectionExpression: '!!!' } }],
        invalid('Invalid ProjectionExpression: Syntax error; token: "!", near: "!!"'),
      ],
      [
        'an unused name',
        (TableName) => [
          {
            Get: {
              TableName,
              Key: keyOf('a'),
              ProjectionExpression: 'a',
              ExpressionAttributeNames: { '#a': 'a' },
            },
          },
        ],
        invalid('Value provided in ExpressionAttributeNames unused in expressions: keys: {#a}'),
      ],
    ])('refuses %s', async (_name, gets, expected) => {
      await expect(read(gets(await setup.sharedTable()))).rejects.toMatchObject(expected);
    });
  });

  describe('the cost of a transaction', () => {
    test('is twice that of its writes, checks included, by table', async () => {
      const [TableName, other] = [await setup.table(), await setup.table()];
      const large = itemOf('a', 1537);
      const { ConsumedCapacity } = await write(
        [
          { Put: { TableName, Item: large, ConditionExpression: 'attribute_not_exists(p)' } },
          check(other, 'x', 'attribute_not_exists(p)'),
          { Delete: { TableName, Key: keyOf('nothing') } },
        ],
        { ReturnConsumedCapacity: 'TOTAL', ReturnItemCollectionMetrics: 'SIZE' },
      );
      expect(ConsumedCapacity).toEqual([
        { TableName, CapacityUnits: 6, WriteCapacityUnits: 6 },
        { TableName: other, CapacityUnits: 2, WriteCapacityUnits: 2 },
      ]);
      const deleting = await write([{ Delete: { TableName, Key: keyOf('a') } }], {
        ReturnConsumedCapacity: 'INDEXES',
      });
      const four = { CapacityUnits: 4, WriteCapacityUnits: 4 };
      expect(deleting.ConsumedCapacity).toEqual([{ TableName, ...four, Table: four }]);
    });

    test('is that of reading its items where it has happened already', async () => {
      const TableName = await setup.table();
      const put = [{ Put: { TableName, Item: itemOf('a', 5000) } }];
      const more = { ClientRequestToken: setup.newName(), ReturnConsumedCapacity: 'INDEXES' };
      await write(put, more);
      const four = { CapacityUnits: 4, ReadCapacityUnits: 4 };
      expect((await write(put, more)).ConsumedCapacity).toEqual([{ TableName, ...four, Table: four }]);
    });

    test('is twice that of consistent reads, missing items included', async () => {
      const TableName = await setup.table();
      await setup.dynamo.putItem({ TableName, Item: itemOf('a', 5000) });
      const gets = ['a', 'b'].map((p) => ({
        Get: { TableName, Key: keyOf(p), ProjectionExpression: 'p' },
      }));
      const six = { CapacityUnits: 6, ReadCapacityUnits: 6 };
      const total = await read(gets, { ReturnConsumedCapacity: 'TOTAL' });
      expect(total.ConsumedCapacity).toEqual([{ TableName, ...six }]);
      const indexes = await read(gets, { ReturnConsumedCapacity: 'INDEXES' });
      expect(indexes.ConsumedCapacity).toEqual([{ TableName, ...six, Table: six }]);
      expect(await read(gets)).not.toHaveProperty('ConsumedCapacity');
    });
  });
});
