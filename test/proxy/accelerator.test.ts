import { describe, expect, it } from 'vitest';
import type { Request } from '../../protocol/backend.ts';
import { DynamoDbError } from '../../protocol/errors.ts';
import { Reply } from '../../protocol/reply.ts';
import { arn, Fixture, itemOf, region, settled, storeKinds } from './accelerator-fixture.ts';

describe.each(storeKinds)('before a store that %s', (_name, kind) => {
  it('answers the second read from memory', async () => {
    const f = new Fixture(kind);
    f.store.put('items', itemOf('a', '1'));
    expect(await f.get('a')).toEqual({ Item: itemOf('a', '1') });
    expect(await f.countDuring('GetItem', () => f.get('a'))).toBe(0);
    expect(await f.get('a')).toEqual({ Item: itemOf('a', '1') });
    expect(f.accelerator.stats()).toMatchObject({ hits: 2, misses: 1, negativeHits: 0, entries: 1 });
  });

  it('answers a hit in the same turn, with bytes and a checksum like those of the miss', async () => {
    const f = new Fixture(kind);
    f.store.put('items', itemOf('a', '1'));
    const request = { operation: 'GetItem', input: { TableName: 'items', Key: { id: { S: 'a' } } }, region };
    const missed = await f.send(request);
    const hit = f.accelerator.call(request) as Reply;
    expect(hit).toBeInstanceOf(Reply);
    expect(hit.body).toEqual(missed.body);
    expect(hit.crc32).toBe(missed.crc32);
  });

  it('knows that there is no item', async () => {
    const f = new Fixture(kind);
    expect(await f.get('a')).toEqual({});
    expect(await f.countDuring('GetItem', () => f.get('a'))).toBe(0);
    expect(f.accelerator.stats()).toMatchObject({ hits: 0, misses: 1, negativeHits: 1 });
  });

  it('answers what was written through it', async () => {
    const f = new Fixture(kind);
    await f.get('a');
    await f.put('a', '1');
    expect(await f.get('a')).toEqual({ Item: itemOf('a', '1') });
    await f.call('DeleteItem', { TableName: 'items', Key: { id: { S: 'a' } } });
    expect(await f.get('a')).toEqual({});
    expect(f.store.count('GetItem')).toBe(1);
  });

  it('reads the whole item for a part of it, and serves other parts from that', async () => {
    const f = new Fixture(kind);
    f.store.put('items', { id: { S: 'a' }, m: { M: { x: { N: '1' }, y: { N: '2' } } }, n: { S: 'name' } });
    const part = { ProjectionExpression: 'm.x, #n', ExpressionAttributeNames: { '#n': 'n' } };
    expect(await f.get('a', part)).toEqual({ Item: { m: { M: { x: { N: '1' } } }, n: { S: 'name' } } });
    expect(await f.get('a', { ProjectionExpression: 'm.y' })).toEqual({
      Item: { m: { M: { y: { N: '2' } } } },
    });
    expect(await f.get('a', { ProjectionExpression: 'absent' })).toEqual({ Item: {} });
    expect(f.store.count('GetItem')).toBe(1);
    expect(f.store.requests.at(-1)?.input).not.toHaveProperty('ProjectionExpression');
  });

  it('reports what the read would have cost', async () => {
    const f = new Fixture(kind);
    f.store.put('items', itemOf('big', 'x'.repeat(9_000)));
    const table = { TableName: arn, Key: { id: { S: 'big' } }, ProjectionExpression: 'id' };
    for (const ReturnConsumedCapacity of ['TOTAL', 'INDEXES', 'INDEXES']) {
      const input = { ...table, ReturnConsumedCapacity };
      expect(await f.call('GetItem', input)).toEqual(f.direct('GetItem', input));
    }
    expect((await f.get('none', { ReturnConsumedCapacity: 'TOTAL' })).ConsumedCapacity).toEqual({
      TableName: 'items',
      CapacityUnits: 0.5,
    });
    expect(f.store.count('GetItem')).toBe(2);
  });

  it('takes a table by its name or its ARN for the same', async () => {
    const f = new Fixture(kind);
    await f.call('GetItem', { TableName: arn, Key: { id: { S: 'a' } } });
    await f.put('a', '1');
    const get = () => f.call('GetItem', { TableName: arn, Key: { id: { S: 'a' } } });
    expect(await f.countDuring('GetItem', get)).toBe(0);
    expect(await get()).toEqual({ Item: itemOf('a', '1') });
  });

  it('keeps regions apart', async () => {
    const f = new Fixture(kind);
    f.store.createTable('items', { partition: { name: 'id', type: 'S' }, sort: undefined }, 'eu-west-1');
    f.store.put('items', itemOf('a', '1'));
    await f.get('a');
    expect(await f.call('GetItem', { TableName: 'items', Key: { id: { S: 'a' } } }, 'eu-west-1')).toEqual({});
    expect(await f.get('a')).toEqual({ Item: itemOf('a', '1') });
  });

  it('asks the store once for a burst of reads', async () => {
    const f = new Fixture({ ...kind, answers: 'held' });
    f.store.put('items', itemOf('a', '1'));
    const reads = Array.from({ length: 1_000 }, () => f.get('a'));
    await settled();
    expect(f.store.held).toHaveLength(1);
    f.store.held[0]?.answer();
    expect(await Promise.all(reads)).toEqual(reads.map(() => ({ Item: itemOf('a', '1') })));
    expect(f.accelerator.stats()).toMatchObject({ tokens: 0, fences: 0, flights: 0, entries: 1 });
  });

  it('fails all who joined a read that fails, and asks anew for the next', async () => {
    const f = new Fixture({ ...kind, answers: 'held' });
    const reads = [f.get('a'), f.get('a')];
    await settled();
    const error = new DynamoDbError('ThrottlingException', 'Rate exceeded');
    f.store.held[0]?.fail(error);
    expect(
      (await Promise.allSettled(reads)).map((read) => read.status === 'rejected' && read.reason),
    ).toEqual([error, error]);
    const next = f.get('a');
    await settled();
    f.store.held[0]?.answer();
    expect(await next).toEqual({});
    expect(f.accelerator.stats()).toMatchObject({ tokens: 0, flights: 0 });
  });

  it('serves no item longer than its time to live', async () => {
    const tables = { other: { itemTtlMs: 1_000 } };
    const f = new Fixture(kind, { itemTtlMs: 5_000, tables });
    f.store.createTable('other', { partition: { name: 'id', type: 'S' }, sort: undefined });
    const other = () => f.call('GetItem', { TableName: 'other', Key: { id: { S: 'a' } } });
    await f.get('a');
    await other();
    f.clock.advance(1_000);
    expect(await f.countDuring('GetItem', () => f.get('a'))).toBe(0);
    expect(await f.countDuring('GetItem', other)).toBe(1);
    f.clock.advance(4_000);
    expect(await f.countDuring('GetItem', () => f.get('a'))).toBe(1);
  });

  it('caches nothing of a table for which that is switched off', async () => {
    const f = new Fixture(kind, { tables: { items: { cache: false } } });
    await f.get('a');
    await f.put('a', '1');
    expect(await f.get('a')).toEqual({ Item: itemOf('a', '1') });
    expect(f.store.count('GetItem')).toBe(2);
    await f.call('BatchGetItem', { RequestItems: { items: { Keys: [{ id: { S: 'a' } }] } } });
    expect(f.accelerator.stats()).toMatchObject({ entries: 0, hits: 0 });
  });

  it('stays within its bytes', async () => {
    const f = new Fixture(kind, { cacheBytesMax: 100_000 });
    for (let i = 0; i < 100; i++) f.store.put('items', itemOf(`k${i}`, 'x'.repeat(5_000)));
    for (let i = 0; i < 100; i++) await f.get(`k${i}`);
    const { bytes, entries, evictions } = f.accelerator.stats();
    expect(bytes).toBeGreaterThan(90_000);
    expect(bytes).toBeLessThanOrEqual(100_000);
    expect(entries + evictions).toBe(100);
    expect(await f.countDuring('GetItem', () => f.get('k99'))).toBe(0);
    f.store.put('items', itemOf('huge', 'x'.repeat(200_000)));
    expect(await f.get('huge')).toEqual({ Item: itemOf('huge', 'x'.repeat(200_000)) });
    expect(f.accelerator.stats().bytes).toBeLessThanOrEqual(100_000);
  });
});

