import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Item } from '../../../protocol/attribute-value.ts';
import { bucket, byKey, linesIn, TransferEngine, tableArn, waiting } from './transfer-engine.ts';

let engine: TransferEngine;

beforeEach(async () => {
  engine = await TransferEngine.open();
});

afterEach(() => engine.test.remove());

const minuteMs = 60_000;
const name = 'music';

async function fill(count: number): Promise<Item[]> {
  const items = Array.from({ length: count }, (_, i): Item => ({ p: { S: `p${i}` }, v: { N: `${i}` } }));
  for (const item of items) await engine.put(name, item);
  return items;
}

function md5(bytes: Buffer | undefined): string {
  return createHash('md5')
    .update(bytes ?? '')
    .digest('base64');
}

describe('a full export', () => {
  test('has all items in AWS’s files', async () => {
    await engine.createWithRecovery(name);
    const items = await fill(40);
    const before = engine.nowMs;
    const ended = await engine.export(name, { S3Prefix: 'some/where' });
    expect(ended).toMatchObject({ ExportStatus: 'COMPLETED', ItemCount: 40 });
    const id = ended.ExportArn.slice(`${tableArn(name)}/export/`.length);
    expect(id).toMatch(/^[0-9]{14}-[0-9a-f]{8}$/);
    const folder = `some/where/AWSDynamoDB/${id}/`;
    expect(ended.ExportManifest).toBe(`${folder}manifest-summary.json`);
    expect(byKey(engine.exportedItems(ended.ExportManifest))).toEqual(byKey(items));
    const files = engine.files();
    const names = [...files.keys()].map((key) => key.slice(folder.length));
    expect(names.filter((file) => !file.startsWith('data/')).sort()).toEqual([
      '_started',
      'manifest-files.json',
      'manifest-files.md5',
      'manifest-summary.json',
      'manifest-summary.md5',
    ]);
    const data = names.filter((file) => file.startsWith('data/'));
    expect(data).toHaveLength(4);
    for (const file of data) expect(file).toMatch(/^data\/[a-z2-7]{26}\.json\.gz$/);
    for (const file of ['manifest-files', 'manifest-summary'])
      expect(`${files.get(`${folder}${file}.md5`)}`).toBe(md5(files.get(`${folder}${file}.json`)));
    for (const line of linesIn(`${files.get(`${folder}manifest-files.json`)}`)) {
      const { md5Checksum, etag, dataFileS3Key } = JSON.parse(line) as Record<string, string>;
      expect(md5Checksum).toBe(md5(files.get(dataFileS3Key ?? '')));
      expect(Buffer.from(etag ?? '', 'hex').toString('base64')).toBe(md5Checksum);
    }
    const summary = JSON.parse(`${files.get(ended.ExportManifest)}`) as Record<string, unknown>;
    expect(summary).toMatchObject({
      version: '2020-06-30',
      exportArn: ended.ExportArn,
      tableArn: tableArn(name),
      s3Bucket: bucket,
      s3Prefix: 'some/where',
      s3SseAlgorithm: 'AES256',
      s3SseKmsKeyId: null,
      manifestFilesS3Key: `${folder}manifest-files.json`,
      billedSizeBytes: ended.BilledSizeBytes,
      itemCount: 40,
      outputFormat: 'DYNAMODB_JSON',
    });
    expect(Date.parse(`${summary.exportTime}`)).toBeGreaterThanOrEqual(before);
    expect(summary).not.toHaveProperty('exportType');
  });

  test('of a moment has what was there by the end of its second', async () => {
    await engine.createWithRecovery(name);
    await fill(5);
    const then = engine.nowMs;
    engine.moveOn(5000);
    await fill(9);
    await engine.call('DeleteItem', { TableName: name, Key: { p: { S: 'p0' } } });
    engine.moveOn(5000);
    const ended = await engine.export(name, { ExportTime: then / 1000 });
    expect(ended).toMatchObject({ ExportStatus: 'COMPLETED', ItemCount: 5 });
    expect(engine.exportedItems(ended.ExportManifest)).toHaveLength(5);
    expect((await engine.export(name)).ItemCount).toBe(8);
  });

  test('of a table without items has four empty files', async () => {
    await engine.createWithRecovery(name);
    const ended = await engine.export(name, { ExportFormat: 'ION' });
    expect(ended).toMatchObject({ ExportStatus: 'COMPLETED', ItemCount: 0, BilledSizeBytes: 0 });
    expect(engine.lines(ended.ExportManifest)).toEqual([]);
    expect([...engine.files().keys()].filter((key) => key.endsWith('.ion.gz'))).toHaveLength(4);
  });

  test('fails where there is no such bucket', async () => {
    await engine.createWithRecovery(name);
    expect(await engine.export(name, { S3Bucket: 'nowhere' })).toMatchObject({
      ExportStatus: 'FAILED',
      FailureCode: 'S3NoSuchBucket',
      FailureMessage: expect.stringContaining('The specified bucket does not exist'),
    });
    expect(await engine.export(name, { S3BucketOwner: '123456789012' })).toMatchObject({
      ExportStatus: 'FAILED',
      FailureCode: 'S3AccessDenied',
    });
    for (const S3Prefix of ['../other', '/a', 'a//b', 'a/./b']) {
      expect(await engine.export(name, { S3Prefix })).toMatchObject({ FailureCode: 'S3InvalidKey' });
    }
  });

  test('is another one for a token that is older than eight hours', async () => {
    await engine.createWithRecovery(name);
    const first = await engine.export(name, { ClientToken: 'mine' });
    engine.moveOn(8 * 60 * minuteMs - minuteMs);
    expect((await engine.startExport(name, { ClientToken: 'mine' })).ExportArn).toBe(first.ExportArn);
    engine.moveOn(2 * minuteMs);
    expect((await engine.startExport(name, { ClientToken: 'mine' })).ExportArn).not.toBe(first.ExportArn);
  });

  test('ends though its table is deleted meanwhile', async () => {
    await engine.createWithRecovery(name);
    await fill(50);
    // With a base to begin with, what it needs is pinned at once.
    await engine.export(name);
    const { ExportArn } = await engine.startExport(name);
    await engine.call('DeleteTable', { TableName: name });
    const status = async () => (await engine.describeExport(ExportArn)).ExportStatus;
    await expect.poll(status, waiting).toBe('COMPLETED');
    expect(engine.exportedItems((await engine.describeExport(ExportArn)).ExportManifest)).toHaveLength(50);
    await engine.test.untilStatus(name, undefined);
  });

  test('that a restart interrupts is made by the next process, under its names', async () => {
    await engine.createWithRecovery(name);
    const items = await fill(300);
    const { ExportArn } = await engine.startExport(name);
    await engine.test.reopen();
    await expect
      .poll(async () => (await engine.describeExport(ExportArn)).ExportStatus, { timeout: 30_000 })
      .toBe('COMPLETED');
    const { ExportManifest } = await engine.describeExport(ExportArn);
    expect(byKey(engine.exportedItems(ExportManifest))).toEqual(byKey(items));
    expect([...engine.files().keys()]).toHaveLength(9);
  });

  test('that a restart interrupts fails where recovery was switched off since', async () => {
    await engine.createWithRecovery(name);
    rmSync(engine.path(''), { recursive: true });
    const { ExportArn } = await engine.startExport(name);
    await engine.call('UpdateContinuousBackups', {
      TableName: name,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: false },
    });
    await engine.test.reopen();
    const status = async () => (await engine.describeExport(ExportArn)).ExportStatus;
    await expect.poll(status, { timeout: 30_000 }).toBe('FAILED');
  });
});

