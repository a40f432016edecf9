import type { Logger } from '../protocol/logger.ts';
import { Reply } from '../protocol/reply.ts';
import { type CatalogChange, catalogRecord } from './catalog.ts';
import type { Committer } from './commit.ts';
import type { TableDefinition } from './table-definition.ts';

export interface TableLifeOptions {
  readonly committer: Committer;
  /** How long a table stays CREATING, UPDATING and DELETING, in ms. AWS takes seconds to minutes. */
  readonly controlPlaneDelayMs: number;
  readonly log: Logger;
}

/**
 * Brings tables from the statuses that pass by themselves to the next one: CREATING and UPDATING to ACTIVE, DELETING to
 * gone. Each step is a write like any other, decided in the commit queue on the table as it is then.
 */
export class TableLife {
  readonly #options: TableLifeOptions;
  readonly #timers = new Set<NodeJS.Timeout>();
  #closed = false;

  constructor(options: TableLifeOptions) {
    this.#options = options;
  }

  /**
   * What to commit when a table enters a status. Where statuses take no time, that is the next one already: a table
   * that was created can be used at once.
   */
  entering(table: TableDefinition): CatalogChange {
    return this.#options.controlPlaneDelayMs === 0 ? nextStep(table) : { put: table };
  }

  /** To be called when a table has entered a status, and for every table after a start. */
  entered(table: TableDefinition): void {
    if (table.status === 'ACTIVE' || this.#closed) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#goOn(table);
    }, this.#options.controlPlaneDelayMs);
    this.#timers.add(timer);
  }

  /** Takes no further steps; the next start takes them. */
  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #goOn(table: TableDefinition): void {
    const step = this.#options.committer.submit((context) => {
      const current = context.catalog.byNumber(table.number)?.definition;
      const changes = current?.status === table.status ? [catalogRecord(nextStep(current))] : [];
      return { changes, reply: new Reply({}) };
    });
    step.catch((error: unknown) => {
      if (this.#closed) return;
      this.#options.log.warn(
        { err: error, table: table.name },
        'cannot change the status of a table; trying again',
      );
      this.entered(table);
    });
  }
}

function nextStep(table: TableDefinition): CatalogChange {
  return table.status === 'DELETING' ? { remove: table.number } : { put: { ...table, status: 'ACTIVE' } };
}
