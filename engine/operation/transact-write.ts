import type { Request } from '../../protocol/backend.ts';
import { readUnits } from '../../protocol/capacity.ts';
import type { TransactWriteItem, TransactWriteItemsInput } from '../../protocol/operation.ts';
import type { Reply } from '../../protocol/reply.ts';
import {
  actionOf,
  attributesOf,
  checkTransactionBytes,
  payloadBytes,
  validateTransactWriteItems,
} from '../../protocol/validate/transact.ts';
import { inOlderWords } from '../../protocol/wording.ts';
import type { Evaluated } from '../commit.ts';
import { CollectionSizes } from '../item-collections.ts';
import type { Services } from '../services.ts';
import { tokenRecord } from '../transaction-tokens.ts';
import { TableCollections } from './item-collection-metrics.ts';
import {
  bindExpressions,
  evaluateWrite,
  type ItemWrite,
  type PlannedWrite,
  planWrite,
  type WriteResult,
} from './item-write.ts';
import { requestDigest } from './request-digest.ts';
import { TableCapacities } from './table-capacities.ts';
import { doAll, planAll, readAll } from './transaction.ts';

/**
 * AWS: API_TransactWriteItems. A transaction is one write of the commit queue and one entry of the log: all of it
 * happens or nothing. The queue evaluates one write after the other, each against all before it, so transactions never
 * conflict and TransactionConflictException is never sent.
 */
export async function transactWriteItems(services: Services, request: Request): Promise<Reply> {
  const input = validateTransactWriteItems(request.input);
  const actions = boundActions(input.TransactItems);
  const { ClientRequestToken: token } = input;
  if (token === undefined) return submit(services, request, input, actions);
  const use = { region: request.region, token, digest: requestDigest(input.TransactItems) };
  return services.transactionTokens.once(
    use,
    services.clock.now(),
    () => submit(services, request, input, actions, tokenRecord(use)),
    () => repeatedReply(services, request, input, actions),
  );
}

/** One action of a transaction. All are on different items, so each sees what was there before all of them. */
interface Action extends ItemWrite {
  /** The table's name or ARN, as the request has it. */
  readonly tableName: string;
}

type PlannedAction = Action & PlannedWrite;

/** @throws ValidationException for what is wrong with the request in itself. */
function boundActions(items: readonly TransactWriteItem[]): Action[] {
  let bytes = 0;
  const actions = items.map((item): Action => {
    const action = actionOf(item);
    const expressions = inOlderWords(() => bindExpressions(action.request, 'action'));
    const attributes = attributesOf(action);
    bytes += payloadBytes(action, attributes);
    return { kind: action.kind, tableName: action.request.TableName, attributes, ...expressions };
  });
  checkTransactionBytes(bytes);
  return actions;
}

/** @param token what the log is to have along with the changes. */
async function submit(
  services: Services,
  request: Request,
  input: TransactWriteItemsInput,
  actions: readonly Action[],
  token?: string,
): Promise<Reply> {
  const planned = plan(services, request, actions);
  return services.committer.submit((context): Evaluated => {
    const payment = { transactional: true, call: services.throughput.call() };
    const sizes = new CollectionSizes(context, services.itemCollectionBytesMax);
    const results = doAll(planned, (action) => evaluateWrite(context, action, payment, sizes));
    const changes = results.flatMap(({ change }) => (change === undefined ? [] : [change]));
    const reply = writeReply(input, planned, results, sizes);
    return token === undefined ? { changes, reply } : { changes, reply, token };
  }, request.origin);
}

/** All tables have to be there before any action is held against its own. */
function plan({ catalog }: Services, { region }: Request, actions: readonly Action[]): PlannedAction[] {
  const placed = actions.map((action) => ({ action, table: catalog.serving(region, action.tableName) }));
  return planAll(placed, ({ action, table }) => ({ ...action, ...planWrite(action, table) }));
}

function writeReply(
  { ReturnConsumedCapacity, ReturnItemCollectionMetrics }: TransactWriteItemsInput,
  actions: readonly PlannedAction[],
  results: readonly WriteResult[],
  sizes: CollectionSizes,
): Reply {
  const capacity = new TableCapacities(ReturnConsumedCapacity, 'transactionalWrite');
  const collections = new TableCollections(ReturnItemCollectionMetrics);
  for (const [i, action] of actions.entries()) {
    capacity.add(action.tableName, (results[i] as WriteResult).units);
    collections.add(action.tableName, action);
  }
  return capacity.reply(collections.output(sizes));
}

/** Answers a transaction that has happened already: nothing is written, and it costs what reading its items does. */
function repeatedReply(
  services: Services,
  request: Request,
  { ReturnConsumedCapacity: mode }: TransactWriteItemsInput,
  actions: readonly Action[],
): Reply {
  const capacity = new TableCapacities(mode, 'transactionalRead');
  const planned = plan(services, request, actions);
  const items = readAll(services, planned);
  for (const [i, { tableName }] of planned.entries()) {
    capacity.add(tableName, { table: readUnits(items[i]?.size ?? 0, 'transactional') });
  }
  return capacity.reply({});
}
