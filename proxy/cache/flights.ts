import type { KeyBytes } from '../../protocol/key.ts';
import type { Coherence, Token } from './coherence.ts';
import type { Sized } from './local.ts';

/**
 * Reads of the store, one at a time per key, or per page, however many ask for it.
 *
 * Invariants.
 *  1. Per key at most one read is sent and one waits for it to end, besides those of callers who want the store's own
 *     answer: they join nobody, and nobody joins them.
 *  2. Whoever asks joins the read that is sent only while its token stands, that is while no write has been
 *     acknowledged, or announced, since it was sent; and only while announcements are sure to be heard (`isTold`). Otherwise
 *     it joins the one that waits, which is sent after it asked. So no answer is older than a write that was acknowledged
 *     before the question.
 *  3. Everybody gets the answer of the read that was joined, whether it could be kept or not: no number of writes
 *     makes a reader ask twice.
 *  4. A read that fails fails for all who joined it; the one that waits is sent all the same.
 *
 * A store that answers at once is asked at once: then no promise is made and nobody can join.
 */
export class Flights<V, To extends { readonly ttlMs: number } = Destination, T extends Standing = Token> {
  protected readonly flights = new Map<string, Flight<V, To, T>>();
  readonly #ground: Ground<V, To, T>;
  readonly #isTold: () => boolean;

  /** @param isTold whether what others do is known here now, or soon enough. */
  constructor(ground: Ground<V, To, T>, isTold: () => boolean = () => true) {
    this.#ground = ground;
    this.#isTold = isTold;
  }

  /**
   * @param send asks the store; called in this turn or once the read under way has ended. It gets whether the answer
   * has to be strongly consistent, and answers undefined if it has none after all.
   */
  read(destination: To, send: Send<V>): V | undefined | Promise<V | undefined> {
    const name = this.#ground.nameOf(destination);
    const flight = this.flights.get(name);
    if (flight === undefined) return this.#depart(name, destination, send);
    if (this.mayJoin(flight)) return flight.answer;
    flight.next ??= newNextFlight(destination, send);
    return flight.next.answer;
  }

  /** Like `read`, for a caller who wants what the store answers when it is asked now. Reads under way keep nothing. */
  readAnew(destination: To, send: Send<V>): V | undefined | Promise<V | undefined> {
    const { token, sent } = this.#send(destination, send);
    if (!(sent instanceof Promise)) return this.#land(token, sent, destination);
    return sent.then(
      (landed) => this.#land(token, landed, destination),
      (error: unknown) => {
        if (token !== undefined) this.#ground.release(token);
        throw error;
      },
    );
  }

  /** How many keys, or pages, are being read. */
  get size(): number {
    return this.flights.size;
  }

  protected mayJoin(flight: Flight<V, To, T>): boolean {
    return flight.token?.stands === true && this.#isTold();
  }

  #depart(name: string, to: To, send: Send<V>): V | undefined | Promise<V | undefined> {
    const { token, sent } = this.#send(to, send);
    return sent instanceof Promise ? this.#takeOff(name, to, token, sent) : this.#land(token, sent, to);
  }

  #send(to: To, send: Send<V>): { token: T | undefined; sent: Sent<V> | Promise<Sent<V>> } {
    const token = this.#ground.take(to);
    try {
      return { token, sent: send(this.#ground.isUnsettled(to), token) };
    } catch (error) {
      if (token !== undefined) this.#ground.release(token);
      throw error;
    }
  }

  #takeOff(name: string, to: To, token: T | undefined, sent: Promise<Sent<V>>): Promise<V | undefined> {
    const answer = sent.then(
      (landed) => {
        const value = this.#land(token, landed, to);
        this.#departNext(name);
        return value;
      },
      (error: unknown) => {
        if (token !== undefined) this.#ground.release(token);
        this.#departNext(name);
        throw error;
      },
    );
    this.flights.set(name, { token, answer, next: undefined });
    return answer;
  }

  #land(token: T | undefined, sent: Sent<V>, to: To): V | undefined {
    const { value, ttlMs } = sent instanceof Brought ? sent : { value: sent, ttlMs: to.ttlMs };
    if (token === undefined) return value;
    if (value === undefined || ttlMs === undefined) this.#ground.release(token);
    else this.#ground.fill(token, value, ttlMs);
    return value;
  }

  /** Sends the read that waits, unless a writer has put the value meanwhile. */
  #departNext(name: string): void {
    const flight = this.flights.get(name);
    const next = flight?.next;
    this.flights.delete(name);
    if (flight !== undefined) strip(flight);
    if (next === undefined) return;
    const { destination, send, resolve, reject } = next;
    try {
      const cached = this.#isTold() ? this.#ground.lookup(destination) : undefined;
      resolve(cached ?? this.#depart(name, destination, send));
    } catch (error) {
      reject(error);
    }
  }
}

