import type { Backend, Request } from '../../protocol/backend.ts';
import { DynamoDbError } from '../../protocol/errors.ts';
import type { KeyBytes } from '../../protocol/key.ts';
import type { Reply } from '../../protocol/reply.ts';
import type { Table, TableDescriptions } from '../table-descriptions.ts';
import type { CachedItem } from './cached-item.ts';
import type { Coherence, Fence } from './coherence.ts';
import { targetKey, type WriteTarget, writeTargets, writtenItem } from './write-targets.ts';

/** Writes of known keys to a store that announces no changes: under fences. */
export class ItemWrites {
  readonly #backend: Backend;
  readonly #tables: TableDescriptions;
  readonly #coherence: Coherence<CachedItem>;

  constructor(backend: Backend, tables: TableDescriptions, coherence: Coherence<CachedItem>) {
    this.#backend = backend;
    this.#tables = tables;
    this.#coherence = coherence;
  }

  /** @returns undefined, with nothing sent, where it is not clear which items of which tables may change. */
  async write(request: Request): Promise<Reply | undefined> {
    const targets = writeTargets(request.operation, request.input);
    if (targets === undefined) return undefined;
    const tables = await Promise.all(
      targets.map((target) => this.#tables.find(request.region, target.tableName)),
    );
    const writes = findKeys(targets, tables);
    return writes === undefined ? undefined : this.#send(request, writes);
  }

  async #send(request: Request, writes: readonly Write[]): Promise<Reply> {
    const fences = writes.map(({ table, key }) => this.#coherence.raise(table.id, key));
    const reply = await this.#call(request, writes, fences);
    this.#lower(request, reply, writes, fences);
    for (const tableId of this.#replaced(request.region, writes)) this.#coherence.voidTable(tableId);
    return reply;
  }

  /** Begins in the turn in which the fences were raised. */
  async #call(request: Request, writes: readonly Write[], fences: readonly Fence[]): Promise<Reply> {
    try {
      return await this.#backend.call(asRead(request));
    } catch (error) {
      if (isFateUnknown(error)) this.#abandon(request.region, writes, fences);
      else for (const fence of fences) this.#coherence.lower(fence);
      throw error;
    }
  }

  #abandon(region: string, writes: readonly Write[], fences: readonly Fence[]): void {
    for (const fence of fences) this.#coherence.abandon(fence);
    for (const tableId of this.#replaced(region, writes)) this.#coherence.holdTable(tableId);
  }

  /** Of several writes in one call, none says what it left. */
  #lower(request: Request, reply: Reply, writes: readonly Write[], fences: readonly Fence[]): void {
    const value = fences.length === 1 ? writtenItem(request.operation, request.input, reply) : undefined;
    fences.forEach((fence, i) => {
      const ttlMs = writes[i]?.table.itemTtlMs ?? 0;
      this.#coherence.lower(fence, value === undefined ? undefined : { value, ttlMs });
    });
  }

  /**
   * The identities in question where a name does not mean any more what it meant when the keys were fenced: the store
   * may have written to either. One that the name has yet to show is dealt with when it is met.
   */
  #replaced(region: string, writes: readonly Write[]): string[] {
    return writes.flatMap(({ table, tableName }) => {
      const current = this.#tables.current(region, tableName);
      if (current === table) return [];
      return current === undefined ? [table.id] : [table.id, current.id];
    });
  }
}

/**
 * The request as it was read here. Its bytes may say more than that: of a member that is there twice, the store might
 * take the one that was not fenced.
 */
function asRead({ body: _body, ...request }: Request): Request {
  return request;
}

/**
 * Whether a write that failed this way may have been applied, or may still be: everything that is not an answer of
 * DynamoDB's, and an answer that says so itself (`UnansweredError`).
 */
export function isFateUnknown(error: unknown): boolean {
  return !(error instanceof DynamoDbError) || ('unanswered' in error && error.unanswered === true);
}

interface Write {
  readonly tableName: string;
  readonly table: Table;
  readonly key: KeyBytes;
}

/** The keys to fence, without those of tables that are not cached; undefined where a table or a key is unknown. */
function findKeys(
  targets: readonly WriteTarget[],
  tables: readonly (Table | undefined)[],
): Write[] | undefined {
  const writes: Write[] = [];
  for (const [i, target] of targets.entries()) {
    const table = tables[i];
    if (table === undefined) return undefined;
    if (!table.cache) continue;
    const key = targetKey(table.schema, target);
    if (key === undefined) return undefined;
    writes.push({ tableName: target.tableName, table, key });
  }
  return writes;
}
