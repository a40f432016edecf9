import type { Backend } from '../protocol/backend.ts';
import { readIndexes, readTableKey } from './described-indexes.ts';
import {
  type Answer,
  answerOf,
  type Comparison,
  comparisonsOf,
  type Subject,
} from './inspector/comparison.ts';
import { Findings, type Inspection } from './inspector/findings.ts';
import { inParallel } from './inspector/parallel.ts';
import { Reader } from './inspector/reader.ts';
import { sampleKeys } from './inspector/sampler.ts';
import type { InspectorWorld } from './inspector/world.ts';

export type { Example, Inspection, Tally } from './inspector/findings.ts';
export type { InspectorWorld } from './inspector/world.ts';

export interface InspectorOptions {
  /** The endpoint whose cache is looked into. */
  readonly cache: Backend;
  /** The store behind it, whose answers are right. */
  readonly store: Backend;
  readonly region: string;
  /** Names of tables; empty for all that the store has. */
  readonly tables: readonly string[];
  /** Keys to sample, of all tables together. */
  readonly samples: number;
  /** For how long the store's answer has to stand before a difference from it is called lasting. */
  readonly delayMs: number;
  /** Reads of cache and store together, in a second. */
  readonly readsPerSecond: number;
  readonly onProgress?: (progress: Progress) => void;
  readonly world: InspectorWorld;
}

/** How far an inspection is. */
export interface Progress {
  readonly compared: number;
  readonly differing: number;
  /** Keys of all tables that have been drawn. */
  readonly samples: number;
}

/** Comparisons under way at once. */
const comparisonsMax = 16;
/** Differences that are remembered until they are looked at again; with so many of them, no further key is drawn. */
const suspectsMax = 10_000;
/** How often a difference is looked at again while the store's answer changes all the time. */
const roundsMax = 3;

/**
 * Draws keys of the store at random and asks the cache for them: for the item, for the partition of the table, and for
 * the partitions of its indexes. What the cache answers otherwise than the store may be a write that has just come in
 * between. So it is looked at once more: a difference is lasting if the store's answer has stood for `delayMs`, and
 * the cache's, read after that, still is another one.
 *
 * What the cache does not have it reads from the store, as for anybody: an inspection fills it, like any other reader.
 * Keys that the store has no more cannot be drawn; a cached item that was deleted shows in pages only.
 * @throws Error, DynamoDbError of either endpoint; when they throttle, only after several attempts.
 */
export async function inspect(options: InspectorOptions): Promise<Inspection> {
  return new Inspector(options).run();
}

/** A difference, with the store's answer that it is a difference from. */
interface Suspect {
  readonly comparison: Comparison;
  readonly digest: string;
  readonly seenAtMs: number;
}

class Inspector {
  readonly #options: InspectorOptions;
  readonly #reader: Reader;
  readonly #findings = new Findings();
  readonly #suspects: Suspect[] = [];

  constructor(options: InspectorOptions) {
    this.#options = options;
    this.#reader = new Reader(options);
  }

  async run(): Promise<Inspection> {
    const subjects = await this.#describeAll();
    await inParallel(comparisonsMax, this.#draw(subjects), (comparison) => this.#compare(comparison));
    await this.#lookAgain();
    return this.#findings.report(subjects.map(({ name }) => name));
  }

  async #describeAll(): Promise<Subject[]> {
    const { tables } = this.#options;
    const names = tables.length > 0 ? [...new Set(tables)] : await this.#listTables();
    const subjects: Subject[] = [];
    for (const name of names) subjects.push(await this.#describe(name));
    return subjects;
  }

  async #listTables(): Promise<string[]> {
    const names: string[] = [];
    let last: unknown;
    do {
      const input = last === undefined ? {} : { ExclusiveStartTableName: last };
      const output = await this.#reader.read('store', 'ListTables', input);
      if (Array.isArray(output.TableNames)) names.push(...output.TableNames);
      last = output.LastEvaluatedTableName;
    } while (typeof last === 'string');
    return names;
  }

  async #describe(name: string): Promise<Subject> {
    const output = await this.#reader.read('store', 'DescribeTable', { TableName: name });
    const description = output.Table as Record<string, unknown>;
    const schema = readTableKey(description);
    if (schema === undefined) throw new Error(`the key of the table ${name} is not understood`);
    return { name, schema, indexes: readIndexes(description, schema) };
  }

  /** Partitions are compared once, however many of their keys are drawn. */
  async *#draw(subjects: readonly Subject[]): AsyncGenerator<Comparison> {
    const { samples, world } = this.#options;
    for (const [i, subject] of subjects.entries()) {
      const share = Math.ceil((samples - this.#findings.samples) / (subjects.length - i));
      const partitions = new Set<string>();
      for await (const key of sampleKeys(this.#reader, subject, share, world.random)) {
        if (this.#suspects.length >= suspectsMax) {
          this.#findings.isCut = true;
          return;
        }
        this.#findings.samples++;
        yield* comparisonsOf(subject, key, partitions);
      }
    }
  }

  async #compare(comparison: Comparison): Promise<void> {
    const cached = await this.#answer('cache', comparison);
    const stored = await this.#answer('store', comparison);
    const differs = cached.digest !== stored.digest;
    this.#findings.compared(comparison.kind, differs);
    if (differs) this.#suspects.push(this.#suspect(comparison, stored));
    const { total, samples } = this.#findings;
    this.#options.onProgress?.({ compared: total.compared, differing: total.differing, samples });
  }

  async #lookAgain(): Promise<void> {
    let open: readonly Suspect[] = this.#suspects;
    for (let round = 1; round <= roundsMax && open.length > 0; round++) open = await this.#round(open);
    for (const { comparison } of open) this.#findings.undecided(comparison.kind);
  }

  /** @returns those of which the store's answer has changed meanwhile, so that nothing can be said yet. */
  async #round(suspects: readonly Suspect[]): Promise<Suspect[]> {
    const open: Suspect[] = [];
    await inParallel(comparisonsMax, suspects, async (suspect) => {
      const { comparison, digest } = suspect;
      await this.#sleepUntil(suspect.seenAtMs + this.#options.delayMs);
      const cached = await this.#answer('cache', comparison);
      const stored = await this.#answer('store', comparison);
      if (cached.digest === stored.digest) return;
      if (stored.digest === digest) this.#findings.lasting(comparison, cached, stored);
      else open.push(this.#suspect(comparison, stored));
    });
    return open;
  }

  #suspect(comparison: Comparison, { digest }: Answer): Suspect {
    return { comparison, digest, seenAtMs: this.#options.world.clock.monotonic() };
  }

  async #sleepUntil(timeMs: number): Promise<void> {
    const { clock, sleep } = this.#options.world;
    const waitMs = timeMs - clock.monotonic();
    if (waitMs > 0) await sleep(waitMs);
  }

  async #answer(whom: 'cache' | 'store', { operation, input, isConsistent }: Comparison): Promise<Answer> {
    const strictly = whom === 'store' && isConsistent ? { ConsistentRead: true } : {};
    return answerOf(await this.#reader.read(whom, operation, { ...input, ...strictly }));
  }
}
