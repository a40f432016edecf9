import type { Backend, Request } from '../../protocol/backend.ts';
import { DynamoDbError } from '../../protocol/errors.ts';
import type { KeyBytes } from '../../protocol/key.ts';
import type { Reply } from '../../protocol/reply.ts';
import type { CacheSettings } from '../cache-settings.ts';
import type { Table, TableDescriptions } from '../table-descriptions.ts';
import {
  answerBatchGetItem,
  type BatchGetItemCall,
  type Place,
  readBatchGetItem,
  readPlaces,
} from './batch-get-item.ts';
import { BatchRead } from './batch-read.ts';
import type { CachedItem } from './cached-item.ts';
import { missingItem, soundItem } from './cached-item.ts';
import type { Coherence } from './coherence.ts';
import type { Destination, Flights, Send } from './flights.ts';
import type { GetItemCall } from './get-item.ts';
import { answerGetItem, readGetItem } from './get-item.ts';
import { readKey } from './key-reader.ts';
import { reachesIntoKey } from './projection.ts';
import type { SharedItems } from './shared-items.ts';
import type { TableCounters } from './table-counters.ts';

/** GetItem and BatchGetItem: from the cache where they may be, else from the store, keeping what it answers. */
export class ItemReads {
  readonly #backend: Backend;
  readonly #tables: TableDescriptions;
  readonly #settings: CacheSettings;
  readonly #coherence: Coherence<CachedItem>;
  readonly #flights: Flights<CachedItem>;
  readonly #counters: TableCounters;
  readonly #shared: SharedItems | undefined;

  constructor(
    backend: Backend,
    tables: TableDescriptions,
    settings: CacheSettings,
    { coherence, flights, counters, shared }: ItemParts,
  ) {
    this.#backend = backend;
    this.#tables = tables;
    this.#settings = settings;
    this.#coherence = coherence;
    this.#flights = flights;
    this.#counters = counters;
    this.#shared = shared;
  }

