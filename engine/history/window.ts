import type { PointInTimeRecovery } from '../table-definition.ts';

/** A table's history from one enabling of point-in-time recovery on. Plain data, so that it can be sent to a worker. */
export interface HistoryWindow {
  /** Of the change that has enabled it: it names the window, and its folder. */
  readonly sequence: number;
  /** As log records name it. */
  readonly table: number;
}

/**
 * The moments that can be restored, in ms since 1970; each stands for the whole second that begins with it, and brings back what was
 * committed by that second's end.
 */
export interface Restorable {
  readonly earliestMs: number;
  readonly latestMs: number;
}

/**
 * As AWS has it (PointInTimeRecovery_Howitworks): the earliest moment is the enabling, or the beginning of the recovery period; the
 * latest is some time ago, but never before the earliest.
 * @param latestLagMs how long ago; a second that is not over is never the latest, unless it is the earliest.
 */
export function restorableMoments(
  { enabledMs, notBeforeMs, recoveryPeriodInDays }: PointInTimeRecovery,
  nowMs: number,
  latestLagMs: number,
): Restorable {
  const periodStartMs = nowMs - recoveryPeriodInDays * dayMs;
  const earliestMs = secondOf(Math.max(enabledMs, notBeforeMs, periodStartMs));
  const latestMs = secondOf(nowMs - Math.max(latestLagMs, secondMs));
  return { earliestMs, latestMs: Math.max(earliestMs, latestMs) };
}

const secondMs = 1000;
const dayMs = 24 * 60 * 60 * secondMs;

function secondOf(timeMs: number): number {
  return Math.floor(timeMs / secondMs) * secondMs;
}
