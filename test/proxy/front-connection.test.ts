import { afterEach, describe, expect, it, vi } from 'vitest';
import type { HttpHandler, HttpResponse } from '../../proxy/front/handler.ts';
import type { HttpServer } from '../../proxy/front/http.ts';
import type { HttpLimits } from '../../proxy/front/limits.ts';
import { chunked, closeAll, post, RawClient, serveHttp, silent } from './front-harness.ts';
import { ManualClock } from './simulated-store.ts';

afterEach(async () => {
  vi.useRealTimers();
  await closeAll();
});

function text(body: string): HttpResponse {
  return { status: 200, headers: '', body: Buffer.from(body) };
}

const echo: HttpHandler = (request) => text(request.body.toString());

/** A handler whose answers the test gives, in any order; `arrived` resolves once so many requests are there. */
class Held {
  readonly bodies: string[] = [];
  readonly #answers: ((response: HttpResponse) => void)[] = [];
  #wake = () => {};

  readonly handler: HttpHandler = (request) => {
    this.bodies.push(request.body.toString());
    this.#wake();
    return new Promise((resolve) => this.#answers.push(resolve));
  };

  async arrived(count: number): Promise<void> {
    while (this.bodies.length < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  answer(index: number, response = text(`answer to ${this.bodies[index]}`)): void {
    this.#answers[index]?.(response);
  }
}

/** Time for whatever wrongly would happen to happen. */
function aWhile(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 30));
}

describe('a connection', () => {
  it('answers in the order of the requests, whichever is ready first', async () => {
    const held = new Held();
    const client = await RawClient.open(await serveHttp(held.handler));
    client.send(post('a') + post('b') + post('c'));
    await held.arrived(3);
    for (const index of [2, 0, 1]) held.answer(index);
    const bodies = (await client.responses(3)).map((response) => response?.body);
    expect(bodies).toEqual(['answer to a', 'answer to b', 'answer to c']);
  });

  it('answers what is ready at once behind what is not', async () => {
    const held = new Held();
    const handler: HttpHandler = (request) =>
      request.body.toString() === 'slow' ? held.handler(request) : echo(request);
    const client = await RawClient.open(await serveHttp(handler));
    client.send(post('slow') + post('quick'));
    await held.arrived(1);
    held.answer(0);
    expect((await client.responses(2)).map((response) => response?.body)).toEqual([
      'answer to slow',
      'quick',
    ]);
  });

  it('hands over no more requests at once than allowed, and goes on with each answer', async () => {
    const held = new Held();
    const client = await RawClient.open(await serveHttp(held.handler, { pipelinedMax: 2 }));
    client.send(['a', 'b', 'c', 'd', 'e'].map((body) => post(body)).join(''));
    await held.arrived(2);
    await aWhile();
    expect(held.bodies).toEqual(['a', 'b']);
    for (let i = 0; i < 5; i++) {
      await held.arrived(i + 1);
      held.answer(i);
      expect((await client.response())?.body).toBe(`answer to ${held.bodies[i]}`);
    }
  });

  it('stops reading while the client does not take its answers, and loses none', async () => {
    let handled = 0;
    const answer = text('x'.repeat(100_000));
    const server = await serveHttp(
      () => {
        handled++;
        return answer;
      },
      { outboundBytesMax: 100_000 },
    );
    const client = await RawClient.open(server);
    client.socket.pause();
    const requests = 1_000;
    for (let i = 0; i < requests; i++) client.send(post('please'));
    let before = -1;
    while (handled !== before) {
      before = handled;
      await aWhile();
    }
    expect(handled).toBeLessThan(requests / 2);
    client.socket.resume();
    for (let i = 0; i < requests; i++) expect((await client.response())?.body.length).toBe(100_000);
  });

  it('keeps what a client has not taken apart from what others are answered', async () => {
    let handled = 0;
    const bodyOf = (i: number) => String.fromCharCode(97 + (i % 26)).repeat(10_000);
    const server = await serveHttp(() => text(bodyOf(handled++)), { outboundBytesMax: 5_000 });
    const slow = await RawClient.open(server);
    slow.socket.pause();
    const requests = 1_000;
    for (let i = 0; i < requests; i++) slow.send(post('please'));
    for (let before = -1; handled !== before; await aWhile()) before = handled;
    const stalledAt = handled;
    const other = await RawClient.open(server);
    for (let i = 0; i < 100; i++) {
      expect((await other.send(post('please')).response())?.body).toBe(bodyOf(stalledAt + i));
    }
    slow.socket.resume();
    for (let i = 0; i < requests; i++) {
      const expected = bodyOf(i < stalledAt ? i : i + 100);
      expect((await slow.response())?.body).toBe(expected);
    }
  });

  it('takes the answers of a burst through small bounds', async () => {
    const server = await serveHttp(echo, { outboundBytesMax: 500 });
    const client = await RawClient.open(server);
    client.send(Array.from({ length: 200 }, (_, i) => post(`request ${i}`)).join(''));
    const bodies = (await client.responses(200)).map((response) => response?.body);
    expect(bodies).toEqual(Array.from({ length: 200 }, (_, i) => `request ${i}`));
  });

  it('ends after an answer where the client asks for it, and reads nothing behind', async () => {
    const client = await RawClient.open(await serveHttp(echo));
    client.send(post('last', 'Connection: close\r\n') + post('never'));
    const response = await client.response();
    expect(response).toMatchObject({ body: 'last', headers: { connection: 'close' } });
    expect(await client.response()).toBeUndefined();
  });

  it('of HTTP/1.0 ends after an answer, unless the client asks for more', async () => {
    const server = await serveHttp(echo);
    const once = await RawClient.open(server);
    once.send('POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\na');
    expect((await once.response())?.headers.connection).toBe('close');
    expect(await once.response()).toBeUndefined();
    const kept = await RawClient.open(server);
    kept.send('POST / HTTP/1.0\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\na');
    expect((await kept.response())?.headers.connection).toBe('keep-alive');
    expect((await kept.send(post('b')).response())?.body).toBe('b');
  });

  it('leaves the body out of the answer to HEAD, but not its length', async () => {
    const client = await RawClient.open(await serveHttp(() => text('twelve bytes')));
    client.socket.end('HEAD / HTTP/1.1\r\nHost: x\r\n\r\n');
    let received = '';
    client.socket.on('data', (bytes) => {
      received += bytes;
    });
    await new Promise((resolve) => client.socket.once('end', resolve));
    expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n.*Content-Length: 12\r\n.*\r\n\r\n$/s);
  });

  it('asks for the body of a client that waits for that, once', async () => {
    const client = await RawClient.open(await serveHttp(echo));
    client.send('POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n');
    expect((await client.response())?.status).toBe(100);
    client.send('bo');
    await aWhile();
    expect((await client.send('dy').response())?.body).toBe('body');
    const [answer] = await client.send(post('at once', 'Expect: 100-continue\r\n')).responses(1);
    expect(answer?.body).toBe('at once');
  });

  it('answers a client that has ended its side', async () => {
    const held = new Held();
    const client = await RawClient.open(await serveHttp(held.handler));
    client.socket.end(post('a') + post('b').slice(0, -1));
    await held.arrived(1);
    await aWhile();
    held.answer(0);
    expect((await client.response())?.body).toBe('answer to a');
    expect(await client.response()).toBeUndefined();
  });

  it('lets a handler run on when its client is gone', async () => {
    const held = new Held();
    const server = await serveHttp(held.handler);
    const client = await RawClient.open(server);
    client.send(post('a'));
    await held.arrived(1);
    client.socket.resetAndDestroy();
    await aWhile();
    held.answer(0);
    const other = await RawClient.open(server);
    other.send(post('b'));
    await held.arrived(2);
    held.answer(1);
    expect((await other.response())?.body).toBe('answer to b');
  });

  it('answers 500 where the handler throws or rejects', async () => {
    const server = await serveHttp((request) => {
      if (request.body.toString() === 'throw') throw new Error('secret');
      return Promise.reject(new Error('secret'));
    });
    const client = await RawClient.open(server);
    client.send(post('throw') + post('reject'));
    const responses = await client.responses(2);
    expect(responses.map((response) => [response?.status, response?.body])).toEqual([
      [500, ''],
      [500, ''],
    ]);
  });
});

