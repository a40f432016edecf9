import type { EngineOptions } from '../../engine/engine-options.ts';
import { TestEngine } from './engine-harness.ts';

/** Values as the API has them. */
export type Item = Record<string, Record<string, unknown>>;
export type ViewType = 'KEYS_ONLY' | 'NEW_IMAGE' | 'OLD_IMAGE' | 'NEW_AND_OLD_IMAGES';

export interface Shard {
  readonly ShardId: string;
  readonly ParentShardId?: string;
  readonly SequenceNumberRange: {
    readonly StartingSequenceNumber: string;
    readonly EndingSequenceNumber?: string;
  };
}

export interface StreamRecord {
  readonly eventID: string;
  readonly eventName: 'INSERT' | 'MODIFY' | 'REMOVE';
  readonly userIdentity?: object;
  readonly dynamodb: {
    readonly ApproximateCreationDateTime: number;
    readonly Keys: Item;
    readonly NewImage?: Item;
    readonly OldImage?: Item;
    readonly SequenceNumber: string;
    readonly SizeBytes: number;
    readonly StreamViewType: ViewType;
  };
}

export interface Page {
  readonly Records: StreamRecord[];
  readonly NextShardIterator?: string;
}

export interface StreamDescription {
  readonly StreamArn: string;
  readonly StreamLabel: string;
  readonly StreamStatus: string;
  readonly Shards: Shard[];
  readonly LastEvaluatedShardId?: string;
}

interface TableDescription {
  readonly StreamSpecification?: object;
  readonly LatestStreamArn: string;
  readonly LatestStreamLabel: string;
}

export const hourMs = 3_600_000;

/** An engine whose clock the test moves, and the calls that have to do with streams. */
export class StreamEngine {
  readonly engine: TestEngine;
  readonly #time: { nowMs: number };

  private constructor(engine: TestEngine, time: { nowMs: number }) {
    this.engine = engine;
    this.#time = time;
  }

  static async open(options: Partial<EngineOptions> = {}): Promise<StreamEngine> {
    const time = { nowMs: Date.UTC(2026, 5, 1, 12) };
    const clock = { now: () => time.nowMs, monotonic: () => performance.now() };
    return new StreamEngine(await TestEngine.open({ clock, ...options }), time);
  }

  get nowMs(): number {
    return this.#time.nowMs;
  }

  advance(ms: number): void {
    this.#time.nowMs += ms;
  }

  call<T = Record<string, unknown>>(operation: string, input: object, region?: string): Promise<T> {
    return this.engine.call<T>(operation, input, region);
  }

  /** A table with partition key `p` and a stream. @returns the stream's ARN. */
  async createTable(name: string, view: ViewType = 'NEW_AND_OLD_IMAGES', region?: string): Promise<string> {
    const input = {
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'p', AttributeType: 'S' }],
      StreamSpecification: { StreamEnabled: true, StreamViewType: view },
    };
    await this.call('CreateTable', input, region);
    await this.engine.untilStatus(name, 'ACTIVE', region);
    return (await this.describeTable(name, region)).LatestStreamArn;
  }

  async describeTable(name: string, region?: string): Promise<TableDescription> {
    return (await this.call<{ Table: TableDescription }>('DescribeTable', { TableName: name }, region)).Table;
  }

  setStream(TableName: string, view: ViewType | undefined): Promise<unknown> {
    const StreamSpecification =
      view === undefined ? { StreamEnabled: false } : { StreamEnabled: true, StreamViewType: view };
    return this.call('UpdateTable', { TableName, StreamSpecification });
  }

  async put(TableName: string, p: string, attributes: Item = {}): Promise<void> {
    await this.call('PutItem', { TableName, Item: { p: { S: p }, ...attributes } });
  }

  async remove(TableName: string, p: string): Promise<void> {
    await this.call('DeleteItem', { TableName, Key: { p: { S: p } } });
  }

  async describe(StreamArn: string, more: object = {}): Promise<StreamDescription> {
    const input = { StreamArn, ...more };
    return (await this.call<{ StreamDescription: StreamDescription }>('DescribeStream', input))
      .StreamDescription;
  }

  /** All shards, parents before children. */
  async shards(StreamArn: string): Promise<Shard[]> {
    const shards: Shard[] = [];
    for (let start = {}; ; ) {
      const { Shards, LastEvaluatedShardId: last } = await this.describe(StreamArn, start);
      shards.push(...Shards);
      if (last === undefined) return shards;
      start = { ExclusiveStartShardId: last };
    }
  }

  async iterator(
    StreamArn: string,
    ShardId: string,
    ShardIteratorType = 'TRIM_HORIZON',
    SequenceNumber?: string,
  ): Promise<string> {
    const input = { StreamArn, ShardId, ShardIteratorType, SequenceNumber };
    return (await this.call<{ ShardIterator: string }>('GetShardIterator', input)).ShardIterator;
  }

  page(ShardIterator: string, Limit?: number): Promise<Page> {
    return this.call<Page>('GetRecords', { ShardIterator, Limit });
  }

  /** What a shard has from an iterator on: to its end, or to where there is nothing more for now. */
  async drain(iterator: string, limit?: number): Promise<StreamRecord[]> {
    const records: StreamRecord[] = [];
    for (let next: string | undefined = iterator; next !== undefined; ) {
      const page: Page = await this.page(next, limit);
      records.push(...page.Records);
      if (page.Records.length === 0 && page.NextShardIterator !== undefined) break;
      next = page.NextShardIterator;
    }
    return records;
  }

  /** All that a stream has, shard by shard, parents before children. */
  async records(arn: string, limit?: number): Promise<StreamRecord[]> {
    const records: StreamRecord[] = [];
    for (const { ShardId } of await this.shards(arn)) {
      records.push(...(await this.drain(await this.iterator(arn, ShardId), limit)));
    }
    return records;
  }

  /** Until the newest shards of a stream are others than these. */
  async rolled(arn: string, before: readonly Shard[]): Promise<Shard[]> {
    for (;;) {
      const shards = await this.shards(arn);
      if (shards.at(-1)?.ShardId !== before.at(-1)?.ShardId) return shards;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
