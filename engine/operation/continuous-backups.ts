import type { Request } from '../../protocol/backend.ts';
import { continuousBackupsUnavailable, sourceTableNotFound } from '../../protocol/errors.ts';
import type { PointInTimeRecoverySpecification } from '../../protocol/operation.ts';
import { Reply } from '../../protocol/reply.ts';
import { tableNameOf } from '../../protocol/table-name.ts';
import {
  validateDescribeContinuousBackups,
  validateUpdateContinuousBackups,
} from '../../protocol/validate/continuous-backups.ts';
import { checkTableArn } from '../../protocol/validate/table-arn.ts';
import type { BackupServices } from '../backup/backup-services.ts';
import { type Catalog, catalogRecord } from '../catalog.ts';
import type { WriteContext } from '../commit.ts';
import type { Services } from '../services.ts';
import type { PointInTimeRecovery, TableDefinition } from '../table-definition.ts';

/** AWS: API_UpdateContinuousBackups. The table keeps its status, also one that is DELETING. */
export async function updateContinuousBackups(services: Services, request: Request): Promise<Reply> {
  const { TableName: nameOrArn, PointInTimeRecoverySpecification: specification } =
    validateUpdateContinuousBackups(request.input);
  const { committer, catalog, tableLife, histories } = services;
  let changed: number | undefined;
  const reply = await committer.submit((context) => {
    const table = backedUpTable(context.catalog, request.region, nameOrArn);
    if (!takesBackups(table, services, context.timeMs)) throw continuousBackupsUnavailable(table.name);
    const { pointInTime: before, ...rest } = table;
    const pointInTime = changedRecovery(specification, before, context);
    const after = { ...rest, ...(pointInTime !== undefined && { pointInTime }) };
    if (pointInTime !== before) changed = table.number;
    return {
      changes: pointInTime === before ? [] : [catalogRecord({ put: after })],
      reply: new Reply(continuousBackups(after, services, context.timeMs)),
    };
  });
  const table = changed === undefined ? undefined : catalog.byNumber(changed);
  if (table !== undefined) {
    tableLife.entered(table.definition);
    void histories.wake();
  }
  return reply;
}

/** AWS: API_DescribeContinuousBackups. */
export function describeContinuousBackups(services: Services, request: Request): Reply {
  const { TableName: nameOrArn } = validateDescribeContinuousBackups(request.input);
  const table = backedUpTable(services.catalog, request.region, nameOrArn);
  return new Reply(continuousBackups(table, services, services.clock.now()));
}

/**
 * A table that backups and recovery know; one that is being created they do not.
 * @throws TableNotFoundException; ValidationException, AccessDeniedException for an ARN of elsewhere
 */
export function backedUpTable(catalog: Catalog, region: string, nameOrArn: string): TableDefinition {
  checkTableArn(nameOrArn, region);
  const name = tableNameOf(nameOrArn);
  const table = catalog.get(region, name)?.definition;
  if (table === undefined || table.status === 'CREATING') throw sourceTableNotFound(name);
  return table;
}

/** AWS's tables are not ready for backups before some seconds have passed; here as long again as creating has taken. */
export function takesBackups(
  { createdMs }: TableDefinition,
  { controlPlaneDelayMs }: Pick<BackupServices, 'controlPlaneDelayMs'>,
  nowMs: number,
): boolean {
  return nowMs >= createdMs + 2 * controlPlaneDelayMs;
}

/** What it is unless said (AWS: API_PointInTimeRecoverySpecification). */
const recoveryPeriodInDaysDefault = 35;
const dayMs = 24 * 60 * 60 * 1000;

/** What becomes of the switch; the very object where nothing does. */
function changedRecovery(
  { PointInTimeRecoveryEnabled: enabled, RecoveryPeriodInDays: days }: PointInTimeRecoverySpecification,
  before: PointInTimeRecovery | undefined,
  { sequence, timeMs }: WriteContext,
): PointInTimeRecovery | undefined {
  if (!enabled) return undefined;
  if (before === undefined) {
    const recoveryPeriodInDays = days ?? recoveryPeriodInDaysDefault;
    return { sequence, enabledMs: timeMs, recoveryPeriodInDays, notBeforeMs: timeMs };
  }
  if (days === undefined || days === before.recoveryPeriodInDays) return before;
  const keptDays = Math.min(days, before.recoveryPeriodInDays);
  const notBeforeMs = Math.max(before.notBeforeMs, timeMs - keptDays * dayMs);
  return { ...before, recoveryPeriodInDays: days, notBeforeMs };
}

function continuousBackups(
  table: TableDefinition,
  services: Pick<BackupServices, 'histories' | 'controlPlaneDelayMs'>,
  nowMs: number,
): { readonly ContinuousBackupsDescription: object } {
  return {
    ContinuousBackupsDescription: {
      ContinuousBackupsStatus: takesBackups(table, services, nowMs) ? 'ENABLED' : 'DISABLED',
      PointInTimeRecoveryDescription: recoveryDescription(table, services.histories, nowMs),
    },
  };
}

function recoveryDescription(
  table: TableDefinition,
  histories: BackupServices['histories'],
  nowMs: number,
): object {
  const bounds = histories.restorable(table, nowMs);
  if (bounds === undefined) return { PointInTimeRecoveryStatus: 'DISABLED' };
  return {
    PointInTimeRecoveryStatus: 'ENABLED',
    RecoveryPeriodInDays: table.pointInTime?.recoveryPeriodInDays,
    EarliestRestorableDateTime: bounds.earliestMs / 1000,
    LatestRestorableDateTime: bounds.latestMs / 1000,
  };
}
