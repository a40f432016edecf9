import { describe, expect, test } from 'vitest';
import { cachedItem, encodeItem } from '../../proxy/cache/cached-item.ts';
import type { SharedCache } from '../../proxy/cache/shared.ts';
import { FlushError, type FlushTarget } from '../../proxy/flush.ts';
import { arn, Fixture, itemOf, region, settled, storeKinds } from './accelerator-fixture.ts';

const all: FlushTarget = { kind: 'all' };
const table: FlushTarget = { kind: 'table', region, tableName: 'items' };
const keyOf = (id: string): FlushTarget => ({
  kind: 'key',
  region,
  tableName: 'items',
  key: { id: { S: id } },
});
const page = { Items: [], Count: 0, ScannedCount: 0 };

async function filled(fixture: Fixture): Promise<Fixture> {
  fixture.answerWith('Scan', page);
  for (const id of ['a', 'b']) await fixture.put(id, '1');
  for (const id of ['a', 'b']) await fixture.get(id);
  await scan(fixture);
  return fixture;
}

function scan(fixture: Fixture) {
  return fixture.call('Scan', { TableName: 'items' });
}

/** Which of the reads ask the store. */
async function asked(fixture: Fixture) {
  const reads = { a: () => fixture.get('a'), b: () => fixture.get('b'), scan: () => scan(fixture) };
  const names: string[] = [];
  for (const [name, read] of Object.entries(reads)) {
    const operation = name === 'scan' ? 'Scan' : 'GetItem';
    if ((await fixture.countDuring(operation, read)) > 0) names.push(name);
  }
  return names;
}

/** A fleet's cache that cannot be used, and remembers what it is told. */
function recordingShared(isReachable = true) {
  const told: unknown[] = [];
  const tell = async (...call: unknown[]) => {
    told.push(call);
    return isReachable;
  };
  const shared: SharedCache = {
    localUntilMs: Number.POSITIVE_INFINITY,
    unheardMsMax: 0,
    table: () => undefined,
    readItem: async () => ({ kind: 'bypass' }),
    fillItem: async () => undefined,
    raise: async (items) => ({ items }),
    lower: async () => {},
    abandon: async () => {},
    readPage: async () => ({ kind: 'bypass' }),
    fillPage: async () => undefined,
    invalidate: (tableId, key, generations) => tell('invalidate', tableId, key, generations),
    invalidateUnless: async () => isReachable,
    voidTable: (tableId, holdMs) => tell('voidTable', tableId, holdMs),
    voidEverything: (holdMs) => tell('voidEverything', holdMs),
    close: async () => {},
  };
  return { told, shared };
}

/** A fleet's cache that has an old item until it may drop it, and never announces that. */
function staleShared() {
  let finishDrop = () => {};
  let isDropped = false;
  const dropped = new Promise<void>((resolve) => {
    finishDrop = resolve;
  }).then(() => {
    isDropped = true;
    return true;
  });
  const value = encodeItem(cachedItem(itemOf('a', 'old')));
  const shared: SharedCache = {
    ...recordingShared().shared,
    table: (wanted) => ({ ...wanted, version: '1' }),
    readItem: async () => (isDropped ? { kind: 'bypass' } : { kind: 'hit', value, ttlMs: 60_000 }),
    invalidate: () => dropped,
    voidTable: () => dropped,
    voidEverything: () => dropped,
  };
  return { shared, finishDrop };
}

