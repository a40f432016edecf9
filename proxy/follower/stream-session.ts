import type { FollowedTable, StreamPositions } from './followed-table.ts';
import { Interruption, lostShard } from './interruption.ts';
import { backoffMs, unlessAborted } from './pacing.ts';
import { ShardReader } from './shard-reader.ts';
import { type Shard, Shards } from './shards.ts';
import { type StreamListing, type StreamsApi, troubleOf } from './streams-api.ts';
import type { FollowerCounts, FollowerWorld } from './world.ts';

export interface StreamSessionParts {
  readonly world: FollowerWorld;
  readonly api: StreamsApi;
  readonly table: FollowedTable;
  readonly streamArn: string;
  readonly counts: FollowerCounts;
  readonly controller: AbortController;
  /** Called before the table is voided; with a reason if there are positions that cannot be gone on from. */
  readonly missed: (reason: unknown) => void;
}

/** From a shard's end to the first look for its children, where none is listed yet. */
const childrenPauseMs = 200;

/**
 * Reads one table's stream from its positions, or from its end, until it is interrupted.
 *
 * Invariants.
 *  1. Nothing falls between. Without positions, every open shard that is listed gets its iterator at `LATEST` first; then
 *     the table is voided. A change before an iterator came before the void, one after it is read. Positions are stored only
 *     once everybody has been told of the void: who goes on from them does not void again.
 *  2. A shard that is listed later is read from `TRIM_HORIZON`: all that it has, from before the void or not.
 *  3. Positions are gone on from only if they are of this stream, tell of each shard where it was, and no shard that has
 *     not ended has left the listing since.
 *  4. A shard is read after its parent. What a cache is left with does not rest on that, nor on records being told once:
 *     each record either finds the very item that it tells of, or drops what is cached. So the last one of a key
 *     leaves what the store has, or nothing, whenever and however often the others come.
 *  5. All work under way belongs to `controller`: once that is aborted nothing more is read, and of what has been read
 *     nothing more is delivered.
 */
export class StreamSession {
  readonly #world: FollowerWorld;
  readonly #table: FollowedTable;
  readonly #streamArn: string;
  readonly #counts: FollowerCounts;
  readonly #controller: AbortController;
  readonly #missed: (reason: unknown) => void;
  readonly #api: StreamsApi;
  readonly #reader: ShardReader;
  readonly #shards = new Shards();
  readonly #tasks = new Set<Promise<void>>();
  #isOpen = false;
  #listedAtMs: number;
  #listing: Promise<void> | undefined;

  constructor(parts: StreamSessionParts) {
    const { world, api, table, streamArn, counts, controller } = parts;
    this.#world = world;
    this.#table = table;
    this.#streamArn = streamArn;
    this.#counts = counts;
    this.#controller = controller;
    this.#missed = parts.missed;
    this.#api = api;
    const advanced = (shard: Shard) => this.#advanced(shard);
    this.#reader = new ShardReader({ world, api, table, streamArn, counts, advanced });
    this.#listedAtMs = world.clock.monotonic();
  }

  /** Whether a page of each shard that may be read has been delivered here. */
  get isCurrent(): boolean {
    return this.#isOpen && this.#shards.isCurrent;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get shardsRead(): number {
    return this.#shards.beingRead().length;
  }

  /**
   * Since when some shard has not got on, by the monotonic clock. Looks for new shards need not succeed: it is the end of
   * one that is being read that makes others begin.
   */
  progressAtMs(): number {
    const nowMs = this.#isOpen ? this.#world.clock.monotonic() : this.#listedAtMs;
    return Math.min(nowMs, ...this.#shards.beingRead().map((shard) => shard.progressAtMs));
  }

  /** Since when changes may be missing, as it is not known where they are written, or `progressAtMs`. */
  soundAtMs(): number {
    const awaiting = this.#shards.awaitingChildren(this.#world.clock.monotonic());
    return Math.min(this.progressAtMs(), ...awaiting.map((shard) => shard.progressAtMs));
  }

  /** What was written before then has been delivered, by the monotonic clock, as far as the store's can be believed. */
  currentAtMs(): number {
    const nowMs = this.#world.clock.monotonic();
    const shards = [...this.#shards.beingRead(), ...this.#shards.awaitingChildren(nowMs)];
    return Math.min(nowMs, ...shards.map((shard) => shard.currentAtMs));
  }

  /**
   * @returns why it ended, here or through the controller.
   * @throws Error one that is none of the store's: a defect.
   */
  async run(): Promise<Interruption> {
    const { signal } = this.#controller;
    try {
      await this.#open();
      await this.#listOn();
    } catch (error) {
      this.#controller.abort(error);
    }
    await Promise.allSettled(this.#tasks);
    if (signal.reason instanceof Interruption) return signal.reason;
    throw signal.reason;
  }

  async #open(): Promise<void> {
    const { claims, clock } = this.#world;
    const { signal } = this.#controller;
    const stored = await unlessAborted(signal, () => claims.positions(this.#table.id));
    const listing = await this.#persist(() => this.#describe());
    const obstacle = stored === undefined ? undefined : obstacleTo(stored, this.#streamArn, listing);
    if (stored !== undefined && obstacle === undefined) {
      this.#shards.meet(
        listing.shards,
        clock.monotonic(),
        ({ id }) => stored.shards.get(id) ?? 'TRIM_HORIZON',
      );
    } else {
      this.#missed(obstacle);
      await this.#beginAtEnd(listing);
    }
    this.#listedAtMs = clock.monotonic();
    this.#isOpen = true;
    this.#startReady();
    this.#awaitChildren();
  }

  /** Invariant 1. */
  async #beginAtEnd({ shards }: StreamListing): Promise<void> {
    const { clock, slots } = this.#world;
    this.#shards.meet(shards, clock.monotonic(), ({ isClosed }) => (isClosed ? 'ENDED' : 'LATEST'));
    const opened = [...this.#shards.all()].map(async (shard) => {
      if (shard.position !== 'LATEST') return;
      shard.iterator = await this.#persist(() =>
        slots.run(() => this.#api.iterator(this.#streamArn, shard.id, 'LATEST')),
      );
    });
    await Promise.all(opened);
    this.#controller.signal.throwIfAborted();
    await this.#persist(() => this.#voidTable());
    await this.#storeAll();
  }

  async #voidTable(): Promise<void> {
    const isTold = await this.#world.invalidations.voidTable(this.#table.id, 0);
    if (!isTold) throw new Error('the caches cannot be told that a table is void');
  }

  /** Until it succeeds, or fails for good. */
  async #persist<T>(call: () => Promise<T>): Promise<T> {
    const { signal } = this.#controller;
    for (let failures = 0; ; failures++) {
      try {
        return await unlessAborted(signal, call);
      } catch (error) {
        this.#survive(error);
        await this.#world.pause(backoffMs(failures, this.#world.random), signal);
      }
    }
  }

