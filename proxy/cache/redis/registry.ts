import type { Clock } from '../../../protocol/clock.ts';
import type { Masters } from './masters.ts';
import { everyTable, proxiesName, writtenTablesName } from './names.ts';
import { beatStep, registerStep, unregisterStep, writtenTablesStep } from './steps.ts';

/**
 * Who is alive, and which tables each proxy writes to: of one that stopped without a word nobody knows which writes
 * were under way, and what it owed. Whoever finds it silent voids its tables, and holds them until its last write can
 * not be applied any more.
 *
 * A proxy is confirmed to be known, with the table, before it sends a write. One that was suspended for long may have
 * been given up meanwhile, and is registered anew first.
 */
export class Registry {
  readonly #id: string;
  readonly #masters: Masters;
  readonly #clock: Clock;
  readonly #voidTables: (tableIds: readonly string[]) => Promise<boolean>;
  readonly #tables = new Set<string>();
  readonly #confirmed = new Set<string>();
  readonly #burials = new Set<string>();
  /** Until then nobody has given this proxy up. */
  #knownUntilMs = 0;
  #buried = 0;

  /** @param voidTables voids the tables of a dead proxy; tells whether that is certain. */
  constructor(
    id: string,
    masters: Masters,
    clock: Clock,
    voidTables: (tableIds: readonly string[]) => Promise<boolean>,
  ) {
    this.#id = id;
    this.#masters = masters;
    this.#clock = clock;
    this.#voidTables = voidTables;
  }

  /** @returns undefined where all is known already. If Redis cannot confirm it, the next beat tries again. */
  register(tableIds: readonly string[]): Promise<void> | undefined {
    const isKnown = tableIds.every((tableId) => this.#confirmed.has(this.#nameOf(tableId)));
    if (isKnown && this.#clock.monotonic() < this.#knownUntilMs) return undefined;
    for (const tableId of tableIds) this.#tables.add(this.#nameOf(tableId));
    return this.#register();
  }

  /** What Redis knew may be lost. */
  forget(): void {
    this.#knownUntilMs = 0;
    this.#confirmed.clear();
  }

  /** A sign of life, to be given each second; looks for those that gave none. */
  async beat(): Promise<void> {
    const sentAtMs = this.#clock.monotonic();
    const answer = await this.#masters.runAnywhere(beatStep, this.#names(this.#id), [this.#id, deadMs]);
    if (!Array.isArray(answer)) return;
    const [tables, dead] = answer;
    if (Number(tables) < this.#tables.size) await this.#register();
    else this.#knownUntilMs = sentAtMs + trustMs;
    if (Array.isArray(dead)) await Promise.all(dead.map((id) => this.#buryOnce(String(id))));
  }

  /** Nothing that this proxy did is under way any more. */
  async leave(): Promise<void> {
    await this.#masters.runAnywhere(unregisterStep, this.#names(this.#id), [this.#id, -deadMs]);
  }

  /** How many silent proxies were found, ever. */
  get buried(): number {
    return this.#buried;
  }

  async #register(): Promise<void> {
    const tables = [...this.#tables];
    if (tables.length === 0) return;
    const sentAtMs = this.#clock.monotonic();
    const args = [this.#id, ...tables];
    const answer = await this.#masters.runAnywhere(registerStep, this.#names(this.#id), args);
    if (answer === undefined) return;
    for (const tableId of tables) this.#confirmed.add(tableId);
    this.#knownUntilMs = sentAtMs + trustMs;
  }

  async #buryOnce(id: string): Promise<void> {
    if (this.#burials.has(id)) return;
    this.#burials.add(id);
    await this.#bury(id).finally(() => this.#burials.delete(id));
  }

  async #bury(id: string): Promise<void> {
    const tables = await this.#masters.runAnywhere(writtenTablesStep, [writtenTablesName(id)], []);
    if (!Array.isArray(tables)) return;
    const isVoid = await this.#voidTables(
      tables.map((tableId) => (String(tableId) === all ? everyTable : String(tableId))),
    );
    if (!isVoid) return;
    this.#buried++;
    await this.#masters.runAnywhere(unregisterStep, this.#names(id), [id, deadMs]);
  }

  #names(id: string): [string, string] {
    return [proxiesName, writtenTablesName(id)];
  }

  /** Above the limit, a proxy counts as writing to all tables. */
  #nameOf(tableId: string): string {
    return this.#tables.has(tableId) || this.#tables.size < tablesMax ? tableId : all;
  }
}

/** After how long without a sign of life a proxy is given up. */
const deadMs = 3_000;
/** How long a proxy trusts that it is known; less than `deadMs` by more than Redis' clock and its own may differ in it. */
const trustMs = 2_000;
/** Tables registered one by one. */
const tablesMax = 1_000;
/** Stands for all tables. */
const all = '*';
