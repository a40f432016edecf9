import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Item } from '../../../protocol/attribute-value.ts';
import { bucket, byKey, type ImportDescription, TransferEngine, tableArn } from './transfer-engine.ts';

let engine: TransferEngine;

beforeEach(async () => {
  engine = await TransferEngine.open();
});

afterEach(() => engine.test.remove());

function upload(key: string, content: string | Buffer): void {
  mkdirSync(dirname(engine.path(key)), { recursive: true });
  writeFileSync(engine.path(key), content);
}

const lineOf = (item: object) => JSON.stringify({ Item: item });
const item = (p: string, v = '1') => ({ p: { S: p }, v: { N: v } });
const textOf = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');

const succeeded = (count: number) => ({
  ImportStatus: 'COMPLETED',
  ProcessedItemCount: count,
  ImportedItemCount: count,
  ErrorCount: 0,
});

const invalidItems = {
  ImportStatus: 'FAILED',
  FailureCode: 'ItemValidationError',
  FailureMessage: expect.stringContaining('failed validation checks'),
};

function rejections(): unknown[] {
  return engine.log
    .filter(({ message }) => message === 'an item cannot be imported')
    .map(({ details }) => details);
}

describe('an import', () => {
  test('makes a table of the objects that begin with the prefix', async () => {
    upload('import/a.json', textOf([lineOf(item('a')), '', '   ', lineOf(item('b'))]));
    upload('import/deep/c.json', lineOf(item('c')));
    upload('import/empty.json', '');
    upload('imported/other.json', lineOf(item('other')));
    const ended = await engine.import('music');
    const content = textOf([lineOf(item('a')), '', '   ', lineOf(item('b'))]) + lineOf(item('c'));
    expect(ended).toMatchObject({ ...succeeded(3), ProcessedSizeBytes: content.length });
    expect(byKey(await engine.items('music'))).toEqual([item('a'), item('b'), item('c')]);
    const { Table: table } = await engine.call<{ Table: object }>('DescribeTable', { TableName: 'music' });
    expect(table).toMatchObject({ TableStatus: 'ACTIVE', TableId: ended.TableId, ItemCount: 3 });
  });

  test('begins IN_PROGRESS, with what was asked for', async () => {
    const begun = await engine.startImport('music', { ClientToken: 'mine' });
    const summary = {
      ImportArn: expect.stringMatching(/^arn:.*:table\/music\/import\/[0-9]{14}-[0-9a-f]{8}$/),
      ImportStatus: 'IN_PROGRESS',
      TableArn: tableArn('music'),
      S3BucketSource: { S3Bucket: bucket, S3KeyPrefix: 'import/', S3BucketOwner: '000000000000' },
      CloudWatchLogGroupArn: 'arn:aws:logs:us-east-1:000000000000:log-group:/aws-dynamodb/imports:*',
      InputFormat: 'DYNAMODB_JSON',
      StartTime: expect.any(Number),
    };
    expect(begun).toEqual({
      ...summary,
      TableId: expect.any(String),
      ClientToken: 'mine',
      InputCompressionType: 'NONE',
      TableCreationParameters: {
        TableName: 'music',
        KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'p', AttributeType: 'S' }],
        BillingMode: 'PAY_PER_REQUEST',
      },
      ErrorCount: 0,
      ProcessedItemCount: 0,
      ImportedItemCount: 0,
    });
    const ended = await engine.importEnded(begun.ImportArn);
    expect(ended).not.toHaveProperty('ProcessedSizeBytes');
    expect(ended).toMatchObject(succeeded(0));
    const { ImportSummaryList: listed } = await engine.call('ListImports', {});
    expect(listed).toEqual([{ ...summary, ImportStatus: 'COMPLETED', EndTime: expect.any(Number) }]);
  });

  test('takes the last of the items with one key, and counts each', async () => {
    upload('import/a.json', textOf([lineOf(item('a', '1')), lineOf(item('b')), lineOf(item('a', '2'))]));
    upload('import/b.json', textOf([lineOf(item('b', '3'))]));
    expect(await engine.import('music')).toMatchObject(succeeded(4));
    expect(byKey(await engine.items('music'))).toEqual([item('a', '2'), item('b', '3')]);
  });

  test('fills the indexes', async () => {
    const items = Array.from({ length: 50 }, (_, i) => item(`p${i}`, `${i % 5}`));
    upload('import/a.json', textOf(items.map(lineOf)));
    const schema = (name: string) => [{ AttributeName: name, KeyType: 'HASH' }];
    const TableCreationParameters = {
      TableName: 'music',
      KeySchema: schema('p'),
      AttributeDefinitions: [
        { AttributeName: 'p', AttributeType: 'S' },
        { AttributeName: 'v', AttributeType: 'N' },
      ],
      BillingMode: 'PAY_PER_REQUEST',
      GlobalSecondaryIndexes: [
        { IndexName: 'values', KeySchema: schema('v'), Projection: { ProjectionType: 'ALL' } },
      ],
    };
    expect(await engine.import('music', { TableCreationParameters })).toMatchObject(succeeded(50));
    const { Count } = await engine.call('Query', {
      TableName: 'music',
      IndexName: 'values',
      KeyConditionExpression: 'v = :v',
      ExpressionAttributeValues: { ':v': { N: '3' } },
    });
    expect(Count).toBe(10);
  });

  test('of what was exported is the table again', async () => {
    await engine.createWithRecovery('music');
    const items: Item[] = Array.from({ length: 60 }, (_, i) => ({
      p: { S: `p${i}` },
      number: { N: `${i}.5` },
      bytes: { B: Buffer.from(`b${i}`).toString('base64') },
      set: { SS: ['a', `b${i}`] },
      map: { M: { list: { L: [{ NULL: true }, { BOOL: true }, { N: '1' }] }, 'a.b': { S: 'é🦑"\n' } } },
    }));
    for (const one of items) await engine.put('music', one);
    for (const ExportFormat of ['DYNAMODB_JSON', 'ION']) {
      const { ExportManifest } = await engine.export('music', { ExportFormat });
      const S3KeyPrefix = ExportManifest.replace('manifest-summary.json', 'data/');
      const ended = await engine.import(`copy-${ExportFormat}`, {
        S3BucketSource: { S3Bucket: bucket, S3KeyPrefix },
        InputFormat: ExportFormat,
        InputCompressionType: 'GZIP',
      });
      expect(ended).toMatchObject(succeeded(60));
      expect(byKey(await engine.items(`copy-${ExportFormat}`))).toEqual(byKey(await engine.items('music')));
    }
  });

  test('reads CSV and zstd', async () => {
    upload('import/a.csv', 'p;v\na;1\n"b; c";2\n');
    const options = { InputFormat: 'CSV', InputFormatOptions: { Csv: { Delimiter: ';' } } };
    expect(await engine.import('csv', options)).toMatchObject(succeeded(2));
    expect(byKey(await engine.items('csv'))).toEqual([
      { p: { S: 'a' }, v: { S: '1' } },
      { p: { S: 'b; c' }, v: { S: '2' } },
    ]);
    // Of two items, made by zstd 1.5.
    const frame = 'KLUv/SRQrQEAdAJ7Ikl0ZW0iOnsicFMiOiJ6MSJ9LCJ2TiI6IjEifX19CjIyIn19fQoEAOAQSxGSyR5r8QK9wNT9';
    upload('zstd/a.json.zst', Buffer.from(frame, 'base64'));
    const source = {
      S3BucketSource: { S3Bucket: bucket, S3KeyPrefix: 'zstd/' },
      InputCompressionType: 'ZSTD',
    };
    expect(await engine.import('zstd', source)).toMatchObject(succeeded(2));
    upload('zstd/a.json.zst', Buffer.from(frame, 'base64').subarray(0, 40));
    expect(await engine.import('cut', source)).toMatchObject({ ...invalidItems, ErrorCount: 1 });
  });
});

