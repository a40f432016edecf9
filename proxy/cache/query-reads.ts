import type { Backend, Request } from '../../protocol/backend.ts';
import { Reply } from '../../protocol/reply.ts';
import type { Table, TableDescriptions } from '../table-descriptions.ts';
import { Brought, type Flights, type Send, type Sent } from './flights.ts';
import { isObject } from './key-reader.ts';
import type { PageToken } from './page-token.ts';
import type { PageDestination, Pages } from './pages.ts';
import type { QueryCall, QueryOperation } from './query-call.ts';
import { QueryReadings } from './query-readings.ts';
import type { SharedPages } from './shared-pages.ts';
import type { TableCounters } from './table-counters.ts';

/** Query and Scan: from the cache where they may be, else from the store, keeping what it answers, page by page. */
export class QueryReads {
  readonly #backend: Backend;
  readonly #tables: TableDescriptions;
  readonly #pages: Pages;
  readonly #flights: Flights<Reply, PageDestination, PageToken>;
  readonly #counters: TableCounters;
  readonly #shared: SharedPages | undefined;
  readonly #indexTtlMs: number;
  readonly #readings = { Query: new QueryReadings('Query'), Scan: new QueryReadings('Scan') };

  constructor(backend: Backend, tables: TableDescriptions, parts: QueryParts) {
    this.#backend = backend;
    this.#tables = tables;
    this.#pages = parts.pages;
    this.#flights = parts.flights;
    this.#counters = parts.counters;
    this.#shared = parts.shared;
    this.#indexTtlMs = parts.indexTtlMs;
  }

  read(operation: QueryOperation, request: Request): Reply | Promise<Reply> {
    const { TableName: tableName, ConsistentRead: consistent } = request.input;
    if (consistent === true || typeof tableName !== 'string') return this.#backend.call(request);
    const table = this.#tables.find(request.region, tableName);
    if (!(table instanceof Promise)) return this.#readFrom(table, operation, request);
    return table.then((found) => this.#readFrom(found, operation, request));
  }

  #readFrom(table: Table | undefined, operation: QueryOperation, request: Request): Reply | Promise<Reply> {
    if (table === undefined || !table.cache || table.queryTtlMs === 0) return this.#backend.call(request);
    const call = this.#readings[operation].read(table, request);
    if (call === undefined) return this.#backend.call(request);
    if (request.noCache === true) return this.#fetchAnew(call, request);
    const isTrusted = this.#shared === undefined || this.#shared.isLocalTrusted;
    const page = isTrusted ? this.#pages.find(call.name) : undefined;
    const counts = this.#counters.of(table.name);
    if (page === undefined) {
      counts.queryMisses++;
      return this.#fetch(call, request);
    }
    if (page.isEmpty) counts.emptyQueryHits++;
    else counts.queryHits++;
    return page.reply;
  }

  #fetch(call: QueryCall, request: Request): Reply | Promise<Reply> {
    const destination = this.#destinationOf(call);
    if (destination.ttlMs === 0) return this.#backend.call(request);
    const send: Send<Reply> = (isUnsettled, right) => {
      if (this.#shared === undefined) return this.#ask(call, asRead(request), isUnsettled);
      const askThen = (isToSettle: boolean) =>
        this.#ask(call, asRead(request), isUnsettled || isToSettle || this.#pages.isUnsettled(destination));
      return this.#shared.read(call, destination.ttlMs, right, askThen);
    };
    const reply = this.#flights.read(destination, send);
    if (!(reply instanceof Promise)) return reply ?? this.#backend.call(request);
    return reply.then((read) => read ?? this.#backend.call(request));
  }

  /** What a fleet has of the page stays, since only its end by a write or by age is agreed upon. */
  #fetchAnew(call: QueryCall, request: Request): Reply | Promise<Reply> {
    if (this.#shared !== undefined) return this.#backend.call(request);
    const send = (isUnsettled: boolean) => this.#ask(call, asRead(request), isUnsettled);
    const reply = this.#flights.readAnew(this.#destinationOf(call), send);
    if (!(reply instanceof Promise)) return reply ?? this.#backend.call(request);
    return reply.then((read) => read ?? this.#backend.call(request));
  }

  #destinationOf({ table, name, generations, isOfGlobalIndex }: QueryCall): PageDestination {
    const { queryTtlMs } = table;
    const isBehind = isOfGlobalIndex && this.#pages.isSettling;
    const ttlMs = isBehind ? Math.min(queryTtlMs, this.#indexTtlMs) : queryTtlMs;
    return { tableId: table.id, name, generations, isOfGlobalIndex, ttlMs };
  }

  /** Of a global index that may lag, there is no better answer to be had, only none worth keeping. */
  #ask(call: QueryCall, request: Request, isUnsettled: boolean): Sent<Reply> | Promise<Sent<Reply>> {
    if (!isUnsettled) return this.#backend.call(request);
    const { isOfGlobalIndex } = call;
    const reply = this.#backend.call(isOfGlobalIndex ? request : asConsistent(request));
    const read = (answer: Reply) => (isOfGlobalIndex ? new Brought(answer, undefined) : asEventual(answer));
    return reply instanceof Promise ? reply.then(read) : read(reply);
  }
}

export interface QueryParts {
  readonly pages: Pages;
  readonly flights: Flights<Reply, PageDestination, PageToken>;
  readonly counters: TableCounters;
  /** What the fleet has; undefined where there is none. */
  readonly shared: SharedPages | undefined;
  /** At most, for pages of global indexes of a store that has to settle; `Infinity` for no limit of their own. */
  readonly indexTtlMs: number;
}

/**
 * The request as it was read here. Its bytes may say more than that: of a member that is there twice, the store might
 * take the other one, and its answer would be kept under a wrong name.
 */
function asRead({ body: _body, ...request }: Request): Request {
  return request;
}

function asConsistent(request: Request): Request {
  return { ...request, input: { ...request.input, ConsistentRead: true } };
}

/** The same answer at the cost of an eventually consistent read, which is half (AWS: read-write-operations). */
function asEventual(reply: Reply): Reply {
  const { ConsumedCapacity: consumed, ...output } = reply.output;
  return consumed === undefined ? reply : new Reply({ ...output, ConsumedCapacity: halved(consumed) });
}

/** All numbers in it are units. */
function halved(consumed: unknown): unknown {
  if (typeof consumed === 'number') return consumed / 2;
  if (!isObject(consumed)) return consumed;
  return Object.fromEntries(Object.entries(consumed).map(([name, value]) => [name, halved(value)]));
}
