import { trackedPrefix } from '../../../proxy/cache/redis/names.ts';

/**
 * As much of Redis as the steps of the shared cache use: names, values, expiry, what is announced, and that commands
 * which need memory are refused where there is none, unless their script has written before. Strings are binary, one
 * character a byte.
 */
export class Keyspace {
  isFull = false;
  readonly #nowMs: () => number;
  #entries: Map<string, Entry>;
  #hasWritten = false;
  #touched = new Set<string>();

  constructor(nowMs: () => number, snapshot: Snapshot = new Map()) {
    this.#nowMs = nowMs;
    this.#entries = copyOf(snapshot);
  }

  /** What a save would have in it. */
  snapshot(): Snapshot {
    return copyOf(this.#entries);
  }

  /** @returns what the script answers, and the tracked names that it touched. */
  runScript<Answer>(script: () => Answer): { answer: Answer; touched: readonly string[] } {
    this.#hasWritten = false;
    this.#touched = new Set();
    return { answer: script(), touched: [...this.#touched] };
  }

  /** Without an announcement, as the names that expire or are evicted are not tracked. */
  evict(name: string): boolean {
    return this.#entries.delete(name);
  }

  clear(): void {
    this.#entries.clear();
  }

  /** All values by their names; of sets the members, in no order. */
  contents(): Map<string, Content> {
    const contents = new Map<string, Content>();
    for (const name of [...this.#entries.keys()]) {
      const value = this.#find(name)?.value;
      if (typeof value === 'string') contents.set(name, value);
      else if (value instanceof Hash) contents.set(name, Object.fromEntries(value));
      else if (value !== undefined) contents.set(name, [...value.keys()].sort());
    }
    return contents;
  }

  /** TIME, in milliseconds. */
  now(): number {
    return this.#nowMs();
  }

  exists(name: string): boolean {
    return this.#find(name) !== undefined;
  }

  del(...names: readonly string[]): void {
    this.#hasWritten = true;
    for (const name of names)
      if (this.#find(name) !== undefined && this.#entries.delete(name)) this.#touch(name);
  }

  get(name: string): string | undefined {
    const value = this.#find(name)?.value;
    if (value === undefined || typeof value === 'string') return value;
    throw new Error('WRONGTYPE');
  }

  set(name: string, value: string, lifeMs = Infinity): void {
    this.#allocate();
    this.#entries.set(name, { value, expiresAtMs: this.now() + lifeMs });
    this.#touch(name);
  }

  expireAt(name: string, expiresAtMs: number): void {
    this.#hasWritten = true;
    const entry = this.#find(name);
    if (entry !== undefined) entry.expiresAtMs = expiresAtMs;
  }

  /** PTTL, where the name has one. */
  lifeLeftMs(name: string): number {
    return (this.#find(name)?.expiresAtMs ?? 0) - this.now();
  }

  hmget(name: string, ...fields: readonly string[]): (string | undefined)[] {
    const hash = this.#find(name)?.value ?? new Hash();
    if (!(hash instanceof Hash)) throw new Error('WRONGTYPE');
    return fields.map((field) => hash.get(field));
  }

  hset(name: string, fields: Readonly<Record<string, string | number>>): void {
    this.#allocate();
    const hash = this.#findOrAdd(name, () => new Hash());
    if (!(hash instanceof Hash)) throw new Error('WRONGTYPE');
    for (const [field, value] of Object.entries(fields)) hash.set(field, String(value));
  }

  zadd(name: string, score: number, member: string): void {
    this.#allocate();
    this.#sortedSet(name, true).set(member, score);
  }

  zrem(name: string, member: string): boolean {
    this.#hasWritten = true;
    const isRemoved = this.#sortedSet(name).delete(member);
    this.#forgetEmpty(name);
    return isRemoved;
  }

  zscore(name: string, member: string): number | undefined {
    return this.#sortedSet(name).get(member);
  }

  zcard(name: string): number {
    return this.#sortedSet(name).size;
  }

  /** Members with their scores, the lowest first. */
  zrange(name: string): [string, number][] {
    return [...this.#sortedSet(name)].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
  }

  zremUpTo(name: string, score: number): void {
    this.#hasWritten = true;
    const set = this.#sortedSet(name);
    for (const [member, of] of set) if (of <= score) set.delete(member);
    this.#forgetEmpty(name);
  }

  sadd(name: string, ...members: readonly string[]): void {
    this.#allocate();
    const set = this.#findOrAdd(name, () => new Set<string>());
    if (!(set instanceof Set)) throw new Error('WRONGTYPE');
    for (const member of members) set.add(member);
  }

  smembers(name: string): string[] {
    const set = this.#find(name)?.value ?? new Set<string>();
    if (!(set instanceof Set)) throw new Error('WRONGTYPE');
    return [...set];
  }

  #sortedSet(name: string, isAdded = false): SortedSet {
    const set = isAdded ? this.#findOrAdd(name, () => new SortedSet()) : this.#find(name)?.value;
    if (set === undefined) return new SortedSet();
    if (set instanceof SortedSet) return set;
    throw new Error('WRONGTYPE');
  }

  #find(name: string): Entry | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined || entry.expiresAtMs > this.now()) return entry;
    this.#entries.delete(name);
    return undefined;
  }

  #findOrAdd(name: string, make: () => Value): Value {
    const entry = this.#find(name) ?? { value: make(), expiresAtMs: Infinity };
    this.#entries.set(name, entry);
    return entry.value;
  }

  #forgetEmpty(name: string): void {
    if (this.zcard(name) === 0) this.#entries.delete(name);
  }

  #allocate(): void {
    if (this.isFull && !this.#hasWritten)
      throw new Error("OOM command not allowed when used memory > 'maxmemory'.");
    this.#hasWritten = true;
  }

  #touch(name: string): void {
    if (name.startsWith(trackedPrefix)) this.#touched.add(name);
  }
}

export type Content = string | string[] | Record<string, string>;

export type Snapshot = ReadonlyMap<string, Entry>;

class Hash extends Map<string, string> {}
class SortedSet extends Map<string, number> {}

type Value = string | Hash | SortedSet | Set<string>;

interface Entry {
  readonly value: Value;
  expiresAtMs: number;
}

function copyOf(entries: Snapshot): Map<string, Entry> {
  return new Map(
    [...entries].map(([name, { value, expiresAtMs }]) => [name, { value: copyOfValue(value), expiresAtMs }]),
  );
}

function copyOfValue(value: Value): Value {
  if (typeof value === 'string') return value;
  if (value instanceof Hash) return new Hash(value);
  return value instanceof SortedSet ? new SortedSet(value) : new Set(value);
}
