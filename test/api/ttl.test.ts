import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Program } from '../program.ts';
import { createTable, describeSetups, invalid, refusal } from './setups.ts';

describeSetups((setup) => {
  function change(TableName: string, Enabled: boolean, AttributeName = 'ttl') {
    return setup.dynamo.updateTimeToLive({
      TableName,
      TimeToLiveSpecification: { Enabled, AttributeName },
    });
  }

  test('TTL is enabled, described and disabled', async () => {
    const TableName = await setup.table();
    const description = async () => {
      const { TimeToLiveDescription: described } = await setup.dynamo.describeTimeToLive({ TableName });
      return described;
    };
    expect(await description()).toEqual({ TimeToLiveStatus: 'DISABLED' });
    const specification = (Enabled: boolean) => ({
      TimeToLiveSpecification: { Enabled, AttributeName: 'ttl' },
    });
    expect(await change(TableName, true)).toMatchObject(specification(true));
    expect(await description()).toEqual({ TimeToLiveStatus: 'ENABLED', AttributeName: 'ttl' });
    expect(await change(TableName, false)).toMatchObject(specification(false));
    expect(await description()).toEqual({ TimeToLiveStatus: 'DISABLED' });
    await change(TableName, true, 'other');
    expect(await description()).toEqual({ TimeToLiveStatus: 'ENABLED', AttributeName: 'other' });
  });

  test('a change must be one, of the attribute that it is about', async () => {
    const TableName = await setup.table();
    await expect(change(TableName, false)).rejects.toMatchObject(invalid('TimeToLive is already disabled'));
    await change(TableName, true);
    await expect(change(TableName, true)).rejects.toMatchObject(invalid('TimeToLive is already enabled'));
    const active = invalid('TimeToLive is active on a different AttributeName: current AttributeName is ttl');
    await expect(change(TableName, true, 'other')).rejects.toMatchObject(active);
    await expect(change(TableName, false, 'other')).rejects.toMatchObject(active);
  });

  test('a key attribute and the longest name are taken', async () => {
    const TableName = await setup.table();
    for (const name of ['p', 'n'.repeat(255), '#a.b[0]']) {
      await change(TableName, true, name);
      const { TimeToLiveDescription: described } = await setup.dynamo.describeTimeToLive({ TableName });
      expect(described?.AttributeName).toBe(name);
      await change(TableName, false, name);
    }
  });

  test('a name must have 1 to 255 characters', async () => {
    const TableName = await setup.table();
    const at =
      "at 'timeToLiveSpecification.attributeName' failed to satisfy constraint: Member must have length";
    await expect(change(TableName, true, '')).rejects.toMatchObject(
      invalid(`1 validation error detected: Value '' ${at} greater than or equal to 1`),
    );
    const long = 'n'.repeat(256);
    await expect(change(TableName, true, long)).rejects.toMatchObject(
      invalid(`1 validation error detected: Value '${long}' ${at} less than or equal to 255`),
    );
  });

  test('what is missing is named', async () => {
    const TableName = await setup.table();
    const missing = 'failed to satisfy constraint: Member must not be null';
    const empty = { TableName, TimeToLiveSpecification: {} } as Parameters<DynamoDB['updateTimeToLive']>[0];
    await expect(setup.dynamo.updateTimeToLive(empty)).rejects.toMatchObject(
      invalid(
        `2 validation errors detected: Value null at 'timeToLiveSpecification.attributeName' ${missing}; ` +
          `Value null at 'timeToLiveSpecification.enabled' ${missing}`,
      ),
    );
    const none = { TableName } as Parameters<DynamoDB['updateTimeToLive']>[0];
    await expect(setup.dynamo.updateTimeToLive(none)).rejects.toMatchObject(
      invalid(`1 validation error detected: Value null at 'timeToLiveSpecification' ${missing}`),
    );
  });

  test('a table that is not there has no TTL', async () => {
    const notFound = refusal(
      'ResourceNotFoundException',
      'Requested resource not found: Table: no-such-table not found',
    );
    await expect(change('no-such-table', true)).rejects.toMatchObject(notFound);
    await expect(setup.dynamo.describeTimeToLive({ TableName: 'no-such-table' })).rejects.toMatchObject(
      notFound,
    );
  });

  test('a table may be named by its ARN', async () => {
    const name = await setup.table();
    const TableName = `arn:aws:dynamodb:${setup.region}:000000000000:table/${name}`;
    await change(TableName, true);
    const { TimeToLiveDescription: described } = await setup.dynamo.describeTimeToLive({ TableName });
    expect(described?.TimeToLiveStatus).toBe('ENABLED');
  });
});

describe('an accelerator in front of its own engine', () => {
  const directory = mkdtempSync(join(tmpdir(), 'slipstream-ttl-'));
  let program: Program;
  let dynamo: DynamoDB;

  beforeAll(async () => {
    program = Program.run([
      '--port',
      '0',
      '--data',
      directory,
      '--ttl-sweep-ms',
      '20',
      '--log-level',
      'error',
    ]);
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    dynamo = new DynamoDB({ endpoint: await program.ready(), region: 'us-east-1', credentials });
  });

  afterAll(async () => {
    dynamo.destroy();
    expect((await program.end()).stderr).toBe('');
    rmSync(directory, { recursive: true, force: true });
  });

  test('drops what it has cached of an item that TTL removes', async () => {
    const TableName = 'cached';
    await createTable(dynamo, TableName);
    await dynamo.updateTimeToLive({
      TableName,
      TimeToLiveSpecification: { Enabled: true, AttributeName: 'ttl' },
    });
    const Key = { p: { S: 'a' } };
    const inTwoSeconds = `${Math.floor(Date.now() / 1000) + 2}`;
    await dynamo.putItem({ TableName, Item: { ...Key, ttl: { N: inTwoSeconds } } });
    const read = async () => (await dynamo.getItem({ TableName, Key })).Item;
    for (let i = 0; i < 3; i++) expect(await read()).toBeDefined();
    await expect.poll(read, { timeout: 10_000, interval: 20 }).toBeUndefined();
    expect((await dynamo.getItem({ TableName, Key, ConsistentRead: true })).Item).toBeUndefined();
  }, 15_000);
});
