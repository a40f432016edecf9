import type { Clock } from '../../../protocol/clock.ts';
import type { KeyBytes } from '../../../protocol/key.ts';
import type { ItemToken, SharedChanges, SharedItem, SharedRead } from '../shared.ts';
import type { Masters, Process } from './masters.ts';
import { type ItemNames, itemNames } from './names.ts';
import { lifeMs, readHit, readTaken, stamped, stampOf } from './stamps.ts';
import { fillItemStep, lowerStep, noFence, raiseStep, readItemStep, tellItemStep } from './steps.ts';
import { type FleetTable, fleetTable } from './table-versions.ts';

/** Items in Redis, and the guards of each. What was not delivered is for the caller to see to. */
export class RedisItems {
  readonly #masters: Masters;
  readonly #clock: Clock;
  readonly #newId: () => string;
  readonly #callMs: number;
  readonly #fenceMs: number;
  readonly #settleMs: () => number;

  constructor(masters: Masters, { clock, newId, callMs, fenceMs, settleMs }: ItemsOptions) {
    this.#masters = masters;
    this.#clock = clock;
    this.#newId = newId;
    this.#callMs = callMs;
    this.#fenceMs = fenceMs;
    this.#settleMs = settleMs;
  }

  /** @returns undefined if Redis did not answer. */
  async read(table: FleetTable, key: KeyBytes): Promise<SharedRead<RedisItemToken> | undefined> {
    const names = itemNames(table.id, key);
    const process = this.#masters.processOf(names.value);
    if (process === undefined) return undefined;
    const stamp = stampOf(process, table.version);
    const keys = this.#withSettling(names, [names.value, names.token, names.fences]);
    const args = [stamp, this.#newId(), this.#callMs];
    const answer = await this.#masters.run(process, readItemStep, keys, args);
    if (Array.isArray(answer)) return readHit(answer, stamp.length);
    if (answer === undefined) return undefined;
    if (answer === 0) return { kind: 'bypass' };
    const { id, isMarked } = readTaken(answer);
    const token = new RedisItemToken({ table, key }, id, names, process.stamp, stamp);
    return { kind: 'miss', token, isUnsettled: isMarked || table.isUnsettled(this.#clock) };
  }

  /** @returns for how long it is kept, in milliseconds; 0: not at all; undefined if Redis did not answer. */
  async fill(token: RedisItemToken, value: Buffer, ttlMs: number): Promise<number | undefined> {
    const { item, names, stamp } = token;
    const process = this.#masters.processOf(names.value);
    if (process?.stamp !== token.processStamp) return 0;
    const lifeMs = this.#lifeMs(process, item.table, ttlMs);
    const args = [token.id, stamped(stamp, value), lifeMs];
    const answer = await this.#masters.run(process, fillItemStep, [names.value, names.token], args);
    if (answer === undefined) return undefined;
    return answer === 1 ? lifeMs : 0;
  }

  /** Raises a fence that stands until the longest call has ended, for `fenceMs` more, and until that has settled. */
  async raise({ table, key }: SharedItem): Promise<RaisedItem> {
    const known = fleetTable(table);
    const isHeld = known.heldUntilMs > this.#clock.monotonic();
    const raised = { table: known, key, id: this.#newId(), names: itemNames(table.id, key), isHeld };
    for (let attempts = 0; attempts < raisesMax; attempts++) {
      const startedMs = this.#clock.monotonic();
      const process = await this.#raiseOnce(raised.names, raised.id);
      const isInTime = this.#clock.monotonic() - startedMs <= raiseMs;
      if (process === undefined || isInTime) return { ...raised, processStamp: process?.stamp };
    }
    return { ...raised, processStamp: undefined };
  }

  /**
   * Drops, and puts what the write left, where this is certain.
   * @returns whether no other write can have been made since the fence was raised; undefined if it is not certain that
   * the item was dropped.
   */
  async lower(raised: RaisedItem, written: SharedChanges['written']): Promise<boolean | undefined> {
    const process = this.#masters.processOf(raised.names.value);
    if (process === undefined) return undefined;
    const isConfirmed = raised.processStamp === process.stamp;
    const isPut = isConfirmed && raised.table.isReadable && !raised.isHeld;
    const put = isPut && written !== undefined ? this.#asPut(process, raised.table, written) : [];
    const answer = await this.#drop(process, raised.names, raised.id, put);
    return answer === undefined ? undefined : isConfirmed && answer === 1;
  }

  /** @param fenceId the fence of the write, if it raised one. */
  async drop(tableId: string, key: KeyBytes, fenceId: string = noFence): Promise<boolean> {
    const names = itemNames(tableId, key);
    const process = this.#masters.processOf(names.value);
    return process !== undefined && (await this.#drop(process, names, fenceId)) !== undefined;
  }

  /** @returns whether it is certain that it was dropped, or left. */
  async dropUnless(table: FleetTable, key: KeyBytes, isLeft: (value: Buffer) => boolean): Promise<boolean> {
    const names = itemNames(table.id, key);
    const process = this.#masters.processOf(names.value);
    if (process === undefined) return false;
    const stamp = stampOf(process, table.version);
    const args = [stamp, this.#settleMs()];
    const answer = await this.#masters.run(process, tellItemStep, this.#keysOfDrop(names), args);
    if (Buffer.isBuffer(answer) && !isLeft(answer.subarray(stamp.length))) return this.drop(table.id, key);
    return answer !== undefined;
  }

  async #raiseOnce(names: ItemNames, id: string): Promise<Process | undefined> {
    const process = this.#masters.processOf(names.value);
    if (process === undefined) return undefined;
    const keys = [names.value, names.token, names.fences, names.marker];
    const fenceMs = raiseMs + this.#callMs + this.#fenceMs + this.#settleMs();
    const answer = await this.#masters.run(process, raiseStep, keys, [id, fenceMs]);
    return answer === undefined ? undefined : process;
  }

  /** @param put the stamped value and its life in ms, or neither. */
  #drop(process: Process, names: ItemNames, fenceId: string, put: readonly (Buffer | number)[] = []) {
    const args = [fenceId, this.#settleMs(), ...put];
    return this.#masters.run(process, lowerStep, this.#keysOfDrop(names), args);
  }

  #keysOfDrop(names: ItemNames): readonly string[] {
    return this.#withSettling(names, [names.value, names.token, names.fences, names.marker]);
  }

  #withSettling({ settling }: ItemNames, keys: readonly string[]): readonly string[] {
    return this.#settleMs() > 0 ? [...keys, settling] : keys;
  }

  #asPut(process: Process, table: FleetTable, { value, ttlMs }: WrittenItem): [Buffer, number] {
    return [stamped(stampOf(process, table.version), value), this.#lifeMs(process, table, ttlMs)];
  }

  #lifeMs(process: Process, table: FleetTable, ttlMs: number): number {
    const youngUntilMs = Math.max(this.#masters.youngUntilMs(process), table.youngUntilMs);
    return lifeMs(ttlMs, itemMsMax, youngUntilMs - this.#clock.monotonic());
  }
}

type WrittenItem = NonNullable<SharedChanges['written']>;

export interface ItemsOptions {
  readonly clock: Clock;
  readonly newId: () => string;
  /** The longest that a call to the store takes. */
  readonly callMs: number;
  readonly fenceMs: number;
  /** As of `RedisCacheOptions`. */
  readonly settleMs: () => number;
}

export class RedisItemToken implements ItemToken {
  readonly item: { readonly table: FleetTable; readonly key: KeyBytes };
  readonly id: string;
  readonly names: ItemNames;
  readonly processStamp: string;
  /** Begins the value. */
  readonly stamp: string;

  constructor(
    item: RedisItemToken['item'],
    id: string,
    names: ItemNames,
    processStamp: string,
    stamp: string,
  ) {
    this.item = item;
    this.id = id;
    this.names = names;
    this.processStamp = processStamp;
    this.stamp = stamp;
  }
}

/** An item with its fence. */
export interface RaisedItem {
  readonly table: FleetTable;
  readonly key: KeyBytes;
  readonly id: string;
  readonly names: ItemNames;
  /** Whether anything may happen to the table at any time. */
  readonly isHeld: boolean;
  /** The process that confirmed the fence. */
  readonly processStamp: string | undefined;
}

/** How long an item without a time to live is kept: nothing stays in Redis for ever. */
const itemMsMax = 86_400_000;
/** How long raising a fence may take without the fence ending too early: longer than any step's deadline. */
const raiseMs = 2_000;
/** A proxy that was suspended for longer raises its fence anew. */
const raisesMax = 3;
