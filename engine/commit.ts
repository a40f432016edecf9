import type { ChangeListener, CommittedChange } from '../protocol/backend.ts';
import type { Clock } from '../protocol/clock.ts';
import { internalServerError, serviceUnavailable, throttling } from '../protocol/errors.ts';
import type { KeyBytes } from '../protocol/key.ts';
import type { ItemJson, Reply } from '../protocol/reply.ts';
import { Catalog, type CatalogChange, readCatalogRecord } from './catalog.ts';
import type { Position } from './checkpoint.ts';
import type { DiskReserve } from './disk-reserve.ts';
import type { IndexChange } from './index-entries.ts';
import { type CollectionGrowth, CollectionSizes, collectionRow } from './item-collections.ts';
import { LogFullError } from './log/errors.ts';
import { BatchEncoder, type CatalogChange as CatalogRecord, type Change } from './log/record.ts';
import type { Log } from './log/segments.ts';
import { type StateKey, stateKey } from './state/layout.ts';
import { entryBytes, type Overlay, type OverlayEntry } from './state/overlay.ts';
import type { State } from './state/state.ts';
import { applyCatalogChange, asItem, type ShownChange, showChange } from './state-changes.ts';
import type { Statistics } from './statistics.ts';
import { type StreamedChange, streamedChange } from './stream/change.ts';
import type { LogMoment } from './stream/definition.ts';
import type { TableDefinition } from './table-definition.ts';
import type { TransactionTokens } from './transaction-tokens.ts';

/** A change as it goes into the log, and what it does to indexes and collections of its table as that is then. */
export type EvaluatedChange = Change & {
  readonly indexChanges?: readonly IndexChange[];
  readonly collection?: CollectionGrowth | undefined;
};

/** What a write decides: the changes that it makes, all or none, and its answer once they are durable. */
export interface Evaluated {
  readonly changes: readonly EvaluatedChange[];
  readonly reply: Reply;
  /** The `tokenRecord` of a transaction that may happen once; goes into the log though nothing may have changed. */
  readonly token?: string;
}

/** What a write is evaluated against: everything evaluated before it, synced or not. */
export interface WriteContext {
  readonly catalog: Catalog;
  /** When the write will have been committed, in ms; never less than for any write before. */
  readonly timeMs: number;
  /** The sequence number that its first change will have. */
  readonly sequence: number;
  /** @param key the canonical key. */
  item(table: number, key: KeyBytes): ItemJson | undefined;
}

/** Runs in the commit queue, in one turn; throws what the caller is to get, and then nothing is changed. */
export type Evaluate = (context: WriteContext) => Evaluated;

export interface CommitterOptions {
  readonly log: Log;
  readonly state: State;
  readonly overlay: Overlay;
  /** The committed tables; the committer changes them on publishing. */
  readonly catalog: Catalog;
  readonly statistics: Statistics;
  readonly transactionTokens: TransactionTokens;
  readonly clock: Clock;
  /** Where the log that has been replayed ends. */
  readonly position: Position;
  /** Tables whose drop has been published are added. */
  readonly droppedTables: Set<number>;
  readonly overlayBytesMax: number;
  /** Keeps writes away from a disk that is nearly full. */
  readonly diskReserve: DiskReserve;
  /** Entries were published into the overlay. */
  readonly onPublished: () => void;
  /** These changes of streams were published, with a batch that lies there in the log. */
  readonly onStreamed: (changes: readonly StreamedChange[], startLsn: number, endLsn: number) => void;
}

interface QueuedWrite extends Waiter {
  readonly evaluate: Evaluate;
  readonly origin: object | undefined;
}

