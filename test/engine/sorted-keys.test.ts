import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SortedKeys } from '../../engine/state/sorted-keys.ts';

const key = fc.oneof(fc.string({ maxLength: 2 }), fc.integer({ min: 0, max: 3000 }).map(String));
const step = fc.record({ add: fc.boolean(), key });

describe('SortedKeys', () => {
  test('holds the same keys in the same order as a sorted set', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 3000, size: 'max' }), fc.array(key), (steps, probes) => {
        const keys = new SortedKeys();
        const model = new Set<string>();
        for (const { add, key } of steps) {
          if (add) expect(keys.add(key)).toBe(!model.has(key));
          else expect(keys.delete(key)).toBe(model.has(key));
          if (add) model.add(key);
          else model.delete(key);
        }
        const sorted = [...model].sort(byCodeUnits);
        expect(keys.toArray()).toEqual(sorted);
        expect(keys.size).toBe(sorted.length);
        for (const probe of probes) {
          expect(keys.atOrAfter(probe)).toBe(sorted.find((candidate) => candidate >= probe));
          expect(keys.before(probe)).toBe(sorted.findLast((candidate) => candidate < probe));
        }
      }),
      { numRuns: 60 },
    );
  });
});

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
