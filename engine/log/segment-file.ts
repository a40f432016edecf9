import { join } from 'node:path';
import type { Files, ReadableFile } from '../files.ts';
import { LogDamagedError, LogFormatError } from './errors.ts';
import { decodeSegmentHeader, formatVersion, headerBytes, type SegmentHeader } from './header.ts';

/** A segment as a directory shows it. */
export interface SegmentFile {
  readonly name: string;
  readonly path: string;
  /** LSN of the first byte, as the name says. */
  readonly start: number;
  readonly bytes: number;
  /** Undefined: torn or damaged. */
  readonly header: SegmentHeader | undefined;
}

/** Wide enough for every safe integer, so that names sort as their LSNs do. */
const nameDigits = 16;
const namePattern = /^(\d{16})\.log$/;

export function segmentName(start: number): string {
  return `${String(start).padStart(nameDigits, '0')}.log`;
}

/**
 * The segments of a log in their order.
 * @throws LogFormatError where one was written in a format that this version does not know.
 */
export async function listSegments(files: Files, directory: string): Promise<SegmentFile[]> {
  const segments: SegmentFile[] = [];
  for (const { name, bytes } of await files.list(directory)) {
    const start = Number(namePattern.exec(name)?.[1]);
    if (!Number.isSafeInteger(start)) continue;
    const path = join(directory, name);
    segments.push({ name, path, start, bytes, header: await readHeader(files, path) });
  }
  return segments.sort((a, b) => a.start - b.start);
}

/** Opens, uses and closes a segment. */
export async function withSegment<T>(
  files: Files,
  segment: { readonly path: string },
  use: (file: ReadableFile) => Promise<T>,
): Promise<T> {
  const file = await files.openForRead(segment.path);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

/**
 * What is wrong with the segments as a whole, first things first: names, headers, gaps.
 * @param appliedTo the LSN up to which the log's changes are known to be applied elsewhere.
 */
export function layoutProblems(
  directory: string,
  segments: readonly SegmentFile[],
  appliedTo: number,
): LogDamagedError[] {
  const first = segments[0];
  if (first === undefined) {
    return appliedTo > 0
      ? [new LogDamagedError(directory, 0, `no segment, but state is applied to ${appliedTo}`)]
      : [];
  }
  const problems: LogDamagedError[] = [];
  if (first.start > appliedTo) {
    problems.push(
      new LogDamagedError(first.path, 0, `the log begins here, but state is applied only to ${appliedTo}`),
    );
  }
  segments.forEach((segment, i) => {
    const problem = headerProblem(segment, segments) ?? gapProblem(segment, segments[i + 1]);
    if (problem !== undefined) problems.push(problem);
  });
  return problems;
}

async function readHeader(files: Files, path: string): Promise<SegmentHeader | undefined> {
  const bytes = Buffer.alloc(headerBytes);
  const read = await withSegment(files, { path }, (file) => file.read(bytes, 0));
  const header = decodeSegmentHeader(bytes.subarray(0, read));
  if (header !== undefined && header.version !== formatVersion) {
    throw new LogFormatError(
      `${path}: format version ${header.version} of the log is unknown, this program reads version ${formatVersion}`,
    );
  }
  return header;
}

/** The last segment may lack its header: whether that is damage, its contents have to say. */
function headerProblem(segment: SegmentFile, segments: readonly SegmentFile[]): LogDamagedError | undefined {
  const { header, path, start } = segment;
  if (header === undefined) {
    const mayBeTorn = segment === segments.at(-1) && (segments.length > 1 || start === 0);
    return mayBeTorn ? undefined : new LogDamagedError(path, 0, 'no valid segment header');
  }
  if (header.startLsn !== start) {
    return new LogDamagedError(path, 0, `the header says that the segment begins at ${header.startLsn}`);
  }
  const logId = segments.find((other) => other.header !== undefined)?.header?.logId;
  return header.logId === logId
    ? undefined
    : new LogDamagedError(path, 0, 'the segment belongs to another log');
}

/** A segment is trimmed and synced before the next is created, so they always join. */
function gapProblem(segment: SegmentFile, next: SegmentFile | undefined): LogDamagedError | undefined {
  if (next === undefined) return undefined;
  const end = segment.start + segment.bytes;
  if (end === next.start) return undefined;
  return new LogDamagedError(
    segment.path,
    segment.bytes,
    `the file ends at ${end}, the next segment begins at ${next.start}`,
  );
}
