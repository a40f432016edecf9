import type { Logger } from '../protocol/logger.ts';
import { Reply } from '../protocol/reply.ts';
import type { Backfills } from './backfill.ts';
import { type Catalog, type CatalogChange, catalogRecord } from './catalog.ts';
import type { Committer } from './commit.ts';
import { definitionsFor } from './index-schema.ts';
import { isSettled, settledBilling } from './operation/billing.ts';
import type { IndexDefinition, TableDefinition, TableStream, TimeToLive } from './table-definition.ts';

export interface TableLifeOptions {
  /** The committed tables. */
  readonly catalog: Catalog;
  readonly committer: Committer;
  /** How long a table stays CREATING, UPDATING and DELETING, in ms. AWS takes seconds to minutes. */
  readonly controlPlaneDelayMs: number;
  /** Fills new indexes. */
  readonly backfills: Backfills;
  readonly deletedTables: DeletedTablesKeeper;
  readonly log: Logger;
}

/** What still has to be read of tables that are DELETING. */
export interface DeletedTablesKeeper {
  /** Whether the table may not go yet. */
  holds(table: TableDefinition): boolean;
  /** Is called for every change of a table that is DELETING; resolves when it may be worth asking again. */
  released(table: TableDefinition): Promise<void>;
}

/**
 * Brings tables from the statuses that pass by themselves to the next one: CREATING and UPDATING to ACTIVE, DELETING to
 * gone; and so their indexes, their capacity, their TTL and their streams. Each step is a write like any other, decided in the commit
 * queue on the table as it is then. What enters a status while something else of the same table is under way makes both
 * take their time from then on.
 */
export class TableLife {
  readonly #options: TableLifeOptions;
  /** By the numbers of tables. */
  readonly #timers = new Map<number, NodeJS.Timeout>();
  #closed = false;

  constructor(options: TableLifeOptions) {
    this.#options = options;
  }

  /**
   * What to commit when a table enters a status. Where statuses take no time, that is the next one already: a table
   * that was created can be used at once.
   */
  entering(table: TableDefinition): CatalogChange {
    const takesNoTime = this.#options.controlPlaneDelayMs === 0 && table.loading === undefined;
    return takesNoTime && !this.#isHeld(table) ? nextStep(table) : { put: table };
  }

  /** To be called when a table has entered a status, and for every table after a start. */
  entered(table: TableDefinition): void {
    if (this.#closed) return;
    for (const index of table.indexes)
      if (index.backfilling) this.#options.backfills.start(table.number, index.number);
    if (isAtRest(table)) return;
    if (table.status === 'DELETING') this.#goOnWhenReleased(table);
    else this.#goOnIn(this.#options.controlPlaneDelayMs, table);
  }

  /** Takes no further steps; the next start takes them. */
  close(): void {
    this.#closed = true;
    this.#options.backfills.close();
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #isHeld(table: TableDefinition): boolean {
    return table.status === 'DELETING' && this.#options.deletedTables.holds(table);
  }

  /** It takes its time after that as well: AWS's tables are there for some seconds. */
  #goOnWhenReleased(table: TableDefinition): void {
    void this.#options.deletedTables.released(table).then(() => {
      if (!this.#closed) this.#goOnIn(this.#options.controlPlaneDelayMs, table);
    });
  }

  #goOnIn(delayMs: number, table: TableDefinition): void {
    clearTimeout(this.#timers.get(table.number));
    const timer = setTimeout(() => {
      this.#timers.delete(table.number);
      this.#goOn(table);
    }, delayMs);
    this.#timers.set(table.number, timer);
  }

  #goOn(table: TableDefinition): void {
    const step = this.#options.committer.submit((context) => {
      const current = context.catalog.byNumber(table.number)?.definition;
      const isDue = current !== undefined && !isAtRest(current) && !this.#isHeld(current);
      const changes = isDue ? [catalogRecord(nextStep(current))] : [];
      return { changes, reply: new Reply({}) };
    });
    step
      .then(() => this.#wentOn(table.number))
      .catch((error: unknown) => {
        if (this.#closed) return;
        this.#options.log.warn(
          { err: error, table: table.name },
          'cannot change the status of a table; trying again',
        );
        this.#goOnIn(retryDelayMs, table);
      });
  }

  #wentOn(number: number): void {
    const table = this.#options.catalog.byNumber(number);
    if (table !== undefined) this.entered(table.definition);
  }
}

const retryDelayMs = 1000;

/** Whether nothing becomes of it by itself, but by the end of a backfill, or of what it is being loaded from. */
function isAtRest({ status, billing, indexes, timeToLive, stream, loading }: TableDefinition): boolean {
  if (loading !== undefined) return true;
  return (
    status === 'ACTIVE' &&
    isSettled(billing) &&
    indexes.every(isIndexAtRest) &&
    (timeToLive === undefined || nextTimeToLive(timeToLive) === timeToLive) &&
    (stream === undefined || nextStream(stream) === stream)
  );
}

function isIndexAtRest({ status, backfilling, billing }: IndexDefinition): boolean {
  return (status === 'ACTIVE' || backfilling) && (billing === undefined || isSettled(billing));
}

/**
 * What becomes by itself of a table, and of its indexes; the end of a backfill is a step of its own. Of a table that is being loaded
 * it is what becomes of it when all is there.
 */
export function nextStep({ loading: _ends, ...table }: TableDefinition): CatalogChange {
  if (table.status === 'DELETING') return { remove: table.number };
  const kept = table.indexes.filter((index) => index.status !== 'DELETING');
  const indexes = kept.map((index) => nextIndexStep(index, table));
  const attributeDefinitions = definitionsFor(table.keySchema, indexes, table.attributeDefinitions);
  return {
    put: {
      ...table,
      status: 'ACTIVE',
      billing: settledBilling(table.billing),
      indexes,
      attributeDefinitions,
      ...(table.timeToLive !== undefined && { timeToLive: nextTimeToLive(table.timeToLive) }),
      ...(table.stream !== undefined && { stream: nextStream(table.stream) }),
    },
  };
}

/** An index that is created with its table has nothing to fill in. */
function nextIndexStep(index: IndexDefinition, table: TableDefinition): IndexDefinition {
  const settled = { ...index, billing: index.billing && settledBilling(index.billing) };
  if (index.status === 'CREATING' && table.status !== 'CREATING') return { ...settled, backfilling: true };
  return { ...settled, status: 'ACTIVE' };
}

function nextTimeToLive(timeToLive: TimeToLive): TimeToLive {
  if (timeToLive.status === 'ENABLING') return { ...timeToLive, status: 'ENABLED' };
  if (timeToLive.status === 'DISABLING') return { ...timeToLive, status: 'DISABLED' };
  return timeToLive;
}

function nextStream(stream: TableStream): TableStream {
  if (stream.status === 'ENABLING') return { ...stream, status: 'ENABLED' };
  if (stream.status === 'DISABLING') return { ...stream, status: 'DISABLED' };
  return stream;
}
