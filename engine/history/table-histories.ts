import { setMaxListeners } from 'node:events';
import { rm } from 'node:fs/promises';
import type { Clock } from '../../protocol/clock.ts';
import type { Logger } from '../../protocol/logger.ts';
import type { Catalog } from '../catalog.ts';
import type { Committer } from '../commit.ts';
import type { Log } from '../log/segments.ts';
import type { TableDefinition } from '../table-definition.ts';
import { BaseMaker, type BaseSource } from './base-maker.ts';
import { passCommits } from './commit-barrier.ts';
import { Historian } from './historian.ts';
import { windowDirectory } from './history-files.ts';
import type { DefinitionPlan, LoadMoment, LoadPlan, LogPart } from './load-plan.ts';
import { unneededFiles } from './retention.ts';
import { TableHistory } from './table-history.ts';
import { type Restorable, restorableMoments } from './window.ts';
import { type ChangeList, changeListOf, planOf } from './window-plan.ts';

export interface TableHistoriesOptions {
  /** Of all histories: `history/` of the data folder. */
  readonly directory: string;
  readonly log: Pick<Log, 'segments' | 'part' | 'sync'>;
  /** The committed tables. */
  readonly catalog: Catalog;
  readonly committer: Pick<Committer, 'submit' | 'publishedLsn' | 'lastPublished'>;
  readonly snapshots: BaseSource;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long ago the latest restorable moment is, in ms; AWS has five minutes. */
  readonly latestLagMs: number;
  /** Bytes of changes, compressed, below which no further base is made. */
  readonly baseBytesMin: number;
}

/** Something made of files and the log, none of which is removed before the release. */
export type Pinned<T> = T & { readonly release: () => void };

export interface HistoryStats {
  readonly tables: readonly TableHistoryStats[];
  /** What of the log is not in files yet, in bytes. */
  readonly unsplitBytes: number;
}

export interface TableHistoryStats {
  readonly region: string;
  readonly tableName: string;
  readonly bases: number;
  /** Archives of changes. */
  readonly changeFiles: number;
  /** On the disk. */
  readonly bytes: number;
}

/**
 * The histories of the tables whose point-in-time recovery is on. A history is a window: it begins with the enabling.
 *
 *     committed catalog -> windows -> historian: sealed segments -> changes-*.archive
 *                                  -> base maker: scans          -> base-*.archive    -> plan of a moment
 *                                  -> retention: removes what no moment needs
 *
 * Invariants
 *  1. The log from `pinLsn` on and the files together hold all changes of a window since its oldest base; until it has its first base, since
 *     its enabling. A window is known from the turn in which its enabling is published, at the latest when `pinLsn` is called
 *     after that.
 *  2. What is done to files is done by one round at a time: windows that are gone are removed, segments taken apart, what is not needed
 *     any more removed. Only bases are made beside it.
 *  3. What a plan names stays until the plan is released, in files and in the log, whatever becomes of the window.
 *  4. A plan of a moment has every change that was committed by then, and no other: it is made when nothing can be committed for
 *     that time any more.
 *  5. Missing and damaged files are noticed: each file says which change it follows, and the last change that is in files is noted.
 */
export class TableHistories {
  readonly #options: TableHistoriesOptions;
  readonly #historian: Historian;
  readonly #bases: BaseMaker;
  readonly #aborter = new AbortController();
  readonly #timer: NodeJS.Timeout;
  /** By the sequence numbers of windows. */
  readonly #histories = new Map<number, TableHistory>();
  /** Where in the log the plans begin that are not released. */
  readonly #logPins = new Set<{ readonly lsn: number }>();
  #isListed = false;
  #listing: Promise<void> | undefined;
  #round: Promise<void> = Promise.resolve();
  #nextRound: Promise<void> | undefined;
  #retryAtMs = 0;

