import { describe, expect, test } from 'vitest';
import { generationNames, recordNames } from '../../../proxy/cache/redis/names.ts';
import { changes, Fleet, type FleetProxy, fenceMs, key, tableId, textOf } from './fleet.ts';

describe('a page', () => {
  test('that one proxy reads is there for the other one', async () => {
    const fleet = new Fleet();
    const [one, other] = await fleet.pair();
    expect(await one.fillPage('page', ['p', 'coarse'])).toBe(true);
    expect(await other.readPage(['p', 'coarse'])).toBe('page');
  });

  test('is void as soon as one of its generations is dropped', async () => {
    const fleet = new Fleet();
    const [one, other] = await fleet.pair();
    for (const dropped of ['p', 'coarse']) {
      await one.fillPage('page', ['p', 'coarse']);
      await other.write(undefined, [dropped]);
      expect(await one.readPage(['p', 'coarse'])).toBe('miss');
    }
  });

  test('outlives writes that concern other generations', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    await proxy.fillPage('page');
    await proxy.write('item', ['another']);
    expect(await proxy.readPage()).toBe('page');
  });

  test('that was read before a write is not served after it', async () => {
    const fleet = new Fleet();
    const [reader, writer] = await fleet.pair();
    const read = await reader.cache.readPage(await reader.table(), { name: 'page', generations: ['p'] });
    await writer.write('new', ['p']);
    if (read.kind !== 'miss') throw new Error('nothing is cached');
    await reader.cache.fillPage(read.token, Buffer.from('old'), 0);
    expect(await reader.readPage()).toBe('miss');
  });

  test('is void where a generation is evicted', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    await proxy.fillPage('page');
    fleet.server.keyspace.evict(generationNames(tableId, 'p').id);
    expect(await proxy.readPage()).toBe('miss');
  });

  test('lives for its time to live, and for an hour at most', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    await proxy.fillPage('page', ['p'], 1_000);
    await fleet.advance(999);
    expect(await proxy.readPage()).toBe('page');
    await fleet.advance(1);
    await proxy.fillPage('page');
    const page = { name: 'page', generations: ['p'] };
    expect(await proxy.cache.readPage(await proxy.table(), page)).toMatchObject({ ttlMs: 3_600_000 });
  });

  test('keeps its generations as long as it is read', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    for (let hours = 0; hours < 3; hours += 0.9) {
      await proxy.fillPage('page', ['p'], 3_300_000);
      await fleet.advance(0.9 * 3_600_000);
      expect(await proxy.readPage()).toBe('page');
      await fleet.advance(60_000);
    }
  });

  test('is not mistaken for one of another name, table or index', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    await proxy.fillPage('page');
    const page = { name: 'page', generations: ['p'] };
    const another = { name: 'another', generations: ['p'] };
    expect(textOf(await proxy.cache.readPage(await proxy.table(), another))).toBe('miss');
    expect(textOf(await proxy.cache.readPage(await proxy.table('one', 'other-table'), page))).toBe('miss');
  });
});

test('a page settles with each of its generations', async () => {
  const settleMs = 1_000;
  const fleet = new Fleet();
  const [writer, reader] = await fleet.pair({ settleMs });
  await reader.table();
  await fleet.advance(settleMs);
  const generations = ['p', 'coarse'];
  const isUnsettled = async () => {
    const read = await reader.cache.readPage(await reader.table(), { name: 'page', generations });
    return read.kind === 'miss' ? read.isUnsettled : read.kind;
  };
  for (const changed of generations) {
    await writer.write(undefined, [changed]);
    expect(await isUnsettled()).toBe(true);
    await fleet.advance(settleMs);
    expect(await isUnsettled()).toBe(false);
  }
});

