import { describe, expect, test } from 'vitest';
import {
  checkThroughputChanges,
  validateCreateTable,
  validateDeleteTable,
  validateDescribeTable,
  validateListTables,
  validateUpdateTable,
} from '../../protocol/validate/table.ts';
import { refusal } from './refusal.ts';

type Members = Record<string, unknown>;

const validation = 'ValidationException:';
const invalid = `${validation} One or more parameter values were invalid:`;

const hash = (name: string) => ({ AttributeName: name, KeyType: 'HASH' });
const range = (name: string) => ({ AttributeName: name, KeyType: 'RANGE' });
const strings = (...names: string[]) => names.map((name) => ({ AttributeName: name, AttributeType: 'S' }));
const onDemand = { BillingMode: 'PAY_PER_REQUEST' };
const units = (read: number, write: number) => ({ ReadCapacityUnits: read, WriteCapacityUnits: write });
const all = { ProjectionType: 'ALL' };

describe('CreateTable', () => {
  const create = (members: Members) =>
    refusal(() =>
      validateCreateTable({
        TableName: 'abc',
        AttributeDefinitions: strings('pk'),
        KeySchema: [hash('pk')],
        ...onDemand,
        ...members,
      }),
    );
  const composite = { AttributeDefinitions: strings('pk', 'sk'), KeySchema: [hash('pk'), range('sk')] };

  test.each<[string, Members, string]>([
    ['the least', {}, 'accepted'],
    ['a sort key', composite, 'accepted'],
    ['provisioned', { BillingMode: null, ProvisionedThroughput: units(1, 1) }, 'accepted'],
    [
      'no throughput',
      { BillingMode: null },
      `${invalid} ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED`,
    ],
    [
      'throughput on demand',
      { ProvisionedThroughput: units(1, 1) },
      `${invalid} Neither ReadCapacityUnits nor WriteCapacityUnits can be specified ` +
        'when BillingMode is PAY_PER_REQUEST',
    ],
    [
      'too much throughput',
      { BillingMode: 'PROVISIONED', ProvisionedThroughput: units(1_000_000_000_001, 1) },
      `${validation} Given value 1000000000001 for ReadCapacityUnits is out of bounds`,
    ],
    [
      'no throughput and three keys: the throughput',
      { BillingMode: null, KeySchema: [hash('a'), range('b'), range('c')] },
      `${invalid} ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED`,
    ],
    [
      'three keys',
      { AttributeDefinitions: strings('a', 'b', 'c'), KeySchema: [hash('a'), range('b'), range('c')] },
      `${validation} 1 validation error detected: Value '[KeySchemaElement(attributeName=a, keyType=HASH), ` +
        'KeySchemaElement(attributeName=b, keyType=RANGE), KeySchemaElement(attributeName=c, keyType=RANGE)]' +
        "' at 'keySchema' failed to satisfy constraint: Member must have length less than or equal to 2",
    ],
    [
      'a definition twice',
      { AttributeDefinitions: strings('pk', 'pk') },
      `${validation} Attribute Name is duplicated: pk`,
    ],
    [
      'no definitions',
      { AttributeDefinitions: [] },
      `${validation} Invalid KeySchema: Some index key attribute have no definition`,
    ],
    [
      'a key twice, defined once',
      { KeySchema: [hash('pk'), range('pk')] },
      `${validation} Invalid KeySchema: Some index key attribute have no definition`,
    ],
    [
      'another definition',
      { AttributeDefinitions: strings('other') },
      `${invalid} Some index key attributes are not defined in AttributeDefinitions. ` +
        'Keys: [pk], AttributeDefinitions: [other]',
    ],
    [
      'a key twice',
      { ...composite, KeySchema: [hash('pk'), range('pk')] },
      `${validation} Both the Hash Key and the Range Key element in the KeySchema have the same name`,
    ],
    [
      'the sort key first',
      { ...composite, KeySchema: [range('sk'), hash('pk')] },
      `${validation} Invalid KeySchema: The first KeySchemaElement is not a HASH key type`,
    ],
    [
      'two partition keys',
      { ...composite, KeySchema: [hash('pk'), hash('sk')] },
      `${validation} Invalid KeySchema: The second KeySchemaElement is not a RANGE key type`,
    ],
    [
      'a definition too many',
      { AttributeDefinitions: strings('pk', 'x') },
      `${invalid} Number of attributes in KeySchema does not exactly match ` +
        'number of attributes defined in AttributeDefinitions',
    ],
    ['maxima on demand', { OnDemandThroughput: { MaxReadRequestUnits: 1 } }, 'accepted'],
    [
      'a maximum of nothing',
      { OnDemandThroughput: { MaxWriteRequestUnits: 0 } },
      `${invalid} Requested MaxWriteRequestUnits for OnDemandThroughput for table is outside of valid range`,
    ],
    [
      'maxima of provisioned throughput',
      {
        BillingMode: 'PROVISIONED',
        ProvisionedThroughput: units(1, 1),
        OnDemandThroughput: { MaxReadRequestUnits: 1 },
      },
      `${invalid} MaxReadRequestUnits for OnDemandThroughput cannot be specified ` +
        'when table BillingMode is PROVISIONED.',
    ],
    [
      'warm enough',
      { WarmThroughput: { ReadUnitsPerSecond: 12_000, WriteUnitsPerSecond: 4000 } },
      'accepted',
    ],
    [
      'too cold',
      { WarmThroughput: { ReadUnitsPerSecond: 11_999 } },
      `${invalid} Requested ReadUnitsPerSecond for WarmThroughput for table is lower than initial throughput ` +
        'for OnDemand. See: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/' +
        'on-demand-capacity-mode.html#on-demand-capacity-mode-initial',
    ],
    [
      'colder than provisioned',
      {
        BillingMode: 'PROVISIONED',
        ProvisionedThroughput: units(1, 10),
        WarmThroughput: { WriteUnitsPerSecond: 5 },
      },
      `${invalid} Requested WriteUnitsPerSecond for WarmThroughput for table is lower than ` +
        'WriteCapacityUnits of ProvisionedThroughput',
    ],
    ['a stream', { StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' } }, 'accepted'],
    [
      'a stream without a view',
      { StreamSpecification: { StreamEnabled: true } },
      `${invalid} Table is being created with a stream enabled, UpdateViewType is required`,
    ],
    [
      'a view without a stream',
      { StreamSpecification: { StreamEnabled: false, StreamViewType: 'NEW_IMAGE' } },
      `${invalid} Table is being created with a stream disabled, UpdateViewType should not be specified`,
    ],
    [
      'encryption that is off, with a type',
      { SSESpecification: { SSEType: 'KMS' } },
      `${invalid} SSEType can not be specified if Enabled is false`,
    ],
    [
      'encryption that is off, with a key',
      { SSESpecification: { Enabled: false, KMSMasterKeyId: 'k' } },
      `${invalid} KMSMasterKeyId can not be specified if Enabled is false`,
    ],
    [
      'a key without a type',
      { SSESpecification: { Enabled: true, KMSMasterKeyId: 'k' } },
      `${invalid} SSEType KMS is required if KMSMasterKeyId is specified`,
    ],
    [
      'an encryption that AWS does not have',
      { SSESpecification: { Enabled: true, SSEType: 'AES256' } },
      `${invalid} SSEType AES256 is not supported`,
    ],
    [
      'an unknown class',
      { TableClass: 'GOLD' },
      `${validation} Invalid table-class parameter provided. ` +
        'Please try again with a valid table-class value: [STANDARD, STANDARD_INFREQUENT_ACCESS].',
    ],
    ['tags', { Tags: [{ Key: 'a', Value: '' }] }, 'accepted'],
    [
      'a tag without a key',
      { Tags: [{ Value: 'x' }] },
      `${validation} The Tag Key provided is invalid, Key: null`,
    ],
    [
      'a tag without a value',
      { Tags: [{ Key: 'a' }] },
      `${validation} The Tag Value provided is invalid, Value: null`,
    ],
    [
      "a tag of AWS's",
      { Tags: [{ Key: 'aws:x', Value: '' }] },
      `${validation} Tag Key cannot be prefixed with aws:, Key: aws:x`,
    ],
    [
      'a tag twice',
      { Tags: [0, 1].map((value) => ({ Key: 'a', Value: `${value}` })) },
      `${validation} Duplicate Tag Keys provided as input: Duplicate Tag Key found a`,
    ],
    [
      '51 tags',
      { Tags: Array.from({ length: 51 }, (_, i) => ({ Key: `k${i}`, Value: '' })) },
      `${validation} Number of Tags exceed the current limit for the provided ResourceArn`,
    ],
    [
      'a vector index',
      { VectorIndexes: [{}] },
      `${validation} VectorIndexes is not supported by this version of Slipstream`,
    ],
  ])('%s', (_, members, expected) => {
    expect(create(members)).toBe(expected);
  });

  describe('with local secondary indexes', () => {
    const local = (...indexes: Members[]) =>
      create({
        AttributeDefinitions: strings('pk', 'sk', 'a'),
        KeySchema: [hash('pk'), range('sk')],
        LocalSecondaryIndexes: indexes.map((index) => ({
          IndexName: 'index',
          KeySchema: [hash('pk'), range('a')],
          Projection: all,
          ...index,
        })),
      });

    test.each<[string, Members[], string]>([
      ['one', [{}], 'accepted'],
      [
        'no range',
        [{ KeySchema: [hash('pk')] }, { KeySchema: [hash('pk'), range('a')] }],
        `${invalid} Index KeySchema does not have a range key for index: index`,
      ],
      [
        'another hash key',
        [{ KeySchema: [hash('a'), range('sk')] }],
        `${invalid} Index KeySchema does not have the same leading hash key as table KeySchema ` +
          'for index: index. index hash key: a, table hash key: pk',
      ],
      [
        'a name twice',
        [{ IndexName: 'same' }, { IndexName: 'same' }],
        `${invalid} Duplicate index name: same`,
      ],
      [
        'six',
        Array.from({ length: 6 }, (_, i) => ({ IndexName: `index${i}` })),
        `${invalid} Number of LocalSecondaryIndexes exceeds per-table limit of 5`,
      ],
    ])('%s', (_, indexes, expected) => {
      expect(local(...indexes)).toBe(expected);
    });

    test('that a table without a sort key, or an empty list, cannot have', () => {
      const index = { IndexName: 'index', KeySchema: [hash('pk'), range('a')], Projection: all };
      expect(create({ AttributeDefinitions: strings('pk', 'a'), LocalSecondaryIndexes: [index] })).toBe(
        `${invalid} Table KeySchema does not have a range key, ` +
          'which is required when specifying a LocalSecondaryIndex',
      );
      expect(create({ LocalSecondaryIndexes: [] })).toBe(`${invalid} List of LocalSecondaryIndexes is empty`);
    });
  });

  describe('with global secondary indexes', () => {
    const definitions = strings('pk', 'a', 'b', 'c', 'd', 'e');
    const global = (index: Members, members: Members = {}) => {
      const keys = [hash('a'), hash('b'), range('c'), range('d')];
      return create({
        AttributeDefinitions: definitions,
        GlobalSecondaryIndexes: [
          { IndexName: 'rest', KeySchema: [...keys, range('e')], Projection: all },
          { IndexName: 'index', KeySchema: [hash('a')], Projection: all, ...index },
        ],
        ...members,
      });
    };

    test.each<[string, Members, string]>([
      ['one', {}, 'accepted'],
      [
        'several hash attributes',
        { KeySchema: [hash('a'), hash('b'), hash('c'), hash('d'), range('e')] },
        'accepted',
      ],
      [
        'five hash attributes',
        { KeySchema: ['a', 'b', 'c', 'd', 'e'].map(hash) },
        `${invalid} The KeySchema exceeds the maximum allowed number of HASH key attributes`,
      ],
      [
        'five range attributes',
        { KeySchema: [hash('pk'), ...['a', 'b', 'c', 'd', 'e'].map(range)] },
        `${invalid} The KeySchema exceeds the maximum allowed number of RANGE key attributes`,
      ],
      [
        'hash after range',
        { KeySchema: [hash('a'), range('b'), hash('c')] },
        `${invalid} All HASH key attributes must precede RANGE key attributes in the KeySchema`,
      ],
      [
        'range alone',
        { KeySchema: [range('a')] },
        `${validation} Invalid KeySchema: The first KeySchemaElement is not a HASH key type`,
      ],
      [
        'an attribute for both',
        { KeySchema: [hash('a'), range('a')] },
        `${validation} Both the Hash Key and the Range Key element in the KeySchema have the same name`,
      ],
      [
        'an attribute twice of three',
        { KeySchema: [hash('a'), range('b'), range('b')] },
        `${validation} The KeySchema contains multiple key attributes with the same name`,
      ],
      [
        'an undefined attribute',
        { KeySchema: [hash('q')] },
        `${invalid} Some index key attributes are not defined in AttributeDefinitions. ` +
          'Keys: [q], AttributeDefinitions: [pk, a, b, c, d, e]',
      ],
      ['no projection type', { Projection: {} }, `${invalid} Unknown ProjectionType: null`],
      [
        'INCLUDE of nothing',
        { Projection: { ProjectionType: 'INCLUDE' } },
        `${invalid} ProjectionType is INCLUDE, but NonKeyAttributes is not specified`,
      ],
      [
        'KEYS_ONLY of something',
        { Projection: { ProjectionType: 'KEYS_ONLY', NonKeyAttributes: ['x'] } },
        `${invalid} ProjectionType is KEYS_ONLY, but NonKeyAttributes is specified`,
      ],
      [
        'INCLUDE twice',
        { Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['x', 'y', 'x'] } },
        `${invalid} Duplicate element in NonKeyAttributes: x`,
      ],
      [
        'units on demand',
        { ProvisionedThroughput: units(1, 1) },
        `${invalid} ProvisionedThroughput should not be specified for index: index ` +
          'when BillingMode is PAY_PER_REQUEST',
      ],
      [
        'a maximum of nothing',
        { OnDemandThroughput: { MaxReadRequestUnits: 0 } },
        `${invalid} Requested MaxReadRequestUnits for OnDemandThroughput for index : index ` +
          'is outside of valid range',
      ],
      ['a name twice', { IndexName: 'rest' }, `${invalid} Duplicate index name: rest`],
    ])('%s', (_, index, expected) => {
      expect(global(index)).toBe(expected);
    });

    test('without units in a provisioned table', () => {
      expect(global({}, { BillingMode: 'PROVISIONED', ProvisionedThroughput: units(1, 1) })).toBe(
        `${invalid} ProvisionedThroughput is not specified for index: rest`,
      );
    });

    test('that do not use all definitions', () => {
      const unused = (Projection: object) => {
        const indexes = [{ IndexName: 'index', KeySchema: [hash('a')], Projection }];
        return create({ AttributeDefinitions: strings('pk', 'a', 'x'), GlobalSecondaryIndexes: indexes });
      };
      expect(unused({ ProjectionType: 'ALL' })).toBe(
        `${invalid} Some AttributeDefinitions are not used. AttributeDefinitions: [pk, a, x], keys used: [pk, a]`,
      );
      expect(unused({})).toBe(`${invalid} Unknown ProjectionType: null`);
    });

    test('none, or 21', () => {
      expect(create({ GlobalSecondaryIndexes: [] })).toBe(
        `${invalid} List of GlobalSecondaryIndexes is empty`,
      );
      const many = Array.from({ length: 21 }, (_, i) => ({
        IndexName: `index${i}`,
        KeySchema: [hash('pk')],
        Projection: all,
      }));
      expect(create({ GlobalSecondaryIndexes: many })).toBe(
        `${invalid} GlobalSecondaryIndex count exceeds the per-table limit of 20`,
      );
    });
  });
});

describe('UpdateTable', () => {
  const update = (members: Members) => refusal(() => validateUpdateTable({ TableName: 'abc', ...members }));
  const stream = { StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' } };
  const createIndex = {
    AttributeDefinitions: strings('a'),
    GlobalSecondaryIndexUpdates: [
      { Create: { IndexName: 'index', KeySchema: [hash('a')], Projection: all } },
    ],
  };
  const deleteIndex = { GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'index' } }] };
  const updateIndex = (name: string) => ({ Update: { IndexName: name, ProvisionedThroughput: units(1, 1) } });
  const only = (what: string) => `${invalid} ${what} must be the only operation in the request`;
  const nothing =
    `${validation} At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, ` +
    'GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, ' +
    'ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, OnDemandThroughput, ' +
    'WarmThroughput or TableClass is required';

  test.each<[string, Members, string]>([
    ['throughput', { ProvisionedThroughput: units(1, 1) }, 'accepted'],
    ['billing', { BillingMode: 'PAY_PER_REQUEST' }, 'accepted'],
    ['protection', { DeletionProtectionEnabled: false }, 'accepted'],
    ['billing and a stream', { BillingMode: 'PAY_PER_REQUEST', ...stream }, 'accepted'],
    [
      'billing and maxima',
      { BillingMode: 'PAY_PER_REQUEST', OnDemandThroughput: { MaxReadRequestUnits: 1 } },
      'accepted',
    ],
    ['billing and an index', { BillingMode: 'PAY_PER_REQUEST', ...createIndex }, 'accepted'],
    ['nothing', {}, nothing],
    ['definitions alone', { AttributeDefinitions: strings('a') }, nothing],
    ['no index', { GlobalSecondaryIndexUpdates: [] }, nothing],
    ['no maxima', { OnDemandThroughput: {} }, nothing],
    ['no warmth', { WarmThroughput: {} }, nothing],
    ['protection and no warmth', { DeletionProtectionEnabled: true, WarmThroughput: {} }, 'accepted'],
    [
      'protection and no index',
      { DeletionProtectionEnabled: true, GlobalSecondaryIndexUpdates: [] },
      `${invalid} List of GlobalSecondaryIndexUpdates is empty`,
    ],
    [
      'no warmth of an index',
      { GlobalSecondaryIndexUpdates: [{ Update: { IndexName: 'index', WarmThroughput: {} } }] },
      `${invalid} WarmThroughput must have at least one of ReadUnitsPerSecond or WriteUnitsPerSecond ` +
        'specified for index: index',
    ],
    [
      'throughput on demand',
      { BillingMode: 'PAY_PER_REQUEST', ProvisionedThroughput: units(1, 1) },
      `${invalid} ProvisionedThroughput cannot be specified when BillingMode is PAY_PER_REQUEST`,
    ],
    [
      'provisioned without throughput',
      { BillingMode: 'PROVISIONED' },
      `${invalid} ProvisionedThroughput must be specified when BillingMode is PROVISIONED`,
    ],
    [
      'too much throughput',
      { ProvisionedThroughput: units(1, 1_000_000_000_001) },
      `${validation} Given value 1000000000001 for WriteCapacityUnits is out of bounds`,
    ],
    [
      'protection and billing',
      { DeletionProtectionEnabled: true, BillingMode: 'PAY_PER_REQUEST' },
      only('DeletionProtection modification'),
    ],
    [
      'protection and encryption',
      { DeletionProtectionEnabled: true, SSESpecification: { Enabled: true } },
      only('Server-Side Encryption modification'),
    ],
    [
      'protection and class',
      { DeletionProtectionEnabled: true, TableClass: 'STANDARD' },
      only('TableClass modification'),
    ],
    [
      'protection and warmth',
      { DeletionProtectionEnabled: true, WarmThroughput: { ReadUnitsPerSecond: 20_000 } },
      only('DeletionProtection modification'),
    ],
    ['replicas and class', { ReplicaUpdates: [{}], TableClass: 'STANDARD' }, only('Replica modification')],
    [
      'warmth and a stream',
      { WarmThroughput: { ReadUnitsPerSecond: 20_000 }, ...stream },
      only('WarmThroughput'),
    ],
    [
      'warmth and a new index',
      { WarmThroughput: { ReadUnitsPerSecond: 20_000 }, ...createIndex },
      `${invalid} Create global secondary index cannot be specified when updating WarmThroughput`,
    ],
    [
      'maxima and a stream',
      { OnDemandThroughput: { MaxReadRequestUnits: 1 }, ...stream },
      `${invalid} OnDemandThroughput can only be combined with BillingMode in an UpdateTable request`,
    ],
    [
      'throughput and a stream',
      { ProvisionedThroughput: units(1, 1), ...stream },
      `${invalid} You cannot modify stream status while updating table IOPS`,
    ],
    [
      'throughput and an index less',
      { ProvisionedThroughput: units(1, 1), ...deleteIndex },
      `${invalid} You cannot create or delete index while updating table IOPS`,
    ],
    [
      'a stream and a new index',
      { ...stream, ...createIndex },
      `${invalid} You cannot create or delete index while changing stream status`,
    ],
    [
      'a stream without a view',
      { StreamSpecification: { StreamEnabled: true } },
      `${invalid} If stream is being enabled then UpdateViewType is required`,
    ],
    [
      'a view without a stream',
      { StreamSpecification: { StreamEnabled: false, StreamViewType: 'NEW_IMAGE' } },
      `${invalid} If stream is being disabled, then UpdateViewType must not be specified`,
    ],
    [
      'an unknown class',
      { TableClass: 'x' },
      `${validation} Invalid table-class parameter provided. ` +
        'Please try again with a valid table-class value: [STANDARD, STANDARD_INFREQUENT_ACCESS].',
    ],
    [
      'an index update of nothing',
      { GlobalSecondaryIndexUpdates: [{}] },
      `${invalid} One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, ` +
        'GlobalSecondaryIndexUpdate.Delete must not be null',
    ],
    [
      'an index update of two things',
      { GlobalSecondaryIndexUpdates: [{ ...updateIndex('index'), Delete: { IndexName: 'index' } }] },
      `${invalid} Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object`,
    ],
    [
      'an index twice',
      { GlobalSecondaryIndexUpdates: [updateIndex('same'), updateIndex('same')] },
      `${invalid} Only one global secondary index update per index is allowed simultaneously. Index: same`,
    ],
    [
      'a new index without definitions',
      { ...createIndex, AttributeDefinitions: null },
      `${invalid} AttributeDefinitions is not specified for index: index`,
    ],
    [
      'two indexes less',
      { GlobalSecondaryIndexUpdates: ['one', 'two'].map((name) => ({ Delete: { IndexName: name } })) },
      'LimitExceededException: Subscriber limit exceeded: ' +
        'Only 1 online index can be created or deleted simultaneously per table',
    ],
    [
      'strong replicas',
      { MultiRegionConsistency: 'STRONG' },
      `${validation} MultiRegionConsistency is not supported by this version of Slipstream`,
    ],
  ])('%s', (_, members, expected) => {
    expect(update(members)).toBe(expected);
  });

  describe('against the table as it is', () => {
    const provisioned = { ProvisionedThroughput: units(5, 6) };
    const perRequest = {
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
      ProvisionedThroughput: units(0, 0),
    };
    const change = (members: Members, current: typeof provisioned) =>
      refusal(() => checkThroughputChanges(validateUpdateTable({ TableName: 'abc', ...members }), current));

    test('the same throughput again is refused', () => {
      expect(change({ ProvisionedThroughput: units(5, 7) }, provisioned)).toBe('accepted');
      expect(change({ BillingMode: 'PROVISIONED', ProvisionedThroughput: units(5, 6) }, provisioned)).toBe(
        `${validation} The provisioned throughput for the table will not change. ` +
          'The requested value equals the current value. ' +
          'Current ReadCapacityUnits provisioned for the table: 5. Requested ReadCapacityUnits: 5. ' +
          'Current WriteCapacityUnits provisioned for the table: 6. Requested WriteCapacityUnits: 6. ' +
          'Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.',
      );
    });

    test('throughput and billing mode must fit', () => {
      const neither =
        `${invalid} Neither ReadCapacityUnits nor WriteCapacityUnits can be specified ` +
        'when BillingMode is PAY_PER_REQUEST';
      expect(change({ ProvisionedThroughput: units(1, 1) }, perRequest)).toBe(neither);
      expect(change({ ProvisionedThroughput: units(1, 1), ...onDemand }, provisioned)).toBe(
        `${invalid} ProvisionedThroughput cannot be specified when BillingMode is PAY_PER_REQUEST`,
      );
      expect(change({ ProvisionedThroughput: units(1, 1), BillingMode: 'PROVISIONED' }, perRequest)).toBe(
        'accepted',
      );
      expect(change(onDemand, perRequest)).toBe('accepted');
    });

    test('maxima are for on-demand tables; -1 lifts one', () => {
      expect(change({ OnDemandThroughput: { MaxReadRequestUnits: -1 } }, perRequest)).toBe('accepted');
      expect(change({ OnDemandThroughput: { MaxReadRequestUnits: -2 } }, perRequest)).toBe(
        `${invalid} Requested MaxReadRequestUnits for OnDemandThroughput for table is outside of valid range`,
      );
      expect(change({ OnDemandThroughput: { MaxReadRequestUnits: 1 } }, provisioned)).toBe(
        `${invalid} MaxReadRequestUnits for OnDemandThroughput cannot be specified ` +
          'when the table BillingMode is PROVISIONED',
      );
    });
  });
});

describe('the other operations on tables', () => {
  const missing = `${validation} The parameter 'TableName' is required but was not present in the request`;

  test.each([validateDescribeTable, validateDeleteTable])('%o needs a name', (validate) => {
    expect(refusal(() => validate({}))).toBe(missing);
    expect(refusal(() => validate({ TableName: 'abc' }))).toBe('accepted');
  });

  test('ListTables takes a page', () => {
    expect(refusal(() => validateListTables({}))).toBe('accepted');
    expect(refusal(() => validateListTables({ Limit: 100, ExclusiveStartTableName: 'abc' }))).toBe(
      'accepted',
    );
    expect(refusal(() => validateListTables({ Limit: 0 }))).toBe(
      `${validation} 1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: ` +
        'Member must have value greater than or equal to 1',
    );
  });
});
