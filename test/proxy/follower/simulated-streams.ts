import type { Item } from '../../../protocol/attribute-value.ts';
import type { Backend, Request } from '../../../protocol/backend.ts';
import type { Clock } from '../../../protocol/clock.ts';
import { DynamoDbError } from '../../../protocol/errors.ts';
import { type Output, Reply } from '../../../protocol/reply.ts';

export type ViewType = 'KEYS_ONLY' | 'NEW_IMAGE' | 'OLD_IMAGE' | 'NEW_AND_OLD_IMAGES';

interface StoredRecord {
  readonly sequenceNumber: string;
  readonly writtenAtMs: number;
  readonly record: Record<string, unknown>;
}

interface StoredShard {
  readonly id: string;
  readonly parentId: string | undefined;
  /** The places of keys that are written to it: all whose number has one of these remainders. */
  readonly places: readonly number[];
  /** What is left of it. */
  records: StoredRecord[];
  /** The last one that was trimmed. */
  trimmedTo: string;
  isClosed: boolean;
  isListed: boolean;
  /** How many were asked for. */
  pages: number;
}

interface StoredStream {
  readonly arn: string;
  status: 'ENABLED' | 'DISABLED';
  readonly shards: StoredShard[];
}

interface Iterator {
  readonly shard: StoredShard;
  /** Records after this one. */
  readonly after: string;
  readonly madeAtMs: number;
}

const placeCount = 4;
const iteratorMs = 15 * 60_000;
const firstSequenceNumber = 100_000_000_000_000_000_000n;

/**
 * A store with one table, `items`, and its stream: shards roll and split, their children may be listed late, iterators
 * expire, records are trimmed, and calls fail as they are told to.
 */
export class SimulatedStreams implements Backend {
  readonly items = new Map<string, Item>();
  readonly calls: Request[] = [];
  /** Each is thrown by one of the next calls of its operation. */
  readonly failures: { readonly operation: string; readonly error: Error }[] = [];
  /** Calls of these operations have no answer until they are taken out. */
  readonly hanging = new Set<string>();
  /** Records of one page. */
  pageSize = 3;
  /** Every so many pages of a shard come empty, as they may. */
  emptyPages = 0;
  readonly #clock: Clock;
  readonly #view: ViewType;
  #stream: StoredStream | undefined;
  #streams = 0;
  #shardCount = 0;
  #writes = 0;
  #iterators = new Map<string, Iterator>();
  #iteratorCount = 0;
  #answers: (() => void)[] = [];

  constructor(clock: Clock, view: ViewType = 'NEW_AND_OLD_IMAGES') {
    this.#clock = clock;
    this.#view = view;
    this.enable();
  }

