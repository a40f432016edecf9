import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { catalogRecord } from '../../../engine/catalog.ts';
import { type DataDirectory, prepareDataDirectory } from '../../../engine/data-directory.ts';
import { DataLock } from '../../../engine/data-lock.ts';
import type { EngineOptions } from '../../../engine/engine-options.ts';
import type { LoadPlan } from '../../../engine/history/load-plan.ts';
import { loadedRows } from '../../../engine/history/loaded-rows.ts';
import type { TableHistories } from '../../../engine/history/table-histories.ts';
import { createTable, deleteTable } from '../../../engine/operation/table.ts';
import { deleteItem, putItem } from '../../../engine/operation/write.ts';
import { closeParts, openParts, type Parts } from '../../../engine/parts.ts';
import type { Services } from '../../../engine/services.ts';
import type { PointInTimeRecovery, TableDefinition } from '../../../engine/table-definition.ts';
import { Reply } from '../../../protocol/reply.ts';
import { silentLogger } from '../../silent-logger.ts';

export const region = 'us-east-1';

/** Values of `v` by the keys of their items. */
export type Items = ReadonlyMap<string, string>;

/** The parts of an engine with histories, and a clock that the test moves. */
export class HistoryEngine {
  readonly directory: string;
  readonly time: { nowMs: number };
  readonly #parts: Parts;
  readonly #options: Partial<EngineOptions>;
  /** What every table has had after each of its changes, by its name. */
  readonly model: Model;

  /** Of parts that are open; `open` opens them. */
  constructor(opened: Opened, parts: Parts) {
    this.directory = opened.directory;
    this.time = opened.time;
    this.model = opened.model;
    this.#options = opened.options;
    this.#parts = parts;
  }

  static open(options: Partial<EngineOptions> = {}): Promise<HistoryEngine> {
    return openHere({
      directory: mkdtempSync(join(tmpdir(), 'slipstream-history-')),
      time: { nowMs: Date.UTC(2026, 5, 1, 12) },
      model: new Model(),
      options,
    });
  }

  /** On a folder that is there already; the clock stands still there. */
  static openAt(directory: string, nowMs: number): Promise<HistoryEngine> {
    return openHere({ directory, time: { nowMs }, model: new Model(), options: {} });
  }

  get services(): Services {
    return this.#parts.services;
  }

  get histories(): TableHistories {
    return this.#parts.core.history.histories;
  }

  get snapshots(): Parts['core']['history']['snapshots'] {
    return this.#parts.core.history.snapshots;
  }

  get log(): Parts['core']['log'] {
    return this.#parts.core.log;
  }

  get nowMs(): number {
    return this.time.nowMs;
  }

  advance(ms: number): void {
    this.time.nowMs += ms;
  }

  async createTable(name: string): Promise<void> {
    await createTable(
      this.services,
      this.#request('CreateTable', {
        TableName: name,
        KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'p', AttributeType: 'S' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    );
    this.model.set(name, this.nowMs, new Map());
  }

