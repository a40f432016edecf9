import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../protocol/clock.ts';
import type { Logger } from '../../protocol/logger.ts';
import { Reply } from '../../protocol/reply.ts';
import { type Catalog, type CatalogChange, catalogRecord } from '../catalog.ts';
import type { Committer, WriteContext } from '../commit.ts';
import type { DiskReserve } from '../disk-reserve.ts';
import { runInWorker } from '../history/worker-thread.ts';
import type { Applier } from '../state/applier.ts';
import type { WriteTurns } from '../state/write-turns.ts';
import type { Statistics } from '../statistics.ts';
import type { TableDefinition, TableLoading } from '../table-definition.ts';
import { nextStep } from '../table-life.ts';
import type { LoadOutcome, LoadSource } from './load-source.ts';
import type { LoadMessage, LoadRequest, LoadResult } from './load-worker.ts';

export interface TableLoadsOptions {
  /** The committed tables. */
  readonly catalog: Catalog;
  readonly committer: Committer;
  readonly applier: Applier;
  readonly statistics: Statistics;
  /** LMDB's folder. */
  readonly stateDirectory: string;
  /** The applier's. */
  readonly turns: WriteTurns;
  readonly diskReserve: DiskReserve;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How far a load has come. */
export interface LoadProgress {
  /** Those of one key that come several times count each time. */
  readonly rowsLoaded: number;
  /** Of keys and items as they are stored. */
  readonly bytesLoaded: number;
  /** How many items there will be, where that is known. */
  readonly itemsTotal?: number;
}

/** What a table was being loaded from, once more. @returns undefined where it is not there any more. */
export type ResolveSource = (
  table: TableDefinition,
) => LoadSource | undefined | Promise<LoadSource | undefined>;

/**
 * Loads tables that are restored or imported: from their record in the catalog, which has them CREATING with `loading`, to the one that
 * makes them ACTIVE.
 *
 *     start -> queue -> LMDB knows the table -> thread: rows -> LMDB, items -> entries of indexes, sizes of collections -> LMDB
 *                                                 -> counts are in LMDB -> record: ACTIVE, nothing is being loaded any more
 *
 * Invariants
 *  1. What is loaded lies under numbers of which LMDB knows, before the first row is there, that they are taken. Nobody reads or
 *     writes them before the table is ACTIVE.
 *  2. The record that makes it ACTIVE is written when LMDB has on disk all that was loaded, and the counts of it. So replay, which
 *     finds no records of items, ends with the same.
 *  3. What a process leaves unfinished, the next one does not go on with: the table gets other numbers, and what lies under the old
 *     ones is removed like that of a deleted table. One log entry does both.
 *  4. A load that fails takes its table away. Nothing of it was ever served, and its name is free again; AWS has no status for
 *     a table that will never be there.
 *  5. A thread has ended before its table is taken away, and before LMDB is closed.
 *  6. Closing waits for no more than the slice that a thread is at: not for rows, nor for an LMDB or a queue that takes nothing.
 *
 * Memory is bounded: `runningMax` threads, each with two runs of rows (Run) and the pages of one transaction.
 */
export class TableLoads {
  readonly #options: TableLoadsOptions;
  /** By the numbers of their tables, in the order in which they were started; under way or waiting. */
  readonly #loads = new Map<number, Load>();
  readonly #aborter = new AbortController();
  /** Rejects on closing. */
  readonly #aborted: Promise<never>;
  readonly #running = new Set<Promise<void>>();

  constructor(options: TableLoadsOptions) {
    this.#options = options;
    const { signal } = this.#aborter;
    this.#aborted = new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });
    this.#aborted.catch(() => {});
  }

