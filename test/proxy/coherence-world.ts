import type { Item } from '../../protocol/attribute-value.ts';
import type { Request } from '../../protocol/backend.ts';
import { DynamoDbError } from '../../protocol/errors.ts';
import type { KeyBytes } from '../../protocol/key.ts';
import { canonicalKey } from '../../protocol/key.ts';
import type { Reply } from '../../protocol/reply.ts';
import { Accelerator } from '../../proxy/accelerator.ts';
import type { AcceleratorParts } from '../../proxy/accelerator-parts.ts';
import { type CachedItem, itemPacking } from '../../proxy/cache/cached-item.ts';
import type { CachedPage } from '../../proxy/cache/cached-page.ts';
import { changedGenerations } from '../../proxy/cache/changed-generations.ts';
import {
  Coherence,
  type CoherenceOptions,
  type Fence,
  type Token,
  type VoidListener,
} from '../../proxy/cache/coherence.ts';
import { type Destination, Flights, itemGround, type Standing } from '../../proxy/cache/flights.ts';
import { LocalTier, type Tier } from '../../proxy/cache/local.ts';
import type { PageToken } from '../../proxy/cache/page-token.ts';
import { type PageDestination, Pages, type PagesOptions } from '../../proxy/cache/pages.ts';
import { Settling } from '../../proxy/cache/settling.ts';
import { TableCounters } from '../../proxy/cache/table-counters.ts';
import { type HeldCall, ManualClock, SimulatedStore } from './simulated-store.ts';

/** Who takes part, and what may happen to them. Whatever is absent or 0 does not happen. */
export interface Scenario {
  readonly readers: number;
  /** This one of the readers uses BatchGetItem. */
  readonly batchReader?: number;
  /** What the first of the readers use instead of GetItem. */
  readonly pageReaders?: readonly PageKind[];
  readonly writers?: number;
  /** PartiQL writes, whose keys the accelerator does not read. */
  readonly statements?: number;
  /** Writes that go to the store without the accelerator. */
  readonly writesAround?: number;
  /**
   * `inOrder`: by the store, before the acknowledgement. `later`: writes around, at any time afterwards. `followed`: every
   * write, at any time afterwards, with what it left, as a stream tells.
   */
  readonly announced?: 'inOrder' | 'later' | 'followed';
  /** Calls that fail without an answer; a write among them may still be applied, until the fences' time is up. */
  readonly timeouts?: number;
  /** Each writer whose write timed out tries once more. */
  readonly retries?: boolean;
  readonly evictions?: number;
  readonly crashes?: number;
  /** The table is deleted and created anew, through the accelerator or around it. */
  readonly recreations?: 'through' | 'around';
  /** The table is not known at first, and the store may refuse this often to describe it. */
  readonly refusals?: number;
  /** Eventually consistent reads of the store lag behind for less than the time of settling. */
  readonly lags?: boolean;
}

/** A Query of the item's partition, one of a partition of a global index, or a Scan of the table, whole or its head. */
export type PageKind = 'query' | 'index' | 'scan' | 'head';

/** Constructors of what is checked, so that weakened ones can take their place. */
export interface Rules {
  readonly coherence: typeof ObservedCoherence;
  readonly flights: typeof ObservedFlights;
  readonly settling: typeof Settling;
  readonly pages: typeof ObservedPages;
  readonly pageFlights: typeof ObservedPageFlights;
}

interface ObservedParts extends AcceleratorParts {
  readonly coherence: ObservedCoherence;
  readonly flights: ObservedFlights;
  readonly pages: ObservedPages;
  readonly pageFlights: ObservedPageFlights;
}

/** The real protocol, with a view on its guards. */
export class ObservedCoherence extends Coherence<CachedItem> {
  readonly #tier: Tier<CachedItem>;
  protected readonly voids: VoidListener | undefined;
  readonly #fences = new Set<Fence>();

  constructor(tier: Tier<CachedItem>, settling: Settling, options: CoherenceOptions) {
    super(tier, settling, options);
    this.#tier = tier;
    this.voids = options.voids;
  }