describe('keys', () => {
  const numbers = { partition: { name: 'p', type: 'N' }, sort: { name: 's', type: 'B' } } as const;
  const get = (f: Fixture, p: unknown, s: unknown) => f.call('GetItem', { TableName: 'n', Key: { p, s } });

  it('are one key where the numbers are equal', async () => {
    const f = new Fixture();
    f.store.createTable('n', numbers);
    f.store.put('n', { p: { N: '10' }, s: { B: 'AA==' } });
    for (const N of ['10', '10.0', '1e1', '+10']) await get(f, { N }, { B: 'AA==' });
    expect(f.store.count('GetItem')).toBe(1);
  });

  it.each([
    ['a number that is none', { N: '10x' }, { B: 'AA==' }],
    ['base64 with bits left over', { N: '10' }, { B: 'AB==' }],
    ['base64 without its padding', { N: '10' }, { B: 'AA' }],
    ['another type', { S: '10' }, { B: 'AA==' }],
    ['two types', { N: '10', S: 'x' }, { B: 'AA==' }],
    ['no type', {}, { B: 'AA==' }],
    ['null', null, { B: 'AA==' }],
    ['a list', [], { B: 'AA==' }],
    ['a number that is not written as a string', { N: 10 }, { B: 'AA==' }],
    ['one attribute only', { N: '10' }, undefined],
  ])('with %s are left to the store', async (_name, p, s) => {
    const f = new Fixture();
    f.store.createTable('n', numbers);
    f.store.put('n', { p: { N: '10' }, s: { B: 'AA==' } });
    await get(f, { N: '10' }, { B: 'AA==' });
    expect(await f.countDuring('GetItem', () => get(f, p, s).catch(() => undefined))).toBe(1);
    expect(f.accelerator.stats().hits).toBe(0);
  });
});

