import type { AttributeValue, Item } from './attribute-value.ts';
import type { ReturnConsumedCapacity } from './capacity.ts';

/** The operations of the API, version 2012-08-10 (AWS: API_Operations_Amazon_DynamoDB). */
const tableOperations = [
  'BatchExecuteStatement',
  'BatchGetItem',
  'BatchWriteItem',
  'CancelBulkOperation',
  'CreateBackup',
  'CreateGlobalTable',
  'CreateTable',
  'DeleteBackup',
  'DeleteItem',
  'DeleteResourcePolicy',
  'DeleteTable',
  'DescribeBackup',
  'DescribeBulkOperation',
  'DescribeContinuousBackups',
  'DescribeContributorInsights',
  'DescribeEndpoints',
  'DescribeExport',
  'DescribeGlobalTable',
  'DescribeGlobalTableSettings',
  'DescribeImport',
  'DescribeKinesisStreamingDestination',
  'DescribeLimits',
  'DescribeTable',
  'DescribeTableReplicaAutoScaling',
  'DescribeTimeToLive',
  'DisableKinesisStreamingDestination',
  'EnableKinesisStreamingDestination',
  'ExecuteStatement',
  'ExecuteTransaction',
  'ExportTableToPointInTime',
  'GetItem',
  'GetResourcePolicy',
  'ImportTable',
  'ListBackups',
  'ListBulkOperations',
  'ListContributorInsights',
  'ListExports',
  'ListGlobalTables',
  'ListImports',
  'ListTables',
  'ListTagsOfResource',
  'PutItem',
  'PutResourcePolicy',
  'Query',
  'RestoreTableFromBackup',
  'RestoreTableToPointInTime',
  'Scan',
  'SearchVectors',
  'StartBulkPutItems',
  'TagResource',
  'TransactGetItems',
  'TransactWriteItems',
  'UntagResource',
  'UpdateContinuousBackups',
  'UpdateContributorInsights',
  'UpdateGlobalTable',
  'UpdateGlobalTableSettings',
  'UpdateItem',
  'UpdateKinesisStreamingDestination',
  'UpdateTable',
  'UpdateTableReplicaAutoScaling',
  'UpdateTimeToLive',
] as const;

/** The operations of DynamoDB Streams (AWS: API_Operations_Amazon_DynamoDB_Streams). */
const streamOperations = ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'] as const;

export type Operation = (typeof tableOperations)[number] | (typeof streamOperations)[number];

/** All operations, those of Streams last. */
export const operations: readonly Operation[] = [...tableOperations, ...streamOperations];

const operationNames: ReadonlySet<string> = new Set(operations);

/** Whether the API has an operation of this name; not whether this server implements it. */
export function isOperation(name: string): name is Operation {
  return operationNames.has(name);
}

export type KeyType = 'HASH' | 'RANGE';

export interface KeySchemaElement {
  AttributeName: string;
  KeyType: KeyType;
}

export interface AttributeDefinition {
  AttributeName: string;
  AttributeType: 'S' | 'N' | 'B';
}

export interface ProvisionedThroughput {
  ReadCapacityUnits: number;
  WriteCapacityUnits: number;
}

export interface OnDemandThroughput {
  /** -1 lifts the limit. */
  MaxReadRequestUnits?: number;
  MaxWriteRequestUnits?: number;
}

export interface WarmThroughput {
  ReadUnitsPerSecond?: number;
  WriteUnitsPerSecond?: number;
}

export interface Projection {
  ProjectionType?: 'ALL' | 'KEYS_ONLY' | 'INCLUDE';
  NonKeyAttributes?: string[];
}

export interface LocalSecondaryIndex {
  IndexName: string;
  KeySchema: KeySchemaElement[];
  Projection: Projection;
}

export interface GlobalSecondaryIndex extends LocalSecondaryIndex {
  ProvisionedThroughput?: ProvisionedThroughput;
  OnDemandThroughput?: OnDemandThroughput;
  WarmThroughput?: WarmThroughput;
}

export interface StreamSpecification {
  StreamEnabled: boolean;
  StreamViewType?: 'NEW_IMAGE' | 'OLD_IMAGE' | 'NEW_AND_OLD_IMAGES' | 'KEYS_ONLY';
}

