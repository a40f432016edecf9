import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EngineOptions } from '../../engine/engine-options.ts';
import { hourMs, type Shard, StreamEngine } from './stream-harness.ts';

/* Streams and their shards: which there are, what of them can be read, and for how long. */

let engine: StreamEngine;

async function open(options: Partial<EngineOptions> = {}): Promise<void> {
  engine = await StreamEngine.open(options);
}
afterEach(() => engine.engine.remove());

describe('shards', () => {
  beforeEach(() => open({ streamShardMs: 100 }));

  async function rolls(arn: string, count: number): Promise<Shard[]> {
    let shards = await engine.shards(arn);
    for (let i = 0; i < count; i++) {
      engine.advance(100);
      shards = await engine.rolled(arn, shards);
    }
    return shards;
  }

  test('four of them, each the parent of one when they roll', async () => {
    const arn = await engine.createTable('rolling');
    expect(await engine.shards(arn)).toHaveLength(4);
    const shards = await rolls(arn, 2);
    expect(shards).toHaveLength(12);
    expect(shards.map(({ ShardId }) => ShardId)).toEqual(shards.map(({ ShardId }) => ShardId).sort());
    for (const { ShardId } of shards) expect(ShardId).toMatch(/^shardId-\d{20}-[0-9a-f]{8}$/);
    shards.forEach((shard, i) => {
      expect(shard.ParentShardId).toBe(shards[i - 4]?.ShardId);
      const { StartingSequenceNumber: start, EndingSequenceNumber: end } = shard.SequenceNumberRange;
      expect(start).toMatch(/^\d{21}$/);
      const next = shards[i + 4]?.SequenceNumberRange.StartingSequenceNumber;
      if (next === undefined) expect(end).toBeUndefined();
      else expect(BigInt(next)).toBe(BigInt(end ?? 0) + 1n);
    });
  });

  test('a closed one is read to its end, and then there is no iterator', async () => {
    const arn = await engine.createTable('closing');
    for (let i = 0; i < 40; i++) await engine.put('closing', `${i}`);
    const open = await engine.shards(arn);
    const shards = await rolls(arn, 1);
    for (let i = 0; i < 40; i++) await engine.put('closing', `new ${i}`);
    let count = 0;
    for (const { ShardId } of shards.slice(0, 4)) {
      let page = await engine.page(await engine.iterator(arn, ShardId), 3);
      count += page.Records.length;
      while (page.NextShardIterator !== undefined) {
        page = await engine.page(page.NextShardIterator, 3);
        count += page.Records.length;
      }
    }
    expect(count).toBe(40);
    expect(open.map(({ ShardId }) => ShardId)).toEqual(shards.slice(0, 4).map(({ ShardId }) => ShardId));
    const latest = await engine.page(await engine.iterator(arn, shards[0]?.ShardId ?? '', 'LATEST'));
    expect(latest).toEqual({ Records: [] });
  });

  test('an iterator of an open one outlives its roll', async () => {
    const arn = await engine.createTable('living');
    const [shard] = await engine.shards(arn);
    const { NextShardIterator: next = '' } = await engine.page(
      await engine.iterator(arn, shard?.ShardId ?? ''),
    );
    await rolls(arn, 1);
    expect(await engine.page(next)).toEqual({ Records: [] });
  });

  test('are described in pages, and children alone', async () => {
    const arn = await engine.createTable('described');
    const shards = await rolls(arn, 3);
    const { Shards: page, LastEvaluatedShardId: last } = await engine.describe(arn, { Limit: 5 });
    expect(page).toEqual(shards.slice(0, 5));
    expect(last).toBe(shards[4]?.ShardId);
    const rest = await engine.describe(arn, { ExclusiveStartShardId: last });
    expect(rest.Shards).toEqual(shards.slice(5));
    expect(rest.LastEvaluatedShardId).toBeUndefined();
    const none = await engine.describe(arn, { ExclusiveStartShardId: 'z'.repeat(40) });
    expect(none.Shards).toEqual([]);
    const ShardFilter = { Type: 'CHILD_SHARDS', ShardId: shards[2]?.ShardId };
    expect((await engine.describe(arn, { ShardFilter })).Shards).toEqual([shards[6]]);
    const ofNewest = { Type: 'CHILD_SHARDS', ShardId: shards.at(-1)?.ShardId };
    expect((await engine.describe(arn, { ShardFilter: ofNewest })).Shards).toEqual([]);
  });

  test('go a day after they have been closed, over restarts too', async () => {
    const arn = await engine.createTable('aging');
    const shards = await rolls(arn, 1);
    engine.advance(24 * hourMs - 1);
    expect((await engine.shards(arn)).slice(0, 4).map(({ ShardId }) => ShardId)).toEqual(
      shards.slice(0, 4).map(({ ShardId }) => ShardId),
    );
    engine.advance(1);
    await engine.engine.reopen();
    const left = (await engine.shards(arn)).map(({ ShardId }) => ShardId);
    for (const { ShardId } of shards.slice(0, 4)) expect(left).not.toContain(ShardId);
    expect(left).toContain(shards[4]?.ShardId);
  });
});

