/** Requests with a value for each member that the API has, but for members that exclude one another. */

/** The table that the requests on items are about; it has keys `p`, a string, and `s`, a number. */
export const TableName = 'mistyped';
const ofKeys = { Key: { p: { S: 'a' }, s: { N: '1' } } };
const names = { ExpressionAttributeNames: { '#v': 'v' } };
const capacity = { ReturnConsumedCapacity: 'TOTAL' };

const value: object = {
  S: { S: 'text' },
  N: { N: '1.0' },
  B: { B: 'AQID' },
  BOOL: { BOOL: true },
  NULL: { NULL: true },
  SS: { SS: ['a', 'b'] },
  NS: { NS: ['1', '2'] },
  BS: { BS: ['AQ=='] },
  L: { L: [{ S: 'x' }] },
  M: { M: { m: { S: 'y' } } },
};
const guarded = {
  ConditionExpression: '#v <> :v',
  ...names,
  ExpressionAttributeValues: { ':v': { L: [{ N: '1' }] } },
  ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  ReturnItemCollectionMetrics: 'SIZE',
  ...capacity,
};

export const writes: readonly [string, object][] = [
  ['PutItem', { TableName, Item: { ...ofKeys.Key, ...value }, ReturnValues: 'ALL_OLD', ...guarded }],
  [
    'UpdateItem',
    {
      TableName,
      ...ofKeys,
      UpdateExpression: 'SET #v = :v, w[0] = :v REMOVE M.m',
      ReturnValues: 'ALL_NEW',
      ...guarded,
    },
  ],
  ['DeleteItem', { TableName, ...ofKeys, ReturnValues: 'ALL_OLD', ...guarded }],
  [
    'BatchWriteItem',
    {
      RequestItems: {
        [TableName]: [
          { PutRequest: { Item: { ...ofKeys.Key, v: { S: 'x' } } } },
          { DeleteRequest: { Key: { p: { S: 'b' }, s: { N: '2' } } } },
        ],
      },
      ReturnItemCollectionMetrics: 'SIZE',
      ...capacity,
    },
  ],
];

export const reads: readonly [string, object][] = [
  [
    'GetItem',
    { TableName, ...ofKeys, ConsistentRead: false, ProjectionExpression: '#v, M.m', ...names, ...capacity },
  ],
  [
    'BatchGetItem',
    {
      RequestItems: {
        [TableName]: {
          Keys: [ofKeys.Key, { p: { S: 'b' }, s: { N: '2' } }],
          ConsistentRead: false,
          ProjectionExpression: '#v',
          ...names,
        },
      },
      ...capacity,
    },
  ],
  [
    'Query',
    {
      TableName,
      KeyConditionExpression: 'p = :p AND s BETWEEN :v AND :w',
      FilterExpression: '#v <> :p',
      ...names,
      ExpressionAttributeValues: { ':p': { S: 'a' }, ':v': { N: '0' }, ':w': { N: '9' } },
      Limit: 5,
      Select: 'ALL_ATTRIBUTES',
      ScanIndexForward: false,
      ConsistentRead: true,
      ExclusiveStartKey: { p: { S: 'a' }, s: { N: '5' } },
      ...capacity,
    },
  ],
  [
    'Scan',
    {
      TableName,
      FilterExpression: '#v <> :v',
      ProjectionExpression: 'p, #v',
      ...names,
      ExpressionAttributeValues: { ':v': { S: 'a' } },
      Limit: 5,
      Segment: 0,
      TotalSegments: 1,
      Select: 'SPECIFIC_ATTRIBUTES',
      ConsistentRead: true,
      ExclusiveStartKey: { p: { S: 'a' }, s: { N: '0' } },
      ...capacity,
    },
  ],
];