  getItem(request: Request): Reply | Promise<Reply> {
    const call = readGetItem(request.input);
    if (call === undefined) return this.#backend.call(request);
    const table = this.#tables.find(request.region, call.tableName);
    if (!(table instanceof Promise)) return this.#getFrom(table, request, call);
    return table.then((found) => this.#getFrom(found, request, call));
  }

  batchGetItem(request: Request): Reply | Promise<Reply> {
    const call = readBatchGetItem(request.input);
    if (call === undefined) return this.#backend.call(request);
    const tables = call.requests.map(({ tableName }) => this.#tables.find(request.region, tableName));
    if (!tables.some((table) => table instanceof Promise)) {
      return this.#getBatchFrom(tables as (Table | undefined)[], request, call);
    }
    return Promise.all(tables).then((found) => this.#getBatchFrom(found, request, call));
  }

  #getFrom(table: Table | undefined, request: Request, call: GetItemCall): Reply | Promise<Reply> {
    if (table === undefined || !table.cache) return this.#backend.call(request);
    const key = reachesIntoKey(call.projection, table.schema) ? undefined : readKey(table.schema, call.key);
    if (key === undefined) return this.#backend.call(request);
    const cached = request.noCache === true ? undefined : this.#lookup(table, key);
    return cached === undefined ? this.#fetch(table, key, request, call) : answerGetItem(call, cached);
  }

  #getBatchFrom(
    tables: readonly (Table | undefined)[],
    request: Request,
    call: BatchGetItemCall,
  ): Reply | Promise<Reply> {
    const places = readPlaces(call, tables);
    if (places === undefined) return this.#backend.call(request);
    const isAnew = request.noCache === true;
    const items = places.map(({ table, key }) => (isAnew ? undefined : this.#lookup(table, key)));
    if (!items.includes(undefined)) return answerBatchGetItem(call, places, items);
    return this.#fetchBatch(request, call, places, items);
  }

  /** A store that is short of units refuses a batch only where it has nothing to answer; the cache may have something. */
  async #fetchBatch(
    request: Request,
    call: BatchGetItemCall,
    places: readonly Place[],
    cached: readonly (CachedItem | undefined)[],
  ): Promise<Reply> {
    const batch = new BatchRead(request.region);
    const reads = places.map((place, i) => cached[i] ?? this.#readInBatch(request, place, batch));
    const [sent, ...outcomes] = await Promise.allSettled([batch.send(this.#backend), ...reads]);
    if (sent.status === 'rejected' && !isThrottled(sent.reason)) throw sent.reason;
    if (!batch.isUnderstood) return this.#backend.call(request);
    const failed = [sent, ...outcomes].find((outcome) => outcome.status === 'rejected');
    const items = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : undefined));
    if (failed !== undefined && items.every((item) => item === undefined)) throw failed.reason;
    return answerBatchGetItem(call, places, items);
  }

  /** A read that had to wait for another one to end is too late for the batch, and is sent alone. */
  #readInBatch(
    { region, noCache }: Request,
    place: Place,
    batch: BatchRead,
  ): CachedItem | undefined | Promise<CachedItem | undefined> {
    const { table, key, request, requestedKey } = place;
    const destination = destinationOf(table, key, this.#settings);
    const isAnew = noCache === true;
    return this.#read(destination, isAnew, (isUnsettled, right) => {
      const ask = (isStillUnsettled: boolean) =>
        batch.isSent
          ? this.#ask(getItemRequest(region, request.tableName, requestedKey, isStillUnsettled))
          : batch.add(place, isStillUnsettled);
      if (this.#shared === undefined) return ask(isUnsettled);
      const finding = isAnew ? this.#shared.findAnew(table, key) : this.#shared.find(table, key);
      if (!batch.isSent) batch.waitFor(finding);
      const askThen = (isToSettle: boolean) =>
        ask(isUnsettled || isToSettle || this.#coherence.isUnsettled(table.id, key));
      return this.#shared.read(finding, destination, right, askThen);
    });
  }

  #lookup(table: Table, key: KeyBytes): CachedItem | undefined {
    const isTrusted = this.#shared === undefined || this.#shared.isLocalTrusted;
    const cached = isTrusted ? this.#coherence.lookup(table.id, key) : undefined;
    const counts = this.#counters.of(table.name);
    if (cached === undefined) counts.misses++;
    else if (cached === missingItem) counts.negativeHits++;
    else counts.hits++;
    return cached;
  }

  /**
   * A batch that others read the key with may come back without it: then it is asked for once more, alone. An item
   * that cannot be cached is asked for in the caller's own words.
   */
  #fetch(table: Table, key: KeyBytes, request: Request, call: GetItemCall): Reply | Promise<Reply> {
    const destination = destinationOf(table, key, this.#settings);
    const isAnew = request.noCache === true;
    const send: Send<CachedItem> = (isUnsettled, right) => {
      const ask = (isStillUnsettled: boolean) => this.#ask(wholeItemRequest(request, call, isStillUnsettled));
      if (this.#shared === undefined) return ask(isUnsettled);
      const finding = isAnew ? this.#shared.findAnew(table, key) : this.#shared.find(table, key);
      const askThen = (isToSettle: boolean) =>
        ask(isUnsettled || isToSettle || this.#coherence.isUnsettled(table.id, key));
      return this.#shared.read(finding, destination, right, askThen);
    };
    const answer = (cached: CachedItem | undefined) =>
      cached === undefined ? this.#backend.call(request) : answerGetItem(call, cached);
    const read = this.#read(destination, isAnew, send);
    if (!(read instanceof Promise)) return answer(read);
    return read.then((cached) => cached ?? this.#read(destination, isAnew, send)).then(answer);
  }

  /** @param isAnew whether the store's own answer is wanted, and not one that was asked for before. */
  #read(
    destination: Destination,
    isAnew: boolean,
    send: Send<CachedItem>,
  ): CachedItem | undefined | Promise<CachedItem | undefined> {
    return isAnew ? this.#flights.readAnew(destination, send) : this.#flights.read(destination, send);
  }

  #ask(request: Request): CachedItem | undefined | Promise<CachedItem | undefined> {
    const reply = this.#backend.call(request);
    return reply instanceof Promise ? reply.then(itemOf) : itemOf(reply);
  }
}

export interface ItemParts {
  readonly coherence: Coherence<CachedItem>;
  readonly flights: Flights<CachedItem>;
  readonly counters: TableCounters;
  /** Where proxies of a fleet share what they have. */
  readonly shared: SharedItems | undefined;
}

/** The time to live is asked for when the answer has come: the settings may have changed since the question. */
function destinationOf({ id: tableId, name }: Table, key: KeyBytes, settings: CacheSettings): Destination {
  return {
    tableId,
    key,
    get ttlMs() {
      return settings.of(name).itemTtlMs;
    },
  };
}

function itemOf(reply: Reply): CachedItem | undefined {
  return soundItem(reply.output.Item);
}

function isThrottled(error: unknown): boolean {
  return error instanceof DynamoDbError && throttlingCodes.has(error.code);
}

const throttlingCodes: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
]);

/** The caller's own request where it asks for just the whole item, so that its bytes can go on as they are. */
function wholeItemRequest(request: Request, call: GetItemCall, isUnsettled: boolean): Request {
  if (call.isPlain && !isUnsettled) return request;
  return getItemRequest(request.region, call.tableName, call.key, isUnsettled);
}

/** Asks for the whole item, whatever part of it the caller wants: it costs the same. */
function getItemRequest(region: string, tableName: string, key: unknown, isUnsettled: boolean): Request {
  const input = { TableName: tableName, Key: key };
  return { operation: 'GetItem', input: isUnsettled ? { ...input, ConsistentRead: true } : input, region };
}
