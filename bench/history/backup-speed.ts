import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { alignColumns } from '../columns.ts';
import { spread } from '../histogram.ts';
import { ITEM_BYTES } from '../item.ts';
import { place } from '../machine.ts';
import type { Run } from '../rounds.ts';
import type { RunningSystem } from '../stores.ts';
import type { BareScan } from './bare-scan.ts';
import { backUp, checkWritten, deleteBackup, restoreBackup } from './table.ts';
import { type Bound, judged, judgedHeader, wholeRange } from './verdict.ts';

/** How long one round took, in ms. */
export interface SpeedRound {
  /** A bare scan of LMDB, in a process of its own without its start. */
  readonly scanMs: number;
  /** From the call until the backup is AVAILABLE, and from the call until the new table is ACTIVE. */
  readonly backupMs: number;
  readonly restoreMs: number;
}

export interface BackupSpeed {
  readonly items: number;
  readonly rounds: readonly SpeedRound[];
}

/** Of what the bare scan reads in a time. */
const shareMin: Bound = { least: 0.4 };

/** What has been written gets into LMDB a little later. */
const APPLIED_MS_MAX = 60_000;
const POLL_MS = 500;

/**
 * Backs a table up and restores it, in turns with a bare scan of the same items. What is restored is compared, and stays where it is until
 * the end of the run: what is removed in the background would be measured with the next round.
 *
 * @param running the server of a table of `items`, in this data folder, to which nobody writes.
 */
export async function measureBackupSpeed(
  { server }: RunningSystem,
  dataDir: string,
  items: number,
  run: Run,
): Promise<BackupSpeed> {
  const { port, pid } = server;
  const { placement } = run;
  if (placement !== undefined) place(pid, [placement.serverCore, placement.loadCore]);
  const stateDirectory = join(dataDir, 'data', 'state');
  await untilScanned(stateDirectory, items, run);
  const rounds: SpeedRound[] = [];
  for (let round = 0; round < run.rounds; round++) {
    run.log(`backup: round ${round + 1} of ${run.rounds}`);
    const scan = await bareScan(stateDirectory, run);
    const { result: arn, ms: backupMs } = await timed(() => backUp(port, `round-${round}`));
    const table = `restored-${round}`;
    const { ms: restoreMs } = await timed(() => restoreBackup(port, arn, table));
    await checkWritten(port, table, items, items);
    await deleteBackup(port, arn);
    rounds.push({ scanMs: scan.ms, backupMs, restoreMs });
  }
  return { items, rounds };
}

export function renderBackupSpeed({ items, rounds }: BackupSpeed): string {
  const rates = (of: keyof SpeedRound) =>
    wholeRange(spread(rounds.map((round) => (items * ITEM_BYTES) / 1e3 / round[of])));
  const share = (of: keyof SpeedRound) =>
    judged(spread(rounds.map((round) => round.scanMs / round[of])), shareMin);
  const table = alignColumns(
    [
      ['', 'item MB/s (min..max)', 'x scan (min..max)', ...judgedHeader],
      ['bare scan of LMDB', rates('scanMs')],
      ['backup', rates('backupMs'), ...share('backupMs')],
      ['restore', rates('restoreMs'), ...share('restoreMs')],
    ],
    1,
  );
  return `Backup and restore of ${items.toLocaleString('en-US')} items\n${table}`;
}

/** @returns what something gives, and how long it took. */
export async function timed<T>(work: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const startMs = performance.now();
  const result = await work();
  return { result, ms: performance.now() - startMs };
}

async function untilScanned(stateDirectory: string, items: number, run: Run): Promise<void> {
  const deadlineMs = Date.now() + APPLIED_MS_MAX;
  for (;;) {
    const scan = await bareScan(stateDirectory, run);
    if (scan.items === items) return;
    if (Date.now() > deadlineMs) throw new Error(`LMDB has ${scan.items} of ${items} items`);
    await sleep(POLL_MS);
  }
}

async function bareScan(stateDirectory: string, { children, placement }: Run): Promise<BareScan> {
  const script = fileURLToPath(new URL('./bare-scan.js', import.meta.url));
  const child = children.spawn({
    program: process.execPath,
    args: [script, stateDirectory],
    core: placement?.serverCore,
  });
  return JSON.parse(await children.output(child));
}
