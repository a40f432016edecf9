import { ItemLoader } from '../loading/item-loader.ts';
import { Store } from '../state/store.ts';
import type { StoreTransaction } from '../state/transaction.ts';
import type { TableStatistics } from '../statistics.ts';
import type { LoadPlan } from './load-plan.ts';
import { loadedRows } from './loaded-rows.ts';
import { serveWorker, type WorkerContext } from './worker-thread.ts';

/** The items of a plan that are to be put into a new folder. */
export interface MaterializeRequest {
  readonly plan: LoadPlan;
  readonly directory: string;
}

/** What has been put so far. */
export interface MaterializeProgress {
  readonly rows: number;
  readonly bytes: number;
}

await serveWorker<MaterializeRequest, MaterializeProgress, TableStatistics>(
  async ({ plan, directory }, context) => {
    const store = Store.open(directory, { readOnly: false, passing: true });
    try {
      return await materialize(plan, store, context);
    } finally {
      await store.close();
    }
  },
);

async function materialize(
  plan: LoadPlan,
  store: Store,
  context: WorkerContext<MaterializeProgress>,
): Promise<TableStatistics> {
  const writer = {
    write: async (write: (transaction: StoreTransaction) => void) => {
      context.signal.throwIfAborted();
      store.transact(write);
    },
  };
  let [rowsSoFar, bytesSoFar] = [0, 0];
  const items = new ItemLoader(plan.table, writer, (rows, bytes) => {
    rowsSoFar += rows;
    bytesSoFar += bytes;
    return context.send({ rows: rowsSoFar, bytes: bytesSoFar });
  });
  return items.load(loadedRows(plan));
}
