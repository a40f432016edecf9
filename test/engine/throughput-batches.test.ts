import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { itemOf, keyOf, shortOf, ThrottledEngine } from './throughput-harness.ts';

let engine: ThrottledEngine;
let tables = 0;

beforeAll(async () => {
  engine = await ThrottledEngine.open();
});

afterAll(() => engine.remove());

/** A table of which the burst is 300 units of each kind. */
async function table(index?: { read: number; write: number }): Promise<string> {
  const name = `table-${++tables}`;
  await engine.provisioned(name, { read: 1, write: 1 }, index);
  return name;
}

/** A table that has no write units left. */
async function spentTable(): Promise<string> {
  const name = await table();
  await engine.put(name, 'p', 300);
  return name;
}

const provisionedCode = 'ProvisionedThroughputExceededException';
const shortOfWrites = (name: string) =>
  shortOf(provisionedCode, 'TableWriteProvisionedThroughputExceeded', name);
const shortOfReads = (name: string) =>
  shortOf(provisionedCode, 'TableReadProvisionedThroughputExceeded', name);

describe('BatchWriteItem', () => {
  const put = (p: string, units: number, more?: object) => ({ PutRequest: { Item: itemOf(p, units, more) } });
  const remove = (p: string) => ({ DeleteRequest: { Key: keyOf(p) } });

  test('does what there are units for, and hands the rest back as it was asked for', async () => {
    const [name, other] = [await table(), await spentTable()];
    const arn = `arn:aws:dynamodb:us-east-1:000000000000:table/${other}`;
    const reply = await engine.call('BatchWriteItem', {
      RequestItems: {
        [name]: [put('a', 299), put('b', 1), put('c', 1), remove('d')],
        [arn]: [put('e', 1), remove('f')],
      },
      ReturnConsumedCapacity: 'TOTAL',
    });
    expect(reply).toEqual({
      UnprocessedItems: { [name]: [put('c', 1), remove('d')], [arn]: [put('e', 1), remove('f')] },
      ConsumedCapacity: [{ TableName: name, CapacityUnits: 300 }],
    });
    const found = await Promise.all(['a', 'b', 'c'].map((p) => engine.get(name, p)));
    expect(found.map(({ Item }) => Item !== undefined)).toEqual([true, true, false]);
  });

  test('is refused where nothing can be done', async () => {
    const name = await spentTable();
    const RequestItems = { [name]: [put('a', 1), remove('p')] };
    await expect(engine.call('BatchWriteItem', { RequestItems })).rejects.toMatchObject(shortOfWrites(name));
  });

  test('hands back what an index has no units for', async () => {
    const name = `table-${++tables}`;
    await engine.provisioned(name, { read: 1, write: 1000 }, { read: 1, write: 1 });
    for (let i = 0; i < 299; i++) await engine.put(name, `p${i}`, 1, { g: { S: 'g' } });
    const indexed = ['a', 'b'].map((p) => put(p, 1, { g: { S: 'g' } }));
    const { UnprocessedItems } = await engine.call('BatchWriteItem', {
      RequestItems: { [name]: [...indexed, put('c', 1)] },
    });
    expect(UnprocessedItems).toEqual({ [name]: [indexed[1]] });
  });
});

describe('BatchGetItem', () => {
  /** A table with an item of 100 read units, and one of 1. */
  async function stored(): Promise<string> {
    const name = `table-${++tables}`;
    await engine.provisioned(name, { read: 1, write: 1000 });
    await engine.put(name, 'large', 400);
    await engine.put(name, 'small', 1);
    return name;
  }

  test('reads what there are units for, and hands the other keys back', async () => {
    const name = await stored();
    for (let i = 0; i < 2; i++) await engine.get(name, 'large');
    const other = await stored();
    const asked = {
      ConsistentRead: true,
      ProjectionExpression: '#p',
      ExpressionAttributeNames: { '#p': 'p' },
    };
    const reply = await engine.call('BatchGetItem', {
      RequestItems: {
        [name]: { ...asked, Keys: [keyOf('large'), keyOf('small'), keyOf('none')] },
        [other]: { Keys: [keyOf('small')] },
      },
      ReturnConsumedCapacity: 'TOTAL',
    });
    expect(reply).toEqual({
      Responses: { [name]: [{ p: { S: 'large' } }], [other]: [itemOf('small', 1)] },
      UnprocessedKeys: { [name]: { ...asked, Keys: [keyOf('small'), keyOf('none')] } },
      ConsumedCapacity: [
        { TableName: name, CapacityUnits: 100 },
        { TableName: other, CapacityUnits: 0.5 },
      ],
    });
  });

  test('is refused where no key can be read', async () => {
    const name = await stored();
    for (let i = 0; i < 3; i++) await engine.get(name, 'large');
    const RequestItems = { [name]: { Keys: [keyOf('small'), keyOf('none')] } };
    await expect(engine.call('BatchGetItem', { RequestItems })).rejects.toMatchObject(shortOfReads(name));
    engine.clock.pass(1);
    // A key that has no item has been read as well.
    const reply = await engine.call('BatchGetItem', { RequestItems: { [name]: { Keys: [keyOf('none')] } } });
    expect(reply).toEqual({ Responses: { [name]: [] }, UnprocessedKeys: {} });
  });
});

