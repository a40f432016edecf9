import { createServer, type Server, type ServerOpts } from 'node:net';
import type { Clock } from '../../protocol/clock.ts';
import type { Logger } from '../../protocol/logger.ts';
import { Connection, type ConnectionContext } from './connection.ts';
import { MemoryBudget } from './gathered-bytes.ts';
import type { HttpHandler } from './handler.ts';
import type { HttpLimits } from './limits.ts';
import { ReplyMemory } from './reply-memory.ts';

export interface HttpServer {
  readonly host: string;
  readonly port: number;
  /** Stops accepting, answers what was received, and ends every connection within `closeMs`. */
  close(): Promise<void>;
}

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly handler: HttpHandler;
  readonly limits: HttpLimits;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * HTTP/1.1 over node:net: what DynamoDB clients need of it and no more, since node:http costs more than all the rest
 * of a cached read. Everything behind `HttpHandler` is free of it, so that another server can take its place.
 * @returns once it listens; rejects with the system's error where it cannot.
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const connections = new Set<Connection>();
  const context = createContext(options, (connection) => connections.delete(connection));
  const server = createServer(socketOptions(options.limits), (socket) => {
    connections.add(new Connection(socket, context));
  });
  server.maxConnections = options.limits.connectionsMax;
  await listen(server, options);
  server.on('error', (error) =>
    options.log.error({ err: error }, 'the HTTP server cannot accept a connection'),
  );
  server.on('drop', () => {
    context.refused++;
  });
  const sweeper = startSweeper(connections, context, options);
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new Error('a TCP server has an address with a port');
  return {
    host: address.address,
    port: address.port,
    close: async () => {
      await drain(server, connections, options.limits.closeMs);
      clearInterval(sweeper);
    },
  };
}

function socketOptions(limits: HttpLimits): ServerOpts {
  return { allowHalfOpen: true, noDelay: true, keepAlive: true, highWaterMark: limits.outboundBytesMax };
}

function createContext(
  options: HttpServerOptions,
  closed: (connection: Connection) => void,
): ConnectionContext {
  const { clock, limits, handler, log } = options;
  return {
    limits,
    handler,
    log,
    closed,
    budget: new MemoryBudget(limits.gatheredBytesMax),
    replies: new ReplyMemory(limits.repliesBytesMax),
    nowMs: clock.monotonic(),
    date: dateLine(clock),
    refused: 0,
  };
}

function listen(server: Server, options: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.host, port: options.port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Time is told in steps, so that a request costs no look at the clock: deadlines are late by a step at most. */
function startSweeper(
  connections: ReadonlySet<Connection>,
  context: ConnectionContext,
  { clock, limits, log }: HttpServerOptions,
): NodeJS.Timeout {
  const shortest = Math.min(limits.idleMs, limits.headMs, limits.requestMs, limits.stallMs, limits.lingerMs);
  const stepMs = Math.max(10, Math.min(500, Math.floor(shortest / 4)));
  const timer = setInterval(() => {
    context.nowMs = clock.monotonic();
    context.date = dateLine(clock);
    for (const connection of connections) connection.sweep();
    reportRefused(context, log);
    reportDropped(context, log);
  }, stepMs);
  return timer.unref();
}

/** One line a step, however many there were: a flood must not become one of the log. */
function reportRefused(context: ConnectionContext, log: Logger): void {
  if (context.refused === 0) return;
  const details = { refused: context.refused, connectionsMax: context.limits.connectionsMax };
  log.warn(details, 'connections refused: too many at once');
  context.refused = 0;
}

function reportDropped(context: ConnectionContext, log: Logger): void {
  const dropped = context.replies.takeDropped();
  if (dropped === 0) return;
  const details = { dropped, repliesBytesMax: context.limits.repliesBytesMax };
  log.warn(details, 'connections cut: too many replies wait for slow readers');
}

function dateLine(clock: Clock): string {
  return `Date: ${new Date(clock.now()).toUTCString()}\r\n`;
}

async function drain(server: Server, connections: ReadonlySet<Connection>, closeMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  for (const connection of connections) connection.drain();
  const deadline = setTimeout(() => {
    for (const connection of connections) connection.destroy();
  }, closeMs);
  await closed;
  clearTimeout(deadline);
}
