import { readUnits } from '../../protocol/capacity.ts';
import { type CancellationReason, DynamoDbError, transactionCanceled } from '../../protocol/errors.ts';
import type { KeyBytes } from '../../protocol/key.ts';
import type { ItemJson } from '../../protocol/reply.ts';
import { checkDistinctTargets, isErrorOfRequest } from '../../protocol/validate/transact.ts';
import type { Table } from '../catalog.ts';
import type { Services } from '../services.ts';
import { stateKey } from '../state/layout.ts';

/** What the plan of an action knows of its item, whether the action reads or writes it. */
interface Target {
  readonly table: Table;
  readonly key: KeyBytes;
}

/**
 * Plans every action of a transaction.
 * @throws ValidationException if two actions are on one item; TransactionCanceledException for the first action that
 *   does not fit its table, which is the only one that AWS gives a reason for; what is no reason to cancel, as it is.
 */
export function planAll<A, P extends Target>(actions: readonly A[], plan: (action: A) => P): P[] {
  const planned: P[] = [];
  let first: { readonly position: number; readonly reason: CancellationReason } | undefined;
  for (const [position, action] of actions.entries()) {
    try {
      planned.push(plan(action));
    } catch (error) {
      const reason = cancellationReason(error);
      first ??= { position, reason };
    }
  }
  checkDistinctTargets(planned.map(({ table, key }) => stateKey(table.number, key)));
  if (first === undefined) return planned;
  const { position, reason } = first;
  throw transactionCanceled(actions.map((_, i) => (i === position ? reason : none)));
}

/**
 * Does what every action of a transaction asks for.
 * @throws TransactionCanceledException with the reasons of all that fail; what is no reason to cancel, as it is.
 */
export function doAll<P, R>(planned: readonly P[], act: (plan: P) => R): R[] {
  const results: R[] = [];
  const reasons = planned.map((plan) => {
    try {
      results.push(act(plan));
      return none;
    } catch (error) {
      return cancellationReason(error);
    }
  });
  if (results.length < planned.length) throw transactionCanceled(reasons);
  return results;
}

/**
 * Reads the items of a transaction, or finds that they are not there.
 * @throws TransactionCanceledException if they cost more than their tables have.
 */
export function readAll(
  { state, throughput }: Services,
  targets: readonly Target[],
): (ItemJson | undefined)[] {
  const call = throughput.call();
  const reads = targets.map(({ table, key }) => ({ table, key: stateKey(table.number, key) }));
  const items = doAll(reads, ({ table, key }) => {
    call?.admitRead(table, undefined, key);
    return state.get(key);
  });
  for (const [i, { table, key }] of reads.entries()) {
    call?.spendRead(table, undefined, key, readUnits(items[i]?.size ?? 0, 'transactional'));
  }
  return items;
}

const none: CancellationReason = { Code: 'None' };

/** The errors of single calls that cancel a transaction, and their codes then (AWS: API_CancellationReason). */
const reasonCodes: ReadonlyMap<string, string> = new Map([
  ['ConditionalCheckFailedException', 'ConditionalCheckFailed'],
  ['ItemCollectionSizeLimitExceededException', 'ItemCollectionSizeLimitExceeded'],
  ['ProvisionedThroughputExceededException', 'ProvisionedThroughputExceeded'],
  ['ThrottlingException', 'ThrottlingError'],
  ['ValidationException', 'ValidationError'],
]);

/** @throws the error itself if it is one of the whole request. */
function cancellationReason(error: unknown): CancellationReason {
  if (!(error instanceof DynamoDbError) || isErrorOfRequest(error)) throw error;
  const code = reasonCodes.get(error.code);
  if (code === undefined) throw error;
  const { Item: item } = error.members;
  return { Code: code, Message: error.message, ...(item !== undefined && { Item: item }) };
}
