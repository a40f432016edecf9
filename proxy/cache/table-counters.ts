/** What happened to reads of one table, or of several, since the start; each key of a batch counts as one read of an item. */
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
}

/** Tables counted one by one; those that come later are counted together, as `others`. */
const tablesMax = 10_000;

/** Counts by the tables' plain names, so that they go on where a table is made anew. */
export class TableCounters {
  /** Pages that were not kept since something that they show had changed meanwhile, or might have. */
  queryFillsRefused = 0;
  readonly #tables = new Map<string, TableCounts>();
  readonly #others = noCounts();

  of(tableName: string): TableCounts {
    return this.#tables.get(tableName) ?? this.#add(tableName);
  }

  /** By the tables' names. */
  entries(): Iterable<[string, Readonly<TableCounts>]> {
    return this.#tables.entries();
  }

  /** Of the tables that are not counted one by one. */
  get others(): Readonly<TableCounts> {
    return this.#others;
  }

  /** Of all tables that there ever were. */
  sum(): TableCounts {
    const sum = { ...this.#others };
    for (const counts of this.#tables.values()) add(sum, counts);
    return sum;
  }

  #add(tableName: string): TableCounts {
    if (this.#tables.size >= tablesMax) return this.#others;
    const counts = noCounts();
    this.#tables.set(tableName, counts);
    return counts;
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
  };
}

function add(sum: TableCounts, counts: TableCounts): void {
  for (const name of Object.keys(counts) as (keyof TableCounts)[]) sum[name] += counts[name];
}
