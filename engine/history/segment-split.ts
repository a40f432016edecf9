import { readCatalogRecord } from '../catalog.ts';
import { nodeFiles } from '../files.ts';
import { batchesIn } from '../log/range-reader.ts';
import type { Change, LogEntry } from '../log/record.ts';
import type { LogMoment } from '../stream/definition.ts';
import type { ChangesContents } from './archive-format.ts';
import { ArchiveWriter } from './archive-writer.ts';
import { type ChangesFile, changesPath, windowDirectory } from './history-files.ts';
import type { LogPart } from './load-plan.ts';
import type { HistoryWindow } from './window.ts';

/** What an archive of a window's changes says of itself. */
export interface HistoryContents extends ChangesContents {
  /** The window's last change before these; 0 where there is none. */
  readonly previousSequence: number;
}

/** A window, and what the file of its next changes has to follow. */
export interface SplitWindow extends HistoryWindow {
  readonly previousSequence: number;
}

/** A segment of the log that nobody writes to any more; `bytes` is its length. */
export type SealedSegment = LogPart['segments'][number];

export interface SplitOptions {
  readonly logId: string;
  /** The folder of all windows. */
  readonly history: string;
  readonly signal: AbortSignal;
  /** Of archives that are written at a time; each takes some 2 MB of memory. */
  readonly writersMax?: number;
}

/** The file that a window has got. */
export interface SplitFile {
  readonly window: number;
  readonly file: ChangesFile;
}

/**
 * Writes the changes that a segment has of each window into a file of their own. With more windows than files can be written at a
 * time the segment is read more than once.
 * @throws LogDamagedError; an error of the file system, and then the files that are there may stay.
 */
export async function splitSegment(
  segment: SealedSegment,
  windows: readonly SplitWindow[],
  options: SplitOptions,
): Promise<SplitFile[]> {
  const files: SplitFile[] = [];
  let waiting = windows;
  while (waiting.length > 0) {
    const pass = new SplitPass(segment, waiting, options);
    files.push(...(await pass.run()));
    waiting = pass.late;
  }
  return files;
}

const writersMaxDefault = 32;

/** One reading of a segment. */
class SplitPass {
  readonly #segment: SealedSegment;
  readonly #options: SplitOptions;
  /** By the numbers of tables. */
  readonly #windows: ReadonlyMap<number, SplitWindow>;
  readonly #targets = new Map<SplitWindow, SplitTarget>();
  readonly #late = new Set<SplitWindow>();

  constructor(segment: SealedSegment, windows: readonly SplitWindow[], options: SplitOptions) {
    this.#segment = segment;
    this.#options = options;
    this.#windows = new Map(windows.map((window) => [window.table, window]));
  }

  /** Those that have changes here and have found no room. */
  get late(): SplitWindow[] {
    return [...this.#late];
  }

  async run(): Promise<SplitFile[]> {
    try {
      await this.#read();
      const files: SplitFile[] = [];
      for (const [window, target] of this.#targets) {
        files.push({ window: window.sequence, file: await target.finish() });
        this.#targets.delete(window);
      }
      return files;
    } catch (error) {
      for (const target of this.#targets.values()) await target.abandon();
      throw error;
    }
  }

  async #read(): Promise<void> {
    const { logId, signal } = this.#options;
    const { start } = this.#segment;
    for await (const entries of batchesIn(nodeFiles, [this.#segment], logId, start)) {
      signal.throwIfAborted();
      await this.#take(entries);
    }
  }

  async #take(entries: readonly LogEntry[]): Promise<void> {
    const touched = new Set<SplitTarget>();
    for (const { firstSequence, timeMs, changes } of entries) {
      for (const [i, change] of changes.entries()) {
        const window = this.#windowOf(change, firstSequence + i);
        const target = window && (this.#targets.get(window) ?? (await this.#open(window)));
        target?.add({ sequence: firstSequence + i, timeMs }, change);
        if (target !== undefined) touched.add(target);
      }
    }
    for (const target of touched) await target.drained();
  }

  #windowOf(change: Change, sequence: number): SplitWindow | undefined {
    const table = tableOf(change);
    const window = table === undefined ? undefined : this.#windows.get(table);
    return window !== undefined && sequence >= window.sequence ? window : undefined;
  }

  /** @returns undefined where there is no room for one more. */
  async #open(window: SplitWindow): Promise<SplitTarget | undefined> {
    if (this.#targets.size >= (this.#options.writersMax ?? writersMaxDefault)) {
      this.#late.add(window);
      return undefined;
    }
    const target = await SplitTarget.create(this.#options.history, window, this.#segment);
    this.#targets.set(window, target);
    return target;
  }
}

/** The file that a window gets. */
class SplitTarget {
  readonly #writer: ArchiveWriter;
  readonly #path: string;
  readonly #contents: HistoryContents;
  #first: LogMoment | undefined;
  #last: LogMoment | undefined;

  private constructor(writer: ArchiveWriter, path: string, contents: HistoryContents) {
    this.#writer = writer;
    this.#path = path;
    this.#contents = contents;
  }

  static async create(
    history: string,
    { sequence, table, previousSequence }: SplitWindow,
    { start, bytes }: SealedSegment,
  ): Promise<SplitTarget> {
    const directory = windowDirectory(history, sequence);
    await nodeFiles.makeDirectory(directory);
    const path = changesPath(directory, start);
    const contents = { table, fromLsn: start, toLsn: start + bytes, previousSequence };
    return new SplitTarget(await ArchiveWriter.create(path), path, { kind: 'changes', ...contents });
  }

  add(at: LogMoment, change: Change): void {
    this.#writer.addChange(at, change);
    this.#first ??= at;
    this.#last = at;
  }

  drained(): Promise<void> {
    return this.#writer.drained();
  }

  async finish(): Promise<ChangesFile> {
    if (this.#first === undefined || this.#last === undefined) throw new Error('a file without changes');
    const fileBytes = await this.#writer.finish(this.#contents);
    const { fromLsn: startLsn, previousSequence } = this.#contents;
    const { first, last } = { first: this.#first, last: this.#last };
    return { path: this.#path, fileBytes, startLsn, first, last, previousSequence };
  }

  abandon(): Promise<void> {
    return this.#writer.abandon();
  }
}

/** The table whose item, or whose definition, a change is about. */
export function tableOf(change: Change): number | undefined {
  if (change.kind === 'item') return change.table;
  const record = readCatalogRecord(change.json);
  return 'put' in record ? record.put.number : undefined;
}