  /** The tier needs the room. */
  evict(tableId: string, key: KeyBytes): void {
    this.#tier.delete(`${this.tables.get(tableId)?.prefix}${key}`);
  }

  /** Puts a value whatever stands against it. */
  restore(tableId: string, key: KeyBytes, value: CachedItem): void {
    this.#tier.put(`${this.tables.get(tableId)?.prefix}${key}`, value, Number.POSITIVE_INFINITY);
  }

  override raise(tableId: string, key: KeyBytes): Fence {
    const fence = super.raise(tableId, key);
    this.#fences.add(fence);
    return fence;
  }

  override lower(...[fence, written]: Parameters<Coherence<CachedItem>['lower']>): void {
    this.#fences.delete(fence);
    super.lower(fence, written);
  }

  observe(tableId: string, key: KeyBytes, nowMs: number): unknown {
    const table = this.tables.get(tableId);
    const guards = table?.guards.get(key);
    const fences = [...this.#fences].filter(
      (fence) => fence.deadlineMs === Infinity || this.abandoned.has(fence),
    );
    return {
      limit: this.limitMs(),
      limits: [guards?.token?.limitMs, ...fences.map(({ limitMs }) => limitMs)],
      held: Math.max(0, (table?.heldUntilMs ?? 0) - nowMs),
      open: Math.max(0, this.openUntilMs - nowMs),
      token: guards?.token !== undefined,
      count: guards?.fences,
      fences: fences.map((fence) => [
        fence.tableId,
        fence.isTainted || fence.taints !== guards?.taints,
        fence.deadlineMs - nowMs,
      ]),
    };
  }
}

interface Limited extends Standing {
  readonly limitMs: number;
}

class Observed<V, To extends { readonly ttlMs: number }, T extends Limited> extends Flights<V, To, T> {
  observe(): unknown {
    return [...this.flights.values()].map(({ token, next }) => [
      token?.stands,
      token?.limitMs,
      next !== undefined,
    ]);
  }

  /** Whether a reader that comes now joins the read that is under way. */
  get isOpen(): boolean {
    return [...this.flights.values()].some((flight) => this.mayJoin(flight));
  }
}

export class ObservedFlights extends Observed<CachedItem, Destination, Token> {
  constructor(coherence: ObservedCoherence) {
    super(itemGround(coherence));
  }
}

export class ObservedPageFlights extends Observed<Reply, PageDestination, PageToken> {}

/** The real pages, with a view on what is there. */
export class ObservedPages extends Pages {
  readonly #tier: Tier<CachedPage>;
  /** Of all that was asked for, by the names of pages. */
  protected readonly destinations = new Map<string, PageDestination>();

  constructor(tier: Tier<CachedPage>, settling: Settling, options: PagesOptions) {
    super(tier, settling, options);
    this.#tier = tier;
  }

  override take(to: PageDestination): PageToken | undefined {
    this.destinations.set(to.name, to);
    return super.take(to);
  }

  /** The tier needs the room. */
  evict(): void {
    for (const name of this.destinations.keys()) this.#tier.delete(name);
  }

  /** What would be served, by what it is a page of. */
  served(): [PageKind, Value][] {
    return [...this.destinations.values()].flatMap((to) => {
      const page = this.find(to.name);
      return page === undefined ? [] : [[kindOf(to), labelOf(itemIn(page.reply))]];
    });
  }

  observe(): unknown {
    const generations = [...this.tables.values()].map((table) => [...table.generations.keys()].sort());
    const unsettled = [...this.destinations.values()].map((to) => [kindOf(to), this.isUnsettled(to)]);
    return [this.served().sort(), generations, unsettled.sort(), this.limitMs()];
  }
}

function kindOf({ generations: [name = ''] }: PageDestination): PageKind {
  if (name.startsWith('p')) return 'query';
  return name.startsWith('i') ? 'index' : 'scan';
}

export const realRules: Rules = {
  coherence: ObservedCoherence,
  flights: ObservedFlights,
  settling: Settling,
  pages: ObservedPages,
  pageFlights: ObservedPageFlights,
};

