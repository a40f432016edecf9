import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DiskReserve } from '../../../engine/disk-reserve.ts';
import type { LoadedRow } from '../../../engine/history/load-plan.ts';
import { fedSource, type LoadOutcome } from '../../../engine/loading/load-source.ts';
import { loadsUnderWay, TableLoads } from '../../../engine/loading/table-loads.ts';
import { tablePrefix } from '../../../engine/state/layout.ts';
import { Store } from '../../../engine/state/store.ts';
import { WriteTurns } from '../../../engine/state/write-turns.ts';
import type { TableDefinition } from '../../../engine/table-definition.ts';
import { silentLogger } from '../../silent-logger.ts';
import {
  bytesOf,
  type IndexShape,
  type Item,
  members,
  projected,
  shapes,
  spelled,
  type Value,
} from '../index-model.ts';
import { each, inKeyOrder, keyOf, LoadingEngine, rowOf } from './loading-harness.ts';

let engine: LoadingEngine;
let logged: { readonly details: object; readonly message: string }[];

beforeEach(async () => {
  logged = [];
  engine = await LoadingEngine.open({ log: { info: note, warn: note, error: note } });
});

afterEach(async () => {
  await engine.remove();
});

function note(details: object, message: string): void {
  logged.push({ details, message });
}

function itemOf(i: number): Item {
  return { p: { S: `p${i % 7}` }, s: { N: String(i) }, x: { S: `x${i % 3}` }, a: { S: `a${i % 11}` } };
}

function itemsOf(count: number): Item[] {
  return Array.from({ length: count }, (_, i) => itemOf(i));
}

function spelledAll(items: readonly Item[]): string[] {
  return items.map(spelled).sort();
}

async function countOf(name: string): Promise<number> {
  const { Table } = await engine.call<{ Table: { ItemCount: number } }>('DescribeTable', { TableName: name });
  return Table.ItemCount;
}

/** A source that gives what it has and then waits. */
class SlowRows implements AsyncIterable<LoadedRow[]> {
  readonly #batches: readonly LoadedRow[][];
  #end: (failure: Error | undefined) => void = () => {};
  readonly #ended = new Promise<Error | undefined>((resolve) => {
    this.#end = resolve;
  });

  constructor(batches: readonly LoadedRow[][]) {
    this.#batches = batches;
  }

  end(failure?: Error): void {
    this.#end(failure);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<LoadedRow[], void> {
    yield* this.#batches;
    const failure = await this.#ended;
    if (failure !== undefined) throw failure;
  }
}

/** Attributes of any type: those of the wrong one keep an item out of an index. */
const attribute: fc.Arbitrary<Value> = fc.oneof(
  fc.constantFrom('', 'a', 'b', 'a\0b', 'long'.repeat(300)).map((S) => ({ S })),
  fc.integer({ min: -3, max: 3 }).map((N) => ({ N: String(N) })),
  fc.constantFrom('', 'AA==', 'AAH/').map((B) => ({ B })),
);

const anyItem: fc.Arbitrary<Item> = fc
  .record(
    {
      a: attribute,
      n: attribute,
      b: attribute,
      x: attribute,
      y: attribute,
      other: attribute,
      more: attribute,
    },
    { requiredKeys: [] },
  )
  .chain((attributes) =>
    fc
      .tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 30 }))
      .map(([p, s]) => ({ p: { S: `p${p}` }, s: { N: String(s) }, ...attributes })),
  );

/** Items with all attributes of the key, none of them empty, and no more than a key may have. */
function indexed(index: IndexShape, items: readonly Item[]): Item[] {
  const lengthOf = (item: Item, name: string) => bytesOf(item[name] as Value).length;
  return members(index, items).filter(
    (item) =>
      [...index.hash, ...index.range].every((name) => lengthOf(item, name) > 0) &&
      index.range.every((name) => lengthOf(item, name) <= 1000),
  );
}