/** A server whose time stands still, and whose sweep comes, when the test says so. */
async function serveInSteps(handler: HttpHandler, limits: Partial<HttpLimits>) {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const clock = new ManualClock();
  const server = await serveHttp(handler, limits, silent, clock);
  const sweepAfter = (ms: number) => {
    clock.advance(ms);
    vi.advanceTimersByTime(sweepStepMsMax);
  };
  return { server, sweepAfter };
}

const sweepStepMsMax = 500;

const longBytes = 30_000_000;

/** A client that has asked for a long answer and does not read it until some time, which `pass` lets go by. */
async function slowReader(limits: Partial<HttpLimits>, request = post('a')) {
  const held = new Held();
  const { server, sweepAfter } = await serveInSteps(held.handler, limits);
  const client = await RawClient.open(server);
  client.socket.pause();
  client.send(request);
  await held.arrived(1);
  held.answer(0, text('x'.repeat(longBytes)));
  await aWhile();
  const pass = (ms: number) => {
    sweepAfter(ms);
    client.socket.resume();
  };
  return { client, pass };
}

describe('slow clients', () => {
  const limits = {
    headMs: 60,
    requestMs: 120,
    idleMs: 200,
    lingerMs: 40,
    stallMs: 60,
    readerBytesPerMsMin: 1e6,
  };

  it('lose the connection in the middle of a head', async () => {
    const client = await RawClient.open(await serveHttp(echo, limits));
    expect((await client.send('POST / HTTP/1.1\r\nHo').response())?.status).toBe(408);
    expect(await client.response()).toBeUndefined();
  });

  it('lose it in the middle of a body, however often they send a byte', async () => {
    const client = await RawClient.open(await serveHttp(echo, limits));
    client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n');
    const drip = setInterval(() => client.send('x'), 5);
    const response = await client.response();
    clearInterval(drip);
    expect(response?.status).toBe(408);
  });

  it('lose it without a word when they send nothing', async () => {
    const client = await RawClient.open(await serveHttp(echo, limits));
    expect((await client.send(post('a')).response())?.body).toBe('a');
    expect(await client.response()).toBeUndefined();
  });

  it('lose it when they do not take their answers', async () => {
    const { client, pass } = await slowReader(limits);
    pass(100);
    expect(await client.response()).toBeUndefined();
  });

  it('keep it as long as what they have to take is worth', async () => {
    const { client, pass } = await slowReader({ ...limits, readerBytesPerMsMin: 32 });
    pass(longBytes / 40);
    expect((await client.response())?.body.length).toBe(longBytes);
  });

  it('lose it after that', async () => {
    const { client, pass } = await slowReader({ ...limits, readerBytesPerMsMin: 32 });
    pass(longBytes / 30);
    expect(await client.response()).toBeUndefined();
  });

  it.each(['Connection: close', 'HTTP/1.0'])(
    'take a last answer whole after our end of it: %s',
    async (way) => {
      // Nothing ever waits for a drain, so that only the end of the stream tells of a slow reader.
      const patient = { ...limits, stallMs: 2_000, outboundBytesMax: 100_000_000 };
      const request = way === 'HTTP/1.0' ? 'GET / HTTP/1.0\r\n\r\n' : post('a', 'Connection: close\r\n');
      const { client, pass } = await slowReader(patient, request);
      pass(1_900);
      expect((await client.response())?.body.length).toBe(longBytes);
    },
  );

  it('lose a last answer that they do not take', async () => {
    const hasty = { ...limits, outboundBytesMax: 100_000_000 };
    const { client, pass } = await slowReader(hasty, post('a', 'Connection: close\r\n'));
    pass(200);
    expect(await client.response()).toBeUndefined();
  });

  it('keep it while it is the handler that takes its time', async () => {
    const held = new Held();
    const { server, sweepAfter } = await serveInSteps(held.handler, limits);
    const client = await RawClient.open(server);
    client.send(post('a') + post('b').slice(0, -1));
    await held.arrived(1);
    sweepAfter(60_000);
    held.answer(0);
    expect((await client.response())?.body).toBe('answer to a');
  });

  it('are cut off some time after their last answer, if they do not end the stream', async () => {
    const client = await RawClient.open(await serveHttp(echo, limits));
    const closed = new Promise((resolve) => client.socket.once('close', resolve));
    const drip = setInterval(() => client.send('x'), 5);
    client.send('nonsense\r\n\r\n');
    expect((await client.response())?.status).toBe(400);
    await closed;
    clearInterval(drip);
  });
});

