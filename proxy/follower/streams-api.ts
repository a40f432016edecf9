import { canonicalItem, type Item } from '../../protocol/attribute-value.ts';
import type { Backend } from '../../protocol/backend.ts';
import { DynamoDbError } from '../../protocol/errors.ts';
import type { Output } from '../../protocol/reply.ts';
import type { ItemChange } from '../cache/changed-generations.ts';
import { isObject } from '../cache/key-reader.ts';
import type { FollowedTable, Position, SequenceNumber } from './followed-table.ts';

/** An item before or after a change: undefined where there was none, `unknown` where the stream does not tell. */
export type Image = ItemChange['oldItem'];

export interface ListedShard {
  readonly id: string;
  readonly parentId: string | undefined;
  readonly isClosed: boolean;
}

export interface StreamListing {
  /** Whether changes are written to it. */
  readonly isEnabled: boolean;
  readonly shards: readonly ListedShard[];
}

export interface StreamRecord {
  readonly sequenceNumber: SequenceNumber;
  /** By the store's wall clock, in whole seconds; undefined where the store does not tell. */
  readonly createdAtMs: number | undefined;
  /** As the record has it, unchecked. */
  readonly key: unknown;
  readonly oldItem: Image;
  readonly newItem: Image;
}

export interface StreamPage {
  readonly records: readonly StreamRecord[];
  /** Undefined at the end of a closed shard. */
  readonly nextIterator: string | undefined;
}

/** Shards of one stream that are looked at; DynamoDB keeps them for 24 hours (AWS: Streams). */
const shardsMax = 10_000;

/** The four calls that following takes (AWS: API_Operations_Amazon_DynamoDB_Streams), each with the store's errors. */
export class StreamsApi {
  readonly #backend: Backend;
  readonly #table: FollowedTable;

  constructor(backend: Backend, table: FollowedTable) {
    this.#backend = backend;
    this.#table = table;
  }

  /** @returns the table's stream; undefined where it has none, or is not there. */
  async streamArn(): Promise<string | undefined> {
    try {
      const { Table: table } = await this.#call('DescribeTable', { TableName: this.#table.name });
      return isObject(table) ? enabledStream(table) : undefined;
    } catch (error) {
      if (troubleOf(error) === 'gone') return undefined;
      throw error;
    }
  }

  /** All pages of the stream's description. */
  async describe(arn: string): Promise<StreamListing> {
    const shards: ListedShard[] = [];
    let isEnabled = true;
    let start: unknown;
    do {
      const input = { StreamArn: arn, ...(start === undefined ? {} : { ExclusiveStartShardId: start }) };
      const { StreamDescription: description } = await this.#call('DescribeStream', input);
      if (!isObject(description)) throw new Error('DescribeStream answered without a description');
      isEnabled = isEnabledStatus(description.StreamStatus);
      shards.push(...readShards(description.Shards));
      start = description.LastEvaluatedShardId ?? undefined;
      if (shards.length > shardsMax) throw new Error(`the stream has more than ${shardsMax} shards`);
    } while (start !== undefined);
    return { isEnabled, shards };
  }

  async iterator(arn: string, shardId: string, position: Exclude<Position, 'ENDED'>): Promise<string> {
    const input = { StreamArn: arn, ShardId: shardId, ...startOf(position) };
    const { ShardIterator: iterator } = await this.#call('GetShardIterator', input);
    if (typeof iterator !== 'string') throw new Error('GetShardIterator answered without an iterator');
    return iterator;
  }

  async page(iterator: string): Promise<StreamPage> {
    const output = await this.#call('GetRecords', { ShardIterator: iterator });
    const { Records: records, NextShardIterator: next } = output;
    if (!Array.isArray(records)) throw new Error('GetRecords answered without records');
    return { records: records.map(readRecord), nextIterator: typeof next === 'string' ? next : undefined };
  }

  async #call(operation: string, input: Record<string, unknown>): Promise<Output> {
    const reply = await this.#backend.call({ operation, input, region: this.#table.region });
    return reply.output;
  }
}

/** What an error of these calls means; all that is not understood may pass. */
export type Trouble = 'gone' | 'expired' | 'trimmed' | 'passing';

export function troubleOf(error: unknown): Trouble {
  if (!(error instanceof DynamoDbError)) return 'passing';
  switch (error.code) {
    case 'ResourceNotFoundException':
      return 'gone';
    case 'ExpiredIteratorException':
      return 'expired';
    case 'TrimmedDataAccessException':
      return 'trimmed';
    default:
      return 'passing';
  }
}

/** The ARN of a stream that was turned off is told for as long as it can be read. */
function enabledStream({
  StreamSpecification: specification,
  LatestStreamArn: arn,
}: Output): string | undefined {
  const isEnabled = isObject(specification) && specification.StreamEnabled === true;
  return isEnabled && typeof arn === 'string' ? arn : undefined;
}

/** A store that tells no status has its streams on. */
function isEnabledStatus(status: unknown): boolean {
  return status !== 'DISABLED' && status !== 'DISABLING';
}

function startOf(position: Exclude<Position, 'ENDED'>): Record<string, string> {
  if (position === 'LATEST' || position === 'TRIM_HORIZON') return { ShardIteratorType: position };
  return { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: position };
}

function readShards(shards: unknown): ListedShard[] {
  if (!Array.isArray(shards)) return [];
  return shards.filter(isObject).map((shard) => {
    const { ShardId: id, ParentShardId: parentId, SequenceNumberRange: range } = shard;
    if (typeof id !== 'string') throw new Error('DescribeStream answered with a shard that has no id');
    const isClosed = isObject(range) && typeof range.EndingSequenceNumber === 'string';
    return { id, parentId: typeof parentId === 'string' ? parentId : undefined, isClosed };
  });
}

function readRecord(record: unknown): StreamRecord {
  const change = isObject(record) ? record.dynamodb : undefined;
  if (!isObject(change) || typeof change.SequenceNumber !== 'string') {
    throw new Error('GetRecords answered with a record that has no sequence number');
  }
  const view = change.StreamViewType;
  const created = change.ApproximateCreationDateTime;
  return {
    sequenceNumber: change.SequenceNumber,
    createdAtMs: typeof created === 'number' ? created * 1000 : undefined,
    key: change.Keys,
    oldItem: view === 'OLD_IMAGE' || view === 'NEW_AND_OLD_IMAGES' ? imageIn(change.OldImage) : 'unknown',
    newItem: view === 'NEW_IMAGE' || view === 'NEW_AND_OLD_IMAGES' ? imageIn(change.NewImage) : 'unknown',
  };
}

/** A store may hold what DynamoDB would refuse; nothing is concluded from that. */
function imageIn(image: unknown): Image {
  if (image === undefined || image === null) return undefined;
  try {
    return isObject(image) ? canonicalItem(image as unknown as Item) : 'unknown';
  } catch {
    return 'unknown';
  }
}
