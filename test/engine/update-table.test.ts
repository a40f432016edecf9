import { afterEach, describe, expect, test } from 'vitest';
import { TestEngine } from './engine-harness.ts';

/** UpdateTable where it takes time: what is shown and what is refused meanwhile, and what is counted by the day. */

const TableName = 'phases';
const inUse = 'Attempt to change a resource which is still in use: ';
const hourMs = 3_600_000;
/** Long enough for the calls that a test makes meanwhile. */
const delayMs = 150;

let nowMs = 0;
let engine: TestEngine;

async function open(controlPlaneDelayMs: number): Promise<void> {
  nowMs = Date.UTC(2026, 9, 9, 0, 21, 34);
  engine = await TestEngine.open({
    clock: { now: () => nowMs, monotonic: () => performance.now() },
    controlPlaneDelayMs,
  });
}

afterEach(() => engine.remove());

interface Described {
  readonly TableStatus: string;
  readonly ProvisionedThroughput: { readonly NumberOfDecreasesToday: number };
  readonly GlobalSecondaryIndexes?: readonly {
    readonly IndexStatus: string;
    readonly Backfilling?: boolean;
  }[];
  readonly WarmThroughput: { readonly Status: string };
}

async function create(input: object = { ProvisionedThroughput: units(10, 10) }): Promise<Described> {
  const created = await engine.call<{ TableDescription: Described }>('CreateTable', {
    TableName,
    KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'p', AttributeType: 'S' }],
    ...input,
  });
  await settled();
  return created.TableDescription;
}

async function update(input: object): Promise<Described> {
  const { TableDescription } = await engine.call<{ TableDescription: Described }>('UpdateTable', {
    TableName,
    ...input,
  });
  return TableDescription;
}

async function described(): Promise<Described> {
  return (await engine.call<{ Table: Described }>('DescribeTable', { TableName })).Table;
}

