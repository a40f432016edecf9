import { tableArn } from '../../protocol/table-name.ts';
import type { JobRecord } from './job-store.ts';

/** All that is kept of an export. */
export interface ExportRecord extends JobRecord {
  /** Tells apart requests that have the same token. */
  readonly digest: string;
  readonly bucket: string;
  readonly bucketOwner?: string;
  readonly prefix?: string;
  readonly encryption?: { readonly algorithm: 'AES256' | 'KMS'; readonly keyId?: string };
  readonly format: ExportFormat;
  /** Whether the request has said that it is a full one: only then it is told. */
  readonly namesFullType: boolean;
  readonly of: ExportedPart;
  /** Of an export that is there. */
  readonly itemCount?: number;
  readonly billedSizeBytes?: number;
  readonly failureCode?: string;
  readonly failureMessage?: string;
}

export type ExportFormat = 'DYNAMODB_JSON' | 'ION';

/** A moment: all that was committed by the end of that millisecond. Or changes, from one time on and before another. */
export type ExportedPart =
  | { readonly kind: 'full'; readonly exportMs: number; readonly throughMs: number }
  | {
      readonly kind: 'incremental';
      readonly fromMs: number;
      readonly toMs: number;
      readonly view: 'NEW_IMAGE' | 'NEW_AND_OLD_IMAGES';
    };

export function exportArnOf({ region, tableName, id }: JobRecord): string {
  return `${tableArn(region, tableName)}/export/${id}`;
}

/** Where an export's files begin: their keys, without the names of the files (AWS: S3DataExport.Output). */
export function exportFolder({ prefix, id }: Pick<ExportRecord, 'prefix' | 'id'>): string {
  return `${rootOf(prefix)}AWSDynamoDB/${id}/`;
}

/** Where an export's data lie; incremental ones of one prefix share a folder. */
export function dataFolder(record: Pick<ExportRecord, 'prefix' | 'id' | 'of'>): string {
  return record.of.kind === 'full'
    ? `${exportFolder(record)}data/`
    : `${rootOf(record.prefix)}AWSDynamoDB/data/`;
}

/** @param prefix as the request has it; a slash at its end is not doubled (measured). */
function rootOf(prefix: string | undefined): string {
  if (prefix === undefined) return '';
  return prefix.endsWith('/') ? prefix : `${prefix}/`;
}
