import type { Clock } from '../../../protocol/clock.ts';
import type { KeyBytes } from '../../../protocol/key.ts';
import type { PageName, PageToken, SharedRead } from '../shared.ts';
import type { Masters } from './masters.ts';
import { generationNames, pageName } from './names.ts';
import { lifeMs, readHit, readTaken, stamped, stampOf } from './stamps.ts';
import { dropGenerationStep, fillPageStep, generationStep, readPageStep } from './steps.ts';
import type { FleetTable } from './table-versions.ts';

/**
 * Pages in Redis. In front of its bytes a page carries the version of its table's pages and the generations that it
 * depends on; it is served while those are the ones that exist. They may be asked for in any order: an id that was
 * dropped never comes back.
 */
export class RedisPages {
  readonly #masters: Masters;
  readonly #clock: Clock;
  readonly #newId: () => string;
  readonly #settleMs: () => number;

  constructor(masters: Masters, { clock, newId, settleMs }: PagesOptions) {
    this.#masters = masters;
    this.#clock = clock;
    this.#newId = newId;
    this.#settleMs = settleMs;
  }

  /** @returns undefined if Redis did not answer. */
  async read(table: FleetTable, page: PageName): Promise<SharedRead<RedisPageToken> | undefined> {
    const name = pageName(table.id, page.name);
    const process = this.#masters.processOf(name);
    if (process === undefined) return undefined;
    const [answer, ...generations] = await Promise.all([
      this.#masters.run(process, readPageStep, [name], []),
      ...page.generations.map((generation) => this.#generation(table.id, generation)),
    ]);
    if (answer === undefined || generations.includes(undefined)) return undefined;
    const taken = generations.map(readTaken);
    const ids = taken.map(({ id }) => id).join(' ');
    const stamp = `${stampOf(process, table.pagesVersion)}${ids}\n`;
    if (Array.isArray(answer) && beginsWith(answer[0], stamp)) return readHit(answer, stamp.length);
    const isUnsettled = taken.some(({ isMarked }) => isMarked) || table.isUnsettled(this.#clock);
    return {
      kind: 'miss',
      token: new RedisPageToken(table, page, name, process.stamp, stamp),
      isUnsettled,
    };
  }

  /** @returns like `RedisItems.fill`. */
  async fill(token: RedisPageToken, value: Buffer, ttlMs: number): Promise<number | undefined> {
    const process = this.#masters.processOf(token.name);
    if (process?.stamp !== token.processStamp) return 0;
    const youngLeftMs = token.table.youngUntilMs - this.#clock.monotonic();
    const keptMs = lifeMs(ttlMs, pageMsMax, youngLeftMs);
    const args = [stamped(token.stamp, value), keptMs];
    const answer = await this.#masters.run(process, fillPageStep, [token.name], args);
    return answer === undefined ? undefined : keptMs;
  }

  /** @returns whether it is certain. */
  async dropGeneration(tableId: string, name: KeyBytes): Promise<boolean> {
    const { id, settling, marker } = generationNames(tableId, name);
    const settleMs = this.#settleMs();
    const keys = settleMs > 0 ? ([id, marker, settling] as const) : ([id, marker] as const);
    return (await this.#masters.runAnywhere(dropGenerationStep, keys, [settleMs])) !== undefined;
  }

  async #generation(tableId: string, name: KeyBytes): Promise<unknown> {
    const { id, settling } = generationNames(tableId, name);
    const process = this.#masters.processOf(id);
    if (process === undefined) return undefined;
    const newId = process.stamp + this.#newId();
    const keys = this.#settleMs() > 0 ? [id, settling] : [id];
    return this.#masters.run(process, generationStep, keys, [process.stamp, newId, pageMsMax]);
  }
}

export interface PagesOptions {
  readonly clock: Clock;
  readonly newId: () => string;
  /** As of `RedisCacheOptions`. */
  readonly settleMs: () => number;
}

export class RedisPageToken implements PageToken {
  readonly table: FleetTable;
  readonly page: PageName;
  readonly name: string;
  readonly processStamp: string;
  /** Begins the page. */
  readonly stamp: string;

  constructor(table: FleetTable, page: PageName, name: string, processStamp: string, stamp: string) {
    this.table = table;
    this.page = page;
    this.name = name;
    this.processStamp = processStamp;
    this.stamp = stamp;
  }
}

/** How long a page is kept at most, and a generation after its last use. */
const pageMsMax = 3_600_000;

function beginsWith(value: unknown, stamp: string): boolean {
  return Buffer.isBuffer(value) && value.toString('latin1', 0, stamp.length) === stamp;
}
