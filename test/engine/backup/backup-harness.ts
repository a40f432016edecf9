import { mkdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestOf } from '../../../engine/backup/archive-digest.ts';
import type { BackupManifest } from '../../../engine/backup/backup-manifest.ts';
import { BackupStore } from '../../../engine/backup/backup-store.ts';
import { Backups, type SnapshotTaker } from '../../../engine/backup/backups.ts';
import { Catalog } from '../../../engine/catalog.ts';
import type { SnapshotSummary } from '../../../engine/history/load-plan.ts';
import { Statistics } from '../../../engine/statistics.ts';
import type { TableDefinition } from '../../../engine/table-definition.ts';
import type { Logger } from '../../../protocol/logger.ts';
import { definition, snapshotOf, writeArchive } from '../history/archive-harness.ts';

/** A whole backup in a folder of backups. */
export async function writeBackup(directory: string, id: string, name = 'nightly'): Promise<BackupManifest> {
  const store = await BackupStore.open(directory, loggerOf([]));
  const path = await store.begin(id);
  const { through, itemCount, sizeBytes, table } = await writeItems(path, definition());
  const manifest: BackupManifest = {
    id,
    name,
    type: 'USER',
    createdMs: 1_791_504_762_511,
    through,
    table,
    itemCount,
    sizeBytes,
    archive: await digestOf(path),
  };
  await store.finish(manifest);
  return manifest;
}

/** An archive of some items. */
async function writeItems(path: string, table: TableDefinition): Promise<SnapshotSummary> {
  const json = Buffer.from('{"p":{"S":"a"}}');
  const items = [1, 2, 3].map((n) => ({ key: `0123\u0001${n}`, image: { json, size: 2 } }));
  const contents = snapshotOf({ itemCount: 3, sizeBytes: 6, table, through: { sequence: 9, timeMs: 99 } });
  mkdirSync(dirname(path), { recursive: true });
  await writeArchive(path, { items, contents });
  return { ...contents, fileBytes: 0 };
}

/** Takes snapshots when the test lets it. */
export class HeldSnapshots implements SnapshotTaker {
  readonly taken: string[] = [];
  readonly #waiting: { readonly go: () => void; readonly fail: (error: Error) => void }[] = [];
  #onTaken: () => void = () => {};

  async take({ table, archivePath, signal }: Parameters<SnapshotTaker['take']>[0]): Promise<SnapshotSummary> {
    this.taken.push(table.name);
    const going = new Promise<void>((go, fail) => {
      this.#waiting.push({ go, fail });
      signal.addEventListener('abort', () => fail(signal.reason));
    });
    this.#onTaken();
    await going;
    return writeItems(archivePath, table);
  }

  /** Resolves when so many have begun. */
  async begun(count: number): Promise<void> {
    while (this.taken.length < count) {
      await new Promise<void>((resolve) => {
        this.#onTaken = resolve;
      });
    }
  }

  go(): void {
    this.#waiting.shift()?.go();
  }

  fail(error: Error): void {
    this.#waiting.shift()?.fail(error);
  }
}

export interface BackupsWorld {
  readonly backups: Backups;
  readonly store: BackupStore;
  readonly snapshots: HeldSnapshots;
  readonly catalog: Catalog;
  readonly clock: { nowMs: number };
  /** When the log is durable. */
  readonly power: { synced: Promise<void> };
  readonly logged: string[];
}

export async function openBackups(
  directory: string,
  nowMs = 1_791_504_762_511,
  tables: readonly TableDefinition[] = [],
): Promise<BackupsWorld> {
  const logged: string[] = [];
  const log = loggerOf(logged);
  const store = await BackupStore.open(directory, log);
  const snapshots = new HeldSnapshots();
  const catalog = new Catalog();
  for (const table of tables) catalog.restore(table);
  const clock = { nowMs };
  const power = { synced: Promise.resolve() };
  const backups = new Backups({
    store,
    snapshots,
    definitionAt: async () => definition({ name: 'orders' }),
    syncLog: () => power.synced,
    digest: (path) => digestOf(path),
    catalog,
    statistics: new Statistics(),
    clock: { now: () => clock.nowMs, monotonic: () => 0 },
    log,
  });
  return { backups, store, snapshots, catalog, clock, power, logged };
}

export function loggerOf(logged: string[]): Logger {
  const log = (_details: object, message: string) => void logged.push(message);
  return { info: log, warn: log, error: log };
}

/** What an iterable yields. */
export async function listOf<T>(values: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const value of values) list.push(value);
  return list;
}

/** All files below a folder. */
export async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(directory.length + 1))
    .sort();
}
