import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type FileEntry, nodeFiles } from '../files.ts';
import { ArchiveDamagedError, ArchiveFormatError } from './archive-format.ts';
import { ArchiveReader } from './archive-reader.ts';
import { partialSuffix } from './archive-writer.ts';
import {
  type BaseFile,
  type ChangesFile,
  type DamagedFile,
  type FoundFiles,
  parseFileName,
  unsyncedSuffix,
  windowDirectory,
  windowOfDirectory,
} from './history-files.ts';
import type { HistoryContents } from './segment-split.ts';
import type { HistoryWindow } from './window.ts';

/** By the sequence numbers of windows. */
export type FoundHistories = Readonly<Record<string, FoundFiles>>;

/**
 * Looks at the beginning and the end of every file, and clears away what is half-made, or of a window that is gone.
 * @param history the folder of all windows; it need not be there.
 */
export async function listHistories(
  history: string,
  windows: readonly HistoryWindow[],
): Promise<FoundHistories> {
  const found: Record<string, FoundFiles> = {};
  const tables = new Map(windows.map(({ sequence, table }) => [sequence, table]));
  for (const name of await foldersIn(history)) {
    const window = windowOfDirectory(name);
    if (window === undefined) continue;
    const directory = windowDirectory(history, window);
    const table = tables.get(window);
    if (table === undefined) await rm(directory, { recursive: true, force: true });
    else found[window] = await listFiles(directory, table);
  }
  return found;
}

async function listFiles(directory: string, table: number): Promise<FoundFiles> {
  const bases: BaseFile[] = [];
  const changes: ChangesFile[] = [];
  const damaged: DamagedFile[] = [];
  for (const entry of await nodeFiles.list(directory)) {
    if (isUnfinished(entry.name)) await nodeFiles.remove(join(directory, entry.name));
    const file = await lookAt(directory, entry, table);
    if (file === undefined) continue;
    if ('message' in file) damaged.push(file);
    else if ('startLsn' in file) changes.push(file);
    else bases.push(file);
  }
  return { bases, changes, damaged };
}

function isUnfinished(name: string): boolean {
  return name.endsWith(partialSuffix) || name.endsWith(unsyncedSuffix);
}

/** @returns undefined for a file whose name is none of ours. */
async function lookAt(
  directory: string,
  { name, bytes: fileBytes }: FileEntry,
  table: number,
): Promise<BaseFile | ChangesFile | DamagedFile | undefined> {
  const path = join(directory, name);
  const named = parseFileName(name);
  if (named === undefined) return undefined;
  try {
    return { path, fileBytes, ...(await describe(path, named, table)) };
  } catch (error) {
    if (!(error instanceof ArchiveDamagedError || error instanceof ArchiveFormatError)) throw error;
    return { path, fileBytes, ...named, message: error.message };
  }
}

/** What a file has to say of itself, given its name and whose it is. */
async function describe(
  path: string,
  { kind, number }: Pick<DamagedFile, 'kind' | 'number'>,
  table: number,
): Promise<Omit<BaseFile, 'path' | 'fileBytes'> | Omit<ChangesFile, 'path' | 'fileBytes'>> {
  const reader = await ArchiveReader.open(path);
  await reader.close();
  const { contents, firstChange: first, lastChange: last } = reader;
  if (kind === 'base' && contents.kind === 'snapshot' && contents.table.number === table) {
    const { from, through, sizeBytes } = contents;
    return { sequence: number, from, through, sizeBytes };
  }
  if (kind === 'changes' && contents.kind === 'changes' && first !== undefined && last !== undefined) {
    const { previousSequence, fromLsn: startLsn } = contents as HistoryContents;
    if (startLsn === number && contents.table === table) return { startLsn, first, last, previousSequence };
  }
  throw new ArchiveDamagedError(path, 0, 'holds something else than its name says');
}

async function foldersIn(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
