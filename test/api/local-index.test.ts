import type { QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, test } from 'vitest';
import { describeSetups, type Item, invalid, schemaOf, untilActive } from './setups.ts';

/* Items that a local index holds for equal are in the order of the table's sort key. */

describeSetups((setup) => {
  const numbers = ['-7', '-0.5', '0', '2', '10', '1e3'];
  const strings = ['A', 'a', 'a\0', 'a\u0001', 'aa', 'é', '\uffff', '\u{1f600}', 'z'.repeat(1024)];
  const inOrder = strings.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  let byString: string;
  let byNumber: string;

  /** Two partitions, in each all sort keys under each of the values that the index is sorted by. */
  async function tableOf(s: 'S' | 'N', sortKeys: readonly string[]): Promise<string> {
    const TableName = setup.newName();
    await setup.dynamo.createTable({ TableName, ...definitionOf(s) });
    await untilActive(setup.dynamo, TableName);
    for (const p of ['one', 'two']) {
      const items = sortKeys.map((value, i) => itemOf(p, s, value, i % 3 === 2 ? 'less' : 'same'));
      const requests = items.toReversed().map((Item) => ({ PutRequest: { Item } }));
      await setup.dynamo.batchWriteItem({ RequestItems: { [TableName]: requests } });
    }
    return TableName;
  }

  beforeAll(async () => {
    [byString, byNumber] = await Promise.all([tableOf('S', strings), tableOf('N', numbers)]);
  });

  async function read(TableName: string, part: Partial<QueryCommandInput>): Promise<string[]> {
    const found: string[] = [];
    let start: { ExclusiveStartKey?: Item } = {};
    do {
      const { Items, LastEvaluatedKey } = await setup.dynamo.query({
        TableName,
        IndexName: 'local',
        KeyConditionExpression: 'p = :p',
        ExpressionAttributeValues: { ':p': { S: 'one' } },
        ...part,
        ...start,
      });
      found.push(...(Items ?? []).map(({ a, s }) => `${a?.S} ${s?.S ?? Number(s?.N)}`));
      start = LastEvaluatedKey === undefined ? {} : { ExclusiveStartKey: LastEvaluatedKey };
    } while (start.ExclusiveStartKey !== undefined);
    return found;
  }

  /** As they have to come: by what the index is sorted by, and then by the sort key. */
  function expected(written: readonly string[], ordered: readonly string[], show = (text: string) => text) {
    const of = (a: string, isLess: boolean) =>
      ordered
        .filter((text) => (written.indexOf(text) % 3 === 2) === isLess)
        .map((text) => `${a} ${show(text)}`);
    return [...of('less', true), ...of('same', false)];
  }

  describe('a Query of a local index', () => {
    test.each([1, 2, 5, 100])('has ties in the order of sort keys, in pages of %i', async (Limit) => {
      const all = expected(strings, inOrder);
      expect(await read(byString, { Limit })).toEqual(all);
      expect(await read(byString, { Limit, ScanIndexForward: false })).toEqual(all.toReversed());
      const allNumbers = expected(numbers, numbers, (text) => `${Number(text)}`);
      expect(await read(byNumber, { Limit })).toEqual(allNumbers);
      expect(await read(byNumber, { Limit, ScanIndexForward: false })).toEqual(allNumbers.toReversed());
    });

    test('goes on between ties from a key where no item is any more', async () => {
      const ExclusiveStartKey = { p: { S: 'one' }, s: { N: '1' }, a: { S: 'same' } };
      const from = (ScanIndexForward: boolean) =>
        setup.dynamo.query({
          TableName: byNumber,
          IndexName: 'local',
          KeyConditionExpression: 'p = :p AND a = :a',
          ExpressionAttributeValues: { ':p': { S: 'one' }, ':a': { S: 'same' } },
          ScanIndexForward,
          ExclusiveStartKey,
        });
      expect((await from(true)).Items?.map(({ s }) => s?.N)).toEqual(['2', '10']);
      expect((await from(false)).Items?.map(({ s }) => s?.N)).toEqual(['-0.5', '-7']);
    });

    test('refuses to begin at a sort key that is too long', async () => {
      const ExclusiveStartKey = { p: { S: 'one' }, s: { S: 'z'.repeat(5000) }, a: { S: 'same' } };
      await expect(read(byString, { ExclusiveStartKey })).rejects.toMatchObject(invalid(/./));
    });
  });
});

function definitionOf(s: 'S' | 'N') {
  const { KeySchema, AttributeDefinitions } = schemaOf({ s });
  const index = {
    IndexName: 'local',
    KeySchema: [
      { AttributeName: 'p', KeyType: 'HASH' as const },
      { AttributeName: 'a', KeyType: 'RANGE' as const },
    ],
    Projection: { ProjectionType: 'KEYS_ONLY' as const },
  };
  return {
    BillingMode: 'PAY_PER_REQUEST' as const,
    KeySchema,
    AttributeDefinitions: [...AttributeDefinitions, { AttributeName: 'a', AttributeType: 'S' as const }],
    LocalSecondaryIndexes: [index],
  };
}

function itemOf(p: string, type: 'S' | 'N', value: string, a: string): Item {
  const s = type === 'S' ? { S: value } : { N: value };
  return { p: { S: p }, s, a: { S: a }, other: { S: 'other' } };
}
