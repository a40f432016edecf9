import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { EngineOptions } from '../../engine/engine-options.ts';
import { nodeFiles } from '../../engine/files.ts';
import type { LogEntry } from '../../engine/log/record.ts';
import { Log } from '../../engine/log/segments.ts';
import type { CommittedChange } from '../../protocol/backend.ts';
import { TestEngine } from './engine-harness.ts';

type Item = Record<string, Record<string, unknown>>;

const TableName = 'sessions';
const startMs = Date.UTC(2026, 5, 1, 12);
const yearS = 365.25 * 24 * 3600;

let nowMs = startMs;
let engine: TestEngine;
const warnings: object[] = [];

const options: Partial<EngineOptions> = {
  clock: { now: () => nowMs, monotonic: () => performance.now() },
  ttlSweepMs: 1,
  log: {
    info: () => {},
    warn: (details) => warnings.push(details),
    error: (details) => warnings.push(details),
  },
};

async function open(more: Partial<EngineOptions> = {}): Promise<void> {
  nowMs = startMs;
  warnings.length = 0;
  engine = await TestEngine.open({ ...options, ...more });
}

afterEach(async () => {
  await engine.remove();
  expect(warnings).toEqual([]);
});

function nowSeconds(): number {
  return nowMs / 1000;
}

async function enable(table: string): Promise<void> {
  const TimeToLiveSpecification = { AttributeName: 'ttl', Enabled: true };
  await engine.call('UpdateTimeToLive', { TableName: table, TimeToLiveSpecification });
}

async function setTimeToLive(Enabled: boolean, AttributeName = 'ttl'): Promise<void> {
  await engine.call('UpdateTimeToLive', { TableName, TimeToLiveSpecification: { AttributeName, Enabled } });
}

async function put(p: string, attributes: Item = {}): Promise<void> {
  await engine.call('PutItem', { TableName, Item: { p: { S: p }, ...attributes } });
}

function expiring(seconds: number | string): Item {
  return { ttl: { N: `${seconds}` } };
}

async function get(p: string): Promise<Item | undefined> {
  return (await engine.call<{ Item?: Item }>('GetItem', { TableName, Key: { p: { S: p } } })).Item;
}

async function keys(): Promise<string[]> {
  const { Items } = await engine.call<{ Items: { p: { S: string } }[] }>('Scan', { TableName });
  return Items.map(({ p }) => p.S).sort();
}

/**
 * Until a sweep over all tables that began after the call has come to its end: each sweep comes to a key once, so that
 * the second removal of one is in a later sweep than the first, and the third tells that the one between them is over.
 * @param table has TTL enabled.
 */
