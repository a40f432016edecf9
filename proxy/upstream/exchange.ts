import type { Dispatcher } from 'undici';
import { type ExtensionHeaders, extensionsOfReply } from '../../protocol/extension-headers.ts';
import { lagHeader } from '../front/replica-lag.ts';
import { readLag } from './told-lag.ts';

/** What came back over HTTP. */
export interface RawReply {
  readonly status: number;
  readonly body: Buffer;
  /** The value of `x-amz-crc32`, where the endpoint sent one. */
  readonly crc32: number | undefined;
  /** How far the endpoint says its eventually consistent reads are behind; 0 where it says nothing. */
  readonly lagMs: number;
  readonly extensions: ExtensionHeaders | undefined;
}

/** No whole reply came. `sent` tells whether any byte of the request may have left this machine. */
export class ExchangeError extends Error {
  override readonly name = 'ExchangeError';
  readonly sent: boolean;

  constructor(sent: boolean, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.sent = sent;
  }
}

/** The request could not be signed, so nothing of it was sent. */
export class UnsignedError extends ExchangeError {
  constructor(cause: unknown) {
    super(false, cause);
  }
}

export interface ExchangeLimits {
  /** From the call to the last byte of the reply, waiting for a free connection included. */
  readonly deadlineMs: number;
  readonly replyBytesMax: number;
}

/**
 * Sends one request and gathers its reply.
 * @throws ExchangeError, as a rejection
 */
export function exchange(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  limits: ExchangeLimits,
): Promise<RawReply> {
  return new Promise((resolve, reject) => {
    new Exchange(limits, resolve, reject).start(dispatcher, request);
  });
}

/**
 * 1. `resolve` or `reject` is called once; what undici tells afterwards is dropped.
 * 2. `#sent` is true from before the first byte is written: undici calls `onRequestStart` ahead of that, and not
 *    before it has a connection.
 * 3. No more than `replyBytesMax` of a reply are held.
 */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #limits: ExchangeLimits;
  readonly #resolve: (reply: RawReply) => void;
  readonly #reject: (error: ExchangeError) => void;
  #timer: NodeJS.Timeout | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #settled = false;
  #sent = false;
  #status = 0;
  #crc32: number | undefined;
  #lagMs = 0;
  #extensions: ExtensionHeaders | undefined;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(
    limits: ExchangeLimits,
    resolve: (reply: RawReply) => void,
    reject: (error: ExchangeError) => void,
  ) {
    this.#limits = limits;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(dispatcher: Dispatcher, request: Dispatcher.DispatchOptions): void {
    this.#timer = setTimeout(() => this.#expire(), this.#limits.deadlineMs);
    try {
      dispatcher.dispatch(request, this);
    } catch (error) {
      this.#fail(error);
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#settled) {
      controller.abort(new Error('the deadline passed before a connection was free'));
      return;
    }
    this.#controller = controller;
    this.#sent = true;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#status = status;
    const crc32 = Number(headers['x-amz-crc32']);
    this.#crc32 = Number.isInteger(crc32) ? crc32 : undefined;
    this.#lagMs = readLag(headers[lagHeader]);
    this.#extensions = extensionsOfReply(headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#limits.replyBytesMax) {
      controller.abort(new Error(`the reply is longer than ${this.#limits.replyBytesMax} bytes`));
    } else {
      this.#chunks.push(chunk);
    }
  }

  onResponseEnd(): void {
    if (!this.#settle()) return;
    const body = Buffer.concat(this.#chunks);
    this.#resolve({
      status: this.#status,
      body,
      crc32: this.#crc32,
      lagMs: this.#lagMs,
      extensions: this.#extensions,
    });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error);
  }

  /** A request still in the queue cannot be taken back from undici; it is aborted when its turn comes. */
  #expire(): void {
    const error = new Error(`no reply within ${this.#limits.deadlineMs} ms`);
    this.#fail(error);
    this.#controller?.abort(error);
  }

  #fail(error: unknown): void {
    if (this.#settle()) this.#reject(new ExchangeError(this.#sent, error));
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    clearTimeout(this.#timer);
    return true;
  }
}
