import fc from 'fast-check';
import { expect, test } from 'vitest';
import { describeSetups, type Item, type Setup } from './setups.ts';

/** One client's step with one item. */
type Step =
  | { readonly kind: 'put' | 'batchPut'; readonly value: string }
  | { readonly kind: 'delete' | 'batchDelete' | 'add' | 'refusedPut' | 'refusedDelete' }
  | { readonly kind: 'read' };

const value = fc.string({ maxLength: 4 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom('put' as const, 'batchPut' as const), value }),
  fc.record({
    kind: fc.constantFrom(
      'delete' as const,
      'batchDelete' as const,
      'add' as const,
      'refusedPut' as const,
      'refusedDelete' as const,
      'read' as const,
    ),
  }),
);

describeSetups((setup) => {
  test('whoever has written reads it, in every way of reading', async () => {
    const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const item = new ModelledItem(setup, await setup.sharedTable({ s: 'S' }), setup.newName());
      for (const next of steps) {
        await item.take(next);
        await item.expectRead();
      }
    });
    await fc.assert(property, { numRuns: 15 });
  });

  test('no read goes back behind an acknowledged write, however many there are at once', async () => {
    const TableName = await setup.sharedTable();
    const Key = { p: { S: setup.newName() } };
    let acknowledged = 0;
    let isWriting = true;
    const write = async () => {
      for (let i = 1; i <= 60; i++) {
        await setup.dynamo.updateItem({
          TableName,
          Key,
          UpdateExpression: 'ADD n :one',
          ExpressionAttributeValues: { ':one': { N: '1' } },
        });
        acknowledged = i;
      }
      isWriting = false;
    };
    const read = async () => {
      while (isWriting) {
        const least = acknowledged;
        const { Item } = await setup.dynamo.getItem({ TableName, Key });
        expect(Number(Item?.n?.N ?? 0)).toBeGreaterThanOrEqual(least);
      }
    };
    await Promise.all([write(), read(), read(), read(), read()]);
    expect((await setup.dynamo.getItem({ TableName, Key })).Item?.n).toEqual({ N: '60' });
  });

  test('many readers of one cold item all get it', async () => {
    const TableName = await setup.table();
    const Item = { p: { S: 'hot' }, v: { S: 'x' } };
    await setup.dynamo.putItem({ TableName, Item });
    const replies = await Promise.all(
      Array.from({ length: 50 }, () => setup.dynamo.getItem({ TableName, Key: { p: Item.p } })),
    );
    expect(replies.every((reply) => reply.Item?.v?.S === 'x')).toBe(true);
  });
});

/** An item in the table, and what it should be. */
class ModelledItem {
  readonly #setup: Setup;
  readonly #tableName: string;
  readonly #key: Item;
  #item: Item | undefined;

  constructor(setup: Setup, tableName: string, name: string) {
    this.#setup = setup;
    this.#tableName = tableName;
    this.#key = { p: { S: name }, s: { S: 's' } };
  }

  async take(next: Step): Promise<void> {
    const { dynamo } = this.#setup;
    const TableName = this.#tableName;
    const Key = this.#key;
    switch (next.kind) {
      case 'put':
        this.#item = { ...Key, v: { S: next.value } };
        await dynamo.putItem({ TableName, Item: this.#item });
        break;
      case 'batchPut':
        this.#item = { ...Key, v: { S: next.value } };
        await dynamo.batchWriteItem({
          RequestItems: { [TableName]: [{ PutRequest: { Item: this.#item } }] },
        });
        break;
      case 'delete':
        this.#item = undefined;
        await dynamo.deleteItem({ TableName, Key });
        break;
      case 'batchDelete':
        this.#item = undefined;
        await dynamo.batchWriteItem({ RequestItems: { [TableName]: [{ DeleteRequest: { Key } }] } });
        break;
      case 'add':
        this.#item = { ...Key, ...this.#item, n: { N: `${Number(this.#item?.n?.N ?? 0) + 1}` } };
        await dynamo.updateItem({
          TableName,
          Key,
          UpdateExpression: 'ADD n :one',
          ExpressionAttributeValues: { ':one': { N: '1' } },
        });
        break;
      case 'refusedPut':
        await this.#expectRefused(
          dynamo.putItem({ TableName, Item: { ...Key, v: { S: 'never' } }, ...impossible }),
        );
        break;
      case 'refusedDelete':
        await this.#expectRefused(dynamo.deleteItem({ TableName, Key, ...impossible }));
    }
  }

  async expectRead(): Promise<void> {
    const { dynamo } = this.#setup;
    const TableName = this.#tableName;
    const Key = this.#key;
    const expected = this.#item === undefined ? [] : [this.#item];
    expect((await dynamo.getItem({ TableName, Key })).Item).toEqual(this.#item);
    const { Responses } = await dynamo.batchGetItem({ RequestItems: { [TableName]: { Keys: [Key] } } });
    expect(Responses?.[TableName]).toEqual(expected);
    const { Items } = await dynamo.query({
      TableName,
      KeyConditionExpression: 'p = :p',
      ExpressionAttributeValues: { ':p': Key.p ?? { S: '' } },
    });
    expect(Items).toEqual(expected);
    const { Item } = await dynamo.getItem({ TableName, Key, ProjectionExpression: 'v, n' });
    const { p, s, ...rest } = this.#item ?? {};
    expect(Item).toEqual(p === undefined || s === undefined ? undefined : rest);
  }

  async #expectRefused(call: Promise<unknown>): Promise<void> {
    await expect(call).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' });
  }
}

const impossible = { ConditionExpression: 'attribute_exists(p) AND attribute_not_exists(p)' };