describe('a transaction', () => {
  const cancelled = (...reasons: (string | object)[]) => ({
    code: 'TransactionCanceledException',
    members: {
      CancellationReasons: reasons.map((reason) => (reason === 'None' ? { Code: reason } : reason)),
    },
  });
  const tableIsShort = {
    Code: 'ProvisionedThroughputExceeded',
    Message:
      'The level of configured provisioned throughput for the table was exceeded. ' +
      'Consider increasing your provisioning level with the UpdateTable API.',
  };
  const put = (TableName: string, p: string, units = 1) => ({ Put: { TableName, Item: itemOf(p, units) } });

  test('is cancelled where a table has no units, and writes to no other', async () => {
    const [name, spent] = [await table(), await spentTable()];
    const TransactItems = [put(name, 'a'), put(spent, 'a')];
    await expect(engine.call('TransactWriteItems', { TransactItems })).rejects.toEqual(
      expect.objectContaining(cancelled('None', tableIsShort)),
    );
    expect((await engine.get(name, 'a')).Item).toBeUndefined();
  });

  test('is admitted as a whole: it may cost more than there is', async () => {
    const name = await table();
    await engine.put(name, 'p', 299);
    await engine.call('TransactWriteItems', { TransactItems: ['a', 'b', 'c'].map((p) => put(name, p)) });
    // Six units were spent, and one was there.
    engine.clock.pass(5);
    await expect(engine.put(name, 'q')).rejects.toMatchObject(shortOfWrites(name));
    engine.clock.pass(1);
    await engine.put(name, 'q');
  });

  test('that its conditions cancel is paid for', async () => {
    const name = await table();
    const check = {
      ConditionCheck: { TableName: name, Key: keyOf('p'), ConditionExpression: 'attribute_exists(p)' },
    };
    const failed = engine.call('TransactWriteItems', { TransactItems: [put(name, 'a', 149), check] });
    await expect(failed).rejects.toMatchObject({
      members: { CancellationReasons: [{ Code: 'None' }, { Code: 'ConditionalCheckFailed' }] },
    });
    await expect(engine.put(name, 'q')).rejects.toMatchObject(shortOfWrites(name));
  });

  test('of reads costs double, and is cancelled as one of writes is', async () => {
    const name = `table-${++tables}`;
    await engine.provisioned(name, { read: 1, write: 1000 });
    await engine.put(name, 'p', 400);
    const TransactItems = ['p', 'q'].map((p) => ({ Get: { TableName: name, Key: keyOf(p) } }));
    for (let i = 0; i < 2; i++) await engine.call('TransactGetItems', { TransactItems });
    await expect(engine.call('TransactGetItems', { TransactItems })).rejects.toEqual(
      expect.objectContaining(cancelled(tableIsShort, tableIsShort)),
    );
  });

  test('that happened already costs reads only', async () => {
    const name = await table();
    const input = { TransactItems: [put(name, 'p', 149)], ClientRequestToken: 'once' };
    for (let i = 0; i < 4; i++) await engine.call('TransactWriteItems', input);
    await engine.put(name, 'q', 2);
    // 2 * 38 read units for each repetition.
    await engine.call('TransactWriteItems', input);
    await expect(engine.get(name, 'p')).rejects.toMatchObject(shortOfReads(name));
  });
});
