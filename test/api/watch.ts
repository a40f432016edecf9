import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { Item, Setup } from './setups.ts';

/**
 * What a process may hold at any time: the bodies in flight, which are a few of 16 MB here, what a garbage collector
 * has not come to yet, and LMDB's pages, which the system counts as resident while there is room for them.
 */
const residentBytesMax = 768 * 1024 * 1024;

/** A table that no request of a test may change, and the processes that none may harm. */
export class Watch {
  readonly tableName: string;
  readonly #setup: Setup;
  readonly #items: readonly Item[];

  private constructor(setup: Setup, tableName: string, items: readonly Item[]) {
    this.#setup = setup;
    this.tableName = tableName;
    this.#items = items;
  }

  static async over(setup: Setup): Promise<Watch> {
    const TableName = await setup.table({ s: 'N' });
    const requests = Array.from({ length: 25 }, (_, i) => ({
      PutRequest: {
        Item: { p: { S: `p${i % 5}` }, s: { N: `${i}` }, v: { L: [{ S: 'x' }, { NULL: true }] } },
      },
    }));
    await setup.dynamo.batchWriteItem({ RequestItems: { [TableName]: requests } });
    const { Items = [] } = await setup.dynamo.scan({ TableName });
    expect(Items).toHaveLength(requests.length);
    return new Watch(setup, TableName, Items);
  }

  /** Expects that all are alive, of bounded size, and the table as it was. */
  async check(): Promise<void> {
    const { Items, LastEvaluatedKey } = await this.#setup.dynamo.scan({ TableName: this.tableName });
    expect(Items).toEqual(this.#items);
    expect(LastEvaluatedKey).toBeUndefined();
    for (const { pid, exitCode, signalCode } of this.#setup.processes) {
      expect([exitCode, signalCode]).toEqual([null, null]);
      expect(residentBytes(pid ?? 0)).toBeLessThan(residentBytesMax);
    }
  }
}

/** As Linux tells it; 0 on other systems. */
function residentBytes(pid: number): number {
  const file = `/proc/${pid}/status`;
  if (!existsSync(file)) return 0;
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(file, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}
