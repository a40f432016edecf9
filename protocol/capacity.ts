/** How a read sees the table; it decides what a read costs. */
export type Consistency = 'eventual' | 'strong' | 'transactional';

/** A read unit covers 4 KB, a write unit 1 KB (AWS: read-write-operations). */
const readUnitBytes = 4096;
const writeUnitBytes = 1024;

const readFactor: Readonly<Record<Consistency, number>> = { eventual: 0.5, strong: 1, transactional: 2 };

/**
 * What one read costs in read units. Get and BatchGet round each item on its own; Query and Scan round the sum of all
 * items they looked at once, before filter and projection.
 * @param sizeBytes the item's size, or the page's; 0 for a missing item or an empty page, which cost the minimum.
 */
export function readUnits(sizeBytes: number, consistency: Consistency): number {
  return Math.max(1, Math.ceil(sizeBytes / readUnitBytes)) * readFactor[consistency];
}

/**
 * What one write costs in write units; also one whose condition failed.
 * @param sizeBytes the larger of the item before and after; 0 where there is neither.
 */
export function writeUnits(sizeBytes: number, transactional = false): number {
  return Math.max(1, Math.ceil(sizeBytes / writeUnitBytes)) * (transactional ? 2 : 1);
}

export type ReturnConsumedCapacity = 'INDEXES' | 'TOTAL' | 'NONE';

/** Whether the units are of reads or writes; transactions report them apart. */
export type CapacityKind = 'plain' | 'transactionalRead' | 'transactionalWrite';

/** Units of a table or of one of its indexes (AWS: API_Capacity). */
export interface Capacity {
  readonly CapacityUnits: number;
  readonly ReadCapacityUnits?: number;
  readonly WriteCapacityUnits?: number;
}

/** AWS: API_ConsumedCapacity. */
export interface ConsumedCapacity extends Capacity {
  readonly TableName: string;
  readonly Table?: Capacity;
  readonly LocalSecondaryIndexes?: Readonly<Record<string, Capacity>>;
  readonly GlobalSecondaryIndexes?: Readonly<Record<string, Capacity>>;
}

/** What an operation on one table has cost: the table, and its indexes by their names, if they took part. */
export interface Units {
  readonly table: number;
  readonly local?: ReadonlyMap<string, number>;
  readonly global?: ReadonlyMap<string, number>;
}

/**
 * The ConsumedCapacity of an operation on one table.
 * @param tableName as the caller wrote it: a name or an ARN.
 * @param units a number is what the table alone has cost.
 * @returns undefined where the caller asked for none.
 */
export function consumedCapacity(
  mode: ReturnConsumedCapacity | undefined,
  tableName: string,
  units: Units | number,
  kind: CapacityKind = 'plain',
): ConsumedCapacity | undefined {
  if (mode === undefined || mode === 'NONE') return undefined;
  const parts = typeof units === 'number' ? { table: units } : units;
  const { table, local = noIndexes, global = noIndexes } = parts;
  const total = { TableName: tableName, ...capacityOf(sumOfUnits(parts), kind) };
  if (mode === 'TOTAL') return total;
  return {
    ...total,
    Table: capacityOf(table, kind),
    ...(local.size > 0 && { LocalSecondaryIndexes: capacitiesOf(local, kind) }),
    ...(global.size > 0 && { GlobalSecondaryIndexes: capacitiesOf(global, kind) }),
  };
}

/** What the table and all its indexes have cost together. */
export function sumOfUnits({ table, local = noIndexes, global = noIndexes }: Units): number {
  return table + sumOf(local) + sumOf(global);
}

const noIndexes: ReadonlyMap<string, number> = new Map();

function sumOf(units: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const cost of units.values()) sum += cost;
  return sum;
}

function capacitiesOf(units: ReadonlyMap<string, number>, kind: CapacityKind): Record<string, Capacity> {
  return Object.fromEntries(Array.from(units, ([name, cost]) => [name, capacityOf(cost, kind)]));
}

function capacityOf(units: number, kind: CapacityKind): Capacity {
  switch (kind) {
    case 'plain':
      return { CapacityUnits: units };
    case 'transactionalRead':
      return { CapacityUnits: units, ReadCapacityUnits: units };
    case 'transactionalWrite':
      return { CapacityUnits: units, WriteCapacityUnits: units };
  }
}
