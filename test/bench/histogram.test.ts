import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LatencyRecorder, spread } from '../../bench/histogram.ts';

describe('LatencyRecorder', () => {
  it('gives percentiles in microseconds with three digits', () => {
    const recorder = new LatencyRecorder();
    for (let us = 1; us <= 1000; us++) recorder.record(us / 1000);
    const { p50, p90, p99, p999, max } = recorder.summary(1000);
    expect(recorder.count).toBe(1000);
    for (const [measured, expected] of [
      [p50, 500],
      [p90, 900],
      [p99, 990],
      [p999, 999],
      [max, 1000],
    ] as const) {
      expect(Math.abs(measured - expected)).toBeLessThanOrEqual(expected / 1000);
    }
  });

  it('adds the requests that a stall kept from being sent', () => {
    const recorder = new LatencyRecorder();
    for (let i = 0; i < 900; i++) recorder.record(1);
    recorder.record(100);
    const { p50, p90, p99 } = recorder.summary(1);
    expect(p50).toBeCloseTo(1000, -1);
    expect(p90).toBeLessThan(2_000);
    expect(p99).toBeGreaterThan(50_000);
  });

  it('takes times below its resolution and above its range', () => {
    const recorder = new LatencyRecorder();
    recorder.record(0);
    recorder.record(3_600_000);
    expect(recorder.count).toBe(2);
    expect(recorder.summary(3_600_000).max).toBeGreaterThan(59_000_000);
  });
});

describe('spread', () => {
  it('takes the middle value, or the mean of the two middle ones', () => {
    expect(spread([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(spread([10, 4, 1, 2])).toEqual({ median: 3, min: 1, max: 10 });
  });

  it('leaves its argument alone and lies between the extremes', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
        const before = [...values];
        const { median, min, max } = spread(values);
        expect(values).toEqual(before);
        expect(min).toBe(Math.min(...values));
        expect(max).toBe(Math.max(...values));
        expect(median).toBeGreaterThanOrEqual(min);
        expect(median).toBeLessThanOrEqual(max);
      }),
    );
  });

  it('refuses to take a median of nothing', () => {
    expect(() => spread([])).toThrow(RangeError);
  });
});
