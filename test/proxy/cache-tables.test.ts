import { describe, expect, it } from 'vitest';
import type { Request } from '../../protocol/backend.ts';
import { DynamoDbError } from '../../protocol/errors.ts';
import type { Logger } from '../../protocol/logger.ts';
import { Reply } from '../../protocol/reply.ts';
import { silentLogger } from '../silent-logger.ts';
import { arn, Fixture, idSchema, itemOf, settled, storeKinds } from './accelerator-fixture.ts';

const soon = { answers: 'soon', bytes: false } as const;

/** Whether a read of the item was answered without asking the store. */
async function isCached(f: Fixture, tableName = 'items'): Promise<boolean> {
  const get = () => f.call('GetItem', { TableName: tableName, Key: { id: { S: 'a' } } });
  return (await f.countDuring('GetItem', get)) === 0;
}

async function filled(kind: ConstructorParameters<typeof Fixture>[0]): Promise<Fixture> {
  const f = new Fixture(kind);
  f.store.createTable('others', idSchema);
  for (const name of ['items', 'others']) {
    f.store.put(name, itemOf('a', '1'));
    await isCached(f, name);
    expect(await isCached(f, name)).toBe(true);
  }
  return f;
}

describe.each(storeKinds)('tables of a store that %s', (_name, kind) => {
  it('inherit nothing from one of the same name', async () => {
    const f = await filled(kind);
    await f.call('DeleteTable', { TableName: 'items' });
    await expect(f.get('a')).rejects.toThrow('Requested resource not found');
    await f.call('CreateTable', { TableName: 'items' });
    f.clock.advance(1_000);
    expect(await f.get('a')).toEqual({});
    expect(await isCached(f)).toBe(true);
    expect(await isCached(f, 'others')).toBe(true);
  });

  it('are described once', async () => {
    const f = await filled(kind);
    await Promise.all(Array.from({ length: 10 }, (_, i) => f.get(`k${i}`)));
    expect(f.store.count('DescribeTable')).toBe(2);
  });

  it('are not cached before they are active, or while they are deleted', async () => {
    const f = new Fixture(kind);
    for (const status of ['CREATING', 'DELETING']) {
      f.store.setStatus('items', status);
      expect(await isCached(f)).toBe(false);
      expect(await isCached(f)).toBe(false);
    }
    f.store.setStatus('items', 'ACTIVE');
    f.clock.advance(1_000);
    await isCached(f);
    expect(await isCached(f)).toBe(true);
  });

  it('that do not exist are not asked about at every call', async () => {
    const f = new Fixture(kind);
    for (let i = 0; i < 5; i++) await f.get('a', { TableName: 'none' }).catch(() => undefined);
    expect(f.store.count('DescribeTable')).toBe(1);
    f.clock.advance(1_000);
    await f.get('a', { TableName: 'none' }).catch(() => undefined);
    expect(f.store.count('DescribeTable')).toBe(2);
  });

  it('are void after an operation that is on no list, all of them', async () => {
    const f = await filled(kind);
    await f.call('ReplaceAllItems', { Everywhere: true });
    expect(await isCached(f)).toBe(false);
    expect(await isCached(f, 'others')).toBe(false);
  });

  it.each([
    'Query',
    'Scan',
    'TransactGetItems',
    'DescribeTable',
    'ListTables',
    'UpdateTimeToLive',
    'TagResource',
  ])('stay cached after %s', async (operation) => {
    const f = await filled(kind);
    await f.call(operation, { TableName: 'items' });
    expect(await isCached(f)).toBe(true);
  });
});

