import { beforeEach, describe, expect, test } from 'vitest';
import type { Item } from '../../../protocol/attribute-value.ts';
import { joinKey } from '../../../protocol/key.ts';
import { Reply } from '../../../protocol/reply.ts';
import { type AcceleratorParts, newParts } from '../../../proxy/accelerator-parts.ts';
import { cachedItem } from '../../../proxy/cache/cached-item.ts';
import { basePartition, indexPartition, indexScan, tableScan } from '../../../proxy/cache/generations.ts';
import type { PageDestination } from '../../../proxy/cache/pages.ts';
import { CacheSettings } from '../../../proxy/cache-settings.ts';
import type { TableIndex } from '../../../proxy/described-indexes.ts';
import { LocalInvalidations, type StreamChange } from '../../../proxy/follower/invalidations.ts';
import type { Table } from '../../../proxy/table-descriptions.ts';
import { idSchema } from '../accelerator-fixture.ts';
import { ManualClock, SimulatedStore } from '../simulated-store.ts';

const tableId = 'table';
const key = joinKey('a', '');
const followed = { id: tableId, name: 'items', region: 'us-east-1', schema: idSchema };
const settleMs = 1_000;

const byColour: TableIndex = {
  name: 'by-colour',
  isGlobal: true,
  partition: [{ name: 'colour', type: 'S' }],
  sort: [],
  projectedNames: undefined,
};

const described: Table = {
  ...{ id: tableId, name: 'items', schema: idSchema, indexes: [byColour], fingerprint: '' },
  ...{ streamArn: undefined, cache: true, itemTtlMs: 0, queryTtlMs: 0 },
};

let clock: ManualClock;
let caches: AcceleratorParts;
let invalidations: LocalInvalidations;

beforeEach(() => {
  clock = new ManualClock();
  const options = { cacheBytesMax: 1_000_000, itemTtlMs: 0, queryTtlMs: 1_000_000, tables: {} };
  const times = { settleMs, fenceMs: 1, clock };
  caches = newParts(new SimulatedStore(), times, new CacheSettings(options));
  invalidations = new LocalInvalidations(
    { items: caches.coherence, pages: caches.pages },
    { byId: () => described },
  );
  clock.advance(10_000);
});

function put(item: Item | undefined): void {
  const fence = caches.coherence.raise(tableId, key);
  caches.coherence.lower(fence, { value: cachedItem(item), ttlMs: 0 });
}

function isCached(): boolean {
  return caches.coherence.lookup(tableId, key) !== undefined;
}

function change(
  newItem: StreamChange['newItem'],
  oldItem: StreamChange['oldItem'] = undefined,
): StreamChange {
  return { table: followed, key, oldItem, newItem };
}

function itemOf(colour: string): Item {
  return { id: { S: 'a' }, colour: { S: colour } };
}

describe('an item that is cached', () => {
  test.each<[string, Item | undefined, StreamChange['newItem']]>([
    ['is the new image', itemOf('red'), itemOf('red')],
    ['has it in another order', { colour: { S: 'red' }, id: { S: 'a' } }, itemOf('red')],
    [
      'has its numbers in another spelling',
      { id: { S: 'a' }, n: { N: '1.0' } },
      { id: { S: 'a' }, n: { N: '1' } },
    ],
    ['has its sets in another order', { s: { NS: ['1', '2'] } }, { s: { NS: ['2', '1'] } }],
    ['is not there, and was deleted', undefined, undefined],
  ])('stays if it %s', (_name, cached, newItem) => {
    put(cached);
    invalidations.changed(change(newItem, itemOf('blue')));
    expect(isCached()).toBe(true);
  });

  test.each<[string, Item | undefined, StreamChange['newItem']]>([
    ['is another one', itemOf('red'), itemOf('blue')],
    ['has more', { ...itemOf('red'), n: { N: '1' } }, itemOf('red')],
    ['was deleted', itemOf('red'), undefined],
    ['was not there', undefined, itemOf('red')],
    ['may be another one', itemOf('red'), 'unknown'],
    ['may have been deleted', undefined, 'unknown'],
    ['is none that DynamoDB has', { e: { NULL: false } }, { e: { NULL: false } }],
  ])('goes if it %s', (_name, cached, newItem) => {
    put(cached);
    invalidations.changed(change(newItem, itemOf('blue')));
    expect(isCached()).toBe(false);
  });

  test('settles, whether it stays or not', () => {
    put(itemOf('red'));
    clock.advance(settleMs);
    invalidations.changed(change(itemOf('red')));
    expect(isCached()).toBe(true);
    expect(caches.coherence.isUnsettled(tableId, key)).toBe(true);
    clock.advance(settleMs);
    expect(caches.coherence.isUnsettled(tableId, key)).toBe(false);
  });
});

describe('a key that is not cached', () => {
  test('loses its token: what is being read may be older', () => {
    const token = caches.coherence.take(tableId, key);
    invalidations.changed(change(itemOf('red')));
    expect(token?.stands).toBe(false);
  });

  test('is not put by a write whose record comes before its answer', () => {
    const fence = caches.coherence.raise(tableId, key);
    invalidations.changed(change(itemOf('red')));
    caches.coherence.lower(fence, { value: cachedItem(itemOf('red')), ttlMs: 0 });
    expect(isCached()).toBe(false);
  });
});

describe('pages', () => {
  const reply = () => new Reply({ Items: [], Count: 0 });

  function fill(name: string, generations: readonly string[]): PageDestination {
    const page = { tableId, name, generations, isOfGlobalIndex: false, ttlMs: 100_000 };
    const token = caches.pages.take(page);
    if (token !== undefined) caches.pages.fill(token, reply(), 100_000);
    expect(caches.pages.lookup(page)).toBeDefined();
    return page;
  }

  test('go where the change has been or is, and stay elsewhere', () => {
    const gone = [
      fill('base', [basePartition('a')]),
      fill('scan', [tableScan]),
      fill('red', [indexPartition('by-colour', ['red'])]),
      fill('blue', [indexPartition('by-colour', ['blue'])]),
      fill('index scan', [indexScan('by-colour')]),
    ];
    const kept = [
      fill('other base', [basePartition('b')]),
      fill('green', [indexPartition('by-colour', ['green'])]),
    ];
    invalidations.changed(change(itemOf('red'), itemOf('blue')));
    expect(gone.map((page) => caches.pages.lookup(page))).toEqual(gone.map(() => undefined));
    for (const page of kept) expect(caches.pages.lookup(page)).toBeDefined();
  });

  test('go with the table', () => {
    const page = fill('base', [basePartition('a')]);
    put(itemOf('red'));
    invalidations.voidTable(tableId, 0);
    expect(caches.pages.lookup(page)).toBeUndefined();
    expect(isCached()).toBe(false);
    put(itemOf('red'));
    expect(isCached()).toBe(true);
  });
});

test('a table that is held is not cached for so long', () => {
  put(itemOf('red'));
  invalidations.voidTable(tableId, 5_000);
  put(itemOf('red'));
  expect(isCached()).toBe(false);
  expect(caches.coherence.take(tableId, key)).toBeUndefined();
  const page = { tableId, name: 'base', generations: [tableScan], isOfGlobalIndex: false, ttlMs: 100_000 };
  expect(caches.pages.take(page)).toBeUndefined();
  clock.advance(5_000);
  put(itemOf('red'));
  expect(isCached()).toBe(true);
  expect(caches.pages.take(page)).toBeDefined();
});