describe('a table that is loaded', () => {
  test('equals what its rows say, with its indexes, counts and sizes', async () => {
    let round = 0;
    const change = fc.record({ item: anyItem, isThere: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(anyItem), fc.array(fc.array(change)), async (base, later) => {
        const model = new Map(base.map((item) => [keyOf(item), item]));
        const batches = [inKeyOrder([...model.values()])];
        for (const changes of later) {
          batches.push(changes.map(({ item, isThere }) => rowOf(item, isThere)));
          for (const { item, isThere } of changes) {
            if (isThere) model.set(keyOf(item), item);
            else model.delete(keyOf(item));
          }
        }
        const name = `Any-${round++}`;
        expect(await engine.loadTable(name, shapes, batches)).toBe('loaded');
        const items = [...model.values()];
        expect(spelledAll(await engine.scanned(name))).toEqual(spelledAll(items));
        expect(await countOf(name)).toBe(items.length);
        for (const index of shapes) {
          const expected = indexed(index, items).map((item) => projected(index, item));
          expect(spelledAll(await engine.scanned(name, index.name))).toEqual(spelledAll(expected));
        }
      }),
      { numRuns: 12 },
    );
    expect(await engine.check()).toEqual([]);
  });

  test('can be written afterwards like any other, and is the same after a restart', async () => {
    await engine.loadTable('Loaded', shapes, [inKeyOrder(itemsOf(500))]);
    await engine.call('PutItem', { TableName: 'Loaded', Item: { ...itemOf(3), x: { S: 'moved' } } });
    await engine.call('DeleteItem', { TableName: 'Loaded', Key: { p: itemOf(4).p, s: itemOf(4).s } });
    await engine.reopen();
    expect(await countOf('Loaded')).toBe(499);
    const moved = (await engine.scanned('Loaded', 'strings')).filter(
      ({ x }) => x && 'S' in x && x.S === 'moved',
    );
    expect(moved).toHaveLength(1);
    expect(await engine.check()).toEqual([]);
  });

  test('takes rows of any size, many to a transaction', async () => {
    const large = Array.from(
      { length: 60 },
      (_, i): Item => ({ ...itemOf(i), other: { S: String(i).repeat(200_000) } }),
    );
    await engine.loadTable(
      'Large',
      [],
      large.map((item) => [rowOf(item)]),
    );
    const small = Array.from({ length: 40_000 }, (_, i): Item => ({ p: { S: `p${i}` }, s: { N: '1' } }));
    await engine.loadTable('Small', [], [small.map((item) => rowOf(item))]);
    expect(await countOf('Large')).toBe(60);
    expect(await countOf('Small')).toBe(40_000);
    expect(await engine.check()).toEqual([]);
  });

  test('may be empty', async () => {
    expect(await engine.loadTable('Empty', shapes, [])).toBe('loaded');
    expect(await engine.scanned('Empty')).toEqual([]);
    expect(await engine.check()).toEqual([]);
  });
});