export interface SSESpecification {
  Enabled?: boolean;
  SSEType?: 'AES256' | 'KMS';
  KMSMasterKeyId?: string;
}

export interface Tag {
  Key: string;
  Value: string;
}

export type BillingMode = 'PROVISIONED' | 'PAY_PER_REQUEST';
export type TableClass = 'STANDARD' | 'STANDARD_INFREQUENT_ACCESS';

export interface CreateTableInput {
  TableName: string;
  AttributeDefinitions: AttributeDefinition[];
  KeySchema: KeySchemaElement[];
  BillingMode?: BillingMode;
  /** Another name of BillingMode, which goes before it. */
  TableThroughputMode?: BillingMode;
  ProvisionedThroughput?: ProvisionedThroughput;
  OnDemandThroughput?: OnDemandThroughput;
  WarmThroughput?: WarmThroughput;
  LocalSecondaryIndexes?: LocalSecondaryIndex[];
  GlobalSecondaryIndexes?: GlobalSecondaryIndex[];
  StreamSpecification?: StreamSpecification;
  SSESpecification?: SSESpecification;
  TableClass?: TableClass;
  Tags?: Tag[];
  DeletionProtectionEnabled?: boolean;
  ResourcePolicy?: string;
}

export interface DescribeTableInput {
  TableName: string;
}

export interface DeleteTableInput {
  TableName: string;
}

export interface ListTablesInput {
  ExclusiveStartTableName?: string;
  /** 1-100; 100 where absent. */
  Limit?: number;
}

export interface GlobalSecondaryIndexUpdate {
  Create?: GlobalSecondaryIndex;
  Update?: Pick<
    GlobalSecondaryIndex,
    'IndexName' | 'ProvisionedThroughput' | 'OnDemandThroughput' | 'WarmThroughput'
  >;
  Delete?: { IndexName: string };
}

export interface UpdateTableInput {
  TableName: string;
  AttributeDefinitions?: AttributeDefinition[];
  BillingMode?: BillingMode;
  /** Another name of BillingMode, which goes before it. */
  TableThroughputMode?: BillingMode;
  ProvisionedThroughput?: ProvisionedThroughput;
  OnDemandThroughput?: OnDemandThroughput;
  WarmThroughput?: WarmThroughput;
  GlobalSecondaryIndexUpdates?: GlobalSecondaryIndexUpdate[];
  StreamSpecification?: StreamSpecification;
  SSESpecification?: SSESpecification;
  ReplicaUpdates?: unknown[];
  TableClass?: TableClass;
  DeletionProtectionEnabled?: boolean;
}

export interface TimeToLiveSpecification {
  AttributeName: string;
  Enabled: boolean;
}

export interface UpdateTimeToLiveInput {
  TableName: string;
  TimeToLiveSpecification: TimeToLiveSpecification;
}

export interface DescribeTimeToLiveInput {
  TableName: string;
}

export type ReturnValues = 'NONE' | 'ALL_OLD' | 'UPDATED_OLD' | 'ALL_NEW' | 'UPDATED_NEW';
export type ExpressionAttributeNames = Record<string, string>;
export type ExpressionAttributeValues = Record<string, AttributeValue>;

export type ComparisonOperator =
  | 'EQ'
  | 'NE'
  | 'IN'
  | 'LE'
  | 'LT'
  | 'GE'
  | 'GT'
  | 'BETWEEN'
  | 'NOT_NULL'
  | 'NULL'
  | 'CONTAINS'
  | 'NOT_CONTAINS'
  | 'BEGINS_WITH';

/** One element of the legacy parameters KeyConditions, QueryFilter and ScanFilter. */
export interface Condition {
  ComparisonOperator: ComparisonOperator;
  AttributeValueList?: AttributeValue[];
}

/** One element of the legacy parameter Expected. */
export interface ExpectedAttributeValue {
  Value?: AttributeValue;
  Exists?: boolean;
  ComparisonOperator?: ComparisonOperator;
  AttributeValueList?: AttributeValue[];
}

/** One element of the legacy parameter AttributeUpdates. */
export interface AttributeValueUpdate {
  Value?: AttributeValue;
  Action?: 'ADD' | 'PUT' | 'DELETE';
}