describe('statements, before a store that announces nothing', () => {
  const parameters = { Parameters: [{ M: itemOf('a', '2') }] };

  it.each([
    ['ExecuteStatement', { Statement: 'UPDATE "items" SET v = ? WHERE id = ?' }],
    ['ExecuteStatement', { Statement: '  insert  into "items" value ?' }],
    ['BatchExecuteStatement', { Statements: [{ Statement: 'DELETE FROM "items" WHERE id = ?' }] }],
    ['ExecuteTransaction', { TransactStatements: [{ Statement: 'update "items" set v = ?' }] }],
  ])('void the table they name: %s %j', async (operation, input) => {
    const f = await filled(soon);
    await f.call(operation, { ...input, ...parameters });
    expect(await isCached(f)).toBe(false);
    expect(await isCached(f, 'others')).toBe(true);
    expect(f.store.count('DescribeTable')).toBe(2);
  });

  it.each([
    { Statement: 'UPDATE items SET v = ?' },
    { Statement: '-- a comment\nDELETE FROM "items"' },
    {},
    { Statements: [5] },
  ])('void everything where the name is in doubt: %j', async (input) => {
    const f = await filled(soon);
    await f.call('ExecuteStatement', { ...input, ...parameters });
    expect(await isCached(f)).toBe(false);
    expect(await isCached(f, 'others')).toBe(false);
  });

  it('that only read void nothing', async () => {
    const f = await filled(soon);
    await f.call('ExecuteStatement', { Statement: 'SELECT * FROM "items"', ...parameters });
    expect(await isCached(f)).toBe(true);
  });

  it('that were refused void nothing', async () => {
    const f = await filled(soon);
    f.store.failures.set('ExecuteStatement', new DynamoDbError('ValidationException', 'wrong'));
    await f.call('ExecuteStatement', { Statement: 'UPDATE "items"' }).catch(() => undefined);
    expect(await isCached(f)).toBe(true);
  });

  it.each(['UPDATE "items"', 'UPDATE items'])(
    'that were not answered keep tables uncached: %s',
    async (Statement) => {
      const f = await filled(soon);
      f.store.failures.set('ExecuteStatement', new Error('socket hang up'));
      await f.call('ExecuteStatement', { Statement }).catch(() => undefined);
      expect(await isCached(f)).toBe(false);
      expect(await isCached(f)).toBe(false);
      await f.put('a', '2');
      expect(await isCached(f)).toBe(false);
      f.clock.advance(10_000);
      expect(await isCached(f)).toBe(false);
      expect(await isCached(f)).toBe(true);
    },
  );
});

describe('a table that is replaced around the accelerator', () => {
  const open = () => filled(soon);

  function replace(f: Fixture): void {
    f.store.deleteTable('items');
    f.store.createTable('items', idSchema);
  }

  it('is noticed when its description is asked for again, and read on meanwhile', async () => {
    const f = await open();
    replace(f);
    expect(await f.get('a')).toEqual({ Item: itemOf('a', '1') });
    f.clock.advance(60_000);
    expect(await isCached(f)).toBe(true);
    await settled();
    expect(await f.get('a')).toEqual({});
  });

  it('is noticed under every name of it at once', async () => {
    const f = await open();
    await f.call('GetItem', { TableName: arn, Key: { id: { S: 'a' } } });
    replace(f);
    f.clock.advance(60_000);
    await f.get('a');
    await settled();
    expect(await f.call('GetItem', { TableName: arn, Key: { id: { S: 'a' } } })).toEqual({});
  });

  it('is given up when nobody can describe it for too long', async () => {
    const f = await open();
    const failure = new DynamoDbError('ThrottlingException', 'Rate exceeded');
    f.clock.advance(60_000);
    f.store.failures.set('DescribeTable', failure);
    expect(await isCached(f)).toBe(true);
    await settled();
    expect(await isCached(f)).toBe(true);
    f.clock.advance(60_000);
    f.store.failures.set('DescribeTable', failure);
    expect(await isCached(f)).toBe(false);
    expect(await isCached(f)).toBe(false);
    f.clock.advance(1_000);
    expect(await isCached(f)).toBe(false);
    expect(await isCached(f)).toBe(true);
  });

  it('is void after a write that was meant for the old one', async () => {
    const f = await open();
    f.store.answers = 'held';
    replace(f);
    f.clock.advance(60_000);
    const write = f.call('UpdateItem', { TableName: 'items', Key: { id: { S: 'a' } } });
    await settled();
    await settled();
    const read = f.get('a');
    await settled();
    const [writing, reading] = f.store.held;
    reading?.execute();
    writing?.answer();
    await write;
    reading?.answer();
    expect(await read).toEqual({});
    f.store.answers = 'soon';
    expect(await isCached(f)).toBe(false);
  });
});