/** With what came before expressions. */
export const legacy: readonly [string, object][] = [
  ['GetItem', { TableName, ...ofKeys, AttributesToGet: ['v'] }],
  [
    'PutItem',
    {
      TableName,
      Item: ofKeys.Key,
      Expected: {
        v: { Exists: true, Value: { S: 'x' }, ComparisonOperator: 'EQ', AttributeValueList: [{ S: 'x' }] },
      },
      ConditionalOperator: 'AND',
    },
  ],
  ['UpdateItem', { TableName, ...ofKeys, AttributeUpdates: { v: { Action: 'PUT', Value: { S: 'x' } } } }],
  [
    'Query',
    {
      TableName,
      KeyConditions: { p: { ComparisonOperator: 'EQ', AttributeValueList: [{ S: 'a' }] } },
      QueryFilter: { v: { ComparisonOperator: 'NULL' } },
    },
  ],
  ['Scan', { TableName, ScanFilter: { v: { ComparisonOperator: 'IN', AttributeValueList: [{ S: 'a' }] } } }],
];

const units = { ReadCapacityUnits: 1, WriteCapacityUnits: 1 };
export const tables: readonly [string, object][] = [
  [
    'CreateTable',
    {
      TableName: 'mistyped-too',
      KeySchema: [
        { AttributeName: 'p', KeyType: 'HASH' },
        { AttributeName: 's', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'p', AttributeType: 'S' },
        { AttributeName: 's', AttributeType: 'N' },
      ],
      BillingMode: 'PROVISIONED',
      ProvisionedThroughput: units,
      OnDemandThroughput: { MaxReadRequestUnits: 1, MaxWriteRequestUnits: 1 },
      WarmThroughput: { ReadUnitsPerSecond: 1, WriteUnitsPerSecond: 1 },
      DeletionProtectionEnabled: false,
      TableClass: 'STANDARD',
      Tags: [{ Key: 'k', Value: 'v' }],
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
      SSESpecification: { Enabled: true, SSEType: 'KMS', KMSMasterKeyId: 'k' },
      GlobalSecondaryIndexes: [
        {
          IndexName: 'index',
          KeySchema: [{ AttributeName: 's', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['a'] },
          ProvisionedThroughput: units,
        },
      ],
      LocalSecondaryIndexes: [
        {
          IndexName: 'local',
          KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
      ResourcePolicy: '{}',
    },
  ],
  [
    'UpdateTable',
    {
      TableName: 'mistyped-too',
      BillingMode: 'PROVISIONED',
      ProvisionedThroughput: units,
      AttributeDefinitions: [{ AttributeName: 'x', AttributeType: 'S' }],
      GlobalSecondaryIndexUpdates: [
        {
          Create: {
            IndexName: 'index',
            KeySchema: [{ AttributeName: 'x', KeyType: 'HASH' }],
            Projection: {},
          },
          Update: { IndexName: 'index', ProvisionedThroughput: units },
          Delete: { IndexName: 'index' },
        },
      ],
      ReplicaUpdates: [{ Create: { RegionName: 'eu-west-1' } }],
    },
  ],
  [
    'CreateTable',
    {
      TableName: 'mistyped-too',
      KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'p', AttributeType: 'S' }],
      BillingMode: 'PAY_PER_REQUEST',
      OnDemandThroughput: { MaxReadRequestUnits: 1, MaxWriteRequestUnits: 1 },
      DeletionProtectionEnabled: true,
      TableClass: 'STANDARD',
    },
  ],
  ['UpdateTable', { TableName: 'mistyped-too', DeletionProtectionEnabled: true }],
  [
    'UpdateTable',
    {
      TableName: 'mistyped-too',
      BillingMode: 'PAY_PER_REQUEST',
      OnDemandThroughput: { MaxReadRequestUnits: -1, MaxWriteRequestUnits: 5 },
    },
  ],
  ['UpdateTable', { TableName: 'mistyped-too', BillingMode: 'PROVISIONED', ProvisionedThroughput: units }],
  ['DescribeTable', { TableName: 'mistyped-too' }],
  ['DeleteTable', { TableName: 'mistyped-too' }],
  ['ListTables', { ExclusiveStartTableName: 'abc', Limit: 5 }],
  ['DescribeLimits', {}],
];

export const storedItem = { ...ofKeys.Key, v: { S: 'v' }, w: { L: [] }, ...value };
