import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Children, ServerProcess } from './child.ts';
import { freePort } from './free-port.ts';
import type { TableName } from './item.ts';
import type { Placement } from './machine.ts';
import { type BenchRedis, startRedis } from './redis.ts';
import type { Scenario, SystemName } from './scenario.ts';
import { checkTable, fillTable, switchOn } from './store.ts';
import { type Need, startSystem, systems } from './system.ts';

export interface StoresOptions {
  readonly children: Children;
  readonly placement: Placement | undefined;
  readonly dataDir: string;
  readonly log: (line: string) => void;
}

/** A system that runs. */
export interface RunningSystem {
  readonly server: ServerProcess;
  /** Processes that do a part of its work: the store behind it, Redis. */
  readonly helperPids: readonly number[];
  /** Where it uses one. */
  readonly redis: BenchRedis | undefined;
  /** Of its administration; undefined where it has none. */
  readonly adminPort: number | undefined;
}

/**
 * The servers of a run, and what they need. Table stores are started once, and given a table when a scenario wants it
 * first; so is Redis.
 */
export class Stores {
  readonly #options: StoresOptions;
  readonly #running = new Map<SystemName, RunningSystem>();
  readonly #filled = new Set<string>();
  #redis: Promise<BenchRedis> | undefined;

  constructor(options: StoresOptions) {
    this.#options = options;
  }

  async holding(system: SystemName, tables: readonly TableName[]): Promise<RunningSystem> {
    const isInFront = systems[system].needs.includes('engine');
    if (isInFront) await this.holding('engine', tables);
    const running = this.#running.get(system) ?? (await this.#startStore(system));
    if (!isInFront) await this.#fill(system, running.server.port, tables);
    return running;
  }

  /** Starts a server that keeps no tables, for the caller to stop. @param dataDir a folder of its own. */
  async start(system: SystemName, answer: string, dataDir: string): Promise<RunningSystem> {
    const { children, placement } = this.#options;
    const { needs, settleMs = 0 } = systems[system];
    const { ports, helperPids } = await this.#meet(needs);
    const core = placement?.serverCore;
    const server = await startSystem(system, { children, core, answer, dataDir, ports });
    await sleep(settleMs);
    const redis = needs.includes('redis') ? await this.#redis : undefined;
    return { server, helperPids, redis, adminPort: ports.get('admin') };
  }

  async stop(): Promise<void> {
    // What stands in front of a store was started after it.
    for (const { server } of [...this.#running.values()].reverse()) await server.stop();
    await (await this.#redis)?.stop();
  }

  async #startStore(system: SystemName): Promise<RunningSystem> {
    this.#options.log(`starting ${system}`);
    const running = await this.start(system, '', this.#folder(system));
    this.#running.set(system, running);
    return running;
  }

  async #fill(system: SystemName, port: number, tables: readonly TableName[]): Promise<void> {
    for (const table of tables) {
      const name = `${system} ${table}`;
      if (this.#filled.has(name)) continue;
      this.#options.log(`filling ${table} of ${system}`);
      await fillTable(port, table);
      await checkTable(port, table);
      const { feature } = systems[system];
      if (feature !== undefined) await switchOn(port, table, feature);
      this.#filled.add(name);
    }
  }

  async #meet(needs: readonly Need[]): Promise<{ ports: Map<Need, number>; helperPids: number[] }> {
    const ports = new Map<Need, number>();
    const helperPids: number[] = [];
    for (const need of needs) {
      const { port, pid } = await this.#provide(need);
      ports.set(need, port);
      if (pid !== undefined) helperPids.push(pid);
    }
    return { ports, helperPids };
  }

  async #provide(need: Need): Promise<{ port: number; pid: number | undefined }> {
    switch (need) {
      case 'engine':
        return (await this.holding('engine', [])).server;
      case 'redis':
        this.#redis ??= startRedis();
        return this.#redis;
      case 'admin':
        return { port: await freePort(), pid: undefined };
    }
  }

  #folder(name: string): string {
    const folder = join(this.#options.dataDir, name);
    mkdirSync(folder);
    return folder;
  }
}

/** Leaves out what cannot run on this machine, and says so. */
export async function runnable(
  scenarios: readonly Scenario[],
  log: (line: string) => void,
): Promise<Scenario[]> {
  const obstacles = new Map<SystemName, string | undefined>();
  for (const { subjects, references } of scenarios) {
    for (const { system } of [...subjects, ...references]) {
      if (obstacles.has(system)) continue;
      const obstacle = await systems[system].obstacle?.();
      obstacles.set(system, obstacle);
      if (obstacle !== undefined) log(`SKIPPED: ${system} is not measured, as ${obstacle}`);
    }
  }
  const canRun = ({ system }: { system: SystemName }): boolean => obstacles.get(system) === undefined;
  return scenarios
    .map((scenario) => ({
      ...scenario,
      subjects: scenario.subjects.filter(canRun),
      references: scenario.references.filter(canRun),
    }))
    .filter(({ subjects }) => subjects.length > 0);
}