describe('replies that wait over all connections', () => {
  const bytes = 20_000_000;
  const limits = { repliesBytesMax: 3 * bytes };

  /** Opens a client that asks for a long answer and does not read it. */
  async function silentClient(server: HttpServer, requests = 1): Promise<RawClient> {
    const client = await RawClient.open(server);
    client.socket.pause();
    client.send(post('a').repeat(requests));
    return client;
  }

  it('are bounded: the ones that wait longest are cut, and the log tells how many', async () => {
    let dropped = 0;
    const log = {
      ...silent,
      warn: (details: object) => {
        dropped += (details as { dropped: number }).dropped;
      },
    };
    let handled = 0;
    const handler = () => {
      handled++;
      return text('x'.repeat(bytes));
    };
    const server = await serveHttp(handler, { ...limits, lingerMs: 100 }, log);
    const clients: RawClient[] = [];
    for (let i = 0; i < 5; i++) {
      clients.push(await silentClient(server));
      while (handled <= i) await aWhile();
    }
    await aWhile();
    for (const client of clients) client.socket.resume();
    const lengths = await Promise.all(clients.map(async (client) => (await client.response())?.body.length));
    expect(lengths).toEqual([undefined, undefined, undefined, bytes, bytes]);
    await vi.waitUntil(() => dropped >= 3);
    expect(dropped).toBe(3);
  });

  it('count those behind an answer that is not ready', async () => {
    const held = new Held();
    const server = await serveHttp(held.handler, limits);
    const client = await silentClient(server, 5);
    await held.arrived(5);
    client.socket.resume();
    for (let i = 1; i <= 4; i++) held.answer(i, text('x'.repeat(bytes)));
    expect(await client.response()).toBeUndefined();
  });

  it('do not concern clients that take theirs', async () => {
    const server = await serveHttp(() => text('x'.repeat(bytes)), limits);
    const client = await RawClient.open(server);
    for (let i = 0; i < 5; i++) {
      expect((await client.send(post('a')).response())?.body.length).toBe(bytes);
    }
  });

  it('count no more once their client is gone', async () => {
    const server = await serveHttp(() => text('x'.repeat(bytes)), limits);
    for (let i = 0; i < 5; i++) {
      const gone = await silentClient(server);
      await aWhile();
      gone.socket.resetAndDestroy();
      await aWhile();
    }
    const clients = [await silentClient(server), await silentClient(server)];
    await aWhile();
    for (const client of clients) {
      client.socket.resume();
      expect((await client.response())?.body.length).toBe(bytes);
    }
  });
});

