import { readKey } from '../cache/key-reader.ts';
import type { FollowedTable } from './followed-table.ts';
import { Interruption, lostShard } from './interruption.ts';
import { backoffMs, ReadPace, unlessAborted } from './pacing.ts';
import type { Shard } from './shards.ts';
import { type StreamPage, type StreamRecord, type StreamsApi, troubleOf } from './streams-api.ts';
import type { FollowerCounts, FollowerWorld } from './world.ts';

export interface ShardReaderParts {
  readonly world: FollowerWorld;
  readonly api: StreamsApi;
  readonly table: FollowedTable;
  readonly streamArn: string;
  readonly counts: FollowerCounts;
  /** Called after everything up to a shard's new position has been delivered. */
  readonly advanced: (shard: Shard) => Promise<void>;
}

/** Records of one shard that are being told at the same time. */
const atOnceMax = 100;

/**
 * How old a shard may be of which nothing has been read: well within the 24 hours after which its first records would be
 * missing without an error.
 */
const horizonMsMax = 12 * 3_600_000;

/**
 * Reads one shard to its end.
 *
 * Invariants.
 *  1. A page is delivered as a whole before the next one is asked for, and before the position passes it. So every
 *     record after the position is read again, whatever happens in between.
 *  2. An iterator belongs to the position: it is renewed from the position where it has expired. One at `LATEST` cannot be
 *     renewed without a gap.
 *  3. What was trimmed before it was read is a gap.
 *  4. At most one page of a shard is under way.
 */
export class ShardReader {
  readonly #parts: ShardReaderParts;

  constructor(parts: ShardReaderParts) {
    this.#parts = parts;
  }

  /** @throws Interruption where the whole stream is concerned; the signal's reason. */
  async read(shard: Shard, signal: AbortSignal): Promise<void> {
    const { clock, slots, pause, random, times } = this.#parts.world;
    const pace = new ReadPace(times.pollMs, clock);
    for (let failures = 0; ; ) {
      try {
        const sentAtMs = clock.monotonic();
        const { records, nextIterator } = await unlessAborted(signal, () =>
          slots.run(() => this.#readPage(shard, signal)),
        );
        if (nextIterator === undefined) return;
        failures = 0;
        await pause(pace.pauseMs(records.length, sentAtMs), signal);
      } catch (error) {
        this.#survive(shard, error, signal);
        await pause(backoffMs(failures++, random), signal);
      }
    }
  }

  async #readPage(shard: Shard, signal: AbortSignal): Promise<StreamPage> {
    const { api } = this.#parts;
    signal.throwIfAborted();
    shard.iterator ??= await this.#open(shard);
    const sentAtMs = this.#parts.world.clock.monotonic();
    const page = await api.page(shard.iterator);
    await this.#deliver(page.records, signal);
    this.#advance(shard, page, sentAtMs);
    if (page.records.length > 0) await this.#parts.advanced(shard);
    return page;
  }

  #open({ id, position, sinceMs }: Shard): Promise<string> {
    if (position === 'ENDED') throw new Error('a shard that has ended is not read');
    const ageMs = this.#parts.world.clock.monotonic() - sinceMs;
    if (position === 'TRIM_HORIZON' && ageMs > horizonMsMax) {
      throw new Interruption('gap', 'a shard was not read in time');
    }
    return this.#parts.api.iterator(this.#parts.streamArn, id, position);
  }

  async #deliver(records: readonly StreamRecord[], signal: AbortSignal): Promise<void> {
    for (let i = 0; i < records.length; i += atOnceMax) {
      await this.#deliverAtOnce(records.slice(i, i + atOnceMax), signal);
    }
  }

  /** What could not be delivered is delivered again. */
  async #deliverAtOnce(records: readonly StreamRecord[], signal: AbortSignal): Promise<void> {
    const { pause, random } = this.#parts.world;
    let undelivered = records;
    for (let failures = 0; undelivered.length > 0; failures++) {
      if (failures > 0) await pause(backoffMs(failures - 1, random), signal);
      signal.throwIfAborted();
      const delivered = await Promise.all(undelivered.map((record) => this.#tell(record)));
      undelivered = undelivered.filter((_record, i) => delivered[i] === false);
    }
  }

  #tell({ key, oldItem, newItem }: StreamRecord): boolean | Promise<boolean> {
    const { table, world } = this.#parts;
    const canonical = readKey(table.schema, key);
    if (canonical !== undefined) {
      return world.invalidations.changed({ table, key: canonical, oldItem, newItem });
    }
    return world.invalidations.voidTable(table.id, 0);
  }

  #advance(shard: Shard, { records, nextIterator }: StreamPage, sentAtMs: number): void {
    const { world, counts } = this.#parts;
    const last = records.at(-1);
    shard.iterator = nextIterator;
    shard.progressAtMs = world.clock.monotonic();
    shard.hasBeenRead = true;
    counts.records += records.length;
    if (last !== undefined) shard.position = last.sequenceNumber;
    if (last?.createdAtMs === undefined) {
      shard.currentAtMs = sentAtMs;
      return;
    }
    const lagMs = Math.max(0, world.clock.now() - last.createdAtMs);
    counts.lagMs = lagMs;
    shard.currentAtMs = Math.min(sentAtMs, shard.progressAtMs - lagMs);
  }

  /** Returns where reading may go on. */
  #survive(shard: Shard, error: unknown, signal: AbortSignal): void {
    signal.throwIfAborted();
    if (error instanceof Interruption) throw error;
    this.#parts.counts.lastError = error;
    switch (troubleOf(error)) {
      case 'gone':
      case 'trimmed':
        throw lostShard();
      case 'expired':
        if (shard.position === 'LATEST') throw new Interruption('gap', 'an iterator has expired');
        shard.iterator = undefined;
        return;
      case 'passing':
        return;
    }
  }
}
