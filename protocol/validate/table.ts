import { validationError } from '../errors.ts';
import type {
  CreateTableInput,
  DeleteTableInput,
  DescribeTableInput,
  ListTablesInput,
  SSESpecification,
  StreamSpecification,
  UpdateTableInput,
} from '../operation.ts';
import {
  checkAllUsed,
  checkAttributeDefinitions,
  checkKeyIsDefinitions,
  checkKeySchema,
} from './key-schema.ts';
import { checkIndexes, checkIndexUpdates } from './secondary-index.ts';
import { type Input, validateShape } from './shapes.ts';
import { checkTags } from './tags.ts';
import {
  checkBounds,
  checkIndexWarmth,
  checkNewOnDemandThroughput,
  checkTableThroughput,
  checkWarmThroughput,
} from './throughput.ts';

export { checkThroughputChanges } from './throughput.ts';

/**
 * What can be said against operations on tables before the tables are looked at, in AWS's order. Each function leaves
 * the input as it is and returns it typed, without members that are null or unknown.
 */

const invalid = 'One or more parameter values were invalid:';

/** AWS: API_CreateTable. */
export function validateCreateTable(input: Input): CreateTableInput {
  const table = withBillingMode(validateShape('CreateTable', input));
  checkTableClass(table.TableClass);
  checkTableThroughput(table);
  checkAttributeDefinitions(table.AttributeDefinitions);
  checkKeySchema(table.KeySchema, table.AttributeDefinitions, 'keySchema');
  checkDefinitionsAndIndexes(table);
  checkNewOnDemandThroughput(table);
  checkWarmThroughput(table, 'table');
  checkNewStream(table.StreamSpecification);
  checkEncryption(table.SSESpecification);
  checkTags(table.Tags ?? []);
  refuseUnsupported(input, ['VectorIndexes', 'GlobalTableSourceArn', 'GlobalTableSettingsReplicationMode']);
  return table;
}

/** AWS: API_UpdateTable. What depends on the table as it is, `checkThroughputChanges` checks. */
export function validateUpdateTable(input: Input): UpdateTableInput {
  const update = withBillingMode(validateShape('UpdateTable', input));
  refuseUnsupported(input, [
    'VectorIndexUpdates',
    'GlobalTableWitnessUpdates',
    'GlobalTableSettingsReplicationMode',
    'MultiRegionConsistency',
    'DisassociationProtectionEnabled',
  ]);
  requireConcern(update);
  checkConcerns(update);
  checkTableClass(update.TableClass);
  checkBilling(update);
  checkIndexUpdates(update);
  checkIndexWarmth(update);
  checkStreamChange(update.StreamSpecification);
  checkEncryption(update.SSESpecification);
  return update;
}

/** AWS: API_DescribeTable. */
export function validateDescribeTable(input: Input): DescribeTableInput {
  return validateShape('DescribeTable', input);
}

/** AWS: API_DeleteTable. */
export function validateDeleteTable(input: Input): DeleteTableInput {
  return validateShape('DeleteTable', input);
}

/** AWS: API_ListTables. */
export function validateListTables(input: Input): ListTablesInput {
  return validateShape('ListTables', input);
}

/** AWS's newer name of BillingMode, which its SDKs do not have yet: where both are there it is not looked at (measured). */
function withBillingMode<T extends CreateTableInput | UpdateTableInput>(input: T): T {
  const { TableThroughputMode: mode, ...rest } = input;
  return mode === undefined ? input : ({ BillingMode: mode, ...rest } as T);
}

/** Definitions that nothing uses are found behind what is wrong with indexes (dynalite's tests, run against AWS). */
function checkDefinitionsAndIndexes(table: CreateTableInput): void {
  const { AttributeDefinitions: definitions, KeySchema: key } = table;
  const { LocalSecondaryIndexes: local, GlobalSecondaryIndexes: global } = table;
  if (local === undefined && global === undefined) {
    checkKeyIsDefinitions(definitions, key);
    return;
  }
  checkIndexes(table);
  const indexKeys = [...(local ?? []), ...(global ?? [])].map((index) => index.KeySchema);
  checkAllUsed(definitions, [key, ...indexKeys]);
}

/** What one UpdateTable can change, by the member that asks for it. */
const concerns = [
  'ProvisionedThroughput',
  'BillingMode',
  'StreamSpecification',
  'GlobalSecondaryIndexUpdates',
  'SSESpecification',
  'ReplicaUpdates',
  'DeletionProtectionEnabled',
  'OnDemandThroughput',
  'WarmThroughput',
  'TableClass',
] as const;

type Concern = (typeof concerns)[number];

/** Of capacity, an empty structure asks for nothing. */
function asksFor(update: UpdateTableInput, concern: Concern): boolean {
  const value = update[concern];
  if (Array.isArray(value)) return value.length > 0;
  if (concern !== 'OnDemandThroughput' && concern !== 'WarmThroughput') return value !== undefined;
  return Object.keys(value ?? {}).length > 0;
}

/** AWS's text names members that are not public. */
function requireConcern(update: UpdateTableInput): void {
  if (concerns.some((concern) => asksFor(update, concern))) return;
  throw validationError(
    'At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, ' +
      'SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, ReplicaTransitRoleArn, ' +
      'MultiRegionConsistency, DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput ' +
      'or TableClass is required',
  );
}