describe('a store that has one table for all regions', () => {
  it('is kept right whatever regions its callers sign for', async () => {
    const f = await filled(soon);
    f.store.oneRegion = 'us-east-1';
    const key = { TableName: 'items', Key: { id: { S: 'a' } } };
    await f.call('GetItem', key, 'eu-west-1');
    await f.call('PutItem', { TableName: 'items', Item: itemOf('a', '2') }, 'eu-west-1');
    expect(await f.get('a')).toEqual({ Item: itemOf('a', '2') });
    await f.call('DeleteTable', { TableName: 'items' }, 'ap-south-1');
    await expect(f.get('a')).rejects.toThrow('Requested resource not found');
  });
});

describe('a write to a table that the store would not describe', () => {
  const refusal = new DynamoDbError('ThrottlingException', 'Rate exceeded');
  const key = { TableName: 'items', Key: { id: { S: 'a' } } };

  it('leaves no fill of a replica that lags behind it', async () => {
    const f = new Fixture(soon, { settleMs: 2_000 });
    f.store.put('items', itemOf('a', '1'));
    f.store.catchUp();
    f.store.lags = true;
    f.store.failures.set('DescribeTable', refusal);
    await f.put('a', '2');
    f.clock.advance(1_000);
    expect(await f.get('a')).toEqual({ Item: itemOf('a', '2') });
    f.store.lags = false;
    expect(await f.get('a')).toEqual({ Item: itemOf('a', '2') });
    expect(await isCached(f)).toBe(true);
  });

  it('keeps the table out of the cache while the write may still be applied', async () => {
    const f = new Fixture(soon);
    f.store.failures.set('DescribeTable', refusal).set('PutItem', new Error('socket hang up'));
    await f.put('a', '2').catch(() => undefined);
    f.clock.advance(1_000);
    expect(await isCached(f)).toBe(false);
    expect(await isCached(f)).toBe(false);
    f.clock.advance(9_000);
    expect(await isCached(f)).toBe(false);
    expect(await isCached(f)).toBe(true);
  });

  it('is kept apart from a table of this name that is known in another region', async () => {
    const f = await filled(soon);
    f.store.createTable('items', idSchema, 'eu-west-1');
    f.store.failures.set('DescribeTable', refusal).set('PutItem', new Error('socket hang up'));
    const item = itemOf('a', '2');
    await f.call('PutItem', { TableName: 'items', Item: item }, 'eu-west-1').catch(() => undefined);
    f.clock.advance(1_000);
    expect(await f.call('GetItem', key, 'eu-west-1')).toEqual({});
    f.store.execute({
      operation: 'PutItem',
      input: { TableName: 'items', Item: item },
      region: 'eu-west-1',
    });
    expect(await f.call('GetItem', key, 'eu-west-1')).toEqual({ Item: item });
  });

  it('is no matter for tables that are known', async () => {
    const f = await filled(soon);
    f.store.createTable('unknown', idSchema);
    f.store.failures.set('DescribeTable', refusal).set('PutItem', new Error('socket hang up'));
    await f.call('PutItem', { TableName: 'unknown', Item: itemOf('a', '2') }).catch(() => undefined);
    expect(await isCached(f)).toBe(true);
  });
});

