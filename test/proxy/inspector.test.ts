import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Backend, Request } from '../../protocol/backend.ts';
import { provisionedThroughputExceeded, validationError } from '../../protocol/errors.ts';
import { Reply } from '../../protocol/reply.ts';
import { type Inspection, type InspectorOptions, inspect } from '../../proxy/inspector.ts';
import { TestEngine } from '../engine/engine-harness.ts';
import { colorAndRank, thingsTable } from './query-fixture.ts';
import { ManualClock } from './simulated-store.ts';

/*
 * The store is an engine with two tables: `Things` of 60 items in 6 partitions, all red, and `plain` of 300 items
 * without a sort key. The cache is what a test makes of the store's answers.
 */

const region = 'us-east-1';
const noTally = { differing: 0, lasting: 0, undecided: 0, lastingPpm: 0 };

let engine: TestEngine;

beforeAll(async () => {
  engine = await TestEngine.open({ durability: 'relaxed' });
  await engine.call('CreateTable', thingsTable);
  await engine.untilStatus('Things', 'ACTIVE');
  await engine.createTable('plain');
  for (let i = 0; i < 60; i++) {
    const key = { p: { S: `p${i % 6}` }, s: { N: String(i) } };
    await engine.call('PutItem', { TableName: 'Things', Item: { ...key, ...colorAndRank('red', i) } });
  }
  for (let i = 0; i < 300; i++) {
    await engine.call('PutItem', {
      TableName: 'plain',
      Item: { p: { S: `key ${i}` }, ns: { NS: ['1', '2'] } },
    });
  }
});

afterAll(() => engine.remove());

type Answer = (request: Request, reply: Reply) => Reply;

interface Run {
  readonly inspection: Inspection;
  readonly clock: ManualClock;
  readonly asked: { readonly cache: readonly Request[]; readonly store: readonly Request[] };
}

/** @param cached makes the cache's answer of the store's; `stored` the store's of the engine's. */
async function run(
  options: Partial<InspectorOptions>,
  cached: Answer = (_request, reply) => reply,
  stored: Answer = (_request, reply) => reply,
): Promise<Run> {
  const clock = new ManualClock();
  const asked = { cache: [] as Request[], store: [] as Request[] };
  const backend = (requests: Request[], answer: Answer): Backend => ({
    call: async (request) => {
      requests.push(request);
      return answer(request, await engine.engine.call(request));
    },
    close: async () => {},
  });
  const world = { clock, sleep: async (ms: number) => clock.advance(ms), random: randomOf(1) };
  const inspection = await inspect({
    ...{ cache: backend(asked.cache, cached), store: backend(asked.store, stored), region, tables: [] },
    ...{ samples: 50, delayMs: 1_000, readsPerSecond: 1_000, world },
    ...options,
  });
  return { inspection, clock, asked };
}

