import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateTableCommand, DynamoDBClient, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect } from 'vitest';
import { type Exit, Program } from '../program.ts';

/** A data folder that servers are started on, one after the other, for the tests of one file. */
export class Folder {
  path = '';
  readonly #programs: Program[] = [];

  constructor() {
    beforeAll(() => {
      this.path = mkdtempSync(join(tmpdir(), 'slipstream-kill-'));
    });
    afterAll(async () => {
      for (const program of this.#programs) await program.end('SIGKILL');
      rmSync(this.path, { recursive: true, force: true });
    });
  }

  /** The whole of it, or the program that `words` begin with. */
  async start(...words: readonly string[]): Promise<CrashServer> {
    const program = Program.run([...words, '--port', '0', '--data', this.path]);
    this.#programs.push(program);
    return new CrashServer(program, clientOf(await program.ready()));
  }

  /** The checker finds nothing to complain of. */
  async expectSound(): Promise<void> {
    const checked = Program.run(['check', '--data', this.path]);
    this.#programs.push(checked);
    expect(await checked.exit).toMatchObject({ code: 0, stderr: '' });
  }
}

export class CrashServer {
  readonly client: DynamoDBClient;
  readonly #program: Program;

  constructor(program: Program, client: DynamoDBClient) {
    this.client = client;
    this.#program = program;
  }

  /** @param writing what ends when the server is gone; its own failures come out here. */
  async kill(writing: readonly Promise<void>[]): Promise<void> {
    await this.#end('SIGKILL');
    await Promise.all(writing);
  }

  async endCleanly(): Promise<void> {
    expect((await this.#end('SIGTERM')).code).toBe(0);
  }

  async #end(signal: NodeJS.Signals): Promise<Exit> {
    const exit = await this.#program.end(signal);
    this.client.destroy();
    return exit;
  }
}

/** Does it again and again until the server is gone. An answer that is an error is a failure. */
export async function repeatUntilGone(act: () => Promise<void>): Promise<void> {
  try {
    for (;;) await act();
  } catch (error) {
    if ((error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode !== undefined)
      throw error;
  }
}

/** A table with the partition key `id`, once it is there. */
export async function createTable(client: DynamoDBClient, TableName: string): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName,
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 10, minDelay: 0.05, maxDelay: 0.2 }, { TableName });
}

function clientOf(endpoint: string): DynamoDBClient {
  return new DynamoDBClient({
    endpoint,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
    maxAttempts: 1,
  });
}
