import { joinKey, type KeyBytes } from '../../../protocol/key.ts';
import { itemNames, recordNames } from '../../../proxy/cache/redis/names.ts';
import { RedisCache } from '../../../proxy/cache/redis/shared-redis.ts';
import type { SharedListener, SharedRead, SharedTable } from '../../../proxy/cache/shared.ts';
import { type SimulatedLink, SimulatedRedis, type SimulatedServer } from './simulated-redis.ts';

export const fenceMs = 10_000;
export const callMs = 5_000;
/** How long what a proxy keeps in a process of Redis that it has just met lives at most. */
export const youngMs = fenceMs + 3_000;
/** How long a fence stands that nobody lowers: `raiseMs` of items.ts, and the above. */
export const raisedMs = 2_000 + callMs + fenceMs;

/** With three masters its record lies beside the item of `key`, and elsewhere than what all tables share. */
export const tableId = '0b0a5f5e-51c1-4ba9-9f0c-3f3a4f1cd104';
export const key = joinKey('partition', 'sort');

/** Some proxies and a simulated Redis, with a time of their own. */
export class Fleet {
  readonly redis: SimulatedRedis;
  readonly clock = { now: () => this.#nowMs, monotonic: () => this.#nowMs };
  #nowMs = 1_700_000_000_000;
  #ids = 0;

  constructor(masters = 1) {
    this.redis = new SimulatedRedis(() => this.#nowMs, masters);
  }

  /** The first master. */
  get server(): SimulatedServer {
    return this.redis.serverOf('{*}');
  }

  /** A proxy that is connected, and for which neither Redis nor the table's record is young any more. */
  async proxy(options: FleetProxyOptions = {}): Promise<FleetProxy> {
    const proxy = new FleetProxy(this, options);
    await this.#growOld([proxy]);
    return proxy;
  }

  async pair(options: FleetProxyOptions = {}): Promise<[FleetProxy, FleetProxy]> {
    const pair: [FleetProxy, FleetProxy] = [new FleetProxy(this, options), new FleetProxy(this, options)];
    await this.#growOld(pair);
    return pair;
  }

  async #growOld(proxies: readonly FleetProxy[]): Promise<void> {
    for (const proxy of proxies) proxy.link.comeUp();
    await this.#makeRecord();
    for (let ageMs = 0; ageMs < youngMs; ageMs += 1_000) {
      await this.advance(1_000);
      for (const proxy of proxies) await proxy.beat();
    }
  }

  /** By somebody who has left since, so that nobody knows it. */
  async #makeRecord(): Promise<void> {
    const maker = new FleetProxy(this);
    maker.link.comeUp();
    await maker.table();
    await maker.cache.close();
  }

  /** A key whose item another master has than the table's record. */
  get keyElsewhere(): KeyBytes {
    const recordServer = this.redis.serverOf(recordNames(tableId).record);
    const keys = Array.from({ length: 50 }, (_, i) => joinKey(`key ${i}`, ''));
    const elsewhere = keys.find(
      (each) => this.redis.serverOf(itemNames(tableId, each).value) !== recordServer,
    );
    if (elsewhere === undefined) throw new Error('all items lie beside the record');
    return elsewhere;
  }

  async advance(ms: number): Promise<void> {
    this.#nowMs += ms;
    await turns();
  }

  newId(): string {
    this.#ids++;
    return `id${this.#ids}`;
  }
}

export interface FleetProxyOptions {
  readonly staleIfRedisDownMs?: number;
  /** Of the store; 0 by default. */
  readonly settleMs?: number;
}

export class FleetProxy {
  readonly cache: RedisCache;
  readonly link: SimulatedLink;
  /** What L1 was told to drop. */
  readonly heard: string[] = [];
  #beat: () => void = () => {};

  constructor(fleet: Fleet, { staleIfRedisDownMs = 0, settleMs = 0 }: FleetProxyOptions = {}) {
    this.link = fleet.redis.link();
    this.cache = new RedisCache({
      nodes: this.link.open,
      listener: this.#listener(),
      staleIfRedisDownMs,
      fenceMs,
      callMs,
      settleMs: () => settleMs,
      clock: fleet.clock,
      newId: () => fleet.newId(),
      every: (_periodMs, task) => {
        this.#beat = task;
        return () => {
          this.#beat = () => {};
        };
      },
      log: undefined,
    });
  }

  /** What happens each second. */
  async beat(): Promise<void> {
    this.#beat();
    await turns();
  }

  async table(fingerprint = 'one', id = tableId): Promise<SharedTable> {
    const table = await this.cache.table({ id, fingerprint });
    if (table === undefined) throw new Error('the table is unknown');
    return table;
  }

  async read(of: KeyBytes = key): Promise<string> {
    return textOf(await this.cache.readItem(await this.table(), of));
  }

  /** Reads what is not cached, and puts it. */
  async fill(value: string, ttlMs = 0, of: KeyBytes = key): Promise<boolean> {
    const read = await this.cache.readItem(await this.table(), of);
    if (read.kind !== 'miss') throw new Error(`a ${read.kind} is not filled`);
    return (await this.cache.fillItem(read.token, Buffer.from(value), ttlMs)) !== undefined;
  }

  async raise(of: KeyBytes = key): Promise<Awaited<ReturnType<RedisCache['raise']>>> {
    return this.cache.raise([{ table: await this.table(), key: of }]);
  }

  /** A write with all its steps. */
  async write(value: string | undefined, generations: readonly KeyBytes[] = []): Promise<void> {
    await this.cache.lower(await this.raise(), changes(value, generations));
  }

  async readPage(generations: readonly KeyBytes[] = ['p']): Promise<string> {
    return textOf(await this.cache.readPage(await this.table(), { name: 'page', generations }));
  }

  async fillPage(value: string, generations: readonly KeyBytes[] = ['p'], ttlMs = 0): Promise<boolean> {
    const read = await this.cache.readPage(await this.table(), { name: 'page', generations });
    if (read.kind !== 'miss') throw new Error(`a ${read.kind} is not filled`);
    return (await this.cache.fillPage(read.token, Buffer.from(value), ttlMs)) !== undefined;
  }

  #listener(): SharedListener {
    return {
      item: (id, dropped) => this.heard.push(`item ${id} ${dropped}`),
      generation: (id, name) => this.heard.push(`generation ${id} ${name}`),
      table: (id) => this.heard.push(`table ${id}`),
      everything: () => this.heard.push('everything'),
    };
  }
}

export function changes(value?: string, generations: readonly KeyBytes[] = []) {
  return {
    generations: generations.map((name) => ({ tableId, name })),
    generationsBeside: [],
    written: value === undefined ? undefined : { value: Buffer.from(value), ttlMs: 0 },
  };
}

/** The value that was hit, or what happened instead. */
export function textOf(read: SharedRead<unknown>): string {
  return read.kind === 'hit' ? read.value.toString() : read.kind;
}

/** Everything that can go on by itself has done so. */
export function turns(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
