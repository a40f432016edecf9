import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isBaseDue } from '../../../engine/history/base-policy.ts';
import { WindowFiles } from '../../../engine/history/history-files.ts';
import type { LogPart } from '../../../engine/history/load-plan.ts';
import { unneededFiles } from '../../../engine/history/retention.ts';
import { changeListOf, HistoryDamagedError, planOf } from '../../../engine/history/window-plan.ts';

/* Which files a moment needs. Change `n` is committed at `n * 100` ms; the enabling is change 10. */

const log: LogPart = { directory: '/log', logId: 'id', segments: [], fromLsn: 0 };

function moment(sequence: number) {
  return { sequence, timeMs: sequence * 100 };
}

/** @param segments the last change of each, all of them the window's from 10 on. */
function windowFiles(segments: readonly number[], bases: readonly (readonly [from: number, to: number])[]) {
  const files = new WindowFiles({ sequence: 10, table: 3 });
  let previousSequence = 0;
  for (const [i, last] of segments.entries()) {
    const first = previousSequence === 0 ? 10 : previousSequence + 1;
    const path = `changes-${last}`;
    const changes = { path, fileBytes: 100, startLsn: i * 1000, first: moment(first), last: moment(last) };
    files.addChanges({ ...changes, previousSequence });
    previousSequence = last;
  }
  for (const [from, to] of bases) {
    const ends = { from: moment(from), through: moment(to) };
    files.addBase({ path: `base-${to}`, fileBytes: 900, sizeBytes: 250, sequence: from, ...ends });
  }
  return files;
}

describe('a plan', () => {
  const files = windowFiles(
    [19, 29, 39, 49],
    [
      [10, 15],
      [30, 33],
    ],
  );

  test('has the nearest base, the changes up to the moment, and the log where they may not be all', () => {
    const plan = (sequence: number) => {
      const { base, changes, log: part } = planOf(files, log, { sequence });
      return [base, ...changes, part === undefined ? '' : 'log'];
    };
    expect(plan(12)).toEqual(['base-15', '']);
    expect(plan(14)).toEqual(['base-15', '']);
    expect(plan(16)).toEqual(['base-15', 'changes-19', '']);
    expect(plan(19)).toEqual(['base-15', 'changes-19', '']);
    expect(plan(32)).toEqual(['base-15', 'changes-19', 'changes-29', 'changes-39', '']);
    expect(plan(33)).toEqual(['base-33', 'changes-39', '']);
    expect(plan(40)).toEqual(['base-33', 'changes-39', 'changes-49', '']);
    expect(plan(49)).toEqual(['base-33', 'changes-39', 'changes-49', 'log']);
    expect(plan(80)).toEqual(['base-33', 'changes-39', 'changes-49', 'log']);
  });

  test('of a time has all that was committed by the end of its millisecond', () => {
    expect(planOf(files, log, { timeMs: 1499 }).changes).toEqual([]);
    expect(planOf(files, log, { timeMs: 1600 }).changes).toEqual(['changes-19']);
    expect(planOf(files, log, { timeMs: 1999 }).changes).toEqual(['changes-19']);
    expect(planOf(files, log, { timeMs: 2000 }).changes).toEqual(['changes-19', 'changes-29']);
  });

  test('is refused where a file is missing, wherever it is', () => {
    for (const missing of [19, 29, 39, 49]) {
      const lacking = windowFiles([19, 29, 39, 49], [[10, 15]]);
      lacking.removed(`changes-${missing}`);
      for (const sequence of [15, 18, 19, 25, 28, 35, 45, 60]) {
        // What comes next after the moment is not known, so that it might belong to it.
        const needsIt = sequence >= missing - 10;
        const plan = () => planOf(lacking, log, { sequence });
        if (needsIt) expect(plan).toThrow(HistoryDamagedError);
        else expect(plan().base).toBe('base-15');
      }
      expect(isBaseDue(lacking, 10_000)).toBe(true);
    }
  });

  test('names the damaged file that should have been there', () => {
    const lacking = windowFiles([19, 29, 39], [[10, 15]]);
    lacking.removed('changes-29');
    const message = '/history/changes-29: damaged at offset 5: no';
    const damaged = {
      path: '/history/changes-29',
      fileBytes: 1,
      number: 1000,
      kind: 'changes',
      message,
    } as const;
    lacking.add({ bases: [], changes: [], damaged: [damaged] });
    expect(() => planOf(lacking, log, { sequence: 35 })).toThrow(message);
  });

  test('needs a base that goes back far enough', () => {
    const late = windowFiles([19, 29, 39], [[20, 25]]);
    expect(planOf(late, log, { sequence: 20 }).base).toBe('base-25');
    expect(() => planOf(late, log, { sequence: 19 })).toThrow(HistoryDamagedError);
  });
});

