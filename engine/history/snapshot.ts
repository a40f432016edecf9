import { serviceUnavailable } from '../../protocol/errors.ts';
import { appliedPosition, appliedTable } from '../checkpoint.ts';
import type { Log } from '../log/segments.ts';
import type { Store } from '../state/store.ts';
import type { TableStatistics } from '../statistics.ts';
import type { LogMoment } from '../stream/definition.ts';
import type { TableDefinition } from '../table-definition.ts';
import type { SnapshotSummary } from './load-plan.ts';
import type { ScanEnd, SnapshotMessage, SnapshotProgress, SnapshotRequest } from './snapshot-worker.ts';
import { runInWorker } from './worker-thread.ts';

export interface SnapshotsOptions {
  /** Of LMDB; threads open it for themselves. */
  readonly stateDirectory: string;
  readonly store: Store;
  /** On the operating system's files, which threads read. */
  readonly log: Pick<Log, 'part'>;
  /** The end of what is published, and the last change before it. */
  readonly published: () => { readonly lsn: number; readonly last: LogMoment };
  /** Of the items of a table, as they are published. */
  readonly statistics: (table: number) => TableStatistics;
  /** Why nothing more is to be put on the disk now; undefined while there is room. */
  readonly refusal: () => string | undefined;
}

export interface TakeSnapshot {
  readonly table: TableDefinition;
  /** Of the archive when it is whole. */
  readonly archivePath: string;
  /** All changes from there on are in the archive, so that it reaches back so far. Where a batch begins, or ends. */
  readonly fromLsn?: number;
  readonly onProgress?: (progress: SnapshotProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Archives of whole tables, taken while they are written to.
 *
 *     log     ------- A ------------------------- P ---->
 *     worker            scan of LMDB, in slices     what the log has from A to P -> archive
 *
 * Invariants
 *
 * 1. A is at or before LMDB's position when the scan begins, so what was committed before A is in LMDB all the time. LMDB may hold
 *    more than its position says, and gets more while it is scanned.
 * 2. P is the end of what is published after the last slice. LMDB never holds what is not published, so no item was met as it was
 *    after P. Of an item that has changed between A and P the archive has each of these changes; another one was met as it
 *    was all the time.
 * 3. The log from A on is kept, by `pinLsn`, until the archive is whole. LMDB's items of the table are not: where it is deleted before
 *    P the snapshot fails.
 * 4. A slice of the scan is one read transaction of a few milliseconds: LMDB's file does not grow for a scan.
 * 5. While the disk is nearly full none is begun, and those that are being made are given up: the room that is left is for what was
 *    written, and comes back with what they had taken.
 * 6. `runningMax` snapshots are taken at a time; of the log that others will need nothing is removed while they wait.
 */
export class Snapshots {
  readonly #options: SnapshotsOptions;
  readonly #aborter = new AbortController();
  readonly #taken = new Set<Taken>();
  /** Those that wait for others to end, in their order. */
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(options: SnapshotsOptions) {
    this.#options = options;
  }

  /** The log is needed from there on; infinity for not at all. */
  pinLsn(): number {
    return Math.min(...Array.from(this.#taken, ({ pinLsn }) => pinLsn));
  }

  /**
   * Resolves when the archive has its name; where it rejects there is none.
   * @throws ServiceUnavailable where the disk is nearly full; StateDamagedError naming a damaged item, LogDamagedError; RangeError where the log does not go back so far; an error of
   * the file system; the signal's reason.
   */
  async take(request: TakeSnapshot): Promise<SnapshotSummary> {
    const signals = [this.#aborter.signal, ...(request.signal === undefined ? [] : [request.signal])];
    const signal = AbortSignal.any(signals);
    signal.throwIfAborted();
    const taken: Taken = { pinLsn: request.fromLsn ?? Infinity, ended: undefined };
    this.#taken.add(taken);
    const summary = this.#takeInTurn(request, taken, signal);
    taken.ended = summary.catch(() => {}).then(() => void this.#taken.delete(taken));
    return summary;
  }

  /** Aborts those that are under way, and resolves when no thread of them is left. */
  async close(): Promise<void> {
    this.#aborter.abort(new Error('the engine is closing'));
    await Promise.all(Array.from(this.#taken, ({ ended }) => ended));
  }

  async #takeInTurn(request: TakeSnapshot, taken: Taken, signal: AbortSignal): Promise<SnapshotSummary> {
    await this.#turn(signal);
    try {
      return await this.#take(request, taken, signal);
    } finally {
      this.#endTurn();
    }
  }

  async #take(request: TakeSnapshot, taken: Taken, signal: AbortSignal): Promise<SnapshotSummary> {
    const { store, stateDirectory } = this.#options;
    const { table, archivePath, fromLsn = Infinity, onProgress } = request;
    this.#assertRoom();
    const startLsn = Math.min(appliedPosition(store).lsn, fromLsn);
    taken.pinLsn = startLsn;
    this.#logFrom(startLsn);
    const scan: SnapshotRequest = {
      stateDirectory,
      archivePath,
      table: appliedTable(store, table.number)?.definition ?? table,
    };
    const onMessage = (message: SnapshotMessage) => {
      if (message.kind === 'scanned') return this.#scanEnd(table.number, startLsn);
      this.#assertRoom();
      onProgress?.(message.progress);
      return undefined;
    };
    return runInWorker(new URL('./snapshot-worker', import.meta.url), scan, { onMessage, signal });
  }

  /** Invariant 2, within one turn: P, the last change before it, and what it has made of the table. */
  #scanEnd(table: number, startLsn: number): ScanEnd {
    const { itemCount, sizeBytes } = this.#options.statistics(table);
    return { log: this.#logFrom(startLsn), through: this.#options.published().last, itemCount, sizeBytes };
  }

  #assertRoom(): void {
    const refusal = this.#options.refusal();
    if (refusal !== undefined) throw serviceUnavailable(refusal);
  }

  #logFrom(startLsn: number): ScanEnd['log'] {
    return this.#options.log.part(startLsn, this.#options.published().lsn);
  }

  async #turn(signal: AbortSignal): Promise<void> {
    if (this.#running < runningMax) {
      this.#running++;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const abort = () => {
        this.#waiting.delete(start);
        reject(signal.reason);
      };
      const start = () => {
        signal.removeEventListener('abort', abort);
        resolve();
      };
      signal.addEventListener('abort', abort);
      this.#waiting.add(start);
    });
  }

  /** The next one has the turn at once, so nobody comes between. */
  #endTurn(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#running--;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}

/** Each takes a thread and some 10 MB. */
const runningMax = 2;

/** A snapshot under way, or waiting. */
interface Taken {
  pinLsn: number;
  ended: Promise<void> | undefined;
}
