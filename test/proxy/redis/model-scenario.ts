import type { Accelerator } from '../../../proxy/accelerator.ts';
import { RedisCache } from '../../../proxy/cache/redis/shared-redis.ts';
import type { SharedListener } from '../../../proxy/cache/shared.ts';
import type { Kind } from './model-items.ts';
import { twinSteps } from './twin.ts';

/** Who takes part, and what may happen to them. Whatever is absent or 0 does not happen. */
export interface Scenario {
  readonly proxies: number;
  /** Of Redis; 1 by default. */
  readonly masters?: number;
  readonly readers?: readonly ReaderPlan[];
  /** Of each writer of the first item, the proxy that it writes through. */
  readonly writers?: readonly number[];
  /** The same of those who write both items in one BatchWriteItem, and how many of these the store does in part only. */
  readonly batchWriters?: readonly number[];
  readonly partialBatches?: number;
  /** Writes that go to the store alone, which the first proxy learns of from a stream. */
  readonly writesAround?: number;
  /** The follower is lost with what it has yet to tell: the last proxy takes over, and voids the table. */
  readonly followerLosses?: number;
  /** The table is deleted and created anew, through this proxy, or around all of them. */
  readonly replacement?: number | 'around';
  /** An index is added to the table, or dropped, around all proxies. */
  readonly index?: 'added' | 'dropped';
  /** Eventually consistent reads of the store lag behind, for less than it takes to settle. */
  readonly lags?: boolean;
  /** Steps of Redis, and calls of the store, that pass their deadline. */
  readonly lostSteps?: number;
  readonly timeouts?: number;
  /** Steps that are lost are never done; else they may be done later. */
  readonly losesForGood?: boolean;
  /** A master restarts, with nothing, or with what it had at some time before. */
  readonly restarts?: 'empty' | 'old';
  readonly flushes?: number;
  /** Redis needs the room of something: a value, a token, a page, a generation, the fences, or a table's record. */
  readonly evictions?: number;
  /** Connections to a master that break. */
  readonly breaks?: number;
  /** The last of the proxies is killed, and another one takes its place. */
  readonly crashes?: number;
  /** All steps that a proxy has sent are done, and answered, in one turn, and so is what it has to hear: fewer orders, for more of everything else. */
  readonly doesAtOnce?: boolean;
}

export interface ReaderPlan {
  readonly proxy: number;
  readonly kind: Kind;
}

/** What is checked, so that weakened ones can take its place. */
export interface Rules {
  readonly cache: typeof RedisCache;
  readonly steps: typeof twinSteps;
  readonly listener: (listener: SharedListener, accelerator: () => Accelerator | undefined) => SharedListener;
  /** A process of Redis that restarts cannot be told from the one before. */
  readonly keepsRunId: boolean;
  /** Takes the place of something that cannot be had otherwise; returns what undoes it. */
  readonly patch?: () => () => void;
}

export const realRules: Rules = {
  cache: RedisCache,
  steps: twinSteps,
  listener: (listener) => listener,
  keepsRunId: false,
};

/** A client of each kind, for lists of readers. */
export const reader = {
  item: (proxy: number): ReaderPlan => ({ proxy, kind: 'item' }),
  other: (proxy: number): ReaderPlan => ({ proxy, kind: 'other' }),
  batch: (proxy: number): ReaderPlan => ({ proxy, kind: 'batch' }),
  query: (proxy: number): ReaderPlan => ({ proxy, kind: 'query' }),
  index: (proxy: number): ReaderPlan => ({ proxy, kind: 'index' }),
};
