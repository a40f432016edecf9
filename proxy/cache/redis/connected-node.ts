import { randomBytes } from 'node:crypto';
import type { Clock } from '../../../protocol/clock.ts';
import type { Logger } from '../../../protocol/logger.ts';
import { addressName, type RedisAddress } from './address.ts';
import type { RedisEvents, RedisNode, Step } from './node.ts';
import { historyIn, messageOf, Session } from './session.ts';

export interface ConnectedNodeOptions {
  readonly address: RedisAddress;
  readonly ca?: string | undefined;
  readonly timeoutMs: number;
  readonly trackedPrefix: string;
  readonly events: RedisEvents;
  /** It is down, or its slots may lie elsewhere. */
  readonly doubted: () => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Between two heartbeats. */
const beatMs = 1_000;
/** Heartbeats that may be on their way when another one is due. */
const unprovenMax = 2;
/** For how long a heartbeat proves that what was announced before it has been heard. */
export const proofMs = 3_000;
/** Turns of the event loop in a row in which steps were overdue, and nothing was answered between them. */
const overdueTurnsMax = 5;

const firstPauseMs = 50;
const pauseMsMax = 2_000;
/** Who was up for a shorter time is not tried again any sooner than before. */
const steadyMs = 10_000;
/** Reasons that are logged while it is down, each once. */
const reasonsMax = 10;

/**
 * Announces its key, also where it was missing and where Redis is full, and leaves nothing behind. Answers how it stands
 * with the master.
 */
const beat: Step = {
  name: 'beat',
  lua: `
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], '')
redis.call('DEL', KEYS[1])
return redis.call('INFO', 'replication')`.trim(),
  keyCount: 1,
  readOnly: false,
};

/** Answers of a cluster whose map has changed, or is about to. */
const elsewhere = /^(MOVED|ASK|CLUSTERDOWN) /;

/**
 * One master: it is up while a session is open and proves itself.
 *
 * 1. It is up only from the announcement of its first heartbeat on, which has gone the way of every other: written
 *    through the one connection, told on the other.
 * 2. It is down in the turn in which that stops being known: a connection broke; `unprovenMax` heartbeats were not
 *    announced; it refused a heartbeat; it has been a replica in between; it answered nothing in time, several turns in
 *    a row.
 * 3. Once down, the session is over: it comes up again only with another one, in which everything was set up anew.
 * 4. Every change is told once, to the log too.
 * 5. A heartbeat proves what was announced before it was sent, and so counts from then on, not from its own
 *    announcement. Whoever was suspended meanwhile has no proof until the next one comes back, however much is waiting to
 *    be heard.
 */
export class ConnectedNode implements RedisNode {
  readonly name: string;
  readonly address: RedisAddress;
  readonly #options: ConnectedNodeOptions;
  readonly #beatPrefix: string;
  /** Tells its heartbeats from those of all other processes. */
  readonly #id = randomBytes(9).toString('base64url');
  #beatTag: string | undefined;
  #session: Session | undefined;
  #isUp = false;
  /** The heartbeats that were not announced yet, oldest first, and when each was sent. */
  readonly #unproven = new Map<string, number>();
  #provenUntilMs = Number.NEGATIVE_INFINITY;
  #beatCount = 0;
  #overdueTurns = 0;
  #turnCounted = false;
  #attempts = 0;
  #upSinceMs = 0;
  readonly #reasons = new Set<string>();
  /** Of the next heartbeat, or of the next attempt to connect. */
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** @param beatTag see `moveBeat`. */
  constructor(options: ConnectedNodeOptions, beatTag: string | undefined) {
    this.#options = options;
    this.address = options.address;
    this.name = addressName(options.address);
    this.#beatPrefix = `${options.trackedPrefix}beat:`;
    this.#beatTag = beatTag;
    void this.#open();
  }

  get runId(): string | undefined {
    return this.#isUp ? this.#session?.runId : undefined;
  }

  get provenUntilMs(): number {
    return this.#provenUntilMs;
  }

