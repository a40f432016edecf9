import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** Where the parts of a data folder lie. */
export interface DataDirectory {
  readonly root: string;
  readonly log: string;
  readonly state: string;
}

/**
 * The version of the folder's layout as a whole; log and values have versions of their own.
 *
 *     1  entries of all indexes only name their items
 *     2  entries of indexes that have less than whole items hold what they have
 *     3  the catalog's records say how the shards of streams roll
 */
const formatVersion = 3;

/** Older folders are read as they are; what is written to them is of the newest format. */
const formatVersionMin = 1;

/**
 * Makes the folder if it is missing, and refuses one that is not ours or of a version that this program does not know.
 * @throws DataDirectoryError
 */
export function prepareDataDirectory(root: string): DataDirectory {
  makeDirectory(resolve(root));
  const path = join(root, 'format.json');
  const text = readIfThere(path);
  if (text === undefined) writeMark(path);
  else checkFormat(path, text);
  return dataDirectory(root);
}

/** Keeps away programs that know older formats only. To be called with the folder locked, before it is written to. */
export function raiseFormat({ root }: DataDirectory): void {
  const path = join(root, 'format.json');
  if (versionOf(readFileSync(path, 'utf8')) !== formatVersion) writeMark(path);
}

/** The same for a folder that has to be there already. */
export function openDataDirectory(root: string): DataDirectory {
  const path = join(root, 'format.json');
  const text = readIfThere(path);
  if (text === undefined) throw new DataDirectoryError(`${root} is not a data folder: it has no format.json`);
  checkFormat(path, text);
  return dataDirectory(root);
}

/** The folder as a whole cannot be used; the message names the file. */
export class DataDirectoryError extends Error {
  override readonly name = 'DataDirectoryError';
}

function dataDirectory(root: string): DataDirectory {
  return { root, log: join(root, 'log'), state: join(root, 'state') };
}

function checkFormat(path: string, text: string): void {
  const version = versionOf(text);
  if (version === undefined)
    throw new DataDirectoryError(`${path} is not the mark of a data folder, or is damaged`);
  if (version >= formatVersionMin && version <= formatVersion) return;
  throw new DataDirectoryError(
    `${path}: the data folder has format ${version}, this program knows formats ${formatVersionMin} to ${formatVersion}. ` +
      'Use the version of Slipstream that wrote it, or a newer one.',
  );
}

function writeMark(path: string): void {
  writeWhole(path, `${JSON.stringify({ slipstream: 'data', version: formatVersion })}\n`);
}

function versionOf(text: string): number | undefined {
  try {
    const mark = JSON.parse(text) as { slipstream?: unknown; version?: unknown };
    return mark.slipstream === 'data' && typeof mark.version === 'number' ? mark.version : undefined;
  } catch {
    return undefined;
  }
}

/** Makes the names in a directory last over power loss. */
export function syncDirectory(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * With the parents that it lacks, all of them durably. Level by level: Node's own recursion does not end below a
 * folder that is there but takes none, such as /proc.
 * @param path absolute.
 */
function makeDirectory(path: string): void {
  if (isDirectory(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectory(parent);
  try {
    mkdirSync(path);
  } catch (error) {
    // Another process may have made it just now.
    if (!isDirectory(path)) throw error;
  }
  syncDirectory(parent);
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** A crash leaves the whole file or none. */
function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { flush: true });
  renameSync(`${path}.new`, path);
  syncDirectory(dirname(path));
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