/** @param right to keep what it brings; undefined where nobody may. */
export type Send<V> = (isUnsettled: boolean, right: Standing | undefined) => Sent<V> | Promise<Sent<V>>;

/** An answer; undefined for none. */
export type Sent<V> = V | Brought<V> | undefined;

/** An answer that may be kept for another time than its destination says. */
export class Brought<V> {
  readonly value: V;
  /** 0 for no limit; undefined: it may not be kept. */
  readonly ttlMs: number | undefined;

  constructor(value: V, ttlMs: number | undefined) {
    this.value = value;
    this.ttlMs = ttlMs;
  }
}

/** The lesser of two times to live in milliseconds, of which 0 has no end. */
export function lesserTtlMs(oneMs: number, otherMs: number): number {
  return oneMs === 0 || otherMs === 0 ? oneMs + otherMs : Math.min(oneMs, otherMs);
}

/** The right to keep what a read brings, while it stands. */
export interface Standing {
  readonly stands: boolean;
}

/** What reads start from and come back to: the part of the cache that their answers are kept in. */
export interface Ground<V, To, T extends Standing> {
  /** Equal for reads that can share an answer. */
  nameOf(to: To): string;
  lookup(to: To): V | undefined;
  /** @returns undefined where nothing may be kept. */
  take(to: To): T | undefined;
  /** Whether the read has to be strongly consistent, lest it bring what was before a write. */
  isUnsettled(to: To): boolean;
  /** Gives the token back, and keeps the value if it stands. */
  fill(token: T, value: V, ttlMs: number): void;
  release(token: T): void;
}

/** Where the answer of a read of one item belongs. */
export interface Destination {
  readonly tableId: string;
  readonly key: KeyBytes;
  /** For how long it may be kept, in milliseconds; 0 for no limit. */
  readonly ttlMs: number;
}

export function itemGround<V extends Sized>(coherence: Coherence<V>): Ground<V, Destination, Token> {
  return {
    nameOf: ({ tableId, key }) => `${tableId}\n${key}`,
    lookup: ({ tableId, key }) => coherence.lookup(tableId, key),
    take: ({ tableId, key }) => coherence.take(tableId, key),
    isUnsettled: ({ tableId, key }) => coherence.isUnsettled(tableId, key),
    fill: (token, value, ttlMs) => coherence.fill(token, value, ttlMs),
    release: (token) => coherence.release(token),
  };
}

/** A read that was sent. */
export interface Flight<V, To, T> {
  /** Absent where nothing might be kept as the read was sent: nobody may join it, nor keep what it brings. */
  token: T | undefined;
  answer: Promise<V | undefined>;
  next: NextFlight<V, To> | undefined;
}

/**
 * Of a flight that has ended, nothing is held any more. When entries come and go, V8 puts a Map into new tables again and again,
 * and each of the old ones, with what is in it, keeps the one after it alive, until all of the heap is looked through: so the
 * requests and answers of thousands of reads would be copied from one part of the heap to the next.
 */
function strip<V, To, T>(flight: Flight<V, To, T>): void {
  flight.token = undefined;
  flight.answer = noAnswer;
  flight.next = undefined;
}

const noAnswer = Promise.resolve(undefined);

/** A read that waits until the one before it has ended. */
interface NextFlight<V, To> {
  readonly destination: To;
  readonly send: Send<V>;
  readonly answer: Promise<V | undefined>;
  readonly resolve: (answer: V | undefined | Promise<V | undefined>) => void;
  readonly reject: (error: unknown) => void;
}

function newNextFlight<V, To>(destination: To, send: Send<V>): NextFlight<V, To> {
  let resolve: NextFlight<V, To>['resolve'] = () => {};
  let reject: NextFlight<V, To>['reject'] = () => {};
  const answer = new Promise<V | undefined>((onAnswer, onError) => {
    resolve = onAnswer;
    reject = onError;
  });
  return { destination, send, answer, resolve, reject };
}