/** Until nothing is under way. */
async function settled(): Promise<Described> {
  for (;;) {
    const table = await described();
    const { TableStatus: status, GlobalSecondaryIndexes: indexes = [], WarmThroughput: warm } = table;
    const statuses = [status, warm.Status, ...indexes.map(({ IndexStatus }) => IndexStatus)];
    if (statuses.every((one) => one === 'ACTIVE')) return table;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

function units(ReadCapacityUnits: number, WriteCapacityUnits: number) {
  return { ReadCapacityUnits, WriteCapacityUnits };
}

function ofIndex(IndexName: string, change: object) {
  return { GlobalSecondaryIndexUpdates: [{ Update: { IndexName, ...change } }] };
}

function newIndex(IndexName: string, AttributeName = 'p') {
  return {
    IndexName,
    KeySchema: [{ AttributeName, KeyType: 'HASH' }],
    Projection: { ProjectionType: 'ALL' },
  };
}

function creating(IndexName: string) {
  return {
    AttributeDefinitions: [{ AttributeName: 'p', AttributeType: 'S' }],
    GlobalSecondaryIndexUpdates: [{ Create: { ...newIndex(IndexName), ProvisionedThroughput: units(1, 1) } }],
  };
}

const seconds = () => nowMs / 1000;

describe('units', () => {
  test('stay what they are until the update is over', async () => {
    await open(delayMs);
    await create();
    const reply = await update({ ProvisionedThroughput: units(12, 8) });
    const before = {
      TableStatus: 'UPDATING',
      ProvisionedThroughput: {
        ...units(10, 10),
        NumberOfDecreasesToday: 0,
        LastIncreaseDateTime: seconds(),
        LastDecreaseDateTime: seconds(),
      },
      WarmThroughput: { ReadUnitsPerSecond: 10, WriteUnitsPerSecond: 10, Status: 'ACTIVE' },
    };
    expect(reply).toMatchObject(before);
    expect(await described()).toMatchObject(before);
    expect(await settled()).toMatchObject({
      ProvisionedThroughput: { ...units(12, 8), NumberOfDecreasesToday: 1 },
      WarmThroughput: { ReadUnitsPerSecond: 12, WriteUnitsPerSecond: 10 },
    });
  });

  test('are reached after a restart in between', async () => {
    await open(delayMs);
    await create();
    await update({ ProvisionedThroughput: units(12, 8) });
    await engine.reopen();
    expect(await settled()).toMatchObject({ ProvisionedThroughput: units(12, 8) });
  });

  test('that change keep other changes of capacity, of indexes, and a deletion away', async () => {
    await open(delayMs);
    await create();
    await update({ ProvisionedThroughput: units(12, 12) });
    const changing = `${inUse}Table IOPS are currently being updated. Table: ${TableName}`;
    for (const input of [
      { ProvisionedThroughput: units(13, 13) },
      { BillingMode: 'PAY_PER_REQUEST' },
      { WarmThroughput: { ReadUnitsPerSecond: 20 } },
    ]) {
      await expect(update(input)).rejects.toMatchObject({
        code: 'ResourceInUseException',
        message: changing,
      });
    }
    await expect(update(creating('index'))).rejects.toMatchObject({
      message: `${inUse}Can't create or delete indexes while table IOPS are being updated. Table: ${TableName}`,
    });
    await expect(engine.call('DeleteTable', { TableName })).rejects.toMatchObject({
      message: `${inUse}Table: ${TableName} is in the process of being updated.`,
    });
    expect(await update({ DeletionProtectionEnabled: true })).toMatchObject({
      TableStatus: 'UPDATING',
      DeletionProtectionEnabled: true,
    });
    expect(await settled()).toMatchObject({
      ProvisionedThroughput: units(12, 12),
      DeletionProtectionEnabled: true,
    });
  });

  test('go down four times a day at once, then once an hour; at midnight in UTC the count begins anew', async () => {
    await open(0);
    await create();
    for (let read = 9; read >= 6; read--) {
      await update({ ProvisionedThroughput: units(read, 10) });
      await settled();
    }
    const tooSoon = {
      code: 'LimitExceededException',
      message:
        'Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. ' +
        'After the first 4 decreases, each subsequent decrease in the same UTC day can be performed ' +
        'at most once every 3600 seconds. Number of decreases today: 4. ' +
        'Last decrease at Friday, October 9, 2026 at 12:21:34 AM Coordinated Universal Time. ' +
        'Next decrease can be made at Friday, October 9, 2026 at 1:21:34 AM Coordinated Universal Time',
    };
    await expect(update({ ProvisionedThroughput: units(5, 20) })).rejects.toMatchObject(tooSoon);
    nowMs += hourMs - 1;
    await expect(update({ ProvisionedThroughput: units(5, 10) })).rejects.toMatchObject(tooSoon);
    await update({ ProvisionedThroughput: units(6, 20) });
    await settled();
    nowMs += 1;
    await update({ ProvisionedThroughput: units(5, 20) });
    expect(await settled()).toMatchObject({ ProvisionedThroughput: { NumberOfDecreasesToday: 5 } });
    nowMs = Date.UTC(2026, 9, 9, 23, 30);
    await update({ ProvisionedThroughput: units(4, 20) });
    await settled();
    await expect(update({ ProvisionedThroughput: units(3, 20) })).rejects.toMatchObject({
      message: expect.stringMatching(
        /at Saturday, October 10, 2026 at 12:00:00 AM Coordinated Universal Time$/,
      ),
    });
    nowMs = Date.UTC(2026, 9, 10);
    expect(await described()).toMatchObject({
      ProvisionedThroughput: {
        NumberOfDecreasesToday: 0,
        LastDecreaseDateTime: Date.UTC(2026, 9, 9, 23, 30) / 1000,
      },
    });
    await update({ ProvisionedThroughput: units(3, 20) });
    expect(await settled()).toMatchObject({ ProvisionedThroughput: { NumberOfDecreasesToday: 1 } });
  });

  test('of an index are counted apart; what is refused changes neither', async () => {
    await open(0);
    await create({
      ProvisionedThroughput: units(10, 10),
      GlobalSecondaryIndexes: [{ ...newIndex('index'), ProvisionedThroughput: units(10, 10) }],
    });
    for (let read = 9; read >= 6; read--) {
      expect(await update(ofIndex('index', { ProvisionedThroughput: units(read, 10) }))).toMatchObject({
        TableStatus: 'ACTIVE',
        GlobalSecondaryIndexes: [{ IndexStatus: 'UPDATING', ProvisionedThroughput: units(read + 1, 10) }],
      });
      await settled();
    }
    const both = {
      ProvisionedThroughput: units(5, 5),
      ...ofIndex('index', { ProvisionedThroughput: units(5, 5) }),
    };
    await expect(update(both)).rejects.toMatchObject({ code: 'LimitExceededException' });
    expect(await settled()).toMatchObject({
      ProvisionedThroughput: { ...units(10, 10), NumberOfDecreasesToday: 0 },
      GlobalSecondaryIndexes: [{ ProvisionedThroughput: { ...units(6, 10), NumberOfDecreasesToday: 4 } }],
    });
    await update({ ProvisionedThroughput: units(5, 5) });
    expect(await settled()).toMatchObject({ ProvisionedThroughput: { NumberOfDecreasesToday: 1 } });
  });
});

describe('the billing mode', () => {
  test('is shown at once; when it is on demand since, and what that warms up, when it is over', async () => {
    await open(delayMs);
    await create({
      ProvisionedThroughput: units(10, 10),
      GlobalSecondaryIndexes: [{ ...newIndex('index'), ProvisionedThroughput: units(10, 10) }],
    });
    const reply = await update({ BillingMode: 'PAY_PER_REQUEST' });
    expect(reply).toMatchObject({
      TableStatus: 'UPDATING',
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
      ProvisionedThroughput: { ...units(0, 0), NumberOfDecreasesToday: 0, LastDecreaseDateTime: seconds() },
      WarmThroughput: { ReadUnitsPerSecond: 10, WriteUnitsPerSecond: 10, Status: 'ACTIVE' },
      GlobalSecondaryIndexes: [
        { IndexStatus: 'UPDATING', ProvisionedThroughput: { ...units(0, 0), NumberOfDecreasesToday: 0 } },
      ],
    });
    expect(reply).not.toHaveProperty('BillingModeSummary.LastUpdateToPayPerRequestDateTime');
    await expect(update({ OnDemandThroughput: { MaxReadRequestUnits: 5 } })).rejects.toMatchObject({
      message: `${inUse}OnDemandThroughput cannot be updated while BillingMode update is in progress`,
    });
    const onDemand = await settled();
    expect(onDemand).toMatchObject({
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST', LastUpdateToPayPerRequestDateTime: seconds() },
      WarmThroughput: { ReadUnitsPerSecond: 12_000, WriteUnitsPerSecond: 4_000 },
      GlobalSecondaryIndexes: [
        {
          ProvisionedThroughput: {
            ...units(0, 0),
            NumberOfDecreasesToday: 1,
            LastDecreaseDateTime: seconds(),
          },
          WarmThroughput: { ReadUnitsPerSecond: 12_000, WriteUnitsPerSecond: 4_000 },
        },
      ],
    });
    expect(onDemand.ProvisionedThroughput).toEqual({ ...units(0, 0), NumberOfDecreasesToday: 0 });
  });

  test('becomes on demand four times in 24 hours', async () => {
    await open(0);
    await create();
    const first = nowMs;
    for (let i = 0; i < 4; i++) {
      await update({ BillingMode: 'PAY_PER_REQUEST' });
      await settled();
      await update({ BillingMode: 'PROVISIONED', ProvisionedThroughput: units(1, 1) });
      await settled();
      nowMs += hourMs;
    }
    await expect(update({ BillingMode: 'PAY_PER_REQUEST' })).rejects.toMatchObject({
      code: 'LimitExceededException',
      message:
        'Subscriber limit exceeded: Update to PayPerRequest mode are limited to 4 times in 1 day(s). ' +
        'Last update at Fri Oct 09 03:21:34 UTC 2026. Next update can be made at Sat Oct 10 00:21:34 UTC 2026',
    });
    nowMs = first + 24 * hourMs;
    await update({ BillingMode: 'PAY_PER_REQUEST' });
    expect(await settled()).toMatchObject({ BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' } });
  });

  test('asked for again changes nothing, though the answer says UPDATING', async () => {
    await open(delayMs);
    await create({ BillingMode: 'PAY_PER_REQUEST' });
    const before = await described();
    expect(await update({ BillingMode: 'PAY_PER_REQUEST' })).toEqual({ ...before, TableStatus: 'UPDATING' });
    expect(await described()).toEqual(before);
  });
});

describe('warm throughput', () => {
  test('grows while the table stays ACTIVE; the last of several requests counts', async () => {
    await open(delayMs);
    await create({ BillingMode: 'PAY_PER_REQUEST' });
    const warming = {
      TableStatus: 'ACTIVE',
      WarmThroughput: { ReadUnitsPerSecond: 12_000, WriteUnitsPerSecond: 4_000, Status: 'UPDATING' },
    };
    expect(await update({ WarmThroughput: { ReadUnitsPerSecond: 13_000 } })).toMatchObject(warming);
    expect(await described()).toMatchObject(warming);
    await update({ WarmThroughput: { ReadUnitsPerSecond: 14_000, WriteUnitsPerSecond: 5_000 } });
    await update({ OnDemandThroughput: { MaxReadRequestUnits: 7 } });
    expect(await settled()).toMatchObject({
      WarmThroughput: { ReadUnitsPerSecond: 14_000, WriteUnitsPerSecond: 5_000 },
      OnDemandThroughput: { MaxReadRequestUnits: 7 },
    });
  });

  test('of an index grows while the index stays ACTIVE', async () => {
    await open(delayMs);
    await create({ BillingMode: 'PAY_PER_REQUEST', GlobalSecondaryIndexes: [newIndex('index')] });
    expect(await update(ofIndex('index', { WarmThroughput: { WriteUnitsPerSecond: 4_001 } }))).toMatchObject({
      TableStatus: 'ACTIVE',
      GlobalSecondaryIndexes: [
        { IndexStatus: 'ACTIVE', WarmThroughput: { WriteUnitsPerSecond: 4_000, Status: 'UPDATING' } },
      ],
    });
    const index = {
      WarmThroughput: { ReadUnitsPerSecond: 12_000, WriteUnitsPerSecond: 4_001, Status: 'ACTIVE' },
    };
    await expect.poll(described).toMatchObject({ GlobalSecondaryIndexes: [index] });
  });

  test('that a table is created with is shown from the first', async () => {
    await open(delayMs);
    const created = await create({
      BillingMode: 'PAY_PER_REQUEST',
      WarmThroughput: { ReadUnitsPerSecond: 12_001 },
    });
    expect(created.WarmThroughput).toEqual({
      ReadUnitsPerSecond: 12_001,
      WriteUnitsPerSecond: 4_000,
      Status: 'UPDATING',
    });
    expect(await settled()).toMatchObject({
      WarmThroughput: { ReadUnitsPerSecond: 12_001, Status: 'ACTIVE' },
    });
  });
});

describe('on-demand maxima', () => {
  test('hold at once; one that is cleared is shown as -1 for a while', async () => {
    await open(delayMs);
    await create({ BillingMode: 'PAY_PER_REQUEST' });
    const both = { MaxReadRequestUnits: 1_000, MaxWriteRequestUnits: 500 };
    expect(await update({ OnDemandThroughput: both })).toMatchObject({
      TableStatus: 'ACTIVE',
      OnDemandThroughput: both,
    });
    const cleared = { ...both, MaxReadRequestUnits: -1 };
    expect(await update({ OnDemandThroughput: { MaxReadRequestUnits: -1 } })).toMatchObject({
      TableStatus: 'ACTIVE',
      OnDemandThroughput: cleared,
    });
    await expect.poll(described).toHaveProperty('OnDemandThroughput', { MaxWriteRequestUnits: 500 });
    await update({ OnDemandThroughput: { MaxWriteRequestUnits: -1 } });
    await expect.poll(described).not.toHaveProperty('OnDemandThroughput');
  });

  test('of an index leave the status of the table alone', async () => {
    await open(delayMs);
    await create({ BillingMode: 'PAY_PER_REQUEST', GlobalSecondaryIndexes: [newIndex('index')] });
    const OnDemandThroughput = { MaxReadRequestUnits: 5, MaxWriteRequestUnits: 6 };
    expect(await update(ofIndex('index', { OnDemandThroughput }))).toMatchObject({
      TableStatus: 'ACTIVE',
      GlobalSecondaryIndexes: [{ IndexStatus: 'UPDATING', OnDemandThroughput }],
    });
    await expect(update(ofIndex('index', { OnDemandThroughput }))).rejects.toMatchObject({
      message: `${inUse}Index is being updated. Table: ${TableName} Index: index`,
    });
    expect(await settled()).toMatchObject({ GlobalSecondaryIndexes: [{ OnDemandThroughput }] });
  });
});

describe('an index', () => {
  test('that is being made keeps units, its deletion and that of the table away', async () => {
    await open(delayMs);
    await create();
    expect(await update(creating('index'))).toMatchObject({
      TableStatus: 'UPDATING',
      GlobalSecondaryIndexes: [{ IndexStatus: 'CREATING', Backfilling: false }],
    });
    const refusals: readonly (readonly [object, string])[] = [
      [
        { ProvisionedThroughput: units(1, 1) },
        `Can't change table IOPS when an index is being created. Table: ${TableName} Indexes: [index]`,
      ],
      [
        ofIndex('index', { ProvisionedThroughput: units(2, 2) }),
        `Index is being created but is not backfilling yet. Table: ${TableName} Index: index`,
      ],
      [
        { GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'index' } }] },
        'Index creation is in resource allocation phase. Retry deletion during backfilling phase ' +
          `or when the index is active. Table: ${TableName} Index: index`,
      ],
    ];
    for (const [input, text] of refusals) {
      await expect(update(input)).rejects.toMatchObject({
        code: 'ResourceInUseException',
        message: inUse + text,
      });
    }
    await expect(update(creating('other'))).rejects.toMatchObject({
      code: 'LimitExceededException',
      message:
        'Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table',
    });
    await expect(engine.call('DeleteTable', { TableName })).rejects.toMatchObject({
      message: `${inUse}Cannot delete table while indexes are being created, updated, or deleted.`,
    });
    await settled();
  });

  test('that is being deleted keeps units and its namesakes away', async () => {
    await open(delayMs);
    await create({
      ProvisionedThroughput: units(10, 10),
      GlobalSecondaryIndexes: [{ ...newIndex('index'), ProvisionedThroughput: units(1, 1) }],
    });
    await update({ GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'index' } }] });
    const deleted = `${inUse}Index is being deleted. Table: ${TableName} Index: index`;
    for (const input of [
      creating('index'),
      ofIndex('index', { ProvisionedThroughput: units(2, 2) }),
      { GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'index' } }] },
    ]) {
      await expect(update(input)).rejects.toMatchObject({ code: 'ResourceInUseException', message: deleted });
    }
    await expect(update({ BillingMode: 'PAY_PER_REQUEST' })).rejects.toMatchObject({
      message: `${inUse}Can't change table IOPS when an index is being deleted. Table: ${TableName} Indexes: [index]`,
    });
    expect(await settled()).not.toHaveProperty('GlobalSecondaryIndexes');
  });
});

