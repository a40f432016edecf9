import type { Image } from '../log/record.ts';
import type { LogMoment } from '../stream/definition.ts';
import type { TableDefinition } from '../table-definition.ts';

/**
 * What, one after the other, makes the items of a table what they were at a moment. Plain data, so that it can be sent to a worker;
 * `loadedRows` turns it into rows. Whoever makes a plan keeps its files from being removed until it is released.
 *
 *     base      an archive: the items as a scan met them while writes went on, and the changes from before that scan
 *               to its end, which make them consistent
 *     changes   archives of later changes of the table, in their order
 *     log       the newest changes, which are in the log only
 */
export interface LoadPlan {
  readonly base: string;
  readonly changes: readonly string[];
  readonly log?: LogPart;
  /** Changes of this table are meant, in the log: a catalog number. */
  readonly table: number;
  /** The last moment whose changes are in; a moment within the base's own changes takes those behind it back. */
  readonly through: LoadMoment;
}

/** The same, for the table's definition only: while there is no base, the log alone says what it was. */
export type DefinitionPlan = Omit<LoadPlan, 'base'> & { readonly base?: string };

/** The end of a millisecond (all that was committed by then), or a change, itself included. */
export type LoadMoment = { readonly timeMs: number } | { readonly sequence: number };

/** Whole batches of the log. */
export interface LogPart {
  readonly directory: string;
  readonly logId: string;
  /** Joined, in their order. `bytes` is where in the file the last batch ends that may be read. */
  readonly segments: readonly { readonly path: string; readonly start: number; readonly bytes: number }[];
  /** Where a batch begins, or ends. */
  readonly fromLsn: number;
}

/** A key without its table: a state key from its fifth byte on (hash, length, partition key, sort key). */
export type ItemKey = string;

/** One step of loading: the item that a key has from now on, or none. Later rows of a key win over earlier ones. */
export interface LoadedRow {
  readonly key: ItemKey;
  readonly image: Image | undefined;
}

/** What an archive of items says of itself; verified when it is opened. */
export interface SnapshotSummary {
  /** The last change that it holds. */
  readonly through: LogMoment;
  /** Of the items at that moment, as DynamoDB counts them. */
  readonly itemCount: number;
  readonly sizeBytes: number;
  /** Of the file. */
  readonly fileBytes: number;
  /** The table as it was when the snapshot began; its later changes are among the archive's. */
  readonly table: TableDefinition;
}
