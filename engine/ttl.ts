import { setTimeout as delay } from 'node:timers/promises';
import { getAttribute, type Item } from '../protocol/attribute-value.ts';
import type { Clock } from '../protocol/clock.ts';
import type { KeyBytes } from '../protocol/key.ts';
import type { Logger } from '../protocol/logger.ts';
import { Reply } from '../protocol/reply.ts';
import type { Catalog, Table } from './catalog.ts';
import type { Committer, Evaluated, WriteContext } from './commit.ts';
import { parseItem } from './item-json.ts';
import { itemChange } from './operation/item-change.ts';
import { canonicalKeyOf, keyAfter, type StateKey, tablePrefix } from './state/layout.ts';
import type { Overlay } from './state/overlay.ts';
import type { State } from './state/state.ts';

export interface SweeperOptions {
  readonly catalog: Catalog;
  readonly state: State;
  readonly overlay: Overlay;
  readonly committer: Committer;
  readonly clock: Clock;
  readonly log: Logger;
  /** Between the end of a sweep and the begin of the next, in ms. AWS removes items within days (AWS: TTL). */
  readonly sweepMs: number;
  /** Overlay bytes from which on a sweep waits, so that writers keep their room. */
  readonly overlayBytesMax: number;
}

/**
 * Removes expired items, table after table, from those that have TTL enabled.
 *
 * Invariants
 *  1. A sweep only proposes. The commit queue removes an item if TTL is still enabled on that attribute and the item,
 *     as everything before in the queue has left it, still is expired: whoever writes a later time keeps the item.
 *  2. A removal is a write like any other, durable before it is seen, with its index entries and its change record,
 *     which names TTL as who made it. Until then the item is read and written as ever.
 *  3. A slice reads for `sliceMs` and proposes `proposalsMax` removals at most; the next one begins when these are
 *     decided and others have had the thread for `restMs`. So at any time a sweep owns a small part of the queue, and
 *     takes a fifth of the thread.
 *  4. A sweep comes to every key once, however the table changes meanwhile; sweeps never overlap.
 *
 * Rejected: an index of items by their time. Each write of such a table would pay for it, for a removal that nobody waits
 * for.
 */
export class TimeToLiveSweeper {
  readonly #options: SweeperOptions;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  /** The first sweep begins after `sweepMs`. */
  start(): void {
    this.#timer = setTimeout(() => this.#sweep().finally(() => this.#startAgain()), this.#options.sweepMs);
  }

  /** A sweep under way stops at its next slice. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #startAgain(): void {
    if (!this.#closed) this.start();
  }

  /** A table that cannot be swept now keeps no other from it. */
  async #sweep(): Promise<void> {
    const { catalog, log } = this.#options;
    for (const { number, name } of [...catalog.all()]) {
      try {
        await this.#sweepTable(number);
      } catch (error) {
        if (this.#closed) return;
        log.warn(
          { err: error, table: name },
          'cannot remove the expired items of a table; trying again later',
        );
      }
    }
  }

  async #sweepTable(number: number): Promise<void> {
    let next: StateKey | undefined = tablePrefix(number);
    while (next !== undefined) {
      const attribute = this.#attributeOf(number);
      if (attribute === undefined) return;
      const slice: Slice = this.#slice(number, attribute, next);
      await Promise.all(slice.expired.map((key) => this.#propose(number, key)));
      await this.#rest();
      next = slice.next;
    }
  }

  #slice(table: number, attribute: string, from: StateKey): Slice {
    const { state, clock } = this.#options;
    const filter = new ExpiryFilter(attribute, clock.now());
    const expired: KeyBytes[] = [];
    const endMs = clock.monotonic() + sliceMs;
    for (const [key, item] of state.range(from, tablePrefix(table + 1), false)) {
      if (filter.mayPass(item.json)) expired.push(canonicalKeyOf(key));
      if (expired.length < proposalsMax && clock.monotonic() < endMs) continue;
      return { expired, next: keyAfter(key) };
    }
    return { expired, next: undefined };
  }

  async #propose(table: number, key: KeyBytes): Promise<void> {
    await this.#options.committer.submit((context) => removal(context, table, key));
  }

  async #rest(): Promise<void> {
    const { overlay, overlayBytesMax } = this.#options;
    do await delay(restMs);
    while (overlay.bytes > overlayBytesMax && !this.#closed);
  }

  /** Undefined if the table is gone or has no TTL any more, or the engine is closing. */
  #attributeOf(table: number): string | undefined {
    return this.#closed ? undefined : timeToLiveAttribute(this.#options.catalog.byNumber(table));
  }
}

interface Slice {
  /** Keys of items that look expired. */
  readonly expired: readonly KeyBytes[];
  /** Where to go on; undefined at the end of the table. */
  readonly next: StateKey | undefined;
}

const sliceMs = 2;
const restMs = 8;
const proposalsMax = 100;

/** Invariant 1. */
function removal(context: WriteContext, number: number, key: KeyBytes): Evaluated {
  const table = context.catalog.byNumber(number);
  const attribute = timeToLiveAttribute(table);
  const item = context.item(number, key);
  if (table === undefined || attribute === undefined || item === undefined) return nothing;
  if (!isExpiredItem(parseItem(item), attribute, expirySpan(context.timeMs))) return nothing;
  const change = { ...itemChange(context, table, key, item, undefined), principal: 'ttl' as const };
  return { changes: [change], reply: nothing.reply };
}

const nothing: Evaluated = { changes: [], reply: new Reply({}) };

function timeToLiveAttribute(table: Table | undefined): string | undefined {
  const timeToLive = table?.definition.timeToLive;
  return table?.servesItems === true && timeToLive?.status === 'ENABLED' ? timeToLive.attribute : undefined;
}

/** Finds out, without parsing items, which may be expired at one moment. */
class ExpiryFilter {
  /** What comes before the time in an item's JSON. */
  readonly #prefix: Buffer;
  readonly #span: Span;

  constructor(attribute: string, nowMs: number) {
    this.#prefix = Buffer.from(`${JSON.stringify(attribute)}:{"N":"`);
    this.#span = expirySpan(nowMs);
  }

  /** True for an expired item, and also where a map inside one has such an attribute. */
  mayPass(json: Buffer): boolean {
    let at = json.indexOf(this.#prefix);
    while (at >= 0) {
      const start = at + this.#prefix.length;
      const end = json.indexOf(quote, start);
      if (isIn(this.#span, json.toString('latin1', start, end))) return true;
      at = json.indexOf(this.#prefix, end);
    }
    return false;
  }
}

const quote = 0x22;

/** The times that are expired at one moment: those before it, but not more than five years (AWS: TTL). */
interface Span {
  readonly fromMs: number;
  readonly beforeMs: number;
}

function expirySpan(nowMs: number): Span {
  const date = new Date(nowMs);
  return { fromMs: date.setUTCFullYear(date.getUTCFullYear() - 5), beforeMs: nowMs };
}

/** Only a Number is a time, in seconds since 1970. */
function isExpiredItem(item: Item, attribute: string, span: Span): boolean {
  const value = getAttribute(item, attribute);
  return value !== undefined && 'N' in value && isIn(span, value.N);
}

function isIn({ fromMs, beforeMs }: Span, seconds: string): boolean {
  const ms = Number(seconds) * 1000;
  return ms >= fromMs && ms < beforeMs;
}