  async deleteTable(name: string): Promise<void> {
    await deleteTable(this.services, this.#request('DeleteTable', { TableName: name }));
    while (this.services.catalog.get(region, name) !== undefined) await turn();
  }

  async put(table: string, p: string, v: string): Promise<void> {
    const Item = { p: { S: p }, v: { S: v } };
    await putItem(this.services, this.#request('PutItem', { TableName: table, Item }));
    this.model.change(table, this.nowMs, (items) => items.set(p, v));
  }

  async delete(table: string, p: string): Promise<void> {
    const Key = { p: { S: p } };
    await deleteItem(this.services, this.#request('DeleteItem', { TableName: table, Key }));
    this.model.change(table, this.nowMs, (items) => items.delete(p));
  }

  definition(name: string): TableDefinition {
    const table = this.services.catalog.get(region, name);
    if (table === undefined) throw new Error(`no table ${name}`);
    return table.definition;
  }

  /** Switches point-in-time recovery on, or changes its period. */
  async enable(name: string, recoveryPeriodInDays = 35): Promise<PointInTimeRecovery> {
    await this.#change(name, (definition, sequence, timeMs) => {
      const enabled = definition.pointInTime ?? { sequence, enabledMs: timeMs, notBeforeMs: 0 };
      return { ...definition, pointInTime: { ...enabled, recoveryPeriodInDays } };
    });
    const { pointInTime } = this.definition(name);
    if (pointInTime === undefined) throw new Error('it is off');
    return pointInTime;
  }

  disable(name: string): Promise<void> {
    return this.#change(name, ({ pointInTime: _, ...definition }) => definition);
  }

  /** What a moment of the table comes back as. */
  async restored(name: string, timeMs: number): Promise<Items> {
    const { plan, release } = await this.histories.plan(this.definition(name), { timeMs });
    try {
      return await itemsOf(plan);
    } finally {
      release();
    }
  }

  /** LMDB takes all, and the log lets go of what nobody needs. */
  async flush(): Promise<void> {
    await this.#parts.core.applier.flush();
    await this.log.removeBefore(this.log.segments[0]?.startLsn ?? 0);
  }

  async close(): Promise<void> {
    await closeParts(this.#parts);
  }

  async reopen(): Promise<HistoryEngine> {
    await this.close();
    return openHere(this.#opened(this.directory));
  }

  /** Goes on from what a killed process would have left on the disk. */
  async killed(): Promise<HistoryEngine> {
    const directory = mkdtempSync(join(tmpdir(), 'slipstream-history-'));
    copyAtOnce(this.directory, directory);
    await this.close();
    rmSync(this.directory, { recursive: true, force: true });
    return openHere(this.#opened(directory));
  }

  async remove(): Promise<void> {
    await this.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #opened(directory: string): Opened {
    return { directory, time: this.time, model: this.model, options: this.#options };
  }

  #request(operation: string, input: Record<string, unknown>) {
    return { operation, input, region };
  }

  async #change(
    name: string,
    change: (definition: TableDefinition, sequence: number, timeMs: number) => TableDefinition,
  ): Promise<void> {
    const { number } = this.definition(name);
    await this.services.committer.submit(({ catalog, sequence, timeMs }) => {
      const table = catalog.byNumber(number);
      if (table === undefined) throw new Error(`no table ${name}`);
      const put = change(table.definition, sequence, timeMs);
      return { changes: [catalogRecord({ put })], reply: new Reply({}) };
    });
  }
}

interface Opened {
  readonly directory: string;
  readonly time: { nowMs: number };
  readonly model: Model;
  readonly options: Partial<EngineOptions>;
}

/** What tables have had, moment by moment. */
export class Model {
  readonly #states = new Map<string, { readonly timeMs: number; readonly items: Items }[]>();

  set(table: string, timeMs: number, items: Items): void {
    this.#states.set(table, [...(this.#states.get(table) ?? []), { timeMs, items }]);
  }

  change(table: string, timeMs: number, change: (items: Map<string, string>) => unknown): void {
    const items = new Map(this.at(table, timeMs));
    change(items);
    this.set(table, timeMs, items);
  }

  /** Seconds in which something has changed, those beside them, and both ends. */
  seconds(table: string, earliestMs: number, latestMs: number): number[] {
    const changed = (this.#states.get(table) ?? []).map(({ timeMs }) => Math.floor(timeMs / 1000) * 1000);
    const near = new Set([earliestMs, latestMs, ...changed.flatMap((ms) => [ms - 1000, ms, ms + 1000])]);
    return [...near].filter((ms) => ms >= earliestMs && ms <= latestMs).sort((a, b) => a - b);
  }

  /** As it was at the end of this millisecond. */
  at(table: string, timeMs: number): Items {
    return this.#states.get(table)?.findLast((state) => state.timeMs <= timeMs)?.items ?? new Map();
  }
}

async function openHere(opened: Opened): Promise<HistoryEngine> {
  const { time } = opened;
  const clock = { now: () => time.nowMs, monotonic: () => performance.now() };
  const directory = prepareDataDirectory(opened.directory);
  const parts = await openParts(
    {
      dataDirectory: directory.root,
      clock,
      durability: 'sync',
      logSegmentBytesMax: 4096,
      overlayBytesMax: 64 * 1024 * 1024,
      diskReserveBytes: 0,
      replicaLagMs: 0,
      capacity: 'off',
      controlPlaneDelayMs: 0,
      ttlSweepMs: 60_000,
      ttlChangeIntervalMs: 0,
      log: silentLogger,
      onFatal: (error) => {
        throw error;
      },
      ...opened.options,
    },
    directory,
    DataLock.acquire(directory.root),
  );
  return new HistoryEngine(opened, parts);
}

/** What a plan loads. */
export async function itemsOf(plan: LoadPlan): Promise<Items> {
  const found = new Map<string, readonly [p: string, v: string]>();
  for await (const rows of loadedRows(plan)) {
    for (const { key, image } of rows) {
      if (image === undefined) found.delete(key);
      else found.set(key, entryOf(image.json));
    }
  }
  return new Map(found.values());
}

function entryOf(json: Buffer): [p: string, v: string] {
  const item = JSON.parse(json.toString()) as Record<'p' | 'v', { S: string }>;
  return [item.p.S, item.v.S];
}

/**
 * A folder as a kill would leave it: in one turn, and so that nothing is copied that says more than what is copied after it.
 * Other threads may write meanwhile, as they may when a process is killed.
 */
function copyAtOnce(from: string, to: string): void {
  const { history, state, log } = dataDirectoryOf(from);
  const copied = [join(from, 'format.json'), join(history, 'progress.json'), history, state, log];
  for (const path of copied) copyIfThere(path, join(to, path.slice(from.length)));
}

function copyIfThere(from: string, to: string): void {
  try {
    cpSync(from, to, { recursive: true, force: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function dataDirectoryOf(root: string): Pick<DataDirectory, 'history' | 'state' | 'log'> {
  return { history: join(root, 'history'), state: join(root, 'state'), log: join(root, 'log') };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
