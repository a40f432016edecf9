import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DynamoDbError } from '../../protocol/errors.ts';
import { Fixture, itemOf, region, settled } from './accelerator-fixture.ts';
import { colorAndRank, QueryFixture, thingsTable } from './query-fixture.ts';

describe.each([
  ['announces its commits', true],
  ['announces nothing', false],
])('pages of a store that %s', (_kind, announces) => {
  let f: QueryFixture;

  beforeEach(async () => {
    f = await QueryFixture.open(announces);
    await f.put('a', 1, colorAndRank('red', 1));
    await f.put('a', 2, colorAndRank('blue', 2));
    await f.put('b', 1);
  });

  afterEach(() => f.close());

  test('are answered from the cache, however they are asked for', async () => {
    expect(await f.query('a')).toEqual([1, 2]);
    expect(await f.isCached(() => f.query('a'))).toBe(true);
    const spelled = {
      KeyConditionExpression: ':x  =  #p',
      ExpressionAttributeNames: { '#p': 'p' },
      ExpressionAttributeValues: { ':x': { S: 'a' } },
      Limit: null,
    };
    expect(await f.isCached(() => f.query('a', spelled))).toBe(true);
    expect(await f.isCached(() => f.query('a', { ScanIndexForward: false }))).toBe(false);
    expect(f.accelerator.stats()).toMatchObject({ queryHits: 2, queryMisses: 2 });
  });

  test('are answered as the store does, byte for byte', async () => {
    const input = { TableName: 'Things', ReturnConsumedCapacity: 'INDEXES' };
    const direct = await f.engine.call('Scan', input);
    expect(await f.call('Scan', input)).toEqual(direct);
    expect(await f.isCached(async () => expect(await f.call('Scan', input)).toEqual(direct))).toBe(true);
  });

  test('are dropped by writes to their partition, and kept at writes to others', async () => {
    await f.query('a');
    await f.query('b');
    await f.put('b', 2);
    expect(await f.isCached(() => f.query('a'))).toBe(true);
    expect(await f.query('b')).toEqual([1, 2]);
    await f.call('DeleteItem', { TableName: 'Things', Key: { p: { S: 'a' }, s: { N: '1' } } });
    expect(await f.query('a')).toEqual([2]);
  });

  test('of a local index are those of their partition', async () => {
    const byRank = { IndexName: 'byRank' };
    expect(await f.query('a', byRank)).toEqual([1, 2]);
    await f.put('b', 3, { rank: { N: '1' } });
    expect(await f.isCached(() => f.query('a', byRank))).toBe(true);
    await f.put('a', 3, { rank: { N: '1' } });
    expect(await f.query('a', byRank)).toEqual([1, 2, 3]);
  });

  test('of a global index are dropped where an entry comes, goes or moves, and nowhere else', async () => {
    const blue = () => f.queryColor('blue');
    const red = () => f.queryColor('red');
    expect([await blue(), await red()]).toEqual([[2], [1]]);
    await f.put('b', 5);
    await f.put('a', 3, colorAndRank('green', 1));
    expect([await f.isCached(blue), await f.isCached(red)]).toEqual([true, true]);
    await f.put('b', 7, colorAndRank('red', 1));
    expect([await f.isCached(blue), await red()]).toEqual([true, [1, 7]]);
    await f.call('UpdateItem', {
      TableName: 'Things',
      Key: { p: { S: 'b' }, s: { N: '7' } },
      UpdateExpression: 'SET color = :blue',
      ExpressionAttributeValues: { ':blue': { S: 'blue' } },
    });
    expect([await blue(), await red()]).toEqual([[2, 7], [1]]);
  });

  test('of a global index are kept where only what it does not project changes', async () => {
    const keys = () => f.queryColor('red', 'keysOfColor');
    const all = () => f.queryColor('red');
    await keys();
    await all();
    await f.put('a', 1, { ...colorAndRank('red', 1), note: { S: 'new' } });
    expect([await f.isCached(keys), await f.isCached(all)]).toEqual([true, false]);
  });

  test('of all of an index are dropped by a batch, which does not tell what was there before', async () => {
    const red = () => f.queryColor('red');
    const partition = () => f.query('b');
    await red();
    await partition();
    const PutRequest = { Item: { p: { S: 'c' }, s: { N: '1' } } };
    await f.call('BatchWriteItem', { RequestItems: { Things: [{ PutRequest }] } });
    expect([await f.isCached(red), await f.isCached(partition)]).toEqual([announces, true]);
  });

  test('of a Scan are dropped by every write', async () => {
    expect(await f.scan()).toEqual([1, 1, 2]);
    const byColor = { IndexName: 'byColor' };
    expect(await f.scan(byColor)).toEqual([1, 2]);
    await f.put('c', 9);
    expect(await f.isCached(() => f.scan(byColor))).toBe(true);
    expect(await f.scan()).toEqual([1, 1, 2, 9]);
  });

  test('are dropped by transactions', async () => {
    await f.query('a');
    await f.query('b');
    const Put = { TableName: 'Things', Item: { p: { S: 'a' }, s: { N: '5' } } };
    await f.call('TransactWriteItems', { TransactItems: [{ Put }] });
    expect(await f.query('a')).toEqual([1, 2, 5]);
    expect(await f.isCached(() => f.query('b'))).toBe(true);
  });

  test('follow each other, each with its own place', async () => {
    const page = (start?: unknown) =>
      f.call('Query', {
        TableName: 'Things',
        KeyConditionExpression: 'p = :p',
        ExpressionAttributeValues: { ':p': { S: 'a' } },
        Limit: 1,
        ...(start !== undefined && { ExclusiveStartKey: start }),
      });
    const first = await page();
    const second = await page(first.LastEvaluatedKey);
    expect([first.Count, second.Count]).toEqual([1, 1]);
    expect(second.Items).not.toEqual(first.Items);
    expect(await f.isCached(async () => expect(await page()).toEqual(first))).toBe(true);
    expect(await f.isCached(async () => expect(await page(first.LastEvaluatedKey)).toEqual(second))).toBe(
      true,
    );
    await f.put('a', 7);
    expect(await f.isCached(() => page(first.LastEvaluatedKey))).toBe(false);
  });

  test('without items are kept as well, and counted apart', async () => {
    expect(await f.query('nobody')).toEqual([]);
    expect(await f.isCached(() => f.query('nobody'))).toBe(true);
    expect(f.accelerator.stats()).toMatchObject({ emptyQueryHits: 1, queryHits: 0 });
    await f.put('nobody', 1);
    expect(await f.query('nobody')).toEqual([1]);
  });

  test('report the cost that the caller asks for', async () => {
    const cost = async (mode: string | undefined) => {
      const more = { ReturnConsumedCapacity: mode, TableName: 'Things', IndexName: 'byColor' };
      return (await f.call('Scan', more)).ConsumedCapacity;
    };
    for (const mode of [undefined, 'NONE', 'TOTAL', 'INDEXES']) {
      expect(await cost(mode)).toEqual(await cost(mode));
    }
    expect(await cost('NONE')).toBeUndefined();
    expect(await cost('TOTAL')).toEqual({ TableName: 'Things', CapacityUnits: 0.5 });
    expect(await cost('INDEXES')).toMatchObject({
      GlobalSecondaryIndexes: { byColor: { CapacityUnits: 0.5 } },
    });
  });

  test('of strongly consistent reads come from the store and are not kept', async () => {
    const consistent = () => f.query('a', { ConsistentRead: true });
    await consistent();
    expect(await f.isCached(consistent)).toBe(false);
    expect(await f.isCached(() => f.query('a'))).toBe(false);
  });

  test('are not kept where there is an error', async () => {
    const wrong = () => f.query('a', { IndexName: 'none' });
    await expect(wrong()).rejects.toThrow('The table does not have the specified index: none');
    await expect(wrong()).rejects.toThrow('The table does not have the specified index: none');
    const filtered = () => f.query('a', { FilterExpression: 'p = :p' });
    await expect(filtered()).rejects.toThrow('Filter Expression can only contain non-primary key attributes');
    expect(f.accelerator.stats()).toMatchObject({ generations: 0 });
  });

  test('live as long as the table’s setting says', async () => {
    await f.query('a');
    f.clock.advance(599_000);
    expect(await f.isCached(() => f.query('a'))).toBe(true);
    f.clock.advance(1_000);
    expect(await f.isCached(() => f.query('a'))).toBe(false);
    f.accelerator.settings.change({ queryTtlMs: 0 });
    await f.query('a');
    expect(await f.isCached(() => f.query('a'))).toBe(false);
    expect(f.accelerator.stats().generations).toBe(0);
  });

  test('are void when the table is replaced', async () => {
    await f.query('a');
    await f.call('DeleteTable', { TableName: 'Things' });
    await f.engine.untilStatus('Things', undefined);
    await f.call('CreateTable', thingsTable);
    await f.engine.untilStatus('Things', 'ACTIVE');
    expect(await f.query('a')).toEqual([]);
  });

  test('of an index are void when it is dropped', async () => {
    await f.queryColor('red');
    const Delete = { IndexName: 'byColor' };
    await f.call('UpdateTable', { TableName: 'Things', GlobalSecondaryIndexUpdates: [{ Delete }] });
    await f.engine.untilStatus('Things', 'ACTIVE');
    await expect(f.queryColor('red')).rejects.toThrow('The table does not have the specified index');
  });

  test('leave nothing behind when they are dropped', async () => {
    await f.query('a');
    await f.queryColor('red');
    await f.scan();
    expect(f.accelerator.stats().generations).toBe(4);
    f.accelerator.settings.change({ cacheBytesMax: 1 });
    await settled();
    expect(f.accelerator.stats()).toMatchObject({ generations: 0, entries: 0, bytes: 0 });
  });
});

