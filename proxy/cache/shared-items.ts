import type { Clock } from '../../protocol/clock.ts';
import type { KeyBytes } from '../../protocol/key.ts';
import type { Table } from '../table-descriptions.ts';
import { type CachedItem, decodeItem, encodeItem } from './cached-item.ts';
import { Brought, type Destination, type Sent } from './flights.ts';
import type { ItemToken, SharedCache, SharedRead } from './shared.ts';

/** Reads of items that this proxy does not have: from the fleet's cache, else from the store, for all to have. */
export class SharedItems {
  readonly #shared: SharedCache;
  readonly #clock: Clock;

  constructor(shared: SharedCache, clock: Clock) {
    this.#shared = shared;
    this.#clock = clock;
  }

  /** Whether what this proxy itself has may be served. */
  get isLocalTrusted(): boolean {
    const { localUntilMs } = this.#shared;
    return localUntilMs === Infinity || this.#clock.monotonic() < localUntilMs;
  }

  async find(table: Table, key: KeyBytes): Promise<Found> {
    const sharedTable = await this.#shared.table(table);
    return sharedTable === undefined ? bypass : this.#shared.readItem(sharedTable, key);
  }

  /** So that the next `find` finds nothing, whatever the fleet had. */
  async drop(table: Table, key: KeyBytes): Promise<void> {
    await this.#shared.invalidate(table.id, key, []);
  }

  /**
   * @param finding what `find` gave for this place.
   * @param ask the store; called as soon as nothing was found.
   * @returns the item, to be kept here too only if the fleet keeps it.
   */
  async read(finding: Promise<Found>, destination: Destination, ask: Ask): Promise<Sent<CachedItem>> {
    const found = await finding;
    if (found.kind === 'hit') return new Brought(decodeItem(found.value), found.ttlMs);
    const item = await ask();
    if (item === undefined) return undefined;
    const { ttlMs } = destination;
    const isKept =
      found.kind === 'miss' && (await this.#shared.fillItem(found.token, encodeItem(item), ttlMs));
    return new Brought(item, isKept ? ttlMs : undefined);
  }
}

export type Ask = () => CachedItem | undefined | Promise<CachedItem | undefined>;

export type Found = SharedRead<ItemToken>;

const bypass: Found = { kind: 'bypass' };
