import type { ImportTableInput, TableCreationParameters } from '../../protocol/operation.ts';
import { tableArn } from '../../protocol/table-name.ts';
import type { JobRecord } from './job-store.ts';

/** All that is kept of an import. */
export interface ImportRecord extends JobRecord, ImportCounts {
  readonly source: ImportTableInput['S3BucketSource'];
  readonly format: ImportTableInput['InputFormat'];
  readonly formatOptions?: ImportTableInput['InputFormatOptions'];
  readonly compression: 'NONE' | 'GZIP' | 'ZSTD';
  /** As the request has them. */
  readonly parameters: TableCreationParameters;
  /** All has been read, and the counts are the last. */
  readonly isRead?: true;
  readonly failureCode?: string;
  readonly failureMessage?: string;
}

/** How far an import has come. */
export interface ImportCounts {
  /** Of what the files contain, decompressed. */
  readonly processedBytes: number;
  /** Each time that a key comes counts. */
  readonly importedItems: number;
  /** Items that were left out, and files whose rest was. */
  readonly errors: number;
}

export const nothingRead: ImportCounts = { processedBytes: 0, importedItems: 0, errors: 0 };

export function importArnOf({ region, tableName, id }: JobRecord): string {
  return `${tableArn(region, tableName)}/import/${id}`;
}
