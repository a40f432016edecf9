import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { hashCount } from '../state/layout.ts';
import type { Bucket } from './bucket.ts';

/** A file with items, as an export's manifest lists it (AWS: S3DataExport.Output). */
export interface DataFile {
  readonly itemCount: number;
  /** Of the file as it is, in base64. */
  readonly md5Checksum: string;
  readonly etag: string;
  readonly dataFileS3Key: string;
}

export interface DataFilesOptions {
  readonly bucket: Bucket;
  /** What the keys of the files begin with. */
  readonly folder: string;
  /** Names files of one export differently from those of others, and the same when it is made again. */
  readonly seed: string;
  readonly extension: string;
  /** Of lines; a further file is begun beyond. */
  readonly bytesMax?: number;
}

/** A line, and the hash of its item's partition key. */
export interface HashedLine {
  readonly hash: number;
  readonly line: Buffer;
}

/**
 * Writes lines to files, compressed: for each of four ranges of hashes one at least, as AWS has one at least for a partition.
 * @param lines in the order of their hashes, some hundred at a time.
 */
export async function writeDataFiles(
  lines: AsyncIterable<readonly HashedLine[]>,
  options: DataFilesOptions,
): Promise<DataFile[]> {
  const source = new LineSource(lines);
  const files: DataFile[] = [];
  for (let range = 1; range <= rangeCount; range++) {
    const endHash = (hashCount / rangeCount) * range;
    do {
      files.push(await writeFile(source, endHash, files.length, options));
    } while (await source.hasBefore(endHash));
  }
  return files;
}

const rangeCount = 4;
const bytesMaxDefault = 256 * 1024 * 1024;

/** Lines one after the other, with a look at the next one. */
class LineSource {
  readonly #batches: AsyncIterator<readonly HashedLine[]>;
  #batch: readonly HashedLine[] = [];
  #next = 0;

  constructor(lines: AsyncIterable<readonly HashedLine[]>) {
    this.#batches = lines[Symbol.asyncIterator]();
  }

  async hasBefore(hash: number): Promise<boolean> {
    while (this.#next >= this.#batch.length) {
      const { done, value } = await this.#batches.next();
      if (done === true) return false;
      this.#batch = value;
      this.#next = 0;
    }
    return (this.#batch[this.#next]?.hash ?? 0) < hash;
  }

  /** Those at hand before a hash, up to some bytes. */
  take(hash: number, bytesMax: number): Buffer[] {
    const taken: Buffer[] = [];
    for (let bytes = 0; bytes < bytesMax; this.#next++) {
      const next = this.#batch[this.#next];
      if (next === undefined || next.hash >= hash) break;
      taken.push(next.line);
      bytes += next.line.length;
    }
    return taken;
  }
}

async function writeFile(
  source: LineSource,
  endHash: number,
  index: number,
  { bucket, folder, seed, extension, bytesMax = bytesMaxDefault }: DataFilesOptions,
): Promise<DataFile> {
  let itemCount = 0;
  async function* chunks() {
    for (let bytes = 0; bytes < bytesMax && (await source.hasBefore(endHash)); ) {
      const lines = source.take(endHash, bytesMax - bytes);
      itemCount += lines.length;
      const chunk = Buffer.concat(lines);
      bytes += chunk.length;
      yield chunk;
    }
  }
  const hash = createHash('md5');
  const dataFileS3Key = `${folder}${fileName(seed, index)}.${extension}.gz`;
  const { etag } = await bucket.write(dataFileS3Key, hashed(compressed(chunks()), hash));
  return { itemCount, md5Checksum: hash.digest('base64'), etag, dataFileS3Key };
}

/** 26 characters, as AWS's names have. */
function fileName(seed: string, index: number): string {
  const digest = createHash('sha256').update(`${seed}/${index}`).digest();
  const letters = Array.from(digest.subarray(0, 26), (byte) => alphabet.charAt(byte & 31));
  return letters.join('');
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

async function* compressed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const source = Readable.from(chunks, { objectMode: false });
  const gzip = createGzip();
  source.on('error', (error) => gzip.destroy(error));
  source.pipe(gzip);
  yield* gzip as AsyncIterable<Uint8Array>;
}

async function* hashed(
  chunks: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}
