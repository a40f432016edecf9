import { expect, test } from 'vitest';
import { untilGone, waiting } from './history.ts';
import { describeSetups, invalid, refusal } from './setups.ts';

const dayMs = 24 * 60 * 60 * 1000;

describeSetups((setup) => {
  const change = async (
    TableName: string,
    PointInTimeRecoveryEnabled: boolean,
    RecoveryPeriodInDays?: number,
  ) => {
    const { ContinuousBackupsDescription: described } = await setup.dynamo.updateContinuousBackups({
      TableName,
      PointInTimeRecoverySpecification: {
        PointInTimeRecoveryEnabled,
        ...(RecoveryPeriodInDays !== undefined && { RecoveryPeriodInDays }),
      },
    });
    return described?.PointInTimeRecoveryDescription;
  };
  const describe = async (TableName: string) => {
    const { ContinuousBackupsDescription: described } = await setup.dynamo.describeContinuousBackups({
      TableName,
    });
    expect(described?.ContinuousBackupsStatus).toBe('ENABLED');
    return described?.PointInTimeRecoveryDescription;
  };
  const off = { PointInTimeRecoveryStatus: 'DISABLED' };

  test('recovery is switched on, described and switched off', async () => {
    const TableName = await setup.table();
    expect(await describe(TableName)).toEqual(off);
    const enabled = await change(TableName, true);
    const enabledAt = enabled?.EarliestRestorableDateTime ?? new Date(0);
    expect(enabled).toEqual({
      PointInTimeRecoveryStatus: 'ENABLED',
      RecoveryPeriodInDays: 35,
      EarliestRestorableDateTime: enabledAt,
      LatestRestorableDateTime: enabledAt,
    });
    expect(enabledAt.getTime() % 1000).toBe(0);
    expect(Math.abs(Date.now() - enabledAt.getTime())).toBeLessThan(5000);
    expect(await describe(TableName)).toMatchObject({ EarliestRestorableDateTime: enabledAt });
    const { Table: table } = await setup.dynamo.describeTable({ TableName });
    expect(table?.TableStatus).toBe('ACTIVE');
    expect(await change(TableName, false)).toEqual(off);
    expect(await describe(TableName)).toEqual(off);
  });

  test('the latest moment goes on with time', async () => {
    const TableName = await setup.table();
    const enabled = await change(TableName, true);
    const latest = async () => (await describe(TableName))?.LatestRestorableDateTime?.getTime();
    const enabledMs = enabled?.EarliestRestorableDateTime?.getTime() ?? 0;
    await expect.poll(latest, waiting).toBeGreaterThan(enabledMs);
    await change(TableName, false);
  });

  test('switching on what is on, and off what is off, changes nothing', async () => {
    const TableName = await setup.table();
    expect(await change(TableName, false)).toEqual(off);
    const first = await change(TableName, true, 7);
    const again = await change(TableName, true);
    expect(again).toMatchObject({
      RecoveryPeriodInDays: 7,
      EarliestRestorableDateTime: first?.EarliestRestorableDateTime,
    });
    await change(TableName, false);
  });

  test('the period can be changed, and is forgotten when recovery is switched off', async () => {
    const TableName = await setup.table();
    expect(await change(TableName, true, 1)).toMatchObject({ RecoveryPeriodInDays: 1 });
    expect(await change(TableName, true, 35)).toMatchObject({ RecoveryPeriodInDays: 35 });
    await change(TableName, true, 7);
    await change(TableName, false);
    const again = await change(TableName, true);
    expect(again).toMatchObject({ RecoveryPeriodInDays: 35 });
    expect(again?.EarliestRestorableDateTime?.getTime()).toBeGreaterThan(Date.now() - dayMs);
    await change(TableName, false);
  });

  test('a period has 1 to 35 days, and comes with switching on', async () => {
    const TableName = await setup.table();
    const bound = (days: number, text: string) =>
      invalid(
        `1 validation error detected: Value '${days}' at 'pointInTimeRecoverySpecification.recoveryPeriodInDays' ` +
          `failed to satisfy constraint: Member must have value ${text}`,
      );
    await expect(change(TableName, true, 36)).rejects.toMatchObject(bound(36, 'less than or equal to 35'));
    await expect(change(TableName, true, 0)).rejects.toMatchObject(bound(0, 'greater than or equal to 1'));
    await expect(change(TableName, false, 7)).rejects.toMatchObject(
      invalid('Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery.'),
    );
    expect(await describe(TableName)).toEqual(off);
  });

  test('a table that is not there has no recovery', async () => {
    const notFound = refusal('TableNotFoundException', 'Table not found: no-such-table');
    await expect(change('no-such-table', true)).rejects.toMatchObject(notFound);
    await expect(describe('no-such-table')).rejects.toMatchObject(notFound);
  });

  test('a table may be named by its ARN', async () => {
    const name = await setup.table();
    const TableName = `arn:aws:dynamodb:${setup.region}:000000000000:table/${name}`;
    expect(await change(TableName, true)).toMatchObject({ PointInTimeRecoveryStatus: 'ENABLED' });
    expect(await describe(TableName)).toMatchObject({ PointInTimeRecoveryStatus: 'ENABLED' });
    await change(TableName, false);
  });

  test('a deleted table with recovery leaves a backup, which only time removes', async () => {
    const TableName = await setup.table();
    await setup.dynamo.putItem({ TableName, Item: { p: { S: 'a' } } });
    await change(TableName, true);
    await setup.dynamo.deleteTable({ TableName });
    const left = async () =>
      (await setup.dynamo.listBackups({ TableName, BackupType: 'SYSTEM' })).BackupSummaries ?? [];
    await expect.poll(async () => (await left())[0]?.BackupStatus, waiting).toBe('AVAILABLE');
    await untilGone(setup.dynamo, TableName);
    const [summary, ...others] = await left();
    expect(others).toEqual([]);
    const createdMs = summary?.BackupCreationDateTime?.getTime() ?? 0;
    const BackupArn = summary?.BackupArn ?? '';
    expect(summary).toMatchObject({
      BackupName: `${TableName}$DeletedTableBackup`,
      BackupType: 'SYSTEM',
      BackupExpiryDateTime: new Date(createdMs + 35 * dayMs),
    });
    expect(BackupArn).toMatch(/\/backup\/[0-9]{14}-00000000$/);
    const { BackupDescription: described } = await setup.dynamo.describeBackup({ BackupArn });
    expect(described).toMatchObject({
      SourceTableDetails: { TableName, ItemCount: 1 },
      SourceTableFeatureDetails: {},
    });
    await expect(setup.dynamo.deleteBackup({ BackupArn })).rejects.toMatchObject(
      invalid(
        `Invalid Request: User is not allowed to delete the system backup with arn ${BackupArn}. ` +
          `It will automatically expire on ${new Date(createdMs + 35 * dayMs).toISOString()}`,
      ),
    );
    expect((await setup.dynamo.listBackups({ TableName })).BackupSummaries).toEqual([]);
  });

  test('a deleted table without recovery leaves none', async () => {
    const TableName = await setup.table();
    await change(TableName, true);
    await change(TableName, false);
    await setup.dynamo.deleteTable({ TableName });
    const { BackupSummaries: left } = await setup.dynamo.listBackups({ TableName, BackupType: 'ALL' });
    expect(left).toEqual([]);
  });
});