describe('while it is loaded', () => {
  let table: TableDefinition;
  let rows: SlowRows;
  let outcome: Promise<LoadOutcome>;

  beforeEach(async () => {
    table = await engine.create('Slow', shapes);
    rows = new SlowRows([inKeyOrder(itemsOf(100))]);
    outcome = engine.load(table, rows);
  });

  afterEach(() => rows.end());

  test('it is CREATING, and can neither be used, changed, deleted nor created again', async () => {
    const TableName = 'Slow';
    const { Table } = await engine.call<{ Table: object }>('DescribeTable', { TableName });
    expect(Table).toMatchObject({
      TableStatus: 'CREATING',
      ItemCount: 0,
      RestoreSummary: { RestoreInProgress: true, RestoreDateTime: 1_700_000_000 },
    });
    const notFound = { code: 'ResourceNotFoundException' };
    await expect(engine.call('Scan', { TableName })).rejects.toMatchObject(notFound);
    await expect(engine.call('PutItem', { TableName, Item: itemOf(1) })).rejects.toMatchObject(notFound);
    await expect(
      engine.call('UpdateTable', { TableName, DeletionProtectionEnabled: true }),
    ).rejects.toMatchObject(notFound);
    const TimeToLiveSpecification = { AttributeName: 'n', Enabled: true };
    await expect(
      engine.call('UpdateTimeToLive', { TableName, TimeToLiveSpecification }),
    ).rejects.toMatchObject(notFound);
    const inUse = { code: 'ResourceInUseException' };
    await expect(engine.call('DeleteTable', { TableName })).rejects.toMatchObject(inUse);
    await expect(engine.create(TableName, []))
      .resolves.toBeDefined()
      .catch(() => {});
    rows.end();
    expect(await outcome).toBe('loaded');
    const { Table: loaded } = await engine.call<{ Table: object }>('DescribeTable', { TableName });
    expect(loaded).toMatchObject({ TableStatus: 'ACTIVE', ItemCount: 100 });
    expect(loaded).not.toHaveProperty('RestoreSummary');
  });

  test('its progress can be seen, and others are told when it is there', async () => {
    const { tableLoads, committer, catalog } = engine.parts.services;
    const seen: string[] = [];
    committer.subscribe({ item: () => {}, table: ({ tableName }) => void seen.push(tableName) });
    expect(tableLoads.progress(table.number)).toEqual({ rowsLoaded: 0, bytesLoaded: 0 });
    expect(loadsUnderWay(catalog, 'restore')).toBe(1);
    rows.end();
    await outcome;
    expect(tableLoads.progress(table.number)).toBeUndefined();
    expect(loadsUnderWay(catalog, 'restore')).toBe(0);
    expect(seen).toEqual(['Slow']);
    expect(logged.at(-1)).toMatchObject({
      message: 'a table has been loaded',
      details: { table: 'Slow', rowsLoaded: 100 },
    });
  });

  test('others are loaded, and more than two wait', async () => {
    const second = engine.loadTable('Second', shapes, [inKeyOrder(itemsOf(50))]);
    const third = engine.loadTable('Third', [], [inKeyOrder(itemsOf(60))]);
    expect(await second).toBe('loaded');
    expect(await third).toBe('loaded');
    const waiting = [new SlowRows([]), new SlowRows([])];
    const tables = [await engine.create('Fourth', []), await engine.create('Fifth', [])] as const;
    const outcomes = tables.map((waits, i) => engine.load(waits, waiting[i] as SlowRows));
    waiting[1]?.end();
    rows.end();
    expect(await outcomes[1]).toBe('loaded');
    waiting[0]?.end();
    expect(await outcomes[0]).toBe('loaded');
    expect(await engine.check()).toEqual([]);
  });

  test('writes of other tables survive, and meet nothing of it', async () => {
    await engine.call('CreateTable', createOther());
    const many = new SlowRows(Array.from({ length: 20 }, (_, i) => inKeyOrder(block(i))));
    const loading = engine.load(await engine.create('Many', shapes), many);
    many.end();
    let written = 0;
    let isDone = false;
    const writing = (async () => {
      for (; !isDone; written++) await engine.call('PutItem', { TableName: 'Other', Item: itemOf(written) });
    })();
    expect(await loading).toBe('loaded');
    isDone = true;
    await writing;
    rows.end();
    await outcome;
    expect(await engine.check()).toEqual([]);
    expect(await countOf('Other')).toBe(written);
    expect(await countOf('Many')).toBe(20 * 250);
  });

  test('closing stops it; where what it came from is gone, so is the table after the start', async () => {
    await engine.reopen();
    expect(await outcome).toBe('stopped');
    while (engine.definition('Slow') !== undefined) await delay(1);
    expect(logged.map(({ message }) => message)).toContain(
      'what a table was loaded from is gone, and so is the table',
    );
    await engine.call('CreateTable', { ...createOther(), TableName: 'Slow' });
    expect(await engine.scanned('Slow')).toEqual([]);
    expect(await engine.check()).toEqual([]);
  });
});

function block(i: number): Item[] {
  return itemsOf(250).map((item) => ({ ...item, p: { S: `block ${i}` } }));
}

function createOther(): object {
  return {
    TableName: 'Other',
    KeySchema: [
      { AttributeName: 'p', KeyType: 'HASH' },
      { AttributeName: 's', KeyType: 'RANGE' },
    ],
    AttributeDefinitions: [
      { AttributeName: 'p', AttributeType: 'S' },
      { AttributeName: 's', AttributeType: 'N' },
    ],
    BillingMode: 'PAY_PER_REQUEST',
  };
}

describe('closing does not wait', () => {
  afterEach(() => vi.restoreAllMocks());

  test('for rows that do not come', async () => {
    let isWaiting = false;
    async function* silent(): AsyncGenerator<LoadedRow[], void> {
      // More than are sent before the thread asks for more.
      for (let i = 0; i < 5; i++) yield inKeyOrder([itemOf(i)]);
      isWaiting = true;
      await new Promise(() => {});
    }
    const outcome = engine.load(await engine.create('Silent', shapes), silent());
    while (!isWaiting) await delay(1);
    await engine.reopen();
    expect(await outcome).toBe('stopped');
  });

  test('for an LMDB that takes nothing', async () => {
    const table = await engine.create('Stuck', shapes);
    const refusing = vi.spyOn(Store.prototype, 'apply').mockRejectedValue(new Error('no room'));
    const outcome = engine.load(table, each([]));
    while (refusing.mock.calls.length === 0) await delay(1);
    await engine.parts.services.tableLoads.close();
    expect(await outcome).toBe('stopped');
  });

  test('for a queue that stands still', async () => {
    await engine.remove();
    engine = await LoadingEngine.open({
      overlayBytesMax: 20_000,
      log: { info: note, warn: note, error: note },
    });
    await engine.call('CreateTable', createOther());
    const rows = new SlowRows([]);
    const outcome = engine.load(await engine.create('Broken', []), rows);
    const { applier } = engine.parts.core;
    await applier.flush();
    const refusing = vi.spyOn(Store.prototype, 'apply').mockRejectedValue(new Error('no room'));
    const Item = { ...itemOf(1), other: { S: 'x'.repeat(30_000) } };
    await engine.call('PutItem', { TableName: 'Other', Item });
    const queued = engine.call('PutItem', { TableName: 'Other', Item: itemOf(2) }).catch(() => {});
    rows.end(new Error('a block is damaged'));
    while (logged.at(-1)?.message !== 'a table cannot be loaded and is removed') await delay(1);
    await engine.parts.services.tableLoads.close();
    expect(await outcome).toBe('stopped');
    refusing.mockRestore();
    await queued;
  });

  test('for the last step, and does not say that it was taken', async () => {
    const table = await engine.create('Nearly', []);
    const { committer, tableLoads } = engine.parts.services;
    const standing = vi.spyOn(committer, 'submit').mockReturnValue(new Promise(() => {}));
    const outcome = engine.load(table, each([inKeyOrder(itemsOf(10))]));
    while (standing.mock.calls.length === 0) await delay(1);
    await tableLoads.close();
    expect(await outcome).toBe('stopped');
    expect(logged.map(({ message }) => message)).toEqual(['loading a table']);
  });

  test('for a load that is begun meanwhile', async () => {
    const table = await engine.create('Late', []);
    await engine.parts.services.tableLoads.close();
    expect(await engine.load(table, each([]))).toBe('stopped');
    await engine.reopen();
  });
});

