import { setMaxListeners } from 'node:events';
import type { FollowedTable } from './followed-table.ts';
import { Interruption } from './interruption.ts';
import { backoffMs, unlessAborted } from './pacing.ts';
import { StreamSession } from './stream-session.ts';
import { StreamsApi } from './streams-api.ts';
import type { FollowerCounts, FollowerWorld } from './world.ts';

/**
 * - `starting`: it is being found out where to read from, or the first pages are being read
 * - `following`: what is written around every proxy is told to the caches
 * - `standby`: another process of the fleet follows
 * - `noStream`: the table has none
 * - `stalled`: nothing has been heard for `stallMs`; the table is not cached
 */
export type FollowingState = 'starting' | 'following' | 'standby' | 'noStream' | 'stalled';

/** Counts since the table was met, except for what is so now. */
export interface FollowedTableStats {
  readonly tableId: string;
  readonly tableName: string;
  readonly state: FollowingState;
  /** Shards that are being read. */
  readonly shards: number;
  readonly records: number;
  /** How often changes were lost, or may have been, so that the table was voided. */
  readonly gaps: number;
  /** How often following was lost for `stallMs`. */
  readonly stalls: number;
  /**
   * From the creation of the record that was told last until then: by two clocks, one of which has whole seconds only.
   * Undefined before the first record, and where the store does not date its records.
   */
  readonly lagMs: number | undefined;
  /** How old what is cached may be; undefined where this process does not follow the table. */
  readonly behindMs: number | undefined;
}

/** For how long a table is followed that is not asked for: it may only be described anew. */
const lingerMs = 60_000;

/** How long a table that following was lost of is held at a time; renewed at half of it. */
const holdMs = 10_000;

/**
 * Follows one table for as long as it is asked for: claims it, finds its stream, reads that, and begins anew
 * whenever this ends.
 *
 * Invariants.
 *  1. Reading begins where the stored positions say, or the table is voided as it begins (stream-session.ts). When the
 *     stream ends, the table is voided too.
 *  2. Following is sound while a page of every shard is delivered again and again, or another process has the claim. Where
 *     it has not been sound for `stallMs` the table is held, anew before each hold runs out, until it is sound again. A
 *     table that has no stream is not held: it is cached as if nobody followed.
 *  3. Nothing is read under a claim that was not confirmed within `claims.claimMs`.
 *  4. A session that is not sound for `stallMs` is given up, and the claim with it: another process may have more luck.
 */
