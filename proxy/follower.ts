import type { Backend } from '../protocol/backend.ts';
import { type Clock, systemClock } from '../protocol/clock.ts';
import type { Logger } from '../protocol/logger.ts';
import { type Claims, SoleClaims } from './follower/claims.ts';
import type { FollowedTable } from './follower/followed-table.ts';
import type { Invalidations } from './follower/invalidations.ts';
import { type Pause, Slots, systemPause } from './follower/pacing.ts';
import { type FollowedTableStats, TableFollower } from './follower/table-follower.ts';
import type { FollowerWorld } from './follower/world.ts';

/** All times are in milliseconds. */
export interface FollowerOptions {
  /** Serves DescribeTable and the operations of DynamoDB Streams. */
  readonly backend: Backend;
  readonly invalidations: Invalidations;
  /** Of the fleet; absent: this process follows every table for itself. */
  readonly claims?: Claims;
  /** The longest from one read of a shard that has nothing new to the next. 200 by default: AWS allows 5 in a second. */
  readonly pollMs?: number;
  /** After so long without progress a table is not cached until it is followed again. 10,000 by default. */
  readonly stallMs?: number;
  readonly clock?: Clock;
  readonly pause?: Pause;
  readonly random?: () => number;
  readonly log: Logger;
}

/** What the cache asks of a follower. */
export interface TableFollowing {
  /** Called before anything of the table is cached. */
  follow(table: FollowedTable): void;
  /** The table is void, and nothing of it is cached until it is to be followed again. */
  unfollow(tableId: string): void;
  /**
   * How old what is cached may be, in milliseconds, against writes that went around every proxy: of the followed table that
   * is worst. Absent: not known. Tables that have no stream are cached by their time to live, and do not count.
   */
  readonly behindMs?: number;
  close(): Promise<void>;
}

/** Counts since the start, also of tables that are not followed any more, except for what is so now. */
export interface FollowerStats {
  /** Those that are followed now. */
  readonly tables: readonly FollowedTableStats[];
  readonly records: number;
  readonly gaps: number;
  readonly stalls: number;
  /** Tables that are not followed since there are more than `followedTablesMax`. */
  readonly refused: number;
}

/** Tables followed at once. */
const followedTablesMax = 1_000;
/** Pages being read or delivered at once, of 1 MB each at most (AWS: API_streams_GetRecords). */
const pagesMax = 64;
const tickMs = 1_000;
/** Between two looks at one table's stream, however few tables there are. */
const lookMsMin = 10_000;
/** Of all tables together one look in this time: AWS answers 10 DescribeStream calls in a second. */
const lookMsEach = 200;

/**
 * Tells caches of the writes that went around every proxy, as DynamoDB Streams tells of them: reads the stream of each
 * table that it is asked to follow. In a fleet one process reads the stream of a table for all, and another one takes
 * over where it ends (`Claims`).
 */
export class Follower implements TableFollowing {
  readonly #world: FollowerWorld;
  readonly #tables = new Map<string, TableFollower>();
  readonly #refused = new Set<string>();
  readonly #running = new Map<TableFollower, Promise<void>>();
  readonly #stallMs: number;
  /** Of the followers that have ended: counts never go down. */
  #ended: FollowerTotals = { records: 0, gaps: 0, stalls: 0 };
  #isClosed = false;

  constructor(options: FollowerOptions) {
    const { pollMs = 200, stallMs = 10_000 } = options;
    this.#stallMs = stallMs;
    this.#world = {
      backend: options.backend,
      invalidations: options.invalidations,
      claims: options.claims ?? new SoleClaims(),
      slots: new Slots(pagesMax),
      clock: options.clock ?? systemClock,
      pause: options.pause ?? systemPause,
      random: options.random ?? Math.random,
      log: options.log,
      times: { pollMs, stallMs, tickMs },
      lookMs: () => Math.max(lookMsMin, this.#tables.size * lookMsEach),
    };
  }

  follow(table: FollowedTable): void {
    if (this.#isClosed) return;
    const present = this.#tables.get(table.id);
    if (present?.isStopped === false) present.stay();
    else if (this.#tables.size >= followedTablesMax) this.#refuse(table);
    else this.#start(table, present);
  }

  unfollow(tableId: string): void {
    this.#refused.delete(tableId);
    this.#tables.get(tableId)?.leave();
  }

  /** Where another process follows a table, what that one may be behind before the table is held. */
  get behindMs(): number {
    const behindMsMax = this.#stallMs + tickMs;
    const stats = [...this.#tables.values()].map((table) => table.stats());
    return stats.filter(isTold).reduce((worstMs, { behindMs = behindMsMax }) => {
      return Math.max(worstMs, Math.min(behindMs, behindMsMax));
    }, 0);
  }

  stats(): FollowerStats {
    const running = [...this.#running.keys()].map((table) => table.stats());
    return {
      tables: [...this.#tables.values()].map((table) => table.stats()),
      ...running.reduce(plus, this.#ended),
      refused: this.#refused.size,
    };
  }

  /** Ends all reading, and leaves the tables to the other processes of the fleet. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const table of this.#tables.values()) table.stop();
    await Promise.all(this.#running.values());
  }

  /** @param before gives its claim up at its end, which must not be the new one's. */
  #start(table: FollowedTable, before: TableFollower | undefined): void {
    const follower = new TableFollower(this.#world, table);
    const ended = before === undefined ? undefined : this.#running.get(before);
    this.#tables.set(table.id, follower);
    this.#running.set(follower, this.#run(follower, ended));
  }

  async #run(follower: TableFollower, before: Promise<void> | undefined): Promise<void> {
    await before;
    await follower.run();
    this.#running.delete(follower);
    this.#ended = plus(this.#ended, follower.stats());
    if (this.#tables.get(follower.table.id) === follower) this.#tables.delete(follower.table.id);
  }

  #refuse({ id, name }: FollowedTable): void {
    if (this.#refused.has(id)) return;
    this.#refused.add(id);
    const details = { table: name, followedTablesMax };
    this.#world.log.warn(details, 'the stream of a table is not followed: there are too many tables');
  }
}

type FollowerTotals = Pick<FollowerStats, 'records' | 'gaps' | 'stalls'>;

function plus(totals: FollowerTotals, more: FollowerTotals): FollowerTotals {
  return {
    records: totals.records + more.records,
    gaps: totals.gaps + more.gaps,
    stalls: totals.stalls + more.stalls,
  };
}

/** Whether what is cached of the table rests on its stream: while following is lost nothing of it is cached. */
function isTold({ state }: FollowedTableStats): boolean {
  return state !== 'stalled' && state !== 'noStream';
}
