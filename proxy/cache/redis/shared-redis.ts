import type { Clock } from '../../../protocol/clock.ts';
import type { KeyBytes } from '../../../protocol/key.ts';
import type { Logger } from '../../../protocol/logger.ts';
import type {
  ItemToken,
  PageName,
  PageToken,
  SharedCache,
  SharedChanges,
  SharedFence,
  SharedItem,
  SharedListener,
  SharedRead,
  SharedTable,
  TableVersion,
} from '../shared.ts';
import { proofMs } from './connected-node.ts';
import { type RaisedItem, RedisItems, RedisItemToken } from './items.ts';
import { Masters } from './masters.ts';
import { everyTable, readMarker } from './names.ts';
import type { RedisEvents, RedisNodes } from './node.ts';
import { type Debt, Owed } from './owed.ts';
import { RedisPages, RedisPageToken } from './pages.ts';
import { Registry } from './registry.ts';
import { type FleetTable, fleetTable, TableVersions, type VoidScope } from './table-versions.ts';
import { Unanswered, type UnansweredFence } from './unanswered.ts';

/**
 * The shared cache in Redis.
 *
 * Invariants. Each step is one script, atomic among all proxies (steps.ts).
 *  1. Only a token that stands fills: every drop of a key drops its token, and a token is not taken under a fence.
 *  2. A fence is confirmed before its write is sent, or else never lets the write put its value. It ends by Redis'
 *     time, later than the store can apply the write: the longest call, and `fenceMs`.
 *  3. Lowering a fence drops once more, as the fence may have been lost, or have ended, and a reader may have been let
 *     in. It puts the written value only if the fence stood until then, alone and untainted, in one process of Redis.
 *  4. What is kept carries the process that took it and the version of its table, for pages also the ids of their
 *     generations. Under others it is not served: Redis may come back with the past, and a void costs one write.
 *     Versions and ids are never used twice.
 *  5. Every drop is announced, whether or not there was anything, and also where Redis is full. What readers keep is
 *     not announced.
 *  6. What Redis did not confirm to have dropped is owed, and until it is paid this proxy uses nothing that it
 *     concerns. No write waits for Redis longer than for a step's deadline, and none is refused.
 *  7. Fences and holds of unanswered writes are raised again each second, and whenever Redis may have lost them; at
 *     their end there is one more drop.
 *  8. What is kept by a process of Redis, or under a record of one, that is new to this proxy, or was emptied, or under a
 *     record that was made anew, does not outlive the fences, holds and registrations that were lost with what was there
 *     before.
 *  9. A proxy is registered with the tables that it writes to before it sends a write. Those of one that stopped
 *     without a word are void, and held until its last write cannot be applied any more.
 * 10. A write is answered only after its table's fingerprint was looked at, later than its commit: if it is another
 *     one, there may be an index of which the writer did not know, and the table is void.
 * 11. The images that a write was told do not show what another one has done that is not answered yet. So unless its
 *     fence stood alone, it drops all generations that any write of its item may concern; and its fence stands until
 *     those are dropped that its own images show, since whoever writes after it takes these for done. Where one master has
 *     all names that is so by the order in which the steps are sent.
 * 12. L1 may be served from, and records of tables used, while all masters are up and proven to be heard; L1 is emptied
 *     whenever an announcement may have been lost.
 * 13. While the store's replicas may lack a write, its names settle: a drop says so in its own step, and a record that is
 *     asked for anew stands for all that was lost, or void, before. So a reader whose token, or generation, is from after the
 *     write asks for a consistent answer, whether it has heard of the write or not. A fence that nobody lowers stands for as
 *     long as its write takes to settle.
 *
 * A step that was given up may still be done later, but only by the same process, as none is sent twice. None does harm
 * then: a late fill needs its token and a late lowering its fence, which what was owed has removed or tainted; a late
 * fence ends by itself; a late void brings a version that nobody has seen.
 *
 * Rejected: fences with an end in the proxies' own time, which may differ; a token per reader, as one that
 * stands is good for all who ask while it does; comparing the table's version when a write is answered instead of its fingerprint, as each
 * void would make the writes under way void the table again, for ever; giving up a whole node for what is owed to
 * it, as what concerns nothing that is owed is right; putting generations under the tracked prefix, as their making
 * would be announced and drop the pages that it was for.
 */
