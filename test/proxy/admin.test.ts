import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Backend } from '../../protocol/backend.ts';
import { accessDenied, serviceUnavailable } from '../../protocol/errors.ts';
import { Readiness } from '../../proxy/admin/readiness.ts';
import { type AdminOptions, startAdmin } from '../../proxy/admin.ts';
import type { HttpServer } from '../../proxy/front/http.ts';
import { Metrics } from '../../proxy/metrics.ts';
import { silentLogger } from '../silent-logger.ts';
import { Fixture } from './accelerator-fixture.ts';

const servers: HttpServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function open(options: Partial<AdminOptions> = {}) {
  const fixture = new Fixture({}, { queryTtlMs: 1_000, itemTtlMs: 1_000 });
  const metrics = new Metrics({ version: '1', clock: fixture.clock });
  metrics.watchCache(fixture.accelerator);
  const server = await startAdmin({
    host: '127.0.0.1',
    port: 0,
    token: undefined,
    allowedHosts: [],
    version: '1',
    metrics,
    backend: fixture.store,
    region: undefined,
    isStopping: () => false,
    clock: fixture.clock,
    log: silentLogger,
    ...options,
  });
  servers.push(server);
  return { fixture, port: server.port };
}

interface Asked {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

interface Answered {
  readonly status: number | undefined;
  readonly reason: string | undefined;
  readonly allow: string | undefined;
  readonly text: string;
}

/** Unlike fetch it sends any Host. */
function ask(port: number, path: string, { method = 'GET', headers = {}, body = '' }: Asked = {}) {
  return new Promise<Answered>((resolve, reject) => {
    const request = httpRequest({ port, path, method, headers, host: '127.0.0.1' }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () =>
        resolve({
          status: response.statusCode,
          reason: response.statusMessage,
          allow: response.headers.allow,
          text,
        }),
      );
    });
    request.on('error', reject).end(body);
  });
}

/** Deeper than the language can write it out again. */
const nested = `${'['.repeat(30_000)}${']'.repeat(30_000)}`;

const patch = (port: number, body: string) => ask(port, '/settings', { method: 'PATCH', body });
const flush = (port: number, body: string) => ask(port, '/flush', { method: 'POST', body });

describe('a request', () => {
  test.each([
    ['GET', '/', 404, 'there are /healthz, /readyz, /metrics'],
    ['GET', '//evil.example/stats', 404, 'nothing here'],
    ['GET', '/stats/', 404, 'nothing here'],
    ['DELETE', '/settings', 405, 'GET and PATCH is'],
    ['GET', '/flush', 405, 'POST is'],
    ['POST', '/metrics', 405, 'GET is'],
    ['GET', '/hot-keys?limit=0', 400, 'limit: must be an integer from 1 to 256'],
    ['GET', '/hot-keys?limit=1e2', 400, 'limit: must be'],
    ['GET', '/hot-keys?limit=257', 400, 'limit: must be'],
  ])('%s %s is answered with %i and what would be right', async (method, path, status, words) => {
    const { port } = await open();
    const answer = await ask(port, path, { method });
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text).error).toContain(words);
  });

  test('is answered with the words that belong to the status', async () => {
    const { port } = await open({ token: 'right-token' });
    expect(await ask(port, '/stats')).toMatchObject({ status: 401, reason: 'Unauthorized' });
    expect(await ask(port, '/healthz', { method: 'POST' })).toMatchObject({
      status: 405,
      reason: 'Method Not Allowed',
    });
  });

  test('HEAD asks as GET does', async () => {
    const { port } = await open();
    expect(await ask(port, '/healthz?x=1', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
  });

  test('by a method that is not possible says which are', async () => {
    const { port } = await open();
    expect(await ask(port, '/settings', { method: 'PUT' })).toMatchObject({
      status: 405,
      allow: 'GET, PATCH',
    });
  });

  test('of a web page, or to a name that is not ours, is refused', async () => {
    const { port } = await open();
    const rebound = await ask(port, '/stats', { headers: { host: 'evil.example' } });
    expect(rebound.status).toBe(403);
    expect(rebound.text).toContain('--allowed-host');
    const page = await ask(port, '/healthz', { headers: { origin: 'http://evil.example' } });
    expect(page).toMatchObject({
      status: 403,
      text: expect.stringContaining('web pages cannot administrate'),
    });
  });

  test('to a name that is allowed is answered', async () => {
    const { port } = await open({ allowedHosts: ['admin.example'] });
    expect((await ask(port, '/stats', { headers: { host: 'admin.example:80' } })).status).toBe(200);
  });

  test('is answered beside hundreds of connections that say nothing', async () => {
    const { port } = await open({ token: 'right-token' });
    const silent = Array.from({ length: 300 }, () => connect(port, '127.0.0.1'));
    await Promise.all(silent.map((socket) => once(socket, 'connect')));
    expect((await ask(port, '/healthz')).status).toBe(200);
    for (const socket of silent) socket.destroy();
  });

  test('with a body beyond its limit is refused', async () => {
    const { port } = await open();
    expect((await flush(port, `{"table":"${'x'.repeat(70_000)}"}`)).status).toBe(413);
  });

  test.each([
    ['Bearer right-token', 200],
    ['bearer  right-token', 200],
    ['Bearer wrong-token', 401],
    ['Bearer right-token ', 200],
    ['Bearer right-token x', 401],
    ['Basic right-token', 401],
    ['', 401],
  ])('with %j for the token right-token is answered with %i', async (authorization, status) => {
    const { port } = await open({ token: 'right-token' });
    expect((await ask(port, '/stats', { headers: { authorization } })).status).toBe(status);
    expect((await ask(port, '/healthz', { headers: { authorization } })).status).toBe(200);
  });
});

