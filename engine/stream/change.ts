import type { KeyBytes } from '../../protocol/key.ts';
import type { Image, ItemChange, LogEntry } from '../log/record.ts';
import type { LogMoment, StreamDefinition } from './definition.ts';
import type { StreamRegister } from './register.ts';
import { slotOf } from './shards.ts';

/** A change as a stream has it, before it is printed; without the images that the view type leaves out. */
export interface StreamChange {
  readonly sequence: number;
  readonly timeMs: number;
  readonly event: 'INSERT' | 'MODIFY' | 'REMOVE';
  readonly key: KeyBytes;
  readonly oldImage: Image | undefined;
  readonly newImage: Image | undefined;
  readonly principal: ItemChange['principal'];
}

/** A change with the stream and the range of hashes that it belongs to. */
export interface StreamedChange {
  readonly stream: StreamDefinition;
  readonly slot: number;
  readonly change: StreamChange;
}

export function streamedChange(stream: StreamDefinition, change: ItemChange, at: LogMoment): StreamedChange {
  const slot = slotOf(change.key, stream.shardCount);
  return { stream, slot, change: streamChange(stream, change, at) };
}

export function streamChange(
  { viewType }: StreamDefinition,
  { key, oldImage, newImage, principal }: ItemChange,
  { sequence, timeMs }: LogMoment,
): StreamChange {
  return {
    sequence,
    timeMs,
    event: oldImage === undefined ? 'INSERT' : newImage === undefined ? 'REMOVE' : 'MODIFY',
    key,
    oldImage: viewType === 'OLD_IMAGE' || viewType === 'NEW_AND_OLD_IMAGES' ? oldImage : undefined,
    newImage: viewType === 'NEW_IMAGE' || viewType === 'NEW_AND_OLD_IMAGES' ? newImage : undefined,
    principal,
  };
}

/** What of a batch of the log is in streams. @param streams as they are once the batch has been applied. */
export function* streamedChanges(
  entries: readonly LogEntry[],
  streams: StreamRegister,
): Generator<StreamedChange> {
  for (const { firstSequence, timeMs, changes } of entries) {
    for (const [i, change] of changes.entries()) {
      if (change.kind !== 'item') continue;
      const at = { sequence: firstSequence + i, timeMs };
      const stream = streams.streamAt(change.table, at.sequence);
      if (stream !== undefined) yield streamedChange(stream, change, at);
    }
  }
}
