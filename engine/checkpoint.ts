import { droppedRow, droppedRowPrefix } from './state/applier.ts';
import type { MetaRows, Store } from './state/store.ts';
import type { TableStatistics } from './statistics.ts';
import { streamRowPrefix } from './stream/register.ts';
import type { TableDefinition } from './table-definition.ts';
import { tokenRowPrefix } from './transaction-tokens.ts';

/** How far LMDB has come, and what is known there beside items. */
export interface Checkpoint {
  readonly position: Position;
  readonly tables: readonly AppliedTable[];
  /** Tables that are gone and whose items may still be there. */
  readonly droppedTables: readonly number[];
  /** What `TransactionTokens` wants back. */
  readonly tokenRows: readonly (readonly [row: string, text: string])[];
  /** What `StreamRegister` wants back. */
  readonly streamRows: readonly (readonly [row: string, text: string])[];
}

export interface Position {
  /** LMDB holds everything that the log holds before. */
  readonly lsn: number;
  readonly nextSequence: number;
  readonly lastTimeMs: number;
  readonly nextTableNumber: number;
}

export interface AppliedTable {
  readonly definition: TableDefinition;
  readonly statistics: TableStatistics;
  /** Of its indexes, by their numbers. */
  readonly indexStatistics: Readonly<Record<number, TableStatistics>>;
}

/** How far LMDB has come, as reads see it now. */
export function appliedPosition(store: Store): Position {
  const row = store.meta(positionRow);
  return row === undefined ? start : (JSON.parse(row) as Position);
}

/** A table as it was at that position; undefined where it was not there. */
export function appliedTable(store: Store, number: number): AppliedTable | undefined {
  const row = store.meta(`${tableRowPrefix}${number}`);
  return row === undefined ? undefined : (JSON.parse(row) as AppliedTable);
}

export function readCheckpoint(store: Store): Checkpoint {
  return {
    position: appliedPosition(store),
    tables: Array.from(store.metaRows(tableRowPrefix), ([, text]) => JSON.parse(text) as AppliedTable),
    droppedTables: Array.from(store.metaRows(droppedRowPrefix), ([row]) =>
      Number(row.slice(droppedRowPrefix.length)),
    ),
    tokenRows: [...store.metaRows(tokenRowPrefix)],
    streamRows: [...store.metaRows(streamRowPrefix)],
  };
}

/** The rows that bring LMDB's meta data to `position`. @param otherRows of tokens and streams. */
export function checkpointRows(
  position: Position,
  tables: ReadonlyMap<number, AppliedTable | undefined>,
  droppedTables: Iterable<number>,
  otherRows: readonly MetaRows[],
): MetaRows {
  const rows: MetaRows = new Map(otherRows.flatMap((some) => [...some]));
  for (const [number, table] of tables) {
    rows.set(`${tableRowPrefix}${number}`, table === undefined ? undefined : JSON.stringify(table));
  }
  for (const number of droppedTables) rows.set(droppedRow(number), '1');
  rows.set(positionRow, JSON.stringify(position));
  return rows;
}

const positionRow = 'position';
const tableRowPrefix = 'table:';

const start: Position = { lsn: 0, nextSequence: 1, lastTimeMs: 0, nextTableNumber: 1 };
