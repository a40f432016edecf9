import type { Bucket, BucketOptions } from './bucket.ts';
import { FolderBucket } from './folder-bucket.ts';
import { S3Bucket } from './s3-bucket.ts';

/** Where the buckets are that exports go to and imports come from. Plain data, so that it can be sent to a worker. */
export type BucketPlace =
  /** Each is a folder under this one. */
  | { readonly kind: 'folder'; readonly directory: string }
  /** In S3, or behind another endpoint that has its API; undefined: AWS's own. */
  | { readonly kind: 's3'; readonly endpoint: string | undefined };

/** @throws BucketError for an owner that is not the caller's account, where that is known; Error without the S3 client */
export function openBucket(place: BucketPlace, options: BucketOptions): Promise<Bucket> {
  return place.kind === 'folder'
    ? FolderBucket.open(place.directory, options)
    : S3Bucket.open(place.endpoint, options);
}
