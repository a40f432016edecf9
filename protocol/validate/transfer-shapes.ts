import { atLeast, atMost, maxLength, minLength, nameConstraints, oneOf } from './constraint.ts';
import { type Constraint, integer, list, required, string, structure, timestamp } from './shape.ts';
import {
  anyList,
  attributeDefinitions,
  billingMode,
  globalSecondaryIndex,
  keySchema,
  onDemandThroughput,
  provisionedThroughput,
  sseSpecification,
} from './table-shapes.ts';

/**
 * The inputs of exports and imports (AWS: API_ExportTableToPointInTime, API_ImportTable and what goes with them; the service's
 * model; texts as far as they were measured in September and October 2026).
 */

/** Checked without the pattern, which takes a time that grows with the square of the length. */
const bucketPattern: Constraint = {
  text: 'Member must satisfy regular expression pattern: ^[a-z0-9A-Z]+[\\.\\-\\w]*[a-z0-9A-Z]+$',
  holds: (name: string) =>
    name.length >= 2 && /^[\w.-]*$/.test(name) && !/^[_.-]/.test(name) && !/[_.-]$/.test(name),
};

const accountPattern: Constraint = pattern('[0-9]{12}', /^[0-9]{12}$/);
const bucket = string(maxLength(255), bucketPattern);
const bucketOwner = string(accountPattern);
const clientToken = string(pattern('^[^\\$]+$', /^[^$]+$/));
const arn = string(minLength(37), maxLength(1024));
const tableArn = string(minLength(1), maxLength(1024));
const pageSize = integer(atLeast(1), atMost(25));

const incrementalExportSpecification = structure('IncrementalExportSpecification', {
  ExportFromTime: timestamp,
  ExportToTime: timestamp,
  ExportViewType: string(oneOf('NEW_IMAGE', 'NEW_AND_OLD_IMAGES')),
});

const filterSpecification = structure('FilterSpecification', {
  KeyConditionExpression: string(),
  FilterExpression: string(),
});

export const exportTableToPointInTime = structure('ExportTableToPointInTimeInput', {
  S3SseAlgorithm: string(oneOf('KMS', 'AES256')),
  S3SseKmsKeyId: string(minLength(1), maxLength(2048)),
  S3Bucket: required(bucket),
  S3BucketOwner: bucketOwner,
  S3Prefix: string(minLength(1), maxLength(1024)),
  ExportTime: timestamp,
  ExportFormat: string(oneOf('ION', 'DYNAMODB_JSON')),
  ExportType: string(oneOf('INCREMENTAL_EXPORT', 'FULL_EXPORT')),
  IncrementalExportSpecification: incrementalExportSpecification,
  FilterSpecification: filterSpecification,
  ClientToken: clientToken,
  TableArn: required(tableArn),
});

export const describeExport = structure('DescribeExportInput', { ExportArn: required(arn) });

export const listExports = structure('ListExportsInput', {
  TableArn: tableArn,
  MaxResults: pageSize,
  NextToken: string(),
});

const bucketSource = structure('S3BucketSource', {
  S3BucketOwner: bucketOwner,
  S3Bucket: required(bucket),
  S3KeyPrefix: string(maxLength(1024)),
});

const csvHeader = string(
  pattern('[\\x20-\\x21\\x23-\\x2B\\x2D-\\x7E]*', /^[\x20-\x21\x23-\x2b\x2d-\x7e]*$/),
  minLength(1),
  maxLength(65_536),
);

const inputFormatOptions = structure('InputFormatOptions', {
  Csv: structure('CsvOptions', {
    Delimiter: string(pattern('[,;:|\\t ]', /^[,;:|\t ]$/), maxLength(1)),
    HeaderList: list(csvHeader, minLength(1), maxLength(255)),
  }),
});

const tableCreationParameters = structure('TableCreationParameters', {
  TableName: required(string(...nameConstraints)),
  AttributeDefinitions: required(attributeDefinitions),
  KeySchema: required(keySchema),
  BillingMode: billingMode,
  ProvisionedThroughput: provisionedThroughput,
  OnDemandThroughput: onDemandThroughput,
  SSESpecification: sseSpecification,
  GlobalSecondaryIndexes: list(globalSecondaryIndex),
  VectorIndexes: anyList,
});

export const importTable = structure('ImportTableInput', {
  ClientToken: required(clientToken),
  S3BucketSource: required(bucketSource),
  InputFormat: required(string(oneOf('CSV', 'DYNAMODB_JSON', 'ION'))),
  InputFormatOptions: inputFormatOptions,
  InputCompressionType: string(oneOf('ZSTD', 'NONE', 'GZIP')),
  TableCreationParameters: required(tableCreationParameters),
});

export const describeImport = structure('DescribeImportInput', { ImportArn: required(arn) });

export const listImports = structure('ListImportsInput', {
  TableArn: tableArn,
  PageSize: pageSize,
  NextToken: string(pattern('([0-9a-f]{16})+', /^(?:[0-9a-f]{16})+$/), minLength(112), maxLength(1024)),
});

function pattern(text: string, expression: RegExp): Constraint {
  return {
    text: `Member must satisfy regular expression pattern: ${text}`,
    holds: (value: string) => expression.test(value),
  };
}
