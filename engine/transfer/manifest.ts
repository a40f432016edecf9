import { createHash } from 'node:crypto';
import { tableArn } from '../../protocol/table-name.ts';
import type { DataFile } from './data-files.ts';
import { type ExportRecord, exportArnOf, exportFolder } from './export-record.ts';

/** What an export has made. */
export interface ExportResult {
  readonly itemCount: number;
  readonly billedSizeBytes: number;
}

/** Of an export's files, names and contents, in the order in which they are written (AWS: S3DataExport.Output). */
export function manifests(
  record: ExportRecord,
  files: readonly DataFile[],
  result: ExportResult,
  endMs: number,
): (readonly [name: string, content: string])[] {
  const list = files.map((file) => `${JSON.stringify(file)}\n`).join('');
  const summary = JSON.stringify(summaryOf(record, result, endMs));
  // The page says .checksum; what AWS writes is called .md5.
  return [
    ['manifest-files.md5', md5Of(list)],
    ['manifest-files.json', list],
    ['manifest-summary.md5', md5Of(summary)],
    ['manifest-summary.json', summary],
  ];
}

function summaryOf(
  record: ExportRecord,
  { itemCount, billedSizeBytes }: ExportResult,
  endMs: number,
): object {
  const { of, bucket, prefix = null, encryption, format } = record;
  const isFull = of.kind === 'full';
  return {
    version: isFull ? '2020-06-30' : '2023-08-01',
    exportArn: exportArnOf(record),
    startTime: isoTime(record.startMs),
    endTime: isoTime(endMs),
    tableArn: tableArn(record.region, record.tableName),
    tableId: record.tableId,
    ...(isFull
      ? { exportTime: isoTime(of.exportMs) }
      : { exportFromTime: isoTime(of.fromMs), exportToTime: isoTime(of.toMs) }),
    s3Bucket: bucket,
    s3Prefix: prefix,
    s3SseAlgorithm: encryption?.algorithm ?? 'AES256',
    s3SseKmsKeyId: encryption?.keyId ?? null,
    manifestFilesS3Key: `${exportFolder(record)}manifest-files.json`,
    billedSizeBytes,
    itemCount,
    outputFormat: format,
    ...(!isFull && { outputView: of.view, exportType: 'INCREMENTAL_EXPORT' }),
  };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

function md5Of(content: string): string {
  return createHash('md5').update(content).digest('base64');
}