test('their number is that of the setting when the stream was opened', async () => {
  await open({ streamShards: 32, streamShardMs: 100 });
  const arn = await engine.createTable('cut');
  for (let i = 0; i < 300; i++) await engine.put('cut', `${i}`);
  expect(await engine.shards(arn)).toHaveLength(32);
  const records = await engine.records(arn);
  expect(new Set(records.map(({ dynamodb }) => dynamodb.Keys.p?.S)).size).toBe(300);
});

describe('iterators', () => {
  let arn: string;
  let shardId: string;

  beforeEach(async () => {
    await open({ streamShards: 1 });
    arn = await engine.createTable('items');
    for (const p of ['a', 'b', 'c']) await engine.put('items', p);
    shardId = (await engine.shards(arn))[0]?.ShardId ?? '';
  });

  async function keysFrom(type: string, sequence?: string): Promise<unknown[]> {
    const records = await engine.drain(await engine.iterator(arn, shardId, type, sequence));
    return records.map(({ dynamodb }) => dynamodb.Keys.p?.S);
  }

  async function sequenceOf(p: string): Promise<string> {
    const record = (await engine.records(arn)).find(({ dynamodb }) => dynamodb.Keys.p?.S === p);
    return record?.dynamodb.SequenceNumber ?? '';
  }

  test('begin at the horizon, at a record or behind it, or behind all', async () => {
    expect(await keysFrom('TRIM_HORIZON')).toEqual(['a', 'b', 'c']);
    expect(await keysFrom('AT_SEQUENCE_NUMBER', await sequenceOf('b'))).toEqual(['b', 'c']);
    expect(await keysFrom('AFTER_SEQUENCE_NUMBER', await sequenceOf('b'))).toEqual(['c']);
    const latest = await engine.iterator(arn, shardId, 'LATEST');
    expect((await engine.page(latest)).Records).toEqual([]);
    await engine.put('items', 'd');
    expect((await engine.page(latest)).Records).toMatchObject([{ dynamodb: { Keys: { p: { S: 'd' } } } }]);
  });

  test('go on where the page before ended, over restarts too', async () => {
    const first = await engine.page(await engine.iterator(arn, shardId), 2);
    expect(first.Records).toHaveLength(2);
    await engine.engine.reopen();
    const second = await engine.page(first.NextShardIterator ?? '', 2);
    expect(second.Records).toMatchObject([{ dynamodb: { Keys: { p: { S: 'c' } } } }]);
    await engine.put('items', 'd');
    const third = await engine.page(second.NextShardIterator ?? '');
    expect(third.Records).toMatchObject([{ dynamodb: { Keys: { p: { S: 'd' } } } }]);
  });

  test('expire after a quarter of an hour', async () => {
    const iterator = await engine.iterator(arn, shardId);
    engine.advance(15 * 60_000);
    const { NextShardIterator: next = '' } = await engine.page(iterator);
    engine.advance(1);
    await expect(engine.page(iterator)).rejects.toMatchObject({
      code: 'ExpiredIteratorException',
      message: 'Shard iterator has expired',
    });
    expect((await engine.page(next)).Records).toEqual([]);
  });

  test.each(['before', 'after'])('know what has been trimmed: read %s a restart', async (when) => {
    const [a, c] = [await sequenceOf('a'), await sequenceOf('c')];
    engine.advance(24 * hourMs - 60_000);
    await engine.put('items', 'd');
    const [old, atHorizon] = [
      await engine.iterator(arn, shardId, 'AT_SEQUENCE_NUMBER', a),
      await engine.iterator(arn, shardId),
    ];
    engine.advance(60_000);
    if (when === 'after') await engine.engine.reopen();
    const trimmed = {
      code: 'TrimmedDataAccessException',
      message: 'The data you are trying to access has been trimmed',
    };
    await expect(engine.page(old)).rejects.toMatchObject(trimmed);
    await expect(engine.page(atHorizon)).rejects.toMatchObject(trimmed);
    await expect(engine.iterator(arn, shardId, 'AT_SEQUENCE_NUMBER', a)).rejects.toMatchObject(trimmed);
    await expect(engine.iterator(arn, shardId, 'AFTER_SEQUENCE_NUMBER', a)).rejects.toMatchObject(trimmed);
    expect(await keysFrom('AFTER_SEQUENCE_NUMBER', c)).toEqual(['d']);
    expect(await keysFrom('TRIM_HORIZON')).toEqual(['d']);
  });

  test('a page has a thousand records, or a megabyte', async () => {
    const text = 'x'.repeat(100_000);
    for (let i = 0; i < 25; i++) await engine.put('items', `large ${i}`, { text: { S: text } });
    const sizes = [];
    for (let next = await engine.iterator(arn, shardId); ; ) {
      const { Records, NextShardIterator = '' } = await engine.page(next);
      if (Records.length === 0) break;
      sizes.push(Records.reduce((sum, { dynamodb }) => sum + dynamodb.SizeBytes, 0));
      next = NextShardIterator;
    }
    expect(sizes.map((size) => size <= 1024 * 1024)).toEqual([true, true, true]);
    expect(sizes[0]).toBeGreaterThan(1024 * 1024 - 110_000);
  });
});

