import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Files } from '../files.ts';
import type { LogPart } from '../history/load-plan.ts';
import { LogFullError, LogUnusableError } from './errors.ts';
import { type Chain, emptyChain, formatVersion, headerBytes, sealBatch } from './header.ts';
import { readRange, type VisitEntries } from './range-reader.ts';
import type { BatchEncoder, BatchRange } from './record.ts';
import { type History, type Replay, recover } from './recovery.ts';
import { segmentName } from './segment-file.ts';
import { SegmentWriter, type SegmentWriterOptions } from './segment-writer.ts';

/*
 * The log is one endless row of bytes, cut into segment files. A position in it is an LSN: an offset from the
 * beginning of the first segment that ever was, headers included. A segment is named by the LSN of its first byte.
 *
 *      0000000000000000.log               0000000000067108.log
 *     +--------+-------+-------+------+  +--------+-------+-------+---------------+
 *     | header | batch | batch | mark |  | header | batch | batch | zeros, nothing|
 *     +--------+-------+-------+------+  +--------+-------+-------+---------------+
 *                                                                 ^ end
 * Invariants
 *
 * 1. One append is in flight at most; marks count. In mode `group` a batch is therefore written only after
 *    everything before it is durable, and says so: `durableLsn` of a header is a promise about all bytes before that
 *    LSN. In mode `relaxed` it says what `sync` has reached.
 * 2. An append resolves when its batch, everything before it and the names of all segments are durable (`relaxed`:
 *    when it is written). So whoever saw an acknowledgement saw something that recovery finds again.
 * 3. A segment is trimmed to its batches and synced before the next one is created, and the next one's header and
 *    name are durable before a batch is written to it. So a segment that has a successor is whole, and a successor without a
 *    valid header never held anything.
 * 4. Recovery meets the first bad batch at X. If any trace says that the log was once durable beyond X (a later segment, a later
 *    valid header with `durableLsn` > X, the position of applied state) the bytes at X were acknowledged and have been damaged:
 *    nothing is served. If none does, X was in flight when the power went: nobody was told of it, and it is cut.
 * 5. The newest batch has no later header to prove it. So an idle or closed log gets a mark, an empty batch: from then on damage to
 *    the batch before it is told from a torn write. A damaged mark loses nothing.
 * 6. Recovery cuts, writes what is unproven once more and syncs, before it replays: a batch that a killed process or a failed
 *    sync left in the page cache only must not reach other state, which might be durable sooner than it.
 * 7. An append without room leaves no trace, durably, before it fails with LogFullError; the log goes on. After any other failure
 *    to write, sync, truncate or create nothing is known of the disk: `onFatal`, nothing in flight is acknowledged, all further use is refused.
 *    A rejected batch never comes back.
 * 8. Segments are removed oldest first, each durably before the next: those that are left always join.
 *
 * Rejected: segments of old files recycled instead of zeros (stale batches would have to be told from new ones, and what was
 * deleted would stay on the disk); O_APPEND without zeros ahead (each durable append then changes the file's size).
 */

export interface LogOptions {
  readonly files: Files;
  readonly directory: string;
  /** A segment is not continued beyond this size, in bytes, except by one batch that is larger by itself. */
  readonly segmentBytesMax: number;
  /** The LSN up to which the changes are durable elsewhere: replay begins there. 0 for a new log. */
  readonly appliedTo: number;
  /** `group`: an append is durable when it resolves. `relaxed`: when `sync` or the operating system says so. */
  readonly syncMode: 'group' | 'relaxed';
  /** A log that was not appended to for this time, in ms (twice at most), gets its mark. */
  readonly idleMarkMs: number;
  /** The log cannot be trusted any more, and the process has to stop. Called once at most. */
  readonly onFatal: (error: Error) => void;
  readonly history?: History;
  /** Zeros written ahead of the batches, in bytes, in mode `group`. */
  readonly zeroAheadBytes?: number;
  readonly setTimer?: SetTimer;
}

/** Calls back once after a time, unless the returned function is called before. */
export type SetTimer = (callback: () => void, delayMs: number) => () => void;

const zeroAheadBytesDefault = 2 * 1024 * 1024;

