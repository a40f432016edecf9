import { tableArn } from '../../protocol/table-name.ts';
import type {
  AttributeDefinitions,
  KeySchemaElements,
  StreamViewType,
  TableDefinition,
  TableStream,
} from '../table-definition.ts';

/** Where in the log something was committed. */
export interface LogMoment {
  readonly sequence: number;
  /** Milliseconds since 1970; never less than for any earlier sequence number. */
  readonly timeMs: number;
}

/**
 * A stream that can be read: one that is open, or was closed less than a day ago, whatever has become of its table. Never changed,
 * only replaced. It follows from the catalog records of the log, so there is no record of its own but for the rolls of its shards.
 */
export interface StreamDefinition {
  /** The sequence number of the record that opened it; names it in log records, and is never used again. */
  readonly number: number;
  readonly region: string;
  readonly tableName: string;
  /** Of the table, as log records name it. */
  readonly tableNumber: number;
  readonly label: string;
  readonly viewType: StreamViewType;
  readonly keySchema: KeySchemaElements;
  /** Of the key attributes alone. */
  readonly keyTypes: AttributeDefinitions;
  readonly createdMs: number;
  readonly shardCount: number;
  /** Each has `shardCount` shards, children of those before; the oldest first, and one at least. */
  readonly generations: readonly LogMoment[];
  /** No change from there on is in the stream. */
  readonly closed?: LogMoment;
}

/** How long records, shards and closed streams can be read (AWS: Streams). */
export const retentionMs = 24 * 60 * 60 * 1000;

/**
 * Rolls that a stream can have had within a day; further ones wait. At AWS's four hours there are six. A description of
 * 4 x 1,000 shards takes 40 calls to read.
 */
export const generationsMax = 1_000;

/** Shards that a stream can be cut into: as many as a number has bits. */
export const shardsMax = 32;

export function streamArn(region: string, tableName: string, label: string): string {
  return `${tableArn(region, tableName)}/stream/${label}`;
}

export function arnOf({ region, tableName, label }: StreamDefinition): string {
  return streamArn(region, tableName, label);
}

/** AWS's labels are times in UTC that do not say so. */
export function labelAt(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, -1);
}

export function newStream(table: TableDefinition, stream: TableStream, at: LogMoment): StreamDefinition {
  const keyNames = table.keySchema.map(({ AttributeName: name }) => name);
  return {
    number: at.sequence,
    region: table.region,
    tableName: table.name,
    tableNumber: table.number,
    label: stream.label,
    viewType: stream.viewType,
    keySchema: table.keySchema,
    keyTypes: table.attributeDefinitions.filter(({ AttributeName: name }) => keyNames.includes(name)),
    createdMs: at.timeMs,
    shardCount: stream.shardCount,
    generations: [at],
  };
}

/** Whether a stream or a shard can be read at this time. @param closed undefined while it is open. */
export function isReadable(closed: LogMoment | undefined, nowMs: number): boolean {
  return closed === undefined || closed.timeMs > nowMs - retentionMs;
}

/** The stream with another generation of shards, and without those that ended more than a day before. */
export function rolled(stream: StreamDefinition, at: LogMoment): StreamDefinition {
  const kept = stream.generations.filter((_, i) => isReadable(stream.generations[i + 1], at.timeMs));
  return { ...stream, generations: [...kept, at] };
}

/** Whether the time has come for other shards. @param shardMs how long shards are open. */
export function isDueToRoll(stream: StreamDefinition, shardMs: number, nowMs: number): boolean {
  const newest = stream.generations.at(-1);
  return newest !== undefined && nowMs >= newest.timeMs + shardMs && hasRoomToRoll(stream, nowMs);
}

export function hasRoomToRoll({ generations }: StreamDefinition, nowMs: number): boolean {
  return generations.length < generationsMax || !isReadable(generations[1], nowMs);
}
