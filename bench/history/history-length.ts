import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { alignColumns } from '../columns.ts';
import { spread } from '../histogram.ts';
import { place } from '../machine.ts';
import type { Run } from '../rounds.ts';
import { switchOn } from '../store.ts';
import { timed } from './backup-speed.ts';
import { checkWritten, fillHistoryTable, restoreLatest, TABLE, writeItems } from './table.ts';
import { type Bound, judged, judgedHeader, wholeRange } from './verdict.ts';

export interface HistoryLength {
  readonly items: number;
  /** Changes since the beginning of the history, and how long restores took that came so late. */
  readonly short: MeasuredLength;
  readonly long: MeasuredLength;
  /** What the history takes on the disk at the end. */
  readonly disk: HistoryDisk;
}

export interface MeasuredLength {
  /** Before the first restore, and before the last one. */
  readonly changesMin: number;
  readonly changesMax: number;
  readonly restoresMs: readonly number[];
}

export interface HistoryDisk {
  readonly changes: number;
  readonly changeBytes: number;
  readonly baseBytes: number;
  readonly bases: number;
}

/** A restore after ten times the changes, against the same before. */
const slowdownMax: Bound = { most: 1.5 };

const LONGER = 10;

/** A history is looked at when nothing has come to it for so long. */
const SETTLED_MS = 2_500;
const SETTLED_MS_MAX = 120_000;
const POLL_MS = 250;

/** The second in which something was written is over then. */
const SECOND_OVER_MS = 1_100;

/**
 * Restores the latest moment of a table after as many changes as it has items, and again after ten times as many. Between the later
 * restores a tenth of the items is written once more each time, as how long one takes depends on how long ago the last base was made.
 */
export async function measureHistoryLength(items: number, run: Run): Promise<HistoryLength> {
  const dataDir = join(run.dataDir, 'history-length');
  mkdirSync(dataDir);
  const { server } = await run.stores.start('history-engine', '', dataDir);
  if (run.placement !== undefined) {
    place(server.pid, [run.placement.serverCore, run.placement.loadCore]);
  }
  const history = new GrowingHistory(server.port, join(dataDir, 'data', 'history'), items, run);
  try {
    run.log(`history-length: ${items} items`);
    await history.begin();
    await history.grow(items);
    const short = await history.restoreOften(0);
    await history.grow(items * LONGER - history.changes);
    const long = await history.restoreOften(Math.ceil(items / 10));
    return { items, short, long, disk: history.disk() };
  } finally {
    await server.stop();
  }
}

export function renderHistoryLength({ items, short, long, disk }: HistoryLength): string {
  const ms = ({ restoresMs }: MeasuredLength) => wholeRange(spread(restoresMs));
  const before = spread(short.restoresMs).median;
  const slowdown = spread(long.restoresMs.map((restoreMs) => restoreMs / before));
  const each = (bytes: number) => Math.round(bytes / disk.changes).toLocaleString('en-US');
  const table = alignColumns(
    [
      ['', 'ms (min..max)', 'x the one before (min..max)', ...judgedHeader],
      [`after ${changesOf(short)}`, ms(short)],
      [`after ${changesOf(long)}`, ms(long), ...judged(slowdown, slowdownMax)],
    ],
    1,
  );
  return [
    `Restore of the latest moment of ${count(items)} items`,
    table,
    `  on the disk after ${count(disk.changes)} changes, for each: ${each(disk.changeBytes)} bytes of changes, ${each(disk.baseBytes)} of ${disk.bases} bases`,
  ].join('\n');
}

/** A table with point-in-time recovery that is written to. */
class GrowingHistory {
  readonly #port: number;
  readonly #directory: string;
  readonly #items: number;
  readonly #run: Run;
  #writes = 0;
  #restores = 0;

  constructor(port: number, directory: string, items: number, run: Run) {
    this.#port = port;
    this.#directory = directory;
    this.#items = items;
    this.#run = run;
  }

  /** Since point-in-time recovery is on. */
  get changes(): number {
    return this.#writes - this.#items;
  }

  async begin(): Promise<void> {
    await fillHistoryTable(this.#port, this.#items);
    this.#writes = this.#items;
    await switchOn(this.#port, TABLE, 'recovery');
  }

  async grow(changes: number): Promise<void> {
    const from = this.#writes;
    this.#writes += changes;
    await writeItems(this.#port, this.#items, from, this.#writes);
    await sleep(SECOND_OVER_MS);
    await this.#settled();
  }

  /** @param changesBetween two restores. */
  async restoreOften(changesBetween: number): Promise<MeasuredLength> {
    const changesMin = this.changes;
    const restoresMs: number[] = [];
    for (let round = 0; round < this.#run.rounds; round++) {
      this.#run.log(
        `history-length: restore ${round + 1} of ${this.#run.rounds} after ${this.changes} changes`,
      );
      if (round > 0 && changesBetween > 0) await this.grow(changesBetween);
      restoresMs.push(await this.#restore());
    }
    return { changesMin, changesMax: this.changes, restoresMs };
  }

  disk(): HistoryDisk {
    const files = this.#files();
    const of = (kind: string) => files.filter(({ path }) => basename(path).startsWith(kind));
    const bytes = (kind: string) => of(kind).reduce((sum, file) => sum + file.bytes, 0);
    return {
      changes: this.changes,
      changeBytes: bytes('changes-'),
      baseBytes: bytes('base-'),
      bases: of('base-').length,
    };
  }

  async #restore(): Promise<number> {
    const table = `restored-${this.#restores++}`;
    const { ms } = await timed(() => restoreLatest(this.#port, table));
    await checkWritten(this.#port, table, this.#items, this.#writes);
    return ms;
  }

  /** What has been written is taken apart in the background, and would be so while a restore is measured. */
  async #settled(): Promise<void> {
    const deadlineMs = Date.now() + SETTLED_MS_MAX;
    let [seen, sinceMs] = ['', Date.now()];
    while (Date.now() - sinceMs < SETTLED_MS && Date.now() < deadlineMs) {
      await sleep(POLL_MS);
      const found = this.#files()
        .map(({ path, bytes }) => `${path} ${bytes}`)
        .join('\n');
      if (found !== seen) [seen, sinceMs] = [found, Date.now()];
    }
  }

  /** Those of the table, of which there is one with a history. */
  #files(): { path: string; bytes: number }[] {
    return readdirSync(this.#directory, { recursive: true, encoding: 'utf8' })
      .map((name) => join(this.#directory, name))
      .flatMap((path) => {
        const stat = statSync(path, { throwIfNoEntry: false });
        return stat?.isFile() ? [{ path, bytes: stat.size }] : [];
      });
  }
}

function changesOf({ changesMin, changesMax }: MeasuredLength): string {
  const range =
    changesMin === changesMax ? count(changesMin) : `${count(changesMin)} to ${count(changesMax)}`;
  return `${range} changes`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
