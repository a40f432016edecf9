import type { StateKey } from '../../engine/state/layout.ts';
import type { Store } from '../../engine/state/store.ts';
import type { ItemJson } from '../../protocol/reply.ts';

/** What LMDB has in [start, end), from the end if `reverse`. */
export function storedItems(
  store: Store,
  start: StateKey,
  end: StateKey,
  reverse = false,
): [StateKey, ItemJson][] {
  const items: [StateKey, ItemJson][] = [];
  const range = store.range(start, end, reverse);
  for (let found = range.next(); found !== undefined; found = range.next()) {
    items.push([found.key, found.take()]);
  }
  return items;
}