describe('a table', () => {
  test('is known at once while nobody changes it', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    const table = await proxy.table();
    await proxy.table();
    const again = proxy.cache.table({ id: tableId, fingerprint: 'one' });
    expect(again).not.toBeInstanceOf(Promise);
    expect(again).toMatchObject({ id: tableId, version: table.version, fingerprint: 'one' });
  });

  test('that is void has neither items nor pages, for anybody', async () => {
    const fleet = new Fleet();
    const [one, other] = await fleet.pair();
    await other.table();
    await one.fill('item');
    await one.fillPage('page');
    other.heard.length = 0;
    await one.cache.voidTable(tableId, 0);
    expect(other.heard).toEqual([`table ${tableId}`]);
    for (const proxy of [one, other]) {
      expect([await proxy.read(), await proxy.readPage()]).toEqual(['miss', 'miss']);
    }
  });

  test('that is void takes nothing that was read before', async () => {
    const fleet = new Fleet();
    const [reader, writer] = await fleet.pair();
    const table = await reader.table();
    const item = await reader.cache.readItem(table, key);
    const page = await reader.cache.readPage(table, { name: 'page', generations: ['p'] });
    await writer.cache.voidTable(tableId, 0);
    if (item.kind !== 'miss' || page.kind !== 'miss') throw new Error('nothing is cached');
    await reader.cache.fillItem(item.token, Buffer.from('old'), 0);
    await reader.cache.fillPage(page.token, Buffer.from('old'), 0);
    expect([await reader.read(), await reader.readPage()]).toEqual(['miss', 'miss']);
  });

  test.each(['remembered from', 'asked for together with'])(
    'is not %s an answer that its announcement overtook',
    async (how) => {
      const fleet = new Fleet();
      const [one, other] = await fleet.pair();
      await one.fill('item');
      const [node] = other.link.nodes;
      other.link.isHeld = true;
      const asked = other.cache.table({ id: tableId, fingerprint: 'one' });
      node?.doNext();
      node?.doNext();
      await one.cache.voidTable(tableId, 0);
      node?.announceNext();
      const again = how === 'remembered from' ? undefined : other.table();
      other.link.isHeld = false;
      await asked;
      expect(textOf(await other.cache.readItem((await again) ?? (await other.table()), key))).toBe('miss');
    },
  );

  test('that was void is not known as it was to those who ask after that', async () => {
    const fleet = new Fleet();
    const [one, other] = await fleet.pair();
    await one.fill('item');
    await other.table();
    for (const node of other.link.nodes) node.areAnnouncementsHeld = true;
    await other.cache.voidTable(tableId, 0);
    expect(await other.read()).toBe('miss');
  });

  test('is void with all the others', async () => {
    const fleet = new Fleet(3);
    const [one, other] = await fleet.pair();
    await one.fill('item');
    await one.fillPage('page');
    expect([await other.read(), await other.readPage()]).toEqual(['item', 'page']);
    other.heard.length = 0;
    await one.cache.voidEverything(0);
    expect(other.heard).toEqual(['everything']);
    for (const proxy of [one, other]) {
      expect([await proxy.read(), await proxy.readPage()]).toEqual(['miss', 'miss']);
    }
  });

  test.each(['voidTable', 'voidEverything'] as const)(
    'keeps nothing while it is held by %s',
    async (call) => {
      const fleet = new Fleet();
      const [one, other] = await fleet.pair();
      if (call === 'voidTable') await one.cache.voidTable(tableId, fenceMs);
      else await one.cache.voidEverything(fenceMs);
      await fleet.advance(fenceMs - 1);
      expect([await other.read(), await other.readPage()]).toEqual(['bypass', 'bypass']);
      expect(other.cache.stats().bypasses.held).toBe(2);
      await fleet.advance(1);
      expect([await other.read(), await other.readPage()]).toEqual(['miss', 'miss']);
    },
  );

  test('that is held takes nothing from the writes meanwhile', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    await proxy.cache.voidTable(tableId, fenceMs);
    await proxy.write('maybe older');
    await fleet.advance(fenceMs);
    expect(await proxy.read()).toBe('miss');
  });

  test('is held for as long as anybody wants', async () => {
    const fleet = new Fleet();
    const [one, other] = await fleet.pair();
    await one.cache.voidTable(tableId, fenceMs);
    await other.cache.voidTable(tableId, 1);
    await fleet.advance(fenceMs - 1);
    expect(await one.read()).toBe('bypass');
  });

  test('whose record is evicted is void', async () => {
    const fleet = new Fleet();
    const [one, other] = await fleet.pair();
    await one.fill('item');
    await one.fillPage('page');
    fleet.server.keyspace.evict(recordNames(tableId).record);
    expect([await other.read(), await other.readPage()]).toEqual(['miss', 'miss']);
    expect([await one.read(), await one.readPage()]).toEqual(['miss', 'miss']);
  });
});

describe('a fingerprint', () => {
  test('that is another one voids the table', async () => {
    const fleet = new Fleet();
    const [one, other] = await fleet.pair();
    await one.fill('item');
    await fleet.advance(1_000);
    const table = await other.table('two');
    expect(textOf(await other.cache.readItem(table, key))).toBe('miss');
  });

  test('changes once a second at most, and who has another one reads nothing until then', async () => {
    const fleet = new Fleet();
    const [one, other] = await fleet.pair();
    await one.table('changed');
    const readBy = async (proxy: FleetProxy, fingerprint: string) =>
      textOf(await proxy.cache.readItem(await proxy.table(fingerprint), key));
    expect(await readBy(other, 'two')).toBe('bypass');
    expect(other.cache.stats().bypasses.unknownTable).toBe(1);
    expect(await readBy(one, 'changed')).toBe('miss');
    await fleet.advance(1_000);
    expect(await readBy(other, 'two')).toBe('miss');
    expect(await readBy(one, 'changed')).toBe('bypass');
  });

  test('of which the writer did not know voids the pages, since there may be an index that it missed', async () => {
    const fleet = new Fleet();
    const [writer, reader] = await fleet.pair();
    const fence = await writer.raise();
    await fleet.advance(1_000);
    const page = { name: 'page', generations: ['of the new index'] };
    const read = await reader.cache.readPage(await reader.table('two'), page);
    if (read.kind !== 'miss') throw new Error('nothing is cached');
    await reader.cache.fillPage(read.token, Buffer.from('old'), 0);
    await writer.cache.lower(fence, changes('new'));
    expect(textOf(await reader.cache.readPage(await reader.table('two'), page))).toBe('miss');
  });

  test('that stands is no reason to void anything, though the table was void meanwhile', async () => {
    const fleet = new Fleet();
    const [writer, reader] = await fleet.pair();
    const fence = await writer.raise();
    await reader.cache.voidTable(tableId, 0);
    await reader.fillPage('page');
    await writer.cache.lower(fence, changes('new'));
    expect(await reader.readPage()).toBe('page');
  });
});
