import type { CapacityEnforcement } from '../../engine/throughput.ts';
import type { Clock } from '../../protocol/clock.ts';
import { TestEngine } from './engine-harness.ts';

/** A clock that stands until a test moves it. */
export class StandingClock implements Clock {
  #ms = 1_700_000_000_000;

  now(): number {
    return this.#ms;
  }

  monotonic(): number {
    return this.#ms;
  }

  pass(seconds: number): void {
    this.#ms += seconds * 1000;
  }
}

export interface Units {
  readonly read: number;
  readonly write: number;
}

/** An engine whose time stands, with tables of partition key `p` and sort key `s`. */
export class ThrottledEngine {
  readonly clock: StandingClock;
  readonly engine: TestEngine;

  private constructor(clock: StandingClock, engine: TestEngine) {
    this.clock = clock;
    this.engine = engine;
  }

  static async open(capacity: CapacityEnforcement = 'provisioned'): Promise<ThrottledEngine> {
    const clock = new StandingClock();
    return new ThrottledEngine(clock, await TestEngine.open({ clock, capacity }));
  }

  remove(): Promise<void> {
    return this.engine.remove();
  }

  call<T = Record<string, unknown>>(operation: string, input: object): Promise<T> {
    return this.engine.call<T>(operation, input);
  }

  /** @param index units of a global index `byG` on attribute `g`; there is a local one `byL` on `l` as well. */
  async provisioned(TableName: string, table: Units, index?: Units): Promise<void> {
    await this.#create(TableName, { ...provisionedAs(table) }, index && provisionedAs(index));
  }

  async onDemand(TableName: string, table: object = {}, index?: object): Promise<void> {
    await this.#create(TableName, { BillingMode: 'PAY_PER_REQUEST', ...table }, index);
  }

  async #create(TableName: string, table: object, index: object | undefined): Promise<void> {
    const attributes = index === undefined ? ['p', 's', 'l'] : ['p', 's', 'l', 'g'];
    await this.call('CreateTable', {
      TableName,
      ...table,
      KeySchema: keys('p', 's'),
      AttributeDefinitions: attributes.map((name) => ({ AttributeName: name, AttributeType: 'S' })),
      LocalSecondaryIndexes: [
        { IndexName: 'byL', KeySchema: keys('p', 'l'), Projection: { ProjectionType: 'KEYS_ONLY' } },
      ],
      ...(index !== undefined && {
        GlobalSecondaryIndexes: [
          { IndexName: 'byG', KeySchema: keys('g'), Projection: { ProjectionType: 'KEYS_ONLY' }, ...index },
        ],
      }),
    });
    await this.engine.untilStatus(TableName, 'ACTIVE');
  }

  /** Writes an item of so many units, with further attributes. */
  put(TableName: string, p: string, units = 1, more: object = {}): Promise<Record<string, unknown>> {
    return this.call('PutItem', { TableName, Item: itemOf(p, units, more) });
  }

  get(TableName: string, p: string): Promise<{ Item?: Record<string, unknown> }> {
    return this.call('GetItem', { TableName, Key: keyOf(p), ConsistentRead: true });
  }
}

export function keyOf(p: string): Record<string, unknown> {
  return { p: { S: p }, s: { S: '-' } };
}

/** Just under as many kilobytes, so that index entries and small attributes find room. */
export function itemOf(p: string, units: number, more: object = {}): Record<string, unknown> {
  return { p: { S: p }, s: { S: '-' }, f: { S: 'x'.repeat(units * 1024 - 64) }, ...more };
}

/** The refusal of a call that a limit did not admit. */
export function shortOf(code: string, reason: string, TableName: string, index?: string): object {
  const resource = `arn:aws:dynamodb:us-east-1:000000000000:table/${TableName}${index === undefined ? '' : `/index/${index}`}`;
  const member = code === 'ThrottlingException' ? 'throttlingReasons' : 'ThrottlingReasons';
  return { code, status: 400, members: { [member]: [{ reason, resource }] } };
}

function keys(partition: string, sort?: string): object[] {
  const hash = { AttributeName: partition, KeyType: 'HASH' };
  return sort === undefined ? [hash] : [hash, { AttributeName: sort, KeyType: 'RANGE' }];
}

function provisionedAs({ read, write }: Units): object {
  return { ProvisionedThroughput: { ReadCapacityUnits: read, WriteCapacityUnits: write } };
}
