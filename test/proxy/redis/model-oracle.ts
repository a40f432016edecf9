import { firstItem, type Id, ids, idsOf, type Kind, noItem, seenAs, type Value } from './model-items.ts';

/** Of each item, how many of the values that it had, from the oldest, are no answer any more. */
export type Outdated = ReadonlyMap<Id, number>;

/** One read that waits for its answer. */
export interface Reading {
  readonly kind: Kind;
  readonly acceptable: ReadonlyMap<Id, Set<Value>>;
  /** It may be answered with anything. */
  readonly isExcused: boolean;
}

/** What there was in the store, and so what a read may answer with. */
export class Oracle {
  /** Values in the order in which the store had them. */
  readonly #histories = new Map<Id, Value[]>(ids.map((id) => [id, [firstItem]]));
  readonly #outdated = new Map<Id, number>();
  readonly #readings = new Set<Reading>();
  /** Values of writes around that not everybody concerned has been told of. */
  readonly #untold = new Set<Value>();
  /** What was not done by a proxy cannot be known by one. */
  isAround = false;

  /** The store has these values from now on. */
  applied(made: ReadonlyMap<Id, Value>): void {
    for (const [id, value] of made) {
      this.#historyOf(id).push(value);
      for (const { kind, acceptable } of this.#readings) acceptable.get(id)?.add(seenAs(value, kind));
    }
  }

  appliedAround(value: Value): void {
    this.applied(new Map([['k', value]]));
    this.#untold.add(value);
  }

  /** @returns what is outdated for whoever knows of a write that made this. */
  acknowledged(made: ReadonlyMap<Id, Value>, before: Outdated): Outdated {
    this.#raise(this.#outdated, made);
    return this.#raise(new Map(before), made);
  }

  /** @param isHeard whether everybody can know of it. */
  told(value: Value, isHeard: boolean): void {
    this.#untold.delete(value);
    if (isHeard) this.#raise(this.#outdated, new Map([['k', value]]));
  }

  /**
   * @param known to the proxy that is asked.
   * @param hasHeard whether it has heard of everything that anybody was answered.
   */
  begin(kind: Kind, known: Outdated, hasHeard: boolean, isExcused: boolean): Reading {
    const acceptable = new Map(idsOf[kind].map((id) => [id, this.#acceptable(kind, id, known, hasHeard)]));
    const reading = { kind, acceptable, isExcused: isExcused || this.isAround };
    this.#readings.add(reading);
    return reading;
  }

  /** @returns what is wrong with the answer. */
  end(reading: Reading, shown: ReadonlyMap<Id, Value>): string[] {
    this.#readings.delete(reading);
    if (reading.isExcused || this.isAround) return [];
    return [...shown].flatMap(([id, value]) =>
      reading.acceptable.get(id)?.has(value) === true
        ? []
        : [`a reader of kind ${reading.kind} got ${value}, older than what was acknowledged before`],
    );
  }

  /** What the store has now, as readers of the kind see it. */
  current(id: Id, kind: Kind): Value {
    return seenAs(this.#historyOf(id).at(-1) ?? noItem, kind);
  }

  fingerprint(): unknown {
    const outdated = [...this.#outdated].sort();
    return [[...this.#histories.values()], outdated, [...this.#untold], this.isAround];
  }

  #acceptable(kind: Kind, id: Id, known: Outdated, hasHeard: boolean): Set<Value> {
    const ofProxy = known.get(id) ?? 0;
    const outdated = hasHeard ? Math.max(ofProxy, this.#outdated.get(id) ?? 0) : ofProxy;
    const from = kind === 'index' ? Math.min(outdated, this.#lastTold()) : outdated;
    return new Set(
      this.#historyOf(id)
        .slice(from)
        .map((value) => seenAs(value, kind)),
    );
  }

  /**
   * The last value before a write around that is yet to be told of: whoever writes after it finds what it left, and not
   * the partition of the index that it left, whose pages are behind by the stream's lag.
   */
  #lastTold(): number {
    return Math.min(
      ...[...this.#untold].map((value) => this.#historyOf('k').lastIndexOf(value) - 1),
      Infinity,
    );
  }

  #raise(outdated: Map<Id, number>, made: ReadonlyMap<Id, Value>): Outdated {
    for (const [id, value] of made) {
      outdated.set(id, Math.max(outdated.get(id) ?? 0, this.#historyOf(id).lastIndexOf(value)));
    }
    return outdated;
  }

  #historyOf(id: Id): Value[] {
    return this.#histories.get(id) ?? [];
  }
}
