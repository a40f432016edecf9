import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { syncDirectory } from '../data-directory.ts';

/** How far the log has been taken apart into the files of windows. */
export interface Progress {
  /** Everything before is in files; a segment begins there. */
  readonly lsn: number;
  /** Of the last change of each window that is in a file, by the windows' sequence numbers. */
  readonly lastSequences: Readonly<Record<string, number>>;
}

/** @returns undefined where there is none, or it is damaged: what is kept of the log is then taken apart again. */
export function readProgress(history: string): Progress | undefined {
  const [checksum, json] = readIfThere(join(history, fileName)).split(' ', 2);
  if (json === undefined || checksum !== checksumOf(json)) return undefined;
  return JSON.parse(json) as Progress;
}

/** Durable, and whole or not at all. */
export function writeProgress(history: string, progress: Progress): void {
  const path = join(history, fileName);
  const json = JSON.stringify(progress);
  writeFileSync(`${path}.partial`, `${checksumOf(json)} ${json}`, { flush: true });
  renameSync(`${path}.partial`, path);
  syncDirectory(history);
}

const fileName = 'progress.json';

function checksumOf(json: string): string {
  return crc32(json).toString(16).padStart(8, '0');
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
