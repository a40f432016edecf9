import type { HistoryCaller } from '../config/options.ts';
import type { Configuration } from '../config/settings.ts';
import { listBackups } from './list.ts';
import { openProgress } from './progress.ts';
import { endpointDefault, explain, Server } from './server.ts';
import { untilBackedUp, untilRestored } from './waiting.ts';

/** Asks a running server for backups and restores, thin over its API. @returns the exit code: 0 done, 1 refused or failed. */
export async function requestHistory(program: HistoryCaller, configuration: Configuration): Promise<number> {
  const server = await Server.open(configuration);
  try {
    process.stdout.write(await requests[program](server, configuration.settings));
    return 0;
  } catch (error) {
    process.stderr.write(
      `slipstream: ${configuration.settings.endpoint ?? endpointDefault}: ${explain(error)}\n`,
    );
    return 1;
  } finally {
    await server.close();
  }
}

type Settings = Configuration['settings'];
type HistoryRequest = (server: Server, settings: Settings) => Promise<string>;

/** What each says when it is done. */
const requests: Readonly<Record<HistoryCaller, HistoryRequest>> = {
  'backups list': (server, { table: [table] }) => listBackups(server, table),
  'backups create': createBackup,
  'backups restore': restoreBackup,
  restore: restoreMoment,
};

async function createBackup(server: Server, { table: [table = ''], name }: Settings): Promise<string> {
  const BackupName = name ?? nameAt(table, new Date());
  const { BackupDetails } = await server.call('CreateBackup', { TableName: table, BackupName });
  const { BackupArn: arn } = BackupDetails as { BackupArn: string };
  const progress = openProgress(`backup of ${table}`, 'items', process.stderr);
  try {
    const { SourceTableDetails, BackupDetails: made } = await untilBackedUp(server, arn, progress);
    const items = (SourceTableDetails?.ItemCount ?? 0).toLocaleString('en-US');
    return `${arn}\n${items} items, ${(made?.BackupSizeBytes ?? 0).toLocaleString('en-US')} bytes\n`;
  } finally {
    progress.end();
  }
}

async function restoreBackup(server: Server, { backup, as }: Settings): Promise<string> {
  const { BackupDescription } = await server.call('DescribeBackup', { BackupArn: backup });
  const { SourceTableDetails } = BackupDescription as { SourceTableDetails?: { ItemCount?: number } };
  await server.call('RestoreTableFromBackup', { BackupArn: backup, TargetTableName: as });
  return restored(server, as ?? '', SourceTableDetails?.ItemCount);
}

async function restoreMoment(
  server: Server,
  { table: [table = ''], to = '', as }: Settings,
): Promise<string> {
  const { Table } = await server.call('DescribeTable', { TableName: table });
  const moment = to === 'latest' ? { UseLatestRestorableTime: true } : { RestoreDateTime: secondOf(to) };
  await server.call('RestoreTableToPointInTime', { SourceTableName: table, TargetTableName: as, ...moment });
  return restored(server, as ?? '', (Table as { ItemCount?: number }).ItemCount);
}

async function restored(server: Server, table: string, expected: number | undefined): Promise<string> {
  const progress = openProgress(`restore as ${table}`, 'items', process.stderr);
  try {
    const items = await untilRestored(server, table, expected, progress);
    return `${table} is ACTIVE: ${items.toLocaleString('en-US')} items\n`;
  } finally {
    progress.end();
  }
}

/** A moment is a whole second; a fraction falls into its second. */
function secondOf(time: string): number {
  return /^\d+$/.test(time) ? Number(time) : Math.floor(Date.parse(time) / 1000);
}

/** The table's name as far as there is room, and the time in UTC. */
function nameAt(table: string, time: Date): string {
  const stamp = time.toISOString().replace(/[-:]/g, '').replace(/\..*$/, '');
  return `${table.slice(0, 255 - stamp.length - 1)}-${stamp}`;
}
