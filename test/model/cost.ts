import type { CapacityMode } from './request.ts';
import type { EntryChange } from './table.ts';
import { type Item, sizeOfItem } from './value.ts';

/** What an operation costs a table and those of its indexes that take part. */
export interface Units {
  readonly table: number;
  readonly local: Readonly<Record<string, number>>;
  readonly global: Readonly<Record<string, number>>;
}

/** A missing item has no size. */
export function sizeOf(item: Item | undefined): number {
  return item === undefined ? 0 : sizeOfItem(item);
}

/** 4 KB a unit, half of one for eventually consistent reads (AWS: read-write-operations). */
export function readUnits(bytes: number, isConsistent: boolean | undefined): number {
  return Math.max(1, Math.ceil(bytes / 4096)) * (isConsistent === true ? 1 : 0.5);
}

/** 1 KB a unit, of the larger one (AWS: read-write-operations). */
export function writeUnits(old: Item | undefined, item: Item | undefined): number {
  return Math.max(1, Math.ceil(Math.max(sizeOf(old), sizeOf(item)) / 1024));
}

/** The units of the table, and what the change of its indexes costs on top. */
export function withIndexes(table: number, changes: readonly EntryChange[]): Units {
  const unitsOf = (isGlobal: boolean) => {
    const ofKind = changes.filter(({ index }) => index.isGlobal === isGlobal);
    return Object.fromEntries(ofKind.map((change) => [change.index.name, entryUnits(change)]));
  };
  return { table, local: unitsOf(false), global: unitsOf(true) };
}

/** An entry that moves is deleted and written (AWS: GSI.ThroughputConsiderations.Writes). */
function entryUnits({ before, after, moves }: EntryChange): number {
  if (!moves) return writeUnits(before, after);
  return [before, after].reduce(
    (sum, entry) => sum + (entry === undefined ? 0 : writeUnits(entry, entry)),
    0,
  );
}

export function tableOnly(table: number): Units {
  return { table, local: {}, global: {} };
}

export function sumOf(all: readonly Units[]): Units {
  return {
    table: all.reduce((sum, { table }) => sum + table, 0),
    local: sumOfRecords(all.map(({ local }) => local)),
    global: sumOfRecords(all.map(({ global }) => global)),
  };
}

function sumOfRecords(records: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [name, units] of records.flatMap((record) => Object.entries(record))) {
    sums[name] = (sums[name] ?? 0) + units;
  }
  return sums;
}

/** @param kind that of a transaction, which tells reads and writes apart. */
export function consumed(
  mode: CapacityMode | undefined,
  table: string,
  units: Units,
  kind?: 'Read' | 'Write',
): object | undefined {
  if (mode === undefined || mode === 'NONE') return undefined;
  const told = (amount: number) => ({
    CapacityUnits: amount,
    ...(kind !== undefined && { [`${kind}CapacityUnits`]: amount }),
  });
  const { local, global } = units;
  const ofIndexes = [...Object.values(local), ...Object.values(global)];
  const total = { TableName: table, ...told(ofIndexes.reduce((sum, cost) => sum + cost, units.table)) };
  if (mode === 'TOTAL') return total;
  const each = (record: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(record).map(([name, cost]) => [name, told(cost)]));
  return {
    ...total,
    Table: told(units.table),
    LocalSecondaryIndexes: Object.keys(local).length === 0 ? undefined : each(local),
    GlobalSecondaryIndexes: Object.keys(global).length === 0 ? undefined : each(global),
  };
}

/** The member of a reply about one table. */
export function capacity(
  mode: CapacityMode | undefined,
  table: string,
  units: Units,
): { ConsumedCapacity?: object } {
  const cost = consumed(mode, table, units);
  return cost === undefined ? {} : { ConsumedCapacity: cost };
}

/** The member of a reply about several tables: one for each, in the order in which they are named. */
export function capacities(
  mode: CapacityMode | undefined,
  costs: readonly { readonly table: string; readonly units: Units }[],
  kind?: 'Read' | 'Write',
): { ConsumedCapacity?: object } {
  if (mode === undefined || mode === 'NONE') return {};
  const tables = [...new Set(costs.map(({ table }) => table))];
  const told = tables.map((table) => {
    const ofTable = costs.filter((cost) => cost.table === table).map(({ units }) => units);
    return consumed(mode, table, sumOf(ofTable), kind);
  });
  return { ConsumedCapacity: told };
}
