import type { Item } from '../../../protocol/attribute-value.ts';
import type { Backend, Request } from '../../../protocol/backend.ts';
import { canonicalKey } from '../../../protocol/key.ts';
import { Reply } from '../../../protocol/reply.ts';
import { Accelerator } from '../../../proxy/accelerator.ts';
import { RedisCache } from '../../../proxy/cache/redis/shared-redis.ts';
import type { SharedListener } from '../../../proxy/cache/shared.ts';
import type { Invalidations } from '../../../proxy/follower/invalidations.ts';
import { type HeldCall, ManualClock, SimulatedStore } from '../simulated-store.ts';
import type { Snapshot } from './keyspace.ts';
import {
  type SimulatedLink,
  type SimulatedNode,
  SimulatedRedis,
  type SimulatedServer,
} from './simulated-redis.ts';
import { twinSteps } from './twin.ts';

/** Who takes part, and what may happen to them. Whatever is absent or 0 does not happen. */
export interface Scenario {
  readonly proxies: number;
  readonly readers?: readonly ReaderPlan[];
  /** Of each writer, the proxy that it writes through. */
  readonly writers?: readonly number[];
  /** Writes that go to the store alone, which the first proxy learns of from a stream. */
  readonly writesAround?: number;
  /** Steps of Redis, and calls of the store, that pass their deadline. */
  readonly lostSteps?: number;
  readonly timeouts?: number;
  /** Steps that are lost are never done; else they may be done later. */
  readonly losesForGood?: boolean;
  /** Redis restarts, with nothing, or with what it had at some time before. */
  readonly restarts?: 'empty' | 'old';
  readonly flushes?: number;
  /** Redis needs the room of something: a value, a token, a page, a generation, the fences, or a table's record. */
  readonly evictions?: number;
  /** Connections to Redis that break. */
  readonly breaks?: number;
  /** The last of the proxies is killed, and another one takes its place. */
  readonly crashes?: number;
  /** All steps that a proxy has sent are done, and answered, in one turn, and so is what it has to hear: fewer orders, for more of everything else. */
  readonly doesAtOnce?: boolean;
}

export interface ReaderPlan {
  readonly proxy: number;
  readonly kind: Kind;
}

/** GetItem, a Query of the item's partition, or one of a partition of a global index. */
export type Kind = 'item' | 'query' | 'index';

/** What is checked, so that weakened ones can take its place. */
export interface Rules {
  readonly cache: typeof RedisCache;
  readonly steps: typeof twinSteps;
  readonly listener: (listener: SharedListener, accelerator: () => Accelerator | undefined) => SharedListener;
  /** A process of Redis that restarts cannot be told from the one before. */
  readonly keepsRunId: boolean;
  /** Takes the place of something that cannot be had otherwise; returns what undoes it. */
  readonly patch?: () => () => void;
}

export const realRules: Rules = {
  cache: RedisCache,
  steps: twinSteps,
  listener: (listener) => listener,
  keepsRunId: false,
};

const tableName = 'items';
const region = 'us-east-1';
const group = { name: 'g', type: 'S' } as const;
const schema = { partition: { name: 'id', type: 'S' }, sort: undefined } as const;
const itemKey: Item = { id: { S: 'k' } };
const key = canonicalKey(schema, itemKey);
const fenceMs = 10_000;
const callMs = 5_000;
/** After so long neither Redis nor the table's record is young: what is kept has its whole life. */
const youngMs = fenceMs + 3_000;
/** A proxy gives signs of life often enough not to be given up. */
const beatMs = 2_000;
/** After so long nothing is left of fences, holds and proxies that are gone. */
const quietMs = 24_000;

/** What the item can be: what it is at first, or what one of the writes puts. */
type Value = string;
const firstItem: Value = 'first';
/** What a reader of an index sees who does not see the item. */
const noItem: Value = '-';

