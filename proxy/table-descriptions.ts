import type { Backend } from '../protocol/backend.ts';
import type { Clock } from '../protocol/clock.ts';
import type { KeySchema } from '../protocol/key.ts';
import type { Logger } from '../protocol/logger.ts';
import { Reply } from '../protocol/reply.ts';
import { tableNameOf } from '../protocol/table-name.ts';
import { isObject } from './cache/key-reader.ts';
import type { TableCacheSettings } from './cache-settings.ts';
import { fingerprintOf, readIndexes, readTableKey, type TableIndex } from './described-indexes.ts';
import { UndescribedTables } from './undescribed-tables.ts';

/** What the accelerator has to know of a table. */
export interface Table extends TableCacheSettings {
  /** Tells this table from every other one that ever had its name. */
  readonly id: string;
  readonly name: string;
  readonly schema: KeySchema;
  readonly indexes: readonly TableIndex[];
  /** Equal for descriptions that have the same key and the same indexes. */
  readonly fingerprint: string;
  /** The ARN of its stream, where one is enabled. */
  readonly streamArn: string | undefined;
}

export interface TableDescriptionsOptions {
  /** The settings of a table, by its plain name. */
  readonly settingsOf: (name: string) => TableCacheSettings;
  /** How old a description may grow where the store does not announce changes of tables. */
  readonly describeMs: number;
  readonly clock: Clock;
  /** Told of tables that the store does not describe; absent: nobody is told. */
  readonly log: Logger | undefined;
  /**
   * Called when an identity becomes known, or known again: nothing is known of what happened to it before.
   * @param name the name or ARN by which the store has described it in this region.
   */
  readonly onMet: (table: Table, region: string, name: string) => void;
  /** Called when a description is given up: nothing is known any more of what happens to this table's items. */
  readonly onForgotten: (tableId: string) => void;
  /** Called when a name has come to mean this identity, by an answer of the store's alone, instead of another one. */
  readonly onReplaced: (tableId: string) => void;
}

/** Descriptions kept; above that, the one kept longest is forgotten. */
const tablesMax = 10_000;
/** Names remembered for which there was no description, and for how long: the store is not asked at every call. */
const unknownMax = 1_000;
const unknownMs = 1_000;
/** How often a question is put, where something is forgotten each time until the answer comes. */
const askedMax = 3;
/** The longest name that a table can be called by is an ARN of this length (AWS: API_DescribeTable). */
const nameLengthMax = 1_024;

/**
 * The tables' identities, keys and indexes, from DescribeTable of the store.
 *
 * Invariants.
 *  1. A description is forgotten in every turn in which its table may have changed: told by the store's feed, by a
 *     request that changes tables, or by a later answer that differs.
 *  2. An answer of DescribeTable counts only if nothing was forgotten since the question, as it may be older: else the
 *     question is put again.
 *  3. Whoever may have used a description learns of its end through `onForgotten`; so what was cached under an
 *     identity is void before the name can come to mean the identity again. Of that, too, they learn first (`onMet`).
 *  4. In front of a store that announces no changes, a description is asked for again after `describeMs`, in the
 *     background while it is used on, and given up after twice that time.
 *  5. A `Table` never changes. One that is described anew in another way takes the place of the one before, which is
 *     forgotten: who has seen that one can tell, and what was cached by it is void.
 */
export class TableDescriptions {
  readonly #backend: Backend;
  readonly #options: TableDescriptionsOptions;
  /** By region, then by the name or ARN that requests use. */
  readonly #known = new Map<string, Map<string, Known>>();
  #knownCount = 0;
  readonly #byId = new Map<string, Table>();
  /** The identity that a region's name had last, also where it has been forgotten since. */
  readonly #lastIds = new Map<string, string>();
  readonly #unknown = new Map<string, number>();
  readonly #undescribed: UndescribedTables;
  readonly #pending = new Map<string, Promise<Table | undefined>>();
  #forgets = 0;

  constructor(backend: Backend, options: TableDescriptionsOptions) {
    this.#backend = backend;
    this.#options = options;
    this.#undescribed = new UndescribedTables(options.log);
  }

