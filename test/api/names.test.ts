import { describe, expect, test } from 'vitest';
import { createTable, describeSetups, refusal, untilActive } from './setups.ts';

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

    test('of another region is not found', async () => {
      const name = await setup.table();
      const { Table } = await setup.dynamo.describeTable({ TableName: name });
      const elsewhere = (Table?.TableArn ?? '').replace(setup.region, 'sa-east-1');
      await expect(
        setup.dynamo.getItem({ TableName: elsewhere, Key: { p: { S: 'a' } } }),
      ).rejects.toMatchObject(notFound);
      await expect(setup.dynamo.describeTable({ TableName: elsewhere })).rejects.toMatchObject(
        refusal('ResourceNotFoundException', `Requested resource not found: Table: ${name} not found`),
      );
    });
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