  /** To be called when the record is committed that has the table CREATING with `loading`. */
  start(table: TableDefinition, source: LoadSource): void {
    const { itemsTotal } = source;
    const load = {
      table,
      source,
      progress: { rowsLoaded: 0, bytesLoaded: 0, ...(itemsTotal !== undefined && { itemsTotal }) },
      isRunning: false,
      loggedMs: this.#options.clock.monotonic(),
    };
    this.#loads.set(table.number, load);
    // Committed while everything is being closed: the next start begins it.
    if (this.#aborter.signal.aborted) this.#ended(load, 'stopped');
    else this.#startNext();
  }

  /** The same, for a source that is there later. Where there will be none, the table is taken away. */
  async startLater(table: TableDefinition, coming: Promise<LoadSource>): Promise<void> {
    try {
      this.start(table, await coming);
    } catch (error) {
      await this.#takeAway(table, error);
    }
  }

  /** @param table its number. @returns undefined if it is not being loaded, or its source is not there yet. */
  progress(table: number): LoadProgress | undefined {
    return this.#loads.get(table)?.progress;
  }

  /** Begins anew what a former process has not ended; resolves when all of it has begun. */
  async recover(resolve: ResolveSource): Promise<void> {
    const unfinished = [...this.#options.catalog.all()].filter(({ definition }) => definition.loading);
    await Promise.all(unfinished.map(({ definition }) => this.#beginAnew(definition, resolve)));
  }

  /** Stops what is under way; the next start begins it anew. */
  async close(): Promise<void> {
    this.#aborter.abort(new Error('the engine is closing'));
    for (const load of this.#loads.values()) if (!load.isRunning) this.#ended(load, 'stopped');
    await Promise.all(this.#running);
  }

  #startNext(): void {
    if (this.#aborter.signal.aborted) return;
    for (const load of this.#loads.values()) {
      if (this.#running.size >= runningMax) return;
      if (!load.isRunning) this.#run(load);
    }
  }

  #run(load: Load): void {
    load.isRunning = true;
    load.source.begin?.();
    const running = this.#outcomeOf(load).then((outcome) => {
      this.#running.delete(running);
      this.#ended(load, outcome);
      this.#startNext();
    });
    this.#running.add(running);
  }

  #ended({ table, source }: Load, outcome: LoadOutcome): void {
    this.#loads.delete(table.number);
    if ('port' in source.rows) source.rows.port.close();
    source.release(outcome);
  }

  async #outcomeOf(load: Load): Promise<LoadOutcome> {
    const { table } = load;
    const { signal } = this.#aborter;
    try {
      await this.#load(load);
      return signal.aborted ? 'stopped' : 'loaded';
    } catch (error) {
      await this.#takeAway(table, error);
      return signal.aborted ? 'stopped' : { failed: error };
    }
  }

  /** Not on closing: the next start loads it anew. */
  async #takeAway(table: TableDefinition, error: unknown): Promise<void> {
    if (this.#aborter.signal.aborted) return;
    this.#options.log.error(
      { err: error, table: table.name, ...table.loading },
      'a table cannot be loaded and is removed',
    );
    await this.#commit(table, () => [{ remove: table.number }]);
  }

  async #load(load: Load): Promise<void> {
    const { applier, statistics, clock, log } = this.#options;
    const { table, progress } = load;
    const { signal } = this.#aborter;
    log.info({ table: table.name, ...table.loading }, 'loading a table');
    const startMs = clock.monotonic();
    // Invariant 1.
    await applier.flush(signal);
    const counts = await this.#inWorker(load);
    // Invariant 2.
    statistics.loaded(table, counts);
    await applier.flush(signal);
    await this.#commit(table, (current) => [nextStep(current)]);
    // On closing it may not have come to that.
    signal.throwIfAborted();
    const seconds = (clock.monotonic() - startMs) / 1000;
    log.info({ table: table.name, ...progress, seconds }, 'a table has been loaded');
  }

  #inWorker(load: Load): Promise<LoadResult> {
    const { stateDirectory, turns } = this.#options;
    const { table, source } = load;
    const request = { stateDirectory, table, rows: source.rows, turns: turns.shared };
    return runInWorker<LoadRequest, LoadMessage, LoadResult>(
      new URL('./load-worker', import.meta.url),
      request,
      {
        onMessage: (message) => this.#hear(message, load),
        signal: this.#aborter.signal,
        transfer: 'port' in source.rows ? [source.rows.port] : [],
      },
    );
  }

