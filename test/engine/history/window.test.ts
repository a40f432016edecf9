import { describe, expect, test } from 'vitest';
import { restorableMoments } from '../../../engine/history/window.ts';

const enabledMs = Date.UTC(2026, 5, 1, 12, 0, 0, 400);
const second = Date.UTC(2026, 5, 1, 12);
const dayMs = 86_400_000;
const pointInTime = { sequence: 7, enabledMs, recoveryPeriodInDays: 35, notBeforeMs: 0 };

describe('what is restorable', () => {
  test('is the second of the enabling alone, until the next one is over', () => {
    for (const afterMs of [0, 599, 600, 1599])
      expect(restorableMoments(pointInTime, enabledMs + afterMs, 0)).toEqual({
        earliestMs: second,
        latestMs: second,
      });
    expect(restorableMoments(pointInTime, enabledMs + 1600, 0).latestMs).toBe(second + 1000);
  });

  test('ends with the last second that is over', () => {
    expect(restorableMoments(pointInTime, second + 60_000, 0).latestMs).toBe(second + 59_000);
    expect(restorableMoments(pointInTime, second + 60_999, 0).latestMs).toBe(second + 59_000);
  });

  test('ends some time ago, as AWS has it, but not before it begins', () => {
    const lagMs = 300_000;
    expect(restorableMoments(pointInTime, second + 299_000, lagMs).latestMs).toBe(second);
    expect(restorableMoments(pointInTime, second + 301_500, lagMs).latestMs).toBe(second + 1000);
  });

  test('begins with the recovery period, once that is shorter than the history', () => {
    const oneDay = { ...pointInTime, recoveryPeriodInDays: 1 };
    expect(restorableMoments(oneDay, enabledMs + dayMs - 400, 0).earliestMs).toBe(second);
    expect(restorableMoments(oneDay, enabledMs + 3 * dayMs, 0).earliestMs).toBe(second + 2 * dayMs);
  });

  test('does not go back behind what a shorter period has let go', () => {
    const notBeforeMs = enabledMs + 5 * dayMs;
    const raised = { ...pointInTime, notBeforeMs };
    expect(restorableMoments(raised, notBeforeMs + dayMs, 0).earliestMs).toBe(second + 5 * dayMs);
  });
});
