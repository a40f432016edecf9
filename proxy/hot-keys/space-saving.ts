export interface Counted<T> {
  readonly value: T;
  /** At most `error` above the true count, never below it. */
  readonly count: number;
  readonly error: number;
}

interface Counter<T> {
  name: string;
  value: T;
  count: number;
  error: number;
}

/**
 * The most frequent of a stream in bounded memory: Space-Saving (Metwally, Agrawal, El Abbadi: Efficient Computation of
 * Frequent and Top-k Elements in Data Streams, 2005). A name without a counter takes over the least one, and with it that
 * count as its error. So a name with more than 1/`countersMax` of the stream always has a counter.
 */
export class SpaceSaving<T> {
  readonly #countersMax: number;
  readonly #counters = new Map<string, Counter<T>>();
  #total = 0;

  /** @param countersMax at least 1. */
  constructor(countersMax: number) {
    this.#countersMax = countersMax;
  }

  /** How much was added, as far as it still counts. */
  get total(): number {
    return this.#total;
  }

  add(name: string, value: T): void {
    this.#total++;
    const counter = this.#counters.get(name);
    if (counter !== undefined) counter.count++;
    else if (this.#counters.size < this.#countersMax)
      this.#counters.set(name, { name, value, count: 1, error: 0 });
    else this.#takeOver(name, value);
  }

  /** @returns the greatest counts first. */
  top(limit: number): Counted<T>[] {
    return [...this.#counters.values()].sort((a, b) => b.count - a.count).slice(0, limit);
  }

  /** @param factor from 0 to 1: what was added before counts that much less. */
  scale(factor: number): void {
    this.#total *= factor;
    for (const counter of this.#counters.values()) {
      counter.count *= factor;
      counter.error *= factor;
    }
  }

  /** All counters are looked at: they are few, and only samples come here. */
  #takeOver(name: string, value: T): void {
    let least: Counter<T> | undefined;
    for (const counter of this.#counters.values()) {
      if (least === undefined || counter.count < least.count) least = counter;
    }
    if (least === undefined) return;
    this.#counters.delete(least.name);
    this.#counters.set(name, { name, value, count: least.count + 1, error: least.count });
  }
}