describe('refused', () => {
  let arn: string;
  let shardId: string;

  beforeEach(async () => {
    await open();
    arn = await engine.createTable('items');
    shardId = (await engine.shards(arn))[0]?.ShardId ?? '';
  });

  const validation = 'ValidationException';
  const notFound = 'ResourceNotFoundException';
  const invalid = 'One or more parameter values were invalid:';
  const zeros = '0'.repeat(21);

  test.each<[string, string, Record<string, unknown>, string, string]>([
    [
      'a stream that is not there',
      'DescribeStream',
      { StreamArn: 'other' },
      notFound,
      'Requested resource not found: Stream: arn:aws:dynamodb:us-east-1:000000000000:table/items/stream/other not found',
    ],
    [
      'an ARN of something else',
      'DescribeStream',
      { StreamArn: 'x'.repeat(40) },
      validation,
      'Invalid StreamArn',
    ],
    [
      'no shards',
      'DescribeStream',
      { Limit: 0 },
      validation,
      "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1",
    ],
    [
      'a filter without type',
      'DescribeStream',
      { ShardFilter: { ShardId: 'x'.repeat(30) } },
      validation,
      "1 validation error detected: Value 'null' at 'shardFilter.type' failed to satisfy constraint: Member must be CHILD_SHARDS",
    ],
    [
      'a shard that is not there',
      'GetShardIterator',
      { ShardId: 'x'.repeat(40), ShardIteratorType: 'LATEST' },
      notFound,
      'Requested resource not found: Shard does not exist',
    ],
    [
      'no number where one is needed',
      'GetShardIterator',
      { ShardIteratorType: 'AT_SEQUENCE_NUMBER' },
      validation,
      `${invalid} Invalid SequenceNumber`,
    ],
    [
      'a number that is none',
      'GetShardIterator',
      { ShardIteratorType: 'AT_SEQUENCE_NUMBER', SequenceNumber: 'x'.repeat(21) },
      validation,
      `${invalid} Invalid SequenceNumber`,
    ],
    [
      'a number where none is needed',
      'GetShardIterator',
      { ShardIteratorType: 'LATEST', SequenceNumber: zeros },
      validation,
      `${invalid} SequenceNumber should not be passed for this iterator type`,
    ],
    [
      'a number of another shard',
      'GetShardIterator',
      { ShardIteratorType: 'AT_SEQUENCE_NUMBER', SequenceNumber: zeros },
      validation,
      'Invalid SequenceNumber for the shard',
    ],
    [
      'an iterator that is none',
      'GetRecords',
      { ShardIterator: 'none' },
      validation,
      'Invalid ShardIterator',
    ],
    [
      'too many records',
      'GetRecords',
      { ShardIterator: 'none', Limit: 1001 },
      validation,
      "1 validation error detected: Value '1001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 1000",
    ],
    [
      'too many streams',
      'ListStreams',
      { Limit: 101 },
      validation,
      "1 validation error detected: Value '101' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 100",
    ],
  ])('%s', async (_what, operation, members, code, message) => {
    const place =
      operation === 'GetShardIterator' ? { StreamArn: arn, ShardId: shardId } : { StreamArn: arn };
    const named = members.StreamArn === 'other' ? { StreamArn: arn.replace(/[^/]+$/, 'other') } : members;
    await expect(engine.call(operation, { ...place, ...named })).rejects.toMatchObject({ code, message });
  });
});

