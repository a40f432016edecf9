import { DynamoDbError } from '../../protocol/errors.ts';
import { isOperation } from '../../protocol/operation.ts';
import { tableNameOf } from '../../protocol/table-name.ts';
import { LatencyHistogram } from './latency-histogram.ts';

/** `hit`: answered without asking the store; `miss`: a read that may be cached, and was asked for; `none`: all else. */
export type CacheUse = 'hit' | 'miss' | 'none';

/** Tables with series of their own, each of which costs a scrape 0.2 ms; the others are counted together, as `other`. */
export const labelledTablesMax = 25;
/** Pairs of operation and error code that are counted apart; beyond it the code is `other`. */
const errorsMax = 500;
/** ARNs that are remembered for the names they mean. */
const aliasesMax = 1_000;

const other = 'other';
/** What calls have in the place of a table's name that name none, or more than one. */
export const noTable = '';
export const severalTables = 'several';

/** One line of a histogram's labels. */
export interface LatencySeries {
  readonly operation: string;
  /** A table's name, `noTable`, `severalTables` or `other`. */
  readonly table: string;
  readonly cache: CacheUse;
  readonly histogram: LatencyHistogram;
}

export interface ErrorSeries {
  readonly operation: string;
  readonly code: string;
  readonly count: number;
}

/**
 * How long calls took and how they failed, by operation, table and use of the cache. Callers choose all names, so a table
 * has series of its own only after a call of it has succeeded, and both tables and codes are bounded.
 */
export class CallRecorder {
  /** By the name or ARN that requests use. */
  readonly #tables = new Map<string, TableLatencies>();
  readonly #named: TableLatencies[] = [];
  readonly #unnamed = [noTable, severalTables].map((label) => new TableLatencies(label));
  readonly #other = new TableLatencies(other);
  readonly #errors = new Map<string, { operation: string; code: string; count: number }>();

  constructor() {
    for (const latencies of this.#unnamed) this.#tables.set(latencies.table, latencies);
  }

  succeeded(operation: string, table: string, cache: CacheUse, ms: number): void {
    const latencies = this.#tables.get(table) ?? this.#admit(table);
    latencies.of(operation)[cache].record(ms);
  }

  failed(operation: string, table: string, cache: CacheUse, ms: number, error: unknown): void {
    const latencies = this.#tables.get(table) ?? this.#other;
    latencies.of(operation)[cache].record(ms);
    this.#countError(labelOf(operation), error instanceof DynamoDbError ? error.code : 'InternalServerError');
  }

  *latencies(): Generator<LatencySeries> {
    for (const latencies of [...this.#unnamed, ...this.#named, this.#other]) yield* latencies.series();
  }

  errors(): Iterable<ErrorSeries> {
    return this.#errors.values();
  }

  #admit(table: string): TableLatencies {
    const name = tableNameOf(table);
    const known = this.#named.find((one) => one.table === name);
    const latencies =
      known ?? (this.#named.length < labelledTablesMax ? new TableLatencies(name) : this.#other);
    if (known === undefined && latencies !== this.#other) this.#named.push(latencies);
    if (this.#tables.size < labelledTablesMax + aliasesMax) this.#tables.set(table, latencies);
    return latencies;
  }

  #countError(operation: string, code: string): void {
    const name = `${operation} ${code}`;
    const counted = this.#errors.get(name);
    if (counted !== undefined) counted.count++;
    else if (this.#errors.size < errorsMax || code === other)
      this.#errors.set(name, { operation, code, count: 1 });
    else this.#countError(operation, other);
  }
}

type Uses = Readonly<Record<CacheUse, LatencyHistogram>>;

class TableLatencies {
  readonly table: string;
  readonly #operations = new Map<string, Uses>();

  constructor(table: string) {
    this.table = table;
  }

  of(operation: string): Uses {
    return this.#operations.get(operation) ?? this.#add(labelOf(operation));
  }

  *series(): Generator<LatencySeries> {
    for (const [operation, uses] of this.#operations) {
      for (const cache of cacheUses) {
        if (uses[cache].count > 0) yield { operation, table: this.table, cache, histogram: uses[cache] };
      }
    }
  }

  #add(operation: string): Uses {
    const known = this.#operations.get(operation);
    if (known !== undefined) return known;
    const uses = {
      hit: new LatencyHistogram(),
      miss: new LatencyHistogram(),
      none: new LatencyHistogram(),
    };
    this.#operations.set(operation, uses);
    return uses;
  }
}

const cacheUses: readonly CacheUse[] = ['hit', 'miss', 'none'];

function labelOf(operation: string): string {
  return isOperation(operation) ? operation : other;
}
