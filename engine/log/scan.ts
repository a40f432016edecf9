import type { Files } from '../files.ts';
import { LogDamagedError, LogFormatError } from './errors.ts';
import type { Chain } from './header.ts';
import type { LogEntry } from './record.ts';
import { checkUnfinished, type Replay, replayFrom, type WalkOptions, walkSegment } from './recovery.ts';
import { layoutProblems, listSegments, type SegmentFile } from './segment-file.ts';

export interface LogReport {
  readonly segments: readonly SegmentReport[];
  /** Damage, and formats that this version does not know. Empty: the log is sound. */
  readonly problems: readonly (LogDamagedError | LogFormatError)[];
  /** Bytes after the last good batch, zeros included, that opening the log would cut: never acknowledged. */
  readonly unfinishedBytes: number;
}

export interface SegmentReport {
  readonly file: string;
  readonly startLsn: number;
  readonly bytes: number;
  /** Marks included. */
  readonly batches: number;
  readonly entries: number;
  /** Sequence numbers of the first and last change; undefined where there is none. */
  readonly firstSequence: number | undefined;
  readonly lastSequence: number | undefined;
}

/**
 * Reads every batch of a log that no process has open, and changes nothing. A segment that is damaged is reported up to its first bad
 * batch, and the next ones are read all the same.
 * @param appliedTo the LSN up to which state is known to be applied; without it, missing segments at either end go unnoticed.
 * @param replay gets what lies behind `appliedTo`, as opening the log would replay it.
 */
export async function scanLog(
  files: Files,
  directory: string,
  appliedTo?: number,
  replay: Replay = () => {},
): Promise<LogReport> {
  const listed = await listReadable(files, directory);
  if (listed instanceof LogFormatError) return { segments: [], problems: [listed], unfinishedBytes: 0 };
  const known = appliedTo ?? listed[0]?.start ?? 0;
  const scan = new Scan(files, known, replay, layoutProblems(directory, listed, known));
  for (const segment of listed) await scan.read(segment, segment === listed.at(-1));
  return scan;
}

async function listReadable(files: Files, directory: string): Promise<SegmentFile[] | LogFormatError> {
  try {
    return await listSegments(files, directory);
  } catch (error) {
    if (error instanceof LogFormatError) return error;
    throw error;
  }
}

class Scan implements LogReport {
  readonly segments: SegmentReport[] = [];
  readonly problems: (LogDamagedError | LogFormatError)[];
  unfinishedBytes = 0;
  readonly #files: Files;
  readonly #appliedTo: number;
  readonly #replay: Replay;
  #chain: Chain | undefined;

  constructor(files: Files, appliedTo: number, replay: Replay, problems: readonly LogDamagedError[]) {
    this.#files = files;
    this.#appliedTo = appliedTo;
    this.#replay = replay;
    this.problems = [...problems];
  }

  async read(segment: SegmentFile, isLast: boolean): Promise<void> {
    const tally = new Tally(segment);
    this.segments.push(tally);
    try {
      if (segment.header === undefined && isLast) await this.#readUnfinished(segment);
      else await this.#walk(segment, isLast, tally);
    } catch (error) {
      if (!(error instanceof LogDamagedError || error instanceof LogFormatError)) throw error;
      this.#chain = undefined;
      if (!this.problems.some(({ message }) => message === error.message)) this.problems.push(error);
    }
  }

  async #readUnfinished(segment: SegmentFile): Promise<void> {
    await checkUnfinished(this.#files, segment, this.#appliedTo);
    this.unfinishedBytes += segment.bytes;
  }

  async #walk(segment: SegmentFile, isLast: boolean, tally: Tally): Promise<void> {
    const replay = replayFrom(this.#appliedTo, segment, this.#replay);
    const visit: WalkOptions['visit'] = (entries, startLsn, endLsn) => {
      tally.add(entries);
      return replay(entries, startLsn, endLsn);
    };
    const options = { isLast, appliedTo: this.#appliedTo, chain: this.#chain, visit };
    const { chain, endOffset } = await walkSegment(this.#files, segment, options);
    this.#chain = chain;
    this.unfinishedBytes += segment.bytes - endOffset;
  }
}

class Tally implements SegmentReport {
  readonly file: string;
  readonly startLsn: number;
  readonly bytes: number;
  batches = 0;
  entries = 0;
  firstSequence: number | undefined;
  lastSequence: number | undefined;

  constructor(segment: SegmentFile) {
    this.file = segment.path;
    this.startLsn = segment.start;
    this.bytes = segment.bytes;
  }

  add(entries: readonly LogEntry[]): void {
    this.batches++;
    this.entries += entries.length;
    for (const { firstSequence, changes } of entries) {
      if (changes.length === 0) continue;
      this.firstSequence ??= firstSequence;
      this.lastSequence = firstSequence + changes.length - 1;
    }
  }
}
