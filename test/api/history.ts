import type { DynamoDB } from '@aws-sdk/client-dynamodb';
import { expect, vi } from 'vitest';
import type { Item } from './setups.ts';

/** How long there is to be waited for what takes a thread of its own. */
export const waiting = { timeout: 20_000, interval: 20 };

/** A backup of a table, once it is there. */
export async function backUp(dynamo: DynamoDB, TableName: string, BackupName = 'nightly'): Promise<string> {
  const { BackupDetails: details } = await dynamo.createBackup({ TableName, BackupName });
  const BackupArn = details?.BackupArn ?? '';
  const status = async () => {
    const { BackupDescription: described } = await dynamo.describeBackup({ BackupArn });
    return described?.BackupDetails?.BackupStatus;
  };
  await vi.waitFor(async () => expect(await status()).toBe('AVAILABLE'), waiting);
  return BackupArn;
}

/** The moment from which on a table can be restored. */
export async function switchOnRecovery(dynamo: DynamoDB, TableName: string): Promise<Date> {
  const { ContinuousBackupsDescription: described } = await dynamo.updateContinuousBackups({
    TableName,
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  });
  return described?.PointInTimeRecoveryDescription?.EarliestRestorableDateTime ?? new Date(0);
}

export async function switchOffRecovery(dynamo: DynamoDB, TableName: string): Promise<void> {
  await dynamo.updateContinuousBackups({
    TableName,
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: false },
  });
}

/** All items of a table or an index, in the order of their partition keys. */
export async function itemsOf(dynamo: DynamoDB, TableName: string, IndexName?: string): Promise<Item[]> {
  const { Items: items = [] } = await dynamo.scan({
    TableName,
    ...(IndexName !== undefined && { IndexName }),
  });
  return items.sort((a, b) => ((a.p?.S ?? '') < (b.p?.S ?? '') ? -1 : 1));
}

export async function untilGone(dynamo: DynamoDB, TableName: string): Promise<void> {
  const answer = () => dynamo.describeTable({ TableName }).catch((error: Error) => error.name);
  await expect.poll(answer, waiting).toBe('ResourceNotFoundException');
}
