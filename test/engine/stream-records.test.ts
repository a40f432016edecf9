import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Item, StreamEngine, type StreamRecord, type ViewType } from './stream-harness.ts';

/* What the records of a stream have (AWS: API_streams_Record, API_streams_StreamRecord). */

let engine: StreamEngine;
beforeAll(async () => {
  engine = await StreamEngine.open({ ttlSweepMs: 10 });
});
afterAll(() => engine.engine.remove());

/** The records in the order of the changes. */
async function recordsOf(arn: string): Promise<StreamRecord[]> {
  const records = await engine.records(arn);
  return records.sort((a, b) => (a.dynamodb.SequenceNumber < b.dynamodb.SequenceNumber ? -1 : 1));
}

const one: Item = { p: { S: 'a' }, n: { N: '1' } };
const two: Item = { p: { S: 'a' }, n: { N: '2' } };

describe.each<[ViewType, boolean, boolean]>([
  ['KEYS_ONLY', false, false],
  ['NEW_IMAGE', true, false],
  ['OLD_IMAGE', false, true],
  ['NEW_AND_OLD_IMAGES', true, true],
])('%s', (view, hasNew, hasOld) => {
  test('an item that comes, changes and goes', async () => {
    const table = `view-${view}`;
    const arn = await engine.createTable(table, view);
    await engine.call('PutItem', { TableName: table, Item: one });
    await engine.call('PutItem', { TableName: table, Item: two });
    await engine.remove(table, 'a');
    const records = await recordsOf(arn);
    expect(records.map(({ eventName }) => eventName)).toEqual(['INSERT', 'MODIFY', 'REMOVE']);
    const images = [
      [one, undefined],
      [two, one],
      [undefined, two],
    ];
    images.forEach(([NewImage, OldImage], i) => {
      const expected = {
        ApproximateCreationDateTime: engine.nowMs / 1000,
        Keys: { p: { S: 'a' } },
        ...(hasNew && NewImage !== undefined && { NewImage }),
        ...(hasOld && OldImage !== undefined && { OldImage }),
        SequenceNumber: expect.stringMatching(/^\d{21}$/),
        // A key of 2 bytes, and 5 for each image.
        SizeBytes: 2 + (hasNew && NewImage ? 5 : 0) + (hasOld && OldImage ? 5 : 0),
        StreamViewType: view,
      };
      expect(records[i]?.dynamodb).toEqual(expected);
    });
  });
});

test('each record has an id of its own, the same whenever it is read', async () => {
  const arns = [await engine.createTable('ids-1'), await engine.createTable('ids-2')];
  for (let i = 0; i < 20; i++) await engine.put('ids-1', `${i}`);
  for (let i = 0; i < 20; i++) await engine.put('ids-2', `${i}`);
  const idsOf = async () => (await Promise.all(arns.map(recordsOf))).flat().map(({ eventID }) => eventID);
  const ids = await idsOf();
  expect(new Set(ids).size).toBe(40);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
  expect(await idsOf()).toEqual(ids);
});

test('says where it comes from', async () => {
  const arn = await engine.createTable('where', 'KEYS_ONLY', 'eu-west-3');
  await engine.call('PutItem', { TableName: 'where', Item: one }, 'eu-west-3');
  expect(arn).toMatch(
    /^arn:aws:dynamodb:eu-west-3:000000000000:table\/where\/stream\/2026-06-01T12:00:00\.\d{3}$/,
  );
  const { StreamDescription } = await engine.call<{ StreamDescription: { Shards: { ShardId: string }[] } }>(
    'DescribeStream',
    { StreamArn: arn },
    'eu-west-3',
  );
  const found = [];
  for (const { ShardId } of StreamDescription.Shards) {
    const start = { StreamArn: arn, ShardId, ShardIteratorType: 'TRIM_HORIZON' };
    const { ShardIterator } = await engine.call('GetShardIterator', start, 'eu-west-3');
    const { Records } = await engine.call<{ Records: object[] }>(
      'GetRecords',
      { ShardIterator },
      'eu-west-3',
    );
    found.push(...Records);
  }
  expect(found).toMatchObject([
    { eventVersion: '1.1', eventSource: 'aws:dynamodb', awsRegion: 'eu-west-3', eventName: 'INSERT' },
  ]);
  await expect(engine.describe(arn)).rejects.toMatchObject({ code: 'ResourceNotFoundException' });
});

test('there is none of writes that change nothing', async () => {
  const arn = await engine.createTable('still');
  await engine.call('PutItem', { TableName: 'still', Item: one });
  await engine.call('PutItem', { TableName: 'still', Item: one });
  await engine.remove('still', 'absent');
  await engine.call('UpdateItem', {
    TableName: 'still',
    Key: { p: { S: 'a' } },
    UpdateExpression: 'SET n = :one',
    ExpressionAttributeValues: { ':one': { N: '1.0' } },
  });
  await engine
    .call('PutItem', { TableName: 'still', Item: two, ConditionExpression: 'attribute_not_exists(p)' })
    .catch(() => {});
  expect(await recordsOf(arn)).toHaveLength(1);
});

test('every write of a batch and of a transaction has one, in the order of the writes', async () => {
  const arn = await engine.createTable('several');
  const put = (p: string) => ({ PutRequest: { Item: { p: { S: p } } } });
  await engine.call('BatchWriteItem', { RequestItems: { several: ['a', 'b', 'c'].map(put) } });
  await engine.call('TransactWriteItems', {
    TransactItems: [
      { Put: { TableName: 'several', Item: { p: { S: 'd' } } } },
      { Delete: { TableName: 'several', Key: { p: { S: 'a' } } } },
    ],
  });
  const records = await recordsOf(arn);
  expect(records.map(({ eventName, dynamodb }) => `${eventName} ${dynamodb.Keys.p?.S}`)).toEqual([
    'INSERT a',
    'INSERT b',
    'INSERT c',
    'INSERT d',
    'REMOVE a',
  ]);
});

test('keys come with their types, from tables with a sort key too', async () => {
  await engine.call('CreateTable', {
    TableName: 'typed',
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [
      { AttributeName: 'h', KeyType: 'HASH' },
      { AttributeName: 'r', KeyType: 'RANGE' },
    ],
    AttributeDefinitions: [
      { AttributeName: 'r', AttributeType: 'N' },
      { AttributeName: 'h', AttributeType: 'B' },
    ],
    StreamSpecification: { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' },
  });
  const Item = { h: { B: 'AP8=' }, r: { N: '-12.50' }, other: { S: 'x' } };
  await engine.call('PutItem', { TableName: 'typed', Item });
  const [record] = await recordsOf((await engine.describeTable('typed')).LatestStreamArn);
  expect(record?.dynamodb.Keys).toEqual({ h: { B: 'AP8=' }, r: { N: '-12.5' } });
});

test('the service itself removes what has expired', async () => {
  const arn = await engine.createTable('expiring');
  await engine.call('UpdateTimeToLive', {
    TableName: 'expiring',
    TimeToLiveSpecification: { AttributeName: 'until', Enabled: true },
  });
  await engine.put('expiring', 'a', { until: { N: `${engine.nowMs / 1000 - 1}` } });
  let records: StreamRecord[] = [];
  while (records.length < 2) {
    await new Promise((resolve) => setImmediate(resolve));
    records = await recordsOf(arn);
  }
  expect(records[0]).not.toHaveProperty('userIdentity');
  expect(records[1]).toMatchObject({
    eventName: 'REMOVE',
    userIdentity: { PrincipalId: 'dynamodb.amazonaws.com', Type: 'Service' },
  });
});
