import { describe, expect, test } from 'vitest';
import { itemOf } from '../accelerator-fixture.ts';
import { AcceleratorFleet } from './accelerator-fleet.ts';
import { fenceMs, turns } from './fleet.ts';

describe('a proxy that was suspended', () => {
  test('serves nothing of its own before it has heard what happened meanwhile', async () => {
    const [fleet, writer, sleeper] = await AcceleratorFleet.start();
    await writer.put('a', '1');
    expect(await sleeper.get('a')).toBe('1');

    sleeper.node.provenUntilMs = fleet.clock.monotonic() + 2_000;
    sleeper.node.areAnnouncementsHeld = true;
    await writer.put('a', '2');
    expect(await sleeper.get('a')).toBe('1');
    await fleet.fleet.advance(2_000);
    expect(await sleeper.get('a')).toBe('2');

    sleeper.node.areAnnouncementsHeld = false;
    sleeper.node.provenUntilMs = Infinity;
    expect(await sleeper.get('a')).toBe('2');
  });

  test('takes nothing from Redis by a version of the table from before', async () => {
    const [fleet, writer, sleeper] = await AcceleratorFleet.start();
    await writer.put('a', '1');
    expect(await sleeper.get('a')).toBe('1');

    sleeper.node.provenUntilMs = fleet.clock.monotonic();
    sleeper.node.areAnnouncementsHeld = true;
    fleet.store.put('items', itemOf('a', '2'));
    await writer.accelerator.flush({ kind: 'all' });
    expect(await sleeper.get('a')).toBe('2');
  });

  test('joins no read from before', async () => {
    const [fleet, writer, sleeper] = await AcceleratorFleet.start();
    await writer.put('a', '1');
    await writer.accelerator.flush({ kind: 'all' });

    fleet.store.answers = 'held';
    const before = sleeper.get('a');
    await turns();
    fleet.held('GetItem').execute();
    sleeper.node.provenUntilMs = fleet.clock.monotonic();
    sleeper.node.areAnnouncementsHeld = true;
    const put = writer.put('a', '2');
    await turns();
    fleet.held('PutItem').execute();
    fleet.held('PutItem').answer();
    await put;

    const after = sleeper.get('a');
    fleet.held('GetItem').answer();
    expect(await before).toBe('1');
    fleet.store.answers = 'soon';
    await turns();
    for (const call of fleet.store.held) call.execute();
    for (const call of fleet.store.held) call.answer();
    expect(await after).toBe('2');
  });
});

test('what may not live long in Redis does not live longer in the proxy', async () => {
  const [fleet, , reader] = await AcceleratorFleet.start();
  fleet.fleet.server.restart();
  reader.link.comeUp();
  // The first read makes the table's record, which voids what is kept of it.
  await reader.get('b');
  expect(await reader.get('a')).toBeUndefined();
  // By somebody whose fence was lost with Redis, and who is gone.
  fleet.store.put('items', itemOf('a', 'late'));
  await fleet.pass(fenceMs + 3_000);
  expect(await reader.get('a')).toBe('late');
});

describe('where the replicas of the store lag', () => {
  const settling = { settleMs: 1_000 };
  const query = {
    KeyConditionExpression: 'id = :a',
    ExpressionAttributeValues: { ':a': { S: 'a' } },
  };

  /** A fleet with a write of the item that the replicas lack, and of which the reader is yet to hear. */
  async function unheard() {
    const [fleet, writer, reader, other] = await AcceleratorFleet.start(settling);
    await writer.put('a', '1');
    for (const proxy of [reader, other]) await proxy.get('b');
    await fleet.pass(2_000);
    fleet.store.catchUp();
    fleet.store.lags = true;
    reader.node.areAnnouncementsHeld = true;
    await writer.put('a', '2');
    return { fleet, writer, reader, other };
  }

  test('an item that was written is asked for consistently by who has yet to hear of it', async () => {
    const { fleet, reader, other } = await unheard();
    fleet.evict('a');
    expect(await reader.get('a')).toBe('2');
    reader.node.areAnnouncementsHeld = false;
    for (const proxy of [reader, other]) expect(await proxy.get('a')).toBe('2');
  });

  test('a page is asked for consistently by who has yet to hear of a write that concerns it', async () => {
    const { fleet, reader, other } = await unheard();
    expect(await reader.call('Query', query)).toMatchObject({ Items: [itemOf('a', '2')] });
    reader.node.areAnnouncementsHeld = false;
    expect(await other.call('Query', query)).toMatchObject({ Items: [itemOf('a', '2')] });
    expect(fleet.store.count('Query')).toBe(1);
  });

  test('a page of a global index that may lack a write is kept by nobody', async () => {
    const { fleet, writer, reader, other } = await unheard();
    await writer.call('PutItem', { Item: { ...itemOf('a', '3'), g: { S: 'x' } } });
    const ofIndex = {
      IndexName: 'groups',
      KeyConditionExpression: 'g = :g',
      ExpressionAttributeValues: { ':g': { S: 'x' } },
    };
    await reader.call('Query', ofIndex);
    reader.node.areAnnouncementsHeld = false;
    await other.call('Query', ofIndex);
    await reader.call('Query', ofIndex);
    expect(fleet.store.count('Query')).toBe(3);
  });

  test('a page that was asked for before a write was heard of is not kept', async () => {
    const { fleet, reader } = await unheard();
    fleet.store.answers = 'held';
    const reading = reader.call('Query', query);
    await turns();
    reader.node.areAnnouncementsHeld = false;
    fleet.held('Query').execute();
    fleet.held('Query').answer();
    await reading;
    fleet.store.answers = 'soon';
    await reader.call('Query', query);
    expect(fleet.store.count('Query')).toBe(2);
  });

  test('an item that was looked for before a write was heard of is asked for consistently', async () => {
    const [fleet, writer, reader] = await AcceleratorFleet.start(settling);
    await writer.put('a', '1');
    await reader.get('b');
    await reader.get('b');
    await fleet.pass(2_000);
    fleet.store.catchUp();
    fleet.store.lags = true;
    reader.node.areStepsHeld = true;
    const reading = reader.get('a');
    await turns();
    await writer.put('a', '2');
    fleet.evict('a');
    reader.node.areStepsHeld = false;
    expect(await reading).toBe('2');
  });
});

