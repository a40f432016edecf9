import type { Clock } from '../../protocol/clock.ts';
import type { KeyBytes } from '../../protocol/key.ts';
import type { Reply } from '../../protocol/reply.ts';
import { CachedPage } from './cached-page.ts';
import type { VoidListener } from './coherence.ts';
import type { Ground } from './flights.ts';
import type { PageEffects } from './item-writes.ts';
import { Lifetimes } from './lifetimes.ts';
import type { Tier } from './local.ts';
import { PageToken, type TablePages } from './page-token.ts';
import type { Settling } from './settling.ts';
import type { TableCounters } from './table-counters.ts';

/**
 * Pages of Query and Scan, and what keeps them right. A cached page must be one that the store would still answer with.
 *
 * Outline. For each place that a page depends on there is a generation (generations.ts), or none:
 *
 *     read miss      token = take()     ask the store                    fill(token, reply)
 *     write                             ask the store     acknowledged   endGenerations(what it changed)
 *                                                         fate unknown   voidTable(for fenceMs)
 *     announcement                      endGenerations(what it changed), before the acknowledgement
 *     table          voidTable(), voidEverything(): any page may be wrong, now or for some time to come
 *
 * Each step runs in one turn of the event loop, so it is atomic here.
 *
 * Invariants.
 *  1. A reader finds or makes the generations that its page depends on before the store is asked; a writer ends those
 *     that it may have changed after the commit, and before its acknowledgement. So whatever order they run in, a page
 *     that was read before the commit carries a generation that has ended by the time of the acknowledgement.
 *  2. A page is kept, and served, only while all of its generations stand. An ended one never stands again: generations are
 *     objects, and a reader who finds none under a name makes a new one.
 *  3. A token needs nobody's leave: unlike an item's, it cannot be overtaken by a write that is under way, as the writer
 *     comes by once more at its end. So there are no fences here.
 *  4. A write that nobody answers never comes to its end. So no page of its table is kept for as long as the store may
 *     still apply it.
 *  5. Every page carries its table's era as well, which a void ends: that costs the same however many pages there are. They
 *     are out of reach at once, and leave as the least recently used.
 *  6. Generations exist only while tokens and pages hold them; the tier tells when it lets go of a page. So their number is
 *     bounded by the calls under way and by the bytes of the tier, and writes to what nobody has read find nothing to do.
 *  7. What a global index shows before it has settled is nobody's but the reader's who asked for it: it takes no token,
 *     so that it is neither kept nor joined.
 *
 * Rejected: dropping pages by a list of those that a generation has, as the list costs memory for every page, and a hot
 * partition's write would stall on thousands; comparing numbers instead of objects, as a number that has been forgotten
 * with its name could come again.
 */
export class Pages implements Ground<Reply, PageDestination, PageToken>, VoidListener, PageEffects {
  protected readonly tables = new Map<string, TablePages>();
  readonly #tier: Tier<CachedPage>;
  readonly #settling: Settling;
  readonly #counters: TableCounters;
  readonly #clock: Clock;
  readonly #lifetimes: Lifetimes;
  /** Tables that are held, with the time of their end by the monotonic clock, in its order. */
  readonly #held = new Map<string, number>();
  #everythingHeldUntilMs = 0;
  #tokens = 0;

  constructor(tier: Tier<CachedPage>, settling: Settling, options: PagesOptions) {
    this.#tier = tier;
    this.#settling = settling;
    this.#counters = options.counters;
    this.#clock = options.clock;
    this.#lifetimes = new Lifetimes(options.fenceMs, options.clock);
  }

  nameOf({ name }: PageDestination): string {
    return name;
  }

  lookup({ name }: PageDestination): Reply | undefined {
    return this.find(name)?.reply;
  }

  /** @param name of a page, as its destination has it. */
  find(name: string): CachedPage | undefined {
    const page = this.#tier.get(name);
    if (page === undefined || this.mayServe(page)) return page;
    this.#tier.delete(name);
    return undefined;
  }

