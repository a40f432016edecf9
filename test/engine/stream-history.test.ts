import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hourMs, type Item, type Shard, StreamEngine, type StreamRecord } from './stream-harness.ts';

/*
 * Whatever happens, the shards of a stream in the order of their lineage, applied to the table as it was in the beginning, make the table
 * as it is: over rolls, restarts and streams that are turned off and on again.
 */

type Step =
  | { readonly do: 'put' | 'delete'; readonly p: string; readonly n: number }
  | { readonly do: 'transact'; readonly p: string; readonly n: number }
  | { readonly do: 'batch'; readonly n: number }
  | { readonly do: 'roll' | 'reopen' };

const p = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
const n = fc.integer({ min: 0, max: 3 });
const write = fc.record({ do: fc.constantFrom('put' as const, 'delete', 'transact'), p, n });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: write },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('batch' as const), n }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('roll' as const, 'reopen') }) },
);

const table = 'items';
const shardMs = 100;

async function take(step: Step, engine: StreamEngine, arn: string): Promise<void> {
  switch (step.do) {
    case 'put':
      return engine.put(table, step.p, { n: { N: `${step.n}` } });
    case 'delete':
      return engine.remove(table, step.p);
    case 'transact': {
      const Put = { TableName: table, Item: { p: { S: step.p }, n: { N: `${step.n}` } } };
      const Delete = { TableName: table, Key: { p: { S: 'g' } } };
      await engine.call('TransactWriteItems', { TransactItems: [{ Put }, { Delete }] });
      return;
    }
    case 'batch': {
      const items = ['a', 'd', 'g'].map((key) => ({ p: { S: key }, n: { N: `${step.n}` } }));
      const RequestItems = { [table]: items.map((Item) => ({ PutRequest: { Item } })) };
      await engine.call('BatchWriteItem', { RequestItems });
      return;
    }
    case 'roll': {
      const before = await engine.shards(arn);
      engine.advance(shardMs);
      await engine.rolled(arn, before);
      return;
    }
    case 'reopen':
      return engine.engine.reopen();
  }
}

/** The table as the records say that it is. @throws where an old image is not what the records before say. */
function applied(start: ReadonlyMap<string, Item>, records: readonly StreamRecord[]): Map<string, Item> {
  const items = new Map(start);
  for (const { eventName, dynamodb } of records) {
    const key = `${dynamodb.Keys.p?.S}`;
    expect(dynamodb.OldImage).toEqual(items.get(key));
    expect(eventName).toBe(
      dynamodb.OldImage === undefined ? 'INSERT' : dynamodb.NewImage === undefined ? 'REMOVE' : 'MODIFY',
    );
    if (dynamodb.NewImage === undefined) items.delete(key);
    else items.set(key, dynamodb.NewImage);
  }
  return items;
}

async function itemsOf(engine: StreamEngine): Promise<Map<string, Item>> {
  const { Items } = await engine.call<{ Items: Item[] }>('Scan', { TableName: table, ConsistentRead: true });
  return new Map(Items.map((item) => [`${item.p?.S}`, item]));
}

/** Within each shard numbers rise, and lie in its range. */
function expectOrder(shard: Shard, records: readonly StreamRecord[]): void {
  const { StartingSequenceNumber: start, EndingSequenceNumber: end } = shard.SequenceNumberRange;
  let last = start;
  for (const { dynamodb } of records) {
    expect(dynamodb.SequenceNumber > last).toBe(true);
    last = dynamodb.SequenceNumber;
  }
  if (end !== undefined) expect(last <= end).toBe(true);
}

test('records make the table what it is', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 8 }),
      async (steps, limit, streamShards) => {
        const engine = await StreamEngine.open({ streamShards, streamShardMs: shardMs });
        try {
          await engine.engine.createTable(table);
          await engine.put(table, 'a', { n: { N: '9' } });
          const start = await itemsOf(engine);
          await engine.setStream(table, 'NEW_AND_OLD_IMAGES');
          const arn = (await engine.describeTable(table)).LatestStreamArn;
          for (const each of steps) await take(each, engine, arn);
          const records: StreamRecord[] = [];
          for (const shard of await engine.shards(arn)) {
            const ofShard = await engine.drain(await engine.iterator(arn, shard.ShardId), limit);
            expectOrder(shard, ofShard);
            records.push(...ofShard);
          }
          expect(applied(start, records)).toEqual(await itemsOf(engine));
          const numbers = records.map(({ dynamodb }) => dynamodb.SequenceNumber);
          expect(new Set(numbers).size).toBe(numbers.length);
        } finally {
          await engine.engine.remove();
        }
      },
    ),
    { numRuns: 40 },
  );
});

type Passing =
  | { readonly do: 'put'; readonly p: string }
  | { readonly do: 'wait'; readonly hours: number }
  | { readonly do: 'roll' | 'reopen' };

const passing: fc.Arbitrary<Passing> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), p }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('wait' as const), hours: fc.integer({ min: 1, max: 13 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('roll' as const, 'reopen') }) },
);

test('records of the last day are there, and no others', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(passing, { minLength: 1, maxLength: 30 }), async (steps) => {
      const engine = await StreamEngine.open({ streamShards: 2, streamShardMs: shardMs });
      try {
        const arn = await engine.createTable(table);
        const written: { readonly i: string; readonly timeMs: number }[] = [];
        for (const [i, each] of steps.entries()) {
          if (each.do === 'wait') engine.advance(each.hours * hourMs);
          else if (each.do !== 'put') await take(each, engine, arn);
          else {
            await engine.put(table, each.p, { i: { N: `${i}` } });
            written.push({ i: `${i}`, timeMs: engine.nowMs });
          }
        }
        const kept = written.filter(({ timeMs }) => timeMs > engine.nowMs - 24 * hourMs);
        const records = (await engine.records(arn)).sort((a, b) =>
          a.dynamodb.SequenceNumber < b.dynamodb.SequenceNumber ? -1 : 1,
        );
        expect(records.map(({ dynamodb }) => dynamodb.NewImage?.i?.N)).toEqual(kept.map(({ i }) => i));
      } finally {
        await engine.engine.remove();
      }
    }),
    { numRuns: 40 },
  );
});