  async #listOn(): Promise<never> {
    const { pause, lookMs } = this.#world;
    for (;;) {
      await pause(lookMs(), this.#controller.signal);
      await this.#listOnce();
    }
  }

  /** A failed look changes nothing: there will be another. */
  #listOnce(): Promise<void> {
    this.#listing ??= this.#list()
      .catch((error) => this.#survive(error))
      .finally(() => {
        this.#listing = undefined;
      });
    return this.#listing;
  }

  async #list(): Promise<void> {
    const { clock } = this.#world;
    const listing = await unlessAborted(this.#controller.signal, () => this.#describe());
    this.#shards.meet(listing.shards, this.#listedAtMs);
    this.#listedAtMs = clock.monotonic();
    if (this.#shards.forgetTrimmed(listing.shards)) await this.#storeAgain();
    this.#startReady();
  }

  #startReady(): void {
    for (const shard of this.#shards.takeReady(this.#world.clock.monotonic())) {
      this.#start(() => this.#readToEnd(shard));
    }
  }

  async #readToEnd(shard: Shard): Promise<void> {
    await this.#reader.read(shard, this.#controller.signal);
    this.#shards.end(shard, this.#world.clock.monotonic());
    await this.#advanced(shard);
    this.#startReady();
    await this.#lookForChildren(shard);
  }

  /** A resharding may be visible in parts: a shard is closed, and those in its place are not listed yet. */
  async #lookForChildren(shard: Shard): Promise<void> {
    const { clock, pause } = this.#world;
    for (let pauseMs = childrenPauseMs; this.#shards.isAwaitingChildren(shard, clock.monotonic()); ) {
      await this.#listOnce();
      await pause(pauseMs, this.#controller.signal);
      pauseMs *= 2;
    }
  }

  #awaitChildren(): void {
    for (const shard of this.#shards.awaitingChildren(this.#world.clock.monotonic())) {
      this.#start(() => this.#lookForChildren(shard));
    }
  }

  /** What fails in one task ends all. */
  #start(work: () => Promise<void>): void {
    const task: Promise<void> = work()
      .catch((error) => this.#controller.abort(error))
      .finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
  }

  async #advanced({ id, position }: Shard): Promise<void> {
    const isKept = await this.#world.claims.advance(this.#table.id, id, position);
    if (!isKept) await this.#storeAgain();
  }

  /** Positions that have run out since following was not sound stay out until it is. */
  async #storeAgain(): Promise<void> {
    const { clock, times } = this.#world;
    if (clock.monotonic() - this.progressAtMs() <= times.stallMs) await this.#storeAll();
  }

  #storeAll(): Promise<void> {
    const positions = { streamArn: this.#streamArn, shards: this.#shards.positions() };
    return this.#world.claims.store(this.#table.id, positions);
  }

  /** @throws Interruption for a stream that is not there, or is not written to. */
  async #describe(): Promise<StreamListing> {
    try {
      const listing = await this.#api.describe(this.#streamArn);
      if (listing.isEnabled) return listing;
    } catch (error) {
      if (troubleOf(error) !== 'gone') throw error;
    }
    throw new Interruption('gone', 'the stream is disabled, or is not there any more');
  }

  /** Returns where it may be tried again. */
  #survive(error: unknown): void {
    this.#controller.signal.throwIfAborted();
    if (error instanceof Interruption) throw error;
    this.#counts.lastError = error;
    const trouble = troubleOf(error);
    if (trouble === 'gone' || trouble === 'trimmed') throw lostShard();
  }
}

/** Invariant 3. @returns why the positions cannot be gone on from; undefined if they can. */
function obstacleTo(
  stored: StreamPositions,
  streamArn: string,
  { shards }: StreamListing,
): string | undefined {
  if (stored.streamArn !== streamArn) return 'the table has another stream now';
  const listed = new Set(shards.map(({ id }) => id));
  for (const [id, position] of stored.shards) {
    if (position === 'LATEST') return 'nothing was read yet of a shard that had been joined at its end';
    if (position !== 'ENDED' && !listed.has(id)) return 'a shard that was being read is not there any more';
  }
  return undefined;
}
