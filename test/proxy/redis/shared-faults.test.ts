import { describe, expect, test } from 'vitest';
import { joinKey } from '../../../protocol/key.ts';
import { generationNames, itemNames, proxiesName, recordNames } from '../../../proxy/cache/redis/names.ts';
import { changes, Fleet, type FleetProxy, fenceMs, key, tableId, textOf, turns, youngMs } from './fleet.ts';

describe('Redis that comes back with the past', () => {
  test('does not serve the value that it had', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    await proxy.fill('old');
    await proxy.fillPage('old');
    await restart(fleet, [proxy], fleet.server.snapshot());
    expect([await proxy.read(), await proxy.readPage()]).toEqual(['miss', 'miss']);
  });

  test('does not serve the value that it had under a record that another master has still', async () => {
    const fleet = new Fleet(3);
    const proxy = await fleet.proxy();
    const elsewhere = fleet.keyElsewhere;
    await proxy.fill('old', 0, elsewhere);
    const server = fleet.redis.serverOf(itemNames(tableId, elsewhere).value);
    server.restart(server.snapshot());
    proxy.link.comeUp();
    expect(await proxy.read(elsewhere)).toBe('miss');
  });

  test('does not bring back the version of a table, under which other masters have values still', async () => {
    const fleet = new Fleet(3);
    const proxy = await fleet.proxy();
    const elsewhere = fleet.keyElsewhere;
    await proxy.fill('old', 0, elsewhere);
    const server = fleet.redis.serverOf(recordNames(tableId).record);
    const snapshot = server.snapshot();
    await proxy.cache.voidTable(tableId, 0);
    server.restart(snapshot);
    proxy.link.comeUp();
    expect(await proxy.read(elsewhere)).toBe('miss');
  });

  test('does not bring back the generation of a page that another master has still', async () => {
    const fleet = new Fleet(3);
    const proxy = await fleet.proxy();
    const names = Array.from({ length: 20 }, (_, i) => `name ${i}`);
    const servers = fleet.redis.servers.map((server) => [
      server,
      names.find((name) => fleet.redis.serverOf(generationNames(tableId, name).id) === server),
    ]);
    const generations = servers.map(([, name]) => String(name));
    await proxy.fillPage('old', generations);
    for (const [i, server] of fleet.redis.servers.entries()) {
      const snapshot = server.snapshot();
      await proxy.write(undefined, [generations[i] ?? '']);
      server.restart(snapshot);
      proxy.link.comeUp();
      await turns();
      expect(await proxy.readPage(generations)).toBe('miss');
      await proxy.fillPage('old', generations);
    }
  });

  test('does not put what a write left whose fence it has from then', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    const fence = await proxy.raise();
    await restart(fleet, [proxy], fleet.server.snapshot());
    await proxy.cache.lower(fence, changes('maybe older'));
    expect(await proxy.read()).toBe('miss');
  });

  test('does not take what was read with a token of before', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    const read = await proxy.cache.readItem(await proxy.table(), key);
    const page = await proxy.cache.readPage(await proxy.table(), { name: 'page', generations: ['p'] });
    await restart(fleet, [proxy], fleet.server.snapshot());
    if (read.kind !== 'miss' || page.kind !== 'miss') throw new Error('nothing is cached');
    expect(await proxy.cache.fillItem(read.token, Buffer.from('old'), 0)).toBeUndefined();
    expect(await proxy.cache.fillPage(page.token, Buffer.from('old'), 0)).toBeUndefined();
  });

  test('keeps nothing for longer than the writes may last whose fences it lost', async () => {
    const fleet = new Fleet();
    const [gone, proxy] = await fleet.pair();
    await gone.raise();
    gone.link.goDown();
    await restart(fleet, [proxy], undefined);
    await proxy.table();
    await fleet.advance(fenceMs / 2);
    await proxy.fill('maybe old');
    await proxy.fillPage('maybe old');
    await fleet.advance(youngMs - fenceMs / 2 - 1);
    expect([await proxy.read(), await proxy.readPage()]).toEqual(['maybe old', 'maybe old']);
    await fleet.advance(1);
    expect([await proxy.read(), await proxy.readPage()]).toEqual(['miss', 'miss']);
    await proxy.fill('fresh');
    await fleet.advance(youngMs);
    expect(await proxy.read()).toBe('fresh');
  });

  test.each([
    {
      lost: 'fences',
      serverOf: (fleet: Fleet) => fleet.redis.serverOf(itemNames(tableId, fleet.keyElsewhere).value),
    },
    { lost: 'holds', serverOf: (fleet: Fleet) => fleet.redis.serverOf(recordNames(tableId).record) },
  ])('keeps no item for longer than that, if it lost only $lost', async ({ serverOf }) => {
    for (const lose of ['flush', 'restart'] as const) {
      const fleet = new Fleet(3);
      const proxy = await fleet.proxy();
      await proxy.table();
      await proxy.table();
      serverOf(fleet)[lose]();
      proxy.link.comeUp();
      await proxy.fill('maybe old', 0, fleet.keyElsewhere);
      await fleet.advance(youngMs);
      expect(await proxy.read(fleet.keyElsewhere)).toBe('miss');
    }
  });

  test('is young also after it was emptied', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    fleet.server.flush();
    await turns();
    await proxy.fill('maybe old');
    await fleet.advance(youngMs);
    expect(await proxy.read()).toBe('miss');
  });

  test('keeps nothing for longer under a record that was made before anybody heard that it is empty', async () => {
    const fleet = new Fleet();
    const [one, other] = await fleet.pair();
    for (const { link } of [one, other]) link.isHeld = true;
    fleet.server.flush();
    for (const { link } of [one, other]) for (const node of link.nodes) node.areStepsHeld = false;
    await one.fill('maybe old');
    await one.fillPage('maybe old');
    expect([await other.read(), await other.readPage()]).toEqual(['maybe old', 'maybe old']);
    for (const { link } of [one, other]) link.isHeld = false;
    await fleet.advance(youngMs);
    expect([await other.read(), await other.readPage()]).toEqual(['miss', 'miss']);
    await other.fill('fresh');
    await fleet.advance(youngMs);
    expect(await one.read()).toBe('fresh');
  });

  test('has nothing that a new proxy keeps before it knows of the others', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    const late = await fleet.proxy();
    late.link.goDown();
    late.link.comeUp();
    await late.fill('value');
    await fleet.advance(youngMs);
    expect(await proxy.read()).toBe('value');
  });
});

