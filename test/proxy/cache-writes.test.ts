import { describe, expect, it } from 'vitest';
import { DynamoDbError } from '../../protocol/errors.ts';
import { Fixture, idSchema, itemOf, settled, storeKinds } from './accelerator-fixture.ts';

const key = { TableName: 'items', Key: { id: { S: 'a' } } };
const update = { ...key, UpdateExpression: 'SET v = :v', ExpressionAttributeValues: { ':v': { S: '2' } } };

/** How many reads the store gets for one read of the item, and what that answers. */
async function read(f: Fixture): Promise<{ answer: unknown; asked: number }> {
  let answer: unknown;
  const asked = await f.countDuring('GetItem', async () => {
    answer = await f.get('a');
  });
  return { answer, asked };
}

describe.each(storeKinds)('after a write to a store that %s', (_name, kind) => {
  it.each([
    ['PutItem', { TableName: 'items', Item: itemOf('a', '2') }, { Item: itemOf('a', '2') }],
    ['UpdateItem', { ...update, ReturnValues: 'ALL_NEW' }, { Item: itemOf('a', '2') }],
    ['DeleteItem', key, {}],
  ])('%s leaves the new value in the cache', async (operation, input, answer) => {
    const f = new Fixture(kind);
    f.store.put('items', itemOf('a', '1'));
    await f.get('a');
    await f.call(operation, input);
    expect(await read(f)).toEqual({ answer, asked: 0 });
  });

  it.each([
    ['UpdateItem', update],
    ['BatchWriteItem', { RequestItems: { items: [{ PutRequest: { Item: itemOf('a', '2') } }] } }],
    ['TransactWriteItems', { TransactItems: [{ Put: { TableName: 'items', Item: itemOf('a', '2') } }] }],
    ['TransactWriteItems', { TransactItems: [{ Update: update }, { ConditionCheck: key }] }],
  ])('%s leaves nothing old in the cache', async (operation, input) => {
    const f = new Fixture(kind);
    f.store.put('items', itemOf('a', '1'));
    await f.get('a');
    await f.call(operation, input);
    expect((await read(f)).answer).toEqual({ Item: itemOf('a', '2') });
    expect(f.accelerator.stats()).toMatchObject({ tokens: 0, fences: 0 });
  });

  it('keeps canonical numbers and sets as the store answers them', async () => {
    const f = new Fixture(kind);
    const item = { id: { S: 'a' }, n: { N: '+1.50' }, s: { NS: ['1.0', '2e0'] } };
    await f.get('a');
    await f.call('PutItem', { TableName: 'items', Item: item });
    expect(await read(f)).toEqual({ answer: f.direct('GetItem', key), asked: 0 });
  });
});

