import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rollShardsHeader, sequenceHeader, snapshotHeader } from '../../protocol/extension-headers.ts';
import type { Reply } from '../../protocol/reply.ts';
import { switchRecovery } from '../engine/backup/backup-engine.ts';
import { hourMs, type Item, StreamEngine, type StreamRecord } from '../engine/stream-harness.ts';

/*
 * A state of a table to begin with, and the records of its stream from there on, shard by shard in the order of their lineage, make the
 * table what it is: over shards that roll on request, restarts, records that are trimmed, and a log that is taken apart for
 * histories meanwhile.
 */

type Step =
  | { readonly do: 'put' | 'delete' | 'transact'; readonly p: string; readonly n: number }
  | { readonly do: 'batch'; readonly n: number }
  | { readonly do: 'wait'; readonly hours: number }
  | { readonly do: 'roll' | 'reopen' | 'scan' };

const p = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g');
const n = fc.nat(3);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({ do: fc.constantFrom('put' as const, 'put' as const, 'delete', 'transact'), p, n }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('batch' as const), n }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('wait' as const), hours: fc.integer({ min: 1, max: 11 }) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('roll' as const, 'roll', 'reopen', 'scan') }) },
);

const TableName = 'items';
const dayMs = 24 * hourMs;
const filling = { S: 'filling '.repeat(60) };

type Items = ReadonlyMap<string, Item>;

/** A state that a consumer could begin with. */
interface Beginning {
  readonly timeMs: number;
  readonly sequence: string;
  readonly items: Items;
}

class Run {
  readonly engine: StreamEngine;
  readonly #arn: string;
  /** After each write. */
  readonly states: { readonly timeMs: number; readonly items: Items }[] = [];
  readonly beginnings: Beginning[] = [];

  constructor(engine: StreamEngine, arn: string) {
    this.engine = engine;
    this.#arn = arn;
  }

  get #last(): Items {
    return this.states.at(-1)?.items ?? new Map();
  }

  async take(next: Step): Promise<void> {
    const { engine } = this;
    switch (next.do) {
      case 'put':
        await engine.call('PutItem', { TableName, Item: item(next.p, next.n) });
        return this.#wrote([[next.p, item(next.p, next.n)]]);
      case 'delete':
        await engine.remove(TableName, next.p);
        return this.#wrote([[next.p, undefined]]);
      case 'transact': {
        const Put = { TableName, Item: item(next.p, next.n) };
        const Delete = { TableName, Key: { p: { S: 'h' } } };
        await engine.call('TransactWriteItems', { TransactItems: [{ Put }, { Delete }] });
        return this.#wrote([
          [next.p, item(next.p, next.n)],
          ['h', undefined],
        ]);
      }
      case 'batch': {
        const items = ['a', 'd', 'g', 'h'].map((key) => item(key, next.n));
        const requests = items.map((Item) => ({ PutRequest: { Item } }));
        await engine.call('BatchWriteItem', { RequestItems: { [TableName]: requests } });
        return this.#wrote(items.map((one) => [`${one.p?.S}`, one]));
      }
      case 'wait':
        return engine.advance(next.hours * hourMs);
      case 'roll':
        await this.#call('DescribeStream', { StreamArn: this.#arn }, { [rollShardsHeader]: 'now' });
        return;
      case 'reopen':
        return engine.engine.reopen();
      case 'scan':
        return this.#scan();
    }
  }

  #wrote(written: readonly (readonly [string, Item | undefined])[]): void {
    const items = new Map(this.#last);
    for (const [key, one] of written) {
      if (one === undefined) items.delete(key);
      else items.set(key, one);
    }
    this.states.push({ timeMs: this.engine.nowMs, items });
  }

  /** All pages of one state, with a write between them. */
  async #scan(): Promise<void> {
    const items = this.#last;
    const first = await this.#call('Scan', { TableName, Limit: 2 }, { [snapshotHeader]: 'new' });
    const { [snapshotHeader]: id = '', [sequenceHeader]: sequence = '' } = first.extensions ?? {};
    const found: Item[] = [];
    for (let reply = first; ; ) {
      const page = JSON.parse(reply.body.toString()) as { Items: Item[]; LastEvaluatedKey?: Item };
      found.push(...page.Items);
      if (page.LastEvaluatedKey === undefined) break;
      await this.take({ do: 'put', p: 'a', n: found.length });
      const input = { TableName, Limit: 2, ExclusiveStartKey: page.LastEvaluatedKey };
      reply = await this.#call('Scan', input, { [snapshotHeader]: id });
    }
    expect(byKey(found)).toEqual(items);
    this.beginnings.push({ timeMs: this.engine.nowMs, sequence, items });
  }

  async #call(
    operation: string,
    input: Record<string, unknown>,
    extensions: Record<string, string>,
  ): Promise<Reply> {
    return this.engine.engine.engine.call({ operation, input, region: 'us-east-1', extensions });
  }
}

function item(key: string, value: number): Item {
  return { p: { S: key }, n: { N: `${value}` }, filling };
}

function byKey(items: readonly Item[]): Map<string, Item> {
  return new Map(items.map((one) => [`${one.p?.S}`, one]));
}

/** The items as records leave them. @throws where an old image is not what the records before say */
function applied(start: Items, records: readonly StreamRecord[]): Map<string, Item> {
  const items = new Map(start);
  for (const { dynamodb } of records) {
    const key = `${dynamodb.Keys.p?.S}`;
    expect(dynamodb.OldImage).toEqual(items.get(key));
    if (dynamodb.NewImage === undefined) items.delete(key);
    else items.set(key, dynamodb.NewImage);
  }
  return items;
}

/** Also with HISTORY_RUNS. */
const numRuns = 5 * Number(process.env.HISTORY_RUNS ?? 4);

test('a state and the records behind it make the table what it is', {
  timeout: 60_000 + numRuns * 10_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 10, maxLength: 70, size: 'max' }),
      fc.integer({ min: 1, max: 5 }),
      async (steps, streamShards) => {
        const engine = await StreamEngine.open({
          streamShards,
          logSegmentBytesMax: 4096,
          pitrBaseBytesMin: 3000,
        });
        try {
          const arn = await engine.createTable(TableName);
          await switchRecovery(engine.engine, TableName, true, 1);
          const run = new Run(engine, arn);
          for (const each of steps) await run.take(each);
          const horizonMs = engine.nowMs - dayMs;
          const now = run.states.at(-1)?.items ?? new Map();
          const records = await engine.records(arn, 3);
          const atHorizon = run.states.findLast(({ timeMs }) => timeMs <= horizonMs)?.items ?? new Map();
          expect(applied(atHorizon, records)).toEqual(now);
          for (const { timeMs, sequence, items } of run.beginnings) {
            if (timeMs <= horizonMs) continue;
            const behind = records.filter(({ dynamodb }) => dynamodb.SequenceNumber > sequence);
            expect(applied(items, behind)).toEqual(now);
          }
        } finally {
          await engine.engine.remove();
        }
      },
    ),
    { numRuns },
  );
});
