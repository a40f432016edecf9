import { type KeyBytes, splitKey } from '../../protocol/key.ts';
import { hashCount, partitionHash } from '../state/layout.ts';
import { type LogMoment, retentionMs, type StreamDefinition } from './definition.ts';

/**
 * One range of partition keys' hashes during one generation. The shard of the same range in the generation before is its parent, so a
 * reader that finishes parents first sees the changes of each item in their order.
 */
export interface Shard {
  readonly id: string;
  readonly parentId: string | undefined;
  readonly stream: StreamDefinition;
  /** Which of the ranges it has, from 0. */
  readonly slot: number;
  /** Sequence number from which on changes are in it. */
  readonly from: number;
  /** From there on they are not any more; undefined while the shard is open. */
  readonly end: LogMoment | undefined;
}

/** @param key canonical. */
export function slotOf(key: KeyBytes, shardCount: number): number {
  return Math.floor((partitionHash(splitKey(key).partition) * shardCount) / hashCount);
}

/** The shards that can be read at this time, in the order of their ids: parents before children. */
export function readableShards(stream: StreamDefinition, nowMs: number): Shard[] {
  const { generations, shardCount } = stream;
  return generations.flatMap((generation, i) => {
    const end = generations[i + 1] ?? stream.closed;
    if (end !== undefined && end.timeMs <= nowMs - retentionMs) return [];
    const parents = generations[i - 1];
    return Array.from({ length: shardCount }, (_, slot) => ({
      id: shardId(generation, slot, shardCount),
      parentId: parents && shardId(parents, slot, shardCount),
      stream,
      slot,
      from: generation.sequence,
      end,
    }));
  });
}

/** Looks like AWS's, 37 characters: where in the log it begins, and at which hash its range begins. */
function shardId({ sequence }: LogMoment, slot: number, shardCount: number): string {
  const start = Math.ceil((slot * hashCount) / shardCount);
  return `shardId-${String(sequence).padStart(20, '0')}-${start.toString(16).padStart(8, '0')}`;
}
