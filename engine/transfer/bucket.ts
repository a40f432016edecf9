/** What a request says of a bucket. */
export interface BucketOptions {
  readonly name: string;
  /** That of the table. */
  readonly region: string;
  /** An account; checked where it is given. */
  readonly owner?: string;
  /** Of what is written (AWS: S3SseAlgorithm). */
  readonly encryption?: { readonly algorithm: 'AES256' | 'KMS'; readonly keyId?: string };
}

export interface BucketObject {
  readonly key: string;
  readonly bytes: number;
  /** Tells versions of an object apart. */
  readonly etag: string;
}

/** As much of S3 as exports and imports need. What goes wrong is a BucketError where S3 has a word for it. */
export interface Bucket {
  /** The objects whose keys begin with a prefix, in the order of their keys. */
  list(prefix: string): AsyncIterable<BucketObject>;
  /** @throws while iterating where the object is gone, or not the one that was listed */
  read(object: BucketObject): AsyncIterable<Uint8Array>;
  /** Makes an object, or replaces one; where this fails, nothing of it is there. */
  write(key: string, chunks: AsyncIterable<Uint8Array>): Promise<{ readonly etag: string }>;
  close(): void;
}
