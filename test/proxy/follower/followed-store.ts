import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Backend } from '../../../protocol/backend.ts';
import { systemClock } from '../../../protocol/clock.ts';
import { Accelerator } from '../../../proxy/accelerator.ts';
import { Follower } from '../../../proxy/follower.ts';
import { openUpstream } from '../../../proxy/upstream.ts';
import { silentLogger } from '../../silent-logger.ts';

/** How long a write may take to be seen: two polls, and a machine that is busy. */
const seenMsMax = 5_000;
const region = 'us-east-1';
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };

/** A store in a process of its own. */
export interface StoreServer {
  readonly address: string;
  stop(): Promise<unknown>;
}

/** Writes that go straight to a store are seen through the proxy, which learns of them from the table's stream. */
export function testFollowing(startStore: () => Promise<StoreServer>): void {
  let server: StoreServer;
  let direct: DynamoDB;
  let upstream: Backend;
  let accelerator: Accelerator;
  let follower: Follower;
  /** Calls of the cache, without the follower's. */
  let asked = 0;

  beforeAll(async () => {
    server = await startStore();
    direct = new DynamoDB({ endpoint: server.address, region, credentials });
    const common = { log: silentLogger, clock: systemClock };
    upstream = await openUpstream({ url: server.address, credentials: async () => credentials, ...common });
    const counted: Backend = {
      call: (request) => {
        asked++;
        return upstream.call(request);
      },
      close: async () => {},
    };
    accelerator = new Accelerator(counted, {
      ...{ cacheBytesMax: 10_000_000, itemTtlMs: 0, queryTtlMs: 3_600_000, tables: {} },
      ...{ describeMs: 60_000, settleMs: 0, fenceMs: 60_000 },
      ...common,
      openFollower: (invalidations) => {
        follower = new Follower({ backend: upstream, invalidations, ...common });
        return follower;
      },
    });
    await createTable('items', 'NEW_AND_OLD_IMAGES');
  });

  afterAll(async () => {
    await accelerator.close();
    await upstream.close();
    direct.destroy();
    await server.stop();
  });

  async function createTable(
    name: string,
    StreamViewType: 'NEW_AND_OLD_IMAGES' | 'KEYS_ONLY',
  ): Promise<void> {
    await direct.createTable({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['p', 's', 'g'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: [
        { AttributeName: 'p', KeyType: 'HASH' },
        { AttributeName: 's', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'by-g',
          KeySchema: [{ AttributeName: 'g', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
      StreamSpecification: { StreamEnabled: true, StreamViewType },
    });
    await call('GetItem', { TableName: name, Key: keyOf('none') });
    await until(() =>
      follower.stats().tables.some((table) => table.tableName === name && table.state === 'following'),
    );
  }

  async function call(operation: string, input: Record<string, unknown>): Promise<Record<string, unknown>> {
    const reply = await accelerator.call({ operation, input, region });
    return JSON.parse(reply.body.toString());
  }

  function put(table: string, p: string, g: string): Promise<unknown> {
    return direct.putItem({ TableName: table, Item: { ...keyOf(p), g: { S: g } } });
  }

  function getItem(table: string, p: string): () => Promise<unknown> {
    return async () => (await call('GetItem', { TableName: table, Key: keyOf(p) })).Item;
  }

  function query(table: string, name: 'p' | 'g', value: string): () => Promise<unknown> {
    const condition = { KeyConditionExpression: '#n = :v', ExpressionAttributeNames: { '#n': name } };
    const values = { ExpressionAttributeValues: { ':v': { S: value } } };
    const index = name === 'g' ? { IndexName: 'by-g' } : {};
    return async () => (await call('Query', { TableName: table, ...index, ...condition, ...values })).Items;
  }

  /** Reads until the answer is cached: it is given again without a call of the store. */
  async function cached(read: () => Promise<unknown>): Promise<unknown> {
    await until(async () => {
      await read();
      const before = asked;
      await read();
      return asked === before;
    });
    return read();
  }

  test('items are read anew once they were written around the proxy', async () => {
    const read = getItem('items', 'a');
    expect(await cached(read)).toBeUndefined();
    await put('items', 'a', 'red');
    await until(async () => (await read()) !== undefined);
    expect(await cached(read)).toEqual({ ...keyOf('a'), g: { S: 'red' } });
    await direct.deleteItem({ TableName: 'items', Key: keyOf('a') });
    await until(async () => (await read()) === undefined);
  });

  test.each(['items', 'keys only'])('pages of the table and of an index too: %s', async (words) => {
    const table = words.replace(' ', '-');
    if (table !== 'items') await createTable(table, 'KEYS_ONLY');
    const [base, red, blue] = [query(table, 'p', 'b'), query(table, 'g', 'red'), query(table, 'g', 'blue')];
    for (const read of [base, red, blue]) expect(await cached(read)).toEqual([]);
    await put(table, 'b', 'red');
    for (const read of [base, red]) await until(async () => JSON.stringify(await read()).includes('red'));
    for (const read of [base, red, blue]) await cached(read);
    await put(table, 'b', 'blue');
    for (const read of [base, blue]) await until(async () => JSON.stringify(await read()).includes('blue'));
    await until(async () => JSON.stringify(await red()) === '[]');
  });

  test('what a write through the proxy put stays when its record comes', async () => {
    const records = recordsRead();
    const item = { ...keyOf('c'), g: { S: 'red' }, n: { N: '1.50' }, set: { SS: ['y', 'x'] } };
    const read = getItem('items', 'c');
    const before = asked;
    await call('PutItem', { TableName: 'items', Item: item });
    await until(() => recordsRead() > records);
    expect(await read()).toMatchObject({ n: { N: '1.5' } });
    expect(asked - before).toBe(1);
  });

  test('after many writes the cache has what the store has', async () => {
    const keys = Array.from({ length: 10 }, (_, i) => `many ${i}`);
    const reads = keys.map((key) => getItem('items', key));
    for (let round = 0; round < 20; round++) {
      await Promise.all([
        ...keys.map((key) => put('items', key, `${round}`)),
        ...reads.map((read) => read()),
      ]);
    }
    const records = recordsRead();
    await put('items', 'last', 'red');
    await until(() => recordsRead() > records);
    await until(async () => {
      const items = await Promise.all(reads.map((read) => read()));
      return items.every((item) => JSON.stringify(item ?? null).includes('"19"'));
    });
    expect(tableStats()).toMatchObject({ state: 'following', gaps: 0, stalls: 0 });
  });

  function tableStats() {
    const [table] = follower.stats().tables;
    if (table === undefined) throw new Error('no table is followed');
    return table;
  }

  function recordsRead(): number {
    return tableStats().records;
  }
}

function keyOf(p: string) {
  return { p: { S: p }, s: { S: 'only' } };
}

/** The store tells nobody here that it is done, so it is asked. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + seenMsMax;
  while (!(await holds())) {
    if (Date.now() > deadlineMs) throw new Error(`not within ${seenMsMax} ms`);
    await sleep(10);
  }
}
