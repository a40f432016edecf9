import { describe, expect, it } from 'vitest';
import type { Item } from '../../protocol/attribute-value.ts';
import type { Request } from '../../protocol/backend.ts';
import { Reply } from '../../protocol/reply.ts';
import { answerAsAsked, askForImages, imagesOf, imagesUntold } from '../../proxy/cache/write-images.ts';
import { type WriteTarget, writeTargets } from '../../proxy/cache/write-targets.ts';
import type { Table } from '../../proxy/table-descriptions.ts';

const id = { name: 'id', type: 'S' } as const;
const plain: Table = {
  id: 'T',
  name: 'items',
  schema: { partition: id, sort: undefined },
  indexes: [],
  fingerprint: '',
  streamArn: undefined,
  cache: true,
  itemTtlMs: 0,
  queryTtlMs: 0,
};
const color = { name: 'color', type: 'S' } as const;
const index = { name: 'byColor', partition: [color], sort: [], projectedNames: undefined };
const indexed: Table = { ...plain, indexes: [{ ...index, isGlobal: true }] };
const locallyIndexed: Table = { ...plain, indexes: [{ ...index, isGlobal: false }] };

const key: Item = { id: { S: 'a' } };
const red: Item = { ...key, color: { S: 'red' }, n: { N: '1' } };
const paint = {
  Key: key,
  UpdateExpression: 'SET color = :c ADD n :one',
  ExpressionAttributeValues: { ':c': { S: 'blue' }, ':one': { N: '1' } },
};

function request(operation: string, input: object): Request {
  return { operation, input: { TableName: 'items', ...input }, region: 'us-east-1' };
}

function target({ operation, input }: Request): WriteTarget {
  const [first] = writeTargets(operation, input) ?? [];
  if (first === undefined) throw new Error('no target');
  return first;
}

/** What is learnt of a write on a table when the store answers it with these attributes. */
function learn(table: Table, operation: string, input: object, Attributes?: Item) {
  const asked = askForImages(request(operation, input), table);
  const reply = new Reply({ Attributes, ConsumedCapacity: { TableName: 'items', CapacityUnits: 1 } });
  const { oldItem, newItem } = imagesOf(asked.request, target(asked.request), reply);
  const answer = answerAsAsked(asked, reply).output;
  return { sent: asked.request.input.ReturnValues, oldItem, newItem, answered: answer.Attributes };
}

describe('a write on a table with a global index', () => {
  it('asks a put and a delete for the item before, and keeps it to itself', () => {
    const put = learn(indexed, 'PutItem', { Item: { ...key, n: { N: '1.0' } } }, red);
    expect(put).toEqual({
      sent: 'ALL_OLD',
      oldItem: red,
      newItem: { ...key, n: { N: '1' } },
      answered: undefined,
    });
    const removed = learn(indexed, 'DeleteItem', { Key: key }, red);
    expect(removed).toEqual({ sent: 'ALL_OLD', oldItem: red, newItem: undefined, answered: undefined });
  });

  it('works out the item after an update', () => {
    const updated = learn(indexed, 'UpdateItem', paint, red);
    const blue = { ...key, color: { S: 'blue' }, n: { N: '2' } };
    expect(updated).toEqual({ sent: 'ALL_OLD', oldItem: red, newItem: blue, answered: undefined });
    const created = learn(indexed, 'UpdateItem', paint);
    expect(created.oldItem).toBeUndefined();
    expect(created.newItem).toEqual({ ...key, color: { S: 'blue' }, n: { N: '1' } });
  });

  it('works it out for legacy parameters and for no change, and takes it that an item is made of any', () => {
    const AttributeUpdates = { color: { Value: { S: 'blue' }, Action: 'PUT' }, n: { Action: 'DELETE' } };
    expect(learn(indexed, 'UpdateItem', { Key: key, AttributeUpdates }, red).newItem).toEqual({
      ...key,
      color: { S: 'blue' },
    });
    expect(learn(indexed, 'UpdateItem', { Key: key }).newItem).toEqual(key);
    const removes = { Key: key, UpdateExpression: 'REMOVE color' };
    expect(learn(indexed, 'UpdateItem', removes).newItem).toEqual(key);
  });

  it('does not pretend to know what it cannot work out', () => {
    const impossible = { ...paint, UpdateExpression: 'SET color = :c ADD id :one' };
    expect(learn(indexed, 'UpdateItem', impossible, red).newItem).toBe('unknown');
  });

  it.each(['UPDATED_OLD', 'UPDATED_NEW', 'ALL_NEW', 'ALL_OLD'])(
    'leaves %s as its caller wants it',
    (ReturnValues) => {
      const learnt = learn(indexed, 'UpdateItem', { ...paint, ReturnValues }, red);
      expect(learnt.sent).toBe(ReturnValues);
      expect(learnt.answered).toEqual(red);
      expect(learnt.oldItem).toEqual(ReturnValues === 'ALL_OLD' ? red : 'unknown');
      const isTold = ReturnValues === 'ALL_NEW' || ReturnValues === 'ALL_OLD';
      expect(learnt.newItem === 'unknown').toBe(!isTold);
    },
  );
});

describe('an answer that is no item of DynamoDB’s', () => {
  it.each([
    [{ ...key, color: null }],
    [{ ...key, color: 5 }],
    [{ ...key, n: { N: 'many' } }],
    [{ ...key, n: { M: null } }],
    ['nothing'],
  ])('tells nothing: %j', (attributes) => {
    expect(learn(indexed, 'DeleteItem', { Key: key }, attributes as unknown as Item)).toMatchObject({
      oldItem: 'unknown',
    });
  });
});

describe('a write on any other table', () => {
  it.each([plain, locallyIndexed])('asks an update alone, for the item that can be kept', (table) => {
    const learnt = learn(table, 'UpdateItem', paint, red);
    expect(learnt).toEqual({ sent: 'ALL_NEW', oldItem: 'unknown', newItem: red, answered: undefined });
    expect(learn(table, 'PutItem', { Item: red }).sent).toBeUndefined();
    expect(learn(table, 'DeleteItem', { Key: key }).sent).toBeUndefined();
  });
});

describe('one of several writes', () => {
  it('tells what it leaves, where it is a put or a delete', () => {
    const batch = request('BatchWriteItem', {
      RequestItems: { items: [{ PutRequest: { Item: red } }, { DeleteRequest: { Key: key } }] },
    });
    const transaction = request('TransactWriteItems', {
      TransactItems: [
        { Put: { TableName: 'items', Item: red } },
        { Update: { TableName: 'items', ...paint } },
      ],
    });
    const targets = [batch, transaction].flatMap(
      ({ operation, input }) => writeTargets(operation, input) ?? [],
    );
    expect(targets.map(imagesUntold)).toEqual([
      { oldItem: 'unknown', newItem: red },
      { oldItem: 'unknown', newItem: undefined },
      { oldItem: 'unknown', newItem: red },
      { oldItem: 'unknown', newItem: 'unknown' },
    ]);
    const images = imagesOf(batch, targets[0] as WriteTarget, new Reply({ UnprocessedItems: {} }));
    expect(images).toEqual({ oldItem: 'unknown', newItem: red });
  });
});
