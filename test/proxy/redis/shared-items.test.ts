import { describe, expect, test } from 'vitest';
import { joinKey } from '../../../protocol/key.ts';
import { itemNames } from '../../../proxy/cache/redis/names.ts';
import type { ItemToken, SharedRead } from '../../../proxy/cache/shared.ts';
import { callMs, changes, Fleet, fenceMs, key, raisedMs, tableId, textOf } from './fleet.ts';

describe('an item', () => {
  test('that one proxy reads is there for the other one', async () => {
    const fleet = new Fleet();
    const [one, other] = await fleet.pair();
    expect(await one.fill('value')).toBe(true);
    expect(await other.read()).toBe('value');
    expect(other.cache.stats()).toMatchObject({ hits: 1, misses: 0 });
  });

  test('tells what is left of its time to live, and ends with it', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    await proxy.fill('value', 1_000);
    await fleet.advance(400);
    expect(await proxy.cache.readItem(await proxy.table(), key)).toMatchObject({ kind: 'hit', ttlMs: 600 });
    await fleet.advance(600);
    expect(await proxy.read()).toBe('miss');
  });

  test('without a time to live lives for a day', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    await proxy.fill('value');
    expect(await proxy.cache.readItem(await proxy.table(), key)).toMatchObject({ ttlMs: 86_400_000 });
  });

  test('may be of any bytes, also of none', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    for (const value of [Buffer.alloc(0), Buffer.from(Array.from({ length: 256 }, (_, i) => i))]) {
      const read = await proxy.cache.readItem(await proxy.table(), key);
      if (read.kind === 'miss') await proxy.cache.fillItem(read.token, value, 0);
      expect(await proxy.cache.readItem(await proxy.table(), key)).toMatchObject({ kind: 'hit', value });
      await proxy.write(undefined);
    }
  });

  test('is filled by the first of those who asked while nothing was dropped, and by no other', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    const table = await proxy.table();
    const first = await proxy.cache.readItem(table, key);
    const second = await proxy.cache.readItem(table, key);
    if (first.kind !== 'miss' || second.kind !== 'miss') throw new Error('both miss');
    expect(await proxy.cache.fillItem(first.token, Buffer.from('first'), 0)).toBeDefined();
    expect(await proxy.cache.fillItem(second.token, Buffer.from('second'), 0)).toBeUndefined();
    expect(await proxy.cache.fillItem(first.token, Buffer.from('again'), 0)).toBeUndefined();
    expect(await proxy.read()).toBe('first');
  });

  test('is not filled after the longest call has ended', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    const read = await proxy.cache.readItem(await proxy.table(), key);
    await fleet.advance(callMs);
    if (read.kind !== 'miss') throw new Error('nothing is cached');
    expect(await proxy.cache.fillItem(read.token, Buffer.from('late'), 0)).toBeUndefined();
  });
});

