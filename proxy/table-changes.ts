import type { Backend, Request } from '../protocol/backend.ts';
import type { Reply } from '../protocol/reply.ts';
import type { CachedItem } from './cache/cached-item.ts';
import type { Coherence } from './cache/coherence.ts';
import { isFateUnknown } from './cache/item-writes.ts';
import { isObject } from './cache/key-reader.ts';
import type { SharedCache } from './cache/shared.ts';
import { createsTable, effectOf, tablesChanged } from './operations.ts';
import { identityOf, type TableDescriptions } from './table-descriptions.ts';

/**
 * Calls after which any item of a table, of several, or of all may be another, or the tables themselves: nothing that was
 * cached before the reply, or is being read now, may be served after it.
 */
export class TableChanges {
  readonly #backend: Backend;
  readonly #tables: TableDescriptions;
  readonly #coherence: Coherence<CachedItem>;
  readonly #shared: SharedCache | undefined;
  readonly #fenceMs: number;

  /** @param fenceMs how long the store may take to apply a change that it has not answered. */
  constructor(
    backend: Backend,
    tables: TableDescriptions,
    coherence: Coherence<CachedItem>,
    shared: SharedCache | undefined,
    fenceMs: number,
  ) {
    this.#backend = backend;
    this.#tables = tables;
    this.#coherence = coherence;
    this.#shared = shared;
    this.#fenceMs = fenceMs;
  }

  async change(request: Request): Promise<Reply> {
    const ids = this.#shared === undefined ? none : await this.#identities(request);
    try {
      const reply = await this.#backend.call(request);
      await this.#voidShared(this.#shared, request, ids === 'untold' ? identitiesIn(reply) : ids, 0);
      this.#void(request, false);
      return reply;
    } catch (error) {
      if (isFateUnknown(error)) {
        this.#void(request, true);
        await this.#voidShared(this.#shared, request, ids === 'untold' ? 'all' : ids, this.#fenceMs);
      }
      throw error;
    }
  }

  /**
   * What the names mean before the call: others of the fleet may have cached what this proxy has never asked for, and
   * once a table is gone nobody can tell any more which it was.
   * @returns `untold` of one table that is not described to this proxy: to others it may be.
   */
  async #identities({ operation, input, region }: Request): Promise<Identities | 'untold'> {
    const names = tablesChanged(operation, input);
    if (names === 'all') return 'all';
    const tables = await Promise.all(names.map((name) => this.#tables.find(region, name)));
    if (!tables.includes(undefined)) return tables.flatMap((table) => table?.id ?? []);
    if (effectOf(operation, input) !== 'table') return 'all';
    return createsTable(operation) ? none : 'untold';
  }

  /** A name may mean more than what was known by it: in another region, or by now. */
  async #voidShared(
    shared: SharedCache | undefined,
    { operation, input }: Request,
    before: Identities,
    holdMs: number,
  ): Promise<void> {
    if (shared === undefined) return;
    const names = tablesChanged(operation, input);
    if (before === 'all' || names === 'all') {
      await shared.voidEverything(holdMs);
      return;
    }
    const ids = new Set([...before, ...names.flatMap((name) => this.#tables.idsOf(name))]);
    await Promise.all([...ids].map((tableId) => shared.voidTable(tableId, holdMs)));
  }

  /** @param isOpen whether the change may be made later still. */
  #void({ operation, input }: Request, isOpen: boolean): void {
    const names = tablesChanged(operation, input);
    if (names !== 'all') this.#voidNames(names, isOpen);
    else if (isOpen) this.#coherence.holdAll();
    else this.#coherence.voidAll();
    if (!changesDescriptions(operation, input)) return;
    if (names === 'all') this.#tables.forgetAll();
    else for (const name of names) this.#tables.forget(name);
  }

  /** A name may mean more than what is known by it: in another region, or since it was asked about last. */
  #voidNames(names: readonly string[], isOpen: boolean): void {
    if (isOpen) this.#coherence.holdUnmet();
    for (const tableId of names.flatMap((name) => this.#tables.idsOf(name))) {
      if (isOpen) this.#coherence.holdTable(tableId);
      else this.#coherence.voidTable(tableId);
    }
  }
}

type Identities = readonly string[] | 'all';

const none: Identities = [];

/** The table that was changed, as the store describes it then. */
function identitiesIn({ output }: Reply): Identities {
  const { TableDescription: description } = output;
  const id = isObject(description) ? identityOf(description) : undefined;
  return id === undefined ? 'all' : [id];
}

/** Writes leave the descriptions valid; giving them up would throw away one that is being asked for at the moment. */
function changesDescriptions(operation: string, input: Request['input']): boolean {
  const effect = effectOf(operation, input);
  return effect === 'table' || effect === 'unlisted';
}
