import { type KeyBytes, splitKey } from '../../protocol/key.ts';
import { hashCount, partitionHash } from '../state/layout.ts';
import { isReadable, type LogMoment, type StreamDefinition } from './definition.ts';

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
  return stream.generations.flatMap((_, i) =>
    isReadable(endOf(stream, i), nowMs)
      ? Array.from({ length: stream.shardCount }, (_, slot) => shardOf(stream, i, slot))
      : [],
  );
}

/** The shard of this id, if it can be read at this time. */
export function readableShard(stream: StreamDefinition, id: string, nowMs: number): Shard | undefined {
  const start = Number(/^shardId-(\d{20})-/.exec(id)?.[1]);
  const i = stream.generations.findIndex(({ sequence }) => sequence === start);
  if (i < 0 || !isReadable(endOf(stream, i), nowMs)) return undefined;
  for (let slot = 0; slot < stream.shardCount; slot++) {
    const shard = shardOf(stream, i, slot);
    if (shard.id === id) return shard;
  }
  return undefined;
}

function shardOf(stream: StreamDefinition, i: number, slot: number): Shard {
  const { generations, shardCount } = stream;
  const generation = generations[i] as LogMoment;
  const parents = generations[i - 1];
  return {
    id: shardId(generation, slot, shardCount),
    parentId: parents && shardId(parents, slot, shardCount),
    stream,
    slot,
    from: generation.sequence,
    end: endOf(stream, i),
  };
}

/** Where the shards of a generation were closed. */
function endOf({ generations, closed }: StreamDefinition, i: number): LogMoment | undefined {
  return generations[i + 1] ?? closed;
}

/** Looks like AWS's, 37 characters: where in the log it begins, and at which hash its range begins. */
function shardId({ sequence }: LogMoment, slot: number, shardCount: number): string {
  const start = Math.ceil((slot * hashCount) / shardCount);
  return `shardId-${String(sequence).padStart(20, '0')}-${start.toString(16).padStart(8, '0')}`;
}
