import type { KeyBytes } from '../../protocol/key.ts';
import type { Table } from '../table-descriptions.ts';
import { type CachedItem, decodeItem, encodeItem } from './cached-item.ts';
import { Brought, type Destination, lesserTtlMs, type Sent, type Standing } from './flights.ts';
import type { ItemToken, SharedRead } from './shared.ts';
import { SharedReads } from './shared-reads.ts';

/** Reads of items that this proxy does not have: from the fleet's cache, else from the store, for all to have. */
export class SharedItems extends SharedReads {
  async find(table: Table, key: KeyBytes): Promise<Found> {
    const sharedTable = await this.shared.table(table);
    return sharedTable === undefined ? bypass : this.shared.readItem(sharedTable, key);
  }

  /** Like `find`, of what was kept since then at the earliest: what the fleet had is dropped. */
  async findAnew(table: Table, key: KeyBytes): Promise<Found> {
    const isDropped = await this.shared.invalidate(table.id, key, []);
    return isDropped ? this.find(table, key) : bypass;
  }

  /**
   * @param finding what `find` gave for this place.
   * @param ask the store; called as soon as nothing was found.
   * @param right to keep the item here. If it has ended by the time of the answer, the fleet does not get the item
   *   either: where the store's replicas lag, a write that was told of meanwhile may be missing in it. One that this proxy is
   *   yet to be told of is known to Redis (`isUnsettled`).
   * @returns the item, to be kept here too only if the fleet keeps it, and for no longer than either may.
   */
  async read(
    finding: Promise<Found>,
    destination: Destination,
    right: Standing | undefined,
    ask: Ask,
  ): Promise<Sent<CachedItem>> {
    const found = await finding;
    if (found.kind === 'hit') {
      return new Brought(decodeItem(found.value), lesserTtlMs(found.ttlMs, destination.ttlMs));
    }
    const item = await ask(found.kind === 'miss' && found.isUnsettled);
    if (item === undefined) return undefined;
    const isKeepable = found.kind === 'miss' && right?.stands === true;
    const keptMs = isKeepable
      ? await this.shared.fillItem(found.token, encodeItem(item), destination.ttlMs)
      : undefined;
    return new Brought(item, keptMs);
  }
}

/** @param isUnsettled whether the answer has to be strongly consistent, as far as the fleet knows. */
export type Ask = (isUnsettled: boolean) => CachedItem | undefined | Promise<CachedItem | undefined>;

export type Found = SharedRead<ItemToken>;

const bypass: Found = { kind: 'bypass' };