describe('a GetItem that is not understood', () => {
  it.each([
    ['a strongly consistent read', { ConsistentRead: true }],
    ['a legacy parameter', { AttributesToGet: ['v'] }],
    ['a member that nobody knows', { Unknown: 1 }],
    ['a wrong type', { ConsistentRead: 'false' }],
    ['a wrong mode of capacity', { ReturnConsumedCapacity: 'ALL' }],
    ['a projection that does not parse', { ProjectionExpression: 'a,,b' }],
    ['a projection that is no string', { ProjectionExpression: 5 }],
    ['a part of a key', { ProjectionExpression: 'id.x' }],
    ['a name that nobody defined', { ProjectionExpression: '#a' }],
    ['a name that nobody uses', { ProjectionExpression: 'v', ExpressionAttributeNames: { '#a': 'a' } }],
    ['names without a projection', { ExpressionAttributeNames: { '#a': 'a' } }],
    ['names that are none', { ProjectionExpression: '#a', ExpressionAttributeNames: { '#a': 1 } }],
    ['a key with too much in it', { Key: { id: { S: 'a' }, v: { S: '1' } } }],
    ['a key that is none', { Key: 'a' }],
    ['no key', { Key: undefined }],
    ['a table without a name', { TableName: 5 }],
    ['a table that does not exist', { TableName: 'none' }],
  ])('goes on to the store untouched: %s', async (_name, more) => {
    const f = new Fixture();
    f.store.put('items', itemOf('a', '1'));
    await f.get('a');
    const request = {
      operation: 'GetItem',
      input: { TableName: 'items', Key: { id: { S: 'a' } }, ...more },
      region,
    };
    await f.send(request).catch(() => undefined);
    expect(f.store.requests.at(-1)).toBe(request);
  });

  it('is answered with the error of the store', async () => {
    const f = new Fixture();
    await expect(f.get('a', { Key: { other: { S: 'a' } } })).rejects.toThrow(
      'The provided key element does not match the schema',
    );
    await expect(f.get('a', { TableName: 'none' })).rejects.toThrow('Requested resource not found');
    expect(f.accelerator.stats().entries).toBe(0);
  });

  it('may have members that are null', async () => {
    const f = new Fixture();
    await f.get('a', { ConsistentRead: null, ReturnConsumedCapacity: null, AttributesToGet: null });
    expect(await f.countDuring('GetItem', () => f.get('a'))).toBe(0);
  });
});

