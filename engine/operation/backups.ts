import type { Request } from '../../protocol/backend.ts';
import {
  backupInUse,
  backupNotFound,
  continuousBackupsUnavailable,
  validationError,
} from '../../protocol/errors.ts';
import type { ListBackupsInput } from '../../protocol/operation.ts';
import { Reply } from '../../protocol/reply.ts';
import { tableNameOf } from '../../protocol/table-name.ts';
import {
  validateCreateBackup,
  validateDeleteBackup,
  validateDescribeBackup,
  validateListBackups,
} from '../../protocol/validate/backup.ts';
import { readBackupArn } from '../../protocol/validate/backup-arn.ts';
import { backupArnOf } from '../backup/backup-manifest.ts';
import { type Backup, type Backups, isRestoredFrom } from '../backup/backups.ts';
import type { Services } from '../services.ts';
import { backupDescription, backupDetails, backupSummary } from './backup-description.ts';
import { backedUpTable, takesBackups } from './continuous-backups.ts';

/** AWS: API_CreateBackup. The reply comes when the backup is certain to have all that was acknowledged before the call. */
export async function createBackup(services: Services, request: Request): Promise<Reply> {
  const input = validateCreateBackup(request.input);
  const { backups, committer } = services;
  let announced: Backup | undefined;
  try {
    const reply = await committer.submit(({ catalog, timeMs }) => {
      const table = backedUpTable(catalog, request.region, input.TableName);
      if (!takesBackups(table, services, timeMs)) throw continuousBackupsUnavailable(table.name);
      announced = backups.announce(table, { name: input.BackupName, type: 'USER' });
      return { changes: [], reply: new Reply({ BackupDetails: backupDetails(announced) }) };
    });
    if (announced !== undefined) backups.makeAside(announced);
    return reply;
  } catch (error) {
    if (announced !== undefined) backups.forget(announced);
    throw error;
  }
}

/** AWS: API_DescribeBackup. */
export async function describeBackup({ backups }: Services, request: Request): Promise<Reply> {
  const { BackupArn: arn } = validateDescribeBackup(request.input);
  const backup = await existingBackup(backups, request.region, arn);
  return new Reply({ BackupDescription: backupDescription(backup, arn) });
}

/** AWS: API_ListBackups; in the order of the ARNs. */
export async function listBackups({ backups }: Services, request: Request): Promise<Reply> {
  const input = validateListBackups(request.input, request.region);
  await backups.rescan();
  const found = backups.list(request.region).filter((backup) => isAskedFor(backup, input));
  const page = found.slice(0, input.Limit ?? pageMax);
  const last = page.at(-1);
  return new Reply({
    BackupSummaries: page.map(backupSummary),
    ...(last !== undefined && page.length < found.length && { LastEvaluatedBackupArn: backupArnOf(last) }),
  });
}

/** AWS: API_DeleteBackup. */
export async function deleteBackup({ backups, committer }: Services, request: Request): Promise<Reply> {
  const { BackupArn: arn } = validateDeleteBackup(request.input);
  await existingBackup(backups, request.region, arn);
  let removed: Promise<void> | undefined;
  // In the queue, a restore from it is either before or after.
  const reply = await committer.submit(({ catalog }) => {
    const backup = foundBackup(backups, request.region, arn);
    refuseToDelete(backup, arn);
    if (isRestoredFrom(backup, catalog)) throw backupInUse('used to restore table', arn);
    removed = backups.remove(backup);
    // Nobody waits for it where the queue refuses the call.
    removed.catch(() => {});
    return {
      changes: [],
      reply: new Reply({ BackupDescription: backupDescription(backup, arn, 'DELETED') }),
    };
  });
  await removed;
  return reply;
}

/**
 * The backup that an ARN names in the region of the call: AWS does not look at the region in the ARN.
 * @throws ValidationException, AccessDeniedException, BackupNotFoundException
 */
export function foundBackup(backups: Backups, region: string, arn: string): Backup {
  const { tableName, id } = readBackupArn(arn);
  const backup = backups.find(region, tableName, id);
  if (backup === undefined) throw backupNotFound(arn);
  return backup;
}

/** The same, with a look at the folder for one that was put there from elsewhere. */
export async function existingBackup(backups: Backups, region: string, arn: string): Promise<Backup> {
  const { tableName, id } = readBackupArn(arn);
  if (backups.find(region, tableName, id) === undefined) await backups.rescan();
  return foundBackup(backups, region, arn);
}

/** Backups in one answer of ListBackups (AWS: API_ListBackups). */
const pageMax = 100;

function isAskedFor(backup: Backup, input: ListBackupsInput): boolean {
  const { TableName: table, BackupType: type = 'USER', ExclusiveStartBackupArn: after = '' } = input;
  const { TimeRangeLowerBound: from = 0, TimeRangeUpperBound: until = Number.POSITIVE_INFINITY } = input;
  return (
    (table === undefined || backup.table.name === tableNameOf(table)) &&
    (type === 'ALL' || backup.type === type) &&
    backup.createdMs >= Math.round(from * 1000) &&
    backup.createdMs < Math.round(until * 1000) &&
    backupArnOf(backup) > after
  );
}

/** @throws ValidationException, BackupInUseException */
function refuseToDelete({ type, status, expiresMs = 0 }: Backup, arn: string): void {
  if (status === 'CREATING') throw backupInUse('created', arn);
  if (type !== 'SYSTEM') return;
  throw validationError(
    `Invalid Request: User is not allowed to delete the system backup with arn ${arn}. ` +
      `It will automatically expire on ${new Date(expiresMs).toISOString()}`,
  );
}
