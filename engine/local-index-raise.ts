import type { Logger } from '../protocol/logger.ts';
import type { Catalog } from './catalog.ts';
import { FoundItem } from './state/found-item.ts';
import { raisedLocalKey } from './state/index-layout.ts';
import { decodeValue, StateDamagedError, type StateKey, tablePrefix } from './state/layout.ts';
import type { OverlayEntry } from './state/overlay.ts';
import type { Store } from './state/store.ts';

/**
 * Moves the entries of local indexes in LMDB to where format 4 of data folders has them.
 *
 * Invariants
 *  1. It runs between replay, which has written to the overlay alone, and the first apply. So it knows all indexes, also
 *     those of which LMDB has entries and no definition yet, and nobody else writes LMDB.
 *  2. An entry is put where it belongs before it is removed where it was, and tells by itself whether it has been moved:
 *     this can end anywhere and be begun again.
 *  3. A damaged entry stays where it is, for reads and checks to find: it does not say where it belongs.
 */
export async function raiseLocalIndexes(store: Store, catalog: Catalog, log: Logger): Promise<void> {
  for (const table of catalog.all()) {
    for (const index of table.indexes) {
      if (index.isGlobal) continue;
      await raiseIndex(store, index.number, log, { table: table.name, index: index.name });
    }
  }
}

async function raiseIndex(store: Store, number: number, log: Logger, names: object): Promise<void> {
  let moved = 0;
  let next: StateKey | undefined = tablePrefix(number);
  for (let slices = 1; next !== undefined; slices++) {
    const slice: Slice = readSlice(store, next, tablePrefix(number + 1), log);
    await store.apply([...slice.puts, ...slice.removals], new Map());
    store.refresh();
    moved += slice.puts.length;
    next = slice.next;
    if (slices % slicesPerReport === 0) log.info({ ...names, moved }, 'moving the entries of a local index');
  }
  if (moved > 0) log.info({ ...names, moved }, 'the entries of a local index have moved to their new order');
}

type Write = readonly [key: StateKey, entry: OverlayEntry];

interface Slice {
  readonly puts: readonly Write[];
  readonly removals: readonly Write[];
  /** Where the next one begins; undefined behind the last one. */
  readonly next: StateKey | undefined;
}

function readSlice(store: Store, start: StateKey, end: StateKey, log: Logger): Slice {
  const puts: Write[] = [];
  const removals: Write[] = [];
  let entries = 0;
  let bytes = 0;
  for (const { key, value } of store.rawRange(start, end)) {
    if (entries >= sliceEntriesMax || bytes >= sliceBytesMax) return { puts, removals, next: key };
    entries++;
    bytes += value.length;
    const put = moveOf(key, value, log);
    if (put === undefined) continue;
    puts.push(put);
    removals.push([key, { item: undefined }]);
  }
  return { puts, removals, next: undefined };
}

/** Undefined for an entry that stays. */
function moveOf(key: StateKey, value: Buffer, log: Logger): Write | undefined {
  try {
    const item = decodeValue(key, value);
    const raised = raisedLocalKey(FoundItem.inMemory(key, item));
    return raised === undefined ? undefined : [raised, { item }];
  } catch (error) {
    if (!(error instanceof StateDamagedError)) throw error;
    log.error({ err: error }, 'cannot move a damaged entry of a local index');
    return undefined;
  }
}

/** Their puts and removals are committed in one transaction of LMDB. */
const sliceEntriesMax = 2000;
const sliceBytesMax = 4 * 1024 * 1024;
const slicesPerReport = 50;
