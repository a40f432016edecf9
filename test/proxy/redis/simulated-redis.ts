import type { RedisEvents, RedisNode, RedisNodes, Step } from '../../../proxy/cache/redis/node.ts';
import { Keyspace, type Snapshot } from './keyspace.ts';
import { type Answer, twinSteps } from './twin.ts';

/**
 * Masters of Redis in this process, for tests that decide when what arrives. Nothing here waits or is random: a step is
 * done, and answered, and its announcements arrive at once, or where `isHeld` says so when the test lets them.
 *
 *     const redis = new SimulatedRedis(() => clock.now());
 *     const link = redis.link();
 *     const cache = new RedisCache({ nodes: link.open, ... });
 *     link.comeUp();
 */
export class SimulatedRedis {
  readonly servers: readonly SimulatedServer[];

  /**
   * @param nowMs Redis' time.
   * @param steps what the scripts do, by their names.
   */
  constructor(nowMs: () => number, masters = 1, steps = twinSteps) {
    this.servers = Array.from(
      { length: masters },
      (_, i) => new SimulatedServer(`master ${i}`, nowMs, steps),
    );
  }

  /** A proxy's connections to all masters; down until they come up. */
  link(): SimulatedLink {
    return new SimulatedLink(this);
  }

  serverOf(name: string): SimulatedServer {
    const tag = name.slice(name.indexOf('{') + 1, name.indexOf('}'));
    let hash = 0;
    for (let i = 0; i < tag.length; i++) hash = (hash * 31 + tag.charCodeAt(i)) >>> 0;
    const server = this.servers[hash % this.servers.length];
    if (server === undefined) throw new Error('there is no master');
    return server;
  }
}

export class SimulatedServer {
  readonly name: string;
  readonly nodes = new Set<SimulatedNode>();
  keyspace: Keyspace;
  runId: string;
  readonly #nowMs: () => number;
  readonly #steps: typeof twinSteps;
  #runs = 0;

  constructor(name: string, nowMs: () => number, steps: typeof twinSteps) {
    this.name = name;
    this.#nowMs = nowMs;
    this.#steps = steps;
    this.keyspace = new Keyspace(nowMs);
    this.runId = this.#newRunId();
  }

  /** @throws Error with what Redis would answer. */
  execute(step: Step, keys: readonly string[], args: readonly (string | Buffer | number)[]): unknown {
    const twin = this.#steps[step.name];
    if (twin === undefined) throw new Error(`there is no twin of ${step.name}`);
    const { answer, touched } = this.keyspace.runScript(() => twin(this.keyspace, keys, args.map(binary)));
    if (touched.length > 0) this.#announce(touched);
    return asRedisAnswers(answer);
  }

  snapshot(): Snapshot {
    return this.keyspace.snapshot();
  }

  /** All connections break; another process comes with what is in the snapshot, or with nothing. */
  restart(snapshot?: Snapshot): void {
    for (const node of this.nodes) node.goDown();
    for (const node of this.nodes) node.forgetLate();
    this.runId = this.#newRunId();
    this.keyspace = new Keyspace(this.#nowMs, snapshot);
  }

  flush(): void {
    this.keyspace.clear();
    this.#announce(undefined);
  }

  #announce(names: readonly string[] | undefined): void {
    for (const node of this.nodes) node.announce(names);
  }

  /** The part by which runs are told apart is its beginning. */
  #newRunId(): string {
    this.#runs++;
    return `${this.#runs}${this.name}`.replace(/\W/g, '').padEnd(40, '0');
  }
}

export class SimulatedLink {
  readonly nodes: readonly SimulatedNode[];
  readonly #redis: SimulatedRedis;

  constructor(redis: SimulatedRedis) {
    this.#redis = redis;
    this.nodes = redis.servers.map((server) => new SimulatedNode(server));
  }

  /** For `RedisCacheOptions.nodes`. */
  readonly open = (events: RedisEvents): RedisNodes => {
    for (const node of this.nodes) node.events = events;
    return {
      nodeOf: (name) => this.nodes[this.#redis.servers.indexOf(this.#redis.serverOf(name))],
      all: () => this.nodes,
      close: async () => this.goDown(),
    };
  };

  comeUp(): void {
    for (const node of this.nodes) node.comeUp();
  }

  goDown(): void {
    for (const node of this.nodes) node.goDown();
  }

  set isHeld(isHeld: boolean) {
    for (const node of this.nodes) {
      node.areStepsHeld = isHeld;
      node.areAnnouncementsHeld = isHeld;
    }
  }
}

/** One proxy's connection to one master: steps are done in the order in which they were sent. */
export class SimulatedNode implements RedisNode {
  readonly server: SimulatedServer;
  readonly name: string;
  runId: string | undefined;
  /** Without an end while it is up, unless the test says that heartbeats do not come back. */
  provenUntilMs = Infinity;
  events: RedisEvents | undefined;
  /** So many of the next steps pass their deadline before they arrive. */
  losesNext = 0;
  #areStepsHeld = false;
  #areAnnouncementsHeld = false;
  /** Sent, and not done. */
  readonly sent: Call[] = [];
  /** Done, and not answered. */
  readonly done: Call[] = [];
  /** Given up, and still under way to the same process. */
  readonly late: Call[] = [];
  readonly announcements: (readonly string[] | undefined)[] = [];

