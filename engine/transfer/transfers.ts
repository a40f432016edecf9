import { join } from 'node:path';
import type { Catalog } from '../catalog.ts';
import type { DataDirectory } from '../data-directory.ts';
import type { EngineOptions } from '../engine-options.ts';
import type { TableHistories } from '../history/table-histories.ts';
import type { BucketPlace } from './bucket-place.ts';
import { Exports } from './exports.ts';
import { Imports } from './imports.ts';
import { requireS3Client } from './s3-bucket.ts';

/** What the operations on exports and imports work with, besides what the others do. */
export interface Transfers {
  readonly exports: Exports;
  readonly imports: Imports;
}

export interface TransferNeeds {
  readonly options: EngineOptions;
  readonly directory: DataDirectory;
  readonly catalog: Catalog;
  readonly histories: TableHistories;
}

/** To be called before anything is opened. @throws Error without the S3 client where it is needed */
export function checkTransferOptions({ s3Endpoint }: Pick<EngineOptions, 's3Endpoint'>): void {
  if (s3Endpoint !== undefined) requireS3Client();
}

/** @throws what keeps their folders from being read or made */
export async function openTransfers({
  options,
  directory,
  catalog,
  histories,
}: TransferNeeds): Promise<Transfers> {
  const { clock, log } = options;
  const buckets = placeOfBuckets(options, directory);
  const common = { buckets, catalog, clock, log };
  const imports = await Imports.open({ ...common, directory: directory.imports });
  const exports = await Exports.open({
    ...common,
    directory: directory.exports,
    workDirectory: join(directory.temporary, 'exports'),
    histories,
  });
  return { exports, imports };
}

/** To be called after the loads have stopped, and before the histories do. */
export async function closeTransfers({ exports, imports }: Transfers): Promise<void> {
  await imports.close();
  await exports.close();
}

function placeOfBuckets(options: EngineOptions, directory: DataDirectory): BucketPlace {
  const { s3Endpoint: endpoint, bucketsDirectory } = options;
  if (endpoint === undefined) return { kind: 'folder', directory: bucketsDirectory ?? directory.buckets };
  return { kind: 's3', endpoint: endpoint === 'aws' ? undefined : endpoint };
}
