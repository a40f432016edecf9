import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkDataDirectory } from '../../engine/check.ts';
import { TestEngine } from './engine-harness.ts';
import {
  bytesOf,
  type Condition,
  compareInPartition,
  compareValues,
  createTableInput,
  holds,
  type IndexShape,
  type Item,
  members,
  projected,
  queryInput,
  shapes,
  spelled,
  types,
  type Value,
} from './index-model.ts';

/* Random items under random writes; every index must answer as a list of the items would, searched and sorted. */

let store: TestEngine;
let tables = 0;

beforeAll(async () => {
  store = await TestEngine.open();
});

afterAll(async () => {
  await store.engine.close();
  const { problems } = await checkDataDirectory(store.directory);
  expect(problems).toEqual([]);
  await store.remove();
});

const strings = ['a', 'ab', 'b', 'a\0', 'a\0\0b', 'a\u0001', '\uffff', '\u{1f600}', 'é'];
const numbers = ['0', '-1', '1', '1.5', '-1.25', '10', '2', '-10', '1e100', '-1e100', '1e-100'];
const bytes = [[0], [0, 0], [0, 255], [1], [127], [128], [255], [255, 255], [0, 1]];

const pools: Readonly<Record<string, readonly Value[]>> = {
  p: [{ S: 'one' }, { S: 'two' }],
  s: Array.from({ length: 12 }, (_, i) => ({ N: String(i) })),
  a: strings.map((S) => ({ S })),
  n: numbers.map((N) => ({ N })),
  b: bytes.map((all) => ({ B: Buffer.from(all).toString('base64') })),
  x: [{ S: 'x' }, { S: 'x\0' }],
  y: [{ N: '1' }, { N: '1.0' }, { N: '-7' }],
  other: [{ S: 'other' }, { N: '5' }, { S: 'o'.repeat(3000) }],
  more: [{ S: 'more' }, { B: 'AAAA' }],
};

function valueFor(name: string): fc.Arbitrary<Value> {
  return fc.constantFrom(...(pools[name] as readonly Value[]));
}

/** With many ties: most items have one of few values. */
const item: fc.Arbitrary<Item> = fc.record(
  Object.fromEntries(Object.keys(pools).map((name) => [name, valueFor(name)])),
  { requiredKeys: ['p', 's'] },
) as fc.Arbitrary<Item>;

type Write = { readonly put: Item } | { readonly remove: Item } | { readonly set: Item };

const write: fc.Arbitrary<Write> = fc.oneof(
  { weight: 5, arbitrary: item.map((put) => ({ put })) },
  { weight: 1, arbitrary: item.map((remove) => ({ remove })) },
  { weight: 2, arbitrary: item.map((set) => ({ set })) },
);

interface Question {
  readonly index: IndexShape;
  readonly conditions: readonly Condition[];
  readonly forward: boolean;
  readonly limit: number;
}

const question: fc.Arbitrary<Question> = fc.constantFrom(...shapes).chain((index) =>
  fc
    .nat(index.range.length)
    .chain((depth) =>
      fc.tuple(...index.range.slice(0, depth).map((name, i) => condition(name, i < depth - 1))),
    )
    .chain((range) =>
      fc.record({
        index: fc.constant(index),
        conditions: fc
          .tuple(...index.hash.map((name) => condition(name, true)))
          .map((hash) => [...hash, ...range]),
        forward: fc.boolean(),
        limit: fc.integer({ min: 1, max: 5 }),
      }),
    ),
);

const operators = ['=', '<', '<=', '>', '>=', 'BETWEEN', 'begins_with'] as const;

function condition(name: string, isEquality: boolean): fc.Arbitrary<Condition> {
  const possible = operators.filter((operator) => operator !== 'begins_with' || types[name] !== 'N');
  return fc
    .record({
      operator: isEquality ? fc.constant('=' as const) : fc.constantFrom(...possible),
      values: fc.tuple(valueFor(name), valueFor(name)),
    })
    .map(({ operator, values }) => ({
      name,
      operator,
      values: operator === 'BETWEEN' ? [...values].sort(compareValues) : values.slice(0, 1),
    }));
}

interface Page {
  readonly Items: Item[];
  readonly LastEvaluatedKey?: Item;
}

