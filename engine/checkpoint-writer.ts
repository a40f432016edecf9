import type { Logger } from '../protocol/logger.ts';
import type { Catalog } from './catalog.ts';
import { type AppliedTable, checkpointRows, type Position } from './checkpoint.ts';
import type { Committer } from './commit.ts';
import type { Log } from './log/segments.ts';
import type { Recovery } from './recovery.ts';
import type { MetaRows } from './state/store.ts';
import type { Statistics } from './statistics.ts';
import type { TableDefinition } from './table-definition.ts';

export interface CheckpointWriterOptions {
  readonly recovered: Recovery;
  readonly committer: Committer;
  readonly log: Log;
  readonly logger: Logger;
  /** The log is needed from there on, whatever LMDB has taken. */
  readonly pinLsn: () => number;
}

/** What LMDB is told of its position with every apply, and what may go when it knows. */
export class CheckpointWriter {
  readonly #options: CheckpointWriterOptions;
  #applyingLsn = 0;

  constructor(options: CheckpointWriterOptions) {
    this.#options = options;
  }

  collect(): MetaRows {
    const { recovered, committer } = this.#options;
    const { catalog, statistics, droppedTables, transactionTokens } = recovered;
    this.#applyingLsn = committer.publishedLsn;
    return checkpointRows(positionOf(committer, catalog), changedTables(catalog, statistics), droppedTables, [
      transactionTokens.startApplying(),
      catalog.streams.startApplying(),
    ]);
  }

  applied(): void {
    const { catalog, statistics, transactionTokens } = this.#options.recovered;
    statistics.applied();
    transactionTokens.applied();
    catalog.streams.applied();
    this.#options.committer.overlayReleased();
    void this.#removeUnneededSegments();
  }

  /** Nothing needs a segment any more that LMDB has taken whole, and that nobody has pinned. */
  async #removeUnneededSegments(): Promise<void> {
    const { log, logger, pinLsn } = this.#options;
    try {
      await log.removeBefore(Math.min(this.#applyingLsn, pinLsn()));
    } catch (error) {
      logger.warn({ err: error }, 'cannot remove old log segments; trying again after the next apply');
    }
  }
}

function positionOf(committer: Committer, catalog: Catalog): Position {
  return {
    lsn: committer.publishedLsn,
    nextSequence: committer.nextSequence,
    lastTimeMs: committer.lastTimeMs,
    nextTableNumber: catalog.nextNumber,
  };
}

function changedTables(catalog: Catalog, statistics: Statistics): Map<number, AppliedTable | undefined> {
  const tables = new Map<number, AppliedTable | undefined>();
  for (const number of statistics.startApplying()) {
    const definition = catalog.byNumber(number)?.definition;
    tables.set(number, definition && appliedTable(definition, statistics));
  }
  return tables;
}

function appliedTable(definition: TableDefinition, statistics: Statistics): AppliedTable {
  const indexStatistics = Object.fromEntries(
    definition.indexes.map(({ number }) => [number, statistics.of(number)]),
  );
  return { definition, statistics: statistics.of(definition.number), indexStatistics };
}
