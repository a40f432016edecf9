import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Program } from '../program.ts';

let directory: string;
const started: Program[] = [];
const clients: DynamoDBClient[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'slipstream-lag-'));
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  for (const program of started.splice(0)) await program.end('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

async function run(...words: readonly string[]): Promise<{ program: Program; endpoint: string }> {
  const program = Program.run(words);
  started.push(program);
  return { program, endpoint: await program.ready() };
}

function runEngine(port: string, ...words: readonly string[]) {
  return run('engine', '--port', port, '--data', join(directory, 'data'), ...words);
}

function clientOf(endpoint: string): DynamoDBClient {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials });
  clients.push(client);
  return client;
}

const TableName = 'Music';
const Key = { Artist: { S: 'Nina Simone' } };

async function createMusic(client: DynamoDBClient): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'Artist', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'Artist', KeyType: 'HASH' }],
    }),
  );
  await waitUntilTableExists({ client, minDelay: 1, maxWaitTime: 10 }, { TableName });
}

/** Counts up in a way that leaves the cache without the new value, so that the next read asks the store. */
async function play(client: DynamoDBClient): Promise<void> {
  const UpdateExpression = 'ADD Plays :one';
  const ExpressionAttributeValues = { ':one': { N: '1' } };
  await client.send(new UpdateItemCommand({ TableName, Key, UpdateExpression, ExpressionAttributeValues }));
}

async function plays(client: DynamoDBClient): Promise<number> {
  const { Item } = await client.send(new GetItemCommand({ TableName, Key }));
  return Number(Item?.Plays?.N ?? 0);
}

test('a proxy keeps nothing from before a write, as long as the engine behind it lags', async () => {
  const { endpoint } = await runEngine('0', '--replica-lag-ms', '300');
  const direct = clientOf(endpoint);
  await createMusic(direct);
  const { endpoint: proxy } = await run('proxy', '--port', '0', '--upstream', endpoint, '--settle-ms', '0');
  const client = clientOf(proxy);
  for (let i = 1; i <= 20; i++) {
    await play(client);
    expect([await plays(client), await plays(client)]).toEqual([i, i]);
  }
  expect(await plays(direct)).toBeLessThan(20);
});

test('a proxy learns of a lag that the engine has since its restart', async () => {
  const { program, endpoint } = await runEngine('0');
  const { endpoint: proxy } = await run('proxy', '--port', '0', '--upstream', endpoint, '--settle-ms', '0');
  const client = clientOf(proxy);
  await createMusic(client);
  await play(client);
  expect(await plays(client)).toBe(1);
  await program.end('SIGTERM');
  await runEngine(new URL(endpoint).port, '--replica-lag-ms', '300');
  for (let i = 2; i <= 10; i++) {
    await play(client);
    expect([await plays(client), await plays(client)]).toEqual([i, i]);
  }
});
