import type { Backend } from '../protocol/backend.ts';
import type { Clock } from '../protocol/clock.ts';
import type { Reply } from '../protocol/reply.ts';
import { type CachedItem, itemPacking } from './cache/cached-item.ts';
import type { CachedPage } from './cache/cached-page.ts';
import { Coherence } from './cache/coherence.ts';
import { Flights, itemGround } from './cache/flights.ts';
import { LocalTier, type Tier } from './cache/local.ts';
import type { PageToken } from './cache/page-token.ts';
import { type PageDestination, Pages } from './cache/pages.ts';
import { Settling } from './cache/settling.ts';
import { TableCounters } from './cache/table-counters.ts';
import type { CacheSettings } from './cache-settings.ts';

/** What holds the cache together. */
export interface AcceleratorParts {
  readonly coherence: Coherence<CachedItem>;
  readonly flights: Flights<CachedItem>;
  readonly pages: Pages;
  readonly pageFlights: PageFlights;
  readonly counters: TableCounters;
}

export type PageFlights = Flights<Reply, PageDestination, PageToken>;

export interface PartsOptions {
  readonly settleMs: number;
  readonly fenceMs: number;
  readonly clock: Clock;
}

/** @param isTold see `Flights`. */
export function newParts(
  backend: Backend,
  options: PartsOptions,
  settings: CacheSettings,
  isTold?: () => boolean,
): AcceleratorParts {
  const { clock } = options;
  const fenceMs = backend.changes === undefined ? options.fenceMs : 0;
  const tier = new LocalTier<CachedItem | CachedPage>(settings.cacheBytesMax, clock, itemPacking);
  settings.onChange({ cacheBytesMax: (bytes) => tier.resize(bytes) });
  const settling = new Settling(() => Math.max(options.settleMs, backend.lagMs ?? 0), clock);
  const counters = new TableCounters();
  // Items and pages share the room, and no name: each of the two gets back what it has put.
  const pages = new Pages(tier as Tier<CachedPage>, settling, { fenceMs, clock, counters });
  const coherence = new Coherence(tier as Tier<CachedItem>, settling, { fenceMs, clock, voids: pages });
  const flights = new Flights(itemGround(coherence), isTold);
  return { coherence, flights, pages, pageFlights: new Flights(pages, isTold), counters };
}
