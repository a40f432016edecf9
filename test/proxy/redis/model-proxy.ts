import type { Backend } from '../../../protocol/backend.ts';
import { Accelerator } from '../../../proxy/accelerator.ts';
import type { RedisCache } from '../../../proxy/cache/redis/shared-redis.ts';
import type { Invalidations } from '../../../proxy/follower/invalidations.ts';
import type { ManualClock } from '../simulated-store.ts';
import type { Outdated } from './model-oracle.ts';
import type { Rules } from './model-scenario.ts';
import type { SimulatedLink, SimulatedNode, SimulatedRedis } from './simulated-redis.ts';

export const fenceMs = 10_000;
export const callMs = 5_000;

export interface ModelProxyOptions {
  readonly rules: Rules;
  readonly clock: ManualClock;
  readonly redis: SimulatedRedis;
  /** As this proxy reaches it. */
  readonly store: Backend;
  /** No other process has it. */
  readonly process: string;
  readonly describeMs: number;
  readonly settleMs: number;
}

/** One process with an accelerator, which does nothing that no action lets it do. */
export class ModelProxy {
  readonly accelerator: Accelerator;
  readonly cache: RedisCache;
  readonly link: SimulatedLink;
  readonly invalidations: Invalidations;
  /** Everything that reached it, in its order: it does the same whenever that is the same. */
  readonly trace: string[];
  outdated: Outdated = new Map();
  #beat = () => {};
  #isKilled = false;

  constructor({ rules, clock, redis, store, process, describeMs, settleMs }: ModelProxyOptions) {
    this.link = redis.link();
    this.trace = [process];
    const opened: { accelerator?: Accelerator; cache?: RedisCache; invalidations?: Invalidations } = {};
    let count = 0;
    opened.accelerator = new Accelerator(this.#mortal(store), {
      cacheBytesMax: 1_000_000,
      itemTtlMs: 0,
      queryTtlMs: 3_600_000,
      tables: {},
      describeMs,
      settleMs,
      fenceMs,
      clock,
      openShared: (listener, settlesMs) => {
        opened.cache = new rules.cache({
          nodes: this.link.open,
          listener: rules.listener(listener, () => opened.accelerator),
          staleIfRedisDownMs: 0,
          fenceMs,
          callMs,
          settleMs: settlesMs,
          clock,
          newId: () => `${process}${count++}`,
          every: (_ms, task) => {
            this.#beat = task;
            return () => {};
          },
          log: undefined,
        });
        return opened.cache;
      },
      openFollower: (invalidations) => {
        opened.invalidations = invalidations;
        return { follow: () => {}, unfollow: () => {}, close: async () => {} };
      },
    });
    const { accelerator, cache, invalidations } = opened;
    if (cache === undefined || invalidations === undefined) throw new Error('the accelerator shares nothing');
    this.accelerator = accelerator;
    this.cache = cache;
    this.invalidations = invalidations;
  }

  get nodes(): readonly SimulatedNode[] {
    return this.link.nodes;
  }

  /** Gives a sign of life, and pays what it owes. */
  beat(): void {
    this.#beat();
  }

  /** What it has sent may still be done; it sends nothing any more. */
  kill(): void {
    this.#isKilled = true;
    this.link.goDown();
  }

  get isKilled(): boolean {
    return this.#isKilled;
  }

  /** Whether all masters are away, or everything that they announced was heard. */
  get hasHeard(): boolean {
    return this.nodes.every(({ announcements }) => announcements.length === 0);
  }

  get isAway(): boolean {
    return this.nodes.every(({ runId }) => runId === undefined);
  }

  fingerprint(): unknown {
    return [this.trace, [...this.outdated], this.nodes.map(underWay)];
  }

  #mortal(store: Backend): Backend {
    return {
      call: (request) => (this.#isKilled ? new Promise(() => {}) : store.call(request)),
      close: async () => {},
    };
  }
}

/** What a proxy has sent is decided by what has reached it. */
function underWay({ runId, sent, done, late, announcements }: SimulatedNode): unknown {
  return [runId, sent.length, done.map(({ answer }) => String(answer)), late.length, announcements];
}
