import { tableArn } from '../../protocol/table-name.ts';
import { type ExportRecord, exportArnOf, exportFolder } from '../transfer/export-record.ts';

/**
 * AWS: API_ExportDescription. Which members are there when, and that a full export tells its type only where the request
 * has named it, is measured.
 */
export function exportDescription(record: ExportRecord): object {
  const { of, endMs, prefix, bucketOwner, encryption, failureCode, failureMessage } = record;
  return {
    ExportArn: exportArnOf(record),
    ExportStatus: record.status,
    StartTime: record.startMs / 1000,
    ...(endMs !== undefined && { EndTime: endMs / 1000 }),
    ...(record.status === 'COMPLETED' && {
      ExportManifest: `${exportFolder(record)}manifest-summary.json`,
      ItemCount: record.itemCount,
      BilledSizeBytes: record.billedSizeBytes,
    }),
    TableArn: tableArn(record.region, record.tableName),
    TableId: record.tableId,
    ...(of.kind === 'full' && { ExportTime: of.exportMs / 1000 }),
    ClientToken: record.clientToken,
    S3Bucket: record.bucket,
    ...(bucketOwner !== undefined && { S3BucketOwner: bucketOwner }),
    ...(prefix !== undefined && { S3Prefix: prefix }),
    S3SseAlgorithm: encryption?.algorithm ?? 'AES256',
    ...(encryption?.keyId !== undefined && { S3SseKmsKeyId: encryption.keyId }),
    ...(failureCode !== undefined && { FailureCode: failureCode, FailureMessage: failureMessage }),
    ExportFormat: record.format,
    ...typeMembers(record),
    DestinationType: 'S3',
  };
}

/** AWS: API_ExportSummary. */
export function exportSummary(record: ExportRecord): object {
  return {
    ExportArn: exportArnOf(record),
    ExportStatus: record.status,
    ExportType: record.of.kind === 'full' ? 'FULL_EXPORT' : 'INCREMENTAL_EXPORT',
  };
}

function typeMembers({ of, namesFullType }: ExportRecord): object {
  if (of.kind === 'full') return namesFullType ? { ExportType: 'FULL_EXPORT' } : {};
  return {
    ExportType: 'INCREMENTAL_EXPORT',
    IncrementalExportSpecification: {
      ExportFromTime: of.fromMs / 1000,
      ExportToTime: of.toMs / 1000,
      ExportViewType: of.view,
    },
  };
}
