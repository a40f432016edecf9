import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KeyRanges } from '../../engine/throughput/key-ranges.ts';
import { TokenBucket } from '../../engine/throughput/token-bucket.ts';

const step = fc.record({
  afterMs: fc.oneof(fc.nat(50), fc.nat(20_000), fc.nat(1_000_000)),
  units: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 500 })),
});

describe('a token bucket', () => {
  test('admits what came in and was saved, and of the last call what it owes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.array(step, { maxLength: 200 }), (rate, steps) => {
        const bucket = new TokenBucket(rate, 300, 0);
        let nowMs = 0;
        let available = 300 * rate;
        for (const { afterMs, units } of steps) {
          nowMs += afterMs;
          available = Math.min(available + (afterMs * rate) / 1000, 300 * rate);
          // Sums in another order may differ by a rounding.
          if (Math.abs(available) < 1e-6) continue;
          expect(bucket.admits({ nowMs })).toBe(available > 0);
          if (available <= 0) continue;
          bucket.spend(units);
          available -= units;
        }
      }),
    );
  });

  test('that has admitted a call admits it to its end', () => {
    const bucket = new TokenBucket(1, 1, 0);
    const call = { nowMs: 0 };
    expect(bucket.admits(call)).toBe(true);
    bucket.spend(10);
    expect(bucket.admits(call)).toBe(true);
    expect(bucket.admits({ nowMs: 0 })).toBe(false);
  });
});

describe('key ranges', () => {
  const keyOf = (n: number) =>
    `tbl1${String.fromCharCode(n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255)}key`;

  test('keep a hot key throttled while any number of others come by', () => {
    const ranges = new KeyRanges(1000);
    const hot = keyOf(0);
    ranges.spend({ nowMs: 0 }, hot, 3000);
    for (let n = 1; n <= 120_000; n++) {
      const call = { nowMs: n / 100 };
      if (n % 1000 === 0) expect(ranges.admits(call, hot)).toBe(false);
      expect(ranges.admits(call, keyOf(n))).toBe(true);
    }
  });

  test('have paid any debt before they are forgotten', () => {
    const ranges = new KeyRanges(1000);
    ranges.spend({ nowMs: 0 }, keyOf(0), 8192);
    for (let nowMs = 0; nowMs <= 7000; nowMs += 100) {
      ranges.admits({ nowMs }, keyOf(nowMs + 1));
    }
    expect(ranges.admits({ nowMs: 7100 }, keyOf(0))).toBe(false);
    expect(ranges.admits({ nowMs: 7200 }, keyOf(0))).toBe(true);
  });
});
