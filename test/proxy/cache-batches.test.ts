import { describe, expect, it } from 'vitest';
import { DynamoDbError } from '../../protocol/errors.ts';
import { canonicalKey } from '../../protocol/key.ts';
import { arn, Fixture, idSchema, itemOf, region, settled, storeKinds } from './accelerator-fixture.ts';

const keysOf = (...ids: string[]) => ids.map((id) => ({ id: { S: id } }));

function filled(kind: (typeof storeKinds)[number][1]): Fixture {
  const f = new Fixture(kind);
  f.store.createTable('others', { partition: { name: 'id', type: 'S' }, sort: { name: 's', type: 'N' } });
  for (const id of ['a', 'b', 'c', 'd']) f.store.put('items', itemOf(id, `of ${id}`));
  f.store.put('others', { id: { S: 'a' }, s: { N: '1' }, v: { S: 'x'.repeat(5_000) } });
  return f;
}

describe.each(storeKinds)('BatchGetItem before a store that %s', (_name, kind) => {
  it('asks for what is not cached in one call, and answers in the order of the keys', async () => {
    const f = filled(kind);
    await f.get('b');
    const input = { RequestItems: { items: { Keys: keysOf('a', 'b', 'none', 'c') } } };
    expect(await f.call('BatchGetItem', input)).toEqual({
      Responses: { items: ['a', 'b', 'c'].map((id) => itemOf(id, `of ${id}`)) },
      UnprocessedKeys: {},
    });
    expect(f.store.requests.at(-1)?.input).toEqual({
      RequestItems: { items: { Keys: keysOf('a', 'none', 'c') } },
    });
    expect(await f.call('BatchGetItem', input)).toEqual(f.direct('BatchGetItem', input));
    expect(f.store.count('BatchGetItem')).toBe(1);
    expect(f.accelerator.stats()).toMatchObject({ hits: 4, negativeHits: 1, misses: 4, entries: 4 });
  });

  it('fills what GetItem reads', async () => {
    const f = filled(kind);
    await f.call('BatchGetItem', {
      RequestItems: { items: { Keys: keysOf('a'), ProjectionExpression: 'id' } },
    });
    expect(await f.get('a')).toEqual({ Item: itemOf('a', 'of a') });
    expect(f.store.count('GetItem')).toBe(0);
  });

  it('answers for several tables, by their names or ARNs, with projections and capacity', async () => {
    const f = filled(kind);
    const input = {
      RequestItems: {
        [arn]: {
          Keys: keysOf('a', 'b'),
          ProjectionExpression: '#v',
          ExpressionAttributeNames: { '#v': 'v' },
        },
        others: {
          Keys: [
            { id: { S: 'a' }, s: { N: '1.0' } },
            { id: { S: 'a' }, s: { N: '2' } },
          ],
        },
      },
      ReturnConsumedCapacity: 'INDEXES',
    };
    const direct = f.direct('BatchGetItem', input);
    expect(await f.call('BatchGetItem', input)).toEqual(direct);
    expect(await f.call('BatchGetItem', input)).toEqual(direct);
    expect(f.store.count('BatchGetItem')).toBe(1);
  });

  it('passes on what the store left out, as the caller has to ask for it again', async () => {
    const f = filled(kind);
    f.store.leftOut.add(canonicalKey(idSchema, { id: { S: 'b' } }));
    const entry = { Keys: keysOf('a', 'b'), ProjectionExpression: 'v' };
    const input = { RequestItems: { items: entry }, ReturnConsumedCapacity: 'TOTAL' };
    expect(await f.call('BatchGetItem', input)).toEqual({
      Responses: { items: [{ v: { S: 'of a' } }] },
      UnprocessedKeys: { items: { ...entry, Keys: keysOf('b') } },
      ConsumedCapacity: [{ TableName: 'items', CapacityUnits: 0.5 }],
    });
    expect(await f.countDuring('GetItem', () => f.get('b'))).toBe(1);
    expect(f.accelerator.stats()).toMatchObject({ tokens: 0, flights: 0 });
  });

  it('leaves out what would make the reply larger than 16 MB', async () => {
    const f = new Fixture(kind, { cacheBytesMax: 100_000_000 });
    const ids = Array.from({ length: 50 }, (_, i) => `k${i}`);
    for (const id of ids) f.store.put('items', itemOf(id, 'x'.repeat(400_000)));
    const reply = await f.call('BatchGetItem', { RequestItems: { items: { Keys: keysOf(...ids) } } });
    expect((reply.Responses as { items: unknown[] }).items).toHaveLength(41);
    expect(reply.UnprocessedKeys).toEqual({ items: { Keys: keysOf(...ids.slice(41)) } });
  });

  it('is answered with the error of the store', async () => {
    const f = filled(kind);
    f.store.failures.set('BatchGetItem', new DynamoDbError('ThrottlingException', 'Rate exceeded'));
    const input = { RequestItems: { items: { Keys: keysOf('a', 'b') } } };
    await expect(f.call('BatchGetItem', input)).rejects.toThrow('Rate exceeded');
    expect(f.accelerator.stats()).toMatchObject({ tokens: 0, flights: 0, entries: 0 });
    expect(await f.call('BatchGetItem', input)).toEqual(f.direct('BatchGetItem', input));
  });

  it.each(['ProvisionedThroughputExceededException', 'RequestLimitExceeded', 'ThrottlingException'])(
    'answers what is cached where the store is short of units: %s',
    async (code) => {
      const f = filled(kind);
      await f.get('b');
      const entry = { Keys: keysOf('a', 'b', 'c'), ProjectionExpression: 'v' };
      f.store.failures.set('BatchGetItem', new DynamoDbError(code, 'Rate exceeded'));
      expect(await f.call('BatchGetItem', { RequestItems: { items: entry } })).toEqual({
        Responses: { items: [{ v: { S: 'of b' } }] },
        UnprocessedKeys: { items: { ...entry, Keys: keysOf('a', 'c') } },
      });
      expect(f.accelerator.stats()).toMatchObject({ tokens: 0, flights: 0, entries: 1 });
    },
  );

  it('is answered with any other error, be something cached or not', async () => {
    const f = filled(kind);
    await f.get('b');
    f.store.failures.set('BatchGetItem', new DynamoDbError('AccessDeniedException', 'Not allowed'));
    const input = { RequestItems: { items: { Keys: keysOf('a', 'b') } } };
    await expect(f.call('BatchGetItem', input)).rejects.toThrow('Not allowed');
  });

  it('is full once it has 16 MB to the byte, even for keys without an item', async () => {
    const f = new Fixture(kind, { cacheBytesMax: 100_000_000 });
    const ids = Array.from({ length: 64 }, (_, i) => `k${String(i).padStart(2, '0')}`);
    // An item's size is that of its names and values: `id`, three letters, `v`.
    for (const id of ids) f.store.put('items', itemOf(id, 'x'.repeat(256 * 1024 - 6)));
    const keys = keysOf(...ids, 'none');
    const reply = await f.call('BatchGetItem', { RequestItems: { items: { Keys: keys } } });
    expect((reply.Responses as { items: unknown[] }).items).toHaveLength(64);
    expect(reply.UnprocessedKeys).toEqual({ items: { Keys: keysOf('none') } });
  });

  it.each([
    ['whose size nobody can tell', { id: { S: 'a' }, v: { N: 'NaN' } }],
    ['whose key nobody can read', { id: { S: 'a', N: '1' } }],
  ])('gets the answer of the store where that has an item %s', async (_item, odd) => {
    const f = filled(kind);
    await f.get('b');
    f.answerWith('BatchGetItem', { Responses: { items: [odd] }, UnprocessedKeys: {} });
    const input = { RequestItems: { items: { Keys: keysOf('a', 'b') } } };
    expect(await f.call('BatchGetItem', input)).toEqual({ Responses: { items: [odd] }, UnprocessedKeys: {} });
    expect(f.store.requests.at(-1)?.input).toEqual(input);
    expect(f.accelerator.stats()).toMatchObject({ tokens: 0, flights: 0, entries: 1 });
  });
});