const tableName = 'items';
const region = 'us-east-1';
const group = { name: 'g', type: 'S' } as const;
const schema = { partition: { name: 'id', type: 'S' }, sort: undefined } as const;
const itemKey: Item = { id: { S: 'k' } };
const key = canonicalKey(schema, itemKey);
const fenceMs = 10_000;
const settleMs = 1_000;
/** How long a name is remembered that was not described. */
const unknownMs = 1_000;

/** What the item can be: no item at all, or what one of the writes puts. */
type Value = string;
const noItem: Value = '-';

/** In which partition of the index a value has the item: every second writer moves it to the other one. */
function groupOf(value: Value): 'x' | 'y' {
  return value === 'w1' || value === 'a0' ? 'y' : 'x';
}

/** What a reader sees of the item while it has this value. */
function seenAs(value: Value, kind: PageKind | undefined): Value {
  return kind === 'index' && groupOf(value) === 'y' ? noItem : value;
}

const pageRequests: Readonly<Record<PageKind, Request>> = {
  query: {
    operation: 'Query',
    input: {
      TableName: tableName,
      KeyConditionExpression: 'id = :id',
      ExpressionAttributeValues: { ':id': { S: 'k' } },
    },
    region,
  },
  index: {
    operation: 'Query',
    input: {
      TableName: tableName,
      IndexName: 'groups',
      KeyConditionExpression: 'g = :g',
      ExpressionAttributeValues: { ':g': { S: 'x' } },
    },
    region,
  },
  scan: { operation: 'Scan', input: { TableName: tableName }, region },
  head: { operation: 'Scan', input: { TableName: tableName, Limit: 5 }, region },
};

/** What ends where a write is told of without its images. */
const generationsUntold = changedGenerations(
  {
    schema,
    indexes: [{ name: 'groups', isGlobal: true, partition: [group], sort: [], projectedNames: undefined }],
  },
  { key, oldItem: 'unknown', newItem: 'unknown' },
);

interface Client {
  state: 'idle' | 'waiting' | 'done' | 'failed';
  tries: number;
}

interface Reader extends Client {
  /** Undefined for a reader of the item. */
  readonly kind: PageKind | undefined;
  /** What it may be answered with, newest last, as its read began. */
  acceptable: Set<Value>;
  /** Which read of the store it may have joined: told apart by what was under way when it came. */
  joined: string;
  /** Whether it may be passed on to a store that lags, and so get anything. */
  isExcused: boolean;
}

/**
 * One accelerator, one store, one key, and clients of both, all of them moved by named actions only. The world keeps
 * the oracle: which values the item had, in what order, and which of them a read may still answer.
 */
export class World {
  readonly #scenario: Scenario;
  readonly #rules: Rules;
  readonly #clock = new ManualClock();
  readonly #store: SimulatedStore;
  #accelerator: Accelerator;
  #coherence: ObservedCoherence;
  #flights: ObservedFlights;
  #pages: ObservedPages;
  #pageFlights: ObservedPageFlights;
  #tableId: string;
  readonly #readers: Reader[];
  readonly #writers: Client[];
  readonly #statements: Client[];
  /** Values in the order in which the store had them last. */
  #history: Value[] = [noItem];
  /** How many of `#history`, from the oldest, a read that begins now must not answer with. */
  #outdated = 0;
  /** Writes that nobody waits for any more, but that the store may still apply. */
  readonly #late: HeldCall[] = [];
  readonly #executed = new Map<HeldCall, Value>();
  readonly #writerOf = new Map<HeldCall, Client>();
  readonly #unannounced: Value[] = [];
  #left: Record<
    'writeAround' | 'timeout' | 'evict' | 'crash' | 'recreate' | 'refuse' | 'moment' | 'time',
    number
  >;
  /** When the store was last asked to describe the table. */
  #askedAtMs = 0;
  #descriptions = 0;
  #recreation: 'no' | 'deleting' | 'creating' | 'done' = 'no';
  #lagging = false;
  #readsSent = 0;
  readonly problems: string[] = [];

