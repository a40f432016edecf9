import { createHash } from 'node:crypto';
import { Command, Redis, type RedisOptions } from 'ioredis';
import type { RedisAddress } from './address.ts';
import type { Step } from './node.ts';

export interface SessionOptions {
  readonly address: RedisAddress;
  /** The certificate authorities, in PEM, that its certificate is checked by, in the place of the well-known ones. */
  readonly ca?: string | undefined;
  /** From a step to its answer. */
  readonly timeoutMs: number;
  readonly trackedPrefix: string;
  /** Undefined: all names. */
  readonly announced: (names: readonly string[] | undefined) => void;
  /** An answer came, if only an error: the process lives. */
  readonly answered: () => void;
  /** A step has had no answer within its time. */
  readonly overdue: () => void;
  /** A step was refused; Redis' words. */
  readonly refused: (message: string) => void;
  /** Once, after it was open; not after `close`. */
  readonly ended: (reason: string) => void;
}

/** To connect, be admitted, and have announcements turned on. */
const openMs = 2_000;
const channel = '__redis__:invalidate';

/** Steps whose answer is still to come, in time or not. */
const waitingMax = 10_000;
/** Of steps that the network has not taken. */
const unsentBytesMax = 64 * 1024 * 1024;

/** ioredis' words for a command that took too long. */
const overdueMessage = 'Command timed out';

