import type { Backend, Request } from '../../../protocol/backend.ts';
import type { Reply } from '../../../protocol/reply.ts';
import type { World as ExploredWorld } from '../explorer.ts';
import { type HeldCall, ManualClock, SimulatedStore } from '../simulated-store.ts';
import {
  anotherItem,
  anotherRequest,
  canonical,
  firstItem,
  group,
  type Id,
  ids,
  idsOf,
  isWrite,
  itemOf,
  type Kind,
  madeBy,
  noItem,
  outcomeOf,
  putBothRequest,
  putRequest,
  region,
  requests,
  schema,
  shownIn,
  tableName,
  type Value,
} from './model-items.ts';
import { ModelLinks } from './model-links.ts';
import { Oracle } from './model-oracle.ts';
import { fenceMs, ModelProxy } from './model-proxy.ts';
import { ModelRedis } from './model-redis.ts';
import type { Rules, Scenario } from './model-scenario.ts';
import { ModelStream } from './model-stream.ts';

const settleMs = 1_000;
/** After so long neither Redis nor the table's record is young: what is kept has its whole life. */
const youngMs = fenceMs + 3_000;
/** A proxy gives signs of life often enough not to be given up. */
const beatMs = 2_000;
/** After so long nothing is left of fences, holds and proxies that are gone. */
const quietMs = 24_000;
/** How old a description may be that somebody may learn of a change by, and how often that is. */
const shortMs = 1_000;
const describesMax = 1;
const kinds = Object.keys(requests) as Kind[];

interface Client {
  readonly proxy: number;
  /** Those of one proxy that do the same are equal. */
  readonly does: string;
  readonly start: () => void;
  state: 'idle' | 'waiting' | 'done' | 'failed';
}

/**
 * Several accelerators over one simulated Redis and one simulated store, two items, and clients, all of them moved by named
 * actions only.
 */
export class World implements ExploredWorld {
  readonly finishesAnywhere = true;
  readonly problems: string[] = [];
  readonly #scenario: Scenario;
  readonly #rules: Rules;
  readonly #clock = new ManualClock();
  readonly #redis: ModelRedis;
  readonly #store = new SimulatedStore({ answers: 'soon' });
  readonly #oracle = new Oracle();
  readonly #proxies: ModelProxy[] = [];
  readonly #links: ModelLinks;
  readonly #readers: readonly Client[];
  readonly #writers: readonly Client[];
  readonly #proxyOf = new Map<HeldCall, ModelProxy>();
  /** Writes that nobody waits for any more, but that the store may still apply. */
  readonly #late: HeldCall[] = [];
  readonly #stream: ModelStream;
  #isFaulty = false;
  #processes = 0;
  readonly #left: Record<'replace' | 'index' | 'describe' | 'partial' | 'timeout' | 'crash', number>;

