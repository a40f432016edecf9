import type { Socket } from 'node:net';
import type { Logger } from '../../protocol/logger.ts';
import type { MemoryBudget } from './gathered-bytes.ts';
import type { HttpHandler, HttpResponse } from './handler.ts';
import { type HttpLimits, ProtocolError } from './limits.ts';
import type { ReplyMemory } from './reply-memory.ts';
import type { RequestHead } from './request-head.ts';
import { type ParsedRequest, RequestParser } from './request-parser.ts';

/** What the connections of one server share. */
export interface ConnectionContext {
  readonly limits: HttpLimits;
  readonly handler: HttpHandler;
  readonly log: Logger;
  readonly budget: MemoryBudget;
  readonly replies: ReplyMemory;
  closed(connection: Connection): void;
  /** Monotonic time and the `Date` line, moved on by the server in steps. */
  nowMs: number;
  date: string;
  /** Connections beyond `connectionsMax` since that was last reported. */
  refused: number;
}

/** A request that waits for its answer, or for the answers before its own. */
interface Exchange {
  readonly head: RequestHead | undefined;
  readonly close: boolean;
  response: HttpResponse | undefined;
}

/** Up to this size replies are copied together: one write of one buffer is cheaper than a gathering write. */
const copiedBytesMax = 64 * 1024;

/**
 * Where replies are put together that the system is likely to take at once. One that it does not take keeps the
 * buffer, and there is a new one: so many bytes at most are kept alive, uncounted, by a client that does not read.
 */
let scratch = newScratch();

function newScratch(): Buffer {
  return Buffer.allocUnsafeSlow(16 * 1024);
}

