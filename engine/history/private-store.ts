import { rmSync } from 'node:fs';
import { Store } from '../state/store.ts';
import type { TableStatistics } from '../statistics.ts';
import type { LoadedRow, LoadPlan } from './load-plan.ts';
import type { MaterializeProgress, MaterializeRequest } from './private-store-worker.ts';
import { scanTable } from './table-scan.ts';
import { runInWorker } from './worker-thread.ts';

export interface MaterializeOptions {
  readonly onProgress?: (progress: MaterializeProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * The items of a plan in an LMDB environment of their own, in the order of their keys and each once. For those who read a table of the
 * past in pieces, or in order; it takes the table's size on the disk. It lasts as long as the process: nothing is synced, and whoever starts
 * removes the folder that it is in.
 */
export class PrivateStore {
  readonly directory: string;
  /** The number under which the items lie in `store`, that of the plan. */
  readonly table: number;
  /** Of the items. */
  readonly statistics: TableStatistics;
  readonly store: Store;
  #closing: Promise<void> | undefined;

  private constructor(directory: string, table: number, statistics: TableStatistics) {
    this.directory = directory;
    this.table = table;
    this.statistics = statistics;
    this.store = Store.open(directory, { readOnly: true });
  }

  /**
   * Builds one, in a thread of its own.
   * @param directory not there yet; its parent is. Where this fails it is gone.
   * @throws as `loadedRows`; the signal's reason
   */
  static async make(
    plan: LoadPlan,
    directory: string,
    { onProgress, signal }: MaterializeOptions = {},
  ): Promise<PrivateStore> {
    const request: MaterializeRequest = { plan, directory };
    try {
      const statistics = await runInWorker<MaterializeRequest, MaterializeProgress, TableStatistics>(
        new URL('./private-store-worker', import.meta.url),
        request,
        { onMessage: onProgress, signal },
      );
      return new PrivateStore(directory, plan.table, statistics);
    } catch (error) {
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /**
   * All items in the order of their keys, a megabyte or so at a time.
   * @throws StateDamagedError while iterating
   */
  async *rows(): AsyncGenerator<LoadedRow[], void> {
    let rows: LoadedRow[] = [];
    for await (const _ of scanTable(this.store, this.table, (key, item) =>
      rows.push({ key, image: item.take() }),
    )) {
      if (rows.length > 0) yield rows;
      rows = [];
    }
  }

  /** Removes the folder. */
  close(): Promise<void> {
    this.#closing ??= this.store.close().then(() => rmSync(this.directory, { recursive: true, force: true }));
    return this.#closing;
  }
}
