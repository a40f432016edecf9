/** What happened to reads of one table since the start; each key of a batch counts as one read of an item. */
export interface TableCounts {
  /** Reads of an item that was answered from the cache. */
  hits: number;
  /** Reads answered from the cache with the knowledge that there is no item. */
  negativeHits: number;
  misses: number;
  /** Pages of Query and Scan that were answered from the cache, with something in them. */
  queryHits: number;
  /** The same, with nothing in them. */
  emptyQueryHits: number;
  queryMisses: number;
  /** Pages that were not kept since something that they show had changed meanwhile, or might have. */
  queryFillsRefused: number;
}

/** Tables counted one by one; above that, what was counted longest ago goes into the sum alone. */
const tablesMax = 10_000;

/** Counts by table. Whoever counts often keeps the object that `of` gives. */
export class TableCounters {
  readonly #tables = new Map<string, TableCounts>();
  readonly #forgotten = noCounts();

  of(tableId: string): TableCounts {
    return this.#tables.get(tableId) ?? this.#add(tableId);
  }

  /** By the tables' identities. */
  entries(): Iterable<[string, Readonly<TableCounts>]> {
    return this.#tables.entries();
  }

  /** Of all tables that there ever were. */
  sum(): TableCounts {
    const sum = { ...this.#forgotten };
    for (const counts of this.#tables.values()) add(sum, counts);
    return sum;
  }

  #add(tableId: string): TableCounts {
    if (this.#tables.size >= tablesMax) this.#forgetOldest();
    const counts = noCounts();
    this.#tables.set(tableId, counts);
    return counts;
  }

  #forgetOldest(): void {
    for (const [tableId, counts] of this.#tables) {
      add(this.#forgotten, counts);
      this.#tables.delete(tableId);
      return;
    }
  }
}

function noCounts(): TableCounts {
  return {
    hits: 0,
    negativeHits: 0,
    misses: 0,
    queryHits: 0,
    emptyQueryHits: 0,
    queryMisses: 0,
    queryFillsRefused: 0,
  };
}

function add(sum: TableCounts, counts: TableCounts): void {
  for (const name of Object.keys(counts) as (keyof TableCounts)[]) sum[name] += counts[name];
}