describe('a miss', () => {
  it('hands on the very request that came, with its bytes, where it asks for just the item', async () => {
    const f = new Fixture();
    const input = { TableName: 'items', Key: { id: { S: 'a' } } };
    const request = { operation: 'GetItem', input, region, body: Buffer.from(JSON.stringify(input)) };
    await f.send(request);
    expect(f.store.requests.at(-1)).toBe(request);
  });

  it('keeps bytes of its own', async () => {
    const f = new Fixture();
    f.store.put('items', { ...itemOf('large', '1'), payload: { S: 'x'.repeat(10_000) } });
    const body = () => f.send(getRequest('large')).then((reply) => reply.body);
    await body();
    const hit = await body();
    expect(hit.buffer.byteLength).toBe(hit.length);
  });

  it('is kept, small or large, whatever becomes of the answer that was handed on', async () => {
    const f = new Fixture();
    for (const [id, length] of [
      ['small', 10],
      ['large', 10_000],
    ] as const) {
      f.store.put('items', { ...itemOf(id, '1'), payload: { S: 'x'.repeat(length) } });
      const missed = await f.send(getRequest(id));
      const body = Buffer.from(missed.body);
      if (id === 'small') missed.body.fill(0);
      expect((await f.send(getRequest(id))).body).toEqual(body);
    }
  });
});

function getRequest(id: string): Request {
  return { operation: 'GetItem', input: { TableName: 'items', Key: { id: { S: id } } }, region };
}

describe('an item whose size nobody can tell', () => {
  it('is answered as the store has it, and not cached', async () => {
    const f = new Fixture({ answers: 'soon', bytes: false });
    const odd = { id: { S: 'a' }, v: { N: 'NaN' } };
    f.answerWith('GetItem', { Item: odd });
    expect(await f.get('a')).toEqual({ Item: odd });
    expect(await f.get('a')).toEqual({ Item: odd });
    expect(f.accelerator.stats()).toMatchObject({ entries: 0, tokens: 0, flights: 0 });
  });
});

describe('reads beside a write under way', () => {
  it('are coalesced too: one is sent, one waits', async () => {
    const f = new Fixture({ answers: 'held' });
    const write = f.put('a', '1');
    await settled();
    const reads = Array.from({ length: 100 }, () => f.get('a'));
    await settled();
    expect(f.store.held.map(({ request }) => request.operation)).toEqual(['PutItem', 'GetItem']);
    f.store.held[1]?.answer();
    await settled();
    expect(f.store.held.map(({ request }) => request.operation)).toEqual(['PutItem', 'GetItem']);
    f.store.held[0]?.answer();
    await write;
    f.store.held[0]?.answer();
    expect(new Set((await Promise.all(reads)).map((reply) => JSON.stringify(reply))).size).toBe(2);
    expect(f.store.count('GetItem')).toBe(2);
  });
});

describe('close', () => {
  it('ends the subscription and leaves the store open', async () => {
    const f = new Fixture({ announces: true });
    await f.get('a');
    await f.accelerator.close();
    f.store.put('items', itemOf('a', '1'));
    expect(await f.get('a')).toEqual({});
  });
});
