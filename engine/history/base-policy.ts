import { isWithin } from './archive-reader.ts';
import type { BaseFile, WindowFiles } from './history-files.ts';
import type { LoadMoment } from './load-plan.ts';

/*
 * A restore loads a base and replays the changes since it. So that it takes a time that is bounded by the table's size and not by the
 * length of its history, a new base is made when the changes since the last one have outgrown that one.
 *
 *     restore <= base + changes      with changes <= max(bytesMin, items of the base)
 *
 * The bytes are those of files, which are compressed; a base that has many changes beside its items counts for what the items are at
 * most. A base costs as much writing as the changes that made it due, so history takes the disk twice what its changes alone would.
 */

/** Whether a new base is to be made. @param bytesMin of changes, below which none is. */
export function isBaseDue(files: WindowFiles, bytesMin: number): boolean {
  const newest = files.bases.at(-1);
  if (newest === undefined) return true;
  const { sequence } = newest.through;
  const since = files.changesAfter(sequence);
  // What comes behind a gap can be restored from a base behind it only.
  if (files.gapIn(sequence, since, true) !== undefined) return true;
  const bytes = since.reduce((sum, { fileBytes }) => sum + fileBytes, 0);
  return bytes > Math.max(bytesMin, Math.min(newest.fileBytes, newest.sizeBytes));
}

/**
 * The base from which the least has to be replayed; where all end later, one that goes back far enough.
 * @returns undefined where none can bring the moment back.
 */
export function baseFor({ bases }: WindowFiles, moment: LoadMoment): BaseFile | undefined {
  return (
    bases.findLast(({ through }) => isWithin(through, moment)) ??
    bases.findLast(({ from }) => isWithin(from, moment))
  );
}