  constructor(server: SimulatedServer) {
    this.server = server;
    this.name = server.name;
    server.nodes.add(this);
  }

  async run(
    step: Step,
    keys: readonly string[],
    args: readonly (string | Buffer | number)[],
  ): Promise<unknown> {
    if (this.runId === undefined) throw new Error(`${this.name} is down`);
    return new Promise((resolve, reject) => {
      this.sent.push({ step, keys, args, resolve, reject });
      if (this.losesNext > 0) {
        this.losesNext--;
        this.loseNext();
      } else if (!this.#areStepsHeld) {
        this.areStepsHeld = false;
      }
    });
  }

  /** Those that were held go on once they are not. */
  set areStepsHeld(areHeld: boolean) {
    this.#areStepsHeld = areHeld;
    while (!this.#areStepsHeld && this.done.length > 0) this.answerNext();
    while (!this.#areStepsHeld && this.sent.length > 0) {
      this.doNext();
      this.answerNext();
    }
  }

  set areAnnouncementsHeld(areHeld: boolean) {
    this.#areAnnouncementsHeld = areHeld;
    while (!this.#areAnnouncementsHeld && this.announcements.length > 0) this.announceNext();
  }

  /** Does the step that was sent first. */
  doNext(): void {
    const call = this.sent.shift();
    if (call === undefined) return;
    let answer: unknown;
    try {
      answer = this.server.execute(call.step, call.keys, call.args);
    } catch (error) {
      answer = error;
    }
    this.done.push({ ...call, answer });
  }

  /** Lets the answer of the step that was done first arrive. */
  answerNext(): void {
    const call = this.done.shift();
    if (call?.answer instanceof Error) call.reject(call.answer);
    else call?.resolve(call.answer);
  }

  /** The oldest step without an answer passes its deadline; it may still be done. */
  loseNext(): void {
    const done = this.done.shift();
    const call = done ?? this.sent.shift();
    if (call === undefined) return;
    if (done === undefined) this.late.push(call);
    call.reject(new Error(`${this.name} did not answer in time`));
  }

  /** Does the step that was given up first. */
  doLate(): void {
    const call = this.late.shift();
    if (call === undefined) return;
    try {
      this.server.execute(call.step, call.keys, call.args);
    } catch {
      // Nobody is told.
    }
  }

  forgetLate(): void {
    this.late.length = 0;
  }

  announce(names: readonly string[] | undefined): void {
    if (this.runId === undefined) return;
    this.announcements.push(names);
    if (!this.#areAnnouncementsHeld) this.areAnnouncementsHeld = false;
  }

  /** Lets the announcement that was made first arrive. */
  announceNext(): void {
    if (this.announcements.length === 0) return;
    this.events?.touched(this, this.announcements.shift());
  }

  goDown(): void {
    if (this.runId === undefined) return;
    this.runId = undefined;
    this.announcements.length = 0;
    const calls = [...this.done.splice(0), ...this.sent];
    this.late.push(...this.sent.splice(0));
    for (const call of calls) call.reject(new Error(`the connection to ${this.name} was lost`));
    this.events?.down(this);
  }

  comeUp(): void {
    if (this.runId !== undefined) return;
    this.runId = this.server.runId;
    this.provenUntilMs = Infinity;
    this.events?.up(this);
  }
}

export interface Call {
  readonly step: Step;
  readonly keys: readonly string[];
  readonly args: readonly (string | Buffer | number)[];
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly answer?: unknown;
}

function binary(arg: string | Buffer | number): string {
  return Buffer.isBuffer(arg) ? arg.toString('latin1') : Buffer.from(String(arg)).toString('latin1');
}

function asRedisAnswers(answer: Answer): unknown {
  if (typeof answer === 'string') return Buffer.from(answer, 'latin1');
  return Array.isArray(answer) ? answer.map(asRedisAnswers) : answer;
}