/**
 * One client connection: requests in, answers out.
 *
 * 1. Answers leave in the order of their requests, each whole.
 * 2. At most `pipelinedMax` requests are with the handler. Once `outboundBytesMax` wait to be written, no request is
 *    parsed and the socket is not read until the client has taken them.
 * 3. After an answer that closes, nothing is read as a request any more.
 * 4. What is received after the end is dropped, and the socket is destroyed `lingerMs` after the client has taken the
 *    last answer: closing at once would reset the connection and take that answer away from a client that is still
 *    sending. A client that does not take it has the time of any slow reader, and then `lingerMs`.
 * 5. A handler whose client is gone runs to its end; its answer is dropped.
 * 6. Whatever of answers waits here at the end of a turn, for answers before it or for the client, counts in
 *    `replies`. It may count for one step of the sweep longer than it waits, never shorter.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #context: ConnectionContext;
  readonly #parser: RequestParser;
  readonly #exchanges: Exchange[] = [];
  /** Answers of this turn, written together at its end. */
  #out: (string | Buffer)[] = [];
  #outBytes = 0;
  /** Bodies of `#exchanges`, whose answers wait for those before them. */
  #waitingBytes = 0;
  /** What counts in `replies`. */
  #heldBytes = 0;
  /** No further request is taken: a closing one was, or the client ended or broke the stream. */
  #inputOver = false;
  #clientEnded = false;
  #draining = false;
  #ended = false;
  #paused = false;
  /** Coarse times: last activity, begin of the unfinished request, and when a stalled reader is given up. */
  #activeMs: number;
  #requestMs: number;
  #stallDeadlineMs: number | undefined;

  constructor(socket: Socket, context: ConnectionContext) {
    this.#socket = socket;
    this.#context = context;
    this.#parser = new RequestParser(context.limits, context.budget);
    this.#activeMs = context.nowMs;
    this.#requestMs = context.nowMs;
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('drain', () => this.#drained());
    // Behind our end of the stream there is no 'drain' any more.
    socket.on('finish', () => this.#drained());
    socket.on('end', () => this.#inputEnded());
    // A reset is followed by 'close', which does what there is to do.
    socket.on('error', () => {});
    socket.on('close', () => this.#closed());
  }

  /** Called in steps by the server: ends what has taken too long. */
  sweep(): void {
    const { limits, nowMs } = this.#context;
    if (this.#heldBytes > 0) this.#count();
    if (this.#ended) {
      const endMs = this.#stallDeadlineMs ?? this.#activeMs;
      if (nowMs > endMs + limits.lingerMs) this.destroy();
    } else if (this.#stallDeadlineMs !== undefined) {
      if (nowMs > this.#stallDeadlineMs) this.destroy();
    } else if (this.#exchanges.length === 0) {
      this.#sweepInput(limits, nowMs);
    }
  }

  #sweepInput(limits: HttpLimits, nowMs: number): void {
    if (this.#parser.midRequest) {
      const allowedMs = this.#parser.midHead ? Math.min(limits.headMs, limits.requestMs) : limits.requestMs;
      if (nowMs - this.#requestMs > allowedMs) this.#fail(408);
    } else if (nowMs - this.#activeMs > limits.idleMs) {
      this.#end();
    }
  }

  /** Answers what was received, takes no more, and ends. */
  drain(): void {
    this.#draining = true;
    this.#endIfDone();
  }

  /** Ends it without a word, and lets go of all that it holds. */
  destroy(): void {
    this.#inputOver = true;
    this.#ended = true;
    this.#exchanges.length = 0;
    this.#out = [];
    this.#outBytes = 0;
    this.#waitingBytes = 0;
    this.#parser.close();
    this.#socket.destroy();
    this.#count();
  }

  #receive(bytes: Buffer): void {
    if (this.#inputOver) return;
    this.#activeMs = this.#context.nowMs;
    if (!this.#parser.midRequest) this.#requestMs = this.#context.nowMs;
    this.#parser.push(bytes);
    this.#advance();
  }

  /** Hands requests to the handler as far as the bounds allow, and writes what is answered. */
  #advance(): void {
    let more = true;
    while (more && !this.#inputOver && this.#hasRoom()) {
      more = this.#takeRequests();
      this.#flush();
    }
    this.#flush();
    this.#count();
    this.#regulate();
    this.#endIfDone();
  }

  /** @returns whether it stopped for lack of room, not of requests. */
  #takeRequests(): boolean {
    while (!this.#inputOver && this.#hasRoom()) {
      const request = this.#nextRequest();
      if (request === undefined) return false;
      this.#requestMs = this.#context.nowMs;
      this.#handle(request);
    }
    return true;
  }

  /** The socket's own buffer has `outboundBytesMax` as its mark. */
  #hasRoom(): boolean {
    const { pipelinedMax, outboundBytesMax } = this.#context.limits;
    return (
      this.#exchanges.length < pipelinedMax &&
      this.#outBytes < outboundBytesMax &&
      !this.#socket.writableNeedDrain
    );
  }

  #nextRequest(): ParsedRequest | undefined {
    try {
      return this.#parser.next();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#queueFailure(error.status);
      return undefined;
    }
  }

  #handle(request: ParsedRequest): void {
    const { head } = request;
    if (head.close) this.#inputOver = true;
    const answer = this.#call(request);
    if (!(answer instanceof Promise)) {
      request.release();
      this.#answer({ head, close: head.close, response: answer });
      return;
    }
    const exchange: Exchange = { head, close: head.close, response: undefined };
    this.#exchanges.push(exchange);
    answer.then(
      (response) => this.#settle(request, exchange, response),
      (error) => this.#settle(request, exchange, this.#handlerFailed(error)),
    );
  }

  #call(request: ParsedRequest): HttpResponse | Promise<HttpResponse> {
    try {
      return this.#context.handler(request);
    } catch (error) {
      return this.#handlerFailed(error);
    }
  }

  #handlerFailed(error: unknown): HttpResponse {
    this.#context.log.error({ err: error }, 'the HTTP handler failed');
    return bareResponse(500);
  }

  #answer(exchange: Exchange): void {
    const response = exchange.response as HttpResponse;
    if (this.#exchanges.length === 0) {
      this.#emit(exchange, response);
    } else {
      this.#exchanges.push(exchange);
      this.#waitingBytes += response.body.length;
    }
  }

  /** If it was the oldest exchange's answer, it and those behind it that have theirs leave. */
  #settle(request: ParsedRequest, exchange: Exchange, response: HttpResponse): void {
    request.release();
    if (this.#socket.destroyed) return;
    exchange.response = response;
    this.#waitingBytes += response.body.length;
    if (this.#exchanges[0] !== exchange) {
      this.#count();
      return;
    }
    let first: Exchange | undefined = exchange;
    while (first?.response !== undefined) {
      this.#exchanges.shift();
      this.#waitingBytes -= first.response.body.length;
      this.#emit(first, first.response);
      first = this.#exchanges[0];
    }
    this.#touch();
    this.#advance();
  }

  #emit(exchange: Exchange, response: HttpResponse): void {
    const { head } = exchange;
    const close =
      exchange.close || (this.#draining && this.#exchanges.length === 0 && !this.#parser.midRequest);
    if (close) this.#inputOver = true;
    const body = response.body;
    const text = `${statusLine(response.status)}${response.headers}Content-Length: ${body.length}\r\n${
      this.#context.date
    }${connectionLine(head, close)}\r\n`;
    this.#out.push(text);
    this.#outBytes += text.length;
    if (body.length === 0 || head?.method === 'HEAD') return;
    this.#out.push(body);
    this.#outBytes += body.length;
  }

  #flush(): void {
    if (this.#out.length === 0) return;
    const out = this.#out;
    const bytes = this.#outBytes;
    this.#out = [];
    this.#outBytes = 0;
    if (this.#socket.destroyed) return;
    const written = bytes <= copiedBytesMax ? this.#writeJoined(out, bytes) : this.#writeAll(out);
    if (!written) this.#stall();
  }

  #writeJoined(out: readonly (string | Buffer)[], bytes: number): boolean {
    const isWaiting = this.#socket.writableLength > 0;
    if (isWaiting || bytes > scratch.length) return this.#socket.write(join(out, Buffer.allocUnsafe(bytes)));
    const written = this.#socket.write(join(out, scratch.subarray(0, bytes)));
    if (this.#socket.writableLength > 0) scratch = newScratch();
    return written;
  }

  /** The socket tells only when everything is taken, so the deadline is set by how much there is. */
  #stall(): void {
    const { limits, nowMs } = this.#context;
    const neededMs = this.#socket.writableLength / limits.readerBytesPerMsMin;
    this.#stallDeadlineMs = nowMs + limits.stallMs + neededMs;
  }

  /** What the socket has not handed to the system yet counts whole, however much of one write has gone. */
  #count(): void {
    const bytes = this.#socket.destroyed ? 0 : this.#waitingBytes + this.#socket.writableLength;
    if (bytes === this.#heldBytes) return;
    this.#heldBytes = bytes;
    this.#context.replies.hold(this, bytes);
  }

  #writeAll(out: readonly (string | Buffer)[]): boolean {
    let written = true;
    this.#socket.cork();
    for (const part of out) written = this.#socket.write(part, 'latin1');
    this.#socket.uncork();
    return written;
  }

  /** Reads on or not; asks for the body of a client that waits to be asked. */
  #regulate(): void {
    const pause = !this.#inputOver && !this.#hasRoom();
    if (pause !== this.#paused) {
      this.#paused = pause;
      if (pause) this.#socket.pause();
      else this.#socket.resume();
    }
    if (!this.#inputOver && this.#exchanges.length === 0 && this.#parser.takeContinue()) {
      this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
    }
  }

  #drained(): void {
    this.#stallDeadlineMs = undefined;
    this.#touch();
    this.#advance();
  }

  /** While it was us who did not read, no deadline of the client's ran. */
  #touch(): void {
    this.#activeMs = this.#context.nowMs;
    this.#requestMs = this.#context.nowMs;
  }

  /** The client sends no more, but may still read. */
  #inputEnded(): void {
    this.#clientEnded = true;
    this.#advance();
  }

  #fail(status: number): void {
    this.#queueFailure(status);
    this.#flush();
    this.#count();
    this.#endIfDone();
  }

  #queueFailure(status: number): void {
    this.#inputOver = true;
    this.#answer({ head: undefined, close: true, response: bareResponse(status) });
  }

  #endIfDone(): void {
    if (this.#exchanges.length > 0 || this.#ended) return;
    // With room left, the parser has given what it can: what the client left unfinished stays so.
    const over = this.#inputOver || (this.#clientEnded && this.#hasRoom());
    if (over || (this.#draining && !this.#parser.midRequest)) this.#end();
  }

  #end(): void {
    this.#inputOver = true;
    this.#ended = true;
    this.#activeMs = this.#context.nowMs;
    this.#parser.close();
    this.#socket.end();
    // Less than `outboundBytesMax` waits without a stall, but nothing will be written after it that tells of one.
    if (this.#stallDeadlineMs === undefined && this.#socket.writableLength > 0) this.#stall();
    if (this.#paused) this.#socket.resume();
  }

  #closed(): void {
    this.destroy();
    this.#context.closed(this);
  }
}

/** Copies the parts together. Strings are latin-1: one byte a character. */
function join(parts: readonly (string | Buffer)[], joined: Buffer): Buffer {
  let offset = 0;
  for (const part of parts) {
    if (typeof part === 'string') {
      joined.write(part, offset, 'latin1');
    } else {
      joined.set(part, offset);
    }
    offset += part.length;
  }
  return joined;
}

function connectionLine(head: RequestHead | undefined, close: boolean): string {
  if (close) return 'Connection: close\r\n';
  return head?.minorVersion === 0 ? 'Connection: keep-alive\r\n' : '';
}

const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Payload Too Large',
  417: 'Expectation Failed',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  505: 'HTTP Version Not Supported',
};

const okLine = 'HTTP/1.1 200 OK\r\n';

function statusLine(status: number): string {
  return status === 200 ? okLine : `HTTP/1.1 ${status} ${reasons[status] ?? 'Error'}\r\n`;
}

function bareResponse(status: number): HttpResponse {
  return { status, headers: '', body: Buffer.alloc(0) };
}
