import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeKeyValue } from '../../protocol/key.ts';
import { basePartition, coarseIndex, indexPartition } from '../../proxy/cache/generations.ts';
import { readQueryCall } from '../../proxy/cache/query-call.ts';
import type { Table } from '../../proxy/table-descriptions.ts';

const p = { name: 'p', type: 'S' } as const;
const s = { name: 's', type: 'N' } as const;
const g = { name: 'g', type: 'S' } as const;

const table: Table = {
  id: 'id',
  name: 'Things',
  schema: { partition: p, sort: s },
  indexes: [
    { name: 'global', isGlobal: true, partition: [g], sort: [s], projectedNames: undefined },
    { name: 'local', isGlobal: false, partition: [p], sort: [g], projectedNames: undefined },
  ],
  fingerprint: '',
  streamArn: undefined,
  cache: true,
  itemTtlMs: 0,
  queryTtlMs: 1_000,
};

type Input = Record<string, unknown>;

function read(operation: 'Query' | 'Scan', input: Input) {
  return readQueryCall(operation, table, input);
}

/** What a request means, from which it is spelled in many ways. */
interface Meaning {
  readonly partition: string;
  readonly sort:
    | readonly ['=' | '<' | '<=' | '>' | '>=', number]
    | readonly ['BETWEEN', number, number]
    | undefined;
  readonly filter: readonly ['color' | 'name', '=' | '<>', number] | undefined;
  readonly projection: readonly string[] | undefined;
  readonly backward: boolean;
  readonly limit: number | undefined;
  readonly start: number | undefined;
  readonly capacity: 'NONE' | 'TOTAL' | 'INDEXES';
  readonly isCount: boolean;
}

const number = fc.integer({ min: 0, max: 3 });
const meaning: fc.Arbitrary<Meaning> = fc.record({
  partition: fc.constantFrom('a', 'b', 'a"b', '\u00e9'),
  sort: fc.option(
    fc.oneof(
      fc.tuple(
        fc.constantFrom('=' as const, '<' as const, '<=' as const, '>' as const, '>=' as const),
        number,
      ),
      number.map((low) => ['BETWEEN', low, low + 1] as const),
    ),
    { nil: undefined },
  ),
  filter: fc.option(
    fc.tuple(
      fc.constantFrom('color' as const, 'name' as const),
      fc.constantFrom('=' as const, '<>' as const),
      number,
    ),
    { nil: undefined },
  ),
  projection: fc.constantFrom(undefined, ['p'], ['color', 'm.x'], ['color', 'm.y'], ['l[0]'], ['l[1]']),
  backward: fc.boolean(),
  limit: fc.constantFrom(undefined, 1, 2),
  start: fc.option(number, { nil: undefined }),
  capacity: fc.constantFrom('NONE' as const, 'TOTAL' as const, 'INDEXES' as const),
  isCount: fc.boolean(),
});

/** The choices that a spelling makes, each by its place. */
const choices = fc.array(fc.boolean(), { minLength: 12, maxLength: 12 });

function spelled(meant: Meaning, [...choices]: readonly boolean[]): Input {
  const pick = () => choices.pop() === true;
  const names: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  const blank = pick() ? ' ' : '  \t';
  const prefix = pick() ? '' : 'x';
  const name = (attribute: string, always = false) => {
    if (!always && !pick()) return attribute;
    names[`#${prefix}${attribute}`] = attribute;
    return `#${prefix}${attribute}`;
  };
  const value = (attribute: object) => {
    const reference = `:${prefix}${Object.keys(values).length}`;
    values[reference] = attribute;
    return reference;
  };
  const isLong = pick();
  const numberOf = (n: number) => ({ N: isLong ? `+${n}.00` : String(n) });
  const conditions = [`${name('p')}${blank}=${blank}${value({ S: meant.partition })}`];
  if (meant.sort !== undefined)
    conditions.push(sortCondition(meant.sort, name('s'), (n) => value(numberOf(n)), pick()));
  if (pick()) conditions.reverse();
  const filter =
    meant.filter &&
    `${name(meant.filter[0], true)}${blank}${meant.filter[1]} ${value(numberOf(meant.filter[2]))}`;
  const projection = [...(meant.projection ?? [])];
  if (pick()) projection.reverse();
  const members: [string, unknown][] = [
    ['TableName', 'Things'],
    ['KeyConditionExpression', conditions.join(` ${pick() ? 'AND' : 'and'} `)],
    ['FilterExpression', filter],
    ['ProjectionExpression', meant.projection && !meant.isCount ? projection.join(`,${blank}`) : undefined],
    ['ScanIndexForward', meant.backward ? false : pick() ? true : null],
    ['Limit', meant.limit],
    [
      'ExclusiveStartKey',
      meant.start === undefined ? null : { s: numberOf(meant.start), p: { S: meant.partition } },
    ],
    ['ReturnConsumedCapacity', meant.capacity === 'NONE' && !isLong ? undefined : meant.capacity],
    ['Select', meant.isCount ? 'COUNT' : null],
    ['ExpressionAttributeValues', values],
    ['ExpressionAttributeNames', Object.keys(names).length === 0 ? undefined : names],
    ['ConsistentRead', isLong ? false : undefined],
  ];
  if (isLong) members.reverse();
  return Object.fromEntries(members.filter(([, member]) => member !== undefined));
}

