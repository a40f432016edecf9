import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '../../engine/engine.ts';
import type { EngineOptions } from '../../engine/engine-options.ts';
import { systemClock } from '../../protocol/clock.ts';
import { silentLogger } from '../silent-logger.ts';

/** An engine in a folder of its own, with the calls as the front makes them. */
export class TestEngine {
  readonly directory: string;
  engine: Engine;
  readonly #options: Partial<EngineOptions>;

  private constructor(directory: string, engine: Engine, options: Partial<EngineOptions>) {
    this.directory = directory;
    this.engine = engine;
    this.#options = options;
  }

  static async open(options: Partial<EngineOptions> = {}): Promise<TestEngine> {
    const directory = options.dataDirectory ?? mkdtempSync(join(tmpdir(), 'slipstream-engine-'));
    return new TestEngine(directory, await openEngine(directory, options), options);
  }

  async reopen(): Promise<void> {
    await this.engine.close();
    this.engine = await openEngine(this.directory, this.#options);
  }

  /** Closes the engine and removes its folder. */
  async remove(): Promise<void> {
    await this.engine.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** The reply as it would come over the wire. */
  async call<T = Record<string, unknown>>(
    operation: string,
    input: object,
    region = 'us-east-1',
  ): Promise<T> {
    const reply = await this.engine.call({ operation, input: input as Record<string, unknown>, region });
    return JSON.parse(reply.body.toString()) as T;
  }

  /** A table with partition key `p`, and sort key `s` if a type is given for it, once it is ACTIVE. */
  async createTable(name: string, sortType?: 'S' | 'N' | 'B', region = 'us-east-1'): Promise<void> {
    const sort = sortType !== undefined;
    const input = {
      TableName: name,
      KeySchema: [
        { AttributeName: 'p', KeyType: 'HASH' },
        ...(sort ? [{ AttributeName: 's', KeyType: 'RANGE' }] : []),
      ],
      AttributeDefinitions: [
        { AttributeName: 'p', AttributeType: 'S' },
        ...(sort ? [{ AttributeName: 's', AttributeType: sortType }] : []),
      ],
      BillingMode: 'PAY_PER_REQUEST',
    };
    await this.call('CreateTable', input, region);
    await this.untilStatus(name, 'ACTIVE', region);
  }

  /** @param status undefined: until the table is gone. */
  async untilStatus(name: string, status: string | undefined, region = 'us-east-1'): Promise<void> {
    while ((await this.#statusOf(name, region)) !== status)
      await new Promise((resolve) => setImmediate(resolve));
  }

  async #statusOf(name: string, region: string): Promise<string | undefined> {
    try {
      const { Table } = await this.call<{ Table: { TableStatus: string } }>(
        'DescribeTable',
        { TableName: name },
        region,
      );
      return Table.TableStatus;
    } catch (error) {
      if ((error as { code?: string }).code === 'ResourceNotFoundException') return undefined;
      throw error;
    }
  }
}

function openEngine(directory: string, options: Partial<EngineOptions>): Promise<Engine> {
  return Engine.open({
    dataDirectory: directory,
    clock: systemClock,
    durability: 'sync',
    logSegmentBytesMax: 64 * 1024 * 1024,
    overlayBytesMax: 64 * 1024 * 1024,
    diskReserveBytes: 0,
    replicaLagMs: 0,
    capacity: 'provisioned',
    controlPlaneDelayMs: 0,
    ttlSweepMs: 60_000,
    ttlChangeIntervalMs: 0,
    log: silentLogger,
    onFatal: (error) => {
      throw error;
    },
    ...options,
  });
}
