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
  /** What point-in-time recovery keeps beside the log. */
  readonly history: string;
  /** What lives no longer than the process that has made it. */
  readonly temporary: string;
  /** Of on-demand backups, unless they have a folder of their own elsewhere. */
  readonly backups: string;
  /** What is remembered of exports, and of imports. */
  readonly exports: string;
  readonly imports: string;
  /** Folders that stand for buckets, unless these are elsewhere. */
  readonly buckets: string;
}

/**
 * The version of the folder's layout as a whole; log and values have versions of their own.
 *
 *     1  entries of all indexes only name their items
 *     2  entries of indexes that have less than whole items hold what they have
 *     3  the catalog's records say how the shards of streams roll
 *     4  entries of local indexes lie in the order of the table's sort key where they tie
 *     5  tables say which history is kept of them, and what they are being loaded from
 *
 * What older formats have is read as it is, but for the entries of local indexes: they are moved when an engine opens the
 * folder (local-index-raise.ts). While that lasts the mark has the newest format, and says so.
 */
const formatVersion = 5;

/** From here on entries of local indexes lie where they belong. */
const localIndexesRaisedVersion = 4;

const formatVersionMin = 1;

/**
 * Makes the folder if it is missing, and refuses one that is not ours or of a version that this program does not know.
 * @throws DataDirectoryError
 */
export function prepareDataDirectory(root: string): DataDirectory {
  makeDirectory(resolve(root));
  const path = markPath(root);
  const text = readIfThere(path);
  if (text === undefined) writeMark(path, { isRaising: false });
  else checkFormat(path, text);
  return dataDirectory(root);
}

/**
 * Keeps away programs that know older formats only. To be called with the folder locked, before anything is written that
 * they do not know.
 * @returns whether entries have still to be moved; `formatRaised` is to be called when they are.
 */
export function raiseFormat({ root }: DataDirectory): boolean {
  const path = markPath(root);
  const mark = readMark(readFileSync(path, 'utf8'));
  if (mark?.version === formatVersion) return mark.isRaising;
  const isRaising = mark === undefined || mark.isRaising || mark.version < localIndexesRaisedVersion;
  writeMark(path, { isRaising });
  return isRaising;
}

/** Nothing is left to be moved. */
export function formatRaised({ root }: DataDirectory): void {
  writeMark(markPath(root), { isRaising: false });
}

/**
 * The same for a folder that has to be there already, and in which nothing has to be moved first.
 * @throws DataDirectoryError
 */
export function openDataDirectory(root: string): DataDirectory {
  const path = markPath(root);
  const text = readIfThere(path);
  if (text === undefined) throw new DataDirectoryError(`${root} is not a data folder: it has no format.json`);
  const { version, isRaising } = checkFormat(path, text);
  if (version >= localIndexesRaisedVersion && !isRaising) return dataDirectory(root);
  throw new DataDirectoryError(
    `${path}: the data folder ${isRaising ? 'is only half raised' : `has format ${version} and is to be raised`} to ` +
      `format ${formatVersion}. Open it with an engine once: that raises it.`,
  );
}

/** The folder as a whole cannot be used; the message names the file. */
export class DataDirectoryError extends Error {
  override readonly name = 'DataDirectoryError';
}

function dataDirectory(root: string): DataDirectory {
  return {
    root,
    log: join(root, 'log'),
    state: join(root, 'state'),
    history: join(root, 'history'),
    temporary: join(root, 'temporary'),
    backups: join(root, 'backups'),
    exports: join(root, 'exports'),
    imports: join(root, 'imports'),
    buckets: join(root, 'buckets'),
  };
}

function markPath(root: string): string {
  return join(root, 'format.json');
}

interface Mark {
  readonly version: number;
  /** Some of the folder is still as an older format has it. */
  readonly isRaising: boolean;
}

function checkFormat(path: string, text: string): Mark {
  const mark = readMark(text);
  if (mark === undefined)
    throw new DataDirectoryError(`${path} is not the mark of a data folder, or is damaged`);
  if (mark.version >= formatVersionMin && mark.version <= formatVersion) return mark;
  throw new DataDirectoryError(
    `${path}: the data folder has format ${mark.version}, this program knows formats ${formatVersionMin} to ${formatVersion}. ` +
      'Use the version of Slipstream that wrote it, or a newer one.',
  );
}

function writeMark(path: string, { isRaising }: Pick<Mark, 'isRaising'>): void {
  const mark = { slipstream: 'data', version: formatVersion, ...(isRaising && { raising: true }) };
  writeWhole(path, `${JSON.stringify(mark)}\n`);
}

function readMark(text: string): Mark | undefined {
  try {
    const { slipstream, version, raising } = JSON.parse(text) as Record<string, unknown>;
    if (slipstream !== 'data' || typeof version !== 'number') return undefined;
    return { version, isRaising: raising === true };
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
