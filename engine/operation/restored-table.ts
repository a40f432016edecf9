import { randomUUID } from 'node:crypto';
import type { RestoreOverrides } from '../../protocol/operation.ts';
import type { WriteContext } from '../commit.ts';
import { definitionsFor } from '../index-schema.ts';
import type { Billing, IndexDefinition, TableDefinition, TableLoading } from '../table-definition.ts';
import { type Capacities, newBilling, settledBilling } from './billing.ts';
import { modeOf, restorableIndexes } from './restore-overrides.ts';

/**
 * The table that a restore makes: keys, indexes, billing mode and throughput of its source, or what is asked for instead; nothing of
 * streams, TTL, point-in-time recovery, deletion protection and tags (AWS: pointintimerecovery_restores; measured).
 * @param source the table as it was at the moment that comes back.
 * @param overrides have been checked against it.
 */
export function restoredTable(
  source: TableDefinition,
  overrides: RestoreOverrides,
  region: string,
  loading: TableLoading,
  { catalog, timeMs }: WriteContext,
): TableDefinition {
  const number = catalog.nextNumber;
  const indexes = restoredIndexes(source, overrides, number + 1, timeMs);
  const hasLocalIndexes = indexes.some(({ kind }) => kind === 'LOCAL');
  return {
    number,
    id: randomUUID(),
    region,
    name: overrides.TargetTableName,
    status: 'CREATING',
    createdMs: timeMs,
    keySchema: source.keySchema,
    attributeDefinitions: definitionsFor(source.keySchema, indexes, source.attributeDefinitions),
    billing: newBilling(tableCapacities(source, overrides), modeOf(overrides, source), timeMs),
    deletionProtection: false,
    indexes,
    ...(hasLocalIndexes && { collections: number + 1 + indexes.length }),
    loading,
  };
}

function tableCapacities(source: TableDefinition, overrides: RestoreOverrides): Capacities {
  const { ProvisionedThroughputOverride: units, OnDemandThroughputOverride: maximum } = overrides;
  return {
    ...recordedCapacities(source.billing, modeOf(overrides, source)),
    ...(units !== undefined && { ProvisionedThroughput: units }),
    ...(maximum !== undefined && { OnDemandThroughput: maximum }),
  };
}

/** What of a capacity comes back under the mode that results. */
function recordedCapacities(billing: Billing, mode: Billing['mode']): Capacities {
  const { readUnits, writeUnits, onDemandMaximum } = settledBilling(billing);
  if (mode === 'PROVISIONED') {
    return { ProvisionedThroughput: { ReadCapacityUnits: readUnits, WriteCapacityUnits: writeUnits } };
  }
  return onDemandMaximum === undefined ? {} : { OnDemandThroughput: onDemandMaximum };
}

/** The local ones first, numbered from `firstNumber`. */
function restoredIndexes(
  source: TableDefinition,
  overrides: RestoreOverrides,
  firstNumber: number,
  timeMs: number,
): IndexDefinition[] {
  const indexes = [...localIndexes(source, overrides), ...globalIndexes(source, overrides, timeMs)];
  return indexes.map((index, i) => ({ ...index, number: firstNumber + i }));
}

type UnnumberedIndex = Omit<IndexDefinition, 'number'>;

function localIndexes(
  source: TableDefinition,
  { LocalSecondaryIndexOverride: override }: RestoreOverrides,
): UnnumberedIndex[] {
  if (override === undefined) return restorableIndexes(source, 'LOCAL').map(newLocalIndex);
  return override.map(({ IndexName: name, KeySchema: keySchema, Projection: projection }) =>
    newLocalIndex({ name, keySchema, projection: projection as IndexDefinition['projection'] }),
  );
}

function globalIndexes(
  source: TableDefinition,
  overrides: RestoreOverrides,
  timeMs: number,
): UnnumberedIndex[] {
  const mode = modeOf(overrides, source);
  const { GlobalSecondaryIndexOverride: override } = overrides;
  if (override === undefined) {
    return restorableIndexes(source, 'GLOBAL').map((index) =>
      newGlobalIndex(
        index,
        newBilling(recordedCapacities(index.billing ?? source.billing, mode), mode, timeMs),
      ),
    );
  }
  return override.map((index) => {
    const { IndexName: name, KeySchema: keySchema, Projection: projection } = index;
    const shape = { name, keySchema, projection: projection as IndexDefinition['projection'] };
    return newGlobalIndex(shape, newBilling(index, mode, timeMs));
  });
}

type IndexShape = Pick<IndexDefinition, 'name' | 'keySchema' | 'projection'>;

function newLocalIndex({ name, keySchema, projection }: IndexShape): UnnumberedIndex {
  return {
    name,
    kind: 'LOCAL',
    status: 'ACTIVE',
    backfilling: false,
    keySchema,
    projection,
    billing: undefined,
  };
}

/** It is there as soon as the table is. */
function newGlobalIndex(shape: IndexShape, billing: Billing): UnnumberedIndex {
  return { ...newLocalIndex(shape), kind: 'GLOBAL', status: 'CREATING', billing };
}