describe('what Redis did not confirm to have dropped', () => {
  test('is not used until it is delivered, and then dropped for everybody', async () => {
    const fleet = new Fleet();
    const [writer, reader] = await fleet.pair();
    await reader.table();
    const fence = await writer.raise();
    fleet.server.keyspace.evict(itemNames(tableId, key).fences);
    await reader.fill('old');
    await reader.fillPage('old');
    lose(writer, 3);
    await writer.cache.lower(fence, changes('new', ['p']));
    expect(writer.cache.stats()).toMatchObject({ owed: 3, errors: 3 });
    expect([await writer.read(), await writer.readPage()]).toEqual(['bypass', 'bypass']);
    expect(writer.cache.stats().bypasses.owed).toBe(2);
    await writer.beat();
    expect(writer.cache.stats().owed).toBe(0);
    for (const proxy of [writer, reader]) {
      expect([await proxy.read(), await proxy.readPage()]).toEqual(['miss', 'miss']);
    }
  });

  test.each([
    { lost: 'the item', step: 'lower' },
    { lost: 'the generation', step: 'dropGeneration' },
    { lost: "the table's fingerprint", step: 'checkRecord' },
  ])('is owed if it is $lost', async ({ step }) => {
    const fleet = new Fleet();
    const writer = await fleet.proxy();
    const fence = await writer.raise();
    const [node] = writer.link.nodes;
    if (node === undefined) throw new Error('there is no master');
    node.areStepsHeld = true;
    const lowered = writer.cache.lower(fence, changes('new', ['p']));
    for (await turns(); node.sent.length > 0; await turns()) {
      if (node.sent[0]?.step.name === step) node.loseNext();
      else {
        node.doNext();
        node.answerNext();
      }
    }
    node.areStepsHeld = false;
    await lowered;
    expect(writer.cache.stats().owed).toBe(1);
    const usable = [await writer.read(), await writer.readPage()];
    expect(usable).toContain('bypass');
    await writer.beat();
    expect([await writer.read(), await writer.readPage()]).not.toContain('bypass');
  });

  test('is delivered as soon as Redis is back', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    await proxy.write('old');
    const fence = await proxy.raise();
    proxy.link.goDown();
    await proxy.cache.lower(fence, changes('new'));
    expect(proxy.cache.stats().owed).toBe(2);
    proxy.link.comeUp();
    await turns();
    expect(proxy.cache.stats().owed).toBe(0);
    expect(await proxy.read()).toBe('miss');
  });

  test('is owed still if it was renewed while it was delivered', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    const table = await proxy.table();
    const [first, second] = [await proxy.raise(), await proxy.cache.raise([{ table, key }])];
    lose(proxy, 1);
    await proxy.cache.lower(first, changes());
    const [node] = proxy.link.nodes;
    if (node === undefined) throw new Error('there is no master');
    node.areStepsHeld = true;
    await proxy.beat();
    const delivery = node.sent.findIndex(({ step }) => step.name === 'lower');
    const lowered = proxy.cache.lower(second, changes());
    await turns();
    const rest = node.sent.splice(delivery + 1);
    while (node.sent.length > 0) node.doNext();
    node.sent.push(...rest);
    for (const _ of rest) {
      const call = node.sent.shift();
      call?.reject(new Error('lost'));
    }
    await lowered;
    node.areStepsHeld = false;
    await turns();
    expect(await proxy.cache.readItem(table, key)).toEqual({ kind: 'bypass' });
    expect(proxy.cache.stats().bypasses.owed).toBe(1);
  });

  test('does not keep what other masters have from being used', async () => {
    const fleet = new Fleet(3);
    const proxy = await fleet.proxy();
    const table = await proxy.table();
    const { keyElsewhere } = fleet;
    const server = fleet.redis.serverOf(itemNames(tableId, keyElsewhere).value);
    expect(fleet.redis.serverOf(itemNames(tableId, key).value)).not.toBe(server);
    await proxy.fill('value');
    const fence = await proxy.raise(keyElsewhere);
    proxy.link.nodes[fleet.redis.servers.indexOf(server)]?.goDown();
    await proxy.cache.lower(fence, changes());
    expect(textOf(await proxy.cache.readItem(table, keyElsewhere))).toBe('bypass');
    expect(textOf(await proxy.cache.readItem(table, key))).toBe('value');
  });

  test('never keeps a write from being sent', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    const table = await proxy.table();
    proxy.link.goDown();
    const fence = await proxy.cache.raise([{ table, key }]);
    await proxy.cache.lower(fence, changes('new'));
    expect(proxy.cache.stats().owed).toBe(2);
    expect(await proxy.cache.voidTable(tableId, 0)).toBe(false);
    expect(await proxy.cache.voidEverything(0)).toBe(false);
    expect(await proxy.cache.invalidate(tableId, key, ['p'])).toBe(false);
  });

  test('is a whole table, which is not used either', async () => {
    const fleet = new Fleet();
    const [proxy, other] = await fleet.pair();
    await proxy.fill('old');
    lose(proxy, 1);
    expect(await proxy.cache.voidTable(tableId, fenceMs)).toBe(false);
    expect([await proxy.read(), await proxy.readPage()]).toEqual(['bypass', 'bypass']);
    expect(await other.read()).toBe('old');
    await proxy.beat();
    expect(await other.read()).toBe('bypass');
    await fleet.advance(fenceMs);
    expect(await proxy.read()).toBe('miss');
  });

  test('is all tables, if it is too much', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    const table = await proxy.table();
    await proxy.fill('old');
    const items = Array.from({ length: 10_001 }, (_, i) => ({ table, key: joinKey(`key ${i}`, '') }));
    const fence = await proxy.cache.raise(items);
    proxy.link.goDown();
    await proxy.cache.lower(fence, changes());
    expect(proxy.cache.stats()).toMatchObject({ owed: 1, owedOverflows: 1 });
    proxy.link.comeUp();
    await turns();
    expect(proxy.cache.stats().owed).toBe(0);
    expect(await proxy.read()).toBe('miss');
  });

  test('does no harm if the step that was given up is done after all', async () => {
    const fleet = new Fleet();
    const [one, other] = await fleet.pair();
    await one.write(undefined);
    const fence = await one.raise();
    lose(one, 2);
    await one.cache.lower(fence, changes('older'));
    await one.beat();
    await other.write('newer');
    for (const node of one.link.nodes) while (node.late.length > 0) node.doLate();
    expect(await other.read()).not.toBe('older');
  });

  test('taints the fences that it meets: its write may have come after theirs', async () => {
    const fleet = new Fleet();
    const [one, other] = await fleet.pair();
    const table = await one.table();
    lose(one, 2);
    const lost = await one.cache.raise([{ table, key }]);
    const fence = await other.raise();
    await one.cache.lower(lost, changes('maybe newer'));
    await other.cache.lower(fence, changes('maybe older'));
    expect(await other.read()).toBe('miss');
  });

  test('includes fences: without a confirmed one, a write puts nothing', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    await proxy.write(undefined);
    const table = await proxy.table();
    lose(proxy, 1);
    const fence = await proxy.cache.raise([{ table, key }]);
    for (const node of proxy.link.nodes) node.doLate();
    await proxy.cache.lower(fence, changes('maybe older'));
    expect(await proxy.read()).toBe('miss');
  });
});

