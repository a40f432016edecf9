import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AttributeValue, DynamoDB } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Program } from '../program.ts';

/**
 * The ways in which the program serves the API. An application must not be able to tell them apart:
 * - `engine`: the embedded engine alone;
 * - `start`: the accelerator in front of the embedded engine, in one process;
 * - `proxy`: the accelerator in front of another endpoint, here that of `engine`.
 */
const setupNames = ['engine', 'start', 'proxy'] as const;

type SetupName = (typeof setupNames)[number];

/** `engine` and `proxy` have their tables in one place: regions keep what their tests make apart. */
const regions: Readonly<Record<SetupName, string>> = {
  engine: 'us-east-1',
  start: 'us-east-1',
  proxy: 'eu-central-1',
};

/** Runs the tests against each of the real programs, which live as long as the test file. */
export function describeSetups(tests: (setup: Setup) => void): void {
  for (const setup of openSetups()) describe(setup.name, () => tests(setup));
}

/** Starts the real programs before the first test of a file and ends them after the last. */
export function openSetups(): readonly Setup[] {
  const programs = new Programs();
  const setups = setupNames.map((name) => new Setup(name, programs));
  beforeAll(() => programs.start());
  afterAll(async () => {
    for (const setup of setups) setup.close();
    await programs.end();
  });
  return setups;
}

/** Real processes, each with what it needs to be told apart from the others. */
class Programs {
  readonly #directory = mkdtempSync(join(tmpdir(), 'slipstream-api-'));
  readonly #programs = new Map<SetupName, Program>();
  readonly #addresses = new Map<SetupName, string>();

  /** Starts all of them, the proxy in front of the engine. */
  async start(): Promise<void> {
    await Promise.all([
      this.run('engine', ['engine', ...this.#data('engine')]),
      this.run('start', this.#data('start')),
    ]);
    await this.run('proxy', ['proxy', '--upstream', this.address('engine')]);
  }

  /** Starts one with these words besides the usual. */
  async run(name: SetupName, words: readonly string[]): Promise<Program> {
    const program = Program.run([...words, '--port', '0', '--log-level', 'error']);
    this.#programs.set(name, program);
    this.#addresses.set(name, await program.ready());
    return program;
  }

  /** Ends all of them; none may have failed unexpectedly meanwhile, which it would have logged. */
  async end(): Promise<void> {
    const names = [...this.#programs.keys()].reverse();
    const exits = [];
    for (const name of names) exits.push(await this.program(name).end());
    rmSync(this.#directory, { recursive: true, force: true });
    for (const exit of exits) expect(exit).toMatchObject({ code: 0, stderr: '' });
  }

  address(name: SetupName): string {
    const address = this.#addresses.get(name);
    if (address === undefined) throw new Error(`${name} has not been started`);
    return address;
  }

  program(name: SetupName): Program {
    const program = this.#programs.get(name);
    if (program === undefined) throw new Error(`${name} has not been started`);
    return program;
  }

  /** The data folder of a program with an engine. */
  dataDirectory(name: SetupName): string {
    return join(this.#directory, name);
  }

  #data(name: SetupName): string[] {
    return ['--data', this.dataDirectory(name)];
  }
}

/** One way of serving the API, with clients of the AWS SDK and tables to test on. */
export class Setup {
  readonly name: SetupName;
  readonly region: string;
  readonly #programs: Programs;
  readonly #clients = new Map<string, DynamoDB>();
  readonly #shared = new Map<string, Promise<string>>();
  #names = 0;

  constructor(name: SetupName, programs: Programs) {
    this.name = name;
    this.region = regions[name];
    this.#programs = programs;
  }

  get address(): string {
    return this.#programs.address(this.name);
  }

  /** Where the engine keeps its data that answers here in the end. */
  get dataDirectory(): string {
    return this.#programs.dataDirectory(this.name === 'proxy' ? 'engine' : this.name);
  }

  /** What answers here: the process itself, and the one behind it. */
  get processes(): ChildProcess[] {
    const names = this.name === 'proxy' ? (['proxy', 'engine'] as const) : [this.name];
    return names.map((name) => this.#programs.program(name).process);
  }

  get dynamo(): DynamoDB {
    return this.clientIn(this.region);
  }

  clientIn(region: string): DynamoDB {
    const client = this.#clients.get(region) ?? clientOf(this.address, region);
    this.#clients.set(region, client);
    return client;
  }

  close(): void {
    for (const client of this.#clients.values()) client.destroy();
  }

  /** A name, for a table or as a key, that no other test uses. */
  newName(): string {
    this.#names++;
    return `name-${this.name}-${this.#names}`;
  }

  /** A new table with partition key `p`, and sort key `s` if a type is given for it, once it is ACTIVE. */
  async table(keys: Keys = {}, region = this.region): Promise<string> {
    const name = this.newName();
    await createTable(this.clientIn(region), name, keys);
    return name;
  }

  /** A table that tests share which look at items of their own only, under keys of `newName`. */
  sharedTable(keys: Keys = {}): Promise<string> {
    const schema = JSON.stringify(keys);
    const table = this.#shared.get(schema) ?? this.table(keys);
    this.#shared.set(schema, table);
    return table;
  }
}

/** The types of the key attributes; the partition key is a string unless said. */
export interface Keys {
  readonly p?: 'S' | 'N' | 'B';
  readonly s?: 'S' | 'N' | 'B';
}

export type Item = Record<string, AttributeValue>;

export async function createTable(dynamo: DynamoDB, name: string, keys: Keys = {}): Promise<void> {
  await dynamo.createTable({ TableName: name, BillingMode: 'PAY_PER_REQUEST', ...schemaOf(keys) });
  await untilActive(dynamo, name);
}

/** What CreateTable needs to know of keys. */
export function schemaOf({ p = 'S', s }: Keys) {
  const names = s === undefined ? ['p'] : ['p', 's'];
  return {
    KeySchema: names.map(
      (name) => ({ AttributeName: name, KeyType: name === 'p' ? 'HASH' : 'RANGE' }) as const,
    ),
    AttributeDefinitions: names.map((name) => ({
      AttributeName: name,
      AttributeType: (name === 'p' ? p : s) as 'S' | 'N' | 'B',
    })),
  };
}

export async function untilActive(dynamo: DynamoDB, name: string): Promise<void> {
  for (;;) {
    const { Table } = await dynamo.describeTable({ TableName: name });
    if (Table?.TableStatus === 'ACTIVE') return;
  }
}

/** What a call that the service refuses rejects with, as the SDK gives it to the application. */
export function refusal(name: string, message: string | RegExp, status = 400): object {
  return {
    name,
    message: typeof message === 'string' ? message : expect.stringMatching(message),
    $metadata: { httpStatusCode: status },
  };
}

/** The refusal of a request that is wrong in itself. */
export function invalid(message: string | RegExp): object {
  return refusal('ValidationException', message);
}

/** The refusal of a PutItem, UpdateItem or DeleteItem that is wrong in itself, whatever its table. */
export function invalidWrite(message: string): object {
  return invalid(`1 validation error detected: ${message}`);
}

function clientOf(endpoint: string, region: string): DynamoDB {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return new DynamoDB({ endpoint, region, credentials, maxAttempts: 1 });
}
