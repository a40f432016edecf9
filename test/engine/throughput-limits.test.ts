import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keyOf, shortOf, ThrottledEngine } from './throughput-harness.ts';

let tables = 0;

function newName(): string {
  return `table-${++tables}`;
}

describe('an on-demand maximum', () => {
  let engine: ThrottledEngine;

  beforeAll(async () => {
    engine = await ThrottledEngine.open();
  });

  afterAll(() => engine.remove());

  const message = 'Throughput exceeds the maximum OnDemandThroughput configured on table or index';
  const maximum = (read: number, write: number) => ({
    OnDemandThroughput: { MaxReadRequestUnits: read, MaxWriteRequestUnits: write },
  });
  const overMaximum = (reason: string, name: string, index?: string) => ({
    ...shortOf('ThrottlingException', `${reason}MaxOnDemandThroughputExceeded`, name, index),
    message,
  });

  test('throttles a table, with a burst as a provisioned one has', async () => {
    const name = newName();
    await engine.onDemand(name, maximum(1, 1));
    await engine.put(name, 'p', 300);
    await expect(engine.put(name, 'p')).rejects.toMatchObject(overMaximum('TableWrite', name));
    for (let i = 0; i < 4; i++) await engine.get(name, 'p');
    await expect(engine.get(name, 'p')).rejects.toMatchObject(overMaximum('TableRead', name));
    engine.clock.pass(5);
    await engine.put(name, 'p');
    await engine.get(name, 'p');
  });

  test('throttles the writes of the table where an index has it', async () => {
    const name = newName();
    await engine.onDemand(name, {}, { OnDemandThroughput: { MaxWriteRequestUnits: 1 } });
    for (let i = 0; i < 300; i++) await engine.put(name, `p${i}`, 1, { g: { S: 'g' } });
    await expect(engine.put(name, 'q', 1, { g: { S: 'g' } })).rejects.toMatchObject(
      overMaximum('IndexWrite', name, 'byG'),
    );
    await engine.put(name, 'q');
  });

  test('cancels a transaction', async () => {
    const name = newName();
    await engine.onDemand(name, maximum(1, 1));
    await engine.put(name, 'p', 300);
    const TransactItems = [{ Delete: { TableName: name, Key: keyOf('p') } }];
    await expect(engine.call('TransactWriteItems', { TransactItems })).rejects.toMatchObject({
      message:
        'Transaction cancelled, please refer cancellation reasons for specific reasons [ThrottlingError]',
      members: { CancellationReasons: [{ Code: 'ThrottlingError', Message: message }] },
    });
  });

  test('is lifted by -1', async () => {
    const name = newName();
    await engine.onDemand(name, maximum(1, 1));
    await engine.put(name, 'p', 300);
    await engine.call('UpdateTable', { TableName: name, ...maximum(1, -1) });
    await engine.engine.untilStatus(name, 'ACTIVE');
    for (let i = 0; i < 10; i++) await engine.put(name, 'p', 300);
  });
});

describe('all that AWS limits of itself', () => {
  let engine: ThrottledEngine;

  beforeAll(async () => {
    engine = await ThrottledEngine.open('all');
  });

  afterAll(() => engine.remove());

  const hotKey =
    'Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or index ' +
    'so please try again shortly. If exceptions persist, check if you have a hot key: ' +
    'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html.';
  const overRange = (reason: string, name: string, index?: string) =>
    shortOf('ThrottlingException', `${reason}KeyRangeThroughputExceeded`, name, index);

  /** Writes items of 400 units under keys of their own until the table has taken so many units, or refuses. */
  async function write(name: string, units: number): Promise<void> {
    for (let done = 0; done < units; done += 400) await engine.put(name, `p${done}`, 400);
  }

  test('a partition key takes 1,000 write and 3,000 read units a second, whatever its table has', async () => {
    const name = newName();
    await engine.provisioned(name, { read: 30_000, write: 30_000 });
    for (let i = 0; i < 3; i++) await engine.put(name, 'hot', 400);
    const refused = shortOf(
      'ProvisionedThroughputExceededException',
      'TableWriteKeyRangeThroughputExceeded',
      name,
    );
    await expect(engine.put(name, 'hot')).rejects.toMatchObject(refused);
    await engine.put(name, 'cold');
    for (let i = 0; i < 30; i++) await engine.get(name, 'hot');
    await expect(
      engine.call('Query', {
        TableName: name,
        KeyConditionExpression: 'p = :p',
        ExpressionAttributeValues: { ':p': { S: 'hot' } },
      }),
    ).rejects.toMatchObject({
      members: { ThrottlingReasons: [{ reason: 'TableReadKeyRangeThroughputExceeded' }] },
    });
    engine.clock.pass(1);
    await engine.put(name, 'hot');
    await engine.get(name, 'hot');
  });

  test('the same goes for a partition key of an index', async () => {
    const name = newName();
    await engine.onDemand(name, {}, {});
    for (let i = 0; i < 1000; i++) await engine.put(name, `p${i}`, 1, { g: { S: 'hot' } });
    await expect(engine.put(name, 'p', 1, { g: { S: 'hot' } })).rejects.toMatchObject({
      ...overRange('IndexWrite', name, 'byG'),
      message:
        'Throughput exceeds the current capacity for one or more global secondary indexes. ' +
        'DynamoDB is automatically scaling your index so please try again shortly.',
    });
    await engine.put(name, 'p', 1, { g: { S: 'cold' } });
  });

  test('a new on-demand table takes 4,000 write units a second, and double its peak half an hour later', async () => {
    const name = newName();
    await engine.onDemand(name);
    await write(name, 4000);
    await expect(write(name, 400)).rejects.toMatchObject({
      ...overRange('TableWrite', name),
      message: hotKey,
    });
    // Most of the next second's units, in the same second as the last one's: that is no higher peak.
    engine.clock.pass(0.9);
    await write(name, 3600);
    await expect(write(name, 400)).rejects.toMatchObject(overRange('TableWrite', name));
    engine.clock.pass(30 * 60);
    await expect(write(name, 8400)).rejects.toMatchObject(overRange('TableWrite', name));
    engine.clock.pass(1);
    await write(name, 8000);
    await expect(write(name, 400)).rejects.toMatchObject(overRange('TableWrite', name));
  });

  test('a table that was warmed up takes what it was warmed up to', async () => {
    const name = newName();
    await engine.onDemand(name, {
      WarmThroughput: { ReadUnitsPerSecond: 12_000, WriteUnitsPerSecond: 6000 },
    });
    await write(name, 6000);
    await expect(write(name, 400)).rejects.toMatchObject(overRange('TableWrite', name));
  });

  test('an on-demand table takes 40,000 units a second of an account', async () => {
    const name = newName();
    await engine.onDemand(name, {
      WarmThroughput: { ReadUnitsPerSecond: 40_000, WriteUnitsPerSecond: 40_000 },
    });
    await write(name, 40_000);
    const refused = engine.put(name, 'p');
    await expect(refused).rejects.toMatchObject({
      ...shortOf('RequestLimitExceeded', 'TableWriteAccountLimitExceeded', name),
      message: expect.stringContaining('Throughput exceeds the current throughput limit for your account.'),
    });
    engine.clock.pass(1);
    await engine.put(name, 'p');
  });
});
