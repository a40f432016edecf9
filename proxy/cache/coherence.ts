import type { Clock } from '../../protocol/clock.ts';
import type { KeyBytes } from '../../protocol/key.ts';
import { Lifetimes } from './lifetimes.ts';
import type { Sized, Tier } from './local.ts';
import type { Settling } from './settling.ts';

/**
 * The coherence protocol: what may be put into the cache, and when. A cached value must be one that the store would
 * still answer with; the danger is a reader that asked before a write and comes back to the cache after it.
 *
 * Outline. Per key there is a value, or nothing, or guards:
 *
 *     read miss      token = take()     ask the store                       fill(token, value)
 *     write          fence = raise()    ask the store    acknowledged   ->  lower(fence, value?)
 *                                                        fate unknown   ->  abandon(fence)
 *     announcement   invalidate()       a write that went around the fences, told by the store or by a peer
 *                    invalidateUnless() the same, from a stream that tells what the write left
 *                    replace(value)     the same, told in the order of the commits and before the acknowledgement
 *     table          voidTable()        any item of it may have changed
 *                    holdTable()        the same, and again at any time within `fenceMs`
 *                    suspendTable()     the same, for as long as is said
 *                    meetTable()        its identity is new here: what happened to it before is not known
 *
 * Each step runs in one turn of the event loop, so it is atomic here; in a shared tier it has to be one script.
 *
 * Invariants.
 *  1. A token stands from `take` until the next write, announcement or void that concerns its key. Only a token that
 *     stands fills: what it brings was read after everything that the cache had been told of.
 *  2. While a fence stands over a key, or its table is held, the key has no token, and no value.
 *  3. Raising a fence drops value and token, since the store may show the write before it answers. Lowering it finds
 *     nothing to drop, by 2, and puts the written value in the same step, so no reader gets in between.
 *  4. A fence that ever stood beside another one, or met an announcement, a void or a hold of its table, is tainted:
 *     the store may have taken another write after this one. A tainted fence lowers without a value.
 *  5. The fence of an unanswered write stands until `fenceMs` have passed, which is longer than the store can still
 *     apply the write. Its end is found before the next step on any key, so no step sees a fence beyond its end.
 *  6. Guards are objects made for one use: a stale one is never mistaken for a new one. Values of a void belong to a
 *     prefix that is never used again, so that a void costs as much as there are guards, not values.
 *  7. Guards outlive the values they guard: what the tier evicts changes nothing here. Their number is bounded by
 *     the calls under way and by `abandonedMax`, beyond which whole tables are held instead.
 *  8. Fences do not outlive the process, so what is asked for or written in its first `fenceMs` has a short life in the
 *     cache: lifetimes.ts.
 *  9. Writes to a name whose identity is not known raise no fences, and settle nothing by themselves. So a table that
 *     is met settles from then on; and while an unanswered write to whatever name may still be applied, it is held:
 *     which identity the name has by then is up to the store.
 * 10. Pages of Query and Scan show the items too. Where it is not known which of them may have changed, now or for a
 *     while to come, their table is void in the same step (`voids`): so after a write without an answer. What a write that
 *     was answered does to them is told by whoever knows its images: pages.ts.
 *
 * Rejected: comparing versions instead of guards, as items have none and a table's owner would have to add one;
 * locking readers out while a write is under way, as one slow write would stall a hot key; letting a fence taint
 * only what it overlaps at its end, as a fence that expires in between would go unnoticed (the model found this);
 * timers for the ends of fences, as a late timer would show a fence that should be gone.
 */
export class Coherence<V extends Sized> {
  protected readonly tables = new Map<string, TableGuards>();
  /** In the order of their deadlines, which all lie `fenceMs` after the abandoning. */
  protected readonly abandoned = new Set<Fence>();
  /** Until then a write without an answer may be applied. */
  protected openUntilMs = 0;
  readonly #tier: Tier<V>;
  readonly #settling: Settling;
  readonly #clock: Clock;
  readonly #fenceMs: number;
  readonly #lifetimes: Lifetimes;
  readonly #voids: VoidListener | undefined;
  #heldUntilMs = 0;
  #prefixes = 0;
  #fillsRefused = 0;
  #invalidations = 0;

  constructor(tier: Tier<V>, settling: Settling, options: CoherenceOptions) {
    this.#tier = tier;
    this.#settling = settling;
    this.#clock = options.clock;
    this.#fenceMs = options.fenceMs;
    this.#lifetimes = new Lifetimes(options.fenceMs, options.clock);
    this.#voids = options.voids;
  }