/**
 * Two connections to one process of Redis: one for commands, one on which the names are announced that are written.
 *
 * 1. Neither connects a second time: if one breaks, both are dropped, and all that was set up is set up anew in another
 *    session. So a command cannot reach another process than the one whose `runId` is known, nor one that announces
 *    nothing.
 * 2. Nothing is sent twice, except a script that the process did not know and so did not run.
 * 3. After `close` no answer and no announcement is handed on.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #commands: Redis;
  readonly #announcements: Redis;
  /** The scripts that the process has from us. */
  readonly #loaded = new Set<string>();
  #state: 'opening' | 'open' | 'closed' = 'opening';
  #failure: string | undefined;
  #runId = '';
  #history = '';
  #isGathering = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#commands = this.#connection('slipstream');
    this.#announcements = this.#connection('slipstream-announcements');
    this.#announcements.on('messageBuffer', (_channel: Buffer, names: unknown) => this.#announced(names));
  }

  /** The process since it was last made a master, once open. */
  get runId(): string {
    return this.#runId;
  }

  /** The history that it has gone on from since then; see `historyIn`. */
  get history(): string {
    return this.#history;
  }

  /** @throws Error with the reason why it cannot be used; then it is closed. */
  async open(): Promise<void> {
    const late = setTimeout(() => this.#fail(`it did not answer within ${openMs} ms`), openMs);
    try {
      await Promise.all([this.#commands.connect(), this.#announcements.connect()]);
      this.#runId = await this.#identify();
      await this.#track();
      if (this.#state === 'closed') throw new Error('the connection was closed');
      this.#state = 'open';
    } catch (error) {
      this.close();
      throw new Error(this.#failure ?? messageOf(error));
    } finally {
      clearTimeout(late);
    }
  }

  /** Sends a script; see `RedisNode.run`. */
  async run(
    step: Step,
    keys: readonly string[],
    args: readonly (string | Buffer | number)[],
  ): Promise<unknown> {
    const sha = shaOf(step);
    if (!this.#loaded.has(sha)) {
      this.#loaded.add(sha);
      return this.#send('eval', [step.lua, keys.length, ...keys, ...args]);
    }
    try {
      return await this.#send('evalsha', [sha, keys.length, ...keys, ...args]);
    } catch (error) {
      if (!messageOf(error).startsWith('NOSCRIPT')) throw error;
      return this.#send('eval', [step.lua, keys.length, ...keys, ...args]);
    }
  }

  /** A command without a script. */
  ask(name: string, ...words: readonly string[]): Promise<unknown> {
    return this.#send(name, words);
  }

  /** Drops both connections with what is on its way; steps that wait for an answer are rejected. */
  close(): void {
    this.#state = 'closed';
    for (const connection of [this.#commands, this.#announcements]) {
      connection.disconnect();
      connection.stream?.destroy();
    }
  }

  #connection(name: string): Redis {
    const connection = new Redis({ ...connectionOptions(this.#options), connectionName: name });
    connection.on('error', (error: Error) => this.#fail(error.message));
    connection.on('close', () => this.#fail('the connection was closed'));
    return connection;
  }

  /**
   * The two connections could have reached different processes. A master that was demoted and promoted again is the same
   * process, but may have come back with the past, as its master was ahead of it: so its history counts as well.
   */
  async #identify(): Promise<string> {
    const [info, other, replication] = await Promise.all([
      this.#commands.info('server'),
      this.#announcements.info('server'),
      this.#commands.info('replication'),
    ]);
    const runId = infoField(info, 'run_id');
    if (runId === undefined) throw new Error('it does not tell its run_id');
    if (runId !== infoField(other, 'run_id')) throw new Error('it was replaced meanwhile');
    this.#history = historyIn(replication);
    return createHash('sha1').update(`${runId} ${this.#history}`).digest('hex');
  }

  async #track(): Promise<void> {
    const id = await this.#announcements.client('ID');
    await this.#announcements.subscribe(channel);
    const words = ['TRACKING', 'ON', 'REDIRECT', id, 'BCAST', 'PREFIX', this.#options.trackedPrefix];
    await this.#commands.call('CLIENT', ...words);
  }

  #fail(reason: string): void {
    if (this.#state === 'closed') return;
    this.#failure ??= reason;
    const wasOpen = this.#state === 'open';
    this.close();
    if (wasOpen) this.#options.ended(this.#failure);
  }

  /** One message has the names of all that one turn of Redis wrote; null, where it was emptied. */
  #announced(names: unknown): void {
    if (this.#state === 'closed') return;
    this.#options.announced(Array.isArray(names) ? names.map(String) : undefined);
  }

  #send(name: string, words: (string | Buffer | number)[] | readonly string[]): Promise<unknown> {
    if (this.#isOverfull()) return Promise.reject(new Error('too much waits for Redis'));
    const command = new Command(name, [...words]);
    command.setTimeout(this.#options.timeoutMs);
    this.#commands.sendCommand(command);
    if (!this.#isGathering) this.#gather();
    return command.promise.then(this.#take, this.#refuse);
  }

  #isOverfull(): boolean {
    const { commandQueue, stream } = this.#commands;
    return commandQueue.length >= waitingMax || stream.writableLength > unsentBytesMax;
  }

  /**
   * What else is sent until the event loop has been once around goes out as one write, as each connection of a client is heard
   * in a turn of its own; the first did not wait.
   */
  #gather(): void {
    this.#isGathering = true;
    this.#commands.stream.cork();
    setImmediate(this.#release);
  }

  readonly #release = (): void => {
    this.#isGathering = false;
    this.#commands.stream.uncork();
  };

  readonly #take = (answer: unknown): unknown => {
    if (this.#state === 'closed') throw new Error('the connection was closed');
    this.#options.answered();
    return answer;
  };

  /** Another error in the place of ioredis', which holds the command with its arguments. */
  readonly #refuse = (error: Error): never => {
    if (this.#state !== 'closed') this.#tell(error);
    throw new Error(error.message);
  };

  #tell(error: Error): void {
    if (error.message === overdueMessage) this.#options.overdue();
    else if (error.name === 'ReplyError') {
      this.#options.answered();
      this.#options.refused(error.message);
    }
  }
}

/** One connection's worth of ioredis: no queue, no second attempt, no waiting. */
export function connectionOptions(options: Pick<SessionOptions, 'address' | 'ca'>) {
  const { address, ca } = options;
  return {
    host: address.host,
    port: address.port,
    ...(address.username !== undefined && { username: address.username }),
    ...(address.password !== undefined && { password: address.password }),
    db: address.database,
    ...(address.isTls && { tls: ca === undefined ? {} : { ca } }),
    lazyConnect: true,
    connectTimeout: openMs,
    // Announcements do not reach a connection that speaks RESP3 in the form that ioredis hands on.
    protocol: 2,
    retryStrategy: () => null,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    // It is asked what it is before anything else anyway.
    enableReadyCheck: false,
    disableClientInfo: true,
  } satisfies RedisOptions;
}

export function infoField(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1];
}

/**
 * What a master was a replica of when it was promoted, and where; the same for all that never were.
 * @param replication the section of INFO.
 */
export function historyIn(replication: string): string {
  return `${infoField(replication, 'master_replid2')} ${infoField(replication, 'second_repl_offset')}`;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const shas = new WeakMap<Step, string>();

function shaOf(step: Step): string {
  const known = shas.get(step);
  if (known !== undefined) return known;
  const sha = createHash('sha1').update(step.lua).digest('hex');
  shas.set(step, sha);
  return sha;
}
