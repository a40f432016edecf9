import { limitExceeded, trimmedDataAccess } from '../../protocol/errors.ts';
import type { LogEntry } from '../log/record.ts';
import { type StreamedChange, streamChange } from './change.ts';
import { retentionMs } from './definition.ts';
import type { LogBlock, LogIndex } from './log-index.ts';
import { type PageRequest, RecordPage } from './page.ts';
import { RecentChanges } from './recent-changes.ts';
import type { StreamRegister } from './register.ts';
import { type Shard, slotOf } from './shards.ts';

/** Where changes lie that are not in memory any more. */
export interface ChangeSource {
  /**
   * Hands on the entries of what was appended between two positions, in their order, until `visit` says false.
   * @throws whatever shows that this is damaged, or not there any more
   */
  read(fromLsn: number, toLsn: number, visit: (entries: LogEntry[]) => boolean): Promise<void>;
}

export interface StreamHistoryOptions {
  readonly source: ChangeSource;
  /** Knows what of the source is there already. */
  readonly index: LogIndex;
  /** The committed streams. */
  readonly streams: StreamRegister;
  /** The sequence number of the first change that will be published. */
  readonly nextSequence: number;
}

/**
 * What the streams have recorded, from the memory of the newest changes or from the log.
 *
 *     publish -> recent changes (bounded) ---+
 *             -> log index (blocks) -> log --+--> page of a shard
 *
 * Invariants
 *  1. What is read has been published: a reader never sees what a crash could take back.
 *  2. Recent changes and index learn of a batch in the turn that publishes it, before its writers have their answers.
 *  3. The index knows every change since the trim horizon, so what is not in memory is in a block.
 *  4. A page never skips a change: where one that is asked for has been trimmed, it is refused.
 *  5. Nothing at or behind `pinLsn` may be removed from the log.
 */
export class StreamHistory {
  readonly #source: ChangeSource;
  readonly #index: LogIndex;
  readonly #streams: StreamRegister;
  readonly #recent: RecentChanges;
  #nextSequence: number;
  /** Under way. */
  #logReads = 0;

  constructor({ source, index, streams, nextSequence }: StreamHistoryOptions) {
    this.#source = source;
    this.#index = index;
    this.#streams = streams;
    this.#recent = new RecentChanges(nextSequence);
    this.#nextSequence = nextSequence;
  }

  /** Every change that has been published is before this sequence number. */
  get nextSequence(): number {
    return this.#nextSequence;
  }

  /** Where the log begins to be needed by any stream. @param nowMs since 1970. */
  pinLsn(nowMs: number): number {
    this.#index.trim(nowMs - retentionMs);
    const known = new Set(Array.from(this.#streams.all(), ({ number }) => number));
    this.#index.keepOnly((stream) => known.has(stream));
    this.#recent.keepOnly((stream) => known.has(stream));
    return this.#index.startLsn ?? Number.POSITIVE_INFINITY;
  }

  /** A batch of the log is published, with these changes of streams. Invariants 1 and 2. */
  published(changes: readonly StreamedChange[], startLsn: number, endLsn: number): void {
    this.#index.add(changes, startLsn, endLsn);
    for (const streamed of changes) {
      this.#recent.add(streamed);
      this.#nextSequence = streamed.change.sequence + 1;
    }
  }

  /**
   * A page of a shard. It may be empty although there is more, after much of the log that had nothing for the shard.
   * @throws TrimmedDataAccessException, LimitExceededException; LogDamagedError
   */
  read(shard: Shard, request: PageRequest): RecordPage | Promise<RecordPage> {
    this.#refuseTrimmed(shard, request);
    const page = new RecordPage(shard.stream, request);
    const recent = this.#recent.from(shard.stream.number, shard.slot, request.position);
    if (recent === undefined) return this.#readLog(shard, page);
    for (const change of recent) {
      if (!isWithin(shard, change.sequence)) break;
      if (!page.add(change)) return page;
    }
    return this.#atEnd(shard, page);
  }

  #refuseTrimmed({ stream }: Shard, { position, horizonAtMs, nowMs }: PageRequest): void {
    this.#index.trim(nowMs - retentionMs);
    const trimmed = this.#index.lastTrimmed(stream.number);
    if (trimmed === undefined || position > trimmed.lastSequence) return;
    if (horizonAtMs === undefined || trimmed.lastTimeMs > horizonAtMs - retentionMs)
      throw trimmedDataAccess();
  }

  /** @throws LimitExceededException, as AWS where a shard has too many readers; SDKs try again. */
  async #readLog(shard: Shard, page: RecordPage): Promise<RecordPage> {
    if (this.#logReads >= logReadsMax) throw limitExceeded('Too many reads of older stream records at once');
    this.#logReads++;
    try {
      return await this.#readBlocks(shard, page);
    } finally {
      this.#logReads--;
    }
  }

  async #readBlocks(shard: Shard, page: RecordPage): Promise<RecordPage> {
    // Changes that are published meanwhile are not looked for, so the next page has to begin before them.
    const end = Math.max(page.next, this.#nextSequence);
    const { stream, slot, end: closed } = shard;
    let bytes = 0;
    for (const block of this.#index.blocksWith(
      stream.number,
      slot,
      page.next,
      closed?.sequence ?? Infinity,
    )) {
      if (bytes > scannedBytesMax) return page;
      if (!(await this.#readBlock(shard, block, page).catch(refuseIfGone))) return page;
      bytes += block.endLsn - block.lsn;
    }
    return this.#atEnd(shard, page, end);
  }

  /** @returns whether all of the block's changes had room. */
  async #readBlock(shard: Shard, { lsn, endLsn }: LogBlock, page: RecordPage): Promise<boolean> {
    const { stream, slot } = shard;
    let hasRoom = true;
    await this.#source.read(lsn, endLsn, (entries) => {
      for (const { firstSequence, timeMs, changes } of entries) {
        changes.forEach((change, i) => {
          const sequence = firstSequence + i;
          if (change.kind !== 'item' || change.table !== stream.tableNumber || sequence < page.next) return;
          if (!hasRoom || !isWithin(shard, sequence) || slotOf(change.key, stream.shardCount) !== slot)
            return;
          hasRoom = page.add(streamChange(stream, change, { sequence, timeMs }));
        });
      }
      return hasRoom;
    });
    return hasRoom;
  }

  /** All that the shard has had, the page has or had before it. */
  #atEnd({ end }: Shard, page: RecordPage, published = this.#nextSequence): RecordPage {
    page.next = end === undefined ? Math.max(page.next, published) : Math.max(page.next, end.sequence);
    return page;
  }
}

/** How much of the log one page looks through, in bytes: AWS, too, answers with empty pages in between. */
const scannedBytesMax = 8 * 1024 * 1024;

/** What has been removed from the log while it was being read had been trimmed. */
function refuseIfGone(error: unknown): never {
  throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? trimmedDataAccess() : error;
}

/** Pages that are read from the log at a time; each takes a megabyte of it into memory, and one of records. */
const logReadsMax = 64;

function isWithin({ from, end }: Shard, sequence: number): boolean {
  return sequence >= from && (end === undefined || sequence < end.sequence);
}
