import { connect, type Socket } from 'node:net';
import type { Backend } from '../../protocol/backend.ts';
import { type Clock, systemClock } from '../../protocol/clock.ts';
import type { Logger } from '../../protocol/logger.ts';
import { type Front, type FrontOptions, startFront } from '../../proxy/front/api.ts';
import type { HttpHandler } from '../../proxy/front/handler.ts';
import { type HttpServer, startHttpServer } from '../../proxy/front/http.ts';
import { defaultHttpLimits, type HttpLimits } from '../../proxy/front/limits.ts';

export const silent: Logger = { info: () => {}, warn: () => {}, error: () => {} };

const open: (() => unknown)[] = [];

/** Has `close` called when the test is over. */
export function closeLater(close: () => unknown): void {
  open.push(close);
}

export async function closeAll(): Promise<void> {
  for (const close of open.splice(0).reverse()) await close();
}

export async function serveHttp(
  handler: HttpHandler,
  limits: Partial<HttpLimits> = {},
  log: Logger = silent,
  clock: Clock = systemClock,
): Promise<HttpServer> {
  const server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    handler,
    limits: { ...defaultHttpLimits, ...limits },
    clock,
    log,
  });
  closeLater(() => server.close());
  return server;
}

export async function serveApi(call: Backend['call'], options: Partial<FrontOptions> = {}): Promise<Front> {
  const front = await startFront({
    host: '127.0.0.1',
    port: 0,
    backend: { call, close: async () => {} },
    credentials: [],
    insecureNoAuth: false,
    corsOrigins: [],
    allowedHosts: [],
    clock: systemClock,
    log: silent,
    ...options,
  });
  closeLater(() => front.close());
  return front;
}

export interface RawResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A client that sends bytes as they are given, and reads responses one after the other. */
export class RawClient {
  readonly socket: Socket;
  #pieces: string[] = [];
  #length = 0;
  /** Characters without which the response at hand is not complete. */
  #needed = 0;
  #isOver = false;
  #wake = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#pieces.push(text);
      this.#length += text.length;
      if (this.#length >= this.#needed) this.#wake();
    });
    const over = () => {
      this.#isOver = true;
      this.#wake();
    };
    socket.on('end', over).on('close', over).on('error', over);
  }

  static open(server: { readonly host: string; readonly port: number }): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(
        { host: server.host, port: server.port, allowHalfOpen: true, noDelay: true },
        () => resolve(new RawClient(socket)),
      );
      socket.once('error', reject);
      closeLater(() => socket.destroy());
    });
  }

  send(bytes: string | Buffer): this {
    this.socket.write(bytes, 'latin1');
    return this;
  }

  /** Sends a piece and waits until the kernel has it, so that pieces are not joined here. */
  sendPiece(bytes: Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.socket.write(bytes, () => setImmediate(resolve));
    });
  }

  /** The next response; undefined where the server ended the stream instead. */
  async response(): Promise<RawResponse | undefined> {
    for (;;) {
      const response = this.#take();
      if (response !== undefined) return response;
      if (this.#isOver) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async responses(count: number): Promise<(RawResponse | undefined)[]> {
    const all: (RawResponse | undefined)[] = [];
    while (all.length < count) all.push(await this.response());
    return all;
  }

  #take(): RawResponse | undefined {
    const received = this.#pieces.join('');
    this.#pieces = [received];
    const headEnd = received.indexOf('\r\n\r\n');
    if (headEnd < 0) return undefined;
    const [statusLine = '', ...lines] = received.slice(0, headEnd).split('\r\n');
    const headers = Object.fromEntries(lines.map((line) => splitHeader(line)));
    const length = Number(headers['content-length'] ?? 0);
    const bodyStart = headEnd + 4;
    const end = bodyStart + length;
    this.#needed = received.length < end ? end : 0;
    if (received.length < end) return undefined;
    this.#pieces = [received.slice(end)];
    this.#length = received.length - end;
    const body = received.slice(bodyStart, end);
    return { status: Number(statusLine.split(' ')[1]), headers, body };
  }
}

function splitHeader(line: string): [string, string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}

/** A POST with this body, framed by its length. */
export function post(body: string, headers = ''): string {
  return `POST / HTTP/1.1\r\nHost: localhost\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

export function chunked(chunks: readonly string[], trailer = ''): string {
  const framed = chunks.map((chunk) => `${Buffer.byteLength(chunk).toString(16)}\r\n${chunk}\r\n`).join('');
  return `POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n${framed}0\r\n${trailer}\r\n`;
}
