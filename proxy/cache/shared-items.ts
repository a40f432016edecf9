import type { KeyBytes } from '../../protocol/key.ts';
import type { Table } from '../table-descriptions.ts';
import { type CachedItem, decodeItem, encodeItem } from './cached-item.ts';
import { Brought, type Destination, type Sent } from './flights.ts';
import type { ItemToken, SharedCache, SharedRead } from './shared.ts';

/** A read of one item that this proxy does not have: from the fleet's cache, else from the store, for all to have. */
export class SharedItems {
  readonly #shared: SharedCache;

  constructor(shared: SharedCache) {
    this.#shared = shared;
  }

  async find(table: Table, key: KeyBytes): Promise<Found> {
    const sharedTable = await this.#shared.table(table);
    return sharedTable === undefined ? bypass : this.#shared.readItem(sharedTable, key);
  }

  /**
   * @param item what the store answered after `find` had found nothing.
   * @returns what may be kept here too only if the fleet keeps it.
   */
  async keep(found: Found, item: CachedItem | undefined, { ttlMs }: Destination): Promise<Sent<CachedItem>> {
    if (item === undefined) return undefined;
    const isKept =
      found.kind === 'miss' && (await this.#shared.fillItem(found.token, encodeItem(item), ttlMs));
    return new Brought(item, isKept ? ttlMs : undefined);
  }
}

export type Found = SharedRead<ItemToken>;

const bypass: Found = { kind: 'bypass' };

/** The item that was found, with what is left of its time. */
export function itemFound(found: Found): Brought<CachedItem> | undefined {
  return found.kind === 'hit' ? new Brought(decodeItem(found.value), found.ttlMs) : undefined;
}
