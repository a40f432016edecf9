import type { WritableFile } from '../files.ts';
import { LogFullError } from './errors.ts';

/** @throws LogFullError where there was room for none or a part of the bytes; other failures as they are. */
export async function writeAll(file: WritableFile, bytes: Buffer, position: number): Promise<void> {
  let written: number;
  try {
    written = await file.write(bytes, position);
  } catch (error) {
    throw isFull(error) ? new LogFullError('no room on the disk of the log', { cause: error }) : error;
  }
  if (written < bytes.length) {
    throw new LogFullError(
      `no room on the disk of the log: ${written} of ${bytes.length} bytes were written`,
    );
  }
}

/** Out of space, over the quota, or over the size that a file may have. */
export function isFull(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
}
