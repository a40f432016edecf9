import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StartedTestContainer } from 'testcontainers';
import { programEnvironment, type RedisSource } from './redis-source.ts';

/** Runs servers, all of one machine: this one, or one container, in which temporary files have the same paths. */
export interface RedisLauncher {
  /**
   * Starts one on this port of loopback and waits until it accepts connections.
   * @throws Error with its last words where it ends instead, as on a port that is taken.
   */
  launch(port: number, folder: string, words: readonly string[]): Promise<RedisProcess>;
  /** Kills all that still run. */
  close(): Promise<void>;
}

export interface RedisProcess {
  /** Of its machine. */
  readonly pid: number;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** As `kill -9`; resolves when it has ended. */
  kill(): Promise<void>;
}

const image = 'redis:7-alpine';
const readyMark = 'Ready to accept connections';
const startMs = 10_000;

/** @param ports all on which it will launch servers. */
export async function openLauncher(source: RedisSource, ports: readonly number[]): Promise<RedisLauncher> {
  switch (source.kind) {
    case 'program':
      return new ProgramLauncher(source.command, programEnvironment(source.libraries));
    case 'container':
      return new ContainerLauncher(await startContainer(ports));
    case 'none':
      throw new Error(source.obstacle);
  }
}

class ProgramLauncher implements RedisLauncher {
  readonly #command: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #running = new Set<ChildProcess>();

  constructor(command: string, environment: NodeJS.ProcessEnv) {
    this.#command = command;
    this.#environment = environment;
  }

  async launch(port: number, folder: string, words: readonly string[]): Promise<RedisProcess> {
    const child = spawn(this.#command, [...serverWords(port, '127.0.0.1', folder), ...words], {
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#running.add(child);
    const ended = once(child, 'close').then(() => {
      this.#running.delete(child);
    });
    await ready(child, ended);
    const { pid = 0 } = child;
    const watch = endWithThisProcess(pid);
    ended.then(() => watch.kill('SIGKILL'));
    return {
      pid,
      pause: async () => void child.kill('SIGSTOP'),
      resume: async () => void child.kill('SIGCONT'),
      kill: () => {
        child.kill('SIGKILL');
        return ended;
      },
    };
  }

  async close(): Promise<void> {
    const ends = [...this.#running].map((child) => once(child, 'close'));
    for (const child of this.#running) child.kill('SIGKILL');
    await Promise.all(ends);
  }
}

/**
 * A run that breaks off leaves no server behind, however it ends: a shell waits for the end of its input, which is
 * that of this process.
 */
function endWithThisProcess(pid: number): ChildProcess {
  const watch = spawn('sh', ['-c', `cat > /dev/null; kill -KILL ${pid}`], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watch.unref();
  return watch;
}

async function ready(child: ChildProcess, ended: Promise<void>): Promise<void> {
  let said = '';
  const accepts = new Promise<void>((resolve) => {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (said.includes(readyMark)) return;
      said += text;
      if (said.includes(readyMark)) resolve();
    });
  });
  const failed = ended.then(() => Promise.reject(new Error(`redis-server ended: ${said.slice(-500)}`)));
  await Promise.race([accepts, failed]);
}

/**
 * It does nothing but hold the machine that the servers run in, so that each can be killed and started again under the
 * same port, and reach the others on loopback.
 */
async function startContainer(ports: readonly number[]): Promise<StartedTestContainer> {
  const { GenericContainer } = await import('testcontainers');
  return new GenericContainer(image)
    .withEntrypoint(['sleep', 'infinity'])
    .withBindMounts([{ source: tmpdir(), target: tmpdir() }])
    .withExposedPorts(...ports.map((port) => ({ container: port, host: port })))
    .start();
}

class ContainerLauncher implements RedisLauncher {
  readonly #container: StartedTestContainer;

  constructor(container: StartedTestContainer) {
    this.#container = container;
  }

  async launch(port: number, folder: string, words: readonly string[]): Promise<RedisProcess> {
    const log = join(folder, 'redis.log');
    const server = [
      'redis-server',
      ...serverWords(port, '0.0.0.0', folder),
      ...['--protected-mode', 'no', '--daemonize', 'yes', '--pidfile', join(folder, 'redis.pid')],
      ...['--logfile', log, ...words],
    ];
    await this.#shell(`rm -f ${quoted(log)}; ${server.map(quoted).join(' ')}`);
    const rounds = startMs / 50;
    await this.#shell(
      `for i in $(seq ${rounds}); do grep -q '${readyMark}' ${quoted(log)} && exit 0; sleep 0.05; done; tail ${quoted(log)}; exit 1`,
    );
    const pid = Number(await this.#shell(`cat ${quoted(join(folder, 'redis.pid'))}`));
    return {
      pid,
      pause: async () => void (await this.#shell(`kill -STOP ${pid}`)),
      resume: async () => void (await this.#shell(`kill -CONT ${pid}`)),
      kill: async () => {
        // Nobody reaps it in there: ended it is a zombie.
        const lives = `[ -d /proc/${pid} ] && ! grep -q '^State:.Z' /proc/${pid}/status`;
        await this.#shell(`kill -KILL ${pid}; while ${lives}; do sleep 0.02; done`);
      },
    };
  }

  async close(): Promise<void> {
    await this.#container.stop();
  }

  async #shell(line: string): Promise<string> {
    const { exitCode, output } = await this.#container.exec(['sh', '-c', line]);
    if (exitCode !== 0) throw new Error(`in the container: ${output}`);
    return output;
  }
}

function serverWords(port: number, address: string, folder: string): string[] {
  return ['--port', `${port}`, '--bind', address, '--save', '', '--appendonly', 'no', '--dir', folder];
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
