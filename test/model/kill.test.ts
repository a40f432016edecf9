import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, test } from 'vitest';
import { checkDataDirectory } from '../../engine/check.ts';
import { Program } from '../program.ts';
import { campaign, seed } from './campaign.ts';
import { attributeNames } from './document-generator.ts';
import type { Stage } from './scene.ts';
import { sdkDoor } from './sdk-door.ts';
import { type Door, ManualClock } from './world.ts';

/** MODEL_KILLS sequences, where it is set, instead of the usual number. */
const runs = Number(process.env.MODEL_KILLS ?? 6);

const limitMs = 30_000 + runs * 15_000;

/** The SDK itself loses attributes of this name: it assigns them to an object. */
const names = attributeNames.filter((name) => name !== '__proto__');

const open: KilledProgram[] = [];
afterAll(async () => {
  for (const program of open) await program.remove();
});

test(`a process that is killed has done what it said, and nothing in part (MODEL_SEED=${seed})`, {
  timeout: limitMs + 30_000,
}, async () => {
  const stage = await KilledProgram.open();
  open.push(stage);
  const options = { stepsMin: 20, stepsMax: 60, store: 'killed' as const, names, doors: ['sdk'] };
  await campaign(stage, options, { runs, seed, command: 'test/model/kill.test.ts', limitMs });
});

/** The real program, accelerator and engine, of which nothing is left after each kill but its files. */
class KilledProgram implements Stage {
  /** Of caches that keep what the store announces. */
  readonly clock = new ManualClock();
  readonly storeClock = new SystemTime();
  readonly #directory: string;
  #program: Program;
  #client: DynamoDBClient;

  private constructor(directory: string, program: Program, endpoint: string) {
    this.#directory = directory;
    this.#program = program;
    this.#client = clientOf(endpoint);
  }

  static async open(): Promise<KilledProgram> {
    const directory = await mkdtemp(join(tmpdir(), 'slipstream-killed-'));
    const program = start(directory);
    return new KilledProgram(directory, program, await program.ready());
  }

  get doors(): readonly Door[] {
    return [sdkDoor('sdk', this.#client)];
  }

  /** Kills it, checks what it has left, and starts it again. */
  async restart(): Promise<void> {
    await this.#kill();
    const { problems } = await checkDataDirectory(this.#directory);
    if (problems.length > 0) throw new Error(`the data folder is damaged:\n${problems.join('\n')}`);
    this.#program = start(this.#directory);
    this.#client = clientOf(await this.#program.ready());
  }

  async remove(): Promise<void> {
    await this.#kill();
    await rm(this.#directory, { recursive: true });
  }

  async #kill(): Promise<void> {
    await this.#program.end('SIGKILL');
    this.#client.destroy();
  }
}

/** A process has the time of its machine; nobody moves it on. */
class SystemTime extends ManualClock {
  override now(): number {
    return Date.now();
  }
}

function start(directory: string): Program {
  const sizes = ['--log-segment-size', '1MB', '--overlay-size', '1MB'];
  return Program.run(['--port', '0', '--data', directory, '--ttl-sweep-ms', '10ms', ...sizes]);
}

function clientOf(endpoint: string): DynamoDBClient {
  return new DynamoDBClient({
    endpoint,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  });
}
