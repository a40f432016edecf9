import { MessageChannel } from 'node:worker_threads';
import type { Clock } from '../../protocol/clock.ts';
import type { Logger } from '../../protocol/logger.ts';
import type { Catalog } from '../catalog.ts';
import { runInWorker } from '../history/worker-thread.ts';
import type { LoadOutcome, LoadSource } from '../loading/load-source.ts';
import type { TableDefinition } from '../table-definition.ts';
import { failureOf } from './bucket-error.ts';
import type { BucketPlace } from './bucket-place.ts';
import { type ImportRecord, importArnOf, nothingRead } from './import-record.ts';
import type { ImportMessage, ImportRequest } from './import-worker.ts';
import { JobStore, rememberedMs, tokenLifeMs } from './job-store.ts';

export interface ImportsOptions {
  /** Where imports are remembered. */
  readonly directory: string;
  readonly buckets: BucketPlace;
  /** The committed tables. */
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The imports of tables from buckets.
 *
 *     remember (durable) -> table CREATING, with its import's ARN -> source: thread reads, checks --- rows ---> TableLoads -> table ACTIVE
 *
 * Invariants
 *  1. An import is remembered before its table is in the catalog.
 *  2. The last counts are durable before the loading of the table ends: so the import's outcome is known as soon as the
 *     table is ACTIVE, whatever happens in between.
 *  3. An import that a process leaves unfinished is read anew from the beginning by the next one. What has neither a table
 *     nor an end has failed.
 */
export class Imports {
  readonly #options: ImportsOptions;
  readonly #records: JobStore<ImportRecord>;
  readonly #reading = new Set<Promise<void>>();
  readonly #aborter = new AbortController();
  readonly #sweeper: NodeJS.Timeout;

  private constructor(options: ImportsOptions, records: JobStore<ImportRecord>) {
    this.#options = options;
    this.#records = records;
    this.#sweeper = setInterval(() => void this.#sweep(), sweepMs).unref();
  }

  static async open(options: ImportsOptions): Promise<Imports> {
    const records = await JobStore.open<ImportRecord>(options.directory, options.log);
    const imports = new Imports(options, records);
    await imports.#sweep();
    for (const record of records.all())
      if (record.status === 'IN_PROGRESS') await imports.#endWithoutLoad(record);
    return imports;
  }

  /** Resolves when what was begun before is remembered. */
  settled(): Promise<void> {
    return this.#records.settled();
  }

  find(id: string): ImportRecord | undefined {
    return this.#records.get(id);
  }

  /** The newest first. */
  list(region: string): ImportRecord[] {
    return this.#records.all().filter((record) => record.region === region);
  }

  /** The import that a token stands for. */
  byToken(region: string, token: string): ImportRecord | undefined {
    return this.#records.byToken(region, token, this.#options.clock.now() - tokenLifeMs);
  }

  /** Durable when it resolves. @throws what keeps it from being remembered */
  async remember(record: Omit<ImportRecord, 'id' | 'status'>): Promise<ImportRecord> {
    const begun: ImportRecord = {
      ...record,
      id: this.#records.newId(record.startMs),
      status: 'IN_PROGRESS',
    };
    await this.#records.add(begun);
    return begun;
  }

  /** Takes back what was remembered of an import of which nothing has come. */
  forget({ id }: ImportRecord): Promise<void> {
    return this.#records.remove(id);
  }

  /** What the table of an import is loaded from. */
  source(record: ImportRecord): LoadSource {
    const { port1, port2 } = new MessageChannel();
    let reading: Promise<unknown> | undefined;
    return {
      rows: { port: port2 },
      begin: () => {
        const { table } = this.#tableOf(record);
        if (table === undefined) return port1.close();
        reading = this.#read({ record, place: this.#options.buckets, table, port: port1 });
        // Whoever releases it learns of its failure.
        reading.catch(() => {});
      },
      release: (outcome) => {
        if (reading === undefined) port1.close();
        this.#wait(this.#released(record, outcome, reading));
      },
    };
  }

