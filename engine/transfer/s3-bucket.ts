import { createRequire } from 'node:module';
import type { GetObjectCommandOutput, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import type { Bucket, BucketObject, BucketOptions } from './bucket.ts';
import { type BucketError, refusedByS3 } from './bucket-error.ts';

type S3Module = typeof import('@aws-sdk/client-s3');

/**
 * A bucket in S3, or behind another endpoint that has its API, with the credentials that the AWS SDK finds (environment, profiles, roles).
 *
 * Objects are read in ranges, so that a reader that takes its time holds no connection open, and each range is tried again for itself.
 * What is written goes up in parts of 8 MB as it comes; an upload that fails is taken back.
 */
export class S3Bucket implements Bucket {
  readonly #sdk: S3Module;
  readonly #client: S3Client;
  readonly #options: BucketOptions;

  private constructor(sdk: S3Module, client: S3Client, options: BucketOptions) {
    this.#sdk = sdk;
    this.#client = client;
    this.#options = options;
  }

  /** @param endpoint AWS's own if undefined. @throws Error where the client is not installed */
  static async open(endpoint: string | undefined, options: BucketOptions): Promise<S3Bucket> {
    requireS3Client();
    const sdk = await import('@aws-sdk/client-s3');
    const client = new sdk.S3Client({
      region: options.region,
      ...(endpoint === undefined
        ? { followRegionRedirects: true }
        : {
            endpoint,
            forcePathStyle: true,
            // Others do not all know AWS's newer checksums.
            requestChecksumCalculation: 'WHEN_REQUIRED',
            responseChecksumValidation: 'WHEN_REQUIRED',
          }),
    });
    return new S3Bucket(sdk, client, options);
  }

  async *list(prefix: string): AsyncGenerator<BucketObject, void> {
    let token: string | undefined;
    do {
      const page = await told(
        this.#client.send(
          new this.#sdk.ListObjectsV2Command({ ...this.#bucket, Prefix: prefix, ContinuationToken: token }),
        ),
      );
      for (const { Key: key, Size: bytes = 0, ETag: etag = '' } of page.Contents ?? []) {
        if (key !== undefined) yield { key, bytes, etag };
      }
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  async *read(object: BucketObject): AsyncGenerator<Uint8Array, void> {
    for (let at = 0; at < object.bytes; at += partBytes) yield await this.#range(object, at);
  }

  async write(key: string, chunks: AsyncIterable<Uint8Array>): Promise<{ readonly etag: string }> {
    const parts = inParts(chunks)[Symbol.asyncIterator]();
    const first = await parts.next();
    const second = await parts.next();
    if (second.done === true) return this.#put(key, first.done === true ? Buffer.alloc(0) : first.value);
    return this.#upload(key, [first.value as Buffer, second.value], parts);
  }

  close(): void {
    this.#client.destroy();
  }

  get #bucket(): { Bucket: string; ExpectedBucketOwner?: string } {
    const { name, owner } = this.#options;
    return { Bucket: name, ...(owner !== undefined && { ExpectedBucketOwner: owner }) };
  }

  get #encryption(): { ServerSideEncryption?: 'AES256' | 'aws:kms'; SSEKMSKeyId?: string } {
    const { encryption } = this.#options;
    if (encryption === undefined) return {};
    const { algorithm, keyId } = encryption;
    return {
      ServerSideEncryption: algorithm === 'KMS' ? 'aws:kms' : algorithm,
      ...(keyId !== undefined && { SSEKMSKeyId: keyId }),
    };
  }

  async #put(key: string, bytes: Buffer): Promise<{ readonly etag: string }> {
    const command = new this.#sdk.PutObjectCommand({
      ...this.#bucket,
      ...this.#encryption,
      Key: key,
      Body: bytes,
    });
    return { etag: plainEtag((await told(this.#client.send(command))).ETag) };
  }

  async #upload(
    key: string,
    firstParts: readonly Buffer[],
    otherParts: AsyncIterator<Buffer>,
  ): Promise<{ readonly etag: string }> {
    const place = { ...this.#bucket, Key: key };
    const create = new this.#sdk.CreateMultipartUploadCommand({ ...place, ...this.#encryption });
    const { UploadId } = await told(this.#client.send(create));
    const upload = { ...place, UploadId };
    try {
      const parts: { PartNumber: number; ETag: string | undefined }[] = [];
      for await (const Body of joined(firstParts, otherParts)) {
        const PartNumber = parts.length + 1;
        const command = new this.#sdk.UploadPartCommand({ ...upload, PartNumber, Body });
        parts.push({ PartNumber, ETag: (await told(this.#client.send(command))).ETag });
      }
      const complete = { ...upload, MultipartUpload: { Parts: parts } };
      const done = await told(this.#client.send(new this.#sdk.CompleteMultipartUploadCommand(complete)));
      return { etag: plainEtag(done.ETag) };
    } catch (error) {
      await this.#client.send(new this.#sdk.AbortMultipartUploadCommand(upload)).catch(() => {});
      throw error;
    }
  }

  /** The SDK tries calls again, but not the reading of their answers. */
  async #range({ key, bytes, etag }: BucketObject, at: number): Promise<Uint8Array> {
    const Range = `bytes=${at}-${Math.min(at + partBytes, bytes) - 1}`;
    const command = { ...this.#bucket, Key: key, Range, IfMatch: etag };
    for (let tries = 1; ; tries++) {
      const answer: GetObjectCommandOutput = await told(
        this.#client.send(new this.#sdk.GetObjectCommand(command)),
      );
      try {
        if (answer.Body === undefined) throw new Error(`${key}: S3 has answered without the object`);
        return await answer.Body.transformToByteArray();
      } catch (error) {
        if (tries === triesMax) throw error;
      }
    }
  }
}

/** @throws Error that says what to install. */
export function requireS3Client(): void {
  try {
    createRequire(import.meta.url).resolve('@aws-sdk/client-s3');
  } catch {
    throw new Error(
      'buckets in S3 need the package @aws-sdk/client-s3, which is not installed: npm i @aws-sdk/client-s3',
    );
  }
}

/** S3 takes 10,000 parts, and none but the last below 5 MB. */
const partBytes = 8 * 1024 * 1024;
const triesMax = 3;

/** S3's refusals, as DynamoDB tells them. */
async function told<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw refusalOf(error) ?? error;
  }
}

function refusalOf(error: unknown): BucketError | undefined {
  const { name, message, $metadata: metadata } = error as Partial<S3ServiceException>;
  if (name === undefined || metadata?.httpStatusCode === undefined) return undefined;
  // HEAD and some others answer without a text.
  const text = message === undefined || message === '' ? name : message;
  return refusedByS3(text, metadata.httpStatusCode, name, metadata.requestId);
}

function plainEtag(etag = ''): string {
  return etag.replaceAll('"', '');
}

async function* inParts(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void> {
  let gathered: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    gathered.push(chunk);
    bytes += chunk.length;
    if (bytes < partBytes) continue;
    yield Buffer.concat(gathered, bytes);
    gathered = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(gathered, bytes);
}

async function* joined(
  first: readonly Buffer[],
  others: AsyncIterator<Buffer>,
): AsyncGenerator<Buffer, void> {
  yield* first;
  for (let next = await others.next(); next.done !== true; next = await others.next()) yield next.value;
}
