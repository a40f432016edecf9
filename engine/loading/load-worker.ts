import { Table } from '../catalog.ts';
import type { LoadedRow } from '../history/load-plan.ts';
import { loadedRows } from '../history/loaded-rows.ts';
import { serveWorker, type WorkerContext } from '../history/worker-thread.ts';
import { Store } from '../state/store.ts';
import { SliceTurns } from '../state/write-turns.ts';
import type { TableStatistics } from '../statistics.ts';
import type { TableDefinition } from '../table-definition.ts';
import { EntryLoader } from './entry-loader.ts';
import { ItemLoader } from './item-loader.ts';
import type { RowSource } from './load-source.ts';
import { fedRows } from './row-feed.ts';
import { SliceWriter } from './slice-writer.ts';

/** What a loading thread does: puts the rows of one table into LMDB, and all that follows from them. */
export interface LoadRequest {
  readonly stateDirectory: string;
  readonly table: TableDefinition;
  readonly rows: RowSource;
  /** Of `WriteTurns`. */
  readonly turns: SharedArrayBuffer;
}

/** While a run of rows is being heard of, one more is written and no other. */
export type LoadMessage =
  | { readonly kind: 'run'; readonly rows: number; readonly bytes: number }
  /** The next slice of entries is written when that has been heard. */
  | { readonly kind: 'entries' }
  | { readonly kind: 'refused'; readonly reason: string };

/** What the table and its indexes hold, by their numbers. */
export type LoadResult = ReadonlyMap<number, TableStatistics>;

await serveWorker<LoadRequest, LoadMessage, LoadResult>(async (request, context) => {
  const store = Store.open(request.stateDirectory, { readOnly: false, transactsAside: true });
  try {
    return await load(request, store, context);
  } finally {
    if ('port' in request.rows) request.rows.port.close();
    await store.close();
  }
});

async function load(
  { table: definition, rows, turns }: LoadRequest,
  store: Store,
  context: WorkerContext<LoadMessage>,
): Promise<LoadResult> {
  const table = new Table(definition);
  const writer = new SliceWriter({
    store,
    turns: new SliceTurns(turns),
    signal: context.signal,
    onRefused: ({ message }) => void context.send({ kind: 'refused', reason: message }),
  });
  const items = new ItemLoader(table.number, writer, (count, bytes) =>
    context.send({ kind: 'run', rows: count, bytes }),
  );
  const counts = await items.load(rowsOf(rows, context.signal));
  const entries = new EntryLoader({
    table,
    store,
    slices: writer,
    signal: context.signal,
    onSlice: () => context.send({ kind: 'entries' }),
  });
  const entryCounts = await entries.load();
  return new Map([[table.number, counts], ...entryCounts]);
}

/** Nothing is written for as long as a run is being gathered, so an abort is looked for here as well. */
async function* rowsOf(source: RowSource, signal: AbortSignal): AsyncGenerator<LoadedRow[], void> {
  const rows = 'plan' in source ? loadedRows(source.plan) : fedRows(source.port, signal);
  for await (const batch of rows) {
    signal.throwIfAborted();
    yield batch;
  }
}
