import type { Files, ReadableFile, WritableFile } from '../files.ts';
import { BatchReader, provenDurable } from './batch-reader.ts';
import { LogDamagedError } from './errors.ts';
import { writeAll } from './full-disk.ts';
import type { Chain } from './header.ts';
import type { LogEntry } from './record.ts';
import { layoutProblems, listSegments, type SegmentFile, withSegment } from './segment-file.ts';

/** Gets every batch behind `appliedTo`, in order; awaited before the next one. */
export type Replay = (entries: LogEntry[], endLsn: number) => void | Promise<void>;

/** Looks at batches on opening, each after its replay. */
export interface History {
  readonly visit: (entries: LogEntry[], startLsn: number, endLsn: number) => void;
  /** Whether all that is kept is read for it, or only what is replayed and the rest of that segment. */
  readonly isWhole: boolean;
}

/** The slices in which the end of a log is written once more. */
const rewriteBytes = 1024 * 1024;

export interface Recovered {
  readonly logId: string;
  /** Oldest first; the last one is written on. */
  readonly segments: readonly SegmentFile[];
  readonly end: number;
  readonly chain: Chain;
  /** Nothing but marks and headers since the last entry, so its durability is proven. */
  readonly marked: boolean;
}

/**
 * Brings a log back after any end of its process or machine. First what was never acknowledged is cut off and all that is
 * left is made durable, so that nothing is replayed that the next power loss could take back; then the batches are replayed.
 * @returns undefined where there is no log yet.
 * @throws LogDamagedError where something durable is missing or changed; no batch has been cut then. LogFullError where the
 *    disk has no room even for what is there.
 */
export async function recover(
  files: Files,
  directory: string,
  appliedTo: number,
  replay: Replay,
  history?: History,
): Promise<Recovered | undefined> {
  const segments = await listWhole(files, directory, appliedTo);
  const last = segments.pop();
  if (last !== undefined) segments.push(await settle(files, last, appliedTo));
  await files.syncDirectory(directory);
  return last === undefined ? undefined : replaySegments(files, segments, appliedTo, replay, history);
}

export interface SegmentWalk {
  /** Where in the file the good batches end. */
  readonly endOffset: number;
  readonly chain: Chain;
  readonly marked: boolean;
  /** What the headers say to be durable: everything before this LSN. */
  readonly provenLsn: number;
}

export interface WalkOptions {
  readonly isLast: boolean;
  /** LSN known durable from elsewhere. */
  readonly appliedTo: number;
  /** What the segment before has left to be continued; undefined where it was not read. */
  readonly chain: Chain | undefined;
  readonly visit: (entries: LogEntry[], startLsn: number, endLsn: number) => void | Promise<void>;
}

/**
 * Reads a segment whose header is good. The first bad batch is damage if anything proves that the log was once durable beyond its
 * beginning: a later segment, a later header, or `appliedTo`. Otherwise the good batches end there.
 */
export function walkSegment(files: Files, segment: SegmentFile, options: WalkOptions): Promise<SegmentWalk> {
  return withSegment(files, segment, async (file) => {
    const header = segment.header;
    if (header === undefined) throw new LogDamagedError(segment.path, 0, 'no valid segment header');
    if (options.chain !== undefined && !sameChain(options.chain, header.chain)) {
      throw new LogDamagedError(segment.path, 0, 'the segment does not continue the one before it');
    }
    const reader = new BatchReader(file, segment, header.logId, header.chain);
    let marked = true;
    let provenLsn = segment.start;
    while (reader.offset < segment.bytes) {
      const startLsn = segment.start + reader.offset;
      const batch = await reader.next();
      if (typeof batch === 'string') {
        await checkUnacknowledged(file, segment, reader.offset, options, batch);
        break;
      }
      marked = batch.entries.length === 0;
      provenLsn = batch.header.durableLsn;
      await options.visit(batch.entries, startLsn, batch.endLsn);
    }
    const end = segment.start + reader.offset;
    if (options.isLast && end < options.appliedTo) {
      const what = `the log ends at ${end}, but state is applied to ${options.appliedTo}`;
      throw new LogDamagedError(segment.path, reader.offset, what);
    }
    return { endOffset: reader.offset, chain: reader.chain, marked, provenLsn };
  });
}

/** @throws LogDamagedError where something proves that the bad batch at `offset` was once durable. */
async function checkUnacknowledged(
  file: ReadableFile,
  segment: SegmentFile,
  offset: number,
  { isLast, appliedTo }: WalkOptions,
  what: string,
): Promise<void> {
  const lsn = segment.start + offset;
  const isProven =
    !isLast ||
    appliedTo > lsn ||
    (await provenDurable(file, segment, offset, segment.header?.logId, lsn)) > lsn;
  if (isProven) throw new LogDamagedError(segment.path, offset, what);
}