  /** While the disk is nearly full, what is loaded waits like what is written. */
  async #hear(message: LoadMessage, load: Load): Promise<void> {
    const { log, diskReserve } = this.#options;
    const { table, progress } = load;
    if (message.kind === 'refused') {
      log.warn(
        { table: table.name, reason: message.reason },
        'the disk does not take what is loaded; trying again',
      );
      return;
    }
    if (message.kind === 'run') {
      progress.rowsLoaded += message.rows;
      progress.bytesLoaded += message.bytes;
    }
    this.#logProgress(load);
    while (diskReserve.refusal !== undefined && !this.#aborter.signal.aborted) await delay(reservePollMs);
  }

  #logProgress(load: Load): void {
    const { clock, log } = this.#options;
    const nowMs = clock.monotonic();
    if (nowMs - load.loggedMs < progressLogMs) return;
    load.loggedMs = nowMs;
    log.info({ table: load.table.name, ...load.progress }, 'loading a table goes on');
  }

  async #beginAnew(table: TableDefinition, resolve: ResolveSource): Promise<void> {
    const { catalog, log } = this.#options;
    const source = await this.#resolved(table, resolve);
    if (this.#aborter.signal.aborted) {
      source?.release('stopped');
      return;
    }
    if (source === undefined) {
      log.error(
        { table: table.name, ...table.loading },
        'what a table was loaded from is gone, and so is the table',
      );
      await this.#commit(table, () => [{ remove: table.number }]);
      return;
    }
    let anew = table;
    await this.#commit(table, (current, { catalog: before }) => {
      anew = renumbered(current, before.nextNumber);
      return [{ remove: table.number }, { put: anew }];
    });
    if (catalog.byNumber(anew.number) === undefined || this.#aborter.signal.aborted)
      source.release('stopped');
    else this.start(anew, source);
  }

  async #resolved(table: TableDefinition, resolve: ResolveSource): Promise<LoadSource | undefined> {
    try {
      return await resolve(table);
    } catch (error) {
      if (!this.#aborter.signal.aborted)
        this.#options.log.error(
          { err: error, table: table.name },
          'cannot read what a table was loaded from',
        );
      return undefined;
    }
  }

  /** Commits what becomes of a table that is being loaded. There can be no room for the record just now. */
  async #commit(
    { number, name }: TableDefinition,
    decide: (current: TableDefinition, context: WriteContext) => readonly CatalogChange[],
  ): Promise<void> {
    const { committer, log } = this.#options;
    const { signal } = this.#aborter;
    while (!signal.aborted) {
      try {
        const committed = committer.submit((context) => {
          const current = context.catalog.byNumber(number)?.definition;
          const changes = current?.loading === undefined ? [] : decide(current, context);
          return { changes: changes.map(catalogRecord), reply: new Reply({}) };
        });
        // While LMDB takes nothing the queue may stand still; only when it is closed is it refused.
        await Promise.race([committed, this.#aborted]);
        return;
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ err: error, table: name }, 'cannot change the status of a loaded table; trying again');
        await delay(retryDelayMs, undefined, { signal }).catch(() => {});
      }
    }
  }
}

/** How many tables are being loaded, waiting ones too. AWS allows 50 restores at once, and 50 imports (AWS: ServiceQuotas). */
export function loadsUnderWay(catalog: Catalog, kind: TableLoading['kind']): number {
  let count = 0;
  for (const { definition } of catalog.all()) if (definition.loading?.kind === kind) count++;
  return count;
}

interface Load {
  readonly table: TableDefinition;
  readonly source: LoadSource;
  readonly progress: { rowsLoaded: number; bytesLoaded: number; readonly itemsTotal?: number };
  isRunning: boolean;
  /** When its progress was last told. */
  loggedMs: number;
}

/** Each has a core to itself for most of the time. */
const runningMax = 2;
const reservePollMs = 100;
const retryDelayMs = 1000;
const progressLogMs = 10_000;

function renumbered(table: TableDefinition, first: number): TableDefinition {
  const { indexes, collections } = table;
  return {
    ...table,
    number: first,
    indexes: indexes.map((index, i) => ({ ...index, number: first + 1 + i })),
    ...(collections !== undefined && { collections: first + 1 + indexes.length }),
  };
}
