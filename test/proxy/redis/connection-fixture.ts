import { EventEmitter, once } from 'node:events';
import { Redis } from 'ioredis';
import { systemClock } from '../../../protocol/clock.ts';
import type { Logger } from '../../../protocol/logger.ts';
import { openRedis, type RedisOptions } from '../../../proxy/cache/redis/connection.ts';
import type { RedisNode, RedisNodes, Step } from '../../../proxy/cache/redis/node.ts';

export const trackedPrefix = 'test:i:';

const untilMs = 15_000;

/** Connections as the shared cache has them, with all that they told. */
export class Connections {
  readonly nodes: RedisNodes;
  /** `up NAME`, `down NAME`, in their order. */
  readonly events: string[] = [];
  /** What was announced: undefined for all. */
  readonly touched: (readonly string[] | undefined)[] = [];
  readonly lines: string[] = [];
  readonly #changes = new EventEmitter();

  constructor(urls: readonly string[], options: Partial<RedisOptions> = {}) {
    this.nodes = openRedis({
      ...{ urls, timeoutMs: 5_000, trackedPrefix, clock: systemClock, log: this.#log() },
      events: {
        up: ({ name }) => this.#told(this.events, `up ${name}`),
        down: ({ name }) => this.#told(this.events, `down ${name}`),
        touched: (_node, names) => this.#told(this.touched, names),
      },
      ...options,
    });
  }

  /** Waits for what is told, not for time. */
  async until(holds: () => boolean): Promise<void> {
    const deadline = { signal: AbortSignal.timeout(untilMs) };
    while (!holds()) {
      await once(this.#changes, 'change', deadline).catch(() => {
        throw new Error(`events: ${this.events.join(', ')}; log: ${this.lines.join('\n')}`);
      });
    }
  }

  async untilUp(count = 1): Promise<void> {
    await this.until(() => this.upNodes().length >= count);
  }

  upNodes(): readonly RedisNode[] {
    return this.nodes.all().filter(({ runId }) => runId !== undefined);
  }

  /** The one that has the name. */
  node(name: string): RedisNode {
    const node = this.nodes.nodeOf(name);
    if (node === undefined) throw new Error(`nobody has ${name}`);
    return node;
  }

  run(
    step: Step,
    keys: readonly string[],
    args: readonly (string | Buffer | number)[] = [],
  ): Promise<unknown> {
    return this.node(keys[0] ?? '').run(step, keys, args);
  }

  /** Announced names, without those that were announced for all. */
  touchedNames(): string[] {
    return this.touched.flatMap((names) => names ?? []);
  }

  #log(): Logger {
    const write = (details: object, message: string) =>
      this.#told(this.lines, `${message} ${JSON.stringify(details)}`);
    return { info: write, warn: write, error: write };
  }

  #told<Thing>(list: Thing[], thing: Thing): void {
    list.push(thing);
    this.#changes.emit('change');
  }
}

export function script(lua: string, keyCount = 1): Step {
  return { name: 'test', lua, keyCount, readOnly: false };
}

export const increment = script("return redis.call('INCR', KEYS[1])");
export const set = script("return redis.call('SET', KEYS[1], ARGV[1])");
export const get = script("return redis.call('GET', KEYS[1])");

/** Another client of the same server, which nothing is tested of. */
export function otherClient(port: number): Redis {
  const client = new Redis(port, '127.0.0.1', { retryStrategy: () => 20 });
  client.on('error', () => {});
  return client;
}
