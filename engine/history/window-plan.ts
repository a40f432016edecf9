import { isWithin } from './archive-reader.ts';
import { baseFor } from './base-policy.ts';
import type { ChangesFile, WindowFiles } from './history-files.ts';
import type { LoadMoment, LoadPlan, LogPart } from './load-plan.ts';

/** All changes of a window between two times, one after the other. Plain data; `readChanges` reads it. */
export interface ChangeList {
  readonly changes: readonly string[];
  /** The newest changes, which are in the log only. */
  readonly log?: LogPart;
  /** Changes of this table are meant, in the log: a catalog number. */
  readonly table: number;
  /** Of the change that opened the window: none before it is in the list. */
  readonly fromSequence: number;
  /** In ms since 1970; the second one is not included. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** Files of a history are missing or cannot be read, so that a moment cannot be brought back. The message names one. */
export class HistoryDamagedError extends Error {
  override readonly name = 'HistoryDamagedError';

  constructor(what: string) {
    super(`damaged history: ${what}`);
  }
}

/**
 * How to bring back a moment of a window.
 * @param log what is not in files yet.
 * @throws HistoryDamagedError
 */
export function planOf(files: WindowFiles, log: LogPart, through: LoadMoment): LoadPlan {
  const { table } = files.window;
  const base = baseFor(files, through);
  if (base === undefined) throw new HistoryDamagedError(missingBase(files));
  if (!isWithin(base.through, through)) return { base: base.path, changes: [], table, through };
  const { sequence } = base.through;
  const changes = filesThrough(files, sequence, files.changesAfter(sequence), through);
  return { base: base.path, changes: changes.paths, ...(changes.isAll && { log }), table, through };
}

/**
 * All changes that were committed from one time on, before another.
 * @param log what is not in files yet.
 * @throws HistoryDamagedError
 */
export function changeListOf(files: WindowFiles, log: LogPart, fromMs: number, toMs: number): ChangeList {
  const { table, sequence: fromSequence } = files.window;
  const before = files.changes.findLast(({ last }) => last.timeMs < fromMs);
  const behind = before === undefined ? files.changes : files.changesAfter(before.last.sequence);
  // What has been removed before the oldest file is before the end of the oldest base, too.
  const sequence = before?.last.sequence ?? files.bases[0]?.through.sequence ?? 0;
  const changes = filesThrough(files, sequence, behind, { timeMs: toMs - 1 });
  return { changes: changes.paths, ...(changes.isAll && { log }), table, fromSequence, fromMs, toMs };
}

/**
 * Of the files that follow a change, those with changes up to a moment.
 * @returns `isAll`: all of them, so that what is not in files yet may belong to the moment, too.
 * @throws HistoryDamagedError
 */
function filesThrough(
  files: WindowFiles,
  sequence: number,
  behind: readonly ChangesFile[],
  through: LoadMoment,
): { readonly paths: string[]; readonly isAll: boolean } {
  const endIndex = behind.findIndex(({ last }) => !isWithin(last, through));
  const isAll = endIndex < 0;
  // The one that ends later shows that nothing before it is missing, even where all that it has is later.
  const upToEnd = isAll ? behind : behind.slice(0, endIndex + 1);
  const gap = files.gapIn(sequence, upToEnd, isAll);
  if (gap !== undefined) throw new HistoryDamagedError(gap);
  const wanted = upToEnd.filter(({ first }) => isWithin(first, through));
  return { paths: wanted.map(({ path }) => path), isAll };
}

function missingBase({ damaged, window }: WindowFiles): string {
  const base = damaged.find(({ kind }) => kind === 'base');
  return base?.message ?? `no base of window ${window.sequence} goes back so far`;
}
