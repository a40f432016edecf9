import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDB, paginateScan } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { fetchDynamoDbLocal } from '../../bench/reference/dynamodb-local.ts';
import { startDynalite } from '../differential/dynalite.ts';
import { startDynamoDbLocal } from '../differential/dynamodb-local.ts';
import { Program } from '../program.ts';
import { callsOf, createTable, outcomeOf } from './upstreams-calls.ts';

/*
 * The same calls through `slipstream proxy` and straight to the store behind it, on two tables that are alike, must get
 * the same answers.
 */

const obstacle = fetchDynamoDbLocal();
if (obstacle !== undefined) {
  process.stderr.write(`\nSKIPPED: the proxy in front of DynamoDB Local, as ${obstacle}\n\n`);
}

interface Server {
  readonly address: string;
  stop(): Promise<unknown>;
}

interface Store {
  readonly start: () => Promise<Server>;
  readonly hasTransactions: boolean;
  /** Operations whose hits report another cost than the store does: DynamoDB's own. */
  readonly otherCosts?: readonly string[];
  readonly obstacle?: string | undefined;
}

async function startEngine(...words: readonly string[]): Promise<Server> {
  const data = mkdtempSync(join(tmpdir(), 'slipstream-upstream-'));
  const program = Program.run(['engine', '--port', '0', '--data', data, '--durability', 'relaxed', ...words]);
  const stop = async () => {
    await program.end('SIGKILL');
    rmSync(data, { recursive: true, force: true });
  };
  return { address: await program.ready(), stop };
}

async function startProxy(upstream: string, more: readonly string[] = []) {
  const words = ['--upstream', upstream, '--settle-ms', '0', '--fence-ms', '1s', '--admin', '0', ...more];
  const program = Program.run(['proxy', '--port', '0', '--log-format', 'json', ...words]);
  const address = await program.ready();
  await program.said('"listening"');
  const admin = /"admin":"([^"]+)"/.exec(program.stderr)?.[1];
  const stats = async () =>
    (await fetch(`${admin}/stats`)).json() as Promise<{ cache: Record<string, number> }>;
  return { address, stats, stop: () => program.end('SIGKILL') };
}

