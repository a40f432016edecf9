import type { Server } from './server.ts';

interface BackupSummary {
  readonly TableName?: string;
  readonly BackupName?: string;
  readonly BackupArn?: string;
  readonly BackupStatus?: string;
  readonly BackupType?: string;
  readonly BackupCreationDateTime?: number;
  readonly BackupSizeBytes?: number;
}

/** All backups of all types, the oldest first, a line each. */
export async function listBackups(server: Server, table: string | undefined): Promise<string> {
  const found: BackupSummary[] = [];
  let after: unknown;
  do {
    const page = await server.call('ListBackups', {
      BackupType: 'ALL',
      ...(table !== undefined && { TableName: table }),
      ...(after !== undefined && { ExclusiveStartBackupArn: after }),
    });
    found.push(...((page.BackupSummaries ?? []) as BackupSummary[]));
    after = page.LastEvaluatedBackupArn;
  } while (after !== undefined);
  if (found.length === 0) return 'no backups\n';
  found.sort((a, b) => (a.BackupCreationDateTime ?? 0) - (b.BackupCreationDateTime ?? 0));
  return inColumns([['CREATED', 'TABLE', 'NAME', 'TYPE', 'STATUS', 'BYTES', 'ARN'], ...found.map(rowOf)]);
}

function rowOf(backup: BackupSummary): string[] {
  const created = new Date((backup.BackupCreationDateTime ?? 0) * 1000).toISOString();
  const { TableName = '', BackupName = '', BackupType = '', BackupStatus = '', BackupArn = '' } = backup;
  const size = (backup.BackupSizeBytes ?? 0).toLocaleString('en-US');
  return [created, TableName, BackupName, BackupType, BackupStatus, size, BackupArn];
}

function inColumns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}
