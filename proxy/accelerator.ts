import type { Item } from '../protocol/attribute-value.ts';
import type { Backend, ChangeFeed, CommittedChange, Request } from '../protocol/backend.ts';
import type { Clock } from '../protocol/clock.ts';
import type { Logger } from '../protocol/logger.ts';
import type { ItemJson, Reply } from '../protocol/reply.ts';
import { type AcceleratorParts, newParts, type PageFlights } from './accelerator-parts.ts';
import { type CachedItem, cachedItem, parseItem } from './cache/cached-item.ts';
import { changedGenerations } from './cache/changed-generations.ts';
import type { Coherence, CoherenceUsage } from './cache/coherence.ts';
import type { Flights } from './cache/flights.ts';
import { ItemReads } from './cache/item-reads.ts';
import { ItemWrites } from './cache/item-writes.ts';
import type { Pages } from './cache/pages.ts';
import { QueryReads } from './cache/query-reads.ts';
import { isLocalTrusted, type SharedCache, type SharedListener } from './cache/shared.ts';
import { SharedItems } from './cache/shared-items.ts';
import { SharedPages } from './cache/shared-pages.ts';
import { SharedWrites } from './cache/shared-writes.ts';
import type { TableCounters, TableCounts } from './cache/table-counters.ts';
import { CacheSettings } from './cache-settings.ts';
import { type FlushTarget, flush } from './flush.ts';
import { type Invalidations, LocalInvalidations, SharedInvalidations } from './follower/invalidations.ts';
import type { TableFollowing } from './follower.ts';
import { effectOf } from './operations.ts';
import { TableChanges } from './table-changes.ts';
import { TableDescriptions } from './table-descriptions.ts';

/** All times are in milliseconds. */
export interface AcceleratorOptions {
  /** What the cache may hold, in bytes, everything counted; at least 1. */
  readonly cacheBytesMax: number;
  /** How long an item may be served after it was read or written; 0 for no limit. */
  readonly itemTtlMs: number;
  /** How long a page of Query or Scan may be served after it was read; 0, the default: none is kept. */
  readonly queryTtlMs?: number;
  /**
   * At most, for pages of global indexes of a store that has to settle: an index may lag behind its table for longer.
   * Absent: no limit of their own.
   */
  readonly indexTtlMs?: number;
  /** Settings of single tables, by their names, in every region. */
  readonly tables: Readonly<Record<string, TableSettings>>;
  /** How old a table's description may grow where the store does not announce changes; at least 1. */
  readonly describeMs: number;
  /**
   * How long eventually consistent reads of the store may lag behind its acknowledgements, unless the store tells of a
   * greater lag (`Backend.lagMs`); 0 for not at all.
   */
  readonly settleMs: number;
  /** How long the store may take to apply a write that it did not answer; at least 1. */
  readonly fenceMs: number;
  readonly clock: Clock;
  /**
   * Opens the cache that a fleet of proxies shares, in front of a store that announces nothing; absent: there is none. It gets
   * how long eventually consistent reads may lag now, in whole milliseconds.
   */
  readonly openShared?: (listener: SharedListener, settleMs: () => number) => SharedCache;
  /**
   * Opens what tells of the writes that go around every proxy, of each table that is met, in front of a store that announces
   * nothing; absent: nobody does.
   */
  readonly openFollower?: (invalidations: Invalidations) => TableFollowing;
  /** Gets a warning for each table that cannot be cached since the store does not describe it; absent: no warnings. */
  readonly log?: Logger;
}

export interface TableSettings {
  /** Instead of the accelerator's own. */
  readonly itemTtlMs?: number;
  readonly queryTtlMs?: number;
  /** False: nothing of this table is cached. True by default. */
  readonly cache?: boolean;
}

/** Counts since the start, except for what is there now: entries, bytes, tokens, fences, generations, flights. */
export interface AcceleratorStats extends CoherenceUsage, Readonly<TableCounts> {
  /** Pages that were not kept since something that they show had changed meanwhile, or might have. */
  readonly queryFillsRefused: number;
  /** Of places that pages depend on. */
  readonly generations: number;
  readonly flights: number;
  /** How often the store did not describe a table that it has: nothing of it is cached then. */
  readonly undescribed: number;
}

/**
 * A Backend that answers from memory what it may, in front of the one that has the tables. What it does not
 * understand to the last member it hands on untouched, and the answer is the store's, errors included.
 *
 * In front of a store that announces its commits (`Backend.changes`) writes go straight through: the announcements
 * come in the order of the commits and before the acknowledgements, and keep the cache as it should be. In front of
 * any other store each write stands under a fence. See cache/coherence.ts.
 */
