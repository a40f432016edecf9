import {
  atLeast,
  atMost,
  maxLength,
  minLength,
  nameConstraints,
  namePattern,
  oneOf,
  tableNameConstraints,
} from './constraint.ts';
import { boolean, integer, list, long, required, type Shape, string, structure } from './shape.ts';

/**
 * The inputs of the operations on tables (AWS: API Reference, Actions; the service's model). Members stand in the
 * order in which AWS reports errors about them. A missing TableName has an error of its own: `requireTableName`.
 */

const tableName = string(...tableNameConstraints);
const indexName = string(...nameConstraints);
const keyAttributeName = string(minLength(1), maxLength(255));

export const attributeDefinitions = list(
  structure('AttributeDefinition', {
    AttributeType: required(string(oneOf('B', 'N', 'S'))),
    AttributeName: required(keyAttributeName),
  }),
);

const keySchemaElement = structure('KeySchemaElement', {
  AttributeName: required(keyAttributeName),
  KeyType: required(string(oneOf('HASH', 'RANGE'))),
});

/** How many elements there may be at most depends on what the key is for: `validateCreateTable`. */
export const keySchema = list(keySchemaElement, minLength(1));

const projection = structure('Projection', {
  NonKeyAttributes: list(keyAttributeName, minLength(1), maxLength(20)),
  ProjectionType: string(oneOf('ALL', 'INCLUDE', 'KEYS_ONLY')),
});

export const provisionedThroughput = structure('ProvisionedThroughput', {
  WriteCapacityUnits: required(long(atLeast(1))),
  ReadCapacityUnits: required(long(atLeast(1))),
});

export const onDemandThroughput = structure('OnDemandThroughput', {
  MaxReadRequestUnits: long(),
  MaxWriteRequestUnits: long(),
});

const warmThroughput = structure('WarmThroughput', {
  ReadUnitsPerSecond: long(),
  WriteUnitsPerSecond: long(),
});

export const localSecondaryIndex = structure('LocalSecondaryIndex', {
  IndexName: required(indexName),
  KeySchema: required(keySchema),
  Projection: required(projection),
});

const globalSecondaryIndexMembers = {
  WarmThroughput: warmThroughput,
  OnDemandThroughput: onDemandThroughput,
  IndexName: required(indexName),
  KeySchema: required(keySchema),
  Projection: required(projection),
  ProvisionedThroughput: provisionedThroughput,
};

export const globalSecondaryIndex = structure('GlobalSecondaryIndex', globalSecondaryIndexMembers);

export const billingMode = string(oneOf('PROVISIONED', 'PAY_PER_REQUEST'));

const streamSpecification = structure('StreamSpecification', {
  StreamViewType: string(oneOf('OLD_IMAGE', 'KEYS_ONLY', 'NEW_AND_OLD_IMAGES', 'NEW_IMAGE')),
  StreamEnabled: required(boolean),
});

export const sseSpecification = structure('SSESpecification', {
  KMSMasterKeyId: string(minLength(1)),
  SSEType: string(oneOf('AES256', 'KMS')),
  Enabled: boolean,
});

/** Members of what this server does not have; present, they are refused: what is inside is of no account. */
const anyStructure = structure('Unsupported', {});
export const anyList: Shape = list(anyStructure);

export const createTable = structure('CreateTableInput', {
  GlobalSecondaryIndexes: list(globalSecondaryIndex),
  GlobalTableSettingsReplicationMode: string(),
  BillingMode: billingMode,
  TableThroughputMode: billingMode,
  GlobalTableSourceArn: string(),
  SSESpecification: sseSpecification,
  OnDemandThroughput: onDemandThroughput,
  KeySchema: required(keySchema),
  DeletionProtectionEnabled: boolean,
  ProvisionedThroughput: provisionedThroughput,
  TableName: tableName,
  Tags: list(structure('Tag', { Value: string(), Key: string() })),
  TableClass: string(),
  VectorIndexes: anyList,
  StreamSpecification: streamSpecification,
  WarmThroughput: warmThroughput,
  ResourcePolicy: string(),
  AttributeDefinitions: required(attributeDefinitions),
  LocalSecondaryIndexes: list(localSecondaryIndex),
});

export const updateTable = structure('UpdateTableInput', {
  GlobalTableSettingsReplicationMode: string(),
  ReplicaUpdates: list(anyStructure, minLength(1)),
  BillingMode: billingMode,
  TableThroughputMode: billingMode,
  SSESpecification: sseSpecification,
  OnDemandThroughput: onDemandThroughput,
  GlobalTableWitnessUpdates: anyList,
  MultiRegionConsistency: string(oneOf('EVENTUAL', 'STRONG')),
  DeletionProtectionEnabled: boolean,
  ProvisionedThroughput: provisionedThroughput,
  DisassociationProtectionEnabled: boolean,
  TableName: tableName,
  TableClass: string(),
  GlobalSecondaryIndexUpdates: list(
    structure('GlobalSecondaryIndexUpdate', {
      Update: structure('UpdateGlobalSecondaryIndexAction', {
        WarmThroughput: warmThroughput,
        OnDemandThroughput: onDemandThroughput,
        IndexName: required(indexName),
        ProvisionedThroughput: provisionedThroughput,
      }),
      Create: structure('CreateGlobalSecondaryIndexAction', globalSecondaryIndexMembers),
      Delete: structure('DeleteGlobalSecondaryIndexAction', { IndexName: required(indexName) }),
    }),
  ),
  StreamSpecification: streamSpecification,
  WarmThroughput: warmThroughput,
  AttributeDefinitions: attributeDefinitions,
  VectorIndexUpdates: anyList,
});

export const describeTable = structure('DescribeTableInput', { TableName: tableName });
export const deleteTable = structure('DeleteTableInput', { TableName: tableName });

export const listTables = structure('ListTablesInput', {
  ExclusiveStartTableName: string(namePattern, minLength(3), maxLength(255)),
  Limit: integer(atLeast(1), atMost(100)),
});

export const describeLimits = structure('DescribeLimitsInput', {});
export const describeEndpoints = structure('DescribeEndpointsRequest', {});
