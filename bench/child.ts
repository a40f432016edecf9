import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

const READY_MS_MAX = 30_000;
const STOP_MS_MAX = 15_000;
const STDERR_CHARS_MAX = 4_096;
const STDOUT_CHARS_MAX = 1_000_000;

/** What runs where: `core` is a processor number for taskset, or undefined to leave the choice to the system. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly core: number | undefined;
}

/** A server in its own process, listening on 127.0.0.1 at `port`. */
export interface ServerProcess {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/** The processes of one run. Each is known from its start to its exit, so that none outlives the run. */
export class Children {
  readonly #running = new Set<ChildProcess>();

  spawn(command: Command): ChildProcess {
    const { program, args, core } = command;
    const [file, ...rest] =
      core === undefined ? [program, ...args] : ['taskset', '-c', String(core), program, ...args];
    const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#running.add(child);
    child.once('exit', () => this.#running.delete(child));
    child.once('error', () => this.#running.delete(child));
    return child;
  }

  /** Starts a server and waits for its line `ready http://127.0.0.1:PORT`, or `ready PORT`. */
  async startServer(command: Command): Promise<ServerProcess> {
    const child = this.spawn(command);
    try {
      const port = await readyPort(child);
      return { port, pid: child.pid ?? 0, stop: () => stop(child) };
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  /** Runs a program to its end. @returns what it wrote to stdout. */
  async output(child: ChildProcess): Promise<string> {
    const stderr = tail(child.stderr, STDERR_CHARS_MAX);
    const stdout = tail(child.stdout, STDOUT_CHARS_MAX);
    const [code, signal] = await once(child, 'close');
    if (code !== 0)
      throw new Error(`${child.spawnfile} ended with ${code ?? signal}: ${stderr()}${stdout()}`);
    return stdout();
  }

  /** Ends what still runs, at once. */
  killAll(): void {
    for (const child of this.#running) child.kill('SIGKILL');
  }
}

async function readyPort(child: ChildProcess): Promise<number> {
  const stderr = tail(child.stderr, STDERR_CHARS_MAX);
  const stdout = tail(child.stdout, STDERR_CHARS_MAX);
  let timer: NodeJS.Timeout | undefined;
  const port = new Promise<number>((resolve, reject) => {
    const fail = (what: string): void =>
      reject(new Error(`${child.spawnargs.join(' ')} ${what}: ${stderr()}`));
    timer = setTimeout(() => fail(`was not ready within ${READY_MS_MAX} ms`), READY_MS_MAX);
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code, signal) => fail(`ended with ${code ?? signal}`));
    child.stdout?.on('data', () => {
      const digits = /^ready (?:http:\/\/127\.0\.0\.1:)?(\d+)$/m.exec(stdout())?.[1];
      if (digits !== undefined) resolve(Number(digits));
    });
  });
  return port.finally(() => clearTimeout(timer));
}

/** Reads a stream to its end, as a full pipe would stop the child, and keeps its last characters. */
function tail(stream: ChildProcess['stdout'], charsMax: number): () => string {
  let text = '';
  stream?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-charsMax);
  });
  return () => text;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
  await exited;
  clearTimeout(timer);
}
