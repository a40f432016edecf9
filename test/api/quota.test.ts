import type { CreateTableCommandInput, GlobalSecondaryIndex } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { describeSetups, refusal, schemaOf, untilActive } from './setups.ts';

const seeGuide =
  'Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.';

describeSetups((setup) => {
  /** Each test has a region, and so an account's worth of units, to itself. */
  function newRegion() {
    const region = `quota-${setup.newName()}`;
    const dynamo = setup.clientIn(region);
    let tables = 0;
    return {
      region,
      dynamo,
      async create(input: Omit<CreateTableCommandInput, 'TableName' | 'KeySchema' | 'AttributeDefinitions'>) {
        const TableName = `table-${++tables}`;
        await dynamo.createTable({ TableName, ...schemaOf({}), ...input });
        await untilActive(dynamo, TableName);
        return TableName;
      },
    };
  }

  test('a table or an index has 40,000 units of each kind', async () => {
    const { region, dynamo, create } = newRegion();
    const overTable = (name: string) =>
      limitExceeded(
        `The requested ${name}, 40001, is above the per table maximum for the account in ${region}. ` +
          `Per table maximum: 40000. ${seeGuide}`,
      );
    await expect(create({ ProvisionedThroughput: units(40_001, 1) })).rejects.toMatchObject(
      overTable('ReadCapacityUnits'),
    );
    const TableName = await create({ ProvisionedThroughput: units(1, 40_000) });
    await expect(
      dynamo.updateTable({ TableName, ProvisionedThroughput: units(1, 40_001) }),
    ).rejects.toMatchObject(overTable('WriteCapacityUnits'));
    await expect(
      create({ ProvisionedThroughput: units(1, 1), GlobalSecondaryIndexes: [index(units(1, 40_001))] }),
    ).rejects.toMatchObject(
      limitExceeded(
        `The requested WriteCapacityUnits for index by-p, 40001, is above the per index maximum for the account ` +
          `in ${region}. Per index maximum: 40000. ${seeGuide}`,
      ),
    );
  });

  test('an account has 80,000 units of each kind in a region, indexes included', async () => {
    const { region, dynamo, create } = newRegion();
    const TableName = await create({
      ProvisionedThroughput: units(40_000, 1),
      GlobalSecondaryIndexes: [index(units(39_000, 1))],
    });
    const over = (requested: number) =>
      limitExceeded(
        `This request would have caused the ReadCapacityUnits limit to be exceeded for the account in ${region}. ` +
          `Current ReadCapacityUnits reserved by the account: 79000. Limit: 80000. Requested: ${requested}. ${seeGuide}`,
      );
    await expect(create({ ProvisionedThroughput: units(1_001, 1) })).rejects.toMatchObject(over(1_001));
    await expect(
      dynamo.updateTable({
        TableName,
        GlobalSecondaryIndexUpdates: [
          { Update: { IndexName: 'by-p', ProvisionedThroughput: units(40_000, 2) } },
        ],
        ProvisionedThroughput: units(40_000, 2),
      }),
    ).resolves.toBeDefined();
    await untilActive(dynamo, TableName);
    await expect(create({ ProvisionedThroughput: units(1, 1) })).rejects.toMatchObject({
      name: 'LimitExceededException',
      message: expect.stringContaining('reserved by the account: 80000. Limit: 80000. Requested: 1.'),
    });
    // What is on demand reserves nothing, and another region has units of its own.
    await create({ BillingMode: 'PAY_PER_REQUEST' });
    await newRegion().create({ ProvisionedThroughput: units(40_000, 1) });
  });

  test('on-demand maxima and warm throughput keep to the quota of a table', async () => {
    const { region, dynamo, create } = newRegion();
    const TableName = await create({
      BillingMode: 'PAY_PER_REQUEST',
      GlobalSecondaryIndexes: [index()],
      OnDemandThroughput: { MaxReadRequestUnits: 40_000 },
    });
    const of = `exceeds TableMaxReadCapacityUnits of the account in region ${region}`;
    await expect(
      dynamo.updateTable({ TableName, OnDemandThroughput: { MaxReadRequestUnits: 40_001 } }),
    ).rejects.toMatchObject(
      limitExceeded(
        `Subscriber limit exceeded: Requested MaxReadRequestUnits for OnDemandThroughput for table ${of}`,
      ),
    );
    const changed = (Update: object) =>
      dynamo.updateTable({
        TableName,
        GlobalSecondaryIndexUpdates: [{ Update: { IndexName: 'by-p', ...Update } }],
      });
    await expect(changed({ OnDemandThroughput: { MaxReadRequestUnits: 40_001 } })).rejects.toMatchObject(
      limitExceeded(
        `Subscriber limit exceeded: Requested MaxReadRequestUnits for OnDemandThroughput for index : by-p ${of}`,
      ),
    );
    await expect(changed({ WarmThroughput: { ReadUnitsPerSecond: 40_001 } })).rejects.toMatchObject(
      limitExceeded(
        `Subscriber limit exceeded: Requested ReadUnitsPerSecond for WarmThroughput for index by-p ${of}`,
      ),
    );
  });
});

function units(ReadCapacityUnits: number, WriteCapacityUnits: number) {
  return { ReadCapacityUnits, WriteCapacityUnits };
}

function index(ProvisionedThroughput?: GlobalSecondaryIndex['ProvisionedThroughput']): GlobalSecondaryIndex {
  return {
    IndexName: 'by-p',
    KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
    Projection: { ProjectionType: 'ALL' },
    ...(ProvisionedThroughput && { ProvisionedThroughput }),
  };
}

function limitExceeded(message: string): object {
  return refusal('LimitExceededException', message);
}
