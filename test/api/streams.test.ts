import {
  type _Record,
  DynamoDBStreams,
  type GetRecordsOutput,
  type Shard,
} from '@aws-sdk/client-dynamodb-streams';
import { afterAll, expect, test } from 'vitest';
import { rollShardsHeader } from '../../protocol/extension-headers.ts';
import { withHeader } from './extension-header.ts';
import { describeSetups, refusal, untilActive } from './setups.ts';
import { streamedTable } from './streamed-table.ts';

/* DynamoDB Streams with the SDK's own client, straight and through the accelerator (AWS: Streams). */

const clients: DynamoDBStreams[] = [];
afterAll(() => {
  for (const client of clients) client.destroy();
});

describeSetups((setup) => {
  let made: DynamoDBStreams | undefined;

  /** The setup knows its address once its program runs. */
  function streams(): DynamoDBStreams {
    made ??= new DynamoDBStreams({
      endpoint: setup.address,
      region: setup.region,
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      maxAttempts: 1,
    });
    if (!clients.includes(made)) clients.push(made);
    return made;
  }

  async function shardsOf(StreamArn: string): Promise<Shard[]> {
    const { StreamDescription } = await streams().describeStream({ StreamArn });
    return StreamDescription?.Shards ?? [];
  }

  async function recordsOf(StreamArn: string): Promise<_Record[]> {
    const records: _Record[] = [];
    for (const { ShardId } of await shardsOf(StreamArn)) {
      const start = { StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' } as const;
      let { ShardIterator } = await streams().getShardIterator(start);
      for (;;) {
        const page: GetRecordsOutput = await streams().getRecords({ ShardIterator, Limit: 2 });
        records.push(...(page.Records ?? []));
        ShardIterator = page.NextShardIterator;
        if (page.Records?.length === 0 || ShardIterator === undefined) break;
      }
    }
    return records.sort((a, b) => (sequenceOf(a) < sequenceOf(b) ? -1 : 1));
  }

  test('an item comes, changes and goes', async () => {
    const { name, arn } = await streamedTable(setup);
    const { dynamo } = setup;
    await dynamo.putItem({ TableName: name, Item: { p: { S: 'a' }, bytes: { B: Buffer.from('xyz') } } });
    await dynamo.updateItem({
      TableName: name,
      Key: { p: { S: 'a' } },
      UpdateExpression: 'SET n = :n REMOVE bytes',
      ExpressionAttributeValues: { ':n': { N: '1.50' } },
    });
    await dynamo.deleteItem({ TableName: name, Key: { p: { S: 'a' } } });
    const first = { p: { S: 'a' }, bytes: { B: new Uint8Array(Buffer.from('xyz')) } };
    const second = { p: { S: 'a' }, n: { N: '1.5' } };
    const records = await recordsOf(arn);
    expect(records).toMatchObject([
      { eventName: 'INSERT', dynamodb: { NewImage: first, SizeBytes: 2 + 2 + 8 } },
      { eventName: 'MODIFY', dynamodb: { OldImage: first, NewImage: second } },
      { eventName: 'REMOVE', dynamodb: { OldImage: second } },
    ]);
    expect(records[0]?.dynamodb).not.toHaveProperty('OldImage');
    for (const { eventVersion, eventSource, awsRegion, dynamodb } of records) {
      expect({ eventVersion, eventSource, awsRegion }).toEqual({
        eventVersion: '1.1',
        eventSource: 'aws:dynamodb',
        awsRegion: setup.region,
      });
      expect(dynamodb?.Keys).toEqual({ p: { S: 'a' } });
      const ageMs = Date.now() - (dynamodb?.ApproximateCreationDateTime?.getTime() ?? 0);
      expect(ageMs).toBeLessThan(60_000);
    }
  });

  test('a stream is found, described and turned off', async () => {
    const { name, arn } = await streamedTable(setup);
    const label = arn.replace(/^.*\//, '');
    const { Streams } = await streams().listStreams({ TableName: name });
    expect(Streams).toEqual([{ StreamArn: arn, TableName: name, StreamLabel: label }]);
    const { StreamDescription } = await streams().describeStream({ StreamArn: arn });
    expect(StreamDescription).toMatchObject({
      StreamArn: arn,
      StreamLabel: label,
      StreamStatus: 'ENABLED',
      StreamViewType: 'NEW_AND_OLD_IMAGES',
      CreationRequestDateTime: expect.any(Date),
      TableName: name,
      KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
    });
    expect(StreamDescription?.Shards).toHaveLength(4);
    const { TableDescription } = await setup.dynamo.updateTable({
      TableName: name,
      StreamSpecification: { StreamEnabled: false },
    });
    expect(TableDescription).toMatchObject({ TableStatus: 'UPDATING', LatestStreamArn: arn });
    await untilActive(setup.dynamo, name);
    const off = await streams().describeStream({ StreamArn: arn });
    expect(off.StreamDescription).toMatchObject({ StreamStatus: 'DISABLED' });
    const ShardId = off.StreamDescription?.Shards?.[0]?.ShardId;
    const children = { Type: 'CHILD_SHARDS', ShardId } as const;
    const { StreamDescription: none } = await streams().describeStream({
      StreamArn: arn,
      ShardFilter: children,
    });
    expect(none?.Shards).toEqual([]);
  });

  test('a stream that is turned on later has what happens from then on', async () => {
    const name = await setup.table();
    await setup.dynamo.putItem({ TableName: name, Item: { p: { S: 'before' } } });
    const { TableDescription } = await setup.dynamo.updateTable({
      TableName: name,
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' },
    });
    await untilActive(setup.dynamo, name);
    await setup.dynamo.putItem({ TableName: name, Item: { p: { S: 'after' } } });
    const records = await recordsOf(TableDescription?.LatestStreamArn ?? '');
    expect(records.map(({ dynamodb }) => dynamodb?.Keys)).toEqual([{ p: { S: 'after' } }]);
  });

  test('shards roll when they are asked to, and each open one is the child of one that is closed', async () => {
    const { name, arn } = await streamedTable(setup);
    await setup.dynamo.putItem({ TableName: name, Item: { p: { S: 'before' } } });
    const before = await shardsOf(arn);
    const { result: after } = await withHeader(streams(), rollShardsHeader, 'now', () => shardsOf(arn));
    await setup.dynamo.putItem({ TableName: name, Item: { p: { S: 'after' } } });
    expect(after).toHaveLength(8);
    before.forEach(({ ShardId }, i) => {
      expect(after[i]).toMatchObject({
        ShardId,
        SequenceNumberRange: { EndingSequenceNumber: expect.any(String) },
      });
      expect(after[i + 4]).toMatchObject({ ParentShardId: ShardId });
    });
    const records = await recordsOf(arn);
    expect(records.map(({ dynamodb }) => dynamodb?.Keys?.p)).toEqual([{ S: 'before' }, { S: 'after' }]);
    await expect(withHeader(streams(), rollShardsHeader, 'later', () => shardsOf(arn))).rejects.toMatchObject(
      refusal('ValidationException', `${rollShardsHeader} has to be: now`),
    );
  });

  test('errors are those of the API', async () => {
    const { name, arn } = await streamedTable(setup);
    const other = arn.replace(/[^/]+$/, '2020-01-01T00:00:00.000');
    await expect(streams().describeStream({ StreamArn: other })).rejects.toMatchObject(
      refusal('ResourceNotFoundException', `Requested resource not found: Stream: ${other} not found`),
    );
    await expect(streams().getRecords({ ShardIterator: 'none' })).rejects.toMatchObject(
      refusal('ValidationException', 'Invalid ShardIterator'),
    );
    const again = { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' } as const;
    await expect(
      setup.dynamo.updateTable({ TableName: name, StreamSpecification: again }),
    ).rejects.toMatchObject(
      refusal('ValidationException', `Table already has an enabled stream: TableName: ${name}`),
    );
  });
});

function sequenceOf({ dynamodb }: _Record): string {
  return dynamodb?.SequenceNumber ?? '';
}
