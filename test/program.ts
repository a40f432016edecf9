import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  bin: { slipstream: string };
};

/** The longest wait for something to be written. */
const outputMs = 20_000;

export interface Exit {
  /** Null where a signal ended the process. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The real program, built, in a process of its own. Whoever starts one ends it. */
export class Program {
  readonly process: ChildProcess;
  stdout = '';
  stderr = '';
  /** Resolves when the process has ended and all that it wrote has been read. */
  readonly exit: Promise<Exit>;

  private constructor(command: string, words: readonly string[], environment: NodeJS.ProcessEnv) {
    this.process = spawn(command, words, { cwd: root, env: { ...inherited(), ...environment } });
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.exit = once(this.process, 'close').then(([code, signal]) => ({
      code,
      signal,
      stdout: this.stdout,
      stderr: this.stderr,
    }));
  }

  /** `slipstream` with these words. */
  static run(words: readonly string[], environment: NodeJS.ProcessEnv = {}): Program {
    return new Program(process.execPath, [join(root, bin.slipstream), ...words], environment);
  }

  /** `npm start` with these words. */
  static npmStart(words: readonly string[]): Program {
    return new Program('npm', ['start', '--', ...words], {});
  }

  /** The address of its ready line. @throws Error with all that it wrote, where it ends or stays silent instead. */
  async ready(): Promise<string> {
    await this.#until(() => /^ready \S+\n/m.test(this.stdout), this.process.stdout);
    return /^ready (\S+)\n/m.exec(this.stdout)?.[1] ?? '';
  }

  /** Waits for words on stderr. @throws as `ready` does. */
  said(words: string): Promise<void> {
    return this.#until(() => this.stderr.includes(words), this.process.stderr);
  }

  async #until(condition: () => boolean, output: Readable | null): Promise<void> {
    const deadline = { signal: AbortSignal.timeout(outputMs) };
    while (!condition()) {
      if (output === null || output.readableEnded) {
        throw new Error(`it ended; stdout: ${this.stdout} stderr: ${this.stderr}`);
      }
      await Promise.race([once(output, 'data', deadline), once(output, 'end', deadline)]);
    }
  }

  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.process.kill(signal);
    return this.exit;
  }
}

/** Without settings of whoever runs the tests. */
function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(SLIPSTREAM|AWS|NODE)_/.test(name)),
  );
}
