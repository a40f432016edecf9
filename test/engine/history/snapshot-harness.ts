import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type CatalogChange, catalogRecord } from '../../../engine/catalog.ts';
import { prepareDataDirectory } from '../../../engine/data-directory.ts';
import { DataLock } from '../../../engine/data-lock.ts';
import type { LoadMoment, LoadPlan } from '../../../engine/history/load-plan.ts';
import { loadedRows } from '../../../engine/history/loaded-rows.ts';
import { Snapshots, type TakeSnapshot } from '../../../engine/history/snapshot.ts';
import { closeParts, openParts, type Parts } from '../../../engine/parts.ts';
import { itemKey } from '../../../engine/state/layout.ts';
import type { TableDefinition } from '../../../engine/table-definition.ts';
import { systemClock } from '../../../protocol/clock.ts';
import { joinKey } from '../../../protocol/key.ts';
import { Reply } from '../../../protocol/reply.ts';
import { silentLogger } from '../../silent-logger.ts';
import { definition, temporaryFolder } from './archive-harness.ts';

/** Values of items by their keys in archives. */
export type Items = ReadonlyMap<string, string>;

export interface EngineSizes {
  readonly replicaLagMs?: number;
  readonly overlayBytesMax?: number;
  readonly logSegmentBytesMax?: number;
}

/** The parts of an engine with one table, which is written to below the API, and what the table was after every write. */
export class SnapshotEngine {
  readonly directory: string;
  readonly table: TableDefinition;
  readonly snapshots: Snapshots;
  readonly states: { readonly sequence: number; readonly timeMs: number; readonly items: Items }[] = [];
  /** Somebody else needs the log from there on. */
  pinnedLsn = Number.POSITIVE_INFINITY;
  /** Why nothing is to be put on the disk. */
  refusal: string | undefined;
  readonly #parts: Parts;
  #closing: Promise<void> | undefined;

  private constructor(directory: string, parts: Parts, table: TableDefinition) {
    this.directory = directory;
    this.table = table;
    this.#parts = parts;
    const { store, log, committer, recovered } = parts.core;
    this.snapshots = new Snapshots({
      stateDirectory: join(directory, 'state'),
      store,
      log,
      published: () => ({ lsn: committer.publishedLsn, last: committer.lastPublished }),
      statistics: (number) => recovered.statistics.of(number),
      refusal: () => this.refusal,
    });
    const removeBefore = log.removeBefore.bind(log);
    log.removeBefore = (lsn) => removeBefore(Math.min(lsn, this.pinnedLsn, this.snapshots.pinLsn()));
  }

  /** Closed and removed when the test is over. */
  static async open(sizes: EngineSizes = {}): Promise<SnapshotEngine> {
    const root = temporaryFolder();
    const engine = new SnapshotEngine(root, await openAt(root, sizes), definition());
    onTestFinished(() => engine.close());
    await engine.change({ put: engine.table });
    return engine;
  }

  /** Opens it again after `change` has had its way with the folder. */
  async reopened(change: () => void = () => {}): Promise<SnapshotEngine> {
    await this.close();
    change();
    return this.#continuedIn(this.directory);
  }

  /** Goes on from what a killed process would have left on the disk. LMDB must not be written meanwhile. */
  async killed(): Promise<SnapshotEngine> {
    const directory = temporaryFolder();
    for (const name of ['format.json', 'state', 'log'])
      cpSync(join(this.directory, name), join(directory, name), { recursive: true });
    await this.close();
    return this.#continuedIn(directory);
  }

  async #continuedIn(directory: string): Promise<SnapshotEngine> {
    const engine = new SnapshotEngine(directory, await openAt(directory, {}), this.table);
    onTestFinished(() => engine.close());
    engine.states.push(...this.states);
    return engine;
  }

  get publishedLsn(): number {
    return this.#parts.core.committer.publishedLsn;
  }

  get firstLsn(): number {
    return this.#parts.core.log.segments[0]?.startLsn ?? 0;
  }

  /** LMDB gets all that is published; what nobody needs of the log goes. */
  async flush(): Promise<void> {
    await this.#parts.core.applier.flush();
  }

  /** @param text undefined: the item goes. Resolves when it is committed. */
  async write(p: string, text: string | undefined): Promise<void> {
    const key = joinKey(p, '');
    await this.#parts.core.committer.submit(({ item, sequence, timeMs }) => {
      const oldImage = item(this.table.number, key);
      const newImage = text === undefined ? undefined : { json: Buffer.from(text), size: text.length };
      if (oldImage === undefined && newImage === undefined) return { changes: [], reply: new Reply({}) };
      this.#record(itemKey(key), text, sequence, timeMs);
      const change = {
        kind: 'item' as const,
        table: this.table.number,
        key,
        ...(oldImage !== undefined && { oldImage }),
        ...(newImage !== undefined && { newImage }),
      };
      return { changes: [change], reply: new Reply({}) };
    });
  }

  async change(change: CatalogChange): Promise<void> {
    await this.#parts.core.committer.submit(() => ({
      changes: [catalogRecord(change)],
      reply: new Reply({}),
    }));
  }

  /** In a file of its own each time. */
  async take(of: Partial<TakeSnapshot> = {}): Promise<LoadPlan> {
    const archivePath = of.archivePath ?? join(temporaryFolder(), 'items.archive');
    const { through, table } = await this.snapshots.take({ table: this.table, archivePath, ...of });
    return { base: archivePath, changes: [], table: table.number, through };
  }

  /** What the table was by then. */
  itemsAt(moment: LoadMoment): Items {
    const state = this.states.findLast(({ sequence, timeMs }) =>
      'sequence' in moment ? sequence <= moment.sequence : timeMs <= moment.timeMs,
    );
    return state?.items ?? new Map();
  }

  close(): Promise<void> {
    this.#closing ??= this.snapshots.close().then(() => closeParts(this.#parts));
    return this.#closing;
  }

  #record(key: string, text: string | undefined, sequence: number, timeMs: number): void {
    const items = new Map(this.states.at(-1)?.items);
    if (text === undefined) items.delete(key);
    else items.set(key, text);
    this.states.push({ sequence, timeMs, items });
  }
}

/** What a plan makes of an empty table, in the order of the keys. */
export async function loaded(plan: LoadPlan): Promise<Items> {
  const items = new Map<string, string>();
  for await (const rows of loadedRows(plan)) {
    for (const { key, image } of rows) {
      if (image === undefined) items.delete(key);
      else items.set(key, image.json.toString());
    }
  }
  return items;
}

/** Equal or not, without a printed difference of megabytes. */
export function isSame(a: Items, b: Items): boolean {
  return a.size === b.size && [...a].every(([key, text]) => b.get(key) === text);
}

async function openAt(root: string, sizes: EngineSizes): Promise<Parts> {
  const directory = prepareDataDirectory(root);
  return openParts(
    {
      dataDirectory: root,
      clock: systemClock,
      durability: 'relaxed',
      logSegmentBytesMax: 256 * 1024,
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
      ...sizes,
    },
    directory,
    DataLock.acquire(directory.root),
  );
}
