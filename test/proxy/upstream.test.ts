import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { crc32 } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Backend, Request } from '../../protocol/backend.ts';
import { DynamoDbError } from '../../protocol/errors.ts';
import { Reply } from '../../protocol/reply.ts';
import { openUpstream, UnansweredError, type UpstreamOptions } from '../../proxy/upstream.ts';
import { closeAll, closeLater, serveApi, silent } from './front-harness.ts';
import { ManualClock } from './simulated-store.ts';

/** dynalite brings no types. */
const dynalite: (options: { createTableMs: number }) => Server = createRequire(import.meta.url)('dynalite');

afterEach(closeAll);

const credentials = { accessKeyId: 'AKID', secretAccessKey: 'secret' };

function request(operation: string, input: Record<string, unknown> = { TableName: 'music' }): Request {
  return { operation, input, region: 'eu-central-1' };
}

async function upstreamTo(port: number, options: Partial<UpstreamOptions> = {}): Promise<Backend> {
  const upstream = await openUpstream({
    url: `http://127.0.0.1:${port}`,
    credentials: async () => credentials,
    log: silent,
    ...options,
  });
  closeLater(() => upstream.close());
  return upstream;
}

type Answer = (response: ServerResponse, incoming: IncomingMessage) => void;

/** An endpoint that answers whole requests with each of `answers` in turn, the last one for ever. */
async function endpoint(...answers: Answer[]): Promise<{ port: number; seen: IncomingMessage[] }> {
  const seen: IncomingMessage[] = [];
  const server: Server = createServer((incoming, response) => {
    incoming.resume().once('end', () => {
      seen.push(incoming);
      answers[Math.min(seen.length, answers.length) - 1]?.(response, incoming);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closeLater(() => {
    server.close();
    server.closeAllConnections();
  });
  return { port: (server.address() as AddressInfo).port, seen };
}

function json(status: number, body: string, headers: Record<string, string> = {}): Answer {
  return (response) => response.writeHead(status, headers).end(body);
}

const ok = json(200, '{"ok":true}');
const reset: Answer = (response) => response.socket?.resetAndDestroy();
const never: Answer = () => {};

async function failure(call: unknown): Promise<DynamoDbError> {
  const error = await Promise.resolve(call).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof DynamoDbError) return error;
  throw new Error(`not a DynamoDbError: ${error}`);
}

describe('a call', () => {
  it('goes on byte for byte, signed with own credentials for the region of the caller', async () => {
    const requests: Request[] = [];
    const front = await serveApi(
      (received) => {
        requests.push(received);
        return new Reply({ Item: { artist: { S: 'ä' } } });
      },
      { credentials: [credentials] },
    );
    const upstream = await upstreamTo(front.port);
    const body = Buffer.from('{ "TableName" : "music" }');
    const reply = await upstream.call({ ...request('GetItem'), body });
    expect(reply.output).toEqual({ Item: { artist: { S: 'ä' } } });
    expect(reply.body.toString()).toBe('{"Item":{"artist":{"S":"ä"}}}');
    expect(requests[0]).toMatchObject({
      operation: 'GetItem',
      region: 'eu-central-1',
      input: { TableName: 'music' },
    });
    expect(requests[0]?.body).toEqual(body);
  });

  it('is signed for the region that is set', async () => {
    const regions: string[] = [];
    const front = await serveApi(({ region }) => {
      regions.push(region);
      return new Reply({});
    });
    const upstream = await upstreamTo(front.port, { region: 'us-west-2' });
    await upstream.call(request('GetItem'));
    expect(regions).toEqual(['us-west-2']);
  });

  it('of DynamoDB Streams goes to their API', async () => {
    const { port, seen } = await endpoint(ok);
    const upstream = await upstreamTo(port);
    await upstream.call(request('GetRecords', {}));
    expect(seen[0]?.headers['x-amz-target']).toBe('DynamoDBStreams_20120810.GetRecords');
  });

  it('that was refused brings the error with all its members', async () => {
    const item = { artist: { S: 'x' } };
    const front = await serveApi(() => {
      throw new DynamoDbError('ConditionalCheckFailedException', 'The conditional request failed', 400, {
        Item: item,
      });
    });
    const error = await failure((await upstreamTo(front.port)).call(request('PutItem')));
    expect(error).toMatchObject({
      code: 'ConditionalCheckFailedException',
      message: 'The conditional request failed',
      status: 400,
      members: { Item: item },
    });
    expect(error).not.toBeInstanceOf(UnansweredError);
  });

  it('that was refused with a capital Message brings it too', async () => {
    const { port } = await endpoint(
      json(400, '{"__type":"a.b#TransactionCanceledException","Message":"text"}'),
    );
    const error = await failure((await upstreamTo(port)).call(request('TransactWriteItems')));
    expect(error).toMatchObject({ code: 'TransactionCanceledException', message: 'text', members: {} });
  });
});

describe('a call without an answer', () => {
  it('is told as unavailable where nothing was sent, after several attempts', async () => {
    const { port } = await endpoint(ok);
    await closeAll();
    const warnings: object[] = [];
    const upstream = await upstreamTo(port, {
      log: { ...silent, warn: (details) => warnings.push(details) },
    });
    for (const operation of ['PutItem', 'GetItem']) {
      const error = await failure(upstream.call(request(operation)));
      // The address is for the log.
      expect(error).toMatchObject({
        code: 'ServiceUnavailable',
        status: 503,
        message: 'The upstream cannot be reached',
      });
      expect(error).not.toBeInstanceOf(UnansweredError);
    }
    expect(warnings).toHaveLength(1);
  });

  it.each<[string, Answer]>([
    ['a connection that was reset', reset],
    ['a checksum that is wrong', json(200, '{}', { 'x-amz-crc32': '1' })],
    ['a body that is no JSON', json(200, '<html>')],
    ['a body that is no object', json(200, '[]')],
    ['a proxy on the way', json(502, '<html>')],
    ['an error without a type', json(400, '{}')],
    ['a reply that is too long', json(200, `{"x":"${'x'.repeat(5_000)}"}`)],
    [
      'a reply that breaks off',
      (response) => response.writeHead(200, { 'content-length': '100' }).write('{', () => response.destroy()),
    ],
  ])('is never sent again where it writes: %s', async (_name, answer) => {
    const { port, seen } = await endpoint(answer, ok);
    const upstream = await upstreamTo(port, { replyBytesMax: 4_000 });
    const error = await failure(upstream.call(request('PutItem')));
    expect(error).toBeInstanceOf(UnansweredError);
    expect(error).toMatchObject({ code: 'InternalServerError', status: 500, unanswered: true });
    expect(seen).toHaveLength(1);
  });

  it.each(['GetItem', 'BatchGetItem', 'Query', 'Scan', 'TransactGetItems', 'DescribeTable', 'ListTables'])(
    'is sent again where it only reads: %s',
    async (operation) => {
      const { port, seen } = await endpoint(reset, json(200, '{}', { 'x-amz-crc32': '1' }), ok);
      const reply = await (await upstreamTo(port)).call(request(operation));
      expect(reply.output).toEqual({ ok: true });
      expect(seen).toHaveLength(3);
    },
  );

  it.each([
    'PutItem',
    'BatchWriteItem',
    'TransactWriteItems',
    'ExecuteStatement',
    'CreateTable',
    'SomethingNew',
  ])('is not taken for a read: %s', async (operation) => {
    const { port, seen } = await endpoint(reset, ok);
    expect(await failure((await upstreamTo(port)).call(request(operation)))).toBeInstanceOf(UnansweredError);
    expect(seen).toHaveLength(1);
  });

  it('is open too where the endpoint had a fault of its own', async () => {
    const { port } = await endpoint(json(500, '{"__type":"a#InternalServerError","message":"oops"}'));
    const error = await failure((await upstreamTo(port)).call(request('PutItem')));
    expect(error).toBeInstanceOf(UnansweredError);
    expect(error).toMatchObject({ code: 'InternalServerError', message: 'oops', status: 500 });
  });

  it('ends with its deadline, and does not hold the next one', async () => {
    const { port, seen } = await endpoint(never, ok);
    const upstream = await upstreamTo(port, { callMs: 80, connectionsMax: 1 });
    const [first, queued] = await Promise.all([
      failure(upstream.call(request('PutItem'))),
      failure(upstream.call(request('PutItem'))),
    ]);
    expect(first).toBeInstanceOf(UnansweredError);
    expect(queued).toMatchObject({ code: 'ServiceUnavailable' });
    expect((await upstream.call(request('PutItem'))).output).toEqual({ ok: true });
    expect(seen).toHaveLength(2);
  });

  it('is refused where too many are under way', async () => {
    const { port } = await endpoint(never, ok);
    const upstream = await upstreamTo(port, { callsMax: 1, callMs: 80 });
    const first = failure(upstream.call(request('GetItem')));
    expect(await failure(upstream.call(request('GetItem')))).toMatchObject({ code: 'ServiceUnavailable' });
    await first;
  });
});

describe('credentials', () => {
  const none = () => Promise.reject(new Error('nothing found'));

  it('are local/local on loopback where there are none, and the log says so', async () => {
    const { port, seen } = await endpoint(ok);
    const lines: string[] = [];
    const log = { ...silent, info: (_details: object, message: string) => lines.push(message) };
    const upstream = await upstreamTo(port, { credentials: none, log });
    await upstream.call(request('GetItem'));
    expect(seen[0]?.headers.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=local\/\d{8}\/eu-central-1\/dynamodb\//,
    );
    expect(lines).toEqual([expect.stringContaining('local/local')]);
  });

  it('are missed at the start elsewhere, naming what to do', async () => {
    const opening = openUpstream({
      url: 'https://dynamodb.eu-central-1.amazonaws.com',
      credentials: none,
      log: silent,
    });
    await expect(opening).rejects.toThrow(/AWS_ACCESS_KEY_ID.*nothing found/);
  });

  it('that go along with a token send it', async () => {
    const { port, seen } = await endpoint(ok);
    const upstream = await upstreamTo(port, {
      credentials: async () => ({ ...credentials, sessionToken: 'token' }),
    });
    await upstream.call(request('GetItem'));
    expect(seen[0]?.headers['x-amz-security-token']).toBe('token');
  });

  it('that cannot be refreshed leave a call unsent', async () => {
    const { port, seen } = await endpoint(ok);
    let calls = 0;
    const upstream = await upstreamTo(port, {
      credentials: async () => (calls++ === 0 ? credentials : none()),
    });
    expect(await failure(upstream.call(request('PutItem')))).toMatchObject({
      code: 'ServiceUnavailable',
      message: 'The upstream cannot be reached',
    });
    expect(seen).toHaveLength(0);
  });

  it('that cannot be refreshed are told apart from an upstream that cannot be reached', async () => {
    const { port } = await endpoint(ok);
    await closeAll();
    let found = true;
    const warnings: [string, string][] = [];
    const warn = (details: object, message: string) =>
      void warnings.push([message, (details as { err: Error }).err.message]);
    const upstream = await upstreamTo(port, {
      credentials: async () => (found ? credentials : none()),
      log: { ...silent, warn },
    });
    for (found of [true, false, true, false]) await failure(upstream.call(request('PutItem')));
    expect(warnings).toEqual([
      ['the upstream cannot be reached', expect.stringContaining('ECONNREFUSED')],
      ['no credentials for the upstream', 'nothing found'],
    ]);
  });
});

it('closing answers what was called, and nothing after', async () => {
  const { port } = await endpoint(json(200, '{"late":true}'));
  const upstream = await upstreamTo(port);
  const call = upstream.call(request('PutItem'));
  const closed = upstream.close();
  expect(await failure(upstream.call(request('PutItem')))).toMatchObject({ code: 'ServiceUnavailable' });
  await closed;
  expect((await call).output).toEqual({ late: true });
});

it.each(['PutItem', 'GetItem'])('closing cuts a call that is not answered in time: %s', async (operation) => {
  const { port, seen } = await endpoint(never);
  const upstream = await upstreamTo(port, { closeMs: 50 });
  const call = failure(upstream.call(request(operation)));
  await vi.waitUntil(() => seen.length === 1);
  await upstream.close();
  expect(await call).toBeInstanceOf(UnansweredError);
  expect(seen).toHaveLength(1);
});

it('checks the checksum that comes along', async () => {
  const body = '{"a":"b"}';
  const { port, seen } = await endpoint(json(200, body, { 'x-amz-crc32': String(crc32(body)) }));
  expect((await (await upstreamTo(port)).call(request('PutItem'))).body.toString()).toBe(body);
  expect(seen).toHaveLength(1);
});

describe('the lag', () => {
  const lag = (value: string) => json(200, '{}', { 'X-Slipstream-Replica-Lag-Ms': value });

  async function toldBy(...answers: Answer[]) {
    const { port } = await endpoint(...answers);
    const clock = new ManualClock();
    const upstream = await upstreamTo(port, { clock });
    const told = async () => {
      await Promise.resolve(upstream.call(request('GetItem'))).catch(() => {});
      return upstream.lagMs;
    };
    return { clock, told, upstream };
  }

  it('is none until an answer tells of one', async () => {
    const { told, upstream } = await toldBy(ok, lag('300'));
    expect(upstream.lagMs).toBe(0);
    expect([await told(), await told()]).toEqual([0, 300]);
  });

  it('is told by errors too', async () => {
    const refusal = json(400, '{"__type":"x#ValidationException"}', { 'x-slipstream-replica-lag-ms': '7' });
    expect(await (await toldBy(refusal)).told()).toBe(7);
  });

  it('grows at once and shrinks after a while', async () => {
    const { clock, told } = await toldBy(lag('300'), lag('500'), lag('20'), ok, lag('20'), ok, ok);
    expect([await told(), await told(), await told(), await told()]).toEqual([300, 500, 500, 500]);
    clock.advance(10_000);
    expect([await told(), await told()]).toEqual([20, 20]);
    clock.advance(10_000);
    expect(await told()).toBe(0);
  });

  it('is believed where it is a number, and no further than ten minutes', async () => {
    const { told } = await toldBy(lag('-1'), lag('3e2'), lag(''), lag('soon'), lag('99999999999'));
    expect([await told(), await told(), await told(), await told()]).toEqual([0, 0, 0, 0]);
    expect(await told()).toBe(600_000);
  });
});

it('dynalite is an upstream', async () => {
  const server = dynalite({ createTableMs: 0 });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closeLater(() => {
    server.close();
    server.closeAllConnections();
  });
  const upstream = await upstreamTo((server.address() as AddressInfo).port);
  await upstream.call(
    request('CreateTable', {
      TableName: 'music',
      KeySchema: [{ AttributeName: 'artist', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'artist', AttributeType: 'S' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
  let status: unknown;
  while (status !== 'ACTIVE') {
    const { output } = await upstream.call(request('DescribeTable'));
    status = (output.Table as Record<string, unknown>).TableStatus;
  }
  const item = { artist: { S: 'Nina Simone' }, plays: { N: '7' } };
  await upstream.call(request('PutItem', { TableName: 'music', Item: item }));
  const key = { artist: { S: 'Nina Simone' } };
  expect((await upstream.call(request('GetItem', { TableName: 'music', Key: key }))).output).toEqual({
    Item: item,
  });
  const error = await failure(upstream.call(request('GetItem', { TableName: 'absent', Key: key })));
  expect(error).toMatchObject({ code: 'ResourceNotFoundException', message: 'Requested resource not found' });
});