/** What PutItem, UpdateItem and DeleteItem have in common. */
interface WriteInput {
  TableName: string;
  ConditionExpression?: string;
  ExpressionAttributeNames?: ExpressionAttributeNames;
  ExpressionAttributeValues?: ExpressionAttributeValues;
  ReturnValues?: ReturnValues;
  ReturnValuesOnConditionCheckFailure?: 'ALL_OLD' | 'NONE';
  ReturnConsumedCapacity?: ReturnConsumedCapacity;
  ReturnItemCollectionMetrics?: 'SIZE' | 'NONE';
  Expected?: Record<string, ExpectedAttributeValue>;
  ConditionalOperator?: 'AND' | 'OR';
}

export interface PutItemInput extends WriteInput {
  Item: Item;
}

export interface UpdateItemInput extends WriteInput {
  Key: Item;
  UpdateExpression?: string;
  AttributeUpdates?: Record<string, AttributeValueUpdate>;
}

export interface DeleteItemInput extends WriteInput {
  Key: Item;
}

export interface GetItemInput {
  TableName: string;
  Key: Item;
  ConsistentRead?: boolean;
  ProjectionExpression?: string;
  ExpressionAttributeNames?: ExpressionAttributeNames;
  ReturnConsumedCapacity?: ReturnConsumedCapacity;
  AttributesToGet?: string[];
}

export interface KeysAndAttributes {
  Keys: Item[];
  ConsistentRead?: boolean;
  ProjectionExpression?: string;
  ExpressionAttributeNames?: ExpressionAttributeNames;
  AttributesToGet?: string[];
}

export interface BatchGetItemInput {
  /** By table name or ARN. */
  RequestItems: Record<string, KeysAndAttributes>;
  ReturnConsumedCapacity?: ReturnConsumedCapacity;
}

/** Exactly one of the two members, once validated. */
export interface WriteRequest {
  PutRequest?: { Item: Item };
  DeleteRequest?: { Key: Item };
}

export interface BatchWriteItemInput {
  /** By table name or ARN. */
  RequestItems: Record<string, WriteRequest[]>;
  ReturnConsumedCapacity?: ReturnConsumedCapacity;
  ReturnItemCollectionMetrics?: 'SIZE' | 'NONE';
}

export type Select = 'ALL_ATTRIBUTES' | 'ALL_PROJECTED_ATTRIBUTES' | 'SPECIFIC_ATTRIBUTES' | 'COUNT';

/** What Query and Scan have in common. */
interface PageInput {
  TableName: string;
  IndexName?: string;
  Select?: Select;
  Limit?: number;
  ConsistentRead?: boolean;
  ExclusiveStartKey?: Item;
  FilterExpression?: string;
  ProjectionExpression?: string;
  ExpressionAttributeNames?: ExpressionAttributeNames;
  ExpressionAttributeValues?: ExpressionAttributeValues;
  ReturnConsumedCapacity?: ReturnConsumedCapacity;
  AttributesToGet?: string[];
  ConditionalOperator?: 'AND' | 'OR';
}

export interface QueryInput extends PageInput {
  KeyConditionExpression?: string;
  /** Ascending by sort key where absent. */
  ScanIndexForward?: boolean;
  KeyConditions?: Record<string, Condition>;
  QueryFilter?: Record<string, Condition>;
}

export interface ScanInput extends PageInput {
  Segment?: number;
  TotalSegments?: number;
  ScanFilter?: Record<string, Condition>;
}

/** What the actions of TransactWriteItems have in common with PutItem, UpdateItem and DeleteItem. */
interface TransactActionInput {
  TableName: string;
  ConditionExpression?: string;
  ExpressionAttributeNames?: ExpressionAttributeNames;
  ExpressionAttributeValues?: ExpressionAttributeValues;
  ReturnValuesOnConditionCheckFailure?: 'ALL_OLD' | 'NONE';
}

export interface TransactPut extends TransactActionInput {
  Item: Item;
}

export interface TransactUpdate extends TransactActionInput {
  Key: Item;
  UpdateExpression: string;
}

export interface TransactDelete extends TransactActionInput {
  Key: Item;
}

export interface TransactConditionCheck extends TransactActionInput {
  Key: Item;
  ConditionExpression: string;
}

