import { limitExceeded, quotaExceeded } from '../../protocol/errors.ts';
import type { Catalog } from '../catalog.ts';
import type { Billing, TableDefinition } from '../table-definition.ts';
import { settledBilling } from './billing.ts';

/**
 * What an account may provision in one region (AWS: ServiceQuotas). Both bounds hold for read and for write units, each
 * alone; the units of a table's indexes count for the account, but not for the table. The texts are AWS's as the catalogue
 * of the ACK project (ack-api-quirks, DDB-TABLE-171 and DDB-TABLE-443) measured them in October 2026.
 */
const tableUnitsMax = 40_000;
const accountUnitsMax = 80_000;

/**
 * Checks what is to become of a table. What it has already it keeps, also where that is beyond a quota.
 * @param before the table as it is; undefined for one that is to be created.
 * @throws LimitExceededException
 */
export function refuseBeyondQuotas(
  after: TableDefinition,
  before: TableDefinition | undefined,
  catalog: Catalog,
): void {
  for (const resource of resourcesOf(after, before)) {
    for (const direction of directions) {
      refuseUnits(resource, direction, after.region);
      refuseOnDemandMaximum(resource, direction, after.region);
      refuseWarmth(resource, direction, after.region);
    }
  }
  for (const direction of directions) refuseAccountTotal(after, before, direction, catalog);
}

/** Reading or writing, as the parts of the API name it. */
interface Direction {
  readonly units: 'readUnits' | 'writeUnits';
  readonly capacity: string;
  readonly maximum: 'MaxReadRequestUnits' | 'MaxWriteRequestUnits';
  readonly warmth: string;
  readonly quota: string;
}

const directions: readonly Direction[] = [
  {
    units: 'readUnits',
    capacity: 'ReadCapacityUnits',
    maximum: 'MaxReadRequestUnits',
    warmth: 'ReadUnitsPerSecond',
    quota: 'TableMaxReadCapacityUnits',
  },
  {
    units: 'writeUnits',
    capacity: 'WriteCapacityUnits',
    maximum: 'MaxWriteRequestUnits',
    warmth: 'WriteUnitsPerSecond',
    quota: 'TableMaxWriteCapacityUnits',
  },
];

/** Tables of an account in one region. */
const tablesMax = 2500;

/** Checks that there may be one more table. @throws LimitExceededException */
export function refuseTooManyTables(region: string, catalog: Catalog): void {
  let count = 0;
  for (const { definition } of catalog.all()) if (definition.region === region) count++;
  if (count >= tablesMax) throw limitExceeded(`There is a limit of ${tablesMax} tables per subscriber`);
}

/** A table, or one of its global indexes. */
interface Resource {
  /** The index's name; undefined for the table itself. */
  readonly index?: string;
  readonly billing: Billing;
  /** What it has now; undefined for one that is to be created. */
  readonly before: Billing | undefined;
}

function resourcesOf(after: TableDefinition, before: TableDefinition | undefined): Resource[] {
  const resources: Resource[] = [{ billing: settledBilling(after.billing), before: before?.billing }];
  for (const { number, name, billing } of after.indexes) {
    if (billing === undefined) continue;
    const known = before?.indexes.find((index) => index.number === number);
    resources.push({ index: name, billing: settledBilling(billing), before: known?.billing });
  }
  return resources;
}

function refuseUnits(
  { index, billing, before }: Resource,
  { units, capacity }: Direction,
  region: string,
): void {
  const requested = billing[units];
  if (requested <= Math.max(tableUnitsMax, before?.[units] ?? 0)) return;
  const kind = index === undefined ? 'table' : 'index';
  const of = index === undefined ? '' : ` for index ${index}`;
  throw quotaExceeded(
    `The requested ${capacity}${of}, ${requested}, is above the per ${kind} maximum for the account in ${region}. ` +
      `Per ${kind} maximum: ${tableUnitsMax}. ${seeGuide}`,
  );
}

function refuseOnDemandMaximum(
  { index, billing, before }: Resource,
  { maximum, quota }: Direction,
  region: string,
): void {
  const requested = billing.onDemandMaximum?.[maximum] ?? 0;
  if (requested <= Math.max(tableUnitsMax, before?.onDemandMaximum?.[maximum] ?? 0)) return;
  const of = index === undefined ? 'table' : `index : ${index}`;
  throw limitExceeded(
    `Requested ${maximum} for OnDemandThroughput for ${of} exceeds ${quota} of the account in region ${region}`,
  );
}

function refuseWarmth(
  { index, billing, before }: Resource,
  { units, warmth, quota }: Direction,
  region: string,
): void {
  if (billing.warm[units] <= Math.max(tableUnitsMax, before?.warm[units] ?? 0)) return;
  const of = index === undefined ? 'table' : `index ${index}`;
  throw limitExceeded(
    `Requested ${warmth} for WarmThroughput for ${of} exceeds ${quota} of the account in region ${region}`,
  );
}

function refuseAccountTotal(
  after: TableDefinition,
  before: TableDefinition | undefined,
  { units, capacity }: Direction,
  catalog: Catalog,
): void {
  const added = totalOf(after, units) - (before === undefined ? 0 : totalOf(before, units));
  if (added <= 0) return;
  const reserved = reservedIn(after.region, units, catalog);
  if (reserved + added <= accountUnitsMax) return;
  throw quotaExceeded(
    `This request would have caused the ${capacity} limit to be exceeded for the account in ${after.region}. ` +
      `Current ${capacity} reserved by the account: ${reserved}. Limit: ${accountUnitsMax}. ` +
      `Requested: ${added}. ${seeGuide}`,
  );
}

const seeGuide =
  'Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.';

function reservedIn(region: string, units: Direction['units'], catalog: Catalog): number {
  let reserved = 0;
  for (const { definition } of catalog.all()) {
    if (definition.region === region) reserved += totalOf(definition, units);
  }
  return reserved;
}

/** What a table and its global indexes are to have together. */
function totalOf({ billing, indexes }: TableDefinition, units: Direction['units']): number {
  let total = settledBilling(billing)[units];
  for (const index of indexes)
    total += index.billing === undefined ? 0 : settledBilling(index.billing)[units];
  return total;
}
