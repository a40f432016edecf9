import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

const startMs = 30_000;

/** A server in a process of its own that says `ready PORT` once it listens on loopback. Whoever starts it stops it. */
export class ChildServer {
  readonly address: string;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, port: string) {
    this.#process = process;
    this.address = `http://127.0.0.1:${port}`;
  }

  static async run(command: string, words: readonly string[], directory: string): Promise<ChildServer> {
    const process = spawn(command, words, { cwd: directory, stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      return new ChildServer(process, await readyPort(process));
    } catch (error) {
      process.kill('SIGKILL');
      throw error;
    }
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, 'close');
    this.#process.kill('SIGKILL');
    await ended;
  }
}

async function readyPort(process: ChildProcess): Promise<string> {
  const deadline = AbortSignal.timeout(startMs);
  let said = '';
  for (;;) {
    const [chunk] = await once(process.stdout as NodeJS.ReadableStream, 'data', { signal: deadline });
    said += String(chunk);
    const port = /^ready (\d+)$/m.exec(said)?.[1];
    if (port !== undefined) return port;
  }
}