describe('a table whose master is away', () => {
  test('is not used, as it may be void meanwhile', async () => {
    const fleet = new Fleet(3);
    const [one, other] = await fleet.pair();
    const { keyElsewhere } = fleet;
    await one.fill('old', 0, keyElsewhere);
    expect(await other.read(keyElsewhere)).toBe('old');
    const server = fleet.redis.serverOf(recordNames(tableId).record);
    const node = other.link.nodes[fleet.redis.servers.indexOf(server)];
    node?.goDown();
    await one.cache.voidTable(tableId, 0);
    expect(await other.read(keyElsewhere)).toBe('bypass');
    node?.comeUp();
    expect(await other.read(keyElsewhere)).toBe('miss');
  });
});

describe('a write without an answer', () => {
  test('keeps readers from the item, and pages from being kept, until the store cannot apply it', async () => {
    const fleet = new Fleet();
    const [writer, reader] = await fleet.pair();
    const other = joinKey('other', '');
    await reader.fillPage('page');
    await writer.cache.abandon(await writer.raise());
    await fleet.advance(fenceMs - 1);
    expect([await reader.read(), await reader.readPage()]).toEqual(['bypass', 'bypass']);
    expect(await reader.read(other)).toBe('miss');
    await fleet.advance(1);
    await writer.beat();
    expect([await reader.read(), await reader.readPage()]).toEqual(['miss', 'miss']);
    expect(writer.cache.stats()).toMatchObject({ owed: 0, unanswered: 0 });
  });

  test.each([
    { loss: 'emptied', lose: (fleet: Fleet) => fleet.server.flush() },
    { loss: 'restarted', lose: (fleet: Fleet) => fleet.server.restart() },
    { loss: 'restarted from before', lose: (fleet: Fleet) => fleet.server.restart(new Map()) },
  ])('keeps them also from a Redis that was $loss', async ({ lose }) => {
    const fleet = new Fleet();
    const [writer, reader] = await fleet.pair();
    await writer.cache.abandon(await writer.raise());
    lose(fleet);
    writer.link.comeUp();
    reader.link.comeUp();
    await turns();
    expect([await reader.read(), await reader.readPage()]).toEqual(['bypass', 'bypass']);
  });

  test.each([
    { when: 'keeps them out again, and drops what they kept,', afterMs: 0, answers: 'bypass' },
    { when: 'drops once more at its end what they kept', afterMs: fenceMs, answers: 'miss' },
  ])('$when when its fence and hold were evicted', async ({ afterMs, answers }) => {
    const fleet = new Fleet();
    const [writer, reader] = await fleet.pair();
    await writer.cache.abandon(await writer.raise());
    fleet.server.keyspace.evict(itemNames(tableId, key).fences);
    fleet.server.keyspace.evict(recordNames(tableId).record);
    await reader.cache.voidEverything(0);
    await reader.fill('maybe old');
    await reader.fillPage('maybe old');
    await fleet.advance(afterMs);
    await writer.beat();
    expect([await reader.read(), await reader.readPage()]).toEqual([answers, answers]);
  });

  test('holds its table instead, if there are too many', async () => {
    const fleet = new Fleet();
    const [writer, reader] = await fleet.pair();
    const table = await writer.table();
    const items = Array.from({ length: 1_001 }, (_, i) => ({ table, key: joinKey(`key ${i}`, '') }));
    await writer.cache.abandon(await writer.cache.raise(items));
    await fleet.advance(fenceMs - 1);
    await writer.beat();
    expect(await reader.read(joinKey('another', ''))).toBe('bypass');
    await fleet.advance(1);
    await writer.beat();
    expect(await reader.read(joinKey('another', ''))).toBe('miss');
  });
});

