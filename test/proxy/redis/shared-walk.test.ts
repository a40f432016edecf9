import fc from 'fast-check';
import { expect, test } from 'vitest';
import { joinKey, type KeyBytes } from '../../../protocol/key.ts';
import type { SharedFence, SharedTable } from '../../../proxy/cache/shared.ts';
import { Fleet, FleetProxy, fenceMs, raisedMs, tableId, turns, youngMs } from './fleet.ts';
import type { SimulatedNode, SimulatedServer } from './simulated-redis.ts';

/*
 * Random walks of a few proxies over a store of two items and a page of both: reads, writes with and without an answer,
 * writes around with a void, steps that are held, lost and late, masters that restart with the past or empty, evictions,
 * proxies that die. Two promises are checked:
 *  - a hit is never older than what was acknowledged through the same proxy before the read began;
 *  - after quiet, a hit is what the store has.
 */

const keys = [joinKey('partition', '1'), joinKey('partition', '2')];
const page = { name: 'page', generations: ['p'] };

test('what is served is neither older than the proxy knows, nor wrong after quiet', async () => {
  const choices = fc.array(fc.nat({ max: 9_999 }), { minLength: 100, maxLength: 400, size: 'max' });
  await fc.assert(
    fc.asyncProperty(choices, async (numbers) => {
      const walk = new Walk();
      for (const number of numbers) await walk.act(number);
      await walk.quiet();
    }),
    { numRuns: Number(process.env.SHARED_WALKS ?? 150) },
  );
}, 120_000);

interface Write {
  readonly proxy: FleetProxy;
  readonly at: number;
  fence: SharedFence | undefined;
  /** What it left in the store, once it did. */
  version: number | undefined;
  /** Until when the store may apply it. */
  untilMs: number;
}

interface Fill {
  readonly keep: (value: Buffer) => Promise<boolean>;
  readonly ask: () => string;
  answer: string | undefined;
}

class Walk {
  readonly #fleet = new Fleet(2);
  readonly #proxies: FleetProxy[] = [];
  readonly #acknowledged = new Map<FleetProxy, number[]>();
  readonly #store = [0, 0];
  readonly #writes: Write[] = [];
  readonly #fills: Fill[] = [];
  readonly #snapshots = this.#fleet.redis.servers.map((server) => server.snapshot());
  #versions = 0;
  /** Of a read that was served something wrong. */
  #failure: unknown;

