import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Item } from '../../../protocol/attribute-value.ts';
import { S3Server } from './s3-server.ts';
import { bucket, byKey, linesIn, TransferEngine } from './transfer-engine.ts';

/* Exports to S3 and imports from there, with a stand-in for S3. */

let server: S3Server;
let engine: TransferEngine;

beforeEach(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  server = await S3Server.start();
  server.buckets.set(bucket, new Map());
  engine = await TransferEngine.open({ s3Endpoint: server.url });
});

afterEach(async () => {
  await engine.test.remove();
  await server.close();
  vi.unstubAllEnvs();
});

test('a table that was exported to S3 is imported from there', async () => {
  await engine.createWithRecovery('music');
  const items = Array.from({ length: 30 }, (_, i): Item => ({ p: { S: `p${i}` }, v: { N: `${i}` } }));
  for (const item of items) await engine.put('music', item);
  const ended = await engine.export('music', { S3Prefix: 'exports' });
  expect(ended).toMatchObject({ ExportStatus: 'COMPLETED', ItemCount: 30 });
  const objects = server.buckets.get(bucket) ?? new Map<string, Buffer>();
  expect([...objects.keys()].at(-1)).toBe(ended.ExportManifest);
  const data = [...objects].filter(([key]) => key.endsWith('.json.gz'));
  const exported = data.flatMap(([, bytes]) => linesIn(gunzipSync(bytes).toString()));
  expect(byKey(exported.map((line) => (JSON.parse(line) as { Item: Item }).Item))).toEqual(byKey(items));
  const imported = await engine.import('copy', {
    S3BucketSource: {
      S3Bucket: bucket,
      S3KeyPrefix: ended.ExportManifest.replace('manifest-summary.json', 'data/'),
    },
    InputCompressionType: 'GZIP',
  });
  expect(imported).toMatchObject({ ImportStatus: 'COMPLETED', ImportedItemCount: 30 });
  expect(byKey(await engine.items('copy'))).toEqual(byKey(items));
});

test('what S3 refuses is told', async () => {
  await engine.createWithRecovery('music');
  server.failures.push({ status: 403, code: 'AccessDenied' });
  expect(await engine.export('music')).toMatchObject({
    ExportStatus: 'FAILED',
    FailureCode: 'S3AccessDenied',
    FailureMessage: expect.stringContaining('Error Code: AccessDenied'),
  });
  expect(await engine.import('copy', { S3BucketSource: { S3Bucket: 'nowhere' } })).toMatchObject({
    ImportStatus: 'FAILED',
    FailureCode: 'S3NoSuchBucket',
  });
});

test('KMS is asked for where buckets are in S3', async () => {
  await engine.createWithRecovery('music');
  const ended = await engine.export('music', { S3SseAlgorithm: 'KMS', S3SseKmsKeyId: 'alias/mine' });
  expect(ended).toMatchObject({
    ExportStatus: 'COMPLETED',
    S3SseAlgorithm: 'KMS',
    S3SseKmsKeyId: 'alias/mine',
  });
});