describe('a BatchGetItem that is not understood', () => {
  it.each([
    ['a strongly consistent part', { items: { Keys: keysOf('a'), ConsistentRead: true } }],
    ['a key that is there twice', { items: { Keys: keysOf('a', 'a') } }],
    [
      'a key that is there under two names of its table',
      { items: { Keys: keysOf('a') }, [arn]: { Keys: keysOf('a') } },
    ],
    ['a key that does not fit', { items: { Keys: [{ other: { S: 'a' } }] } }],
    ['a legacy parameter', { items: { Keys: keysOf('a'), AttributesToGet: ['v'] } }],
    ['no keys', { items: { Keys: [] } }],
    ['no tables', {}],
    ['no map', []],
    ['null', { items: null }],
    ['more than 100 keys', { items: { Keys: keysOf(...Array.from({ length: 101 }, (_, i) => `k${i}`)) } }],
    ['a table that does not exist', { items: { Keys: keysOf('a') }, none: { Keys: keysOf('a') } }],
    ['a part of a key', { items: { Keys: keysOf('a'), ProjectionExpression: 'id[0]' } }],
    ['a projection that does not parse', { items: { Keys: keysOf('a'), ProjectionExpression: 'a..b' } }],
  ])('goes on to the store untouched: %s', async (_name, RequestItems) => {
    const f = new Fixture();
    await f.get('a');
    const request = { operation: 'BatchGetItem', input: { RequestItems }, region };
    await f.send(request).catch(() => undefined);
    expect(f.store.requests.at(-1)).toBe(request);
  });
});

