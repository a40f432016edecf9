import type { CreateTableInput, RestoreTableFromBackupInput } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { backUp, itemsOf, switchOnRecovery, untilGone, waiting } from './history.ts';
import { describeSetups, type Item, invalid, refusal, untilActive } from './setups.ts';

type Overrides = Omit<RestoreTableFromBackupInput, 'TargetTableName' | 'BackupArn'>;

const units = (read: number, write: number) => ({ ReadCapacityUnits: read, WriteCapacityUnits: write });
const element = (AttributeName: string, KeyType: 'HASH' | 'RANGE') => ({ AttributeName, KeyType });

const local = {
  IndexName: 'local',
  KeySchema: [element('p', 'HASH'), element('l', 'RANGE')],
  Projection: { ProjectionType: 'ALL' as const },
};
const global = {
  IndexName: 'global',
  KeySchema: [element('g', 'HASH')],
  Projection: { ProjectionType: 'INCLUDE' as const, NonKeyAttributes: ['a', 'b'] },
};

/** A table with indexes, with and without provisioned throughput. */
const indexed = {
  KeySchema: [element('p', 'HASH'), element('s', 'RANGE')],
  AttributeDefinitions: ['p', 's', 'l', 'g'].map((name) => ({
    AttributeName: name,
    AttributeType: 'S' as const,
  })),
  LocalSecondaryIndexes: [local],
} satisfies Partial<CreateTableInput>;
const provisioned: Omit<CreateTableInput, 'TableName'> = {
  ...indexed,
  ProvisionedThroughput: units(5, 6),
  GlobalSecondaryIndexes: [{ ...global, ProvisionedThroughput: units(2, 3) }],
};
const onDemand: Omit<CreateTableInput, 'TableName'> = {
  ...indexed,
  BillingMode: 'PAY_PER_REQUEST',
  OnDemandThroughput: { MaxReadRequestUnits: 100, MaxWriteRequestUnits: 50 },
  GlobalSecondaryIndexes: [global],
};

const items: Item[] = ['a', 'b', 'c'].map((p) => ({
  p: { S: p },
  s: { S: 's' },
  ...(p !== 'b' && { g: { S: 'g' }, l: { S: p } }),
  v: { N: '1' },
}));

