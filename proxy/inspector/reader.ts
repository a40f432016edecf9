import type { Backend } from '../../protocol/backend.ts';
import { DynamoDbError } from '../../protocol/errors.ts';
import type { Output } from '../../protocol/reply.ts';
import type { InspectorWorld } from './world.ts';

export interface ReaderOptions {
  readonly cache: Backend;
  readonly store: Backend;
  readonly region: string;
  readonly readsPerSecond: number;
  readonly world: InspectorWorld;
}

/** Attempts of one read that is throttled, with pauses that double. */
const attemptsMax = 6;
const firstPauseMs = 100;

const throttled: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
]);

/** Reads of cache and store, no more of them in a second than allowed. */
export class Reader {
  readonly #options: ReaderOptions;
  /** By the monotonic clock: when the next read may be sent. */
  #nextAtMs = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  async read(
    whom: 'cache' | 'store',
    operation: string,
    input: Readonly<Record<string, unknown>>,
  ): Promise<Output> {
    const { region, world } = this.#options;
    for (let attempt = 1; ; attempt++) {
      await this.#turn();
      try {
        const { body } = await this.#options[whom].call({ operation, input, region });
        // Some backends have items in forms of their own in their output.
        return JSON.parse(body.toString()) as Output;
      } catch (error) {
        const isThrottled = error instanceof DynamoDbError && throttled.has(error.code);
        if (!isThrottled || attempt === attemptsMax) throw error;
        await world.sleep(firstPauseMs * 2 ** (attempt - 1));
      }
    }
  }

  async #turn(): Promise<void> {
    const { readsPerSecond, world } = this.#options;
    const nowMs = world.clock.monotonic();
    const atMs = Math.max(nowMs, this.#nextAtMs);
    this.#nextAtMs = atMs + 1_000 / readsPerSecond;
    if (atMs > nowMs) await world.sleep(atMs - nowMs);
  }
}