  private constructor(scenario: Scenario, rules: Rules) {
    this.#scenario = scenario;
    this.#rules = rules;
    this.#store = new SimulatedStore({ answers: 'held', announces: scenario.announced === 'inOrder' });
    this.#tableId = this.#store.createTable(tableName, schema, region, group);
    const parts = this.#newParts();
    this.#coherence = parts.coherence;
    this.#flights = parts.flights;
    this.#pages = parts.pages;
    this.#pageFlights = parts.pageFlights;
    this.#accelerator = this.#newAccelerator(parts);
    this.#readers = newClients(scenario.readers).map((client, i) => ({
      ...client,
      kind: scenario.pageReaders?.[i],
      acceptable: new Set(),
      joined: '',
      isExcused: false,
    }));
    this.#writers = newClients(scenario.writers);
    this.#statements = newClients(scenario.statements);
    this.#left = {
      writeAround: scenario.writesAround ?? 0,
      timeout: scenario.timeouts ?? 0,
      evict: scenario.evictions ?? 0,
      crash: scenario.crashes ?? 0,
      recreate: scenario.recreations === undefined ? 0 : 1,
      refuse: scenario.refusals ?? 0,
      moment: scenario.refusals ?? 0,
      time: scenario.timeouts || scenario.crashes || scenario.lags ? 1 : 0,
    };
  }

  /** A world in which the accelerator has run for a while, and knows the table unless that may be refused. */
  static async open(scenario: Scenario, rules: Rules): Promise<World> {
    const world = new World(scenario, rules);
    if (scenario.refusals === undefined) await world.#warmUp();
    world.#clock.advance(fenceMs + settleMs);
    world.#lagging = scenario.lags === true;
    world.#store.lags = world.#lagging;
    return world;
  }

  /** What can happen next. */
  enabled(): string[] {
    const { writeAround, timeout, evict, crash, recreate, refuse, moment, time } = this.#left;
    const actions = [
      ...startable('read', this.#readers),
      ...startable('write', this.#writers),
      ...startable('statement', this.#statements),
      ...this.#callActions(timeout > 0),
      ...this.#late.flatMap((_call, i) => [`apply late ${i}`, `lose late ${i}`]),
      ...this.#unannounced.slice(0, 1).map(() => 'announce'),
    ];
    if (writeAround > 0) actions.push('write around');
    if (evict > 0 && this.#cached() !== undefined) actions.push('evict');
    if (evict > 0 && this.#pages.served().length > 0) actions.push('evict pages');
    if (crash > 0) actions.push('crash');
    if (recreate > 0) actions.push('recreate');
    if (refuse > 0 && this.#store.failures.size === 0) actions.push('refuse');
    if (moment > 0 && this.#descriptions > 0 && !this.#isBehind()) actions.push('moment');
    if (this.#lagging) actions.push('catch up');
    if (time > 0 && this.#late.length === 0 && !this.#lagging) actions.push('time');
    return actions;
  }

  async perform(action: string): Promise<void> {
    const [, name = '', number = '0'] = /^(.*?)(?: (\d+))?$/.exec(action) ?? [];
    const before = new Set(this.#store.held);
    const client = this.#act(name, Number(number));
    await settled();
    for (const call of this.#store.held) {
      if (client !== undefined && isChange(call) && !before.has(call)) this.#writerOf.set(call, client);
    }
    const descriptions = this.#store.count('DescribeTable');
    if (descriptions > this.#descriptions) this.#askedAtMs = this.#clock.monotonic();
    this.#descriptions = descriptions;
    this.#letRetry();
    this.#check();
  }

  /** Everything that decides what can happen from here on, and what would be wrong. */
  fingerprint(): string {
    const nowMs = this.#clock.monotonic();
    return JSON.stringify([
      this.#history,
      this.#outdated,
      this.#left,
      this.#recreation,
      this.#lagging,
      this.#clock.monotonic(),
      this.#scenario.refusals && [this.#store.failures.size, this.#descriptions, this.#askedAtMs],
      this.#readers.map(({ state, acceptable, joined, isExcused }) =>
        state === 'waiting' ? [[...acceptable].sort(), joined, isExcused] : state,
      ),
      this.#writers.map(({ state, tries }) => [state, tries]),
      this.#statements.map(({ state, tries }) => [state, tries]),
      this.#store.held.map((call) => [
        call.request.operation,
        this.#executed.get(call),
        writtenValue(call.request),
      ]),
      this.#store.held.map((call) => [call.outcome instanceof Error, isConsistent(call.request)]),
      this.#late.map((call) => writtenValue(call.request)),
      this.#unannounced,
      this.#cached(),
      this.#coherence.observe(this.#tableId, key, nowMs),
      this.#coherence.isUnsettled(this.#tableId, key),
      this.#flights.observe(),
      this.#pages.observe(),
      this.#pageFlights.observe(),
    ]);
  }

  /** Nothing can happen any more: everybody must have been answered, and nothing be left of the guards. */
  finish(): void {
    for (const client of [...this.#readers, ...this.#writers, ...this.#statements]) {
      if (client.state === 'waiting') this.problems.push('a client was never answered');
    }
    this.#clock.advance(fenceMs);
    this.#checkCached('after the time of the fences');
    this.#pages.evict();
    const { tokens, fences, flights, generations } = this.#accelerator.stats();
    if (tokens + fences + flights + generations > 0) {
      this.problems.push(`guards were left: ${JSON.stringify({ tokens, fences, flights, generations })}`);
    }
    if (this.#isReadOnly() && this.#readsSent > 1)
      this.problems.push(`a burst of reads sent ${this.#readsSent}`);
  }

  async #warmUp(): Promise<void> {
    const reply = this.#accelerator.call({
      operation: 'GetItem',
      input: { TableName: tableName, Key: { id: { S: 'other' } } },
      region,
    });
    await settled();
    for (const call of this.#store.held) call.answer();
    await reply;
  }

  #newParts(): ObservedParts {
    const clock = this.#clock;
    const settling = new this.#rules.settling(() => (this.#scenario.lags ? settleMs : 0), clock);
    const fenceTimeMs = this.#scenario.announced === 'inOrder' ? 0 : fenceMs;
    const options = { fenceMs: fenceTimeMs, clock };
    const tier = new LocalTier<CachedItem | CachedPage>(1_000_000, clock, itemPacking);
    const counters = new TableCounters();
    const pages = new this.#rules.pages(tier as Tier<CachedPage>, settling, { ...options, counters });
    const coherence = new this.#rules.coherence(tier as Tier<CachedItem>, settling, {
      ...options,
      voids: pages,
    });
    const flights = new this.#rules.flights(coherence);
    return { coherence, flights, pages, pageFlights: new this.#rules.pageFlights(pages), counters };
  }

  #newAccelerator(parts: AcceleratorParts): Accelerator {
    const options = {
      cacheBytesMax: 1_000_000,
      itemTtlMs: 0,
      queryTtlMs: 31_536_000_000,
      tables: {},
      describeMs: Number.MAX_SAFE_INTEGER,
      settleMs: 0,
      fenceMs,
      clock: this.#clock,
    };
    return new Accelerator(this.#store, options, parts);
  }

  #callActions(mayTimeOut: boolean): string[] {
    return this.#store.held.flatMap((call, i) => {
      const actions = [call.outcome === undefined ? `execute ${i}` : `answer ${i}`];
      if (mayTimeOut && !call.request.operation.endsWith('Table')) actions.push(`time out ${i}`);
      return actions;
    });
  }

  /** @returns the client that began to wait, if one did. */
  #act(name: string, i: number): Client | undefined {
    switch (name) {
      case 'read':
        return this.#startRead(i);
      case 'write':
        return this.#startWrite(i);
      case 'statement':
        return this.#startStatement(i);
      default:
        this.#happen(name, i);
        return undefined;
    }
  }

  #happen(name: string, i: number): void {
    const happenings: Record<string, () => void> = {
      execute: () => this.#execute(at(this.#store.held, i)),
      answer: () => this.#answer(at(this.#store.held, i)),
      'time out': () => this.#timeOut(at(this.#store.held, i)),
      'apply late': () => this.#execute(at(this.#late.splice(i, 1), 0)),
      'lose late': () => at(this.#late.splice(i, 1), 0),
      announce: () => this.#announce(),
      'write around': () => this.#writeAround(),
      evict: () => this.#evict(() => this.#coherence.evict(this.#tableId, key)),
      'evict pages': () => this.#evict(() => this.#pages.evict()),
      crash: () => this.#crash(),
      recreate: () => this.#recreate(),
      refuse: () => this.#refuse(),
      moment: () => this.#passMoment(),
      'catch up': () => this.#catchUp(),
      time: () => this.#passTime(),
    };
    const happen = happenings[name];
    if (happen === undefined) throw new Error(`no such action: ${name}`);
    happen();
  }

  #startRead(i: number): Client {
    const reader = at(this.#readers, i);
    const { kind } = reader;
    reader.acceptable = new Set(this.#history.slice(this.#outdated).map((value) => seenAs(value, kind)));
    reader.joined = `${this.#readsSent} ${this.#flights.isOpen} ${this.#pageFlights.isOpen}`;
    reader.isExcused = this.#lagging && (this.#scenario.refusals !== undefined || kind === 'index');
    if (kind !== undefined) this.#readPage(reader, kind);
    else if (this.#scenario.batchReader === i) this.#readBatch(reader);
    else this.#readItem(reader);
    return reader;
  }

  #readItem(reader: Reader): void {
    const input = { TableName: tableName, Key: itemKey };
    this.#call(reader, { operation: 'GetItem', input, region }, ({ Item: item }) =>
      this.#checkAnswer(reader, labelOf(item as Item | undefined)),
    );
  }

  #readPage(reader: Reader, kind: PageKind): void {
    this.#call(reader, pageRequests[kind], ({ Items: items }) =>
      this.#checkAnswer(reader, labelOf((items as Item[])[0])),
    );
  }

  /** What the batch leaves to be asked for again was not answered. */
  #readBatch(reader: Reader): void {
    const input = { RequestItems: { [tableName]: { Keys: [itemKey] } } };
    this.#call(reader, { operation: 'BatchGetItem', input, region }, (output) => {
      const items = (output.Responses as Record<string, Item[]>)[tableName] ?? [];
      const isAnswered = Object.keys(output.UnprocessedKeys as object).length === 0;
      if (isAnswered) this.#checkAnswer(reader, labelOf(items[0]));
    });
  }

  #startWrite(i: number): Client {
    const input = { TableName: tableName, Item: itemOf(`w${i}`) };
    const writer = at(this.#writers, i);
    this.#call(writer, { operation: 'PutItem', input, region }, () => {});
    return writer;
  }

  #startStatement(i: number): Client {
    const input = { Statement: 'UPDATE "items" SET v = ?', Parameters: [{ M: itemOf(`s${i}`) }] };
    const writer = at(this.#statements, i);
    this.#call(writer, { operation: 'ExecuteStatement', input, region }, () => {});
    return writer;
  }

  /** An answer that comes after a crash reaches nobody. */
  #call(client: Client, request: Request, onReply: (output: Record<string, unknown>) => void): void {
    client.state = 'waiting';
    client.tries++;
    const accelerator = this.#accelerator;
    const end = (state: Client['state']) => {
      if (accelerator === this.#accelerator) client.state = state;
      return accelerator === this.#accelerator;
    };
    const answer = async () => accelerator.call(request);
    answer().then(
      (reply) => {
        if (end('done')) onReply(JSON.parse(reply.body.toString()));
      },
      () => end('failed'),
    );
  }

  #execute(call: HeldCall): void {
    call.execute();
    if (call.outcome instanceof Error) return;
    const value = isChange(call) ? writtenValue(call.request) : labelOf(itemIn(call.outcome as Reply));
    this.#executed.set(call, value);
    if (isChange(call)) this.#applied(value);
    this.#tableId = this.#store.tableId(tableName) ?? this.#tableId;
  }

  #answer(call: HeldCall): void {
    const value = this.#executed.get(call);
    if (isChange(call) && value !== undefined) this.#acknowledged(value);
    call.answer();
    this.#continueRecreation(call);
  }

  #timeOut(call: HeldCall): void {
    this.#left.timeout--;
    if (isChange(call) && call.outcome === undefined) this.#late.push(call);
    call.fail(new Error('no answer'));
  }

  #letRetry(): void {
    if (this.#scenario.retries !== true) return;
    for (const writer of this.#writers)
      if (writer.state === 'failed' && writer.tries < 2) writer.state = 'idle';
  }

  /** The store's item is this value from now on. */
  #applied(value: Value): void {
    const known = this.#history.indexOf(value);
    if (known >= 0) {
      this.#history.splice(known, 1);
      if (known < this.#outdated) this.#outdated--;
    }
    this.#history.push(value);
    if (this.#scenario.announced === 'followed') this.#unannounced.push(value);
    for (const reader of this.#readers) {
      if (reader.state === 'waiting') reader.acceptable.add(seenAs(value, reader.kind));
    }
  }

  /** Whoever asks from now on must not be answered with what was there before this value. */
  #acknowledged(value: Value): void {
    this.#outdated = Math.max(this.#outdated, this.#history.indexOf(value));
  }

  #writeAround(): void {
    this.#left.writeAround--;
    const value = `a${this.#left.writeAround}`;
    this.#store.put(tableName, itemOf(value));
    this.#applied(value);
    if (this.#scenario.announced === 'inOrder') this.#acknowledged(value);
    if (this.#scenario.announced === 'later') this.#unannounced.push(value);
  }

  #announce(): void {
    const value = this.#unannounced.shift() ?? noItem;
    if (this.#scenario.announced === 'later') this.#coherence.invalidate(this.#tableId, key);
    else this.#coherence.invalidateUnless(this.#tableId, key, (cached) => valueIn(cached) === value);
    this.#pages.endGenerations(this.#tableId, generationsUntold);
    // A value that was written twice is the earlier one until the second time is told of.
    if (!this.#unannounced.includes(value)) this.#acknowledged(value);
  }

  /** The accelerator is gone with all that it knew; calls that it had sent may still be applied. */
  #crash(): void {
    this.#left.crash--;
    for (const call of [...this.#store.held]) {
      if (isChange(call) && call.outcome === undefined) this.#late.push(call);
    }
    this.#store.held.length = 0;
    for (const client of [...this.#readers, ...this.#writers, ...this.#statements]) {
      if (client.state === 'waiting') client.state = 'failed';
    }
    const parts = this.#newParts();
    this.#coherence = parts.coherence;
    this.#flights = parts.flights;
    this.#pages = parts.pages;
    this.#pageFlights = parts.pageFlights;
    this.#accelerator = this.#newAccelerator(parts);
  }

  #recreate(): void {
    this.#left.recreate--;
    if (this.#scenario.recreations === 'through') {
      this.#recreation = 'deleting';
      void this.#accelerator.call({ operation: 'DeleteTable', input: { TableName: tableName }, region });
      return;
    }
    this.#store.deleteTable(tableName);
    this.#tableId = this.#store.createTable(tableName, schema, region, group);
    this.#applied(noItem);
    this.#acknowledged(noItem);
  }

  /** Deleting has been answered: the table is created again, in the same way. */
  #continueRecreation(call: HeldCall): void {
    if (call.request.operation === 'DeleteTable') {
      this.#recreation = 'creating';
      void this.#accelerator.call({ operation: 'CreateTable', input: { TableName: tableName }, region });
    }
    if (call.request.operation === 'CreateTable') this.#recreation = 'done';
  }

  #evict(evict: () => void): void {
    this.#left.evict--;
    evict();
  }

  #refuse(): void {
    this.#left.refuse--;
    const refusal = new DynamoDbError('ThrottlingException', 'Rate exceeded');
    this.#store.failures.set('DescribeTable', refusal);
  }

  #passMoment(): void {
    this.#left.moment--;
    this.#clock.advance(unknownMs);
  }

  /** Whether replicas would lag for longer than they may, were time to pass. */
  #isBehind(): boolean {
    return this.#lagging && this.#history.length > 1;
  }

  #passTime(): void {
    this.#left.time--;
    this.#clock.advance(fenceMs);
  }

  #catchUp(): void {
    this.#lagging = false;
    this.#store.lags = false;
    this.#store.catchUp();
  }

  #isReadOnly(): boolean {
    const { readers: _readers, batchReader: _batchReader, pageReaders: _kinds, ...others } = this.#scenario;
    return Object.keys(others).length === 0;
  }

  /** Nothing is on its way that could still put right, or make wrong, what is cached. */
  #isQuiet(): boolean {
    const hasCrashed = (this.#scenario.crashes ?? 0) > this.#left.crash;
    return this.#store.held.length + this.#late.length + this.#unannounced.length === 0 && !hasCrashed;
  }

  #cached(): Value | undefined {
    const cached = this.#coherence.lookup(this.#tableId, key);
    return cached === undefined ? undefined : valueIn(cached);
  }

  #check(): void {
    const reads = this.#store.held.filter((call) => !isChange(call));
    const tables = 1 + (this.#scenario.recreations === undefined ? 0 : 1);
    const isKnown = this.#scenario.refusals === undefined;
    const kinds = new Set(this.#readers.map(({ kind }) => kind)).size;
    if (isKnown && reads.length > tables * kinds)
      this.problems.push(`${reads.length} reads of one key are under way`);
    this.#readsSent = this.#store.requests.filter(({ operation }) => reading.has(operation)).length - 1;
    if (this.#isQuiet()) this.#checkCached('with nothing under way');
  }

  #checkAnswer(reader: Reader, value: Value): void {
    if (reader.isExcused || reader.acceptable.has(value)) return;
    this.problems.push(`a reader got ${value}, older than what was acknowledged before it asked`);
  }

  #checkCached(when: string): void {
    const cached = this.#cached();
    const current = this.#history.at(-1);
    if (cached !== undefined && cached !== current)
      this.problems.push(`${cached} is cached ${when}, not ${current}`);
    for (const [kind, shown] of this.#pages.served()) {
      const wanted = seenAs(current ?? noItem, kind);
      if (shown !== wanted)
        this.problems.push(`a page of kind ${kind} shows ${shown} ${when}, not ${wanted}`);
    }
  }
}

