import type { WindowFiles } from './history-files.ts';

/**
 * The files that no restorable moment needs any more. What the earliest one needs is kept whole: the newest base from before its
 * second, and every change since then. So incremental exports find all changes from that second on.
 * @param earliestMs the earliest restorable moment.
 * @returns their paths, in the order in which they have to go.
 */
export function unneededFiles({ bases, changes, damaged }: WindowFiles, earliestMs: number): string[] {
  const kept = bases.findLast(({ through }) => through.timeMs < earliestMs);
  if (kept === undefined) return [];
  const goneCount = changes.findIndex(({ last }) => last.sequence > kept.through.sequence);
  const gone = goneCount < 0 ? changes : changes.slice(0, goneCount);
  const firstNeeded = { base: kept.sequence, changes: gone.at(-1)?.startLsn ?? 0 };
  return [
    ...gone,
    ...damaged.filter(({ kind, number }) => number < firstNeeded[kind]),
    ...bases.filter(({ sequence }) => sequence < kept.sequence),
  ].map(({ path }) => path);
}