interface Waiter {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

/** Writes evaluated and not yet durable, and whoever waits for that. */
interface Batch {
  readonly changes: PendingChange[];
  readonly streamed: StreamedChange[];
  readonly settle: { readonly waiter: Waiter; readonly outcome: Outcome }[];
}

type Outcome = { readonly reply: Reply } | { readonly error: unknown };

type PendingChange =
  | { readonly token: string; readonly timeMs: number }
  | {
      readonly catalogChange: CatalogChange;
      readonly at: LogMoment;
      readonly table: TableDefinition | undefined;
    }
  | (ShownChange & { readonly origin: object | undefined });

/**
 * The one writer. Every write of items or tables goes through here:
 *
 *     submit -> queue -> turn: evaluate in order, encode -> [one append in flight] log.append (write, fdatasync)
 *                                                          -> publish: overlay, catalog, listeners, acknowledge
 *
 * Invariants
 *  1. Writes are evaluated one at a time, each against the state that all earlier ones leave, synced or not.
 *  2. Nothing is published, nor any reply sent, before what it is or was evaluated against is durable: a failed
 *     condition and a write that changes nothing wait for the batches of the writes they saw.
 *  3. Publishing a batch is one turn without await: overlay and catalog, then listeners in commit order, then
 *     acknowledgements. So no read sees half of it, and no client has its answer before the caches know.
 *  4. Sequence numbers and commit times only rise, over restarts too.
 *  5. When an append fails and the log could be cut back, everything evaluated since is forgotten and refused
 *     together: later writes may have been evaluated against it.
 *  6. When durability is in doubt, because the log has failed for good, nothing is ever acknowledged again.
 *
 * Memory is bounded: the queue in number, a batch and the overlay in bytes. A full overlay stops the turns until the
 * applier has caught up; a full queue refuses writers (ThrottlingException).
 *
 * Rejected: evaluating on submission, without a queue. It saves one turn, but then the bound of the overlay would have
 * to refuse where it now delays, and writes of one turn of the event loop would be spread over more batches.
 */
export class Committer {
  readonly #options: CommitterOptions;
  readonly #context: WriteContext & { timeMs: number; sequence: number; catalog: Catalog };
  readonly #listeners = new Set<ChangeListener>();
  readonly #pending = new Map<StateKey, OverlayEntry>();
  #pendingBytes = 0;
  #queue: QueuedWrite[] = [];
  #turnScheduled = false;
  /** Of the open batch; what is being appended the log has already taken out of it. */
  #encoder = new BatchEncoder();
  #open = newBatch();
  #inFlight: Batch | undefined;
  #nextSequence: number;
  #publishedLsn: number;
  #lastPublished: LogMoment;
  /** Why no write is taken any more. */
  #closed: Error | undefined;
  /** Set when the log has failed; it has told that itself. */
  #failed: Error | undefined;
  #drained: (() => void) | undefined;

  constructor(options: CommitterOptions) {
    this.#options = options;
    this.#nextSequence = options.position.nextSequence;
    this.#publishedLsn = options.position.lsn;
    this.#lastPublished = lastMoment(options.position);
    this.#context = {
      catalog: copyOf(options.catalog),
      timeMs: options.position.lastTimeMs,
      sequence: options.position.nextSequence,
      item: (table, key) => this.#evaluatedItem(stateKey(table, key)),
    };
  }

  /** The sequence number that the next change gets. */
  get nextSequence(): number {
    return this.#nextSequence;
  }

  get lastTimeMs(): number {
    return this.#context.timeMs;
  }

  /** The end of what is published: the overlay and LMDB together hold the log up to here. */
  get publishedLsn(): number {
    return this.#publishedLsn;
  }

  /** The last change that is published; those that are evaluated already come behind it. */
  get lastPublished(): LogMoment {
    return this.#lastPublished;
  }

