import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AttributeValue } from '../../protocol/attribute-value.ts';
import { Program, root } from '../program.ts';
import { backUpUntil, indexNames, Orders, scanUntil, TableName } from './orders.ts';
import { Server } from './server.ts';

/** `npm run test:scale` sets a million; then the figures are those of the promise. */
const items = Number(process.env.SCALE_ITEMS ?? 20_000);
const anonymousBytesMax = 1024 ** 3;
const cleanStartMsMax = 2_000;

/** Replay of the un-applied log, which the overlay's 64 MB bound, over index changes of each record. */
const replayMsPerMb = 60;

/** Pages of commits under way, which do not grow with the table: 64 MB each, of three commits. */
const commitBytes = 200 * 1024 * 1024;
const stateRatioMax = 3;
const ordersChecked = 200;
const seed = Number(process.env.SEED ?? 1);
const timeoutMs = 60_000 + items * 2;

let directory: string;
let server: Server;
let orders: Orders;

beforeAll(() => {
  // On the disk of the checkout: the system's folder for temporary files may be memory.
  mkdirSync(join(root, '.cache'), { recursive: true });
  directory = mkdtempSync(join(root, '.cache', 'scale-'));
});

afterAll(async () => {
  await server?.end('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

describe(`a table of ${items} items of 600 bytes with two global indexes`, () => {
  test(
    'loads',
    async () => {
      server = await Server.start(directory);
      orders = new Orders(server, items);
      await orders.create();
      await orders.load();
      await expectOrders();
      report('loaded');
    },
    timeoutMs,
  );

  test('starts at once after a clean stop', async () => {
    await restart('SIGTERM');
    expect(server.startMs).toBeLessThan(cleanStartMsMax);
    await expectOrders();
    report('stopped and started');
  });

  test(
    'keeps its size while it is overwritten, scanned and backed up',
    async () => {
      const stop = new AbortController();
      const scans = [undefined, 'by-customer'].map((index) => scanUntil(server, stop.signal, index));
      const backingUp = backUpUntil(server, stop.signal);
      await orders.overwrite(items, randomFrom(seed));
      stop.abort();
      const [backups, ...pages] = await Promise.all([backingUp, ...scans]);
      expect(Math.min(backups, ...pages)).toBeGreaterThan(0);
      const { TableSizeBytes: dataBytes } = await orders.describe();
      expect(server.stateBytes).toBeLessThan(stateRatioMax * dataBytes + (items < 1e6 ? commitBytes : 0));
      report('overwritten');
    },
    timeoutMs,
  );

  test('starts after kill -9 in the time that its log takes', async () => {
    const { logBytes } = server;
    await restart('SIGKILL');
    expect(server.startMs).toBeLessThan(cleanStartMsMax + (logBytes / 1e6) * replayMsPerMb);
    await expectOrders();
    report('killed and started');
  });

  test(
    'is found intact by slipstream check',
    async () => {
      await server.end('SIGTERM');
      const { code, stdout } = await Program.run(['check', '--data', directory]).exit;
      expect(stdout).toContain(`table ${TableName}: ${items} items, ${items * 600} bytes`);
      expect(code).toBe(0);
    },
    timeoutMs,
  );
});

/** Counts are exact, and what was acknowledged is there, in the table and in its indexes. */
async function expectOrders(): Promise<void> {
  const { ItemCount, TableSizeBytes, GlobalSecondaryIndexes: indexes } = await orders.describe();
  expect([ItemCount, TableSizeBytes]).toEqual([items, items * 600]);
  expect(indexes.map(({ IndexName, ItemCount: count }) => [IndexName, count])).toEqual(
    indexNames.map((name) => [name, items]),
  );
  for (let order = 0; order < items; order += items / ordersChecked) await expectOrder(order);
}

async function expectOrder(order: number): Promise<void> {
  const expected = orders.expected(order);
  const { id, customer, at, status } = expected;
  const { Item } = await server.call<{ Item: unknown }>('GetItem', { TableName, Key: { id } });
  expect(Item).toEqual(expected);
  const ofCustomer = await query('by-customer', { customer, at });
  expect(ofCustomer).toContainEqual(expected);
  expect(await query('by-status', { status })).toContainEqual({ id, status });
}

/** The entries of an index whose attributes are equal to these. */
async function query(
  IndexName: string,
  keys: Record<string, AttributeValue | undefined>,
): Promise<readonly unknown[]> {
  const entries = Object.entries(keys);
  const { Items } = await server.call<{ Items: unknown[] }>('Query', {
    TableName,
    IndexName,
    KeyConditionExpression: entries.map(([name]) => `#${name} = :${name}`).join(' AND '),
    ExpressionAttributeNames: Object.fromEntries(entries.map(([name]) => [`#${name}`, name])),
    ExpressionAttributeValues: Object.fromEntries(entries.map(([name, value]) => [`:${name}`, value])),
  });
  return Items;
}

async function restart(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  expect(server.anonymousBytesMax).toBeLessThan(anonymousBytesMax);
  await server.end(signal);
  server = await Server.start(directory);
  orders.server = server;
}

/** What a reader of the test's output wants to compare. */
function report(what: string): void {
  const mb = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
  console.info(
    `${what}: RssAnon at most ${mb(server.anonymousBytesMax)}, state ${mb(server.stateBytes)}, ` +
      `log ${mb(server.logBytes)}, start ${Math.round(server.startMs)} ms`,
  );
}

/** Marsaglia's xorshift of 32 bits. */
function randomFrom(start: number): () => number {
  let x = start;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
}