describe('a write to a store that announces nothing', () => {
  const open = () => new Fixture({ answers: 'soon', bytes: false });

  it.each([
    new DynamoDbError('ConditionalCheckFailedException', 'The conditional request failed'),
    new DynamoDbError('ServiceUnavailable', 'It was not sent', 503),
  ])('that was refused leaves the cache right and open: %s', async (refusal) => {
    const f = open();
    await f.get('a');
    f.store.failures.set('PutItem', refusal);
    await expect(f.put('a', '2')).rejects.toBe(refusal);
    expect(await read(f)).toEqual({ answer: {}, asked: 1 });
    expect(await read(f)).toEqual({ answer: {}, asked: 0 });
  });

  it.each([
    ['failed without an answer', new Error('socket hang up')],
    [
      'says itself that it is unanswered',
      Object.assign(new DynamoDbError('InternalServerError', '', 400), { unanswered: true }),
    ],
  ])('that %s keeps its key out of the cache until it cannot be applied any more', async (_name, error) => {
    const f = open();
    await f.get('a');
    f.store.failures.set('PutItem', error);
    await expect(f.put('a', '2')).rejects.toBe(error);
    expect((await read(f)).asked).toBe(1);
    expect((await read(f)).asked).toBe(1);
    expect(f.accelerator.stats().fences).toBe(1);
    f.store.put('items', itemOf('a', '2'));
    f.clock.advance(10_000);
    expect(await read(f)).toEqual({ answer: { Item: itemOf('a', '2') }, asked: 1 });
    expect((await read(f)).asked).toBe(0);
    expect(f.accelerator.stats().fences).toBe(0);
  });

  it.each([
    ['PutItem', { TableName: 'items', Item: { v: { S: '1' } } }],
    ['UpdateItem', { TableName: 'items', Key: { id: { N: '1' } } }],
    ['DeleteItem', { TableName: 'items' }],
    ['BatchWriteItem', { RequestItems: { items: [null] } }],
    ['BatchWriteItem', { RequestItems: { items: 'none' } }],
    ['TransactWriteItems', { TransactItems: [5] }],
  ])(
    'that makes no sense goes on to the store, and voids nothing if it is refused: %s',
    async (operation, input) => {
      const f = open();
      await f.get('a');
      f.store.failures.set(operation, new DynamoDbError('ValidationException', 'wrong'));
      await expect(f.call(operation, input)).rejects.toThrow('wrong');
      expect((await read(f)).asked).toBe(0);
    },
  );

  it('that is not understood but applied voids the table', async () => {
    const f = open();
    await f.get('a');
    await f.call('PutItem', { TableName: 'items', Item: { id: { S: 'a', N: null }, v: { S: '2' } } });
    expect(await read(f)).toEqual({ answer: { Item: itemOf('a', '2') }, asked: 1 });
  });

  it('ends its fence where nobody can tell the size of what it left', async () => {
    const f = open();
    const odd = { id: { S: 'a' }, v: { N: 'NaN' } };
    f.answerWith('UpdateItem', { Attributes: odd });
    expect(await f.call('UpdateItem', { ...update, ReturnValues: 'ALL_NEW' })).toEqual({ Attributes: odd });
    expect(f.accelerator.stats()).toMatchObject({ fences: 0, entries: 0 });
    expect(await read(f)).toEqual({ answer: { Item: itemOf('a', '2') }, asked: 1 });
    expect((await read(f)).asked).toBe(0);
  });

  it('reaches the store as it was read, whatever else its bytes say', async () => {
    const f = open();
    const body = Buffer.from(
      '{"TableName":"items","Item":{"id":{"S":"b"}},"Item":{"id":{"S":"a"},"v":{"S":"2"}}}',
    );
    await f.send({ operation: 'PutItem', input: JSON.parse(body.toString()), body, region: 'us-east-1' });
    expect(f.store.requests.at(-1)).toEqual({
      operation: 'PutItem',
      input: { TableName: 'items', Item: itemOf('a', '2') },
      region: 'us-east-1',
    });
  });

  it('in a transaction with a table that is not known voids the tables of the transaction only', async () => {
    const f = open();
    f.store.createTable('unknown', idSchema);
    f.store.createTable('others', idSchema);
    const other = () => f.call('GetItem', { TableName: 'others', Key: { id: { S: 'a' } } });
    await f.get('a');
    await other();
    f.store.failures.set('DescribeTable', new DynamoDbError('AccessDeniedException', 'no'));
    const puts = ['items', 'unknown'].map((TableName) => ({ Put: { TableName, Item: itemOf('a', '2') } }));
    await f.call('TransactWriteItems', { TransactItems: puts });
    expect(await read(f)).toEqual({ answer: { Item: itemOf('a', '2') }, asked: 1 });
    expect(await f.countDuring('GetItem', other)).toBe(0);
  });

  it('leaves the values of other keys alone', async () => {
    const f = open();
    await f.get('a');
    await f.put('b', '1');
    expect((await read(f)).asked).toBe(0);
  });

  it('holds reads out of the cache while it is under way', async () => {
    const f = new Fixture({ answers: 'held', bytes: false });
    const write = f.put('a', '2');
    await settled();
    const before = f.get('a');
    await settled();
    for (const call of [...f.store.held].reverse()) call.answer();
    expect(await before).toEqual({});
    await write;
    expect(await f.get('a')).toEqual({ Item: itemOf('a', '2') });
    expect(f.store.count('GetItem')).toBe(1);
  });
});

describe('a store that announces its commits', () => {
  it('takes writes without a fence, marked as coming through the cache', async () => {
    const f = new Fixture({ announces: true });
    await f.put('a', '1');
    expect(f.store.requests.map(({ operation }) => operation)).toEqual(['PutItem']);
    expect(f.store.requests[0]?.origin).toBeDefined();
  });

  it('tells of writes that went around', async () => {
    const f = new Fixture({ announces: true });
    await f.get('a');
    f.store.put('items', itemOf('a', '2'));
    expect(await read(f)).toEqual({ answer: { Item: itemOf('a', '2') }, asked: 1 });
  });
});

describe('settling', () => {
  const open = () => new Fixture({ answers: 'soon', bytes: false }, { settleMs: 1_000 });
  const wasConsistent = (f: Fixture) => f.store.requests.at(-1)?.input.ConsistentRead === true;

  it('reads everything consistently at the start', async () => {
    const f = new Fixture({}, { settleMs: 20_000 });
    await f.get('a');
    expect(wasConsistent(f)).toBe(true);
    f.clock.advance(20_000);
    await f.get('b');
    expect(wasConsistent(f)).toBe(false);
  });

  it('reads what was just written consistently, and only that', async () => {
    const f = open();
    f.store.catchUp();
    f.store.lags = true;
    await f.get('c');
    f.clock.advance(1_000);
    await f.call('UpdateItem', { ...update, ReturnValues: 'UPDATED_NEW' });
    await f.get('b');
    expect(wasConsistent(f)).toBe(false);
    expect(await f.get('a')).toEqual({ Item: itemOf('a', '2') });
    expect(wasConsistent(f)).toBe(true);
    await f.call('UpdateItem', { ...update, ReturnValues: 'UPDATED_NEW' });
    f.clock.advance(1_000);
    await f.get('a');
    expect(wasConsistent(f)).toBe(false);
  });

  it('reads the keys of a batch consistently with one that was just written', async () => {
    const f = open();
    await f.call('UpdateItem', update);
    await f.call('BatchGetItem', {
      RequestItems: { items: { Keys: [{ id: { S: 'a' } }, { id: { S: 'b' } }] } },
    });
    expect(f.store.requests.at(-1)?.input.RequestItems).toMatchObject({ items: { ConsistentRead: true } });
  });

  it('begins anew when the fence of an unanswered write ends', async () => {
    const f = open();
    f.store.failures.set('UpdateItem', new Error('socket hang up'));
    await expect(f.call('UpdateItem', update)).rejects.toThrow();
    f.clock.advance(10_000);
    await f.get('a');
    expect(wasConsistent(f)).toBe(true);
  });
});