export class RedisCache implements SharedCache {
  readonly #options: RedisCacheOptions;
  readonly #masters: Masters;
  readonly #versions: TableVersions;
  readonly #items: RedisItems;
  readonly #pages: RedisPages;
  readonly #owed: Owed;
  readonly #unanswered: Unanswered;
  readonly #registry: Registry;
  readonly #stopBeats: () => void;
  readonly #counts = { hits: 0, misses: 0, fillsRefused: 0, drops: 0, voids: 0 };
  readonly #bypasses = { unknownTable: 0, held: 0, owed: 0, fenced: 0, unanswered: 0 };
  #writes = 0;

  constructor(options: RedisCacheOptions) {
    const { clock, newId, fenceMs, callMs, settleMs } = options;
    const youngMs = fenceMs + graceMs;
    this.#options = options;
    this.#masters = new Masters(
      { ...options, youngMs },
      {
        up: () => this.#cameUp(),
        down: () => this.#versions.forgetAll(),
        everything: () => options.listener.everything(),
        touched: (names) => this.#touched(names),
      },
    );
    this.#versions = new TableVersions(this.#masters, { clock, newId, youngMs, settleMs });
    this.#items = new RedisItems(this.#masters, { clock, newId, callMs, fenceMs, settleMs });
    this.#pages = new RedisPages(this.#masters, { clock, newId, settleMs });
    this.#owed = new Owed((debt) => this.#pay(debt), clock);
    this.#unanswered = new Unanswered(this.#masters, this.#versions, {
      clock,
      settleMs,
      fence: (fence) => this.#endFence(fence),
      hold: async (tableId, scope) => {
        await this.#void(tableId, scope, 0);
      },
    });
    this.#registry = new Registry(newId(), this.#masters, clock, (tableIds) => this.#bury(tableIds));
    this.#stopBeats = options.every(beatMs, () => this.#beat());
  }

  get localUntilMs(): number {
    return this.#masters.localUntilMs;
  }

  get unheardMsMax(): number {
    return proofMs + this.#options.staleIfRedisDownMs;
  }

  table(wanted: TableVersion): FleetTable | Promise<FleetTable> {
    return this.#versions.find(wanted);
  }

  async readItem(table: SharedTable, key: KeyBytes): Promise<SharedRead<ItemToken>> {
    const known = fleetTable(table);
    if (this.#owed.hasItem(table.id, key)) return this.#bypass('owed');
    if (!this.#isUsable(known, known.heldUntilMs)) return bypass;
    return this.#count(await this.#items.read(known, key));
  }

  async fillItem(token: ItemToken, value: Buffer, ttlMs: number): Promise<number | undefined> {
    if (!(token instanceof RedisItemToken)) return undefined;
    return this.#countFill(await this.#items.fill(token, value, ttlMs));
  }

  async raise(items: readonly SharedItem[]): Promise<RaisedFence> {
    this.#writes++;
    const tableIds = [...new Set(items.map(({ table }) => table.id))];
    const registered = this.#registry.register(tableIds);
    const raised = await Promise.all(items.map((item) => this.#items.raise(item)));
    await registered;
    return new RaisedFence(items, raised);
  }

  async lower(fence: SharedFence, changes: SharedChanges): Promise<void> {
    const raised = raisedItems(fence);
    const written = raised.length === 1 ? changes.written : undefined;
    const dropped = this.#dropGenerations(changes.generations);
    if (!this.#masters.areInOrder) await dropped;
    await Promise.all([
      dropped,
      this.#lowerItems(raised, changes, written),
      ...tablesOf(raised).map((table) => this.#checkFingerprint(table)),
    ]);
    this.#writes--;
  }

  async abandon(fence: SharedFence): Promise<void> {
    const raised = raisedItems(fence);
    const untilMs = this.#options.clock.monotonic() + this.#options.fenceMs;
    await Promise.all([
      ...raised.map((item) => this.#abandonItem(item, untilMs)),
      ...tablesOf(raised).map(({ id }) => this.#void(id, 'pages', this.#options.fenceMs)),
    ]);
    this.#writes--;
  }

  async readPage(table: SharedTable, page: PageName): Promise<SharedRead<PageToken>> {
    const known = fleetTable(table);
    if (this.#owed.hasPage(table.id, page.generations)) return this.#bypass('owed');
    if (!this.#isUsable(known, known.pagesHeldUntilMs)) return bypass;
    return this.#count(await this.#pages.read(known, page));
  }

  async fillPage(token: PageToken, value: Buffer, ttlMs: number): Promise<number | undefined> {
    if (!(token instanceof RedisPageToken)) return undefined;
    return this.#countFill(await this.#pages.fill(token, value, ttlMs));
  }

  async invalidate(tableId: string, key: KeyBytes, generations: readonly KeyBytes[]): Promise<boolean> {
    return this.#drop(this.#items.drop(tableId, key), tableId, generations);
  }

  async invalidateUnless(
    table: SharedTable,
    key: KeyBytes,
    generations: readonly KeyBytes[],
    isLeft: (value: Buffer) => boolean,
  ): Promise<boolean> {
    const known = fleetTable(table);
    const dropping = known.isReadable
      ? this.#items.dropUnless(known, key, isLeft)
      : this.#items.drop(table.id, key);
    return this.#drop(dropping, table.id, generations);
  }

  voidTable(tableId: string, holdMs: number): Promise<boolean> {
    return this.#void(tableId, 'all', holdMs);
  }

  voidEverything(holdMs: number): Promise<boolean> {
    return this.#void(everyTable, 'all', holdMs);
  }

  /**
   * Must be called after all reads and writes have ended. What is owed still, or unanswered, is left to whoever finds
   * that this proxy is gone.
   */
  async close(): Promise<void> {
    this.#stopBeats();
    await this.#owed.pay();
    const isDone = this.#owed.size === 0 && this.#unanswered.size === 0 && this.#writes === 0;
    if (isDone) await this.#registry.leave();
    await this.#masters.close();
  }

  stats(): SharedStats {
    return {
      ...this.#counts,
      bypasses: { ...this.#bypasses },
      errors: this.#masters.errors,
      owed: this.#owed.size,
      owedOverflows: this.#owed.overflows,
      unanswered: this.#unanswered.size,
      proxiesBuried: this.#registry.buried,
    };
  }

  #isUsable(table: FleetTable, heldUntilMs: number): boolean {
    if (!table.isReadable) this.#bypasses.unknownTable++;
    else if (this.#options.clock.monotonic() < heldUntilMs) this.#bypasses.held++;
    else return true;
    return false;
  }

  #bypass(reason: BypassReason): typeof bypass {
    this.#bypasses[reason]++;
    return bypass;
  }

  #count<Token>(read: SharedRead<Token> | undefined): SharedRead<Token> {
    if (read === undefined) return this.#bypass('unanswered');
    if (read.kind === 'bypass') return this.#bypass('fenced');
    if (read.kind === 'hit') this.#counts.hits++;
    else this.#counts.misses++;
    return read;
  }

  #countFill(keptMs: number | undefined): number | undefined {
    if (keptMs !== 0) return keptMs;
    this.#counts.fillsRefused++;
    return undefined;
  }

  /** @param dropping of the item. @returns whether all is certain to be dropped. */
  async #drop(
    dropping: Promise<boolean>,
    tableId: string,
    generations: readonly KeyBytes[],
  ): Promise<boolean> {
    this.#counts.drops++;
    const delivered = await Promise.all([
      dropping,
      ...generations.map((name) => this.#pages.dropGeneration(tableId, name)),
    ]);
    return delivered.every((isDelivered) => isDelivered);
  }

  async #lowerItems(
    raised: readonly RaisedItem[],
    { generationsBeside }: SharedChanges,
    written: SharedChanges['written'],
  ): Promise<void> {
    const areAlone = await Promise.all(raised.map((item) => this.#lowerItem(item, written)));
    if (areAlone.includes(false)) await this.#dropGenerations(generationsBeside);
  }

  /** @returns whether no other write can have been made beside it. */
  async #lowerItem(item: RaisedItem, written: SharedChanges['written']): Promise<boolean> {
    this.#counts.drops++;
    const isAlone = await this.#items.lower(item, written);
    if (isAlone === undefined) this.#owed.item(item.table.id, item.key, item.id);
    return isAlone === true;
  }

  async #dropGenerations(generations: SharedChanges['generations']): Promise<void> {
    await Promise.all(generations.map(({ tableId, name }) => this.#dropGeneration(tableId, name)));
  }

  async #dropGeneration(tableId: string, name: KeyBytes): Promise<void> {
    const isDelivered = await this.#pages.dropGeneration(tableId, name);
    if (!isDelivered) this.#owed.generation(tableId, name);
  }

  async #checkFingerprint({ id, fingerprint }: FleetTable): Promise<void> {
    const isChecked = await this.#voidIfOther(id, fingerprint);
    if (!isChecked) this.#owed.fingerprint(id, fingerprint);
  }

  /**
   * Where there is no record, whoever makes one asks the store after the commit.
   * @returns whether it is certain.
   */
  async #voidIfOther(tableId: string, fingerprint: string): Promise<boolean> {
    const record = await this.#versions.check(tableId);
    if (record === undefined) return false;
    if (record !== null && record.fingerprint !== fingerprint) await this.#void(tableId, 'pages', 0);
    return true;
  }

  /** What takes the place of a fence holds the items too. */
  async #abandonItem({ id, table, key, names }: RaisedItem, untilMs: number): Promise<void> {
    const fence = { id, tableId: table.id, key, names, untilMs };
    await (this.#unanswered.fence(fence) ?? this.#void(table.id, 'all', this.#options.fenceMs));
  }

  async #endFence({ id, tableId, key }: UnansweredFence): Promise<void> {
    const isDelivered = await this.#items.drop(tableId, key, id);
    if (!isDelivered) this.#owed.item(tableId, key, id);
  }

  /** @returns whether it was delivered; else it is owed. */
  async #void(tableId: string, scope: VoidScope, holdMs: number): Promise<boolean> {
    const isDelivered = await this.#tryVoid(tableId, scope, holdMs);
    if (!isDelivered) this.#owed.table(tableId, scope, holdMs);
    return isDelivered;
  }

  #tryVoid(tableId: string, scope: VoidScope, holdMs: number): Promise<boolean> {
    this.#counts.voids++;
    if (holdMs > 0) this.#unanswered.hold(tableId, scope, this.#options.clock.monotonic() + holdMs);
    return this.#versions.void(tableId, scope, holdMs);
  }

  #pay(debt: Debt): Promise<boolean> {
    switch (debt.kind) {
      case 'item':
        return this.#items.drop(debt.tableId, debt.key, debt.fenceId);
      case 'generation':
        return this.#pages.dropGeneration(debt.tableId, debt.name);
      case 'fingerprint':
        return this.#voidIfOther(debt.tableId, debt.fingerprint);
      case 'table': {
        const holdMs = Math.max(0, debt.heldUntilMs - this.#options.clock.monotonic());
        return this.#versions.void(debt.tableId, debt.scope, holdMs);
      }
    }
  }

  /** Of a proxy that stopped without a word. */
  async #bury(tableIds: readonly string[]): Promise<boolean> {
    const { log, fenceMs } = this.#options;
    log?.warn({ tables: tableIds.length }, 'a proxy stopped without a word: the tables it wrote to are void');
    const voids = await Promise.all(tableIds.map((tableId) => this.#tryVoid(tableId, 'all', fenceMs)));
    return voids.every((isVoid) => isVoid);
  }

  #beat(): void {
    this.#masters.check();
    void this.#registry.beat();
    this.#settle();
  }

  #cameUp(): void {
    this.#versions.forgetAll();
    this.#registry.forget();
    void this.#registry.beat();
    this.#settle();
  }

  #settle(): void {
    void this.#owed.pay();
    void this.#unanswered.keepUp();
  }

  #touched(names: readonly string[]): void {
    const { listener } = this.#options;
    for (const name of names) {
      const subject = readMarker(name);
      switch (subject?.kind) {
        case 'item':
          listener.item(subject.tableId, subject.key);
          break;
        case 'generation':
          listener.generation(subject.tableId, subject.name);
          break;
        case 'table':
          this.#versions.forget(subject.tableId);
          listener.table(subject.tableId);
          break;
        case 'everything':
          this.#versions.forgetAll();
          listener.everything();
          break;
      }
    }
  }
}

