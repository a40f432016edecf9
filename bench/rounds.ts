import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Children, ServerProcess } from './child.ts';
import type { Generator, LoadPlan } from './generator.ts';
import type { LatencyUs } from './histogram.ts';
import { ITEM_BYTES, REVISION_MIN } from './item.ts';
import { cpuSeconds, type Placement, placeServer } from './machine.ts';
import { type RequestTemplate, requestTemplate } from './request.ts';
import type { Row, Scenario } from './scenario.ts';
import { checkAnswer, checkTable } from './store.ts';
import type { Stores } from './stores.ts';
import { startSystem, systems } from './system.ts';
import { isWrite, type Workload, type WorkloadName, workloads } from './workload.ts';

/** One row at one number of connections in one round. */
export interface Measurement {
  readonly workload: WorkloadName;
  readonly row: string;
  readonly connections: number;
  readonly round: number;
  readonly requestsPerSecond: number;
  /** Of items, as DynamoDB counts their bytes, read or written. */
  readonly itemMbPerSecond: number;
  readonly latencyUs: LatencyUs;
  /** Processor time that the server used for a request, all its threads together. */
  readonly serverCpuUs: number | undefined;
  /** Processors that were busy for the server and for the generator: near 1, it is what limits the row. */
  readonly serverCores: number | undefined;
  readonly loadCores: number | undefined;
}

/** What all scenarios of a run share. */
export interface Run {
  readonly children: Children;
  readonly stores: Stores;
  readonly generator: Generator;
  readonly placement: Placement | undefined;
  readonly seconds: number;
  readonly rounds: number;
  /** Undefined leaves the choice to each scenario. */
  readonly connections: readonly number[] | undefined;
  /** A folder that is removed after the run. */
  readonly dataDir: string;
  /** Goes on over all scenarios. */
  readonly loops: LoopCounter;
  readonly log: (line: string) => void;
}

interface StartedRow {
  readonly row: Row;
  readonly workload: Workload;
  readonly server: ServerProcess;
  readonly template: RequestTemplate;
  readonly requestFile: string;
}

const WARMUP_SECONDS = 2;
const WARMUP_CONNECTIONS = 16;

/** No loop sends so many requests; revisions of different loops are so far apart. */
const LOOP_REQUESTS_MAX = 100_000_000;

/** Gives each measurement revisions that no other has, so that no write repeats what is there. */
export class LoopCounter {
  #count = 0;

  nextRevision(): number {
    return REVISION_MIN + this.#count++ * LOOP_REQUESTS_MAX;
  }
}

/**
 * Measures a scenario's rows in turns. Within a round every row is measured at one number of connections before the next
 * number's turn, so that rows which are compared are seconds apart; who begins changes with the round. Servers
 * without tables are started for the scenario and stopped after it.
 */
export async function runScenario(scenario: Scenario, run: Run): Promise<Measurement[]> {
  const workload = workloads[scenario.workload];
  const started: StartedRow[] = [];
  for (const row of [...scenario.subjects, ...scenario.references]) {
    started.push(await startRow(row, scenario.workload, run));
  }
  for (const row of started) await measure(row, WARMUP_CONNECTIONS, WARMUP_SECONDS, run);
  const measurements = await measureRounds(scenario, started, run);
  for (const { row, server } of started) {
    if (!systems[row.system].isStore) await server.stop();
    else for (const table of workload.tables) await checkTable(server.port, table);
  }
  return measurements;
}

async function measureRounds(
  scenario: Scenario,
  started: readonly StartedRow[],
  run: Run,
): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  for (let round = 0; round < run.rounds; round++) {
    for (const connections of run.connections ?? scenario.connections) {
      run.log(`${scenario.workload}: round ${round + 1} of ${run.rounds}, ${connections} connections`);
      for (const row of rotate(started, round)) {
        const measured = await measure(row, connections, run.seconds, run);
        measurements.push({ ...measured, workload: scenario.workload, round });
      }
    }
  }
  return measurements;
}

async function startRow(row: Row, name: WorkloadName, run: Run): Promise<StartedRow> {
  const workload = workloads[name];
  const { isStore } = systems[row.system];
  const dataDir = join(run.dataDir, `${name}-${row.name}`);
  mkdirSync(dataDir);
  const server = isStore
    ? await run.stores.holding(row.system, workload.tables)
    : await startSystem(row.system, {
        children: run.children,
        core: run.placement?.serverCore,
        answer: JSON.stringify(workload.answer),
        dataDir,
      });
  if (run.placement !== undefined) placeServer(server.pid, run.placement, isWrite(workload));
  if (isStore) await checkAnswer(server.port, workload, run.loops.nextRevision());
  const template = requestTemplate(workload, server.port);
  const requestFile = join(dataDir, 'request');
  writeFileSync(requestFile, template.bytes);
  return { row, workload, server, template, requestFile };
}

async function measure(
  started: StartedRow,
  connections: number,
  seconds: number,
  run: Run,
): Promise<Omit<Measurement, 'round' | 'workload'>> {
  const { row, workload, server } = started;
  const plan = { ...planFor(started), connections, seconds, revisionStart: run.loops.nextRevision() };
  const cpuBefore = cpuSeconds(server.pid);
  const child = run.children.spawn({ ...run.generator.command(plan), core: run.placement?.loadCore });
  const [output, serverCores, loadCores] = await Promise.all([
    run.children.output(child),
    busyCores(server.pid, seconds),
    busyCores(child.pid ?? 0, seconds),
  ]);
  const { requestsPerSecond, answers, latencyUs } = run.generator.parse(output, plan);
  const serverCpuUs = cpuUs(cpuBefore, cpuSeconds(server.pid), answers);
  return {
    row: row.name,
    connections,
    requestsPerSecond,
    itemMbPerSecond: (requestsPerSecond * workload.items * ITEM_BYTES) / 1e6,
    latencyUs,
    serverCpuUs,
    serverCores,
    loadCores,
  };
}

type PlanOfRow = Omit<LoadPlan, 'connections' | 'seconds' | 'revisionStart'>;

function planFor({ row, workload, server, template, requestFile }: StartedRow): PlanOfRow {
  const answerBytes = Buffer.byteLength(JSON.stringify(workload.answer));
  return { port: server.port, requestFile, slots: template.slots, keys: row.keys, answerBytes };
}

function cpuUs(
  beforeSeconds: number | undefined,
  afterSeconds: number | undefined,
  requests: number,
): number | undefined {
  if (beforeSeconds === undefined || afterSeconds === undefined) return undefined;
  return ((afterSeconds - beforeSeconds) * 1e6) / requests;
}

/** Processors that a process keeps busy, over the middle of a measurement that has just begun. */
async function busyCores(pid: number, seconds: number): Promise<number | undefined> {
  await sleep(seconds * 200);
  const [startMs, before] = [performance.now(), cpuSeconds(pid)];
  await sleep(seconds * 600);
  const [endMs, after] = [performance.now(), cpuSeconds(pid)];
  if (before === undefined || after === undefined) return undefined;
  return (after - before) / ((endMs - startMs) / 1000);
}

function rotate<T>(values: readonly T[], by: number): T[] {
  const start = by % values.length;
  return [...values.slice(start), ...values.slice(0, start)];
}
