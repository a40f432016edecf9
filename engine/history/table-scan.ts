import type { FoundItem } from '../state/found-item.ts';
import { keyAfter, type StateKey, tablePrefix } from '../state/layout.ts';
import type { Store } from '../state/store.ts';
import type { ItemKey } from './load-plan.ts';

/**
 * Visits the items of a table that LMDB has, in the order of their keys, in slices: each is one short read transaction, and between two of
 * them others may write. So items are as they were at different moments.
 * @param visit gets each item, checked, to be used before the next one.
 * @returns something to iterate over: it stops between the slices.
 * @throws StateDamagedError naming the key
 */
export async function* scanTable(
  store: Store,
  table: number,
  visit: (key: ItemKey, item: FoundItem) => void,
): AsyncGenerator<undefined, void> {
  const end = tablePrefix(table + 1);
  let last: StateKey | undefined = tablePrefix(table);
  while (last !== undefined) {
    store.refresh();
    last = scanSlice(store, last, end, visit);
    store.refresh();
    yield undefined;
    last &&= keyAfter(last);
  }
}

/** @returns the last key of the slice; undefined at the end. */
function scanSlice(
  store: Store,
  start: StateKey,
  end: StateKey,
  visit: (key: ItemKey, item: FoundItem) => void,
): StateKey | undefined {
  const range = store.range(start, end, false);
  try {
    let bytes = 0;
    for (let found = range.next(); found !== undefined; found = range.next()) {
      found.check();
      visit(found.key.slice(tablePrefixBytes), found);
      bytes += found.end + rowCost;
      if (bytes >= sliceBytes) return found.key;
    }
    return undefined;
  } finally {
    range.close();
  }
}

const tablePrefixBytes = 4;

/** What a slice reads, in bytes: some 5 ms. A small item costs as much time as so many bytes more. */
const sliceBytes = 1024 * 1024;
const rowCost = 256;