test('a table that comes or goes is not changed', async () => {
  await open(delayMs);
  const created = create();
  await expect.poll(() => described().catch(() => undefined)).toMatchObject({ TableStatus: 'CREATING' });
  const protection = { DeletionProtectionEnabled: true };
  const comes = { code: 'ResourceInUseException', message: `${inUse}Table is being created: ${TableName}` };
  await expect(update(protection)).rejects.toMatchObject(comes);
  await expect(engine.call('DeleteTable', { TableName })).rejects.toMatchObject(comes);
  await expect(create()).rejects.toMatchObject(comes);
  await created;
  const { TableDescription } = await engine.call<{ TableDescription: object }>('DeleteTable', { TableName });
  expect(Object.keys(TableDescription).sort()).toEqual([
    'DeletionProtectionEnabled',
    'ItemCount',
    'ProvisionedThroughput',
    'TableArn',
    'TableId',
    'TableName',
    'TableSizeBytes',
    'TableStatus',
  ]);
  const goes = { code: 'ResourceInUseException', message: `${inUse}Table is being deleted: ${TableName}` };
  await expect(update(protection)).rejects.toMatchObject(goes);
  await expect(engine.call('DeleteTable', { TableName })).rejects.toMatchObject(goes);
  await engine.untilStatus(TableName, undefined);
});
