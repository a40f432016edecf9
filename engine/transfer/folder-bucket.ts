import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { accountId } from '../../protocol/table-name.ts';
import { nodeFiles } from '../files.ts';
import type { Bucket, BucketObject, BucketOptions } from './bucket.ts';
import { BucketError, bucketAccessDenied, noSuchBucket, noSuchKey } from './bucket-error.ts';

/**
 * A folder that stands for a bucket: an object's key is its path.
 *
 *  1. Nothing outside of the folder is read or written: no part of a key is empty, `.` or `..`, and links are neither followed nor listed.
 *  2. An object under its own name is whole and on disk: it is written under another name, which no object has, synced and renamed.
 */
export class FolderBucket implements Bucket {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** @param parent of all buckets; a bucket's name is that of one folder. @throws BucketError */
  static async open(parent: string, { name, owner = accountId }: BucketOptions): Promise<FolderBucket> {
    if (owner !== accountId) throw bucketAccessDenied();
    const directory = join(parent, name);
    const found = await stat(directory).catch(() => undefined);
    if (found?.isDirectory() !== true) throw noSuchBucket();
    return new FolderBucket(directory);
  }

  list(prefix: string): AsyncIterable<BucketObject> {
    return this.#listIn('', prefix);
  }

  async *read({ key, etag }: BucketObject): AsyncGenerator<Uint8Array, void> {
    const file = await this.#openForRead(key);
    try {
      if (etagOf(await file.stat()) !== etag) throw changed(key);
      for (let at = 0; ; ) {
        const chunk = Buffer.allocUnsafe(chunkBytes);
        const { bytesRead } = await file.read(chunk, 0, chunkBytes, at);
        if (bytesRead === 0) break;
        yield chunk.subarray(0, bytesRead);
        at += bytesRead;
      }
      if (etagOf(await file.stat()) !== etag) throw changed(key);
    } finally {
      await file.close();
    }
  }

  async write(key: string, chunks: AsyncIterable<Uint8Array>): Promise<{ readonly etag: string }> {
    const parts = partsOf(key);
    const name = parts.pop() ?? '';
    const directory = await this.#makeDirectory(parts);
    const partial = join(directory, `${partialPrefix}${name}`);
    try {
      const etag = await writeFile(partial, chunks);
      await rename(partial, join(directory, name));
      await nodeFiles.syncDirectory(directory);
      return { etag };
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
  }

  close(): void {}

  async *#listIn(path: string, prefix: string): AsyncGenerator<BucketObject, void> {
    const entries = await readdir(join(this.#directory, path), { withFileTypes: true });
    const names = entries
      .filter((entry) => entry.isDirectory() || (entry.isFile() && !entry.name.startsWith(partialPrefix)))
      // As keys sort, a folder is the keys in it.
      .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
      .sort(byBytes);
    for (const name of names) {
      const key = `${path}${name}`;
      if (name.endsWith('/')) {
        if (key.startsWith(prefix) || prefix.startsWith(key)) yield* this.#listIn(key, prefix);
      } else if (key.startsWith(prefix)) {
        const found = await lstat(join(this.#directory, key));
        yield { key, bytes: found.size, etag: etagOf(found) };
      }
    }
  }

  async #openForRead(key: string): Promise<FileHandle> {
    const parts = partsOf(key);
    const name = parts.pop() ?? '';
    let directory = this.#directory;
    for (const part of parts) {
      directory = join(directory, part);
      if (!(await lstat(directory)).isDirectory()) throw invalidKey(key);
    }
    return open(join(directory, name), constants.O_RDONLY | constants.O_NOFOLLOW).catch(
      (error: NodeJS.ErrnoException) => {
        throw error.code === 'ENOENT' ? noSuchKey() : error;
      },
    );
  }

  /** Level by level, so that no link is followed. */
  async #makeDirectory(parts: readonly string[]): Promise<string> {
    let directory = this.#directory;
    for (const part of parts) {
      const parent = directory;
      directory = join(directory, part);
      const found = await lstat(directory).catch(() => undefined);
      if (found?.isDirectory() === true) continue;
      if (found !== undefined) throw invalidKey(parts.join('/'));
      await mkdir(directory, { recursive: true });
      await nodeFiles.syncDirectory(parent);
    }
    return directory;
  }
}

/** Of names that no object has: those of objects that are being written. */
const partialPrefix = '.partial-';
const chunkBytes = 256 * 1024;

/** What file systems take for a name. */
const partBytesMax = 255 - partialPrefix.length;

function partsOf(key: string): string[] {
  const parts = key.split('/');
  if (parts.every(isName)) return parts;
  throw invalidKey(key);
}

function isName(part: string): boolean {
  return (
    !['', '.', '..'].includes(part) &&
    !part.includes('\0') &&
    !part.startsWith(partialPrefix) &&
    Buffer.byteLength(part) <= partBytesMax
  );
}

function invalidKey(key: string): BucketError {
  return new BucketError(
    'S3InvalidKey',
    `The key ${JSON.stringify(key)} cannot be that of a file in a folder`,
  );
}

function changed(key: string): BucketError {
  return new BucketError('S3PreconditionFailed', `The object ${key} has been changed while it was read`);
}

/** Of a file that may not have been written by us, without reading it. */
function etagOf({ size, mtimeMs, ino }: { size: number; mtimeMs: number; ino: number }): string {
  return `${ino.toString(16)}-${size.toString(16)}-${Math.round(mtimeMs * 1000).toString(16)}`;
}

/** @returns the MD5 of what it wrote, in hexadecimal digits: what S3 has as an object's ETag. */
async function writeFile(path: string, chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const file = await open(path, 'w', 0o644);
  try {
    const hash = createHash('md5');
    for await (const chunk of chunks) {
      hash.update(chunk);
      await file.writeFile(chunk);
    }
    await file.sync();
    return hash.digest('hex');
  } finally {
    await file.close();
  }
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
