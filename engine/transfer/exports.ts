import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../protocol/clock.ts';
import { limitExceeded } from '../../protocol/errors.ts';
import type { Logger } from '../../protocol/logger.ts';
import { type Catalog, Table } from '../catalog.ts';
import type { LoadPlan } from '../history/load-plan.ts';
import { PrivateStore } from '../history/private-store.ts';
import type { Pinned, TableHistories } from '../history/table-histories.ts';
import type { ChangeList } from '../history/window-plan.ts';
import { runInWorker } from '../history/worker-thread.ts';
import type { TableDefinition } from '../table-definition.ts';
import { failureOf } from './bucket-error.ts';
import type { BucketPlace } from './bucket-place.ts';
import { type ExportRecord, exportArnOf } from './export-record.ts';
import type { ExportRequest } from './export-worker.ts';
import type { ExportSource } from './export-writer.ts';
import { JobStore, rememberedMs, tokenLifeMs } from './job-store.ts';
import type { ExportResult } from './manifest.ts';

export interface ExportsOptions {
  /** Where exports are remembered. */
  readonly directory: string;
  /** For what exports need while they run; what a former process has left in it is removed. */
  readonly workDirectory: string;
  readonly buckets: BucketPlace;
  readonly histories: Pick<TableHistories, 'plan' | 'changesBetween' | 'restorable'>;
  /** The committed tables. */
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The exports of tables to buckets.
 *
 *     begin (durable) -> what of the history is needed, pinned -> [waiting] -> items in a store of their own -> thread: files -> manifest
 *
 * Invariants
 *  1. An export is remembered durably before it is acknowledged.
 *  2. Its manifest-summary.json is written last: where it is, all files are that it leads to.
 *  3. What an export needs of the history is pinned as soon as it has begun, so that it ends whatever becomes of the table.
 *  4. An export that a process leaves unfinished is begun anew by the next one, under the same names; where its moment cannot be
 *     restored any more it has failed.
 *
 * At most `runningMax` run at once: each takes its table's size on the disk, and a thread or two.
 */
export class Exports {
  readonly #options: ExportsOptions;
  readonly #records: JobStore<ExportRecord>;
  readonly #aborter = new AbortController();
  readonly #running = new Set<Promise<void>>();
  /** Rejects what waits for the history: a moment that is not over, or a first base. */
  readonly #waiting = new Set<(reason: unknown) => void>();
  readonly #turns = new Turns(runningMax);
  readonly #sweeper: NodeJS.Timeout;

  private constructor(options: ExportsOptions, records: JobStore<ExportRecord>) {
    this.#options = options;
    this.#records = records;
    this.#sweeper = setInterval(() => void this.#sweep(), sweepMs).unref();
  }

  /** Begins anew what a former process has not ended. */
  static async open(options: ExportsOptions): Promise<Exports> {
    rmSync(options.workDirectory, { recursive: true, force: true });
    const records = await JobStore.open<ExportRecord>(options.directory, options.log);
    const exports = new Exports(options, records);
    await exports.#sweep();
    for (const record of records.all()) if (record.status === 'IN_PROGRESS') exports.#resume(record);
    return exports;
  }

  get places(): BucketPlace {
    return this.#options.buckets;
  }

  /** Resolves when what was begun before is remembered. */
  settled(): Promise<void> {
    return this.#records.settled();
  }

  find(id: string): ExportRecord | undefined {
    return this.#records.get(id);
  }

  /** The newest first. */
  list(region: string): ExportRecord[] {
    return this.#records.all().filter((record) => record.region === region);
  }

  /** The export that a token stands for. */
  byToken(region: string, token: string): ExportRecord | undefined {
    return this.#records.byToken(region, token, this.#options.clock.now() - tokenLifeMs);
  }

  /**
   * @param record without id and status; resolves when the export is remembered for good and under way.
   * @throws LimitExceededException; what keeps it from being remembered
   */
  async begin(record: Omit<ExportRecord, 'id' | 'status'>, table: TableDefinition): Promise<ExportRecord> {
    if (this.#records.countUnderWay() >= underWayMax) {
      throw limitExceeded(`Only ${underWayMax} export operations can be done simultaneously`);
    }
    const begun: ExportRecord = {
      ...record,
      id: this.#records.newId(record.startMs),
      status: 'IN_PROGRESS',
    };
    await this.#records.add(begun);
    this.#start(begun, table);
    return begun;
  }