/** Exactly one of the members, once validated. */
export interface TransactWriteItem {
  Put?: TransactPut;
  Update?: TransactUpdate;
  Delete?: TransactDelete;
  ConditionCheck?: TransactConditionCheck;
}

export interface TransactWriteItemsInput {
  TransactItems: TransactWriteItem[];
  /** 1-36 characters. */
  ClientRequestToken?: string;
  ReturnConsumedCapacity?: ReturnConsumedCapacity;
  ReturnItemCollectionMetrics?: 'SIZE' | 'NONE';
}

export interface TransactGet {
  TableName: string;
  Key: Item;
  ProjectionExpression?: string;
  ExpressionAttributeNames?: ExpressionAttributeNames;
}

export interface TransactGetItemsInput {
  TransactItems: { Get: TransactGet }[];
  ReturnConsumedCapacity?: ReturnConsumedCapacity;
}

export interface ListStreamsInput {
  TableName?: string;
  /** 1-100; 100 where absent. */
  Limit?: number;
  ExclusiveStartStreamArn?: string;
}

export interface DescribeStreamInput {
  StreamArn: string;
  /** 1-100; 100 where absent. */
  Limit?: number;
  ExclusiveStartShardId?: string;
  ShardFilter?: ShardFilter;
}

/** Asks for the children of a shard alone. */
export interface ShardFilter {
  Type?: 'CHILD_SHARDS';
  ShardId?: string;
}

export type ShardIteratorType = 'TRIM_HORIZON' | 'LATEST' | 'AT_SEQUENCE_NUMBER' | 'AFTER_SEQUENCE_NUMBER';

export interface GetShardIteratorInput {
  StreamArn: string;
  ShardId: string;
  ShardIteratorType: ShardIteratorType;
  SequenceNumber?: string;
}

export interface GetRecordsInput {
  ShardIterator: string;
  /** 1-1000; 1000 where absent. */
  Limit?: number;
}

export interface CreateBackupInput {
  TableName: string;
  BackupName: string;
}

export interface DescribeBackupInput {
  BackupArn: string;
}

export interface DeleteBackupInput {
  BackupArn: string;
}

export interface ListBackupsInput {
  /** A name or an ARN. */
  TableName?: string;
  /** 1-100; 100 where absent. */
  Limit?: number;
  /** Included, in seconds since 1970. */
  TimeRangeLowerBound?: number;
  /** Not included any more. */
  TimeRangeUpperBound?: number;
  ExclusiveStartBackupArn?: string;
  /** USER where absent. */
  BackupType?: 'USER' | 'SYSTEM' | 'AWS_BACKUP' | 'ALL';
}

export interface DescribeContinuousBackupsInput {
  TableName: string;
}

export interface UpdateContinuousBackupsInput {
  TableName: string;
  PointInTimeRecoverySpecification: PointInTimeRecoverySpecification;
}

export interface PointInTimeRecoverySpecification {
  PointInTimeRecoveryEnabled: boolean;
  /** 1-35. */
  RecoveryPeriodInDays?: number;
}

/** What a restored table is to have otherwise than its source. */
export interface RestoreOverrides {
  TargetTableName: string;
  BillingModeOverride?: BillingMode;
  ProvisionedThroughputOverride?: ProvisionedThroughput;
  OnDemandThroughputOverride?: OnDemandThroughput;
  /** Which of the source's are restored, perhaps under other names; all where absent. */
  GlobalSecondaryIndexOverride?: GlobalSecondaryIndex[];
  LocalSecondaryIndexOverride?: LocalSecondaryIndex[];
  SSESpecificationOverride?: SSESpecification;
  VectorIndexOverride?: unknown[];
}

export interface RestoreTableFromBackupInput extends RestoreOverrides {
  BackupArn: string;
}

export interface RestoreTableToPointInTimeInput extends RestoreOverrides {
  SourceTableArn?: string;
  SourceTableName?: string;
  UseLatestRestorableTime?: boolean;
  /** In seconds since 1970. */
  RestoreDateTime?: number;
}

