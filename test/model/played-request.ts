import { hashName, type ItemRequest, type Request, rangeName, type TransactWriteItems } from './request.ts';
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

/** Whether the order in which two requests are served cannot matter: they are about different items, or one reads. */
export function areIndependent(a: ItemRequest, b: ItemRequest): boolean {
  if (a.op === 'GetItem' || b.op === 'GetItem' || a.table !== b.table) return true;
  return stable(looseKey(a)) !== stable(looseKey(b));
}

/** Keys that are not valid all count as one. */
export function looseKey(request: ItemRequest): Item {
  const item = request.op === 'PutItem' ? request.item : request.key;
  try {
    return canonicalItem(
      Object.fromEntries(Object.entries(item).filter(([name]) => name === hashName || name === rangeName)),
    );
  } catch {
    return {};
  }
}
