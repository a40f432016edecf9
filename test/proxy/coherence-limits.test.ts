import { describe, expect, it } from 'vitest';
import { Coherence } from '../../proxy/cache/coherence.ts';
import { LocalTier, type Sized } from '../../proxy/cache/local.ts';
import { Settling } from '../../proxy/cache/settling.ts';
import { Fixture, idSchema } from './accelerator-fixture.ts';
import { ManualClock } from './simulated-store.ts';

const fenceMs = 10_000;
const value = { bytes: 1 };

function open(): { clock: ManualClock; coherence: Coherence<Sized> } {
  const clock = new ManualClock();
  const tier = new LocalTier<Sized>(100_000_000, clock);
  const coherence = new Coherence(tier, new Settling(() => 0, clock), { fenceMs, clock });
  clock.advance(fenceMs);
  return { clock, coherence };
}

/** Whether what a reader brings now would be kept. */
function canFill(coherence: Coherence<Sized>, tableId: string, key: string): boolean {
  const token = coherence.take(tableId, key);
  return token !== undefined && coherence.fill(token, value, 0);
}

describe('the limits of coherence', () => {
  it('hold the table of an unanswered write where too many have a fence already', () => {
    const { clock, coherence } = open();
    for (let i = 0; i < 100_000; i++) coherence.abandon(coherence.raise('t', String(i % 50_000)));
    expect(canFill(coherence, 'u', 'other')).toBe(true);
    coherence.abandon(coherence.raise('u', 'k'));
    expect(coherence.usage().fences).toBe(100_000);
    expect(canFill(coherence, 'u', 'other')).toBe(false);
    expect(coherence.lookup('u', 'other')).toBeUndefined();
    clock.advance(fenceMs);
    expect(coherence.usage()).toMatchObject({ fences: 0, tokens: 0 });
    expect(canFill(coherence, 'u', 'other')).toBe(true);
    expect(canFill(coherence, 't', '0')).toBe(true);
  });

  it('forget a table without guards where there are too many', () => {
    const { coherence } = open();
    const fence = coherence.raise('guarded', 'k');
    for (let i = 0; i < 10_001; i++) canFill(coherence, `t${i}`, 'k');
    expect(coherence.lookup('t0', 'k')).toBeUndefined();
    expect(coherence.lookup('t10000', 'k')).toBe(value);
    expect(canFill(coherence, 'guarded', 'k')).toBe(false);
    coherence.lower(fence, { value, ttlMs: 0 });
    expect(coherence.lookup('guarded', 'k')).toBe(value);
  });

  it('bring no value of a table that was forgotten back', () => {
    const { coherence } = open();
    canFill(coherence, 't', 'k');
    for (let i = 0; i < 10_000; i++) canFill(coherence, `t${i}`, 'k');
    canFill(coherence, 't', 'other');
    expect(coherence.lookup('t', 'k')).toBeUndefined();
  });

  it('keep no value that is announced while the table is held', () => {
    const { clock, coherence } = open();
    coherence.holdTable('t');
    coherence.replace('t', 'k', { value, ttlMs: 0 });
    expect(coherence.lookup('t', 'k')).toBeUndefined();
    clock.advance(fenceMs);
    coherence.replace('t', 'k', { value, ttlMs: 0 });
    expect(coherence.lookup('t', 'k')).toBe(value);
  });

  it('keep nothing that was asked for, or written, at the start, however late the answer comes', () => {
    const clock = new ManualClock();
    const tier = new LocalTier<Sized>(100_000_000, clock);
    const coherence = new Coherence(tier, new Settling(() => 0, clock), { fenceMs, clock });
    const token = coherence.take('t', 'read');
    const fence = coherence.raise('t', 'written');
    clock.advance(fenceMs);
    if (token !== undefined) coherence.fill(token, value, 0);
    coherence.lower(fence, { value, ttlMs: 0 });
    expect(coherence.lookup('t', 'read')).toBeUndefined();
    expect(coherence.lookup('t', 'written')).toBeUndefined();
    expect(canFill(coherence, 't', 'read')).toBe(true);
    expect(coherence.lookup('t', 'read')).toBe(value);
  });

  it('let a token go that nobody gave back, when its key is asked for again', () => {
    const { coherence } = open();
    const lost = coherence.take('t', 'k');
    expect(canFill(coherence, 't', 'k')).toBe(true);
    expect(lost?.stands).toBe(false);
    expect(coherence.usage().tokens).toBe(0);
  });
});

describe('the limit of table descriptions', () => {
  it('voids the items of the table that is forgotten', async () => {
    const f = new Fixture({ announces: true });
    const get = (TableName: string) => f.call('GetItem', { TableName, Key: { id: { S: 'a' } } });
    await get('items');
    for (let i = 0; i < 10_000; i++) {
      f.store.createTable(`t${i}`, idSchema);
      await get(`t${i}`);
    }
    expect(await f.countDuring('DescribeTable', () => get('t9999'))).toBe(0);
    expect(await f.countDuring('GetItem', () => get('items'))).toBe(1);
  });
});
