import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AttributeValue, DynamoDB } from '@aws-sdk/client-dynamodb';
import { type _Record, DynamoDBStreams, type GetRecordsOutput } from '@aws-sdk/client-dynamodb-streams';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkDataDirectory } from '../../engine/check.ts';
import { Program } from '../program.ts';

/* kill -9 under writes, while shards roll every second and somebody reads along. */

type Item = Record<string, AttributeValue>;

const TableName = 'Killed';
const kills = 3;
const writers = 8;

let directory: string;
let program: Program;
let dynamo: DynamoDB;
let streams: DynamoDBStreams;
let arn: string;
/** What a reader saw, by the ids of the events. */
const seen = new Map<string, _Record>();

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'slipstream-stream-kill-'));
  await start();
  const { TableDescription } = await dynamo.createTable({
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'p', AttributeType: 'S' }],
    StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
  });
  arn = TableDescription?.LatestStreamArn ?? '';
});

afterAll(async () => {
  dynamo.destroy();
  streams.destroy();
  await program.end('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

async function start(): Promise<void> {
  program = Program.run(['engine', '--port', '0', '--data', directory, '--stream-shard-seconds', '1']);
  const connection = {
    endpoint: await program.ready(),
    region: 'eu-central-1',
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
    maxAttempts: 1,
  };
  dynamo = new DynamoDB(connection);
  streams = new DynamoDBStreams(connection);
}

/** Until the server is gone. */
async function write(writer: number): Promise<void> {
  for (let i = 0; ; i++) {
    const key = { p: { S: `${(writer * 3 + i) % 20}` } };
    const Item = { ...key, writer: { N: `${writer}` }, i: { N: `${i}` } };
    try {
      if (i % 5 === 4) await dynamo.deleteItem({ TableName, Key: key });
      else await dynamo.putItem({ TableName, Item });
    } catch {
      return;
    }
  }
}

/** All that the stream has, shard by shard, parents before children. */
async function read(): Promise<_Record[]> {
  const records: _Record[] = [];
  for (let ExclusiveStartShardId: string | undefined; ; ) {
    const { StreamDescription } = await streams.describeStream({ StreamArn: arn, ExclusiveStartShardId });
    for (const { ShardId } of StreamDescription?.Shards ?? []) {
      const from = { StreamArn: arn, ShardId, ShardIteratorType: 'TRIM_HORIZON' } as const;
      let { ShardIterator } = await streams.getShardIterator(from);
      while (ShardIterator !== undefined) {
        const page: GetRecordsOutput = await streams.getRecords({ ShardIterator });
        records.push(...(page.Records ?? []));
        ShardIterator = page.Records?.length === 0 ? undefined : page.NextShardIterator;
      }
    }
    ExclusiveStartShardId = StreamDescription?.LastEvaluatedShardId;
    if (ExclusiveStartShardId === undefined) return records;
  }
}

/** Until the server is gone. */
async function readAlong(): Promise<void> {
  try {
    for (;;) for (const record of await read()) seen.set(record.eventID ?? '', record);
  } catch {
    return;
  }
}

/** The table as the records say that it is. */
function applied(records: readonly _Record[]): Map<string, Item> {
  const items = new Map<string, Item>();
  for (const { dynamodb } of records) {
    const key = dynamodb?.Keys?.p?.S ?? '';
    expect(dynamodb?.OldImage).toEqual(items.get(key));
    if (dynamodb?.NewImage === undefined) items.delete(key);
    else items.set(key, dynamodb.NewImage);
  }
  return items;
}

async function itemsOf(): Promise<Map<string, Item>> {
  const { Items = [] } = await dynamo.scan({ TableName, ConsistentRead: true });
  return new Map(Items.map((item) => [item.p?.S ?? '', item]));
}

test('records make the table what it is, and none that was read is taken back', {
  timeout: 60_000,
}, async () => {
  for (let kill = 0; kill < kills; kill++) {
    const work = Promise.all([readAlong(), ...Array.from({ length: writers }, (_, writer) => write(writer))]);
    await new Promise((resolve) => setTimeout(resolve, 700 + 300 * kill));
    await program.end('SIGKILL');
    await work;
    dynamo.destroy();
    streams.destroy();
    await start();
    const records = await read();
    expect(applied(records)).toEqual(await itemsOf());
    const found = new Map(records.map((record) => [record.eventID, record]));
    for (const [id, record] of seen) expect(found.get(id)).toEqual(record);
  }
  expect(seen.size).toBeGreaterThan(100);
  const { StreamDescription } = await streams.describeStream({ StreamArn: arn });
  expect(StreamDescription?.Shards?.length).toBeGreaterThan(8);
  await program.end();
  expect((await checkDataDirectory(directory)).problems).toEqual([]);
});
