import type { IndexSchema, Schema } from '../model/request.ts';
import type { Table } from '../model/table.ts';
import { type Item, stable } from '../model/value.ts';

/** What a table had at a moment. */
export interface PastTable {
  readonly schema: Schema;
  readonly indexes: readonly IndexSchema[];
  readonly items: readonly Item[];
}

/** The moments that can be brought back: whole seconds, in ms. */
export interface Bounds {
  readonly earliestMs: number;
  readonly latestMs: number;
}

interface Window {
  readonly enabledMs: number;
  readonly days: number;
  readonly notBeforeMs: number;
}

/** What the model knows of one table's past, moment by moment, and of what can be brought back of it. */
export class Past {
  readonly #states: { readonly timeMs: number; readonly state: PastTable }[] = [];
  #window: Window | undefined;

  get isKept(): boolean {
    return this.#window !== undefined;
  }

  get days(): number | undefined {
    return this.#window?.days;
  }

  /** What the table has at the end of this millisecond. */
  record(timeMs: number, table: Table): void {
    const state = stateOf(table);
    const last = this.#states.at(-1);
    if (last !== undefined && isSame(last.state, state)) return;
    if (last?.timeMs === timeMs) this.#states.pop();
    this.#states.push({ timeMs, state });
  }

  /** What it had at the end of this second. */
  at(secondMs: number): PastTable {
    const found = this.#states.findLast(({ timeMs }) => timeMs < secondMs + secondInMs);
    if (found === undefined) throw new Error(`the model knows of nothing before ${secondMs}`);
    return found.state;
  }

  /** AWS: API_UpdateContinuousBackups; what a shorter period lets go of is gone. */
  switchOn(nowMs: number, days: number | undefined): void {
    const { enabledMs, days: before, notBeforeMs } = this.#window ?? opened(nowMs, days);
    const after = days ?? before;
    const keptMs = nowMs - Math.min(before, after) * dayInMs;
    this.#window = { enabledMs, days: after, notBeforeMs: Math.max(notBeforeMs, keptMs) };
  }

  switchOff(): void {
    this.#window = undefined;
  }

  bounds(nowMs: number): Bounds | undefined {
    if (this.#window === undefined) return undefined;
    const { enabledMs, days, notBeforeMs } = this.#window;
    const earliestMs = secondOf(Math.max(enabledMs, notBeforeMs, nowMs - days * dayInMs));
    return { earliestMs, latestMs: Math.max(earliestMs, secondOf(nowMs - secondInMs)) };
  }

  includes(secondMs: number, nowMs: number): boolean {
    const bounds = this.bounds(nowMs);
    return bounds !== undefined && secondMs >= bounds.earliestMs && secondMs <= bounds.latestMs;
  }

  /** Of the window: its ends, the seconds in which something has changed, and those beside them. */
  seconds(nowMs: number): number[] {
    const bounds = this.bounds(nowMs);
    if (bounds === undefined) return [];
    const { earliestMs, latestMs } = bounds;
    const changed = this.#states.map(({ timeMs }) => secondOf(timeMs));
    const near = changed.flatMap((ms) => [ms - secondInMs, ms, ms + secondInMs]);
    const all = new Set([earliestMs, latestMs, ...near]);
    return [...all].filter((ms) => ms >= earliestMs && ms <= latestMs).sort((a, b) => a - b);
  }
}

export const secondInMs = 1000;
export const dayInMs = 24 * 60 * 60 * secondInMs;

/** AWS: API_PointInTimeRecoverySpecification. */
const daysDefault = 35;

export function secondOf(timeMs: number): number {
  return Math.floor(timeMs / secondInMs) * secondInMs;
}

export function stateOf({ schema, indexes, items }: Table): PastTable {
  return { schema, indexes: indexes.map((index) => index.schema), items: [...items] };
}

function opened(nowMs: number, days = daysDefault): Window {
  return { enabledMs: nowMs, days, notBeforeMs: nowMs };
}

function isSame(a: PastTable, b: PastTable): boolean {
  return a === b || stable(a) === stable(b);
}

/** The one so far along. */
export function oneOf<T>(all: readonly T[], at: number): T | undefined {
  return all[Math.round(at * (all.length - 1))];
}

/** So many at most, evenly, both ends among them. */
export function spread<T>(all: readonly T[], max: number): T[] {
  if (all.length <= max) return [...all];
  return Array.from({ length: max }, (_, i) => all[Math.round((i * (all.length - 1)) / (max - 1))] as T);
}