export interface ExportTableToPointInTimeInput {
  TableArn: string;
  /** In seconds since 1970; now where absent. */
  ExportTime?: number;
  ClientToken?: string;
  S3Bucket: string;
  S3BucketOwner?: string;
  S3Prefix?: string;
  S3SseAlgorithm?: 'AES256' | 'KMS';
  S3SseKmsKeyId?: string;
  /** DYNAMODB_JSON where absent. */
  ExportFormat?: 'DYNAMODB_JSON' | 'ION';
  /** FULL_EXPORT where absent. */
  ExportType?: 'FULL_EXPORT' | 'INCREMENTAL_EXPORT';
  IncrementalExportSpecification?: IncrementalExportSpecification;
  FilterSpecification?: { KeyConditionExpression?: string; FilterExpression?: string };
}

export interface IncrementalExportSpecification {
  /** Included, in seconds since 1970. */
  ExportFromTime?: number;
  /** Not included any more. */
  ExportToTime?: number;
  /** NEW_AND_OLD_IMAGES where absent. */
  ExportViewType?: 'NEW_IMAGE' | 'NEW_AND_OLD_IMAGES';
}

export interface DescribeExportInput {
  ExportArn: string;
}

export interface ListExportsInput {
  TableArn?: string;
  /** 1-25; 10 where absent. */
  MaxResults?: number;
  NextToken?: string;
}

export interface ImportTableInput {
  ClientToken: string;
  S3BucketSource: { S3BucketOwner?: string; S3Bucket: string; S3KeyPrefix?: string };
  InputFormat: 'DYNAMODB_JSON' | 'ION' | 'CSV';
  InputFormatOptions?: { Csv?: { Delimiter?: string; HeaderList?: string[] } };
  /** NONE where absent. */
  InputCompressionType?: 'NONE' | 'GZIP' | 'ZSTD';
  TableCreationParameters: TableCreationParameters;
}

export interface TableCreationParameters {
  TableName: string;
  AttributeDefinitions: AttributeDefinition[];
  KeySchema: KeySchemaElement[];
  BillingMode?: BillingMode;
  ProvisionedThroughput?: ProvisionedThroughput;
  OnDemandThroughput?: OnDemandThroughput;
  SSESpecification?: SSESpecification;
  GlobalSecondaryIndexes?: GlobalSecondaryIndex[];
  VectorIndexes?: unknown[];
}

export interface DescribeImportInput {
  ImportArn: string;
}

export interface ListImportsInput {
  TableArn?: string;
  /** 1-25; 10 where absent. */
  PageSize?: number;
  NextToken?: string;
}

/** The inputs of the operations that are typed here; each as it is after its shape was validated. */
export interface OperationInputs {
  BatchGetItem: BatchGetItemInput;
  BatchWriteItem: BatchWriteItemInput;
  CreateBackup: CreateBackupInput;
  CreateTable: CreateTableInput;
  DeleteBackup: DeleteBackupInput;
  DeleteItem: DeleteItemInput;
  DeleteTable: DeleteTableInput;
  DescribeBackup: DescribeBackupInput;
  DescribeContinuousBackups: DescribeContinuousBackupsInput;
  DescribeEndpoints: Record<string, never>;
  DescribeExport: DescribeExportInput;
  DescribeImport: DescribeImportInput;
  DescribeLimits: Record<string, never>;
  DescribeStream: DescribeStreamInput;
  DescribeTable: DescribeTableInput;
  DescribeTimeToLive: DescribeTimeToLiveInput;
  ExportTableToPointInTime: ExportTableToPointInTimeInput;
  GetItem: GetItemInput;
  GetRecords: GetRecordsInput;
  GetShardIterator: GetShardIteratorInput;
  ImportTable: ImportTableInput;
  ListBackups: ListBackupsInput;
  ListExports: ListExportsInput;
  ListImports: ListImportsInput;
  ListStreams: ListStreamsInput;
  ListTables: ListTablesInput;
  PutItem: PutItemInput;
  Query: QueryInput;
  RestoreTableFromBackup: RestoreTableFromBackupInput;
  RestoreTableToPointInTime: RestoreTableToPointInTimeInput;
  Scan: ScanInput;
  TransactGetItems: TransactGetItemsInput;
  TransactWriteItems: TransactWriteItemsInput;
  UpdateContinuousBackups: UpdateContinuousBackupsInput;
  UpdateItem: UpdateItemInput;
  UpdateTable: UpdateTableInput;
  UpdateTimeToLive: UpdateTimeToLiveInput;
}