describe('what is wrong in objects', () => {
  test('is an item that the table cannot have: it is left out, and the others are there', async () => {
    const wrong = [
      { v: { N: '1' } },
      { p: { N: '1' } },
      { p: { S: '' } },
      { ...item('x'), '': { S: 'v' } },
      { ...item('x'), n: { N: 'one' } },
      { ...item('x'), big: { S: 'y'.repeat(410_000) } },
      { ...item('x'), two: { S: 'a', N: '1' } },
      { ...item('x'), text: { S: 5 } },
      7,
    ];
    upload('import/a.json', textOf([item('a'), ...wrong, item('b')].map((one) => lineOf(one as object))));
    const ended = await engine.import('music');
    expect(ended).toMatchObject({
      ...invalidItems,
      ProcessedItemCount: wrong.length + 2,
      ImportedItemCount: 2,
      ErrorCount: wrong.length,
    });
    expect(byKey(await engine.items('music'))).toEqual([item('a'), item('b')]);
    expect(rejections()).toHaveLength(wrong.length);
    expect(rejections()[0]).toMatchObject({
      import: ended.ImportArn,
      key: 'import/a.json',
      line: 2,
      reason: 'One or more parameter values were invalid: Missing the key p in the item',
      endsObject: false,
    });
  });

  test.each([
    ['a line that is no JSON', '{"Item": '],
    ['a line without an item', '{"NoItem": {}}'],
  ])('is %s: the rest of its object is left out', async (_, line) => {
    upload('import/a.json', textOf([lineOf(item('a')), line, lineOf(item('b'))]));
    upload('import/b.json', lineOf(item('c')));
    expect(await engine.import('music')).toMatchObject({
      ...invalidItems,
      ProcessedItemCount: 3,
      ImportedItemCount: 2,
      ErrorCount: 1,
    });
    expect(byKey(await engine.items('music'))).toEqual([item('a'), item('c')]);
  });

  test('is damage of what is compressed', async () => {
    const whole = gzipSync(
      textOf(Array.from({ length: 2000 }, (_, i) => lineOf(item(`p${i}`, `${i * 7919}`)))),
    );
    const flipped = Buffer.from(whole);
    flipped[whole.length >> 1] = (flipped[whole.length >> 1] as number) ^ 0x10;
    upload('import/cut.gz', whole.subarray(0, whole.length - 20));
    upload('import/flipped.gz', flipped);
    upload('import/plain.gz', lineOf(item('plain')));
    upload('import/whole.gz', gzipSync(lineOf(item('whole'))));
    const ended = await engine.import('music', { InputCompressionType: 'GZIP' });
    expect(ended).toMatchObject({ ...invalidItems, ErrorCount: 3 });
    expect(await engine.items('music')).toContainEqual(item('whole'));
    expect(rejections()).toHaveLength(3);
  });

  test('is told a hundred times at most', async () => {
    upload('import/a.json', textOf(Array.from({ length: 150 }, () => lineOf({ v: { S: 'no key' } }))));
    expect(await engine.import('music')).toMatchObject({ ...invalidItems, ErrorCount: 150 });
    expect(rejections()).toHaveLength(100);
  });
});