  subscribe(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * @param origin goes along with the change records of this write.
   * @returns its reply once it is durable; rejects with what `evaluate` threw, ThrottlingException when too many
   *   writes wait, ServiceUnavailable when there was no room for it and it did not happen, InternalServerError when that is
   *   not known.
   */
  submit(evaluate: Evaluate, origin?: object): Promise<Reply> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    const { refusal } = this.#options.diskReserve;
    if (refusal !== undefined) return Promise.reject(serviceUnavailable(refusal));
    if (this.#queue.length >= queuedWritesMax) {
      return Promise.reject(throttling('Too many writes are waiting for the disk. Try again later.'));
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ evaluate, origin, resolve, reject });
      this.#scheduleTurn();
    });
  }

  /** To be called when the overlay has become smaller. */
  overlayReleased(): void {
    if (this.#queue.length > 0) this.#scheduleTurn();
  }

  /** LMDB does not take what the overlay holds: there may be no room for what is queued before the end. */
  applyFailed(): void {
    if (this.#closed !== undefined) this.#refuseQueued(this.#closed);
  }

  /** Refuses further writes and resolves when all that were submitted are answered. */
  async close(): Promise<void> {
    this.#closed ??= serviceUnavailable('The server is shutting down.');
    if (this.#idle) return;
    await new Promise<void>((resolve) => {
      this.#drained = resolve;
    });
  }

  get #idle(): boolean {
    return this.#queue.length === 0 && this.#inFlight === undefined && this.#open.settle.length === 0;
  }

  #scheduleTurn(): void {
    if (this.#turnScheduled) return;
    this.#turnScheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#turnScheduled = false;
    const endMs = this.#options.clock.monotonic() + turnMs;
    let taken = 0;
    while (taken < this.#queue.length && this.#hasRoom) {
      this.#evaluate(this.#queue[taken++] as QueuedWrite);
      if (this.#options.clock.monotonic() > endMs) break;
    }
    this.#queue.splice(0, taken);
    if (this.#queue.length > 0 && this.#hasRoom) this.#scheduleTurn();
    this.#appendOpen();
  }

  get #hasRoom(): boolean {
    return (
      this.#options.overlay.bytes + this.#pendingBytes < this.#options.overlayBytesMax &&
      this.#encoder.byteLength < batchBytesMax
    );
  }

  #evaluate(write: QueuedWrite): void {
    this.#context.timeMs = Math.max(this.#context.timeMs, this.#options.clock.now());
    this.#context.sequence = this.#nextSequence;
    try {
      const evaluated = write.evaluate(this.#context);
      if (evaluated.changes.length > 0 || evaluated.token !== undefined) this.#add(evaluated, write.origin);
      this.#settleWhenDurable(write, { reply: evaluated.reply });
    } catch (error) {
      this.#settleWhenDurable(write, { error });
    }
  }

  #add({ changes, token }: Evaluated, origin: object | undefined): void {
    const { timeMs } = this.#context;
    const firstSequence = this.#nextSequence;
    const sized = withCollectionBytes(changes, this.#context);
    this.#encoder.add({ firstSequence, timeMs, changes: sized, ...(token !== undefined && { token }) });
    this.#nextSequence += changes.length;
    if (token !== undefined) this.#open.changes.push({ token, timeMs });
    sized.forEach((change, i) => {
      const at = { sequence: firstSequence + i, timeMs };
      if (change.kind === 'catalog') this.#addCatalogChange(change, at);
      else this.#addItemChange(change, at, origin);
    });
  }

  #addCatalogChange({ json }: CatalogRecord, at: LogMoment): void {
    const catalogChange = readCatalogRecord(json);
    const table = changedTable(this.#context.catalog, catalogChange);
    this.#context.catalog.apply(catalogChange, at);
    this.#open.changes.push({ catalogChange, at, table });
  }

  #addItemChange(
    change: Exclude<EvaluatedChange, CatalogRecord>,
    at: LogMoment,
    origin: object | undefined,
  ): void {
    const key = stateKey(change.table, change.key);
    const entry = { item: asItem(change.newImage) };
    const collection = collectionRow(change.collection, change.collectionBytes);
    this.#setPending(key, entry);
    if (collection !== undefined) this.#setPending(collection.key, collection.entry);
    const { indexChanges = [] } = change;
    this.#open.changes.push({ change, key, entry, indexChanges, collection, origin });
    const stream = this.#context.catalog.streams.openOf(change.table);
    if (stream !== undefined) this.#open.streamed.push(streamedChange(stream, change, at));
  }

  /** Invariant 2: the youngest batch holds, or comes after, everything that the outcome was decided on. */
  #settleWhenDurable(waiter: Waiter, outcome: Outcome): void {
    const youngest = this.#open.changes.length > 0 ? this.#open : this.#inFlight;
    if (youngest === undefined) settle(waiter, outcome);
    else youngest.settle.push({ waiter, outcome });
  }

  #appendOpen(): void {
    if (this.#inFlight !== undefined || this.#open.changes.length === 0) {
      this.#noteIfDrained();
      return;
    }
    const batch = this.#open;
    this.#inFlight = batch;
    this.#open = newBatch();
    this.#options.log.append(this.#encoder).then(
      ({ startLsn, endLsn }) => this.#publish(batch, startLsn, endLsn),
      (error: Error) => this.#appendFailed(error),
    );
  }

  /** Invariant 3: no await in here, nor in anything it calls. */
  #publish(batch: Batch, startLsn: number, endLsn: number): void {
    this.#inFlight = undefined;
    this.#publishedLsn = endLsn;
    this.#lastPublished = lastMoment(this.#options.log);
    this.#options.overlay.beginCommit();
    for (const change of batch.changes) this.#show(change);
    if (batch.streamed.length > 0) this.#options.onStreamed(batch.streamed, startLsn, endLsn);
    for (const change of batch.changes) this.#announce(change);
    for (const { waiter, outcome } of batch.settle) settle(waiter, outcome);
    this.#options.onPublished();
    if (this.#queue.length > 0) this.#scheduleTurn();
    this.#appendOpen();
  }

  #show(pending: PendingChange): void {
    const { catalog, overlay, statistics, droppedTables, transactionTokens } = this.#options;
    if ('token' in pending) {
      transactionTokens.committed(pending.token, pending.timeMs);
      return;
    }
    if ('catalogChange' in pending) {
      applyCatalogChange(pending.catalogChange, pending.at, catalog, statistics, droppedTables);
      return;
    }
    const { key, entry, collection } = pending;
    showChange(pending, overlay, statistics);
    this.#unsetPending(key, entry);
    if (collection !== undefined) this.#unsetPending(collection.key, collection.entry);
  }

  #setPending(key: StateKey, entry: OverlayEntry): void {
    this.#pending.set(key, entry);
    this.#pendingBytes += entryBytes(key, entry);
  }

  /** It is published; a newer one may be pending. */
  #unsetPending(key: StateKey, entry: OverlayEntry): void {
    this.#pendingBytes -= entryBytes(key, entry);
    if (this.#pending.get(key) === entry) this.#pending.delete(key);
  }

  #announce(pending: PendingChange): void {
    if (this.#listeners.size === 0 || 'token' in pending) return;
    if ('catalogChange' in pending) {
      if (pending.table === undefined) return;
      const { region, name, id } = pending.table;
      for (const listener of this.#listeners) listener.table({ region, tableName: name, tableId: id });
      return;
    }
    const table = this.#options.catalog.byNumber(pending.change.table);
    if (table === undefined) return;
    const { change, entry, origin } = pending;
    const committed: CommittedChange = {
      tableId: table.definition.id,
      key: change.key,
      oldItem: asItem(change.oldImage),
      newItem: entry.item,
      origin,
    };
    for (const listener of this.#listeners) listener.item(committed);
  }

  /** Invariants 5 and 6. */
  #appendFailed(error: Error): void {
    const batches = [this.#inFlight, this.#open];
    this.#inFlight = undefined;
    this.#open = newBatch();
    this.#encoder = new BatchEncoder();
    this.#pending.clear();
    this.#pendingBytes = 0;
    this.#context.catalog = copyOf(this.#options.catalog);
    const refusal = this.#refusal(error);
    for (const batch of batches) for (const { waiter } of batch?.settle ?? []) waiter.reject(refusal);
    if (this.#failed !== undefined) this.#refuseQueued(this.#failed);
    if (this.#queue.length > 0) this.#scheduleTurn();
    this.#noteIfDrained();
  }

  #refuseQueued(refusal: Error): void {
    const queued = this.#queue;
    this.#queue = [];
    for (const waiter of queued) waiter.reject(refusal);
    this.#noteIfDrained();
  }

  /** Where the log is not merely full, nobody knows whether the writes will be found again. */
  #refusal(error: Error): Error {
    if (error instanceof LogFullError)
      return serviceUnavailable(`The write could not be stored: ${error.message}`);
    this.#failed = serviceUnavailable('The log can no longer be written.');
    this.#closed = this.#failed;
    return internalServerError();
  }

  #noteIfDrained(): void {
    if (!this.#idle) return;
    this.#drained?.();
    this.#drained = undefined;
  }

  #evaluatedItem(key: StateKey): ItemJson | undefined {
    const pending = this.#pending.get(key);
    return pending === undefined ? this.#options.state.get(key) : pending.item;
  }
}

