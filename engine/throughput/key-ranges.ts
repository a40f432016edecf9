import type { StateKey } from '../state/layout.ts';
import type { Direction } from './throttled.ts';
import { type Call, TokenBucket } from './token-bucket.ts';

export type KeyRangesByDirection = Readonly<Record<Direction, KeyRanges>>;

/** What one partition takes (AWS: bp-partition-key-design). */
export function newKeyRanges(): KeyRangesByDirection {
  return { Read: new KeyRanges(3000), Write: new KeyRanges(1000) };
}

/**
 * What single partition keys can take, in one direction, whatever their table has: one second's worth can be saved
 * (AWS: bp-partition-key-design). Keys whose number and hash are equal share a ceiling, as neighbours on one
 * partition do at AWS.
 *
 * Only keys in recent use are remembered, in two generations: one that was not used for as long as a generation lasts
 * has its second's worth in full again, and so can be forgotten.
 */
export class KeyRanges {
  readonly #unitsPerSecond: number;
  #recent = new Map<string, TokenBucket>();
  #older = new Map<string, TokenBucket>();
  #turnedMs = 0;

  constructor(unitsPerSecond: number) {
    this.#unitsPerSecond = unitsPerSecond;
  }

  admits(call: Call, key: StateKey): boolean {
    return this.#bucketOf(call, key).admits(call);
  }

  spend(call: Call, key: StateKey, units: number): void {
    this.#bucketOf(call, key).spend(units);
  }

  #bucketOf({ nowMs }: Call, key: StateKey): TokenBucket {
    const range = key.slice(0, rangeBytes);
    const recent = this.#recent.get(range);
    if (recent !== undefined) return recent;
    if (nowMs - this.#turnedMs > generationMs || this.#recent.size >= generationSizeMax) this.#turn(nowMs);
    const bucket = this.#older.get(range) ?? new TokenBucket(this.#unitsPerSecond, 1, nowMs);
    this.#recent.set(range, bucket);
    return bucket;
  }

  #turn(nowMs: number): void {
    this.#older = this.#recent;
    this.#recent = new Map();
    this.#turnedMs = nowMs;
  }
}

/** A state key begins with the number of its table or index, and the hash of the partition key: four bytes each. */
const rangeBytes = 8;

/** Longer than the largest debt of one call, a transaction of 4 MB written to one partition key, takes to be paid. */
const generationMs = 10_000;

/** Partition keys that one generation remembers; past that, the ones used longest ago are forgotten early. */
const generationSizeMax = 50_000;