describe.each([true, false])('pages of an engine that lags, and announces its commits: %s', (announces) => {
  const lagMs = 1_000;
  let f: QueryFixture;

  beforeEach(async () => {
    f = await QueryFixture.open(announces, {}, lagMs);
    f.clock.advance(lagMs);
  });

  afterEach(() => f.close());

  test('show every write that went before, and an index what it has by then', async () => {
    for (let n = 1; n < 20; n++) {
      await f.put('a', n, colorAndRank('red', n));
      expect((await f.query('a')).at(-1)).toBe(n);
      await f.queryColor('red');
      f.clock.advance((n * 97) % (lagMs + 200));
      expect((await f.query('a')).at(-1)).toBe(n);
      const ofIndex = await f.engine.call('Query', {
        TableName: 'Things',
        IndexName: 'byColor',
        KeyConditionExpression: 'color = :c',
        ExpressionAttributeValues: { ':c': { S: 'red' } },
      });
      expect(await f.queryColor('red')).toHaveLength(Number(ofIndex.Count));
    }
    f.clock.advance(lagMs);
    expect((await f.queryColor('red')).at(-1)).toBe(19);
    expect(await f.isCached(() => f.queryColor('red'))).toBe(true);
    expect(await f.isCached(() => f.query('a'))).toBe(true);
  });
});