describe('single reads and batches of the same key', () => {
  const batch = (f: Fixture, ...ids: string[]) =>
    f.call('BatchGetItem', { RequestItems: { items: { Keys: keysOf(...ids) } } });

  async function held(): Promise<Fixture> {
    const f = new Fixture({ answers: 'held' });
    for (const id of ['a', 'b']) f.store.put('items', itemOf(id, `of ${id}`));
    return f;
  }

  it('share the read under way', async () => {
    const f = await held();
    const single = f.get('a');
    await settled();
    const both = batch(f, 'a', 'b');
    const again = f.get('b');
    await settled();
    expect(f.store.held.map(({ request }) => request.input)).toEqual([
      { TableName: 'items', Key: { id: { S: 'a' } } },
      { RequestItems: { items: { Keys: keysOf('b') } } },
    ]);
    for (const call of [...f.store.held]) call.answer();
    expect(await single).toEqual({ Item: itemOf('a', 'of a') });
    expect((await both).Responses).toEqual({ items: [itemOf('a', 'of a'), itemOf('b', 'of b')] });
    expect(await again).toEqual({ Item: itemOf('b', 'of b') });
  });

  it('do not share the errors of a batch', async () => {
    const f = await held();
    const both = batch(f, 'a', 'b');
    await settled();
    const single = f.get('b');
    await settled();
    f.store.held[0]?.fail(new DynamoDbError('ThrottlingException', 'Rate exceeded'));
    await expect(both).rejects.toThrow('Rate exceeded');
    await settled();
    f.store.held[0]?.answer();
    expect(await single).toEqual({ Item: itemOf('b', 'of b') });
  });

  it('leave the key of a failed single read to be asked for again', async () => {
    const f = await held();
    const single = f.get('a');
    await settled();
    const both = batch(f, 'a', 'b');
    const alone = batch(f, 'a');
    await settled();
    f.store.held[0]?.fail(new DynamoDbError('ThrottlingException', 'Rate exceeded'));
    f.store.held[0]?.answer();
    await expect(single).rejects.toThrow('Rate exceeded');
    expect(await both).toEqual({
      Responses: { items: [itemOf('b', 'of b')] },
      UnprocessedKeys: { items: { Keys: keysOf('a') } },
    });
    await expect(alone).rejects.toThrow('Rate exceeded');
  });
});
