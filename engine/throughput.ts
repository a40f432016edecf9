import type { Units } from '../protocol/capacity.ts';
import type { Clock } from '../protocol/clock.ts';
import type { KeyBytes } from '../protocol/key.ts';
import type { Catalog, Table } from './catalog.ts';
import type { IndexChange } from './index-entries.ts';
import type { Index } from './index-schema.ts';
import { type StateKey, stateKey } from './state/layout.ts';
import { type KeyRangesByDirection, newKeyRanges } from './throughput/key-ranges.ts';
import { TableMeters } from './throughput/table-meters.ts';
import type { Call } from './throughput/token-bucket.ts';

/** How much of AWS's throttling there is: none, by what the tables' owners have set, or by all that AWS limits. */
export type CapacityEnforcement = 'off' | 'provisioned' | 'all';

export interface ThroughputOptions {
  readonly enforcement: CapacityEnforcement;
  /** The committed tables. */
  readonly catalog: Catalog;
  readonly clock: Clock;
}

/**
 * What tables and global indexes may be used for. It is kept in memory: after a start every table has its burst in full,
 * as a new one has.
 *
 * Invariants
 *  1. A call is admitted, evaluated and charged in one turn of the event loop, so no other call comes between.
 *  2. A call is admitted by every limit that it meets before it changes anything; a limit that is short throws.
 *  3. Meters follow the committed definitions. Nobody tells them of changes: a definition is never changed but
 *     replaced, so each use sees by its identity whether it is still the one that the meters were set by.
 *  4. What was saved and owed outlives a change of the definition, except for limits that it does not have any more.
 */
export class Throughput {
  readonly #options: ThroughputOptions;
  /** By table number. Those of tables that are gone are dropped when the next table is first used. */
  readonly #tables = new Map<number, TableMeters>();
  readonly #keyRanges: KeyRangesByDirection | undefined;

  constructor(options: ThroughputOptions) {
    this.#options = options;
    this.#keyRanges = options.enforcement === 'all' ? newKeyRanges() : undefined;
  }

  /** Whether nothing is limited. */
  get isOff(): boolean {
    return this.#options.enforcement === 'off';
  }

  /** Whether single partition keys are limited, so that their state keys are of interest. */
  get limitsKeyRanges(): boolean {
    return this.#keyRanges !== undefined;
  }

  /** A call that begins, or one of the parts of a batch; undefined where nothing is limited. */
  call(): MeteredCall | undefined {
    return this.isOff ? undefined : new MeteredCall(this, this.#options.clock);
  }

  /** The meters of a table; undefined where it can be short of nothing, or is gone. */
  metersOf(table: Table): TableMeters | undefined {
    const meters = this.#tables.get(table.number);
    const current = meters?.definition === table.definition ? meters : this.#committedMeters(table, meters);
    return current?.isLimited === true ? current : undefined;
  }

  #committedMeters({ number }: Table, meters: TableMeters | undefined): TableMeters | undefined {
    const { catalog, clock } = this.#options;
    const definition = catalog.byNumber(number)?.definition;
    if (definition === undefined) return undefined;
    if (meters?.definition === definition) return meters;
    if (meters === undefined) this.#dropGone();
    const current = new TableMeters(definition, this.#keyRanges, clock.monotonic(), meters);
    this.#tables.set(number, current);
    return current;
  }

  #dropGone(): void {
    for (const number of this.#tables.keys()) {
      if (this.#options.catalog.byNumber(number) === undefined) this.#tables.delete(number);
    }
  }
}

/** What one call reads and writes, or one part of a batch; a transaction is one call. */
export class MeteredCall implements Call {
  readonly #throughput: Throughput;
  readonly #clock: Clock;
  #nowMs: number | undefined;

  constructor(throughput: Throughput, clock: Clock) {
    this.#throughput = throughput;
    this.#clock = clock;
  }

  /** Read from the clock only if a limit wants to know. */
  get nowMs(): number {
    this.#nowMs ??= this.#clock.monotonic();
    return this.#nowMs;
  }

  /**
   * @param index a local index spends the units of its table.
   * @param key of anything in the partition that is read; undefined for a Scan, which goes over many.
   * @throws ProvisionedThroughputExceededException, ThrottlingException, RequestLimitExceeded
   */
  admitRead(table: Table, index: Index | undefined, key: StateKey | undefined): void {
    this.#throughput.metersOf(table)?.of(index)?.reads.admit(this, key);
  }

  spendRead(table: Table, index: Index | undefined, key: StateKey | undefined, units: number): void {
    this.#throughput.metersOf(table)?.of(index)?.reads.spend(this, key, units);
  }

  /** @param key the canonical key of the item. @throws as `admitRead` */
  admitWrite(table: Table, key: KeyBytes): void {
    this.#throughput.metersOf(table)?.of()?.writes.admit(this, this.#keyInState(table, key));
  }

  /**
   * Spends what a write costs its table, and each global index that it changes. An index that is short of units keeps
   * the write from its table (AWS: gsi-throttling).
   * @throws as `admitRead`, and then nothing is spent.
   */
  spendWrite(table: Table, key: KeyBytes, units: Units, changes: readonly IndexChange[] = []): void {
    const meters = this.#throughput.metersOf(table);
    if (meters === undefined) return;
    const global = changes.filter(({ index }) => index.isGlobal);
    for (const change of global) meters.of(change.index)?.writes.admit(this, keyOfChange(change));
    for (const change of global) {
      meters.of(change.index)?.writes.spend(this, keyOfChange(change), change.writeUnits);
    }
    meters.of()?.writes.spend(this, this.#keyInState(table, key), unitsOfTable(units));
  }

  #keyInState({ number }: Table, key: KeyBytes): StateKey | undefined {
    return this.#throughput.limitsKeyRanges ? stateKey(number, key) : undefined;
  }
}

/** Global indexes cost what they are changed by, on their own; all else is the table's. */
function unitsOfTable({ table, local = noIndexes }: Units): number {
  let units = table;
  for (const cost of local.values()) units += cost;
  return units;
}

const noIndexes: ReadonlyMap<string, number> = new Map();

/** An entry that moves spends both of its halves where it goes to. */
function keyOfChange({ before, after }: IndexChange): StateKey | undefined {
  return (after ?? before)?.key;
}
