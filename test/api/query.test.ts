import type { AttributeValue, QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, test } from 'vitest';
import { describeSetups, type Item, invalid, refusal, type Setup } from './setups.ts';

type QueryPart = Omit<QueryCommandInput, 'TableName'>;

const P = { ':p': { S: 'a' } };

describeSetups((setup) => {
  const sortKeys = ['', 'a', 'aa', 'ab', 'b', 'ba', 'c'].map((text) => `s${text}`);
  let TableName: string;

  beforeAll(async () => {
    TableName = await setup.table({ s: 'S' });
    const items = sortKeys.map((S, i) => ({
      p: { S: 'a' },
      s: { S },
      n: { N: `${i}` },
      ...(i % 2 === 0 && { even: { BOOL: true } }),
    }));
    const others = [
      { p: { S: 'b' }, s: { S: 'other' } },
      { p: { S: 'aa' }, s: { S: 's' } },
    ];
    await setup.dynamo.batchWriteItem({
      RequestItems: { [TableName]: [...items, ...others].map((Item) => ({ PutRequest: { Item } })) },
    });
  });

  function query(part: QueryPart) {
    return setup.dynamo.query({ TableName, ...part });
  }

  /** The sort keys of what a condition on the sort key finds. */
  async function found(condition: string, values: Item = {}, part: QueryPart = {}): Promise<string[]> {
    const { Items, Count, ScannedCount } = await query({
      KeyConditionExpression: condition === '' ? 'p = :p' : `p = :p AND ${condition}`,
      ExpressionAttributeValues: { ...P, ...values },
      ...part,
    });
    expect(Count).toBe(Items?.length);
    expect(ScannedCount).toBe(Count);
    return sortKeysOf(Items);
  }

  describe('a key condition', () => {
    const values = { ':b': { S: 'sb' } };
    test.each<[string, Item, string[]]>([
      ['', {}, sortKeys],
      ['s = :b', values, ['sb']],
      ['s < :b', values, ['s', 'sa', 'saa', 'sab']],
      ['s <= :b', values, ['s', 'sa', 'saa', 'sab', 'sb']],
      ['s > :b', values, ['sba', 'sc']],
      ['s >= :b', values, ['sb', 'sba', 'sc']],
      [':b <= s', values, ['sb', 'sba', 'sc']],
      ['s BETWEEN :a AND :b', { ...values, ':a': { S: 'saa' } }, ['saa', 'sab', 'sb']],
      ['begins_with(s, :a)', { ':a': { S: 'sa' } }, ['sa', 'saa', 'sab']],
      ['s = :b', { ':b': { S: 'nothing' } }, []],
      ['(s > :b)', values, ['sba', 'sc']],
    ])('%s', async (condition, conditionValues, expected) => {
      expect(await found(condition, conditionValues)).toEqual(expected);
      const backwards = await found(condition, conditionValues, { ScanIndexForward: false });
      expect(backwards).toEqual(expected.toReversed());
    });

    test('may name the sort key first, and both by placeholders', async () => {
      const { Items } = await query({
        KeyConditionExpression: '#s > :b AND #p = :p',
        ExpressionAttributeNames: { '#p': 'p', '#s': 's' },
        ExpressionAttributeValues: { ...P, ...values },
      });
      expect(sortKeysOf(Items)).toEqual(['sba', 'sc']);
    });

    test.each<[string, string, Item, string]>([
      ['without the partition key', 's = :p', P, 'Query condition missed key schema element: p'],
      ['on another attribute', 'p = :p AND n = :p', P, 'Query condition missed key schema element: s'],
      ['on a range of partition keys', 'p > :p', P, 'Query key condition not supported'],
      ['with OR', 'p = :p OR s = :p', P, 'Invalid operator used in KeyConditionExpression: OR'],
      ['with <>', 'p = :p AND s <> :p', P, 'Invalid operator used in KeyConditionExpression: <>'],
      [
        'with contains',
        'p = :p AND contains(s, :p)',
        P,
        'Invalid operator used in KeyConditionExpression: contains',
      ],
      ['with IN', 'p = :p AND s IN (:p)', P, 'Invalid operator used in KeyConditionExpression: IN'],
      [
        'with a nested path',
        'p = :p AND s.x = :p',
        P,
        'Invalid KeyConditionExpression: KeyConditionExpressions cannot have conditions on nested attributes',
      ],
      [
        'twice on one key',
        'p = :p AND p = :p',
        P,
        'Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key',
      ],
      [
        'of another type',
        'p = :p AND s = :n',
        { ...P, ':n': { N: '1' } },
        'One or more parameter values were invalid: Condition parameter type does not match schema type',
      ],
      [
        'with an empty value',
        'p = :p AND begins_with(s, :e)',
        { ...P, ':e': { S: '' } },
        'One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain ' +
          'an empty string value. Key: s',
      ],
      [
        'between bounds the wrong way round',
        'p = :p AND s BETWEEN :b AND :p',
        { ...P, ':b': { S: 'b' } },
        'Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to ' +
          'lower bound; lower bound operand: AttributeValue: {S:b}, upper bound operand: AttributeValue: {S:a}',
      ],
      ['that is empty', '', P, 'Invalid KeyConditionExpression: The expression can not be empty;'],
    ])('%s is refused', async (_name, KeyConditionExpression, ExpressionAttributeValues, message) => {
      await expect(query({ KeyConditionExpression, ExpressionAttributeValues })).rejects.toMatchObject(
        invalid(message),
      );
    });
  });

  describe('pages', () => {
    const all = { KeyConditionExpression: 'p = :p', ExpressionAttributeValues: P };

    test.each([1, 2, 3, 7, 8])('of %d items lead to the end, both ways', async (Limit) => {
      for (const ScanIndexForward of [true, false]) {
        const pages = await pagesOf(setup, { TableName, ...all, Limit, ScanIndexForward });
        const expected = ScanIndexForward ? sortKeys : sortKeys.toReversed();
        expect(pages.flatMap(({ keys }) => keys)).toEqual(expected);
        expect(pages.every(({ keys }) => keys.length <= Limit)).toBe(true);
        // A page that is full does not know whether anything comes behind it.
        expect(pages).toHaveLength(Math.floor(sortKeys.length / Limit) + 1);
      }
    });

    test('count their Limit before the filter', async () => {
      const pages = await pagesOf(setup, {
        TableName,
        ...all,
        FilterExpression: 'attribute_exists(even)',
        Limit: 2,
      });
      expect(pages.map(({ keys }) => keys)).toEqual([['s'], ['saa'], ['sb'], ['sc']]);
      expect(pages.map(({ scanned }) => scanned)).toEqual([2, 2, 2, 1]);
    });

    test('go on behind a key that is not there', async () => {
      const ExclusiveStartKey = { p: { S: 'a' }, s: { S: 'saaa' } };
      expect(await found('', {}, { ExclusiveStartKey })).toEqual(['sab', 'sb', 'sba', 'sc']);
      const backwards = await found('', {}, { ExclusiveStartKey, ScanIndexForward: false });
      expect(backwards).toEqual(['saa', 'sa', 's']);
    });

    test('end at a megabyte', async () => {
      const big = await setup.table({ s: 'N' });
      const items = Array.from({ length: 20 }, (_, i) => ({
        p: { S: 'a' },
        s: { N: `${i}` },
        f: { S: 'x'.repeat(60_000) },
      }));
      await setup.dynamo.batchWriteItem({
        RequestItems: { [big]: items.map((Item) => ({ PutRequest: { Item } })) },
      });
      for (const part of [
        {},
        { Select: 'COUNT' },
        { FilterExpression: 'attribute_exists(nothing)' },
      ] as const) {
        const pages = await pagesOf(setup, { TableName: big, ...all, ...part });
        expect(pages).toHaveLength(2);
        expect(pages[0]?.scanned).toBeGreaterThanOrEqual(17);
        expect(pages[0]?.scanned).toBeLessThanOrEqual(18);
        expect(pages.reduce((sum, { scanned }) => sum + scanned, 0)).toBe(20);
      }
    });

    const outside = 'The provided starting key does not match the range key predicate';
    test.each<[string, QueryPart, Item, string]>([
      ['of another table', {}, { x: { S: 'a' } }, 'The provided starting key is invalid'],
      ['with the partition key alone', {}, { p: { S: 'a' } }, 'The provided starting key is invalid'],
      [
        'with too many attributes',
        {},
        { p: { S: 'a' }, s: { S: 'sa' }, x: { S: 'a' } },
        'The provided starting key is invalid',
      ],
      [
        'of another type',
        {},
        { p: { S: 'a' }, s: { N: '1' } },
        'The provided key element does not match the schema',
      ],
      [
        'outside the condition',
        {
          KeyConditionExpression: 'p = :p AND s > :b',
          ExpressionAttributeValues: { ...P, ':b': { S: 'sb' } },
        },
        { p: { S: 'a' }, s: { S: 'sa' } },
        outside,
      ],
    ])('do not begin at a key %s', async (_name, part, ExclusiveStartKey, message) => {
      await expect(query({ ...all, ...part, ExclusiveStartKey })).rejects.toMatchObject(invalid(message));
    });
  });

  describe('what is asked for', () => {
    const all = { KeyConditionExpression: 'p = :p', ExpressionAttributeValues: P };

    test('a count', async () => {
      const reply = await query({ ...all, Select: 'COUNT' });
      expect(reply).toMatchObject({ Count: 7, ScannedCount: 7 });
      expect(reply).not.toHaveProperty('Items');
      const filtered = await query({ ...all, Select: 'COUNT', FilterExpression: 'attribute_exists(even)' });
      expect(filtered).toMatchObject({ Count: 4, ScannedCount: 7 });
    });

    test('attributes', async () => {
      const Limit = 2;
      const { Items } = await query({ ...all, Limit, ProjectionExpression: 's, n' });
      expect(Items).toEqual([
        { s: { S: 's' }, n: { N: '0' } },
        { s: { S: 'sa' }, n: { N: '1' } },
      ]);
      const none = await query({
        ...all,
        Limit,
        ProjectionExpression: 'nothing',
        Select: 'SPECIFIC_ATTRIBUTES',
      });
      expect(none.Items).toEqual([{}, {}]);
    });

    test('what passes a filter', async () => {
      const { Items, Count, ScannedCount } = await query({
        KeyConditionExpression: 'p = :p AND s > :a',
        FilterExpression: 'n BETWEEN :two AND :four AND NOT attribute_exists(even)',
        ExpressionAttributeValues: { ...P, ':a': { S: 'sa' }, ':two': { N: '2' }, ':four': { N: '4.0' } },
        ConsistentRead: true,
      });
      expect(sortKeysOf(Items)).toEqual(['sab']);
      expect([Count, ScannedCount]).toEqual([1, 5]);
    });

    test.each<[string, QueryPart, string]>([
      [
        'a filter on the key',
        { FilterExpression: 's = :p' },
        'Filter Expression can only contain non-primary key attributes: Primary key attribute: s',
      ],
      [
        'a projection and all attributes',
        { ProjectionExpression: 'n', Select: 'ALL_ATTRIBUTES' },
        '1 validation error detected: Cannot specify the ProjectionExpression when choosing to get ALL_ATTRIBUTES',
      ],
      [
        'a projection and a count',
        { ProjectionExpression: 'n', Select: 'COUNT' },
        '1 validation error detected: Cannot specify the ProjectionExpression when choosing to get only the Count',
      ],
      [
        'projected attributes without an index',
        { Select: 'ALL_PROJECTED_ATTRIBUTES' },
        '1 validation error detected: ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName',
      ],
      [
        'a projection and projected attributes without an index',
        { ProjectionExpression: 'n', Select: 'ALL_PROJECTED_ATTRIBUTES' },
        '1 validation error detected: Cannot specify the ProjectionExpression when choosing to get ' +
          'ALL_PROJECTED_ATTRIBUTES',
      ],
      [
        'specific attributes without saying which',
        { Select: 'SPECIFIC_ATTRIBUTES' },
        '1 validation error detected: Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES',
      ],
      [
        'an unknown selection',
        { Select: 'EVERYTHING' as 'COUNT' },
        "1 validation error detected: Value 'EVERYTHING' at 'select' failed to satisfy constraint: Member must " +
          'satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]',
      ],
      [
        'no items',
        { Limit: 0 },
        "1 validation error detected: Value at 'Limit' failed to satisfy constraint: " +
          'Member must have value greater than or equal to 1',
      ],
      ['an unknown index', { IndexName: 'nowhere' }, 'The table does not have the specified index: nowhere'],
    ])('never %s', async (_name, part, message) => {
      await expect(query({ ...all, ...part })).rejects.toMatchObject(invalid(message));
    });

    test('nothing without a condition, and nothing of an unknown table', async () => {
      await expect(query({})).rejects.toMatchObject(
        invalid(
          'Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.',
        ),
      );
      await expect(setup.dynamo.query({ TableName: 'no-such-table', ...all })).rejects.toMatchObject(
        refusal('ResourceNotFoundException', 'Requested resource not found'),
      );
    });
  });

  describe('the order', () => {
    test('of numbers is that of their values', async () => {
      const numbers = [
        '-1e125',
        '-99.1',
        '-10.1',
        '-9.9',
        '-9',
        '-1',
        '-0.1',
        '-1e-130',
        '0',
        '1e-130',
        '0.09',
        '0.1',
      ].concat(['0.99', '1', '1.1', '9', '9.9', '10', '10.1', '99', '100', '12345678901234567890', '1e125']);
      const sorted = await sortedBy(
        'N',
        numbers.map((N) => ({ N })),
      );
      expect(sorted.map(({ N }) => Number(N))).toEqual(numbers.map(Number));
    });

    test('of strings is that of their bytes in UTF-8', async () => {
      const strings = [
        '\u0000',
        ' ',
        '10',
        '2',
        'A',
        'a',
        'a\u0000',
        'aa',
        'z',
        'é',
        'éa',
        '€',
        '\ue000',
        '\ufffd',
        '😀',
        '😀a',
      ];
      const sorted = await sortedBy(
        'S',
        strings.map((S) => ({ S })),
      );
      expect(sorted.map(({ S }) => S)).toEqual(strings);
    });

    test('of binary values is that of unsigned bytes', async () => {
      const binaries = [[0], [0, 0], [1], [1, 255], [2], [127], [128], [255], [255, 0]].map((bytes) =>
        Uint8Array.from(bytes),
      );
      const sorted = await sortedBy(
        'B',
        binaries.map((B) => ({ B })),
      );
      expect(sorted.map(({ B }) => B)).toEqual(binaries);
    });

    /** The sort keys as a Query gives them, having been written in another order. */
    async function sortedBy(type: 'N' | 'S' | 'B', values: readonly AttributeValue[]) {
      const table = await setup.table({ s: type });
      const items = values.map((s) => ({ p: { S: 'a' }, s })).toReversed();
      await setup.dynamo.batchWriteItem({
        RequestItems: { [table]: items.map((Item) => ({ PutRequest: { Item } })) },
      });
      const input = { TableName: table, KeyConditionExpression: 'p = :p', ExpressionAttributeValues: P };
      const forward = (await setup.dynamo.query(input)).Items?.flatMap(({ s }) => s ?? []) ?? [];
      const backward = (await setup.dynamo.query({ ...input, ScanIndexForward: false })).Items?.map(
        ({ s }) => s ?? {},
      );
      expect(backward).toEqual(forward.toReversed());
      return forward;
    }
  });

  test('a table without a sort key has partitions of one', async () => {
    const table = await setup.sharedTable();
    const p = { S: setup.newName() };
    await setup.dynamo.putItem({ TableName: table, Item: { p } });
    const input = {
      TableName: table,
      KeyConditionExpression: 'p = :p',
      ExpressionAttributeValues: { ':p': p },
    };
    expect((await setup.dynamo.query(input)).Items).toEqual([{ p }]);
    expect((await setup.dynamo.query({ ...input, ExclusiveStartKey: { p } })).Items).toEqual([]);
    await expect(
      setup.dynamo.query({ ...input, KeyConditionExpression: 'p = :p AND s = :p' }),
    ).rejects.toMatchObject(invalid('Query key condition not supported'));
  });
});

/** Follows LastEvaluatedKey to the end. */
async function pagesOf(
  setup: Setup,
  input: QueryCommandInput,
): Promise<{ keys: string[]; scanned: number }[]> {
  const pages: { keys: string[]; scanned: number }[] = [];
  let ExclusiveStartKey: Item | undefined;
  do {
    const start: { ExclusiveStartKey?: Item } = ExclusiveStartKey === undefined ? {} : { ExclusiveStartKey };
    const page = await setup.dynamo.query({ ...input, ...start });
    pages.push({ keys: sortKeysOf(page.Items), scanned: page.ScannedCount ?? 0 });
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
  return pages;
}

function sortKeysOf(items: readonly Item[] | undefined): string[] {
  return (items ?? []).map((item) => item.s?.S ?? item.s?.N ?? '');
}
