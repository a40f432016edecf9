import { readdirSync, readFileSync, statSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { cpuSeconds } from '../../bench/machine.ts';
import { Program } from '../program.ts';

/** Calls under way at once are bounded by the workers of a test; each has a connection. */
const connectionsMax = 32;
const watchMs = 100;

/** `slipstream engine` on a folder, in a process of its own, with an eye on its memory and its files. */
export class Server {
  /** Processor time until the ready line: on a machine with nothing else to do as long as it takes. */
  readonly startMs: number;
  /** The most that RssAnon has been, sampled ten times a second. */
  anonymousBytesMax = 0;
  readonly #program: Program;
  readonly #port: number;
  readonly #directory: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: connectionsMax });
  readonly #watch: NodeJS.Timeout;

  private constructor(program: Program, address: string, directory: string, startMs: number) {
    this.#program = program;
    this.#port = Number(new URL(address).port);
    this.#directory = directory;
    this.startMs = startMs;
    this.#watch = setInterval(() => this.#look(), watchMs);
  }

  static async start(directory: string): Promise<Server> {
    const program = Program.run(['engine', '--port', '0', '--data', directory]);
    const address = await program.ready();
    const startMs = (cpuSeconds(program.process.pid ?? 0) ?? 0) * 1000;
    return new Server(program, address, directory, startMs);
  }

  /** @returns the answer. @throws CallError where it is an error. */
  async call<T>(operation: string, input: object): Promise<T> {
    const { status, body } = await this.#post(operation, JSON.stringify(input));
    if (status !== 200) throw new CallError(operation, body);
    return JSON.parse(body) as T;
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    clearInterval(this.#watch);
    this.#agent.destroy();
    await this.#program.end(signal);
  }

  /** Of the tables' files, as far as they reach. */
  get stateBytes(): number {
    return bytesIn(join(this.#directory, 'state'));
  }

  get logBytes(): number {
    return bytesIn(join(this.#directory, 'log'));
  }

  #post(operation: string, body: string): Promise<{ status: number; body: string }> {
    const headers = {
      'content-type': 'application/x-amz-json-1.0',
      'content-length': Buffer.byteLength(body),
      'x-amz-target': `DynamoDB_20120810.${operation}`,
      'x-amz-date': '20260101T000000Z',
      authorization:
        'AWS4-HMAC-SHA256 Credential=scale/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, ' +
        `Signature=${'0'.repeat(64)}`,
    };
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: this.#port, method: 'POST', headers, agent: this.#agent };
      const call = request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
        );
      });
      call.on('error', reject);
      call.end(body);
    });
  }

  #look(): void {
    const bytes = anonymousBytes(this.#program.process.pid);
    if (bytes > this.anonymousBytesMax) this.anonymousBytesMax = bytes;
  }
}

export class CallError extends Error {
  override readonly name = 'CallError';
  readonly body: string;

  constructor(operation: string, body: string) {
    super(`${operation}: ${body}`);
    this.body = body;
  }

  get isThrottling(): boolean {
    return this.body.includes('ThrottlingException');
  }
}

/** Memory that no file backs: heap, buffers, pages that LMDB has not written yet. 0 where Linux does not tell. */
function anonymousBytes(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function bytesIn(directory: string): number {
  return readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
}
