import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { colorAndRank, QueryFixture } from './query-fixture.ts';

/**
 * The same Query or Scan must get the same answer from the engine alone and through an accelerator, whatever was
 * written in between, in what way, and however little the cache holds.
 */
type Call = readonly [operation: string, input: Record<string, unknown>];

const TableName = 'Things';
const key = fc
  .tuple(fc.constantFrom('a', 'b'), fc.constantFrom('1', '2', '3'))
  .map(([p, s]) => ({ p: { S: p }, s: { N: s } }));
const indexed = fc.oneof(
  fc.tuple(fc.constantFrom('red', 'blue'), fc.integer({ min: 1, max: 2 })).map(([color, rank]) => {
    return colorAndRank(color, rank);
  }),
  fc.constantFrom({}, { rank: { N: '1' } }, { color: { S: 'red' } }),
);
const item = fc
  .tuple(key, indexed, fc.constantFrom({}, { note: { S: 'x' } }, { note: { N: '7' } }))
  .map((parts) => Object.assign({}, ...parts));

const update = fc
  .tuple(
    key,
    fc.constantFrom(
      'SET color = :red',
      'SET color = :red, note = :red',
      'REMOVE color',
      'SET note = :red',
      'SET #rank = :one, color = :red',
    ),
    fc.constantFrom('NONE', 'ALL_NEW', 'UPDATED_OLD'),
    fc.constantFrom('red', 'blue'),
  )
  .map(([Key, UpdateExpression, ReturnValues, color]): Call => {
    const values = { ':red': { S: color }, ':one': { N: '1' } };
    const used = Object.entries(values).filter(([name]) => UpdateExpression.includes(name));
    const names = UpdateExpression.includes('#rank') ? { ExpressionAttributeNames: { '#rank': 'rank' } } : {};
    const given = used.length === 0 ? {} : { ExpressionAttributeValues: Object.fromEntries(used) };
    return ['UpdateItem', { TableName, Key, UpdateExpression, ReturnValues, ...names, ...given }];
  });
const write: fc.Arbitrary<Call> = fc.oneof(
  item.map((Item): Call => ['PutItem', { TableName, Item }]),
  key.map((Key): Call => ['DeleteItem', { TableName, Key, ReturnValues: 'ALL_OLD' }]),
  key.map((Key): Call => ['DeleteItem', { TableName, Key, ConditionExpression: 'attribute_exists(note)' }]),
  update,
  item.map((Item): Call => ['BatchWriteItem', { RequestItems: { [TableName]: [{ PutRequest: { Item } }] } }]),
  item.map((Item): Call => ['TransactWriteItems', { TransactItems: [{ Put: { TableName, Item } }] }]),
);

const place: fc.Arbitrary<Call> = fc.oneof(
  fc.constantFrom('a', 'b').map((p): Call => {
    const condition = { KeyConditionExpression: 'p = :k', ExpressionAttributeValues: { ':k': { S: p } } };
    return ['Query', condition];
  }),
  fc
    .tuple(fc.constantFrom('byColor', 'keysOfColor'), fc.constantFrom('red', 'blue'))
    .map(([IndexName, color]): Call => {
      const condition = {
        KeyConditionExpression: 'color = :k',
        ExpressionAttributeValues: { ':k': { S: color } },
      };
      return ['Query', { IndexName, ...condition }];
    }),
  fc.constant<Call>([
    'Query',
    {
      IndexName: 'byRank',
      KeyConditionExpression: 'p = :k',
      ExpressionAttributeValues: { ':k': { S: 'a' } },
    },
  ]),
  fc.constantFrom<Call>(['Scan', {}], ['Scan', { IndexName: 'byColor' }], ['Scan', { IndexName: 'byRank' }]),
);
const more = fc.constantFrom(
  {},
  {},
  { Limit: 1 },
  { Select: 'COUNT' },
  { ReturnConsumedCapacity: 'INDEXES' },
  { FilterExpression: 'attribute_exists(note)' },
  { ProjectionExpression: 'p, s, rank' },
  { ConsistentRead: true },
  { Limit: 0 },
);
const read = fc
  .tuple(place, more)
  .map(([[operation, input], others]): Call => [operation, { TableName, ...input, ...others }]);
const calls = fc.array(fc.oneof({ weight: 3, arbitrary: read }, write), { minLength: 1, maxLength: 60 });

describe.each([
  ['announcing', true, {}],
  ['silent', false, {}],
  ['announcing, with little room', true, { cacheBytesMax: 5_000 }],
  ['silent, settling', false, { settleMs: 60_000 }],
] as const)('an accelerator agrees on pages with an engine: %s', (_name, announces, options) => {
  let f: QueryFixture;

  beforeAll(async () => {
    f = await QueryFixture.open(announces, options);
  });

  afterAll(() => f.close());

  it('over random runs, in which all that was read before is read again after each write', async () => {
    await fc.assert(
      fc.asyncProperty(calls, async (sequence) => {
        const reads: Call[] = [];
        for (const call of sequence) {
          if (call[0] === 'Query' || call[0] === 'Scan') {
            reads.push(call);
            await agree(f, call);
          } else {
            await outcome(() => f.call(...call));
            for (const before of reads) await agree(f, before);
          }
        }
      }),
      { numRuns: 50 },
    );
    expect(f.accelerator.stats().queryHits).toBeGreaterThan(0);
  });
});

/** For a page and those that follow it. */
async function agree(f: QueryFixture, [operation, input]: Call): Promise<void> {
  const [got, wanted] = [
    await outcome(() => f.call(operation, input)),
    await outcome(() => f.engine.call(operation, input)),
  ];
  expect(got).toEqual(wanted);
  const { LastEvaluatedKey: ExclusiveStartKey } = got as Record<string, unknown>;
  if (ExclusiveStartKey !== undefined) await agree(f, [operation, { ...input, ExclusiveStartKey }]);
}

async function outcome(call: () => Promise<Record<string, unknown>>): Promise<unknown> {
  try {
    return await call();
  } catch (error) {
    return String(error);
  }
}