  /** Stops what is under way; the next start begins it anew. */
  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    this.#aborter.abort(new Error('the engine is closing'));
    for (const reject of this.#waiting) reject(this.#aborter.signal.reason);
    await Promise.all(this.#running);
    await this.#records.settled();
    rmSync(this.#options.workDirectory, { recursive: true, force: true });
  }

  #resume(record: ExportRecord): void {
    const { catalog, histories, clock } = this.#options;
    const table = catalog.get(record.region, record.tableName)?.definition;
    const bounds = table?.id === record.tableId ? histories.restorable(table, clock.now()) : undefined;
    const { of } = record;
    const isWithin =
      bounds !== undefined && (of.kind === 'full' ? of.throughMs : of.fromMs) >= bounds.earliestMs;
    if (table !== undefined && isWithin) {
      this.#start(record, table);
      return;
    }
    void this.#ended({
      ...record,
      status: 'FAILED',
      endMs: clock.now(),
      failureCode: 'PointInTimeRecoveryUnavailable',
      failureMessage: 'The server was restarted, and what is exported cannot be restored any more',
    });
  }

  #start(record: ExportRecord, table: TableDefinition): void {
    const running = this.#outcomeOf(record, table).then((outcome) => {
      this.#running.delete(running);
      return outcome && this.#ended(outcome);
    });
    this.#running.add(running);
  }

  /** @returns undefined where the export is stopped. */
  async #outcomeOf(record: ExportRecord, table: TableDefinition): Promise<ExportRecord | undefined> {
    const { clock, log } = this.#options;
    const names = { export: exportArnOf(record), bucket: record.bucket };
    try {
      const { itemCount, billedSizeBytes, endMs } = await this.#export(record, table);
      log.info(
        { ...names, itemCount, seconds: (endMs - record.startMs) / 1000 },
        'a table has been exported',
      );
      return { ...record, status: 'COMPLETED', endMs, itemCount, billedSizeBytes };
    } catch (error) {
      if (this.#aborter.signal.aborted) return undefined;
      log.error({ err: error, ...names }, 'a table could not be exported');
      return { ...record, status: 'FAILED', endMs: clock.now(), ...failureOf(error) };
    }
  }

  /** Invariant 3. */
  async #export(record: ExportRecord, table: TableDefinition): Promise<ExportResult & { endMs: number }> {
    const pinned = await this.#pinned(record, table);
    try {
      return await this.#turns.take(this.#aborter.signal, () =>
        'plan' in pinned
          ? this.#exportItems(record, pinned.plan)
          : this.#write(record, {
              kind: 'changes',
              directory: this.#workPath(record),
              list: pinned.list,
              schema: new Table(table).schema,
            }),
      );
    } finally {
      pinned.release();
      rmSync(this.#workPath(record), { recursive: true, force: true });
    }
  }

  /** What is pinned after all, when nobody waits for it any more, is released. */
  #pinned({ of }: ExportRecord, table: TableDefinition): Promise<PinnedSource> {
    const { histories } = this.#options;
    const { signal } = this.#aborter;
    const pinning: Promise<PinnedSource> =
      of.kind === 'full'
        ? histories.plan(table, { timeMs: of.throughMs })
        : histories.changesBetween(table, of.fromMs, of.toMs);
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      pinning
        .then((pinned) => (signal.aborted ? pinned.release() : resolve(pinned)), reject)
        .finally(() => this.#waiting.delete(reject));
    });
  }

  async #exportItems(record: ExportRecord, plan: LoadPlan): Promise<ExportResult & { endMs: number }> {
    const store = await PrivateStore.make(plan, this.#workPath(record), { signal: this.#aborter.signal });
    try {
      const { directory, table, statistics } = store;
      return await this.#write(record, {
        kind: 'items',
        directory,
        table,
        sizeBytes: statistics.sizeBytes,
      });
    } finally {
      await store.close();
    }
  }

  #write(record: ExportRecord, source: ExportSource): Promise<ExportResult & { endMs: number }> {
    const { buckets: place, clock } = this.#options;
    return runInWorker<ExportRequest, 'ended', ExportResult & { endMs: number }, number>(
      new URL('./export-worker', import.meta.url),
      { record, place, source },
      { onMessage: () => clock.now(), signal: this.#aborter.signal },
    );
  }

  #workPath({ id }: ExportRecord): string {
    mkdirSync(this.#options.workDirectory, { recursive: true });
    return join(this.#options.workDirectory, id);
  }

  async #ended(record: ExportRecord): Promise<void> {
    await this.#records.update(record).catch((error: unknown) => {
      const { log } = this.#options;
      log.error({ err: error, export: exportArnOf(record) }, 'cannot remember how an export has ended');
    });
  }

  async #sweep(): Promise<void> {
    const { clock, log } = this.#options;
    await this.#records.removeEndedBefore(clock.now() - rememberedMs).catch((error: unknown) => {
      log.warn({ err: error }, 'cannot forget old exports; trying again later');
    });
  }
}

type PinnedSource = Pinned<{ readonly plan: LoadPlan } | { readonly list: ChangeList }>;

/** AWS: ServiceQuotas. */
const underWayMax = 300;
const runningMax = 2;
const sweepMs = 60 * 60 * 1000;

/** Lets some run at once; the others wait in their order. */
class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** @throws the signal's reason, when its turn comes after an abort */
  async take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
