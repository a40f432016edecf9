import type { Request } from '../../protocol/backend.ts';
import {
  expiredIterator,
  limitExceeded,
  resourceNotFound,
  trimmedDataAccess,
  validationError,
} from '../../protocol/errors.ts';
import { rollShardsHeader } from '../../protocol/extension-headers.ts';
import type { DescribeStreamInput, GetShardIteratorInput } from '../../protocol/operation.ts';
import { Reply } from '../../protocol/reply.ts';
import {
  validateDescribeStream,
  validateGetRecords,
  validateGetShardIterator,
  validateListStreams,
} from '../../protocol/validate/stream.ts';
import { type Catalog, catalogRecord } from '../catalog.ts';
import type { Services } from '../services.ts';
import { arnOf, hasRoomToRoll, isReadable, type StreamDefinition } from '../stream/definition.ts';
import type { StreamHistory } from '../stream/history.ts';
import { decodeIterator, encodeIterator, iteratorLifeMs, type ShardIterator } from '../stream/iterator.ts';
import type { RecordPage } from '../stream/page.ts';
import { parseSequenceNumber, sequenceNumber } from '../stream/sequence-number.ts';
import { readableShard, readableShards, type Shard } from '../stream/shards.ts';

/** AWS: API_streams_ListStreams; in the order of the ARNs. */
export function listStreams({ catalog, clock }: Services, request: Request): Reply {
  const input = validateListStreams(request.input);
  const after = input.ExclusiveStartStreamArn ?? '';
  const nowMs = clock.now();
  const streams = Array.from(catalog.streams.all())
    .filter((stream) => stream.region === request.region && isReadable(stream.closed, nowMs))
    .filter(({ tableName }) => input.TableName === undefined || tableName === input.TableName)
    .map((stream) => ({
      StreamArn: arnOf(stream),
      TableName: stream.tableName,
      StreamLabel: stream.label,
    }))
    .filter(({ StreamArn: arn }) => arn > after)
    .sort((a, b) => (a.StreamArn < b.StreamArn ? -1 : 1));
  const page = streams.slice(0, input.Limit ?? pageMax);
  const last = page.at(-1);
  return new Reply({
    Streams: page,
    ...(last !== undefined && page.length < streams.length && { LastEvaluatedStreamArn: last.StreamArn }),
  });
}

/** AWS: API_streams_DescribeStream; where the caller asks for that, its shards roll first. */
export function describeStream(services: Services, request: Request): Reply | Promise<Reply> {
  const input = validateDescribeStream(request.input);
  const roll = request.extensions?.[rollShardsHeader];
  if (roll === undefined) return streamReply(services, request.region, input);
  if (roll !== 'now') throw validationError(`${rollShardsHeader} has to be: now`);
  return rollShards(services, request.region, input.StreamArn).then(() =>
    streamReply(services, request.region, input),
  );
}

/** Closes the open shards and opens their children, as the timer does. Nothing happens to a stream that is disabled. */
async function rollShards({ catalog, committer, clock }: Services, region: string, arn: string) {
  const { number } = existingStream(catalog, region, arn, clock.now());
  await committer.submit(({ catalog: current, timeMs }) => {
    const stream = current.streams.byArn(arn);
    if (stream !== undefined && stream.closed === undefined && !hasRoomToRoll(stream, timeMs)) {
      throw limitExceeded('The shards of the stream have rolled too often within a day.');
    }
    return { changes: [catalogRecord({ roll: number })], reply: new Reply({}) };
  });
}

function streamReply({ catalog, clock }: Services, region: string, input: DescribeStreamInput): Reply {
  const stream = existingStream(catalog, region, input.StreamArn, clock.now());
  const shards = wantedShards(readableShards(stream, clock.now()), input);
  const page = shards.slice(0, input.Limit ?? pageMax);
  const last = page.at(-1);
  return new Reply({
    StreamDescription: {
      StreamArn: arnOf(stream),
      StreamLabel: stream.label,
      StreamStatus: statusOf(stream, catalog),
      StreamViewType: stream.viewType,
      CreationRequestDateTime: stream.createdMs / 1000,
      TableName: stream.tableName,
      KeySchema: stream.keySchema,
      Shards: page.map(shardDescription),
      ...(last !== undefined && page.length < shards.length && { LastEvaluatedShardId: last.id }),
    },
  });
}

/** AWS: API_streams_GetShardIterator. */
export async function getShardIterator(services: Services, request: Request): Promise<Reply> {
  const { catalog, clock, streamHistory } = services;
  const input = validateGetShardIterator(request.input);
  const nowMs = clock.now();
  const stream = existingStream(catalog, request.region, input.StreamArn, nowMs);
  const shard = readableShard(stream, input.ShardId, nowMs);
  if (shard === undefined) throw resourceNotFound('Requested resource not found: Shard does not exist');
  const fromHorizon = input.ShardIteratorType === 'TRIM_HORIZON';
  const position = startPosition(input, shard, streamHistory);
  // A look at the first record tells whether it has been trimmed; a number from before the horizon is refused here already.
  if (isNumbered(input)) {
    await streamHistory.read(shard, { position, horizonAtMs: undefined, limit: 1, nowMs });
  }
  const { id: shardId } = shard;
  const iterator = { streamArn: input.StreamArn, shardId, position, fromHorizon, issuedMs: nowMs };
  return new Reply({ ShardIterator: encodeIterator(iterator) });
}

