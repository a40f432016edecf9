import type { Item } from '../../protocol/attribute-value.ts';
import { canonicalItem, equalItems } from '../../protocol/attribute-value.ts';
import { type CachedItem, decodeItem, parseItem } from '../cache/cached-item.ts';
import { changedGenerations, type ItemChange } from '../cache/changed-generations.ts';
import type { Coherence } from '../cache/coherence.ts';
import type { Pages } from '../cache/pages.ts';
import type { SharedCache } from '../cache/shared.ts';
import type { Table, TableDescriptions } from '../table-descriptions.ts';
import type { FollowedTable } from './followed-table.ts';

/** One change that the stream told of; the images are canonical. */
export interface StreamChange extends ItemChange {
  readonly table: FollowedTable;
}

/** The caches that hear of what the streams tell. Neither method throws or rejects. */
export interface Invalidations {
  /** @returns whether everybody concerned has been told; if not, it will be told again. */
  changed(change: StreamChange): boolean | Promise<boolean>;
  /**
   * Any item of the table may have been written.
   * @param holdMs for how long from now it may happen again without being told.
   * @returns whether everybody concerned has been told. If not, this process will tell them, unless it ends before.
   */
  voidTable(tableId: string, holdMs: number): boolean | Promise<boolean>;
}

/** Where the tables' descriptions are. */
export type DescribedTables = Pick<TableDescriptions, 'byId' | 'find'>;

/** What one process has cached, as far as it concerns the streams. */
export interface LocalCaches {
  readonly items: Pick<Coherence<CachedItem>, 'invalidateUnless' | 'voidTable' | 'suspendTable'>;
  readonly pages: Pick<Pages, 'isConcerned' | 'endGenerations'>;
}

/**
 * The caches of this process alone.
 *
 * A write that came through here comes back as a record, and should not drop what it put. So a record whose new image
 * is the very item that is cached leaves it, whoever wrote it. Why that is safe: a value that a later change has made
 * wrong was put before that change's record comes, as a reader who asked before that loses its token to the record, and a
 * writer who did has a tainted fence. So that record finds the value, and the last record of a key has the image that the
 * store has now: equal is right, and unequal is dropped. What records before the last one leave, the last one finds. A
 * key under a fence has no value, so a record that comes before the answer of its own write taints that write's fence:
 * then its item is read anew.
 *
 * Pages are dropped by every record, also by one whose write dropped them before: they do not tell when they were read.
 */
export class LocalInvalidations implements Invalidations {
  readonly #caches: LocalCaches;
  readonly #tables: Pick<DescribedTables, 'byId'>;

  constructor(caches: LocalCaches, tables: Pick<DescribedTables, 'byId'>) {
    this.#caches = caches;
    this.#tables = tables;
  }

  changed(change: StreamChange): true {
    const { table, key, newItem } = change;
    this.#caches.items.invalidateUnless(table.id, key, (cached) => isSameItem(cached, newItem));
    this.#endGenerations(change);
    return true;
  }

  voidTable(tableId: string, holdMs: number): true {
    if (holdMs > 0) this.#caches.items.suspendTable(tableId, holdMs);
    else this.#caches.items.voidTable(tableId);
    return true;
  }

  /** What has no description has no pages. */
  #endGenerations(change: StreamChange): void {
    const { pages } = this.#caches;
    const { id } = change.table;
    const table = pages.isConcerned(id) ? this.#tables.byId(id) : undefined;
    if (table !== undefined) pages.endGenerations(id, changedGenerations(table, change));
  }
}

/**
 * The cache that a fleet shares, and through it those of its proxies. The item that a record tells of stays in it as it
 * does in `LocalInvalidations`, and for the same reason; what the proxies themselves have may be older than that, and is
 * dropped by every record. A value counts only under the table's version that this proxy knows: under another one somebody's
 * token may stand beside it.
 *
 * The other proxies may use a table that this one has given up, so its description is asked for where it is not known, or
 * too old: a new index is known here before anybody keeps its pages.
 */
export class SharedInvalidations implements Invalidations {
  readonly #shared: ToldCache;
  readonly #tables: Pick<DescribedTables, 'find'>;

  constructor(shared: ToldCache, tables: Pick<DescribedTables, 'find'>) {
    this.#shared = shared;
    this.#tables = tables;
  }

  async changed(change: StreamChange): Promise<boolean> {
    const { id, name, region } = change.table;
    const table = await this.#tables.find(region, name);
    if (table?.id === id) return this.#tell(table, change);
    return this.#shared.voidTable(id, 0);
  }

  async #tell(table: Table, change: StreamChange): Promise<boolean> {
    const { key, newItem } = change;
    const generations = changedGenerations(table, change);
    const shared = await this.#shared.table(table);
    if (shared === undefined) return this.#shared.invalidate(table.id, key, generations);
    const isLeft = (value: Buffer) => isSameItem(decodeItem(value), newItem);
    return this.#shared.invalidateUnless(shared, key, generations, isLeft);
  }

  voidTable(tableId: string, holdMs: number): Promise<boolean> {
    return this.#shared.voidTable(tableId, holdMs);
  }
}

/** What the streams need of the cache that a fleet shares. */
export type ToldCache = Pick<SharedCache, 'table' | 'invalidate' | 'invalidateUnless' | 'voidTable'>;

function isSameItem(cached: CachedItem, newItem: ItemChange['newItem']): boolean {
  if (newItem === 'unknown') return false;
  if (cached.item === undefined || newItem === undefined) return cached.item === newItem;
  const item = canonical(parseItem(cached.item));
  return item !== undefined && equalItems(item, newItem);
}

/** What DynamoDB would refuse is equal to nothing. */
function canonical(item: Item): Item | undefined {
  try {
    return canonicalItem(item);
  } catch {
    return undefined;
  }
}