describe('a proxy', () => {
  test('that stops without a word leaves its tables void, and held until its last write is over', async () => {
    const fleet = new Fleet();
    const [gone, other] = await fleet.pair();
    await gone.raise();
    gone.link.goDown();
    await other.fillPage('old');
    await fleet.advance(3_000);
    await other.beat();
    expect(await other.readPage()).toBe('old');
    await fleet.advance(1);
    await other.beat();
    expect(await other.readPage()).toBe('bypass');
    expect(other.cache.stats().proxiesBuried).toBe(1);
    await fleet.advance(fenceMs);
    await other.beat();
    await other.fillPage('new');
    await other.beat();
    expect(await other.readPage()).toBe('new');
    expect(fleet.server.keyspace.zcard(proxiesName)).toBe(1);
  });

  test('is known with its tables before its write is sent', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    const table = await proxy.table();
    const [node] = proxy.link.nodes;
    if (node === undefined) throw new Error('there is no master');
    node.areStepsHeld = true;
    let isRaised = false;
    const raised = proxy.cache.raise([{ table, key }]).then(() => {
      isRaised = true;
    });
    expect(node.sent.map(({ step }) => step.name)).toEqual(['register', 'raise']);
    node.doNext();
    node.doNext();
    const [registered] = node.done.splice(0, 1);
    node.answerNext();
    await turns();
    expect(isRaised).toBe(false);
    registered?.resolve(registered.answer);
    await raised;
  });

  test('registers once, and again after it was given up, or after Redis lost it', async () => {
    const fleet = new Fleet();
    const [proxy, other] = await fleet.pair();
    const sent = () => sentSteps(proxy, () => proxy.raise());
    await proxy.raise();
    expect(await sent()).toEqual(['raise']);
    await fleet.advance(4_000);
    await other.beat();
    expect(await sent()).toEqual(['register', 'raise']);
    fleet.server.flush();
    await turns();
    await proxy.table();
    await proxy.table();
    expect(await sent()).toEqual(['raise']);
    expect(fleet.server.keyspace.zcard(proxiesName)).toBe(2);
    await fleet.advance(2_000);
    await proxy.beat();
    expect(await sent()).toEqual(['raise']);
  });

  test('that was lost by Redis is known again before its next write is sent', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    const table = await proxy.table();
    await proxy.raise();
    const [node] = proxy.link.nodes;
    if (node === undefined) throw new Error('there is no master');
    node.areStepsHeld = true;
    fleet.server.flush();
    node.sent.length = 0;
    void proxy.cache.raise([{ table, key }]);
    expect(node.sent.map(({ step }) => step.name)).toEqual(['register', 'raise']);
  });

  test('that stopped is remembered until its tables are void', async () => {
    const fleet = new Fleet(3);
    const [gone, other] = await fleet.pair();
    await gone.raise();
    gone.link.goDown();
    await fleet.advance(4_000);
    const server = fleet.redis.serverOf(recordNames(tableId).record);
    expect(server).not.toBe(fleet.server);
    const node = other.link.nodes[fleet.redis.servers.indexOf(server)];
    node?.goDown();
    await other.beat();
    expect(other.cache.stats().proxiesBuried).toBe(0);
    node?.comeUp();
    await other.beat();
    expect(other.cache.stats().proxiesBuried).toBe(1);
    expect(await other.readPage()).toBe('bypass');
  });

  test('that closes after its writes is not missed', async () => {
    const fleet = new Fleet();
    const [leaving, other] = await fleet.pair();
    await leaving.write('value');
    await other.fillPage('page');
    await leaving.cache.close();
    await fleet.advance(10_000);
    await other.beat();
    expect([await other.read(), await other.readPage()]).toEqual(['value', 'page']);
    expect(other.cache.stats().proxiesBuried).toBe(0);
  });

  test('that closes with a write under way, or in debt, is missed', async () => {
    const fleet = new Fleet();
    const [leaving, other] = await fleet.pair();
    await leaving.raise();
    await leaving.cache.close();
    await fleet.advance(10_000);
    await other.beat();
    expect(other.cache.stats().proxiesBuried).toBe(1);
  });
});

