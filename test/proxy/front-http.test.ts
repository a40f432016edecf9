import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { HttpHandler, HttpResponse } from '../../proxy/front/handler.ts';
import type { HttpServer } from '../../proxy/front/http.ts';
import { chunked, closeAll, post, RawClient, serveHttp, silent } from './front-harness.ts';

afterEach(closeAll);

function text(body: string): HttpResponse {
  return { status: 200, headers: '', body: Buffer.from(body) };
}

/** Answers every request with what was understood of it. */
const echo: HttpHandler = (request) =>
  text(`${request.method} ${request.target} ${request.header('x-test') ?? '-'} ${request.body.toString()}`);

async function answersTo(bytes: string, count = 1, limits = {}): Promise<(string | number | undefined)[]> {
  const client = await RawClient.open(await serveHttp(echo, limits));
  client.send(bytes);
  const responses = await client.responses(count);
  return responses.map((response) => (response?.status === 200 ? response.body : response?.status));
}

describe('requests', () => {
  it('are read with a length, in chunks, and without a body', async () => {
    const requests = `${post('one')}${chunked(['t', 'w', 'o'])}GET /health HTTP/1.1\r\nHost: x\r\n\r\n`;
    expect(await answersTo(requests, 3)).toEqual(['POST / - one', 'POST / - two', 'GET /health - ']);
  });

  it('give their headers by any spelling, without white space, repeated ones joined', async () => {
    expect(await answersTo(post('', 'X-Test: \t a b \t\r\nx-TEST:c\r\n'))).toEqual(['POST / a b,c ']);
  });

  it('are the same wherever the bytes are cut', async () => {
    const bytes = Buffer.from(
      `\r\n${post('first', 'X-Test: 1\r\n')}${chunked(['sec', 'ond'], 'X-Trailer: t\r\n')}${post('')}`,
    );
    const server = await serveHttp(echo);
    for (let cut = 1; cut < bytes.length; cut++) {
      const client = await RawClient.open(server);
      await client.sendPiece(bytes.subarray(0, cut));
      client.send(bytes.subarray(cut));
      const responses = await client.responses(3);
      expect(responses.map((response) => response?.body)).toEqual([
        'POST / 1 first',
        'POST / - second',
        'POST / - ',
      ]);
      client.socket.destroy();
    }
  });

  it('are the same in single bytes', async () => {
    const bytes = Buffer.from(`${post('first', 'X-Test: 1\r\n')}${chunked(['sec', 'ond'])}`);
    const client = await RawClient.open(await serveHttp(echo));
    for (const byte of bytes) await client.sendPiece(Buffer.of(byte));
    const responses = await client.responses(2);
    expect(responses.map((response) => response?.body)).toEqual(['POST / 1 first', 'POST / - second']);
  });

  it('are the same in any chunking of any of them', async () => {
    const server = await serveHttp(echo);
    const body = fc.string({ maxLength: 40 }).filter((value) => /^[\x20-\x7e]*$/.test(value));
    const request = fc.oneof(
      body.map((value) => ({ bytes: post(value), body: value })),
      fc
        .array(
          body.filter((value) => value !== ''),
          { maxLength: 4 },
        )
        .map((values) => ({
          bytes: chunked(values),
          body: values.join(''),
        })),
    );
    const cuts = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 5 }), cuts, async (requests, sizes) => {
        const client = await RawClient.open(server);
        let rest = Buffer.from(requests.map(({ bytes }) => bytes).join(''));
        for (let i = 0; rest.length > 0; i++) {
          const size = sizes[i % sizes.length];
          await client.sendPiece(rest.subarray(0, size));
          rest = rest.subarray(size);
        }
        const responses = await client.responses(requests.length);
        client.socket.destroy();
        expect(responses.map((response) => response?.body)).toEqual(
          requests.map((one) => `POST / - ${one.body}`),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('of many megabytes arrive whole', async () => {
    const body = 'x'.repeat(5_000_000);
    const client = await RawClient.open(await serveHttp((request) => text(String(request.body.length))));
    client.send(post(body));
    client.send(chunked([body.slice(0, 1_000_000), body.slice(0, 2_500_000)]));
    expect((await client.responses(2)).map((response) => response?.body)).toEqual(['5000000', '3500000']);
  });
});

describe('what HTTP does not allow', () => {
  const host = 'Host: x\r\n';
  it.each([
    ['a request line without a version', 'GET /\r\n\r\n', 400],
    ['a request line with two spaces', `GET  / HTTP/1.1\r\n${host}\r\n`, 400],
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', 400],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n', 400],
    ['another version', `GET / HTTP/2.0\r\n${host}\r\n`, 505],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['two Hosts', `GET / HTTP/1.1\r\n${host}${host}\r\n`, 400],
    ['a line that ends in LF', `GET / HTTP/1.1\n${host}\r\n`, 400],
    ['a header that ends in LF', `GET / HTTP/1.1\r\nX: y\n${host}\r\n`, 400],
    ['a bare CR in a value', `GET / HTTP/1.1\r\nX: a\rb\r\n${host}\r\n`, 400],
    ['a NUL in a value', `GET / HTTP/1.1\r\nX: a\0b\r\n${host}\r\n`, 400],
    ['a folded header', `GET / HTTP/1.1\r\nX: a\r\n b\r\n${host}\r\n`, 400],
    ['white space before the colon', `GET / HTTP/1.1\r\nX : a\r\n${host}\r\n`, 400],
    ['a header without a name', `GET / HTTP/1.1\r\n: a\r\n${host}\r\n`, 400],
    ['a header without a colon', `GET / HTTP/1.1\r\nnonsense\r\n${host}\r\n`, 400],
    ['two lengths', `POST / HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 1\r\n\r\na`, 400],
    ['a list of lengths', `POST / HTTP/1.1\r\n${host}Content-Length: 1, 1\r\n\r\na`, 400],
    ['a negative length', `POST / HTTP/1.1\r\n${host}Content-Length: -1\r\n\r\na`, 400],
    ['a signed length', `POST / HTTP/1.1\r\n${host}Content-Length: +1\r\n\r\na`, 400],
    ['a hexadecimal length', `POST / HTTP/1.1\r\n${host}Content-Length: 0x1\r\n\r\na`, 400],
    ['an empty length', `POST / HTTP/1.1\r\n${host}Content-Length:\r\n\r\na`, 400],
    [
      'a length of twenty digits',
      `POST / HTTP/1.1\r\n${host}Content-Length: 10000000000000000000\r\n\r\n`,
      400,
    ],
    [
      'both a length and chunks',
      `POST / HTTP/1.1\r\n${host}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ['chunks in HTTP/1.0', `POST / HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    [
      'an encoding other than chunks',
      `POST / HTTP/1.1\r\n${host}Transfer-Encoding: gzip, chunked\r\n\r\n`,
      501,
    ],
    [
      'two encodings',
      `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n`,
      501,
    ],
    ['an unknown expectation', `POST / HTTP/1.1\r\n${host}Expect: wonders\r\n\r\n`, 417],
    ['a chunk without a size', chunkedRaw('\r\n'), 400],
    ['a chunk size that is no number', chunkedRaw('z\r\n'), 400],
    ['a chunk size with a prefix', chunkedRaw('0x1\r\na\r\n0\r\n\r\n'), 400],
    ['a chunk size of many digits', chunkedRaw('000000001\r\na\r\n0\r\n\r\n'), 400],
    ['a chunk size that ends in LF', chunkedRaw('1\na\r\n0\r\n\r\n'), 400],
    ['a chunk longer than its size', chunkedRaw('1\r\nab\r\n0\r\n\r\n'), 400],
    ['a control character in an extension', chunkedRaw('1;\0\r\na\r\n0\r\n\r\n'), 400],
  ])('is refused: %s', async (_name, bytes, status) => {
    const client = await RawClient.open(await serveHttp(echo));
    // What follows would be a request of its own if the refused one were passed over.
    client.send(bytes + post('smuggled'));
    const response = await client.response();
    expect(response?.status).toBe(status);
    expect(response?.headers.connection).toBe('close');
    expect(await client.response()).toBeUndefined();
  });

  it('is refused behind the answers to the requests before it', async () => {
    expect(await answersTo(`${post('fine')}nonsense\r\n\r\n`, 3)).toEqual(['POST / - fine', 400, undefined]);
  });

  it('does not disturb other connections, random bytes neither', async () => {
    const server = await serveHttp(echo);
    const good = await RawClient.open(server);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
        const client = await RawClient.open(server);
        client.send(Buffer.concat([Buffer.from(bytes), Buffer.from('\r\n\r\n\r\n\r\n')]));
        client.socket.end();
        const response = await client.response();
        expect(response?.status ?? 400).not.toBe(200);
        client.socket.destroy();
      }),
      { numRuns: 100 },
    );
    expect((await good.send(post('still here')).response())?.body).toBe('POST / - still here');
  });
});

