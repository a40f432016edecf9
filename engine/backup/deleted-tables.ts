import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../protocol/logger.ts';
import type { Catalog } from '../catalog.ts';
import type { TableDefinition } from '../table-definition.ts';
import type { Backup, Backups } from './backups.ts';

export interface DeletedTablesOptions {
  /** The committed tables. */
  readonly catalog: Catalog;
  readonly backups: Backups;
  readonly log: Logger;
}

/**
 * Keeps a table that is being deleted until it has been read: by the backups that were asked for before, and by the one that
 * a table with point-in-time recovery leaves (AWS: PointInTimeRecovery_Howitworks).
 *
 * Invariants
 *  1. Nothing writes items of a table that is DELETING, so its backup holds them as they were last.
 *  2. A table leaves one backup, over restarts too: whether there is one, the folder of the backups says.
 *  3. A table whose recovery is switched off while it is DELETING leaves none; one that is being made is given up.
 *  4. While the backup cannot be made, the table stays: it is tried again until it can, or recovery is switched off.
 */
export class DeletedTables {
  readonly #options: DeletedTablesOptions;
  /** By the numbers of tables. */
  readonly #leaving = new Map<number, { readonly aborter: AbortController; readonly ended: Promise<void> }>();
  readonly #closing = new AbortController();

  constructor(options: DeletedTablesOptions) {
    this.#options = options;
  }

  /** Whether a table that is DELETING may not go yet. */
  holds(table: TableDefinition): boolean {
    const { backups } = this.#options;
    return backups.reads(table.number) || (table.pointInTime !== undefined && !backups.hasLeft(table.id));
  }

  /** To be called when a table is DELETING, or changes then. Resolves when nothing holds it any more, or on closing. */
  async released(table: TableDefinition): Promise<void> {
    const { backups } = this.#options;
    if (table.pointInTime === undefined) this.#leaving.get(table.number)?.aborter.abort(switchedOff());
    else if (!backups.hasLeft(table.id)) await this.#left(table);
    await backups.readsEnd(table.number);
  }

  close(): void {
    this.#closing.abort(new Error('the server is shutting down'));
  }

  #left(table: TableDefinition): Promise<void> {
    const { number } = table;
    const running = this.#leaving.get(number);
    if (running !== undefined) return running.ended;
    const aborter = new AbortController();
    const ended = this.#leave(number, AbortSignal.any([aborter.signal, this.#closing.signal])).finally(() =>
      this.#leaving.delete(number),
    );
    this.#leaving.set(number, { aborter, ended });
    return ended;
  }

  async #leave(number: number, signal: AbortSignal): Promise<void> {
    const { catalog, backups, log } = this.#options;
    while (!signal.aborted) {
      const table = catalog.byNumber(number)?.definition;
      if (table?.pointInTime === undefined) return;
      try {
        await backups.make(announced(backups, table), signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        log.error(
          { err: error, table: table.name },
          'cannot make the backup that a deleted table leaves; it stays until that is made, or point-in-time recovery ' +
            'is switched off',
        );
        await delay(retryMs, undefined, { signal, ref: false }).catch(() => {});
      }
    }
  }
}

const retryMs = 10_000;

function announced(backups: Backups, table: TableDefinition): Backup {
  return backups.announce(table, { name: `${table.name}$DeletedTableBackup`, type: 'SYSTEM' });
}

function switchedOff(): Error {
  return new Error('point-in-time recovery has been switched off');
}
