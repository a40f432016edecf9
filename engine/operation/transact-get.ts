import type { Request } from '../../protocol/backend.ts';
import { readUnits } from '../../protocol/capacity.ts';
import { checkKeyPaths, projectedDocuments } from '../../protocol/expression/key-paths.ts';
import type { Projection } from '../../protocol/expression/projection.ts';
import { canonicalKey, type KeyBytes } from '../../protocol/key.ts';
import type { TransactGet, TransactGetItemsInput } from '../../protocol/operation.ts';
import { type ItemJson, PartJson, type Reply } from '../../protocol/reply.ts';
import { checkKey } from '../../protocol/validate/item.ts';
import { checkTransactionBytes, keyOf, validateTransactGetItems } from '../../protocol/validate/transact.ts';
import type { Table } from '../catalog.ts';
import type { Services } from '../services.ts';
import { projected, projectionOf } from './read.ts';
import { TableCapacities } from './table-capacities.ts';
import { planAll, readAll } from './transaction.ts';

/**
 * AWS: API_TransactGetItems. All items are read in one turn of the event loop, so they are of one state: no transaction
 * is seen in part, nor anything that is not durable.
 */
export function transactGetItems(services: Services, request: Request): Reply {
  const input = validateTransactGetItems(request.input);
  const gets = input.TransactItems.map(({ Get: get }) => boundGet(get));
  const placed = gets.map((get) => ({ get, table: services.catalog.serving(request.region, get.tableName) }));
  const planned = planAll(placed, ({ get, table }) => planGet(get, table));
  const items = readAll(services, planned);
  checkTransactionBytes(items.reduce((bytes, item) => bytes + (item?.size ?? 0), 0));
  return getReply(input, planned, items);
}

interface BoundGet {
  /** The table's name or ARN, as the request has it. */
  readonly tableName: string;
  readonly attributes: TransactGet['Key'];
  readonly projection: Projection | undefined;
}

interface PlannedGet extends BoundGet {
  readonly table: Table;
  readonly key: KeyBytes;
}

/** Names for no expression are let pass, other than in a GetItem (measured). */
function boundGet(get: TransactGet): BoundGet {
  const projection = get.ProjectionExpression === undefined ? undefined : projectionOf(get);
  return { tableName: get.TableName, attributes: keyOf(get), projection };
}

function planGet(get: BoundGet, table: Table): PlannedGet {
  if (get.projection !== undefined) checkKeyPaths(projectedDocuments(get.projection), table.schema);
  checkKey(table.schema, get.attributes);
  return { ...get, table, key: canonicalKey(table.schema, get.attributes) };
}

function getReply(
  { ReturnConsumedCapacity: mode }: TransactGetItemsInput,
  gets: readonly PlannedGet[],
  items: readonly (ItemJson | undefined)[],
): Reply {
  const capacity = new TableCapacities(mode, 'transactionalRead');
  const responses = gets.map(({ tableName, projection }, i) => {
    const item = items[i];
    capacity.add(tableName, { table: readUnits(item?.size ?? 0, 'transactional') });
    return item === undefined ? {} : response(projected(item, projection));
  });
  return capacity.reply({ Responses: responses });
}

/** An item of which the projection leaves nothing is not shown at all, unlike in GetItem. */
function response(item: ItemJson | PartJson): object {
  return item instanceof PartJson && item.isEmpty ? {} : { Item: item };
}
