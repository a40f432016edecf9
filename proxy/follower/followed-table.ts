import type { Table } from '../table-descriptions.ts';

/** A table whose stream is read. */
export interface FollowedTable extends Pick<Table, 'id' | 'schema'> {
  /** The name or ARN that it is asked for by. */
  readonly name: string;
  readonly region: string;
}

/**
 * How far a shard has been delivered: up to the record with this sequence number; or nothing of it since it was
 * joined at its end (`LATEST`), nothing at all (`TRIM_HORIZON`), everything, and it is closed (`ENDED`).
 */
export type Position = 'LATEST' | 'TRIM_HORIZON' | 'ENDED' | SequenceNumber;

/** 21 to 40 decimal digits. */
export type SequenceNumber = string;

/** The positions of all shards of a stream that are known, by their ids. */
export interface StreamPositions {
  readonly streamArn: string;
  readonly shards: ReadonlyMap<string, Position>;
}
