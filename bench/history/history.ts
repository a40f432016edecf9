import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Run } from '../rounds.ts';
import { type LatencyRound, measureBackupLatency, renderBackupLatency } from './backup-latency.ts';
import { type BackupSpeed, measureBackupSpeed, renderBackupSpeed } from './backup-speed.ts';
import { type HistoryLength, measureHistoryLength, renderHistoryLength } from './history-length.ts';
import { fillHistoryTable } from './table.ts';

/** Rows that are no loops of requests, as `--only` names them. */
export const historyRows = ['backup', 'during-backup', 'history-length'] as const;
export type HistoryRow = (typeof historyRows)[number];

/** What was measured of the past of tables; a member is missing where it was not asked for. */
export interface HistoryFigures {
  readonly backup?: BackupSpeed;
  readonly duringBackup?: readonly LatencyRound[];
  readonly historyLength?: HistoryLength;
}

/** The table whose history grows is smaller by this, as it is written ten times over. */
const SMALLER = 10;

/** @param items of the table that is backed up. */
export async function measureHistory(
  rows: readonly HistoryRow[],
  items: number,
  run: Run,
): Promise<HistoryFigures> {
  const backups = rows.some((row) => row !== 'history-length') ? await measureBackups(rows, items, run) : {};
  if (!rows.includes('history-length')) return backups;
  return { ...backups, historyLength: await measureHistoryLength(Math.ceil(items / SMALLER), run) };
}

/** @returns undefined where nothing was measured. */
export function renderHistory({ backup, duringBackup, historyLength }: HistoryFigures): string | undefined {
  const parts = [
    backup && renderBackupSpeed(backup),
    duringBackup && renderBackupLatency(duringBackup),
    historyLength && renderHistoryLength(historyLength),
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join('\n\n');
}

/** Both rows have the same server and table, which takes longest to fill. */
async function measureBackups(rows: readonly HistoryRow[], items: number, run: Run): Promise<HistoryFigures> {
  const dataDir = join(run.dataDir, 'backups');
  mkdirSync(dataDir);
  const running = await run.stores.start('slipstream', '', dataDir);
  try {
    run.log(`backup: writing ${items} items`);
    await fillHistoryTable(running.server.port, items);
    return {
      ...(rows.includes('backup') && { backup: await measureBackupSpeed(running, dataDir, items, run) }),
      ...(rows.includes('during-backup') && {
        duringBackup: await measureBackupLatency(running, items, run),
      }),
    };
  } finally {
    await running.server.stop();
  }
}