  async call(request: Request): Promise<Reply> {
    this.calls.push(request);
    if (this.hanging.has(request.operation))
      await new Promise<void>((resolve) => this.#answers.push(resolve));
    const failing = this.failures.findIndex(({ operation }) => operation === request.operation);
    const [failure] = failing < 0 ? [] : this.failures.splice(failing, 1);
    if (failure !== undefined) throw failure.error;
    return new Reply(this.#answer(request));
  }

  async close(): Promise<void> {}

  count(operation: string): number {
    return this.calls.filter((call) => call.operation === operation).length;
  }

  /** Calls that hang get their answers. */
  answerAll(): void {
    this.hanging.clear();
    for (const answer of this.#answers.splice(0)) answer();
  }

  /** @param item undefined deletes. @returns how many writes there have been. */
  write(id: string, item: Item | undefined): number {
    const oldItem = this.items.get(id);
    if (item === undefined) this.items.delete(id);
    else this.items.set(id, item);
    this.#writes++;
    this.#record(id, oldItem, item);
    return this.#writes;
  }

  /** The sequence number of the last write. */
  newest(): string {
    return String(firstSequenceNumber + BigInt(this.#writes));
  }

  /** A record of a key that the table cannot have. */
  writeStrange(): void {
    const [shard] = this.#shards();
    const sequenceNumber = String(firstSequenceNumber + BigInt(++this.#writes));
    const dynamodb = { Keys: { id: { M: {} } }, SequenceNumber: sequenceNumber };
    shard?.records.push({ sequenceNumber, writtenAtMs: this.#clock.monotonic(), record: { dynamodb } });
  }

  /** A new stream, with the shards of one. */
  enable(): void {
    this.#streams++;
    const arn = `arn:aws:dynamodb:us-east-1:000000000000:table/items/stream/${this.#streams}`;
    this.#stream = { arn, status: 'ENABLED', shards: [] };
    const half = placeCount / 2;
    const places = Array.from({ length: placeCount }, (_, place) => place);
    for (const part of [places.slice(0, half), places.slice(half)]) this.#addShard(undefined, part, true);
  }

  disable(): void {
    if (this.#stream === undefined) return;
    this.#stream.status = 'DISABLED';
    for (const shard of this.#stream.shards) shard.isClosed = true;
  }

  remove(): void {
    this.#stream = undefined;
  }

  /** The open shards. */
  open(): string[] {
    return this.#shards().flatMap(({ id, isClosed }) => (isClosed ? [] : [id]));
  }

  /** Closes a shard; one or two others take its place. */
  roll(id: string, parts: 1 | 2, isListed: boolean): void {
    const shard = this.#shard(id);
    if (shard.isClosed) return;
    shard.isClosed = true;
    const { places } = shard;
    const middle = Math.ceil(places.length / 2);
    const cuts =
      parts === 2 && places.length > 1 ? [places.slice(0, middle), places.slice(middle)] : [places];
    for (const cut of cuts) this.#addShard(shard.id, cut, isListed);
  }

  listAll(): void {
    for (const shard of this.#shards()) shard.isListed = true;
  }

  expireIterators(): void {
    this.#iterators = new Map();
  }

  /** Removes the records that are older, 24 hours by default, and closed shards that have none. */
  trim(olderThanMs = 24 * 3_600_000): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    const horizonMs = this.#clock.monotonic() - olderThanMs;
    for (const shard of stream.shards) {
      const kept = shard.records.findIndex(({ writtenAtMs }) => writtenAtMs >= horizonMs);
      const trimmed = shard.records.splice(0, kept < 0 ? shard.records.length : kept);
      shard.trimmedTo = trimmed.at(-1)?.sequenceNumber ?? shard.trimmedTo;
    }
    const left = stream.shards.filter(({ isClosed, records }) => !isClosed || records.length > 0);
    stream.shards.splice(0, stream.shards.length, ...left);
  }

  #answer({ operation, input }: Request): Output {
    switch (operation) {
      case 'DescribeTable':
        return { Table: { TableName: 'items', ...this.#describedStream() } };
      case 'DescribeStream':
        return this.#describe(input);
      case 'GetShardIterator':
        return { ShardIterator: this.#iterator(input) };
      case 'GetRecords':
        return this.#records(String(input.ShardIterator));
      default:
        throw new DynamoDbError('UnknownOperationException', '');
    }
  }

  #describedStream(): Output {
    if (this.#stream === undefined) return {};
    const { arn: LatestStreamArn, status } = this.#stream;
    if (status === 'DISABLED') return { LatestStreamArn };
    return { LatestStreamArn, StreamSpecification: { StreamEnabled: true, StreamViewType: this.#view } };
  }

  /** Two shards a page. */
  #describe({ StreamArn: arn, ExclusiveStartShardId: start }: Request['input']): Output {
    const stream = this.#stream;
    if (stream === undefined || stream.arn !== arn) throw notFound();
    const listed = stream.shards.filter(({ isListed }) => isListed);
    const from = start === undefined ? 0 : listed.findIndex(({ id }) => id === start) + 1;
    const page = listed.slice(from, from + 2);
    const last = from + 2 < listed.length ? page.at(-1)?.id : undefined;
    const Shards = page.map(({ id, parentId, isClosed }) => ({
      ShardId: id,
      ...(parentId === undefined ? {} : { ParentShardId: parentId }),
      SequenceNumberRange: {
        StartingSequenceNumber: '1',
        ...(isClosed ? { EndingSequenceNumber: '2' } : {}),
      },
    }));
    const description = { StreamArn: arn, StreamStatus: stream.status, Shards };
    return {
      StreamDescription: last === undefined ? description : { ...description, LastEvaluatedShardId: last },
    };
  }

  #iterator({
    StreamArn: arn,
    ShardId: id,
    ShardIteratorType: type,
    SequenceNumber: number,
  }: Request['input']) {
    if (this.#stream?.arn !== arn) throw notFound();
    const shard = this.#shard(String(id));
    if (type === 'LATEST')
      return this.#newIterator(shard, shard.records.at(-1)?.sequenceNumber ?? shard.trimmedTo);
    if (type === 'TRIM_HORIZON') return this.#newIterator(shard, shard.trimmedTo);
    if (String(number) < shard.trimmedTo) throw new DynamoDbError('TrimmedDataAccessException', 'trimmed');
    return this.#newIterator(shard, String(number));
  }

  #newIterator(shard: StoredShard, after: string): string {
    const name = `iterator-${++this.#iteratorCount}`;
    this.#iterators.set(name, { shard, after, madeAtMs: this.#clock.monotonic() });
    return name;
  }

  #records(name: string): Output {
    const iterator = this.#iterators.get(name);
    if (iterator === undefined || this.#clock.monotonic() - iterator.madeAtMs > iteratorMs) {
      throw new DynamoDbError('ExpiredIteratorException', 'Iterator expired');
    }
    const { shard, after } = iterator;
    if (this.#stream?.shards.includes(shard) !== true) throw notFound();
    if (after < shard.trimmedTo) throw new DynamoDbError('TrimmedDataAccessException', 'trimmed');
    const isEmpty = this.emptyPages > 0 && ++shard.pages % this.emptyPages === 0;
    const left = shard.records.filter(({ sequenceNumber }) => sequenceNumber > after);
    const page = isEmpty ? [] : left.slice(0, this.pageSize);
    const Records = page.map(({ record }) => record);
    if (shard.isClosed && page.length === left.length) return { Records };
    return { Records, NextShardIterator: this.#newIterator(shard, page.at(-1)?.sequenceNumber ?? after) };
  }

  #record(id: string, oldItem: Item | undefined, newItem: Item | undefined): void {
    const shard = this.#shards().find(({ isClosed, places }) => !isClosed && places.includes(placeOf(id)));
    if (shard === undefined) return;
    const sequenceNumber = this.newest();
    const hasOld = this.#view === 'OLD_IMAGE' || this.#view === 'NEW_AND_OLD_IMAGES';
    const hasNew = this.#view === 'NEW_IMAGE' || this.#view === 'NEW_AND_OLD_IMAGES';
    const dynamodb = {
      ApproximateCreationDateTime: Math.floor(this.#clock.now() / 1000),
      Keys: { id: { S: id } },
      ...(hasOld && oldItem !== undefined ? { OldImage: oldItem } : {}),
      ...(hasNew && newItem !== undefined ? { NewImage: newItem } : {}),
      SequenceNumber: sequenceNumber,
      StreamViewType: this.#view,
    };
    const writtenAtMs = this.#clock.monotonic();
    shard.records.push({ sequenceNumber, writtenAtMs, record: { eventID: sequenceNumber, dynamodb } });
  }

  #shards(): readonly StoredShard[] {
    return this.#stream?.shards ?? [];
  }

  #shard(id: string): StoredShard {
    const shard = this.#shards().find((candidate) => candidate.id === id);
    if (shard === undefined) throw notFound();
    return shard;
  }

  #addShard(parentId: string | undefined, places: readonly number[], isListed: boolean): void {
    const id = `shardId-${String(++this.#shardCount).padStart(20, '0')}`;
    const trimmedTo = String(firstSequenceNumber);
    const shard = { id, parentId, places, records: [], trimmedTo, isClosed: false, isListed, pages: 0 };
    this.#stream?.shards.push(shard);
  }
}

function placeOf(id: string): number {
  return [...id].reduce((sum, character) => sum + character.charCodeAt(0), 0) % placeCount;
}

function notFound(): DynamoDbError {
  return new DynamoDbError('ResourceNotFoundException', 'Requested resource not found');
}
