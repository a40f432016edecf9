import type { Snapshot } from './keyspace.ts';
import type { Rules, Scenario } from './model-scenario.ts';
import { SimulatedRedis, type SimulatedServer } from './simulated-redis.ts';

/** The masters of the model, and what may happen to them. */
export class ModelRedis {
  readonly redis: SimulatedRedis;
  readonly #rules: Rules;
  readonly #nowMs: () => number;
  readonly #restarts: Scenario['restarts'];
  readonly #saved = new Map<SimulatedServer, Snapshot>();
  readonly #left: { restart: number; flush: number; evict: number };

  constructor(scenario: Scenario, rules: Rules, nowMs: () => number) {
    this.redis = new SimulatedRedis(nowMs, scenario.masters ?? 1, rules.steps);
    this.#rules = rules;
    this.#nowMs = nowMs;
    this.#restarts = scenario.restarts;
    const { flushes: flush = 0, evictions: evict = 0 } = scenario;
    this.#left = { restart: scenario.restarts === undefined ? 0 : 1, flush, evict };
  }

  get servers(): readonly SimulatedServer[] {
    return this.redis.servers;
  }

  enabled(): string[] {
    const { restart, flush, evict } = this.#left;
    const each = (action: string) => this.servers.map((_server, i) => `${action} ${i}`);
    return [
      ...(restart > 0
        ? this.servers.map((server, i) => `${this.#needsSave(server) ? 'save' : 'restart'} ${i}`)
        : []),
      ...(flush > 0 ? each('flush') : []),
      ...(evict > 0 ? this.#evictable().map((_name, i) => `evict ${i}`) : []),
    ];
  }

  save(server: SimulatedServer): void {
    this.#saved.set(server, server.snapshot());
  }

  restart(server: SimulatedServer): void {
    this.#left.restart--;
    const { runId } = server;
    server.restart(this.#saved.get(server));
    if (this.#rules.keepsRunId) server.runId = runId;
  }

  flush(server: SimulatedServer): void {
    this.#left.flush--;
    server.flush();
  }

  /** Redis does not tell of it: only of what lies under the tracked prefix. @returns what had to go. */
  evict(i: number): string {
    this.#left.evict--;
    const name = this.#evictable()[i];
    if (name === undefined) throw new Error(`nothing at ${i}`);
    this.redis.serverOf(name).keyspace.del(name);
    return name;
  }

  fingerprint(): unknown {
    const saved = [...this.#saved.values()].map((snapshot) => this.#textOf(snapshot));
    return [this.#left, this.servers.map((server) => this.#textOf(server.snapshot())), saved];
  }

  #needsSave(server: SimulatedServer): boolean {
    return this.#restarts === 'old' && !this.#saved.has(server);
  }

  /** All but the names that settle, and those of the proxies: that these go is one fault too many. */
  #evictable(): string[] {
    const names = this.servers.flatMap((server) => [...server.snapshot().keys()]);
    return names.filter((name) => /:[vtfgqe]:\{(?!\*)/.test(name)).sort();
  }

  #textOf(snapshot: Snapshot): unknown {
    return [...snapshot]
      .map(([name, { value, expiresAtMs }]) => [
        name,
        typeof value === 'string' ? value : [...value],
        expiresAtMs - this.#nowMs(),
      ])
      .sort();
  }
}
