import type { Backend, Request } from '../../protocol/backend.ts';
import { DynamoDbError } from '../../protocol/errors.ts';
import type { KeyBytes } from '../../protocol/key.ts';
import type { Reply } from '../../protocol/reply.ts';
import type { Table, TableDescriptions } from '../table-descriptions.ts';
import type { CachedItem } from './cached-item.ts';
import { changedGenerations } from './changed-generations.ts';
import type { Coherence, Fence } from './coherence.ts';
import type { ChangedGeneration } from './shared.ts';
import type { EndedGenerations, SharedWrite, SharedWrites } from './shared-writes.ts';
import { type AskedWrite, answerAsAsked, askForImages, imagesOf, imagesUntold } from './write-images.ts';
import { targetKey, type WriteTarget, writeTargets, writtenItem } from './write-targets.ts';

/** Told of pages that a write may have made wrong, before its caller is answered. */
export interface PageEffects {
  endGenerations(tableId: string, names: readonly KeyBytes[]): void;
}

/**
 * Writes of known keys to a store that announces no changes: under fences.
 *
 *     fence here, fence in the fleet -> store -> lower in the fleet -> lower here, end generations -> answer
 *
 * The fleet comes first on the way back: what is dropped here could be fetched from there again while it is still there.
 */
export class ItemWrites {
  readonly #backend: Backend;
  readonly #tables: TableDescriptions;
  readonly #coherence: Coherence<CachedItem>;
  readonly #pages: PageEffects;
  readonly #shared: SharedWrites | undefined;
  /** Tables of which the store tells no images that are not asked for by the caller. */
  readonly #reticent = new WeakSet<Table>();

  constructor(
    backend: Backend,
    tables: TableDescriptions,
    coherence: Coherence<CachedItem>,
    pages: PageEffects,
    shared: SharedWrites | undefined,
  ) {
    this.#backend = backend;
    this.#tables = tables;
    this.#coherence = coherence;
    this.#pages = pages;
    this.#shared = shared;
  }

  /** @returns undefined, with nothing sent, where it is not clear which items of which tables may change. */
  async write(request: Request): Promise<Reply | undefined> {
    const targets = writeTargets(request.operation, request.input);
    if (targets === undefined) return undefined;
    const tables = await Promise.all(
      targets.map((target) => this.#tables.find(request.region, target.tableName)),
    );
    const writes = this.#findWrites(targets, tables);
    return writes === undefined ? undefined : this.#send(request, writes);
  }

  /**
   * What to fence, without the tables that are not cached: by nobody, if there is no fleet, whose other proxies may be
   * told otherwise. Undefined where a table or a key is unknown.
   */
  #findWrites(targets: readonly WriteTarget[], tables: readonly (Table | undefined)[]): Write[] | undefined {
    const writes: Write[] = [];
    for (const [i, target] of targets.entries()) {
      const table = tables[i];
      if (table === undefined) return undefined;
      if (!table.cache && this.#shared === undefined) continue;
      const key = targetKey(table.schema, target);
      if (key === undefined) return undefined;
      writes.push({ target, table, key });
    }
    return writes;
  }

  /** A write that the store refuses since it is asked for an image is sent once more, as its caller wants it. */
  async #send(request: Request, writes: readonly Write[]): Promise<Reply> {
    const table = writes[0]?.table;
    if (table === undefined || this.#reticent.has(table)) {
      return this.#sendFenced({ request, isAsked: false }, writes);
    }
    const asked = askForImages(request, table);
    try {
      return await this.#sendFenced(asked, writes);
    } catch (error) {
      if (!asked.isAsked || !mayBeOfAsking(error)) throw error;
      const reply = await this.#sendFenced({ request, isAsked: false }, writes);
      this.#reticent.add(table);
      return reply;
    }
  }

  async #sendFenced(asked: AskedWrite, writes: readonly Write[]): Promise<Reply> {
    const fences = writes.map(({ table, key }) => this.#coherence.raise(table.id, key));
    const shared = await this.#shared?.raise(writes);
    const guard = { writes, fences, shared };
    const reply = await this.#call(asked.request, guard);
    await this.#lower(asked.request, reply, guard);
    return answerAsAsked(asked, reply);
  }