/** Numbers that look random, the same at every run. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const nothing = new Reply({});
const isItem = ({ operation }: Request) => operation === 'GetItem';

function isOf({ input }: Request, index: string | undefined): boolean {
  return 'KeyConditionExpression' in input && input.IndexName === index;
}

describe('a cache that agrees with the store', () => {
  test('is found to do so, for items, queries and queries of indexes', async () => {
    const { inspection } = await run({ tables: ['Things'] });
    expect(inspection).toEqual({
      tables: ['Things'],
      samples: 50,
      isCut: false,
      // Six partitions, with one local index; all items are in one partition of each global index.
      items: { ...noTally, compared: 50 },
      queries: { ...noTally, compared: 6 },
      indexQueries: { ...noTally, compared: 8 },
      total: { ...noTally, compared: 64 },
      examples: [],
    });
  });

  test('is asked eventually consistent, and the store strongly but for global indexes', async () => {
    const { asked } = await run({ tables: ['Things'] });
    const compares = (request: Request) => ['GetItem', 'Query'].includes(request.operation);
    expect(asked.cache.filter(compares).map(({ input }) => input.ConsistentRead)).not.toContain(true);
    for (const { input } of asked.store.filter(compares)) {
      const isGlobal = input.IndexName === 'byColor' || input.IndexName === 'keysOfColor';
      expect(input.ConsistentRead).toBe(isGlobal ? undefined : true);
    }
  });

  test('may spell its answers in another way', async () => {
    const { inspection } = await run({ tables: ['plain'] }, (request, reply) => {
      if (!isItem(request)) return reply;
      const { Item } = JSON.parse(reply.body.toString());
      return new Reply({ Item: { ns: { NS: ['2.0', '1'] }, p: Item.p } });
    });
    expect(inspection.total).toMatchObject({ compared: 50, differing: 0 });
  });
});

describe('keys are drawn', () => {
  const keys = (requests: readonly Request[]) =>
    requests.filter(isItem).map(({ input }) => JSON.stringify([input.TableName, input.Key]));

  test('of all tables, none twice', async () => {
    const { inspection, asked } = await run({});
    expect(inspection).toMatchObject({ tables: ['Things', 'plain'], samples: 50 });
    const drawn = keys(asked.cache);
    expect(new Set(drawn).size).toBe(50);
    expect(drawn.filter((key) => key.includes('plain'))).toHaveLength(25);
  });

  test('until there are no more', async () => {
    const { inspection, asked } = await run({ samples: 1_000 });
    expect(inspection.samples).toBe(360);
    expect(new Set(keys(asked.cache)).size).toBe(360);
  });

  test('from everywhere in a table', async () => {
    const { asked } = await run({ tables: ['plain'], samples: 10 });
    const scans = asked.store.filter(({ operation }) => operation === 'Scan');
    const places = new Set(scans.map(({ input }) => Number(input.Segment) / Number(input.TotalSegments)));
    expect(places.size).toBeGreaterThan(5);
  });

  test('not from a table without items', async () => {
    await engine.createTable('empty');
    expect((await run({ tables: ['empty'] })).inspection).toMatchObject({ samples: 0, total: noTally });
    await engine.call('DeleteTable', { TableName: 'empty' });
  });
});

describe('a difference', () => {
  test('that lasts is told with the key and both answers', async () => {
    const { inspection } = await run({ tables: ['plain'] }, (request, reply) => {
      return isItem(request) && JSON.stringify(request.input.Key).includes('1') ? nothing : reply;
    });
    const { total, examples } = inspection;
    expect(total.lasting).toBeGreaterThan(0);
    expect(total).toMatchObject({ differing: total.lasting, undecided: 0 });
    expect(total.lastingPpm).toBe(Math.ceil((total.lasting / 50) * 1_000_000));
    expect(examples[0]).toMatchObject({ kind: 'item', table: 'plain', cached: '{}' });
    expect(examples[0]?.stored).toContain(JSON.stringify(examples[0]?.key.p));
    expect(examples.length).toBeLessThanOrEqual(10);
  });

  test('of pages is told with their partition', async () => {
    const { inspection } = await run({ tables: ['Things'] }, (request, reply) => {
      return isOf(request, undefined) || isOf(request, 'byColor') ? new Reply({ Items: [] }) : reply;
    });
    expect(inspection.queries).toMatchObject({ compared: 6, lasting: 6 });
    expect(inspection.indexQueries).toMatchObject({ compared: 8, lasting: 1 });
    const ofIndex = inspection.examples.find(({ kind }) => kind === 'indexQuery');
    expect(ofIndex).toMatchObject({ index: 'byColor', key: { color: { S: 'red' } }, cached: '{"items":[]}' });
  });

  test('of long answers is told in part', async () => {
    const { inspection } = await run({ tables: ['plain'], samples: 1 }, (request, reply) =>
      isItem(request) ? new Reply({ Item: { p: { S: 'x'.repeat(100_000) } } }) : reply,
    );
    expect(inspection.examples[0]?.cached).toHaveLength(1_003);
  });

  test('that is gone after the delay is not lasting', async () => {
    const seen = new Set<string>();
    const { inspection, clock } = await run({ tables: ['plain'] }, (request, reply) => {
      const key = JSON.stringify(request.input);
      if (seen.has(key)) return reply;
      seen.add(key);
      return nothing;
    });
    expect(inspection.total).toMatchObject({ compared: 50, differing: 50, lasting: 0, undecided: 0 });
    expect(clock.monotonic() - new ManualClock().monotonic()).toBeGreaterThan(1_000);
  });

  test('from an answer that keeps changing cannot be decided', async () => {
    let version = 0;
    const { inspection } = await run(
      { tables: ['plain'] },
      (_request, reply) => reply,
      (request, reply) => (isItem(request) ? new Reply({ Item: { v: { N: String(++version) } } }) : reply),
    );
    expect(inspection.total).toMatchObject({ compared: 50, differing: 50, lasting: 0, undecided: 50 });
  });

  test('is lasting only if the store’s answer has stood for the delay', async () => {
    // The store changes once more between the first look and the second; the cache never follows.
    const looks = new Map<string, number>();
    const { inspection, clock } = await run(
      { tables: ['plain'], samples: 5, delayMs: 60_000 },
      (request, reply) => (isItem(request) ? nothing : reply),
      (request, reply) => {
        if (!isItem(request)) return reply;
        const key = JSON.stringify(request.input.Key);
        const look = (looks.get(key) ?? 0) + 1;
        looks.set(key, look);
        return new Reply({ Item: { v: { N: String(Math.min(look, 2)) } } });
      },
    );
    expect(inspection.total).toMatchObject({ differing: 5, lasting: 5, undecided: 0 });
    expect([...looks.values()]).toEqual([3, 3, 3, 3, 3]);
    expect(clock.monotonic() - new ManualClock().monotonic()).toBeGreaterThanOrEqual(120_000);
  });
});

describe('the load', () => {
  test('is no more than allowed', async () => {
    const { asked, clock } = await run({ readsPerSecond: 20 });
    const reads = asked.cache.length + asked.store.length;
    const seconds = (clock.monotonic() - new ManualClock().monotonic()) / 1_000;
    expect(seconds).toBeGreaterThanOrEqual((reads - 1) / 20);
  });

  test('is put off where it is throttled', async () => {
    let refusals = 0;
    const { inspection } = await run({ tables: ['plain'] }, (request, reply) => {
      if (isItem(request) && refusals++ < 5) throw provisionedThroughputExceeded();
      return reply;
    });
    expect(inspection.total).toMatchObject({ compared: 50, differing: 0 });
  });

  test('is told while it is on', async () => {
    const told: number[] = [];
    await run({ tables: ['plain'], onProgress: ({ compared }) => told.push(compared) });
    expect(told).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
  });
});

describe('what cannot be found out', () => {
  test.each([
    ['an error', validationError('no such thing')],
    ['throttling that does not end', provisionedThroughputExceeded()],
  ])('is told by %s', async (_name, error) => {
    const failing = run({ tables: ['plain'] }, () => {
      throw error;
    });
    await expect(failing).rejects.toBe(error);
  });

  test('is a table that is not there', async () => {
    await expect(run({ tables: ['absent'] })).rejects.toMatchObject({ code: 'ResourceNotFoundException' });
  });
});
