import type { Item } from '../../../protocol/attribute-value.ts';
import type { Backend } from '../../../protocol/backend.ts';
import type { Claims } from '../../../proxy/follower/claims.ts';
import type { FollowedTable } from '../../../proxy/follower/followed-table.ts';
import type { Invalidations, StreamChange } from '../../../proxy/follower/invalidations.ts';
import type { FollowedTableStats } from '../../../proxy/follower/table-follower.ts';
import { Follower, type FollowerOptions } from '../../../proxy/follower.ts';
import { idSchema } from '../accelerator-fixture.ts';
import { SimulatedStreams, type ViewType } from './simulated-streams.ts';
import { VirtualTime } from './virtual-time.ts';

export const itemsTable: FollowedTable = {
  id: '00000000-0000-4000-8000-000000000001',
  name: 'items',
  region: 'us-east-1',
  schema: idSchema,
};

/** One line of the log. */
interface Line {
  readonly level: 'info' | 'warn' | 'error';
  readonly details: Record<string, unknown>;
  readonly message: string;
}

export interface HarnessOptions extends Partial<Pick<FollowerOptions, 'stallMs'>> {
  readonly view?: ViewType;
  /** Stands between the follower and the store. */
  readonly between?: (store: SimulatedStreams) => Backend;
  /** Stands between the follower and what it tells. */
  readonly toldThrough?: (told: Told) => Invalidations;
  /** Of each process; absent: each is alone. */
  readonly claims?: (harness: FollowerHarness, process: number) => Claims;
}

/** A follower of a simulated store's table, in time that the test drives. */
export class FollowerHarness {
  readonly time = new VirtualTime();
  readonly store: SimulatedStreams;
  readonly told: Told;
  readonly lines: Line[] = [];
  readonly #options: HarnessOptions;
  #follower: Follower;
  #process = new Process();
  #processes = 0;

  constructor(options: HarnessOptions = {}) {
    this.#options = options;
    this.store = new SimulatedStreams(this.time, options.view);
    this.told = new Told();
    this.#follower = this.#open();
  }

  get follower(): Follower {
    return this.#follower;
  }

  /** Ends the process that follows without a word, and starts another one. */
  crash(): void {
    this.#process.isDead = true;
    this.#follower = this.#open();
    this.follow();
  }

  follow(): void {
    this.#follower.follow(itemsTable);
  }

  /** Follows, until the first pages of the shards are read. */
  async followed(): Promise<void> {
    this.follow();
    await this.time.pass(2_000);
  }

  put(id: string): void {
    const v = { N: String(this.told.next()) };
    this.told.wrote(`put ${v.N}`);
    this.store.write(id, { id: { S: id }, v });
  }

  delete(id: string): void {
    const old = this.store.items.get(id);
    if (old === undefined) return;
    this.told.wrote(`deleted ${numberOf(old)}`);
    this.store.write(id, undefined);
  }

  stats(): FollowedTableStats {
    const [table] = this.#follower.stats().tables;
    if (table === undefined) throw new Error('no table is followed');
    return table;
  }

  messages(level: Line['level']): string[] {
    return this.lines.filter((line) => line.level === level).map(({ message }) => message);
  }

  async close(): Promise<void> {
    const closed = this.#follower.close();
    this.store.answerAll();
    await this.time.pass(0);
    await closed;
  }

  #open(): Follower {
    const { between, toldThrough, claims, stallMs } = this.#options;
    const process = new Process();
    this.#process = process;
    const backend = between?.(this.store) ?? this.store;
    const told = toldThrough?.(this.told) ?? this.told;
    return new Follower({
      backend: { call: async (request) => process.alive(await backend.call(request)), close: async () => {} },
      invalidations: {
        changed: (change) => process.isDead || told.changed(change),
        voidTable: (tableId, holdMs) => process.isDead || told.voidTable(tableId, holdMs),
      },
      ...(claims === undefined ? {} : { claims: claims(this, ++this.#processes) }),
      ...(stallMs === undefined ? {} : { stallMs }),
      clock: this.time,
      pause: async (ms, signal) => process.alive(await this.time.pause(ms, signal)),
      random: () => 0.5,
      log: { info: this.#write('info'), warn: this.#write('warn'), error: this.#write('error') },
    });
  }

  #write(level: Line['level']): (details: object, message: string) => void {
    return (details, message) => this.lines.push({ level, details: { ...details }, message });
  }
}

/** Nothing goes on in a process that is dead. */
class Process {
  isDead = false;

  alive<T>(value: T): T | Promise<T> {
    return this.isDead ? new Promise(() => {}) : value;
  }
}

/** What the caches were told, beside what was written. */
export class Told implements Invalidations {
  readonly changes: StreamChange[] = [];
  /** How long each was to be. */
  readonly holds: number[] = [];
  voids = 0;
  /** So many of the next changes cannot be delivered. */
  refusals = 0;
  /** No void can be delivered. */
  refusesVoids = false;
  readonly #written: string[] = [];
  readonly #told = new Set<string>();
  #voidedTo = 0;
  #numbers = 0;

  next(): number {
    return ++this.#numbers;
  }

  /** So many more of the next changes cannot be delivered. */
  refuse(changes: number): void {
    this.refusals += changes;
  }

  wrote(name: string): void {
    this.#written.push(name);
  }

  changed(change: StreamChange): boolean {
    if (this.refusals > 0) {
      this.refusals--;
      return false;
    }
    this.changes.push(change);
    const { oldItem, newItem } = change;
    if (newItem !== undefined && newItem !== 'unknown') this.#told.add(`put ${numberOf(newItem)}`);
    else if (oldItem !== undefined && oldItem !== 'unknown') this.#told.add(`deleted ${numberOf(oldItem)}`);
    return true;
  }

  voidTable(_tableId: string, holdMs: number): boolean {
    if (this.refusesVoids) return false;
    if (holdMs > 0) this.holds.push(holdMs);
    else this.voids++;
    this.#voidedTo = this.#written.length;
    return true;
  }

  /** Writes that were neither told nor followed by a void of their table. */
  missed(): string[] {
    return this.#written.slice(this.#voidedTo).filter((name) => !this.#told.has(name));
  }
}

function numberOf(item: Item): string {
  const { v } = item;
  return v !== undefined && 'N' in v ? v.N : '';
}
