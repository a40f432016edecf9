import { readBackupArn } from '../../protocol/validate/backup-arn.ts';
import { readSourceTableArn } from '../../protocol/validate/restore.ts';
import type { Catalog } from '../catalog.ts';
import type { DefinitionPlan, LoadMoment, LoadPlan } from '../history/load-plan.ts';
import type { Restorable } from '../history/window.ts';
import { runInWorker } from '../history/worker-thread.ts';
import type { LoadSource } from '../loading/load-source.ts';
import type { TableDefinition, TableLoading } from '../table-definition.ts';
import type { BackupManifest } from './backup-manifest.ts';
import type { Backups } from './backups.ts';

/** The history of tables with point-in-time recovery, as far as restores have to know it. */
export interface RestorableHistories {
  /** Is called when point-in-time recovery was switched on or off. */
  wake(): Promise<void>;
  /** Undefined while point-in-time recovery is off. */
  restorable(table: TableDefinition, nowMs: number): Restorable | undefined;
  /** Resolves when the moment is over and all that it needs is there; the files stay until `release`. */
  plan(
    table: TableDefinition,
    through: LoadMoment,
  ): Promise<{ readonly plan: LoadPlan; readonly release: () => void }>;
  /** The same, for the definition of the table only: it does not wait for the first base. */
  definitionPlan(
    table: TableDefinition,
    through: LoadMoment,
  ): Promise<{ readonly plan: DefinitionPlan; readonly release: () => void }>;
}

/** A table as it was at a moment. */
export interface PastTable {
  readonly definition: TableDefinition;
  /** Its items, once; to be called when there is a table for them, as they may have to be waited for. */
  readonly source: () => Promise<LoadSource>;
  /** Instead of `source`. */
  readonly release: () => void;
}

/** Where restored tables are loaded from: a backup, or the history of a table. */
export class RestoreSources {
  readonly #backups: Backups;
  readonly #histories: RestorableHistories;
  /** The committed tables. */
  readonly #catalog: Catalog;

  constructor(backups: Backups, histories: RestorableHistories, catalog: Catalog) {
    this.#backups = backups;
    this.#histories = histories;
    this.#catalog = catalog;
  }

  /** The backup stays as long as the table that is loaded from it names it. */
  ofBackup(backup: BackupManifest): LoadSource {
    return {
      rows: { plan: this.#backups.planOf(backup) },
      itemsTotal: backup.itemCount,
      release: () => {},
    };
  }

  /** @param restoreMs a whole second; all that was committed by its end comes back. */
  async ofHistory(table: TableDefinition, restoreMs: number): Promise<LoadSource> {
    const { plan, release } = await this.#histories.plan(table, endOfSecond(restoreMs));
    return { rows: { plan }, release };
  }

  /**
   * The same, for a restore that is not decided yet: what the table was then is there before the first base of its history. Reading that
   * can take the reading of some of the log, which a thread does.
   */
  async pastOf(table: TableDefinition, restoreMs: number): Promise<PastTable> {
    const { plan, release } = await this.#histories.definitionPlan(table, endOfSecond(restoreMs));
    const { base } = plan;
    const source = async () => {
      if (base !== undefined) return { rows: { plan: { ...plan, base } }, release };
      release();
      return this.ofHistory(table, restoreMs);
    };
    try {
      return { definition: await definitionInWorker(plan), source, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /**
   * The source of a load that was interrupted, made anew.
   * @returns undefined where it is not there any more: the backup was taken away, the table is gone or its history does not reach
   *   back as far.
   */
  async again(loading: TableLoading | undefined, nowMs: number): Promise<LoadSource | undefined> {
    if (loading?.kind !== 'restore') return undefined;
    if (loading.sourceBackupArn !== undefined) {
      const backup = this.#backups.manifest(readBackupArn(loading.sourceBackupArn).id);
      return backup && this.ofBackup(backup);
    }
    const { region, tableName } = readSourceTableArn(loading.sourceTableArn);
    const table = this.#catalog.get(region, tableName)?.definition;
    const bounds = table && this.#histories.restorable(table, nowMs);
    if (table === undefined || bounds === undefined) return undefined;
    // Another table, or another history of it, has the name by now.
    if (table.pointInTime?.sequence !== loading.sourceHistory) return undefined;
    // It was not later than the latest moment when it was asked for, whatever clock and settings say now.
    return loading.restoreMs < bounds.earliestMs ? undefined : this.ofHistory(table, loading.restoreMs);
  }
}

function definitionInWorker(plan: DefinitionPlan): Promise<TableDefinition> {
  return runInWorker(new URL('./definition-worker', import.meta.url), plan);
}

function endOfSecond(ms: number): LoadMoment {
  return { timeMs: ms + 999 };
}
