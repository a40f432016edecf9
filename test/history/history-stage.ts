import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkDataDirectory } from '../../engine/check.ts';
import { Engine } from '../../engine/engine.ts';
import { DynamoDbError } from '../../protocol/errors.ts';
import { type Answer, errorOf } from '../model/outcome.ts';
import type { WireRequest } from '../model/printer.ts';
import { storeEpoch } from '../model/request.ts';
import type { Stage } from '../model/scene.ts';
import { type Door, ManualClock } from '../model/world.ts';
import { silentLogger } from '../silent-logger.ts';
import type { Told } from './told.ts';

/** Stands until it is told to go on, or back, as a machine's clock can be set; timers go on meanwhile. */
class StoreClock extends ManualClock {
  override monotonic(): number {
    return performance.now();
  }
}

/**
 * An engine whose log is in small segments and whose histories get many bases, with a clock that stands until it is told to go on. Its
 * process can be stopped, or killed: then the next one goes on from a copy of what was on the disk.
 */
export class HistoryStage implements Stage {
  readonly clock = new ManualClock();
  readonly storeClock: StoreClock;
  readonly #made: string[] = [];
  #directory: string;
  #engine: Engine;

  private constructor(directory: string, engine: Engine, storeClock: StoreClock) {
    this.#directory = directory;
    this.#engine = engine;
    this.storeClock = storeClock;
    this.#made.push(directory);
  }

  static async open(): Promise<HistoryStage> {
    const directory = newDirectory();
    const clock = new StoreClock(storeEpoch * 1000);
    return new HistoryStage(directory, await openEngine(directory, clock), clock);
  }

  get doors(): readonly Door[] {
    return [{ name: 'engine', call: (request) => this.#answer(request) }];
  }

  /** What cannot be said to the model. */
  async ask(operation: string, input: WireRequest['input']): Promise<Told> {
    const answer = await this.#answer({ operation, input });
    return 'json' in answer ? { output: JSON.parse(answer.json) } : answer;
  }

  /** A file in the bucket. */
  read(key: string): Buffer {
    return readFileSync(join(this.#directory, 'buckets', bucket, key));
  }

  /** Stops it, looks through what it has left, and starts it again. */
  async restart(): Promise<void> {
    await this.#engine.close();
    await this.#check();
    this.#engine = await openEngine(this.#directory, this.storeClock);
  }

  /** Starts the next one on what a kill of this one would have left. */
  async kill(): Promise<void> {
    const directory = newDirectory();
    this.#made.push(directory);
    copyAsKilled(this.#directory, directory);
    await this.#engine.close();
    rmSync(this.#directory, { recursive: true, force: true });
    this.#directory = directory;
    await this.#check();
    this.#engine = await openEngine(directory, this.storeClock);
  }

  async close(): Promise<void> {
    await this.#engine.close();
    await this.#check();
  }

  remove(): void {
    for (const directory of this.#made) rmSync(directory, { recursive: true, force: true });
  }

  async #check(): Promise<void> {
    const { problems } = await checkDataDirectory(this.#directory);
    if (problems.length > 0) throw new Error(`the data folder is damaged:\n${problems.join('\n')}`);
  }

  async #answer({ operation, input }: WireRequest): Promise<Answer> {
    try {
      const reply = await this.#engine.call({ operation, input, region });
      return { json: reply.body.toString() };
    } catch (error) {
      if (!(error instanceof DynamoDbError)) throw error;
      return { error: errorOf(error.code, error.message, error.members) };
    }
  }
}

const region = 'us-east-1';

/** A folder that stands for one. */
export const bucket = 'bucket';

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'slipstream-past-'));
  mkdirSync(join(directory, 'buckets', bucket), { recursive: true });
  return directory;
}

/** Small enough for many segments, bases and rounds of the applier in a short run. */
const logSegmentBytesMax = 4096;
const pitrBaseBytesMin = 3000;
const overlayBytesMax = 256 * 1024;

function openEngine(dataDirectory: string, clock: StoreClock): Promise<Engine> {
  return Engine.open({
    dataDirectory,
    clock,
    durability: 'sync',
    logSegmentBytesMax,
    pitrBaseBytesMin,
    overlayBytesMax,
    capacity: 'off',
    controlPlaneDelayMs: 0,
    ttlSweepMs: 1,
    ttlChangeIntervalMs: 0,
    diskReserveBytes: 0,
    replicaLagMs: 0,
    log: silentLogger,
    onFatal: (error) => {
      throw error;
    },
  });
}

/** What is copied later may say more than what is copied before it, and never less, as other threads go on writing. */
function copyAsKilled(from: string, to: string): void {
  for (const name of ['format.json', 'history/progress.json']) copy(from, to, name);
  const others = readdirSync(from).filter((name) => name !== 'state' && name !== 'log' && name !== 'lock');
  for (const name of others) copy(from, to, name);
  copyState(from, to);
  copy(from, to, 'log');
}

/** LMDB's current pages stay as they are until its newest meta page, of the two at the beginning, is another one. */
function copyState(from: string, to: string): void {
  const file = join(from, 'state', 'data.mdb');
  for (;;) {
    const before = metaPages(file);
    rmSync(join(to, 'state'), { recursive: true, force: true });
    copy(from, to, 'state');
    if (before.equals(metaPages(file))) return;
  }
}

const metaPagesBytes = 2 * 8192;

function metaPages(file: string): Buffer {
  const pages = Buffer.alloc(metaPagesBytes);
  const descriptor = openSync(file, 'r');
  readSync(descriptor, pages, 0, metaPagesBytes, 0);
  closeSync(descriptor);
  return pages;
}

function copy(from: string, to: string, name: string): void {
  const path = join(from, name);
  for (;;) {
    if (!existsSync(path)) return;
    try {
      cpSync(path, join(to, name), { recursive: true });
      return;
    } catch (error) {
      // Another thread has renamed or removed one of the files.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}