  take(to: PageDestination): PageToken | undefined {
    const { tableId, name, generations } = to;
    if (this.#isHeld(tableId) || (to.isOfGlobalIndex && this.isUnsettled(to))) return undefined;
    let table = this.tables.get(tableId);
    if (table === undefined) {
      table = { era: { stands: true }, generations: new Map() };
      this.tables.set(tableId, table);
    }
    const limitMs = this.limitMs();
    const identity = { tableId, page: name, number: ++this.#tokens, limitMs };
    return new PageToken(this.tables, identity, table, generations);
  }

  isUnsettled({ tableId, generations }: PageDestination): boolean {
    return generations.some((name) => this.#settling.isUnsettled(tableId, name));
  }

  /** @param ttlMs 0: pages are not kept. */
  fill(token: PageToken, reply: Reply, ttlMs: number): void {
    const mayFill = this.mayFill(token) && !this.#isOutrun(token);
    if (!mayFill) this.#counters.queryFillsRefused++;
    if (!mayFill || ttlMs === 0 || reply.body.length > pageBytesMax) token.release();
    else
      this.#tier.put(
        token.page,
        new CachedPage(reply, token),
        this.#lifetimes.expiryMs(ttlMs, token.limitMs),
      );
  }

  release(token: PageToken): void {
    token.release();
  }

  /** Whether the store may answer with what was before a write. */
  get isSettling(): boolean {
    return this.#settling.isNeeded;
  }

  /** Whether a change has to be looked into: otherwise there is nothing that it could end, nor that would settle. */
  isConcerned(tableId: string): boolean {
    return this.tables.has(tableId) || this.#settling.isNeeded;
  }

  endGenerations(tableId: string, names: readonly KeyBytes[]): void {
    for (const name of names) this.#settling.key(tableId, name);
    const table = this.tables.get(tableId);
    if (table === undefined) return;
    for (const name of names) this.end(table, name);
    if (table.generations.size === 0) this.tables.delete(tableId);
  }

  voidTable(tableId: string, holdMs: number): void {
    const table = this.tables.get(tableId);
    if (table !== undefined) table.era.stands = false;
    this.tables.delete(tableId);
    if (holdMs === 0) return;
    this.#settling.table(tableId, holdMs);
    const untilMs = Math.max(this.#held.get(tableId) ?? 0, this.#clock.monotonic() + holdMs);
    this.#held.delete(tableId);
    this.#held.set(tableId, untilMs);
  }

  voidEverything(holdMs: number): void {
    for (const { era } of this.tables.values()) era.stands = false;
    this.tables.clear();
    if (holdMs > 0) this.#everythingHeldUntilMs = this.#clock.monotonic() + holdMs;
  }

  /** How many generations there are. */
  get size(): number {
    let size = 0;
    for (const { generations } of this.tables.values()) size += generations.size;
    return size;
  }

  /** Of pages that were asked for soon after the start: as in coherence.ts. */
  protected limitMs(): number {
    return this.#lifetimes.limitMs();
  }

  /** Invariant 2. */
  protected mayFill(token: PageToken): boolean {
    return token.stands;
  }

  /** Invariant 2. */
  protected mayServe(page: CachedPage): boolean {
    return page.stands;
  }

  protected end({ generations }: TablePages, name: KeyBytes): void {
    const generation = generations.get(name);
    if (generation === undefined) return;
    generation.stands = false;
    generations.delete(name);
  }

  /** Whether the store was asked later for what is kept already: it may know of a write that went around the cache. */
  #isOutrun(token: PageToken): boolean {
    const kept = this.#tier.get(token.page);
    return kept?.stands === true && kept.token.number > token.number;
  }

  /** The first that has not come to its end may keep others behind it, whose own time is looked at all the same. */
  #isHeld(tableId: string): boolean {
    const nowMs = this.#clock.monotonic();
    for (const [id, untilMs] of this.#held) {
      if (untilMs > nowMs) break;
      this.#held.delete(id);
    }
    return nowMs < this.#everythingHeldUntilMs || nowMs < (this.#held.get(tableId) ?? 0);
  }
}

export interface PagesOptions {
  /** How long the store may take to apply a write that it has not answered; 0 where it announces all. */
  readonly fenceMs: number;
  readonly clock: Clock;
  readonly counters: TableCounters;
}

/** Where the answer of a Query or Scan belongs. */
export interface PageDestination {
  readonly tableId: string;
  /** Names the page among those of all tables, and among items. */
  readonly name: string;
  /** Names of all generations that it depends on; at least one. */
  readonly generations: readonly KeyBytes[];
  /** Then there are no consistent reads, so what has not settled is neither kept nor shared with who asks later. */
  readonly isOfGlobalIndex: boolean;
  /** For how long it may be kept, in milliseconds; 0: not at all. */
  readonly ttlMs: number;
}

/** The largest body that is kept. 1 MB of items, as DynamoDB counts them, are seldom more than this in JSON. */
export const pageBytesMax = 4_000_000;
