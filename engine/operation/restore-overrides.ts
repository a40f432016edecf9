import { validationError } from '../../protocol/errors.ts';
import type {
  BillingMode,
  GlobalSecondaryIndex,
  LocalSecondaryIndex,
  OnDemandThroughput,
  RestoreOverrides,
} from '../../protocol/operation.ts';
import { checkBounds } from '../../protocol/validate/throughput.ts';
import type { IndexDefinition, TableDefinition } from '../table-definition.ts';

/**
 * What can be said against the settings that a restored table is to have otherwise than its source, in AWS's words (measured in
 * October 2026). An override of throughput has to fit the billing mode that results, and an index has to be one of the source's, if
 * perhaps under another name.
 * @param source the table as it was at the moment that comes back.
 * @throws ValidationException
 */
export function checkRestoreOverrides(overrides: RestoreOverrides, source: TableDefinition): void {
  checkTableCapacity(overrides, source);
  const { GlobalSecondaryIndexOverride: global, LocalSecondaryIndexOverride: local } = overrides;
  if (global === undefined) requireUnits(overrides, source);
  for (const index of global ?? []) {
    requireSource(index, 'GLOBAL', source);
    checkIndexCapacity(index, overrides, source);
  }
  for (const index of local ?? []) requireSource(index, 'LOCAL', source);
  checkNames(overrides, source);
}

/** The billing mode that results. */
export function modeOf(
  { BillingModeOverride: mode }: RestoreOverrides,
  source: TableDefinition,
): BillingMode {
  return mode ?? source.billing.mode;
}

/** The source's indexes that can come back: all but those that were on their way out. */
export function restorableIndexes(
  { indexes }: TableDefinition,
  kind: IndexDefinition['kind'],
): IndexDefinition[] {
  return indexes.filter((index) => index.kind === kind && index.status !== 'DELETING');
}

function checkTableCapacity(overrides: RestoreOverrides, source: TableDefinition): void {
  const { ProvisionedThroughputOverride: units, OnDemandThroughputOverride: maximum = {} } = overrides;
  if (units !== undefined) {
    refuseUnits('', overrides, source);
    checkBounds(units, '');
  } else if (overrides.BillingModeOverride === 'PROVISIONED') {
    throw mustOverrideUnits('');
  }
  checkMaximum(maximum, '', overrides, source);
}

function checkIndexCapacity(
  { IndexName: name, ProvisionedThroughput: units, OnDemandThroughput: maximum = {} }: GlobalSecondaryIndex,
  overrides: RestoreOverrides,
  source: TableDefinition,
): void {
  const of = ` for index ${name}`;
  if (units !== undefined) {
    refuseUnits(of, overrides, source);
    checkBounds(units, of);
  } else if (modeOf(overrides, source) === 'PROVISIONED') {
    throw invalid(`Must specify provisioned throughput for index ${name}`);
  }
  checkMaximum(maximum, of, overrides, source);
}

/** An index that was on demand has no units to come back with. */
function requireUnits(overrides: RestoreOverrides, source: TableDefinition): void {
  if (modeOf(overrides, source) !== 'PROVISIONED' || source.billing.mode === 'PROVISIONED') return;
  const [index] = restorableIndexes(source, 'GLOBAL');
  if (index !== undefined) throw mustOverrideUnits(` for index ${index.name}`);
}

/** @param of what the units are for, as AWS appends it: nothing for the table. */
function refuseUnits(of: string, overrides: RestoreOverrides, source: TableDefinition): void {
  if (overrides.BillingModeOverride === 'PAY_PER_REQUEST') {
    throw invalid(
      `Cannot override ProvisionedThroughput if BillingMode is overridden to PAY_PER_REQUEST${of}`,
    );
  }
  if (modeOf(overrides, source) === 'PROVISIONED') return;
  throw invalid(`Cannot override ProvisionedThroughput unless BillingMode is PROVISIONED${of}`);
}

function checkMaximum(
  maximum: OnDemandThroughput,
  of: string,
  overrides: RestoreOverrides,
  source: TableDefinition,
): void {
  for (const name of ['MaxReadRequestUnits', 'MaxWriteRequestUnits'] as const) {
    const units = maximum[name];
    if (units === undefined) continue;
    if (modeOf(overrides, source) !== 'PAY_PER_REQUEST') {
      throw invalid(
        `Cannot override ${name} for OnDemandThroughput${of} unless BillingModeOverride is PAY_PER_REQUEST`,
      );
    }
    if (units < 1) throw invalid(`Requested ${name} for OnDemandThroughput${of} is outside of valid range`);
  }
}

function requireSource(
  index: LocalSecondaryIndex,
  kind: IndexDefinition['kind'],
  source: TableDefinition,
): void {
  if (restorableIndexes(source, kind).some((candidate) => isLike(index, candidate))) return;
  throw invalid(
    `Index ${index.IndexName} does not match a secondary index that existed in the source table ` +
      'and cannot be created during the restore operation',
  );
}

/** Whether keys and projection are the same. */
function isLike(
  { KeySchema: key, Projection: projection }: LocalSecondaryIndex,
  { keySchema, projection: sourceProjection }: IndexDefinition,
): boolean {
  const attributes = projection.NonKeyAttributes?.toSorted() ?? [];
  const sourceAttributes = sourceProjection.NonKeyAttributes?.toSorted() ?? [];
  return (
    key.length === keySchema.length &&
    key.every(
      ({ AttributeName: name, KeyType: type }, i) =>
        name === keySchema[i]?.AttributeName && type === keySchema[i].KeyType,
    ) &&
    projection.ProjectionType === sourceProjection.ProjectionType &&
    attributes.length === sourceAttributes.length &&
    attributes.every((name, i) => name === sourceAttributes[i])
  );
}

/** Renamed indexes must not get one name. */
function checkNames(overrides: RestoreOverrides, source: TableDefinition): void {
  const { GlobalSecondaryIndexOverride: global, LocalSecondaryIndexOverride: local } = overrides;
  const names = [
    ...(local?.map(({ IndexName: name }) => name) ??
      restorableIndexes(source, 'LOCAL').map(({ name }) => name)),
    ...(global?.map(({ IndexName: name }) => name) ??
      restorableIndexes(source, 'GLOBAL').map(({ name }) => name)),
  ];
  const duplicate = names.find((name, i) => names.indexOf(name) !== i);
  if (duplicate === undefined) return;
  throw validationError(`One or more parameter values were invalid: Duplicate index name: ${duplicate}`);
}

function mustOverrideUnits(of: string): Error {
  return invalid(`Must override ProvisionedThroughput if BillingMode is overridden to PROVISIONED${of}`);
}

function invalid(what: string): Error {
  return validationError(`Invalid Request: ${what}`);
}
