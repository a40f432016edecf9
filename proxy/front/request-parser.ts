import { ChunkedBody } from './chunked-body.ts';
import { GatheredBytes, type MemoryBudget } from './gathered-bytes.ts';
import type { HttpRequest } from './handler.ts';
import { type HttpLimits, ProtocolError } from './limits.ts';
import { type RequestHead, readHead } from './request-head.ts';

const empty = Buffer.alloc(0);
const headEnd = Buffer.from('\r\n\r\n');

/**
 * Cuts the bytes of one connection into requests. Whatever lies whole in one read is used where it lies, without a
 * copy: node:net hands out every read in memory of its own. Only what spans reads is gathered.
 *
 * 1. The requests depend on the bytes alone, not on how they are cut into reads.
 * 2. After an error nothing more is read: `next` throws it again.
 * 3. Gathered memory is within the limits of one request, and all of it is reserved from the budget.
 */
export class RequestParser {
  readonly #limits: HttpLimits;
  readonly #budget: MemoryBudget;
  #input: Buffer = empty;
  #offset = 0;
  #head: RequestHead | undefined;
  #chunked: ChunkedBody | undefined;
  /** The head, then the body, of a request that spans reads. */
  #gathered: GatheredBytes | undefined;
  #continueSent = false;
  #error: ProtocolError | undefined;

  constructor(limits: HttpLimits, budget: MemoryBudget) {
    this.#limits = limits;
    this.#budget = budget;
  }

  /** Takes one read. Call `next` until it has no more before the following one. */
  push(bytes: Buffer): void {
    const rest = this.#input.length - this.#offset;
    this.#input = rest === 0 ? bytes : Buffer.concat([this.#input.subarray(this.#offset), bytes]);
    this.#offset = 0;
  }

  /**
   * @returns the next whole request; undefined where bytes are missing.
   * @throws ProtocolError where the client broke HTTP or a limit.
   */
  next(): ParsedRequest | undefined {
    if (this.#error !== undefined) throw this.#error;
    try {
      if (this.#head === undefined && !this.#readHead()) return undefined;
      return this.#readBody(this.#head as RequestHead);
    } catch (error) {
      if (error instanceof ProtocolError) this.#error = error;
      throw error;
    }
  }

  /** Whether a request has begun, or lies here unread. */
  get midRequest(): boolean {
    return this.#head !== undefined || this.#gathered !== undefined || this.#offset < this.#input.length;
  }

  /** Whether the head of the request that has begun is still incomplete. */
  get midHead(): boolean {
    return this.#head === undefined;
  }

  /** Whether the client waits for `100 Continue` before it sends the body. True once a request. */
  takeContinue(): boolean {
    if (this.#head === undefined || !this.#head.expectsContinue || this.#continueSent) return false;
    this.#continueSent = true;
    return this.#gathered === undefined || this.#gathered.length === 0;
  }

  /** Lets go of what is gathered. */
  close(): void {
    this.#gathered?.release();
    this.#gathered = undefined;
    this.#input = empty;
    this.#offset = 0;
  }

  #readHead(): boolean {
    if (this.#gathered !== undefined) return this.#gatherHead(this.#gathered);
    this.#skipEmptyLines();
    if (this.#offset === this.#input.length) return false;
    const read = readHead(this.#input, this.#offset, this.#limits);
    if (read !== undefined) {
      this.#offset = read.end;
      this.#beginBody(read.head);
      return true;
    }
    this.#gathered = new GatheredBytes(this.#budget, this.#limits.headerBytesMax);
    this.#gather(this.#gathered, this.#input.length);
    return false;
  }

  /** RFC 9112, 2.2: empty lines before a request line are passed over. */
  #skipEmptyLines(): void {
    this.#offset = behindEmptyLines(this.#input, this.#offset);
  }

  /** Searches only what is new for the head's end, so that a head in single bytes is not read over and over. */
  #gatherHead(gathered: GatheredBytes): boolean {
    const before = gathered.length;
    const room = this.#limits.headerBytesMax + 1 - before;
    const added = Math.min(this.#input.length - this.#offset, room);
    this.#gather(gathered, this.#offset + added);
    const start = behindEmptyLines(gathered.bytes, 0);
    const found = gathered.bytes.indexOf(headEnd, Math.max(start, before - headEnd.length + 1));
    if (found < 0) {
      if (gathered.length > this.#limits.headerBytesMax) throw new ProtocolError(431, 'head too long');
      return false;
    }
    const read = readHead(gathered.bytes, start, this.#limits);
    if (read === undefined) throw new ProtocolError(400, 'malformed head');
    this.#offset -= gathered.length - read.end;
    gathered.release();
    this.#gathered = undefined;
    this.#beginBody(read.head);
    return true;
  }

  #beginBody(head: RequestHead): void {
    if (head.contentLength > this.#limits.bodyBytesMax) throw new ProtocolError(413, 'body too long');
    this.#head = head;
    this.#continueSent = false;
    if (!head.chunked) return;
    this.#gathered = new GatheredBytes(this.#budget, this.#limits.bodyBytesMax);
    this.#chunked = new ChunkedBody(this.#limits, this.#gathered);
  }

  #readBody(head: RequestHead): ParsedRequest | undefined {
    if (this.#chunked !== undefined) return this.#readChunkedBody(head, this.#chunked);
    const end = this.#offset + head.contentLength;
    if (this.#gathered === undefined && end <= this.#input.length) {
      const body = head.contentLength === 0 ? empty : this.#input.subarray(this.#offset, end);
      this.#offset = end;
      this.#head = undefined;
      return new ParsedRequest(head, body, undefined);
    }
    this.#gathered ??= new GatheredBytes(this.#budget, head.contentLength);
    const missing = head.contentLength - this.#gathered.length;
    this.#gather(this.#gathered, Math.min(this.#input.length, this.#offset + missing));
    return this.#gathered.length === head.contentLength ? this.#finish(head, this.#gathered) : undefined;
  }

  #readChunkedBody(head: RequestHead, chunked: ChunkedBody): ParsedRequest | undefined {
    this.#offset = chunked.read(this.#input, this.#offset);
    if (!chunked.done) return undefined;
    this.#chunked = undefined;
    return this.#finish(head, this.#gathered as GatheredBytes);
  }

  #finish(head: RequestHead, gathered: GatheredBytes): ParsedRequest {
    this.#head = undefined;
    this.#gathered = undefined;
    return new ParsedRequest(head, gathered.bytes, gathered);
  }

  #gather(gathered: GatheredBytes, end: number): void {
    if (!gathered.append(this.#input, this.#offset, end))
      throw new ProtocolError(503, 'too many bodies at once');
    this.#offset = end;
  }
}

/** One whole request. */
export class ParsedRequest implements HttpRequest {
  readonly head: RequestHead;
  readonly body: Buffer;
  readonly #gathered: GatheredBytes | undefined;

  constructor(head: RequestHead, body: Buffer, gathered: GatheredBytes | undefined) {
    this.head = head;
    this.body = body;
    this.#gathered = gathered;
  }

  get method(): string {
    return this.head.method;
  }

  get target(): string {
    return this.head.target;
  }

  header(name: string): string | undefined {
    return this.head.header(name);
  }

  /** Gives back what the body reserved; called once, when the answer is there. */
  release(): void {
    this.#gathered?.release();
  }
}

function behindEmptyLines(bytes: Buffer, start: number): number {
  let i = start;
  while (bytes[i] === 13 && bytes[i + 1] === 10) i += 2;
  return i;
}
