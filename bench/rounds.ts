import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Children } from './child.ts';
import type { Generator, LoadPlan } from './generator.ts';
import type { LatencyUs } from './histogram.ts';
import { ITEM_BYTES, REVISION_MIN } from './item.ts';
import { cpuSeconds, type Placement, place } from './machine.ts';
import { type RequestTemplate, requestTemplate } from './request.ts';
import type { Row, Scenario } from './scenario.ts';
import { checkAnswer, checkTable, readItems } from './store.ts';
import type { RunningSystem, Stores } from './stores.ts';
import { systems } from './system.ts';
import { type Holding, type PausesMs, watchFilling, watchPauses } from './watch.ts';
import { isWrite, type Workload, workloads } from './workload.ts';

/** One row at one number of connections in one round. */
export interface Measurement {
  readonly scenario: string;
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
  /** Of a server with an administration. */
  readonly pausesMs: PausesMs | undefined;
  /**
   * Bytes that Redis sent for each of the answers' bytes, where reads go to one: about 1, or it was something else that was
   * measured.
   */
  readonly fromRedis: number | undefined;
}

export interface ScenarioResult {
  readonly measurements: readonly Measurement[];
  /** Of caches that were filled before the measurements, in servers with an administration. */
  readonly holdings: readonly Holding[];
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

/** A row whose server runs. */
export interface StartedRow {
  readonly row: Row;
  readonly workload: Workload;
  readonly running: RunningSystem;
  readonly template: RequestTemplate;
  readonly requestFile: string;
}

type PlacedRow = Pick<StartedRow, 'row' | 'workload' | 'running'>;

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
export async function runScenario(scenario: Scenario, run: Run): Promise<ScenarioResult> {
  const workload = workloads[scenario.workload];
  const started: StartedRow[] = [];
  const holdings: Holding[] = [];
  for (const row of [...scenario.subjects, ...scenario.references]) {
    const startedRow = await startRow(row, scenario, run);
    started.push(startedRow);
    const holding = row.isReadFirst ? await readFirst(startedRow, run) : undefined;
    // A reference holds too little to tell by the memory of its process.
    if (holding !== undefined && scenario.subjects.includes(row)) holdings.push(holding);
  }
  for (const row of started) await measure(row, WARMUP_CONNECTIONS, WARMUP_SECONDS, run);
  const measurements = await measureRounds(scenario, started, run);
  for (const { row, running } of started) {
    const { server } = running;
    if (!systems[row.system].isStore) await server.stop();
    else for (const table of workload.tables) await checkTable(server.port, table);
  }
  return { measurements, holdings };
}

async function measureRounds(
  scenario: Scenario,
  started: readonly StartedRow[],
  run: Run,
): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  const seconds = run.seconds * (scenario.lengthFactor ?? 1);
  for (let round = 0; round < run.rounds; round++) {
    for (const connections of run.connections ?? scenario.connections) {
      run.log(`${scenario.name}: round ${round + 1} of ${run.rounds}, ${connections} connections`);
      for (const row of rotate(started, round)) {
        const measured = await measure(row, connections, seconds, run);
        measurements.push({ ...measured, scenario: scenario.name, round });
      }
    }
  }
  return measurements;
}

async function startRow(row: Row, scenario: Scenario, run: Run): Promise<StartedRow> {
  const workload = workloads[scenario.workload];
  const { isStore } = systems[row.system];
  const dataDir = join(run.dataDir, `${scenario.name}-${row.name}`);
  mkdirSync(dataDir);
  const running = isStore
    ? await run.stores.holding(row.system, workload.tables)
    : await run.stores.start(row.system, JSON.stringify(workload.answer), dataDir);
  return readyRow({ row, workload, running }, dataDir, run);
}

