import { tableArn } from '../../protocol/table-name.ts';
import { backupArnOf } from '../backup/backup-manifest.ts';
import type { Backup } from '../backup/backups.ts';
import type { Billing, IndexDefinition, TableDefinition } from '../table-definition.ts';
import { settledBilling } from './billing.ts';
import { restorableIndexes } from './restore-overrides.ts';

/** What CreateBackup answers (AWS: API_BackupDetails). @param arn as the caller names it; its own unless said. */
export function backupDetails(
  backup: Backup,
  arn = backupArnOf(backup),
  status: string = backup.status,
): object {
  return {
    BackupArn: arn,
    BackupName: backup.name,
    BackupSizeBytes: backup.sizeBytes,
    BackupStatus: status,
    BackupType: backup.type,
    BackupCreationDateTime: backup.createdMs / 1000,
    ...(backup.expiresMs !== undefined && { BackupExpiryDateTime: backup.expiresMs / 1000 }),
  };
}

/** What ListBackups has of each (AWS: API_BackupSummary). */
export function backupSummary(backup: Backup): object {
  const { table } = backup;
  return {
    TableName: table.name,
    TableId: table.id,
    TableArn: tableArn(table.region, table.name),
    ...backupDetails(backup),
  };
}

/** What DescribeBackup and DeleteBackup answer (AWS: API_BackupDescription). */
export function backupDescription(backup: Backup, arn: string, status?: 'DELETED'): object {
  return {
    BackupDetails: backupDetails(backup, arn, status),
    SourceTableDetails: sourceTableDetails(backup),
    // Of what deleted tables leave, AWS tells nothing more.
    SourceTableFeatureDetails: backup.type === 'SYSTEM' ? {} : featureDetails(backup.table),
  };
}

function sourceTableDetails({ table, itemCount, sizeBytes }: Backup): object {
  const { mode, onDemandMaximum } = settledBilling(table.billing);
  return {
    TableName: table.name,
    TableId: table.id,
    TableArn: tableArn(table.region, table.name),
    TableSizeBytes: sizeBytes,
    KeySchema: table.keySchema,
    TableCreationDateTime: table.createdMs / 1000,
    ProvisionedThroughput: units(table.billing),
    ...(onDemandMaximum !== undefined && { OnDemandThroughput: onDemandMaximum }),
    ItemCount: itemCount,
    BillingMode: mode,
  };
}

/** Only what the table had. */
function featureDetails(table: TableDefinition): object {
  const { stream, timeToLive } = table;
  const local = restorableIndexes(table, 'LOCAL');
  const global = restorableIndexes(table, 'GLOBAL');
  const streams = stream?.status === 'ENABLING' || stream?.status === 'ENABLED';
  const expires = timeToLive?.status === 'ENABLING' || timeToLive?.status === 'ENABLED';
  return {
    ...(local.length > 0 && { LocalSecondaryIndexes: local.map(indexInfo) }),
    ...(global.length > 0 && {
      GlobalSecondaryIndexes: global.map((index) => globalIndexInfo(index, table)),
    }),
    ...(streams && { StreamDescription: { StreamEnabled: true, StreamViewType: stream.viewType } }),
    ...(expires && {
      TimeToLiveDescription: { TimeToLiveStatus: timeToLive.status, AttributeName: timeToLive.attribute },
    }),
  };
}

function indexInfo({ name, keySchema, projection }: IndexDefinition): object {
  return { IndexName: name, KeySchema: keySchema, Projection: projection };
}

function globalIndexInfo(index: IndexDefinition, table: TableDefinition): object {
  const billing = index.billing ?? table.billing;
  const { onDemandMaximum } = settledBilling(billing);
  return {
    ...indexInfo(index),
    ProvisionedThroughput: units(billing),
    ...(onDemandMaximum !== undefined && { OnDemandThroughput: onDemandMaximum }),
  };
}

function units(billing: Billing): object {
  const { readUnits, writeUnits } = settledBilling(billing);
  return { ReadCapacityUnits: readUnits, WriteCapacityUnits: writeUnits };
}