const requests: Readonly<Record<Kind, Request>> = {
  item: { operation: 'GetItem', input: { TableName: tableName, Key: itemKey }, region },
  query: { operation: 'Query', input: queryInput('id = :v', 'k'), region },
  index: { operation: 'Query', input: { ...queryInput('g = :v', 'x'), IndexName: 'groups' }, region },
};
const kinds: readonly Kind[] = ['item', 'query', 'index'];

interface Client {
  readonly proxy: number;
  state: 'idle' | 'waiting' | 'done' | 'failed';
}

interface Reader extends Client {
  readonly kind: Kind;
  /** What it may be answered with. */
  acceptable: Set<Value>;
}

/** One proxy at a time in each place; what was there before may still have steps and calls under way. */
interface Place {
  readonly number: number;
  readonly accelerator: Accelerator;
  readonly cache: RedisCache;
  readonly link: SimulatedLink;
  readonly node: SimulatedNode;
  readonly beat: () => void;
  readonly invalidations: Invalidations;
  /** Everything that reached it, in its order: it does the same whenever that is the same. */
  readonly trace: string[];
  /** How many of `#history`, from the oldest, a read through it must not answer with. */
  outdated: number;
}

/**
 * Several accelerators over one simulated Redis and one simulated store, one key, and clients, all of them moved by named
 * actions only. The world keeps the oracle: which values the item had, in what order, and which of them a read may
 * still answer.
 */
export class World {
  readonly #scenario: Scenario;
  readonly #rules: Rules;
  readonly #clock = new ManualClock();
  readonly #redis: SimulatedRedis;
  readonly #server: SimulatedServer;
  readonly #store = new SimulatedStore({ answers: 'soon' });
  readonly #tableId: string;
  readonly #places: Place[] = [];
  /** Connections of proxies that were killed, with steps that Redis may still do. */
  readonly #ghosts: SimulatedNode[] = [];
  readonly #readers: Reader[];
  readonly #writers: Client[];
  /** Values in the order in which the store had them. */
  readonly #history: Value[] = [firstItem];
  /** As of a place's `outdated`, for reads through proxies that have heard of all that was acknowledged. */
  #outdated = 0;
  readonly #placeOf = new Map<HeldCall, number>();
  /** Writes that nobody waits for any more, but that the store may still apply. */
  readonly #late: HeldCall[] = [];
  readonly #unannounced: Value[] = [];
  /** Values of writes around that not everybody concerned has been told of. */
  readonly #untold = new Set<Value>();
  #saved: Snapshot | undefined;
  #isFaulty = false;
  #processes = 0;
  readonly #left: Record<
    'around' | 'lose' | 'timeout' | 'restart' | 'flush' | 'evict' | 'break' | 'crash',
    number
  >;
  readonly problems: string[] = [];

