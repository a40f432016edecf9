import { describe, expect, it } from 'vitest';
import { Settling } from '../../proxy/cache/settling.ts';
import { ManualClock } from './simulated-store.ts';

function open(settleMs = 1_000): { clock: ManualClock; settling: Settling } {
  const clock = new ManualClock();
  const settling = new Settling(() => settleMs, clock);
  clock.advance(settleMs);
  return { clock, settling };
}

describe('settling', () => {
  it('lasts for its time after the last write of a key', () => {
    const { clock, settling } = open();
    settling.key('t', 'k');
    clock.advance(600);
    settling.key('t', 'k');
    clock.advance(999);
    expect(settling.isUnsettled('t', 'k')).toBe(true);
    expect(settling.isUnsettled('t', 'other')).toBe(false);
    expect(settling.isUnsettled('other', 'k')).toBe(false);
    clock.advance(1);
    expect(settling.isUnsettled('t', 'k')).toBe(false);
    expect(settling.size).toBe(0);
  });

  it('of a table lasts longer where a change may come later', () => {
    const { clock, settling } = open();
    settling.table('t', 5_000);
    settling.table('t');
    clock.advance(5_999);
    expect(settling.isUnsettled('t', 'k')).toBe(true);
    expect(settling.isUnsettled('other', 'k')).toBe(false);
    clock.advance(1);
    expect(settling.isUnsettled('t', 'k')).toBe(false);
  });

  it('of everything concerns every table', () => {
    const { clock, settling } = open();
    settling.everything(500);
    clock.advance(1_499);
    expect(settling.isUnsettled('t', 'k')).toBe(true);
    clock.advance(1);
    expect(settling.isUnsettled('t', 'k')).toBe(false);
  });

  it('settles whole tables where there are too many keys to remember', () => {
    const { clock, settling } = open();
    for (let i = 0; i < 100_000; i++) settling.key('t', String(i));
    settling.key('u', 'k');
    expect(settling.isUnsettled('u', 'any other')).toBe(true);
    expect(settling.size).toBe(100_001);
    clock.advance(1_000);
    expect(settling.isUnsettled('u', 'k')).toBe(false);
    expect(settling.size).toBe(0);
  });

  it('begins anew for everything when the lag grows, whoever notices it', () => {
    const clock = new ManualClock();
    let lagMs = 0;
    const settling = new Settling(() => lagMs, clock);
    settling.key('t', 'written before');
    expect(settling.isUnsettled('t', 'written before')).toBe(false);
    lagMs = 300;
    settling.key('t', 'k');
    clock.advance(200);
    lagMs = 500;
    expect(settling.isUnsettled('u', 'any')).toBe(true);
    clock.advance(499);
    expect(settling.isUnsettled('t', 'written before')).toBe(true);
    clock.advance(1);
    expect(settling.isUnsettled('t', 'written before')).toBe(false);
  });

  it('takes as long as the lag was when it began, also where the lag has gone', () => {
    const clock = new ManualClock();
    let lagMs = 300;
    const settling = new Settling(() => lagMs, clock);
    clock.advance(300);
    settling.key('t', 'k');
    settling.table('u');
    lagMs = 100;
    settling.key('t', 'k');
    settling.key('t', 'other');
    settling.table('u');
    lagMs = 0;
    settling.key('t', 'third');
    clock.advance(100);
    expect(['k', 'other', 'third'].map((key) => settling.isUnsettled('t', key))).toEqual([
      true,
      false,
      false,
    ]);
    clock.advance(199);
    expect([settling.isUnsettled('t', 'k'), settling.isUnsettled('u', 'k')]).toEqual([true, true]);
    clock.advance(1);
    expect([settling.isUnsettled('t', 'k'), settling.isUnsettled('u', 'k')]).toEqual([false, false]);
    expect(settling.size).toBe(0);
  });

  it('is no matter where reads see every write', () => {
    const { settling } = open(0);
    settling.key('t', 'k');
    settling.everything();
    settling.table('t');
    expect(settling.isUnsettled('t', 'k')).toBe(false);
    expect(settling.size).toBe(0);
  });
});