describeSetups((setup) => {
  /** A backup of such a table with items in it. */
  const backupOf = async (table: Omit<CreateTableInput, 'TableName'>): Promise<string> => {
    const TableName = setup.newName();
    await setup.dynamo.createTable({ TableName, ...table });
    await untilActive(setup.dynamo, TableName);
    for (const item of items) await setup.dynamo.putItem({ TableName, Item: item });
    return backUp(setup.dynamo, TableName);
  };
  const restore = async (BackupArn: string, overrides: Overrides = {}) => {
    const TargetTableName = setup.newName();
    await setup.dynamo.restoreTableFromBackup({ BackupArn, TargetTableName, ...overrides });
    await untilActive(setup.dynamo, TargetTableName);
    const { Table: table } = await setup.dynamo.describeTable({ TableName: TargetTableName });
    if (table === undefined) throw new Error('the table is not described');
    return { ...table, TableName: TargetTableName };
  };

  test('items, keys, indexes and throughput come back', async () => {
    const restored = await restore(await backupOf(provisioned));
    const { TableName } = restored;
    expect(restored).toMatchObject({
      TableStatus: 'ACTIVE',
      ItemCount: 3,
      KeySchema: indexed.KeySchema,
      ProvisionedThroughput: units(5, 6),
      LocalSecondaryIndexes: [{ ...local, ItemCount: 2 }],
      GlobalSecondaryIndexes: [
        { ...global, IndexStatus: 'ACTIVE', ItemCount: 2, ProvisionedThroughput: units(2, 3) },
      ],
    });
    expect(restored).not.toHaveProperty('RestoreSummary');
    expect(await itemsOf(setup.dynamo, TableName)).toEqual(items);
    expect(await itemsOf(setup.dynamo, TableName, 'local')).toEqual([items[0], items[2]]);
    const keys = ({ p, s, g }: Item) => ({ p, s, g });
    expect(await itemsOf(setup.dynamo, TableName, 'global')).toEqual(
      [items[0], items[2]].map((item) => keys(item ?? {})),
    );
    await setup.dynamo.putItem({ TableName, Item: { p: { S: 'new' }, s: { S: 's' }, g: { S: 'h' } } });
    const { Count: count } = await setup.dynamo.query({
      TableName,
      IndexName: 'global',
      KeyConditionExpression: 'g = :g',
      ExpressionAttributeValues: { ':g': { S: 'h' } },
    });
    expect(count).toBe(1);
  });

  test('maxima on demand come back', async () => {
    expect(await restore(await backupOf(onDemand))).toMatchObject({
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
      OnDemandThroughput: { MaxReadRequestUnits: 100, MaxWriteRequestUnits: 50 },
    });
  });

  test('streams, TTL, recovery and protection do not come back', async () => {
    const TableName = setup.newName();
    await setup.dynamo.createTable({
      TableName,
      ...onDemand,
      DeletionProtectionEnabled: true,
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' },
    });
    await untilActive(setup.dynamo, TableName);
    await setup.dynamo.updateTimeToLive({
      TableName,
      TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
    });
    await switchOnRecovery(setup.dynamo, TableName);
    const restored = await restore(await backUp(setup.dynamo, TableName));
    expect(restored.DeletionProtectionEnabled).toBe(false);
    expect(restored).not.toHaveProperty('LatestStreamArn');
    const named = { TableName: restored.TableName };
    const { TimeToLiveDescription: timeToLive } = await setup.dynamo.describeTimeToLive(named);
    expect(timeToLive).toEqual({ TimeToLiveStatus: 'DISABLED' });
    const { ContinuousBackupsDescription: backups } = await setup.dynamo.describeContinuousBackups(named);
    expect(backups?.PointInTimeRecoveryDescription).toEqual({ PointInTimeRecoveryStatus: 'DISABLED' });
  });

  test('the answer says what is being restored from what', async () => {
    const BackupArn = await backupOf(onDemand);
    const { BackupDescription: backup } = await setup.dynamo.describeBackup({ BackupArn });
    const TargetTableName = setup.newName();
    const { TableDescription: table } = await setup.dynamo.restoreTableFromBackup({
      BackupArn,
      TargetTableName,
    });
    expect(table).toMatchObject({
      TableName: TargetTableName,
      TableStatus: 'CREATING',
      RestoreSummary: {
        SourceBackupArn: BackupArn,
        SourceTableArn: backup?.SourceTableDetails?.TableArn,
        RestoreDateTime: backup?.BackupDetails?.BackupCreationDateTime,
        RestoreInProgress: true,
      },
    });
    expect(table?.TableId).not.toBe(backup?.SourceTableDetails?.TableId);
    await untilActive(setup.dynamo, TargetTableName);
  });

  test('a backup feeds one restore at a time, and any number after one another', async () => {
    const BackupArn = await backupOf(onDemand);
    const targets = [setup.newName(), setup.newName()];
    const answers = await Promise.allSettled(
      targets.map((TargetTableName) => setup.dynamo.restoreTableFromBackup({ BackupArn, TargetTableName })),
    );
    const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []));
    expect(refused).toMatchObject([
      refusal('BackupInUseException', `Backup is being used to restore another table: ${BackupArn}`),
    ]);
    const [made] = targets.filter((_, i) => answers[i]?.status === 'fulfilled');
    await untilActive(setup.dynamo, made ?? '');
    await restore(BackupArn);
    await setup.dynamo.deleteBackup({ BackupArn });
  });

  test('a target must not be there', async () => {
    const BackupArn = await backupOf(onDemand);
    const TargetTableName = await setup.table();
    await expect(setup.dynamo.restoreTableFromBackup({ BackupArn, TargetTableName })).rejects.toMatchObject(
      refusal('TableAlreadyExistsException', `Table already exists: ${TargetTableName}`),
    );
  });

  test('two restores cannot make one table', async () => {
    const backups = [await backupOf(onDemand), await backupOf(onDemand)];
    const TargetTableName = setup.newName();
    const answers = await Promise.allSettled(
      backups.map((BackupArn) => setup.dynamo.restoreTableFromBackup({ BackupArn, TargetTableName })),
    );
    const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []));
    const winner = backups.filter((_, i) => answers[i]?.status === 'fulfilled')[0];
    expect(refused).toMatchObject([
      refusal(
        'TableInUseException',
        `Table: ${TargetTableName} is already being restored from backup: ${winner}`,
      ),
    ]);
    await untilActive(setup.dynamo, TargetTableName);
  });

  test('the backup of a deleted table brings it back under its own name', async () => {
    const TableName = setup.newName();
    await setup.dynamo.createTable({ TableName, ...onDemand });
    await untilActive(setup.dynamo, TableName);
    await switchOnRecovery(setup.dynamo, TableName);
    for (const item of items) await setup.dynamo.putItem({ TableName, Item: item });
    // What the accelerator has cached of the table that goes must not be served of the one that comes.
    const Key = { p: { S: 'a' }, s: { S: 's' } };
    await setup.dynamo.getItem({ TableName, Key });
    await setup.dynamo.updateItem({
      TableName,
      Key,
      UpdateExpression: 'SET v = :v',
      ExpressionAttributeValues: { ':v': { N: '2' } },
    });
    await setup.dynamo.deleteTable({ TableName });
    await untilGone(setup.dynamo, TableName);
    const left = async () =>
      (await setup.dynamo.listBackups({ TableName, BackupType: 'SYSTEM' })).BackupSummaries?.[0]?.BackupArn;
    await expect.poll(left, waiting).toBeDefined();
    const BackupArn = (await left()) ?? '';
    await setup.dynamo.restoreTableFromBackup({ BackupArn, TargetTableName: TableName });
    await untilActive(setup.dynamo, TableName);
    const [first, ...others] = items;
    expect(await itemsOf(setup.dynamo, TableName)).toEqual([{ ...first, v: { N: '2' } }, ...others]);
    expect((await setup.dynamo.getItem({ TableName, Key })).Item?.v).toEqual({ N: '2' });
  });

  test('a backup of another region needs an encryption that is asked for', async () => {
    const BackupArn = await backupOf(onDemand);
    const elsewhere = setup.clientIn('ap-southeast-2');
    const TargetTableName = setup.newName();
    const input = { BackupArn, TargetTableName };
    await expect(elsewhere.restoreTableFromBackup(input)).rejects.toMatchObject(
      invalid('Invalid Request: sseSpecificationOverride must be provided for cross-region restores'),
    );
    await elsewhere.restoreTableFromBackup({ ...input, SSESpecificationOverride: { Enabled: false } });
    await untilActive(elsewhere, TargetTableName);
    expect(await itemsOf(elsewhere, TargetTableName)).toEqual(items);
  });

  test('a backup that is not there is not restored', async () => {
    const BackupArn = `arn:aws:dynamodb:${setup.region}:000000000000:table/music/backup/01791504762511-2779fadd`;
    const call = setup.dynamo.restoreTableFromBackup({ BackupArn, TargetTableName: setup.newName() });
    await expect(call).rejects.toMatchObject(
      refusal('BackupNotFoundException', `Backup not found: ${BackupArn}`),
    );
  });

  test('throughput and indexes can be others', async () => {
    const BackupArn = await backupOf(provisioned);
    expect(await restore(BackupArn, { ProvisionedThroughputOverride: units(7, 8) })).toMatchObject({
      ProvisionedThroughput: units(7, 8),
      GlobalSecondaryIndexes: [{ ProvisionedThroughput: units(2, 3) }],
    });
    const renamed = await restore(BackupArn, {
      LocalSecondaryIndexOverride: [{ ...local, IndexName: 'other-local' }],
      GlobalSecondaryIndexOverride: [
        { ...global, IndexName: 'other-global', ProvisionedThroughput: units(9, 9) },
      ],
    });
    expect(renamed).toMatchObject({
      ProvisionedThroughput: units(5, 6),
      LocalSecondaryIndexes: [{ IndexName: 'other-local' }],
      GlobalSecondaryIndexes: [{ IndexName: 'other-global', ProvisionedThroughput: units(9, 9) }],
    });
    expect(await itemsOf(setup.dynamo, renamed.TableName, 'other-local')).toHaveLength(2);
    const bare = await restore(BackupArn, {
      LocalSecondaryIndexOverride: [],
      GlobalSecondaryIndexOverride: [],
    });
    expect(bare).not.toHaveProperty('LocalSecondaryIndexes');
    expect(bare).not.toHaveProperty('GlobalSecondaryIndexes');
    expect(bare.AttributeDefinitions?.map(({ AttributeName: name }) => name)).toEqual(['p', 's']);
    const paid = await restore(BackupArn, {
      BillingModeOverride: 'PAY_PER_REQUEST',
      OnDemandThroughputOverride: { MaxReadRequestUnits: 40, MaxWriteRequestUnits: 30 },
      SSESpecificationOverride: { Enabled: false },
    });
    expect(paid).toMatchObject({
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
      ProvisionedThroughput: units(0, 0),
      OnDemandThroughput: { MaxReadRequestUnits: 40, MaxWriteRequestUnits: 30 },
      GlobalSecondaryIndexes: [{ ProvisionedThroughput: units(0, 0) }],
    });
  });

  test('what is asked for must fit the mode that results, and the indexes that there were', async () => {
    const [ofUnits, ofDemand] = [await backupOf(provisioned), await backupOf(onDemand)];
    const refused = async (BackupArn: string, overrides: Overrides, text: string) => {
      const TargetTableName = setup.newName();
      const call = setup.dynamo.restoreTableFromBackup({ BackupArn, TargetTableName, ...overrides });
      await expect(call).rejects.toMatchObject(invalid(text));
      await expect(setup.dynamo.describeTable({ TableName: TargetTableName })).rejects.toMatchObject({
        name: 'ResourceNotFoundException',
      });
    };
    const prefix = 'Invalid Request:';
    const noMatch = 'that existed in the source table and cannot be created during the restore operation';
    await refused(
      ofDemand,
      { ProvisionedThroughputOverride: units(1, 1) },
      `${prefix} Cannot override ProvisionedThroughput unless BillingMode is PROVISIONED`,
    );
    await refused(
      ofUnits,
      { BillingModeOverride: 'PAY_PER_REQUEST', ProvisionedThroughputOverride: units(1, 1) },
      `${prefix} Cannot override ProvisionedThroughput if BillingMode is overridden to PAY_PER_REQUEST`,
    );
    await refused(
      ofDemand,
      { BillingModeOverride: 'PROVISIONED' },
      `${prefix} Must override ProvisionedThroughput if BillingMode is overridden to PROVISIONED`,
    );
    await refused(
      ofDemand,
      { BillingModeOverride: 'PROVISIONED', ProvisionedThroughputOverride: units(1, 1) },
      `${prefix} Must override ProvisionedThroughput if BillingMode is overridden to PROVISIONED for index global`,
    );
    await refused(
      ofUnits,
      { OnDemandThroughputOverride: { MaxReadRequestUnits: 5 } },
      `${prefix} Cannot override MaxReadRequestUnits for OnDemandThroughput unless BillingModeOverride is PAY_PER_REQUEST`,
    );
    await refused(
      ofDemand,
      { OnDemandThroughputOverride: { MaxReadRequestUnits: 0, MaxWriteRequestUnits: 0 } },
      `${prefix} Requested MaxReadRequestUnits for OnDemandThroughput is outside of valid range`,
    );
    await refused(
      ofUnits,
      { GlobalSecondaryIndexOverride: [global] },
      `${prefix} Must specify provisioned throughput for index global`,
    );
    await refused(
      ofUnits,
      {
        BillingModeOverride: 'PAY_PER_REQUEST',
        GlobalSecondaryIndexOverride: [{ ...global, ProvisionedThroughput: units(1, 1) }],
      },
      `${prefix} Cannot override ProvisionedThroughput if BillingMode is overridden to PAY_PER_REQUEST for index global`,
    );
    await refused(
      ofDemand,
      { GlobalSecondaryIndexOverride: [{ ...global, Projection: { ProjectionType: 'ALL' } }] },
      `${prefix} Index global does not match a secondary index ${noMatch}`,
    );
    await refused(
      ofDemand,
      { LocalSecondaryIndexOverride: [{ ...local, KeySchema: indexed.KeySchema, IndexName: 'new' }] },
      `${prefix} Index new does not match a secondary index ${noMatch}`,
    );
    await refused(
      ofDemand,
      { LocalSecondaryIndexOverride: [{ ...local, IndexName: 'global' }] },
      'One or more parameter values were invalid: Duplicate index name: global',
    );
    await refused(
      ofDemand,
      { SSESpecificationOverride: { Enabled: true, SSEType: 'KMS' } },
      'SSESpecificationOverride is not supported by this version of Slipstream',
    );
  });
});
