import type { Clock } from '../../../protocol/clock.ts';
import type { SharedTable, TableVersion } from '../shared.ts';
import type { Masters } from './masters.ts';
import { everyTable, recordNames } from './names.ts';
import type { RedisNode } from './node.ts';
import { checkRecordStep, readRecordStep, voidStep } from './steps.ts';

/**
 * The versions of tables: what is kept carries them, so that a void costs one write. A table has one of its own and
 * one that all tables share, each for its items and for its pages.
 *
 * Records are kept here until their announcement, and used while their master is proven to be heard. An answer is kept
 * only if nothing was announced since the question, and is joined only until then.
 */
export class TableVersions {
  readonly #masters: Masters;
  readonly #options: VersionsOptions;
  readonly #known = new Map<string, Known>();
  readonly #asked = new Map<string, Asked>();
  #every: Known | undefined;
  #forgets = 0;

  constructor(masters: Masters, options: VersionsOptions) {
    this.#masters = masters;
    this.#options = options;
  }

  /** @returns the table without versions (`FleetTable.isReadable`) where they cannot be known. */
  find(wanted: TableVersion): FleetTable | Promise<FleetTable> {
    const known = this.#known.get(wanted.id);
    const isFresh = this.#isFresh(known) && this.#isFresh(this.#every);
    if (isFresh && known.table.fingerprint === wanted.fingerprint) return known.table;
    const name = `${wanted.id}\n${wanted.fingerprint}`;
    const asked = this.#asked.get(name);
    if (asked?.forgets === this.#forgets) return asked.answer;
    const answer = this.#ask(wanted).finally(() => {
      if (this.#asked.get(name)?.answer === answer) this.#asked.delete(name);
    });
    this.#asked.set(name, { answer, forgets: this.#forgets });
    return answer;
  }

  /**
   * @param tableId `everyTable` for all of them.
   * @returns whether it is certain.
   */
  async void(tableId: string, scope: VoidScope, holdMs: number): Promise<boolean> {
    const { record, marker } = recordNames(tableId);
    const process = this.#masters.processOf(record);
    if (process === undefined) return false;
    const args = [process.stamp, scope, this.#options.newId(), Math.ceil(holdMs), recordMs];
    const answer = await this.#masters.run(process, voidStep, [record, marker], args);
    this.forget(tableId);
    return answer !== undefined;
  }

  /** @returns the table's record as it is now; null where there is none; undefined where that is not known. */
  async check(tableId: string): Promise<CheckedRecord | null | undefined> {
    const { record } = recordNames(tableId);
    const process = this.#masters.processOf(record);
    if (process === undefined) return undefined;
    const answer = await this.#masters.run(process, checkRecordStep, [record], [process.stamp]);
    if (!Array.isArray(answer)) return answer === null ? null : undefined;
    return { fingerprint: String(answer[0]), heldMs: Number(answer[1]), pagesHeldMs: Number(answer[2]) };
  }

  forget(tableId: string): void {
    if (tableId === everyTable) {
      this.forgetAll();
      return;
    }
    this.#forgets++;
    this.#known.delete(tableId);
  }

  forgetAll(): void {
    this.#forgets++;
    this.#known.clear();
    this.#every = undefined;
  }

  async #ask(wanted: TableVersion): Promise<FleetTable> {
    const forgets = this.#forgets;
    const [own, every] = await Promise.all([
      this.#read(wanted),
      this.#isFresh(this.#every) ? this.#every : this.#read({ id: everyTable, fingerprint: '' }),
    ]);
    if (own === undefined || every === undefined) return unknownTable(wanted);
    const known = { ...own, table: combine(own.table, every.table) };
    if (forgets === this.#forgets) this.#keep(known, every);
    return known.table;
  }

  async #read({ id, fingerprint }: TableVersion): Promise<Known | undefined> {
    const { record, marker } = recordNames(id);
    const process = this.#masters.processOf(record);
    if (process === undefined) return undefined;
    const { clock, newId, youngMs, settleMs } = this.#options;
    const args = [process.stamp, fingerprint, newId(), recordMs, fingerprintMs];
    const youngUntilMs = this.#masters.youngUntilMs(process);
    const answer = await this.#masters.run(process, readRecordStep, [record, marker], args);
    if (!Array.isArray(answer)) return undefined;
    const nowMs = clock.monotonic();
    const [version = '', pagesVersion = ''] = answer.map(String);
    const [heldMs = 0, pagesHeldMs = 0, ageMs = 0] = answer.slice(2).map(Number);
    const table = new FleetTable(id, fingerprint, {
      version,
      pagesVersion,
      heldUntilMs: nowMs + heldMs,
      pagesHeldUntilMs: nowMs + pagesHeldMs,
      youngUntilMs: Math.max(youngUntilMs, nowMs + youngMs - ageMs),
      settlesUntilMs: nowMs + Math.max(heldMs, pagesHeldMs) + settleMs(),
    });
    return { table, freshUntilMs: nowMs + freshMs, node: process.node };
  }

