import * as fc from 'fast-check';
import { type Case, type Step, step, walk } from './case.ts';
import { condition, pools, projection, substitutions } from './expression-generator.ts';
import { type Attributes, defined } from './item-cases.ts';
import { legacyFilter, legacyKeyConditions, legacyRead } from './legacy-generator.ts';
import { pagesTable } from './tables.ts';
import { type AnyValue, keyValue, sometimes, soundValue } from './value-generator.ts';

/* Queries and scans of the table and its indexes. */

const TableName = pagesTable;

const storedItem: fc.Arbitrary<Attributes> = fc
  .record({
    a: sometimes(60, soundValue),
    b: sometimes(60, soundValue),
    c: sometimes(60, soundValue),
    l: sometimes(
      70,
      fc.constantFrom('a', 'ab', 'b', 'é').map((S) => ({ S })),
    ),
    g: sometimes(
      80,
      fc.constantFrom('a', 'b').map((S) => ({ S })),
    ),
    h: sometimes(
      80,
      fc.constantFrom('1', '-2.5', '10').map((N) => ({ N })),
    ),
  })
  .map(defined);

/** What the table for pages is filled with. */
export const filling: fc.Arbitrary<readonly Step[]> = fc
  .array(storedItem, { minLength: 60, maxLength: 60 })
  .map((items) =>
    items.map((item, i) =>
      step('PutItem', {
        TableName,
        Item: { p: { S: `p${i % 4}` }, s: { N: String(Math.floor(i / 4) - 5) }, ...item },
      }),
    ),
  );

interface Target {
  readonly IndexName?: string;
  readonly partition: readonly [name: string, values: readonly string[]];
  readonly sort: readonly [name: string, type: 'S' | 'N'] | undefined;
}

const targets: readonly Target[] = [
  { partition: ['p', ['p0', 'p1', 'none']], sort: ['s', 'N'] },
  { IndexName: 'local', partition: ['p', ['p0', 'p1', 'none']], sort: ['l', 'S'] },
  { IndexName: 'global', partition: ['g', ['a', 'b', 'none']], sort: ['h', 'N'] },
  { IndexName: 'whole', partition: ['g', ['a', 'b']], sort: undefined },
];

const operators = ['=', '<', '<=', '>', '>='] as const;

function sortText(name: string): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...operators).map((operator) => `${name} ${operator} :s`) },
    { weight: 2, arbitrary: fc.constant(`${name} BETWEEN :s AND :t`) },
    { weight: 2, arbitrary: fc.constant(`begins_with(${name}, :s)`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        `${name} <> :s`,
        `NOT ${name} = :s`,
        `${name} IN (:s)`,
        `contains(${name}, :s)`,
        'a = :s',
      ),
    },
  );
}

const options = fc
  .record({
    filter: sometimes(40, condition),
    projection: sometimes(30, projection),
    select: sometimes(
      25,
      fc.constantFrom('ALL_ATTRIBUTES', 'ALL_PROJECTED_ATTRIBUTES', 'COUNT', 'SPECIFIC_ATTRIBUTES'),
    ),
    limit: sometimes(40, fc.integer({ min: 1, max: 7 })),
    consistent: sometimes(15, fc.boolean()),
    capacity: sometimes(20, fc.constantFrom('INDEXES', 'TOTAL')),
    legacy: sometimes(10, legacyRead),
  })
  .map(({ filter, projection: shown, select, limit, consistent, capacity, legacy }) => ({
    ...(filter !== undefined && { FilterExpression: filter }),
    ...(shown !== undefined && { ProjectionExpression: shown }),
    ...(select !== undefined && { Select: select }),
    ...(limit !== undefined && { Limit: limit }),
    ...(consistent !== undefined && { ConsistentRead: consistent }),
    ...(capacity !== undefined && { ReturnConsumedCapacity: capacity }),
    ...legacy,
  }));

const query: fc.Arbitrary<Case> = fc.constantFrom(...targets).chain((target) => {
  const [partitionName, partitions] = target.partition;
  const sort = target.sort ?? ['h', 'N'];
  return fc
    .record({
      partition: fc.constantFrom(...partitions),
      text: sometimes(target.sort === undefined ? 5 : 60, sortText(sort[0])),
      bounds: fc.tuple(keyValue(sort[1]), keyValue(sort[1])),
      options,
      forward: sometimes(50, fc.boolean()),
      pools,
    })
    .map(({ partition, text, bounds, options: rest, forward, pools: values }) => {
      const KeyConditionExpression = `${partitionName} = :p${text === undefined ? '' : ` AND ${text}`}`;
      const { ExpressionAttributeValues, ...names } = substitutions(
        [rest.FilterExpression, rest.ProjectionExpression],
        values,
      );
      return [
        walk('Query', {
          TableName,
          ...(target.IndexName !== undefined && { IndexName: target.IndexName }),
          KeyConditionExpression,
          ...rest,
          ...names,
          ExpressionAttributeValues: {
            ...ExpressionAttributeValues,
            ':p': { S: partition },
            ...(text?.includes(':s') && { ':s': bounds[0] }),
            ...(text?.includes(':t') && { ':t': bounds[1] }),
          },
          ...(forward !== undefined && { ScanIndexForward: forward }),
        }),
      ];
    });
});

const legacyQuery: fc.Arbitrary<Case> = fc.constantFrom(...targets).chain((target) => {
  const [partitionName, partitions] = target.partition;
  const [sortName, sortType] = target.sort ?? ['h', 'N'];
  const partition: AnyValue = { S: partitions[0] };
  return fc
    .tuple(
      legacyKeyConditions([partitionName, partition], sortName, keyValue(sortType)),
      sometimes(50, legacyFilter('QueryFilter')),
      sometimes(30, legacyRead),
    )
    .map(([conditions, filter, names]) => [
      walk('Query', {
        TableName,
        ...(target.IndexName !== undefined && { IndexName: target.IndexName }),
        ...conditions,
        ...filter,
        ...names,
      }),
    ]);
});

const scan: fc.Arbitrary<Case> = fc
  .record({
    target: fc.constantFrom(...targets),
    options,
    legacy: sometimes(20, legacyFilter('ScanFilter')),
    segments: sometimes(20, fc.constantFrom([0, 1], [2, 2], [-1, 2])),
    pools,
  })
  .map(({ target, options: rest, legacy, segments, pools: values }) => [
    walk('Scan', {
      TableName,
      ...(target.IndexName !== undefined && { IndexName: target.IndexName }),
      ...rest,
      ...legacy,
      ...substitutions([rest.FilterExpression, rest.ProjectionExpression], values),
      ...(segments !== undefined && { Segment: segments[0], TotalSegments: segments[1] }),
    }),
  ]);

export const pageCase: fc.Arbitrary<Case> = fc.oneof(
  { weight: 6, arbitrary: query },
  { weight: 2, arbitrary: legacyQuery },
  { weight: 2, arbitrary: scan },
);
