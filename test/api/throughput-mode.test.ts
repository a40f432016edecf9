import { afterAll, describe, expect, test } from 'vitest';
import { describeSetups, schemaOf, untilActive } from './setups.ts';
import { Wire } from './wire.ts';

/** A newer name of the billing mode, measured on AWS, which no SDK has yet. */
describeSetups((setup) => {
  const wire = new Wire(setup);
  afterAll(() => wire.close());

  const units = (value: number) => ({
    ProvisionedThroughput: { ReadCapacityUnits: value, WriteCapacityUnits: value },
  });

  async function call(operation: string, input: object): Promise<Record<string, unknown>> {
    const { body, error, message } = await wire.call(operation, input);
    return error === '' ? JSON.parse(body) : { [error]: message };
  }

  const create = (TableName: string, members: object) =>
    call('CreateTable', { TableName, ...schemaOf({}), ...members });

  /** The table in its own words, as soon as nothing of it changes any more. */
  async function table(TableName: string): Promise<Record<string, unknown>> {
    await untilActive(setup.dynamo, TableName);
    const { Table } = await call('DescribeTable', { TableName });
    return Table as Record<string, unknown>;
  }

  const invalid = 'One or more parameter values were invalid:';
  const unknown = (value: string, member: string) =>
    `Value '${value}' at '${member}' failed to satisfy constraint: ` +
    'Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]';

  describe('TableThroughputMode', () => {
    test('says what BillingMode says, and is shown beside it', async () => {
      const TableName = setup.newName();
      const created = await create(TableName, { TableThroughputMode: 'PAY_PER_REQUEST' });
      const mode = {
        BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
        TableThroughputModeSummary: { TableThroughputMode: 'PAY_PER_REQUEST' },
      };
      expect(created).toMatchObject({ TableDescription: mode });
      const { CreationDateTime, ...onDemand } = await table(TableName);
      const since = { LastUpdateToPayPerRequestDateTime: CreationDateTime };
      expect(onDemand.BillingModeSummary).toEqual({ ...mode.BillingModeSummary, ...since });
      expect(onDemand.TableThroughputModeSummary).toEqual({ ...mode.TableThroughputModeSummary, ...since });

      await call('UpdateTable', { TableName, TableThroughputMode: 'PROVISIONED', ...units(5) });
      expect(await table(TableName)).toMatchObject({
        ...units(5),
        BillingModeSummary: { BillingMode: 'PROVISIONED' },
        TableThroughputModeSummary: { TableThroughputMode: 'PROVISIONED' },
      });
    });

    test('is not looked at beside a BillingMode', async () => {
      const TableName = setup.newName();
      const provisioned = { BillingMode: 'PROVISIONED', TableThroughputMode: 'PAY_PER_REQUEST' };
      await create(TableName, { ...provisioned, ...units(1) });
      const described = await table(TableName);
      expect(described).toMatchObject(units(1));
      expect(described).not.toHaveProperty('BillingModeSummary');
      expect(described).not.toHaveProperty('TableThroughputModeSummary');
    });

    test.each<[string, object, string]>([
      [
        'on demand, with units',
        { TableThroughputMode: 'PAY_PER_REQUEST', ...units(1) },
        `${invalid} Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is ` +
          'PAY_PER_REQUEST',
      ],
      [
        'provisioned, without units',
        { TableThroughputMode: 'PROVISIONED' },
        `${invalid} ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED`,
      ],
      [
        'unknown, if another counts',
        { BillingMode: 'PAY_PER_REQUEST', TableThroughputMode: 'BOGUS' },
        `1 validation error detected: ${unknown('BOGUS', 'tableThroughputMode')}`,
      ],
      [
        'unknown, as the other',
        { BillingMode: 'B1', TableThroughputMode: 'B2' },
        `2 validation errors detected: ${unknown('B1', 'billingMode')}; ${unknown('B2', 'tableThroughputMode')}`,
      ],
    ])('is refused: %s', async (_name, members, message) => {
      expect(await create(setup.newName(), members)).toEqual({ ValidationException: message });
    });

    test('is refused for a table that is not there, if it is unknown', async () => {
      const input = { TableName: setup.newName(), TableThroughputMode: 'BOGUS' };
      expect(await call('UpdateTable', input)).toEqual({
        ValidationException: `1 validation error detected: ${unknown('BOGUS', 'tableThroughputMode')}`,
      });
    });
  });
});
