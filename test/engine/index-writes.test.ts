import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestEngine } from './engine-harness.ts';
import { createTableInput, type Item, shapes } from './index-model.ts';

/* What a single write does to indexes, and what they refuse. */

let store: TestEngine;

beforeAll(async () => {
  store = await TestEngine.open();
  await store.call('CreateTable', createTableInput('Writes', shapes));
});

afterAll(() => store.remove());

const key = { p: { S: 'p' }, s: { N: '1' } };

async function inIndex(IndexName: string): Promise<Item[]> {
  const { Items } = await store.call<{ Items: Item[] }>('Scan', { TableName: 'Writes', IndexName });
  return Items;
}

async function update(expression: string, values?: object): Promise<unknown> {
  return store.call('UpdateItem', {
    TableName: 'Writes',
    Key: key,
    UpdateExpression: expression,
    ...(values !== undefined && { ExpressionAttributeValues: values }),
  });
}

describe('an item', () => {
  test('enters an index, moves and leaves it as its attributes come, change and go', async () => {
    await store.call('PutItem', { TableName: 'Writes', Item: { ...key, x: { S: 'x' } } });
    expect(await inIndex('strings')).toEqual([]);
    await update('SET a = :a', { ':a': { S: 'a' } });
    expect(await inIndex('strings')).toEqual([{ ...key, x: { S: 'x' }, a: { S: 'a' } }]);
    await update('SET a = :a', { ':a': { S: 'b' } });
    expect(await inIndex('strings')).toEqual([{ ...key, x: { S: 'x' }, a: { S: 'b' } }]);
    await update('REMOVE x');
    expect(await inIndex('strings')).toEqual([]);
    expect(await inIndex('hash-only')).toEqual([{ ...key, a: { S: 'b' } }]);
    await store.call('DeleteItem', { TableName: 'Writes', Key: key });
    expect(await inIndex('hash-only')).toEqual([]);
  });

  test('is in an index of several attributes only with all of them', async () => {
    await store.call('PutItem', {
      TableName: 'Writes',
      Item: { ...key, x: { S: 'x' }, y: { N: '1' }, a: { S: 'a' }, n: { N: '1' } },
    });
    expect(await inIndex('many')).toEqual([]);
    await update('SET b = :b, more = :more', { ':b': { B: 'AA==' }, ':more': { S: 'more' } });
    const [found] = await inIndex('many');
    expect(found).toMatchObject({ more: { S: 'more' }, b: { B: 'AA==' } });
    expect(await inIndex('bytes')).toHaveLength(1);
  });
});

describe('a write is refused and changes nothing', () => {
  const refusals: readonly [what: string, attributes: object, text: string | RegExp][] = [
    [
      'of the wrong type',
      { n: { S: 'one' } },
      'One or more parameter values were invalid: Type mismatch for Index Key n Expected: N Actual: S IndexName: numbers',
    ],
    ['empty', { a: { S: '' } }, /A value specified for a secondary index key is not supported/],
    [
      'too long',
      { a: { S: 'a'.repeat(1025) } },
      /size of all range keys has exceeded the size limit of 1024 bytes/,
    ],
    ['a set', { x: { SS: ['x'] } }, /Type mismatch for Index Key x Expected: S Actual: SS/],
  ];

  for (const [what, attributes, text] of refusals) {
    test(`by a key of an index that is ${what}`, async () => {
      const Item = { ...key, x: { S: 'x' }, ...attributes };
      await expect(store.call('PutItem', { TableName: 'Writes', Item })).rejects.toThrow(text);
      const puts = { Writes: [{ PutRequest: { Item } }] };
      await expect(store.call('BatchWriteItem', { RequestItems: puts })).rejects.toMatchObject({
        code: 'ValidationException',
      });
      const [[name, value]] = Object.entries(attributes) as [[string, unknown]];
      await expect(update(`SET ${name} = :v`, { ':v': value })).rejects.toMatchObject({
        code: 'ValidationException',
      });
      expect(await inIndex('many')).toHaveLength(1);
    });
  }

  const mismatch =
    'One or more parameter values were invalid: Type mismatch for Index Key a Expected: S Actual: ';
  const noPath =
    "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: a";
  const unsupported = 'The update expression attempted to update the secondary index key to unsupported type';

  test.each([
    ['SET a = :n', `${mismatch}N`],
    ['SET a = y + :n', `${mismatch}N`],
    ['ADD a :n', `${mismatch}N`],
    ['SET a.b = :n', noPath],
    ['REMOVE a[0]', noPath],
    ['SET a = y', unsupported],
  ])('by an update that makes it something else: %s', async (expression, text) => {
    const values = expression.includes(':n') ? { ':n': { N: '1' } } : undefined;
    await expect(update(expression, values)).rejects.toThrow(text);
    expect(await inIndex('many')).toHaveLength(1);
  });

  test('by AttributeUpdates that make it something else', async () => {
    const AttributeUpdates = { a: { Value: { N: '1' }, Action: 'PUT' } };
    await expect(
      store.call('UpdateItem', { TableName: 'Writes', Key: key, AttributeUpdates }),
    ).rejects.toThrow(`${mismatch}N`);
  });

  test('by range attributes that are too long together', async () => {
    const parts = { a: { S: 'a'.repeat(600) }, b: { B: Buffer.alloc(500).toString('base64') } };
    const Item = { ...key, x: { S: 'x' }, y: { N: '1' }, n: { N: '1' }, ...parts };
    await expect(store.call('PutItem', { TableName: 'Writes', Item })).rejects.toThrow(
      'Aggregated size of all range keys has exceeded the size limit of 1024 bytes',
    );
  });
});