test('beyond this machine it does not listen without a token', async () => {
  await expect(open({ host: '0.0.0.0' })).rejects.toThrow('needs a token');
});

describe('settings', () => {
  test.each([
    ['{"itemTtlMs": -1}', 'itemTtlMs = -1: must be an integer from 0 to 31,536,000,000 milliseconds'],
    ['{"cacheSize": 512}', 'cacheSize = 512: must be at least 1048576 bytes, which is 1 MiB'],
    ['{"cacheSize": 1e15}', 'must be an integer from 1 to 1,099,511,627,776 bytes'],
    ['{"cacheSize": "1GB"}', 'cacheSize = "1GB": must be a number of bytes'],
    ['{"queryTtlMs": null}', 'queryTtlMs = null: must be a number of milliseconds'],
    ['{"itemTtl": 1}', 'itemTtl: is no setting; there are cacheSize, itemTtlMs, queryTtlMs, tables'],
    ['{"tables": []}', 'tables: must be an object'],
    ['{"tables": {"a b": {}}}', 'tables: "a b" is no table'],
    ['{"tables": {"items": {"enabled": false}}}', 'tables.items.enabled: is no setting; there are cache'],
    ['{"tables": {"items": {"cache": 1}}}', 'tables.items.cache: must be an object'],
    ['{"tables": {"items": {"cache": {"ttl": 1}}}}', 'tables.items.cache.ttl: is no setting'],
    [
      '{"tables": {"items": {"cache": {"enabled": 0}}}}',
      'tables.items.cache.enabled = 0: must be true, false',
    ],
    [
      '{"tables": {"items": {"cache": {"itemTtlMs": 0.5}}}}',
      'tables.items.cache.itemTtlMs = 0.5: must be an',
    ],
    ['[]', 'the body must be a JSON object'],
    ['{', 'the body must be a JSON object'],
  ])('%s is refused, and changes nothing', async (body, words) => {
    const { port } = await open();
    const before = await ask(port, '/settings');
    const answer = await patch(port, body);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text).error).toContain(words);
    expect(await ask(port, '/settings')).toEqual(before);
  });

  test.each([
    ['itemTtlMs', `{"itemTtlMs": ${nested}}`],
    ['itemTtlMs', `{"itemTtlMs": "${'x'.repeat(81)}"}`],
    ['tables.items.cache.enabled', `{"tables": {"items": {"cache": {"enabled": ${nested}}}}}`],
  ])('%s that is deep or long is refused without repeating it', async (place, body) => {
    const { port } = await open();
    const { status, text } = await patch(port, body);
    expect(status).toBe(400);
    expect(JSON.parse(text).error).toMatch(`${place}: must be `);
  });

  test('are changed as one, and told in the form in which they are changed', async () => {
    const { port, fixture } = await open();
    const own = { cache: { enabled: true, itemTtlMs: 5, queryTtlMs: 0 } };
    const change = { itemTtlMs: 7, tables: { items: own, Other: { cache: { enabled: false } } } };
    const expected = { cacheSize: 10_000_000, queryTtlMs: 1_000, ...change };
    expect(JSON.parse((await patch(port, JSON.stringify(change))).text)).toEqual(expected);
    expect(fixture.accelerator.settings.of('items')).toEqual({ cache: true, itemTtlMs: 5, queryTtlMs: 0 });
    const less = { tables: { items: { cache: { itemTtlMs: null } }, Other: null } };
    expect(JSON.parse((await patch(port, JSON.stringify(less))).text).tables).toEqual({
      items: { cache: { enabled: true, queryTtlMs: 0 } },
    });
    const none = { tables: { items: { cache: null } } };
    expect(JSON.parse((await patch(port, JSON.stringify(none))).text).tables).toEqual({});
  });
});