export class Accelerator implements Backend {
  /** May be changed at any time. What is cached of a table is void when something else holds for it. */
  readonly settings: CacheSettings;
  readonly #backend: Backend;
  readonly #coherence: Coherence<CachedItem>;
  readonly #flights: Flights<CachedItem>;
  readonly #pages: Pages;
  readonly #pageFlights: PageFlights;
  readonly #counters: TableCounters;
  readonly #tables: TableDescriptions;
  readonly #reads: ItemReads;
  readonly #queries: QueryReads;
  readonly #writes: ItemWrites;
  readonly #changes: TableChanges;
  readonly #shared: SharedCache | undefined;
  readonly #follower: TableFollowing | undefined;
  readonly #settleMs: number;
  /** Marks the writes that come through here, whose new values are worth keeping. */
  readonly #origin = {};
  readonly #unsubscribe: (() => void) | undefined;

  /** @param parts where something else than the usual is to hold the cache together, as a test may want. */
  constructor(backend: Backend, options: AcceleratorOptions, parts?: AcceleratorParts) {
    this.settings = new CacheSettings({ queryTtlMs: 0, ...options });
    const isTold = () => this.#shared === undefined || isLocalTrusted(this.#shared, options.clock);
    const { coherence, flights, pages, pageFlights, counters } =
      parts ?? newParts(backend, options, this.settings, isTold);
    this.#backend = backend;
    this.#coherence = coherence;
    this.#flights = flights;
    this.#pages = pages;
    this.#pageFlights = pageFlights;
    this.#counters = counters;
    this.#settleMs = options.settleMs;
    this.#shared = options.openShared?.(this.#sharedListener(), () => this.#settlesMs());
    this.#tables = this.#newTables(options);
    this.#follower = options.openFollower?.(this.#invalidations());
    const { sharedItems, sharedPages, sharedWrites } = sharedParts(this.#shared, options);
    const itemParts = { coherence, flights, counters, shared: sharedItems };
    this.#reads = new ItemReads(backend, this.#tables, this.settings, itemParts);
    const { indexTtlMs = Infinity } = options;
    const pageParts = { pages, flights: pageFlights, counters, shared: sharedPages, indexTtlMs };
    this.#queries = new QueryReads(backend, this.#tables, pageParts);
    this.#writes = new ItemWrites(backend, this.#tables, coherence, pages, sharedWrites);
    this.#changes = new TableChanges(backend, this.#tables, coherence, this.#shared, options.fenceMs);
    this.settings.onChange({ tables: (names) => this.#settingsChanged(names) });
    this.#unsubscribe = backend.changes === undefined ? undefined : this.#subscribe(backend.changes);
  }

  call(request: Request): Reply | Promise<Reply> {
    const effect = effectOf(request.operation, request.input);
    switch (effect) {
      case 'read':
        return request.extensions === undefined ? this.#read(request) : this.#backend.call(request);
      case 'neutral':
        return this.#backend.call(request);
      case 'write':
        return this.#unsubscribe === undefined ? this.#writeFenced(request) : this.#writeAnnounced(request);
      case 'items':
      case 'table':
        return this.#unsubscribe === undefined
          ? this.#changes.change(request)
          : this.#writeAnnounced(request);
      case 'unlisted':
        return this.#changes.change(request);
    }
  }

  /** What is not cached is as old as the store's answer. */
  get lagMs(): number {
    return this.#backend.lagMs ?? 0;
  }

  /**
   * How far a cached answer may be behind the store's acknowledgements, in milliseconds: what the follower and this proxy of
   * a fleet may not have heard yet, the store's lag, and the settling after it. Writes around every proxy that nobody
   * follows are bounded by the time to live alone, and so are not in it.
   */
  get stalenessBoundMs(): number {
    const untoldMs = (this.#follower?.behindMs ?? 0) + (this.#shared?.unheardMsMax ?? 0);
    return untoldMs + this.lagMs + this.#settlesMs();
  }

  stats(): AcceleratorStats {
    const { undescribed } = this.#tables;
    const flights = this.#flights.size + this.#pageFlights.size;
    const { queryFillsRefused } = this.#counters;
    const counts = {
      ...this.#counters.sum(),
      queryFillsRefused,
      generations: this.#pages.size,
      flights,
      undescribed,
    };
    return { ...counts, ...this.#coherence.usage() };
  }

  /** What happened to reads by table. The object is the same at every time, and goes on counting. */
  get tableCounters(): TableCounters {
    return this.#counters;
  }

  /** Drops what is cached, here and for the whole fleet. @throws FlushError */
  flush(target: FlushTarget): Promise<void> {
    const [tables, coherence, pages, shared] = [this.#tables, this.#coherence, this.#pages, this.#shared];
    return flush(target, { tables, coherence, pages, shared });
  }

  /** Lets go of the store, which whoever opened it closes, once nothing is asked of it here any more. */
  async close(): Promise<void> {
    this.#unsubscribe?.();
    await this.#follower?.close();
    await this.#tables.idle();
    await this.#shared?.close();
  }

  #settlesMs(): number {
    return Math.ceil(Math.max(this.#settleMs, this.lagMs));
  }

  #read(request: Request): Reply | Promise<Reply> {
    const { operation } = request;
    if (operation === 'GetItem') return this.#reads.getItem(request);
    if (operation === 'Query' || operation === 'Scan') return this.#queries.read(operation, request);
    return this.#reads.batchGetItem(request);
  }

  #writeAnnounced(request: Request): Reply | Promise<Reply> {
    return this.#backend.call({ ...request, origin: this.#origin });
  }

  async #writeFenced(request: Request): Promise<Reply> {
    return (await this.#writes.write(request)) ?? this.#changes.change(request);
  }

  /** What a fleet shares was put there for another time to live. What cannot be delivered to it at once is owed. */
  #settingsChanged(names: readonly string[] | 'all'): void {
    if (names === 'all') {
      void this.#shared?.voidEverything(0);
      this.#tables.forgetAll();
      return;
    }
    for (const name of names) {
      for (const tableId of this.#tables.idsOf(name)) void this.#shared?.voidTable(tableId, 0);
      this.#tables.forget(name);
    }
  }

  #subscribe(changes: ChangeFeed): () => void {
    return changes.subscribe({
      item: (change) => this.#itemChanged(change),
      table: ({ tableName, tableId }) => {
        this.#tables.forget(tableName);
        this.#coherence.voidTable(tableId);
      },
    });
  }

  /** What others of the fleet changed, or this proxy itself, is dropped here. */
  #sharedListener(): SharedListener {
    return {
      item: (tableId, key) => this.#coherence.invalidate(tableId, key),
      generation: (tableId, name) => this.#pages.endGenerations(tableId, [name]),
      table: (tableId) => {
        this.#tables.forgetTable(tableId);
        this.#coherence.voidTable(tableId);
      },
      // What was not heard may be that a table has been replaced.
      everything: () => {
        this.#tables.forgetAll();
        this.#coherence.voidAll();
      },
    };
  }

  /** In a fleet, what one proxy is told of is dropped by all. */
  #invalidations(): Invalidations {
    const caches = { items: this.#coherence, pages: this.#pages };
    return this.#shared === undefined
      ? new LocalInvalidations(caches, this.#tables)
      : new SharedInvalidations(this.#shared, this.#tables);
  }

  #newTables({ describeMs, clock, log }: AcceleratorOptions): TableDescriptions {
    return new TableDescriptions(this.#backend, {
      describeMs,
      clock,
      log,
      onMet: (table, region, name) => {
        this.#coherence.meetTable(table.id);
        if (table.cache) this.#follower?.follow({ id: table.id, schema: table.schema, region, name });
      },
      onForgotten: (tableId) => {
        this.#coherence.voidTable(tableId);
        this.#follower?.unfollow(tableId);
      },
      // Whoever wrote under the old identity has not fenced the new one, which others may have met before.
      onReplaced: (tableId) => void this.#shared?.voidTable(tableId, 0),
      settingsOf: (name) => this.settings.of(name),
    });
  }

  #itemChanged(change: CommittedChange): void {
    const { tableId, key, newItem, origin } = change;
    const table = origin === this.#origin ? this.#tables.byId(tableId) : undefined;
    if (table?.cache !== true) this.#coherence.invalidate(tableId, key);
    else this.#coherence.replace(tableId, key, { value: cachedItem(newItem), ttlMs: table.itemTtlMs });
    if (this.#pages.isConcerned(tableId)) this.#endGenerations(change);
  }

  /** A table without a description has no pages. */
  #endGenerations({ tableId, key, oldItem, newItem }: CommittedChange): void {
    const table = this.#tables.byId(tableId);
    if (table === undefined) return;
    const isIndexed = table.indexes.some(({ isGlobal }) => isGlobal);
    const image = (item: ItemJson | undefined) => imageOf(item, isIndexed);
    const names = changedGenerations(table, { key, oldItem: image(oldItem), newItem: image(newItem) });
    this.#pages.endGenerations(tableId, names);
  }
}

/** What is in an item matters to global indexes alone. */
function imageOf(item: ItemJson | undefined, isIndexed: boolean): Item | undefined | 'unknown' {
  if (item === undefined) return undefined;
  return isIndexed ? parseItem(item) : 'unknown';
}

function sharedParts(shared: SharedCache | undefined, { fenceMs, clock }: AcceleratorOptions) {
  if (shared === undefined) return {};
  const sharedItems = new SharedItems(shared, clock);
  const sharedPages = new SharedPages(shared, clock);
  return { sharedItems, sharedPages, sharedWrites: new SharedWrites(shared, fenceMs) };
}
