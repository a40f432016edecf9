import { canonicalItem, type Item, itemSize } from '../attribute-value.ts';
import { type DynamoDbError, validationError } from '../errors.ts';
import type { KeyBytes } from '../key.ts';
import type {
  TransactConditionCheck,
  TransactDelete,
  TransactGet,
  TransactGetItemsInput,
  TransactPut,
  TransactUpdate,
  TransactWriteItem,
  TransactWriteItemsInput,
} from '../operation.ts';
import { inOlderWords } from '../wording.ts';
import { checkItem } from './item.ts';
import { type Input, validateShape } from './shapes.ts';

/**
 * What can be said against a transaction before its tables are looked at. AWS looks at one action after the other, in
 * the request's order, at each action's expressions before its item or key, and reports what it finds first as an error
 * of the whole request.
 */

/** AWS: API_TransactWriteItems. The actions are not looked into: `actionOf`, then `attributesOf`. */
export function validateTransactWriteItems(input: Input): TransactWriteItemsInput {
  return validateShape('TransactWriteItems', input);
}

/** AWS: API_TransactGetItems. The actions are not looked into: `keyOf`. */
export function validateTransactGetItems(input: Input): TransactGetItemsInput {
  return validateShape('TransactGetItems', input);
}

export type TransactAction =
  | { readonly kind: 'put'; readonly request: TransactPut }
  | { readonly kind: 'update'; readonly request: TransactUpdate }
  | { readonly kind: 'delete'; readonly request: TransactDelete }
  | { readonly kind: 'check'; readonly request: TransactConditionCheck };

/** @throws ValidationException if it is none or several. */
export function actionOf(item: TransactWriteItem): TransactAction {
  const [action, ...others] = actionsOf(item);
  if (action === undefined) {
    throw validationError(
      'Invalid Request: TransactWriteRequest should contain Delete or Put or Update request',
    );
  }
  if (others.length > 0) {
    throw validationError('TransactItems can only contain one of Check, Put, Update or Delete');
  }
  return action;
}

/**
 * What the action puts, or the key that it names, with canonical values.
 * @throws ValidationException for its names, its values, or the size of an item.
 */
export function attributesOf(action: TransactAction): Item {
  return inOlderWords(() =>
    action.kind === 'put' ? checkItem(action.request.Item) : canonicalItem(action.request.Key),
  );
}

/** @throws ValidationException for a value that is not valid. */
export function keyOf(get: TransactGet): Item {
  return inOlderWords(() => canonicalItem(get.Key));
}

/**
 * What an action adds to the size of its request. Items that it deletes or updates may be larger.
 * @param attributes those of `attributesOf`.
 */
export function payloadBytes({ request }: TransactAction, attributes: Item): number {
  return itemSize(attributes) + itemSize(request.ExpressionAttributeValues ?? {});
}

/** What all actions write, or read, in one transaction (AWS: ServiceQuotas). */
const transactionBytesMax = 4 * 1024 * 1024;

/** @throws ValidationException with AWS's text, as it is. */
export function checkTransactionBytes(bytes: number): void {
  if (bytes <= transactionBytesMax) return;
  const text = 'Transaction payload size cannot exceed 4MB. Payload Size: ';
  throw validationError(`${text}: ${text}${bytes}`);
}

/** @param targets the tables' identities with the canonical keys of their items. */
export function checkDistinctTargets(targets: readonly KeyBytes[]): void {
  if (new Set(targets).size === targets.length) return;
  throw validationError('Transaction request cannot include multiple operations on one item');
}

/**
 * Most of what does not fit a table's keys is a reason to cancel the transaction. Empty values for key attributes, of
 * the table or of an index, AWS reports as an error of the request.
 */
export function isErrorOfRequest(error: DynamoDbError): boolean {
  return error.message.startsWith('One or more parameter values are not valid.');
}

function actionsOf({ Put, Update, Delete, ConditionCheck }: TransactWriteItem): TransactAction[] {
  const actions: TransactAction[] = [];
  if (ConditionCheck !== undefined) actions.push({ kind: 'check', request: ConditionCheck });
  if (Put !== undefined) actions.push({ kind: 'put', request: Put });
  if (Update !== undefined) actions.push({ kind: 'update', request: Update });
  if (Delete !== undefined) actions.push({ kind: 'delete', request: Delete });
  return actions;
}
