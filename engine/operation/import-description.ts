import { accountId, tableArn } from '../../protocol/table-name.ts';
import { type ImportRecord, importArnOf } from '../transfer/import-record.ts';

/**
 * AWS: API_ImportTableDescription. Which members are there when, and what is filled in, is measured; AWS's counters stand still
 * until the import has ended, these do not.
 */
export function importDescription(record: ImportRecord): object {
  const { formatOptions, processedBytes, importedItems, errors, failureCode, failureMessage } = record;
  return {
    ...importSummary(record),
    TableId: record.tableId,
    ClientToken: record.clientToken,
    ErrorCount: errors,
    ...(formatOptions !== undefined && { InputFormatOptions: formatOptions }),
    InputCompressionType: record.compression,
    TableCreationParameters: record.parameters,
    ...(processedBytes > 0 && { ProcessedSizeBytes: processedBytes }),
    ProcessedItemCount: importedItems + errors,
    ImportedItemCount: importedItems,
    ...(failureCode !== undefined && { FailureCode: failureCode, FailureMessage: failureMessage }),
  };
}

/** AWS: API_ImportSummary. */
export function importSummary(record: ImportRecord): object {
  const { region, tableName, endMs, source } = record;
  return {
    ImportArn: importArnOf(record),
    ImportStatus: record.status,
    TableArn: tableArn(region, tableName),
    S3BucketSource: { S3BucketOwner: accountId, ...source },
    // There is no such group: what AWS would write there is in the server's log.
    CloudWatchLogGroupArn: `arn:aws:logs:${region}:${accountId}:log-group:/aws-dynamodb/imports:*`,
    InputFormat: record.format,
    StartTime: record.startMs / 1000,
    ...(endMs !== undefined && { EndTime: endMs / 1000 }),
  };
}
