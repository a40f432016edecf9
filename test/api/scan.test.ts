import type { ScanCommandInput } from '@aws-sdk/client-dynamodb';
import { beforeAll, expect, test } from 'vitest';
import { describeSetups, type Item, invalid, refusal, type Setup } from './setups.ts';

const count = 60;

describeSetups((setup) => {
  const ids = Array.from({ length: count }, (_, i) => `k${i % 20}/${i}`);
  let TableName: string;

  beforeAll(async () => {
    TableName = await setup.table({ s: 'N' });
    const items = Array.from({ length: count }, (_, i) => ({
      p: { S: `k${i % 20}` },
      s: { N: `${i}` },
      n: { N: `${i}` },
      ...(i % 3 === 0 && { third: { S: 'yes' } }),
    }));
    for (let i = 0; i < items.length; i += 20) {
      const requests = items.slice(i, i + 20).map((Item) => ({ PutRequest: { Item } }));
      await setup.dynamo.batchWriteItem({ RequestItems: { [TableName]: requests } });
    }
  });

  function scan(part: Omit<ScanCommandInput, 'TableName'>) {
    return setup.dynamo.scan({ TableName, ...part });
  }

  test('finds every item once', async () => {
    const { Items, Count, ScannedCount, LastEvaluatedKey } = await scan({});
    expect(idsOf(Items).toSorted()).toEqual(ids.toSorted());
    expect([Count, ScannedCount]).toEqual([count, count]);
    expect(LastEvaluatedKey).toBeUndefined();
  });

  test('keeps the items of a partition together, in the order of their sort keys', async () => {
    const { Items } = await scan({});
    const partitions = [...new Set(Items?.map(({ p }) => p?.S))];
    const inOrder = partitions.flatMap((partition) =>
      (Items ?? []).filter(({ p }) => p?.S === partition).sort((a, b) => Number(a.s?.N) - Number(b.s?.N)),
    );
    expect(Items).toEqual(inOrder);
  });

  test.each([1, 7, 59, 60, 61])('comes to the end in pages of %d', async (Limit) => {
    const pages = await pagesOf(setup, { TableName, Limit });
    expect(pages.flat()).toEqual(idsOf((await scan({})).Items));
    expect(pages).toHaveLength(Math.floor(count / Limit) + 1);
  });

  test.each([1, 2, 3, 8, 200])('of %d segments finds every item in one of them', async (TotalSegments) => {
    const segments = await Promise.all(
      Array.from({ length: TotalSegments }, (_, Segment) =>
        pagesOf(setup, { TableName, Segment, TotalSegments, Limit: 9 }),
      ),
    );
    expect(segments.flat(2).toSorted()).toEqual(ids.toSorted());
  });

  test('filters what it has read', async () => {
    const filter = {
      FilterExpression: 'third = :yes AND n < :n',
      ExpressionAttributeValues: { ':yes': { S: 'yes' }, ':n': { N: '30' } },
    };
    const { Items, Count, ScannedCount } = await scan(filter);
    expect(Items?.map(({ n }) => Number(n?.N)).toSorted((a, b) => a - b)).toEqual([
      0, 3, 6, 9, 12, 15, 18, 21, 24, 27,
    ]);
    expect([Count, ScannedCount]).toEqual([10, count]);
    const pages = await pagesOf(setup, { TableName, ...filter, Limit: 10 });
    expect(pages.flat()).toHaveLength(10);
    expect(pages).toHaveLength(7);
  });

  test('filters by key attributes too, and by what is not there', async () => {
    const byKey = await scan({
      FilterExpression: 'p = :p',
      ExpressionAttributeValues: { ':p': { S: 'k3' } },
    });
    expect(byKey.Count).toBe(3);
    const byNothing = await scan({
      FilterExpression: 'nothing = :p OR size(nothing) > :n',
      ExpressionAttributeValues: { ':p': { S: 'x' }, ':n': { N: '0' } },
    });
    expect(byNothing).toMatchObject({ Count: 0, ScannedCount: count, Items: [] });
  });

  test('counts, and projects', async () => {
    const counted = await scan({ Select: 'COUNT', FilterExpression: 'attribute_exists(third)' });
    expect(counted).toMatchObject({ Count: 20, ScannedCount: count });
    expect(counted).not.toHaveProperty('Items');
    const { Items } = await scan({
      ProjectionExpression: '#n',
      ExpressionAttributeNames: { '#n': 'n' },
      ConsistentRead: true,
    });
    expect(Items?.every((item) => Object.keys(item).join() === 'n')).toBe(true);
  });

  test('goes on behind a key that is not there', async () => {
    const all = idsOf((await scan({})).Items);
    const first = (all[0] ?? '').split('/')[0] ?? '';
    const { Items } = await scan({ ExclusiveStartKey: { p: { S: first }, s: { N: '1000' } } });
    expect(idsOf(Items)).toEqual(all.filter((id) => !id.startsWith(`${first}/`)));
  });

  test('pages end at a megabyte', async () => {
    const big = await setup.table();
    const payload = { S: 'x'.repeat(60_000) };
    const requests = Array.from({ length: 20 }, (_, i) => ({
      PutRequest: { Item: { p: { S: `${i}` }, payload } },
    }));
    await setup.dynamo.batchWriteItem({ RequestItems: { [big]: requests } });
    const { Count, LastEvaluatedKey } = await setup.dynamo.scan({ TableName: big });
    expect(Count).toBeGreaterThanOrEqual(17);
    expect(Count).toBeLessThanOrEqual(18);
    const rest = await setup.dynamo.scan({ TableName: big, ExclusiveStartKey: LastEvaluatedKey });
    expect((Count ?? 0) + (rest.Count ?? 0)).toBe(20);
    expect(rest.LastEvaluatedKey).toBeUndefined();
  });

  test.each<[string, Omit<ScanCommandInput, 'TableName'>, string | RegExp]>([
    [
      'a segment of none',
      { Segment: 0 },
      'The TotalSegments parameter is required but was not present in the request when Segment parameter is present',
    ],
    [
      'segments without saying which',
      { TotalSegments: 4 },
      'The Segment parameter is required but was not present in the request when parameter TotalSegments is present',
    ],
    [
      'a segment behind the last',
      { Segment: 5, TotalSegments: 5 },
      'The Segment parameter is zero-based and must be less than parameter TotalSegments: ' +
        'Segment: 5 is not less than TotalSegments: 5',
    ],
    [
      'too many segments',
      { Segment: 0, TotalSegments: 1_000_001 },
      "1 validation error detected: Value '1000001' at 'totalSegments' failed to satisfy constraint: " +
        'Member must have value less than or equal to 1000000',
    ],
    [
      'a page of none',
      { Limit: 0 },
      "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: " +
        'Member must have value greater than or equal to 1',
    ],
    [
      'a start that is no key',
      { ExclusiveStartKey: { p: { S: 'a' } } },
      'The provided starting key is invalid: The provided key element does not match the schema',
    ],
    [
      'a filter without its values',
      { FilterExpression: 'n = :n' },
      'Invalid FilterExpression: An expression attribute value used in expression is not defined; attribute value: :n',
    ],
    ['an unknown index', { IndexName: 'nowhere' }, 'The table does not have the specified index: nowhere'],
  ])('refuses %s', async (_name, part, message) => {
    await expect(scan(part)).rejects.toMatchObject(invalid(message));
  });

  test('refuses to go on in a segment where another was left', async () => {
    const whole = await scan({ Limit: 1 });
    const start = whole.LastEvaluatedKey;
    const inSegment = (Segment: number) => scan({ Segment, TotalSegments: 2, ExclusiveStartKey: start });
    const settled = await Promise.allSettled([inSegment(0), inSegment(1)]);
    const refused = settled.filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(1);
    expect(refused[0]?.reason).toMatchObject(
      invalid(
        /^The provided starting key is invalid: Invalid ExclusiveStartKey\. Please use ExclusiveStartKey with correct Segment\. TotalSegments: 2 Segment: [01]$/,
      ),
    );
  });

  test('refuses a table that is not there', async () => {
    await expect(setup.dynamo.scan({ TableName: 'no-such-table' })).rejects.toMatchObject(
      refusal('ResourceNotFoundException', 'Requested resource not found'),
    );
  });
});

/** Follows LastEvaluatedKey to the end. */
async function pagesOf(setup: Setup, input: ScanCommandInput): Promise<string[][]> {
  const pages: string[][] = [];
  let ExclusiveStartKey: Item | undefined;
  do {
    const start: { ExclusiveStartKey?: Item } = ExclusiveStartKey === undefined ? {} : { ExclusiveStartKey };
    const page = await setup.dynamo.scan({ ...input, ...start });
    pages.push(idsOf(page.Items));
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
  return pages;
}

function idsOf(items: readonly Item[] | undefined): string[] {
  return (items ?? []).map(({ p, s }) => `${p?.S}/${s?.N}`);
}