  run(step: Step, keys: readonly string[], args: readonly (string | Buffer | number)[]): Promise<unknown> {
    if (!this.#isUp || this.#session === undefined) return Promise.reject(this.#unusable());
    return this.#session.run(step, keys, args);
  }

  /** A command without a script. */
  ask(name: string, ...words: readonly string[]): Promise<unknown> {
    if (!this.#isUp || this.#session === undefined) return Promise.reject(this.#unusable());
    return this.#session.ask(name, ...words);
  }

  /** @param tag a hash tag of which it has the slot; undefined where it is no node of a cluster. */
  moveBeat(tag: string | undefined): void {
    this.#beatTag = tag;
  }

  /** For good; it tells that it is down, if it was up. */
  close(): void {
    this.#isClosed = true;
    this.#drop();
  }

  #unusable(): Error {
    return new Error(`Redis at ${this.name} cannot be used now`);
  }

  async #open(): Promise<void> {
    const session = this.#newSession();
    this.#session = session;
    this.#provenUntilMs = Number.NEGATIVE_INFINITY;
    try {
      await session.open();
    } catch (error) {
      this.#down(session, messageOf(error));
      return;
    }
    if (this.#session === session) this.#beat(session);
  }

  #newSession(): Session {
    const { address, ca, timeoutMs, trackedPrefix } = this.#options;
    const session: Session = new Session({
      ...{ address, ca, timeoutMs, trackedPrefix },
      announced: (names) => this.#announced(names),
      answered: () => {
        this.#overdueTurns = 0;
      },
      overdue: () => this.#overdue(session),
      refused: (message) => {
        if (elsewhere.test(message)) this.#options.doubted();
        else if (message.startsWith('READONLY ')) this.#down(session, 'it is a replica');
      },
      ended: (reason) => this.#down(session, reason),
    });
    return session;
  }

  #beat(session: Session): void {
    if (this.#unproven.size >= unprovenMax) {
      this.#down(session, 'its announcements do not arrive');
      return;
    }
    const tag = this.#beatTag === undefined ? '' : `{${this.#beatTag}}`;
    const name = `${this.#beatPrefix}${tag}${this.#id}:${this.#beatCount}`;
    this.#beatCount += 1;
    this.#unproven.set(name, this.#options.clock.monotonic());
    // Where there is no answer, the announcement does not come either.
    session.run(beat, [name], []).then(
      (replication) => this.#beatAnswered(session, String(replication)),
      (error) => this.#beatFailed(session, messageOf(error)),
    );
    this.#timer = setTimeout(() => this.#beat(session), beatMs);
  }

  #beatAnswered(session: Session, replication: string): void {
    if (historyIn(replication) !== session.history) this.#down(session, 'it has been a replica meanwhile');
  }

  #beatFailed(session: Session, message: string): void {
    const isRefusal = /^[A-Z]+ /.test(message);
    if (isRefusal && !/^(MOVED|ASK) /.test(message)) this.#down(session, message);
  }

  #announced(names: readonly string[] | undefined): void {
    if (names === undefined) {
      if (this.#isUp) this.#options.events.touched(this, undefined);
      return;
    }
    for (const name of names) if (this.#unproven.has(name)) this.#proven(name);
    // Heartbeats, those of other processes too, are nobody's business.
    const others = names.filter((name) => !name.startsWith(this.#beatPrefix));
    if (this.#isUp && others.length > 0) this.#options.events.touched(this, others);
  }

  #proven(name: string): void {
    for (const [earlier, sentAtMs] of this.#unproven) {
      this.#unproven.delete(earlier);
      this.#provenUntilMs = sentAtMs + proofMs;
      if (earlier === name) break;
    }
    if (!this.#isUp) this.#up();
  }

  #up(): void {
    this.#isUp = true;
    this.#upSinceMs = this.#options.clock.monotonic();
    this.#reasons.clear();
    this.#options.log.info({ redis: this.name, runId: this.runId }, 'Redis is in use');
    this.#options.events.up(this);
  }

  #overdue(session: Session): void {
    if (this.#turnCounted) return;
    this.#turnCounted = true;
    this.#overdueTurns += 1;
    // In a turn that was late itself all that was waited for is overdue, and may have been answered.
    setImmediate(() => {
      this.#turnCounted = false;
      if (this.#overdueTurns >= overdueTurnsMax) this.#down(session, 'it does not answer in time');
    });
  }

  #down(session: Session, reason: string): void {
    if (this.#session !== session) return;
    const wasUp = this.#isUp;
    this.#drop();
    if (this.#isClosed) return;
    this.#logDown(reason, wasUp);
    if (wasUp && this.#options.clock.monotonic() - this.#upSinceMs >= steadyMs) this.#attempts = 0;
    this.#timer = setTimeout(() => void this.#open(), this.#pauseMs());
    if (wasUp) this.#options.doubted();
  }

  #drop(): void {
    const wasUp = this.#isUp;
    clearTimeout(this.#timer);
    this.#isUp = false;
    this.#unproven.clear();
    this.#overdueTurns = 0;
    this.#session?.close();
    this.#session = undefined;
    if (wasUp) this.#options.events.down(this);
  }

  #logDown(reason: string, wasUp: boolean): void {
    if (this.#reasons.has(reason) || this.#reasons.size >= reasonsMax) return;
    this.#reasons.add(reason);
    const message = wasUp ? 'Redis is out of use' : 'Redis cannot be used yet';
    this.#options.log.warn({ redis: this.name, reason }, message);
  }

  /** Twice as long each time, and not the same for all proxies. */
  #pauseMs(): number {
    const pauseMs = Math.min(firstPauseMs * 2 ** this.#attempts, pauseMsMax);
    this.#attempts += 1;
    return pauseMs * (0.5 + Math.random() / 2);
  }
}
