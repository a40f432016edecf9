import { setImmediate as nextTurn } from 'node:timers/promises';
import { readCatalogRecord } from '../catalog.ts';
import { nodeFiles } from '../files.ts';
import { batchesIn } from '../log/range-reader.ts';
import type { LogEntry } from '../log/record.ts';
import { Store } from '../state/store.ts';
import type { LogMoment } from '../stream/definition.ts';
import type { TableDefinition } from '../table-definition.ts';
import { ArchiveWriter } from './archive-writer.ts';
import type { LogPart, SnapshotSummary } from './load-plan.ts';
import { changesOf } from './loaded-rows.ts';
import { scanTable } from './table-scan.ts';
import { serveWorker, type WorkerContext } from './worker-thread.ts';

/** A table that is to be put into an archive. */
export interface SnapshotRequest {
  readonly stateDirectory: string;
  readonly archivePath: string;
  /** As it is in LMDB; else as it was when it was created or later. */
  readonly table: TableDefinition;
}

/** `scanned` is answered with a `ScanEnd`. */
export type SnapshotMessage =
  | { readonly kind: 'progress'; readonly progress: SnapshotProgress }
  | { readonly kind: 'scanned' };

/** How far a snapshot has come. */
export interface SnapshotProgress {
  readonly items: number;
  /** Of these items, as DynamoDB counts them. */
  readonly sizeBytes: number;
}

/** What the log adds to what was scanned, and what the table is then. */
export interface ScanEnd {
  readonly log: LogPart;
  readonly through: LogMoment;
  readonly itemCount: number;
  readonly sizeBytes: number;
}

/** Between two messages of progress. */
const progressMs = 100;

await serveWorker<SnapshotRequest, SnapshotMessage, SnapshotSummary, ScanEnd | undefined>(
  async (request, context) => {
    const writer = await ArchiveWriter.create(request.archivePath);
    try {
      return await takeSnapshot(request, writer, context);
    } catch (error) {
      await writer.abandon();
      throw error;
    }
  },
);

type Context = WorkerContext<SnapshotMessage, ScanEnd | undefined>;

async function takeSnapshot(
  { stateDirectory, table }: SnapshotRequest,
  writer: ArchiveWriter,
  context: Context,
): Promise<SnapshotSummary> {
  const store = Store.open(stateDirectory, { readOnly: true });
  try {
    await writeItems(store, table.number, writer, context);
  } finally {
    await store.close();
  }
  const end = await context.send({ kind: 'scanned' });
  if (end === undefined) throw new Error('nobody says where the log ends');
  const from = (await writeChanges(end.log, table.number, writer, context.signal)) ?? end.through;
  const { through, itemCount, sizeBytes } = end;
  const fileBytes = await writer.finish({ kind: 'snapshot', from, through, itemCount, sizeBytes, table });
  return { through, itemCount, sizeBytes, fileBytes, table };
}

async function writeItems(
  store: Store,
  table: number,
  writer: ArchiveWriter,
  context: Context,
): Promise<void> {
  let [items, sizeBytes, toldMs] = [0, 0, performance.now()];
  const slices = scanTable(store, table, (key, found) => {
    writer.addItem(key, found.size, found.bytes, found.start, found.end);
    items++;
    sizeBytes += found.size;
  });
  for await (const _ of slices) {
    await writer.drained();
    // What has been written, and an abort, are heard of in a turn of their own.
    await nextTurn();
    context.signal.throwIfAborted();
    if (performance.now() - toldMs < progressMs) continue;
    toldMs = performance.now();
    void context.send({ kind: 'progress', progress: { items, sizeBytes } });
  }
  void context.send({ kind: 'progress', progress: { items, sizeBytes } });
}

/** @returns from when on the archive knows the table: what comes before the first entry; undefined where there is none. */
async function writeChanges(
  { segments, logId, fromLsn }: LogPart,
  table: number,
  writer: ArchiveWriter,
  signal: AbortSignal,
): Promise<LogMoment | undefined> {
  let from: LogMoment | undefined;
  for await (const entries of batchesIn(nodeFiles, segments, logId, fromLsn)) {
    for (const entry of entries) {
      from ??= { sequence: entry.firstSequence - 1, timeMs: entry.timeMs };
      if (removes(entry, table)) throw new Error('the table was deleted while a snapshot of it was taken');
      for (const { change, ...moment } of changesOf(entry, table)) writer.addChange(moment, change);
    }
    await writer.drained();
    signal.throwIfAborted();
  }
  return from;
}

function removes({ changes }: LogEntry, table: number): boolean {
  return changes.some((change) => {
    if (change.kind === 'item') return false;
    const record = readCatalogRecord(change.json);
    return 'remove' in record && record.remove === table;
  });
}
