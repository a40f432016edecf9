import { tableArn } from '../../protocol/table-name.ts';
import { type RestoreSummary, restoreSummary } from '../loading/restore-summary.ts';
import type { Statistics } from '../statistics.ts';
import { streamArn } from '../stream/definition.ts';
import type {
  Billing,
  IndexDefinition,
  OnDemandMaximum,
  StreamViewType,
  TableDefinition,
} from '../table-definition.ts';
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
  readonly TableThroughputModeSummary?: TableThroughputModeSummary;
  readonly OnDemandThroughput?: OnDemandMaximum;
  readonly LocalSecondaryIndexes?: readonly IndexDescription[];
  readonly GlobalSecondaryIndexes?: readonly GlobalIndexDescription[];
  readonly StreamSpecification?: { readonly StreamEnabled: true; readonly StreamViewType: StreamViewType };
  /** The newest stream's, whether it is enabled or not. */
  readonly LatestStreamLabel?: string;
  readonly LatestStreamArn?: string;
  readonly DeletionProtectionEnabled: boolean;
  /** There while the table is being restored. */
  readonly RestoreSummary?: RestoreSummary;
  readonly WarmThroughput: WarmThroughputDescription;
}

/** Of a stream that is disabled, only its name is told. */
function streamMembers({ region, name, stream }: TableDefinition): Partial<TableDescription> {
  if (stream === undefined) return {};
  const isEnabled = stream.status === 'ENABLING' || stream.status === 'ENABLED';
  return {
    ...(isEnabled && { StreamSpecification: { StreamEnabled: true, StreamViewType: stream.viewType } }),
    LatestStreamLabel: stream.label,
    LatestStreamArn: streamArn(region, name, stream.label),
  };
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
  /** Absent while the first change to PAY_PER_REQUEST is under way. */
  readonly LastUpdateToPayPerRequestDateTime?: number;
}

/** AWS says the same twice, here under names that its SDKs do not have yet. */
interface TableThroughputModeSummary extends Pick<BillingModeSummary, 'LastUpdateToPayPerRequestDateTime'> {
  readonly TableThroughputMode: Billing['mode'];
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
  const restored = restoreSummary(table);
  const { sizeBytes, itemCount } = statistics.of(table.number);
  const local = indexesOf(table, 'LOCAL');
  const global = indexesOf(table, 'GLOBAL');
  return {
    AttributeDefinitions: byName(table.attributeDefinitions),
    TableName: table.name,
    KeySchema: table.keySchema,
    TableStatus: table.status,
    CreationDateTime: seconds(table.createdMs),
    ProvisionedThroughput: provisionedThroughput(billing, nowMs),
    TableSizeBytes: sizeBytes,
    ItemCount: itemCount,
    TableArn: tableArn(table.region, table.name),
    TableId: table.id,
    ...billingModeSummary(billing),
    ...(billing.onDemandMaximum !== undefined && { OnDemandThroughput: billing.onDemandMaximum }),
    ...(local.length > 0 && {
      LocalSecondaryIndexes: local.map((index) => indexDescription(index, table, statistics)),
    }),
    ...(global.length > 0 && {
      GlobalSecondaryIndexes: global.map((index) => globalIndexDescription(index, table, statistics, nowMs)),
    }),
    ...streamMembers(table),
    DeletionProtectionEnabled: table.deletionProtection,
    ...(restored !== undefined && { RestoreSummary: restored }),
    WarmThroughput: warmThroughput(billing, table.status),
  };
}

/** What CreateTable answers: warm throughput only where it was asked for, and no date of the billing mode yet. */
export function createdDescription(
  { WarmThroughput: warm, GlobalSecondaryIndexes: indexes, ...table }: TableDescription,
  showsWarm: boolean,
): object {
  const { BillingModeSummary: summary } = table;
  return {
    ...table,
    ...(summary !== undefined && modeSummaries(summary.BillingMode, {})),
    ...(indexes !== undefined && {
      GlobalSecondaryIndexes: indexes.map(({ WarmThroughput: _later, ...index }) => index),
    }),
    ...(showsWarm && { WarmThroughput: warm }),
  };
}

/** What DeleteTable answers: nothing of keys, indexes and warm throughput any more. */
export function deletedDescription(table: TableDescription): object {
  const {
    AttributeDefinitions: _definitions,
    KeySchema: _keys,
    CreationDateTime: _created,
    LocalSecondaryIndexes: _local,
    GlobalSecondaryIndexes: _global,
    WarmThroughput: _warm,
    ...kept
  } = table;
  return kept;
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
  readonly OnDemandThroughput?: OnDemandMaximum;
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
    Projection: projection(index.projection),
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
    ...(billing.onDemandMaximum !== undefined && { OnDemandThroughput: billing.onDemandMaximum }),
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
function billingModeSummary({ mode, payPerRequestSinceMs: sinceMs }: Billing): Partial<ModeSummaries> {
  if (mode === 'PROVISIONED' && sinceMs === undefined) return {};
  return modeSummaries(
    mode,
    sinceMs === undefined ? {} : { LastUpdateToPayPerRequestDateTime: seconds(sinceMs) },
  );
}

type ModeSummaries = Required<Pick<TableDescription, 'BillingModeSummary' | 'TableThroughputModeSummary'>>;

function modeSummaries(
  mode: Billing['mode'],
  since: Pick<BillingModeSummary, 'LastUpdateToPayPerRequestDateTime'>,
): ModeSummaries {
  return {
    BillingModeSummary: { BillingMode: mode, ...since },
    TableThroughputModeSummary: { TableThroughputMode: mode, ...since },
  };
}

function warmThroughput(
  { warm, change }: Billing,
  status: TableDefinition['status'],
): WarmThroughputDescription {
  return {
    ReadUnitsPerSecond: warm.readUnits,
    WriteUnitsPerSecond: warm.writeUnits,
    Status: status === 'CREATING' || change?.of === 'warm' ? 'UPDATING' : 'ACTIVE',
  };
}

/** AWS sorts definitions and projected attributes, and leaves indexes and keys in the order of the request. */
function byName(
  definitions: TableDefinition['attributeDefinitions'],
): TableDefinition['attributeDefinitions'] {
  return definitions.toSorted((a, b) => (a.AttributeName < b.AttributeName ? -1 : 1));
}

function projection(of: IndexDefinition['projection']): IndexDefinition['projection'] {
  const names = of.NonKeyAttributes;
  return names === undefined ? of : { ...of, NonKeyAttributes: names.toSorted() };
}

function seconds(ms: number): number {
  return ms / 1000;
}