function chunkedRaw(body: string): string {
  return `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${body}`;
}

describe('limits', () => {
  it.each([
    ['the head', post('', `X-Long: ${'x'.repeat(20_000)}\r\n`), {}, 431],
    ['the head without an end', `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`, {}, 431],
    ['the request line', `GET /${'x'.repeat(20_000)}`, {}, 431],
    ['the number of headers', post('', 'X: y\r\n'.repeat(99)), {}, 431],
    ['the body', post('12345678901'), { bodyBytesMax: 10 }, 413],
    ['one chunk', chunked(['12345678901']), { bodyBytesMax: 10 }, 413],
    ['the sum of the chunks', chunked(['123456', '12345']), { bodyBytesMax: 10 }, 413],
    ['trailers', chunked(['1'], 'X: y\r\n'.repeat(200)), { chunkOverheadBytesMax: 500 }, 431],
    ['extensions', chunkedRaw(`1;${'x'.repeat(600)}\r\na\r\n0\r\n\r\n`), { chunkOverheadBytesMax: 500 }, 431],
    ['all bodies together', chunked(['1']), { gatheredBytesMax: 100 }, 503],
  ])('bound %s', async (_name, bytes, limits, status) => {
    expect(await answersTo(bytes, 2, limits)).toEqual([status, undefined]);
  });

  it('admit what just fits', async () => {
    expect(await answersTo(post('1234567890'), 1, { bodyBytesMax: 10 })).toEqual(['POST / - 1234567890']);
    expect(await answersTo(chunked(['12345', '67890']), 1, { bodyBytesMax: 10 })).toEqual([
      'POST / - 1234567890',
    ]);
    expect(await answersTo(post('', 'X: y\r\n'.repeat(98)))).toEqual(['POST / - ']);
  });

  it('give the memory of a body back when its request is answered or its client gone', async () => {
    const server = await serveHttp(echo, { gatheredBytesMax: 8_192, bodyBytesMax: 8_192 });
    for (let i = 0; i < 5; i++) {
      const answered = await RawClient.open(server);
      expect((await answered.send(chunked(['x'.repeat(5_000)])).response())?.status).toBe(200);
      const gone = await RawClient.open(server);
      await gone.sendPiece(Buffer.from(post('x'.repeat(5_000)).slice(0, 4_000)));
      gone.socket.destroy();
      await new Promise((resolve) => gone.socket.once('close', resolve));
      // The server hears of it a moment later; until then it may refuse.
      for (;;) {
        const next = await RawClient.open(server);
        if ((await next.send(chunked(['x'.repeat(5_000)])).response())?.status === 200) break;
      }
    }
  });

  it('close connections above the number allowed, and count them for the log', async () => {
    const warned = new Promise((resolve) => {
      const log = { ...silent, warn: (details: object) => resolve(details) };
      void serveHttp(echo, { connectionsMax: 1, headMs: 40 }, log).then(fill);
    });
    async function fill(server: HttpServer): Promise<void> {
      const first = await RawClient.open(server);
      await first.send(post('1')).response();
      const second = await RawClient.open(server);
      expect(await second.send(post('2')).response()).toBeUndefined();
    }
    expect(await warned).toEqual({ refused: 1, connectionsMax: 1 });
  });
});