export class Log {
  readonly #options: LogOptions;
  readonly #logId: string;
  readonly #setTimer: SetTimer;
  readonly #markFrame = Buffer.alloc(headerBytes);
  /** Oldest first. */
  readonly #begins: SegmentBegin[];
  #writer: SegmentWriter;
  #chain: Chain;
  #end: number;
  #durable: number;
  #marked: boolean;
  /** Set once nothing more may be written. */
  #unusable: LogUnusableError | undefined;
  #failed = false;
  #appending: Promise<void> | undefined;
  #marking: Promise<void> | undefined;
  #syncing: Promise<void> | undefined;
  #removing: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;
  #appendedSinceTimer = false;

  private constructor(options: LogOptions, opened: OpenedLog) {
    this.#options = options;
    this.#setTimer = options.setTimer ?? setUnrefTimer;
    this.#logId = opened.logId;
    this.#begins = opened.begins;
    this.#writer = opened.writer;
    this.#chain = opened.chain;
    this.#end = opened.end;
    this.#durable = opened.end;
    this.#marked = opened.marked;
    if (!this.#marked) this.#startTimer();
  }

  /**
   * Opens a log, or makes a new one, and replays what lies behind `appliedTo`. What was never acknowledged may be replayed (it is
   * durable then) or be gone.
   * @throws LogDamagedError, LogFormatError: the log must not be served; LogFullError: no room to make or to recover it.
   */
  static async open(options: LogOptions, replay: Replay): Promise<Log> {
    const { files, directory, appliedTo, history } = options;
    await files.makeDirectory(directory);
    const recovered = await recover(files, directory, appliedTo, replay, history);
    if (recovered === undefined) return new Log(options, await createLog(options));
    const { logId, segments, end, chain, marked } = recovered;
    const begins = segments.map(({ start, header }) => ({
      start,
      firstSequence: header?.chain.nextSequence ?? 0,
    }));
    const start = begins.at(-1)?.start ?? 0;
    const writer = await SegmentWriter.open(writerOptions(options, start), end - start);
    return new Log(options, { logId, begins, writer, end, chain, marked });
  }

  /** The LSN behind the last batch. */
  get end(): number {
    return this.#end;
  }

  /** The LSN up to which everything survives power loss. */
  get durable(): number {
    return this.#durable;
  }

  /** What the log consists of now, the oldest first; the last one is written to. */
  get segments(): LogSegment[] {
    return this.#begins.map(({ start, firstSequence }, i) => ({
      startLsn: start,
      endLsn: this.#begins[i + 1]?.start ?? this.#end,
      firstSequence,
    }));
  }

  /** The lowest sequence number that may come next. */
  get nextSequence(): number {
    return this.#chain.nextSequence;
  }

  /** The commit time of the last entry, in ms; the next one's may not lie before it. 0: there was none. */
  get lastTimeMs(): number {
    return this.#chain.lastTimeMs;
  }

  /**
   * Appends what the encoder has gathered as one batch, and empties it at once, so that the next batch can be gathered meanwhile.
   * The next `append` has to wait for this one.
   * @returns where the batch begins and ends.
   * @throws LogFullError: nothing was appended, the log can be used on. LogUnusableError: closed, or failed for good.
   */
  async append(encoder: BatchEncoder): Promise<{ startLsn: number; endLsn: number }> {
    this.#assertUsable();
    if (this.#appending !== undefined) throw new Error('an append is in flight already');
    const { entryCount, range } = encoder;
    this.#assertContinues(entryCount, range);
    this.#appendedSinceTimer = true;
    const frame = encoder.take();
    this.#appending = this.#appendBatch(frame, entryCount, range);
    try {
      await this.#appending;
    } finally {
      this.#appending = undefined;
    }
    return { startLsn: this.#end - frame.length, endLsn: this.#end };
  }

  /**
   * Reads batches that were appended, while the log goes on.
   * @param fromLsn where a batch begins, or ends. @param toLsn where one ends.
   * @param visit gets the entries of each batch; false: no more.
   * @throws LogDamagedError; an error of the file system where segments were removed meanwhile
   */
  read(fromLsn: number, toLsn: number, visit: VisitEntries): Promise<void> {
    return readRange(this.#options.files, this.#segmentsTo(toLsn), this.#logId, fromLsn, visit);
  }

  /**
   * What `read` would read, for another thread to read. It has to be kept from being removed meanwhile.
   * @throws RangeError where some of it has been removed.
   */
  part(fromLsn: number, toLsn: number): LogPart {
    const oldest = this.#begins[0]?.start ?? 0;
    if (fromLsn < oldest)
      throw new RangeError(`the log begins at ${oldest}, and is to be read from ${fromLsn}`);
    const segments = this.#segmentsTo(toLsn).filter(
      ({ start, bytes }) => bytes > 0 && start + bytes > fromLsn,
    );
    return { directory: this.#options.directory, logId: this.#logId, segments, fromLsn };
  }

  /** Makes everything appended so far durable. In mode `group` it is already. */
  async sync(): Promise<void> {
    this.#assertUsable();
    const target = this.#end;
    while (this.#durable < target) {
      this.#syncing ??= this.#syncOnce();
      await this.#syncing;
    }
  }

  /** Removes the segments that lie wholly below an LSN, never the one that is written to. */
  removeBefore(lsn: number): Promise<void> {
    this.#assertUsable();
    const removed = this.#removing.then(() => this.#removeSegments(lsn));
    this.#removing = removed.catch(() => {});
    return removed;
  }

  /** Waits for what is in flight, leaves a mark, lets go of the files. Everything appended is durable afterwards. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #assertUsable(): void {
    if (this.#unusable !== undefined) throw this.#unusable;
  }

  #assertContinues(entryCount: number, { firstSequence, firstTimeMs }: BatchRange): void {
    if (entryCount === 0) throw new RangeError('a batch without entries');
    const { nextSequence, lastTimeMs } = this.#chain;
    if (firstSequence >= nextSequence && firstTimeMs >= lastTimeMs) return;
    throw new RangeError(
      `sequence ${firstSequence} at ${firstTimeMs} ms where at least ${nextSequence} at ${lastTimeMs} ms should follow`,
    );
  }

  /** Up to where a batch ends. */
  #segmentsTo(toLsn: number): LogPart['segments'] {
    return this.#begins.map(({ start }, i) => {
      const bytes = Math.min(this.#begins[i + 1]?.start ?? this.#end, toLsn) - start;
      return { path: join(this.#options.directory, segmentName(start)), start, bytes };
    });
  }

  async #appendBatch(frame: Buffer, entryCount: number, range: BatchRange): Promise<void> {
    if (this.#marking !== undefined) await this.#marking;
    if (this.#failed) throw this.#unusable;
    if (this.#isFullWith(frame.length)) await this.#roll();
    await this.#write(frame, entryCount, range);
    this.#startTimer();
  }

  async #write(
    frame: Buffer,
    entryCount: number,
    range: Omit<BatchRange, 'firstSequence' | 'firstTimeMs'>,
  ): Promise<void> {
    const { batchNumber, previousChecksum } = this.#chain;
    const checksum = sealBatch(frame, {
      logId: this.#logId,
      lsn: this.#end,
      number: batchNumber,
      durableLsn: this.#durable,
      previousChecksum,
      entryCount,
    });
    await this.#orFail(this.#writer.append(frame));
    const { nextSequence, lastTimeMs } = range;
    this.#chain = { batchNumber: batchNumber + 1, previousChecksum: checksum, nextSequence, lastTimeMs };
    this.#end += frame.length;
    if (this.#options.syncMode === 'group') this.#durable = this.#end;
    this.#marked = entryCount === 0;
  }

  /** A segment takes at least one batch, however large. */
  #isFullWith(bytes: number): boolean {
    const used = this.#writer.end;
    return used > headerBytes && used + bytes > this.#options.segmentBytesMax;
  }

  /** Where there is no room for a new segment the old one stays as it is, trimmed, and the next append tries again. */
  async #roll(): Promise<void> {
    const full = this.#writer;
    await this.#orFail(full.trim());
    this.#durable = this.#end;
    const created = createSegment(this.#options, this.#logId, this.#end, this.#chain);
    this.#writer = await this.#orFail(created);
    this.#begins.push({ start: this.#end, firstSequence: this.#chain.nextSequence });
    this.#end += headerBytes;
    this.#durable = this.#end;
    await this.#orFail(full.close());
  }

  async #syncOnce(): Promise<void> {
    const end = this.#end;
    try {
      await this.#orFail(this.#writer.sync());
      this.#durable = Math.max(this.#durable, end);
    } finally {
      this.#syncing = undefined;
    }
  }

  async #removeSegments(lsn: number): Promise<void> {
    const { files, directory } = this.#options;
    for (;;) {
      const [oldest, next] = this.#begins;
      if (oldest === undefined || next === undefined || next.start > lsn) return;
      await files.remove(join(directory, segmentName(oldest.start)));
      await this.#orFail(files.syncDirectory(directory));
      this.#begins.shift();
    }
  }

  #startTimer(): void {
    if (this.#cancelTimer !== undefined || this.#unusable !== undefined) return;
    this.#appendedSinceTimer = false;
    this.#cancelTimer = this.#setTimer(() => this.#onTimer(), this.#options.idleMarkMs);
  }

  #onTimer(): void {
    this.#cancelTimer = undefined;
    if (this.#marked || this.#unusable !== undefined) return;
    if (this.#appendedSinceTimer || this.#appending !== undefined) this.#startTimer();
    else this.#marking = this.#markIdle();
  }

  /** A failure that is final has been told to `onFatal`; where there is no room, the mark is tried again later. */
  async #markIdle(): Promise<void> {
    try {
      await this.#mark();
    } catch {
      this.#startTimer();
    }
    this.#marking = undefined;
  }

  async #mark(): Promise<void> {
    if (this.#durable < this.#end) await this.#syncOnce();
    await this.#write(this.#markFrame, 0, this.#chain);
    if (this.#durable < this.#end) await this.#syncOnce();
  }

  async #close(): Promise<void> {
    this.#unusable ??= new LogUnusableError('the log is closed');
    this.#cancelTimer?.();
    await Promise.allSettled([this.#appending, this.#marking, this.#syncing, this.#removing]);
    if (!this.#failed && !this.#marked) await this.#mark().catch(ignoreFull);
    if (!this.#failed) await this.#orFail(this.#writer.trim());
    this.#durable = this.#end;
    await this.#writer.close();
  }

  /** Nothing succeeds that ends after a failure, whatever it was that failed (invariant 7). */
  async #orFail<T>(work: Promise<T>): Promise<T> {
    let result: T;
    try {
      result = await work;
    } catch (error) {
      throw error instanceof LogFullError ? error : this.#fail(error);
    }
    if (this.#failed) throw this.#unusable;
    return result;
  }

  #fail(cause: unknown): LogUnusableError {
    if (this.#failed && this.#unusable !== undefined) return this.#unusable;
    const unusable = new LogUnusableError('the log has failed and cannot be trusted any more', { cause });
    this.#unusable = unusable;
    this.#failed = true;
    this.#options.onFatal(unusable);
    return unusable;
  }
}

/** One file of the log. */
export interface LogSegment {
  readonly startLsn: number;
  readonly endLsn: number;
  /** No change in it has a lower sequence number. */
  readonly firstSequence: number;
}

interface SegmentBegin {
  readonly start: number;
  readonly firstSequence: number;
}

interface OpenedLog {
  readonly logId: string;
  readonly begins: SegmentBegin[];
  readonly writer: SegmentWriter;
  readonly end: number;
  readonly chain: Chain;
  readonly marked: boolean;
}

async function createLog(options: LogOptions): Promise<OpenedLog> {
  const logId = randomBytes(8).toString('latin1');
  const writer = await createSegment(options, logId, 0, emptyChain);
  return {
    logId,
    begins: [{ start: 0, firstSequence: emptyChain.nextSequence }],
    writer,
    end: headerBytes,
    chain: emptyChain,
    marked: true,
  };
}

function createSegment(
  options: LogOptions,
  logId: string,
  startLsn: number,
  chain: Chain,
): Promise<SegmentWriter> {
  return SegmentWriter.create(writerOptions(options, startLsn), {
    version: formatVersion,
    logId,
    startLsn,
    chain,
  });
}

function writerOptions(options: LogOptions, start: number): SegmentWriterOptions {
  const { files, directory, segmentBytesMax, syncMode, zeroAheadBytes } = options;
  const groups = syncMode === 'group';
  return {
    files,
    path: join(directory, segmentName(start)),
    mode: groups ? 'durable' : 'buffered',
    zeroAheadBytes: groups ? (zeroAheadBytes ?? zeroAheadBytesDefault) : 0,
    segmentBytesMax,
  };
}

function ignoreFull(error: unknown): void {
  if (!(error instanceof LogFullError)) throw error;
}

/** An idle mark alone keeps no process alive. */
function setUnrefTimer(callback: () => void, delayMs: number): () => void {
  const timer = setTimeout(callback, delayMs).unref();
  return () => clearTimeout(timer);
}