  private constructor(scenario: Scenario, rules: Rules) {
    this.#scenario = scenario;
    this.#rules = rules;
    this.#redis = new ModelRedis(scenario, rules, () => this.#clock.now());
    this.#store.createTable(tableName, schema, region, scenario.index === 'added' ? undefined : group);
    for (const id of ids) this.#store.put(tableName, itemOf(id, firstItem));
    for (let i = 0; i < scenario.proxies; i++) this.#proxies.push(this.#newProxy());
    this.#links = new ModelLinks(scenario, this.#proxies);
    this.#stream = new ModelStream(scenario, {
      store: this.#store,
      oracle: this.#oracle,
      proxies: this.#proxies,
      isHeard: () => !this.#isFaulty,
    });
    this.#readers = this.#newReaders();
    this.#writers = this.#newWriters();
    const isChanged = this.#mayChangeAround();
    this.#left = {
      replace: scenario.replacement === 'around' ? 1 : 0,
      index: scenario.index === undefined ? 0 : 1,
      describe: isChanged ? describesMax : 0,
      partial: scenario.partialBatches ?? 0,
      timeout: scenario.timeouts ?? 0,
      crash: scenario.crashes ?? 0,
    };
  }

  /** A world in which the proxies have been connected for a while, and know the table. */
  static async open(scenario: Scenario, rules: Rules): Promise<World> {
    const world = new World(scenario, rules);
    for (const { link } of world.#proxies) link.comeUp();
    await settled();
    for (const proxy of world.#proxies) await world.#warmUp(proxy);
    for (let ms = 0; ms < youngMs; ms += beatMs) await world.#passBeat();
    for (const { accelerator } of world.#proxies) await accelerator.call(anotherRequest);
    world.#clock.advance(settleMs);
    world.#store.catchUp();
    world.#store.lags = scenario.lags === true;
    world.#store.answers = 'held';
    for (const { link } of world.#proxies) link.isHeld = true;
    return world;
  }

  enabled(): string[] {
    return [
      ...startable('read', this.#readers),
      ...startable('write', this.#writers),
      ...this.#links.enabled(),
      ...this.#store.held.flatMap((call, i) => this.#callActions(call, i)),
      ...this.#late.flatMap((_call, i) => [`apply late ${i}`, `never apply ${i}`]),
      ...this.#stream.enabled(),
      ...this.#happenings(),
      ...this.#redis.enabled(),
      ...(this.#left.crash > 0 ? ['crash'] : []),
    ];
  }

  async perform(action: string): Promise<void> {
    const [, name = '', number = '0'] = /^(.*?)(?: (\d+))?$/.exec(action) ?? [];
    this.#act(name, Number(number));
    await settled();
    this.#checkFlights();
  }

  fingerprint(): string {
    return JSON.stringify([
      this.#clock.now(),
      this.#oracle.fingerprint(),
      this.#left,
      this.#isFaulty,
      [...this.#readers, ...this.#writers].map(({ state }) => state),
      this.#proxies.map((proxy) => proxy.fingerprint()),
      this.#links.fingerprint(),
      this.#store.lags,
      this.#store.held.map((call) => [
        this.#proxyOf.get(call)?.trace[0],
        call.request.operation,
        outcomeOf(call),
      ]),
      this.#late.map(outcomeOf),
      this.#stream.fingerprint(),
      this.#redis.fingerprint(),
    ]);
  }

  /**
   * Nothing more goes wrong, and all that is under way comes to its end. Everybody must have been answered then, nothing
   * be left of the guards, and what is cached be what the store has.
   */
  async finish(): Promise<void> {
    this.#late.length = 0;
    this.#store.lags = false;
    for (const { link } of this.#proxies) {
      link.comeUp();
      link.isHeld = false;
    }
    await this.#settleStore();
    for (let ms = 0; ms < quietMs; ms += beatMs) {
      await this.#passBeat();
      this.#stream.tell();
      this.#stream.takeOver();
      await this.#settleStore();
    }
    for (const { state } of [...this.#readers, ...this.#writers]) {
      if (state === 'waiting') this.problems.push('a client was never answered');
    }
    this.#store.answers = 'soon';
    for (const proxy of [...this.#proxies, ...this.#proxies]) await this.#checkCached(proxy);
    for (const proxy of this.#proxies) this.#checkLeft(proxy);
  }

  #newProxy(): ModelProxy {
    const proxy: ModelProxy = new ModelProxy({
      rules: this.#rules,
      clock: this.#clock,
      redis: this.#redis.redis,
      store: this.#storeOf(() => proxy),
      process: `p${this.#processes++}-`,
      describeMs: this.#mayChangeAround() ? shortMs : 3_600_000,
      settleMs: this.#scenario.lags === true ? settleMs : 0,
    });
    return proxy;
  }

  #mayChangeAround(): boolean {
    return this.#scenario.replacement === 'around' || this.#scenario.index !== undefined;
  }

  #storeOf(proxy: () => ModelProxy): Backend {
    return {
      call: (request) => {
        const held = this.#store.held.length;
        const reply = this.#store.call(request);
        const call = this.#store.held[held];
        if (call !== undefined) this.#proxyOf.set(call, proxy());
        return reply;
      },
      close: async () => {},
    };
  }

  #newReaders(): Client[] {
    return (this.#scenario.readers ?? []).map(({ proxy, kind }) => {
      const start = () => this.#read(client, kind);
      const client: Client = { proxy, does: kind, start, state: 'idle' };
      return client;
    });
  }

  #newWriters(): Client[] {
    const { writers = [], batchWriters = [], replacement } = this.#scenario;
    const newWriter = (request: Request, proxy: number): Client => {
      const start = () => this.#write(client, request);
      const client: Client = { proxy, does: request.operation, start, state: 'idle' };
      return client;
    };
    return [
      ...writers.map((proxy, i) => newWriter(putRequest('k', `w${i}`), proxy)),
      ...batchWriters.map((proxy, i) => newWriter(putBothRequest(`b${i}`), proxy)),
      ...(typeof replacement === 'number' ? [this.#newReplacer(replacement)] : []),
    ];
  }

  /** Deletes the table, and creates it once that is answered. */
  #newReplacer(proxy: number): Client {
    const input = { TableName: tableName };
    const start = () => {
      this.#write(client, { operation: 'DeleteTable', input, region }, () =>
        this.#write(client, { operation: 'CreateTable', input, region }),
      );
    };
    const client: Client = { proxy, does: 'replace', start, state: 'idle' };
    return client;
  }

  /** Afterwards it knows the table, is registered as a writer of it, and has nothing cached. */
  async #warmUp(proxy: ModelProxy): Promise<void> {
    proxy.beat();
    const input = { TableName: tableName, Item: anotherItem };
    await proxy.accelerator.call({ operation: 'PutItem', input, region });
    await settled();
  }

  async #passBeat(): Promise<void> {
    this.#clock.advance(beatMs);
    for (const proxy of this.#proxies) proxy.beat();
    await settled();
  }

  /** The store answers whatever it is asked. */
  async #settleStore(): Promise<void> {
    do {
      for (const call of [...this.#store.held]) this.#answer(call);
      await settled();
    } while (this.#store.held.length > 0);
  }

  #callActions(call: HeldCall, i: number): string[] {
    const actions = [`${call.outcome === undefined ? 'execute' : 'reply'} ${i}`];
    const isBatch = call.request.operation === 'BatchWriteItem' && call.outcome === undefined;
    if (isBatch && this.#left.partial > 0) actions.push(`execute partly ${i}`);
    if (this.#left.timeout > 0 && !call.request.operation.endsWith('Table')) actions.push(`time out ${i}`);
    return actions;
  }

  #happenings(): string[] {
    const { replace, index, describe } = this.#left;
    const actions: string[] = [];
    if (replace > 0) actions.push('replace around');
    if (index > 0) actions.push('change the index');
    if (describe > 0 && index + replace === 0) actions.push('describe anew');
    if (this.#store.lags) actions.push('catch up');
    return actions;
  }

  #act(name: string, i: number): void {
    const happenings: Record<string, () => void> = {
      read: () => at(this.#readers, i).start(),
      write: () => at(this.#writers, i).start(),
      do: () => this.#links.do(i),
      answer: () => this.#links.answer(i),
      hear: () => this.#links.hear(i),
      'do late': () => this.#links.doLate(i),
      'do of ghost': () => this.#links.doOfGhost(i),
      connect: () => this.#links.connect(i),
      lose: () => this.#failing(() => this.#links.lose(i)),
      break: () => this.#failing(() => this.#links.break(i)),
      execute: () => this.#execute(at(this.#store.held, i)),
      'execute partly': () => this.#executePartly(at(this.#store.held, i)),
      reply: () => this.#answer(at(this.#store.held, i)),
      'time out': () => this.#timeOut(at(this.#store.held, i)),
      'apply late': () => this.#execute(at(this.#late.splice(i, 1), 0)),
      'never apply': () => this.#late.splice(i, 1),
      'write around': () => this.#stream.writeAround(),
      'tell of a write around': () => this.#stream.tell(),
      'lose the follower': () => this.#stream.loseFollower(),
      'take over': () => this.#stream.takeOver(),
      'replace around': () => this.#replaceAround(),
      'change the index': () => this.#changeIndex(),
      'describe anew': () => this.#describeAnew(),
      'catch up': () => {
        this.#store.lags = false;
      },
      save: () => this.#redis.save(at(this.#redis.servers, i)),
      restart: () => this.#failing(() => this.#restart(i)),
      flush: () => this.#failing(() => this.#redis.flush(at(this.#redis.servers, i))),
      evict: () => this.#evict(i),
      crash: () => this.#failing(() => this.#crash()),
    };
    const happen = happenings[name];
    if (happen === undefined) throw new Error(`no such action: ${name}`);
    happen();
  }

  #read(client: Client, kind: Kind): void {
    const proxy = at(this.#proxies, client.proxy);
    const hasHeard = proxy.isAway || (!this.#isFaulty && proxy.hasHeard);
    const isExcused = kind === 'index' && this.#store.lags;
    const reading = this.#oracle.begin(kind, proxy.outdated, hasHeard, isExcused);
    this.#call(client, requests[kind], (reply) => {
      this.problems.push(...this.#oracle.end(reading, shownIn(reply, kind)));
    });
  }

  #write(client: Client, request: Request, then = () => {}): void {
    const proxy = at(this.#proxies, client.proxy);
    this.#call(client, request, (reply) => {
      proxy.outdated = this.#oracle.acknowledged(madeBy({ request, outcome: reply }), proxy.outdated);
      then();
    });
  }

  /** An answer that comes after its proxy was killed reaches nobody. */
  #call(client: Client, request: Request, onReply: (reply: Reply) => void): void {
    client.state = 'waiting';
    const proxy = at(this.#proxies, client.proxy);
    proxy.trace.push(`${request.operation} ${JSON.stringify(request.input)}`);
    const answer = async () => proxy.accelerator.call(request);
    answer().then(
      (reply) => {
        if (proxy.isKilled) return;
        client.state = 'done';
        onReply(reply);
      },
      () => {
        if (!proxy.isKilled) client.state = 'failed';
      },
    );
  }

  #execute(call: HeldCall): void {
    if (call.outcome !== undefined) return;
    call.execute();
    this.#oracle.applied(madeBy(call));
  }

  #executePartly(call: HeldCall): void {
    this.#left.partial--;
    this.#store.leftOut.add(canonical('l'));
    this.#execute(call);
    this.#store.leftOut.clear();
  }

  #answer(call: HeldCall): void {
    this.#execute(call);
    this.#proxyOf.get(call)?.trace.push(`${call.request.operation} is answered ${outcomeOf(call)}`);
    call.answer();
  }

  #timeOut(call: HeldCall): void {
    this.#left.timeout--;
    this.#proxyOf.get(call)?.trace.push(`${call.request.operation} is not answered`);
    if (isWrite(call) && call.outcome === undefined) this.#late.push(call);
    call.fail(new Error('no answer'));
  }

  /** Nobody can know of it before the table is described anew. */
  #replaceAround(): void {
    this.#left.replace--;
    this.#store.deleteTable(tableName);
    this.#store.createTable(tableName, schema, region, group);
    this.#oracle.applied(new Map<Id, Value>(ids.map((id) => [id, noItem])));
    this.#oracle.isAround = true;
  }

  #changeIndex(): void {
    this.#left.index--;
    this.#store.setGroup(tableName, this.#scenario.index === 'added' ? group : undefined);
  }

  #describeAnew(): void {
    this.#left.describe--;
    this.#clock.advance(shortMs);
  }

  /** What others have heard of, and are answered, is not sure from then on. */
  #failing(fail: () => void): void {
    this.#isFaulty = true;
    fail();
  }

  #restart(i: number): void {
    for (const proxy of this.#proxies) proxy.trace.push(`down ${i}`);
    this.#redis.restart(at(this.#redis.servers, i));
  }

  #evict(i: number): void {
    this.#isFaulty ||= this.#redis.evict(i).includes(':f:');
  }

  /** What it had sent may still be done, by Redis and by the store. */
  #crash(): void {
    this.#left.crash--;
    const last = this.#proxies.length - 1;
    const killed = at(this.#proxies, last);
    killed.kill();
    const born = this.#newProxy();
    this.#proxies[last] = born;
    for (const call of this.#store.held.filter((each) => this.#proxyOf.get(each) === killed)) {
      if (isWrite(call) && call.outcome === undefined) this.#late.push(call);
      this.#store.held.splice(this.#store.held.indexOf(call), 1);
    }
    this.#links.haunt(killed);
    for (const client of [...this.#readers, ...this.#writers]) {
      if (client.proxy === last && client.state === 'waiting') client.state = 'failed';
    }
    born.link.isHeld = true;
  }

  /** A table that is replaced has two identities, and what is asked of an index that is not known is handed on. */
  #checkFlights(): void {
    const tables = this.#scenario.replacement === undefined ? 1 : 2;
    for (const kind of kinds) {
      if (kind === 'index' && this.#scenario.index !== undefined) continue;
      const { operation, input } = requests[kind];
      const reads = this.#store.held.filter(
        ({ request }) => request.operation === operation && isSame(request.input, input),
      );
      const proxies = new Set(reads.map((call) => this.#proxyOf.get(call)));
      if (reads.length > proxies.size * tables)
        this.problems.push(`one proxy reads ${kind} more than once at a time`);
    }
  }

  async #checkCached({ accelerator, trace: [process] }: ModelProxy): Promise<void> {
    for (const kind of kinds) {
      const shown = shownIn(await accelerator.call(requests[kind]), kind);
      for (const id of idsOf[kind]) {
        const current = this.#oracle.current(id, kind);
        if (shown.get(id) === current) continue;
        this.problems.push(`${process} answers ${kind} with ${shown.get(id)} in the end, not ${current}`);
      }
    }
  }

  #checkLeft({ accelerator, cache, trace: [process] }: ModelProxy): void {
    const { tokens, fences, flights } = accelerator.stats();
    const { owed, unanswered } = cache.stats();
    if (tokens + fences + flights + owed + unanswered > 0)
      this.problems.push(
        `${process} has left: ${JSON.stringify({ tokens, fences, flights, owed, unanswered })}`,
      );
  }
}

/** All that the last action set going has come to rest: everything waits for the next one. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Clients that do the same through one proxy are equal, so only the first idle one is worth starting. */
function startable(action: string, clients: readonly Client[]): string[] {
  const first = new Map<string, number>();
  for (const [i, { proxy, does, state }] of clients.entries()) {
    const like = `${proxy} ${does}`;
    if (state === 'idle' && !first.has(like)) first.set(like, i);
  }
  return [...first.values()].map((i) => `${action} ${i}`);
}

/** Whether they ask for the same, however consistent it has to be. */
function isSame(input: Request['input'], other: Request['input']): boolean {
  return JSON.stringify({ ...input, ConsistentRead: undefined }) === JSON.stringify(other);
}

function at<T>(list: readonly T[], i: number): T {
  const element = list[i];
  if (element === undefined) throw new Error(`nothing at ${i}`);
  return element;
}