  /**
   * @param name a table's name or ARN, as a request has it.
   * @returns undefined where there is no such table, or where it is being created, deleted or replaced.
   */
  find(region: string, name: string): Table | undefined | Promise<Table | undefined> {
    const known = this.#known.get(region)?.get(name);
    if (known === undefined) return this.#ask(region, name);
    if (this.#backend.changes !== undefined) return known.table;
    const { describeMs, clock } = this.#options;
    const ageMs = clock.monotonic() - known.checkedAtMs;
    if (ageMs < describeMs) return known.table;
    if (ageMs < 2 * describeMs) {
      this.#refresh(region, name);
      // A store that answers at once may have described it in another way by now.
      return this.current(region, name);
    }
    this.#forgetId(known.table.id);
    return this.#ask(region, name);
  }

  /** What `find` gave last, if it still holds; never asks the store. */
  current(region: string, name: string): Table | undefined {
    return this.#known.get(region)?.get(name)?.table;
  }

  /** The table of this name or ARN may have been created, deleted or changed. */
  forget(name: string): void {
    this.#forgets++;
    this.#unknown.clear();
    for (const tableId of this.idsOf(name)) this.#forgetId(tableId);
  }

  /**
   * Others tell that the table that has this identity may have been changed, or replaced. What its names mean now is asked
   * at once, not at their next use: a write that came before this message may have reached the table in its place.
   */
  forgetTable(tableId: string): void {
    this.#forgets++;
    this.#unknown.clear();
    if (!this.#byId.has(tableId)) return;
    const names = this.#namesOf(tableId);
    this.#forgetId(tableId);
    for (const { region, name } of names) void this.#ask(region, name);
  }

  forgetAll(): void {
    this.#forgets++;
    this.#unknown.clear();
    for (const tableId of [...this.#byId.keys()]) this.#forgetId(tableId);
  }

  /**
   * The identities that a name or ARN may mean, in any region and account: which of them the store takes a request to
   * mean is up to the store, and to its own settings.
   */
  idsOf(name: string): string[] {
    const plainName = tableNameOf(name);
    return [...this.#byId.values()].filter((table) => table.name === plainName).map(({ id }) => id);
  }

  /** The description that has this identity. */
  byId(tableId: string): Table | undefined {
    return this.#byId.get(tableId);
  }

  /** How often the store did not describe a table that it has, ever. */
  get undescribed(): number {
    return this.#undescribed.count;
  }

  /** Ends once the store has answered what was asked. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#pending.values());
  }

  #ask(region: string, name: string): Table | undefined | Promise<Table | undefined> {
    if (name.length > nameLengthMax) return undefined;
    const asked = `${region}\n${name}`;
    const untilMs = this.#unknown.get(asked);
    if (untilMs !== undefined && this.#options.clock.monotonic() < untilMs) return undefined;
    const pending = this.#pending.get(asked);
    if (pending !== undefined) return pending;
    const answer = this.#describe(region, name);
    if (!(answer instanceof Promise)) return answer;
    const settled = answer.finally(() => this.#pending.delete(asked));
    this.#pending.set(asked, settled);
    return settled;
  }

  #refresh(region: string, name: string): void {
    if (!this.#pending.has(`${region}\n${name}`)) void this.#ask(region, name);
  }

  #describe(region: string, name: string, asked = 1): Table | undefined | Promise<Table | undefined> {
    const forgets = this.#forgets;
    const take = (answer: unknown) => {
      if (forgets === this.#forgets) return this.#take(region, name, answer);
      return asked < askedMax ? this.#describe(region, name, asked + 1) : undefined;
    };
    try {
      const request = { operation: 'DescribeTable', input: { TableName: name }, region };
      const reply = this.#backend.call(request);
      return reply instanceof Promise ? reply.then(take, take) : take(reply);
    } catch (error) {
      return take(error);
    }
  }

  /**
   * A failed refresh changes nothing: the description is given up when it is too old.
   * @param answer the reply, or what was thrown.
   */
  #take(region: string, name: string, answer: unknown): Table | undefined {
    const description = answer instanceof Reply ? answer.output.Table : undefined;
    const table = this.#read(name, description);
    const before = this.current(region, name);
    if (table === undefined) {
      this.#rememberUnknown(region, name);
      if (before === undefined) this.#tellUndescribed(region, name, answer);
      if (!(answer instanceof Reply)) return before;
      if (before !== undefined) this.#forgetId(before.id);
      return undefined;
    }
    if (before !== undefined && before.id !== table.id) this.#forgetId(before.id);
    if (this.#isReplaced(region, name, table.id)) this.#options.onReplaced(table.id);
    const same = this.#byId.get(table.id);
    if (same !== undefined && !isSameDescription(same, table)) this.#forgetId(table.id);
    return this.#keep(region, name, table);
  }

  /** Whoever wrote by the name until now may have written to this table, and has not fenced it. */
  #isReplaced(region: string, name: string, tableId: string): boolean {
    const asked = `${region}\n${name}`;
    const lastId = this.#lastIds.get(asked);
    this.#lastIds.delete(asked);
    this.#lastIds.set(asked, tableId);
    if (this.#lastIds.size > tablesMax) this.#forgetOldestName();
    return lastId !== undefined && lastId !== tableId;
  }

  #read(asked: string, description: unknown): Table | undefined {
    if (!isObject(description) || isChanging(description)) return undefined;
    const id = identityOf(description);
    const schema = readTableKey(description);
    if (id === undefined || schema === undefined) return undefined;
    const name = tableNameOf(asked);
    const indexes = readIndexes(description, schema);
    const fingerprint = fingerprintOf(schema, indexes);
    const streamArn = streamArnOf(description);
    return { id, name, schema, indexes, fingerprint, streamArn, ...this.#options.settingsOf(name) };
  }

  #tellUndescribed(region: string, name: string, answer: unknown): void {
    if (!(answer instanceof Reply)) this.#undescribed.add(region, name, answer);
    else if (!isChanging(answer.output.Table)) this.#undescribed.add(region, name, undefined);
  }

  #keep(region: string, name: string, described: Table): Table {
    const table = this.#byId.get(described.id) ?? described;
    const ofRegion = this.#known.get(region) ?? new Map<string, Known>();
    this.#known.set(region, ofRegion);
    if (!ofRegion.has(name)) this.#knownCount++;
    ofRegion.set(name, { table, checkedAtMs: this.#options.clock.monotonic() });
    if (table === described) this.#options.onMet(table, region, name);
    this.#byId.set(table.id, table);
    if (this.#knownCount > tablesMax) this.#forgetOldest();
    return table;
  }

  #rememberUnknown(region: string, name: string): void {
    if (this.#unknown.size >= unknownMax) this.#unknown.clear();
    this.#unknown.set(`${region}\n${name}`, this.#options.clock.monotonic() + unknownMs);
  }

  #forgetOldestName(): void {
    for (const asked of this.#lastIds.keys()) {
      this.#lastIds.delete(asked);
      return;
    }
  }

  #forgetOldest(): void {
    for (const tableId of this.#byId.keys()) {
      this.#forgetId(tableId);
      return;
    }
  }

  #namesOf(tableId: string): { region: string; name: string }[] {
    return [...this.#known].flatMap(([region, ofRegion]) =>
      [...ofRegion].flatMap(([name, { table }]) => (table.id === tableId ? [{ region, name }] : [])),
    );
  }

  #forgetId(tableId: string): void {
    this.#forgets++;
    for (const [region, ofRegion] of this.#known) {
      for (const [name, known] of ofRegion) {
        if (known.table.id === tableId && ofRegion.delete(name)) this.#knownCount--;
      }
      if (ofRegion.size === 0) this.#known.delete(region);
    }
    this.#byId.delete(tableId);
    this.#options.onForgotten(tableId);
  }
}

interface Known {
  readonly table: Table;
  readonly checkedAtMs: number;
}

/** A table that is being created or deleted, for example, is in no state to be cached. */
function isChanging(description: unknown): boolean {
  if (!isObject(description)) return false;
  const { TableStatus: status } = description;
  return status !== undefined && status !== 'ACTIVE' && status !== 'UPDATING';
}

/**
 * Stores that give no TableId at least date their tables.
 * @param description a TableDescription; one that lacks what tells tables apart has no identity.
 */
export function identityOf(description: Record<string, unknown>): string | undefined {
  const { TableId: id, TableArn: arn, CreationDateTime: created } = description;
  if (typeof id === 'string') return id;
  return typeof arn === 'string' && created !== undefined ? `${arn} ${String(created)}` : undefined;
}

function streamArnOf({
  StreamSpecification: stream,
  LatestStreamArn: arn,
}: Record<string, unknown>): string | undefined {
  return isObject(stream) && stream.StreamEnabled === true && typeof arn === 'string' ? arn : undefined;
}

function isSameDescription(a: Table, b: Table): boolean {
  return a.fingerprint === b.fingerprint && a.streamArn === b.streamArn;
}