  lookup(tableId: string, key: KeyBytes): V | undefined {
    const table = this.tables.get(tableId);
    return table === undefined ? undefined : this.#tier.get(table.prefix + key);
  }

  /** @returns the right to fill the key with what the store answers from now on; undefined where nobody may. */
  take(tableId: string, key: KeyBytes): Token | undefined {
    this.endExpired();
    const table = this.#table(tableId);
    if (this.#isHeld(table)) return undefined;
    const guards = guardsOf(table, key);
    if (guards.fences > 0) return undefined;
    this.dropToken(guards);
    guards.token = { tableId, key, limitMs: this.limitMs(), stands: true };
    return guards.token;
  }

  /**
   * Gives the token back and puts the value if the token stands.
   * @param ttlMs 0 for a value that does not expire by time.
   * @returns whether the value was put.
   */
  fill(token: Token, value: V, ttlMs: number): boolean {
    if (!this.mayFill(token)) {
      this.#fillsRefused++;
      return false;
    }
    this.release(token);
    this.#put(this.#table(token.tableId), token, { value, ttlMs });
    return true;
  }

  /** Gives the token of a failed read back. */
  release(token: Token): void {
    if (!token.stands) return;
    token.stands = false;
    const table = this.#table(token.tableId);
    const guards = guardsOf(table, token.key);
    guards.token = undefined;
    forgetIdle(table, token.key, guards);
  }

  /** Must be called in the turn in which the write is sent, before it. */
  raise(tableId: string, key: KeyBytes): Fence {
    this.endExpired();
    const table = this.#table(tableId);
    const guards = guardsOf(table, key);
    const isTainted = guards.fences > 0 || this.#isHeld(table);
    this.#drop(table, key, guards);
    this.taint(guards);
    guards.fences++;
    const limitMs = this.limitMs();
    return { tableId, key, limitMs, isTainted, taints: guards.taints, deadlineMs: Infinity };
  }

  /**
   * The write was answered: applied, or refused for good.
   * @param written what the write left in the store, where that is known for certain.
   */
  lower(fence: Fence, written?: Written<V>): void {
    this.endExpired();
    const table = this.#table(fence.tableId);
    const guards = guardsOf(table, fence.key);
    guards.fences--;
    this.#settling.key(fence.tableId, fence.key);
    if (written !== undefined && this.mayPut(fence, guards)) {
      this.#put(table, fence, written);
    }
    forgetIdle(table, fence.key, guards);
  }

  /** Whether no other write can have been made to the key since the fence was raised; to be asked before it is lowered. */
  stoodAlone(fence: Fence): boolean {
    const guards = this.tables.get(fence.tableId)?.guards.get(fence.key);
    return guards !== undefined && this.mayPut(fence, guards);
  }

  /** Nobody knows whether the write was applied, or will be. */
  abandon(fence: Fence): void {
    this.endExpired();
    if (this.abandoned.size >= abandonedMax) {
      this.holdTable(fence.tableId);
      this.lower(fence);
      return;
    }
    this.holdUnmet();
    fence.deadlineMs = this.openUntilMs;
    this.abandoned.add(fence);
    this.#voids?.voidTable(fence.tableId, this.#fenceMs);
  }

  /** The item was written by somebody who raised no fence here. */
  invalidate(tableId: string, key: KeyBytes): void {
    const table = this.tables.get(tableId);
    this.#settling.key(tableId, key);
    if (table === undefined) return;
    const guards = table.guards.get(key);
    this.#invalidations++;
    this.#drop(table, key, guards);
    if (guards === undefined) return;
    this.taint(guards);
    forgetIdle(table, key, guards);
  }

  /** `invalidate`, except that a cached value stays which is what the writer left. */
  invalidateUnless(tableId: string, key: KeyBytes, isLeft: (value: V) => boolean): void {
    const cached = this.lookup(tableId, key);
    if (cached === undefined || !isLeft(cached)) this.invalidate(tableId, key);
    else this.#settling.key(tableId, key);
  }

  /** `invalidate`, where commits are announced in their order and before their acknowledgement. */
  replace(tableId: string, key: KeyBytes, written: Written<V>): void {
    this.invalidate(tableId, key);
    const table = this.#table(tableId);
    if (this.#isHeld(table) || table.guards.has(key)) return;
    this.#put(table, { key, limitMs: this.limitMs() }, written);
  }

  voidTable(tableId: string): void {
    this.#settling.table(tableId);
    this.#voids?.voidTable(tableId, 0);
    const table = this.tables.get(tableId);
    if (table !== undefined) this.#void(table);
  }

  /** What changes the table was not answered: it may be applied at any time within `fenceMs`. */
  holdTable(tableId: string): void {
    this.holdUnmet();
    this.meetTable(tableId);
  }

  /** Nobody will tell what is written to the table for some time from now. */
  suspendTable(tableId: string, forMs: number): void {
    const table = this.#table(tableId);
    table.heldUntilMs = Math.max(table.heldUntilMs, this.#clock.monotonic() + forMs);
    this.#settling.table(tableId, forMs);
    this.#voids?.voidTable(tableId, forMs);
    this.#void(table);
  }

  /** What was not answered may concern a table that has yet to be met. */
  holdUnmet(): void {
    this.openUntilMs = this.#clock.monotonic() + this.#fenceMs;
  }

  /** Must be called in the turn in which the identity becomes known, before anybody uses it. */
  meetTable(tableId: string): void {
    const openMs = Math.max(0, this.openUntilMs - this.#clock.monotonic());
    this.#settling.table(tableId, openMs);
    this.#voids?.voidTable(tableId, openMs);
    const table = openMs > 0 ? this.#table(tableId) : this.tables.get(tableId);
    if (table === undefined) return;
    if (openMs > 0) table.heldUntilMs = Math.max(table.heldUntilMs, this.openUntilMs);
    this.#void(table);
  }

  voidAll(): void {
    this.#settling.everything();
    this.#voids?.voidEverything(0);
    for (const table of this.tables.values()) this.#void(table);
  }

  /** All tables, also those of which nothing is known yet. */
  holdAll(): void {
    this.holdUnmet();
    this.#heldUntilMs = this.openUntilMs;
    this.#settling.everything(this.#fenceMs);
    this.voidAll();
    this.#voids?.voidEverything(this.#fenceMs);
  }

  /** Whether a read of the key has to be strongly consistent, lest it bring what was before a write. */
  isUnsettled(tableId: string, key: KeyBytes): boolean {
    return this.#settling.isUnsettled(tableId, key);
  }

  usage(): CoherenceUsage {
    this.endExpired();
    let tokens = 0;
    let fences = 0;
    for (const table of this.tables.values()) {
      for (const guards of table.guards.values()) {
        if (guards.token !== undefined) tokens++;
        fences += guards.fences;
      }
    }
    const counts = { fillsRefused: this.#fillsRefused, invalidations: this.#invalidations };
    return { ...this.#tier.usage(), tokens, fences, ...counts };
  }

  /** Invariant 1. */
  protected mayFill(token: Token): boolean {
    return token.stands;
  }

  /** Invariant 4. */
  protected mayPut(fence: Fence, guards: Guards): boolean {
    return !fence.isTainted && fence.taints === guards.taints;
  }

  protected dropToken(guards: Guards): void {
    if (guards.token === undefined) return;
    guards.token.stands = false;
    guards.token = undefined;
  }

  /** All fences that stand over the key. */
  protected taint(guards: Guards): void {
    guards.taints++;
  }

  /** Invariant 5. */
  protected endExpired(): void {
    if (this.abandoned.size === 0) return;
    const nowMs = this.#clock.monotonic();
    for (const fence of this.abandoned) {
      if (fence.deadlineMs > nowMs) return;
      this.abandoned.delete(fence);
      const table = this.#table(fence.tableId);
      const guards = guardsOf(table, fence.key);
      guards.fences--;
      this.#settling.key(fence.tableId, fence.key);
      forgetIdle(table, fence.key, guards);
    }
  }

  /** Invariant 8. */
  protected limitMs(): number {
    return this.#lifetimes.limitMs();
  }

  #table(tableId: string): TableGuards {
    return this.tables.get(tableId) ?? this.#addTable(tableId);
  }

  #addTable(tableId: string): TableGuards {
    if (this.tables.size >= tablesMax) this.#forgetIdleTable();
    const table = { prefix: this.#newPrefix(), guards: new Map(), heldUntilMs: 0 };
    this.tables.set(tableId, table);
    return table;
  }

  /** Its values are out of reach from then on. Where no table is idle, the calls under way bound their number. */
  #forgetIdleTable(): void {
    for (const [tableId, table] of this.tables) {
      if (table.guards.size > 0 || this.#isHeld(table)) continue;
      this.tables.delete(tableId);
      return;
    }
  }

  /** It stands for the table's identity, in few bytes: each name in the tier begins with it. */
  #newPrefix(): string {
    this.#prefixes++;
    return `${this.#prefixes.toString(36)}/`;
  }

  #isHeld(table: TableGuards): boolean {
    const untilMs = Math.max(table.heldUntilMs, this.#heldUntilMs);
    return untilMs !== 0 && this.#clock.monotonic() < untilMs;
  }

  #drop(table: TableGuards, key: KeyBytes, guards: Guards | undefined): void {
    this.#tier.delete(table.prefix + key);
    if (guards !== undefined) this.dropToken(guards);
  }

  #void(table: TableGuards): void {
    this.#invalidations++;
    table.prefix = this.#newPrefix();
    for (const [key, guards] of table.guards) {
      this.dropToken(guards);
      this.taint(guards);
      forgetIdle(table, key, guards);
    }
  }

  #put(
    { prefix }: TableGuards,
    { key, limitMs }: Pick<Token, 'key' | 'limitMs'>,
    { value, ttlMs }: Written<V>,
  ): void {
    this.#tier.put(prefix + key, value, this.#lifetimes.expiryMs(ttlMs, limitMs));
  }
}

export interface CoherenceOptions {
  /** How long the store may take to apply a write that it has not answered; 0 where fences are never raised. */
  readonly fenceMs: number;
  readonly clock: Clock;
  /** Told of what may change any item of a table, in the same step. */
  readonly voids?: VoidListener;
}

export interface VoidListener {
  /** @param holdMs for how long from now it may happen again, at any time. */
  voidTable(tableId: string, holdMs: number): void;
  voidEverything(holdMs: number): void;
}

/** The right to fill one key with one answer of the store. */
export interface Token {
  readonly tableId: string;
  readonly key: KeyBytes;
  /** How long what it brings may be kept at most, by the monotonic clock; `Infinity` for no limit. */
  readonly limitMs: number;
  /** Whether nothing has happened to the key since the token was taken. */
  stands: boolean;
}

/** Stands over a key while a write to it is under way. */
export interface Fence {
  readonly tableId: string;
  readonly key: KeyBytes;
  /** Like a token's. */
  readonly limitMs: number;
  /** Whether it was tainted from the start. */
  isTainted: boolean;
  /** How often the fences over the key had been tainted when this one was raised. */
  readonly taints: number;
  /** By the monotonic clock; `Infinity` while the store's answer is awaited. */
  deadlineMs: number;
}

/** A value that a write left in the store. */
export interface Written<V> {
  readonly value: V;
  /** 0 for a value that does not expire by time. */
  readonly ttlMs: number;
}

export interface CoherenceUsage {
  readonly entries: number;
  readonly bytes: number;
  readonly evictions: number;
  readonly tokens: number;
  readonly fences: number;
  /** Answers that were not put since something had happened to the key meanwhile, ever. */
  readonly fillsRefused: number;
  /** Announcements and voids that met a table with something cached or guarded, ever. */
  readonly invalidations: number;
}

/** What one key's guards are; at most one token, as a reader who asks again drops the earlier one. */
export interface Guards {
  token: Token | undefined;
  /** How many stand; that none is looked at makes a step cost the same however many there are. */
  fences: number;
  /** How often they were tainted. */
  taints: number;
}

export interface TableGuards {
  /** Begins the names of the table's values in the tier. */
  prefix: string;
  readonly guards: Map<KeyBytes, Guards>;
  heldUntilMs: number;
}

/** Fences of unanswered writes; above that, their tables are held. */
const abandonedMax = 100_000;
/** Tables with values or guards; above that, one without guards is forgotten. */
const tablesMax = 10_000;

function guardsOf(table: TableGuards, key: KeyBytes): Guards {
  let guards = table.guards.get(key);
  if (guards === undefined) {
    guards = { token: undefined, fences: 0, taints: 0 };
    table.guards.set(key, guards);
  }
  return guards;
}

function forgetIdle(table: TableGuards, key: KeyBytes, guards: Guards): void {
  if (guards.token === undefined && guards.fences === 0) table.guards.delete(key);
}
