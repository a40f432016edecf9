import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LocalTier } from '../../proxy/cache/local.ts';
import { CacheSettings, type CacheSettingsChange, SettingsError } from '../../proxy/cache-settings.ts';
import { Fixture, itemOf, settled, storeKinds } from './accelerator-fixture.ts';
import { ManualClock } from './simulated-store.ts';

const initial = { cacheBytesMax: 1_000, itemTtlMs: 10, queryTtlMs: 20, tables: { A: { itemTtlMs: 5 } } };

function open() {
  const settings = new CacheSettings(initial);
  const told: unknown[] = [];
  settings.onChange({ tables: (names) => told.push(names), cacheBytesMax: (bytes) => told.push(bytes) });
  return { settings, told };
}

describe('settings', () => {
  test('of a table are its own before the defaults', () => {
    const { settings } = open();
    expect(settings.of('A')).toEqual({ cache: true, itemTtlMs: 5, queryTtlMs: 20 });
    expect(settings.of('B')).toEqual({ cache: true, itemTtlMs: 10, queryTtlMs: 20 });
    expect(settings.of('constructor')).toBe(settings.of('B'));
    expect(settings.values()).toEqual(initial);
  });

  test('a change leaves what it does not name, and null takes an override away', () => {
    const { settings } = open();
    settings.change({ queryTtlMs: 0, tables: { A: { cache: false }, B: { queryTtlMs: 7 } } });
    expect(settings.of('A')).toEqual({ cache: false, itemTtlMs: 5, queryTtlMs: 0 });
    expect(settings.of('B')).toEqual({ cache: true, itemTtlMs: 10, queryTtlMs: 7 });
    settings.change({ tables: { A: { itemTtlMs: null }, B: null } });
    expect(settings.values()).toEqual({ ...initial, queryTtlMs: 0, tables: { A: { cache: false } } });
  });

  test('a change tells the tables for which something else holds', () => {
    const { settings, told } = open();
    settings.change({ tables: { A: { itemTtlMs: 6 }, B: { itemTtlMs: 10 }, C: null } });
    settings.change({ tables: { A: { itemTtlMs: 6 } }, cacheBytesMax: 1_000 });
    settings.change({ cacheBytesMax: 2_000, itemTtlMs: 1 });
    expect(told).toEqual([['A'], 2_000, 'all']);
  });

  test.each<[CacheSettingsChange, string]>([
    [{ itemTtlMs: -1 }, 'itemTtlMs = -1: must be an integer from 0 to 31,536,000,000 milliseconds'],
    [{ queryTtlMs: 0.5 }, 'queryTtlMs = 0.5: must be'],
    [{ cacheBytesMax: 0 }, 'cacheBytesMax = 0: must be an integer from 1 to 1,099,511,627,776 bytes'],
    [{ tables: { B: { itemTtlMs: 1 }, A: { queryTtlMs: NaN } } }, 'tables.A.queryTtlMs = NaN: must be'],
  ])('%j is refused and changes nothing', (change, message) => {
    const { settings, told } = open();
    expect(() => settings.change({ cacheBytesMax: 5_000, ...change })).toThrow(SettingsError);
    expect(() => settings.change(change)).toThrow(message);
    expect(settings.values()).toEqual(initial);
    expect(told).toEqual([]);
  });

  test('tables with settings of their own are limited', () => {
    const { settings } = open();
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`t${i}`, { cache: false }]));
    expect(() => settings.change({ tables: many })).toThrow('at most 10000');
    expect(settings.values()).toEqual(initial);
  });
});