async function swept(table = TableName): Promise<void> {
  for (let sweep = 0; sweep < 3; sweep++) {
    await engine.call('PutItem', { TableName: table, Item: { ...sentinel, ...expiring(nowSeconds() - 1) } });
    while ((await countOf(table, sentinel)) > 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

const sentinel = { p: { S: 'sentinel' } };

async function countOf(table: string, { p }: { p?: object } = {}): Promise<number> {
  const filter = { FilterExpression: 'p = :p', ExpressionAttributeValues: { ':p': p } };
  const input = { TableName: table, ...(p !== undefined && filter) };
  return (await engine.call<{ Count: number }>('Scan', input)).Count;
}

describe('a sweep', () => {
  test('removes what is expired, and nothing else', async () => {
    await open();
    await engine.createTable(TableName);
    await setTimeToLive(true);
    await put('past', expiring(nowSeconds() - 1));
    await put('past with a fraction', expiring(`${nowSeconds() - 1}.5`));
    await put('nearly five years past', expiring(Math.ceil(nowSeconds() - 4.99 * yearS)));
    await put('more than five years past', expiring(Math.floor(nowSeconds() - 5.01 * yearS)));
    await put('zero', expiring(0));
    await put('negative', expiring(-nowSeconds()));
    await put('now', expiring(nowSeconds()));
    await put('future', expiring(nowSeconds() + 1));
    await put('far future', expiring('1E+125'));
    await put('in milliseconds', expiring(nowMs - 1000));
    await put('without');
    await put('a string', { ttl: { S: `${nowSeconds() - 1}` } });
    await put('a set', { ttl: { NS: [`${nowSeconds() - 1}`] } });
    await put('a list', { ttl: { L: [{ N: `${nowSeconds() - 1}` }] } });
    await put('inside', { ttl: { M: expiring(nowSeconds() - 1) } });
    await put('another', { 'ttl ': { N: `${nowSeconds() - 1}` } });
    await put('in a text', { text: { S: `"ttl":{"N":"${nowSeconds() - 1}"}` } });
    await put('both, the other first', {
      map: { M: expiring(nowSeconds() + 1) },
      ...expiring(nowSeconds() - 1),
    });
    await put('both', { ...expiring(nowSeconds() - 1), map: { M: expiring(nowSeconds() + 1) } });
    await swept();
    expect(await keys()).toEqual(
      [
        'more than five years past',
        'zero',
        'negative',
        'now',
        'future',
        'far future',
        'in milliseconds',
        'without',
        'a string',
        'a set',
        'a list',
        'inside',
        'another',
        'in a text',
      ].sort(),
    );
  });

  test('goes by the clock, and leaves items to be read until then', async () => {
    await open();
    await engine.createTable(TableName);
    await setTimeToLive(true);
    await put('a', expiring(nowSeconds() + 10));
    nowMs += 10_000;
    await swept();
    expect(await get('a')).toBeDefined();
    nowMs += 1;
    await swept();
    expect(await get('a')).toBeUndefined();
  });

  test('takes attributes of any name, also that of the key', async () => {
    await open();
    for (const [table, name] of [
      ['quoted', 'a "name" \\ with\nall, 日本'],
      ['prototype', '__proto__'],
      ['key', 's'],
    ] as const) {
      await engine.createTable(table, 'N');
      const TimeToLiveSpecification = { AttributeName: name, Enabled: true };
      await engine.call('UpdateTimeToLive', { TableName: table, TimeToLiveSpecification });
      for (const seconds of [nowSeconds() - 1, nowSeconds() + 1]) {
        const time = { N: `${seconds}` };
        const Item = JSON.parse(
          JSON.stringify({ p: { S: 'a' }, s: time }).replace(
            /}$/,
            `,${JSON.stringify(name)}:${JSON.stringify(time)}}`,
          ),
        );
        await engine.call('PutItem', { TableName: table, Item });
      }
      await expect.poll(() => countOf(table)).toBe(1);
    }
  });

  test('leaves tables alone that have no TTL, or have it no more, or not yet', async () => {
    await open();
    for (const name of ['without', TableName, 'later', 'watched']) {
      await engine.createTable(name);
      const Item = { p: { S: 'a' }, ...expiring(nowSeconds() - 1) };
      if (name !== 'watched') await engine.call('PutItem', { TableName: name, Item });
    }
    await setTimeToLive(true, 'other');
    await setTimeToLive(false, 'other');
    await put('a', { other: { N: `${nowSeconds() - 1}` } });
    await enable('watched');
    await engine.engine.close();
    engine = await TestEngine.open({
      ...options,
      dataDirectory: engine.directory,
      controlPlaneDelayMs: 60_000,
    });
    await enable('later');
    await swept('watched');
    for (const name of ['without', TableName, 'later']) expect(await countOf(name)).toBe(1);
  });

  test('goes on from where a slice has ended, through several tables', async () => {
    let ticks = 0;
    await open({ clock: { now: () => nowMs, monotonic: () => ticks++ } });
    const names = ['one', 'two'];
    for (const name of names) {
      await engine.createTable(name);
      const requests = Array.from({ length: 25 }, (_, i) => ({
        PutRequest: { Item: { p: { S: `${i}` }, ...expiring(nowSeconds() + (i % 3) - 1) } },
      }));
      await engine.call('BatchWriteItem', { RequestItems: { [name]: requests } });
      await enable(name);
    }
    for (const name of names) await expect.poll(() => countOf(name), { timeout: 5_000 }).toBe(16);
  });

  test('removes more than can wait in the queue at once', async () => {
    await open();
    await engine.createTable(TableName);
    await Promise.all(
      Array.from({ length: 1_000 }, (_, i) => put(`${i}`, expiring(nowSeconds() + (i % 3) - 1))),
    );
    await setTimeToLive(true);
    await swept();
    expect(await countOf(TableName)).toBe(666);
    const { Table } = await engine.call<{ Table: object }>('DescribeTable', { TableName });
    expect(Table).toMatchObject({ ItemCount: 666 });
  });

  test('never removes an item that was given a later time', async () => {
    await open();
    await engine.createTable(TableName);
    const names = Array.from({ length: 300 }, (_, i) => `item-${i}`);
    await Promise.all(names.map((p) => put(p, expiring(nowSeconds() - 1))));
    await setTimeToLive(true);
    const kept: string[] = [];
    for (const p of names) {
      const renewal = engine.call('UpdateItem', {
        TableName,
        Key: { p: { S: p } },
        UpdateExpression: 'SET #ttl = :later',
        ConditionExpression: 'attribute_exists(p)',
        ExpressionAttributeNames: { '#ttl': 'ttl' },
        ExpressionAttributeValues: { ':later': { N: `${nowSeconds() + 60}` } },
      });
      await renewal.then(
        () => kept.push(p),
        (error) => expect(error.code).toBe('ConditionalCheckFailedException'),
      );
    }
    await swept();
    expect(await keys()).toEqual(kept.sort());
  });

  test('goes on after a restart, with what was asked for before', async () => {
    await open();
    await engine.createTable(TableName);
    await setTimeToLive(true);
    await put('a', expiring(nowSeconds() + 1));
    await engine.reopen();
    nowMs += 2_000;
    await swept();
    expect(await get('a')).toBeUndefined();
    expect(await engine.call('DescribeTimeToLive', { TableName })).toEqual({
      TimeToLiveDescription: { TimeToLiveStatus: 'ENABLED', AttributeName: 'ttl' },
    });
  });

  test('bears that its table is deleted', async () => {
    await open();
    await engine.createTable(TableName);
    await setTimeToLive(true);
    await Promise.all(Array.from({ length: 300 }, (_, i) => put(`${i}`, expiring(nowSeconds() - 1))));
    await engine.call('DeleteTable', { TableName });
    await engine.createTable(TableName);
    await put('a', expiring(nowSeconds() - 1));
    await setTimeToLive(true);
    await swept();
    expect(await keys()).toEqual([]);
  });
});

describe('a removal', () => {
  const indexes = {
    AttributeDefinitions: ['p', 'g'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    GlobalSecondaryIndexes: [
      {
        IndexName: 'index',
        KeySchema: [{ AttributeName: 'g', KeyType: 'HASH' }],
        Projection: { ProjectionType: 'ALL' },
      },
    ],
  };

  test('takes the entries of indexes along', async () => {
    await open();
    await engine.call('CreateTable', {
      TableName,
      KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
      ...indexes,
    });
    await setTimeToLive(true);
    await put('a', { g: { S: 'g' }, ...expiring(nowSeconds() - 1) });
    await put('b', { g: { S: 'g' }, ...expiring(nowSeconds() + 1) });
    await swept();
    const { Items } = await engine.call<{ Items: Item[] }>('Query', {
      TableName,
      IndexName: 'index',
      KeyConditionExpression: 'g = :g',
      ExpressionAttributeValues: { ':g': { S: 'g' } },
    });
    expect(Items).toEqual([{ p: { S: 'b' }, g: { S: 'g' }, ...expiring(nowSeconds() + 1) }]);
    const { Table } = await engine.call<{ Table: object }>('DescribeTable', { TableName });
    expect(Table).toMatchObject({ ItemCount: 1, GlobalSecondaryIndexes: [{ ItemCount: 1 }] });
  });

  test('is announced, and recorded as the work of TTL', async () => {
    await open();
    await engine.createTable(TableName);
    await setTimeToLive(true);
    const announced: CommittedChange[] = [];
    engine.engine.changes.subscribe({ item: (change) => announced.push(change), table: () => {} });
    await put('a', expiring(nowSeconds() - 1));
    while ((await get('a')) !== undefined) await new Promise((resolve) => setImmediate(resolve));
    await engine.call('DeleteItem', { TableName, Key: { p: { S: 'a' } } });
    expect(announced.map(({ oldItem, newItem }) => [oldItem === undefined, newItem === undefined])).toEqual([
      [true, false],
      [false, true],
    ]);
    await put('b');
    await engine.call('DeleteItem', { TableName, Key: { p: { S: 'b' } } });
    await engine.engine.close();
    const removals = (await logEntries()).flatMap(({ changes }) =>
      changes.flatMap((change) => (change.kind === 'item' && change.newImage === undefined ? [change] : [])),
    );
    expect(removals.map(({ key, principal }) => [key.includes('a'), principal])).toEqual([
      [true, 'ttl'],
      [false, undefined],
    ]);
  });

  async function logEntries(): Promise<LogEntry[]> {
    const entries: LogEntry[] = [];
    const log = await Log.open(
      {
        files: nodeFiles,
        directory: join(engine.directory, 'log'),
        segmentBytesMax: 64 * 1024 * 1024,
        appliedTo: 0,
        syncMode: 'group',
        idleMarkMs: 50,
        onFatal: () => {},
      },
      (replayed) => {
        entries.push(...replayed);
      },
    );
    await log.close();
    return entries;
  }
});

describe('the status', () => {
  test('takes its time, in which nothing is removed and nothing changed', async () => {
    await open({ controlPlaneDelayMs: 50 });
    await engine.createTable(TableName);
    await put('a', expiring(nowSeconds() - 1));
    await setTimeToLive(true);
    expect(await status()).toEqual({ TimeToLiveStatus: 'ENABLING', AttributeName: 'ttl' });
    expect(await get('a')).toBeDefined();
    await expect(setTimeToLive(false)).rejects.toMatchObject(tooOften);
    await expect.poll(status).toEqual({ TimeToLiveStatus: 'ENABLED', AttributeName: 'ttl' });
    await swept();
    expect(await get('a')).toBeUndefined();
    await setTimeToLive(false);
    expect(await status()).toEqual({ TimeToLiveStatus: 'DISABLING', AttributeName: 'ttl' });
    await expect(setTimeToLive(true, 'other')).rejects.toMatchObject(tooOften);
    await expect(setTimeToLive(false)).rejects.toMatchObject({ message: 'TimeToLive is already disabled' });
    await expect.poll(status).toEqual({ TimeToLiveStatus: 'DISABLED' });
  });

  test('goes on after a restart', async () => {
    await open({ controlPlaneDelayMs: 50 });
    await engine.createTable(TableName);
    await setTimeToLive(true);
    await engine.reopen();
    await expect.poll(status).toEqual({ TimeToLiveStatus: 'ENABLED', AttributeName: 'ttl' });
  });

  test('changes once in an interval, where one is set', async () => {
    await open({ ttlChangeIntervalMs: 3_600_000 });
    await engine.createTable(TableName);
    await setTimeToLive(true);
    nowMs += 3_599_999;
    await expect(setTimeToLive(true)).rejects.toMatchObject({ message: 'TimeToLive is already enabled' });
    await expect(setTimeToLive(false)).rejects.toMatchObject(tooOften);
    nowMs += 1;
    await setTimeToLive(false);
    await expect(setTimeToLive(true)).rejects.toMatchObject(tooOften);
  });

  test('is not told of a table that comes or goes', async () => {
    await open({ controlPlaneDelayMs: 50 });
    const created = engine.createTable(TableName);
    await expect(status()).rejects.toMatchObject({
      code: 'ResourceNotFoundException',
    });
    await expect.poll(() => status().catch(({ message }) => message)).toBe(stateText('CREATING'));
    await expect(setTimeToLive(true)).rejects.toMatchObject({
      code: 'ResourceInUseException',
      message: `Attempt to change a resource which is still in use: Table ${TableName} is being created`,
    });
    await created;
    await engine.call('DeleteTable', { TableName });
    await expect(status()).rejects.toMatchObject({ message: stateText('DELETING') });
    await engine.untilStatus(TableName, undefined);
  });

  const tooOften = {
    code: 'ValidationException',
    message: 'Time to live has been modified multiple times within a fixed interval',
  };

  async function status(): Promise<object> {
    const described = await engine.call<{ TimeToLiveDescription: object }>('DescribeTimeToLive', {
      TableName,
    });
    return described.TimeToLiveDescription;
  }

  function stateText(state: string): string {
    return `Cannot describe time to live while table is in ${state} state: Current table state is ${state}`;
  }
});