describe('a table that the store never describes', () => {
  function open(f: Fixture, refuse: (request: Request) => Reply): Fixture {
    const call = f.store.call.bind(f.store);
    f.store.call = (request) => (request.operation === 'DescribeTable' ? refuse(request) : call(request));
    return f;
  }

  function watched(): { warnings: object[]; log: Logger } {
    const warnings: object[] = [];
    return { warnings, log: { ...silentLogger, warn: (details) => warnings.push(details) } };
  }

  const denied = new DynamoDbError('AccessDeniedException', 'Not allowed');
  const deny = () => {
    throw denied;
  };

  it.each([
    ['and refuses to', deny, { err: denied }],
    ['since it says too little', () => new Reply({ Table: { TableStatus: 'ACTIVE' } }), {}],
    ['since it says nothing', () => new Reply({}), {}],
  ])('is counted, and told of once: %s', async (_name, refuse, details) => {
    const { warnings, log } = watched();
    const f = open(new Fixture(soon, { log }), refuse);
    for (let i = 0; i < 3; i++) {
      expect(await isCached(f)).toBe(false);
      f.clock.advance(1_000);
    }
    expect(warnings).toEqual([{ table: 'items', region: 'us-east-1', ...details }]);
    expect(f.accelerator.stats().undescribed).toBe(3);
  });

  it('is told of for a thousand names at most', async () => {
    const { warnings, log } = watched();
    const f = open(new Fixture(soon, { log }), deny);
    for (let i = 0; i < 1_100; i++) await isCached(f, `t${i}`).catch(() => undefined);
    expect(warnings).toHaveLength(1_000);
  });

  it.each([
    () => {
      throw new DynamoDbError('ResourceNotFoundException', 'Requested resource not found');
    },
    () => new Reply({ Table: { TableStatus: 'CREATING' } }),
  ])('is not told of where it does not exist, or not yet: %#', async (refuse) => {
    const { warnings, log } = watched();
    const f = open(new Fixture(soon, { log }), refuse);
    await isCached(f);
    expect(warnings).toEqual([]);
    expect(f.accelerator.stats().undescribed).toBe(0);
  });
});

describe('a table that is replaced while a write is under way', () => {
  it('is not cached while that write, which nobody answered, may still be applied', async () => {
    const f = await filled(soon);
    f.store.answers = 'held';
    const write = f.put('a', '2').catch(() => undefined);
    await settled();
    const [writing] = f.store.held;
    f.store.answers = 'soon';
    await f.call('DeleteTable', { TableName: 'items' });
    await f.call('CreateTable', { TableName: 'items' });
    expect(await f.get('a')).toEqual({});
    writing?.fail(new Error('no answer'));
    await write;
    expect(await f.get('a')).toEqual({});
    writing?.execute();
    expect(await f.get('a')).toEqual({ Item: itemOf('a', '2') });
  });
});

describe('a description that is being asked for', () => {
  it('survives writes that could not wait for one', async () => {
    const f = new Fixture({ answers: 'held', bytes: false });
    f.store.holdsDescriptions = true;
    const first = f.put('a', '1');
    await settled();
    f.store.held[0]?.fail(new Error('no answer'));
    await settled();
    f.clock.advance(1_000);
    const reading = f.get('a');
    await settled();
    const [putting, describing] = f.store.held;
    putting?.answer();
    await first;
    describing?.answer();
    await settled();
    f.store.held[0]?.answer();
    expect(await reading).toEqual({ Item: itemOf('a', '1') });
    expect(f.accelerator.stats().entries).toBe(1);
  });
});

describe('a description that was asked for before a table changed', () => {
  it('is not believed, but asked for again', async () => {
    const f = new Fixture({ answers: 'held' });
    f.store.holdsDescriptions = true;
    const reading = f.get('a');
    await settled();
    const [describing] = f.store.held;
    describing?.execute();
    f.store.deleteTable('items');
    f.store.createTable('items', idSchema);
    const changing = f.call('CreateTable', { TableName: 'items' });
    await settled();
    f.store.held[1]?.fail(new Error('no answer'));
    await changing.catch(() => undefined);
    describing?.answer();
    for (const operation of ['DescribeTable', 'GetItem']) {
      await settled();
      expect(f.store.held[0]?.request.operation).toBe(operation);
      f.store.held[0]?.answer();
    }
    expect(await reading).toEqual({});
    expect(f.accelerator.stats().entries).toBe(0);
  });
});
