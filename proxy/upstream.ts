import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, type Dispatcher } from 'undici';
import type { Backend, Request } from '../protocol/backend.ts';
import { type Clock, systemClock } from '../protocol/clock.ts';
import { internalServerError, serviceUnavailable } from '../protocol/errors.ts';
import type { Logger } from '../protocol/logger.ts';
import type { Reply } from '../protocol/reply.ts';
import { RequestSigner } from '../protocol/sigv4.ts';
import { isLoopback } from './front/access.ts';
import { streamsPrefix, targetOf } from './front/target.ts';
import { readAnswer, UnansweredError, UnreadableReply } from './upstream/answer.ts';
import { type CredentialsProvider, openCredentials } from './upstream/credentials.ts';
import { ExchangeError, exchange, UnsignedError } from './upstream/exchange.ts';
import { ToldLag } from './upstream/told-lag.ts';

export { UnansweredError } from './upstream/answer.ts';

export interface UpstreamOptions {
  /** Of any DynamoDB endpoint, for example `https://dynamodb.eu-central-1.amazonaws.com`. */
  readonly url: string;
  /** Region to sign for; the caller's where it is left out. */
  readonly region?: string | undefined;
  /** In the place of AWS's standard chain. */
  readonly credentials?: CredentialsProvider;
  /** From a call to its answer, all attempts together. 30 s by default. */
  readonly callMs?: number;
  /** To set up a connection. 3 s by default. */
  readonly connectMs?: number;
  /** Connections at once to one host. 128 by default. */
  readonly connectionsMax?: number;
  /** Calls at once; more are refused. 10,000 by default. */
  readonly callsMax?: number;
  /** One reply. 32 MiB by default, twice what DynamoDB sends at most. */
  readonly replyBytesMax?: number;
  /** From `close` until the calls under way are cut. 2 s by default. */
  readonly closeMs?: number;
  readonly clock?: Clock;
  readonly log: Logger;
}

/**
 * Any DynamoDB endpoint as a table store: bytes go on as they came, signed with the proxy's own credentials.
 * @throws Error where there are no credentials to call it with; it names what to do.
 */
export async function openUpstream(options: UpstreamOptions): Promise<Backend> {
  const url = new URL(options.url);
  const isLocal = isLoopback(url.hostname.replace(/^\[|\]$/g, ''));
  const credentials = await openCredentials(url, isLocal, options.log, options.credentials);
  return new Upstream(url, credentials, options);
}

/** Attempts of one call, as long as nothing is risked by another. */
const attemptsMax = 3;
const firstPauseMs = 20;

/** How long an unused connection is kept: shorter than servers do, so that none is closed under a request. */
const keepAliveMs = 4_000;

/**
 * 1. A write is sent once: only what never left this machine, or only reads, is sent again.
 * 2. A call ends within `callMs`, and the time its credentials take where they are renewed: with a reply, an error of
 *    the endpoint, ServiceUnavailable (it was not sent), or UnansweredError (nobody knows).
 * 3. At most `callsMax` calls are under way.
 * 4. `close` lets the calls that were begun end, cuts those that have not within `closeMs`, and takes none after.
 */
class Upstream implements Backend {
  readonly #url: URL;
  readonly #credentials: CredentialsProvider;
  readonly #region: string | undefined;
  readonly #callMs: number;
  readonly #callsMax: number;
  readonly #replyBytesMax: number;
  readonly #closeMs: number;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #agent: Agent;
  readonly #signer = new RequestSigner();
  readonly #lag: ToldLag;
  #calls = 0;
  /** What the log was told since the last call that came through, so that an outage is told once. */
  readonly #troubles = new Set<string>();
  #isCut = false;
  #closing: Promise<void> | undefined;
  #lastAnswered = () => {};

