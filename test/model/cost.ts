import type { CapacityMode } from './request.ts';
import { type Item, sizeOfItem } from './value.ts';

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

export function capacity(
  mode: CapacityMode | undefined,
  table: string,
  units: number,
): { ConsumedCapacity?: object } {
  if (mode === undefined || mode === 'NONE') return {};
  const total = { TableName: table, CapacityUnits: units };
  return { ConsumedCapacity: mode === 'TOTAL' ? total : { ...total, Table: { CapacityUnits: units } } };
}

export function batchCapacity(costs: readonly (object | undefined)[]): { ConsumedCapacity?: object } {
  const told = costs.filter((cost) => cost !== undefined);
  return told.length === 0 ? {} : { ConsumedCapacity: told };
}
