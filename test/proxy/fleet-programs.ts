import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Program } from '../program.ts';

/** `slipstream engine`, and several of `slipstream proxy` in front of it that share a Redis. */
export class FleetPrograms {
  readonly engine: Door;
  readonly proxies: readonly ProxyProgram[];
  readonly #engine: Program;
  readonly #data: string;

  private constructor(engine: Program, door: Door, data: string, proxies: readonly ProxyProgram[]) {
    this.#engine = engine;
    this.engine = door;
    this.#data = data;
    this.proxies = proxies;
  }

  static async start({ count, redis, engineWords, proxyWords }: FleetOptions): Promise<FleetPrograms> {
    const data = mkdtempSync(join(tmpdir(), 'slipstream-fleet-'));
    const engine = Program.run(['engine', '--port', '0', '--data', data, ...engineWords]);
    const url = await engine.ready();
    const words = [
      ...['proxy', '--port', '0', '--admin', '0', '--log-format', 'json', '--upstream', url],
      ...redis.flatMap((each) => ['--redis', each]),
      ...proxyWords,
    ];
    const proxies = Array.from({ length: count }, (_, i) => new ProxyProgram(i, words));
    await Promise.all(proxies.map((proxy) => proxy.start()));
    return new FleetPrograms(engine, new Door(url), data, proxies);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.proxies.map((proxy) => proxy.kill()), this.#engine.end('SIGKILL')]);
    this.engine.close();
    rmSync(this.#data, { recursive: true, force: true });
  }
}

export interface FleetOptions {
  readonly count: number;
  readonly redis: readonly string[];
  readonly engineWords: readonly string[];
  readonly proxyWords: readonly string[];
}

/** One place in the fleet, where one process runs after the other. */
export class ProxyProgram {
  readonly #number: number;
  readonly #words: readonly string[];
  #program: Program | undefined;
  #door: Door | undefined;
  #starts = 0;

  constructor(number: number, words: readonly string[]) {
    this.#number = number;
    this.#words = words;
  }

  /** Of the process: the one that is started next has another one. */
  get name(): string {
    return `proxy ${this.#number}.${this.#starts}`;
  }

  /** Undefined while none runs. */
  get door(): Door | undefined {
    return this.#door;
  }

  async start(): Promise<void> {
    this.#program = Program.run(this.#words);
    this.#starts++;
    this.#door = new Door(await this.#program.ready());
  }

  /** Calls under way fail; the store may have got them. */
  async kill(): Promise<void> {
    const door = this.#door;
    this.#door = undefined;
    await this.#program?.end('SIGKILL');
    door?.close();
  }

  /** What it has counted since its start. */
  async metrics(): Promise<string> {
    await this.#program?.said('"listening"');
    const admin = /"admin":"([^"]+)"/.exec(this.#program?.stderr ?? '')?.[1];
    return (await fetch(`${admin}/metrics`)).text();
  }

  /** What it has logged since its start. */
  get log(): string {
    return this.#program?.stderr ?? '';
  }
}

/** The API at an address, without the weight of an SDK. */
export class Door {
  readonly #url: URL;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: connectionsMax });

  constructor(url: string) {
    this.#url = new URL(url);
  }

  /** @throws CallError where DynamoDB's answer is an error; any other Error where there is no answer. */
  async call(operation: string, input: object): Promise<Output> {
    const { status, body } = await this.#post(operation, JSON.stringify(input));
    if (status !== 200) throw new CallError(operation, status, body);
    return JSON.parse(body) as Output;
  }

  close(): void {
    this.#agent.destroy();
  }

  #post(operation: string, body: string): Promise<{ status: number; body: string }> {
    const { hostname: host, port } = this.#url;
    const headers = { ...signature, 'x-amz-target': `DynamoDB_20120810.${operation}` };
    return new Promise((resolve, reject) => {
      const call = request({ host, port, method: 'POST', headers, agent: this.#agent }, (response) => {
        textOf(response).then((text) => resolve({ status: response.statusCode ?? 0, body: text }), reject);
      });
      call.on('error', reject);
      call.end(body);
    });
  }
}

export type Output = Record<string, unknown>;

export class CallError extends Error {
  /** DynamoDB's name for it. */
  readonly code: string;
  readonly status: number;

  constructor(operation: string, status: number, body: string) {
    super(`${operation}: ${status} ${body}`);
    this.code = /#(\w+)"/.exec(body)?.[1] ?? '';
    this.status = status;
  }
}

/** Calls that wait for an answer at once; more have to queue. */
const connectionsMax = 1_024;

const signature = {
  'content-type': 'application/x-amz-json-1.0',
  'x-amz-date': '20260101T000000Z',
  authorization:
    'AWS4-HMAC-SHA256 Credential=fleet/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, ' +
    `Signature=${'0'.repeat(64)}`,
};

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
