import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Children, ServerProcess } from './child.ts';
import type { Generator, LoadPlan } from './generator.ts';
import type { LatencyUs } from './histogram.ts';
import { cpuSeconds, type Placement } from './machine.ts';
import {
  answerBody,
  type Operation,
  REVISION_MIN,
  type RequestTemplate,
  requestTemplate,
} from './request.ts';
import type { Row, Scenario } from './scenario.ts';
import { checkStore, fillStore } from './store.ts';
import { systems } from './system.ts';

/** One row at one number of connections in one round. */
export interface Measurement {
  readonly operation: Operation;
  readonly row: string;
  readonly connections: number;
  readonly round: number;
  readonly requestsPerSecond: number;
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
  readonly generator: Generator;
  readonly placement: Placement | undefined;
  readonly seconds: number;
  readonly rounds: number;
  readonly connections: readonly number[];
  /** A folder that is removed after the run. */
  readonly dataDir: string;
  readonly log: (line: string) => void;
}

interface StartedRow {
  readonly row: Row;
  readonly operation: Operation;
  readonly server: ServerProcess;
  readonly template: RequestTemplate;
  readonly requestFile: string;
}

const WARMUP_SECONDS = 2;
const WARMUP_CONNECTIONS = 16;

/** No loop sends so many requests; revisions of different loops are so far apart. */
const LOOP_REQUESTS_MAX = 100_000_000;

/**
 * Starts a scenario's servers, measures them in turns and stops them. Within a round every row is measured at one
 * number of connections before the next number's turn, so that rows which are compared are seconds apart; who begins
 * changes with the round.
 */
export async function runScenario(scenario: Scenario, run: Run): Promise<Measurement[]> {
  const started: StartedRow[] = [];
  for (const row of [...scenario.subjects, ...scenario.references]) {
    run.log(`${scenario.operation}: starting ${row.title}`);
    started.push(await startRow(row, scenario.operation, run));
  }
  const loops = new LoopCounter();
  for (const row of started) await measure(row, WARMUP_CONNECTIONS, WARMUP_SECONDS, loops, run);
  const measurements = await measureRounds(scenario, started, loops, run);
  for (const { row, server } of started) {
    if (systems[row.system].isStore) await checkStore(server.port);
    await server.stop();
  }
  return measurements;
}

async function measureRounds(
  scenario: Scenario,
  started: readonly StartedRow[],
  loops: LoopCounter,
  run: Run,
): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  for (let round = 0; round < run.rounds; round++) {
    for (const connections of run.connections) {
      run.log(`${scenario.operation}: round ${round + 1} of ${run.rounds}, ${connections} connections`);
      for (const row of rotate(started, round)) {
        const measured = await measure(row, connections, run.seconds, loops, run);
        measurements.push({ ...measured, round });
      }
    }
  }
  return measurements;
}

async function startRow(row: Row, operation: Operation, run: Run): Promise<StartedRow> {
  const system = systems[row.system];
  const dataDir = join(run.dataDir, `${operation}-${row.name}`);
  mkdirSync(dataDir);
  const server = await system.start({
    children: run.children,
    core: run.placement?.serverCore,
    operation,
    dataDir,
  });
  if (system.isStore) {
    await fillStore(server.port);
    await checkStore(server.port);
  }
  const template = requestTemplate(operation, server.port);
  const requestFile = join(dataDir, 'request');
  writeFileSync(requestFile, template.bytes);
  return { row, operation, server, template, requestFile };
}

async function measure(
  started: StartedRow,
  connections: number,
  seconds: number,
  loops: LoopCounter,
  run: Run,
): Promise<Omit<Measurement, 'round'>> {
  const { row, operation, server } = started;
  const plan = { ...planFor(started), connections, seconds, revisionStart: loops.nextRevision() };
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
    operation,
    row: row.name,
    connections,
    requestsPerSecond,
    latencyUs,
    serverCpuUs,
    serverCores,
    loadCores,
  };
}

type PlanOfRow = Omit<LoadPlan, 'connections' | 'seconds' | 'revisionStart'>;

function planFor({ row, operation, server, template, requestFile }: StartedRow): PlanOfRow {
  const { keyOffset, revisionOffset } = template;
  const answerBytes = Buffer.byteLength(answerBody(operation));
  return { port: server.port, requestFile, keyOffset, revisionOffset, keys: row.keys, answerBytes };
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

class LoopCounter {
  #count = 0;

  nextRevision(): number {
    return REVISION_MIN + this.#count++ * LOOP_REQUESTS_MAX;
  }
}

function rotate<T>(values: readonly T[], by: number): T[] {
  const start = by % values.length;
  return [...values.slice(start), ...values.slice(0, start)];
}
