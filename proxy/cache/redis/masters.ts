import type { Clock } from '../../../protocol/clock.ts';
import type { RedisEvents, RedisNode, RedisNodes, Step } from './node.ts';

/**
 * The masters of Redis, as processes: one that has come up anew may have come up with the past.
 *
 * L1 is served from while all of them are up, as each announces the changes of its own names only, and no longer than
 * each has been proven to be heard (`RedisNode.provenUntilMs`): a proxy that was suspended has yet to hear what happened
 * meanwhile. From the moment in which one goes down, or is not proven any more, L1 is served for `staleIfRedisDownMs`
 * more; where one was down it is emptied before it is used again.
 */
export class Masters {
  readonly #nodes: RedisNodes;
  readonly #options: MastersOptions;
  readonly #listener: MastersListener;
  /** Until when each process is young, by its stamp; in the order in which they were met. */
  readonly #youngUntilMs = new Map<string, number>();
  /** Whether all masters are up. */
  #isLocalServed = false;
  /** Until when L1 is served from where they are not. */
  #localEndMs = 0;
  #isLocalUsed = false;
  #errors = 0;

  constructor(options: MastersOptions, listener: MastersListener) {
    this.#options = options;
    this.#listener = listener;
    this.#nodes = options.nodes({
      up: (node) => this.#up(node),
      down: (node) => this.#down(node),
      touched: (node, names) => this.#touched(node, names),
    });
  }

  /** Until when L1 may be served from, by the monotonic clock. Asked for at each hit. */
  get localUntilMs(): number {
    return this.#isLocalServed ? this.#provenUntilMs() + this.#options.staleIfRedisDownMs : this.#localEndMs;
  }

  /** Whether one of them does all steps, in the order in which this proxy sends them. */
  get areInOrder(): boolean {
    return this.#nodes.all().length === 1;
  }

  /** The process that has the name now; undefined while nobody does. */
  processOf(name: string): Process | undefined {
    const node = this.#nodes.nodeOf(name);
    const runId = node?.runId;
    return node === undefined || runId === undefined ? undefined : { node, stamp: stampOf(runId) };
  }

  /**
   * Must be called in the turn in which the process was found.
   * @returns what the step answers; undefined if that is not known, and so not whether it was done.
   */
  async run(
    process: Process,
    step: Step,
    keys: readonly string[],
    args: readonly (string | Buffer | number)[],
  ): Promise<unknown> {
    try {
      return await process.node.run(step, keys, args);
    } catch {
      this.#errors++;
      return undefined;
    }
  }

  /** Runs a step of whichever process has its first key. */
  async runAnywhere(
    step: Step,
    keys: readonly [string, ...string[]],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    const process = this.processOf(keys[0]);
    return process === undefined ? undefined : this.run(process, step, keys, args);
  }

  /**
   * Until when what is kept may not outlive the fences and holds that the process may have lost, with whoever would
   * raise them again; by the monotonic clock.
   */
  youngUntilMs(process: Process): number {
    return this.#youngUntilMs.get(process.stamp) ?? this.#meet(process.stamp);
  }

  /** Looks at the masters again, as they may have become others without an event. */
  check(): void {
    if (this.#isWhole()) this.#serveLocally();
    else this.#stopLocally();
  }

  /** Steps without an answer, ever. */
  get errors(): number {
    return this.#errors;
  }

  close(): Promise<void> {
    return this.#nodes.close();
  }

  #up(node: RedisNode): void {
    if (node.runId !== undefined && !this.#youngUntilMs.has(stampOf(node.runId)))
      this.#meet(stampOf(node.runId));
    if (this.#isLocalServed) this.#listener.everything();
    this.check();
    this.#listener.up();
  }

  #down(node: RedisNode): void {
    this.#stopLocally(node.provenUntilMs);
    this.#listener.down();
  }

  #touched(node: RedisNode, names: readonly string[] | undefined): void {
    if (names !== undefined) {
      this.#listener.touched(names);
      return;
    }
    if (node.runId !== undefined) this.#meet(stampOf(node.runId));
    this.#listener.everything();
    this.#listener.up();
  }

  #meet(stamp: string): number {
    const untilMs = this.#options.clock.monotonic() + this.#options.youngMs;
    this.#youngUntilMs.delete(stamp);
    this.#youngUntilMs.set(stamp, untilMs);
    if (this.#youngUntilMs.size > processesMax) this.#forgetOldest();
    return untilMs;
  }

  /** One that is in use after all is young again, which is safe. */
  #forgetOldest(): void {
    for (const stamp of this.#youngUntilMs.keys()) {
      this.#youngUntilMs.delete(stamp);
      return;
    }
  }

  #provenUntilMs(): number {
    let untilMs = Infinity;
    for (const node of this.#nodes.all()) untilMs = Math.min(untilMs, node.provenUntilMs);
    return untilMs;
  }

  #isWhole(): boolean {
    const all = this.#nodes.all();
    return all.length > 0 && all.every(({ runId }) => runId !== undefined);
  }

  #serveLocally(): void {
    if (this.#isLocalServed) return;
    this.#listener.everything();
    this.#isLocalServed = true;
    this.#isLocalUsed = true;
  }

  /** @param provenUntilMs of the master that went down, which may have been removed already. */
  #stopLocally(provenUntilMs = Infinity): void {
    const nowMs = this.#options.clock.monotonic();
    if (this.#isLocalServed) {
      const heardUntilMs = Math.min(nowMs, provenUntilMs, this.#provenUntilMs());
      this.#localEndMs = heardUntilMs + this.#options.staleIfRedisDownMs;
      this.#isLocalServed = false;
    }
    if (!this.#isLocalUsed || nowMs < this.#localEndMs) return;
    this.#isLocalUsed = false;
    this.#listener.everything();
  }
}

export interface MastersOptions {
  /** Opens the connections; events come in later turns. */
  readonly nodes: (events: RedisEvents) => RedisNodes;
  readonly staleIfRedisDownMs: number;
  /** For how long a process that was met, or emptied, is young. */
  readonly youngMs: number;
  readonly clock: Clock;
}

export interface MastersListener {
  /** A master can be used, and may have lost what was in it. */
  up(): void;
  down(): void;
  /** Announcements may have been lost. */
  everything(): void;
  touched(names: readonly string[]): void;
}

/** A process of Redis, found under a name. */
export interface Process {
  readonly node: RedisNode;
  /** Begins its `runId`, and what it keeps. */
  readonly stamp: string;
}

/** Processes remembered; above that, the one that was met first is forgotten. */
const processesMax = 1_000;

/** 64 of the 160 bits tell the few processes of one name apart. */
function stampOf(runId: string): string {
  return runId.slice(0, 16);
}
