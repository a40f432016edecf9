import { setTimeout as delay } from 'node:timers/promises';
import type { RestoreTableToPointInTimeInput } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { itemsOf, switchOffRecovery, switchOnRecovery } from './history.ts';
import { describeSetups, invalid, refusal, untilActive } from './setups.ts';

type Source = Omit<RestoreTableToPointInTimeInput, 'TargetTableName'>;

/** Waits for the begin of a second. @returns the second before it. */
async function secondEnd(): Promise<Date> {
  const second = Math.floor(Date.now() / 1000);
  while (Date.now() < (second + 1) * 1000 + 5) await delay((second + 1) * 1000 + 5 - Date.now());
  return new Date(second * 1000);
}

const iso = (date: Date) => date.toISOString().replace('.000Z', 'Z');

describeSetups((setup) => {
  const restore = async (source: Source, TargetTableName = setup.newName()): Promise<string> => {
    await setup.dynamo.restoreTableToPointInTime({ TargetTableName, ...source });
    await untilActive(setup.dynamo, TargetTableName);
    return TargetTableName;
  };
  const put = (TableName: string, p: string, v: number) =>
    setup.dynamo.putItem({ TableName, Item: { p: { S: p }, v: { N: `${v}` } } });
  const item = (p: string, v: number) => ({ p: { S: p }, v: { N: `${v}` } });

  test('a table comes back as it was at the end of a second', async () => {
    const TableName = await setup.table();
    await put(TableName, 'a', 1);
    await switchOnRecovery(setup.dynamo, TableName);
    await put(TableName, 'b', 1);
    const first = await secondEnd();
    await put(TableName, 'a', 2);
    await setup.dynamo.deleteItem({ TableName, Key: { p: { S: 'b' } } });
    const second = await secondEnd();
    await put(TableName, 'c', 3);
    await secondEnd();
    const source = { SourceTableName: TableName };
    const itemsAt = async (RestoreDateTime: Date) =>
      itemsOf(setup.dynamo, await restore({ ...source, RestoreDateTime }));
    expect(await itemsAt(first)).toEqual([item('a', 1), item('b', 1)]);
    expect(await itemsAt(second)).toEqual([item('a', 2)]);
    const latest = await restore({ ...source, UseLatestRestorableTime: true });
    expect(await itemsOf(setup.dynamo, latest)).toEqual([item('a', 2), item('c', 3)]);
    expect(await itemsOf(setup.dynamo, TableName)).toEqual([item('a', 2), item('c', 3)]);
    await switchOffRecovery(setup.dynamo, TableName);
  });

  test('right after it was switched on, the moment of that can be restored', async () => {
    const TableName = await setup.table();
    await put(TableName, 'a', 1);
    await switchOnRecovery(setup.dynamo, TableName);
    const arn = `arn:aws:dynamodb:${setup.region}:000000000000:table/${TableName}`;
    const restored = await restore({ SourceTableArn: arn, UseLatestRestorableTime: true });
    expect(await itemsOf(setup.dynamo, restored)).toEqual([item('a', 1)]);
    await switchOffRecovery(setup.dynamo, TableName);
  });

  test('the throughput is that of the moment', async () => {
    const TableName = setup.newName();
    const units = (n: number) => ({ ReadCapacityUnits: n, WriteCapacityUnits: n });
    await setup.dynamo.createTable({
      TableName,
      KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'p', AttributeType: 'S' }],
      ProvisionedThroughput: units(5),
    });
    await untilActive(setup.dynamo, TableName);
    await switchOnRecovery(setup.dynamo, TableName);
    const before = await secondEnd();
    await setup.dynamo.updateTable({ TableName, ProvisionedThroughput: units(9) });
    await untilActive(setup.dynamo, TableName);
    const after = await secondEnd();
    for (const [RestoreDateTime, expected] of [
      [before, 5],
      [after, 9],
    ] as const) {
      const restored = await restore({ SourceTableName: TableName, RestoreDateTime });
      const { Table: table } = await setup.dynamo.describeTable({ TableName: restored });
      expect(table?.ProvisionedThroughput).toMatchObject(units(expected));
    }
    await switchOffRecovery(setup.dynamo, TableName);
  });

  test('the answer says what is being restored', async () => {
    const TableName = await setup.table();
    const RestoreDateTime = await switchOnRecovery(setup.dynamo, TableName);
    const { TableDescription: table } = await setup.dynamo.restoreTableToPointInTime({
      SourceTableName: TableName,
      TargetTableName: setup.newName(),
      RestoreDateTime,
    });
    expect(table?.TableStatus).toBe('CREATING');
    expect(table?.RestoreSummary).toEqual({
      SourceTableArn: `arn:aws:dynamodb:${setup.region}:000000000000:table/${TableName}`,
      RestoreDateTime,
      RestoreInProgress: true,
    });
    await untilActive(setup.dynamo, table?.TableName ?? '');
    await switchOffRecovery(setup.dynamo, TableName);
  });

  const latest = { UseLatestRestorableTime: true };
  const off = (name: string) =>
    refusal(
      'PointInTimeRecoveryUnavailableException',
      `Point in time recovery is not enabled for table '${name}'`,
    );

  test('what is wrong with the request is told before what is wrong with the source', async () => {
    const name = 'no-such-table';
    const arn = `arn:aws:dynamodb:${setup.region}:000000000000:table/${name}`;
    const refused = async (source: Source, error: object, TargetTableName = 'no-such-target') => {
      const call = setup.dynamo.restoreTableToPointInTime({ TargetTableName, ...source });
      await expect(call).rejects.toMatchObject(error);
    };
    await refused(
      { SourceTableName: name, SourceTableArn: arn, ...latest },
      invalid('Must provide exactly one of: sourceTableArn, sourceTableName'),
    );
    await refused(
      latest,
      invalid("The parameter 'TableName' is required but was not present in the request"),
    );
    await refused(
      { SourceTableName: name },
      invalid(
        'Invalid Request: Either one of RestoreDateTime or UseLatestRestorableTime must be specified, but not both',
      ),
    );
    await refused(
      { SourceTableName: name, RestoreDateTime: new Date(), ...latest },
      invalid(
        'Invalid Request: Both RestoreDateTime and UseLatestRestorableTime cannot be set for point-in-time restore ' +
          'request. Please specify either RestoreDateTime time or UseLatestRestorableTime',
      ),
    );
    await refused(
      { SourceTableName: name, ...latest },
      invalid(/at 'targetTableName' failed to satisfy constraint/),
      'bad name!',
    );
    await refused(
      { SourceTableArn: 'arn:aws:s3:::bucket', ...latest },
      invalid('sourceTableArn is not a valid ARN'),
    );
    await refused(
      { SourceTableArn: 'music', ...latest },
      invalid("One or more parameter values were invalid: ARNs must start with 'arn:': music"),
    );
    await refused(
      { SourceTableArn: arn.replace('000000000000', '123456789012'), ...latest },
      invalid('This action is only supported by accounts that match the resource owner’s account.'),
    );
    await refused(
      { SourceTableArn: arn.replace(setup.region, 'ap-southeast-2'), ...latest },
      invalid('Invalid Request: sseSpecificationOverride must be provided for cross-region restores'),
    );
    await refused(
      { SourceTableName: name, ...latest },
      refusal('TableNotFoundException', `Table not found: ${name}`),
    );
    await refused({ SourceTableArn: arn, ...latest }, refusal('TableNotFoundException', 'Table not found'));
  });

  test('recovery must be on, the moment within its window, the target free: in this order', async () => {
    const TableName = await setup.table();
    const target = await setup.table();
    const refused = async (source: Source, error: object, TargetTableName = target) => {
      const call = setup.dynamo.restoreTableToPointInTime({
        SourceTableName: TableName,
        TargetTableName,
        ...source,
      });
      await expect(call).rejects.toMatchObject(error);
    };
    await refused(latest, off(TableName));
    await refused({ RestoreDateTime: new Date(0) }, off(TableName));
    const enabled = await switchOnRecovery(setup.dynamo, TableName);
    const future = new Date(Math.ceil(Date.now() / 1000) * 1000 + 3_600_000);
    for (const moment of [new Date(0), new Date(enabled.getTime() - 1000), future]) {
      await refused(
        { RestoreDateTime: moment },
        refusal(
          'InvalidRestoreTimeException',
          new RegExp(
            `^RestoreDateTime '${iso(moment)}' must be within EarliestRestorableDateTime '${iso(enabled)}' and ` +
              "LatestRestorableDateTime '[0-9T:-]+Z'$",
          ),
        ),
      );
    }
    const exists = (name: string) => refusal('TableAlreadyExistsException', `Table already exists: ${name}`);
    await refused(latest, exists(target));
    await refused(latest, exists(TableName), TableName);
    await switchOffRecovery(setup.dynamo, TableName);
    await refused(latest, off(TableName));
  });

  test('off and on again begins a new window', async () => {
    const TableName = await setup.table();
    const first = await switchOnRecovery(setup.dynamo, TableName);
    await secondEnd();
    await switchOffRecovery(setup.dynamo, TableName);
    await secondEnd();
    const second = await switchOnRecovery(setup.dynamo, TableName);
    expect(second.getTime()).toBeGreaterThan(first.getTime());
    const call = setup.dynamo.restoreTableToPointInTime({
      SourceTableName: TableName,
      TargetTableName: setup.newName(),
      RestoreDateTime: first,
    });
    await expect(call).rejects.toMatchObject({ name: 'InvalidRestoreTimeException' });
    await switchOffRecovery(setup.dynamo, TableName);
  });

  test('warm throughput cannot be asked for', async () => {
    const call = setup.dynamo.restoreTableToPointInTime({
      SourceTableName: 'no-such-table',
      TargetTableName: 'no-such-target',
      ...latest,
      GlobalSecondaryIndexOverride: [
        {
          IndexName: 'global',
          KeySchema: [{ AttributeName: 'g', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'ALL' },
          WarmThroughput: { ReadUnitsPerSecond: 12_000 },
        },
      ],
    });
    await expect(call).rejects.toMatchObject(invalid(/^Invalid Request: Cannot specify WarmThroughput/));
  });
});
