import { crc32 } from 'node:zlib';
import type { Backend } from '../../protocol/backend.ts';
import type { Clock } from '../../protocol/clock.ts';
import {
  DynamoDbError,
  errorBody,
  internalServerError,
  serializationError,
  unknownOperation,
} from '../../protocol/errors.ts';
import { type ExtensionHeaders, extensionsOfCall } from '../../protocol/extension-headers.ts';
import type { Logger } from '../../protocol/logger.ts';
import { Reply } from '../../protocol/reply.ts';
import { type Credentials, isRegion, SignatureVerifier } from '../../protocol/sigv4.ts';
import { Access, isLoopback } from './access.ts';
import { Decompressor } from './decompressor.ts';
import type { HttpRequest, HttpResponse } from './handler.ts';
import { startHttpServer } from './http.ts';
import { defaultHttpLimits, type HttpLimits, ProtocolError } from './limits.ts';
import { LagLine } from './replica-lag.ts';
import { parseBody } from './request-body.ts';
import { RequestIds } from './request-id.ts';
import { operationOf } from './target.ts';

export interface FrontOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly backend: Backend;
  /** Who may call. With none, signatures are not looked at. */
  readonly credentials: readonly Credentials[];
  /** Listens on an address other than loopback without credentials. */
  readonly insecureNoAuth: boolean;
  /** Origins of web pages that may call, where signatures are not verified; `*` for all. */
  readonly corsOrigins: readonly string[];
  /** Host names besides loopback and the listening address, where signatures are not verified. */
  readonly allowedHosts: readonly string[];
  /** `defaultHttpLimits` for what is left out. */
  readonly limits?: Partial<HttpLimits>;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Front {
  readonly host: string;
  readonly port: number;
  /** Stops accepting, answers what was received, then resolves. The backend stays open. */
  close(): Promise<void>;
}

/**
 * Serves the DynamoDB API over HTTP.
 * @throws Error where it would be open to a network without anybody having asked for that, or cannot listen.
 */
export async function startFront(options: FrontOptions): Promise<Front> {
  if (!isLoopback(options.host) && options.credentials.length === 0 && !options.insecureNoAuth) {
    throw new Error(
      `${options.host} can be reached from other machines: configure credentials, or accept everybody with --insecure-no-auth`,
    );
  }
  const limits = { ...defaultHttpLimits, ...options.limits };
  const api = new Api(options, limits);
  const { host, port, clock, log } = options;
  return startHttpServer({ host, port, clock, log, limits, handler: (request) => api.answer(request) });
}

const defaultRegion = 'us-east-1';

/** What an answer needs to know about its request. */
interface Exchange {
  readonly request: HttpRequest;
  readonly id: string;
  /** Media type of the answer: the request's own. */
  readonly contentType: string;
}

/** From an HTTP request to its answer. The methods stand in the order of a request's life. */
class Api {
  readonly #options: FrontOptions;
  readonly #decompressor: Decompressor;
  readonly #access: Access;
  readonly #verifier: SignatureVerifier | undefined;
  readonly #ids = new RequestIds();
  readonly #lag = new LagLine();

  constructor(options: FrontOptions, limits: HttpLimits) {
    this.#options = options;
    this.#decompressor = new Decompressor(limits);
    const verified = options.credentials.length > 0;
    this.#verifier = verified ? new SignatureVerifier(options.credentials) : undefined;
    this.#access = new Access({ ...options, verified });
  }