  /** The source of a load that was interrupted, made anew. @returns undefined where nothing is remembered of the import. */
  again({ loading }: TableDefinition): LoadSource | undefined {
    if (loading?.kind !== 'import') return undefined;
    const record = this.#records.get(loading.importArn.slice(loading.importArn.lastIndexOf('/') + 1));
    if (record === undefined) return undefined;
    const { isRead: _anew, ...begun } = record;
    const again = { ...begun, ...nothingRead };
    this.#records.show(again);
    return this.source(again);
  }

  /** After the loads: their sources are released then. */
  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    this.#aborter.abort(new Error('the engine is closing'));
    await Promise.all(this.#reading);
    await this.#records.settled();
  }

  #read(request: ImportRequest): Promise<void> {
    return runInWorker<ImportRequest, ImportMessage, void>(
      new URL('./import-worker', import.meta.url),
      request,
      {
        onMessage: (message) => this.#hear(message, request.record.id),
        signal: this.#aborter.signal,
        transfer: [request.port],
      },
    );
  }

  async #hear(message: ImportMessage, id: string): Promise<void> {
    const record = this.#records.get(id);
    if (record === undefined) return;
    switch (message.kind) {
      case 'progress':
        this.#records.show({ ...record, ...message.counts });
        return;
      case 'read':
        // Invariant 2.
        await this.#records.update({ ...record, ...message.counts, isRead: true });
        return;
      case 'rejected':
        this.#options.log.warn(
          { import: importArnOf(record), ...message.rejection },
          'an item cannot be imported',
        );
    }
  }

  async #released(
    { id }: ImportRecord,
    outcome: LoadOutcome,
    reading: Promise<unknown> | undefined,
  ): Promise<void> {
    const failure = await reading?.then(
      () => undefined,
      (error: unknown) => error,
    );
    const record = this.#records.get(id);
    if (outcome === 'stopped' || record === undefined) return;
    await this.#end(outcome === 'loaded' ? loaded(record) : failed(record, failure ?? outcome.failed));
  }

  async #end(record: ImportRecord): Promise<void> {
    const { log, clock } = this.#options;
    const ended = { ...record, endMs: clock.now() };
    const { importedItems, errors, failureMessage } = ended;
    const details = { import: importArnOf(ended), importedItems, errors };
    if (ended.status === 'COMPLETED') log.info(details, 'a table has been imported');
    else log.error({ ...details, reason: failureMessage }, 'an import has failed');
    await this.#records.update(ended).catch((error: unknown) => {
      log.error({ err: error, ...details }, 'cannot remember how an import has ended');
    });
  }

  /** Of what a former process has left, that which no table is being loaded from. */
  async #endWithoutLoad(record: ImportRecord): Promise<void> {
    const { table, isThere } = this.#tableOf(record);
    if (table !== undefined) return;
    if (isThere && record.isRead === true) await this.#end(loaded(record));
    else await this.#end(failed(record, new Error('The server was stopped before the table was there')));
  }

  /** @returns the table while it is being loaded, and whether it is there. */
  #tableOf({ region, tableName, tableId }: ImportRecord): {
    readonly table: TableDefinition | undefined;
    readonly isThere: boolean;
  } {
    const found = this.#options.catalog.get(region, tableName)?.definition;
    const table = found?.id === tableId ? found : undefined;
    return table?.loading === undefined
      ? { table: undefined, isThere: table !== undefined }
      : { table, isThere: true };
  }

  #wait(work: Promise<void>): void {
    const done = work.finally(() => this.#reading.delete(done));
    this.#reading.add(done);
  }

  async #sweep(): Promise<void> {
    const { clock, log } = this.#options;
    await this.#records.removeEndedBefore(clock.now() - rememberedMs).catch((error: unknown) => {
      log.warn({ err: error }, 'cannot forget old imports; trying again later');
    });
  }
}

const sweepMs = 60 * 60 * 1000;

/** A table that lacks some items is there, though its import has failed (measured). */
function loaded(record: ImportRecord): ImportRecord {
  if (record.errors === 0) return { ...record, status: 'COMPLETED' };
  return {
    ...record,
    status: 'FAILED',
    failureCode: 'ItemValidationError',
    failureMessage:
      'Some of the items failed validation checks and were not imported. ' +
      'Please check CloudWatch error logs for more details.',
  };
}

function failed(record: ImportRecord, failure: unknown): ImportRecord {
  return { ...record, status: 'FAILED', ...failureOf(failure) };
}