describe('closing the server', () => {
  it('ends idle connections at once and accepts no more', async () => {
    const server = await serveHttp(echo);
    const client = await RawClient.open(server);
    await client.send(post('a')).response();
    client.socket.once('end', () => client.socket.end());
    await server.close();
    expect(await client.response()).toBeUndefined();
    await expect(RawClient.open(server)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('waits for requests that are with the handler, and says so in their answers', async () => {
    const held = new Held();
    const server = await serveHttp(held.handler);
    const client = await RawClient.open(server);
    client.socket.once('end', () => client.socket.end());
    client.send(post('a') + post('b'));
    await held.arrived(2);
    const closed = server.close();
    held.answer(0);
    held.answer(1);
    expect(await client.response()).toMatchObject({ body: 'answer to a' });
    expect(await client.response()).toMatchObject({ body: 'answer to b', headers: { connection: 'close' } });
    await closed;
  });

  it('lets a request that has begun come to its end', async () => {
    const server = await serveHttp(echo);
    const client = await RawClient.open(server);
    client.socket.once('end', () => client.socket.end());
    const request = Buffer.from(chunked(['half ', 'and half']));
    await client.sendPiece(request.subarray(0, 80));
    await aWhile();
    const closed = server.close();
    client.send(request.subarray(80));
    expect(await client.response()).toMatchObject({
      body: 'half and half',
      headers: { connection: 'close' },
    });
    await closed;
  });

  it('cuts what takes longer than allowed', async () => {
    const held = new Held();
    const server = await serveHttp(held.handler, { closeMs: 50 });
    const client = await RawClient.open(server);
    client.send(post('a'));
    await held.arrived(1);
    await server.close();
    expect(await client.response()).toBeUndefined();
  });
});
