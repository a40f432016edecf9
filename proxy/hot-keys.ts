import { canonicalItem, type Item } from '../protocol/attribute-value.ts';
import type { Request } from '../protocol/backend.ts';
import type { Clock } from '../protocol/clock.ts';
import { tableNameOf } from '../protocol/table-name.ts';
import { isObject } from './cache/key-reader.ts';
import { type Counted, SpaceSaving } from './hot-keys/space-saving.ts';

/** One read in so many is looked at, on average. */
const sampledOneIn = 32;
/** Keys that are counted at once in one table. Whatever has more than 1/256 of its reads is among them. */
const keysMax = 256;
/** Tables whose keys are counted; reads of more are not looked at. */
const tablesMax = 50;
/** DynamoDB's keys take 3 kB of values and 510 bytes of names; longer texts are not kept. */
const keyCharactersMax = 8_192;
/** What was read longer ago counts half, again and again. */
const halfLifeMs = 60_000;

export interface HotKey {
  readonly table: string;
  /** The primary key, as attribute values. */
  readonly key: Item;
  /** Of the table's recent reads, how many concern this key, from 0 to 1. It may be less by up to `shareErrorMax`. */
  readonly share: number;
  readonly shareErrorMax: number;
}

export interface HotKeysOptions {
  readonly clock: Clock;
  /** From 0 to below 1, like Math.random. */
  readonly random: () => number;
}

/**
 * The keys that are read most, by table, from a sample of the reads that succeeded: GetItem, and each key of
 * BatchGetItem. A read that is not sampled costs one decrement. The gaps between samples are random, since callers that
 * go round a few keys would else be seen at one of them only.
 */
export class HotKeys {
  readonly #options: HotKeysOptions;
  readonly #tables = new Map<string, SpaceSaving<Item>>();
  #untilSample = 1;
  #halvedAtMs: number;

  constructor(options: HotKeysOptions) {
    this.#options = options;
    this.#halvedAtMs = options.clock.monotonic();
  }

  /** @param table as the request names it. */
  served(request: Request, table: string): void {
    if (--this.#untilSample > 0) return;
    this.#untilSample = 1 + Math.floor(this.#options.random() * (2 * sampledOneIn - 1));
    if (request.operation === 'GetItem') this.#add(table, request.input.Key);
    else if (request.operation === 'BatchGetItem') this.#addBatch(request.input.RequestItems);
  }

  /** @param limit how many keys of each table. @returns those with the greatest share first, table by table. */
  top(limit: number, table?: string): HotKey[] {
    this.#age();
    const tables = table === undefined ? [...this.#tables.keys()] : [table];
    return tables.flatMap((name) => hottest(name, this.#tables.get(name), limit));
  }

  #addBatch(requestItems: unknown): void {
    if (!isObject(requestItems)) return;
    for (const [table, request] of Object.entries(requestItems)) {
      const keys = isObject(request) && Array.isArray(request.Keys) ? request.Keys : [];
      for (const key of keys) this.#add(table, key);
    }
  }

  #add(table: string, written: unknown): void {
    this.#age();
    const name = tableNameOf(table);
    const counted = this.#tables.get(name) ?? this.#meet(name);
    const key = counted === undefined ? undefined : canonicalKey(written);
    if (key === undefined) return;
    const text = JSON.stringify(key);
    if (text.length <= keyCharactersMax) counted?.add(text, key);
  }

  #meet(name: string): SpaceSaving<Item> | undefined {
    if (this.#tables.size >= tablesMax) return undefined;
    const counted = new SpaceSaving<Item>(keysMax);
    this.#tables.set(name, counted);
    return counted;
  }

  /** Tables that nobody reads any more make room for others. */
  #age(): void {
    const halvings = Math.floor((this.#options.clock.monotonic() - this.#halvedAtMs) / halfLifeMs);
    if (halvings === 0) return;
    this.#halvedAtMs += halvings * halfLifeMs;
    for (const [name, counted] of this.#tables) {
      counted.scale(0.5 ** halvings);
      if (counted.total < 1) this.#tables.delete(name);
    }
  }
}

function hottest(table: string, counted: SpaceSaving<Item> | undefined, limit: number): HotKey[] {
  if (counted === undefined) return [];
  const { total } = counted;
  return counted.top(limit).map(({ value: key, count, error }: Counted<Item>) => ({
    table,
    key,
    share: count / total,
    shareErrorMax: error / total,
  }));
}

/**
 * Equal for equal keys, however they are written: `1` and `1.0`, and either order of two attributes.
 * @returns undefined for what is none; a store may have answered all the same.
 */
function canonicalKey(written: unknown): Item | undefined {
  if (!isObject(written)) return undefined;
  try {
    const key = canonicalItem(written as unknown as Item);
    return Object.fromEntries(Object.entries(key).sort(([a], [b]) => (a < b ? -1 : 1)));
  } catch {
    return undefined;
  }
}
