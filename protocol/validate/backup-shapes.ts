import {
  atLeast,
  atMost,
  maxLength,
  minLength,
  nameConstraints,
  oneOf,
  tableNameConstraints,
} from './constraint.ts';
import { boolean, integer, list, required, string, structure, timestamp } from './shape.ts';
import {
  anyList,
  billingMode,
  globalSecondaryIndex,
  localSecondaryIndex,
  onDemandThroughput,
  provisionedThroughput,
  sseSpecification,
} from './table-shapes.ts';

/**
 * The inputs of the operations on backups and point-in-time recovery (AWS: API_CreateBackup and those after it; the service's
 * model). Members stand in the order in which errors about them are reported.
 */

/** Of the table that is backed up; it takes an ARN, too. */
const tableName = string(...tableNameConstraints);
/** Of the table to be made. */
const targetTableName = required(string(...nameConstraints));
const backupArn = string(minLength(37), maxLength(1024));

export const createBackup = structure('CreateBackupInput', {
  BackupName: required(string(...nameConstraints)),
  TableName: tableName,
});

export const describeBackup = structure('DescribeBackupInput', { BackupArn: required(backupArn) });
export const deleteBackup = structure('DeleteBackupInput', { BackupArn: required(backupArn) });

export const listBackups = structure('ListBackupsInput', {
  BackupType: string(oneOf('SYSTEM', 'AWS_BACKUP', 'ALL', 'USER')),
  ExclusiveStartBackupArn: backupArn,
  Limit: integer(atLeast(1), atMost(100)),
  TableName: tableName,
  TimeRangeLowerBound: timestamp,
  TimeRangeUpperBound: timestamp,
});

export const describeContinuousBackups = structure('DescribeContinuousBackupsInput', {
  TableName: tableName,
});

export const updateContinuousBackups = structure('UpdateContinuousBackupsInput', {
  PointInTimeRecoverySpecification: required(
    structure('PointInTimeRecoverySpecification', {
      PointInTimeRecoveryEnabled: required(boolean),
      RecoveryPeriodInDays: integer(atLeast(1), atMost(35)),
    }),
  ),
  TableName: tableName,
});

/** What of the source's settings the new table is to have otherwise. */
const overrides = {
  BillingModeOverride: billingMode,
  GlobalSecondaryIndexOverride: list(globalSecondaryIndex),
  LocalSecondaryIndexOverride: list(localSecondaryIndex),
  OnDemandThroughputOverride: onDemandThroughput,
  ProvisionedThroughputOverride: provisionedThroughput,
  SSESpecificationOverride: sseSpecification,
  VectorIndexOverride: anyList,
};

export const restoreTableFromBackup = structure('RestoreTableFromBackupInput', {
  BackupArn: required(backupArn),
  TargetTableName: targetTableName,
  ...overrides,
});

export const restoreTableToPointInTime = structure('RestoreTableToPointInTimeInput', {
  RestoreDateTime: timestamp,
  SourceTableArn: string(minLength(1), maxLength(1024)),
  SourceTableName: string(...nameConstraints),
  TargetTableName: targetTableName,
  UseLatestRestorableTime: boolean,
  ...overrides,
});