describe('L1', () => {
  test('is served from while all masters are up, and emptied before that', async () => {
    const fleet = new Fleet(3);
    const proxy = await fleet.proxy();
    const [first] = proxy.link.nodes;
    expect(proxy.cache.localUntilMs).toBe(Infinity);
    proxy.heard.length = 0;
    first?.goDown();
    expect(proxy.cache.localUntilMs).toBe(fleet.clock.monotonic());
    expect(proxy.heard).toEqual(['everything']);
    await fleet.advance(500);
    first?.comeUp();
    expect(proxy.cache.localUntilMs).toBe(Infinity);
    expect(proxy.heard).toEqual(['everything', 'everything']);
  });

  test('is served from for as long as may be after a master went down', async () => {
    const fleet = new Fleet(3);
    const proxy = await fleet.proxy({ staleIfRedisDownMs: 5_000 });
    expect(proxy.cache.unheardMsMax).toBe(8_000);
    proxy.heard.length = 0;
    const [first, second] = proxy.link.nodes;
    const untilMs = fleet.clock.monotonic() + 5_000;
    first?.goDown();
    await fleet.advance(1_000);
    second?.goDown();
    second?.comeUp();
    expect(proxy.cache.localUntilMs).toBe(untilMs);
    await fleet.advance(3_999);
    await proxy.beat();
    expect(proxy.heard).toEqual([]);
    await fleet.advance(1);
    await proxy.beat();
    await proxy.beat();
    expect(proxy.heard).toEqual(['everything']);
  });

  test('is served from for no longer than each master is proven to be heard', async () => {
    const fleet = new Fleet(3);
    const proxy = await fleet.proxy({ staleIfRedisDownMs: 5_000 });
    const [first, second] = proxy.link.nodes;
    if (first === undefined || second === undefined) throw new Error('there are three masters');
    const provenUntilMs = fleet.clock.monotonic() + 1_000;
    first.provenUntilMs = provenUntilMs;
    expect(proxy.cache.localUntilMs).toBe(provenUntilMs + 5_000);

    // That the connection broke while the proxy was suspended does not make what it has any younger.
    await fleet.advance(4_000);
    second.goDown();
    expect(proxy.cache.localUntilMs).toBe(provenUntilMs + 5_000);
    second.comeUp();
    first.provenUntilMs = Infinity;
    expect(proxy.cache.localUntilMs).toBe(Infinity);
  });

  test('is emptied where Redis is', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    proxy.heard.length = 0;
    fleet.server.flush();
    expect(proxy.heard).toEqual(['everything']);
  });

  test('is emptied where another master takes over names', async () => {
    const fleet = new Fleet(3);
    const proxy = await fleet.proxy();
    const [node] = proxy.link.nodes;
    proxy.heard.length = 0;
    if (node !== undefined) node.events?.up(node);
    expect(proxy.heard).toEqual(['everything']);
    expect(proxy.cache.localUntilMs).toBe(Infinity);
  });

  test('is not served from before Redis is there', async () => {
    const fleet = new Fleet();
    const proxy = await fleet.proxy();
    proxy.link.goDown();
    expect(await proxy.read()).toBe('bypass');
    expect(await proxy.readPage()).toBe('bypass');
    expect(proxy.cache.localUntilMs).toBeLessThanOrEqual(fleet.clock.monotonic());
  });
});

async function restart(
  fleet: Fleet,
  proxies: readonly FleetProxy[],
  snapshot: ReturnType<Fleet['server']['snapshot']> | undefined,
): Promise<void> {
  fleet.server.restart(snapshot);
  for (const proxy of proxies) proxy.link.comeUp();
  await turns();
}

/** The next steps of the proxy pass their deadline; they do not arrive unless the test lets them. */
function lose(proxy: FleetProxy, count: number): void {
  for (const node of proxy.link.nodes) node.losesNext = count;
}

async function sentSteps(proxy: FleetProxy, act: () => Promise<unknown>): Promise<string[]> {
  const [node] = proxy.link.nodes;
  if (node === undefined) throw new Error('there is no master');
  const table = await proxy.table();
  expect(textOf(await proxy.cache.readItem(table, key))).toBeDefined();
  node.areStepsHeld = true;
  const acted = act();
  await turns();
  const names = node.sent.map(({ step }) => step.name);
  node.areStepsHeld = false;
  await acted;
  return names;
}
