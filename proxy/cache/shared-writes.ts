import type { KeyBytes } from '../../protocol/key.ts';
import type { Table } from '../table-descriptions.ts';
import { type CachedItem, encodeItem } from './cached-item.ts';
import type { Written } from './coherence.ts';
import type { SharedCache, SharedChanges, SharedFence, SharedItem } from './shared.ts';

/** The fences of writes in the cache that a fleet shares. */
export class SharedWrites {
  readonly #shared: SharedCache;
  readonly #fenceMs: number;

  /** @param fenceMs how long the store may take to apply a write that it has not answered. */
  constructor(shared: SharedCache, fenceMs: number) {
    this.#shared = shared;
    this.#fenceMs = fenceMs;
  }

  /** @param writes all that one call may change. */
  async raise(writes: readonly FencedWrite[]): Promise<SharedWrite> {
    const tables = await Promise.all(writes.map(({ table }) => this.#shared.table(table)));
    const items: SharedItem[] = [];
    const unfenced = new Set<string>();
    for (const [i, { table, key }] of writes.entries()) {
      const sharedTable = tables[i];
      if (sharedTable === undefined) unfenced.add(table.id);
      else items.push({ table: sharedTable, key });
    }
    const fence = items.length === 0 ? undefined : await this.#shared.raise(items);
    return new SharedWrite(this.#shared, fence, unfenced, this.#fenceMs);
  }
}

export type EndedGenerations = Pick<SharedChanges, 'generations' | 'generationsBeside'>;

export interface FencedWrite {
  readonly table: Table;
  readonly key: KeyBytes;
}

/**
 * One call that writes, from before it is sent until it is answered. A table of which the fleet's view could not be had is
 * voided as a whole instead of being fenced.
 */
export class SharedWrite {
  readonly #shared: SharedCache;
  readonly #fence: SharedFence | undefined;
  readonly #unfenced: ReadonlySet<string>;
  readonly #fenceMs: number;

  constructor(
    shared: SharedCache,
    fence: SharedFence | undefined,
    unfenced: ReadonlySet<string>,
    fenceMs: number,
  ) {
    this.#shared = shared;
    this.#fence = fence;
    this.#unfenced = unfenced;
    this.#fenceMs = fenceMs;
  }

  /** The write was answered. Its caller is told once this is resolved. */
  async lower(generations: EndedGenerations, written: Written<CachedItem> | undefined): Promise<void> {
    const changes = {
      ...generations,
      written: written && { value: encodeItem(written.value), ttlMs: written.ttlMs },
    };
    const lowered = this.#fence === undefined ? undefined : this.#shared.lower(this.#fence, changes);
    await Promise.all([lowered, ...this.#void([...this.#unfenced], 0)]);
  }

  /**
   * Nobody knows whether the write was applied, or will be.
   * @param others tables to which it may have been sent instead.
   */
  async abandon(others: readonly string[]): Promise<void> {
    const abandoned = this.#fence === undefined ? undefined : this.#shared.abandon(this.#fence);
    await Promise.all([abandoned, ...this.#void([...this.#unfenced, ...others], this.#fenceMs)]);
  }

  /** The store may have written to these tables instead. */
  async void(tableIds: readonly string[]): Promise<void> {
    await Promise.all(this.#void(tableIds, 0));
  }

  #void(tableIds: readonly string[], holdMs: number): Promise<boolean>[] {
    return tableIds.map((tableId) => this.#shared.voidTable(tableId, holdMs));
  }
}
