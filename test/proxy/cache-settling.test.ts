import { describe, expect, it } from 'vitest';
import { Settling } from '../../proxy/cache/settling.ts';
import { ManualClock } from './simulated-store.ts';

function open(settleMs = 1_000): { clock: ManualClock; settling: Settling } {
  const clock = new ManualClock();
  const settling = new Settling(settleMs, clock);
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

  it('is no matter where reads see every write', () => {
    const { settling } = open(0);
    settling.key('t', 'k');
    settling.everything();
    settling.table('t');
    expect(settling.isUnsettled('t', 'k')).toBe(false);
    expect(settling.size).toBe(0);
  });
});