describe('a write', () => {
  test('drops the value before it is sent', async () => {
    const fleet = new Fleet();
    const [writer, reader] = await fleet.pair();
    await reader.fill('old');
    await writer.raise();
    expect(await reader.read()).toBe('bypass');
    expect(reader.cache.stats().bypasses.fenced).toBe(1);
  });

  test.each(['raised', 'lowered'])('drops the tokens of those who asked before it was %s', async (until) => {
    const fleet = new Fleet();
    const [writer, reader] = await fleet.pair();
    const read = await reader.cache.readItem(await reader.table(), key);
    const fence = await writer.raise();
    if (until === 'lowered') await writer.cache.lower(fence, changes());
    if (read.kind !== 'miss') throw new Error('nothing is cached');
    expect(await reader.cache.fillItem(read.token, Buffer.from('old'), 0)).toBeUndefined();
    expect(reader.cache.stats().fillsRefused).toBe(1);
  });

  test('puts what it left', async () => {
    const fleet = new Fleet();
    const [writer, reader] = await fleet.pair();
    await reader.fill('old');
    await writer.write('new');
    expect(await reader.read()).toBe('new');
  });

  test('without a known result leaves nothing', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    await proxy.fill('old');
    await proxy.write(undefined);
    expect(await proxy.read()).toBe('miss');
  });

  test('of several items puts none', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    const table = await proxy.table();
    const otherKey = joinKey('other', '');
    const fence = await proxy.cache.raise([
      { table, key },
      { table, key: otherKey },
    ]);
    await proxy.cache.lower(fence, changes('new'));
    expect([await proxy.read(), await proxy.read(otherKey)]).toEqual(['miss', 'miss']);
  });

  test('beside another one puts nothing, whichever ends first', async () => {
    const fleet = new Fleet();
    const [one, other] = await fleet.pair();
    const [first, second] = [await one.raise(), await other.raise()];
    await one.cache.lower(first, changes('first'));
    expect(await one.read()).toBe('bypass');
    await other.cache.lower(second, changes('second'));
    expect(await one.read()).toBe('miss');
    await one.write('third');
    expect(await other.read()).toBe('third');
  });

  test('beside one that ended without an answer puts nothing', async () => {
    const fleet = new Fleet();
    const [one, other] = await fleet.pair();
    await one.raise();
    await fleet.advance(raisedMs - 1);
    const fence = await other.raise();
    await fleet.advance(1);
    await other.cache.lower(fence, changes('maybe older'));
    expect(await other.read()).toBe('miss');
  });

  test('that met an announcement from elsewhere puts nothing', async () => {
    const fleet = new Fleet();
    const [writer, follower] = await fleet.pair();
    const fence = await writer.raise();
    expect(await follower.cache.invalidate(tableId, key, [])).toBe(true);
    await writer.cache.lower(fence, changes('maybe older'));
    expect(await writer.read()).toBe('miss');
  });

  test('drops once more, whatever was let in while its fence was lost', async () => {
    const fleet = new Fleet();
    const [writer, reader] = await fleet.pair();
    const fence = await writer.raise();
    fleet.server.keyspace.evict(itemNames(tableId, key).fences);
    expect(await reader.fill('old')).toBe(true);
    await writer.cache.lower(fence, changes('maybe older'));
    expect(await reader.read()).toBe('miss');
  });

  test('drops the token of whoever asked while its fence was lost', async () => {
    const fleet = new Fleet();
    const [writer, reader] = await fleet.pair();
    const fence = await writer.raise();
    fleet.server.keyspace.evict(itemNames(tableId, key).fences);
    const read = await reader.cache.readItem(await reader.table(), key);
    await writer.cache.lower(fence, changes());
    if (read.kind !== 'miss') throw new Error('the fence was lost');
    expect(await reader.cache.fillItem(read.token, Buffer.from('old'), 0)).toBeUndefined();
  });

  test('keeps readers out for as long as the store may apply it, and no longer', async () => {
    const fleet = new Fleet();
    const [writer, reader] = await fleet.pair();
    await writer.raise();
    await fleet.advance(raisedMs - 1);
    expect(await reader.read()).toBe('bypass');
    await fleet.advance(1);
    expect(await reader.read()).toBe('miss');
  });

  test('whose proxy was suspended while it raised the fence raises it anew', async () => {
    const fleet = new Fleet();
    const [writer, reader] = await fleet.pair();
    await writer.write(undefined);
    const table = await writer.table();
    writer.link.isHeld = true;
    const raised = writer.cache.raise([{ table, key }]);
    writer.link.nodes[0]?.doNext();
    await fleet.advance(raisedMs - 1_000);
    writer.link.isHeld = false;
    await raised;
    await fleet.advance(callMs + fenceMs);
    expect(await reader.read()).toBe('bypass');
  });
});

describe('a change that is told of', () => {
  test('leaves a value that it left', async () => {
    const fleet = new Fleet();
    const [one, other] = await fleet.pair();
    await one.fill('left');
    const seen: string[] = [];
    const isLeft = (value: Buffer) => seen.push(value.toString()) > 0;
    expect(await other.cache.invalidateUnless(await other.table(), key, [], isLeft)).toBe(true);
    expect(seen).toEqual(['left']);
    expect(await one.read()).toBe('left');
  });

  test('drops another value, and pages in any case', async () => {
    const fleet = new Fleet();
    const [one, other] = await fleet.pair();
    for (const isLeft of [true, false]) {
      await one.fill('value');
      await one.fillPage('page');
      await other.cache.invalidateUnless(await other.table(), key, ['p'], () => isLeft);
      expect(await one.readPage()).toBe('miss');
      expect(await one.read()).toBe(isLeft ? 'value' : 'miss');
      await one.write(undefined);
    }
  });

  test('is told again where it was not delivered', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    const table = await proxy.table();
    await proxy.fill('value');
    for (const node of proxy.link.nodes) node.losesNext = 1;
    expect(await proxy.cache.invalidateUnless(table, key, [], () => true)).toBe(false);
  });

  test('drops the token of who reads by another version of the table', async () => {
    const fleet = new Fleet();
    const [behind, reader] = await fleet.pair();
    const before = await behind.table();
    behind.link.isHeld = true;
    await reader.cache.voidTable(tableId, 0);
    for (const node of behind.link.nodes) node.areStepsHeld = false;
    const old = await behind.cache.readItem(before, key);
    if (old.kind !== 'miss') throw new Error('nothing is cached');
    await behind.cache.fillItem(old.token, Buffer.from('left'), 0);
    const read = await reader.cache.readItem(await reader.table(), key);
    if (read.kind !== 'miss') throw new Error('what there is has another version');
    await behind.cache.invalidateUnless(before, key, [], () => true);
    expect(await reader.cache.fillItem(read.token, Buffer.from('old'), 0)).toBeUndefined();
  });
});

