import { copyFile, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isBackupId } from '../../protocol/validate/backup-arn.ts';
import { nodeFiles } from '../files.ts';
import { ArchiveDamagedError, ArchiveFormatError } from '../history/archive-format.ts';
import { ArchiveReader } from '../history/archive-reader.ts';
import { digestOf } from './archive-digest.ts';
import { BackupDamagedError, type BackupManifest, backupArnOf, encodeManifest } from './backup-manifest.ts';
import { archiveName, finishBackup, manifestName, partialPath, readBackup } from './backup-store.ts';

/** What was found out about one backup in a folder. */
export interface VerifiedBackup {
  /** The folder that has it. */
  readonly folder: string;
  /** Absent where the manifest cannot be read. */
  readonly backupArn?: string;
  /** What is wrong, file and place named where that is known; undefined for one that is sound. */
  readonly problem?: string;
}

/** What became of one backup that was to be copied. */
export interface ImportedBackup extends VerifiedBackup {
  /** It was there already. */
  readonly isKnown?: true;
}

/**
 * Reads every byte of the backups in a folder, in the order of their ids.
 * @param folder of backups, or of one.
 * @throws BackupDamagedError where there is none; what keeps the folder from being read
 */
export async function* verifyBackups(folder: string): AsyncGenerator<VerifiedBackup, void> {
  for (const path of await backupFolders(folder)) yield verify(path);
}

/**
 * Copies the backups of a folder, each once it has been verified, into the one that an engine uses. It may be running: it finds
 * them when it is asked for them.
 * @param folder of backups, or of one. @param target made if it is missing.
 * @throws BackupDamagedError where there is none; what keeps the folders from being read or written
 */
export async function* importBackups(folder: string, target: string): AsyncGenerator<ImportedBackup, void> {
  await nodeFiles.makeDirectory(target);
  for (const path of await backupFolders(folder)) {
    const verified = await verify(path);
    yield verified.problem === undefined ? await importVerified(path, target, verified) : verified;
  }
}

async function backupFolders(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  if (names.includes(manifestName)) return [folder];
  const ids = names.filter(isBackupId).sort();
  if (ids.length === 0) throw new BackupDamagedError(`${folder}: there is no backup in this folder`);
  return ids.map((id) => join(folder, id));
}

async function verify(folder: string): Promise<VerifiedBackup> {
  let backupArn: string | undefined;
  try {
    const manifest = await readBackup(folder);
    backupArn = backupArnOf(manifest);
    await verifyArchive(join(folder, archiveName), manifest);
    return { folder, backupArn };
  } catch (error) {
    return { folder, ...(backupArn !== undefined && { backupArn }), problem: problemOf(error) };
  }
}

/** The archive's own checksums tell where it is damaged; that of the manifest, that it is this backup's. */
async function verifyArchive(
  path: string,
  { archive, itemCount, sizeBytes, through }: BackupManifest,
): Promise<void> {
  const reader = await ArchiveReader.open(path);
  try {
    await reader.verify();
    const { summary } = reader;
    const isOurs =
      summary.itemCount === itemCount &&
      summary.sizeBytes === sizeBytes &&
      summary.through.sequence === through.sequence;
    if (!isOurs) throw new BackupDamagedError(`${path}: belongs to another backup`);
  } finally {
    await reader.close();
  }
  const { bytes, sha256 } = await digestOf(path);
  if (bytes !== archive.bytes || sha256 !== archive.sha256) {
    throw new BackupDamagedError(`${path}: not the file that the manifest describes`);
  }
}

async function importVerified(
  folder: string,
  target: string,
  verified: VerifiedBackup,
): Promise<ImportedBackup> {
  const manifest = await readBackup(folder);
  const known = await readBackup(join(target, manifest.id)).catch(unlessMissing);
  if (known !== undefined) {
    if (encodeManifest(known) === encodeManifest(manifest)) return { ...verified, isKnown: true };
    return { ...verified, problem: `${target}: has another backup of the id ${manifest.id}` };
  }
  await copy(folder, target, manifest);
  return verified;
}

async function copy(folder: string, target: string, manifest: BackupManifest): Promise<void> {
  const path = partialPath(target, manifest.id);
  await rm(path, { recursive: true, force: true });
  await mkdir(path);
  try {
    const archive = join(path, archiveName);
    await copyFile(join(folder, archiveName), archive);
    await sync(archive);
    const { sha256 } = await digestOf(archive);
    if (sha256 !== manifest.archive.sha256) throw new BackupDamagedError(`${archive}: the copy differs`);
    await finishBackup(target, manifest);
  } catch (error) {
    await rm(path, { recursive: true, force: true });
    throw error;
  }
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** What is wrong with a backup, rather than with reading it. */
function problemOf(error: unknown): string {
  const isDamage =
    error instanceof BackupDamagedError ||
    error instanceof ArchiveDamagedError ||
    error instanceof ArchiveFormatError ||
    (error as NodeJS.ErrnoException).code === 'ENOENT';
  if (isDamage) return (error as Error).message;
  throw error;
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}
