import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { alignColumns } from '../columns.ts';
import { type LatencyUs, spread } from '../histogram.ts';
import { measure, type Run, readyRow, type StartedRow } from '../rounds.ts';
import { fillTable } from '../store.ts';
import type { RunningSystem } from '../stores.ts';
import { type Workload, workloads } from '../workload.ts';
import { backUp, deleteBackup, TABLE } from './table.ts';
import { type Bound, judged, judgedHeader, wholeRange } from './verdict.ts';

/** A load at one number of connections in one round, without backups and while they are made. */
export interface LatencyRound {
  readonly load: LoadName;
  readonly connections: number;
  readonly idleUs: LatencyUs;
  readonly backupUs: LatencyUs;
  /** How many were begun meanwhile: one behind the other. */
  readonly backups: number;
}

type LoadName = 'cached GetItem' | 'PutItem';

/** p99 while backups are made, against the same without. */
const slowdownMax: Bound = { most: 2 };

/** One request at a time shows what a backup adds to it; more than that soon only shows how many processors there are. */
const CONNECTIONS = [1, 16];

/** A hot set, in a table beside the one that is backed up. */
const HOT_ITEMS = 1_000;

/**
 * Cached reads, and writes into the table that is backed up, while the server makes one backup of it after the other and while it
 * makes none.
 *
 * @param running the server of a table of `items`, with a cache.
 */
export async function measureBackupLatency(
  running: RunningSystem,
  items: number,
  run: Run,
): Promise<LatencyRound[]> {
  const { port } = running.server;
  await fillTable(port, 'items');
  const reads = await loadOf('cached GetItem', workloads['get-item'], HOT_ITEMS, running, run);
  const writes = await loadOf('PutItem', intoTable(workloads['put-item']), items, running, run);
  const rounds: LatencyRound[] = [];
  for (let round = 0; round < run.rounds; round++) {
    for (const connections of run.connections ?? CONNECTIONS) {
      run.log(`during-backup: round ${round + 1} of ${run.rounds}, ${connections} connections`);
      for (const load of [reads, writes])
        rounds.push(await measureRound(load, connections, round % 2 === 1, run));
    }
  }
  return rounds;
}

export function renderBackupLatency(rounds: readonly LatencyRound[]): string {
  const rows = new Map<string, LatencyRound[]>();
  for (const round of rounds) {
    const { load, connections } = round;
    const title = `${load}, ${connections} ${connections === 1 ? 'connection' : 'connections'}`;
    rows.set(title, [...(rows.get(title) ?? []), round]);
  }
  const lines = Array.from(rows, ([title, measured]) => {
    const p99 = (of: 'idleUs' | 'backupUs') => wholeRange(spread(measured.map((round) => round[of].p99)));
    const slowdown = spread(measured.map(({ idleUs, backupUs }) => backupUs.p99 / idleUs.p99));
    return [title, p99('idleUs'), p99('backupUs'), ...judged(slowdown, slowdownMax)];
  });
  const header = ['', 'idle (min..max)', 'with backups (min..max)', 'x idle (min..max)', ...judgedHeader];
  return `p99 while backups are made, us\n${alignColumns([header, ...lines], 1)}`;
}

interface Load {
  readonly name: LoadName;
  readonly started: StartedRow;
}

async function loadOf(
  name: LoadName,
  workload: Workload,
  keys: number,
  running: RunningSystem,
  run: Run,
): Promise<Load> {
  const dataDir = join(run.dataDir, `during-backup-${workload.operation}`);
  mkdirSync(dataDir);
  const row = { name: 'during-backup', title: name, system: 'slipstream', keys, hasThreads: true } as const;
  const started = await readyRow({ row, workload, running }, dataDir, run);
  await measure(started, WARMUP_CONNECTIONS, WARMUP_SECONDS, run);
  return { name, started };
}

const WARMUP_CONNECTIONS = 16;
const WARMUP_SECONDS = 2;

/** Who comes first, changes. */
async function measureRound(
  { name, started }: Load,
  connections: number,
  isBackupFirst: boolean,
  run: Run,
): Promise<LatencyRound> {
  const latency = async () => (await measure(started, connections, run.seconds, run)).latencyUs;
  const idleBefore = isBackupFirst ? undefined : await latency();
  const { result: backupUs, backups } = await whileBackups(started.running.server.port, latency);
  return { load: name, connections, idleUs: idleBefore ?? (await latency()), backupUs, backups };
}

/** Does something while one backup is made after the other; resolves when the last of them is gone. */
async function whileBackups<T>(
  port: number,
  work: () => Promise<T>,
): Promise<{ result: T; backups: number }> {
  let isOver = false;
  let backups = 0;
  const making = (async () => {
    while (!isOver) {
      const arn = await backUp(port, `beside-${backups++}`);
      await deleteBackup(port, arn);
    }
  })();
  try {
    const result = await work();
    isOver = true;
    await making;
    return { result, backups };
  } finally {
    isOver = true;
    await making.catch(() => {});
  }
}

function intoTable(workload: Workload): Workload {
  return { ...workload, input: { ...workload.input, TableName: TABLE } };
}