function sortCondition(
  sort: NonNullable<Meaning['sort']>,
  name: string,
  value: (n: number) => string,
  isReversed: boolean,
): string {
  if (sort[0] === 'BETWEEN') return `${name} BETWEEN ${value(sort[1])} AND ${value(sort[2])}`;
  const mirrored = { '=': '=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' }[sort[0]];
  return isReversed ? `${value(sort[1])} ${mirrored} ${name}` : `${name} ${sort[0]} ${value(sort[1])}`;
}

/** What a meaning comes down to: a COUNT has no projection. */
function canonical(meant: Meaning): string {
  return JSON.stringify(meant.isCount ? { ...meant, projection: undefined } : meant);
}

describe('the name of a page', () => {
  test('is one for all spellings of a request', () => {
    fc.assert(
      fc.property(meaning, choices, choices, (meant, one, other) => {
        const name = read('Query', spelled(meant, one))?.name;
        expect(name).toBeDefined();
        expect(read('Query', spelled(meant, other))?.name).toBe(name);
      }),
      { numRuns: 500 },
    );
  });

  test('is another for every other meaning', () => {
    const other = fc.tuple(meaning, meaning, fc.subarray(Object.keys(canonicalMembers) as (keyof Meaning)[]));
    fc.assert(
      fc.property(other, choices, choices, ([one, changes, members], spelling, another) => {
        const two = { ...one, ...Object.fromEntries(members.map((member) => [member, changes[member]])) };
        const names = [
          read('Query', spelled(one, spelling))?.name,
          read('Query', spelled(two, another))?.name,
        ];
        expect(names[0] === names[1]).toBe(canonical(one) === canonical(two));
      }),
      { numRuns: 500 },
    );
  });

  const query = {
    TableName: 'Things',
    KeyConditionExpression: 'p = :p',
    ExpressionAttributeValues: { ':p': { S: 'a' } },
  };
  const arn = 'arn:aws:dynamodb:us-east-1:000000000000:table/Things';
  const legacyKey = { p: { ComparisonOperator: 'EQ', AttributeValueList: [{ S: 'a' }] } };
  const legacyFilter = (value: string) => ({
    a: { ComparisonOperator: 'EQ', AttributeValueList: [{ N: value }] },
    b: { ComparisonOperator: 'NOT_NULL' },
  });

  test('is one for a name and an ARN, unless the reply shows which', () => {
    const byArn = { ...query, TableName: arn };
    expect(read('Query', byArn)?.name).toBe(read('Query', query)?.name);
    const [one, other] = [query, byArn].map((input) => ({ ...input, ReturnConsumedCapacity: 'TOTAL' }));
    expect(read('Query', one ?? {})?.name).not.toBe(read('Query', other ?? {})?.name);
  });

  test('is one for legacy keys and projections and their expressions', () => {
    const legacy = { TableName: 'Things', KeyConditions: legacyKey, AttributesToGet: ['x', 'p'] };
    const expressed = { ...query, ProjectionExpression: 'p, x' };
    expect(read('Query', legacy)?.name).toBe(read('Query', expressed)?.name);
  });

  test('tells legacy filters apart', () => {
    const filtered = (filter: object, more: object = {}) =>
      read('Scan', { TableName: 'Things', ScanFilter: filter, ...more })?.name;
    const { a, b } = legacyFilter('1');
    expect(filtered(legacyFilter('1'))).toBe(filtered({ b, a: legacyFilter('1.0').a }));
    expect(filtered({})).toBe(read('Scan', { TableName: 'Things' })?.name);
    const others = [
      filtered(legacyFilter('1')),
      filtered(legacyFilter('2')),
      filtered({ a }),
      filtered(legacyFilter('1'), { ConditionalOperator: 'OR' }),
      filtered({}),
    ];
    expect(new Set(others).size).toBe(others.length);
  });

  test('tells Query and Scan, segments, tables and indexes apart', () => {
    const scan = { TableName: 'Things' };
    const scans: Input[] = [
      scan,
      { ...scan, Segment: 0, TotalSegments: 2 },
      { ...scan, Segment: 1, TotalSegments: 2 },
      { ...scan, Segment: 1, TotalSegments: 3 },
      { ...scan, IndexName: 'global' },
      { ...scan, IndexName: 'local' },
      { ...scan, Select: 'ALL_ATTRIBUTES' },
    ];
    const names = scans.map((input) => read('Scan', input)?.name);
    names.push(read('Query', query)?.name, read('Query', { ...query, IndexName: 'local' })?.name);
    names.push(readQueryCall('Scan', { ...table, id: 'other' }, scan)?.name);
    expect(names).not.toContain(undefined);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('a page depends on', () => {
  test('its partition, on a local index too', () => {
    const input = {
      TableName: 'Things',
      KeyConditionExpression: 'p = :p',
      ExpressionAttributeValues: { ':p': { S: '\u00e9' } },
    };
    const generations = [basePartition(encodeKeyValue({ S: '\u00e9' }))];
    expect(read('Query', input)?.generations).toEqual(generations);
    expect(read('Query', { ...input, IndexName: 'local' })?.generations).toEqual(generations);
  });

  test('its partition of a global index, and on the index', () => {
    const input = {
      TableName: 'Things',
      IndexName: 'global',
      KeyConditionExpression: 'g = :g AND s > :s',
      ExpressionAttributeValues: { ':g': { S: 'x' }, ':s': { N: '1' } },
    };
    const call = read('Query', input);
    expect(call?.generations).toEqual([indexPartition('global', ['x']), coarseIndex('global')]);
    expect(call?.isOfGlobalIndex).toBe(true);
  });
});

describe('what the cache cannot answer', () => {
  const query = {
    TableName: 'Things',
    KeyConditionExpression: 'p = :p',
    ExpressionAttributeValues: { ':p': { S: 'a' } },
  };

  test.each<[string, Input]>([
    ['a strongly consistent read', { ...query, ConsistentRead: true }],
    ['a member that the API does not have', { ...query, Hint: 'fast' }],
    ['one inside of a value', { ...query, ExpressionAttributeValues: { ':p': { S: 'a', Hint: 'fast' } } }],
    ['an index that is not described', { ...query, IndexName: 'new' }],
    ['an index that is no name', { ...query, IndexName: 7 }],
    ['a wrong type', { ...query, Limit: '7' }],
    ['a limit of nothing', { ...query, Limit: 0 }],
    [
      'a value that is not used',
      { ...query, ExpressionAttributeValues: { ':p': { S: 'a' }, ':x': { S: '' } } },
    ],
    ['a value that is not defined', { ...query, FilterExpression: 'x = :x' }],
    ['a syntax error', { ...query, FilterExpression: 'x = = :p' }],
    ['another key', { ...query, KeyConditionExpression: 'q = :p' }],
    ['another type of key', { ...query, ExpressionAttributeValues: { ':p': { N: '1' } } }],
    ['an empty key', { ...query, ExpressionAttributeValues: { ':p': { S: '' } } }],
    ['both kinds of parameters', { ...query, AttributesToGet: ['p'] }],
    ['no key', { TableName: 'Things' }],
  ])('%s', (_what, input) => {
    expect(read('Query', input)).toBeUndefined();
  });

  test('a Scan with a segment alone', () => {
    expect(read('Scan', { TableName: 'Things', Segment: 0 })).toBeUndefined();
  });
});

const canonicalMembers: Record<keyof Meaning, true> = {
  partition: true,
  sort: true,
  filter: true,
  projection: true,
  backward: true,
  limit: true,
  start: true,
  capacity: true,
  isCount: true,
};
