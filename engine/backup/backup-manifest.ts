import { createHash } from 'node:crypto';
import { tableArn } from '../../protocol/table-name.ts';
import type { LogMoment } from '../stream/definition.ts';
import type { TableDefinition } from '../table-definition.ts';

/** All that there is to say of a backup, in a file beside its items. */
export interface BackupManifest {
  /** Ends its ARN: 14 digits of milliseconds since 1970, a hyphen, eight hexadecimal digits. */
  readonly id: string;
  /** Not unique (AWS: API_CreateBackup). */
  readonly name: string;
  /** SYSTEM: what a deleted table with point-in-time recovery leaves. */
  readonly type: 'USER' | 'SYSTEM';
  readonly createdMs: number;
  /** It is removed then; absent for one that stays. */
  readonly expiresMs?: number;
  /** The last change that it holds. */
  readonly through: LogMoment;
  /** The table as it was then; its region and name are in the backup's ARN. */
  readonly table: TableDefinition;
  /** Of the items, as DynamoDB counts them. */
  readonly itemCount: number;
  readonly sizeBytes: number;
  readonly archive: ArchiveDigest;
}

/** Tells whether a file is the one that was written. */
export interface ArchiveDigest {
  readonly bytes: number;
  /** In hexadecimal digits. */
  readonly sha256: string;
}

/** A backup cannot be read; the message names the file. Nothing of it is restored. */
export class BackupDamagedError extends Error {
  override readonly name = 'BackupDamagedError';
}

export function backupArnOf({ id, table }: Pick<BackupManifest, 'id' | 'table'>): string {
  return `${tableArn(table.region, table.name)}/backup/${id}`;
}

/** The manifest as text; the same for the same manifest, so that a copy is known by it. */
export function encodeManifest(manifest: BackupManifest): string {
  const file: ManifestFile = {
    slipstream: 'backup',
    version: formatVersion,
    backupArn: backupArnOf(manifest),
    sha256: sha256(JSON.stringify(manifest)),
    backup: manifest,
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/**
 * Reads what `encodeManifest` made, and nothing else: any other byte is damage.
 * @param path for messages.
 * @throws BackupDamagedError
 */
export function decodeManifest(text: string, path: string): BackupManifest {
  const file = parse(text);
  if (file?.slipstream !== 'backup') throw new BackupDamagedError(`${path}: not the manifest of a backup`);
  if (file.version !== formatVersion) {
    throw new BackupDamagedError(
      `${path}: has version ${file.version}, this program knows version ${formatVersion}`,
    );
  }
  const { backup } = file;
  if (typeof backup !== 'object' || backup === null || encodedOrNothing(backup) !== text) {
    throw new BackupDamagedError(`${path}: damaged: its checksum does not fit`);
  }
  if (!isManifest(backup)) throw new BackupDamagedError(`${path}: lacks what a backup has to have`);
  return backup;
}

const formatVersion = 1;

/** What the file has; `backupArn` is for people. */
interface ManifestFile {
  readonly slipstream: 'backup';
  readonly version: number;
  readonly backupArn: string;
  readonly sha256: string;
  readonly backup: BackupManifest;
}

function parse(text: string): Partial<ManifestFile> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** What is damaged may lack the members that an encoding is made of. */
function encodedOrNothing(backup: BackupManifest): string | undefined {
  return typeof backup.table?.name === 'string' ? encodeManifest(backup) : undefined;
}

/** A checksum is easily made for anything: one such backup must not keep the others from being listed. */
function isManifest({ archive, through, table, ...backup }: BackupManifest): boolean {
  const { createdMs, expiresMs = 0, itemCount, sizeBytes } = backup;
  const numbers = [createdMs, expiresMs, itemCount, sizeBytes, archive?.bytes, through?.sequence];
  const strings = [backup.id, backup.name, table?.id, table?.region, archive?.sha256];
  return (
    numbers.every((number) => Number.isSafeInteger(number)) &&
    strings.every((string) => typeof string === 'string') &&
    (backup.type === 'USER' || backup.type === 'SYSTEM') &&
    Array.isArray(table.indexes) &&
    typeof table.billing === 'object' &&
    table.billing !== null
  );
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