  private constructor(scenario: Scenario, rules: Rules) {
    this.#scenario = scenario;
    this.#rules = rules;
    this.#redis = new SimulatedRedis(() => this.#clock.now(), 1, rules.steps);
    this.#server = this.#redis.serverOf('{*}');
    this.#tableId = this.#store.createTable(tableName, schema, region, group);
    this.#store.put(tableName, itemOf(firstItem));
    for (let i = 0; i < scenario.proxies; i++) this.#places.push(this.#newPlace(i));
    this.#readers = (scenario.readers ?? []).map(({ proxy, kind }) => ({
      proxy,
      kind,
      state: 'idle',
      acceptable: new Set(),
    }));
    this.#writers = (scenario.writers ?? []).map((proxy) => ({ proxy, state: 'idle' }));
    this.#left = {
      around: scenario.writesAround ?? 0,
      lose: scenario.lostSteps ?? 0,
      timeout: scenario.timeouts ?? 0,
      restart: scenario.restarts === undefined ? 0 : 1,
      flush: scenario.flushes ?? 0,
      evict: scenario.evictions ?? 0,
      break: scenario.breaks ?? 0,
      crash: scenario.crashes ?? 0,
    };
  }

  /** A world in which the proxies have been connected for a while, and know the table. */
  static async open(scenario: Scenario, rules: Rules): Promise<World> {
    const world = new World(scenario, rules);
    for (const { link } of world.#places) link.comeUp();
    await settled();
    for (const place of world.#places) await world.#warmUp(place);
    for (let ms = 0; ms < youngMs; ms += beatMs) {
      world.#clock.advance(beatMs);
      for (const { beat } of world.#places) beat();
      await settled();
    }
    world.#store.answers = 'held';
    for (const { link } of world.#places) link.isHeld = true;
    return world;
  }

  /** What can happen next. */
  enabled(): string[] {
    return [
      ...startable('read', this.#readers),
      ...startable('write', this.#writers),
      ...this.#places.flatMap((place) => this.#placeActions(place)),
      ...this.#ghosts.flatMap(({ late }, i) => (late.length > 0 ? [`do of ghost ${i}`] : [])),
      ...this.#store.held.flatMap((call, i) => this.#callActions(call, i)),
      ...this.#late.flatMap((_call, i) => [`apply late ${i}`, `never apply ${i}`]),
      ...this.#faults(),
    ];
  }

  async perform(action: string): Promise<void> {
    const [, name = '', number = '0'] = /^(.*?)(?: (\d+))?$/.exec(action) ?? [];
    this.#act(name, Number(number));
    await settled();
    this.#checkFlights();
  }

  /** Everything that decides what can happen from here on, and what would be wrong. */
  fingerprint(): string {
    return JSON.stringify([
      this.#history,
      this.#outdated,
      this.#left,
      this.#isFaulty,
      this.#readers.map(({ state, acceptable }) => (state === 'waiting' ? [...acceptable].sort() : state)),
      this.#writers.map(({ state }) => state),
      this.#places.map(({ trace, outdated, node }) => [trace, outdated, underWay(node)]),
      this.#ghosts.map(underWay),
      this.#store.held.map((call) => [this.#placeOf.get(call), call.request.operation, outcomeOf(call)]),
      this.#late.map(outcomeOf),
      this.#unannounced,
      [...this.#untold],
      textOf(this.#server.snapshot(), this.#clock.now()),
      this.#saved && textOf(this.#saved, this.#clock.now()),
    ]);
  }

  /**
   * Nothing more goes wrong, and all that is under way comes to its end. Everybody must have been answered then, nothing
   * be left of the guards, and what is cached be what the store has.
   */
  async finish(): Promise<void> {
    this.#late.length = 0;
    for (const { link } of this.#places) {
      link.comeUp();
      link.isHeld = false;
    }
    await this.#settleStore();
    for (let ms = 0; ms < quietMs; ms += beatMs) {
      this.#clock.advance(beatMs);
      for (const { beat } of this.#places) beat();
      if (this.#unannounced.length > 0) this.#tell();
      await this.#settleStore();
    }
    for (const client of [...this.#readers, ...this.#writers]) {
      if (client.state === 'waiting') this.problems.push('a client was never answered');
    }
    this.#store.answers = 'soon';
    for (const place of [...this.#places, ...this.#places]) await this.#checkCached(place);
    for (const place of this.#places) this.#checkLeft(place);
  }

  /** The store answers whatever it is asked. */
  async #settleStore(): Promise<void> {
    do {
      for (const call of [...this.#store.held]) this.#answer(call);
      await settled();
    } while (this.#store.held.length > 0);
  }

  #newPlace(number: number): Place {
    const link = this.#redis.link();
    const [node] = link.nodes;
    if (node === undefined) throw new Error('there is no master');
    let beat = () => {};
    let accelerator: Accelerator | undefined;
    let cache: RedisCache | undefined;
    let invalidations: Invalidations | undefined;
    const process = `p${this.#processes++}-`;
    let ids = 0;
    accelerator = new Accelerator(this.#storeOf(number), {
      cacheBytesMax: 1_000_000,
      itemTtlMs: 0,
      queryTtlMs: 3_600_000,
      tables: {},
      describeMs: 3_600_000,
      settleMs: 0,
      fenceMs,
      clock: this.#clock,
      openShared: (listener, settleMs) => {
        cache = new this.#rules.cache({
          nodes: link.open,
          listener: this.#rules.listener(listener, () => accelerator),
          staleIfRedisDownMs: 0,
          fenceMs,
          callMs,
          settleMs,
          clock: this.#clock,
          newId: () => `${process}${ids++}`,
          every: (_ms, task) => {
            beat = task;
            return () => {};
          },
          log: undefined,
        });
        return cache;
      },
      openFollower: (opened) => {
        invalidations = opened;
        return { follow: () => {}, unfollow: () => {}, close: async () => {} };
      },
    });
    if (cache === undefined || invalidations === undefined) throw new Error('the accelerator shares nothing');
    return { number, accelerator, cache, link, node, beat, invalidations, trace: [process], outdated: 0 };
  }

  #storeOf(place: number): Backend {
    return {
      call: (request) => {
        const held = this.#store.held.length;
        const reply = this.#store.call(request);
        const call = this.#store.held[held];
        if (call !== undefined) this.#placeOf.set(call, place);
        return reply;
      },
      close: async () => {},
    };
  }

  /** Afterwards it knows the table, is registered as a writer of it, and has nothing cached. */
  async #warmUp({ accelerator, beat }: Place): Promise<void> {
    beat();
    await accelerator.call({
      operation: 'PutItem',
      input: { TableName: tableName, Item: otherItem },
      region,
    });
    await settled();
  }

  #placeActions({ number, node }: Place): string[] {
    const actions: string[] = [];
    if (node.sent.length > 0) actions.push(`do ${number}`);
    if (node.done.length > 0) actions.push(`answer ${number}`);
    if (node.announcements.length > 0) actions.push(`hear ${number}`);
    if (node.late.length > 0 && this.#scenario.losesForGood !== true) actions.push(`do late ${number}`);
    if (node.runId === undefined) actions.push(`connect ${number}`);
    if (this.#left.lose > 0 && node.sent.length + node.done.length > 0) actions.push(`lose ${number}`);
    if (this.#left.break > 0 && node.runId !== undefined) actions.push(`break ${number}`);
    return actions;
  }

  #callActions(call: HeldCall, i: number): string[] {
    const actions = [`${call.outcome === undefined ? 'execute' : 'reply'} ${i}`];
    if (this.#left.timeout > 0) actions.push(`time out ${i}`);
    return actions;
  }

  #faults(): string[] {
    const actions: string[] = [];
    if (this.#left.around > 0) actions.push('write around');
    if (this.#unannounced.length > 0) actions.push('tell of a write around');
    if (this.#left.restart > 0 && this.#scenario.restarts === 'empty') actions.push('restart');
    if (this.#left.restart > 0 && this.#scenario.restarts === 'old')
      actions.push(this.#saved === undefined ? 'save' : 'restart');
    if (this.#left.flush > 0) actions.push('flush');
    if (this.#left.evict > 0) actions.push(...this.#evictable().map((_name, i) => `evict ${i}`));
    if (this.#left.crash > 0) actions.push('crash');
    return actions;
  }

  #act(name: string, i: number): void {
    const happenings: Record<string, () => void> = {
      read: () => this.#read(at(this.#readers, i)),
      write: () => this.#write(at(this.#writers, i), `w${i}`),
      do: () => this.#do(at(this.#places, i)),
      answer: () => this.#answerStep(at(this.#places, i)),
      hear: () => this.#hear(at(this.#places, i)),
      'do late': () => at(this.#places, i).node.doLate(),
      'do of ghost': () => at(this.#ghosts, i).doLate(),
      connect: () => this.#connect(at(this.#places, i)),
      lose: () => this.#lose(at(this.#places, i)),
      break: () => this.#break(at(this.#places, i)),
      execute: () => this.#execute(at(this.#store.held, i)),
      reply: () => this.#answer(at(this.#store.held, i)),
      'time out': () => this.#timeOut(at(this.#store.held, i)),
      'apply late': () => this.#execute(at(this.#late.splice(i, 1), 0)),
      'never apply': () => this.#late.splice(i, 1),
      'write around': () => this.#writeAround(),
      'tell of a write around': () => this.#tell(),
      save: () => {
        this.#saved = this.#server.snapshot();
      },
      restart: () => this.#restart(),
      flush: () => this.#flush(),
      evict: () => this.#evict(at(this.#evictable(), i)),
      crash: () => this.#crash(),
    };
    const happen = happenings[name];
    if (happen === undefined) throw new Error(`no such action: ${name}`);
    happen();
  }

  #read(reader: Reader): void {
    const place = at(this.#places, reader.proxy);
    const isAway = place.node.runId === undefined;
    const hasHeard = isAway || (!this.#isFaulty && place.node.announcements.length === 0);
    const known = hasHeard ? Math.max(place.outdated, this.#outdated) : place.outdated;
    const outdated = reader.kind === 'index' ? Math.min(known, this.#lastTold()) : known;
    reader.acceptable = new Set(this.#history.slice(outdated).map((value) => seenAs(value, reader.kind)));
    this.#call(reader, requests[reader.kind], (reply) => {
      const value = valueIn(reply);
      if (reader.acceptable.has(value)) return;
      this.problems.push(
        `a reader of kind ${reader.kind} got ${value}, older than what was acknowledged before`,
      );
    });
  }

  /**
   * The last value before a write around that is yet to be told of: whoever writes after it finds what it left, and not
   * the partition of the index that it left, whose pages are behind by the stream's lag.
   */
  #lastTold(): number {
    return Math.min(...[...this.#untold].map((value) => this.#history.indexOf(value) - 1), Infinity);
  }

  #write(writer: Client, value: Value): void {
    const place = at(this.#places, writer.proxy);
    const request = { operation: 'PutItem', input: { TableName: tableName, Item: itemOf(value) }, region };
    this.#call(writer, request, () => {
      const position = this.#history.indexOf(value);
      place.outdated = Math.max(place.outdated, position);
      this.#outdated = Math.max(this.#outdated, position);
    });
  }

  /** An answer that comes after its proxy was killed reaches nobody. */
  #call(client: Client, request: Request, onReply: (reply: Reply) => void): void {
    client.state = 'waiting';
    const place = at(this.#places, client.proxy);
    place.trace.push(`${request.operation} ${JSON.stringify(request.input)}`);
    const isThere = () => this.#places[client.proxy] === place;
    const answer = async () => place.accelerator.call(request);
    answer().then(
      (reply) => {
        if (!isThere()) return;
        client.state = 'done';
        onReply(reply);
      },
      () => {
        if (isThere()) client.state = 'failed';
      },
    );
  }

  #do(place: Place): void {
    if (this.#scenario.doesAtOnce !== true) {
      place.node.doNext();
      return;
    }
    for (let count = place.node.sent.length; count > 0; count--) place.node.doNext();
    while (place.node.done.length > 0) this.#answerStep(place);
  }

  #answerStep({ node, trace }: Place): void {
    trace.push(String(node.done[0]?.answer));
    node.answerNext();
  }

  #hear({ node, trace }: Place): void {
    do {
      trace.push(`heard ${node.announcements[0]}`);
      node.announceNext();
    } while (this.#scenario.doesAtOnce === true && node.announcements.length > 0);
  }

  #connect({ link, node, trace }: Place): void {
    link.comeUp();
    trace.push(`up ${node.runId}`);
  }

  #lose({ node, trace }: Place): void {
    this.#left.lose--;
    this.#isFaulty = true;
    trace.push('lost');
    node.loseNext();
  }

  #break({ link, trace }: Place): void {
    this.#left.break--;
    this.#isFaulty = true;
    trace.push('down');
    link.goDown();
  }

  #execute(call: HeldCall): void {
    if (call.outcome !== undefined) return;
    call.execute();
    if (isWrite(call)) this.#applied(labelOf(call.request.input.Item));
  }

  #answer(call: HeldCall): void {
    this.#execute(call);
    this.#traceOf(call)?.push(`${call.request.operation} is answered ${outcomeOf(call)}`);
    call.answer();
  }

  #timeOut(call: HeldCall): void {
    this.#left.timeout--;
    this.#traceOf(call)?.push(`${call.request.operation} is not answered`);
    if (isWrite(call) && call.outcome === undefined) this.#late.push(call);
    call.fail(new Error('no answer'));
  }

  #traceOf(call: HeldCall): string[] | undefined {
    const place = this.#placeOf.get(call);
    return place === undefined ? undefined : this.#places[place]?.trace;
  }

  /** The store's item is this value from now on. */
  #applied(value: Value): void {
    this.#history.push(value);
    for (const reader of this.#readers) {
      if (reader.state === 'waiting') reader.acceptable.add(seenAs(value, reader.kind));
    }
  }

  #writeAround(): void {
    this.#left.around--;
    const value = `a${this.#left.around}`;
    this.#store.put(tableName, itemOf(value));
    this.#applied(value);
    this.#unannounced.push(value);
    this.#untold.add(value);
  }

  #tell(): void {
    const value = this.#unannounced.shift() ?? firstItem;
    const place = at(this.#places, 0);
    place.trace.push(`is told of ${value}`);
    const table = { id: this.#tableId, schema, region, name: tableName };
    const change = { table, key, oldItem: 'unknown', newItem: 'unknown' } as const;
    const told = async () => place.invalidations.changed(change);
    void told().then((isTold) => {
      if (!isTold) {
        this.#unannounced.unshift(value);
        return;
      }
      this.#untold.delete(value);
      if (!this.#isFaulty) this.#outdated = Math.max(this.#outdated, this.#history.indexOf(value));
    });
  }

  #restart(): void {
    this.#left.restart--;
    this.#isFaulty = true;
    for (const { trace } of this.#places) trace.push('down');
    const { runId } = this.#server;
    this.#server.restart(this.#saved);
    if (this.#rules.keepsRunId) this.#server.runId = runId;
  }

  #flush(): void {
    this.#left.flush--;
    this.#isFaulty = true;
    this.#server.flush();
  }

  #evictable(): string[] {
    return [...this.#server.snapshot().keys()].filter((name) => /:[vtfgqe]:\{(?!\*)/.test(name)).sort();
  }

  /** Redis does not tell of it: only of what lies under the tracked prefix. */
  #evict(name: string): void {
    this.#left.evict--;
    this.#isFaulty ||= /:[f]:/.test(name);
    this.#server.keyspace.del(name);
  }

  /** What it had sent may still be done, by Redis and by the store. */
  #crash(): void {
    this.#left.crash--;
    this.#isFaulty = true;
    const place = at(this.#places, this.#places.length - 1);
    const { number } = place;
    this.#places[number] = this.#newPlace(number);
    for (const call of this.#store.held.filter((each) => this.#placeOf.get(each) === number)) {
      if (isWrite(call) && call.outcome === undefined) this.#late.push(call);
      this.#store.held.splice(this.#store.held.indexOf(call), 1);
    }
    place.link.goDown();
    this.#ghosts.push(place.node);
    for (const client of [...this.#readers, ...this.#writers]) {
      if (client.proxy === number && client.state === 'waiting') client.state = 'failed';
    }
    at(this.#places, number).link.isHeld = true;
  }

  #checkFlights(): void {
    for (const kind of kinds) {
      const { operation, input } = requests[kind];
      const reads = this.#store.held.filter(
        ({ request }) => request.operation === operation && request.input.IndexName === input.IndexName,
      );
      const perProxy = new Set(reads.map((call) => this.#placeOf.get(call)));
      if (reads.length > perProxy.size)
        this.problems.push(`one proxy reads ${kind} more than once at a time`);
    }
  }

  async #checkCached({ number, accelerator }: Place): Promise<void> {
    for (const kind of kinds) {
      const current = seenAs(this.#history.at(-1) ?? firstItem, kind);
      const shown = valueIn(await accelerator.call(requests[kind]));
      if (shown !== current)
        this.problems.push(`proxy ${number} answers ${kind} with ${shown} in the end, not ${current}`);
    }
  }

  #checkLeft({ number, accelerator, cache }: Place): void {
    const { tokens, fences, flights } = accelerator.stats();
    const { owed, unanswered } = cache.stats();
    if (tokens + fences + flights + owed + unanswered > 0)
      this.problems.push(
        `proxy ${number} has left: ${JSON.stringify({ tokens, fences, flights, owed, unanswered })}`,
      );
  }
}

/** All that the last action set going has come to rest: everything waits for the next one. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Clients of one kind and proxy do the same, so only the first idle one is worth starting. */
function startable(action: string, clients: readonly (Client & { kind?: Kind })[]): string[] {
  const first = new Map<string, number>();
  for (const [i, { proxy, kind, state }] of clients.entries()) {
    const like = `${proxy} ${kind}`;
    if (state === 'idle' && !first.has(like)) first.set(like, i);
  }
  return [...first.values()].map((i) => `${action} ${i}`);
}

function at<T>(list: readonly T[], i: number): T {
  const element = list[i];
  if (element === undefined) throw new Error(`nothing at ${i}`);
  return element;
}

function queryInput(condition: string, value: string): Record<string, unknown> {
  return {
    TableName: tableName,
    KeyConditionExpression: condition,
    ExpressionAttributeValues: { ':v': { S: value } },
  };
}

/** The first two writers take the item out of the partition of the index that is read, and the third puts it back. */
function groupOf(value: Value): 'x' | 'y' {
  return value === firstItem || value === 'w2' ? 'x' : 'y';
}

/** What a reader sees of the item while it has this value. */
function seenAs(value: Value, kind: Kind): Value {
  return kind === 'index' && groupOf(value) === 'y' ? noItem : value;
}

function itemOf(value: Value): Item {
  return { ...itemKey, v: { S: value }, g: { S: groupOf(value) } };
}

const otherItem: Item = { id: { S: 'other' }, g: { S: 'z' } };

function labelOf(item: unknown): Value {
  const value = (item as Item | undefined)?.v;
  return value !== undefined && 'S' in value ? value.S : noItem;
}

function valueIn(reply: Reply): Value {
  const { Item: item, Items: items } = JSON.parse(reply.body.toString());
  return labelOf(item ?? items?.[0]);
}

function isWrite({ request }: HeldCall): boolean {
  return request.operation === 'PutItem';
}

function outcomeOf({ request, outcome }: HeldCall): string {
  const asked = request.operation === 'PutItem' ? labelOf(request.input.Item) : '';
  return outcome instanceof Reply ? `${asked} ${outcome.body}` : `${asked} ${outcome}`;
}

/** What the proxy has sent is decided by what has reached it. */
function underWay({ runId, sent, done, late, announcements }: SimulatedNode): unknown {
  return [runId, sent.length, done.map(({ answer }) => String(answer)), late.length, announcements];
}

function textOf(snapshot: Snapshot, nowMs: number): unknown {
  return [...snapshot]
    .map(([name, { value, expiresAtMs }]) => [
      name,
      typeof value === 'string' ? value : [...value],
      expiresAtMs - nowMs,
    ])
    .sort();
}
