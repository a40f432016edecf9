import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Bucket } from '../../../engine/transfer/bucket.ts';
import { type BucketPlace, openBucket } from '../../../engine/transfer/bucket-place.ts';
import { S3Server } from './s3-server.ts';

/* Both kinds of buckets, as the engine uses them. */

const options = { name: 'my-bucket', region: 'eu-central-1' };
let directory: string;
let server: S3Server;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'slipstream-bucket-'));
  mkdirSync(join(directory, 'my-bucket'));
  server = await S3Server.start();
  server.buckets.set('my-bucket', new Map());
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

const places: Record<string, () => BucketPlace> = {
  folder: () => ({ kind: 'folder', directory }),
  s3: () => ({ kind: 's3', endpoint: server.url }),
};

async function* chunks(...parts: (string | Buffer)[]) {
  for (const part of parts) yield Buffer.from(part);
}

async function* inPieces(bytes: Buffer) {
  for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
}

async function allOf<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of source) all.push(one);
  return all;
}

async function keysOf(bucket: Bucket, prefix = ''): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of bucket.list(prefix)) keys.push(key);
  return keys;
}

async function contentOf(bucket: Bucket, key: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const object of bucket.list(key))
    if (object.key === key) for await (const part of bucket.read(object)) parts.push(part);
  return Buffer.concat(parts);
}

describe.each(['folder', 's3'])('a bucket in a %s', (kind) => {
  const open = () => openBucket(places[kind]?.() ?? { kind: 'folder', directory }, options);

  test('gives back what was written', async () => {
    const bucket = await open();
    const { etag } = await bucket.write('some/key.txt', chunks('one ', 'two'));
    expect(etag).toMatch(/^[0-9a-f]{32}$/);
    expect(`${await contentOf(bucket, 'some/key.txt')}`).toBe('one two');
    await bucket.write('some/key.txt', chunks());
    expect(`${await contentOf(bucket, 'some/key.txt')}`).toBe('');
    bucket.close();
  });

  test('lists keys with a prefix, in their order', async () => {
    const bucket = await open();
    const keys = ['a', 'a-b', 'a/1', 'a/b/2', 'a0', 'b', 'é', 'ü/3'];
    for (const key of [...keys].reverse()) {
      if (kind === 'folder' && keys.some((other) => other.startsWith(`${key}/`))) continue;
      await bucket.write(key, chunks(key));
    }
    const there = kind === 'folder' ? keys.filter((key) => key !== 'a') : keys;
    expect(await keysOf(bucket)).toEqual(there);
    expect(await keysOf(bucket, 'a/')).toEqual(['a/1', 'a/b/2']);
    expect(await keysOf(bucket, 'a/b')).toEqual(['a/b/2']);
    expect(await keysOf(bucket, 'nothing')).toEqual([]);
    bucket.close();
  });

  test('has nothing of what could not be written', async () => {
    const bucket = await open();
    async function* failing() {
      yield Buffer.alloc(20 * 1024 * 1024);
      throw new Error('no more');
    }
    await expect(bucket.write('key', failing())).rejects.toThrow('no more');
    expect(await keysOf(bucket)).toEqual([]);
    expect(server.uploads.size).toBe(0);
    bucket.close();
  });

  test('notices that an object is another one than was listed', async () => {
    const bucket = await open();
    await bucket.write('key', chunks('before'));
    const [listed] = await allOf(bucket.list('key'));
    await bucket.write('key', chunks('after it'));
    const reading = async () => {
      if (listed !== undefined) for await (const _ of bucket.read(listed));
    };
    await expect(reading()).rejects.toMatchObject({ failureCode: 'S3PreconditionFailed' });
    bucket.close();
  });

  test('is missed where there is none', async () => {
    const opening = async () => {
      const bucket = await openBucket(places[kind]?.() ?? { kind: 'folder', directory }, {
        ...options,
        name: 'nowhere',
      });
      await keysOf(bucket).finally(() => bucket.close());
    };
    await expect(opening()).rejects.toMatchObject({ failureCode: 'S3NoSuchBucket' });
  });
});

describe('a folder', () => {
  test.each(['', '/a', 'a/', 'a//b', '.', '..', '../a', 'a/../../b', 'a/./b', 'a\0b', 'x'.repeat(300)])(
    'is not left by the key %j',
    async (key) => {
      const bucket = await openBucket({ kind: 'folder', directory }, options);
      await expect(bucket.write(key, chunks('x'))).rejects.toMatchObject({ failureCode: 'S3InvalidKey' });
      expect(readdirSync(directory)).toEqual(['my-bucket']);
    },
  );

  test('is not left through links', async () => {
    const outside = join(directory, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'secret'), 'secret');
    symlinkSync(outside, join(directory, 'my-bucket', 'link'));
    symlinkSync(join(outside, 'secret'), join(directory, 'my-bucket', 'file'));
    const bucket = await openBucket({ kind: 'folder', directory }, options);
    expect(await keysOf(bucket)).toEqual([]);
    await expect(bucket.write('link/new', chunks('x'))).rejects.toMatchObject({
      failureCode: 'S3InvalidKey',
    });
    const reading = async (key: string) => {
      for await (const _ of bucket.read({ key, bytes: 6, etag: '' }));
    };
    await expect(reading('link/secret')).rejects.toMatchObject({ failureCode: 'S3InvalidKey' });
    await expect(reading('file')).rejects.toThrow();
    await bucket.write('file', chunks('new'));
    expect(readdirSync(outside)).toEqual(['secret']);
  });
});

describe('S3', () => {
  const s3 = () => openBucket({ kind: 's3', endpoint: server.url }, options);

  test('gets large objects in parts, and gives them in ranges', async () => {
    const bucket = await s3();
    const large = Buffer.alloc(20 * 1024 * 1024 + 5, 'large ');
    const { etag } = await bucket.write('large', inPieces(large));
    expect(etag).toMatch(/^combined-/);
    expect(server.requests.filter((request) => request.includes('partNumber'))).not.toEqual([]);
    expect((await contentOf(bucket, 'large')).equals(large)).toBe(true);
    expect(server.requests.filter((request) => request.startsWith('GET /my-bucket/large'))).toHaveLength(3);
    bucket.close();
  });

  test('is listed page by page', async () => {
    server.pageKeysMax = 2;
    const bucket = await s3();
    for (let i = 0; i < 5; i++) await bucket.write(`key-${i}`, chunks('x'));
    expect(await keysOf(bucket)).toEqual(['key-0', 'key-1', 'key-2', 'key-3', 'key-4']);
    bucket.close();
  });

  test('is tried again where a reading breaks off, and where it is short of breath', async () => {
    const bucket = await s3();
    await bucket.write('key', chunks('content'));
    const [listed] = await allOf(bucket.list('key'));
    if (listed === undefined) throw new Error('the key is not listed');
    server.failures.push('break', { status: 503, code: 'SlowDown' });
    const parts = await allOf(bucket.read(listed));
    expect(`${Buffer.concat(parts)}`).toBe('content');
    bucket.close();
  });

  test('is quoted where it refuses', async () => {
    const bucket = await s3();
    server.failures.push({ status: 403, code: 'AccessDenied' });
    await expect(bucket.write('key', chunks('x'))).rejects.toMatchObject({
      failureCode: 'S3AccessDenied',
      message:
        'What AccessDenied says (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied; Request ID: REQUEST)',
    });
    bucket.close();
  });
});