describe('a flush', () => {
  test.each([
    ['{"table": 1}', 400, "table: must be a table's name"],
    ['{"key": {}}', 400, 'table: is missing'],
    ['{"tabel": "items"}', 400, 'tabel: is not known'],
    ['{"table": "items", "key": "a"}', 400, 'key: must be an object'],
    ['{"table": "items", "key": {"id": {"N": "1"}}}', 400, 'the form {"id": {"S": ...}}'],
    ['{"table": "an item"}', 400, "table: must be a table's name"],
    [`{"table": "${'x'.repeat(256)}"}`, 400, "table: must be a table's name"],
    ['{"table": "items", "region": 1}', 400, 'region: must be a region'],
    ['{"table": "items", "region": "eu\\r\\nwest"}', 400, 'region: must be a region'],
    ['{"region": "us-east-1"}', 400, 'table: is missing'],
    ['{"table": "gone"}', 404, 'is no table that the store describes now in the region us-east-1'],
    ['{"table": "items", "region": "eu-west-1"}', 200, 'flushed'],
    ['{"table": "items", "key": {"id": {"S": "a"}}}', 200, 'flushed'],
    ['', 200, 'flushed'],
  ])('of %s is answered with %i', async (body, status, words) => {
    const { port, fixture } = await open();
    await fixture.get('a');
    const answer = await flush(port, body);
    expect(answer.text).toContain(words.replaceAll('"', '\\"'));
    expect(answer.status).toBe(status);
  });
});

test('whatever is sent is answered, and never as a fault of the server', async () => {
  const { port } = await open();
  const words = [
    'tables',
    'cache',
    'itemTtlMs',
    'cacheSize',
    'enabled',
    'table',
    'key',
    '__proto__',
    'items',
  ];
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      fc.jsonValue(),
      fc.dictionary(fc.oneof(fc.constantFrom(...words), fc.string()), tie('tree'), { maxKeys: 4 }),
    ),
  }));
  const body = fc.oneof(
    tree.map((value) => JSON.stringify(value)),
    fc.string(),
  );
  await fc.assert(
    fc.asyncProperty(body, fc.constantFrom(patch, flush), async (text, send) => {
      const { status, text: answer } = await send(port, text);
      expect([200, 400, 404]).toContain(status);
      expect(JSON.parse(answer)).toBeTypeOf('object');
    }),
  );
  expect((await ask(port, '/settings')).status).toBe(200);
});

describe('readiness', () => {
  function storeThat(answer: () => unknown) {
    let calls = 0;
    const backend: Backend = {
      call: async () => {
        calls++;
        throw answer();
      },
      close: async () => {},
    };
    return { backend, count: () => calls };
  }

  test('is what the store answers, a refusal too', async () => {
    const { backend } = storeThat(() => accessDenied('not you'));
    const { port } = await open({ backend });
    expect((await ask(port, '/readyz')).status).toBe(200);
  });

  test('ends with the store, and comes back; the store is asked once a second', async () => {
    let error = serviceUnavailable('The upstream cannot be reached');
    const { backend, count } = storeThat(() => error);
    const { port, fixture } = await open({ backend });
    for (let i = 0; i < 5; i++) expect((await ask(port, '/readyz')).status).toBe(503);
    expect(count()).toBe(1);
    error = accessDenied('not you');
    fixture.clock.advance(1_000);
    expect((await ask(port, '/readyz')).status).toBe(200);
    expect(count()).toBe(2);
  });

  test('does not wait for a store that does not answer', async () => {
    vi.useFakeTimers();
    try {
      const backend: Backend = { call: () => new Promise(() => {}), close: async () => {} };
      const options = { backend, region: 'us-east-1', isStopping: () => false, nowMs: () => 0 };
      const verdict = new Readiness(options).check();
      await vi.advanceTimersByTimeAsync(2_000);
      expect(await verdict).toBe('the store did not answer within 2000 ms');
    } finally {
      vi.useRealTimers();
    }
  });

  test('ends when the server is told to stop', async () => {
    const { port } = await open({ isStopping: () => true });
    expect(await ask(port, '/readyz')).toMatchObject({
      status: 503,
      text: expect.stringContaining('stopping'),
    });
    expect((await ask(port, '/healthz')).status).toBe(200);
  });
});