/** @param dataDir a folder of its own. @returns what can be measured. @throws Error where the server answers something else. */
export async function readyRow(
  { row, workload, running }: PlacedRow,
  dataDir: string,
  run: Run,
): Promise<StartedRow> {
  if (run.placement !== undefined) placeRow({ row, workload, running }, run.placement);
  const { port } = running.server;
  if (systems[row.system].isStore) await checkAnswer(port, workload, run.loops.nextRevision());
  const template = requestTemplate(workload, port);
  const requestFile = join(dataDir, 'request');
  writeFileSync(requestFile, template.bytes);
  return { row, workload, running, template, requestFile };
}

/** @returns what is cached then; undefined where the server does not tell. */
async function readFirst({ row, workload, running }: StartedRow, run: Run): Promise<Holding | undefined> {
  const { server, adminPort } = running;
  run.log(`${row.name}: reading ${row.keys} items once`);
  const read = async () => {
    for (const table of workload.tables) await readItems(server.port, table, row.keys);
  };
  if (adminPort !== undefined) return watchFilling(adminPort, row, read);
  await read();
  return undefined;
}

/** One measurement, and nothing else. */
export async function measure(
  started: StartedRow,
  connections: number,
  seconds: number,
  run: Run,
): Promise<Omit<Measurement, 'round' | 'scenario'>> {
  const { row, workload, running } = started;
  const { server, adminPort, redis } = running;
  if (run.placement !== undefined) placeRow(started, run.placement);
  const plan = { ...planFor(started), connections, seconds, revisionStart: run.loops.nextRevision() };
  const endWatch = adminPort === undefined ? undefined : await watchPauses(adminPort);
  const redisBytesBefore = await redis?.sentBytes();
  const cpuBefore = cpuSeconds(server.pid);
  const child = run.children.spawn({ ...run.generator.command(plan), core: run.placement?.loadCore });
  const [output, serverCores, loadCores] = await Promise.all([
    run.children.output(child),
    busyCores(server.pid, seconds),
    busyCores(child.pid ?? 0, seconds),
  ]);
  const { requestsPerSecond, answers, latencyUs } = run.generator.parse(output, plan);
  const cpuUsed = difference(cpuBefore, cpuSeconds(server.pid));
  const pausesMs = await endWatch?.();
  const redisBytes = difference(redisBytesBefore, await redis?.sentBytes());
  return {
    row: row.name,
    connections,
    requestsPerSecond,
    itemMbPerSecond: (requestsPerSecond * workload.items * ITEM_BYTES) / 1e6,
    latencyUs,
    serverCpuUs: cpuUsed === undefined ? undefined : (cpuUsed * 1e6) / answers,
    serverCores,
    loadCores,
    pausesMs,
    fromRedis:
      redisBytes === undefined || isWrite(workload) ? undefined : redisBytes / (answers * plan.answerBytes),
  };
}

/**
 * A server runs on its own processor, and what works for it on that of the load. Where a row writes, all run on both: a store
 * writes its disk from threads beside the one that serves, and the load generator leaves most of its processor idle then.
 */
function placeRow({ row, workload, running }: PlacedRow, placement: Placement): void {
  const { server, helperPids } = running;
  const { serverCore, loadCore } = placement;
  const both = [serverCore, loadCore];
  const mayUseBoth = isWrite(workload) || row.hasThreads === true;
  place(server.pid, mayUseBoth ? both : [serverCore]);
  for (const pid of helperPids) place(pid, mayUseBoth ? both : [loadCore]);
}

type PlanOfRow = Omit<LoadPlan, 'connections' | 'seconds' | 'revisionStart'>;

function planFor({ row, workload, running, template, requestFile }: StartedRow): PlanOfRow {
  const answerBytes = Buffer.byteLength(JSON.stringify(workload.answer));
  const { port } = running.server;
  return { port, requestFile, slots: template.slots, keys: row.keys, answerBytes };
}

function difference(before: number | undefined, after: number | undefined): number | undefined {
  return before === undefined || after === undefined ? undefined : after - before;
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
