import { expect } from 'vitest';
import type { TestEngine } from '../engine-harness.ts';

/** How long there is to be waited for what takes a thread of its own. */
export const waiting = { timeout: 20_000, interval: 10 };

type Attributes = Record<string, Record<string, string>>;

export interface BackupDetails {
  readonly BackupArn: string;
  readonly BackupStatus: string;
  readonly BackupName: string;
}

/** A backup of a table, once it is there. */
export async function backUp(engine: TestEngine, TableName: string): Promise<string> {
  const { BackupDetails: details } = await engine.call<{ BackupDetails: BackupDetails }>('CreateBackup', {
    TableName,
    BackupName: 'nightly',
  });
  await untilAvailable(engine, details.BackupArn);
  return details.BackupArn;
}

export async function untilAvailable(engine: TestEngine, BackupArn: string): Promise<void> {
  const status = async () => {
    const { BackupDescription: described } = await engine.call<{
      BackupDescription: { BackupDetails: BackupDetails };
    }>('DescribeBackup', { BackupArn });
    return described.BackupDetails.BackupStatus;
  };
  await expect.poll(status, waiting).toBe('AVAILABLE');
}

export async function backupsOf(engine: TestEngine, TableName: string): Promise<BackupDetails[]> {
  const input = { TableName, BackupType: 'ALL' };
  const { BackupSummaries: summaries } = await engine.call<{ BackupSummaries: BackupDetails[] }>(
    'ListBackups',
    input,
  );
  return summaries;
}

export async function switchRecovery(
  engine: TestEngine,
  TableName: string,
  isOn: boolean,
  RecoveryPeriodInDays?: number,
): Promise<void> {
  await engine.call('UpdateContinuousBackups', {
    TableName,
    PointInTimeRecoverySpecification: {
      PointInTimeRecoveryEnabled: isOn,
      ...(RecoveryPeriodInDays !== undefined && { RecoveryPeriodInDays }),
    },
  });
}

export interface Recovery {
  readonly PointInTimeRecoveryStatus: string;
  readonly RecoveryPeriodInDays?: number;
  readonly EarliestRestorableDateTime?: number;
  readonly LatestRestorableDateTime?: number;
}

export async function recoveryOf(engine: TestEngine, TableName: string): Promise<Recovery> {
  const { ContinuousBackupsDescription: described } = await engine.call<{
    ContinuousBackupsDescription: { PointInTimeRecoveryDescription: Recovery };
  }>('DescribeContinuousBackups', { TableName });
  return described.PointInTimeRecoveryDescription;
}

export async function put(engine: TestEngine, TableName: string, p: string, v: number): Promise<void> {
  await engine.call('PutItem', { TableName, Item: { p: { S: p }, v: { N: `${v}` } } });
}

/** What each partition key has in `v`. */
export async function valuesOf(engine: TestEngine, TableName: string): Promise<Map<string, number>> {
  const { Items: items } = await engine.call<{ Items: Attributes[] }>('Scan', { TableName });
  return new Map(items.map(({ p, v }) => [p?.S ?? '', Number(v?.N)]));
}

/** The code of what a call is refused with. */
export async function refusalOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'accepted',
    (error: { code?: string; message: string }) => `${error.code}: ${error.message}`,
  );
}