  async #call(request: Request, guard: Guard): Promise<Reply> {
    try {
      return await this.#backend.call(asRead(request));
    } catch (error) {
      if (isFateUnknown(error)) await this.#abandon(request.region, guard);
      else await this.#lowerRefused(guard);
      throw error;
    }
  }

  async #abandon(region: string, { writes, fences, shared }: Guard): Promise<void> {
    for (const fence of fences) this.#coherence.abandon(fence);
    const replaced = this.#replaced(region, writes);
    for (const tableId of replaced) this.#coherence.holdTable(tableId);
    await shared?.abandon(replaced);
  }

  async #lowerRefused({ fences, shared }: Guard): Promise<void> {
    await shared?.lower(none, undefined);
    for (const fence of fences) this.#coherence.lower(fence);
  }

  /** Of several writes in one call, none says what it left. In a fleet, what one left is put where all can see it. */
  async #lower(request: Request, reply: Reply, guard: Guard): Promise<void> {
    const { writes, fences, shared } = guard;
    const isSingle = writes.length === 1;
    const value = isSingle ? writtenItem(request.operation, request.input, reply) : undefined;
    const written = value && { value, ttlMs: writes[0]?.table.itemTtlMs ?? 0 };
    const generations = writes.flatMap((write) =>
      changesOf(write, isSingle ? { request, reply } : undefined),
    );
    const any = writes.flatMap(changesOfAny);
    await shared?.lower({ generations, generationsBeside: without(any, generations) }, written);
    await this.#voidReplaced(request.region, guard);
    const isAlone = shared === undefined && fences.every((fence) => this.#coherence.stoodAlone(fence));
    for (const fence of fences) this.#coherence.lower(fence, shared === undefined ? written : undefined);
    for (const { tableId, name } of isAlone ? generations : any) this.#pages.endGenerations(tableId, [name]);
    for (const tableId of this.#replaced(request.region, writes)) this.#coherence.voidTable(tableId);
  }

  /**
   * Whoever wrote by a description that has been forgotten since asks again what the name means, as others of the fleet
   * may have met the table before that the store has written to. Where it is the same one, what was fenced was written,
   * and nothing is void: that would let all proxies forget it again, and those writes void it that are under way there.
   */
  async #voidReplaced(region: string, { writes, shared }: Guard): Promise<void> {
    if (shared === undefined) return;
    const ids = await Promise.all(writes.map((write) => this.#identitiesNow(region, write)));
    const replaced = new Set(ids.flat());
    if (replaced.size > 0) await shared.void([...replaced]);
  }

  async #identitiesNow(region: string, { table, target }: Write): Promise<readonly string[]> {
    const { tableName } = target;
    if (this.#tables.current(region, tableName) === table) return [];
    const current = await this.#tables.find(region, tableName);
    return current === undefined || current.id === table.id ? [] : [table.id, current.id];
  }

  /**
   * The identities in question where a name does not mean any more what it meant when the keys were fenced: the store
   * may have written to either. One that the name has yet to show is dealt with when it is met.
   */
  #replaced(region: string, writes: readonly Write[]): string[] {
    return writes.flatMap(({ table, target }) => {
      const current = this.#tables.current(region, target.tableName);
      if (current === table) return [];
      return current === undefined ? [table.id] : [table.id, current.id];
    });
  }
}

/**
 * What any write of the item may have changed. The images that a write was told do not show what another one has done
 * that is not answered yet, or that this proxy has yet to hear of: who knows of this write must not see what was there
 * before that one.
 */
function changesOfAny({ table, key }: Write): ChangedGeneration[] {
  const names = changedGenerations(table, { key, oldItem: 'unknown', newItem: 'unknown' });
  return names.map((name) => ({ tableId: table.id, name }));
}

function without(all: readonly ChangedGeneration[], some: readonly ChangedGeneration[]): ChangedGeneration[] {
  const names = new Set(some.map(nameOf));
  return all.filter((one) => !names.has(nameOf(one)));
}

function nameOf({ tableId, name }: ChangedGeneration): string {
  return `${tableId}\n${name}`;
}

const none: EndedGenerations = { generations: [], generationsBeside: [] };

/** @param answered the call and its answer, where it is the only write of the call. */
function changesOf(
  { table, target, key }: Write,
  answered: { request: Request; reply: Reply } | undefined,
): ChangedGeneration[] {
  const images =
    answered === undefined ? imagesUntold(target) : imagesOf(answered.request, target, answered.reply);
  return changedGenerations(table, { key, ...images }).map((name) => ({ tableId: table.id, name }));
}

/**
 * The request as it was read here. Its bytes may say more than that: of a member that is there twice, the store might
 * take the one that was not fenced.
 */
function asRead({ body: _body, ...request }: Request): Request {
  return request;
}

/**
 * Refusals, with nothing written, that a write may get for its ReturnValues alone: by Alternator in its isolation mode
 * forbid_rmw, and by a policy of AWS's with the condition key dynamodb:ReturnValues.
 */
const refusalsOfAsking: ReadonlySet<string> = new Set(['ValidationException', 'AccessDeniedException']);

function mayBeOfAsking(error: unknown): boolean {
  return error instanceof DynamoDbError && !isFateUnknown(error) && refusalsOfAsking.has(error.code);
}

/**
 * Whether a write that failed this way may have been applied, or may still be: everything that is not an answer of
 * DynamoDB's, and an answer that says so itself (`UnansweredError`).
 */
export function isFateUnknown(error: unknown): boolean {
  return !(error instanceof DynamoDbError) || ('unanswered' in error && error.unanswered === true);
}

interface Write {
  readonly target: WriteTarget;
  readonly table: Table;
  readonly key: KeyBytes;
}

/** What stands over the items of one call while it is under way. */
interface Guard {
  readonly writes: readonly Write[];
  readonly fences: readonly Fence[];
  readonly shared: SharedWrite | undefined;
}
