import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { measureInvalidation, renderInvalidation } from '../../bench/invalidation.ts';
import { REVISION_MIN } from '../../bench/item.ts';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

describe('the delay of invalidations', () => {
  it('is nothing where the reader sees each write by its acknowledgement', async () => {
    const { writerPort, readerPort } = await twoProxies(0);
    const delay = await measureInvalidation(writerPort, readerPort, 10, REVISION_MIN);
    expect(delay).toMatchObject({ writes: 10, seenOld: 0, delayUs: { p50: expect.any(Number) } });
    expect(delay.delayUs.max).toBeLessThan(1);
  });

  it('is the time for which the reader still gets the old item', async () => {
    const { writerPort, readerPort } = await twoProxies(30);
    const delay = await measureInvalidation(writerPort, readerPort, 3, REVISION_MIN);
    expect(delay.seenOld).toBe(3);
    expect(delay.delayUs.p50).toBeGreaterThan(15_000);
    expect(renderInvalidation(delay)).toContain('3 of 3 writes were followed by an old answer');
  });
});

/** Two servers of one item, of which the second sees the writes of the first so much later. */
async function twoProxies(delayMs: number): Promise<{ writerPort: number; readerPort: number }> {
  let seen: unknown;
  const writerPort = await serve(({ Item: item }) => {
    if (delayMs === 0) seen = item;
    else setTimeout(() => (seen = item), delayMs);
    return {};
  });
  const readerPort = await serve(() => ({ Item: seen }));
  return { writerPort, readerPort };
}

async function serve(answer: (input: { Item?: unknown }) => object): Promise<number> {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    response.end(JSON.stringify(answer(JSON.parse(body))));
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