  async act(number: number): Promise<void> {
    if (this.#proxies.length === 0) await this.#join(2);
    const rest = Math.floor(number / actions.length);
    await this.#choose(number % actions.length, rest);
    await turns();
  }

  /** All links are up, nothing is under way, and so much time has passed that all is settled. */
  async quiet(): Promise<void> {
    if (this.#proxies.length === 0) return;
    for (const node of this.#nodes()) {
      node.areStepsHeld = false;
      node.areAnnouncementsHeld = false;
      while (node.late.length > 0) node.doLate();
      node.comeUp();
    }
    await turns();
    for (const write of this.#writes.splice(0)) await this.#abandon(write);
    for (let ms = 0; ms < raisedMs + youngMs + fenceMs; ms += 1_000) await this.#second();
    for (const proxy of this.#proxies) {
      expect(proxy.cache.stats()).toMatchObject({ owed: 0, unanswered: 0 });
      for (const at of [0, 1]) {
        const read = await proxy.cache.readItem(await proxy.table(), keyAt(at));
        expect(read.kind).not.toBe('bypass');
        if (read.kind === 'hit') expect(read.value.toString()).toBe(String(this.#store[at]));
      }
      const read = await proxy.cache.readPage(await proxy.table(), page);
      expect(read.kind).not.toBe('bypass');
      if (read.kind === 'hit') expect(read.value.toString()).toBe(this.#store.join());
    }
  }

  async #choose(action: number, rest: number): Promise<void> {
    const name = actions[action];
    const proxy = this.#proxies[rest % this.#proxies.length];
    if (proxy === undefined) return;
    const at = rest % 2;
    switch (name) {
      case 'read item':
        return this.#readItem(proxy, at);
      case 'read page':
        return this.#readPage(proxy);
      case 'ask store':
        return this.#ask(rest);
      case 'fill':
        return this.#fill(rest);
      case 'raise':
        return this.#raise(proxy, at);
      case 'apply':
        return this.#apply(pick(this.#writes, rest));
      case 'answer':
        return this.#answer(rest);
      case 'lose answer':
        return this.#loseAnswer(rest);
      case 'write around':
        return this.#writeAround(proxy, at);
      case 'pass time':
        return this.#pass(rest % 5 === 0 ? 4_000 : 300);
      case 'die':
        return rest % 3 === 0 ? this.#die(proxy) : undefined;
      default:
        return this.#fault(name, rest);
    }
  }

  async #fault(name: (typeof actions)[number] | undefined, rest: number): Promise<void> {
    const node = pick(this.#nodes(), rest);
    const server = pick(this.#fleet.redis.servers, rest);
    if (node === undefined || server === undefined) return;
    switch (name) {
      case 'hold':
        node.areStepsHeld = true;
        node.areAnnouncementsHeld = rest % 2 === 0;
        break;
      case 'release':
        node.areStepsHeld = false;
        node.areAnnouncementsHeld = false;
        break;
      case 'step':
        node.doNext();
        if (rest % 2 === 0) node.answerNext();
        break;
      case 'lose step':
        node.loseNext();
        break;
      case 'late step':
        node.doLate();
        break;
      case 'cut':
        node.goDown();
        break;
      case 'connect':
        node.comeUp();
        break;
      case 'save':
        this.#snapshots[this.#fleet.redis.servers.indexOf(server)] = server.snapshot();
        break;
      case 'restart':
        server.restart(
          rest % 3 === 0 ? undefined : this.#snapshots[this.#fleet.redis.servers.indexOf(server)],
        );
        break;
      case 'flush':
        if (rest % 3 === 0) server.flush();
        break;
      case 'evict':
        this.#evict(server, rest);
        break;
    }
  }

  async #join(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const proxy = new FleetProxy(this.#fleet);
      this.#proxies.push(proxy);
      this.#acknowledged.set(proxy, [0, 0]);
      proxy.link.comeUp();
    }
    for (let ms = 0; ms < youngMs; ms += 1_000) await this.#second();
  }

  #readItem(proxy: FleetProxy, at: number): void {
    const atLeast = this.#acknowledged.get(proxy)?.[at] ?? 0;
    void this.#read(proxy, async (table) => {
      const read = await proxy.cache.readItem(table, keyAt(at));
      if (read.kind === 'hit') this.#check([Number(read.value.toString())], [atLeast]);
      if (read.kind !== 'miss') return;
      const keep = async (value: Buffer) => (await proxy.cache.fillItem(read.token, value, 0)) !== undefined;
      this.#fills.push({ keep, ask: () => String(this.#store[at]), answer: undefined });
    });
  }

  #readPage(proxy: FleetProxy): void {
    const atLeast = [...(this.#acknowledged.get(proxy) ?? [])];
    void this.#read(proxy, async (table) => {
      const read = await proxy.cache.readPage(table, page);
      if (read.kind === 'hit') this.#check(read.value.toString().split(',').map(Number), atLeast);
      if (read.kind !== 'miss') return;
      const keep = async (value: Buffer) => (await proxy.cache.fillPage(read.token, value, 0)) !== undefined;
      this.#fills.push({ keep, ask: () => this.#store.join(), answer: undefined });
    });
  }

