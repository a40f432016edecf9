import type { KeyBytes } from '../../protocol/key.ts';
import type { Coherence, Token } from './coherence.ts';
import type { Sized } from './local.ts';

/**
 * Reads of the store, one at a time per key, however many ask for it.
 *
 * Invariants.
 *  1. Per key at most one read is sent and one waits for it to end.
 *  2. Whoever asks joins the read that is sent only while its token stands, that is while no write has been
 *     acknowledged, or announced, since it was sent. Otherwise it joins the one that waits, which is sent after it
 *     asked. So no answer is older than a write that was acknowledged before the question.
 *  3. Everybody gets the answer of the read that was joined, whether it could be kept or not: no number of writes
 *     makes a reader ask twice.
 *  4. A read that fails fails for all who joined it; the one that waits is sent all the same.
 *
 * A store that answers at once is asked at once: then no promise is made and nobody can join.
 */
export class Flights<V extends Sized> {
  protected readonly flights = new Map<string, Flight<V>>();
  readonly #coherence: Coherence<V>;

  constructor(coherence: Coherence<V>) {
    this.#coherence = coherence;
  }

  /**
   * @param send asks the store for the key; called in this turn or once the read under way has ended. It gets
   * whether the answer has to be strongly consistent, and answers undefined if it has none after all.
   */
  read(destination: Destination, send: Send<V>): V | undefined | Promise<V | undefined> {
    const name = `${destination.tableId}\n${destination.key}`;
    const flight = this.flights.get(name);
    if (flight === undefined) return this.#depart(name, destination, send);
    if (this.mayJoin(flight)) return flight.answer;
    flight.next ??= newNextFlight(destination, send);
    return flight.next.answer;
  }

  /** How many keys are being read. */
  get size(): number {
    return this.flights.size;
  }

  protected mayJoin(flight: Flight<V>): boolean {
    return flight.token?.stands === true;
  }

  #depart(name: string, to: Destination, send: Send<V>): V | undefined | Promise<V | undefined> {
    const token = this.#coherence.take(to.tableId, to.key);
    let answer: V | undefined | Promise<V | undefined>;
    try {
      answer = send(this.#coherence.isUnsettled(to.tableId, to.key));
    } catch (error) {
      if (token !== undefined) this.#coherence.release(token);
      throw error;
    }
    if (answer instanceof Promise) return this.#takeOff(name, to, token, answer);
    this.#fill(token, answer, to);
    return answer;
  }

  #takeOff(
    name: string,
    to: Destination,
    token: Token | undefined,
    answer: Promise<V | undefined>,
  ): Promise<V | undefined> {
    const landed = answer.then(
      (value) => {
        this.#fill(token, value, to);
        this.#departNext(name);
        return value;
      },
      (error: unknown) => {
        this.#fill(token, undefined, to);
        this.#departNext(name);
        throw error;
      },
    );
    this.flights.set(name, { token, answer: landed, next: undefined });
    return landed;
  }

  #fill(token: Token | undefined, value: V | undefined, to: Destination): void {
    if (token === undefined) return;
    if (value === undefined) this.#coherence.release(token);
    else this.#coherence.fill(token, value, to.ttlMs);
  }

  /** Sends the read that waits, unless a writer has put the value meanwhile. */
  #departNext(name: string): void {
    const next = this.flights.get(name)?.next;
    this.flights.delete(name);
    if (next === undefined) return;
    const { destination, send, resolve, reject } = next;
    try {
      const cached = this.#coherence.lookup(destination.tableId, destination.key);
      resolve(cached ?? this.#depart(name, destination, send));
    } catch (error) {
      reject(error);
    }
  }
}

export type Send<V> = (isUnsettled: boolean) => V | undefined | Promise<V | undefined>;

/** Where a read's answer belongs. */
export interface Destination {
  readonly tableId: string;
  readonly key: KeyBytes;
  /** For how long it may be kept, in milliseconds; 0 for no limit. */
  readonly ttlMs: number;
}

/** A read that was sent. */
export interface Flight<V> {
  /** Absent where the key was fenced as the read was sent: nobody may join it, nor keep what it brings. */
  readonly token: Token | undefined;
  readonly answer: Promise<V | undefined>;
  next: NextFlight<V> | undefined;
}

/** A read that waits until the one before it has ended. */
interface NextFlight<V> {
  readonly destination: Destination;
  readonly send: Send<V>;
  readonly answer: Promise<V | undefined>;
  readonly resolve: (answer: V | undefined | Promise<V | undefined>) => void;
  readonly reject: (error: unknown) => void;
}

function newNextFlight<V>(destination: Destination, send: Send<V>): NextFlight<V> {
  let resolve: NextFlight<V>['resolve'] = () => {};
  let reject: NextFlight<V>['reject'] = () => {};
  const answer = new Promise<V | undefined>((onAnswer, onError) => {
    resolve = onAnswer;
    reject = onError;
  });
  return { destination, send, answer, resolve, reject };
}
