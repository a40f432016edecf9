import type { Backend } from '../../protocol/backend.ts';
import type { Clock } from '../../protocol/clock.ts';
import type { Logger } from '../../protocol/logger.ts';
import type { Claims } from './claims.ts';
import type { Invalidations } from './invalidations.ts';
import type { Pause, Slots } from './pacing.ts';

/** What the parts of the follower share. */
export interface FollowerWorld {
  readonly backend: Backend;
  readonly invalidations: Invalidations;
  readonly claims: Claims;
  /** Taken by a page from its call until it is delivered. */
  readonly slots: Slots;
  readonly clock: Clock;
  readonly pause: Pause;
  readonly random: () => number;
  readonly log: Logger;
  readonly times: FollowerTimes;
  /** From one look at all shards of a stream to the next, and from one look for a missing stream to the next. */
  readonly lookMs: () => number;
}

/** In milliseconds. */
export interface FollowerTimes {
  /** The longest from one read of a shard that has nothing new to the next. */
  readonly pollMs: number;
  /** Without progress for so long a table's following is lost: it is not cached until it is followed again. */
  readonly stallMs: number;
  /** From one look at how a table gets on, and one claim, to the next. */
  readonly tickMs: number;
}

/** What is counted of a table, over all the times that its stream was read. */
export interface FollowerCounts {
  records: number;
  gaps: number;
  stalls: number;
  /** From the creation of the record that was delivered last to its delivery. */
  lagMs: number | undefined;
  /** The last error that following survived. */
  lastError: unknown;
}