/**
 * Whether a last segment without a valid header was never finished. A header is durable before the first batch is written, so
 * nothing in an unfinished one was ever acknowledged.
 * @throws LogDamagedError where it was finished, and its header has been damaged since.
 */
export async function checkUnfinished(files: Files, segment: SegmentFile, appliedTo: number): Promise<void> {
  const proven = await withSegment(files, segment, (file) => provenDurable(file, segment, 0, undefined, 0));
  if (proven > 0 || appliedTo > segment.start) {
    throw new LogDamagedError(segment.path, 0, 'no valid segment header');
  }
}

/** The segments of a log that lacks none; a last one that was never finished is removed. */
async function listWhole(files: Files, directory: string, appliedTo: number): Promise<SegmentFile[]> {
  const segments = await listSegments(files, directory);
  const [problem] = layoutProblems(directory, segments, appliedTo);
  if (problem !== undefined) throw problem;
  const last = segments.at(-1);
  if (last !== undefined && last.header === undefined) {
    await checkUnfinished(files, last, appliedTo);
    await files.remove(last.path);
    segments.pop();
  }
  return segments;
}

/**
 * Cuts the last segment where its good batches end, and makes it durable. Bytes that no header proves durable are written once more:
 * after a failed sync the kernel holds pages for clean that never reached the disk, and a sync alone would leave them so.
 */
async function settle(files: Files, segment: SegmentFile, appliedTo: number): Promise<SegmentFile> {
  const options = { isLast: true, appliedTo, chain: undefined, visit: () => {} };
  const { endOffset, provenLsn } = await walkSegment(files, segment, options);
  const file = await files.open(segment.path, 'buffered');
  try {
    if (segment.bytes > endOffset) await file.truncate(endOffset);
    await rewrite(file, provenLsn - segment.start, endOffset);
    await file.sync();
  } finally {
    await file.close();
  }
  return { ...segment, bytes: endOffset };
}

async function rewrite(file: WritableFile, from: number, to: number): Promise<void> {
  const bytes = Buffer.alloc(Math.min(rewriteBytes, to - from));
  for (let offset = from; offset < to; offset += bytes.length) {
    const part = bytes.subarray(0, to - offset);
    await file.read(part, offset);
    await writeAll(file, part, offset);
  }
}

async function replaySegments(
  files: Files,
  segments: readonly SegmentFile[],
  appliedTo: number,
  replay: Replay,
  history: History | undefined,
): Promise<Recovered> {
  const first = history?.isWhole === true ? 0 : segments.findLastIndex(({ start }) => start <= appliedTo);
  let walk: SegmentWalk | undefined;
  for (const segment of segments.slice(first)) {
    const isLast = segment === segments.at(-1);
    const visit = withHistory(replayFrom(appliedTo, segment, replay), history);
    walk = await walkSegment(files, segment, { isLast, appliedTo, chain: walk?.chain, visit });
  }
  const last = segments.at(-1);
  if (last?.header === undefined || walk === undefined)
    throw new Error('a log without a segment was replayed');
  const { chain, marked } = walk;
  return { logId: last.header.logId, segments, end: last.start + last.bytes, chain, marked };
}

function withHistory(visit: WalkOptions['visit'], history: History | undefined): WalkOptions['visit'] {
  if (history === undefined) return visit;
  return async (entries, startLsn, endLsn) => {
    await visit(entries, startLsn, endLsn);
    if (entries.length > 0) history.visit(entries, startLsn, endLsn);
  };
}

/** Hands on the batches behind `appliedTo`, which is the end of one of them. */
export function replayFrom(appliedTo: number, segment: SegmentFile, replay: Replay): WalkOptions['visit'] {
  return (entries, startLsn, endLsn) => {
    if (startLsn < appliedTo && appliedTo < endLsn) {
      const offset = startLsn - segment.start;
      throw new LogDamagedError(
        segment.path,
        offset,
        `state is applied to ${appliedTo}, the middle of a batch`,
      );
    }
    return endLsn > appliedTo && entries.length > 0 ? replay(entries, endLsn) : undefined;
  };
}

function sameChain(a: Chain, b: Chain): boolean {
  return (
    a.batchNumber === b.batchNumber &&
    a.previousChecksum === b.previousChecksum &&
    a.nextSequence === b.nextSequence &&
    a.lastTimeMs === b.lastTimeMs
  );
}
