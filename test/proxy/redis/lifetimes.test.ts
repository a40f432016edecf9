import { describe, expect, test } from 'vitest';
import { itemOf } from '../accelerator-fixture.ts';
import { AcceleratorFleet } from './accelerator-fleet.ts';

/** Of the reader; what the others put into Redis lives for as long as they were told. */
const ttlMs = 5_000;

const query = {
  KeyConditionExpression: 'id = :a',
  ExpressionAttributeValues: { ':a': { S: 'a' } },
};

/** A fleet whose others have cached the item and the page, of which the store has newer ones by now. */
async function started(othersTtlMs: number) {
  const [fleet, other, reader] = await AcceleratorFleet.start({
    itemTtlMs: othersTtlMs,
    queryTtlMs: othersTtlMs,
  });
  reader.accelerator.settings.change({ itemTtlMs: ttlMs, queryTtlMs: ttlMs });
  await fleet.pass(1_000);
  await other.put('a', '1');
  await other.call('Query', query);
  return { fleet, other, reader };
}

describe.each([
  ['no end', 0],
  ['a later end', 60_000],
])('what the fleet has with %s', (_end, othersTtlMs) => {
  test('stays in a proxy for no longer than its own settings say: an item', async () => {
    const { fleet, reader } = await started(othersTtlMs);
    expect(await reader.get('a')).toBe('1');
    fleet.store.put('items', itemOf('a', '2'));
    fleet.evict('a');
    await fleet.pass(ttlMs - 1_000);
    expect(await reader.get('a')).toBe('1');
    await fleet.pass(2_000);
    expect(await reader.get('a')).toBe('2');
  });
});

test('a page stays in a proxy for no longer than its own settings say', async () => {
  const { fleet, reader } = await started(60_000);
  const hits = () => reader.accelerator.stats().queryHits;
  await reader.call('Query', query);
  await fleet.pass(ttlMs - 1_000);
  await reader.call('Query', query);
  expect(hits()).toBe(1);
  await fleet.pass(2_000);
  await reader.call('Query', query);
  expect(hits()).toBe(1);
  expect(fleet.store.count('Query')).toBe(1);
});

test('what the fleet has ends in a proxy with it, where that is sooner', async () => {
  const { fleet, reader } = await started(2_000);
  expect(await reader.get('a')).toBe('1');
  fleet.store.put('items', itemOf('a', '2'));
  await fleet.pass(3_000);
  expect(await reader.get('a')).toBe('2');
});