export interface RedisCacheOptions {
  /** Opens the connections; events come in later turns. */
  readonly nodes: (events: RedisEvents) => RedisNodes;
  readonly listener: SharedListener;
  /** For how long L1 is still served from after a master went down. */
  readonly staleIfRedisDownMs: number;
  /** How long the store may take to apply a write that it has not answered. */
  readonly fenceMs: number;
  /** The longest that a call to the store takes, retries included. */
  readonly callMs: number;
  /**
   * For how long eventually consistent reads of the store may miss a write that was acknowledged, in whole milliseconds;
   * 0 for not at all. Asked at each step, as the store may tell of another lag at any time.
   */
  readonly settleMs: () => number;
  readonly clock: Clock;
  /** Gives an id that no proxy has had, of letters, digits, - and _ (`newIds`). */
  readonly newId: () => string;
  /** Calls the task again and again, until what it returns is called (`everyInterval`). */
  readonly every: (periodMs: number, task: () => void) => () => void;
  readonly log: Logger | undefined;
}

export interface SharedStats {
  readonly hits: number;
  readonly misses: number;
  readonly bypasses: Readonly<Record<BypassReason, number>>;
  /** Answers that were not kept since something had happened meanwhile, ever. */
  readonly fillsRefused: number;
  /** Items dropped by writes and announcements, ever. */
  readonly drops: number;
  readonly voids: number;
  /** Steps without an answer, ever. */
  readonly errors: number;
  /** What Redis has not confirmed, now. */
  readonly owed: number;
  readonly owedOverflows: number;
  /** Fences and holds of unanswered writes, now. */
  readonly unanswered: number;
  /** Proxies that stopped without a word, as found by this one. */
  readonly proxiesBuried: number;
}

/** Why something was neither served nor kept; `unanswered`: Redis is down, slow, full or failed. */
export type BypassReason = 'unknownTable' | 'held' | 'owed' | 'fenced' | 'unanswered';

/** What `RedisCache.raise` gave. */
export class RaisedFence implements SharedFence {
  readonly items: readonly SharedItem[];
  readonly raised: readonly RaisedItem[];

  constructor(items: readonly SharedItem[], raised: readonly RaisedItem[]) {
    this.items = items;
    this.raised = raised;
  }
}

const bypass = { kind: 'bypass' } as const;
/** How often this proxy gives a sign of life, and tries what it owes. */
const beatMs = 1_000;
/** By how much a proxy that stopped may outlive its last sign of life. */
const graceMs = 3_000;

function raisedItems(fence: SharedFence): readonly RaisedItem[] {
  if (!(fence instanceof RaisedFence)) throw new TypeError('not a fence of this cache');
  return fence.raised;
}

/** Each once; a table may have been replaced between two of the items. */
function tablesOf(raised: readonly RaisedItem[]): FleetTable[] {
  const tables = new Map(raised.map(({ table }) => [`${table.id}\n${table.fingerprint}`, table]));
  return [...tables.values()];
}
