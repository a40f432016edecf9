import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkDataDirectory } from '../../engine/check.ts';
import { Engine } from '../../engine/engine.ts';
import type { Backend, Request } from '../../protocol/backend.ts';
import type { Clock } from '../../protocol/clock.ts';
import { DynamoDbError } from '../../protocol/errors.ts';
import type { Reply } from '../../protocol/reply.ts';
import { Accelerator, type AcceleratorOptions } from '../../proxy/accelerator.ts';
import { silentLogger } from '../silent-logger.ts';
import { type Answer, errorOf } from './outcome.ts';
import type { WireRequest } from './printer.ts';
import { storeEpoch } from './request.ts';

/** One way into the store. */
export interface Door {
  readonly name: string;
  call(request: WireRequest): Promise<Answer>;
}

export const doorNames = ['engine', 'large-cache', 'tiny-cache', 'brief-cache', 'unannounced', 'in-turns'];

/** How long a cache may keep what the store has removed of its own accord and announced to nobody. */
export const unannouncedTtlMs = 10_000;
const briefly = { itemTtlMs: unannouncedTtlMs, queryTtlMs: unannouncedTtlMs };

/** A clock that stands until it is told to go on. */
export class ManualClock implements Clock {
  #ms: number;

  constructor(ms = 1_000_000) {
    this.#ms = ms;
  }

  now(): number {
    return this.#ms;
  }

  monotonic(): number {
    return this.#ms;
  }

  pass(ms: number): void {
    this.#ms += ms;
  }
}

/**
 * An engine in a folder of its own, with several doors before it. Each door has a region, so that each has tables of
 * its own and must answer as if the others were not there; one region has several doors that are used in turn.
 */
export class World {
  /** That of the caches. */
  readonly clock = new ManualClock();
  /** That of the store. */
  readonly storeClock: ManualClock;
  readonly #directory: string;
  #engine: Engine;
  #accelerators: Accelerator[] = [];
  #doors: readonly Door[];

  private constructor(directory: string, engine: Engine, storeClock: ManualClock) {
    this.#directory = directory;
    this.#engine = engine;
    this.storeClock = storeClock;
    this.#doors = this.#openDoors();
  }

  static async open(): Promise<World> {
    const directory = await mkdtemp(join(tmpdir(), 'slipstream-model-'));
    const storeClock = new ManualClock(storeEpoch * 1000);
    return new World(directory, await openEngine(directory, storeClock), storeClock);
  }

  get doors(): readonly Door[] {
    return this.#doors;
  }

  /**
   * Closes the store, checks its folder, and opens it again; the caches begin empty.
   * @param controlPlaneDelayMs how long changes of tables take from then on.
   */
  async restart(controlPlaneDelayMs = 0): Promise<void> {
    await this.#closeStore();
    this.#engine = await openEngine(this.#directory, this.storeClock, controlPlaneDelayMs);
    this.#doors = this.#openDoors();
  }

  async close(): Promise<void> {
    await this.#closeStore();
    await rm(this.#directory, { recursive: true });
  }

  async #closeStore(): Promise<void> {
    for (const accelerator of this.#accelerators) await accelerator.close();
    await this.#engine.close();
    const { problems } = await checkDataDirectory(this.#directory);
    if (problems.length > 0) throw new Error(`the data folder is damaged:\n${problems.join('\n')}`);
  }

  #openDoors(): readonly Door[] {
    this.#accelerators = [];
    const engine = this.#engine;
    const unannounced: Backend = { call: (request) => engine.call(request), close: async () => {} };
    const inTurns = [this.#accelerate(engine, {}), engine, this.#accelerate(engine, { itemTtlMs: 50 })];
    return [
      door('engine', engine),
      door('large-cache', this.#accelerate(engine, {})),
      door('tiny-cache', this.#accelerate(engine, { cacheBytesMax: 4_000 })),
      door('brief-cache', this.#accelerate(engine, { itemTtlMs: 50 })),
      door('unannounced', this.#accelerate(unannounced, briefly)),
      door('in-turns', rotating(inTurns)),
    ];
  }

  #accelerate(backend: Backend, options: Partial<AcceleratorOptions>): Accelerator {
    const accelerator = accelerated(backend, this.clock, options);
    this.#accelerators.push(accelerator);
    return accelerator;
  }
}

/** @param options where they are to be others than those of a large cache without limits of time. */
export function accelerated(
  backend: Backend,
  clock: Clock,
  options: Partial<AcceleratorOptions>,
): Accelerator {
  return new Accelerator(backend, {
    cacheBytesMax: 64 * 1024 * 1024,
    itemTtlMs: 0,
    queryTtlMs: 3_600_000,
    tables: {},
    describeMs: 1_000,
    settleMs: 0,
    fenceMs: 1_000,
    clock,
    ...options,
  });
}

export function openEngine(directory: string, clock: Clock, controlPlaneDelayMs = 0): Promise<Engine> {
  return Engine.open({
    dataDirectory: directory,
    clock,
    durability: 'sync',
    logSegmentBytesMax: 1024 * 1024,
    overlayBytesMax: 4 * 1024 * 1024,
    capacity: 'provisioned',
    controlPlaneDelayMs,
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

/** @param name of the region too, of which each has its own tables. */
function door(name: string, backend: Pick<Backend, 'call'>): Door {
  return {
    name,
    call: ({ operation, input }) => answerOf(async () => backend.call({ operation, input, region: name })),
  };
}

/** Each call goes to the next backend. */
function rotating(backends: readonly Pick<Backend, 'call'>[]): Pick<Backend, 'call'> {
  let calls = 0;
  return {
    call: (request: Request) => {
      const backend = backends[calls++ % backends.length] as Pick<Backend, 'call'>;
      return backend.call(request);
    },
  };
}

async function answerOf(call: () => Promise<Reply>): Promise<Answer> {
  try {
    const reply = await call();
    return { json: reply.body.toString() };
  } catch (error) {
    if (!(error instanceof DynamoDbError)) throw error;
    return { error: errorOf(error.code, error.message, error.members) };
  }
}
