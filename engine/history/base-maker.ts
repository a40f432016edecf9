import type { Clock } from '../../protocol/clock.ts';
import type { Logger } from '../../protocol/logger.ts';
import { nodeFiles } from '../files.ts';
import type { TableDefinition } from '../table-definition.ts';
import { ArchiveReader } from './archive-reader.ts';
import { isBaseDue } from './base-policy.ts';
import { basePath, unsyncedSuffix, windowDirectory } from './history-files.ts';
import type { SnapshotSummary } from './load-plan.ts';
import type { TableHistory } from './table-history.ts';

/** Makes archives of tables while they are written to. */
export interface BaseSource {
  /** @param fromLsn what the log has from there on is in the archive. It has its name when it is whole, and is not there otherwise. */
  take(request: {
    readonly table: TableDefinition;
    readonly archivePath: string;
    readonly fromLsn?: number;
    readonly signal?: AbortSignal;
  }): Promise<SnapshotSummary>;
}

export interface BaseMakerOptions {
  /** The folder of all windows. */
  readonly directory: string;
  readonly source: BaseSource;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The sequence number of the last change that has been published. */
  readonly lastSequence: () => number;
  /** Makes durable what has been published. */
  readonly syncLog: () => Promise<void>;
  /** Of changes, below which no further base is made. */
  readonly bytesMin: number;
  /** How long after a failure the next one of the same window is tried, in ms. */
  readonly retryMs: number;
  /** Whether there is still something to be made for a window: its table may have gone meanwhile. */
  readonly isKept: (history: TableHistory) => boolean;
  /** One has been made, or has failed: another one may be due. */
  readonly onEnded: () => void;
}

/** Makes the bases that are due, one at a time over all tables; the one that somebody waits for first. */
export class BaseMaker {
  readonly #options: BaseMakerOptions;
  #making:
    | { readonly history: TableHistory; readonly aborter: AbortController; readonly done: Promise<void> }
    | undefined;

  constructor(options: BaseMakerOptions) {
    this.#options = options;
  }

  /** Begins the base that is due, if none is being made. */
  start(histories: Iterable<TableHistory>): void {
    if (this.#making !== undefined) return;
    const due = Array.from(histories).filter((history) => this.#isDue(history));
    const history = due.find(({ isWaitedFor }) => isWaitedFor) ?? due[0];
    if (history === undefined) return;
    const aborter = new AbortController();
    const done = this.#make(history, aborter.signal).finally(() => {
      this.#making = undefined;
      this.#options.onEnded();
    });
    this.#making = { history, aborter, done };
  }

  /** Resolves when no base of this window is being made; of any, if none is named. */
  async stop(history?: TableHistory): Promise<void> {
    const making = this.#making;
    if (making === undefined || (history !== undefined && making.history !== history)) return;
    making.aborter.abort(new Error('the history of the table is closed'));
    await making.done;
  }

  /** A table that is about to go has its last backup made another way; it needs a base only if somebody waits for it. */
  #isDue({ files, definition, isKept, isWaitedFor, retryAtMs }: TableHistory): boolean {
    if (!isKept || this.#options.clock.monotonic() < retryAtMs) return false;
    if (definition.status === 'DELETING' && !isWaitedFor) return false;
    return isBaseDue(files, this.#options.bytesMin);
  }

  async #make(history: TableHistory, signal: AbortSignal): Promise<void> {
    const { clock, logger, retryMs } = this.#options;
    try {
      await this.#take(history, signal);
      history.baseMade();
    } catch (error) {
      history.retryAtMs = clock.monotonic() + retryMs;
      history.baseFailed(error);
      if (signal.aborted || !this.#options.isKept(history)) return;
      const { name: table, region } = history.definition;
      logger.error({ err: error, table, region }, 'cannot write a base of a history; trying again later');
    }
  }

  /** The first one also has the log from the enabling on, so that every moment from then on can be brought back. */
  async #take(history: TableHistory, signal: AbortSignal): Promise<void> {
    const { files, enabledLsn, definition: table } = history;
    const isFirst = files.isNew;
    const directory = windowDirectory(this.#options.directory, history.sequence);
    await nodeFiles.makeDirectory(this.#options.directory);
    await nodeFiles.makeDirectory(directory);
    const sequence = isFirst ? history.sequence : this.#nextNumber(history);
    const path = basePath(directory, sequence);
    const archivePath = path + unsyncedSuffix;
    await this.#options.source.take({ table, archivePath, signal, ...(isFirst && { fromLsn: enabledLsn }) });
    const reader = await ArchiveReader.open(archivePath);
    await reader.close();
    // Power loss must not take back what a base has: other changes would get the same sequence numbers.
    await this.#options.syncLog();
    await nodeFiles.rename(archivePath, path);
    await nodeFiles.syncDirectory(directory);
    const { from, through, sizeBytes } = reader.snapshot;
    files.addBase({ path, fileBytes: reader.fileBytes, sequence, from, through, sizeBytes });
  }

  #nextNumber({ files }: TableHistory): number {
    return Math.max(this.#options.lastSequence(), (files.bases.at(-1)?.sequence ?? 0) + 1);
  }
}
