import type { Clock } from '../../../protocol/clock.ts';
import type { KeyBytes } from '../../../protocol/key.ts';
import { everyTable } from './names.ts';
import type { VoidScope } from './table-versions.ts';

/**
 * What Redis has not confirmed to have dropped. As long as it is owed, this proxy does not use what it concerns.
 *
 * Others may use it until it is delivered: a write that was acknowledged while Redis was away from its writer, but not
 * from them, is seen by them once the debt is paid.
 */
export class Owed {
  readonly #debts = new Map<string, Debt>();
  readonly #pay: (debt: Debt) => Promise<boolean>;
  readonly #clock: Clock;
  #payment: Promise<void> | undefined;
  #overflows = 0;

  /** @param pay tries once, and tells whether it is certain. */
  constructor(pay: (debt: Debt) => Promise<boolean>, clock: Clock) {
    this.#pay = pay;
    this.#clock = clock;
  }

  item(tableId: string, key: KeyBytes, fenceId: string): void {
    this.#add(itemName(tableId, key), { kind: 'item', tableId, key, fenceId });
  }

  generation(tableId: string, name: KeyBytes): void {
    this.#add(generationName(tableId, name), { kind: 'generation', tableId, name });
  }

  /** @param tableId `everyTable` for all of them. */
  table(tableId: string, scope: VoidScope, holdMs: number): void {
    const before = this.#debts.get(tableName(tableId));
    const heldUntilMs = this.#clock.monotonic() + holdMs;
    const debt = { kind: 'table', tableId, scope, heldUntilMs } as const;
    this.#debts.set(tableName(tableId), before?.kind === 'table' ? merge(before, debt) : debt);
  }

  /** Whether the table's fingerprint is still the one that a writer knew. */
  fingerprint(tableId: string, fingerprint: string): void {
    const before = this.#debts.get(fingerprintName(tableId));
    const isOther = before?.kind === 'fingerprint' && before.fingerprint !== fingerprint;
    if (isOther || this.#debts.has(tableName(tableId))) this.table(tableId, 'pages', 0);
    else this.#debts.set(fingerprintName(tableId), { kind: 'fingerprint', tableId, fingerprint });
  }

  hasItem(tableId: string, key: KeyBytes): boolean {
    return this.size > 0 && (this.#debts.has(itemName(tableId, key)) || this.hasTable(tableId));
  }

  /** Whether anything of a page that depends on these generations. */
  hasPage(tableId: string, generations: readonly KeyBytes[]): boolean {
    if (this.size === 0) return false;
    if (this.hasTable(tableId) || this.#debts.has(fingerprintName(tableId))) return true;
    return generations.some((name) => this.#debts.has(generationName(tableId, name)));
  }

  hasTable(tableId: string): boolean {
    return this.size > 0 && (this.#debts.has(tableName(tableId)) || this.#debts.has(tableName(everyTable)));
  }

  get size(): number {
    return this.#debts.size;
  }

  /** How often there was too much to remember one by one, ever. */
  get overflows(): number {
    return this.#overflows;
  }

  /** Tries each debt once. */
  pay(): Promise<void> {
    this.#payment ??= this.#payAll().finally(() => {
      this.#payment = undefined;
    });
    return this.#payment;
  }

  async #payAll(): Promise<void> {
    const debts = [...this.#debts];
    for (let i = 0; i < debts.length; i += paidAtOnceMax) {
      await Promise.all(debts.slice(i, i + paidAtOnceMax).map(([name, debt]) => this.#payOne(name, debt)));
    }
  }

  /** One that was renewed meanwhile is owed still. */
  async #payOne(name: string, debt: Debt): Promise<void> {
    const isPaid = await this.#pay(debt);
    if (isPaid && this.#debts.get(name) === debt) this.#debts.delete(name);
  }

  #add(name: string, debt: ItemDebt | GenerationDebt): void {
    if (this.#debts.size >= debtsMax && !this.#debts.has(name)) this.#voidInstead();
    const table = this.#debts.get(tableName(debt.tableId));
    if (table?.kind === 'table' && table.scope === 'all') this.table(debt.tableId, 'all', 0);
    else this.#debts.set(name, debt);
  }

  /** Whole tables instead of what is in them, or all tables instead of too many. */
  #voidInstead(): void {
    this.#overflows++;
    const debts = [...this.#debts.values()];
    const tableIds = new Set(debts.map(({ tableId }) => tableId));
    for (const [name, { kind }] of this.#debts) if (kind !== 'table') this.#debts.delete(name);
    if (tableIds.size <= debtsMax / 2) {
      for (const tableId of tableIds) this.table(tableId, 'all', 0);
      return;
    }
    const heldUntilMs = Math.max(...debts.map((debt) => (debt.kind === 'table' ? debt.heldUntilMs : 0)));
    this.#debts.clear();
    this.table(everyTable, 'all', Math.max(0, heldUntilMs - this.#clock.monotonic()));
  }
}

export type Debt = ItemDebt | GenerationDebt | FingerprintDebt | TableDebt;

export interface ItemDebt {
  readonly kind: 'item';
  readonly tableId: string;
  readonly key: KeyBytes;
  /** The fence that may stand still. */
  readonly fenceId: string;
}

export interface GenerationDebt {
  readonly kind: 'generation';
  readonly tableId: string;
  readonly name: KeyBytes;
}

export interface FingerprintDebt {
  readonly kind: 'fingerprint';
  readonly tableId: string;
  readonly fingerprint: string;
}

export interface TableDebt {
  readonly kind: 'table';
  readonly tableId: string;
  readonly scope: VoidScope;
  /** By the monotonic clock. */
  readonly heldUntilMs: number;
}

/** Debts remembered one by one; above that, tables are void. */
const debtsMax = 10_000;
/** How many are sent before the first of them is awaited. */
const paidAtOnceMax = 256;

function merge(before: TableDebt, debt: TableDebt): TableDebt {
  const scope = before.scope === 'all' ? 'all' : debt.scope;
  return { ...debt, scope, heldUntilMs: Math.max(before.heldUntilMs, debt.heldUntilMs) };
}

function itemName(tableId: string, key: KeyBytes): string {
  return `k${tableId}\n${key}`;
}

function generationName(tableId: string, name: KeyBytes): string {
  return `g${tableId}\n${name}`;
}

function fingerprintName(tableId: string): string {
  return `f${tableId}`;
}

function tableName(tableId: string): string {
  return `e${tableId}`;
}