export class TableFollower {
  readonly table: FollowedTable;
  readonly #world: FollowerWorld;
  readonly #api: StreamsApi;
  readonly #end = new AbortController();
  readonly #counts: FollowerCounts = {
    records: 0,
    gaps: 0,
    stalls: 0,
    lagMs: undefined,
    lastError: undefined,
  };
  #state: FollowingState = 'starting';
  #session: Session | undefined;
  /** Whether reading was ever begun here. */
  #hasBegun = false;
  /** Until when following is known to have been sound, by the monotonic clock. */
  #soundAtMs: number;
  #leaveAtMs = Infinity;
  #heldUntilMs = -Infinity;
  #claimedUntilMs = -Infinity;

  constructor(world: FollowerWorld, table: FollowedTable) {
    this.#world = world;
    this.table = table;
    this.#api = new StreamsApi(world.backend, table);
    this.#soundAtMs = world.clock.monotonic();
  }

  get isStopped(): boolean {
    return this.#end.signal.aborted;
  }

  /** Ends after `stop`, or some time after `leave`. Never rejects. */
  async run(): Promise<void> {
    await Promise.all([this.#followOn(), this.#watchOn()]);
    await this.#world.claims.release(this.table.id);
  }

  /** The table is not asked for at the moment. */
  leave(): void {
    this.#leaveAtMs = this.#world.clock.monotonic() + lingerMs;
  }

  /** It is asked for again. */
  stay(): void {
    this.#leaveAtMs = Infinity;
  }

  stop(): void {
    const reason = new Interruption('unfollowed', 'the table is not asked for any more');
    this.#end.abort(reason);
    this.#session?.controller.abort(reason);
  }

  stats(): FollowedTableStats {
    const { records, gaps, stalls, lagMs } = this.#counts;
    return {
      tableId: this.table.id,
      tableName: this.table.name,
      state: this.#state,
      shards: this.#session?.stream.shardsRead ?? 0,
      ...{ records, gaps, stalls, lagMs },
      behindMs: this.#behindMs(),
    };
  }

  async #followOn(): Promise<void> {
    const { pause, random } = this.#world;
    const { signal } = this.#end;
    for (let failures = 0; !signal.aborted; ) {
      try {
        const pauseMs = await this.#follow();
        failures = 0;
        await pause(pauseMs, signal);
      } catch (error) {
        this.#counts.lastError = error;
        await pause(backoffMs(failures++, random), signal).catch(() => {});
      }
    }
  }

  /**
   * @returns how long to wait before the next attempt.
   * @throws Error where there is no stream to be had at the moment, or none that can be read.
   */
  async #follow(): Promise<number> {
    const { claims, times } = this.#world;
    if (!(await this.#claim())) return times.tickMs;
    const arn = await unlessAborted(this.#end.signal, () => this.#api.streamArn());
    if (arn === undefined) return this.#withoutStream();
    const end = await this.#read(arn);
    switch (end.kind) {
      case 'gone':
        return this.#withoutStream();
      case 'stalled':
        await claims.release(this.table.id);
        return 2 * times.tickMs;
      case 'claimLost':
        return times.tickMs;
      case 'gap':
        await claims.store(this.table.id, undefined);
        throw end;
      case 'unfollowed':
        throw end;
    }
  }

  /** @returns why it ended. */
  async #read(arn: string): Promise<Interruption> {
    const { clock } = this.#world;
    const controller = new AbortController();
    // Each shard that is read listens.
    setMaxListeners(0, controller.signal);
    const missed = (reason: unknown) => this.#missed(arn, reason);
    const parts = {
      world: this.#world,
      api: this.#api,
      table: this.table,
      streamArn: arn,
      counts: this.#counts,
    };
    const stream = new StreamSession({ ...parts, controller, missed });
    this.#session = { stream, controller };
    if (this.#state === 'noStream') this.#soundAtMs = clock.monotonic();
    if (this.#state !== 'stalled') this.#enter('starting');
    try {
      return await stream.run();
    } finally {
      this.#hasBegun ||= stream.isOpen;
      this.#session = undefined;
    }
  }

  /** The table is voided since changes may have been missed, which is so at every first beginning. */
  #missed(streamArn: string, reason: unknown): void {
    if (!this.#hasBegun && reason === undefined) return;
    this.#counts.gaps++;
    if (this.#state === 'stalled') return;
    const details = { ...this.#details(), streamArn, err: reason ?? this.#counts.lastError };
    this.#world.log.warn(details, 'changes of a table may have been missed: what is cached of it is void');
  }

  /** What was cached while there was a stream was cached in the belief that changes would be told. */
  async #withoutStream(): Promise<number> {
    const { claims, invalidations, lookMs } = this.#world;
    this.#enter('noStream');
    if (this.#hasBegun) await invalidations.voidTable(this.table.id, 0);
    this.#hasBegun = false;
    await claims.release(this.table.id);
    return lookMs();
  }

  /** @returns whether the table is this process's to read. */
  async #claim(): Promise<boolean> {
    const { claims, clock } = this.#world;
    const sentAtMs = clock.monotonic();
    const isSound = this.#state === 'following';
    switch (await claims.claim(this.table.id, isSound)) {
      case 'held':
        this.#claimedUntilMs = sentAtMs + claims.claimMs;
        return true;
      case 'other':
        this.#soundAtMs = sentAtMs;
        this.#enter('standby');
        return false;
      case 'unknown':
        return this.#session !== undefined && clock.monotonic() < this.#claimedUntilMs;
    }
  }

  async #watchOn(): Promise<void> {
    const { pause, times } = this.#world;
    while (!this.#end.signal.aborted) {
      await pause(times.tickMs, this.#end.signal).catch(() => {});
      if (this.#world.clock.monotonic() >= this.#leaveAtMs) this.stop();
      if (this.isStopped) return;
      await this.#keepClaim();
      await this.#watch();
    }
  }

  async #keepClaim(): Promise<void> {
    const session = this.#session;
    if (session === undefined || (await this.#claim())) return;
    session.controller.abort(new Interruption('claimLost', 'another process follows the table'));
  }

  /** Invariants 2 and 4. */
  async #watch(): Promise<void> {
    const { clock, times } = this.#world;
    const session = this.#session?.controller.signal.aborted === false ? this.#session : undefined;
    const isCurrent = session?.stream.isCurrent === true;
    if (isCurrent) this.#soundAtMs = Math.max(this.#soundAtMs, session.stream.soundAtMs());
    if (this.#state === 'noStream') return;
    const nowMs = clock.monotonic();
    if (nowMs - this.#soundAtMs <= times.stallMs) {
      if (isCurrent) this.#enter('following');
      return;
    }
    if (this.#state !== 'stalled') this.#counts.stalls++;
    this.#enter('stalled');
    await this.#hold(nowMs);
    if (session === undefined || nowMs - session.stream.progressAtMs() <= times.stallMs) return;
    session.controller.abort(new Interruption('stalled', 'no shard of the stream gets on'));
  }

  async #hold(nowMs: number): Promise<void> {
    if (nowMs < this.#heldUntilMs - holdMs / 2) return;
    this.#heldUntilMs = nowMs + holdMs;
    await this.#world.invalidations.voidTable(this.table.id, holdMs);
  }

  #behindMs(): number | undefined {
    const session = this.#session;
    return session && this.#world.clock.monotonic() - session.stream.currentAtMs();
  }

  /** Each change of the state is logged, once. */
  #enter(state: FollowingState): void {
    const { log, times } = this.#world;
    if (state === this.#state) return;
    const details = { ...this.#details(), state, before: this.#state };
    this.#state = state;
    switch (state) {
      case 'starting':
        return;
      case 'following':
      case 'standby':
        log.info(details, 'the stream of a table is followed');
        return;
      case 'noStream':
        log.warn(details, noStreamHint);
        return;
      case 'stalled':
        log.error(
          { ...details, err: this.#counts.lastError, stallMs: times.stallMs },
          'the stream of a table cannot be followed: the table is not cached until it can',
        );
    }
  }

  #details(): Record<string, unknown> {
    return { table: this.table.name, tableId: this.table.id };
  }
}

interface Session {
  readonly stream: StreamSession;
  readonly controller: AbortController;
}

const noStreamHint =
  'a table has no stream, or is not there: writes around every proxy are not seen until the time to live ends. ' +
  'Enable a stream with StreamViewType NEW_AND_OLD_IMAGES';
