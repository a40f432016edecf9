import { crc32, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { Backend, Request } from '../../protocol/backend.ts';
import { Reply } from '../../protocol/reply.ts';
import { type FrontOptions, startFront } from '../../proxy/front/api.ts';
import { closeAll, RawClient, type RawResponse, serveApi, silent } from './front-harness.ts';

afterEach(closeAll);

interface Sent {
  method?: string;
  target?: string;
  body?: string | Buffer;
  /** Header lines in the place of, or besides, those of a proper call; undefined leaves one out. */
  headers?: Record<string, string | undefined>;
}

const proper = {
  host: 'localhost:8000',
  'content-type': 'application/x-amz-json-1.0',
  'x-amz-target': 'DynamoDB_20120810.ListTables',
};

function bytesOf({ method = 'POST', target = '/', body = '{}', headers = {} }: Sent): Buffer {
  const payload = Buffer.from(body);
  const lines = Object.entries({ ...proper, 'content-length': String(payload.length), ...headers })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`), payload]);
}

const emptyReply: Backend['call'] = () => new Reply({});

/** Sends one request to a front of its own. */
async function ask(sent: Sent, options: Partial<FrontOptions> = {}, call = emptyReply): Promise<RawResponse> {
  const client = await RawClient.open(await serveApi(call, options));
  const response = await client.send(bytesOf(sent)).response();
  if (response === undefined) throw new Error('no response');
  return response;
}

/** The request that a backend gets to see for what is sent. */
async function received(sent: Sent): Promise<Request> {
  const requests: Request[] = [];
  const response = await ask(sent, {}, (request) => {
    requests.push(request);
    return new Reply({});
  });
  expect(response).toMatchObject({ status: 200, body: '{}' });
  const [request] = requests;
  if (request === undefined) throw new Error('no request');
  return request;
}

function typeOf(response: RawResponse): string {
  return JSON.parse(response.body).__type;
}

const serialization = 'com.amazon.coral.service#SerializationException';
const unknownOperation = 'com.amazon.coral.service#UnknownOperationException';

describe('an answer', () => {
  it('carries id, checksum, type and length as AWS sends them', async () => {
    const { headers, body } = await ask({}, {}, async () => new Reply({ TableNames: ['ä'] }));
    expect(headers['x-amzn-requestid']).toMatch(/^[0-9A-Z]{52}$/);
    expect(headers['x-amz-crc32']).toBe(String(crc32(Buffer.from(body, 'latin1'))));
    expect(headers['content-type']).toBe('application/x-amz-json-1.0');
    expect(headers['content-length']).toBe('21');
    expect(Date.parse(headers.date ?? '')).toBeGreaterThan(Date.now() - 5_000);
  });

  it('has an id of its own', async () => {
    const client = await RawClient.open(await serveApi(emptyReply));
    for (let i = 0; i < 100; i++) client.send(bytesOf({}));
    const ids = (await client.responses(100)).map((response) => response?.headers['x-amzn-requestid']);
    expect(new Set(ids).size).toBe(100);
  });

  it('tells how far eventually consistent reads are behind, where they are', async () => {
    const backend = { call: emptyReply, close: async () => {}, lagMs: 0 };
    const client = await RawClient.open(await serveApi(emptyReply, { backend }));
    const told = async (sent: Sent) => {
      const response = await client.send(bytesOf(sent)).response();
      return response?.headers['x-slipstream-replica-lag-ms'];
    };
    expect(await told({})).toBeUndefined();
    backend.lagMs = 300;
    expect([await told({}), await told({ body: 'no JSON' }), await told({ method: 'PUT' })]).toEqual([
      '300',
      '300',
      '300',
    ]);
    backend.lagMs = 0;
    expect(await told({})).toBeUndefined();
  });

  it('to a fault in the server tells nothing but its id, which is logged with the fault', async () => {
    for (const call of [
      () => {
        throw new Error('secret');
      },
      () => Promise.reject(new Error('secret')),
    ]) {
      const logged: object[] = [];
      const log = { ...silent, error: (details: object) => logged.push(details) };
      const response = await ask({}, { log }, call);
      expect(response.status).toBe(500);
      expect(typeOf(response)).toBe('com.amazonaws.dynamodb.v20120810#InternalServerError');
      expect(response.body).not.toContain('secret');
      expect(logged).toMatchObject([
        { requestId: response.headers['x-amzn-requestid'], err: { message: 'secret' } },
      ]);
    }
  });
});

describe('what AWS answers to requests that are no calls', () => {
  const unknown = { status: 404, body: '<UnknownOperationException/>\n' };
  const noBody = { body: '', headers: { 'content-type': undefined } };
  it.each<[string, Sent, object]>([
    ['GET', { ...noBody, method: 'GET' }, { status: 200, body: 'healthy: localhost:8000 ' }],
    [
      'GET /health',
      { ...noBody, method: 'GET', target: '/health' },
      { status: 200, body: 'healthy: localhost:8000 ' },
    ],
    ['GET of something else', { ...noBody, method: 'GET', target: '/favicon.ico' }, unknown],
    ['PUT', { ...noBody, method: 'PUT' }, unknown],
    ['DELETE', { ...noBody, method: 'DELETE' }, unknown],
    ['OPTIONS without Origin', { ...noBody, method: 'OPTIONS' }, unknown],
    ['POST to another path', { target: '/tables' }, unknown],
    ['a body without a type', { headers: { 'content-type': undefined } }, unknown],
    ['a body of another type', { headers: { 'content-type': 'text/plain' } }, unknown],
  ])('%s', async (_name, sent, expected) => {
    const response = await ask(sent);
    expect(response).toMatchObject(expected);
    expect(response.headers['x-amz-crc32']).toBe(String(crc32(response.body)));
    expect(response.headers['x-amzn-requestid']).toMatch(/^[0-9A-Z]{52}$/);
  });
});

describe('content types', () => {
  it.each([
    ['application/x-amz-json-1.0', 'application/x-amz-json-1.0'],
    ['application/x-amz-json-1.0; charset=utf-8', 'application/x-amz-json-1.0'],
    ['Application/X-Amz-JSON-1.1', 'application/x-amz-json-1.1'],
    ['application/json', 'application/json'],
  ])('%s is answered in kind', async (type, answered) => {
    const response = await ask({ headers: { 'content-type': type } });
    expect(response).toMatchObject({ status: 200, headers: { 'content-type': answered } });
  });
});

describe('targets', () => {
  it.each([
    ['DynamoDB_20120810.GetItem', 'GetItem'],
    ['DynamoDB_20120810.InventedInTheFuture', 'InventedInTheFuture'],
    ['DynamoDBStreams_20120810.GetRecords', 'GetRecords'],
  ])('%s names %s', async (target, operation) => {
    expect((await received({ headers: { 'x-amz-target': target } })).operation).toBe(operation);
  });

  it.each([
    undefined,
    '',
    'whatever',
    'ListTables',
    'DynamoDB_20111205.ListTables',
    'DynamoDB_20120810.',
    'DynamoDB_20120810.List Tables',
    'DynamoDB_20120810.GetRecords',
    'DynamoDBStreams_20120810.ListTables',
    'DynamoDB_20120810.__proto__',
  ])('%s names nothing', async (target) => {
    const response = await ask({ headers: { 'x-amz-target': target } });
    expect(response).toMatchObject({ status: 400, body: JSON.stringify({ __type: unknownOperation }) });
  });
});

describe('bodies', () => {
  it.each<[string, string | Buffer]>([
    ['nothing', ''],
    ['no JSON', 'hi'],
    ['null', 'null'],
    ['a list', '[]'],
    ['a number', '1'],
    ['a string', '"x"'],
    ['half an object', '{"TableName":'],
    ['two objects', '{}{}'],
    ['bytes that are not UTF-8', Buffer.from('7b2261223a22c328227d', 'hex')],
    ['four hundred levels', `{"a":${'['.repeat(400)}${']'.repeat(400)}}`],
    ['a million levels', `{"a":${'['.repeat(1_000_000)}`],
    ['deep objects', `${'{"a":'.repeat(350)}1${'}'.repeat(350)}`],
  ])('of %s are refused', async (_name, body) => {
    const response = await ask({ body });
    expect(response).toMatchObject({ status: 400, body: JSON.stringify({ __type: serialization }) });
  });

  it('that are refused come before targets that are, unless they are empty', async () => {
    const headers = { 'x-amz-target': undefined };
    expect(typeOf(await ask({ headers, body: 'hi' }))).toBe(serialization);
    expect(typeOf(await ask({ headers, body: '' }))).toBe(unknownOperation);
  });

  it('may hold brackets and quotes in strings, as many as they like', async () => {
    const input = { a: '[{'.repeat(500), b: '\\"[{'.repeat(500), c: '\\' };
    expect((await received({ body: JSON.stringify(input) })).input).toEqual(input);
  });

  it('may name a member __proto__, which stays a member', async () => {
    const { input } = await received({ body: '{"Item":{"__proto__":{"S":"x"},"constructor":{"S":"y"}}}' });
    const item = input.Item as object;
    expect(Object.keys(item)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(item)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>).S).toBeUndefined();
  });

  it('reach the backend with the bytes they were parsed from', async () => {
    const body = '{ "TableName" : "ä" }';
    const request = await received({ body });
    expect(request.input).toEqual({ TableName: 'ä' });
    expect(request.body?.toString()).toBe(body);
  });
});

describe('compressed bodies', () => {
  const plain = JSON.stringify({ TableName: 'x'.repeat(1_000) });
  const large = JSON.stringify({ data: Array.from({ length: 4_000 }, (_, i) => String(i * 7919)) });

  it.each([
    ['gzip', gzipSync(plain), plain],
    ['deflate', deflateSync(plain), plain],
    ['GZIP', gzipSync(large), large],
    ['identity', Buffer.from(plain), plain],
  ])('in %s are read', async (encoding, body, expected) => {
    const request = await received({ body, headers: { 'content-encoding': encoding } });
    expect(request.input).toEqual(JSON.parse(expected));
    expect(request.body?.toString()).toBe(expected);
  });

  it.each([
    ['gzip', 'garbage'],
    ['deflate', 'garbage'],
    ['gzip', Buffer.alloc(10_000, 'garbage')],
    ['gzip', gzipSync(plain).subarray(0, 20)],
    ['br', plain],
    ['gzip, gzip', gzipSync(gzipSync(plain))],
  ])('in %s are refused where they are not what they say', async (encoding, body) => {
    const response = await ask({ body, headers: { 'content-encoding': encoding } });
    expect(response).toMatchObject({ status: 400, body: JSON.stringify({ __type: serialization }) });
  });

  it('are inflated no further than bodies may be long', async () => {
    for (const megabytes of [1, 8]) {
      const body = gzipSync(Buffer.alloc(megabytes * 1024 * 1024, ' '));
      const response = await ask(
        { body, headers: { 'content-encoding': 'gzip' } },
        { limits: { bodyBytesMax: 100_000 } },
      );
      expect(response.status).toBe(413);
    }
  });
});

describe('many compressed bodies at once', () => {
  it('are all answered, however few are decompressed together', async () => {
    const front = await serveApi((request) => new Reply({ length: request.body?.length }));
    const body = gzipSync(JSON.stringify({ data: 'x'.repeat(50_000) }));
    const clients = await Promise.all(Array.from({ length: 30 }, () => RawClient.open(front)));
    const responses = await Promise.all(
      clients.map((client) =>
        client.send(bytesOf({ body, headers: { 'content-encoding': 'gzip' } })).response(),
      ),
    );
    expect(new Set(responses.map((response) => response?.body))).toEqual(new Set(['{"length":50011}']));
  });

  it('count while they are with the backend, and no longer', async () => {
    const body = gzipSync(JSON.stringify({ data: 'x'.repeat(50_000) }));
    const sent = bytesOf({ body, headers: { 'content-encoding': 'gzip' } });
    let answer = () => {};
    let arrive = () => {};
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const front = await serveApi(
      () => {
        arrive();
        return new Promise((resolve) => {
          answer = () => resolve(new Reply({}));
        });
      },
      { limits: { gatheredBytesMax: 80_000 } },
    );
    const [first, second] = [await RawClient.open(front), await RawClient.open(front)];
    first.send(sent);
    await arrived;
    expect((await second.send(sent).response())?.status).toBe(503);
    answer();
    expect((await first.response())?.status).toBe(200);
    const third = second.send(sent).response();
    const answering = setInterval(() => answer(), 5);
    expect((await third)?.status).toBe(200);
    clearInterval(answering);
  });
});

describe('the region', () => {
  it.each([
    [undefined, 'us-east-1'],
    [
      'AWS4-HMAC-SHA256 Credential=AKID/20250101/eu-west-3/dynamodb/aws4_request, SignedHeaders=host',
      'eu-west-3',
    ],
    ['AWS4-HMAC-SHA256 Credential=AKID/20250101/../dynamodb/aws4_request', 'us-east-1'],
    ['AWS4-HMAC-SHA256 Credential=AKID', 'us-east-1'],
    [`AWS4-HMAC-SHA256 Credential=A/1/${'x'.repeat(33)}/dynamodb/`, 'us-east-1'],
    ['Basic Zm9vOmJhcg==', 'us-east-1'],
  ])('of %s is %s', async (authorization, region) => {
    expect((await received({ headers: { authorization } })).region).toBe(region);
  });
});

describe('web pages', () => {
  const page = 'https://page.example';
  const preflight: Sent = {
    method: 'OPTIONS',
    body: '',
    headers: {
      origin: page,
      'access-control-request-headers': 'a, b',
      'access-control-request-method': 'POST',
    },
  };

  it('are refused', async () => {
    for (const origin of [page, 'null', 'http://localhost:9', 'http://localhost:8000.page.example']) {
      const response = await ask({ headers: { origin } });
      expect(response.status).toBe(403);
      expect(typeOf(response)).toBe('com.amazon.coral.service#AccessDeniedException');
      expect(response.headers['access-control-allow-origin']).toBeUndefined();
    }
    expect((await ask(preflight)).status).toBe(403);
  });

  it('may call where they are named, and nobody else', async () => {
    const options = { corsOrigins: [page] };
    const response = await ask({ headers: { origin: page } }, options);
    expect(response.status).toBe(200);
    expect(response.headers['access-control-allow-origin']).toBe(page);
    expect(response.headers['access-control-expose-headers']).toContain('x-amz-crc32');
    expect((await ask({ headers: { origin: 'https://other.example' } }, options)).status).toBe(403);
  });

  it('may call where they are named in capitals', async () => {
    const options = { corsOrigins: ['HTTPS://Page.Example'] };
    const response = await ask({ headers: { origin: page } }, options);
    expect(response.status).toBe(200);
    expect(response.headers['access-control-allow-origin']).toBe(page);
  });

  it('may call where all are', async () => {
    const response = await ask({ headers: { origin: page } }, { corsOrigins: ['*'] });
    expect(response.headers['access-control-allow-origin']).toBe('*');
  });

  it('of this server may call', async () => {
    expect((await ask({ headers: { origin: 'http://localhost:8000' } })).status).toBe(200);
  });

  it('are told in advance what they may send', async () => {
    const response = await ask(preflight, { corsOrigins: [page] });
    expect(response).toMatchObject({ status: 200, body: '' });
    expect(response.headers).toMatchObject({
      'access-control-allow-origin': page,
      'access-control-allow-headers': 'a, b',
      'access-control-allow-methods': 'POST',
      'access-control-max-age': '172800',
    });
  });

  it('may read the errors too', async () => {
    const response = await ask({ body: 'hi', headers: { origin: page } }, { corsOrigins: [page] });
    expect(response.headers['access-control-allow-origin']).toBe(page);
  });
});

describe('the Host', () => {
  it.each(['localhost', 'LOCALHOST:1', '127.0.0.1:8000', '127.1.2.3', '[::1]:8000', 'db.internal:8000'])(
    '%s is allowed',
    async (host) => {
      expect((await ask({ headers: { host } }, { allowedHosts: ['db.internal'] })).status).toBe(200);
    },
  );

  it.each(['page.example', '127.0.0.1.page.example', 'localhost.page.example', '10.0.0.1', '[::2]', ''])(
    '%s is not',
    async (host) => {
      const response = await ask({ headers: { host } });
      expect(response.status).toBe(403);
    },
  );

  it.each([
    ['DB.Internal', 'db.internal:8000'],
    ['[2001:DB8::1]', '[2001:db8::1]:8000'],
    ['2001:db8::1', '[2001:db8::1]'],
  ])('is allowed however it is written: %s', async (allowed, host) => {
    expect((await ask({ headers: { host } }, { allowedHosts: [allowed] })).status).toBe(200);
  });

  it('may be any address where all are listened on', async () => {
    const options = { host: '0.0.0.0', insecureNoAuth: true };
    expect((await ask({ headers: { host: '10.0.0.1:8000' } }, options)).status).toBe(200);
    expect((await ask({ headers: { host: 'page.example' } }, options)).status).toBe(403);
  });
});

describe('access from other machines', () => {
  const options = {
    host: '0.0.0.0',
    port: 0,
    backend: { call: emptyReply, close: async () => {} },
    credentials: [],
    insecureNoAuth: false,
    corsOrigins: [],
    allowedHosts: [],
    clock: { now: () => 0, monotonic: () => 0 },
    log: silent,
  };

  it('is refused unless somebody asked for it, naming both ways', async () => {
    await expect(startFront(options)).rejects.toThrow(/credentials.*--insecure-no-auth/);
  });

  it('is there with credentials, which are then asked for', async () => {
    const credentials = [{ accessKeyId: 'AKID', secretAccessKey: 'secret' }];
    const response = await ask(
      { headers: { host: 'db.example', origin: 'https://page.example' } },
      { credentials },
    );
    expect(response).toMatchObject({
      status: 400,
      body: JSON.stringify({
        __type: 'com.amazon.coral.service#MissingAuthenticationTokenException',
        message: 'Request is missing Authentication Token',
      }),
    });
  });

  it('parses nothing of a request that is not verified, but knows the operations', async () => {
    const credentials = [{ accessKeyId: 'AKID', secretAccessKey: 'secret' }];
    expect(typeOf(await ask({ body: 'hi' }, { credentials }))).toContain('MissingAuthenticationToken');
    const headers = { 'x-amz-target': 'whatever' };
    expect(typeOf(await ask({ body: 'hi', headers }, { credentials }))).toBe(unknownOperation);
  });
});
