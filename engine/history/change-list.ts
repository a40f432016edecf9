import { nodeFiles } from '../files.ts';
import { batchesIn } from '../log/range-reader.ts';
import { ArchiveReader } from './archive-reader.ts';
import type { ArchivedChange } from './block.ts';
import type { LogPart } from './load-plan.ts';
import { changesOf } from './loaded-rows.ts';
import type { ChangeList } from './window-plan.ts';

/**
 * The changes of a list in their order, some at a time; changes of the table's definition among them. Images are parts of larger
 * buffers.
 * @throws ArchiveDamagedError, LogDamagedError while iterating
 */
export async function* readChanges(list: ChangeList): AsyncGenerator<ArchivedChange[], void> {
  for (const path of list.changes) yield* archivedChanges(path, list);
  if (list.log !== undefined) yield* loggedChanges(list.log, list);
}

async function* archivedChanges(path: string, list: ChangeList): AsyncGenerator<ArchivedChange[], void> {
  const reader = await ArchiveReader.open(path);
  try {
    const range = { behind: { timeMs: list.fromMs - 1 }, through: { timeMs: list.toMs - 1 } };
    yield* reader.changes(range);
  } finally {
    await reader.close();
  }
}

async function* loggedChanges(
  { segments, logId, fromLsn }: LogPart,
  list: ChangeList,
): AsyncGenerator<ArchivedChange[], void> {
  for await (const entries of batchesIn(nodeFiles, segments, logId, fromLsn)) {
    const changes = entries.flatMap((entry) => changesOf(entry, list.table));
    const wanted = changes.filter((change) => isWanted(change, list));
    if (wanted.length > 0) yield wanted;
    if ((entries.at(-1)?.timeMs ?? 0) >= list.toMs) return;
  }
}

function isWanted({ sequence, timeMs }: ArchivedChange, list: ChangeList): boolean {
  return sequence >= list.fromSequence && timeMs >= list.fromMs && timeMs < list.toMs;
}
