import { tableArn } from '../../protocol/table-name.ts';
import type { Statistics } from '../statistics.ts';
import type { Billing, IndexDefinition, TableDefinition } from '../table-definition.ts';
import { decreasesUntil } from './billing.ts';

/** What of AWS's API_TableDescription this version has. */
export interface TableDescription {
  readonly AttributeDefinitions: TableDefinition['attributeDefinitions'];
  readonly TableName: string;
  readonly KeySchema: TableDefinition['keySchema'];
  readonly TableStatus: TableDefinition['status'];
  readonly CreationDateTime: number;
  readonly ProvisionedThroughput: ProvisionedThroughputDescription;
  readonly TableSizeBytes: number;
  readonly ItemCount: number;
  readonly TableArn: string;
  readonly TableId: string;
  readonly BillingModeSummary?: BillingModeSummary;
  readonly OnDemandThroughput?: {
    readonly MaxReadRequestUnits: number;
    readonly MaxWriteRequestUnits: number;
  };
  readonly LocalSecondaryIndexes?: readonly IndexDescription[];
  readonly GlobalSecondaryIndexes?: readonly GlobalIndexDescription[];
  readonly DeletionProtectionEnabled: boolean;
  readonly WarmThroughput: WarmThroughputDescription;
}

interface ProvisionedThroughputDescription {
  readonly LastIncreaseDateTime?: number;
  readonly LastDecreaseDateTime?: number;
  readonly NumberOfDecreasesToday: number;
  readonly ReadCapacityUnits: number;
  readonly WriteCapacityUnits: number;
}

interface BillingModeSummary {
  readonly BillingMode: Billing['mode'];
  readonly LastUpdateToPayPerRequestDateTime: number;
}

interface WarmThroughputDescription {
  readonly ReadUnitsPerSecond: number;
  readonly WriteUnitsPerSecond: number;
  readonly Status: 'ACTIVE' | 'UPDATING';
}

/** Times are seconds since 1970 with fractions, as the JSON protocol has them. */
export function tableDescription(
  table: TableDefinition,
  statistics: Statistics,
  nowMs: number,
): TableDescription {
  const { billing } = table;
  const { sizeBytes, itemCount } = statistics.of(table.number);
  const local = indexesOf(table, 'LOCAL');
  const global = indexesOf(table, 'GLOBAL');
  return {
    AttributeDefinitions: table.attributeDefinitions,
    TableName: table.name,
    KeySchema: table.keySchema,
    TableStatus: table.status,
    CreationDateTime: seconds(table.createdMs),
    ProvisionedThroughput: provisionedThroughput(billing, nowMs),
    TableSizeBytes: sizeBytes,
    ItemCount: itemCount,
    TableArn: tableArn(table.region, table.name),
    TableId: table.id,
    ...(billing.payPerRequestSinceMs !== undefined && { BillingModeSummary: billingModeSummary(billing) }),
    ...(billing.onDemandMaximum !== undefined && { OnDemandThroughput: onDemandThroughput(billing) }),
    ...(local.length > 0 && {
      LocalSecondaryIndexes: local.map((index) => indexDescription(index, table, statistics)),
    }),
    ...(global.length > 0 && {
      GlobalSecondaryIndexes: global.map((index) => globalIndexDescription(index, table, statistics, nowMs)),
    }),
    DeletionProtectionEnabled: table.deletionProtection,
    WarmThroughput: warmThroughput(billing, table.status),
  };
}

/** AWS: API_LocalSecondaryIndexDescription. */
interface IndexDescription {
  readonly IndexName: string;
  readonly KeySchema: IndexDefinition['keySchema'];
  readonly Projection: IndexDefinition['projection'];
  readonly IndexSizeBytes: number;
  readonly ItemCount: number;
  readonly IndexArn: string;
}

/** AWS: API_GlobalSecondaryIndexDescription. */
interface GlobalIndexDescription extends IndexDescription {
  readonly IndexStatus: IndexDefinition['status'];
  /** There while the index is being created, and while it is deleted. */
  readonly Backfilling?: boolean;
  readonly ProvisionedThroughput: ProvisionedThroughputDescription;
  readonly OnDemandThroughput?: {
    readonly MaxReadRequestUnits: number;
    readonly MaxWriteRequestUnits: number;
  };
  readonly WarmThroughput: WarmThroughputDescription;
}

function indexesOf(table: TableDefinition, kind: IndexDefinition['kind']): IndexDefinition[] {
  return table.indexes.filter((index) => index.kind === kind);
}

function indexDescription(
  index: IndexDefinition,
  table: TableDefinition,
  statistics: Statistics,
): IndexDescription {
  const { sizeBytes, itemCount } = statistics.of(index.number);
  return {
    IndexName: index.name,
    KeySchema: index.keySchema,
    Projection: index.projection,
    IndexSizeBytes: sizeBytes,
    ItemCount: itemCount,
    IndexArn: `${tableArn(table.region, table.name)}/index/${index.name}`,
  };
}

function globalIndexDescription(
  index: IndexDefinition,
  table: TableDefinition,
  statistics: Statistics,
  nowMs: number,
): GlobalIndexDescription {
  const billing = index.billing ?? table.billing;
  return {
    ...indexDescription(index, table, statistics),
    IndexStatus: index.status,
    ...(index.status === 'CREATING' && table.status !== 'CREATING' && { Backfilling: index.backfilling }),
    ProvisionedThroughput: provisionedThroughput(billing, nowMs),
    ...(billing.onDemandMaximum !== undefined && { OnDemandThroughput: onDemandThroughput(billing) }),
    WarmThroughput: warmThroughput(billing, index.status),
  };
}

function provisionedThroughput(billing: Billing, nowMs: number): ProvisionedThroughputDescription {
  return {
    ...(billing.lastIncreaseMs !== undefined && { LastIncreaseDateTime: seconds(billing.lastIncreaseMs) }),
    ...(billing.lastDecreaseMs !== undefined && { LastDecreaseDateTime: seconds(billing.lastDecreaseMs) }),
    NumberOfDecreasesToday: decreasesUntil(billing, nowMs),
    ReadCapacityUnits: billing.readUnits,
    WriteCapacityUnits: billing.writeUnits,
  };
}

/** There from the first time that the table was on demand. */
function billingModeSummary(billing: Billing): BillingModeSummary {
  return {
    BillingMode: billing.mode,
    LastUpdateToPayPerRequestDateTime: seconds(billing.payPerRequestSinceMs ?? 0),
  };
}

function onDemandThroughput({ onDemandMaximum: maximum }: Billing) {
  return {
    MaxReadRequestUnits: maximum?.MaxReadRequestUnits ?? -1,
    MaxWriteRequestUnits: maximum?.MaxWriteRequestUnits ?? -1,
  };
}

/** What a new on-demand table answers at once (AWS: on-demand-capacity-mode), or what is provisioned. */
function warmThroughput(billing: Billing, status: TableDefinition['status']): WarmThroughputDescription {
  const onDemand = billing.mode === 'PAY_PER_REQUEST';
  return {
    ReadUnitsPerSecond: onDemand ? 12_000 : billing.readUnits,
    WriteUnitsPerSecond: onDemand ? 4000 : billing.writeUnits,
    Status: status === 'ACTIVE' ? 'ACTIVE' : 'UPDATING',
  };
}

function seconds(ms: number): number {
  return ms / 1000;
}
