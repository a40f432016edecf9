import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { LatencyUs } from './histogram.ts';
import { KEY_DIGITS, REVISION_DIGITS } from './item.ts';
import type { Slot } from './request.ts';

/** One closed loop of requests against one server. */
export interface LoadPlan {
  readonly port: number;
  readonly connections: number;
  /** Whole seconds, as wrk takes no fractions. */
  readonly seconds: number;
  /** A file with the bytes of a `RequestTemplate`, and its slots. */
  readonly requestFile: string;
  readonly slots: readonly Slot[];
  /** Requests take key numbers from 0 up to this, uniformly. */
  readonly keys: number;
  /** Revisions rise from here, so that no write repeats what another loop has written. */
  readonly revisionStart: number;
  /** Length of a right answer's body. */
  readonly answerBytes: number;
}

export interface LoadResult {
  readonly requestsPerSecond: number;
  /** Answers in all, those before the measured time included. */
  readonly answers: number;
  readonly latencyUs: LatencyUs;
}

/** A program that sends load, in its own process. */
export interface Generator {
  /** Name and version, for the report. */
  readonly name: string;
  command(plan: LoadPlan): { readonly program: string; readonly args: readonly string[] };
  /** @throws Error where an answer was wrong or missing: such a loop has measured nothing. */
  parse(output: string, plan: LoadPlan): LoadResult;
}

export type GeneratorChoice = 'wrk' | 'node';

/** @param choice undefined takes wrk where it is installed. */
export function chooseGenerator(choice: GeneratorChoice | undefined): Generator {
  const version = choice === 'node' ? undefined : wrkVersion();
  if (version !== undefined) return wrkGenerator(version);
  if (choice === 'wrk') throw new Error('wrk was asked for and is not installed');
  return nodeGenerator;
}

/** bench/load.ts, which checks every answer itself. */
export const nodeGenerator: Generator = {
  name: `bench/load.ts on Node.js ${process.version}`,
  command(plan) {
    const script = fileURLToPath(new URL('./load.js', import.meta.url));
    return { program: process.execPath, args: [script, JSON.stringify(plan)] };
  },
  parse(output) {
    return JSON.parse(output) as LoadResult;
  },
};

interface WrkOutput {
  readonly requests: number;
  readonly durationUs: number;
  /** Received, headers included. */
  readonly bytes: number;
  /** Connections, reads and writes that failed or took over `WRK_TIMEOUT`. */
  readonly failures: number;
  /** Answers with another status than 2xx and 3xx. */
  readonly notOk: number;
  readonly latencyUs: LatencyUs;
}

const WRK_TIMEOUT = '10s';

/** An answer's headers are smaller than this. */
const HEADER_BYTES_MAX = 1_024;

export function wrkGenerator(name: string): Generator {
  return { name, command: wrkCommand, parse: parseWrk };
}

function wrkVersion(): string | undefined {
  const { error, stdout } = spawnSync('wrk', ['--version'], { encoding: 'utf8' });
  return error === undefined ? /^wrk \S+/.exec(stdout)?.[0] : undefined;
}

function wrkCommand(plan: LoadPlan): { program: string; args: string[] } {
  // The script is no input of the compiler; it stays in the source folder, which the compiled one has beside it.
  const script = fileURLToPath(new URL('../../bench/wrk.lua', import.meta.url));
  const { requestFile, keys, revisionStart } = plan;
  const numbers = [keys, KEY_DIGITS, revisionStart, REVISION_DIGITS].map(String);
  const slots = plan.slots.map(({ holds, offset }) => `${holds}:${offset}`);
  const options = [
    '-t1',
    `-c${plan.connections}`,
    `-d${plan.seconds}s`,
    '--timeout',
    WRK_TIMEOUT,
    '-s',
    script,
  ];
  const url = `http://127.0.0.1:${plan.port}/`;
  return { program: 'wrk', args: [...options, url, '--', requestFile, ...numbers, ...slots] };
}

function parseWrk(output: string, plan: LoadPlan): LoadResult {
  const line = output.split('\n').findLast((text) => text.startsWith('{'));
  if (line === undefined) throw new Error(`wrk printed no result: ${output}`);
  const result = JSON.parse(line) as WrkOutput;
  if (result.failures > 0 || result.notOk > 0 || result.requests === 0)
    throw new Error(`wrk met failures: ${line}`);
  // At the end each connection can have received a part of one more answer.
  const answersMax = result.requests + plan.connections;
  const bytesMax = answersMax * (plan.answerBytes + HEADER_BYTES_MAX);
  if (result.bytes < result.requests * plan.answerBytes || result.bytes > bytesMax) {
    throw new Error(
      `${result.bytes} bytes are not ${result.requests} answers with a body of ${plan.answerBytes}`,
    );
  }
  const requestsPerSecond = result.requests / (result.durationUs / 1e6);
  return { requestsPerSecond, answers: result.requests, latencyUs: result.latencyUs };
}
