import { setTimeout as sleep } from 'node:timers/promises';
import type { Progress } from './progress.ts';
import type { Server } from './server.ts';

interface BackupDescription {
  readonly BackupDetails?: { readonly BackupStatus?: string; readonly BackupSizeBytes?: number };
  readonly SourceTableDetails?: { readonly ItemCount?: number };
}

interface Table {
  readonly TableStatus?: string;
  readonly ItemCount?: number;
}

/** Between two questions how far it is. */
const pollMs = 100;

/** Waits until a backup is there. @throws Error where it goes instead. */
export async function untilBackedUp(
  server: Server,
  arn: string,
  progress: Progress,
): Promise<BackupDescription> {
  for (;;) {
    const found = await server.find('DescribeBackup', { BackupArn: arn }, 'BackupNotFoundException');
    if (found === undefined) throw new Error('the backup could not be made; the log of the server says why');
    const backup = found.BackupDescription as BackupDescription;
    progress.show(0, backup.SourceTableDetails?.ItemCount);
    if (backup.BackupDetails?.BackupStatus === 'AVAILABLE') return backup;
    await sleep(pollMs);
  }
}

/** Waits until a table can be used. @param expected items, as far as is known. @returns how many items it has. */
export async function untilRestored(
  server: Server,
  table: string,
  expected: number | undefined,
  progress: Progress,
): Promise<number> {
  for (;;) {
    const found = await server.find('DescribeTable', { TableName: table }, 'ResourceNotFoundException');
    if (found === undefined)
      throw new Error('the table could not be restored; the log of the server says why');
    const { TableStatus: status, ItemCount: items = 0 } = found.Table as Table;
    progress.show(items, expected);
    if (status === 'ACTIVE') return items;
    await sleep(pollMs);
  }
}
