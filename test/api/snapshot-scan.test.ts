import { DynamoDBStreams } from '@aws-sdk/client-dynamodb-streams';
import { describe, expect, test } from 'vitest';
import { sequenceHeader, snapshotHeader } from '../../protocol/extension-headers.ts';
import { withHeader } from './extension-header.ts';
import { describeSetups, type Item, invalid } from './setups.ts';
import { streamedTable } from './streamed-table.ts';

/* Scans of many pages that show one state of a table, whatever is written meanwhile: what a consumer of its stream begins with. */

describeSetups((setup) => {
  async function page(TableName: string, asked: string, start?: Item, more = {}) {
    const input = { TableName, Limit: 7, ...(start !== undefined && { ExclusiveStartKey: start }), ...more };
    const { result, headers } = await withHeader(setup.clientIn(setup.region), snapshotHeader, asked, () =>
      setup.dynamo.scan(input),
    );
    return { ...result, id: headers[snapshotHeader] ?? '', sequence: headers[sequenceHeader] ?? '' };
  }

  describe('a snapshot', () => {
    test('shows the table as it was, and the records behind its sequence number make it what it is', async () => {
      const { name, arn } = await streamedTable(setup);
      for (let i = 0; i < 40; i++) await put(name, i, 'before');
      const first = await page(name, 'new');
      const found = [...(first.Items ?? [])];
      let last = first.LastEvaluatedKey;
      for (let i = 0; last !== undefined; i++) {
        await put(name, i, 'after');
        await put(name, 100 + i, 'new');
        await setup.dynamo.deleteItem({ TableName: name, Key: { p: { S: `${39 - i}` } } });
        const next = await page(name, first.id, last);
        expect(next.sequence).toBe(first.sequence);
        found.push(...(next.Items ?? []));
        last = next.LastEvaluatedKey;
      }
      expect(first.sequence).toMatch(/^\d{21}$/);
      const state = new Map(found.map((item) => [item.p?.S, item]));
      expect(found).toHaveLength(40);
      expect(new Set(found.map(({ v }) => v?.S))).toEqual(new Set(['before']));
      for (const { dynamodb } of await recordsBehind(arn, first.sequence)) {
        if (dynamodb?.NewImage === undefined) state.delete(dynamodb?.Keys?.p?.S);
        else state.set(dynamodb.NewImage.p?.S, dynamodb.NewImage);
      }
      const { Items: now = [] } = await setup.dynamo.scan({ TableName: name, ConsistentRead: true });
      expect([...state.values()].sort(byKey)).toEqual(now.sort(byKey));
    });

    test('is scanned in segments, and filtered', async () => {
      const { name } = await streamedTable(setup);
      for (let i = 0; i < 20; i++) await put(name, i, i % 2 === 0 ? 'even' : 'odd');
      const filter = {
        Limit: 100,
        TotalSegments: 3,
        FilterExpression: 'v = :v',
        ExpressionAttributeValues: { ':v': { S: 'odd' } },
      };
      const first = await page(name, 'new', undefined, { ...filter, Segment: 0 });
      let count = first.Count ?? 0;
      for (const Segment of [1, 2])
        count += (await page(name, first.id, undefined, { ...filter, Segment })).Count ?? 0;
      expect(count).toBe(10);
    });

    test('is of one table, and not of an index', async () => {
      const { name } = await streamedTable(setup);
      const { name: other } = await streamedTable(setup);
      const { id } = await page(name, 'new');
      const unknown = /^x-slipstream-snapshot: there is no snapshot .*; begin again with: new$/;
      await expect(page(other, id)).rejects.toMatchObject(invalid(unknown));
      await expect(page(name, 'none')).rejects.toMatchObject(invalid(unknown));
      await expect(page(name, 'new', undefined, { IndexName: 'any' })).rejects.toMatchObject(
        invalid('x-slipstream-snapshot is for tables, not for their indexes'),
      );
      await expect(page('no-such-table', 'new')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    });

    test('of a table that is deleted meanwhile is not found', async () => {
      const { name } = await streamedTable(setup);
      await put(name, 1, 'before');
      const taken = page(name, 'new');
      await setup.dynamo.deleteTable({ TableName: name });
      await expect(taken).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    });
  });

  function put(TableName: string, key: number, v: string) {
    return setup.dynamo.putItem({ TableName, Item: { p: { S: `${key}` }, v: { S: v } } });
  }

  /** In the order of their sequence numbers. */
  async function recordsBehind(StreamArn: string, sequence: string) {
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    const streams = new DynamoDBStreams({ endpoint: setup.address, region: setup.region, credentials });
    try {
      const { StreamDescription } = await streams.describeStream({ StreamArn });
      const pages = (StreamDescription?.Shards ?? []).map(async ({ ShardId }) => {
        const start = { StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' } as const;
        const { ShardIterator } = await streams.getShardIterator(start);
        return (await streams.getRecords({ ShardIterator })).Records ?? [];
      });
      const records = (await Promise.all(pages)).flat();
      const behind = records.filter(({ dynamodb }) => (dynamodb?.SequenceNumber ?? '') > sequence);
      return behind.sort((a, b) =>
        (a.dynamodb?.SequenceNumber ?? '') < (b.dynamodb?.SequenceNumber ?? '') ? -1 : 1,
      );
    } finally {
      streams.destroy();
    }
  }
});

function byKey(a: Item, b: Item): number {
  return (a.p?.S ?? '') < (b.p?.S ?? '') ? -1 : 1;
}