describe('pages of a global index', () => {
  test('live for a shorter time where the index may lag for longer than is waited for', async () => {
    const f = await QueryFixture.open(false, { queryTtlMs: 36_000_000, indexTtlMs: 10_000, settleMs: 1 });
    await f.put('a', 1, colorAndRank('red', 1));
    f.clock.advance(1_000);
    await f.queryColor('red');
    await f.query('a');
    f.clock.advance(9_999);
    expect(await f.isCached(() => f.queryColor('red'))).toBe(true);
    f.clock.advance(1);
    expect(await f.isCached(() => f.queryColor('red'))).toBe(false);
    expect(await f.isCached(() => f.query('a'))).toBe(true);
    await f.close();
  });

  test('live as long as others where nothing lags', async () => {
    const f = await QueryFixture.open(false, { queryTtlMs: 36_000_000, indexTtlMs: 0 });
    await f.queryColor('red');
    f.clock.advance(3_000_000);
    expect(await f.isCached(() => f.queryColor('red'))).toBe(true);
    await f.close();
  });
});

describe('pages of an index that was dropped around the cache', () => {
  test('are void when the table is described anew', async () => {
    const f = await QueryFixture.open(false, { queryTtlMs: 36_000_000 });
    await f.put('a', 1, colorAndRank('red', 1));
    await f.queryColor('red');
    const Delete = { IndexName: 'byColor' };
    await f.engine.call('UpdateTable', { TableName: 'Things', GlobalSecondaryIndexUpdates: [{ Delete }] });
    await f.engine.untilStatus('Things', 'ACTIVE');
    expect(await f.isCached(() => f.queryColor('red'))).toBe(true);
    f.clock.advance(3_600_000);
    await expect(f.queryColor('red')).rejects.toThrow('The table does not have the specified index');
    await f.close();
  });
});