describe('a base is due', () => {
  test('when there is none', () => {
    expect(isBaseDue(windowFiles([19], []), 1000)).toBe(true);
  });

  test('when the changes since the last one have outgrown it, and are more than a little', () => {
    const since = (count: number) =>
      windowFiles(
        Array.from({ length: count }, (_, i) => 19 + 10 * i),
        [[10, 15]],
      );
    expect([1, 2, 3].map((count) => isBaseDue(since(count), 0))).toEqual([false, false, true]);
    expect([3, 5, 6].map((count) => isBaseDue(since(count), 500))).toEqual([false, false, true]);
  });
});

test('a base takes the place of a damaged one of its name', () => {
  const files = windowFiles([19, 29], []);
  const damaged = { path: 'base-25', fileBytes: 900, number: 20, kind: 'base', message: 'damaged' } as const;
  files.add({ bases: [], changes: [], damaged: [damaged] });
  const ends = { from: moment(20), through: moment(25) };
  const base = { path: 'base-25', fileBytes: 900, sizeBytes: 250, sequence: 20, ...ends };
  files.addBase(base);
  files.addBase({ ...base, path: 'base-50', sequence: 45, from: moment(45), through: moment(50) });
  expect(unneededFiles(files, 6000)).toEqual(['changes-19', 'changes-29', 'base-25']);
});

describe('a list of changes', () => {
  const files = windowFiles([19, 29, 39, 49], [[10, 35]]);

  test('has the files with changes from one time on, before another', () => {
    const paths = (from: number, to: number) => changeListOf(files, log, from * 100, to * 100).changes;
    expect(paths(10, 20)).toEqual(['changes-19']);
    expect(paths(10, 21)).toEqual(['changes-19', 'changes-29']);
    expect(paths(20, 29)).toEqual(['changes-29']);
    expect(paths(30, 90)).toEqual(['changes-39', 'changes-49']);
    expect(paths(50, 90)).toEqual([]);
    expect(changeListOf(files, log, 4900, 5000).log).toBe(log);
    expect(changeListOf(files, log, 3000, 4000).log).toBeUndefined();
  });

  test('is refused where a file is missing', () => {
    const lacking = windowFiles([19, 29, 39, 49], [[10, 35]]);
    lacking.removed('changes-29');
    expect(() => changeListOf(lacking, log, 1500, 2500)).toThrow(HistoryDamagedError);
    expect(changeListOf(lacking, log, 4000, 4500).changes).toEqual(['changes-49']);
  });
});

/** Rising sequence numbers from 11 on. */
const rising = fc
  .uniqueArray(fc.integer({ min: 11, max: 400 }), { minLength: 1, maxLength: 30 })
  .map((numbers) => numbers.sort((a, b) => a - b));

test('what retention removes no restorable moment needs, and nothing else is left', () => {
  fc.assert(
    fc.property(rising, rising, fc.integer({ min: 10, max: 400 }), (segments, ends, earliest) => {
      const bases = ends.map((end, i) => [i === 0 ? 10 : end - 1, end] as const);
      const files = windowFiles(segments, bases);
      const gone = unneededFiles(files, earliest * 100);
      const needed = windowFiles(segments, bases);
      for (const path of gone) needed.removed(path);
      for (let timeMs = earliest * 100; timeMs <= 41_000; timeMs += 50) {
        expect(planOf(needed, log, { timeMs })).toEqual(planOf(files, log, { timeMs }));
        expect(changeListOf(needed, log, timeMs, 50_000)).toEqual(changeListOf(files, log, timeMs, 50_000));
      }
      // One base may be older than the earliest moment, and what came before it is gone.
      const [oldest, second] = needed.bases;
      if (second !== undefined) expect(second.through.timeMs).toBeGreaterThanOrEqual(earliest * 100);
      const first = needed.changes[0]?.last.sequence ?? Infinity;
      const isKept = (oldest?.through.timeMs ?? 0) >= earliest * 100;
      if (!isKept) expect(first).toBeGreaterThan(oldest?.through.sequence ?? 0);
    }),
  );
});
