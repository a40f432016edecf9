import type { Files } from '../files.ts';
import { BatchReader, type SegmentBytes } from './batch-reader.ts';
import { LogDamagedError } from './errors.ts';
import { headerBytes } from './header.ts';
import type { LogEntry } from './record.ts';

/** Gets the entries of a batch; false: no more. */
export type VisitEntries = (entries: LogEntry[]) => boolean;

/**
 * Reads batches of a log that may be written to meanwhile, from `fromLsn` to the end of the parts. Every batch is checked as on
 * recovery; that it continues the one before it is known from the second one on.
 * @param segments in their order, joined; `bytes` is where the last batch that may be read ends, below 0 for a segment behind it.
 * @returns the entries of a batch at a time, marks left out.
 * @throws LogDamagedError: what is there was acknowledged, so it is damage and no torn write.
 */
export async function* batchesIn(
  files: Files,
  segments: readonly SegmentBytes[],
  logId: string,
  fromLsn: number,
): AsyncGenerator<LogEntry[], void> {
  for (const segment of segments) {
    const offset = Math.max(fromLsn - segment.start, headerBytes);
    if (offset < segment.bytes) yield* batchesOf(files, segment, logId, offset);
  }
}

/** Hands on what `batchesIn` gives, until it is enough. */
export async function readRange(
  files: Files,
  segments: readonly SegmentBytes[],
  logId: string,
  fromLsn: number,
  visit: VisitEntries,
): Promise<void> {
  for await (const entries of batchesIn(files, segments, logId, fromLsn)) {
    if (!visit(entries)) return;
  }
}

async function* batchesOf(
  files: Files,
  segment: SegmentBytes,
  logId: string,
  offset: number,
): AsyncGenerator<LogEntry[], void> {
  const file = await files.openForRead(segment.path);
  try {
    const reader = new BatchReader(file, segment, logId);
    const fault = await reader.startAt(offset);
    if (fault !== undefined) throw new LogDamagedError(segment.path, offset, fault);
    while (reader.offset < segment.bytes) {
      const batch = await reader.next();
      if (typeof batch === 'string') throw new LogDamagedError(segment.path, reader.offset, batch);
      if (batch.entries.length > 0) yield batch.entries;
    }
  } finally {
    await file.close();
  }
}
