import { existsSync } from 'node:fs';
import type { Logger } from '../../protocol/logger.ts';
import type { Log, LogSegment } from '../log/segments.ts';
import type { HistorianRequest, SplitMessage } from './historian-worker.ts';
import type { WindowFiles } from './history-files.ts';
import type { FoundHistories } from './history-listing.ts';
import { readProgress } from './progress.ts';
import { runInWorker } from './worker-thread.ts';

export interface HistorianOptions {
  /** The folder of all windows. */
  readonly directory: string;
  readonly log: Pick<Log, 'segments' | 'part'>;
  readonly logger: Logger;
}

/**
 * Takes the log apart: the changes that a segment has of a window go into a file of that window, as soon as the segment is no longer
 * written to. One worker does it, segment by segment, in their order.
 *
 * Invariants
 *  1. All files of the segments before `lsn` have been written durably before `lsn` says so; the mark in the folder follows the files
 *     and is durable before `lsn` rises. So what is removed from the log is in files, whatever happens.
 *  2. A segment is taken apart with the windows that are open when all of it has been published. A window that is opened
 *     later has none of its changes in it.
 *  3. A segment that is taken apart again gives the same files, in the place of those that are there.
 */
export class Historian {
  readonly #options: HistorianOptions;
  #lsn: number;
  /** Of the last change of each window that is in a file, by the windows' sequence numbers. */
  #lastSequences: Readonly<Record<string, number>>;
  readonly #knowsProgress: boolean;

  constructor(options: HistorianOptions) {
    this.#options = options;
    const progress = readProgress(options.directory);
    this.#knowsProgress = progress !== undefined;
    this.#lsn = Math.max(progress?.lsn ?? 0, startOf(options.log));
    this.#lastSequences = progress?.lastSequences ?? {};
  }

  /** The log is needed from here on: everything before is in the files of the open windows. */
  get lsn(): number {
    return this.#lsn;
  }

  /** No window is open: nothing of the log is needed. */
  standStill(): void {
    this.#lsn = Number.POSITIVE_INFINITY;
  }

  /** A window has been opened whose changes lie from there on. */
  needsFrom(lsn: number): void {
    this.#lsn = Math.min(this.#lsn, lsn);
  }

  /**
   * Learns of the files that there are, and removes those that belong to no window.
   * @param windows all that are open.
   * @throws an error of the file system
   */
  async list(windows: readonly WindowFiles[], signal: AbortSignal): Promise<void> {
    if (!existsSync(this.#options.directory)) return;
    const found = await this.#run<FoundHistories>(
      { kind: 'list', history: this.#options.directory, windows: windows.map(({ window }) => window) },
      { signal },
    );
    for (const files of windows) this.#found(files, found[files.window.sequence]);
  }

  /** Segments that are no longer written to, and not yet in files. @param publishedLsn the end of what is published. */
  sealed(publishedLsn: number): LogSegment[] {
    return this.#options.log.segments
      .slice(0, -1)
      .filter(({ startLsn, endLsn }) => startLsn >= this.#lsn && endLsn <= publishedLsn);
  }

  /**
   * Takes the first of them apart, some at a time.
   * @param windows all that are open, in the turn in which `segments` were asked for.
   * @throws LogDamagedError; an error of the file system
   */
  async split(
    segments: readonly LogSegment[],
    windows: readonly WindowFiles[],
    signal: AbortSignal,
  ): Promise<void> {
    const [first, last] = [segments[0], segments.slice(0, segmentsAtOnceMax).at(-1)];
    if (first === undefined || last === undefined) return;
    const { directory: history, log } = this.#options;
    const byWindow = new Map(windows.map((files) => [files.window.sequence, files]));
    const request: HistorianRequest = {
      kind: 'split',
      history,
      part: log.part(first.startLsn, last.endLsn),
      windows: windows.map(({ window }) => window),
      lastSequences: this.#lastSequencesOf(windows),
    };
    await this.#run(request, { signal, onMessage: (message) => this.#segmentDone(message, byWindow) });
  }

  #segmentDone({ lsn, files }: SplitMessage, windows: ReadonlyMap<number, WindowFiles>): void {
    for (const { window, file } of files) windows.get(window)?.addChanges(file);
    // No window may be open any more, or only one that begins behind it: what lies before is not kept then.
    this.#lsn = Math.max(this.#lsn, lsn);
  }

  /** What lies behind `lsn` is about to be made again. */
  #found(files: WindowFiles, found: FoundHistories[string] | undefined): void {
    if (found === undefined) return;
    const { bases, changes, damaged } = found;
    for (const { message } of damaged) this.#options.logger.error({}, `point-in-time recovery: ${message}`);
    files.add({ bases, changes: changes.filter(({ startLsn }) => startLsn < this.#lsn), damaged });
    const last = this.#lastSequences[files.window.sequence] ?? 0;
    files.lastSequence = this.#knowsProgress ? last : (files.changes.at(-1)?.last.sequence ?? 0);
  }

  #lastSequencesOf(windows: readonly WindowFiles[]): Record<string, number> {
    return Object.fromEntries(windows.map(({ window, lastSequence }) => [window.sequence, lastSequence]));
  }

  #run<Result>(
    request: HistorianRequest,
    options: { readonly signal: AbortSignal; readonly onMessage?: (message: SplitMessage) => void },
  ): Promise<Result> {
    return runInWorker<HistorianRequest, SplitMessage, Result>(workerModule, request, options);
  }
}

const workerModule = new URL('./historian-worker', import.meta.url);

/** So many are one worker's work; then windows that have come and gone are looked at. */
const segmentsAtOnceMax = 16;

function startOf(log: Pick<Log, 'segments'>): number {
  return log.segments[0]?.startLsn ?? 0;
}