  answer(request: HttpRequest): HttpResponse | Promise<HttpResponse> {
    const contentType = mediaType(request);
    const exchange = { request, id: this.#ids.next(), contentType: contentType ?? 'application/json' };
    try {
      this.#access.check(request);
      if (request.method !== 'POST' || !isRoot(request.target)) return this.#outside(exchange);
      if (contentType === undefined && request.body.length > 0) return this.#unknownContent(exchange);
      return this.#authenticate(exchange);
    } catch (error) {
      return this.#failed(exchange, error);
    }
  }

  /** Nothing that is not verified is decompressed or parsed; AWS reads the JSON first, as do we where all may call. */
  #authenticate(exchange: Exchange): HttpResponse | Promise<HttpResponse> {
    const { request } = exchange;
    if (this.#verifier === undefined) return this.#decode(exchange, claimedRegion(request));
    operationNamed(request);
    const { region } = this.#verifier.verify(request, this.#options.clock.now());
    return this.#decode(exchange, region);
  }

  #decode(exchange: Exchange, region: string): HttpResponse | Promise<HttpResponse> {
    const { request } = exchange;
    const encoding = request.header('content-encoding');
    if (encoding === undefined || encoding === 'identity') return this.#call(exchange, region, request.body);
    return this.#decompress(exchange, region, encoding).catch((error: unknown) =>
      this.#failed(exchange, error),
    );
  }

  async #decompress(exchange: Exchange, region: string, encoding: string): Promise<HttpResponse> {
    const body = await this.#decompressor.decompress(exchange.request.body, encoding);
    try {
      return await this.#call(exchange, region, body);
    } finally {
      this.#decompressor.release(body);
    }
  }

  /** AWS: API_DescribeEndpoints. The answer is where the caller already is: a store's own address would lead around us. */
  #describeEndpoints(exchange: Exchange): HttpResponse {
    const Address = exchange.request.header('host') ?? '';
    return this.#respond(exchange, 200, new Reply({ Endpoints: [{ Address, CachePeriodInMinutes: 1440 }] }));
  }

  #call(exchange: Exchange, region: string, body: Buffer): HttpResponse | Promise<HttpResponse> {
    const input = body.length === 0 ? undefined : parseBody(body);
    const operation = operationNamed(exchange.request);
    if (input === undefined) throw serializationError();
    if (operation === 'DescribeEndpoints') return this.#describeEndpoints(exchange);
    const noCache = isCacheUnwanted(exchange.request);
    const extensions = extensionsOfCall(operation, (name) => exchange.request.header(name));
    const reply = this.#options.backend.call({ operation, input, body, region, noCache, extensions });
    if (!(reply instanceof Promise)) return this.#respond(exchange, 200, reply);
    return reply.then(
      (settled) => this.#respond(exchange, 200, settled),
      (error: unknown) => this.#failed(exchange, error),
    );
  }

  #failed(exchange: Exchange, error: unknown): HttpResponse {
    if (error instanceof DynamoDbError) {
      return this.#respond(exchange, error.status, new Reply(errorBody(error)));
    }
    if (error instanceof ProtocolError) return this.#plain(exchange, error.status, '');
    this.#options.log.error({ err: error, requestId: exchange.id }, 'a request failed unexpectedly');
    const fault = internalServerError();
    return this.#respond(exchange, fault.status, new Reply(errorBody(fault)));
  }

  #respond(exchange: Exchange, status: number, reply: Reply): HttpResponse {
    const headers = `${this.#headers(exchange, reply.crc32)}Content-Type: ${exchange.contentType}\r\n`;
    const { extensions } = reply;
    if (extensions === undefined) return { status, headers, body: reply.body };
    return { status, headers: `${headers}${headerLines(extensions)}`, body: reply.body };
  }

  #headers({ request, id }: Exchange, checksum: number): string {
    const origin = request.header('origin');
    const cors = origin === undefined ? '' : this.#access.corsHeaders(origin);
    const lag = this.#lag.of(this.#options.backend.lagMs);
    return `Server: Slipstream\r\nx-amzn-RequestId: ${id}\r\nx-amz-crc32: ${checksum}\r\n${lag}${cors}`;
  }

  /** What is not a call of the API: health checks, browsers' preflights, and the rest. */
  #outside(exchange: Exchange): HttpResponse {
    const { request } = exchange;
    const { method, target } = request;
    const reads = method === 'GET' || method === 'HEAD';
    if (reads && (isRoot(target) || target === '/health')) {
      return this.#plain(exchange, 200, `healthy: ${request.header('host') ?? this.#options.host} `);
    }
    if (method === 'OPTIONS' && request.header('origin') !== undefined) return this.#preflight(exchange);
    return this.#unknownContent(exchange);
  }

  #preflight(exchange: Exchange): HttpResponse {
    const { request } = exchange;
    const response = this.#plain(exchange, 200, '');
    const asked = request.header('access-control-request-headers');
    const method = request.header('access-control-request-method');
    const headers = asked === undefined ? '' : `Access-Control-Allow-Headers: ${asked}\r\n`;
    const methods = method === undefined ? '' : `Access-Control-Allow-Methods: ${method}\r\n`;
    return {
      ...response,
      headers: `${response.headers}${headers}${methods}Access-Control-Max-Age: 172800\r\n`,
    };
  }

  #unknownContent(exchange: Exchange): HttpResponse {
    return this.#plain(exchange, 404, '<UnknownOperationException/>\n');
  }

  #plain(exchange: Exchange, status: number, text: string): HttpResponse {
    const body = Buffer.from(text);
    return { status, headers: this.#headers(exchange, crc32(body)), body };
  }
}

function isRoot(target: string): boolean {
  return target === '/' || target.startsWith('/?');
}

const json10 = 'application/x-amz-json-1.0';
const mediaTypes: ReadonlySet<string> = new Set([json10, 'application/x-amz-json-1.1', 'application/json']);

/** @returns undefined where the body is said to be something else, or not said at all. */
function mediaType(request: HttpRequest): string | undefined {
  const header = request.header('content-type');
  if (header === json10 || header === undefined) return header;
  const type = (header.split(';', 1)[0] ?? '').trim().toLowerCase();
  return mediaTypes.has(type) ? type : undefined;
}

/** RFC 9111, 5.2.1.4: what is stored may not be used. One look over the names, which takes 20 ns. */
function isCacheUnwanted(request: HttpRequest): boolean {
  const directives = request.header('cache-control');
  if (directives === undefined) return false;
  return directives.split(',').some((directive) => directive.trim().toLowerCase() === 'no-cache');
}

function headerLines(headers: ExtensionHeaders): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
}

function operationNamed(request: HttpRequest): string {
  const operation = operationOf(request.header('x-amz-target') ?? '');
  if (operation === undefined) throw unknownOperation();
  return operation;
}

/** The region of the credential scope, `Credential=KEY/DATE/REGION/...`, as far as one can be made out. */
function claimedRegion(request: HttpRequest): string {
  const authorization = request.header('authorization');
  if (authorization === undefined) return defaultRegion;
  const credential = authorization.indexOf('Credential=');
  if (credential < 0) return defaultRegion;
  const date = authorization.indexOf('/', credential) + 1;
  const region = authorization.indexOf('/', date) + 1;
  const end = authorization.indexOf('/', region);
  if (date === 0 || region === 0 || end < 0) return defaultRegion;
  const name = authorization.slice(region, end);
  return isRegion(name) ? name : defaultRegion;
}