describe('announcements', () => {
  test('are made of what a write drops, at its beginning and its end', async () => {
    const fleet = new Fleet();
    const [writer, reader] = await fleet.pair();
    const table = await writer.table();
    reader.heard.length = 0;
    const fence = await writer.cache.raise([{ table, key }]);
    expect(reader.heard).toEqual([`item ${tableId} ${key}`]);
    await writer.cache.lower(fence, changes('new', ['p']));
    expect(reader.heard.slice(1)).toEqual([`generation ${tableId} p`, `item ${tableId} ${key}`]);
  });

  test('are not made of what readers keep', async () => {
    const fleet = new Fleet();
    const [one, other] = await fleet.pair();
    await one.table();
    other.heard.length = 0;
    await one.fill('value');
    await one.fillPage('page');
    expect(other.heard).toEqual([]);
  });

  test('are made where Redis is full, where nothing can be kept', async () => {
    const fleet = new Fleet();
    const [writer, reader] = await fleet.pair();
    await reader.fill('old');
    const table = await reader.table();
    fleet.server.keyspace.isFull = true;
    expect(await reader.read()).toBe('old');
    reader.heard.length = 0;
    await writer.write('new');
    expect(reader.heard).toHaveLength(2);
    expect(writer.cache.stats()).toMatchObject({ owed: 0, errors: 0 });
    expect(await reader.read()).toBe('new');
    await writer.write(undefined);
    expect(textOf(await reader.cache.readItem(table, key))).toBe('bypass');
  });
});

describe('where the store settles', () => {
  const settleMs = 1_000;
  const unsettledOf = (read: SharedRead<ItemToken>) => (read.kind === 'miss' ? read.isUnsettled : read.kind);

  /** Two proxies to which the table's record is nothing new. */
  async function settledPair() {
    const fleet = new Fleet();
    const [writer, reader] = await fleet.pair({ settleMs });
    for (const proxy of [writer, reader]) await proxy.table();
    await fleet.advance(settleMs);
    const isUnsettled = async () => unsettledOf(await reader.cache.readItem(await reader.table(), key));
    return { fleet, writer, reader, isUnsettled };
  }

  test('a write is told to all who miss its item, for as long as it settles', async () => {
    const { fleet, writer, isUnsettled } = await settledPair();
    expect(await isUnsettled()).toBe(false);
    await writer.write(undefined);
    expect(await isUnsettled()).toBe(true);
    await fleet.advance(settleMs - 1);
    expect(await isUnsettled()).toBe(true);
    await fleet.advance(1);
    expect(await isUnsettled()).toBe(false);
  });

  test('so is what was told of, also where its value may stay', async () => {
    const { fleet, writer, reader, isUnsettled } = await settledPair();
    await reader.fill('value');
    await writer.cache.invalidateUnless(await writer.table(), key, [], () => true);
    expect(await reader.read()).toBe('value');
    fleet.server.keyspace.evict(itemNames(tableId, key).value);
    expect(await isUnsettled()).toBe(true);
  });

  test('it is told by Redis though Redis has no room', async () => {
    const { fleet, writer, isUnsettled } = await settledPair();
    const fence = await writer.raise();
    fleet.server.keyspace.isFull = true;
    await writer.cache.lower(fence, changes());
    fleet.server.keyspace.isFull = false;
    expect(await isUnsettled()).toBe(true);
  });

  test('a table that is void, or whose record was asked for anew, settles as a whole', async () => {
    const { fleet, writer, reader, isUnsettled } = await settledPair();
    reader.link.nodes[0]?.goDown();
    reader.link.comeUp();
    expect(await isUnsettled()).toBe(true);
    await fleet.advance(settleMs);
    expect(await isUnsettled()).toBe(false);
    await writer.cache.voidTable(tableId, fenceMs);
    expect(await isUnsettled()).toBe('bypass');
    await fleet.advance(fenceMs);
    expect(await isUnsettled()).toBe(true);
    await fleet.advance(settleMs);
    expect(await isUnsettled()).toBe(false);
  });

  test('a fence that nobody lowers stands until its write has settled', async () => {
    const { fleet, writer, isUnsettled } = await settledPair();
    await writer.raise();
    writer.link.goDown();
    await fleet.advance(raisedMs);
    expect(await isUnsettled()).toBe('bypass');
    await fleet.advance(settleMs);
    expect(await isUnsettled()).toBe(false);
  });

  test('that costs nothing where it does not', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    await proxy.write(undefined, ['p']);
    await proxy.cache.invalidate(tableId, key, ['p']);
    expect([...fleet.server.keyspace.contents().keys()].filter((name) => name.includes(':s:'))).toEqual([]);
  });
});
