import type { CatalogChange } from './catalog.ts';
import type { Change } from './log/record.ts';

/** Number and size of a table's items as DynamoDB counts them. */
export interface TableStatistics {
  readonly itemCount: number;
  readonly sizeBytes: number;
}

/** Item counts and sizes of all tables, kept true with every commit. */
export class Statistics {
  readonly #tables = new Map<number, { itemCount: number; sizeBytes: number }>();
  /** Tables that have changed since they were last handed to LMDB. */
  readonly #changed = new Set<number>();
  /** Tables handed to LMDB, which has not yet committed them. */
  readonly #applying = new Set<number>();

  of(table: number): TableStatistics {
    return this.#tables.get(table) ?? empty;
  }

  restore(table: number, statistics: TableStatistics): void {
    this.#tables.set(table, { ...statistics });
  }

  itemChanged({ table, oldImage, newImage }: Change & { kind: 'item' }): void {
    let statistics = this.#tables.get(table);
    if (statistics === undefined) {
      statistics = { ...empty };
      this.#tables.set(table, statistics);
    }
    this.#changed.add(table);
    statistics.itemCount += (newImage === undefined ? 0 : 1) - (oldImage === undefined ? 0 : 1);
    statistics.sizeBytes += (newImage?.size ?? 0) - (oldImage?.size ?? 0);
  }

  catalogChanged(change: CatalogChange): void {
    this.#changed.add('put' in change ? change.put.number : change.remove);
    if ('remove' in change) this.#tables.delete(change.remove);
  }

  /** The tables whose definition or statistics LMDB has to be given with the next commit. */
  startApplying(): ReadonlySet<number> {
    for (const table of this.#changed) this.#applying.add(table);
    this.#changed.clear();
    return this.#applying;
  }

  /** LMDB has committed what `startApplying` named last. */
  applied(): void {
    this.#applying.clear();
  }
}

const empty: TableStatistics = { itemCount: 0, sizeBytes: 0 };