describe('a table', () => {
  beforeEach(() => open());

  test('tells of its stream, and of a new one when it is turned on again', async () => {
    const first = await engine.createTable('items', 'KEYS_ONLY');
    expect(await engine.describeTable('items')).toMatchObject({
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' },
      LatestStreamLabel: first.replace(/^.*\//, ''),
    });
    await engine.put('items', 'a');
    await expect(engine.setStream('items', 'NEW_IMAGE')).rejects.toMatchObject({
      code: 'ValidationException',
      message: 'Table already has an enabled stream: TableName: items',
    });
    await engine.setStream('items', undefined);
    await engine.put('items', 'b');
    const disabled = await engine.describeTable('items');
    expect(disabled).toMatchObject({ LatestStreamArn: first });
    expect(disabled).not.toHaveProperty('StreamSpecification');
    expect(await engine.describe(first)).toMatchObject({ StreamStatus: 'DISABLED' });
    await expect(engine.setStream('items', undefined)).rejects.toMatchObject({
      code: 'ValidationException',
      message: 'Table has no stream to disable: TableName: items',
    });
    await engine.setStream('items', 'NEW_IMAGE');
    const second = (await engine.describeTable('items')).LatestStreamArn;
    expect(second).not.toBe(first);
    await engine.put('items', 'c');
    const keysOf = async (arn: string) =>
      (await engine.records(arn)).map(({ dynamodb }) => dynamodb.Keys.p?.S);
    for (const reopen of [false, true]) {
      if (reopen) await engine.engine.reopen();
      expect(await keysOf(first)).toEqual(['a']);
      expect(await keysOf(second)).toEqual(['c']);
      for (const { SequenceNumberRange: range } of await engine.shards(first)) {
        expect(range).toHaveProperty('EndingSequenceNumber');
      }
    }
  });

  test('leaves its stream behind for a day when it is deleted, and another one of its name has another', async () => {
    const first = await engine.createTable('items');
    await engine.put('items', 'a');
    await engine.call('DeleteTable', { TableName: 'items' });
    await engine.engine.untilStatus('items', undefined);
    const second = await engine.createTable('items');
    expect(second).not.toBe(first);
    await engine.put('items', 'b');
    await engine.engine.reopen();
    const list = () =>
      engine.call<{ Streams: { StreamArn: string }[] }>('ListStreams', { TableName: 'items' });
    expect((await list()).Streams.map(({ StreamArn }) => StreamArn)).toEqual([first, second]);
    expect(await engine.describe(first)).toMatchObject({ StreamStatus: 'DISABLED' });
    const records = await engine.records(first);
    expect(records.map(({ dynamodb }) => dynamodb.Keys.p?.S)).toEqual(['a']);
    engine.advance(24 * hourMs);
    expect((await list()).Streams.map(({ StreamArn }) => StreamArn)).toEqual([second]);
    await expect(engine.describe(first)).rejects.toMatchObject({ code: 'ResourceNotFoundException' });
  });

  test('lists its streams in pages', async () => {
    const arns = [];
    for (const name of ['one', 'two', 'three']) arns.push(await engine.createTable(name));
    await engine.engine.createTable('streamless');
    arns.sort();
    const first = await engine.call<{ Streams: object[] }>('ListStreams', { Limit: 2 });
    expect(first).toMatchObject({
      Streams: [{ StreamArn: arns[0] }, { StreamArn: arns[1] }],
      LastEvaluatedStreamArn: arns[1],
    });
    const second = await engine.call('ListStreams', { ExclusiveStartStreamArn: arns[1] });
    expect(second).toEqual({
      Streams: [{ StreamArn: arns[2], TableName: 'two', StreamLabel: expect.any(String) }],
    });
    expect(await engine.call('ListStreams', { TableName: 'streamless' })).toEqual({ Streams: [] });
  });
});

test('a stream is ENABLING and DISABLING as long as its table is UPDATING', async () => {
  await open({ controlPlaneDelayMs: 50 });
  await engine.engine.createTable('items');
  await engine.setStream('items', 'KEYS_ONLY');
  const arn = (await engine.describeTable('items')).LatestStreamArn;
  expect(await engine.describe(arn)).toMatchObject({ StreamStatus: 'ENABLING' });
  await expect(engine.setStream('items', undefined)).rejects.toMatchObject({
    code: 'ResourceInUseException',
  });
  await engine.put('items', 'a');
  await engine.engine.untilStatus('items', 'ACTIVE');
  expect(await engine.describe(arn)).toMatchObject({ StreamStatus: 'ENABLED' });
  await engine.setStream('items', undefined);
  expect(await engine.describe(arn)).toMatchObject({ StreamStatus: 'DISABLING' });
  await engine.put('items', 'b');
  await engine.engine.untilStatus('items', 'ACTIVE');
  expect(await engine.describe(arn)).toMatchObject({ StreamStatus: 'DISABLED' });
  expect((await engine.records(arn)).map(({ dynamodb }) => dynamodb.Keys.p?.S)).toEqual(['a']);
});
