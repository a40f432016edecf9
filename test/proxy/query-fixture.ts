import type { Backend, Request } from '../../protocol/backend.ts';
import { Accelerator, type AcceleratorOptions } from '../../proxy/accelerator.ts';
import { TestEngine } from '../engine/engine-harness.ts';
import { ManualClock } from './simulated-store.ts';

const region = 'us-east-1';

/**
 * An accelerator before the engine, which has the table `Things`: key `p`, `s`; the local index `byRank`, with the sort key
 * `rank`; the global indexes `byColor` of all attributes, with the key `color`, `rank`, and `keysOfColor` of the keys.
 */
export class QueryFixture {
  readonly clock: ManualClock;
  readonly engine: TestEngine;
  readonly accelerator: Accelerator;
  /** What has reached the engine through the accelerator. */
  readonly requests: Request[] = [];

  private constructor(
    engine: TestEngine,
    clock: ManualClock,
    announces: boolean,
    options: Partial<AcceleratorOptions>,
  ) {
    this.engine = engine;
    this.clock = clock;
    const { changes, lagMs } = engine.engine;
    const backend: Backend = {
      call: (request) => {
        this.requests.push(request);
        return engine.engine.call(request);
      },
      lagMs,
      ...(announces && changes !== undefined && { changes }),
      close: async () => {},
    };
    this.accelerator = new Accelerator(backend, {
      cacheBytesMax: 10_000_000,
      itemTtlMs: 0,
      queryTtlMs: 600_000,
      tables: {},
      describeMs: 3_600_000,
      settleMs: 0,
      fenceMs: 1_000,
      clock: this.clock,
      ...options,
    });
    // Pages of the first moments have a shorter life in front of a store that announces nothing.
    this.clock.advance(1_000);
  }

  /** @param replicaLagMs of the engine. */
  static async open(
    announces: boolean,
    options: Partial<AcceleratorOptions> = {},
    replicaLagMs = 0,
  ): Promise<QueryFixture> {
    const clock = new ManualClock();
    const engine = await TestEngine.open({ clock, replicaLagMs });
    await engine.call('CreateTable', thingsTable);
    await engine.untilStatus('Things', 'ACTIVE');
    return new QueryFixture(engine, clock, announces, options);
  }

  async close(): Promise<void> {
    await this.accelerator.close();
    await this.engine.remove();
  }

  async call(operation: string, input: object): Promise<Record<string, unknown>> {
    const body = Buffer.from(JSON.stringify(input));
    const request = { operation, input: JSON.parse(body.toString()), body, region };
    return JSON.parse((await this.accelerator.call(request)).body.toString());
  }

  put(p: string, s: number, more: object = {}): Promise<Record<string, unknown>> {
    return this.call('PutItem', { TableName: 'Things', Item: { p: { S: p }, s: { N: String(s) }, ...more } });
  }

  /** The sort keys that a Query of the partition finds. */
  query(p: string, more: object = {}): Promise<number[]> {
    return this.#found('Query', {
      KeyConditionExpression: 'p = :p',
      ExpressionAttributeValues: { ':p': { S: p } },
      ...more,
    });
  }

  queryColor(color: string, index = 'byColor'): Promise<number[]> {
    return this.#found('Query', {
      IndexName: index,
      KeyConditionExpression: 'color = :c',
      ExpressionAttributeValues: { ':c': { S: color } },
    });
  }

  scan(more: object = {}): Promise<number[]> {
    return this.#found('Scan', more);
  }

  /** Whether the same read is answered without asking the engine. */
  async isCached(read: () => Promise<unknown>): Promise<boolean> {
    const before = this.requests.length;
    await read();
    return !this.requests.slice(before).some(({ operation }) => operation !== 'DescribeTable');
  }

  async #found(operation: string, input: object): Promise<number[]> {
    const { Items: items } = await this.call(operation, { TableName: 'Things', ...input });
    return (items as { s: { N: string } }[]).map(({ s }) => Number(s.N)).sort((a, b) => a - b);
  }
}

export const colorAndRank = (color: string, rank: number) => ({
  color: { S: color },
  rank: { N: String(rank) },
});

function attribute(AttributeName: string, AttributeType: 'S' | 'N') {
  return { AttributeName, AttributeType };
}

function keyOf(hash: string, range: string) {
  return [
    { AttributeName: hash, KeyType: 'HASH' },
    { AttributeName: range, KeyType: 'RANGE' },
  ];
}

function index(IndexName: string, hash: string, range: string, ProjectionType: 'ALL' | 'KEYS_ONLY') {
  return { IndexName, KeySchema: keyOf(hash, range), Projection: { ProjectionType } };
}

export const thingsTable = {
  TableName: 'Things',
  KeySchema: keyOf('p', 's'),
  AttributeDefinitions: [
    attribute('p', 'S'),
    attribute('s', 'N'),
    attribute('rank', 'N'),
    attribute('color', 'S'),
  ],
  BillingMode: 'PAY_PER_REQUEST',
  LocalSecondaryIndexes: [index('byRank', 'p', 'rank', 'ALL')],
  GlobalSecondaryIndexes: [
    index('byColor', 'color', 'rank', 'ALL'),
    index('keysOfColor', 'color', 'rank', 'KEYS_ONLY'),
  ],
};