  constructor(url: URL, credentials: CredentialsProvider, options: UpstreamOptions) {
    this.#url = url;
    this.#credentials = credentials;
    this.#region = options.region;
    this.#callMs = options.callMs ?? 30_000;
    this.#callsMax = options.callsMax ?? 10_000;
    this.#replyBytesMax = options.replyBytesMax ?? 32 * 1024 * 1024;
    this.#closeMs = options.closeMs ?? 2_000;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log;
    this.#lag = new ToldLag(this.#clock);
    this.#agent = new Agent({
      connections: options.connectionsMax ?? 128,
      pipelining: 1,
      keepAliveTimeout: keepAliveMs,
      connect: { timeout: options.connectMs ?? 3_000 },
      // The deadline of the call is the only clock of a reply.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /** As the endpoint's answers tell; known before the caller of such an answer has it. */
  get lagMs(): number {
    return this.#lag.ms;
  }

  async call(request: Request): Promise<Reply> {
    if (this.#closing !== undefined) throw serviceUnavailable('The server is closing');
    if (this.#calls >= this.#callsMax) throw serviceUnavailable('Too many calls to the upstream at once');
    this.#calls++;
    try {
      return await this.#attempt(request);
    } finally {
      this.#calls--;
      if (this.#calls === 0) this.#lastAnswered();
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#drained().then(() => this.#agent.destroy());
    return this.#closing;
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#calls === 0) {
        resolve();
        return;
      }
      const deadline = setTimeout(() => {
        this.#log.warn({ calls: this.#calls, upstream: this.#url.origin }, 'calls to the upstream were cut');
        this.#isCut = true;
        resolve();
      }, this.#closeMs);
      this.#lastAnswered = () => {
        clearTimeout(deadline);
        resolve();
      };
    });
  }

  async #attempt(request: Request): Promise<Reply> {
    const deadline = this.#clock.monotonic() + this.#callMs;
    for (let attempt = 1; ; attempt++) {
      try {
        const raw = await this.#send(request, deadline);
        this.#reached();
        this.#lag.tell(raw.lagMs);
        return readAnswer(raw);
      } catch (error) {
        if (!isOpen(error)) throw error;
        const pauseMs = firstPauseMs * attempt;
        const isLate = this.#isCut || this.#clock.monotonic() + pauseMs >= deadline;
        const isLast = attempt === attemptsMax || isLate;
        if (isLast || !isRepeatable(request, error)) throw this.#verdict(request, error);
        await sleep(pauseMs);
      }
    }
  }

  async #send(request: Request, deadline: number) {
    const signed = await this.#sign(request);
    const deadlineMs = Math.max(1, deadline - this.#clock.monotonic());
    return exchange(this.#agent, signed, { deadlineMs, replyBytesMax: this.#replyBytesMax });
  }

  async #sign(request: Request): Promise<Dispatcher.DispatchOptions> {
    const target = targetOf(request.operation);
    const host = hostFor(this.#url, target);
    const body = request.body ?? Buffer.from(JSON.stringify(request.input));
    const headers = { host, 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': target };
    const unsigned = { method: 'POST', target: '/', body, headers };
    const region = this.#region ?? request.region;
    const credentials = await this.#credentials().catch(notSigned);
    const added = this.#signer.sign(unsigned, credentials, region, this.#clock.now());
    const origin = `${this.#url.protocol}//${host}`;
    return {
      origin,
      path: '/',
      method: 'POST',
      headers: { ...headers, ...added, ...request.extensions },
      body,
    };
  }

  /** What the caller is told of a call that has no answer. */
  #verdict(request: Request, error: ExchangeError | UnreadableReply): Error {
    const details = { err: error, operation: request.operation, upstream: this.#url.origin };
    if (wasSent(error)) {
      this.#log.warn(details, 'the upstream did not answer a call');
      const { code, message, status } = internalServerError();
      return new UnansweredError(code, message, status);
    }
    const trouble =
      error instanceof UnsignedError ? 'no credentials for the upstream' : 'the upstream cannot be reached';
    if (!this.#troubles.has(trouble)) this.#log.warn(details, trouble);
    this.#troubles.add(trouble);
    // Addresses and the texts of credential providers are for the log alone.
    return serviceUnavailable('The upstream cannot be reached');
  }

  #reached(): void {
    if (this.#troubles.size === 0) return;
    this.#log.info({ upstream: this.#url.origin }, 'the upstream can be reached again');
    this.#troubles.clear();
  }
}

function notSigned(error: unknown): never {
  throw new UnsignedError(error);
}

function isOpen(error: unknown): error is ExchangeError | UnreadableReply {
  return error instanceof ExchangeError || error instanceof UnreadableReply;
}

function wasSent(error: ExchangeError | UnreadableReply): boolean {
  return error instanceof UnreadableReply || error.sent;
}

/** Operations that change nothing, by how AWS names them. */
const reads = /^(?:Batch|Transact)?Get|^(?:Query|Scan|Describe|List)/;

function isRepeatable(request: Request, error: ExchangeError | UnreadableReply): boolean {
  return !wasSent(error) || reads.test(request.operation);
}

/** AWS serves streams under a host of their own; other endpoints serve both APIs under one. */
function hostFor(url: URL, target: string): string {
  const isAws = /^dynamodb\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?$/.test(url.hostname);
  return isAws && target.startsWith(streamsPrefix) ? `streams.${url.host}` : url.host;
}
