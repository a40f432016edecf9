import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arn, Fixture, region } from './accelerator-fixture.ts';

/**
 * The same calls, one after the other, must get the same answers from a store alone and through an accelerator,
 * whatever the store is like and however little the cache holds.
 */
const id = fc.constantFrom('a', 'b', 'c', 'd').map((S) => ({ id: { S } }));
const value = fc.oneof(
  fc.string({ maxLength: 20 }).map((S) => ({ S })),
  fc.integer().map((n) => ({ N: String(n) })),
  fc.constantFrom({ N: '1.50' }, { N: '1e3' }, { N: '-0' }, { N: '+7' }),
  fc.constantFrom({ BOOL: true }, { NULL: true }, { NS: ['1', '2.0'] }, { L: [{ S: 'x' }, { N: '1.0' }] }),
  fc.integer({ min: 1, max: 10_000 }).map((length) => ({ S: 'x'.repeat(length) })),
);
const item = fc
  .tuple(id, value, value)
  .map(([key, v, w]) => ({ ...key, v, m: { M: { w, name: { S: 'n' } } } }));
const tableName = fc.constantFrom('items', arn);
const part = fc.constantFrom(
  {},
  {},
  { ProjectionExpression: 'id, v' },
  { ProjectionExpression: 'm.w' },
  { ProjectionExpression: '#m.#n', ExpressionAttributeNames: { '#m': 'm', '#n': 'name' } },
  { ProjectionExpression: 'v, v' },
  { ProjectionExpression: '#undefined' },
);
const capacity = fc.constantFrom(
  {},
  { ReturnConsumedCapacity: 'TOTAL' },
  { ReturnConsumedCapacity: 'INDEXES' },
);

const getItem = fc
  .record({
    TableName: tableName,
    Key: id,
    part,
    capacity,
    ConsistentRead: fc.constantFrom(undefined, false, true),
  })
  .map(({ part, capacity, ...rest }) => ['GetItem', { ...rest, ...part, ...capacity }] as const);
const batchGetItem = fc
  .record({ name: tableName, Keys: fc.array(id, { maxLength: 4 }), part, capacity })
  .map(({ name, Keys, part, capacity }) => {
    return ['BatchGetItem', { RequestItems: { [name]: { Keys, ...part } }, ...capacity }] as const;
  });
const write = fc.oneof(
  fc.record({ TableName: tableName, Item: item }).map((input) => ['PutItem', input] as const),
  fc.record({ TableName: tableName, Key: id }).map((input) => ['DeleteItem', input] as const),
  fc
    .tuple(tableName, id, value, fc.constantFrom('NONE', 'ALL_NEW'))
    .map(([TableName, Key, v, ReturnValues]) => {
      return [
        'UpdateItem',
        { TableName, Key, ReturnValues, ExpressionAttributeValues: { ':v': v } },
      ] as const;
    }),
  fc.tuple(tableName, item, id).map(([TableName, Item, Key]) => {
    const requests = [{ PutRequest: { Item } }, { DeleteRequest: { Key } }];
    return ['BatchWriteItem', { RequestItems: { [TableName]: requests } }] as const;
  }),
  fc.tuple(tableName, item, id).map(([TableName, Item, Key]) => {
    return [
      'TransactWriteItems',
      { TransactItems: [{ Put: { TableName, Item } }, { Delete: { TableName, Key } }] },
    ] as const;
  }),
);
const calls = fc.array(fc.oneof({ weight: 3, arbitrary: getItem }, batchGetItem, write), {
  minLength: 1,
  maxLength: 40,
});

const kinds = [
  ['announcing', { announces: true }, {}],
  ['silent', { answers: 'soon', bytes: false }, {}],
  ['silent, of a store at once', { bytes: true }, {}],
  ['small', { announces: true }, { cacheBytesMax: 5_000 }],
  ['settling', { answers: 'soon' }, { settleMs: 60_000 }],
] as const;

describe('an accelerator agrees with the store behind it', () => {
  it.each(kinds)('%s', async (_name, store, options) => {
    await fc.assert(
      fc.asyncProperty(calls, async (sequence) => {
        const accelerated = new Fixture(store, options);
        const alone = new Fixture();
        for (const [operation, input] of sequence) {
          const got = await outcome(() => accelerated.call(operation, input));
          const wanted = await outcome(async () => alone.direct(operation, input));
          expect(got).toEqual(wanted);
        }
      }),
      { numRuns: 150 },
    );
  });
});

async function outcome(call: () => Promise<Record<string, unknown>>): Promise<unknown> {
  try {
    return withoutOrder(await call());
  } catch (error) {
    return String(error);
  }
}

/** BatchGetItem promises no order of its items. */
function withoutOrder(output: Record<string, unknown>): Record<string, unknown> {
  if (output.Responses === undefined) return output;
  const responses = Object.entries(output.Responses as Record<string, unknown[]>);
  const sorted = responses.map(([name, items]) => [name, items.map((each) => JSON.stringify(each)).sort()]);
  return { ...output, Responses: Object.fromEntries(sorted), region };
}
