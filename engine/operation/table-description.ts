import { tableArn } from '../../protocol/table-name.ts';
import type { TableStatistics } from '../statistics.ts';
import type { Billing, TableDefinition } from '../table-definition.ts';

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
  statistics: TableStatistics,
): Record<string, unknown> {
  const { billing } = table;
  return {
    AttributeDefinitions: table.attributeDefinitions,
    TableName: table.name,
    KeySchema: table.keySchema,
    TableStatus: table.status,
    CreationDateTime: seconds(table.createdMs),
    ProvisionedThroughput: provisionedThroughput(billing),
    TableSizeBytes: statistics.sizeBytes,
    ItemCount: statistics.itemCount,
    TableArn: tableArn(table.region, table.name),
    TableId: table.id,
    ...(billing.payPerRequestSinceMs !== undefined && { BillingModeSummary: billingModeSummary(billing) }),
    ...(billing.onDemandMaximum !== undefined && { OnDemandThroughput: onDemandThroughput(billing) }),
    DeletionProtectionEnabled: table.deletionProtection,
    WarmThroughput: warmThroughput(table),
  };
}

function provisionedThroughput(billing: Billing): ProvisionedThroughputDescription {
  return {
    ...(billing.lastIncreaseMs !== undefined && { LastIncreaseDateTime: seconds(billing.lastIncreaseMs) }),
    ...(billing.lastDecreaseMs !== undefined && { LastDecreaseDateTime: seconds(billing.lastDecreaseMs) }),
    NumberOfDecreasesToday: billing.decreasesToday,
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
function warmThroughput({ billing, status }: TableDefinition): WarmThroughputDescription {
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
