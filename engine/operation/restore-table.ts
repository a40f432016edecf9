import type { Request } from '../../protocol/backend.ts';
import {
  backupInUse,
  backupNotFound,
  invalidRestoreTime,
  limitExceeded,
  pointInTimeRecoveryUnavailable,
  sourceTableNotFound,
  targetTableExists,
  targetTableInUse,
} from '../../protocol/errors.ts';
import type { RestoreOverrides, RestoreTableToPointInTimeInput } from '../../protocol/operation.ts';
import { Reply } from '../../protocol/reply.ts';
import { tableArn } from '../../protocol/table-name.ts';
import { readBackupArn } from '../../protocol/validate/backup-arn.ts';
import {
  checkRegionOfSource,
  readSourceTableArn,
  validateRestoreTableFromBackup,
  validateRestoreTableToPointInTime,
} from '../../protocol/validate/restore.ts';
import { backupArnOf } from '../backup/backup-manifest.ts';
import { isRestoredFrom } from '../backup/backups.ts';
import { type Catalog, catalogRecord, Table } from '../catalog.ts';
import type { WriteContext } from '../commit.ts';
import type { LoadSource } from '../loading/load-source.ts';
import { loadsUnderWay } from '../loading/table-loads.ts';
import type { Services } from '../services.ts';
import type { TableDefinition, TableLoading } from '../table-definition.ts';
import { existingBackup, foundBackup } from './backups.ts';
import { checkRestoreOverrides } from './restore-overrides.ts';
import { restoredTable } from './restored-table.ts';
import { createdDescription, tableDescription } from './table-description.ts';
import { refuseBeyondQuotas, refuseTooManyTables } from './table-quota.ts';

/** AWS: API_RestoreTableFromBackup. */
export async function restoreTableFromBackup(services: Services, request: Request): Promise<Reply> {
  const input = validateRestoreTableFromBackup(request.input);
  const { backups, restoreSources } = services;
  const { region } = readBackupArn(input.BackupArn);
  checkRegionOfSource(region, request.region, input);
  const { id, status } = await existingBackup(backups, region, input.BackupArn);
  if (status === 'CREATING') throw backupInUse('created', input.BackupArn);
  const backup = backups.manifest(id);
  if (backup === undefined) throw backupNotFound(input.BackupArn);
  const loading: TableLoading = {
    kind: 'restore',
    sourceTableArn: tableArn(backup.table.region, backup.table.name),
    sourceBackupArn: backupArnOf(backup),
    restoreMs: backup.createdMs,
  };
  return commitRestore(services, request.region, {
    overrides: input,
    source: backup.table,
    loading,
    from: async () => restoreSources.ofBackup(backup),
    checkSource: (catalog) => {
      foundBackup(backups, region, input.BackupArn);
      if (isRestoredFrom(backup, catalog))
        throw backupInUse('used to restore another table', input.BackupArn);
    },
  });
}

/**
 * AWS: API_RestoreTableToPointInTime. Waits for the end of the second that comes back. The first base of a
 * history may have to be made then: the table is CREATING meanwhile.
 */
export async function restoreTableToPointInTime(services: Services, request: Request): Promise<Reply> {
  const input = validateRestoreTableToPointInTime(request.input);
  const table = sourceTable(services.catalog, request.region, input);
  const restoreMs = restoredMoment(input, table, services);
  refuseTarget(services.catalog, request.region, input.TargetTableName);
  const past = await services.restoreSources.pastOf(table, restoreMs).catch((error: unknown) => {
    // While it was waited for, recovery may have been switched off, or the table deleted.
    restoredMoment(input, sourceTable(services.catalog, request.region, input), services);
    throw error;
  });
  const loading: TableLoading = {
    kind: 'restore',
    sourceTableArn: tableArn(table.region, table.name),
    ...(table.pointInTime !== undefined && { sourceHistory: table.pointInTime.sequence }),
    restoreMs,
  };
  try {
    const { definition: source, source: from } = past;
    return await commitRestore(services, request.region, { overrides: input, source, loading, from });
  } catch (error) {
    past.release();
    throw error;
  }
}

