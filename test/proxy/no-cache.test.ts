import { describe, expect, test } from 'vitest';
import type { Backend, Request } from '../../protocol/backend.ts';
import { systemClock } from '../../protocol/clock.ts';
import { Reply } from '../../protocol/reply.ts';
import { startFront } from '../../proxy/front/api.ts';
import { silentLogger } from '../silent-logger.ts';
import { Fixture, itemOf, region, settled, storeKinds } from './accelerator-fixture.ts';

/** The caller asks for the store's own answer. */
function getAnew(fixture: Fixture, id: string) {
  const input = { TableName: 'items', Key: { id: { S: id } } };
  return fixture.send({ operation: 'GetItem', input, region, noCache: true });
}

function openFront(backend: Backend) {
  return startFront({
    host: '127.0.0.1',
    port: 0,
    backend,
    credentials: [],
    insecureNoAuth: false,
    corsOrigins: [],
    allowedHosts: [],
    clock: systemClock,
    log: silentLogger,
  });
}

describe.each(storeKinds)('in front of a store that %s', (_kind, store) => {
  test('a read without the cache finds what was written around it, and the cache has that afterwards', async () => {
    const fixture = new Fixture({ ...store, announces: false });
    await fixture.put('a', '1');
    await fixture.get('a');
    fixture.direct('PutItem', { TableName: 'items', Item: itemOf('a', '2') });
    expect(await fixture.get('a')).toEqual({ Item: itemOf('a', '1') });
    expect(JSON.parse((await getAnew(fixture, 'a')).body.toString())).toEqual({ Item: itemOf('a', '2') });
    expect(await fixture.countDuring('GetItem', () => fixture.get('a'))).toBe(0);
    expect(await fixture.get('a')).toEqual({ Item: itemOf('a', '2') });
  });

  test('so does a batch, for all of its keys', async () => {
    const fixture = new Fixture({ ...store, announces: false });
    for (const id of ['a', 'b']) {
      await fixture.put(id, '1');
      await fixture.get(id);
      fixture.direct('PutItem', { TableName: 'items', Item: itemOf(id, '2') });
    }
    const keys = ['a', 'b'].map((id) => ({ id: { S: id } }));
    const input = { RequestItems: { items: { Keys: keys } } };
    const reply = await fixture.send({ operation: 'BatchGetItem', input, region, noCache: true });
    const { Responses } = JSON.parse(reply.body.toString());
    expect(Responses.items).toEqual(expect.arrayContaining([itemOf('a', '2'), itemOf('b', '2')]));
    expect(await fixture.countDuring('GetItem', () => fixture.get('b'))).toBe(0);
    expect(await fixture.get('a')).toEqual({ Item: itemOf('a', '2') });
  });

  test('so does a Scan, and its page', async () => {
    const fixture = new Fixture({ ...store, announces: false }, { queryTtlMs: 60_000 });
    const scan = () => fixture.call('Scan', { TableName: 'items' });
    const pageOf = (v: string) => ({ Items: [itemOf('a', v)], Count: 1, ScannedCount: 1 });
    fixture.answerWith('Scan', pageOf('1'));
    await scan();
    fixture.answerWith('Scan', pageOf('2'));
    expect(await scan()).toEqual(pageOf('1'));
    const { queryHits, queryMisses } = fixture.accelerator.stats();
    const request = { operation: 'Scan', input: { TableName: 'items' }, region, noCache: true };
    expect((await fixture.send(request)).output).toEqual(pageOf('2'));
    expect(fixture.accelerator.stats()).toMatchObject({ queryHits, queryMisses });
    expect(await fixture.countDuring('Scan', scan)).toBe(0);
    expect(await scan()).toEqual(pageOf('2'));
  });

  test('and counts neither as a hit nor as a miss', async () => {
    const fixture = new Fixture(store);
    await fixture.put('a', '1');
    await fixture.get('a');
    const { hits, misses } = fixture.accelerator.stats();
    await getAnew(fixture, 'a');
    expect(fixture.accelerator.stats()).toMatchObject({ hits, misses });
  });
});

describe('the header Cache-Control', () => {
  test.each<[string | undefined, boolean]>([
    [undefined, false],
    ['no-cache', true],
    ['max-age=0, No-Cache', true],
    ['no-store', false],
    ['x-no-cache', false],
  ])('%s', async (header, noCache) => {
    const asked: unknown[] = [];
    const call = (request: Request) => {
      asked.push(request.noCache);
      return new Reply({});
    };
    const front = await openFront({ call, close: async () => {} });
    try {
      const headers = {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': 'DynamoDB_20120810.GetItem',
        ...(header === undefined ? {} : { 'cache-control': header }),
      };
      await fetch(`http://127.0.0.1:${front.port}/`, { method: 'POST', headers, body: '{}' });
      expect(asked).toEqual([noCache]);
    } finally {
      await front.close();
    }
  });
});

describe('a read without the cache', () => {
  const held = { answers: 'held', bytes: false } as const;

  test('joins no read that was sent before it, and that one keeps nothing', async () => {
    const fixture = new Fixture(held);
    const { store } = fixture;
    const before = fixture.get('a');
    await settled();
    const [first] = store.held;
    first?.execute();
    fixture.direct('PutItem', { TableName: 'items', Item: itemOf('a', '2') });
    const anew = getAnew(fixture, 'a');
    await settled();
    const second = store.held[1];
    second?.execute();
    second?.answer();
    expect((await anew).output.Item).toBeDefined();
    first?.answer();
    expect(await before).toEqual({});
    expect(await fixture.get('a')).toEqual({ Item: itemOf('a', '2') });
  });

  test('keeps nothing under a fence', async () => {
    const fixture = new Fixture(held);
    const { store } = fixture;
    const put = fixture.put('a', '1');
    await settled();
    const anew = getAnew(fixture, 'a');
    await settled();
    const [write, read] = store.held;
    read?.execute();
    write?.execute();
    write?.answer();
    await put;
    read?.answer();
    await anew;
    expect(fixture.accelerator.stats().fences).toBe(0);
    const after = fixture.get('a');
    await settled();
    store.held[0]?.execute();
    store.held[0]?.answer();
    expect(await after).toEqual({ Item: itemOf('a', '1') });
  });

  test('that fails leaves no token behind', async () => {
    const fixture = new Fixture(held);
    const anew = getAnew(fixture, 'a');
    await settled();
    fixture.store.held[0]?.fail(new Error('gone'));
    await expect(anew).rejects.toThrow('gone');
    expect(fixture.accelerator.stats()).toMatchObject({ tokens: 0, entries: 0 });
  });
});
