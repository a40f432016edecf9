import type { Backend } from '../protocol/backend.ts';
import type { Clock } from '../protocol/clock.ts';
import { DynamoDbError } from '../protocol/errors.ts';
import type { Logger } from '../protocol/logger.ts';
import { AdminError } from './admin/admin-error.ts';
import { Readiness } from './admin/readiness.ts';
import { type AdminAnswer, type Administrated, json, type Route, routes } from './admin/routes.ts';
import { Token } from './admin/token.ts';
import { isObject } from './cache/key-reader.ts';
import { FlushError } from './flush.ts';
import { Access, isLoopback } from './front/access.ts';
import type { HttpRequest, HttpResponse } from './front/handler.ts';
import { type HttpServer, startHttpServer } from './front/http.ts';
import { defaultHttpLimits, type HttpLimits } from './front/limits.ts';
import type { Metrics } from './metrics.ts';

export interface AdminOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** What callers have to send, except for health. Needed where other machines can reach the host. */
  readonly token: string | undefined;
  /** Host names besides loopback and the listening address, where there is no token. */
  readonly allowedHosts: readonly string[];
  readonly version: string;
  readonly metrics: Metrics;
  /** Whether it answers is what readiness means. */
  readonly backend: Backend;
  readonly region: string | undefined;
  readonly isStopping: () => boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Anybody may connect, before a token is asked for: so nobody may keep health checks out by doing nothing for long. */
const limits: HttpLimits = {
  ...defaultHttpLimits,
  bodyBytesMax: 64 * 1024,
  gatheredBytesMax: 1024 * 1024,
  connectionsMax: 1_000,
  repliesBytesMax: 64 * 1024 * 1024,
  idleMs: 30_000,
  headMs: 5_000,
  requestMs: 10_000,
  closeMs: 1_000,
};

/**
 * Serves health, metrics, statistics, settings and flushes over HTTP, beside the API and apart from it (docs/admin.md).
 * @throws Error where other machines could administrate without a token, or it cannot listen.
 */
export async function startAdmin(options: AdminOptions): Promise<HttpServer> {
  const { host, port, token, clock, log } = options;
  if (token === undefined && !isLoopback(host)) {
    throw new Error(`${host} can be reached from other machines: the administration needs a token there`);
  }
  const admin = new Admin(options);
  return startHttpServer({ host, port, clock, log, limits, handler: (request) => admin.answer(request) });
}

/** From an HTTP request to its answer. The methods stand in the order of a request's life. */
class Admin {
  readonly #access: Access;
  readonly #token: Token;
  readonly #administrated: Administrated;
  readonly #log: Logger;

  constructor(options: AdminOptions) {
    const { backend, isStopping, clock, version, metrics, token } = options;
    const region = options.region ?? 'us-east-1';
    const readiness = new Readiness({ backend, region, isStopping, nowMs: () => clock.monotonic() });
    this.#access = new Access({ ...options, verified: token !== undefined, corsOrigins: [] });
    this.#token = new Token(token);
    this.#administrated = { version, metrics, readiness, region };
    this.#log = options.log;
  }

  async answer(request: HttpRequest): Promise<HttpResponse> {
    try {
      this.#checkAccess(request);
      const [path = '', ...queries] = request.target.split('?');
      const route = routeOf(path);
      if (route.isOpen !== true) this.#token.check(request.header('authorization'));
      const handle = handlerOf(route, request.method);
      const query = new URLSearchParams(queries.join('?'));
      return respond(await handle(this.#administrated, { query, input: readInput(request) }));
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** No page has business here, wherever it comes from. */
  #checkAccess(request: HttpRequest): void {
    try {
      this.#access.check(request);
    } catch (error) {
      const origin = request.header('origin');
      const isOrigin = error instanceof DynamoDbError && error.message.startsWith('Origin ');
      if (!isOrigin) throw error;
      throw new AdminError(403, `Origin ${origin} is not allowed here: web pages cannot administrate`);
    }
  }

  #failed(error: unknown): HttpResponse {
    const status = statusOf(error);
    if (status !== undefined && error instanceof Error) {
      const headers = error instanceof AdminError ? error.headers : '';
      return respond(json(status, { error: error.message }), headers);
    }
    this.#log.error({ err: error }, 'a request of the administration failed unexpectedly');
    return respond(json(500, { error: 'internal error; the log tells more' }));
  }
}

function routeOf(path: string): Route {
  const route = routes.get(path);
  if (route !== undefined) return route;
  throw new AdminError(404, `there is nothing here; there are ${[...routes.keys()].join(', ')}`);
}

const methods = ['GET', 'PATCH', 'POST'] as const;

function handlerOf(route: Route, asked: string) {
  const name = asked === 'HEAD' ? 'GET' : methods.find((method) => method === asked);
  const handler = name === undefined ? undefined : route[name];
  if (handler !== undefined) return handler;
  const allowed = methods.filter((method) => route[method] !== undefined);
  const reason = `${asked} is not possible here; ${allowed.join(' and ')} is`;
  throw new AdminError(405, reason, `Allow: ${allowed.join(', ')}\r\n`);
}

/** An empty body means an empty object, so that a flush of everything needs none. */
function readInput({ body }: HttpRequest): Record<string, unknown> {
  if (body.length === 0) return {};
  const input = parsed(body);
  if (isObject(input)) return input;
  throw new AdminError(400, 'the body must be a JSON object');
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

const flushStatuses = { unknownTable: 404, invalidKey: 400, notDelivered: 503 } as const;

/** @returns undefined for what nobody expected. */
function statusOf(error: unknown): number | undefined {
  if (error instanceof AdminError || error instanceof DynamoDbError) return error.status;
  return error instanceof FlushError ? flushStatuses[error.reason] : undefined;
}

function respond({ status, contentType, body }: AdminAnswer, more = ''): HttpResponse {
  const headers = `Content-Type: ${contentType}\r\nCache-Control: no-store\r\n${more}`;
  return { status, headers, body: Buffer.from(body) };
}
