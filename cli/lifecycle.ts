import type { Clock } from '../protocol/clock.ts';
import type { Log } from './log.ts';

/**
 * From the first part that a program opens to its exit code.
 *
 *     opened(engine), opened(accelerator), opened(front) ... SIGTERM -> close front, accelerator, engine -> exit 0
 *                                                            failure -> exit 1
 *
 * Invariants:
 * 1. Parts close in the reverse order of their opening, one after the other, each once: nothing is asked of a part
 *    that has closed.
 * 2. The first request to stop decides; later ones wait for the same closing.
 * 3. Closing ends: past its deadline the process exits all the same, with 1.
 * 4. After a failure that nobody expected nothing is closed: what such a process would still write cannot be trusted,
 *    and what was acknowledged is on disk already.
 */
export class Lifecycle {
  readonly #options: LifecycleOptions;
  readonly #parts: Part[] = [];
  #closing: Promise<boolean> | undefined;
  #firstSignal: { name: Signal; atMs: number } | undefined;

  constructor(options: LifecycleOptions) {
    this.#options = options;
  }

  get isStopping(): boolean {
    return this.#closing !== undefined;
  }

  /** Hands over a part that works now and has to be closed. */
  opened(name: string, close: () => Promise<void>): void {
    this.#parts.push({ name, close });
  }

  /** Hands over a part before it works: told to stop meanwhile, it has to close ahead of what it calls. */
  opening(name: string, part: Promise<{ close(): Promise<void> }>): void {
    const close = () =>
      part.then(
        (opened) => opened.close(),
        // What did not open needs no closing; whoever waits for it tells why.
        () => {},
      );
    this.opened(name, close);
  }

  /** Listens for the signals that end a process, and for failures that nobody expected. */
  watch(source: NodeJS.Process): void {
    for (const name of signals) source.on(name, () => this.#signalled(name));
    source.on('uncaughtException', (error) => this.fatal(error));
    source.on('unhandledRejection', (reason) => this.fatal(reason));
  }

  /** Closes everything and exits: with `exitCode`, or with 1 where closing fails or takes too long. */
  async stop(exitCode: number): Promise<void> {
    this.#closing ??= this.#closeInTime();
    const clean = await this.#closing;
    this.#options.exit(clean ? exitCode : 1);
  }

  /** Ends the process at once. */
  fatal(error: unknown): void {
    this.#options.log.fatal({ err: error }, 'stopping: the process cannot go on');
    this.#options.exit(1);
  }

  #signalled(name: Signal): void {
    const atMs = this.#options.clock.monotonic();
    if (this.#firstSignal === undefined) {
      this.#firstSignal = { name, atMs };
      this.#options.log.info({ signal: name }, 'stopping');
      void this.stop(0);
    } else if (!this.#isEcho(name, atMs)) {
      this.#options.exit(exitCodes[name]);
    }
  }

  /** npm passes on what the terminal has sent to all of its processes already. */
  #isEcho(name: Signal, atMs: number): boolean {
    return this.#firstSignal?.name === name && atMs - this.#firstSignal.atMs < echoMs;
  }

  async #closeInTime(): Promise<boolean> {
    const { closeDeadlineMs, log } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => {
        log.error({ closeDeadlineMs }, 'not closed in time');
        resolve(false);
      }, closeDeadlineMs);
    });
    const clean = await Promise.race([this.#closeAll(), late]);
    clearTimeout(timer);
    return clean;
  }

  async #closeAll(): Promise<boolean> {
    let clean = true;
    for (let part = this.#parts.pop(); part !== undefined; part = this.#parts.pop()) {
      try {
        await part.close();
      } catch (error) {
        this.#options.log.error({ err: error }, `cannot close the ${part.name}`);
        clean = false;
      }
    }
    return clean;
  }
}

export interface LifecycleOptions {
  readonly log: Log;
  readonly clock: Clock;
  /** From the first signal to the end of the process, at the latest. */
  readonly closeDeadlineMs: number;
  exit(code: number): void;
}

interface Part {
  readonly name: string;
  close(): Promise<void>;
}

const signals = ['SIGTERM', 'SIGINT'] as const;
type Signal = (typeof signals)[number];

/** 128 and the signal's number, as shells report it. */
const exitCodes: Readonly<Record<Signal, number>> = { SIGINT: 130, SIGTERM: 143 };

/** The same signal again within this time is the first one, delivered twice. */
const echoMs = 250;
