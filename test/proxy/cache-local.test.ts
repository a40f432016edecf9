import { describe, expect, it } from 'vitest';
import { LocalTier } from '../../proxy/cache/local.ts';
import { ManualClock } from './simulated-store.ts';

const value = (bytes: number) => ({ bytes });

describe('the local tier', () => {
  it('drops what was used least recently, and counts every byte', () => {
    const tier = new LocalTier(10_000, new ManualClock());
    for (const name of ['a', 'b', 'c', 'd']) tier.put(name, value(1_400), Infinity);
    expect(tier.usage()).toEqual({ entries: 4, bytes: 4 * 2_401, evictions: 0 });
    tier.get('a');
    tier.put('e', value(1_400), Infinity);
    expect(tier.get('b')).toBeUndefined();
    expect(tier.get('a')).toEqual(value(1_400));
    expect(tier.usage()).toEqual({ entries: 4, bytes: 4 * 2_401, evictions: 1 });
  });

  it('forgets the value before where the new one is too large to keep', () => {
    const tier = new LocalTier(10_000, new ManualClock());
    tier.put('a', value(10), Infinity);
    tier.put('a', value(20_000), Infinity);
    expect(tier.get('a')).toBeUndefined();
    expect(tier.usage()).toMatchObject({ entries: 0, bytes: 0 });
  });

  it('tells a value once that it was let go of, or not taken', () => {
    const clock = new ManualClock();
    const tier = new LocalTier(4_000, clock);
    const dropped: string[] = [];
    const put = (name: string, bytes: number, expiresAtMs = Infinity) =>
      tier.put(name, { bytes, dropped: () => dropped.push(`${name} ${bytes}`) }, expiresAtMs);
    put('replaced', 1);
    put('replaced', 2);
    put('large', 4_000);
    put('deleted', 3);
    tier.delete('deleted');
    put('expired', 4, clock.monotonic());
    tier.get('expired');
    put('evicting', 2_500);
    expect(dropped).toEqual(['replaced 1', 'large 4000', 'deleted 3', 'expired 4', 'replaced 2']);
  });

  it('drops what has expired, and counts no eviction for it', () => {
    const clock = new ManualClock();
    const tier = new LocalTier(10_000, clock);
    tier.put('a', value(10), clock.monotonic() + 100);
    clock.advance(99);
    expect(tier.get('a')).toEqual(value(10));
    clock.advance(1);
    expect(tier.get('a')).toBeUndefined();
    expect(tier.usage()).toEqual({ entries: 0, bytes: 0, evictions: 0 });
  });
});