describe('a page', () => {
  const scan = { TableName: 'items' };

  function open(store: ConstructorParameters<typeof Fixture>[0] = {}, settleMs = 0): Fixture {
    const f = new Fixture(store, { queryTtlMs: 600_000, settleMs });
    f.store.put('items', itemOf('a', '1'));
    return f;
  }

  test('is read once for all who ask meanwhile, whatever their spelling', async () => {
    const f = open({ answers: 'held', bytes: false });
    const spellings = [
      scan,
      { ...scan, FilterExpression: null },
      { TableName: 'items', ConsistentRead: false },
    ];
    const reads = spellings.map((input) => f.call('Scan', input));
    await settled();
    expect(f.store.held).toHaveLength(1);
    f.store.held[0]?.answer();
    const [first, ...others] = await Promise.all(reads);
    for (const other of others) expect(other).toEqual(first);
  });

  test('is not answered to those who asked after a write, if it was asked for before', async () => {
    const f = open({ answers: 'held', bytes: false });
    const early = f.call('Scan', scan);
    await settled();
    f.store.held[0]?.execute();
    const write = f.put('a', '2');
    await settled();
    f.store.held[1]?.answer();
    await write;
    const late = f.call('Scan', scan);
    await settled();
    expect(f.store.held).toHaveLength(1);
    f.store.held[0]?.answer();
    await settled();
    f.store.held[0]?.answer();
    expect((await early).Items).toEqual([itemOf('a', '1')]);
    expect((await late).Items).toEqual([itemOf('a', '2')]);
    expect(f.accelerator.stats().queryFillsRefused).toBe(1);
  });

  test('fails for all who wait for it, and is asked for again after that', async () => {
    const f = open({ answers: 'held', bytes: false });
    const reads = [f.call('Scan', scan), f.call('Scan', scan)];
    await settled();
    f.store.held[0]?.fail(new DynamoDbError('ThrottlingException', 'Rate exceeded'));
    for (const read of reads) await expect(read).rejects.toThrow('Rate exceeded');
    const again = f.call('Scan', scan);
    await settled();
    f.store.held[0]?.answer();
    expect((await again).Count).toBe(1);
  });

  test('of what was written lately is read consistently, at the cost of what was asked for', async () => {
    const f = open({ answers: 'soon', bytes: false }, 5_000);
    f.clock.advance(5_000);
    await f.put('a', '2');
    const cost = { TableName: 'items', CapacityUnits: 2, Table: { CapacityUnits: 2 } };
    f.answerWith('Scan', { Items: [itemOf('a', '2')], Count: 1, ScannedCount: 1, ConsumedCapacity: cost });
    const read = () => f.call('Scan', { ...scan, ReturnConsumedCapacity: 'INDEXES' });
    const halved = { TableName: 'items', CapacityUnits: 1, Table: { CapacityUnits: 1 } };
    expect((await read()).ConsumedCapacity).toEqual(halved);
    expect(f.store.requests.at(-1)?.input.ConsistentRead).toBe(true);
    expect(await f.countDuring('Scan', read)).toBe(0);
    f.clock.advance(5_000);
    await f.call('Scan', { ...scan, Limit: 1 });
    expect(f.store.requests.at(-1)?.input.ConsistentRead).toBeUndefined();
  });

  test('that was asked for earlier does not take the place of one that was asked for anew', async () => {
    const f = open({ answers: 'held', bytes: false });
    const early = f.call('Scan', scan);
    await settled();
    const [sent] = f.store.held;
    sent?.execute();
    f.store.put('items', itemOf('a', '2'));
    const anew = f.send({ operation: 'Scan', input: scan, region, noCache: true });
    await settled();
    f.store.held[1]?.answer();
    expect((await anew).output.Items).toEqual([itemOf('a', '2')]);
    sent?.answer();
    expect((await early).Items).toEqual([itemOf('a', '1')]);
    expect((await f.call('Scan', scan)).Items).toEqual([itemOf('a', '2')]);
  });

  test('is not kept beyond 4 MB', async () => {
    const f = open({ bytes: false });
    const page = (length: number) => ({
      Items: [itemOf('a', 'x'.repeat(length))],
      Count: 1,
      ScannedCount: 1,
    });
    f.answerWith('Scan', page(4_000_000));
    await f.call('Scan', scan);
    f.answerWith('Scan', page(3_999_000));
    expect(await f.countDuring('Scan', () => f.call('Scan', scan))).toBe(1);
    expect(await f.countDuring('Scan', () => f.call('Scan', scan))).toBe(0);
  });

  test('has its bytes to itself', async () => {
    const f = open();
    const request = { operation: 'Scan', input: scan, region };
    await f.send(request);
    const { body, output } = await f.send(request);
    expect(body.buffer.byteLength).toBe(body.length);
    expect(output.Count).toBe(1);
  });

  test('is asked for as it was read, not in bytes that may say something else', async () => {
    const f = open({ answers: 'soon', bytes: false });
    await f.send({ operation: 'Scan', input: scan, body: Buffer.from('{"TableName":"other"}'), region });
    expect(f.store.requests.at(-1)).toMatchObject({ input: scan });
    expect(f.store.requests.at(-1)?.body).toBeUndefined();
  });

  test('of a table that is not cached is not kept', async () => {
    const f = new Fixture({}, { queryTtlMs: 600_000, tables: { items: { cache: false } } });
    await f.call('Scan', scan);
    expect(await f.countDuring('Scan', () => f.call('Scan', scan))).toBe(1);
  });
});
