import * as fc from 'fast-check';
import { type Case, step } from './case.ts';
import { keySchema } from './tables.ts';
import { sometimes } from './value-generator.ts';

/* The life of tables: definitions, right and wrong, changes, and their end. */

let names = 0;

const keyNames = fc.constantFrom('p', 's', 'x', 'y');

const schema = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.tuple(keyNames, sometimes(60, keyNames)).map(([hash, range]) => keySchema(hash, range)),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<object[]>(
      [],
      [...keySchema('p'), ...keySchema('s')],
      [...keySchema('p', 's')].reverse(),
      [...keySchema('p', 's'), ...keySchema('x')],
      [{ AttributeName: 'p', KeyType: 'SORT' }],
      [{ AttributeName: 'p' }],
    ),
  },
);

const attributeDefinitions = fc
  .tuple(
    fc.subarray(['p', 's', 'x', 'y'], { minLength: 1 }),
    fc.constantFrom('S', 'N', 'B', 'S', 'N', 'BOOL'),
    fc.nat(5),
  )
  .map(([some, type, luck]) =>
    (luck === 0 ? some : ['p', 's', 'x', 'y'].filter((name) => luck > 3 || some.includes(name))).map(
      (AttributeName, i) => ({ AttributeName, AttributeType: i === 0 ? type : 'S' }),
    ),
  );

const throughput = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(1, 5).map((units) => ({ ReadCapacityUnits: units, WriteCapacityUnits: 5 })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<object>(
      { ReadCapacityUnits: 0, WriteCapacityUnits: 5 },
      { ReadCapacityUnits: 5 },
      { ReadCapacityUnits: -1, WriteCapacityUnits: -1 },
      {},
    ),
  },
);

const indexProjection = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom<object>(
      { ProjectionType: 'ALL' },
      { ProjectionType: 'KEYS_ONLY' },
      { ProjectionType: 'INCLUDE', NonKeyAttributes: ['q', 'r'] },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<object>(
      {},
      { ProjectionType: 'ALL', NonKeyAttributes: ['q'] },
      { ProjectionType: 'INCLUDE' },
      { ProjectionType: 'INCLUDE', NonKeyAttributes: [] },
      { ProjectionType: 'SOME' },
    ),
  },
);

const indexName = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('one', 'two', 'three') },
  { weight: 1, arbitrary: fc.constantFrom('no', 'with space', 'n'.repeat(256)) },
);

const localIndex = fc
  .tuple(indexName, schema, indexProjection)
  .map(([IndexName, KeySchema, Projection]) => ({ IndexName, KeySchema, Projection }));
const globalIndex = fc
  .tuple(localIndex, sometimes(30, throughput))
  .map(([index, units]) => ({ ...index, ...(units !== undefined && { ProvisionedThroughput: units }) }));

const billing = fc.tuple(
  sometimes(80, fc.constantFrom('PAY_PER_REQUEST', 'PAY_PER_REQUEST', 'PROVISIONED')),
  sometimes(30, throughput),
);

interface Definition {
  readonly [member: string]: unknown;
}

const definition: fc.Arbitrary<Definition> = fc
  .record({
    KeySchema: schema,
    AttributeDefinitions: attributeDefinitions,
    billing,
    local: sometimes(25, fc.array(localIndex, { minLength: 1, maxLength: 2 })),
    global: sometimes(35, fc.array(globalIndex, { minLength: 1, maxLength: 2 })),
    isProtected: sometimes(10, fc.boolean()),
  })
  .map(({ KeySchema, AttributeDefinitions, billing: [mode, units], local, global, isProtected }) => ({
    KeySchema,
    AttributeDefinitions,
    ...(mode !== undefined && { BillingMode: mode }),
    ...(units !== undefined && { ProvisionedThroughput: units }),
    ...(local !== undefined && { LocalSecondaryIndexes: local }),
    ...(global !== undefined && { GlobalSecondaryIndexes: global }),
    ...(isProtected !== undefined && { DeletionProtectionEnabled: isProtected }),
  }));

/** Right in all that a random one is mostly wrong in. */
const soundDefinition: fc.Arbitrary<Definition> = fc.boolean().map((isOnDemand) => ({
  KeySchema: keySchema('p', 's'),
  AttributeDefinitions: ['p', 's'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
  ...(isOnDemand
    ? { BillingMode: 'PAY_PER_REQUEST' }
    : { ProvisionedThroughput: { ReadCapacityUnits: 5, WriteCapacityUnits: 5 } }),
}));

const change: fc.Arbitrary<object> = fc.oneof(
  throughput.map((ProvisionedThroughput) => ({ ProvisionedThroughput })),
  billing.map(([BillingMode, ProvisionedThroughput]) => ({ BillingMode, ProvisionedThroughput })),
  fc.tuple(globalIndex, attributeDefinitions).map(([Create, AttributeDefinitions]) => ({
    AttributeDefinitions,
    GlobalSecondaryIndexUpdates: [{ Create }],
  })),
  indexName.map((IndexName) => ({ GlobalSecondaryIndexUpdates: [{ Delete: { IndexName } }] })),
  fc.constantFrom<object>({}, { GlobalSecondaryIndexUpdates: [] }, { GlobalSecondaryIndexUpdates: [{}] }),
);

export const tableCase: fc.Arbitrary<Case> = fc
  .record({
    definition: fc.oneof(definition, soundDefinition),
    name: fc.oneof(
      { weight: 20, arbitrary: fc.constant('table-') },
      { weight: 1, arbitrary: fc.constantFrom('no space ', '') },
    ),
    changes: fc.array(change, { maxLength: 3 }),
  })
  .map(({ definition: members, name, changes }) => {
    const TableName = name === '' ? '' : `${name}${names++}`;
    return [
      step('CreateTable', { TableName, ...members }),
      step('DescribeTable', { TableName }),
      ...changes.flatMap((members) => [
        step('UpdateTable', { TableName, ...JSON.parse(JSON.stringify(members)) }),
        step('DescribeTable', { TableName }),
      ]),
      step('DeleteTable', { TableName }),
      step('DescribeTable', { TableName }),
    ];
  });

const timeToLive = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ Enabled: fc.boolean(), AttributeName: fc.constantFrom('ttl', 'other') }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<object>(
      {},
      { Enabled: true },
      { AttributeName: 'ttl' },
      { Enabled: true, AttributeName: '' },
    ),
  },
);

export const timeToLiveCase: fc.Arbitrary<Case> = fc
  .tuple(soundDefinition, fc.array(timeToLive, { minLength: 1, maxLength: 2 }))
  .map(([members, specifications]) => {
    const TableName = `ttl-${names++}`;
    return [
      step('CreateTable', { TableName, ...members }),
      step('DescribeTimeToLive', { TableName }),
      ...specifications.map((TimeToLiveSpecification) =>
        step('UpdateTimeToLive', { TableName, TimeToLiveSpecification }),
      ),
      step('DescribeTimeToLive', { TableName }),
      step('DeleteTable', { TableName }),
    ];
  });
