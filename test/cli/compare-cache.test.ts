import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Exit, Program } from '../program.ts';

/*
 * An engine, and a proxy in front of it that is told of nothing that goes around it: what others write to the engine
 * makes its cache wrong. The proxy lets in who signs with its key.
 */

const directory = mkdtempSync(join(tmpdir(), 'slipstream-compare-'));
const key = { SLIPSTREAM_ACCESS_KEY_ID: 'caller', SLIPSTREAM_SECRET_ACCESS_KEY: 'secret' };
const started: Program[] = [];
const clients: DynamoDB[] = [];
let [upstream, endpoint] = ['', ''];
let direct: DynamoDB;
let cached: DynamoDB;

beforeAll(async () => {
  upstream = await start(['engine', '--data', join(directory, 'data')]);
  direct = clientOf(upstream, 'any');
  for (const TableName of ['Albums', 'Songs']) await createTable(TableName);
  for (let i = 0; i < 40; i++) {
    for (const table of ['Albums', 'Songs']) await write(direct, table, i, 'old');
  }
  endpoint = await start(['proxy', '--upstream', upstream, '--fence-ms', '1s', '--settle-ms', '0'], key);
  cached = clientOf(endpoint, 'secret');
});

afterAll(async () => {
  for (const client of clients) client.destroy();
  for (const program of started) await program.end('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

function start(words: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<string> {
  const program = Program.run([...words, '--port', '0'], environment);
  started.push(program);
  return program.ready();
}

function clientOf(url: string, secretAccessKey: string): DynamoDB {
  const credentials = { accessKeyId: 'caller', secretAccessKey };
  const client = new DynamoDB({ endpoint: url, region: 'us-east-1', credentials });
  clients.push(client);
  return client;
}

async function createTable(TableName: string): Promise<void> {
  await direct.createTable({
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: ['artist', 'title', 'label'].map((AttributeName) => ({
      AttributeName,
      AttributeType: 'S',
    })),
    KeySchema: [
      { AttributeName: 'artist', KeyType: 'HASH' },
      { AttributeName: 'title', KeyType: 'RANGE' },
    ],
    GlobalSecondaryIndexes: [
      {
        IndexName: 'byLabel',
        KeySchema: [{ AttributeName: 'label', KeyType: 'HASH' }],
        Projection: { ProjectionType: 'ALL' },
      },
    ],
  });
}

function keyOf(i: number) {
  return { artist: { S: `artist ${i % 4}` }, title: { S: `title ${i}` } };
}

function write(client: DynamoDB, TableName: string, i: number, state: string): Promise<unknown> {
  return client.putItem({ TableName, Item: { ...keyOf(i), label: { S: 'label' }, state: { S: state } } });
}

/** @param words beyond those that every comparison has. */
function compare(words: readonly string[] = [], environment: NodeJS.ProcessEnv = key): Promise<Exit> {
  const common = ['compare-cache', '--endpoint', endpoint, '--upstream', upstream];
  const program = Program.run(
    [...common, '--delay-ms', '50', '--rate', '10000', '--samples', '200', ...words],
    environment,
  );
  started.push(program);
  return program.exit;
}

describe('a comparison', () => {
  test('of a cache that is right says so, with 0', async () => {
    const { code, stdout, stderr } = await compare();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^80 keys of 2 tables\n/);
    expect(stdout).toMatch(/\n {2}items +80 compared, 0 differed at once, 0 after 50 ms \(0 ppm\)\n/);
    expect(stdout).toMatch(/\n {2}queries of tables +8 compared,/);
    expect(stdout).toMatch(/\n {2}queries of indexes +2 compared,/);
  });

  test('finds what a write around the proxy has made wrong, with 1, and tells it in full in a file', async () => {
    const json = join(directory, 'result.json');
    const compareWrong = async (): Promise<Exit> => {
      await write(cached, 'Songs', 7, 'old');
      await cached.getItem({ TableName: 'Songs', Key: keyOf(7) });
      await write(direct, 'Songs', 7, 'new');
      return compare(['--table', 'Songs', '--json', json]);
    };
    // What a proxy caches in its first moments has a short life, and may be gone when it is compared.
    const first = await compareWrong();
    const { code, stdout } = first.code === 1 ? first : await compareWrong();
    expect(code).toBe(1);
    expect(stdout).toContain('Songs, {"artist":{"S":"artist 3"},"title":{"S":"title 7"}}\n');
    const inspection = JSON.parse(readFileSync(json, 'utf8'));
    expect(inspection).toMatchObject({ tables: ['Songs'], samples: 40, isCut: false });
    expect(inspection.items).toMatchObject({ compared: 40, lasting: 1, lastingPpm: 25_000 });
    const example = inspection.examples.find(({ kind }: { kind: string }) => kind === 'item');
    expect(example.cached).toContain('"state":{"S":"old"}');
    expect(example.stored).toContain('"state":{"S":"new"}');
  });
});

describe('what cannot be compared ends with 2', () => {
  test.each<[string, readonly string[], NodeJS.ProcessEnv, RegExp]>([
    ['a table that is not there', ['--table', 'Absent'], key, /^slipstream: ResourceNotFoundException: /],
    ['a proxy that lets nobody in', [], {}, /^slipstream: UnrecognizedClientException: /],
    ['a proxy that is not there', ['--endpoint', 'http://127.0.0.1:1'], key, /cannot be reached/],
    ['a region without tables', ['--region', 'eu-west-3'], key, /has no tables in eu-west-3; choose/],
    ['a file that cannot be written', ['--samples', '1', '--json', '/absent/file'], key, /ENOENT/],
    ['an endpoint that is not given', ['--endpoint', ''], key, /endpoint = "" \(flag --endpoint\): must be/],
    ['no number of samples', ['--samples', '0'], key, /samples = "0" \(flag --samples\): must be an integer/],
  ])('%s', async (_what, words, environment, reason) => {
    const { code, stdout, stderr } = await compare(words, environment);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(reason);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  test('and both endpoints are required', async () => {
    const exit = await Program.run(['compare-cache']).exit;
    expect(exit).toMatchObject({ code: 2, stdout: '' });
    expect(exit.stderr).toBe(
      'slipstream: endpoint: is required; give the proxy to compare with --endpoint URL\n' +
        'slipstream: upstream: is required; give the endpoint behind the proxy with --upstream URL\n',
    );
  });
});