describe('a disk that is nearly full', () => {
  let freeBytes: number;
  let diskReserve: DiskReserve;
  let loads: TableLoads;

  beforeEach(async () => {
    freeBytes = 1;
    diskReserve = await DiskReserve.open({
      directory: engine.directory,
      reserveBytes: 10,
      log: silentLogger,
      freeBytes: () => Promise.resolve(freeBytes),
    });
    const { core, services } = engine.parts;
    loads = new TableLoads({
      ...services,
      ...core,
      diskReserve,
      stateDirectory: join(engine.directory, 'state'),
      turns: new WriteTurns(),
      log: silentLogger,
    });
  });

  afterEach(() => diskReserve.close());

  test('keeps entries of indexes waiting as well', async () => {
    const refusal = vi.spyOn(diskReserve, 'refusal', 'get').mockReturnValue('full');
    const table = await engine.create('Indexed', shapes);
    const items = itemsOf(20_000);
    const outcome = new Promise((resolve) => {
      loads.start(table, fedSource(each([inKeyOrder(items)]), resolve));
    });
    while (loads.progress(table.number)?.rowsLoaded !== items.length) await delay(1);
    expect(entriesOf(table)).toBe(0);
    refusal.mockReturnValueOnce(undefined);
    while (entriesOf(table) === 0) await delay(1);
    await delay(300);
    expect(entriesOf(table)).toBeLessThan(items.length);
    refusal.mockRestore();
    freeBytes = 100;
    expect(await outcome).toBe('loaded');
    expect(entriesOf(table)).toBeGreaterThan(items.length);
  });

  function entriesOf({ number, indexes }: TableDefinition): number {
    const { store } = engine.parts.core;
    store.refresh();
    return store.keys(tablePrefix(number + 1), tablePrefix(number + 1 + indexes.length), 1_000_000).length;
  }

  test('keeps what is loaded waiting until there is room', async () => {
    const table = await engine.create('Waiting', []);
    const outcome = new Promise((resolve) => {
      loads.start(table, fedSource(each([inKeyOrder(itemsOf(10))]), resolve));
    });
    while (loads.progress(table.number)?.rowsLoaded !== 10) await delay(1);
    await delay(150);
    expect(engine.definition('Waiting')?.status).toBe('CREATING');
    freeBytes = 100;
    expect(await outcome).toBe('loaded');
    expect(await countOf('Waiting')).toBe(10);
  });
});

describe('a source that fails', () => {
  test('takes the table away, whatever there was of it', async () => {
    const batches = [inKeyOrder(itemsOf(5000)), inKeyOrder(itemsOf(100))];
    const rows = new SlowRows(batches);
    rows.end(new Error('a block is damaged'));
    const outcome = await engine.load(await engine.create('Broken', shapes), rows);
    expect(outcome).toMatchObject({ failed: { message: 'a block is damaged' } });
    expect(engine.definition('Broken')).toBeUndefined();
    expect(logged.at(-1)).toMatchObject({
      message: 'a table cannot be loaded and is removed',
      details: { table: 'Broken' },
    });
    await engine.loadTable('Broken', shapes, [inKeyOrder(itemsOf(10))]);
    expect(await countOf('Broken')).toBe(10);
    expect(await engine.check()).toEqual([]);
  });
});
