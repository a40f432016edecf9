import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SortedKeys } from '../../engine/state/sorted-keys.ts';

const key = fc.oneof(fc.string({ maxLength: 2 }), fc.integer({ min: 0, max: 3000 }).map(String));

describe('SortedKeys', () => {
  test('holds the same keys in the same order as a sorted set', () => {
    fc.assert(
      fc.property(fc.array(key, { maxLength: 3000, size: 'max' }), fc.array(key), (added, probes) => {
        const keys = new SortedKeys();
        const model = new Set<string>();
        for (const key of added) {
          expect(keys.add(key)).toBe(!model.has(key));
          model.add(key);
        }
        const sorted = [...model].sort(byCodeUnits);
        expect([...keys]).toEqual(sorted);
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
