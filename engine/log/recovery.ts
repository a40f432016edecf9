import type { Files, ReadableFile } from '../files.ts';
import { BatchReader, provenDurable } from './batch-reader.ts';
import { LogDamagedError } from './errors.ts';
import type { Chain } from './header.ts';
import type { LogEntry } from './record.ts';
import { layoutProblems, listSegments, type SegmentFile, withSegment } from './segment-file.ts';

/** Gets every batch behind `appliedTo`, in order; awaited before the next one. */
export type Replay = (entries: LogEntry[], endLsn: number) => void | Promise<void>;

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
 * Brings a log back after any end of its process or machine: what is there is made durable first, so that nothing is
 * replayed that the next power loss could take back; then the batches are read; then what was never
 * acknowledged is cut off.
 * @returns undefined where there is no log yet.
 * @throws LogDamagedError where something durable is missing or changed; nothing has been cut then.
 */
export async function recover(
  files: Files,
  directory: string,
  appliedTo: number,
  replay: Replay,
): Promise<Recovered | undefined> {
  const segments = await settleSegments(files, directory, appliedTo);
  if (segments.length === 0) return undefined;
  const first = segments.findLastIndex((segment) => segment.start <= appliedTo);
  let walk: SegmentWalk | undefined;
  for (const segment of segments.slice(first)) {
    const isLast = segment === segments.at(-1);
    const visit = replayFrom(appliedTo, segment, replay);
    walk = await walkSegment(files, segment, { isLast, appliedTo, chain: walk?.chain, visit });
  }
  return finish(files, segments, walk);
}

export interface SegmentWalk {
  /** Where in the file the good batches end. */
  readonly endOffset: number;
  readonly chain: Chain;
  readonly marked: boolean;
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
    while (reader.offset < segment.bytes) {
      const startLsn = segment.start + reader.offset;
      const batch = await reader.next();
      if (typeof batch === 'string') {
        await checkUnacknowledged(file, segment, reader.offset, options, batch);
        break;
      }
      marked = batch.entries.length === 0;
      await options.visit(batch.entries, startLsn, batch.endLsn);
    }
    const end = segment.start + reader.offset;
    if (options.isLast && end < options.appliedTo) {
      const what = `the log ends at ${end}, but state is applied to ${options.appliedTo}`;
      throw new LogDamagedError(segment.path, reader.offset, what);
    }
    return { endOffset: reader.offset, chain: reader.chain, marked };
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

/** The segments, checked and made durable; a last one that was never finished is removed. */
async function settleSegments(files: Files, directory: string, appliedTo: number): Promise<SegmentFile[]> {
  const segments = await listSegments(files, directory);
  const [problem] = layoutProblems(directory, segments, appliedTo);
  if (problem !== undefined) throw problem;
  const last = segments.at(-1);
  if (last !== undefined && last.header === undefined) {
    await checkUnfinished(files, last, appliedTo);
    await files.remove(last.path);
    segments.pop();
  }
  await syncSegment(files, segments.at(-1));
  await files.syncDirectory(directory);
  return segments;
}

async function syncSegment(files: Files, segment: SegmentFile | undefined, cutAt?: number): Promise<void> {
  if (segment === undefined) return;
  const file = await files.open(segment.path, 'buffered');
  try {
    if (cutAt !== undefined) await file.truncate(cutAt);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Hands on what lies behind `appliedTo`, which has to be the end of a batch or the beginning of a segment's first one. */
function replayFrom(appliedTo: number, segment: SegmentFile, replay: Replay): WalkOptions['visit'] {
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

async function finish(
  files: Files,
  segments: readonly SegmentFile[],
  walk: SegmentWalk | undefined,
): Promise<Recovered> {
  const last = segments.at(-1);
  if (last?.header === undefined || walk === undefined) throw new Error('recovery has read no segment');
  const end = last.start + walk.endOffset;
  if (last.bytes > walk.endOffset) await syncSegment(files, last, walk.endOffset);
  return { logId: last.header.logId, segments, end, chain: walk.chain, marked: walk.marked };
}

function sameChain(a: Chain, b: Chain): boolean {
  return (
    a.batchNumber === b.batchNumber &&
    a.previousChecksum === b.previousChecksum &&
    a.nextSequence === b.nextSequence &&
    a.lastTimeMs === b.lastTimeMs
  );
}