  constructor(options: TableHistoriesOptions) {
    this.#options = options;
    // Each restore that waits for a second to be over listens to it.
    setMaxListeners(0, this.#aborter.signal);
    const { directory, log, logger, clock, committer, snapshots: source } = options;
    this.#historian = new Historian({ directory, log, logger });
    this.#bases = new BaseMaker({
      directory,
      source,
      clock,
      logger,
      lastSequence: () => committer.lastPublished.sequence,
      syncLog: () => log.sync(),
      bytesMin: options.baseBytesMin,
      retryMs,
      isKept: (history) => {
        this.#notice();
        return history.isKept;
      },
      onEnded: () => this.#startBases(),
    });
    for (const [sequence, definition] of this.#committed()) this.#open(sequence, definition);
    if (this.#histories.size === 0) this.#historian.standStill();
    this.#timer = setInterval(() => this.#check(), checkMs).unref();
  }

  /** The log is needed from there on; `Infinity` where no table has point-in-time recovery. */
  pinLsn(): number {
    this.#notice();
    const pins = [this.#historian.lsn, ...Array.from(this.#logPins, ({ lsn }) => lsn)];
    for (const { files, enabledLsn, isKept } of this.#histories.values())
      if (isKept && files.isNew) pins.push(enabledLsn);
    return Math.min(...pins);
  }

  /**
   * What of a table can be restored.
   * @returns undefined while point-in-time recovery is off.
   */
  restorable({ pointInTime }: TableDefinition, nowMs: number): Restorable | undefined {
    return pointInTime && restorableMoments(pointInTime, nowMs, this.#options.latestLagMs);
  }

  /**
   * How to bring back a moment, which has to be within what is restorable. Waits until nothing can be committed any more for it, and for the
   * first base of the table.
   * @param definition of the table, as it is now.
   * @throws HistoryDamagedError; what keeps a base from being made; what keeps writes from being committed
   */
  async plan(definition: TableDefinition, through: LoadMoment): Promise<Pinned<{ readonly plan: LoadPlan }>> {
    const history = await this.#settled(definition, endOf(through));
    while (history.files.bases.length === 0) await this.#nextBase(history);
    this.#assertKept(history);
    const log = this.#unsplitLog();
    const plan = planOf(history.files, log, through);
    return { plan, release: this.#pin(history, [plan.base, ...plan.changes], plan.log) };
  }

  /**
   * What the table was at a moment, as `plan` has it, but that the first base of the table, which can take minutes, is not waited for.
   * @throws as `plan`
   */
  async definitionPlan(
    definition: TableDefinition,
    through: LoadMoment,
  ): Promise<Pinned<{ readonly plan: DefinitionPlan }>> {
    const history = await this.#settled(definition, endOf(through));
    if (!history.files.isNew) return this.plan(definition, through);
    const log = this.#options.log.part(history.enabledLsn, this.#options.committer.publishedLsn);
    const plan = { changes: [], log, table: history.files.window.table, through };
    return { plan, release: this.#pin(history, [], log) };
  }

  /**
   * All changes of a table that were committed from one time on, before another; both have to be within what is restorable. Waits
   * until the second one has come.
   * @param fromMs since 1970. @param toMs since 1970, not included.
   * @throws HistoryDamagedError; what keeps writes from being committed
   */
  async changesBetween(
    definition: TableDefinition,
    fromMs: number,
    toMs: number,
  ): Promise<Pinned<{ readonly list: ChangeList }>> {
    const history = await this.#settled(definition, toMs);
    const list = changeListOf(history.files, this.#unsplitLog(), fromMs, toMs);
    return { list, release: this.#pin(history, list.changes, list.log) };
  }

  stats(): HistoryStats {
    this.#notice();
    const { committer } = this.#options;
    const tables = Array.from(this.#histories.values(), ({ definition, files }) => ({
      region: definition.region,
      tableName: definition.name,
      bases: files.bases.length,
      changeFiles: files.changes.length,
      bytes: files.bytes,
    }));
    return { tables, unsplitBytes: Math.max(0, committer.publishedLsn - this.#historian.lsn) };
  }

  /**
   * Does at once what there is to do; resolves when it is done, but for bases, and never rejects. Called by itself every second;
   * who has switched point-in-time recovery on or off need not wait for that.
   */
  wake(): Promise<void> {
    this.#nextRound ??= this.#round.then(() => {
      this.#nextRound = undefined;
      this.#round = this.#runRound();
      return this.#round;
    });
    return this.#nextRound;
  }

  /** Stops what is under way; plans that wait are refused. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#aborter.abort(new Error('the server is shutting down'));
    await this.wake();
    await this.#bases.stop();
    for (const history of this.#histories.values()) history.baseFailed(this.#aborter.signal.reason);
  }

  #check(): void {
    if (this.#options.clock.monotonic() >= this.#retryAtMs) void this.wake();
  }

  /** Invariant 2. */
  async #runRound(): Promise<void> {
    const { signal } = this.#aborter;
    if (signal.aborted) return;
    try {
      this.#notice();
      await this.#list();
      // While much is written there may always be more to take apart, and the rest must not wait for the end of it.
      for (let isMore = true; isMore; ) {
        this.#startBases();
        await this.#removeGone();
        isMore = await this.#splitSome();
        await this.#removeUnneeded();
      }
      this.#startBases();
    } catch (error) {
      if (signal.aborted) return;
      const { clock, logger } = this.#options;
      this.#retryAtMs = clock.monotonic() + retryMs;
      logger.error({ err: error }, 'cannot keep up the histories of tables; trying again later');
    }
  }

  /** Learns which windows there are now; in one turn. */
  #notice(): void {
    const committed = new Map(this.#committed());
    for (const history of this.#histories.values()) {
      const definition = committed.get(history.sequence);
      history.isKept = definition !== undefined;
      if (definition !== undefined) history.definition = definition;
    }
    if (this.#kept().next().done) this.#historian.standStill();
    for (const [sequence, definition] of committed) {
      if (!this.#histories.has(sequence))
        this.#historian.needsFrom(this.#open(sequence, definition).enabledLsn);
    }
  }

  *#committed(): Generator<[sequence: number, TableDefinition]> {
    for (const { definition } of this.#options.catalog.all()) {
      if (definition.pointInTime !== undefined) yield [definition.pointInTime.sequence, definition];
    }
  }

  *#kept(): Generator<TableHistory> {
    for (const history of this.#histories.values()) if (history.isKept) yield history;
  }

  #open(sequence: number, definition: TableDefinition): TableHistory {
    const { segments } = this.#options.log;
    const enabled = segments.findLast(({ firstSequence }) => firstSequence <= sequence) ?? segments[0];
    const history = new TableHistory(sequence, definition, enabled?.startLsn ?? 0);
    this.#histories.set(sequence, history);
    return history;
  }

  /** Once; who asks meanwhile shares it, and need not wait for a round. */
  async #list(): Promise<void> {
    if (this.#isListed) return;
    const windows = Array.from(this.#histories.values(), ({ files }) => files);
    this.#listing ??= this.#historian.list(windows, this.#aborter.signal).finally(() => {
      this.#listing = undefined;
    });
    await this.#listing;
    this.#isListed = true;
  }

  async #removeGone(): Promise<void> {
    for (const history of this.#histories.values()) {
      if (history.isKept) continue;
      await this.#bases.stop(history);
      history.baseFailed(switchedOff(history.definition));
      if (history.files.hasPins) continue; // A plan is being read.
      const directory = windowDirectory(this.#options.directory, history.sequence);
      await rm(directory, { recursive: true, force: true });
      this.#histories.delete(history.sequence);
    }
  }

  /** @returns whether there was something to take apart, and may be more. */
  async #splitSome(): Promise<boolean> {
    this.#notice();
    const segments = this.#historian.sealed(this.#options.committer.publishedLsn);
    if (segments.length === 0) return false;
    const windows = Array.from(this.#kept(), ({ files }) => files);
    await this.#historian.split(segments, windows, this.#aborter.signal);
    return true;
  }

  /** Beside the rounds, which can take long: the next one begins as soon as one has ended. */
  #startBases(): void {
    if (!this.#isListed || this.#aborter.signal.aborted) return;
    this.#notice();
    this.#bases.start(this.#histories.values());
  }

  /** One after the other, so that those that are left join, up to the first one that a plan needs. */
  async #removeUnneeded(): Promise<void> {
    const nowMs = this.#options.clock.now();
    for (const { definition, files } of this.#kept()) {
      const restorable = this.restorable(definition, nowMs);
      if (restorable === undefined) continue;
      for (const path of unneededFiles(files, restorable.earliestMs - admittedMs)) {
        if (files.isPinned(path)) break;
        await rm(path, { force: true });
        files.removed(path);
      }
    }
  }

  /** The window of a table when everything is published that was ever committed before a time. */
  async #settled(definition: TableDefinition, timeMs: number): Promise<TableHistory> {
    const { committer, clock } = this.#options;
    await passCommits(committer, clock, timeMs, this.#aborter.signal);
    await this.#list();
    this.#notice();
    return this.#historyOf(definition);
  }

  #historyOf(definition: TableDefinition): TableHistory {
    const history = this.#histories.get(definition.pointInTime?.sequence ?? 0);
    if (history === undefined) throw switchedOff(definition);
    this.#assertKept(history);
    return history;
  }

  #assertKept({ isKept, definition }: TableHistory): void {
    if (!isKept) throw switchedOff(definition);
  }

  async #nextBase(history: TableHistory): Promise<void> {
    this.#aborter.signal.throwIfAborted();
    const made = history.nextBase();
    this.#startBases();
    await made;
  }

  #unsplitLog(): LogPart {
    const { log, committer } = this.#options;
    return log.part(this.#historian.lsn, committer.publishedLsn);
  }

  #pin({ files }: TableHistory, paths: readonly string[], log: LogPart | undefined): () => void {
    const unpin = files.pin(paths);
    const pin = { lsn: log?.fromLsn ?? Number.POSITIVE_INFINITY };
    this.#logPins.add(pin);
    return () => {
      unpin();
      this.#logPins.delete(pin);
    };
  }
}

/** Between two looks at what there is to do. */
const checkMs = 1000;

/** A restore that has been admitted may ask for its plan so much later, and the earliest moment has moved on. */
const admittedMs = 60_000;

/** After a failure. */
const retryMs = 10_000;

/** From then on nothing can be committed any more that belongs to it. */
function endOf(moment: LoadMoment): number {
  return 'timeMs' in moment ? moment.timeMs + 1 : 0;
}

function switchedOff({ name }: TableDefinition): Error {
  return new Error(`point-in-time recovery of table ${name} has been switched off`);
}