describe('an incremental export', () => {
  async function changed(): Promise<{ ExportFromTime: number; ExportToTime: number }> {
    await engine.createWithRecovery(name);
    await fill(4);
    engine.moveOn(minuteMs);
    const fromMs = engine.nowMs;
    engine.moveOn(5 * minuteMs);
    await engine.put(name, { p: { S: 'p0' }, v: { N: '100' } });
    await engine.put(name, { p: { S: 'p0' }, v: { N: '200' } });
    await engine.put(name, { p: { S: 'new' } });
    await engine.call('DeleteItem', { TableName: name, Key: { p: { S: 'p1' } } });
    await engine.put(name, { p: { S: 'passing' } });
    await engine.call('DeleteItem', { TableName: name, Key: { p: { S: 'passing' } } });
    engine.moveOn(15 * minuteMs);
    const toMs = engine.nowMs;
    engine.moveOn(minuteMs);
    await engine.put(name, { p: { S: 'p2' }, v: { N: 'later'.length.toString() } });
    return { ExportFromTime: fromMs / 1000, ExportToTime: toMs / 1000 };
  }

  const item = (p: string, v: string) => ({ p: { S: p }, v: { N: v } });

  test('has what has become of each item that was changed', async () => {
    const period = await changed();
    const ended = await engine.export(name, {
      ExportType: 'INCREMENTAL_EXPORT',
      IncrementalExportSpecification: period,
    });
    expect(ended).toMatchObject({
      ExportStatus: 'COMPLETED',
      ItemCount: 3,
      BilledSizeBytes: 10_000_000,
      IncrementalExportSpecification: { ...period, ExportViewType: 'NEW_AND_OLD_IMAGES' },
    });
    const lines = new Map(engine.changeLines(ended.ExportManifest).map((line) => [line.Keys.p, line]));
    expect(new Set([...lines.values()].map(({ Metadata: _time, ...images }) => images))).toEqual(
      new Set([
        { Keys: { p: { S: 'p0' } }, OldImage: item('p0', '0'), NewImage: item('p0', '200') },
        { Keys: { p: { S: 'new' } }, NewImage: { p: { S: 'new' } } },
        { Keys: { p: { S: 'p1' } }, OldImage: item('p1', '1') },
      ]),
    );
    for (const { Metadata } of lines.values()) {
      const seconds = Number(Metadata.WriteTimestampMicros.N) / 1e6;
      expect(seconds).toBeGreaterThanOrEqual(period.ExportFromTime);
      expect(seconds).toBeLessThan(period.ExportToTime);
    }
    const summary = JSON.parse(`${engine.files().get(ended.ExportManifest)}`) as Record<string, unknown>;
    expect(summary).toMatchObject({
      version: '2023-08-01',
      outputView: 'NEW_AND_OLD_IMAGES',
      exportType: 'INCREMENTAL_EXPORT',
      exportFromTime: new Date(period.ExportFromTime * 1000).toISOString(),
    });
    const data = [...engine.files().keys()].filter((key) => key.endsWith('.gz'));
    for (const key of data) expect(key).toMatch(/^AWSDynamoDB\/data\/[a-z2-7]{26}\.json\.gz$/);
  });

  test('has new images only where that is asked for, to the latest time unless said', async () => {
    const { ExportFromTime } = await changed();
    engine.moveOn(minuteMs);
    const ended = await engine.export(name, {
      ExportType: 'INCREMENTAL_EXPORT',
      IncrementalExportSpecification: { ExportFromTime, ExportViewType: 'NEW_IMAGE' },
    });
    const lines = engine.changeLines(ended.ExportManifest);
    expect(new Set(lines.map(({ Metadata: _time, ...images }) => images))).toEqual(
      new Set([
        { Keys: { p: { S: 'p0' } }, NewImage: item('p0', '200') },
        { Keys: { p: { S: 'p2' } }, NewImage: item('p2', '5') },
        { Keys: { p: { S: 'new' } }, NewImage: { p: { S: 'new' } } },
        { Keys: { p: { S: 'p1' } } },
      ]),
    );
  });
});
