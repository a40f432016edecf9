import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodeFiles } from '../../engine/files.ts';
import { scanLog } from '../../engine/log/scan.ts';
import { Program } from '../program.ts';

const rounds = Number(process.env.CRASH_ROUNDS ?? 12);
const writers = 24;
const TableName = 'Survivors';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'slipstream-kill-'));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What one writer knows of its two items: what it was told, and what it last asked for. */
class Writer {
  readonly id: string;
  putAcknowledged = 0;
  putSent = 0;
  addsAcknowledged = 0;
  addsSent = 0;

  constructor(id: string) {
    this.id = id;
  }

  /** Writes until the server is gone. */
  async run(client: DynamoDBClient): Promise<void> {
    try {
      for (;;) {
        await client.send(new PutItemCommand({ TableName, Item: versioned(this.id, ++this.putSent) }));
        this.putAcknowledged = this.putSent;
        this.addsSent++;
        await client.send(new UpdateItemCommand(increment(this.id)));
        this.addsAcknowledged = this.addsSent;
      }
    } catch (error) {
      if ((error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode !== undefined)
        throw error;
    }
  }

  async check(client: DynamoDBClient): Promise<void> {
    const put = await client.send(new GetItemCommand({ TableName, Key: { id: { S: this.id } } }));
    const version = Number(put.Item?.version?.N ?? 0);
    expect(version).toBeGreaterThanOrEqual(this.putAcknowledged);
    expect(version).toBeLessThanOrEqual(this.putSent);
    if (put.Item !== undefined) expect(put.Item).toEqual(versioned(this.id, version));
    const counter = await client.send(
      new GetItemCommand({ TableName, Key: { id: { S: `${this.id}-counter` } } }),
    );
    const count = Number(counter.Item?.count?.N ?? 0);
    expect(count).toBeGreaterThanOrEqual(this.addsAcknowledged);
    expect(count).toBeLessThanOrEqual(this.addsSent);
    this.putSent = version;
    this.addsSent = count;
  }
}

/** An item whose parts belong together: a torn one would show. */
function versioned(id: string, version: number) {
  const text = createHash('sha256').update(`${id} ${version}`).digest('hex');
  return { id: { S: id }, version: { N: String(version) }, text: { S: text.repeat(1 + (version % 20)) } };
}

function increment(id: string) {
  return {
    TableName,
    Key: { id: { S: `${id}-counter` } },
    UpdateExpression: 'ADD #count :one',
    ExpressionAttributeNames: { '#count': 'count' },
    ExpressionAttributeValues: { ':one': { N: '1' } },
  };
}

function clientOf(endpoint: string): DynamoDBClient {
  return new DynamoDBClient({
    endpoint,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
    maxAttempts: 1,
  });
}

async function lastSequence(): Promise<number> {
  const { problems, segments } = await scanLog(nodeFiles, join(directory, 'log'));
  expect(problems).toEqual([]);
  return Math.max(0, ...segments.map((segment) => segment.lastSequence ?? 0));
}

describe('kill -9 in the middle of heavy writing', () => {
  test(
    `${rounds} times: every acknowledged write is there, whole, and sequence numbers go on rising`,
    async () => {
      const all = Array.from({ length: writers }, (_, i) => new Writer(`writer-${i}`));
      let sequence = 0;
      let acknowledged = 0;
      for (let round = 0; round < rounds; round++) {
        const program = Program.run(['--port', '0', '--data', directory, '--log-segment-size', '1MB']);
        const client = clientOf(await program.ready());
        if (round === 0) await createTable(client);
        for (const writer of all) await writer.check(client);
        const writing = all.map((writer) => writer.run(client));
        await untilWritten(all, acknowledged + 300 + Math.floor(Math.random() * 2000));
        await program.end('SIGKILL');
        await Promise.all(writing);
        client.destroy();
        const total = acknowledgedBy(all);
        expect(total).toBeGreaterThan(acknowledged);
        acknowledged = total;
        const after = await lastSequence();
        expect(after).toBeGreaterThan(sequence);
        sequence = after;
      }
      await checkAfterwards(all);
    },
    rounds * 10_000,
  );
});

async function createTable(client: DynamoDBClient): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName,
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 10, minDelay: 0.05, maxDelay: 0.2 }, { TableName });
}

function acknowledgedBy(all: readonly Writer[]): number {
  return all.reduce((sum, writer) => sum + writer.putAcknowledged + writer.addsAcknowledged, 0);
}

async function untilWritten(all: readonly Writer[], count: number): Promise<void> {
  while (acknowledgedBy(all) < count) await new Promise((resolve) => setImmediate(resolve));
}

/** The last word has the checker, and a start of its own. */
async function checkAfterwards(all: readonly Writer[]): Promise<void> {
  const checked = await Program.run(['check', '--data', directory]).exit;
  expect(checked.stderr).toBe('');
  expect(checked.code).toBe(0);
  const program = Program.run(['engine', '--port', '0', '--data', directory]);
  const client = clientOf(await program.ready());
  for (const writer of all) await writer.check(client);
  const { Count } = await client.send(new ScanCommand({ TableName, Select: 'COUNT' }));
  expect(Count).toBe(2 * writers);
  client.destroy();
  expect((await program.end()).code).toBe(0);
}