function valueIn(cached: CachedItem): Value {
  return labelOf(itemIn(cached.reply));
}

/** All that the last action set going has come to rest: everything waits for the next one. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function newClients(count = 0): Client[] {
  return Array.from({ length: count }, () => ({ state: 'idle', tries: 0 }));
}

/** Clients of one kind do the same, so only the first idle one is worth starting. */
function startable(action: string, clients: readonly Client[]): string[] {
  const first = clients.findIndex(({ state }) => state === 'idle');
  return first < 0 ? [] : [`${action} ${first}`];
}

function at<T>(list: readonly T[], i: number): T {
  const element = list[i];
  if (element === undefined) throw new Error(`nothing at ${i}`);
  return element;
}

function itemOf(value: Value): Item {
  return { ...itemKey, v: { S: value }, g: { S: groupOf(value) } };
}

function labelOf(item: Item | undefined): Value {
  const value = item?.v;
  return value !== undefined && 'S' in value ? value.S : noItem;
}

function itemIn(reply: Reply): Item | undefined {
  const { Item: item, Responses: responses, Items: items } = JSON.parse(reply.body.toString());
  return item ?? responses?.[tableName]?.[0] ?? items?.[0];
}

const reading: ReadonlySet<string> = new Set(['GetItem', 'BatchGetItem', 'Query', 'Scan']);

function isChange({ request }: HeldCall): boolean {
  return !reading.has(request.operation);
}

function isConsistent({ input }: Request): boolean {
  return JSON.stringify(input).includes('ConsistentRead');
}

/** What a write makes of the item. */
function writtenValue({ operation, input }: Request): Value {
  if (operation === 'PutItem') return labelOf(input.Item as Item);
  if (operation === 'ExecuteStatement') return labelOf((input.Parameters as { M: Item }[])[0]?.M);
  return noItem;
}