async function pages(operation: 'Query' | 'Scan', input: object): Promise<Item[]> {
  const items: Item[] = [];
  let startKey: Item | undefined;
  do {
    const page: Page = await store.call(operation, {
      ...input,
      ...(startKey !== undefined && { ExclusiveStartKey: startKey }),
    });
    items.push(...page.Items);
    startKey = page.LastEvaluatedKey;
  } while (startKey !== undefined);
  return items;
}

class Player {
  readonly #table: string;
  readonly #items = new Map<string, Item>();

  constructor(table: string) {
    this.#table = table;
  }

  async write(one: Write): Promise<void> {
    const attributes = 'put' in one ? one.put : 'set' in one ? one.set : one.remove;
    const { p, s, ...rest } = canonical(attributes);
    const key = { p, s } as Item;
    const name = spelled(key);
    if ('put' in one) {
      this.#items.set(name, { ...key, ...rest });
      await store.call('PutItem', { TableName: this.#table, Item: { ...key, ...rest } });
    } else if ('remove' in one || Object.keys(rest).length === 0) {
      this.#items.delete(name);
      await store.call('DeleteItem', { TableName: this.#table, Key: key });
    } else {
      this.#items.set(name, { ...this.#items.get(name), ...key, ...rest });
      const AttributeUpdates = Object.fromEntries(
        Object.entries(rest).map(([attribute, Value]) => [attribute, { Action: 'PUT', Value }]),
      );
      await store.call('UpdateItem', { TableName: this.#table, Key: key, AttributeUpdates });
    }
  }

  async ask({ index, conditions, forward, limit }: Question): Promise<void> {
    const options = { ScanIndexForward: forward, Limit: limit };
    const paged = await pages('Query', queryInput(this.#table, index, conditions, options));
    const whole = await pages(
      'Query',
      queryInput(this.#table, index, conditions, { ScanIndexForward: forward }),
    );
    expect(paged).toEqual(whole);
    const expected = members(index, this.#items.values())
      .filter((one) => conditions.every((each) => holds(each, one)))
      .map((one) => projected(index, one));
    expect(whole.map(spelled).sort()).toEqual(expected.map(spelled).sort());
    const ordered = forward ? whole : [...whole].reverse();
    for (const [i, one] of ordered.entries()) {
      const before = ordered[i - 1];
      if (before !== undefined) expect(compareInPartition(index, before, one)).toBeLessThanOrEqual(0);
    }
  }

  async scan(index: IndexShape, limit: number, segments: number): Promise<void> {
    const found: Item[] = [];
    for (let Segment = 0; Segment < segments; Segment++) {
      const input = { TableName: this.#table, IndexName: index.name, Limit: limit };
      found.push(...(await pages('Scan', { ...input, Segment, TotalSegments: segments })));
    }
    const expected = members(index, this.#items.values()).map((one) => projected(index, one));
    expect(found.map(spelled).sort()).toEqual(expected.map(spelled).sort());
  }
}

/** As numbers are kept. */
function canonical(attributes: Item): Item {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [name, 'N' in value ? { N: plain(value.N) } : value]),
  );
}

function plain(number: string): string {
  if (number.includes('e-')) return `0.${'0'.repeat(Number(number.split('e-')[1]) - 1)}1`;
  return number.includes('e')
    ? BigInt(Number(number.split('e')[0])) + '0'.repeat(100)
    : String(Number(number));
}

describe('secondary indexes', () => {
  test('answer as a list of the items, searched and sorted, under any writes and page sizes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(write, { minLength: 1, maxLength: 40, size: 'max' }),
        fc.array(question, { minLength: 20, maxLength: 20 }),
        fc.integer({ min: 1, max: 4 }),
        async (writes, questions, segments) => {
          const table = `Random-${tables++}`;
          await store.call('CreateTable', createTableInput(table, shapes));
          const player = new Player(table);
          for (const one of writes) await player.write(one);
          for (const one of questions) await player.ask(one);
          for (const index of shapes) await player.scan(index, segments + 1, segments);
          if (tables % 3 === 0) await store.call('DeleteTable', { TableName: table });
        },
      ),
      { numRuns: Number(process.env.INDEX_RUNS ?? 25) },
    );
  });
});

describe('a page of an index', () => {
  const index = shapes[2] as IndexShape;

  test('ends between items that have the same key, and the next goes on right there', async () => {
    await store.call('CreateTable', createTableInput('Ties', [index]));
    const keys = Array.from({ length: 60 }, (_, i) => ({ p: { S: `p${i % 7}` }, s: { N: String(i) } }));
    for (const key of keys) {
      await store.call('PutItem', { TableName: 'Ties', Item: { ...key, x: { S: 'x' }, a: { S: 'same' } } });
    }
    const conditions: Condition[] = [{ name: 'x', operator: '=', values: [{ S: 'x' }] }];
    for (const Limit of [1, 7, 59, 60, 61]) {
      const forward = await pages('Query', queryInput('Ties', index, conditions, { Limit }));
      const backward = await pages(
        'Query',
        queryInput('Ties', index, conditions, { Limit, ScanIndexForward: false }),
      );
      expect(new Set(forward.map(spelled)).size).toBe(60);
      expect(backward).toEqual([...forward].reverse());
    }
  });

  test('goes on behind an item that has been deleted or moved since', async () => {
    const conditions: Condition[] = [{ name: 'x', operator: '=', values: [{ S: 'x' }] }];
    const all = await pages('Query', queryInput('Ties', index, conditions, {}));
    const first: Page = await store.call('Query', queryInput('Ties', index, conditions, { Limit: 10 }));
    const last = all[9] as Item;
    await store.call('DeleteItem', { TableName: 'Ties', Key: { p: last.p, s: last.s } });
    const rest = await pages(
      'Query',
      queryInput('Ties', index, conditions, { ExclusiveStartKey: first.LastEvaluatedKey }),
    );
    expect(rest).toEqual(all.slice(10));
  });

  test('has a start key with the keys of the index and of the table, and no others', async () => {
    const conditions: Condition[] = [{ name: 'x', operator: '=', values: [{ S: 'x' }] }];
    const page: Page = await store.call('Query', queryInput('Ties', index, conditions, { Limit: 1 }));
    expect(Object.keys(page.LastEvaluatedKey ?? {}).sort()).toEqual(['a', 'p', 's', 'x']);
  });
});

describe('start keys and conditions as long as anybody can send them', () => {
  const index = shapes[5] as IndexShape;
  const long = (length: number): Value => ({ S: '\0'.repeat(length) });
  const key = { p: long(2048), s: { N: '1' }, x: long(1000), y: { N: '1' }, n: { N: '1' } };

  test('are answered or refused', async () => {
    await store.call('CreateTable', createTableInput('Long', [index]));
    const put = { ...key, a: long(900), b: { B: Buffer.alloc(100).toString('base64') } };
    await store.call('PutItem', { TableName: 'Long', Item: put });
    const conditions: Condition[] = [
      { name: 'x', operator: '=', values: [put.x] },
      { name: 'y', operator: '=', values: [put.y] },
    ];
    const page: Page = await store.call('Query', queryInput('Long', index, conditions, { Limit: 1 }));
    expect(page.Items).toHaveLength(1);
    expect(bytesOf(page.Items[0]?.a as Value)).toHaveLength(900);
    const startKeys = [1024, 5000, 100_000, 0].map((length) => ({ ...put, a: long(length) }));
    for (const ExclusiveStartKey of startKeys) {
      const asked = store.call('Query', queryInput('Long', index, conditions, { ExclusiveStartKey }));
      await expect(asked).rejects.toMatchObject({ code: 'ValidationException' });
      const scanned = store.call('Scan', { TableName: 'Long', IndexName: index.name, ExclusiveStartKey });
      await expect(scanned).rejects.toMatchObject({ code: 'ValidationException' });
    }
  });

  test('share the limit of a sort key', async () => {
    const conditions: Condition[] = [
      { name: 'x', operator: '=', values: [key.x] },
      { name: 'y', operator: '=', values: [key.y] },
      { name: 'a', operator: '=', values: [long(1024)] },
      { name: 'n', operator: '=', values: [{ N: '1' }] },
      { name: 'b', operator: '>=', values: [{ B: Buffer.alloc(1024).toString('base64') }] },
    ];
    const text =
      'One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes';
    await expect(store.call('Query', queryInput('Long', index, conditions, {}))).rejects.toThrow(text);
    const shorter = conditions
      .map((one) => (one.name === 'a' ? { ...one, values: [long(900)] } : one))
      .slice(0, 4);
    expect((await store.call<Page>('Query', queryInput('Long', index, shorter, {}))).Items).toHaveLength(1);
  });
});
