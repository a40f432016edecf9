import type { GlobalSecondaryIndex, UpdateTableCommandInput } from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from 'vitest';
import { describeSetups, invalid, refusal, schemaOf, untilActive } from './setups.ts';

const invalidValues = 'One or more parameter values were invalid:';

describeSetups((setup) => {
  type Capacity = Pick<
    UpdateTableCommandInput,
    'ProvisionedThroughput' | 'OnDemandThroughput' | 'WarmThroughput'
  >;

  /** A table with these global indexes, on demand unless units are given. */
  async function table(capacity: Capacity, indexes: readonly GlobalSecondaryIndex[] = []): Promise<string> {
    const TableName = setup.newName();
    await setup.dynamo.createTable({
      TableName,
      BillingMode: capacity.ProvisionedThroughput === undefined ? 'PAY_PER_REQUEST' : 'PROVISIONED',
      ...schemaOf({}),
      ...capacity,
      ...(indexes.length > 0 && { GlobalSecondaryIndexes: [...indexes] }),
    });
    await untilActive(setup.dynamo, TableName);
    return TableName;
  }

  async function update(TableName: string, input: Omit<UpdateTableCommandInput, 'TableName'>) {
    const { TableDescription } = await setup.dynamo.updateTable({ TableName, ...input });
    return TableDescription;
  }

  async function describeTable(TableName: string) {
    const { Table } = await setup.dynamo.describeTable({ TableName });
    return Table;
  }

  describe('on-demand maxima', () => {
    test('are set one by one, cleared by -1, and then are not shown', async () => {
      const TableName = await table({});
      const shown = async () => (await describeTable(TableName))?.OnDemandThroughput;
      const steps = [
        [
          { MaxReadRequestUnits: 1_000, MaxWriteRequestUnits: 500 },
          { MaxReadRequestUnits: 1_000, MaxWriteRequestUnits: 500 },
        ],
        [{ MaxReadRequestUnits: 2_000 }, { MaxReadRequestUnits: 2_000, MaxWriteRequestUnits: 500 }],
        [{ MaxReadRequestUnits: -1 }, { MaxWriteRequestUnits: 500 }],
        [{ MaxWriteRequestUnits: -1 }, undefined],
        [{ MaxReadRequestUnits: -1, MaxWriteRequestUnits: -1 }, undefined],
        [{ MaxWriteRequestUnits: 700 }, { MaxWriteRequestUnits: 700 }],
      ] as const;
      expect(await shown()).toBeUndefined();
      for (const [OnDemandThroughput, expected] of steps) {
        const reply = await update(TableName, { OnDemandThroughput });
        expect(reply).toMatchObject({ TableStatus: 'ACTIVE', OnDemandThroughput });
        expect(await shown()).toEqual(expected);
      }
    });

    test('are out of range below 1, and for on-demand tables alone', async () => {
      const onDemand = await table({});
      for (const MaxWriteRequestUnits of [0, -2]) {
        await expect(
          update(onDemand, { OnDemandThroughput: { MaxWriteRequestUnits } }),
        ).rejects.toMatchObject(
          invalid(
            `${invalidValues} Requested MaxWriteRequestUnits for OnDemandThroughput for table is outside of valid range`,
          ),
        );
      }
      const provisioned = await table({ ProvisionedThroughput: units(1, 1) }, [index('rest', units(1, 1))]);
      await expect(
        update(provisioned, { OnDemandThroughput: { MaxReadRequestUnits: 5 } }),
      ).rejects.toMatchObject(
        invalid(
          `${invalidValues} MaxReadRequestUnits for OnDemandThroughput cannot be specified ` +
            'when the table BillingMode is PROVISIONED',
        ),
      );
      await expect(
        update(provisioned, ofIndex('rest', { OnDemandThroughput: { MaxReadRequestUnits: 5 } })),
      ).rejects.toMatchObject(
        invalid(
          `${invalidValues} MaxReadRequestUnits for OnDemandThroughput for index : rest cannot be specified ` +
            'when the table BillingMode is PROVISIONED',
        ),
      );
    });

    test('are dropped from table and indexes by a change of the billing mode', async () => {
      const maximum = { OnDemandThroughput: { MaxReadRequestUnits: 5, MaxWriteRequestUnits: 5 } };
      const TableName = await table(maximum, [{ ...index('rest'), ...maximum }]);
      expect((await describeTable(TableName))?.GlobalSecondaryIndexes?.[0]).toMatchObject(maximum);
      await update(TableName, {
        BillingMode: 'PROVISIONED',
        ProvisionedThroughput: units(1, 1),
        ...ofIndex('rest', { ProvisionedThroughput: units(1, 1) }),
      });
      await untilActive(setup.dynamo, TableName);
      const changed = await describeTable(TableName);
      expect(changed).not.toHaveProperty('OnDemandThroughput');
      expect(changed?.GlobalSecondaryIndexes?.[0]).not.toHaveProperty('OnDemandThroughput');
    });

    test('asking for nothing of them asks for nothing', async () => {
      const TableName = await table({});
      for (const empty of [{ OnDemandThroughput: {} }, { WarmThroughput: {} }]) {
        await expect(update(TableName, empty)).rejects.toMatchObject(invalid(/^At least one of /));
        await update(TableName, { ...empty, DeletionProtectionEnabled: false });
      }
    });
  });

  describe('warm throughput', () => {
    const tooLow = (name: string, of: string) =>
      invalid(
        `${invalidValues} Requested ${name} for WarmThroughput for ${of} is lower than current WarmThroughput, ` +
          'decreasing WarmThroughput is not supported',
      );

    test('only grows', async () => {
      const TableName = await table({}, [index('rest')]);
      const warm = { ReadUnitsPerSecond: 13_000, WriteUnitsPerSecond: 4_000 };
      expect(await update(TableName, { WarmThroughput: { ReadUnitsPerSecond: 13_000 } })).toMatchObject({
        TableStatus: 'ACTIVE',
        WarmThroughput: { ReadUnitsPerSecond: 12_000, WriteUnitsPerSecond: 4_000, Status: 'UPDATING' },
      });
      await update(TableName, { WarmThroughput: warm });
      expect((await describeTable(TableName))?.WarmThroughput).toEqual({ ...warm, Status: 'ACTIVE' });
      await expect(
        update(TableName, { WarmThroughput: { ReadUnitsPerSecond: 12_999 } }),
      ).rejects.toMatchObject(tooLow('ReadUnitsPerSecond', 'table'));
      await expect(
        update(TableName, ofIndex('rest', { WarmThroughput: { WriteUnitsPerSecond: 3_999 } })),
      ).rejects.toMatchObject(tooLow('WriteUnitsPerSecond', 'index rest'));
      await expect(update(TableName, ofIndex('rest', { WarmThroughput: {} }))).rejects.toMatchObject(
        invalid(
          `${invalidValues} WarmThroughput must have at least one of ReadUnitsPerSecond or WriteUnitsPerSecond ` +
            'specified for index: rest',
        ),
      );
    });

    test('of a provisioned table follows the most that was ever provisioned', async () => {
      const TableName = await table({ ProvisionedThroughput: units(1, 1) });
      const warm = async () => (await describeTable(TableName))?.WarmThroughput;
      for (const [requested, expected] of [
        [units(3, 2), { ReadUnitsPerSecond: 3, WriteUnitsPerSecond: 2 }],
        [units(1, 4), { ReadUnitsPerSecond: 3, WriteUnitsPerSecond: 4 }],
      ] as const) {
        await update(TableName, { ProvisionedThroughput: requested });
        await untilActive(setup.dynamo, TableName);
        expect(await warm()).toEqual({ ...expected, Status: 'ACTIVE' });
      }
      await expect(
        update(TableName, { WarmThroughput: { ReadUnitsPerSecond: 2, WriteUnitsPerSecond: 2 } }),
      ).rejects.toMatchObject(tooLow('ReadUnitsPerSecond', 'table'));
      await update(TableName, { BillingMode: 'PAY_PER_REQUEST' });
      await untilActive(setup.dynamo, TableName);
      const initial = { ReadUnitsPerSecond: 12_000, WriteUnitsPerSecond: 4_000, Status: 'ACTIVE' };
      expect(await warm()).toEqual(initial);
      await update(TableName, { BillingMode: 'PROVISIONED', ProvisionedThroughput: units(1, 1) });
      await untilActive(setup.dynamo, TableName);
      expect(await warm()).toEqual(initial);
    });
  });

  describe('units and billing', () => {
    test('of an index change with those of the table or alone, and not to what they are', async () => {
      const TableName = await table({ ProvisionedThroughput: units(5, 5) }, [index('rest', units(2, 2))]);
      const same = ofIndex('rest', { ProvisionedThroughput: units(2, 2) });
      await expect(update(TableName, same)).rejects.toMatchObject(
        invalid(
          'The provisioned throughput for the index rest will not change. The requested value equals the current value. ' +
            'Current ReadCapacityUnits provisioned for index rest: 2. Requested ReadCapacityUnits: 2. ' +
            'Current WriteCapacityUnits provisioned for index rest: 2. Requested WriteCapacityUnits: 2. ' +
            'Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.',
        ),
      );
      expect(await update(TableName, ofIndex('rest', { ProvisionedThroughput: units(2, 3) }))).toMatchObject({
        TableStatus: 'ACTIVE',
        GlobalSecondaryIndexes: [{ IndexStatus: 'UPDATING' }],
      });
      await update(TableName, {
        ProvisionedThroughput: units(6, 6),
        ...ofIndex('rest', { ProvisionedThroughput: units(1, 1) }),
      });
      await untilActive(setup.dynamo, TableName);
      expect(await describeTable(TableName)).toMatchObject({
        ProvisionedThroughput: units(6, 6),
        GlobalSecondaryIndexes: [
          { IndexStatus: 'ACTIVE', ProvisionedThroughput: { ...units(1, 1), NumberOfDecreasesToday: 1 } },
        ],
      });
    });

    test('decreases are limited within a day', async () => {
      const TableName = await table({ ProvisionedThroughput: units(9, 9) });
      for (let read = 8; read >= 5; read--) {
        await update(TableName, { ProvisionedThroughput: units(read, 9) });
        await untilActive(setup.dynamo, TableName);
      }
      await expect(update(TableName, { ProvisionedThroughput: units(4, 20) })).rejects.toMatchObject(
        refusal(
          'LimitExceededException',
          /^Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day\. After/,
        ),
      );
      await update(TableName, { ProvisionedThroughput: units(5, 20) });
    });

    test('a table that becomes provisioned needs units for each index', async () => {
      const TableName = await table({}, [index('one'), index('two')]);
      const toProvisioned = { BillingMode: 'PROVISIONED', ProvisionedThroughput: units(3, 3) } as const;
      await expect(update(TableName, toProvisioned)).rejects.toMatchObject(
        invalid(`${invalidValues} ProvisionedThroughput must be specified for index: one,two`),
      );
      const one = ofIndex('one', { ProvisionedThroughput: units(1, 1) });
      await expect(update(TableName, { ...toProvisioned, ...one })).rejects.toMatchObject(
        invalid(`${invalidValues} ProvisionedThroughput must be specified for index: two`),
      );
      const two = ofIndex('two', { ProvisionedThroughput: units(2, 2) });
      const both = [...one.GlobalSecondaryIndexUpdates, ...two.GlobalSecondaryIndexUpdates];
      const reply = await update(TableName, { ...toProvisioned, GlobalSecondaryIndexUpdates: both });
      expect(reply).toMatchObject({
        TableStatus: 'UPDATING',
        ProvisionedThroughput: units(3, 3),
        GlobalSecondaryIndexes: [
          { ProvisionedThroughput: units(1, 1) },
          { ProvisionedThroughput: units(2, 2) },
        ],
      });
      await untilActive(setup.dynamo, TableName);
      await update(TableName, { BillingMode: 'PAY_PER_REQUEST' });
      await untilActive(setup.dynamo, TableName);
      expect((await describeTable(TableName))?.GlobalSecondaryIndexes).toMatchObject([
        { IndexStatus: 'ACTIVE', ProvisionedThroughput: units(0, 0) },
        { IndexStatus: 'ACTIVE', ProvisionedThroughput: units(0, 0) },
      ]);
    });

    test('what does not go with the billing mode is refused', async () => {
      const onDemand = await table({}, [index('rest')]);
      const provisioned = await table({ ProvisionedThroughput: units(1, 1) }, [index('rest', units(1, 1))]);
      const create = (throughput?: ReturnType<typeof units>) => ({
        AttributeDefinitions: [{ AttributeName: 'p', AttributeType: 'S' as const }],
        GlobalSecondaryIndexUpdates: [{ Create: index('new', throughput) }],
      });
      const refused: readonly (readonly [string, Omit<UpdateTableCommandInput, 'TableName'>, string])[] = [
        [
          onDemand,
          { ProvisionedThroughput: units(1, 1) },
          'Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST',
        ],
        [
          onDemand,
          ofIndex('rest', { ProvisionedThroughput: units(1, 1) }),
          'The only Updates for index: rest when TableThroughputMode is PAY_PER_REQUEST ' +
            'can be to OnDemandThroughput, WarmThroughput',
        ],
        [
          provisioned,
          { BillingMode: 'PAY_PER_REQUEST', ...ofIndex('rest', { ProvisionedThroughput: units(1, 1) }) },
          'Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: rest ' +
            'when BillingMode is PAY_PER_REQUEST',
        ],
        [
          onDemand,
          create(units(1, 1)),
          'Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: new ' +
            'when BillingMode is PAY_PER_REQUEST',
        ],
        [
          provisioned,
          create(),
          'Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: new',
        ],
      ];
      for (const [TableName, input, text] of refused) {
        await expect(update(TableName, input)).rejects.toMatchObject(invalid(`${invalidValues} ${text}`));
      }
    });
  });

  test('indexes are changed that are there, and global', async () => {
    const TableName = setup.newName();
    await setup.dynamo.createTable({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      ...schemaOf({ s: 'S' }),
      LocalSecondaryIndexes: [{ ...index('local'), KeySchema: schemaOf({ s: 'S' }).KeySchema }],
    });
    await untilActive(setup.dynamo, TableName);
    const maximum = { OnDemandThroughput: { MaxReadRequestUnits: 5 } };
    const remove = (IndexName: string) => ({ GlobalSecondaryIndexUpdates: [{ Delete: { IndexName } }] });
    for (const input of [ofIndex('ghost', maximum), remove('ghost')]) {
      await expect(update(TableName, input)).rejects.toMatchObject(
        refusal(
          'ResourceNotFoundException',
          `Requested resource not found: Index ghost for table ${TableName}`,
        ),
      );
    }
    await expect(update(TableName, ofIndex('local', maximum))).rejects.toMatchObject(
      invalid('Cannot update an index that is not a GlobalSecondaryIndex: local'),
    );
    await expect(update(TableName, remove('local'))).rejects.toMatchObject(
      invalid('Cannot delete an index that is not a GlobalSecondaryIndex: local'),
    );
    await expect(
      update(TableName, { DeletionProtectionEnabled: true, GlobalSecondaryIndexUpdates: [] }),
    ).rejects.toMatchObject(invalid(`${invalidValues} List of GlobalSecondaryIndexUpdates is empty`));
    expect(await describeTable(TableName)).toMatchObject({ DeletionProtectionEnabled: false });
  });

  test('an attribute keeps the type that it has, and a new index may not have it with another', async () => {
    const TableName = await table({});
    const create = (IndexName: string, key: string): Omit<UpdateTableCommandInput, 'TableName'> => ({
      AttributeDefinitions: [
        { AttributeName: 'p', AttributeType: 'N' },
        { AttributeName: 'g', AttributeType: 'S' },
        { AttributeName: 'unused', AttributeType: 'B' },
      ],
      GlobalSecondaryIndexUpdates: [
        { Create: { ...index(IndexName), KeySchema: [{ AttributeName: key, KeyType: 'HASH' }] } },
      ],
    });
    await expect(update(TableName, create('by-p', 'p'))).rejects.toMatchObject(
      invalid(
        `${invalidValues} Attributes cannot be redefined. ` +
          'Please check that your attribute has the same type as previously defined. ' +
          'Existing schema: Schema:[SchemaElement: key{p:S:HASH}] ' +
          'New schema: Schema:[SchemaElement: key{p:N:HASH}]',
      ),
    );
    await update(TableName, create('by-g', 'g'));
    expect(await describeTable(TableName)).toMatchObject({
      AttributeDefinitions: [
        { AttributeName: 'g', AttributeType: 'S' },
        { AttributeName: 'p', AttributeType: 'S' },
      ],
    });
  });

  test('protection from deletion is there at once', async () => {
    const TableName = await table({});
    expect(await update(TableName, { DeletionProtectionEnabled: true })).toMatchObject({
      TableStatus: 'ACTIVE',
      DeletionProtectionEnabled: true,
    });
    expect(await update(TableName, { DeletionProtectionEnabled: true })).toMatchObject({
      DeletionProtectionEnabled: true,
    });
  });

  test('a description has all that tools poll, and nothing of what was never set', async () => {
    const TableName = setup.newName();
    const created = await setup.dynamo.createTable({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'z', KeyType: 'HASH' }],
      AttributeDefinitions: [
        { AttributeName: 'z', AttributeType: 'S' },
        { AttributeName: 'a', AttributeType: 'N' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'rest',
          KeySchema: [{ AttributeName: 'a', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['y', 'x'] },
        },
      ],
    });
    expect(created.TableDescription).not.toHaveProperty('WarmThroughput');
    expect(created.TableDescription?.BillingModeSummary).toEqual({ BillingMode: 'PAY_PER_REQUEST' });
    await untilActive(setup.dynamo, TableName);
    const described = await describeTable(TableName);
    expect(described).toMatchObject({
      AttributeDefinitions: [{ AttributeName: 'a' }, { AttributeName: 'z' }],
      DeletionProtectionEnabled: false,
      WarmThroughput: { Status: 'ACTIVE' },
      GlobalSecondaryIndexes: [
        {
          IndexStatus: 'ACTIVE',
          Projection: { NonKeyAttributes: ['x', 'y'] },
          ProvisionedThroughput: { ...units(0, 0), NumberOfDecreasesToday: 0 },
          WarmThroughput: { ReadUnitsPerSecond: 12_000, WriteUnitsPerSecond: 4_000, Status: 'ACTIVE' },
        },
      ],
    });
    for (const absent of [
      'OnDemandThroughput',
      'TableClassSummary',
      'Replicas',
      'GlobalTableVersion',
      'SSEDescription',
      'StreamSpecification',
      'LatestStreamArn',
      'RestoreSummary',
      'ArchivalSummary',
      'LocalSecondaryIndexes',
      'GlobalSecondaryIndexes.0.Backfilling',
      'GlobalSecondaryIndexes.0.OnDemandThroughput',
    ]) {
      expect(described).not.toHaveProperty(absent);
    }
  });
});

function units(ReadCapacityUnits: number, WriteCapacityUnits: number) {
  return { ReadCapacityUnits, WriteCapacityUnits };
}

function index(IndexName: string, throughput?: ReturnType<typeof units>): GlobalSecondaryIndex {
  return {
    IndexName,
    KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
    Projection: { ProjectionType: 'ALL' },
    ...(throughput !== undefined && { ProvisionedThroughput: throughput }),
  };
}

function ofIndex(IndexName: string, change: object) {
  return { GlobalSecondaryIndexUpdates: [{ Update: { IndexName, ...change } }] };
}