/** Writes that wait for their turn. */
const queuedWritesMax = 20_000;

/** How long a turn holds up everything else, but for the write that it ends with. */
const turnMs = 5;

/** Encoded bytes from which on a batch takes no further write. */
const batchBytesMax = 8 * 1024 * 1024;

/** Of a log that is appended to no further yet. */
function lastMoment({ nextSequence, lastTimeMs }: Pick<Log, 'nextSequence' | 'lastTimeMs'>): LogMoment {
  return { sequence: nextSequence - 1, timeMs: lastTimeMs };
}

function newBatch(): Batch {
  return { changes: [], streamed: [], settle: [] };
}

function settle(waiter: Waiter, outcome: Outcome): void {
  if ('reply' in outcome) waiter.resolve(outcome.reply);
  else waiter.reject(outcome.error);
}

/** The changes with the sizes that they leave item collections with, one after the other. */
function withCollectionBytes(
  changes: readonly EvaluatedChange[],
  context: WriteContext,
): readonly EvaluatedChange[] {
  if (changes.every(({ collection }) => collection === undefined)) return changes;
  const sizes = new CollectionSizes(context, Number.POSITIVE_INFINITY);
  return changes.map((change) =>
    change.kind === 'catalog' || change.collection === undefined
      ? change
      : { ...change, collectionBytes: sizes.add(change.collection) },
  );
}

/** The definition that a change makes, or takes away. */
function changedTable(catalog: Catalog, change: CatalogChange): TableDefinition | undefined {
  if ('roll' in change) return undefined;
  return 'put' in change ? change.put : catalog.byNumber(change.remove)?.definition;
}

function copyOf(catalog: Catalog): Catalog {
  const copy = new Catalog(catalog.streams.copy());
  copy.reserveNumbersBelow(catalog.nextNumber);
  for (const table of catalog.all()) copy.restore(table.definition);
  return copy;
}
