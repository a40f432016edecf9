import type { SimulatedStore } from '../simulated-store.ts';
import { canonical, itemOf, region, schema, tableName, type Value } from './model-items.ts';
import type { Oracle } from './model-oracle.ts';
import type { ModelProxy } from './model-proxy.ts';
import type { Scenario } from './model-scenario.ts';

/** A write that went around every proxy. */
interface Around {
  readonly value: Value;
  readonly tableId: string;
}

export interface StreamWorld {
  readonly store: SimulatedStore;
  readonly oracle: Oracle;
  readonly proxies: readonly ModelProxy[];
  /** Whether everybody can know of what was told. */
  readonly isHeard: () => boolean;
}

/**
 * Writes around the proxies, and the stream by which the first one learns of them. What its follower has not told by the
 * time that it is lost nobody tells: the last proxy, which takes over, has to void the table.
 */
export class ModelStream {
  readonly #world: StreamWorld;
  readonly #left: { around: number; follower: number };
  readonly #untold: Around[] = [];
  readonly #lost: Around[] = [];

  constructor({ writesAround: around = 0, followerLosses: follower = 0 }: Scenario, world: StreamWorld) {
    this.#world = world;
    this.#left = { around, follower };
  }

  enabled(): string[] {
    const actions: string[] = [];
    const isThere = this.#world.store.tableId(tableName) !== undefined;
    if (this.#left.around > 0 && isThere) actions.push('write around');
    if (this.#untold.length > 0) actions.push('tell of a write around');
    if (this.#untold.length > 0 && this.#left.follower > 0) actions.push('lose the follower');
    if (this.#lost.length > 0) actions.push('take over');
    return actions;
  }

  writeAround(): void {
    const { store, oracle } = this.#world;
    this.#left.around--;
    const value = `a${this.#left.around}`;
    store.put(tableName, itemOf('k', value));
    oracle.appliedAround(value);
    this.#untold.push({ value, tableId: this.#tableId() });
  }

  tell(): void {
    const write = this.#untold.shift();
    const proxy = this.#world.proxies[0];
    if (write === undefined || proxy === undefined) return;
    proxy.trace.push(`is told of ${write.value}`);
    const table = { id: write.tableId, schema, region, name: tableName };
    const change = { table, key: canonical('k'), oldItem: 'unknown', newItem: 'unknown' } as const;
    void this.#told(proxy.invalidations.changed(change), [write], this.#untold);
  }

  loseFollower(): void {
    this.#left.follower--;
    this.#lost.push(...this.#untold.splice(0));
  }

  takeOver(): void {
    const proxy = this.#world.proxies.at(-1);
    const lost = this.#lost.splice(0);
    if (lost.length === 0 || proxy === undefined) return;
    proxy.trace.push('takes over');
    const isVoid = proxy.invalidations.voidTable(lost[0]?.tableId ?? this.#tableId(), 0);
    void this.#told(isVoid, lost, this.#lost);
  }

  fingerprint(): unknown {
    return [this.#left, this.#untold, this.#lost];
  }

  /** What was not delivered is told again. */
  async #told(isTold: boolean | Promise<boolean>, writes: readonly Around[], again: Around[]): Promise<void> {
    const { oracle, isHeard } = this.#world;
    if (await isTold) for (const { value } of writes) oracle.told(value, isHeard());
    else again.unshift(...writes);
  }

  #tableId(): string {
    return this.#world.store.tableId(tableName) ?? '';
  }
}
