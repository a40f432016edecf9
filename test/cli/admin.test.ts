import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Program } from '../program.ts';
import { readExposition } from '../proxy/exposition.ts';

const directory = mkdtempSync(join(tmpdir(), 'slipstream-admin-'));
const started: Program[] = [];
const clients: DynamoDBClient[] = [];

afterAll(async () => {
  for (const client of clients) client.destroy();
  for (const program of started) await program.end('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

interface Server {
  readonly program: Program;
  readonly address: string;
  /** Base URL of the administration, as the log tells it. */
  readonly admin: string;
  readonly client: DynamoDBClient;
}

async function start(words: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Server> {
  const program = Program.run([...words, '--port', '0', '--log-format', 'json'], environment);
  started.push(program);
  const address = await program.ready();
  await program.said('"listening"');
  const admin = /"admin":"([^"]+)"/.exec(program.stderr)?.[1] ?? '';
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint: address, region: 'us-east-1', credentials, maxAttempts: 1 });
  clients.push(client);
  return { program, address, admin, client };
}

function dataWords(name: string): string[] {
  return ['--data', join(directory, name)];
}

async function createMusic({ client }: Server): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName: 'Music',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'Artist', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'Artist', KeyType: 'HASH' }],
    }),
  );
  await waitUntilTableExists({ client, minDelay: 1, maxWaitTime: 10 }, { TableName: 'Music' });
}

function put({ client }: Server, plays: string) {
  const item = { Artist: { S: 'Nina Simone' }, Plays: { N: plays } };
  return client.send(new PutItemCommand({ TableName: 'Music', Item: item }));
}

async function plays({ client }: Server): Promise<string | undefined> {
  const key = { Artist: { S: 'Nina Simone' } };
  const { Item } = await client.send(new GetItemCommand({ TableName: 'Music', Key: key }));
  return Item?.Plays?.N;
}

async function ask({ admin }: Server, path: string, init: RequestInit = {}) {
  const response = await fetch(`${admin}${path}`, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text };
}

async function askJson(server: Server, path: string, method = 'GET', input?: object) {
  const body = input === undefined ? {} : { body: JSON.stringify(input) };
  const { status, text } = await ask(server, path, { method, ...body });
  return { status, body: JSON.parse(text) };
}