describe('an import that fails', () => {
  async function status(TableName: string): Promise<unknown> {
    return engine.call('DescribeTable', { TableName }).catch((error: { code: string }) => error.code);
  }

  test('for lack of a bucket leaves no table', async () => {
    const ended = await engine.import('music', { S3BucketSource: { S3Bucket: 'nowhere' } });
    expect(ended).toMatchObject({
      ImportStatus: 'FAILED',
      FailureCode: 'S3NoSuchBucket',
      ProcessedItemCount: 0,
      ErrorCount: 0,
    });
    expect(await status('music')).toBe('ResourceNotFoundException');
    expect(await engine.describeImport(ended.ImportArn)).toEqual(ended);
  });

  test('follows no link out of the bucket', async () => {
    writeFileSync(join(engine.test.directory, 'outside.json'), lineOf(item('outside')));
    mkdirSync(engine.path('import'));
    symlinkSync(join(engine.test.directory, 'outside.json'), engine.path('import/link.json'));
    symlinkSync(engine.test.directory, engine.path('import/folder'));
    expect(await engine.import('music')).toMatchObject(succeeded(0));
  });
});

describe('over restarts', () => {
  function uploadMany(): Item[] {
    const items = Array.from({ length: 20_000 }, (_, i) => ({
      ...item(`p${i}`),
      more: { S: 'x'.repeat(200) },
    }));
    for (let part = 0; part < 10; part++)
      upload(`import/${part}.json`, textOf(items.slice(part * 2000, part * 2000 + 2000).map(lineOf)));
    return items;
  }

  test('an import begins anew, and ends with all of it', async () => {
    const items = uploadMany();
    const { ImportArn, TableId } = await engine.startImport('music');
    for (let restart = 0; restart < 3; restart++) {
      await new Promise((resolve) => setTimeout(resolve, 100 * restart));
      await engine.test.reopen();
    }
    const ended: ImportDescription = await engine.importEnded(ImportArn);
    expect(ended).toMatchObject({ ...succeeded(items.length), TableId });
    expect(byKey(await engine.items('music'))).toEqual(byKey(items));
  });

  test('an import that has ended is remembered for 90 days', async () => {
    const { ImportArn } = await engine.import('music');
    await engine.test.reopen();
    expect(await engine.describeImport(ImportArn)).toMatchObject(succeeded(0));
    engine.moveOn(91 * 24 * 60 * 60 * 1000);
    await engine.test.reopen();
    await expect(engine.describeImport(ImportArn)).rejects.toMatchObject({ code: 'ImportNotFoundException' });
  });
});