/** What is to be restored. */
interface Restore {
  readonly overrides: RestoreOverrides;
  /** The table as it was at the moment that comes back. */
  readonly source: TableDefinition;
  readonly loading: TableLoading;
  /** Is called when the table is in the catalog. */
  readonly from: () => Promise<LoadSource>;
  /** Throws where the source cannot be restored from any more, or not now. */
  readonly checkSource?: (catalog: Catalog) => void;
}

/** Restores under way in an account (AWS: ServiceQuotas). */
const restoresMax = 50;

async function commitRestore(services: Services, region: string, restore: Restore): Promise<Reply> {
  const { committer, catalog, tableLoads } = services;
  let number = 0;
  const reply = await committer.submit((context) => {
    restore.checkSource?.(context.catalog);
    const table = decidedTable(services, region, restore, context);
    number = table.number;
    const description = tableDescription(table, services.statistics, context.timeMs);
    return {
      changes: [catalogRecord({ put: table })],
      reply: new Reply({ TableDescription: createdDescription(description, false) }),
    };
  });
  const committed = catalog.byNumber(number);
  if (committed !== undefined) void tableLoads.startLater(committed.definition, restore.from());
  return reply;
}

function decidedTable(
  { throughput }: Services,
  region: string,
  { overrides, source, loading }: Restore,
  context: WriteContext,
): TableDefinition {
  checkRestoreOverrides(overrides, source);
  refuseTarget(context.catalog, region, overrides.TargetTableName);
  if (loadsUnderWay(context.catalog, 'restore') >= restoresMax) {
    throw limitExceeded(`Only ${restoresMax} restore operations can be done simultaneously`);
  }
  refuseTooManyTables(region, context.catalog);
  const table = restoredTable(source, overrides, region, loading, context);
  // Whatever a backup from elsewhere says of its table: what gets into the log can be read again.
  new Table(table);
  if (!throughput.isOff) refuseBeyondQuotas(table, undefined, context.catalog);
  return table;
}

/** @throws TableNotFoundException, ValidationException */
function sourceTable(
  catalog: Catalog,
  region: string,
  input: RestoreTableToPointInTimeInput,
): TableDefinition {
  const { SourceTableArn: arn, SourceTableName: name = '' } = input;
  const source = arn === undefined ? { region, tableName: name } : readSourceTableArn(arn);
  checkRegionOfSource(source.region, region, input);
  const table = catalog.get(source.region, source.tableName)?.definition;
  if (table !== undefined && table.status !== 'CREATING') return table;
  throw arn === undefined ? sourceTableNotFound(name) : sourceTableNotFound();
}

/** The whole second, in ms. @throws PointInTimeRecoveryUnavailableException, InvalidRestoreTimeException */
function restoredMoment(
  { RestoreDateTime: moment }: RestoreTableToPointInTimeInput,
  table: TableDefinition,
  { histories, clock }: Services,
): number {
  const bounds = histories.restorable(table, clock.now());
  if (bounds === undefined) throw pointInTimeRecoveryUnavailable(table.name);
  const { earliestMs, latestMs } = bounds;
  if (moment === undefined) return latestMs;
  const restoreMs = Math.floor(moment) * 1000;
  if (restoreMs >= earliestMs && restoreMs <= latestMs) return restoreMs;
  throw invalidRestoreTime(isoTime(restoreMs), isoTime(earliestMs), isoTime(latestMs));
}

/** @throws TableAlreadyExistsException; TableInUseException for one that is itself being restored */
function refuseTarget(catalog: Catalog, region: string, name: string): void {
  const namesake = catalog.get(region, name)?.definition;
  if (namesake === undefined) return;
  if (namesake.loading?.kind !== 'restore') throw targetTableExists(name);
  throw targetTableInUse(name, namesake.loading.sourceBackupArn);
}

/** Without fractions, as AWS's texts have it; what no date can be, as it is. */
function isoTime(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms / 1000}` : date.toISOString().replace('.000Z', 'Z');
}
