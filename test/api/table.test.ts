import { waitUntilTableExists, waitUntilTableNotExists } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { describeSetups, invalid, refusal, schemaOf, untilActive } from './setups.ts';

const waiting = { maxWaitTime: 10, minDelay: 0.02, maxDelay: 0.02 };

describeSetups((setup) => {
  test('a table comes, is described, and goes', async () => {
    const { dynamo } = setup;
    const TableName = setup.newName();
    const before = Date.now();
    const { TableDescription } = await dynamo.createTable({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      ...schemaOf({ p: 'S', s: 'N' }),
    });
    expect(TableDescription).toMatchObject({ TableName, TableStatus: 'CREATING', ItemCount: 0 });
    await waitUntilTableExists({ client: dynamo, ...waiting }, { TableName });

    const { Table } = await dynamo.describeTable({ TableName });
    expect(Table).toEqual({
      TableName,
      TableStatus: 'ACTIVE',
      ...schemaOf({ p: 'S', s: 'N' }),
      CreationDateTime: expect.any(Date),
      TableArn: `arn:aws:dynamodb:${setup.region}:000000000000:table/${TableName}`,
      TableId: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      TableSizeBytes: 0,
      ItemCount: 0,
      BillingModeSummary: {
        BillingMode: 'PAY_PER_REQUEST',
        LastUpdateToPayPerRequestDateTime: Table?.CreationDateTime,
      },
      ProvisionedThroughput: { NumberOfDecreasesToday: 0, ReadCapacityUnits: 0, WriteCapacityUnits: 0 },
      WarmThroughput: { ReadUnitsPerSecond: 12_000, WriteUnitsPerSecond: 4_000, Status: 'ACTIVE' },
      DeletionProtectionEnabled: false,
    });
    expect(Table?.CreationDateTime?.getTime()).toBeGreaterThan(before - 2_000);

    const deleted = await dynamo.deleteTable({ TableName });
    expect(deleted.TableDescription).toMatchObject({ TableName, TableStatus: 'DELETING' });
    await waitUntilTableNotExists({ client: dynamo, ...waiting }, { TableName });
    await expect(dynamo.describeTable({ TableName })).rejects.toMatchObject(
      refusal('ResourceNotFoundException', `Requested resource not found: Table: ${TableName} not found`),
    );
  });

  test('a provisioned table shows what is provisioned', async () => {
    const TableName = setup.newName();
    await setup.dynamo.createTable({
      TableName,
      ProvisionedThroughput: { ReadCapacityUnits: 3, WriteCapacityUnits: 2 },
      ...schemaOf({}),
    });
    await untilActive(setup.dynamo, TableName);
    const { Table } = await setup.dynamo.describeTable({ TableName });
    expect(Table?.ProvisionedThroughput).toEqual({
      NumberOfDecreasesToday: 0,
      ReadCapacityUnits: 3,
      WriteCapacityUnits: 2,
    });
    expect(Table?.WarmThroughput).toMatchObject({ ReadUnitsPerSecond: 3, WriteUnitsPerSecond: 2 });
    expect(Table).not.toHaveProperty('BillingModeSummary');
  });

  test('a table made anew under a name inherits neither items nor identity', async () => {
    const { dynamo } = setup;
    const TableName = await setup.table();
    const Key = { p: { S: 'a' } };
    await dynamo.putItem({ TableName, Item: { ...Key, v: { N: '1' } } });
    expect((await dynamo.getItem({ TableName, Key })).Item).toBeDefined();
    const { Table: first } = await dynamo.describeTable({ TableName });
    await dynamo.deleteTable({ TableName });
    await untilGone(TableName);
    await expect(dynamo.getItem({ TableName, Key })).rejects.toMatchObject(
      refusal('ResourceNotFoundException', 'Requested resource not found'),
    );
    await dynamo.createTable({ TableName, BillingMode: 'PAY_PER_REQUEST', ...schemaOf({}) });
    await untilActive(dynamo, TableName);
    expect((await dynamo.getItem({ TableName, Key })).Item).toBeUndefined();
    const { Table: second } = await dynamo.describeTable({ TableName });
    expect(second?.TableId).not.toBe(first?.TableId);
    expect(second?.ItemCount).toBe(0);
  });

  async function untilGone(TableName: string): Promise<void> {
    while ((await setup.dynamo.listTables({})).TableNames?.includes(TableName));
  }

  test('a name is taken once', async () => {
    const TableName = await setup.table();
    const input = { TableName, BillingMode: 'PAY_PER_REQUEST', ...schemaOf({}) } as const;
    await expect(setup.dynamo.createTable(input)).rejects.toMatchObject(
      refusal('ResourceInUseException', `Table already exists: ${TableName}`),
    );
  });

  test.each([
    ['', 'Member must have length greater than or equal to 3'],
    ['ab', 'Member must have length greater than or equal to 3'],
    ['n'.repeat(256), 'Member must have length less than or equal to 255'],
    ['a table', 'Member must satisfy regular expression pattern: \\[a-zA-Z0-9_.-\\]\\+'],
    ['täble', 'Member must satisfy regular expression pattern: \\[a-zA-Z0-9_.-\\]\\+'],
  ])('the name %j is refused', async (TableName, constraint) => {
    const input = { TableName, BillingMode: 'PAY_PER_REQUEST', ...schemaOf({}) } as const;
    await expect(setup.dynamo.createTable(input)).rejects.toMatchObject(
      invalid(new RegExp(`at 'tableName' failed to satisfy constraint: ${constraint}`)),
    );
  });

  test.each(['A.b', '-_.', 'n'.repeat(255)])('the name %j is accepted', async (TableName) => {
    await setup.dynamo.createTable({ TableName, BillingMode: 'PAY_PER_REQUEST', ...schemaOf({}) });
    await untilActive(setup.dynamo, TableName);
    await setup.dynamo.putItem({ TableName, Item: { p: { S: 'a' } } });
    expect((await setup.dynamo.getItem({ TableName, Key: { p: { S: 'a' } } })).Item).toEqual({
      p: { S: 'a' },
    });
    await setup.dynamo.deleteTable({ TableName });
  });

  test('a protected table is not deleted', async () => {
    const { dynamo } = setup;
    const TableName = await setup.table();
    await dynamo.updateTable({ TableName, DeletionProtectionEnabled: true });
    await untilActive(dynamo, TableName);
    await expect(dynamo.deleteTable({ TableName })).rejects.toMatchObject(
      invalid(
        'Resource cannot be deleted as it is currently protected against deletion. ' +
          'Disable deletion protection first.',
      ),
    );
    const { Table } = await dynamo.describeTable({ TableName });
    expect(Table).toMatchObject({ TableStatus: 'ACTIVE', DeletionProtectionEnabled: true });
    await dynamo.updateTable({ TableName, DeletionProtectionEnabled: false });
    await untilActive(dynamo, TableName);
    await dynamo.deleteTable({ TableName });
  });

  test('throughput is changed up and down, and to what it is not', async () => {
    const { dynamo } = setup;
    const TableName = setup.newName();
    await dynamo.createTable({ TableName, ProvisionedThroughput: units(5, 5), ...schemaOf({}) });
    await untilActive(dynamo, TableName);
    const updated = await dynamo.updateTable({ TableName, ProvisionedThroughput: units(6, 4) });
    expect(updated.TableDescription).toMatchObject({ TableStatus: 'UPDATING' });
    await untilActive(dynamo, TableName);
    const { Table } = await dynamo.describeTable({ TableName });
    expect(Table?.ProvisionedThroughput).toEqual({
      ...units(6, 4),
      NumberOfDecreasesToday: 1,
      LastIncreaseDateTime: expect.any(Date),
      LastDecreaseDateTime: expect.any(Date),
    });
    await expect(dynamo.updateTable({ TableName, ProvisionedThroughput: units(6, 4) })).rejects.toMatchObject(
      invalid(/^The provisioned throughput for the table will not change\. The requested value equals/),
    );
    await expect(dynamo.updateTable({ TableName, ProvisionedThroughput: units(0, 4) })).rejects.toMatchObject(
      invalid(
        /at 'provisionedThroughput.readCapacityUnits' failed to satisfy constraint: Member must have value/,
      ),
    );
  });

  test('billing goes on demand and back', async () => {
    const { dynamo } = setup;
    const TableName = setup.newName();
    await dynamo.createTable({ TableName, ProvisionedThroughput: units(5, 5), ...schemaOf({}) });
    await untilActive(dynamo, TableName);
    await expect(
      dynamo.updateTable({ TableName, BillingMode: 'PAY_PER_REQUEST', ProvisionedThroughput: units(1, 1) }),
    ).rejects.toMatchObject(
      invalid(/^One or more parameter values were invalid: ProvisionedThroughput cannot be specified when/),
    );
    await dynamo.updateTable({ TableName, BillingMode: 'PAY_PER_REQUEST' });
    await untilActive(dynamo, TableName);
    const onDemand = await dynamo.describeTable({ TableName });
    expect(onDemand.Table?.BillingModeSummary?.BillingMode).toBe('PAY_PER_REQUEST');
    expect(onDemand.Table?.ProvisionedThroughput).toMatchObject(units(0, 0));
    await expect(dynamo.updateTable({ TableName, BillingMode: 'PROVISIONED' })).rejects.toMatchObject(
      invalid(
        'One or more parameter values were invalid: ' +
          'ProvisionedThroughput must be specified when BillingMode is PROVISIONED',
      ),
    );
    await dynamo.updateTable({ TableName, BillingMode: 'PROVISIONED', ProvisionedThroughput: units(7, 8) });
    await untilActive(dynamo, TableName);
    const provisioned = await dynamo.describeTable({ TableName });
    expect(provisioned.Table?.BillingModeSummary?.BillingMode).toBe('PROVISIONED');
    expect(provisioned.Table?.ProvisionedThroughput).toMatchObject(units(7, 8));
  });

  test('items stay through a change of the table, cached or not', async () => {
    const { dynamo } = setup;
    const TableName = await setup.table();
    const Item = { p: { S: 'a' }, v: { S: 'stays' } };
    await dynamo.putItem({ TableName, Item });
    await dynamo.updateTable({ TableName, BillingMode: 'PROVISIONED', ProvisionedThroughput: units(1, 1) });
    expect((await dynamo.getItem({ TableName, Key: { p: { S: 'a' } } })).Item).toEqual(Item);
    await untilActive(dynamo, TableName);
    expect((await dynamo.getItem({ TableName, Key: { p: { S: 'a' } } })).Item).toEqual(Item);
  });

  test('an update must ask for something, of a table that is there', async () => {
    const { dynamo } = setup;
    const TableName = await setup.table();
    await expect(dynamo.updateTable({ TableName })).rejects.toMatchObject(
      invalid(/^At least one of ProvisionedThroughput, BillingMode, .* or TableClass is required$/),
    );
    const missing = { TableName: 'no-such-table' };
    const notFound = refusal(
      'ResourceNotFoundException',
      'Requested resource not found: Table: no-such-table not found',
    );
    await expect(dynamo.updateTable({ ...missing, DeletionProtectionEnabled: true })).rejects.toMatchObject(
      notFound,
    );
    await expect(dynamo.describeTable(missing)).rejects.toMatchObject(notFound);
    await expect(dynamo.deleteTable(missing)).rejects.toMatchObject(notFound);
  });

  test('a hundred tables are listed to a page, in the order of their names', async () => {
    const dynamo = setup.clientIn(`listing-${setup.name}`);
    const names = Array.from({ length: 101 }, (_, i) => `listed-${String(i).padStart(3, '0')}`);
    await Promise.all(
      names.map((TableName) =>
        dynamo.createTable({ TableName, BillingMode: 'PAY_PER_REQUEST', ...schemaOf({}) }),
      ),
    );
    const first = await dynamo.listTables({});
    expect(first.TableNames).toEqual(names.slice(0, 100));
    expect(first.LastEvaluatedTableName).toBe('listed-099');
    const second = await dynamo.listTables({ ExclusiveStartTableName: 'listed-099' });
    expect(second.TableNames).toEqual(['listed-100']);
    expect(second.LastEvaluatedTableName).toBeUndefined();
    const between = await dynamo.listTables({ ExclusiveStartTableName: 'listed-0500', Limit: 2 });
    expect(between).toMatchObject({
      TableNames: ['listed-051', 'listed-052'],
      LastEvaluatedTableName: 'listed-052',
    });
    await expect(dynamo.listTables({ Limit: 101 })).rejects.toMatchObject(
      invalid(
        "1 validation error detected: Value '101' at 'limit' failed to satisfy constraint: " +
          'Member must have value less than or equal to 100',
      ),
    );
  });

  test('the account has the default quotas', async () => {
    expect(await setup.dynamo.describeLimits({})).toMatchObject({
      AccountMaxReadCapacityUnits: 80_000,
      AccountMaxWriteCapacityUnits: 80_000,
      TableMaxReadCapacityUnits: 40_000,
      TableMaxWriteCapacityUnits: 40_000,
    });
  });
});

function units(ReadCapacityUnits: number, WriteCapacityUnits: number) {
  return { ReadCapacityUnits, WriteCapacityUnits };
}
