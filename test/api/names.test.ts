import { describe, expect, test } from 'vitest';
import { createTable, describeSetups, invalid, refusal, schemaOf, untilActive } from './setups.ts';

const notFound = refusal('ResourceNotFoundException', 'Requested resource not found');

describeSetups((setup) => {
  test('DescribeEndpoints answers where the caller already is', async () => {
    const { Endpoints } = await setup.dynamo.describeEndpoints();
    expect(Endpoints).toEqual([{ Address: new URL(setup.address).host, CachePeriodInMinutes: 1440 }]);
  });

  describe('the ARN of a table', () => {
    test('stands wherever its name may', async () => {
      const { dynamo } = setup;
      const name = await setup.table({ s: 'S' });
      const { Table } = await dynamo.describeTable({ TableName: name });
      const TableName = Table?.TableArn ?? '';
      expect((await dynamo.describeTable({ TableName })).Table).toEqual(Table);
      const Key = { p: { S: 'a' }, s: { S: 'b' } };
      const capacity = { ReturnConsumedCapacity: 'TOTAL' } as const;
      const put = await dynamo.putItem({ TableName, Item: Key, ...capacity });
      expect(put.ConsumedCapacity?.TableName).toBe(TableName);
      for (let i = 0; i < 2; i++) {
        const got = await dynamo.getItem({ TableName, Key, ...capacity });
        expect(got).toMatchObject({ Item: Key, ConsumedCapacity: { TableName, CapacityUnits: 0.5 } });
        const { Responses } = await dynamo.batchGetItem({ RequestItems: { [TableName]: { Keys: [Key] } } });
        expect(Responses).toEqual({ [TableName]: [Key] });
      }
      await dynamo.updateItem({
        TableName,
        Key,
        UpdateExpression: 'SET v = :v',
        ExpressionAttributeValues: { ':v': { N: '1' } },
      });
      const Item = { ...Key, v: { N: '1' } };
      expect((await dynamo.getItem({ TableName: name, Key })).Item).toEqual(Item);
      expect((await dynamo.getItem({ TableName, Key })).Item).toEqual(Item);
      expect((await dynamo.scan({ TableName })).Items).toEqual([Item]);
      const query = { KeyConditionExpression: 'p = :p', ExpressionAttributeValues: { ':p': { S: 'a' } } };
      expect((await dynamo.query({ TableName, ...query })).Items).toEqual([Item]);
      await dynamo.batchWriteItem({ RequestItems: { [TableName]: [{ DeleteRequest: { Key } }] } });
      expect((await dynamo.getItem({ TableName: name, Key })).Item).toBeUndefined();
      expect((await dynamo.getItem({ TableName, Key })).Item).toBeUndefined();
      await dynamo.putItem({ TableName: name, Item: Key });
      await dynamo.deleteItem({ TableName, Key });
      expect((await dynamo.getItem({ TableName: name, Key })).Item).toBeUndefined();
      await dynamo.updateTable({ TableName, DeletionProtectionEnabled: true });
      await untilActive(dynamo, name);
      await dynamo.updateTable({ TableName, DeletionProtectionEnabled: false });
      await untilActive(dynamo, name);
      expect((await dynamo.deleteTable({ TableName })).TableDescription?.TableName).toBe(name);
    });

    test.each([
      ['region', (arn: string) => arn.replace(setup.region, 'sa-east-1')],
      ['partition', (arn: string) => arn.replace('arn:aws:', 'arn:aws-cn:')],
    ])('of another %s is not valid', async (part, changed) => {
      const name = await setup.sharedTable();
      const TableName = changed(arnOf(name));
      const elsewhere = invalid(`1 validation error detected: Invalid AWS ${part} in '${TableName}'`);
      for (const call of callsOn(TableName)) await expect(call()).rejects.toMatchObject(elsewhere);
    });

    test('of another account is denied', async () => {
      const TableName = arnOf(await setup.sharedTable()).replace('000000000000', '123456789012');
      const denied = refusal('AccessDeniedException', 'Access is denied');
      for (const call of callsOn(TableName)) await expect(call()).rejects.toMatchObject(denied);
    });

    function arnOf(name: string): string {
      return `arn:aws:dynamodb:${setup.region}:000000000000:table/${name}`;
    }

    function callsOn(TableName: string): (() => Promise<unknown>)[] {
      const Key = { p: { S: 'a' } };
      const { dynamo } = setup;
      return [
        () => dynamo.getItem({ TableName, Key }),
        () => dynamo.putItem({ TableName, Item: Key }),
        () => dynamo.scan({ TableName }),
        () => dynamo.batchGetItem({ RequestItems: { [TableName]: { Keys: [Key] } } }),
        () => dynamo.transactWriteItems({ TransactItems: [{ Put: { TableName, Item: Key } }] }),
        () => dynamo.describeTable({ TableName }),
        () => dynamo.deleteTable({ TableName }),
        () => dynamo.createTable({ TableName, BillingMode: 'PAY_PER_REQUEST', ...schemaOf({}) }),
      ];
    }
  });

  test('regions have tables of their own', async () => {
    const name = setup.newName();
    const regions = [`east-${setup.name}`, `west-${setup.name}`];
    const clients = regions.map((region) => setup.clientIn(region));
    await Promise.all(clients.map((client) => createTable(client, name)));
    const Key = { p: { S: 'a' } };
    for (const [i, client] of clients.entries()) {
      await client.putItem({ TableName: name, Item: { ...Key, from: { S: regions[i] ?? '' } } });
    }
    for (const [i, client] of clients.entries()) {
      for (let times = 0; times < 2; times++) {
        const { Item } = await client.getItem({ TableName: name, Key });
        expect(Item?.from).toEqual({ S: regions[i] });
      }
      expect((await client.listTables({})).TableNames).toEqual([name]);
    }
    const [first, second] = clients;
    await first?.deleteTable({ TableName: name });
    expect((await second?.getItem({ TableName: name, Key }))?.Item).toBeDefined();
    await expect(setup.dynamo.getItem({ TableName: name, Key })).rejects.toMatchObject(notFound);
  });
});