function checkBilling({ BillingMode: mode, ProvisionedThroughput: units }: UpdateTableInput): void {
  if (mode === 'PROVISIONED' && units === undefined) {
    throw validationError(
      `${invalid} ProvisionedThroughput must be specified when BillingMode is PROVISIONED`,
    );
  }
  if (mode === 'PAY_PER_REQUEST' && units !== undefined) {
    throw validationError(
      `${invalid} ProvisionedThroughput cannot be specified when BillingMode is PAY_PER_REQUEST`,
    );
  }
  if (units !== undefined) checkBounds(units, '');
}

/** What must be asked for alone, the first first, and how AWS calls it. */
const exclusive = [
  ['ReplicaUpdates', 'Replica modification'],
  ['SSESpecification', 'Server-Side Encryption modification'],
  ['TableClass', 'TableClass modification'],
  ['DeletionProtectionEnabled', 'DeletionProtection modification'],
  ['WarmThroughput', 'WarmThroughput'],
] as const satisfies readonly (readonly [Concern, string])[];

/** One call changes one concern; only billing goes together with some others. */
function checkConcerns(update: UpdateTableInput): void {
  const asked = concerns.filter((concern) => asksFor(update, concern));
  if (update.GlobalSecondaryIndexUpdates?.length === 0) {
    throw validationError(`${invalid} List of GlobalSecondaryIndexUpdates is empty`);
  }
  if (asked.length === 1) return;
  const { createsIndex, changesIndexes } = indexChanges(update);
  for (const [concern, name] of exclusive) {
    if (!asked.includes(concern)) continue;
    throw validationError(
      concern === 'WarmThroughput' && createsIndex
        ? `${invalid} Create global secondary index cannot be specified when updating WarmThroughput`
        : `${invalid} ${name} must be the only operation in the request`,
    );
  }
  if (asked.includes('OnDemandThroughput') && !(asked.length === 2 && asked.includes('BillingMode'))) {
    throw validationError(
      `${invalid} OnDemandThroughput can only be combined with BillingMode in an UpdateTable request`,
    );
  }
  checkStreamAndIndexes(update, changesIndexes);
}

function checkStreamAndIndexes(update: UpdateTableInput, changesIndexes: boolean): void {
  const changesUnits = update.ProvisionedThroughput !== undefined || update.BillingMode === 'PROVISIONED';
  const changesStream = update.StreamSpecification !== undefined;
  if (changesStream && changesUnits) {
    throw validationError(`${invalid} You cannot modify stream status while updating table IOPS`);
  }
  if (changesIndexes && update.ProvisionedThroughput !== undefined) {
    throw validationError(`${invalid} You cannot create or delete index while updating table IOPS`);
  }
  if (changesIndexes && changesStream) {
    throw validationError(`${invalid} You cannot create or delete index while changing stream status`);
  }
}

function indexChanges({ GlobalSecondaryIndexUpdates: updates = [] }: UpdateTableInput): {
  createsIndex: boolean;
  changesIndexes: boolean;
} {
  const createsIndex = updates.some((update) => update.Create !== undefined);
  return {
    createsIndex,
    changesIndexes: createsIndex || updates.some((update) => update.Delete !== undefined),
  };
}

function checkNewStream(stream: StreamSpecification | undefined): void {
  if (stream === undefined) return;
  if (stream.StreamEnabled && stream.StreamViewType === undefined) {
    throw validationError(
      `${invalid} Table is being created with a stream enabled, UpdateViewType is required`,
    );
  }
  if (!stream.StreamEnabled && stream.StreamViewType !== undefined) {
    throw validationError(
      `${invalid} Table is being created with a stream disabled, UpdateViewType should not be specified`,
    );
  }
}

function checkStreamChange(stream: StreamSpecification | undefined): void {
  if (stream === undefined) return;
  if (stream.StreamEnabled && stream.StreamViewType === undefined) {
    throw validationError(`${invalid} If stream is being enabled then UpdateViewType is required`);
  }
  if (!stream.StreamEnabled && stream.StreamViewType !== undefined) {
    throw validationError(
      `${invalid} If stream is being disabled, then UpdateViewType must not be specified`,
    );
  }
}

/** AWS: API_SSESpecification. */
export function checkEncryption(encryption: SSESpecification | undefined): void {
  if (encryption === undefined) return;
  const { Enabled: enabled = false, SSEType: type, KMSMasterKeyId: key } = encryption;
  if (!enabled && type !== undefined) {
    throw validationError(`${invalid} SSEType can not be specified if Enabled is false`);
  }
  if (!enabled && key !== undefined) {
    throw validationError(`${invalid} KMSMasterKeyId can not be specified if Enabled is false`);
  }
  if (type === 'AES256') throw validationError(`${invalid} SSEType AES256 is not supported`);
  if (key !== undefined && type === undefined) {
    throw validationError(`${invalid} SSEType KMS is required if KMSMasterKeyId is specified`);
  }
}

function checkTableClass(tableClass: string | undefined): void {
  if (tableClass === undefined || tableClass === 'STANDARD' || tableClass === 'STANDARD_INFREQUENT_ACCESS')
    return;
  throw validationError(
    'Invalid table-class parameter provided. ' +
      'Please try again with a valid table-class value: [STANDARD, STANDARD_INFREQUENT_ACCESS].',
  );
}

/** Parts of the API that no type here describes yet: asking for them is refused rather than forgotten. */
function refuseUnsupported(input: Input, members: readonly string[]): void {
  const asked = members.find((member) => input[member] !== undefined && input[member] !== null);
  if (asked !== undefined) throw validationError(`${asked} is not supported by this version of Slipstream`);
}
