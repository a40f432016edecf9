import {
  hashName,
  type ItemRequest,
  type Request,
  rangeName,
  type TransactAction,
  type TransactWriteItems,
} from './request.ts';
import { canonicalItem, type Item, stable } from './value.ts';

/** The same request on the sequence's own tables, with a token of its own. */
export function named<R extends Request>(request: R, prefix: string): R {
  const all = <One extends { readonly table: string }>(some: readonly One[]) =>
    some.map((one) => ({ ...one, table: prefix + one.table }));
  if ('table' in request) return { ...request, table: prefix + request.table };
  if ('tables' in request) return { ...request, tables: all<{ readonly table: string }>(request.tables) };
  if ('gets' in request) return { ...request, gets: all(request.gets) };
  const { actions, token } = request as TransactWriteItems;
  return { ...request, actions: all(actions), token: token && prefix + token };
}

/** A transaction with a token is always written out the same, as its repetition has to be. */
export function styleOf(request: Request, style: number): number {
  return request.op === 'TransactWriteItems' && request.token !== undefined ? 0 : style;
}

/** Those whose order cannot matter: each is about other items than those before it, or reads. */
export function independentOf<R extends ItemRequest | TransactWriteItems>(requests: readonly R[]): R[] {
  const taken = new Set<string>();
  return requests.filter((request) => {
    if (request.op === 'GetItem') return true;
    const items = placesOf(request).map(stable);
    const isFree = items.every((item) => !taken.has(item));
    if (isFree) for (const item of items) taken.add(item);
    return isFree;
  });
}

/** The items that a request is about. */
export function placesOf(request: ItemRequest | TransactWriteItems): Place[] {
  return request.op === 'TransactWriteItems' ? request.actions.map(placeOf) : [placeOf(request)];
}

export interface Place {
  readonly table: string;
  readonly key: Item;
}

export function placeOf(request: ItemRequest | TransactAction): Place {
  return { table: request.table, key: looseKey(request) };
}

/** Keys that are not valid all count as one. */
export function looseKey(request: ItemRequest | TransactAction): Item {
  const item = request.op === 'PutItem' ? request.item : request.key;
  try {
    return canonicalItem(
      Object.fromEntries(Object.entries(item).filter(([name]) => name === hashName || name === rangeName)),
    );
  } catch {
    return {};
  }
}
