import { join } from 'node:path';
import { digestAside } from './backup/archive-digest.ts';
import { BackupStore } from './backup/backup-store.ts';
import { Backups } from './backup/backups.ts';
import { DeletedTables } from './backup/deleted-tables.ts';
import { RestoreSources } from './backup/restore-sources.ts';
import type { Committer } from './commit.ts';
import type { DataDirectory } from './data-directory.ts';
import type { DiskReserve } from './disk-reserve.ts';
import type { EngineOptions } from './engine-options.ts';
import { definitionAt } from './history/loaded-rows.ts';
import { ScanSnapshots } from './history/scan-snapshots.ts';
import { Snapshots } from './history/snapshot.ts';
import { TableHistories } from './history/table-histories.ts';
import type { Log } from './log/segments.ts';
import type { Recovery } from './recovery.ts';
import type { Store } from './state/store.ts';

/** What keeps the past of tables, and brings it back. */
export interface HistoryParts {
  readonly snapshots: Snapshots;
  readonly histories: TableHistories;
  readonly scanSnapshots: ScanSnapshots;
  readonly backups: Backups;
  readonly backupStore: BackupStore;
  readonly deletedTables: DeletedTables;
  readonly restoreSources: RestoreSources;
}

export interface HistoryNeeds {
  readonly options: EngineOptions;
  readonly directory: DataDirectory;
  readonly store: Store;
  readonly log: Log;
  readonly recovered: Recovery;
  readonly committer: Committer;
  readonly diskReserve: DiskReserve;
}

/** @throws what keeps the folder of the backups from being read or made */
export async function openHistory(needs: HistoryNeeds): Promise<HistoryParts> {
  const { options, directory, store, log, recovered, committer } = needs;
  const { catalog, statistics } = recovered;
  const { clock, log: logger } = options;
  const backupStore = await BackupStore.open(options.backupsDirectory ?? directory.backups, logger);
  const snapshots = new Snapshots({
    stateDirectory: directory.state,
    store,
    log,
    published: () => ({ lsn: committer.publishedLsn, last: committer.lastPublished }),
    statistics: (table) => statistics.of(table),
    refusal: () => needs.diskReserve.refusal,
  });
  const histories = new TableHistories({
    directory: directory.history,
    log,
    catalog,
    committer,
    snapshots,
    clock,
    logger,
    latestLagMs: options.pitrLagMs ?? 0,
    baseBytesMin: options.pitrBaseBytesMin ?? baseBytesMinDefault,
  });
  const backups = new Backups({
    store: backupStore,
    snapshots,
    definitionAt,
    syncLog: () => log.sync(),
    digest: digestAside,
    catalog,
    statistics,
    clock,
    log: logger,
  });
  const scanSnapshots = new ScanSnapshots(join(directory.temporary, 'scans'), snapshots);
  const deletedTables = new DeletedTables({ catalog, backups, log: logger });
  const restoreSources = new RestoreSources(backups, histories, catalog);
  return { snapshots, histories, scanSnapshots, backups, backupStore, deletedTables, restoreSources };
}

const baseBytesMinDefault = 16 * 1024 * 1024;

/** The log is needed from there on. */
export function historyPinLsn({ snapshots, histories }: HistoryParts): number {
  return Math.min(snapshots.pinLsn(), histories.pinLsn());
}

/** Gives up what is under way; what it would have made is not there. */
export async function closeHistory({
  snapshots,
  histories,
  scanSnapshots,
  backups,
  deletedTables,
}: HistoryParts): Promise<void> {
  deletedTables.close();
  await scanSnapshots.close();
  await backups.close();
  await histories.close();
  await snapshots.close();
}
