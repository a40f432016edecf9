import { readCatalogRecord } from '../catalog.ts';
import { nodeFiles } from '../files.ts';
import { batchesIn } from '../log/range-reader.ts';
import type { LogEntry } from '../log/record.ts';
import { itemKey } from '../state/layout.ts';
import type { TableDefinition } from '../table-definition.ts';
import { ArchiveDamagedError } from './archive-format.ts';
import { ArchiveReader, isWithin } from './archive-reader.ts';
import type { ArchivedChange } from './block.ts';
import type { DefinitionPlan, LoadedRow, LoadPlan } from './load-plan.ts';
import { tableOf } from './segment-split.ts';

/*
 * How the items of a moment come from a scan that took its time. An item was met by the scan as it was at some moment between `from` and
 * `through` of the base, whose changes are all there:
 *
 *     changed up to the moment, not behind it    what the last change has left: its new image, put in order
 *     changed behind the moment                  what the first of these changes has met: its old image, put last, as
 *                                                they are taken back in reverse
 *     not changed at all                         as the scan met it
 */

/**
 * The rows of a plan, in the order in which they have to be put, some hundred at a time: the items of the base in the order of their
 * keys, then what changes have made of them. Images are parts of larger buffers; keep none for long.
 * @throws ArchiveDamagedError, LogDamagedError; RangeError where the moment lies before the base; an error of the file system
 */
export async function* loadedRows(plan: LoadPlan): AsyncGenerator<LoadedRow[], void> {
  const { through } = plan;
  const base = await openBase(plan);
  try {
    yield* base.items();
    for await (const changes of base.changes({ through })) yield rows(changes, 'newImage');
    for await (const changes of base.changes({ behind: through, reverse: true }))
      yield rows(changes, 'oldImage');
  } finally {
    await base.close();
  }
  const last = base.snapshot.through;
  if (!isWithin(last, through)) return;
  for await (const changes of laterChanges(plan, last.sequence + 1)) yield rows(changes, 'newImage');
}

/**
 * The table's definition at the moment of a plan. Of archives only the blocks are read that have definitions; the log's part is read
 * whole.
 * @throws as `loadedRows`
 */
export async function definitionAt({ base, ...plan }: DefinitionPlan): Promise<TableDefinition> {
  if (base !== undefined) return definitionSince({ base, ...plan });
  const found = await laterDefinition(plan, 0);
  if (found === undefined) throw new RangeError(`the log does not say what table ${plan.table} was then`);
  return found;
}

async function definitionSince(plan: LoadPlan): Promise<TableDefinition> {
  const base = await openBase(plan);
  try {
    const { through, table } = base.snapshot;
    const later = isWithin(through, plan.through)
      ? await laterDefinition(plan, through.sequence + 1)
      : undefined;
    return later ?? (await lastDefinition(base, plan, 0)) ?? table;
  } finally {
    await base.close();
  }
}

async function openBase(plan: LoadPlan): Promise<ArchiveReader> {
  const base = await ArchiveReader.open(plan.base);
  try {
    checkBase(base, plan);
    return base;
  } catch (error) {
    await base.close();
    throw error;
  }
}

/** A file that is whole can still be another one than should be there. */
function checkBase(
  { snapshot }: ArchiveReader,
  { base: path, changes, log, table, through }: LoadPlan,
): void {
  if (snapshot.table.number !== table) throw new ArchiveDamagedError(path, 0, 'is of another table');
  if (!isWithin(snapshot.from, through))
    throw new RangeError(`${path}: begins behind the moment that is to be loaded`);
  const isAlone = changes.length === 0 && log === undefined;
  if (isAlone && 'sequence' in through && snapshot.through.sequence < through.sequence)
    throw new ArchiveDamagedError(path, 0, 'ends before the change that it should go to');
}

/** Behind the base. A file that another one or the base overlaps adds only what is new. */
async function* laterChanges(plan: LoadPlan, fromSequence: number): AsyncGenerator<ArchivedChange[], void> {
  let next = fromSequence;
  for (const path of plan.changes) {
    const reader = await ArchiveReader.open(path);
    try {
      for await (const changes of reader.changes({ fromSequence: next, through: plan.through })) {
        yield changes;
        next = (changes.at(-1)?.sequence ?? next) + 1;
      }
    } finally {
      await reader.close();
    }
  }
  yield* loggedChanges(plan, next);
}

/** The changes that are in the log only. */
async function* loggedChanges(
  plan: DefinitionPlan,
  fromSequence: number,
): AsyncGenerator<ArchivedChange[], void> {
  if (plan.log === undefined) return;
  const { segments, logId, fromLsn } = plan.log;
  for await (const entries of batchesIn(nodeFiles, segments, logId, fromLsn)) {
    const changes = entries
      .flatMap((entry) => changesOf(entry, plan.table))
      .filter((change) => change.sequence >= fromSequence && isWithin(change, plan.through));
    if (changes.length > 0) yield changes;
    const last = entries.at(-1);
    if (last !== undefined && !isWithin(momentOf(last), plan.through)) return;
  }
}

async function laterDefinition(
  plan: DefinitionPlan,
  fromSequence: number,
): Promise<TableDefinition | undefined> {
  let found: TableDefinition | undefined;
  for await (const changes of loggedChanges(plan, fromSequence))
    found = definitionIn(changes, plan.table) ?? found;
  for (const path of plan.changes.toReversed()) {
    if (found !== undefined) return found;
    const reader = await ArchiveReader.open(path);
    try {
      found = await lastDefinition(reader, plan, fromSequence);
    } finally {
      await reader.close();
    }
  }
  return found;
}

/** The last one in an archive up to the plan's moment. */
async function lastDefinition(
  reader: ArchiveReader,
  { table, through }: DefinitionPlan,
  fromSequence: number,
): Promise<TableDefinition | undefined> {
  const range = { fromSequence, through, catalogOnly: true, reverse: true };
  for await (const changes of reader.changes(range)) {
    const found = definitionIn(changes.reverse(), table);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The last one among changes that are in their order. */
function definitionIn(changes: readonly ArchivedChange[], table: number): TableDefinition | undefined {
  for (const { change } of changes.toReversed()) {
    if (change.kind !== 'catalog' || tableOf(change) !== table) continue;
    const record = readCatalogRecord(change.json);
    if ('put' in record) return record.put;
  }
  return undefined;
}

/** Of one table, its definition's included. */
export function changesOf({ firstSequence, timeMs, changes }: LogEntry, table: number): ArchivedChange[] {
  const found: ArchivedChange[] = [];
  for (const [i, change] of changes.entries()) {
    if (tableOf(change) === table) found.push({ sequence: firstSequence + i, timeMs, change });
  }
  return found;
}

/** The last change of an entry. */
function momentOf({ firstSequence, timeMs, changes }: LogEntry): { sequence: number; timeMs: number } {
  return { sequence: firstSequence + changes.length - 1, timeMs };
}

function rows(changes: readonly ArchivedChange[], image: 'oldImage' | 'newImage'): LoadedRow[] {
  const found: LoadedRow[] = [];
  for (const { change } of changes) {
    if (change.kind === 'item') found.push({ key: itemKey(change.key), image: change[image] });
  }
  return found;
}
