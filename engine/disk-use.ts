import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { BackupStore } from './backup/backup-store.ts';
import type { TableHistories, TableHistoryStats } from './history/table-histories.ts';
import type { Log } from './log/segments.ts';

/** What an engine keeps on its disk, in bytes. */
export interface DiskUse {
  readonly parts: {
    readonly log: number;
    readonly state: number;
    readonly history: number;
    readonly backups: number;
  };
  /** By table with point-in-time recovery. */
  readonly history: readonly TableHistoryStats[];
}

export function diskUse(
  stateDirectory: string,
  log: Log,
  histories: TableHistories,
  backups: BackupStore,
): DiskUse {
  const { tables } = histories.stats();
  const history = tables.reduce((sum, { bytes }) => sum + bytes, 0);
  let backupBytes = 0;
  for (const { archive } of backups.all()) backupBytes += archive.bytes;
  const state = statSync(join(stateDirectory, 'data.mdb')).size;
  return {
    parts: { log: log.end - (log.segments[0]?.startLsn ?? log.end), state, history, backups: backupBytes },
    history: tables,
  };
}
