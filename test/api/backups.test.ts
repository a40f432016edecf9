import type { BackupDescription, DynamoDB } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { backUp, untilGone, waiting } from './history.ts';
import { describeSetups, invalid, refusal, type Setup, untilActive } from './setups.ts';

const account = '000000000000';

function notFound(arn: string): object {
  return refusal('BackupNotFoundException', `Backup not found: ${arn}`);
}

async function fill(setup: Setup, TableName: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await setup.dynamo.putItem({ TableName, Item: { p: { S: `item-${i}` }, v: { N: `${i}` } } });
  }
}

describeSetups((setup) => {
  const missing = () =>
    `arn:aws:dynamodb:${setup.region}:${account}:table/music/backup/01791504762511-2779fadd`;

  test('a backup is made, described, listed and deleted', async () => {
    const TableName = await setup.table();
    await fill(setup, TableName, 3);
    const { BackupDetails: created } = await setup.dynamo.createBackup({ TableName, BackupName: 'nightly' });
    expect(created).toMatchObject({ BackupName: 'nightly', BackupStatus: 'CREATING', BackupType: 'USER' });
    expect(created).not.toHaveProperty('BackupExpiryDateTime');
    const arn = created?.BackupArn ?? '';
    expect(arn).toMatch(
      new RegExp(
        `^arn:aws:dynamodb:${setup.region}:${account}:table/${TableName}/backup/[0-9]{14}-[0-9a-f]{8}$`,
      ),
    );
    const describe = async (): Promise<BackupDescription | undefined> =>
      (await setup.dynamo.describeBackup({ BackupArn: arn })).BackupDescription;
    await expect.poll(async () => (await describe())?.BackupDetails?.BackupStatus, waiting).toBe('AVAILABLE');
    const { Table: table } = await setup.dynamo.describeTable({ TableName });
    const described = await describe();
    expect(described).toMatchObject({
      BackupDetails: {
        BackupArn: arn,
        BackupSizeBytes: table?.TableSizeBytes,
        BackupCreationDateTime: created?.BackupCreationDateTime,
      },
      SourceTableDetails: {
        TableName,
        TableId: table?.TableId,
        TableArn: table?.TableArn,
        TableSizeBytes: table?.TableSizeBytes,
        KeySchema: table?.KeySchema,
        TableCreationDateTime: table?.CreationDateTime,
        ProvisionedThroughput: { ReadCapacityUnits: 0, WriteCapacityUnits: 0 },
        ItemCount: 3,
        BillingMode: 'PAY_PER_REQUEST',
      },
      SourceTableFeatureDetails: {},
    });
    const { BackupSummaries: summaries } = await setup.dynamo.listBackups({ TableName });
    expect(summaries).toEqual([
      {
        TableName,
        TableId: table?.TableId,
        TableArn: table?.TableArn,
        ...described?.BackupDetails,
      },
    ]);
    const { BackupDescription: deleted } = await setup.dynamo.deleteBackup({ BackupArn: arn });
    expect(deleted).toEqual({
      ...described,
      BackupDetails: { ...described?.BackupDetails, BackupStatus: 'DELETED' },
    });
    await expect(describe()).rejects.toMatchObject(notFound(arn));
    await expect(setup.dynamo.deleteBackup({ BackupArn: arn })).rejects.toMatchObject(notFound(arn));
    expect((await setup.dynamo.listBackups({ TableName })).BackupSummaries).toEqual([]);
  });

  test('what a backup records of its table', async () => {
    const TableName = setup.newName();
    const units = { ReadCapacityUnits: 5, WriteCapacityUnits: 6 };
    const string = (name: string) => ({ AttributeName: name, AttributeType: 'S' as const });
    const key = (hash: string, range: string) => [
      { AttributeName: hash, KeyType: 'HASH' as const },
      { AttributeName: range, KeyType: 'RANGE' as const },
    ];
    const local = {
      IndexName: 'local',
      KeySchema: key('p', 'l'),
      Projection: { ProjectionType: 'ALL' as const },
    };
    const global = {
      IndexName: 'global',
      KeySchema: key('g', 'p'),
      Projection: { ProjectionType: 'KEYS_ONLY' as const },
      ProvisionedThroughput: { ReadCapacityUnits: 2, WriteCapacityUnits: 3 },
    };
    await setup.dynamo.createTable({
      TableName,
      KeySchema: key('p', 's'),
      AttributeDefinitions: ['p', 's', 'l', 'g'].map(string),
      ProvisionedThroughput: units,
      LocalSecondaryIndexes: [local],
      GlobalSecondaryIndexes: [global],
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' },
    });
    await untilActive(setup.dynamo, TableName);
    await setup.dynamo.updateTimeToLive({
      TableName,
      TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
    });
    const BackupArn = await backUp(setup.dynamo, TableName);
    const { BackupDescription: described } = await setup.dynamo.describeBackup({ BackupArn });
    expect(described).toMatchObject({
      SourceTableDetails: { BillingMode: 'PROVISIONED', ProvisionedThroughput: units },
    });
    expect(described?.SourceTableFeatureDetails).toEqual({
      LocalSecondaryIndexes: [local],
      GlobalSecondaryIndexes: [global],
      StreamDescription: { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' },
      TimeToLiveDescription: { TimeToLiveStatus: 'ENABLED', AttributeName: 'ttl' },
    });
  });

  test('backups outlive their table, and one that was asked for just before its end is made', async () => {
    const TableName = await setup.table();
    await fill(setup, TableName, 2);
    const before = await backUp(setup.dynamo, TableName);
    const { BackupDetails: last } = await setup.dynamo.createBackup({ TableName, BackupName: 'last' });
    await setup.dynamo.deleteTable({ TableName });
    const BackupArn = last?.BackupArn ?? '';
    const statusOf = async () =>
      (await setup.dynamo.describeBackup({ BackupArn })).BackupDescription?.BackupDetails?.BackupStatus;
    await expect.poll(statusOf, waiting).toBe('AVAILABLE');
    const { BackupDescription: described } = await setup.dynamo.describeBackup({ BackupArn });
    expect(described?.SourceTableDetails?.ItemCount).toBe(2);
    await untilGone(setup.dynamo, TableName);
    const { BackupSummaries: summaries } = await setup.dynamo.listBackups({ TableName });
    expect(summaries?.map(({ BackupArn: arn }) => arn)).toEqual([before, BackupArn].sort());
  });

  test('names need not be unique, and many backups are made at once', async () => {
    const TableName = await setup.table();
    const created = await Promise.all(
      Array.from({ length: 5 }, () => setup.dynamo.createBackup({ TableName, BackupName: 'same' })),
    );
    const arns = created.map(({ BackupDetails: details }) => details?.BackupArn ?? '').sort();
    expect(new Set(arns).size).toBe(5);
    const available = async () => {
      const { BackupSummaries: summaries } = await setup.dynamo.listBackups({ TableName });
      return summaries?.filter(({ BackupStatus: status }) => status === 'AVAILABLE').length;
    };
    await expect.poll(available, waiting).toBe(5);
    const pages: string[][] = [];
    let after: string | undefined;
    do {
      const page = await setup.dynamo.listBackups({
        TableName,
        Limit: 2,
        ...(after !== undefined && { ExclusiveStartBackupArn: after }),
      });
      pages.push((page.BackupSummaries ?? []).map(({ BackupArn: arn }) => arn ?? ''));
      after = page.LastEvaluatedBackupArn;
    } while (after !== undefined);
    expect(pages.map(({ length }) => length)).toEqual([2, 2, 1]);
    expect(pages.flat()).toEqual(arns);
    const whole = await setup.dynamo.listBackups({ TableName, Limit: 5 });
    expect(whole).not.toHaveProperty('LastEvaluatedBackupArn');
  });

  test('a list is of times from the lower bound to before the upper one, and of a type', async () => {
    const TableName = await setup.table();
    await backUp(setup.dynamo, TableName);
    const { BackupSummaries: all } = await setup.dynamo.listBackups({ TableName });
    const at = all?.[0]?.BackupCreationDateTime ?? new Date(0);
    const later = new Date(at.getTime() + 1);
    const count = async (query: Parameters<DynamoDB['listBackups']>[0]) =>
      (await setup.dynamo.listBackups({ TableName, ...query })).BackupSummaries?.length;
    expect(await count({ TimeRangeLowerBound: at })).toBe(1);
    expect(await count({ TimeRangeLowerBound: later })).toBe(0);
    expect(await count({ TimeRangeUpperBound: at })).toBe(0);
    expect(await count({ TimeRangeUpperBound: later })).toBe(1);
    expect(await count({ BackupType: 'ALL' })).toBe(1);
    expect(await count({ BackupType: 'SYSTEM' })).toBe(0);
    expect(await count({ BackupType: 'AWS_BACKUP' })).toBe(0);
    expect(await count({ TableName: 'no-such-table' })).toBe(0);
    await expect(count({ TimeRangeLowerBound: later, TimeRangeUpperBound: at })).rejects.toMatchObject(
      invalid(
        'One or more parameter values were invalid: Time range lower bound must be less than or equal to upper bound',
      ),
    );
  });

  test('a region sees its own backups only; the one in an ARN is not looked at', async () => {
    const TableName = await setup.table();
    const BackupArn = await backUp(setup.dynamo, TableName);
    const elsewhere = setup.clientIn('ap-southeast-2');
    const foreign = BackupArn.replace(setup.region, 'ap-southeast-2');
    await expect(elsewhere.describeBackup({ BackupArn })).rejects.toMatchObject(notFound(BackupArn));
    expect((await elsewhere.listBackups({ TableName })).BackupSummaries).toEqual([]);
    const { BackupDescription: described } = await setup.dynamo.describeBackup({ BackupArn: foreign });
    expect(described?.BackupDetails?.BackupArn).toBe(foreign);
    await expect(setup.dynamo.listBackups({ ExclusiveStartBackupArn: foreign })).rejects.toMatchObject(
      invalid('Invalid Request: The supplied ExclusiveStartBackupArn does not match the region'),
    );
  });

  test('a table that is not there has no backups made', async () => {
    const call = setup.dynamo.createBackup({ TableName: 'no-such-table', BackupName: 'nightly' });
    await expect(call).rejects.toMatchObject(
      refusal('TableNotFoundException', 'Table not found: no-such-table'),
    );
  });

  test('an ARN must be one of a backup, of this account', async () => {
    const describe = (BackupArn: string) => setup.dynamo.describeBackup({ BackupArn });
    await expect(describe(missing())).rejects.toMatchObject(notFound(missing()));
    await expect(describe(missing().replace(/\/backup.*/, ''))).rejects.toMatchObject(
      invalid('Invalid Backup ARN'),
    );
    await expect(describe('x'.repeat(48))).rejects.toMatchObject(invalid('Invalid Backup ARN'));
    await expect(describe(missing().replace(account, '123456789012'))).rejects.toMatchObject(
      refusal('AccessDeniedException', 'Access is denied'),
    );
    await expect(describe(missing().replace(':aws:', ':aws-cn:'))).rejects.toMatchObject(
      invalid('Invalid Request: BackupArn is not valid'),
    );
    await expect(describe('arn')).rejects.toMatchObject(
      invalid(
        "1 validation error detected: Value 'arn' at 'backupArn' failed to satisfy constraint: " +
          'Member must have length greater than or equal to 37',
      ),
    );
  });

  test('names have their characters and lengths', async () => {
    const TableName = await setup.table();
    await expect(setup.dynamo.createBackup({ TableName, BackupName: 'a/' })).rejects.toMatchObject(
      invalid(
        "2 validation errors detected: Value 'a/' at 'backupName' failed to satisfy constraint: Member must have length " +
          "greater than or equal to 3; Value 'a/' at 'backupName' failed to satisfy constraint: " +
          'Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+',
      ),
    );
  });
});