describe.each(storeKinds)('in front of a store that %s, a flush', (_kind, store) => {
  const open = () => filled(new Fixture(store, { queryTtlMs: 60_000 }));

  test('has nothing to undo where everything is cached', async () => {
    expect(await asked(await open())).toEqual([]);
  });

  test('of all drops everything', async () => {
    const fixture = await open();
    await fixture.accelerator.flush(all);
    expect(await asked(fixture)).toEqual(['a', 'b', 'scan']);
    expect(await asked(fixture)).toEqual([]);
  });

  test.each(['items', arn])('of the table %s drops its items and pages', async (tableName) => {
    const fixture = await open();
    await fixture.accelerator.flush({ kind: 'table', region, tableName });
    expect(await asked(fixture)).toEqual(['a', 'b', 'scan']);
  });

  test('of a key drops its item, and the pages that may show it', async () => {
    const fixture = await open();
    await fixture.accelerator.flush(keyOf('a'));
    expect(await asked(fixture)).toEqual(['a', 'scan']);
  });

  test('lets what was written around the cache be seen', async () => {
    const fixture = await filled(new Fixture({ ...store, announces: false }));
    fixture.direct('PutItem', { TableName: 'items', Item: itemOf('a', '2') });
    expect(await fixture.get('a')).toEqual({ Item: itemOf('a', '1') });
    await fixture.accelerator.flush(keyOf('a'));
    expect(await fixture.get('a')).toEqual({ Item: itemOf('a', '2') });
  });

  test('of what is not known says so, and drops nothing', async () => {
    const fixture = await open();
    const { accelerator } = fixture;
    await expect(accelerator.flush({ kind: 'table', region, tableName: 'itens' })).rejects.toMatchObject({
      name: 'FlushError',
      reason: 'unknownTable',
    });
    await expect(
      accelerator.flush({ kind: 'key', region, tableName: 'items', key: { x: {} } }),
    ).rejects.toThrow('the key has to have the form {"id": {"S": ...}}');
    expect(await asked(fixture)).toEqual([]);
  });
});

describe('in a fleet, a flush', () => {
  const idOf = (fixture: Fixture) =>
    (fixture.direct('DescribeTable', { TableName: 'items' }).Table as { TableId: string }).TableId;

  test('reaches the cache of the fleet, also of a table that was never asked for here', async () => {
    const { told, shared } = recordingShared();
    const fixture = new Fixture({}, { openShared: () => shared });
    const tableId = idOf(fixture);
    await fixture.accelerator.flush(table);
    await fixture.accelerator.flush(keyOf('a'));
    await fixture.accelerator.flush(all);
    expect(told).toEqual([
      ['voidTable', tableId, 0],
      ['invalidate', tableId, expect.stringContaining('a'), expect.arrayContaining(['s'])],
      ['voidEverything', 0],
    ]);
  });

  test('is what a change of settings makes of the tables concerned', async () => {
    const { told, shared } = recordingShared();
    const fixture = new Fixture({}, { openShared: () => shared });
    await fixture.get('a');
    fixture.accelerator.settings.change({ tables: { items: { itemTtlMs: 5 }, others: { itemTtlMs: 5 } } });
    fixture.accelerator.settings.change({ queryTtlMs: 5 });
    expect(told).toEqual([
      ['voidTable', idOf(fixture), 0],
      ['voidEverything', 0],
    ]);
  });

  test.each([
    ['a key', keyOf('a')],
    ['a table', table],
    ['everything', all],
  ])('of %s leaves nothing here that a read had from the fleet meanwhile', async (_what, target) => {
    const { shared, finishDrop } = staleShared();
    const fixture = new Fixture({}, { openShared: () => shared });
    fixture.direct('PutItem', { TableName: 'items', Item: itemOf('a', 'new') });
    const flushed = fixture.accelerator.flush(target);
    await settled();
    expect(await fixture.get('a')).toEqual({ Item: itemOf('a', 'old') });
    finishDrop();
    await flushed;
    expect(await fixture.get('a')).toEqual({ Item: itemOf('a', 'new') });
  });

  test.each([
    ['a key', keyOf('a'), 'flush again'],
    ['a table', table, 'as soon as it is'],
    ['everything', all, 'as soon as it is'],
  ])('of %s says where the fleet could not be told', async (_what, target, hint) => {
    const { shared } = recordingShared(false);
    const fixture = new Fixture({}, { openShared: () => shared });
    const flushed = fixture.accelerator.flush(target);
    await expect(flushed).rejects.toThrow(FlushError);
    await expect(flushed).rejects.toMatchObject({
      reason: 'notDelivered',
      message: expect.stringContaining(hint),
    });
  });
});

test('reads are counted by table, and go on where a table is made anew', async () => {
  const fixture = await filled(new Fixture({}, { queryTtlMs: 60_000 }));
  await fixture.get('a');
  const [entry] = fixture.accelerator.tableCounters.entries();
  expect(entry).toEqual(['items', expect.objectContaining({ hits: 3, misses: 0, queryMisses: 1 })]);
  fixture.accelerator.settings.change({ itemTtlMs: 5 });
  await fixture.get('a');
  expect(fixture.accelerator.stats()).toMatchObject({ hits: 3, misses: 1, queryMisses: 1 });
});
