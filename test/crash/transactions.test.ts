import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateTableCommand,
  DynamoDBClient,
  TransactGetItemsCommand,
  TransactWriteItemsCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Program } from '../program.ts';

const rounds = Number(process.env.CRASH_ROUNDS ?? 4);
const writers = 16;
const TableName = 'Ledger';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'slipstream-kill-'));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Counts in two items at once, and begins each round with the request that the round before left unanswered. */
class Writer {
  readonly id: string;
  sent = 0;
  acknowledged = 0;

  constructor(id: string) {
    this.id = id;
  }

  /** Writes until the server is gone. */
  async run(client: DynamoDBClient): Promise<void> {
    try {
      for (;;) await this.next(client);
    } catch (error) {
      if ((error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode !== undefined)
        throw error;
    }
  }

  async next(client: DynamoDBClient): Promise<void> {
    this.sent = this.acknowledged + 1;
    await this.#send(client, this.sent);
    this.acknowledged = this.sent;
  }

  /** Sends the last request once more, whether it was answered or not. */
  async repeat(client: DynamoDBClient): Promise<void> {
    if (this.sent === 0) return;
    await this.#send(client, this.sent);
    this.acknowledged = this.sent;
  }

  async check(client: DynamoDBClient): Promise<void> {
    const gets = this.#keys.map((Key) => ({ Get: { TableName, Key } }));
    const { Responses } = await client.send(new TransactGetItemsCommand({ TransactItems: gets }));
    const counts = Responses?.map(({ Item }) => Number(Item?.n?.N ?? 0));
    expect(counts).toEqual([this.acknowledged, this.acknowledged]);
  }

  get #keys() {
    return ['left', 'right'].map((side) => ({ id: { S: `${this.id}-${side}` } }));
  }

  async #send(client: DynamoDBClient, request: number): Promise<void> {
    const TransactItems = this.#keys.map((Key) => ({
      Update: {
        TableName,
        Key,
        UpdateExpression: 'ADD n :one',
        ExpressionAttributeValues: { ':one': { N: '1' } },
      },
    }));
    const ClientRequestToken = `${this.id}-${request}`;
    await client.send(new TransactWriteItemsCommand({ TransactItems, ClientRequestToken }));
  }
}

test(
  `after kill -9, ${rounds} times, a transaction that is sent again with its token has happened once`,
  async () => {
    const all = Array.from({ length: writers }, (_, i) => new Writer(`writer-${i}`));
    for (let round = 0; round < rounds; round++) {
      const program = Program.run(['--port', '0', '--data', directory]);
      const client = clientOf(await program.ready());
      if (round === 0) await createTable(client);
      await Promise.all(all.map((writer) => writer.repeat(client)));
      await Promise.all(all.map((writer) => writer.check(client)));
      const goal = acknowledgedBy(all) + 200 + Math.floor(Math.random() * 1000);
      const writing = all.map((writer) => writer.run(client));
      while (acknowledgedBy(all) < goal) await new Promise((resolve) => setImmediate(resolve));
      await program.end('SIGKILL');
      await Promise.all(writing);
      client.destroy();
    }
    await checkAfterwards(all);
  },
  rounds * 10_000,
);

/** Also over a clean end, after which LMDB has the tokens and not the log. */
async function checkAfterwards(all: readonly Writer[]): Promise<void> {
  for (let start = 0; start < 2; start++) {
    const program = Program.run(['--port', '0', '--data', directory]);
    const client = clientOf(await program.ready());
    await Promise.all(all.map((writer) => writer.repeat(client)));
    await Promise.all(all.map((writer) => writer.check(client)));
    client.destroy();
    expect((await program.end()).code).toBe(0);
  }
  const checked = await Program.run(['check', '--data', directory]).exit;
  expect(checked).toMatchObject({ code: 0, stderr: '' });
}

function clientOf(endpoint: string): DynamoDBClient {
  return new DynamoDBClient({
    endpoint,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
    maxAttempts: 1,
  });
}

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
  return all.reduce((sum, writer) => sum + writer.acknowledged, 0);
}