  #isFresh(known: Known | undefined): known is Known {
    if (known === undefined) return false;
    return this.#options.clock.monotonic() < Math.min(known.freshUntilMs, known.node.provenUntilMs);
  }

  #keep(known: Known, every: Known): void {
    this.#every = every;
    this.#known.delete(known.table.id);
    this.#known.set(known.table.id, known);
    if (this.#known.size <= tablesMax) return;
    for (const tableId of this.#known.keys()) {
      this.#known.delete(tableId);
      return;
    }
  }
}

export interface VersionsOptions {
  readonly clock: Clock;
  readonly newId: () => string;
  /** For how long a record that was made is young: the one before it may have been lost, with what it held. */
  readonly youngMs: number;
  /** As of `RedisCacheOptions`. */
  readonly settleMs: () => number;
}

/** `all` for items and pages. */
export type VoidScope = 'all' | 'pages';

export interface CheckedRecord {
  readonly fingerprint: string;
  readonly heldMs: number;
  readonly pagesHeldMs: number;
}

export class FleetTable implements SharedTable {
  readonly id: string;
  readonly fingerprint: string;
  /** Empty where it is not known. */
  readonly version: string;
  readonly pagesVersion: string;
  /** By the monotonic clock, like all times here: until then nothing is kept, as it may be void at any time. */
  readonly heldUntilMs: number;
  readonly pagesHeldUntilMs: number;
  /** Until then what is kept may not live longer than that: holds and voids may have been lost. */
  readonly youngUntilMs: number;
  /**
   * Until then the store may still answer with what was before its last void, or before what was lost; whoever asks for the
   * record anew may have yet to hear of either.
   */
  readonly settlesUntilMs: number;

  constructor(id: string, fingerprint: string, state: TableState) {
    this.id = id;
    this.fingerprint = fingerprint;
    this.version = state.version;
    this.pagesVersion = state.pagesVersion;
    this.heldUntilMs = state.heldUntilMs;
    this.pagesHeldUntilMs = state.pagesHeldUntilMs;
    this.youngUntilMs = state.youngUntilMs;
    this.settlesUntilMs = state.settlesUntilMs;
  }

  /** Otherwise it serves to raise fences only. */
  get isReadable(): boolean {
    return this.version !== '';
  }

  isUnsettled(clock: Clock): boolean {
    return clock.monotonic() < this.settlesUntilMs;
  }
}

/** A table whose versions cannot be known: nothing is read of it, and nothing kept. */
export function unknownTable({ id, fingerprint }: TableVersion): FleetTable {
  return new FleetTable(id, fingerprint, {
    version: '',
    pagesVersion: '',
    heldUntilMs: 0,
    pagesHeldUntilMs: 0,
    youngUntilMs: 0,
    settlesUntilMs: 0,
  });
}

/** What `TableVersions` gave as such. */
export function fleetTable(table: SharedTable): FleetTable {
  return table instanceof FleetTable ? table : unknownTable(table);
}

/** How long a record outlives its last use; a void is all that its loss costs. */
const recordMs = 86_400_000;
/** How long a record is used before it is asked for again, which keeps it alive. */
const freshMs = 600_000;
/** How old a fingerprint is before another one replaces it. */
const fingerprintMs = 1_000;
/** Tables kept here; above that, the one asked for longest ago is forgotten. */
const tablesMax = 10_000;

interface TableState {
  readonly version: string;
  readonly pagesVersion: string;
  readonly heldUntilMs: number;
  readonly pagesHeldUntilMs: number;
  readonly youngUntilMs: number;
  readonly settlesUntilMs: number;
}

interface Known {
  readonly table: FleetTable;
  readonly freshUntilMs: number;
  /** Announces when the record becomes another one. */
  readonly node: RedisNode;
}

interface Asked {
  readonly answer: Promise<FleetTable>;
  readonly forgets: number;
}

function combine(own: FleetTable, every: FleetTable): FleetTable {
  return new FleetTable(own.id, own.fingerprint, {
    version: `${own.version}.${every.version}`,
    pagesVersion: `${own.pagesVersion}.${every.pagesVersion}`,
    heldUntilMs: Math.max(own.heldUntilMs, every.heldUntilMs),
    pagesHeldUntilMs: Math.max(own.pagesHeldUntilMs, every.pagesHeldUntilMs),
    youngUntilMs: Math.max(own.youngUntilMs, every.youngUntilMs),
    settlesUntilMs: Math.max(own.settlesUntilMs, every.settlesUntilMs),
  });
}
