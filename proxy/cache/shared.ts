import type { Clock } from '../../protocol/clock.ts';
import type { KeyBytes } from '../../protocol/key.ts';

/**
 * The cache that the proxies of a fleet have in common, behind each proxy's own (L1). What is in it was put under the
 * same protocol as in coherence.ts, with steps that are atomic over all proxies; what a proxy keeps in L1 is dropped when
 * the shared cache tells it to (`SharedListener`).
 *
 * No method rejects, and none takes longer than its deadline: what cannot be had is a `bypass` or false, and what
 * could not be delivered is owed, and keeps this proxy from using what it concerns until it is.
 */
export interface SharedCache {
  /**
   * Until when L1 may be served from, by the monotonic clock: some seconds beyond the last moment of which it is known
   * that every message that would drop something has been heard. See `isLocalTrusted`.
   */
  readonly localUntilMs: number;
  /** The longest that L1 is served for without having heard what others changed, in milliseconds. */
  readonly unheardMsMax: number;
  /** @returns the table as the fleet sees it now; undefined while that cannot be known. */
  table(table: TableVersion): SharedTable | undefined | Promise<SharedTable | undefined>;

  readItem(table: SharedTable, key: KeyBytes): Promise<SharedRead<ItemToken>>;
  /**
   * @param ttlMs 0 for a value that does not expire by time.
   * @returns for how long it is kept, in milliseconds, which may be shorter; L1 may keep it for no longer. Undefined: it is
   *   not kept, and may not be kept in L1 either.
   */
  fillItem(token: ItemToken, value: Buffer, ttlMs: number): Promise<number | undefined>;

  /** Fences all items that one call may write. The write may be sent once this is resolved. */
  raise(items: readonly SharedItem[]): Promise<SharedFence>;
  /** The write was answered: its effects may be told to its caller once this is resolved. */
  lower(fence: SharedFence, changes: SharedChanges): Promise<void>;
  /** Nobody knows whether the write was applied, or will be: fences stay, and the tables' pages are held. */
  abandon(fence: SharedFence): Promise<void>;

  readPage(table: SharedTable, page: PageName): Promise<SharedRead<PageToken>>;
  /** Like `fillItem`. */
  fillPage(token: PageToken, value: Buffer, ttlMs: number): Promise<number | undefined>;

  /** A write that raised no fence anywhere. @returns whether it was delivered. */
  invalidate(tableId: string, key: KeyBytes, generations: readonly KeyBytes[]): Promise<boolean>;
  /**
   * `invalidate`, except that a value may stay in the shared cache which is what the writer left; of L1 it is dropped.
   * @param isLeft whether it is; throws nothing.
   */
  invalidateUnless(
    table: SharedTable,
    key: KeyBytes,
    generations: readonly KeyBytes[],
    isLeft: (value: Buffer) => boolean,
  ): Promise<boolean>;
  /**
   * Any item of the table may have been written, or the table has changed.
   * @param holdMs for how long from now it may happen again.
   * @returns whether it was delivered; what was not is owed.
   */
  voidTable(tableId: string, holdMs: number): Promise<boolean>;
  voidEverything(holdMs: number): Promise<boolean>;

  close(): Promise<void>;
}

/** Whether what L1 has may be served, and reads be joined that began earlier: all that concerns them is heard in time. */
export function isLocalTrusted({ localUntilMs }: Pick<SharedCache, 'localUntilMs'>, clock: Clock): boolean {
  return clock.monotonic() < localUntilMs;
}

/** What is to be dropped from L1, since another proxy, or this one, changed it. */
export interface SharedListener {
  item(tableId: string, key: KeyBytes): void;
  generation(tableId: string, name: KeyBytes): void;
  /** All of the table's items and pages; its description may be another. */
  table(tableId: string): void;
  /** Messages may have been lost, or the shared cache itself. */
  everything(): void;
}

/** A table as its description has it. */
export interface TableVersion {
  readonly id: string;
  /** Equal for descriptions that have the same key and the same indexes. */
  readonly fingerprint: string;
}

/** A table as the fleet sees it; replaced when anybody voids the table. */
export interface SharedTable {
  readonly id: string;
  /** Changes with every void: what was put under another one is not served. */
  readonly version: string;
  readonly fingerprint: string;
}

export type SharedRead<Token> =
  | {
      readonly kind: 'hit';
      readonly value: Buffer /** What is left of it; 0 for no end. */;
      readonly ttlMs: number;
    }
  | {
      readonly kind: 'miss';
      readonly token: Token;
      /**
       * Whether an eventually consistent answer may lack a write that was acknowledged, of which this proxy may have yet to
       * hear. Then only a consistent one may be kept.
       */
      readonly isUnsettled: boolean;
    }
  /** Ask the store, and keep nothing. */
  | { readonly kind: 'bypass' };

/** The right to fill one key, or one page, with one answer of the store; what is in it is the implementation's. */
export interface ItemToken {
  readonly item: SharedItem;
}

export interface PageToken {
  readonly table: SharedTable;
  readonly page: PageName;
}

export interface SharedFence {
  readonly items: readonly SharedItem[];
}

export interface SharedItem {
  readonly table: SharedTable;
  readonly key: KeyBytes;
}

export interface PageName {
  /** Names the request's meaning within its table; any text. */
  readonly name: string;
  /** Of these, none may change while the page is served; at least one. */
  readonly generations: readonly KeyBytes[];
}

export interface ChangedGeneration {
  readonly tableId: string;
  readonly name: KeyBytes;
}

/** What a write that was answered did. */
export interface SharedChanges {
  /** The generations of pages that it may have made wrong, by table. */
  readonly generations: readonly ChangedGeneration[];
  /**
   * Those that it has to end besides if another write of its items may have been made while it was under way: what that
   * one did is in no image here, and is not to be seen by whoever knows of this one.
   */
  readonly generationsBeside: readonly ChangedGeneration[];
  /** What it left under its key, where it is the only write of its call and that is known for certain. */
  readonly written: { readonly value: Buffer; readonly ttlMs: number } | undefined;
}
