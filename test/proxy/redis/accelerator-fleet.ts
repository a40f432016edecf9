import type { Request } from '../../../protocol/backend.ts';
import { canonicalKey, type KeyBytes } from '../../../protocol/key.ts';
import { Reply } from '../../../protocol/reply.ts';
import { Accelerator, type AcceleratorOptions } from '../../../proxy/accelerator.ts';
import { itemNames } from '../../../proxy/cache/redis/names.ts';
import { RedisCache } from '../../../proxy/cache/redis/shared-redis.ts';
import type { Invalidations } from '../../../proxy/follower/invalidations.ts';
import { idSchema, itemOf, region } from '../accelerator-fixture.ts';
import { type HeldCall, SimulatedStore } from '../simulated-store.ts';
import { callMs, Fleet, fenceMs, turns, youngMs } from './fleet.ts';
import type { SimulatedLink, SimulatedNode } from './simulated-redis.ts';

/** Three accelerators that share a simulated Redis before a simulated store with the table `items`, key `id`. */
export class AcceleratorFleet {
  readonly fleet = new Fleet();
  readonly store = new SimulatedStore({ answers: 'soon', bytes: false });
  readonly proxies: readonly [FleetAccelerator, FleetAccelerator, FleetAccelerator];
  readonly clock = this.fleet.clock;

  private constructor(options: Partial<AcceleratorOptions>) {
    this.store.createTable('items', idSchema, region, { name: 'g', type: 'S' });
    const open = () => new FleetAccelerator(this, options);
    this.proxies = [open(), open(), open()];
  }

  /** With proxies that have been up for long enough that neither they nor Redis are young. */
  static async start(
    options: Partial<AcceleratorOptions> = {},
  ): Promise<[AcceleratorFleet, ...AcceleratorFleet['proxies']]> {
    const fleet = new AcceleratorFleet(options);
    for (const proxy of fleet.proxies) proxy.link.comeUp();
    await fleet.pass(youngMs);
    return [fleet, ...fleet.proxies];
  }

  /** Time passes, and each second all proxies give a sign of life. */
  async pass(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += 1_000) {
      await this.fleet.advance(Math.min(1_000, ms - passedMs));
      for (const proxy of this.proxies) proxy.beat();
      await turns();
    }
  }

  /** How often the store was asked for an item while `act` ran. */
  async readsDuring(act: () => Promise<unknown>): Promise<number> {
    const before = this.store.count('GetItem');
    await act();
    return this.store.count('GetItem') - before;
  }

  /** Redis needs the room of the item's value. */
  evict(id: string): void {
    const tableId = this.store.tableId('items') ?? '';
    this.fleet.server.keyspace.evict(itemNames(tableId, keyOf(id)).value);
  }

  /** The call of the operation that waits for the test. */
  held(operation: string): HeldCall {
    const held = this.store.held.find(({ request }) => request.operation === operation);
    if (held === undefined) throw new Error(`no ${operation} waits`);
    return held;
  }
}

export class FleetAccelerator {
  readonly link: SimulatedLink;
  readonly accelerator: Accelerator;
  beat: () => void = () => {};
  readonly #store: SimulatedStore;
  #invalidations: Invalidations | undefined;

  constructor({ fleet, store }: AcceleratorFleet, options: Partial<AcceleratorOptions>) {
    this.link = fleet.redis.link();
    this.#store = store;
    this.accelerator = new Accelerator(store, {
      cacheBytesMax: 10_000_000,
      itemTtlMs: 0,
      queryTtlMs: 600_000,
      tables: {},
      describeMs: 3_600_000,
      settleMs: 0,
      fenceMs,
      clock: fleet.clock,
      ...options,
      openFollower: (invalidations) => {
        this.#invalidations = invalidations;
        return { follow: () => {}, unfollow: () => {}, close: async () => {} };
      },
      openShared: (listener, settleMs) =>
        new RedisCache({
          nodes: this.link.open,
          listener,
          staleIfRedisDownMs: 0,
          fenceMs,
          callMs,
          settleMs,
          clock: fleet.clock,
          newId: () => fleet.newId(),
          every: (_periodMs, task) => {
            this.beat = task;
            return () => {};
          },
          log: undefined,
        }),
    });
  }

  get node(): SimulatedNode {
    const [node] = this.link.nodes;
    if (node === undefined) throw new Error('there is no master');
    return node;
  }

  /** The stream's record of a change arrives here. */
  async follow(id: string, before: string | undefined, after: string | undefined): Promise<void> {
    const table = { id: this.#store.tableId('items') ?? '', name: 'items', region, schema: idSchema };
    await this.#invalidations?.changed({
      table,
      key: keyOf(id),
      oldItem: before === undefined ? undefined : itemOf(id, before),
      newItem: after === undefined ? undefined : itemOf(id, after),
    });
  }

  async send(request: Request): Promise<Record<string, unknown>> {
    const reply = await this.accelerator.call(request);
    if (!(reply instanceof Reply)) throw new TypeError('that is no reply');
    return JSON.parse(reply.body.toString());
  }

  call(operation: string, input: object): Promise<Record<string, unknown>> {
    return this.send({ operation, input: { TableName: 'items', ...input }, region });
  }

  /** @returns the item's `v`. */
  async get(id: string, noCache = false): Promise<string | undefined> {
    const input = { TableName: 'items', Key: { id: { S: id } } };
    const { Item: item } = await this.send({ operation: 'GetItem', input, region, noCache });
    return (item as { v: { S: string } } | undefined)?.v.S;
  }

  put(id: string, v: string): Promise<unknown> {
    return this.call('PutItem', { Item: itemOf(id, v) });
  }
}

function keyOf(id: string): KeyBytes {
  return canonicalKey(idSchema, { id: { S: id } });
}
