import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateTableCommand, DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Program } from '../program.ts';
import { readExposition } from '../proxy/exposition.ts';
import { type OwnRedis, redisObstacle, startOwnRedis } from '../services/redis.ts';

const obstacle = redisObstacle();

describe.skipIf(obstacle !== undefined)('the administration in a fleet', () => {
  const directory = mkdtempSync(join(tmpdir(), 'slipstream-admin-fleet-'));
  const started: Program[] = [];
  const clients: DynamoDBClient[] = [];
  let redis: OwnRedis;
  let engine: DynamoDBClient;
  let first: Proxy;
  let second: Proxy;

  interface Proxy {
    readonly client: DynamoDBClient;
    readonly admin: string;
  }

  beforeAll(async () => {
    redis = await startOwnRedis();
    const upstream = await run(['engine', '--port', '0', '--data', directory]).ready();
    engine = clientOf(upstream);
    first = await startProxy(upstream);
    second = await startProxy(upstream);
    await engine.send(
      new CreateTableCommand({
        TableName: 'Music',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'Artist', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'Artist', KeyType: 'HASH' }],
      }),
    );
  });

  afterAll(async () => {
    for (const client of clients) client.destroy();
    for (const program of started) await program.end('SIGKILL');
    await redis.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  function run(words: readonly string[]): Program {
    const program = Program.run(words);
    started.push(program);
    return program;
  }

  function clientOf(endpoint: string): DynamoDBClient {
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials });
    clients.push(client);
    return client;
  }

  async function startProxy(upstream: string): Promise<Proxy> {
    const words = ['--port', '0', '--admin', '0', '--log-format', 'json', '--fence-ms', '1s'];
    const program = run(['proxy', '--upstream', upstream, '--redis', redis.url, ...words]);
    const client = clientOf(await program.ready());
    await program.said('"listening"');
    return { client, admin: /"admin":"([^"]+)"/.exec(program.stderr)?.[1] ?? '' };
  }

  /** Writes around every proxy. */
  function put(plays: string) {
    return engine.send(
      new PutItemCommand({ TableName: 'Music', Item: { Artist: { S: 'Odetta' }, Plays: { N: plays } } }),
    );
  }

  async function plays({ client }: Proxy): Promise<string | undefined> {
    const key = { Artist: { S: 'Odetta' } };
    const { Item } = await client.send(new GetItemCommand({ TableName: 'Music', Key: key }));
    return Item?.Plays?.N;
  }

  async function send({ admin }: Proxy, path: string, method: string, input: object): Promise<number> {
    return (await fetch(`${admin}${path}`, { method, body: JSON.stringify(input) })).status;
  }

  /** Whether the proxy still answers with the value once it has been written over. */
  async function cached(proxy: Proxy): Promise<void> {
    await expect
      .poll(
        async () => {
          const before = await plays(proxy);
          await put(`${Number(before) + 1}`);
          return (await plays(proxy)) === before;
        },
        { timeout: 10_000 },
      )
      .toBe(true);
  }

  test.each([
    ['a key', { table: 'Music', key: { Artist: { S: 'Odetta' } } }],
    ['a table', { table: 'Music' }],
    ['everything', {}],
  ])('a flush of %s at one proxy reaches the others', async (_what, target) => {
    await put('1');
    await plays(first);
    await cached(second);
    const written = Number(await plays(second)) + 10;
    await put(`${written}`);
    expect(await send(first, '/flush', 'POST', target)).toBe(200);
    expect(await plays(first)).toBe(`${written}`);
    await expect.poll(() => plays(second)).toBe(`${written}`);
  });

  test('a change of settings at one proxy leaves nothing of the table in Redis', async () => {
    await put('1');
    await cached(second);
    await put('50');
    const change = { tables: { Music: { cache: { itemTtlMs: 60_000 } } } };
    expect(await send(first, '/settings', 'PATCH', change)).toBe(200);
    await plays(first);
    expect(await send(first, '/settings', 'PATCH', { tables: { Music: null } })).toBe(200);
    await expect.poll(() => plays(second)).toBe('50');
  });

  test('what Redis does is told', async () => {
    const metrics = readExposition(await (await fetch(`${second.admin}/metrics`)).text());
    expect(metrics.value('slipstream_redis_reads_total', { result: 'hit' })).toBeGreaterThanOrEqual(0);
    expect(metrics.value('slipstream_redis_reads_total', { result: 'miss' })).toBeGreaterThan(0);
    expect(metrics.value('slipstream_redis_owed', {})).toBe(0);
    expect(metrics.value('slipstream_redis_up', {})).toBe(1);
    const stats: unknown = await (await fetch(`${second.admin}/stats`)).json();
    expect(stats).toMatchObject({ redis: { owed: 0, bypasses: expect.any(Object) } });
  });
});