describe.each(storeKinds)('in front of a store that %s', (_kind, store) => {
  test('a shorter time to live holds for what is cached already', async () => {
    const fixture = new Fixture(store);
    await fixture.put('a', '1');
    await fixture.get('a');
    expect(await fixture.countDuring('GetItem', () => fixture.get('a'))).toBe(0);
    fixture.accelerator.settings.change({ itemTtlMs: 100 });
    expect(await fixture.countDuring('GetItem', () => fixture.get('a'))).toBe(1);
    fixture.clock.advance(99);
    expect(await fixture.countDuring('GetItem', () => fixture.get('a'))).toBe(0);
    fixture.clock.advance(1);
    expect(await fixture.countDuring('GetItem', () => fixture.get('a'))).toBe(1);
  });

  test('a table that is taken out of the cache is void, and comes back empty', async () => {
    const fixture = new Fixture(store);
    await fixture.put('a', '1');
    await fixture.get('a');
    const { settings } = fixture.accelerator;
    settings.change({ tables: { items: { cache: false } } });
    expect(await fixture.countDuring('GetItem', () => fixture.get('a'))).toBe(1);
    expect(await fixture.countDuring('GetItem', () => fixture.get('a'))).toBe(1);
    fixture.direct('PutItem', { TableName: 'items', Item: itemOf('a', '2') });
    settings.change({ tables: { items: null } });
    expect(await fixture.get('a')).toEqual({ Item: itemOf('a', '2') });
    expect(await fixture.countDuring('GetItem', () => fixture.get('a'))).toBe(0);
  });
});

test('a read that was waiting as the settings changed keeps its answer for the new time only', async () => {
  const fixture = new Fixture({ answers: 'held', bytes: false }, { itemTtlMs: 1_000_000 });
  const { store } = fixture;
  const answerNext = async () => {
    const [call] = store.held;
    call?.execute();
    call?.answer();
    await settled();
  };
  const put = fixture.put('a', '1');
  await settled();
  const underWay = fixture.get('a');
  const waiting = fixture.get('a');
  await settled();
  fixture.accelerator.settings.change({ itemTtlMs: 100 });
  const other = fixture.get('b');
  for (let i = 0; i < 4; i++) await answerNext();
  await Promise.all([put, underWay, waiting, other]);
  expect(await fixture.get('a')).toEqual({ Item: itemOf('a', '1') });
  fixture.clock.advance(101);
  const afterwards = fixture.get('a');
  await settled();
  expect(store.held.map(({ request }) => request.operation)).toContain('GetItem');
  await answerNext();
  await afterwards;
});

describe('the size of the cache', () => {
  function filled(entries: number, clock = new ManualClock()) {
    const tier = new LocalTier<{ bytes: number }>(100_000_000, clock);
    for (let i = 0; i < entries; i++) tier.put(`k${i}`, { bytes: 1_000 }, Infinity);
    return tier;
  }

  async function rest(tier: LocalTier<{ bytes: number }>): Promise<void> {
    for (let last = -1; last !== tier.usage().entries; ) {
      last = tier.usage().entries;
      await settled();
    }
  }

  test('shrinks in slices, the least recently used first', async () => {
    const tier = filled(10_000);
    tier.get('k0');
    const entryBytes = Math.ceil(tier.usage().bytes / 10_000);
    tier.resize(entryBytes * 100);
    expect(tier.usage().entries).toBe(10_000);
    await settled();
    expect(tier.usage().entries).toBeGreaterThan(5_000);
    await rest(tier);
    expect(tier.usage().bytes).toBeLessThanOrEqual(entryBytes * 100);
    expect(tier.usage().evictions).toBe(10_000 - tier.usage().entries);
    expect(tier.get('k0')).toBeDefined();
    expect(tier.get('k1')).toBeUndefined();
  });

  test('holds for what is put meanwhile and afterwards', async () => {
    const tier = filled(3_000);
    tier.resize(10_000);
    tier.put('large', { bytes: 20_000 }, Infinity);
    await rest(tier);
    expect(tier.get('large')).toBeUndefined();
    for (let i = 0; i < 100; i++) tier.put(`n${i}`, { bytes: 1_000 }, Infinity);
    expect(tier.usage().bytes).toBeLessThanOrEqual(10_000);
    tier.resize(1_000_000);
    for (let i = 0; i < 100; i++) tier.put(`n${i}`, { bytes: 1_000 }, Infinity);
    expect(tier.usage().entries).toBe(100);
  });

  test('bounds what it holds, whatever is put', () => {
    const put = fc.tuple(fc.nat(20), fc.nat(5_000));
    fc.assert(
      fc.property(fc.array(put, { maxLength: 50 }), (puts) => {
        const tier = new LocalTier<{ bytes: number }>(8_000, new ManualClock());
        for (const [key, bytes] of puts) {
          tier.put(`k${key}`, { bytes }, Infinity);
          expect(tier.usage().bytes).toBeLessThanOrEqual(8_000);
        }
      }),
    );
  });
});
