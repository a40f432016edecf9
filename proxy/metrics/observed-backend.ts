import type { Backend, ChangeFeed, Request } from '../../protocol/backend.ts';
import type { Clock } from '../../protocol/clock.ts';
import type { Reply } from '../../protocol/reply.ts';
import { tableNameOf } from '../../protocol/table-name.ts';
import type { TableCacheSettings } from '../cache-settings.ts';
import type { HotKeys } from '../hot-keys.ts';
import { type CacheUse, type CallRecorder, noTable, severalTables } from './call-recorder.ts';

export interface ObservedBackendOptions {
  readonly recorder: CallRecorder;
  readonly clock: Clock;
  /** Whether calls of one table are told from those of another. */
  readonly byTable: boolean;
  /** What the backend itself asks, where it is a cache: a read without a call of the store is a hit. */
  readonly store?: ObservedBackend;
  /** What holds in that cache for a table, by its plain name. */
  readonly settingsOf?: (tableName: string) => TableCacheSettings;
  /** Gets a sample of what is read. */
  readonly hotKeys?: HotKeys;
}

/** A backend whose calls are timed. A call that is answered at once costs two looks at the clock and four into maps. */
export class ObservedBackend implements Backend {
  readonly changes?: ChangeFeed;
  readonly #backend: Backend;
  readonly #options: ObservedBackendOptions;
  #calls = 0;

  constructor(backend: Backend, options: ObservedBackendOptions) {
    this.#backend = backend;
    this.#options = options;
    if (backend.changes !== undefined) this.changes = backend.changes;
  }

  call(request: Request): Reply | Promise<Reply> {
    this.#calls++;
    const { clock, store } = this.#options;
    const startMs = clock.monotonic();
    const storeCalls = store?.calls;
    try {
      const reply = this.#backend.call(request);
      if (reply instanceof Promise) return this.#observe(reply, request, startMs);
      this.#succeeded(request, startMs, store?.calls === storeCalls ? 'hit' : 'miss');
      return reply;
    } catch (error) {
      this.#failed(request, startMs, error);
      throw error;
    }
  }

  /** How often it was called. */
  get calls(): number {
    return this.#calls;
  }

  get lagMs(): number {
    return this.#backend.lagMs ?? 0;
  }

  close(): Promise<void> {
    return this.#backend.close();
  }

  #observe(reply: Promise<Reply>, request: Request, startMs: number): Promise<Reply> {
    return reply.then(
      (settled) => {
        this.#succeeded(request, startMs, 'miss');
        return settled;
      },
      (error: unknown) => {
        this.#failed(request, startMs, error);
        throw error;
      },
    );
  }

  /** @param use if the cache may be used for such a call. */
  #succeeded(request: Request, startMs: number, use: CacheUse): void {
    const { recorder, clock, hotKeys } = this.#options;
    const table = this.#tableOf(request);
    const ms = clock.monotonic() - startMs;
    recorder.succeeded(request.operation, table, this.#mayHit(request, table) ? use : 'none', ms);
    hotKeys?.served(request, table);
  }

  #failed(request: Request, startMs: number, error: unknown): void {
    const { recorder, clock } = this.#options;
    const table = this.#tableOf(request);
    const use = this.#mayHit(request, table) ? 'miss' : 'none';
    recorder.failed(request.operation, table, use, clock.monotonic() - startMs, error);
  }

  #tableOf({ input }: Request): string {
    return this.#options.byTable ? tableOf(input) : noTable;
  }

  #mayHit({ operation, input, noCache, extensions }: Request, table: string): boolean {
    const { store, settingsOf } = this.#options;
    if (store === undefined || noCache === true || extensions !== undefined) return false;
    if (input.ConsistentRead === true) return false;
    const isOfPages = pageReads.has(operation);
    if (!isOfPages && !itemReads.has(operation)) return false;
    const settings = settingsOf?.(tableNameOf(table));
    return settings === undefined || (settings.cache && (!isOfPages || settings.queryTtlMs > 0));
  }
}

const itemReads: ReadonlySet<string> = new Set(['GetItem', 'BatchGetItem']);
const pageReads: ReadonlySet<string> = new Set(['Query', 'Scan']);

/** The table's name or ARN as the request has it. */
function tableOf({ TableName, RequestItems, TransactItems }: Request['input']): string {
  if (typeof TableName === 'string') return TableName;
  if (RequestItems !== undefined) return onlyOne(namesIn(RequestItems));
  return TransactItems === undefined ? noTable : severalTables;
}

function namesIn(requestItems: unknown): string[] {
  return typeof requestItems === 'object' && requestItems !== null ? Object.keys(requestItems) : [];
}

function onlyOne([name = noTable, ...others]: readonly string[]): string {
  return others.length === 0 ? name : severalTables;
}
