import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Children, ServerProcess } from './child.ts';
import type { TableName } from './item.ts';
import type { Placement } from './machine.ts';
import type { Scenario, SystemName } from './scenario.ts';
import { checkTable, fillTable } from './store.ts';
import { startSystem, systems } from './system.ts';

export interface StoresOptions {
  readonly children: Children;
  readonly placement: Placement | undefined;
  readonly dataDir: string;
  readonly log: (line: string) => void;
}

/** The table stores of a run: each is started once, and given a table when a scenario wants it first. */
export class Stores {
  readonly #options: StoresOptions;
  readonly #servers = new Map<SystemName, ServerProcess>();
  readonly #filled = new Set<string>();

  constructor(options: StoresOptions) {
    this.#options = options;
  }

  async holding(system: SystemName, tables: readonly TableName[]): Promise<ServerProcess> {
    const server = this.#servers.get(system) ?? (await this.#start(system));
    for (const table of tables) {
      const name = `${system} ${table}`;
      if (this.#filled.has(name)) continue;
      this.#options.log(`filling ${table} of ${system}`);
      await fillTable(server.port, table);
      await checkTable(server.port, table);
      this.#filled.add(name);
    }
    return server;
  }

  async stop(): Promise<void> {
    for (const server of this.#servers.values()) await server.stop();
  }

  async #start(system: SystemName): Promise<ServerProcess> {
    const { children, placement, log } = this.#options;
    log(`starting ${system}`);
    const dataDir = join(this.#options.dataDir, system);
    mkdirSync(dataDir);
    const server = await startSystem(system, { children, core: placement?.serverCore, answer: '', dataDir });
    this.#servers.set(system, server);
    return server;
  }
}

/** Leaves out what cannot run on this machine, and says so. */
export function runnable(scenarios: readonly Scenario[], log: (line: string) => void): Scenario[] {
  const obstacles = new Map<SystemName, string | undefined>();
  const canRun = (system: SystemName): boolean => {
    if (!obstacles.has(system)) {
      const obstacle = systems[system].obstacle?.();
      obstacles.set(system, obstacle);
      if (obstacle !== undefined) log(`${system} is not measured: ${obstacle}`);
    }
    return obstacles.get(system) === undefined;
  };
  return scenarios.map((scenario) => ({
    ...scenario,
    references: scenario.references.filter(({ system }) => canRun(system)),
  }));
}
