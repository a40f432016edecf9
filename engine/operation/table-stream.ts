import { resourceInUse, validationError } from '../../protocol/errors.ts';
import type { StreamSpecification } from '../../protocol/operation.ts';
import type { WriteContext } from '../commit.ts';
import type { TableDefinition } from '../table-definition.ts';

/** What of a table's definition a StreamSpecification makes or changes. */
export type StreamOfTable = Pick<TableDefinition, 'stream'>;

/**
 * The stream that a table is created with, or gets by an update; nothing where none is asked for.
 * @param shardCount into how many shards it is cut.
 */
export function newStream(
  specification: StreamSpecification | undefined,
  { region, name }: Pick<TableDefinition, 'region' | 'name'>,
  { catalog, timeMs }: WriteContext,
  shardCount: number,
): StreamOfTable | undefined {
  const viewType = specification?.StreamViewType;
  if (specification?.StreamEnabled !== true || viewType === undefined) return undefined;
  const label = catalog.streams.newLabel(region, name, timeMs);
  return { stream: { label, viewType, status: 'ENABLING', shardCount } };
}

/**
 * A view type cannot be changed: the stream has to be disabled first, and the next one is another (AWS: API_UpdateTable; texts
 * measured in October 2026).
 * @throws ValidationException if nothing would change, ResourceInUseException while it is changing
 */
export function changedStream(
  specification: StreamSpecification | undefined,
  table: TableDefinition,
  context: WriteContext,
  shardCount: number,
): StreamOfTable | undefined {
  if (specification === undefined) return undefined;
  const { stream, name } = table;
  if (stream?.status === 'ENABLING' || stream?.status === 'DISABLING') {
    throw resourceInUse(
      `Attempt to change a resource which is still in use: Table: ${name} is in the process of being updated.`,
    );
  }
  const isEnabled = stream?.status === 'ENABLED';
  if (!specification.StreamEnabled) {
    if (stream === undefined || !isEnabled) {
      throw validationError(`Table has no stream to disable: TableName: ${name}`);
    }
    return { stream: { ...stream, status: 'DISABLING' } };
  }
  if (isEnabled) throw validationError(`Table already has an enabled stream: TableName: ${name}`);
  return newStream(specification, table, context, shardCount);
}
