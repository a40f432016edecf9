import type { Item } from '../../protocol/attribute-value.ts';
import type { Answer, Comparison, ComparisonKind } from './comparison.ts';

/** What an inspection has found. */
export interface Inspection {
  readonly tables: readonly string[];
  /** Keys that were drawn. */
  readonly samples: number;
  /** There were so many differences that no more keys were drawn. */
  readonly isCut: boolean;
  readonly total: Tally;
  readonly items: Tally;
  readonly queries: Tally;
  readonly indexQueries: Tally;
  /** Of lasting differences: the first ten. */
  readonly examples: readonly Example[];
}

export interface Tally {
  readonly compared: number;
  /** Answered otherwise by the cache than by the store, at first. */
  readonly differing: number;
  /** Of these, still so after the delay, in which the store's answer has not changed. */
  readonly lasting: number;
  /** Of these, with an answer of the store that changed again and again. */
  readonly undecided: number;
  /** Lasting differences in a million comparisons. */
  readonly lastingPpm: number;
}

export interface Example {
  readonly kind: ComparisonKind;
  readonly table: string;
  readonly index: string | undefined;
  /** Of the item, or of the partition. */
  readonly key: Item;
  /** JSON of the answers: numbers canonical, members and sets in order; long ones are cut. */
  readonly cached: string;
  readonly stored: string;
}

const examplesMax = 10;
const exampleCharactersMax = 1_000;

interface Counts {
  compared: number;
  differing: number;
  lasting: number;
  undecided: number;
}

/** Counts what is found while it is found. */
export class Findings {
  samples = 0;
  isCut = false;
  readonly total: Counts = noCounts();
  readonly #counts: Readonly<Record<ComparisonKind, Counts>> = {
    item: noCounts(),
    query: noCounts(),
    indexQuery: noCounts(),
  };
  readonly #examples: Example[] = [];

  compared(kind: ComparisonKind, differs: boolean): void {
    for (const counts of [this.total, this.#counts[kind]]) {
      counts.compared++;
      if (differs) counts.differing++;
    }
  }

  lasting({ kind, table, index, key }: Comparison, cached: Answer, stored: Answer): void {
    for (const counts of [this.total, this.#counts[kind]]) counts.lasting++;
    if (this.#examples.length >= examplesMax) return;
    const answers = { cached: shortened(cached.text), stored: shortened(stored.text) };
    this.#examples.push({ kind, table, index, key, ...answers });
  }

  undecided(kind: ComparisonKind): void {
    for (const counts of [this.total, this.#counts[kind]]) counts.undecided++;
  }

  report(tables: readonly string[]): Inspection {
    const { item, query, indexQuery } = this.#counts;
    return {
      tables,
      samples: this.samples,
      isCut: this.isCut,
      total: tallyOf(this.total),
      items: tallyOf(item),
      queries: tallyOf(query),
      indexQueries: tallyOf(indexQuery),
      examples: this.#examples,
    };
  }
}

function noCounts(): Counts {
  return { compared: 0, differing: 0, lasting: 0, undecided: 0 };
}

function tallyOf(counts: Counts): Tally {
  const { compared, lasting } = counts;
  return { ...counts, lastingPpm: compared === 0 ? 0 : Math.ceil((lasting / compared) * 1_000_000) };
}

function shortened(text: string): string {
  return text.length > exampleCharactersMax ? `${text.slice(0, exampleCharactersMax)}...` : text;
}