describe('a read that wants the answer of the store', () => {
  test('gets it where what the fleet has could not be dropped', async () => {
    const [fleet, proxy] = await AcceleratorFleet.start();
    await proxy.put('a', '1');
    fleet.store.put('items', itemOf('a', '2'));
    proxy.node.losesNext = 1;
    expect(await proxy.get('a', true)).toBe('2');
  });
});

describe('the record of a write', () => {
  test('leaves in Redis what the write put there', async () => {
    const [fleet, writer, follower, reader] = await AcceleratorFleet.start();
    await writer.put('a', '1');
    await follower.follow('a', undefined, '1');
    expect(await fleet.readsDuring(() => reader.get('a'))).toBe(0);

    await writer.call('DeleteItem', { Key: { id: { S: 'a' } } });
    await follower.follow('a', '1', undefined);
    expect(await fleet.readsDuring(() => reader.get('a'))).toBe(0);
    expect(await reader.get('a')).toBeUndefined();
  });

  test('drops what a write around the fleet has made wrong', async () => {
    const [fleet, writer, follower, reader] = await AcceleratorFleet.start();
    await writer.put('a', '1');
    expect(await reader.get('a')).toBe('1');
    fleet.store.put('items', itemOf('a', '2'));
    await follower.follow('a', '1', '2');
    expect(await reader.get('a')).toBe('2');
  });

  test('drops what a proxy has from before, also where Redis has what it tells of', async () => {
    const [fleet, writer, follower, reader] = await AcceleratorFleet.start();
    await writer.put('a', '1');
    expect(await reader.get('a')).toBe('1');
    fleet.store.put('items', itemOf('a', '2'));
    fleet.evict('a');
    expect(await writer.get('a')).toBe('2');
    expect(await reader.get('a')).toBe('1');
    await follower.follow('a', '1', '2');
    expect(await fleet.readsDuring(async () => expect(await reader.get('a')).toBe('2'))).toBe(0);
  });

  test('keeps what an earlier write left from being put after it', async () => {
    const [fleet, writer, follower, reader] = await AcceleratorFleet.start();
    await reader.get('b');
    fleet.store.answers = 'held';
    const put = writer.put('a', '1');
    await turns();
    fleet.held('PutItem').execute();
    fleet.store.put('items', itemOf('a', '2'));
    await follower.follow('a', '1', '2');
    fleet.held('PutItem').answer();
    await put;
    fleet.store.answers = 'soon';
    expect(await reader.get('a')).toBe('2');
  });
});

describe('a table that is deleted', () => {
  test('is void for all, also where the one who deletes it took it for missing', async () => {
    const [fleet, deleter, user] = await AcceleratorFleet.start();
    await deleter.call('DeleteTable', {});
    await expect(deleter.get('a')).rejects.toThrow('not found');
    await user.call('CreateTable', {});
    await user.put('a', 'old');
    expect(await user.get('a')).toBe('old');
    await deleter.call('DeleteTable', {});
    await expect(user.get('a')).rejects.toThrow('not found');
    expect(fleet.store.tableId('items')).toBeUndefined();
  });

  test('and made anew is void for all once one who wrote to it by its old identity hears of it', async () => {
    const [fleet, late, user] = await AcceleratorFleet.start();
    await late.put('a', 'old');
    late.node.areAnnouncementsHeld = true;
    await user.call('DeleteTable', {});
    await user.call('CreateTable', {});
    await user.put('a', '1');
    await late.put('a', '2');
    expect(fleet.store.item('items', { id: { S: 'a' } })).toEqual(itemOf('a', '2'));
    late.node.areAnnouncementsHeld = false;
    await turns();
    expect(await user.get('a')).toBe('2');
  });

  test('is void for all where the answer was lost', async () => {
    const [fleet, deleter, user] = await AcceleratorFleet.start();
    await user.put('a', 'old');
    expect(await user.get('a')).toBe('old');
    fleet.store.failures.set('DescribeTable', new Error('the store does not answer'));
    fleet.store.answers = 'held';
    const deleting = deleter.call('DeleteTable', {});
    await turns();
    fleet.held('DeleteTable').execute();
    fleet.held('DeleteTable').fail(new Error('the store does not answer'));
    await expect(deleting).rejects.toThrow('does not answer');
    fleet.store.answers = 'soon';
    await expect(user.get('a')).rejects.toThrow('not found');
  });
});

test('a page that is too large for a proxy is not kept in Redis either', async () => {
  const [fleet, reader, other] = await AcceleratorFleet.start();
  for (let i = 0; i < 11; i++) fleet.store.put('items', itemOf(`item ${i}`, 'x'.repeat(399_000)));
  await reader.call('Scan', {});
  await other.call('Scan', {});
  expect(fleet.store.count('Scan')).toBe(2);

  fleet.store.put('items', itemOf('item 0', 'x'));
  await other.call('Scan', {});
  await reader.call('Scan', {});
  expect(fleet.store.count('Scan')).toBe(3);
});
