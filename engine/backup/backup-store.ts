import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../../protocol/logger.ts';
import { isBackupId } from '../../protocol/validate/backup-arn.ts';
import { nodeFiles } from '../files.ts';
import {
  BackupDamagedError,
  type BackupManifest,
  decodeManifest,
  encodeManifest,
} from './backup-manifest.ts';

/**
 * The folder of the backups.
 *
 *     <id>/manifest.json        what the backup is, with checksums
 *          items.archive        the table's items at one moment
 *     <id>.partial/             one that is being made, copied in or removed
 *
 * Invariants
 *  1. A folder under a backup's id holds the whole backup, durably: it is made under another name, synced, and renamed. So a
 *     crash leaves a backup or none, and so does whoever copies one in that way.
 *  2. The folder is the truth. Backups that others put there or take away appear or go with the next `rescan`.
 *  3. Only manifests are read here. What is wrong with one is logged once, and that backup is not served until it can be read: it
 *     may be on its way into the folder.
 *  4. Changes and rescans of the folder follow one another, so a rescan never brings back what was removed meanwhile.
 *
 * One engine uses the folder at a time: what is half-made when it opens is nobody's, and is removed.
 */
export class BackupStore {
  readonly #directory: string;
  readonly #log: Logger;
  readonly #backups = new Map<string, BackupManifest>();
  /** What is wrong with folders that cannot be read, by their ids; it was logged. */
  readonly #refused = new Map<string, string>();
  readonly #removing = new Set<string>();
  #last: Promise<unknown> = Promise.resolve();
  /** The rescan that has not begun yet; whoever asks meanwhile shares it. */
  #nextRescan: Promise<void> | undefined;

  private constructor(directory: string, log: Logger) {
    this.#directory = directory;
    this.#log = log;
  }

  /** Makes the folder if it is missing. @throws what keeps it from being read or made */
  static async open(directory: string, log: Logger): Promise<BackupStore> {
    await nodeFiles.makeDirectory(directory);
    for (const name of await readdir(directory)) {
      if (isPartial(name)) await rm(join(directory, name), { recursive: true, force: true });
    }
    const store = new BackupStore(directory, log);
    await store.rescan();
    return store;
  }

  get(id: string): BackupManifest | undefined {
    return this.#backups.get(id);
  }

  all(): Iterable<BackupManifest> {
    return this.#backups.values();
  }

  /** The file of a backup's items. */
  archivePath(id: string): string {
    return join(this.#directory, id, archiveName);
  }

  /** Looks at what is there now. */
  rescan(): Promise<void> {
    this.#nextRescan ??= this.#inTurn(async () => {
      this.#nextRescan = undefined;
      await this.#rescan();
    });
    return this.#nextRescan;
  }

  /** Begins a backup. @returns where the file of its items is to be made. */
  async begin(id: string): Promise<string> {
    const path = partialPath(this.#directory, id);
    await mkdir(path);
    return join(path, archiveName);
  }

  /** Makes a begun backup one that is there, once its items are durable in their file. */
  finish(manifest: BackupManifest): Promise<void> {
    return this.#inTurn(async () => {
      await finishBackup(this.#directory, manifest);
      this.#backups.set(manifest.id, manifest);
    });
  }

  /** Gives up a begun backup. */
  async abandon(id: string): Promise<void> {
    await rm(partialPath(this.#directory, id), { recursive: true, force: true });
  }

  /** It cannot be found from the call on. */
  remove(id: string): Promise<void> {
    this.#backups.delete(id);
    this.#removing.add(id);
    return this.#inTurn(() => this.#remove(id)).finally(() => this.#removing.delete(id));
  }

  async #remove(id: string): Promise<void> {
    const path = partialPath(this.#directory, id);
    await rename(join(this.#directory, id), path).catch(unlessMissing);
    await nodeFiles.syncDirectory(this.#directory);
    await rm(path, { recursive: true, force: true });
  }

  async #rescan(): Promise<void> {
    const ids = new Set((await readdir(this.#directory)).filter(isBackupId));
    for (const id of this.#backups.keys()) if (!ids.has(id)) this.#backups.delete(id);
    for (const id of this.#refused.keys()) if (!ids.has(id)) this.#refused.delete(id);
    for (const id of ids) if (!this.#backups.has(id)) await this.#load(id);
  }

  async #load(id: string): Promise<void> {
    try {
      const manifest = await readBackup(join(this.#directory, id));
      if (manifest.id !== id) throw new BackupDamagedError(`${id}: the folder has the backup ${manifest.id}`);
      if (!this.#removing.has(id)) this.#backups.set(id, manifest);
      this.#refused.delete(id);
    } catch (error) {
      const message = String(error);
      if (this.#refused.get(id) === message) return;
      this.#refused.set(id, message);
      this.#log.error({ err: error, backup: id }, 'a backup cannot be read, and is not served');
    }
  }

  /** Invariant 4. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }
}

export const manifestName = 'manifest.json';
export const archiveName = 'items.archive';

/** Where a backup lies until all of it is there. */
export function partialPath(directory: string, id: string): string {
  return join(directory, `${id}.partial`);
}

/**
 * Reads the manifest of the backup in a folder.
 * @throws BackupDamagedError; what keeps the file from being read
 */
export async function readBackup(folder: string): Promise<BackupManifest> {
  const path = join(folder, manifestName);
  const manifest = decodeManifest(await readFile(path, 'utf8'), path);
  if (!isBackupId(manifest.id)) throw new BackupDamagedError(`${path}: the backup has no proper id`);
  return manifest;
}

/** Writes the manifest into the folder of a backup whose items are there, and gives the folder its own name. */
export async function finishBackup(directory: string, manifest: BackupManifest): Promise<void> {
  const path = partialPath(directory, manifest.id);
  const file = await open(join(path, manifestName), 'wx');
  try {
    await file.writeFile(encodeManifest(manifest));
    await file.sync();
  } finally {
    await file.close();
  }
  await nodeFiles.syncDirectory(path);
  await rename(path, join(directory, manifest.id));
  await nodeFiles.syncDirectory(directory);
}

function isPartial(name: string): boolean {
  return name.endsWith('.partial') && isBackupId(name.slice(0, -'.partial'.length));
}

function unlessMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
