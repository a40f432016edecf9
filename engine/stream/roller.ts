import type { Clock } from '../../protocol/clock.ts';
import type { Logger } from '../../protocol/logger.ts';
import { Reply } from '../../protocol/reply.ts';
import { type Catalog, catalogRecord } from '../catalog.ts';
import type { Committer } from '../commit.ts';
import { isDueToRoll } from './definition.ts';

export interface ShardRollerOptions {
  /** The committed tables and streams. */
  readonly catalog: Catalog;
  readonly committer: Committer;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long shards are open. */
  readonly shardMs: number;
}

/**
 * Closes shards that have been open long enough and opens their children, so that readers meet the lineage of shards as they do on
 * AWS. A roll is a write like any other, decided in the commit queue on the stream as it is then.
 */
export class ShardRoller {
  readonly #options: ShardRollerOptions;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ShardRollerOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#closed) return;
    const delayMs = Math.min(Math.max(this.#options.shardMs / 10, checkMsMin), checkMsMax);
    this.#timer = setTimeout(() => void this.#check().then(() => this.start()), delayMs);
    this.#timer.unref();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #check(): Promise<void> {
    const { catalog, committer, clock, log } = this.#options;
    if (!this.#due(catalog, clock.now()).next().done) {
      try {
        await committer.submit(({ catalog: current, timeMs }) => {
          const changes = Array.from(this.#due(current, timeMs), (roll) => catalogRecord({ roll }));
          return { changes, reply: new Reply({}) };
        });
      } catch (error) {
        if (!this.#closed) log.warn({ err: error }, 'cannot roll the shards of streams; trying again later');
      }
    }
  }

  *#due(catalog: Catalog, nowMs: number): Generator<number> {
    for (const stream of catalog.streams.open()) {
      if (isDueToRoll(stream, this.#options.shardMs, nowMs)) yield stream.number;
    }
  }
}

/** Between two looks at the streams. */
const checkMsMin = 10;
const checkMsMax = 60_000;