describe('the administration of everything in one process', () => {
  let server: Server;

  beforeAll(async () => {
    server = await start(['start', ...dataWords('all'), '--admin', '0']);
    await createMusic(server);
    await put(server, '12');
    for (let i = 0; i < 41; i++) await plays(server);
    await server.client.send(new ScanCommand({ TableName: 'Music' }));
    await server.client.send(new ScanCommand({ TableName: 'Music' }));
    await server.client.send(new ScanCommand({ TableName: 'Mucis' })).catch(() => {});
  });

  test('listens on this machine only', () => {
    expect(server.admin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(server.admin).not.toBe(server.address);
  });

  test('tells that it is alive and ready', async () => {
    expect(await askJson(server, '/healthz')).toEqual({ status: 200, body: { status: 'alive' } });
    expect(await askJson(server, '/readyz')).toEqual({ status: 200, body: { status: 'ready' } });
  });

  test('exports metrics that Prometheus can read', async () => {
    const { status, headers, text } = await ask(server, '/metrics');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const metrics = readExposition(text);
    const music = { operation: 'GetItem', table: 'Music', cache: 'hit' };
    expect(metrics.value('slipstream_request_duration_seconds_count', music)).toBe(40);
    const lookups = { table: 'Music', kind: 'item', result: 'hit' };
    expect(metrics.value('slipstream_cache_reads_total', lookups)).toBe(40);
    expect(
      metrics.value('slipstream_cache_reads_total', { table: 'Music', kind: 'page', result: 'hit' }),
    ).toBe(1);
    const failed = { operation: 'Scan', code: 'ResourceNotFoundException' };
    expect(metrics.value('slipstream_request_errors_total', failed)).toBe(1);
    expect(metrics.value('slipstream_cache_entries', {})).toBe(2);
    expect(metrics.value('process_start_time_seconds', {})).toBeGreaterThan(0);
  });

  test('tells everything in JSON', async () => {
    const { body } = await askJson(server, '/stats');
    expect(body).toMatchObject({
      version: expect.stringMatching(/^\d/),
      cache: { hits: 40, misses: 1, queryHits: 1, queryMisses: 1, entries: 2, stalenessBoundMs: 0 },
      tables: { Music: { hits: 40 } },
      memory: { rssBytes: expect.any(Number) },
    });
    expect(body.requests).toContainEqual(
      expect.objectContaining({ operation: 'GetItem', table: 'Music', cache: 'hit', count: 40 }),
    );
  });

  test('names the hottest keys as attribute values', async () => {
    for (let i = 0; i < 300; i++) await plays(server);
    const { body } = await askJson(server, '/hot-keys?table=Music&limit=5');
    expect(body.keys).toEqual([
      { table: 'Music', key: { Artist: { S: 'Nina Simone' } }, share: 1, shareErrorMax: 0 },
    ]);
    expect(await askJson(server, '/hot-keys?table=Nothing')).toEqual({ status: 200, body: { keys: [] } });
  });

  test('changes settings while it runs', async () => {
    expect((await askJson(server, '/settings')).body).toEqual({
      cacheSize: 256 * 2 ** 20,
      itemTtlMs: 300_000,
      queryTtlMs: 300_000,
      tables: {},
    });
    const change = { cacheSize: 2_000_000, tables: { Music: { cache: { enabled: false } } } };
    expect(await askJson(server, '/settings', 'PATCH', change)).toEqual({
      status: 200,
      body: { ...change, itemTtlMs: 300_000, queryTtlMs: 300_000 },
    });
    const before = (await askJson(server, '/stats')).body.cache;
    expect(await plays(server)).toBe('12');
    expect((await askJson(server, '/stats')).body.cache).toMatchObject({
      hits: before.hits,
      misses: before.misses,
      bytesMax: 2_000_000,
    });
    await askJson(server, '/settings', 'PATCH', { tables: { Music: null } });
    await plays(server);
    await plays(server);
    expect((await askJson(server, '/stats')).body.cache).toMatchObject({ hits: before.hits + 1 });
  });

  test('refuses web pages', async () => {
    const { status, text } = await ask(server, '/flush', {
      method: 'POST',
      headers: { origin: 'https://evil.example' },
    });
    expect(status).toBe(403);
    expect(text).toContain('web pages cannot administrate');
  });
});

describe('the administration of a proxy', () => {
  test('flushes what was written around it, by key, by table and all', async () => {
    const engine = await start(['engine', ...dataWords('behind')]);
    await createMusic(engine);
    await put(engine, '1');
    const proxy = await start(['proxy', '--upstream', engine.address, '--admin', '0', '--settle-ms', '0']);
    const targets = [{ table: 'Music', key: { Artist: { S: 'Nina Simone' } } }, { table: 'Music' }, {}];
    for (const [i, target] of targets.entries()) {
      await plays(proxy);
      await put(engine, `${i + 2}`);
      expect(await plays(proxy)).toBe(`${i + 1}`);
      expect((await askJson(proxy, '/flush', 'POST', target)).status).toBe(200);
      expect(await plays(proxy)).toBe(`${i + 2}`);
    }
  });

  test('tells when its upstream is gone, and that it is alive all the same', async () => {
    const engine = await start(['engine', ...dataWords('gone')]);
    const proxy = await start(['proxy', '--upstream', engine.address, '--admin', '0']);
    expect((await askJson(proxy, '/readyz')).status).toBe(200);
    await engine.program.end('SIGKILL');
    await expect
      .poll(() => askJson(proxy, '/readyz'), { timeout: 10_000 })
      .toMatchObject({
        status: 503,
        body: { status: 'not ready', reason: expect.stringContaining('store') },
      });
    expect((await askJson(proxy, '/healthz')).status).toBe(200);
    const metrics = readExposition((await ask(proxy, '/metrics')).text);
    expect(metrics.samples('slipstream_store_errors_total')).not.toEqual([]);
  });

  test('with Cache-Control: no-cache a caller sees what was written around it', async () => {
    const engine = await start(['engine', ...dataWords('around')]);
    await createMusic(engine);
    await put(engine, '1');
    const proxy = await start(['proxy', '--upstream', engine.address, '--settle-ms', '0']);
    expect(await plays(proxy)).toBe('1');
    await put(engine, '2');
    expect(await plays(proxy)).toBe('1');
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    const insistent = new DynamoDBClient({ endpoint: proxy.address, region: 'us-east-1', credentials });
    clients.push(insistent);
    insistent.middlewareStack.add(
      (next) => (args) => {
        (args.request as { headers: Record<string, string> }).headers['Cache-Control'] = 'no-cache';
        return next(args);
      },
      { step: 'build', name: 'noCache' },
    );
    expect(await plays({ ...proxy, client: insistent })).toBe('2');
    expect(await plays(proxy)).toBe('2');
  });
});

describe('an engine alone', () => {
  test('has metrics and health, and says that it has no cache', async () => {
    const engine = await start(['engine', ...dataWords('engine'), '--admin', '127.0.0.1:0']);
    await createMusic(engine);
    expect((await askJson(engine, '/readyz')).status).toBe(200);
    const metrics = readExposition((await ask(engine, '/metrics')).text);
    const created = { operation: 'CreateTable', table: 'Music', cache: 'none' };
    expect(metrics.value('slipstream_request_duration_seconds_count', created)).toBe(1);
    const { status, body } = await askJson(engine, '/settings');
    expect(status).toBe(404);
    expect(body.error).toContain('no cache');
  });
});

describe('with a token', () => {
  const file = join(directory, 'token-file');
  writeFileSync(file, 't0ken-of-the-operator\n');

  test('only health is told without it, beyond this machine too', async () => {
    const words = ['start', ...dataWords('token'), '--admin', '0.0.0.0:0', '--admin-token-file', file];
    const server = await start(words);
    const reached = { ...server, admin: server.admin.replace('0.0.0.0', '127.0.0.1') };
    expect((await ask(reached, '/healthz')).status).toBe(200);
    expect((await ask(reached, '/readyz')).status).toBe(200);
    for (const path of ['/metrics', '/stats', '/settings', '/hot-keys']) {
      const { status, headers, text } = await ask(reached, path);
      expect([path, status, headers.get('www-authenticate')]).toEqual([path, 401, 'Bearer']);
      expect(text).toContain('Authorization: Bearer TOKEN');
    }
    const send = (token: string) => ask(reached, '/stats', { headers: { authorization: `Bearer ${token}` } });
    expect((await send('t0ken-of-the-operator')).status).toBe(200);
    expect((await send('t0ken-of-the-operato')).status).toBe(401);
    expect((await send('t0ken-of-the-operator2')).status).toBe(401);
  });

  test('beyond this machine it does not start without one', async () => {
    const program = Program.run(['start', ...dataWords('none'), '--admin', '0.0.0.0:0']);
    started.push(program);
    const exit = await program.exit;
    expect(exit).toMatchObject({ code: 2, stdout: '' });
    expect(exit.stderr).toContain('--admin-token-file');
  });
});

test('a port that is in use is told with the option that chooses another', async () => {
  const server = await start(['start', ...dataWords('first'), '--admin', '0']);
  const port = new URL(server.admin).port;
  const program = Program.run(['start', ...dataWords('second'), '--port', '0', '--admin', port]);
  started.push(program);
  const exit = await program.exit;
  expect(exit).toMatchObject({ code: 1, stdout: '' });
  expect(exit.stderr).toContain(`port ${port} of 127.0.0.1 is in use`);
  expect(exit.stderr).toContain('--admin');
});

test('the administration ends with the server', async () => {
  const server = await start(['start', ...dataWords('stopping'), '--admin', '0']);
  expect((await askJson(server, '/healthz')).status).toBe(200);
  expect(await server.program.end('SIGTERM')).toMatchObject({ code: 0 });
  await expect(fetch(`${server.admin}/healthz`)).rejects.toThrow();
});