function clientOf(endpoint: string): DynamoDB {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return new DynamoDB({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
}

const stores: readonly (readonly [string, Store])[] = [
  ['the engine over HTTP', { start: startEngine, hasTransactions: true }],
  ['dynalite', { start: startDynalite, hasTransactions: false }],
  [
    'DynamoDB Local',
    // It charges nothing for items that are not there.
    { start: startDynamoDbLocal, hasTransactions: true, otherCosts: ['BatchGetItem'], obstacle },
  ],
];

describe.each(stores)('in front of %s', (_name, store) => {
  describe.skipIf(store.obstacle !== undefined)('the proxy', () => {
    let server: Server;
    let proxy: Awaited<ReturnType<typeof startProxy>>;
    let direct: DynamoDB;
    let cached: DynamoDB;

    beforeAll(async () => {
      server = await store.start();
      proxy = await startProxy(server.address);
      [direct, cached] = [clientOf(server.address), clientOf(proxy.address)];
      await createTable(direct, 'straight');
      await createTable(cached, 'proxied_');
      await createTable(direct, 'paged');
      for (let i = 0; i < 60; i++) {
        const key = { p: { S: `p${i % 9}` }, s: { N: String(i) } };
        const Item = { ...key, l: { S: `l${i}` }, g: { S: `g${i % 5}` }, h: { N: String(i) } };
        await direct.putItem({ TableName: 'paged', Item });
      }
    });

    afterAll(async () => {
      for (const client of [direct, cached]) client?.destroy();
      await proxy?.stop();
      await server?.stop();
    });

    test('answers as the store does, whatever is called', async () => {
      const agree = fc.asyncProperty(callsOf(store.hasTransactions), async (calls) => {
        for (const call of calls) {
          const isRead = /Get|Query|Scan/.test(call.operation);
          const hidden = store.otherCosts?.includes(call.operation) ? { ConsumedCapacity: undefined } : {};
          const wanted = await outcomeOf(direct, call, isRead ? 'proxied_' : 'straight');
          const got = await outcomeOf(cached, call, 'proxied_');
          expect({ ...got, ...hidden }, String(call)).toEqual({ ...wanted, ...hidden });
        }
      });
      await fc.assert(agree, { numRuns: 15, endOnFailure: true });
      const { cache } = await proxy.stats();
      for (const kind of ['hits', 'negativeHits', 'queryHits', 'emptyQueryHits']) {
        expect(cache[kind], kind).toBeGreaterThan(0);
      }
    });

    test.each(['table', 'local', 'global', 'whole'])(
      'gives the same pages, one after the other: %s',
      async (of) => {
        const index = of === 'table' ? {} : { IndexName: of };
        const pages = async (client: DynamoDB, input: object) => {
          const walk = paginateScan({ client, pageSize: 7 }, { TableName: 'paged', ...index, ...input });
          const found: unknown[] = [];
          for await (const { Items, LastEvaluatedKey } of walk) found.push([Items, LastEvaluatedKey]);
          return found;
        };
        const wanted = await pages(direct, {});
        expect(wanted.length).toBeGreaterThan(4);
        expect(await pages(cached, {})).toEqual(wanted);
        const { queryHits: before } = (await proxy.stats()).cache;
        expect(await pages(cached, {})).toEqual(wanted);
        const { queryHits: after } = (await proxy.stats()).cache;
        expect(Number(after) - Number(before)).toBe(wanted.length);
        const segment = { Segment: 1, TotalSegments: 3 };
        expect(await pages(cached, segment)).toEqual(await pages(direct, segment));
      },
    );
  });
});

describe('what goes wrong behind the proxy', () => {
  const stops: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  });

  async function open(upstream: string, ...words: readonly string[]): Promise<DynamoDB> {
    const proxy = await startProxy(upstream, words);
    const client = clientOf(proxy.address);
    stops.push(proxy.stop, async () => client.destroy());
    return client;
  }

  async function failureOf(call: Promise<unknown>): Promise<Record<string, unknown>> {
    const error = await call.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    const { name, message, $metadata, ThrottlingReasons } = error as Error & Record<string, unknown>;
    return {
      name,
      message,
      status: ($metadata as { httpStatusCode: number }).httpStatusCode,
      ThrottlingReasons,
    };
  }

  test('throttling comes through as it is', async () => {
    const engine = await startEngine('--capacity', 'provisioned');
    const direct = clientOf(engine.address);
    stops.push(engine.stop, async () => direct.destroy());
    const cached = await open(engine.address);
    const units = { ReadCapacityUnits: 1, WriteCapacityUnits: 1 };
    const key = { AttributeName: 'p', AttributeType: 'S', KeyType: 'HASH' } as const;
    await direct.createTable({
      ...{ TableName: 'slow', ProvisionedThroughput: units },
      ...{ AttributeDefinitions: [key], KeySchema: [key] },
    });
    const put = (client: DynamoDB) =>
      client.putItem({ TableName: 'slow', Item: { p: { S: 'a' }, v: { S: 'x'.repeat(350_000) } } });
    await put(cached);
    const wanted = await failureOf(put(direct));
    expect(wanted).toMatchObject({ name: 'ProvisionedThroughputExceededException', status: 400 });
    expect(await failureOf(put(cached))).toEqual(wanted);
    // What is cached needs no units.
    const get = { TableName: 'slow', Key: { p: { S: 'a' } } };
    for (let i = 0; i < 20; i++) expect((await cached.getItem(get)).Item?.p).toEqual({ S: 'a' });
  });

  /** An endpoint that describes its table, and deals otherwise with what else it gets. */
  async function startEndpoint(answer: (response: ServerResponse, call: number) => void) {
    const calls: string[] = [];
    const server = createServer((incoming, response) => {
      incoming.resume().once('end', () => {
        const operation = String(incoming.headers['x-amz-target']).split('.')[1] ?? '';
        if (operation === 'DescribeTable') response.end(JSON.stringify({ Table: description }));
        else answer(response, calls.push(operation));
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    stops.push(async () => {
      server.close();
      server.closeAllConnections();
    });
    return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls };
  }

  const description = {
    ...{ TableName: 'any', TableId: 'id', TableStatus: 'ACTIVE' },
    KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'p', AttributeType: 'S' }],
  };
  const key = { TableName: 'any', Key: { p: { S: 'a' } } };
  const item = { TableName: 'any', Item: key.Key };
  const unanswered = { name: 'InternalServerError', status: 500 };

  test('a call that hangs ends with its deadline', async () => {
    const endpoint = await startEndpoint(() => {});
    const cached = await open(endpoint.address, '--upstream-timeout-ms', '300ms');
    for (const call of [() => cached.getItem(key), () => cached.putItem(item)]) {
      const start = performance.now();
      expect(await failureOf(call())).toMatchObject(unanswered);
      const took = performance.now() - start;
      expect(took).toBeGreaterThan(250);
      expect(took).toBeLessThan(5_000);
    }
    expect(endpoint.calls).toEqual(['GetItem', 'PutItem']);
  });

  test('a read is sent again over another connection, a write is not', async () => {
    const endpoint = await startEndpoint((response, call) => {
      if (call === 1 || call === 3) response.socket?.resetAndDestroy();
      else response.end(JSON.stringify({ Item: key.Key }));
    });
    const cached = await open(endpoint.address);
    expect((await cached.getItem(key)).Item).toEqual(key.Key);
    expect(await failureOf(cached.putItem(item))).toMatchObject(unanswered);
    expect(endpoint.calls).toEqual(['GetItem', 'GetItem', 'PutItem']);
  });
});