  async #read(proxy: FleetProxy, read: (table: SharedTable) => Promise<void>): Promise<void> {
    await read(await proxy.table()).catch((error) => {
      this.#failure = error;
    });
  }

  #check(served: readonly number[], atLeast: readonly number[]): void {
    const isOld = served.some((version, i) => version < (atLeast[i] ?? 0));
    if (isOld) throw new Error(`served ${served}, though ${atLeast} was acknowledged`);
  }

  #ask(rest: number): void {
    const fill = pick(this.#fills, rest);
    if (fill !== undefined) fill.answer ??= fill.ask();
  }

  #fill(rest: number): void {
    const [fill] = this.#fills.splice(rest % Math.max(1, this.#fills.length), 1);
    if (fill?.answer !== undefined) void fill.keep(Buffer.from(fill.answer));
  }

  async #raise(proxy: FleetProxy, at: number): Promise<void> {
    const table = await Promise.race([proxy.table(), turns()]);
    if (table === undefined) return;
    const untilMs = Infinity;
    void proxy.cache.raise([{ table, key: keyAt(at) }]).then((fence) => {
      this.#writes.push({ proxy, at, fence, version: undefined, untilMs });
    });
  }

  #apply(write: Write | undefined): void {
    if (write === undefined || write.version !== undefined) return;
    if (this.#fleet.clock.monotonic() >= write.untilMs) return;
    this.#versions++;
    this.#store[write.at] = this.#versions;
    write.version = this.#versions;
  }

  /** One that was not applied was refused. */
  #answer(rest: number): void {
    const write = pick(this.#writes, rest);
    if (write?.fence === undefined) return;
    const { proxy, at, version, fence } = write;
    this.#writes.splice(this.#writes.indexOf(write), 1);
    const written =
      version === undefined || rest % 3 === 0 ? undefined : { value: Buffer.from(String(version)), ttlMs: 0 };
    void proxy.cache
      .lower(fence, { written, generations: [{ tableId, name: 'p' }], generationsBeside: [] })
      .then(() => this.#acknowledge(proxy, at, version));
  }

  async #loseAnswer(rest: number): Promise<void> {
    const write = pick(this.#writes, rest);
    if (write?.fence !== undefined) await this.#abandon(write);
  }

  #abandon(write: Write): void {
    const { fence } = write;
    write.fence = undefined;
    write.untilMs = Math.min(write.untilMs, this.#fleet.clock.monotonic() + fenceMs);
    if (fence !== undefined) void write.proxy.cache.abandon(fence);
  }

  #writeAround(proxy: FleetProxy, at: number): void {
    this.#versions++;
    this.#store[at] = this.#versions;
    const version = this.#versions;
    void proxy.cache.voidTable(tableId, 0).then(() => this.#acknowledge(proxy, at, version));
  }

  #acknowledge(proxy: FleetProxy, at: number, version: number | undefined): void {
    const versions = this.#acknowledged.get(proxy);
    if (versions !== undefined) versions[at] = Math.max(versions[at] ?? 0, version ?? 0);
  }

  /** No call to the store takes longer than it may. */
  async #pass(ms: number): Promise<void> {
    if (ms >= 1_000) for (const write of this.#writes) if (write.fence !== undefined) this.#abandon(write);
    for (let passedMs = 0; passedMs < ms; passedMs += 1_000) await this.#second(Math.min(1_000, ms));
  }

  async #second(ms = 1_000): Promise<void> {
    await this.#fleet.advance(ms);
    for (const proxy of this.#proxies) await proxy.beat();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** What it sent to the store may be applied still, and what it sent to Redis may arrive. */
  #die(proxy: FleetProxy): void {
    if (this.#proxies.length < 2) return;
    this.#proxies.splice(this.#proxies.indexOf(proxy), 1);
    for (const node of proxy.link.nodes) {
      node.areStepsHeld = true;
      node.areAnnouncementsHeld = true;
      node.goDown();
    }
    for (const write of this.#writes) {
      if (write.proxy !== proxy) continue;
      write.fence = undefined;
      write.untilMs = Math.min(write.untilMs, this.#fleet.clock.monotonic() + fenceMs);
    }
  }

  /** Fences that are lost with their proxy are not found again, as proxy/DESIGN.md says. */
  #evict(server: SimulatedServer, rest: number): void {
    const names = [...server.keyspace.contents().keys()].filter((name) => /^slipstream:[vtgqe]:/.test(name));
    const name = names[rest % Math.max(1, names.length)];
    if (name !== undefined) server.keyspace.evict(name);
  }

  #nodes(): SimulatedNode[] {
    return this.#proxies.flatMap(({ link }) => link.nodes);
  }
}

const usual = [
  ...(['read item', 'read item', 'read page', 'ask store', 'ask store', 'fill', 'fill'] as const),
  ...(['raise', 'raise', 'apply', 'apply', 'answer', 'answer'] as const),
] as const;

/** More often what makes the others interesting, and what ends a fault rather than what begins one. */
const actions = [
  ...[...usual, ...usual, ...usual, ...usual, ...usual],
  ...(['lose answer', 'write around', 'pass time', 'die', 'evict', 'save', 'restart', 'flush'] as const),
  ...(['hold', 'release', 'release', 'step', 'step', 'step', 'lose step', 'lose step', 'late step'] as const),
  ...(['cut', 'connect', 'connect', 'connect', 'connect', 'connect'] as const),
];

function keyAt(at: number): KeyBytes {
  return keys[at] ?? '';
}

function pick<Thing>(things: readonly Thing[], rest: number): Thing | undefined {
  return things[rest % Math.max(1, things.length)];
}