/** AWS: API_streams_GetRecords. */
export function getRecords(services: Services, request: Request): Reply | Promise<Reply> {
  const { catalog, clock, streamHistory } = services;
  const input = validateGetRecords(request.input);
  const iterator = decodeIterator(input.ShardIterator);
  if (iterator === undefined) throw validationError('Invalid ShardIterator');
  const nowMs = clock.now();
  if (nowMs - iterator.issuedMs > iteratorLifeMs) throw expiredIterator();
  const stream = existingStream(catalog, request.region, iterator.streamArn, nowMs);
  const shard = readableShard(stream, iterator.shardId, nowMs);
  if (shard === undefined) throw trimmedDataAccess();
  const page = streamHistory.read(shard, {
    position: iterator.position,
    horizonAtMs: iterator.fromHorizon ? iterator.issuedMs : undefined,
    limit: input.Limit ?? recordsMax,
    nowMs,
  });
  if (page instanceof Promise) return page.then((read) => recordsReply(read, shard, iterator, nowMs));
  return recordsReply(page, shard, iterator, nowMs);
}

/** Streams or shards in one answer. */
const pageMax = 100;
const recordsMax = 1000;

/** @throws ResourceNotFoundException */
function existingStream(catalog: Catalog, region: string, arn: string, nowMs: number): StreamDefinition {
  const stream = catalog.streams.byArn(arn);
  if (stream === undefined || stream.region !== region || !isReadable(stream.closed, nowMs)) {
    throw resourceNotFound(`Requested resource not found: Stream: ${arn} not found`);
  }
  return stream;
}

function wantedShards(shards: readonly Shard[], input: DescribeStreamInput): Shard[] {
  const { ExclusiveStartShardId: after = '', ShardFilter: filter } = input;
  return shards.filter(
    ({ id, parentId }) => id > after && (filter === undefined || parentId === filter.ShardId),
  );
}

function shardDescription({ id, parentId, from, end }: Shard): object {
  return {
    ShardId: id,
    SequenceNumberRange: {
      StartingSequenceNumber: sequenceNumber(from),
      ...(end !== undefined && { EndingSequenceNumber: sequenceNumber(end.sequence - 1) }),
    },
    ...(parentId !== undefined && { ParentShardId: parentId }),
  };
}

/** A stream says of itself what its table's definition says, as long as it is the table's. */
function statusOf({ tableNumber, label, closed }: StreamDefinition, catalog: Catalog): string {
  const table = catalog.byNumber(tableNumber)?.definition;
  const current = table?.stream?.label === label ? table.stream.status : 'DISABLED';
  if (closed === undefined) return current;
  return current === 'DISABLED' ? 'DISABLED' : 'DISABLING';
}

function isNumbered({ ShardIteratorType: type }: GetShardIteratorInput): boolean {
  return type === 'AT_SEQUENCE_NUMBER' || type === 'AFTER_SEQUENCE_NUMBER';
}

function startPosition(input: GetShardIteratorInput, shard: Shard, history: StreamHistory): number {
  switch (input.ShardIteratorType) {
    case 'TRIM_HORIZON':
      return shard.from;
    case 'LATEST':
      return shard.end?.sequence ?? Math.max(shard.from, history.nextSequence);
    case 'AT_SEQUENCE_NUMBER':
      return numberIn(shard, input.SequenceNumber, history);
    case 'AFTER_SEQUENCE_NUMBER':
      return numberIn(shard, input.SequenceNumber, history) + 1;
  }
}

/** @throws ValidationException for a number that the shard cannot have, or not yet */
function numberIn({ from, end }: Shard, text: string | undefined, history: StreamHistory): number {
  const sequence = parseSequenceNumber(text ?? '');
  const last = end === undefined ? Math.max(from, history.nextSequence) : end.sequence - 1;
  if (sequence === undefined || sequence < from || sequence > last) {
    throw validationError('Invalid SequenceNumber for the shard');
  }
  return sequence;
}

/** A closed shard that has been read to its end has no next iterator. */
function recordsReply(page: RecordPage, shard: Shard, iterator: ShardIterator, nowMs: number): Reply {
  const next = { ...iterator, position: page.next, fromHorizon: false, issuedMs: nowMs };
  const isDrained = shard.end !== undefined && page.next >= shard.end.sequence;
  return new Reply({
    Records: page.records,
    ...(!isDrained && { NextShardIterator: encodeIterator(next) }),
  });
}
